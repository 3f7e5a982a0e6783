//! What NVD says of software by CPE: updates, negations, platforms, devices.

use domain::component::{Component, Inventory};
use domain::finding::{Evaluation, Unevaluated};
use domain::matching::evaluate;

use crate::documents::read;
use crate::index::Index;

/// A record of NVD with these nodes.
fn document(nodes: &str) -> String {
    format!(
        r#"{{"id":"CVE-2030-0002","sourceIdentifier":"x","vulnStatus":"Analyzed","configurations":[{{"nodes":[{nodes}]}}]}}"#
    )
}

fn names(cpes: &[(&str, bool)]) -> String {
    let one = |(cpe, vulnerable): &(&str, bool)| format!(r#"{{"vulnerable":{vulnerable},"criteria":"{cpe}"}}"#);
    let list: Vec<String> = cpes.iter().map(one).collect();
    format!(r#""cpeMatch":[{}]"#, list.join(","))
}

fn listed(version: &str) -> String {
    document(&format!("{{{}}}", names(&[(&format!("cpe:2.3:a:v:p:{version}:*:*:*:*:*:*"), true)])))
}

fn index(document: &str) -> Index {
    Index::of([read("nvd.json", document.as_bytes())])
}

fn notes(document: &str) -> Vec<(String, u64)> {
    let feed = read("nvd.json", document.as_bytes());
    feed.notes.into_iter().map(|((_, reason), note)| (reason, note.count)).collect()
}

fn scan(index: &Index, cpe: &str) -> Evaluation {
    let component = Component { name: "binary".into(), cpes: vec![cpe.to_owned()], ..Component::default() };
    let Ok(evaluation) = evaluate(&Inventory { components: vec![component], ..Inventory::default() }, index);
    evaluation
}

/// Which of these (version and update) are affected.
fn affected(index: &Index, versions: &[&str]) -> Vec<bool> {
    let at = |version: &&str| scan(index, &format!("cpe:2.3:a:v:p:{version}:*:*:*:*:*:*"));
    versions.iter().map(|version| !at(version).findings.is_empty()).collect()
}

fn is_unreadable(index: &Index, cpe: &str) -> bool {
    let evaluation = scan(index, cpe);
    let reason = Unevaluated::InvalidAdvisory { record: "CVE-2030-0002".into() };
    evaluation.findings.is_empty() && evaluation.coverage.unevaluated[0].reason == reason
}

// NISTIR 7695 and 7696: `*` stands for any value, `-` says that there is none.
#[test]
fn a_version_without_an_update_means_all_its_updates() {
    let asked = ["1.0:*", "1.0:-", "1.0:sp1", "1.0:rc1", "v1.0:sp1", "1.0.1:*", "1.0.1:sp1", "1.1:*", "1:*"];
    let any = index(&listed("1.0:*"));
    assert_eq!(affected(&any, &asked), [true, true, true, true, true, false, false, false, false]);
    let bare = index(&listed("1.0:-"));
    assert_eq!(affected(&bare, &asked), [true, true, false, false, false, false, false, false, false]);
    let first = index(&listed("1.0:sp1"));
    assert_eq!(affected(&first, &asked), [false, false, true, false, true, false, false, false, false]);
    // As tools write the update into the version, with the escapes of a CPE.
    assert_eq!(affected(&any, &[r"1.0\-rc1:*", r"1.0\~rc1:*", r"1.0.1\-rc1:*"]), [true, true, false]);
}

#[test]
fn a_pattern_in_an_update_is_unreadable() {
    let pattern = listed("1.0:sp*");
    assert!(is_unreadable(&index(&pattern), "cpe:2.3:a:v:p:1.0:sp1:*:*:*:*:*:*"));
    assert_eq!(notes(&pattern), [("CPE with a pattern for a version: unevaluated".to_owned(), 1)]);
}

#[test]
fn names_under_a_negation_clear_nobody() {
    let [one, two] = ["cpe:2.3:a:v:p:*:*:*:*:*:*:*:*", "cpe:2.3:a:v:q:2.0:*:*:*:*:*:*:*"];
    let inner = names(&[(one, true), (two, true)]);
    for nodes in
        [format!(r#"{{"negate":true,"operator":"OR",{inner}}}"#), format!(r#"{{"negate":true,"nodes":[{{{inner}}}]}}"#)]
    {
        let document = document(&nodes);
        let index = index(&document);
        assert!(is_unreadable(&index, "cpe:2.3:a:v:p:1.0:*:*:*:*:*:*:*"), "{nodes}");
        assert!(is_unreadable(&index, "cpe:2.3:a:v:q:1.0:*:*:*:*:*:*:*"), "{nodes}");
        assert_eq!(notes(&document), [("CPE under a negation: unevaluated".to_owned(), 2)], "{nodes}");
    }
}

#[test]
fn what_it_runs_on_is_not_asked_and_devices_are_left_out() {
    let [software, device, system] =
        ["cpe:2.3:a:v:p:1.0:*:*:*:*:*:*:*", "cpe:2.3:h:v:box:1.0:*:*:*:*:*:*:*", "cpe:2.3:o:v:os:1.0:*:*:*:*:*:*:*"];
    let [own, platform] = [names(&[(software, true), (device, true)]), names(&[(system, false)])];
    let feed = read("nvd.json", document(&format!("{{{own}}},{{{platform}}}")).as_bytes());
    let said: Vec<_> = feed.records[0].affected.iter().map(|affected| affected.package.name.as_str()).collect();
    assert_eq!(said, ["a:v:p"], "neither the device nor what it runs on");
    assert_eq!(affected(&Index::of([feed]), &["1.0:*"]), [true], "without its platform beside it");
}
