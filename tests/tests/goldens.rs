//! Findings next to those that other scanners state of the same packages.
//!
//! Everything happens in memory: the feeds of the shared data are read and merged, documents of
//! Trivy, Grype, OSV-Scanner and others are turned into inventories, and both sets of findings
//! are compared. The method and its outcome are told in `docs/matching-differences.md`.

#[path = "goldens/archive.rs"]
mod archive;
#[path = "goldens/audits.rs"]
mod audits;
#[path = "goldens/compare.rs"]
mod compare;
#[path = "goldens/corpus.rs"]
mod corpus;
#[path = "goldens/document.rs"]
mod document;
#[path = "goldens/grype.rs"]
mod grype;
#[path = "goldens/matchers.rs"]
mod matchers;
#[path = "goldens/osv_scanner.rs"]
mod osv_scanner;
#[path = "goldens/rules.rs"]
mod rules;
#[path = "goldens/trivy.rs"]
mod trivy;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;

use archive::shared;
use compare::{Comparison, Difference, Side, compare};
use corpus::Corpus;
use document::Document;
use rules::{RULES, rule_for};

/// Fewer documents than this, or fewer ecosystems, would not show much.
const DOCUMENTS_MIN: usize = 30;
const ECOSYSTEMS: &[&str] =
    &["Alpine", "Debian", "Go", "Maven", "Packagist", "PyPI", "RubyGems", "Wolfi", "crates.io", "npm"];

#[test]
fn every_difference_to_another_scanner_has_an_explanation() {
    let Some(data) = shared() else { return };
    let corpus = Corpus::load(&data);
    let compared: Vec<_> = documents(&data)
        .into_iter()
        .map(|document| (compare(&document, &corpus), document))
        .filter(|(comparison, _)| comparison.overlaps())
        .collect();
    for (comparison, document) in &compared {
        say(&line(comparison, document));
    }
    let (used, unexplained) = explain_all(&compared);
    for rule in RULES {
        say(&format!("{} {}: {}", used.get(rule.id).copied().unwrap_or_default(), rule.id, rule.reason));
    }
    assert_eq!(unexplained, [""; 0], "differences that no rule explains");
    let unused: Vec<_> = RULES.iter().map(|rule| rule.id).filter(|id| !used.contains_key(id)).collect();
    assert_eq!(unused, [""; 0], "rules that explain nothing");
    assert!(compared.len() >= DOCUMENTS_MIN, "only {} documents overlap with the corpus", compared.len());
    let agreed: BTreeSet<_> = compared.iter().flat_map(|(comparison, _)| comparison.ecosystems.clone()).collect();
    say(&format!("ecosystems: {agreed:?}"));
    assert!(ECOSYSTEMS.iter().all(|ecosystem| agreed.contains(ecosystem)), "{agreed:?}");
}

fn documents(data: &Path) -> Vec<Document> {
    let mut documents = trivy::documents(data);
    documents.extend(grype::documents(data));
    documents.extend(osv_scanner::documents(data));
    documents.extend(audits::documents(data));
    documents
}

fn line(comparison: &Comparison, document: &Document) -> String {
    let (ours, theirs) = (comparison.count(Side::Ours), comparison.count(Side::Theirs));
    format!(
        "{}: agreed {}, ours only {ours}, theirs only {theirs} ({} components, {} unevaluated; \
         not compared: {} without data, {} unknown to the peer)",
        document.name,
        comparison.agreed,
        document.inventory.components.len(),
        comparison.unevaluated,
        comparison.without_data,
        comparison.unknown_to_peer,
    )
}

/// How many differences each rule explains, and the differences that none does.
fn explain_all(compared: &[(Comparison, Document)]) -> (BTreeMap<&'static str, usize>, Vec<String>) {
    let mut used = BTreeMap::new();
    let mut unexplained = Vec::new();
    for difference in compared.iter().flat_map(|(comparison, _)| &comparison.differences) {
        match rule_for(difference) {
            Some(rule) => *used.entry(rule.id).or_default() += 1,
            None => unexplained.push(describe(difference)),
        }
    }
    (used, unexplained)
}

fn describe(difference: &Difference) -> String {
    let Difference { side, document, place, advisory, .. } = difference;
    format!("{side:?} only: {document}: {place} {advisory}: {difference:?}")
}

fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
