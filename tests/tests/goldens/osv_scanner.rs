//! OSV-Scanner: its recorded questions to api.osv.dev, each with the whole answer, and a report.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use domain::advisory::PackageKey;
use domain::component::Inventory;
use domain::matching::{Plan, SourceNames, plan};
use domain::time::Timestamp;
use serde_json::Value;

use crate::archive::{Archive, list, text};
use crate::document::{Document, Knowledge, Theirs, day, inventory, osv_key, osv_purl, place, place_of, read};

/// SBOMs whose packages were asked about.
const SBOMS: &[(&str, &str)] = &[
    ("OSV-Scanner: postgres on Debian 9 (Syft SBOM)", "postgres-stretch.cdx.xml"),
    ("OSV-Scanner: Alpine 3.17 (Syft SBOM)", "alpine.cdx.xml"),
    ("OSV-Scanner: Alpine 3.17 (Syft SBOM with duplicates)", "with-duplicates.cdx.xml"),
    ("OSV-Scanner: zlib on Alpine (Trivy SBOM)", "alpine-zlib-16.cdx.json"),
];

/// When the newest of the recorded answers was given.
const RECORDED: &str = "2026-07-29T00:00:00Z";

/// One recorded question and its answer.
struct Answer {
    ecosystem: String,
    name: String,
    version: String,
    ids: Vec<String>,
    /// The answer has more pages than were recorded with it.
    cut: bool,
}

pub(crate) fn documents(data: &Path) -> Vec<Document> {
    let archive = Archive::open(&data.join("goldens/osv-scanner-testdata.tar.zst"));
    let recorded = recorded(&archive);
    let mut documents: Vec<_> = recorded
        .iter()
        .map(|(test, answers)| asked(test, answers))
        .filter(|document| !document.findings.is_empty())
        .collect();
    let every: BTreeMap<_, _> = recorded
        .values()
        .flatten()
        .filter_map(|answer| Some(((osv_key(&answer.ecosystem, &answer.name)?, answer.version.clone()), answer)))
        .collect();
    for (name, file) in SBOMS {
        let (_, bytes) = archive.under(file, file).next().expect(file);
        documents.push(answered(name, read(bytes), &every));
    }
    let reports = Archive::open(&data.join("goldens/scanner-reports-defectdojo.tar.zst"));
    documents.push(report(&reports.json("osv_scanner/many_findings.json")));
    documents
}

/// Answers by the test that asked; tests that asked the same are one.
fn recorded(archive: &Archive) -> BTreeMap<String, Vec<Answer>> {
    let mut tests: BTreeMap<String, Vec<Answer>> = BTreeMap::new();
    for (path, bytes) in archive.under("/cassettes/", ".yaml") {
        let cassette: Value = yaml_serde::from_slice(bytes).unwrap_or_else(|error| panic!("{path}: {error}"));
        for interaction in list(&cassette, "/interactions") {
            if text(interaction, "/request/url").ends_with("/querybatch") {
                let test = text(interaction, "/request/headers/X-Test-Name/0").to_owned();
                tests.entry(test).or_default().extend(answers(interaction));
            }
        }
    }
    let mut seen = BTreeSet::new();
    tests.retain(|_, answers| {
        let mut questions: Vec<_> =
            answers.iter().map(|a| format!("{} {} {}", a.ecosystem, a.name, a.version)).collect();
        questions.sort();
        seen.insert(questions)
    });
    tests
}

fn answers(interaction: &Value) -> Vec<Answer> {
    let body = |pointer| serde_json::from_str::<Value>(text(interaction, pointer)).expect("a JSON body");
    let (question, answer) = (body("/request/body"), body("/response/body"));
    let pairs = list(&question, "/queries").iter().zip(list(&answer, "/results"));
    pairs
        .map(|(query, result)| Answer {
            ecosystem: text(query, "/package/ecosystem").to_owned(),
            name: text(query, "/package/name").to_owned(),
            version: text(query, "/version").to_owned(),
            ids: list(result, "/vulns").iter().map(|found| text(found, "/id").to_owned()).collect(),
            cut: result.get("next_page_token").is_some(),
        })
        .collect()
}

/// The packages that OSV-Scanner asked about are its inventory.
fn asked(test: &str, answers: &[Answer]) -> Document {
    let mut purls = Vec::new();
    let mut findings = Vec::new();
    for answer in answers.iter().filter(|answer| !answer.cut) {
        let Some(purl) = osv_purl(&answer.ecosystem, &answer.name, &answer.version) else { continue };
        findings.extend(theirs(&place(&purl), answer));
        purls.push(purl);
    }
    let test = test.strip_prefix("TestCommand").unwrap_or(test).trim_start_matches(['_', '/']);
    let name = format!("OSV-Scanner: {}", if test.is_empty() { "Alpine 3.17 packages" } else { test });
    Document { name, inventory: inventory("osv-scanner", purls), findings, knowledge: knowledge() }
}

fn theirs(place: &str, answer: &Answer) -> Vec<Theirs> {
    let package = osv_key(&answer.ecosystem, &answer.name);
    let finding = |id: &String| Theirs {
        place: place.to_owned(),
        id: id.clone(),
        package: package.clone(),
        reason: String::new(),
    };
    answer.ids.iter().map(finding).collect()
}

/// An SBOM as it is, with the recorded answers for its packages. OSV-Scanner asks for a system
/// package under its own name, not under that of its source package.
fn answered(name: &str, inventory: Inventory, every: &BTreeMap<(PackageKey, String), &Answer>) -> Document {
    let names = SourceNames::of(&inventory);
    let mut findings = Vec::new();
    for component in &inventory.components {
        let Plan::Lookups(lookups) = plan(component, inventory.distribution.as_ref(), names) else { continue };
        for lookup in lookups {
            let system = lookup.package.ecosystem.release.is_some();
            let own = PackageKey::new(lookup.package.ecosystem.clone(), &component.name);
            let asked = if system { own } else { lookup.package };
            if let Some(answer) = every.get(&(asked, lookup.version)) {
                findings.extend(theirs(&place_of(component), answer));
            }
        }
    }
    Document { name: name.to_owned(), inventory, findings, knowledge: knowledge() }
}

fn knowledge() -> Knowledge {
    Knowledge::Until(day(RECORDED))
}

/// A report of a real scan of many lock files.
fn report(report: &Value) -> Document {
    let mut purls = Vec::new();
    let mut findings = Vec::new();
    let mut newest: Option<Timestamp> = None;
    for package in list(report, "/results").iter().flat_map(|result| list(result, "/packages")) {
        let part = |pointer| text(package, pointer);
        let (ecosystem, name) = (part("/package/ecosystem"), part("/package/name"));
        let Some(purl) = osv_purl(ecosystem, name, part("/package/version")) else { continue };
        for vulnerability in list(package, "/vulnerabilities") {
            newest = newest.max(Timestamp::parse_lenient(text(vulnerability, "/modified")).ok());
            findings.push(Theirs {
                place: place(&purl),
                id: text(vulnerability, "/id").to_owned(),
                package: osv_key(ecosystem, name),
                reason: String::new(),
            });
        }
        purls.push(purl);
    }
    // The report states no date; its data is at least as new as its newest record.
    let knowledge = newest.map_or(Knowledge::Excerpt, Knowledge::Until);
    let inventory = inventory("osv-scanner", purls);
    Document { name: "OSV-Scanner: lock files of several projects".to_owned(), inventory, findings, knowledge }
}
