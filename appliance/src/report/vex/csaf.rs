//! CSAF 2.0, profile VEX (section 4.5 of the standard).
//!
//! Without any finding there is nothing that the profile could be used for: the document is then one of the
//! base profile, and says so in its title.

use std::collections::BTreeMap;

use domain::finding::Finding;
use domain::time::Timestamp;
use domain::vex::VexStatus;
use serde::Serialize;

use super::{Grouped, Said, grouped, root};
use crate::report::cyclonedx::serial_number;
use crate::report::{Report, tool_version};

#[derive(Serialize)]
pub(crate) struct Csaf<'a> {
    document: About<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    product_tree: Option<Tree>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    vulnerabilities: Vec<Vulnerability<'a>>,
}

#[derive(Serialize)]
struct About<'a> {
    category: &'static str,
    csaf_version: &'static str,
    publisher: Publisher<'a>,
    title: String,
    tracking: Tracking<'a>,
}

#[derive(Serialize)]
struct Publisher<'a> {
    category: &'static str,
    name: &'a str,
    namespace: &'a str,
}

#[derive(Serialize)]
struct Tracking<'a> {
    current_release_date: Timestamp,
    generator: Generator<'a>,
    id: String,
    initial_release_date: Timestamp,
    revision_history: [Revision; 1],
    status: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct Generator<'a> {
    engine: Engine<'a>,
}

#[derive(Serialize)]
struct Engine<'a> {
    name: &'static str,
    version: &'a str,
}

#[derive(Serialize)]
struct Revision {
    date: Timestamp,
    number: &'static str,
    summary: &'static str,
}

#[derive(Serialize)]
struct Tree {
    full_product_names: Vec<FullName>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    relationships: Vec<Relationship>,
}

#[derive(Serialize)]
struct FullName {
    name: String,
    product_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    product_identification_helper: Option<Helper>,
}

#[derive(Serialize)]
struct Helper {
    purl: String,
}

#[derive(Serialize)]
struct Relationship {
    category: &'static str,
    full_product_name: FullName,
    product_reference: String,
    relates_to_product_reference: &'static str,
}

#[derive(Serialize)]
struct Vulnerability<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    cve: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    flags: Vec<Flag>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ids: Vec<Id<'a>>,
    notes: Vec<Note>,
    product_status: BTreeMap<&'static str, Vec<String>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    remediations: Vec<Remark>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    threats: Vec<Remark>,
}

#[derive(Serialize)]
struct Flag {
    label: &'static str,
    product_ids: Vec<String>,
}

#[derive(Serialize)]
struct Id<'a> {
    system_name: &'a str,
    text: &'a str,
}

#[derive(Serialize)]
struct Note {
    category: &'static str,
    text: String,
}

/// A threat or a remediation.
#[derive(Serialize)]
struct Remark {
    category: &'static str,
    details: String,
    product_ids: Vec<String>,
}

const ROOT: &str = "subject";

pub(crate) fn csaf(report: &Report) -> Csaf<'_> {
    let groups = grouped(report);
    let vulnerabilities: Vec<_> = groups.iter().map(|(name, said)| vulnerability(name, said, report)).collect();
    let nothing = vulnerabilities.is_empty();
    let at = report.verdict.evaluated_at;
    let about = if nothing { "nothing found in" } else { "findings in" };
    Csaf {
        document: About {
            category: if nothing { "csaf_base" } else { "csaf_vex" },
            csaf_version: "2.0",
            publisher: Publisher { category: "user", name: &report.author.name, namespace: &report.author.namespace },
            title: format!("VEX: {about} {}", report.artifact),
            tracking: Tracking {
                current_release_date: at,
                generator: Generator {
                    engine: Engine { name: "stella", version: tool_version(&report.verdict.engine) },
                },
                id: serial_number(report),
                initial_release_date: at,
                revision_history: [Revision { date: at, number: "1", summary: "Made by a scan." }],
                status: "final",
                version: "1",
            },
        },
        product_tree: (!nothing).then(|| tree(report, &groups)),
        vulnerabilities,
    }
}

/// One product per component, because equal purls may be told apart by statements.
fn id(finding: &Finding) -> String {
    format!("component-{}", finding.component)
}

/// What a status is said of: the component, in what the document describes when that has a purl.
fn product(finding: &Finding, report: &Report) -> String {
    match report.inventory.identity.root {
        Some(_) => format!("{ROOT}:{}", id(finding)),
        None => id(finding),
    }
}

fn tree(report: &Report, groups: &Grouped<'_>) -> Tree {
    let root = root(report);
    let mut components: BTreeMap<usize, &Finding> = BTreeMap::new();
    for finding in groups.values().flat_map(BTreeMap::values).flatten() {
        components.insert(finding.component, finding);
    }
    let helper = |purl| Some(Helper { purl });
    let named = |finding: &Finding| format!("{} {}", finding.package, finding.version);
    let mut full_product_names: Vec<FullName> = components
        .values()
        .map(|finding| FullName {
            name: named(finding),
            product_id: id(finding),
            product_identification_helper: finding.purl.clone().and_then(helper),
        })
        .collect();
    let mut relationships = Vec::new();
    if let Some(purl) = root {
        let (name, product_id) = (report.artifact.clone(), ROOT.to_owned());
        full_product_names.push(FullName { name, product_id, product_identification_helper: helper(purl) });
        relationships.extend(components.values().map(|finding| Relationship {
            category: "default_component_of",
            full_product_name: FullName {
                name: format!("{} in {}", named(finding), report.artifact),
                product_id: product(finding, report),
                product_identification_helper: None,
            },
            product_reference: id(finding),
            relates_to_product_reference: ROOT,
        }));
    }
    Tree { full_product_names, relationships }
}

fn vulnerability<'a>(name: &'a str, groups: &BTreeMap<Said, Vec<&'a Finding>>, report: &Report) -> Vulnerability<'a> {
    let cve = Some(name).filter(|name| is_cve(name));
    let findings = || groups.values().flatten();
    let mut ids: Vec<&str> = findings().flat_map(|finding| finding.aliases.iter().map(String::as_str)).collect();
    ids.extend(cve.is_none().then_some(name));
    ids.retain(|id| Some(*id) != cve);
    ids.sort_unstable();
    ids.dedup();
    let title = findings().find_map(|finding| finding.title.clone()).unwrap_or_else(|| name.to_owned());
    let mut said_of = Vulnerability {
        cve,
        flags: Vec::new(),
        ids: ids.into_iter().map(|text| Id { system_name: system(text), text }).collect(),
        notes: vec![Note { category: "description", text: title }],
        product_status: BTreeMap::new(),
        remediations: Vec::new(),
        threats: Vec::new(),
    };
    for (said, findings) in groups {
        let mut products: Vec<String> = findings.iter().map(|finding| product(finding, report)).collect();
        products.sort_unstable();
        products.dedup();
        said_of.add(said, products);
    }
    said_of
}

impl Vulnerability<'_> {
    fn add(&mut self, said: &Said, product_ids: Vec<String>) {
        let status = match said.status {
            VexStatus::NotAffected => "known_not_affected",
            VexStatus::Affected => "known_affected",
            VexStatus::Fixed => "fixed",
            VexStatus::UnderInvestigation => "under_investigation",
        };
        self.product_status.entry(status).or_default().extend(product_ids.iter().cloned());
        self.notes.extend(said.notes.iter().map(|text| Note { category: "details", text: text.clone() }));
        let label = said.justification.filter(|_| said.status == VexStatus::NotAffected);
        self.flags.extend(label.map(|label| Flag { label: label.as_str(), product_ids: product_ids.clone() }));
        let no_reason = said.status == VexStatus::NotAffected && said.justification.is_none() && said.impact.is_none();
        let impact = said.impact.clone().or(no_reason.then(|| "The author gives no reason.".to_owned()));
        let remark = |category, details| Remark { category, details, product_ids: product_ids.clone() };
        self.threats.extend(impact.map(|details| remark("impact", details)));
        self.remediations.extend(said.action.clone().map(|details| remark(said.remediation, details)));
    }
}

/// The standard's pattern.
fn is_cve(name: &str) -> bool {
    let digits = |text: &str, least: usize| text.len() >= least && text.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = name.split('-').collect();
    matches!(parts.as_slice(), ["CVE", year, number] if digits(year, 4) && year.len() == 4 && digits(number, 4))
}

fn system(id: &str) -> &str {
    match id.split_once('-') {
        Some(("GHSA", _)) => "GitHub Advisory Database",
        Some((prefix, _)) if !prefix.is_empty() => prefix,
        _ => "other",
    }
}
