//! What the CVE list says of software by CPE, and what of it is told when it cannot be used.

use domain::component::{Component, Inventory};
use domain::finding::{Evaluation, Unevaluated};
use domain::matching::evaluate;

use crate::documents::read;
use crate::index::Index;

const P: &str = "cpe:2.3:a:v:p:*:*:*:*:*:*:*:*";

/// A record of the CVE list with these affected products.
fn document(products: &str) -> String {
    format!(
        r#"{{"dataType":"CVE_RECORD","cveMetadata":{{"cveId":"CVE-2030-0001","state":"PUBLISHED"}},
            "containers":{{"cna":{{"affected":[{products}]}}}}}}"#
    )
}

fn product(cpe: &str, said: &str) -> String {
    document(&format!(r#"{{"cpes":["{cpe}"],{said}}}"#))
}

fn index(document: &str) -> Index {
    Index::of([read("cve.json", document.as_bytes())])
}

fn notes(document: &str) -> Vec<(String, u64)> {
    let feed = read("cve.json", document.as_bytes());
    assert_eq!(feed.problems, []);
    feed.notes.into_iter().map(|((_, reason), note)| (reason, note.count)).collect()
}

fn scan(index: &Index, version: &str) -> Evaluation {
    let cpes = vec![format!("cpe:2.3:a:v:p:{version}:*:*:*:*:*:*")];
    let component = Component { name: "binary".into(), cpes, ..Component::default() };
    let Ok(evaluation) = evaluate(&Inventory { components: vec![component], ..Inventory::default() }, index);
    evaluation
}

/// Which of these (version and update) are affected.
fn affected(index: &Index, versions: &[&str]) -> Vec<bool> {
    versions.iter().map(|version| !scan(index, version).findings.is_empty()).collect()
}

#[test]
fn versions_beside_a_cpe_count_and_not_the_version_in_it() {
    let range = r#""versions":[{"version":"1.0","lessThan":"2.0","status":"affected"}]"#;
    let beside = index(&product("cpe:2.3:a:v:p:1.0:*:*:*:*:*:*:*", range));
    assert_eq!(affected(&beside, &["0.9:*", "1.0:*", "1.5:*", "2.0:*"]), [false, true, true, false]);
    // The name of one version beside the statement that another is affected.
    let other = r#""versions":[{"version":"1.0","status":"unaffected"},{"version":"3.0","status":"affected"}]"#;
    let other = index(&product("cpe:2.3:a:v:p:1.0:*:*:*:*:*:*:*", other));
    assert_eq!(affected(&other, &["1.0:*", "3.0:*"]), [false, true]);
    let alone = index(&product("cpe:2.3:a:v:p:1.0:*:*:*:*:*:*:*", r#""defaultStatus":"affected""#));
    assert_eq!(affected(&alone, &["1.0:*", "1.1:*"]), [true, false], "without versions the name has the only one");
    let none = index(&product("cpe:2.3:a:v:p:1.0:*:*:*:*:*:*:*", r#""defaultStatus":"unaffected""#));
    assert_eq!(affected(&none, &["1.0:*"]), [false]);
}

#[test]
fn the_version_in_a_cpe_counts_where_nobody_can_read_those_beside_it() {
    // As IBM writes them.
    let text = r#""versions":[{"version":"10.5, 11.1","status":"affected"}]"#;
    let names = r#"cpe:2.3:a:v:p:10.5:*:*:*:*:*:*:*","cpe:2.3:a:v:p:11.1:*:*:*:*:*:*:*"#;
    let document = product(names, text);
    let index = index(&document);
    assert_eq!(affected(&index, &["10.5:*", "11.1:*"]), [true, true]);
    let unreadable = Unevaluated::InvalidAdvisory { record: "CVE-2030-0001".into() };
    assert_eq!(scan(&index, "12.0:*").coverage.unevaluated[0].reason, unreadable);
    let want = [("version that is a commit or free text: unevaluated".to_owned(), 1)];
    assert_eq!(notes(&document), want, "once, however many names there are");
}

#[test]
fn a_v_in_front_of_a_number_is_no_part_of_the_version() {
    // In a bound, and in what is looked up.
    let with = index(&product(P, r#""versions":[{"version":"v1.0","lessThan":"v2.0","status":"affected"}]"#));
    assert_eq!(affected(&with, &["0.9:*", "1.0:*", "1.5:*", "2.0:*", "2.1:*"]), [false, true, true, false, false]);
    let without = index(&product(P, r#""versions":[{"version":"1.0","lessThan":"2.0","status":"affected"}]"#));
    assert_eq!(affected(&without, &["v0.9:*", "v1.0:*", "V1.5:*", "v2.0:*"]), [false, true, true, false]);
    let listed = index(&product(P, r#""versions":[{"version":"v1.0","status":"affected"}]"#));
    assert_eq!(affected(&listed, &["1.0:*", "v1.0:*", "1.1:*"]), [true, true, false]);
}

#[test]
fn a_change_closes_a_range_only_when_it_says_unaffected() {
    let changed = |status: &str| {
        let range = r#""version":"1.0","lessThan":"3.0","status":"affected""#;
        product(P, &format!(r#""versions":[{{{range},"changes":[{{"at":"2.0","status":"{status}"}}]}}]"#))
    };
    let fixed = changed("unaffected");
    assert_eq!(affected(&index(&fixed), &["1.5:*", "2.0:*", "3.0:*"]), [true, false, false]);
    assert_eq!(notes(&fixed), []);
    for status in ["unknown", "unafected"] {
        let document = changed(status);
        let said = index(&document);
        assert_eq!(affected(&said, &["1.5:*", "2.0:*", "2.9:*", "3.0:*"]), [true, true, true, false], "{status}");
        let unreadable = Unevaluated::InvalidAdvisory { record: "CVE-2030-0001".into() };
        assert_eq!(scan(&said, "3.0:*").coverage.unevaluated[0].reason, unreadable, "{status}");
        assert_eq!(notes(&document), [("change to a status that says nothing: unevaluated".to_owned(), 1)], "{status}");
    }
}

#[test]
fn every_statement_that_is_not_taken_is_counted() {
    let one = |text: &str| vec![(text.to_owned(), 1)];
    let range = r#""versions":[{"version":"1.0","lessThan":"2.0","status":"affected"}]"#;
    let packaged = product(P, &format!(r#""packageName":"p","collectionURL":"https://example.org",{range}"#));
    assert_eq!(affected(&index(&packaged), &["1.5:*"]), [false]);
    assert_eq!(notes(&packaged), one("software for which a package is named: left out"));
    // Once for a record, however many products it has.
    let nameless =
        document(&format!(r#"{{"vendor":"v","product":"p",{range}}},{{"vendor":"v","product":"q",{range}}}"#));
    assert_eq!(notes(&nameless), one("affected software without a CPE: left out"));
    let clean = document(r#"{"vendor":"v","product":"p","defaultStatus":"unaffected"}"#);
    assert_eq!(notes(&clean), []);
    let unknown =
        product(P, r#""versions":[{"version":"1.0","status":"unknown"},{"version":"2.0","status":"unknown"}]"#);
    assert_eq!(affected(&index(&unknown), &["1.0:*"]), [false]);
    assert_eq!(notes(&unknown), one("software of which all versions are of unknown status: left out"));
    let known =
        product(P, r#""versions":[{"version":"1.0","status":"unknown"},{"version":"2.0","status":"unaffected"}]"#);
    assert_eq!(notes(&known), []);
}

#[test]
fn hardware_is_left_out() {
    let device = product("cpe:2.3:h:v:p:1.0:*:*:*:*:*:*:*", r#""defaultStatus":"affected""#);
    let feed = read("cve.json", device.as_bytes());
    assert!(feed.records[0].affected.is_empty(), "{:?}", feed.records[0].affected);
}
