//! Records of the CVE list (JSON 5): what the numbering authority says (`cna`), and what CISA adds
//! (`adp`), each as a record of its own.
//!
//! Software is taken by CPE alone. Packages of registries and distributions have feeds of their own,
//! whose bounds somebody has looked after.

use std::collections::BTreeMap;

use serde::Deserialize;

use domain::advisory::{Interval, Lower, Record, Upper};
use domain::cpe::Cpe;
use domain::severity::Rating;
use domain::source::SourceId;
use domain::time::Timestamp;

use super::lenient::{Object, Text, Texts};
use super::nvd::{Configuration, Said, Statements};
use super::shape::{Shape, has};
use super::words::{Link, Vector, Words, date, english};
use crate::ingest::Ingested;

pub(super) fn is_json(shape: &Shape) -> bool {
    shape.json_keys().is_some_and(|keys| has(keys, &["cveMetadata"]) || has(keys, &["dataType", "containers"]))
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(default)]
    cve_metadata: Object<Metadata>,
    #[serde(default)]
    containers: Object<Containers>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    #[serde(default)]
    cve_id: Text,
    #[serde(default)]
    state: Text,
    #[serde(default)]
    date_published: Text,
    #[serde(default)]
    date_updated: Text,
    #[serde(default)]
    date_rejected: Text,
}

#[derive(Deserialize, Default)]
struct Containers {
    #[serde(default)]
    cna: Object<Container>,
    #[serde(default)]
    adp: Vec<Object<Container>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Container {
    #[serde(default)]
    title: Text,
    #[serde(default)]
    provider_metadata: Object<Provider>,
    #[serde(default)]
    descriptions: Vec<Object<Words>>,
    #[serde(default)]
    rejected_reasons: Vec<Object<Words>>,
    #[serde(default)]
    affected: Vec<Object<Product>>,
    #[serde(default)]
    cpe_applicability: Vec<Object<Configuration>>,
    #[serde(default)]
    metrics: Vec<Object<Metric>>,
    #[serde(default)]
    problem_types: Vec<Object<Problems>>,
    #[serde(default)]
    references: Vec<Object<Link>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Provider {
    #[serde(default)]
    short_name: Text,
    #[serde(default)]
    date_updated: Text,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Product {
    #[serde(default)]
    package_name: Text,
    #[serde(default)]
    cpes: Texts,
    #[serde(default)]
    versions: Vec<Object<Version>>,
    #[serde(default)]
    default_status: Text,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Version {
    #[serde(default)]
    version: Text,
    #[serde(default)]
    status: Text,
    #[serde(default)]
    version_type: Text,
    #[serde(default)]
    less_than: Text,
    #[serde(default)]
    less_than_or_equal: Text,
    #[serde(default)]
    changes: Vec<Object<Change>>,
}

#[derive(Deserialize, Default)]
struct Change {
    #[serde(default)]
    at: Text,
    #[serde(default)]
    status: Text,
}

#[derive(Deserialize, Default)]
struct Metric {
    #[serde(default, rename = "cvssV4_0")]
    v40: Object<Vector>,
    #[serde(default, rename = "cvssV3_1")]
    v31: Object<Vector>,
    #[serde(default, rename = "cvssV3_0")]
    v30: Object<Vector>,
    #[serde(default, rename = "cvssV2_0")]
    v2: Object<Vector>,
}

#[derive(Deserialize, Default)]
struct Problems {
    #[serde(default)]
    descriptions: Vec<Object<ProblemType>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct ProblemType {
    #[serde(default)]
    cwe_id: Text,
}

pub(super) fn read_json(document: &str, bytes: &[u8], into: &mut Ingested) {
    let source = SourceId::new("cve");
    let Object(read) = match serde_json::from_slice::<Object<Document>>(bytes) {
        Ok(read) => read,
        Err(error) => return into.reject(Some(source), document, None, error.to_string()),
    };
    let metadata = read.cve_metadata.0;
    let Some(id) = metadata.cve_id.as_deref().filter(|id| id.starts_with("CVE-")) else {
        return into.reject(Some(source), document, None, "record without a CVE id".to_owned());
    };
    let Containers { cna: Object(cna), adp } = read.containers.0;
    let mut record = record(source, id, cna, into);
    record.published = date(&metadata.date_published);
    record.modified = date(&metadata.date_updated).or(record.modified);
    if metadata.state.as_deref() == Some("REJECTED") {
        record.withdrawn = date(&metadata.date_rejected).or(record.modified).or(Some(Timestamp::UNIX_EPOCH));
        record.affected.clear();
    }
    into.accept(record);
    for Object(container) in adp {
        match container.provider_metadata.0.short_name.as_deref() {
            Some("CISA-ADP") => {}
            // The programme's own container repeats references and says nothing else.
            Some("CVE") => continue,
            other => {
                let publisher = || format!("{id}: {}", first(other.unwrap_or("nobody")));
                into.note(&SourceId::new("cve"), "container of a publisher that is not read: ignored", publisher);
                continue;
            }
        }
        let added = self::record(SourceId::new("cisa-adp"), id, container, into);
        if !(added.ratings.is_empty() && added.affected.is_empty() && added.cwes.is_empty()) {
            into.accept(Record { title: None, ..added });
        }
    }
}

fn record(source: SourceId, id: &str, container: Container, into: &mut Ingested) -> Record {
    let mut record = Record::new(source.clone(), id);
    record.modified = date(&container.provider_metadata.0.date_updated);
    record.title = container.title.0;
    let words = container.descriptions.into_iter().chain(container.rejected_reasons);
    record.description = english(words);
    record.ratings = container.metrics.iter().flat_map(|Object(metric)| rated(&source, id, metric, into)).collect();
    let problems = container.problem_types.into_iter().flat_map(|Object(problems)| problems.descriptions);
    record.cwes = problems.filter_map(|Object(problem)| problem.cwe_id.0).collect();
    record.references = container.references.into_iter().filter_map(|Object(link)| link.reference()).collect();
    let mut statements = Statements::new(source.clone(), id);
    if container.cpe_applicability.is_empty() {
        let nameless = |product: &Object<Product>| product.0.cpes.0.is_empty() && product.0.mentions_affected();
        if container.affected.iter().any(nameless) {
            into.note(&source, "affected software without a CPE: left out", || id.to_owned());
        }
        for Object(product) in &container.affected {
            software(&source, id, product, &mut statements, into);
        }
    }
    for Object(configuration) in &container.cpe_applicability {
        configuration.each(&mut |one, sign| statements.add(one, sign, into));
    }
    record.affected = statements.finish();
    record
}

fn rated(source: &SourceId, id: &str, metric: &Metric, into: &mut Ingested) -> Vec<Rating> {
    let vectors = [&metric.v40, &metric.v31, &metric.v30, &metric.v2];
    vectors.into_iter().filter_map(|Object(vector)| vector.rated(source, id, source, into)).collect()
}

/// What is said of one product, for each of its names.
fn software(source: &SourceId, id: &str, product: &Product, statements: &mut Statements, into: &mut Ingested) {
    // Beside the name of a package, a CPE names what the package is a part of.
    if product.package_name.as_deref().is_some() {
        if !product.cpes.0.is_empty() {
            into.note(source, "software for which a package is named: left out", || id.to_owned());
        }
        return;
    }
    if !product.cpes.0.is_empty() && product.is_unknown() {
        into.note(source, "software of which all versions are of unknown status: left out", || id.to_owned());
    }
    let mut names: BTreeMap<_, Vec<(&str, Cpe)>> = BTreeMap::new();
    for text in &product.cpes.0 {
        match Cpe::parse(text) {
            Some(cpe) if cpe.part == 'h' => {}
            Some(cpe) => names.entry((cpe.name(), cpe.qualifiers())).or_default().push((text, cpe)),
            None => into.note(source, "CPE that cannot be read: ignored", || format!("{id}: {}", first(text))),
        }
    }
    let said = if names.is_empty() { Vec::new() } else { product.said(source, id, into) };
    // Beside versions, the one in a name is an example of them. Where they are missing or cannot be read, it is all there is.
    let is_alone = product.versions.is_empty() && product.is_affected_by_default();
    let is_needed = is_alone || said.iter().any(|said| matches!(said, Said::Unreadable | Said::Commits));
    for cpes in names.values() {
        for (text, cpe) in cpes.iter().filter(|(_, cpe)| is_alone || (is_needed && cpe.listed().is_some())) {
            statements.say_named(cpe, Interval::all(), text, into);
        }
        let one = cpes.first().filter(|_| !is_alone);
        one.into_iter().for_each(|(_, cpe)| said.iter().for_each(|said| statements.say(cpe, said.clone())));
    }
}

fn first(text: &str) -> String {
    text.chars().take(120).collect()
}

impl Product {
    fn mentions_affected(&self) -> bool {
        self.is_affected_by_default() || self.versions.iter().any(|Object(version)| version.is("affected"))
    }

    /// Of all its versions nobody knows whether they are affected.
    fn is_unknown(&self) -> bool {
        let default = self.default_status.as_deref().is_none_or(|status| status == "unknown");
        default && !self.versions.is_empty() && self.versions.iter().all(|Object(version)| version.is("unknown"))
    }

    fn is_affected_by_default(&self) -> bool {
        self.default_status.as_deref() == Some("affected")
    }

    fn said(&self, source: &SourceId, id: &str, into: &mut Ingested) -> Vec<Said> {
        let mut said = Vec::new();
        for Object(version) in self.versions.iter().filter(|Object(version)| version.is("affected")) {
            if version.changes_unreadably() {
                let text = || format!("{id}: {}", first(version.version.as_deref().unwrap_or_default()));
                into.note(source, "change to a status that says nothing: unevaluated", text);
                said.push(Said::Unreadable);
            }
            match version.said() {
                Some(more) => said.extend(more),
                None => {
                    let text = || format!("{id}: {}", first(version.version.as_deref().unwrap_or_default()));
                    into.note(source, "version that is a commit or free text: unevaluated", text);
                    said.push(if version.is_commit() { Said::Commits } else { Said::Unreadable });
                }
            }
        }
        if self.is_affected_by_default() {
            said.push(Said::Range(self.until_unaffected()));
        }
        said
    }

    /// All versions are affected but the ones that are excepted. Only "from here on" is a bound that
    /// is sure; other exceptions are left out, for they must not hide what lies beside them.
    fn until_unaffected(&self) -> Interval {
        let mut fixes = self.versions.iter().filter(|Object(version)| version.is("unaffected") && version.is_open());
        match (fixes.next().and_then(|Object(fix)| bound(&fix.version)), fixes.next()) {
            (Some(fixed), None) => Interval::below(fixed),
            _ => Interval::all(),
        }
    }
}

impl Version {
    fn is(&self, status: &str) -> bool {
        self.status.as_deref() == Some(status)
    }

    /// From its version on, without an end.
    fn is_open(&self) -> bool {
        [&self.less_than, &self.less_than_or_equal].iter().any(|end| end.as_deref() == Some("*"))
    }

    fn is_commit(&self) -> bool {
        self.version_type.as_deref() == Some("git")
    }

    /// None when its versions cannot be ordered.
    fn said(&self) -> Option<Vec<Said>> {
        if self.is_commit() {
            return None;
        }
        let from = self.version.as_deref().unwrap_or("*");
        let lower = if is_placeholder(from) { Lower::Start } else { Lower::Introduced(bound(&self.version)?) };
        let upper = match (self.less_than.as_deref(), self.less_than_or_equal.as_deref()) {
            _ if self.is_open() => Upper::Open,
            (Some(_), _) => Upper::Fixed(bound(&self.less_than)?),
            (None, Some(_)) => Upper::LastAffected(bound(&self.less_than_or_equal)?),
            (None, None) => match lower {
                Lower::Introduced(version) if self.changes.is_empty() => return Some(vec![Said::Version(version)]),
                _ => Upper::Open,
            },
        };
        self.with_changes(lower, upper)
    }

    fn changes_unreadably(&self) -> bool {
        let is_readable = |status: Option<&str>| matches!(status, Some("affected" | "unaffected"));
        self.changes.iter().any(|Object(change)| !is_readable(change.status.as_deref()))
    }

    fn with_changes(&self, lower: Lower, upper: Upper) -> Option<Vec<Said>> {
        let (mut said, mut open) = (Vec::new(), Some(lower));
        for Object(change) in &self.changes {
            let at = bound(&change.at)?;
            match (change.status.as_deref(), open.take()) {
                (Some("affected"), None) => open = Some(Lower::Introduced(at)),
                (Some("unaffected"), Some(lower)) => {
                    said.push(Said::Range(Interval { lower, upper: Upper::Fixed(at) }));
                }
                // Only "unaffected" is a fix.
                (_, lower) => open = lower,
            }
        }
        said.extend(open.map(|lower| Said::Range(Interval { lower, upper })));
        Some(said)
    }
}

fn is_placeholder(version: &str) -> bool {
    matches!(version.to_ascii_lowercase().as_str(), "0" | "*" | "-" | "n/a" | "unspecified" | "unknown" | "all")
}

/// A text that can be a version.
fn bound(text: &Text) -> Option<String> {
    let text = text.as_deref()?;
    let fits = text.len() <= 64
        && text.bytes().any(|byte| byte.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_+~:".contains(&byte));
    fits.then(|| text.to_owned())
}
