//! What a new generation changes for stored SBOMs: each kind of change by one case worked out by
//! hand, and all of them against a brute-force comparison.

mod property;
mod world;

use domain::severity::Severity;
use domain::vex::CarriedVex;
use importer::impact::{Change, ChangeKind, ConcernKind, Impact, sanity};
use policy::{Gate, Outcome};
use world::{Data, Fact, World, data, document, fact};

const APP: &str = "pkg:pypi/app@1.0";
const LIB: &str = "pkg:npm/lib@2.0.0";

/// The preview for one document of these packages.
fn preview(old: &Data, new: &Data, purls: &[&str], gate: &Gate) -> Impact {
    let world = World::new();
    let (old, new) = (world.generation(old), world.generation(new));
    world.add("image", &document(purls), gate);
    world.impact(&old, &new)
}

/// Kinds and vulnerabilities, as the report orders them.
fn changes(impact: &Impact) -> Vec<(ChangeKind, &str)> {
    let changes = impact.documents.iter().flat_map(|document| &document.changes);
    changes.map(|change| (change.kind, change.vulnerability.as_deref().unwrap_or("-"))).collect()
}

fn only(impact: &Impact) -> &Change {
    let [document] = impact.documents.as_slice() else { panic!("{:?}", impact.documents) };
    let [change] = document.changes.as_slice() else { panic!("{:?}", document.changes) };
    change
}

fn flip(impact: &Impact) -> Option<(Outcome, Outcome)> {
    impact.documents.first().and_then(|document| document.verdict).map(|flip| (flip.before, flip.after))
}

#[test]
fn a_finding_appears_and_the_verdict_flips() {
    let (old, new) = (data(&[fact("CVE-1", "PyPI", "other", "2")], &["PyPI"]), {
        data(&[fact("CVE-1", "PyPI", "other", "2"), fact("CVE-2", "PyPI", "app", "2")], &["PyPI"])
    });
    let impact = preview(&old, &new, &[APP], &Gate::default());
    let change = only(&impact);
    assert_eq!((change.kind, change.vulnerability.as_deref()), (ChangeKind::Appeared, Some("CVE-2")));
    assert_eq!((change.severity_before, change.severity_after), (None, Some(Severity::High)));
    assert_eq!(flip(&impact), Some((Outcome::Pass, Outcome::Fail)));
    assert_eq!((impact.sboms.stored, impact.sboms.touched, impact.sboms.changed), (1, 1, 1));
    assert_eq!((impact.sboms.verdicts.worse, impact.sboms.verdicts.pass_fail), (1, 1));
    assert_eq!(impact.totals.appeared[&Severity::High], 1);
    assert_eq!(impact.totals.by_kind[&ChangeKind::Vanished], 0, "a count of nothing is there too");
    assert!(impact.is_cause_to_hold());
}

#[test]
fn a_finding_vanishes_when_the_range_shrinks() {
    let old = data(&[fact("CVE-1", "PyPI", "app", "2")], &["PyPI"]);
    let new = data(&[fact("CVE-1", "PyPI", "app", "0.9")], &["PyPI"]);
    let impact = preview(&old, &new, &[APP], &Gate::default());
    assert_eq!(changes(&impact), [(ChangeKind::Vanished, "CVE-1")]);
    assert_eq!(flip(&impact), Some((Outcome::Fail, Outcome::Pass)));
    assert!(!impact.is_cause_to_hold(), "better is no reason to hold: {:?}", impact.concerns);
}

#[test]
fn a_finding_whose_component_is_not_evaluated_any_more_has_not_vanished() {
    let old = data(&[fact("CVE-1", "PyPI", "app", "2"), fact("CVE-9", "npm", "x", "2")], &["PyPI", "npm"]);
    let new = data(&[fact("CVE-9", "npm", "x", "2")], &["npm"]);
    let impact = preview(&old, &new, &[APP], &Gate::default());
    assert_eq!(changes(&impact), [(ChangeKind::Unjudged, "CVE-1"), (ChangeKind::NoLongerEvaluated, "-")]);
    let reason = impact.documents[0].changes[0].detail.as_deref();
    assert_eq!(reason, Some("no advisories for PyPI in this generation"));
    assert_eq!(flip(&impact), Some((Outcome::Fail, Outcome::Indeterminate)));
    assert_eq!((impact.totals.unjudged[&Severity::High], impact.totals.vanished[&Severity::High]), (1, 0));
}

#[test]
fn an_ecosystem_that_comes_makes_its_components_evaluated_without_any_finding() {
    let old = data(&[fact("CVE-1", "PyPI", "x", "2")], &["PyPI"]);
    let new = data(&[fact("CVE-1", "PyPI", "x", "2"), fact("CVE-2", "npm", "unrelated", "2")], &["PyPI", "npm"]);
    let impact = preview(&old, &new, &[APP, LIB], &Gate::default());
    assert_eq!(changes(&impact), [(ChangeKind::EvaluatedNow, "-")]);
    assert_eq!(flip(&impact), Some((Outcome::Indeterminate, Outcome::Pass)));
}

#[test]
fn data_that_is_not_complete_any_more_makes_silence_mean_nothing() {
    let facts = [fact("CVE-1", "PyPI", "x", "2")];
    let impact = preview(&data(&facts, &["PyPI"]), &data(&facts, &[]), &[APP], &Gate::default());
    assert_eq!(changes(&impact), [(ChangeKind::NoLongerEvaluated, "-")]);
    assert_eq!(flip(&impact), Some((Outcome::Pass, Outcome::Indeterminate)));
}

#[test]
fn a_severity_is_raised_over_the_gate_although_no_package_row_changes() {
    let at = |severity| Fact { severity, ..fact("CVE-1", "PyPI", "app", "2") };
    let (old, new) = (data(&[at(Severity::Medium)], &["PyPI"]), data(&[at(Severity::Critical)], &["PyPI"]));
    let gate = Gate { fail_on: Some(Severity::High), ..Gate::default() };
    let impact = preview(&old, &new, &[APP], &gate);
    let change = only(&impact);
    assert_eq!(change.kind, ChangeKind::SeverityRaised);
    assert_eq!((change.severity_before, change.severity_after), (Some(Severity::Medium), Some(Severity::Critical)));
    assert_eq!(flip(&impact), Some((Outcome::Pass, Outcome::Fail)));
    let back = preview(&new, &old, &[APP], &gate);
    assert_eq!(only(&back).kind, ChangeKind::SeverityLowered);
    assert_eq!(flip(&back), Some((Outcome::Fail, Outcome::Pass)));
}

#[test]
fn a_listing_as_exploited_is_named_and_leaves_the_verdict_alone() {
    let old = fact("CVE-1", "PyPI", "app", "2");
    let new = Fact { exploited: true, ..old.clone() };
    let impact = preview(&data(&[old], &["PyPI"]), &data(&[new], &["PyPI"]), &[APP], &Gate::default());
    assert_eq!(only(&impact).kind, ChangeKind::KnownExploited);
    assert_eq!(flip(&impact), None);
    assert!(impact.advisories[0].known_exploited);
}

#[test]
fn epss_counts_from_a_rise_of_ten_points_on() {
    let of = |epss_e5| data(&[Fact { epss_e5, ..fact("CVE-1", "PyPI", "app", "2") }], &["PyPI"]);
    let rise = preview(&of(Some(5_000)), &of(Some(15_000)), &[APP], &Gate::default());
    assert_eq!(only(&rise).kind, ChangeKind::ExploitationLikelier);
    let less = preview(&of(Some(5_000)), &of(Some(14_999)), &[APP], &Gate::default());
    assert_eq!((less.sboms.touched, less.documents.len()), (0, 0));
}

#[test]
fn a_first_fix_matters_to_a_policy_that_ignores_what_has_none() {
    let of = |fixed: Option<&str>| Fact { fixed: fixed.map(str::to_owned), ..fact("CVE-1", "PyPI", "app", "2") };
    let gate = Gate { ignore_unfixed: true, ..Gate::default() };
    let (old, new) = (data(&[of(None)], &["PyPI"]), data(&[of(Some("2"))], &["PyPI"]));
    let impact = preview(&old, &new, &[APP], &gate);
    assert_eq!(only(&impact).kind, ChangeKind::FixKnown);
    assert_eq!(flip(&impact), Some((Outcome::Pass, Outcome::Fail)));
}

#[test]
fn a_vulnerability_that_gets_a_cve_id_is_renamed_not_replaced() {
    let old = fact("GHSA-a", "PyPI", "app", "2");
    let new = Fact { aliases: vec!["GHSA-a".into()], ..fact("CVE-1", "PyPI", "app", "2") };
    let impact = preview(&data(&[old], &["PyPI"]), &data(&[new], &["PyPI"]), &[APP], &Gate::default());
    let change = only(&impact);
    assert_eq!((change.kind, change.detail.as_deref()), (ChangeKind::Renamed, Some("GHSA-a")));
    assert_eq!(flip(&impact), None);
}

#[test]
fn two_vulnerabilities_that_turn_out_to_be_one_are_both_renamed() {
    let old = [fact("GHSA-a", "PyPI", "app", "2"), fact("GHSA-b", "PyPI", "app", "2")];
    let new = Fact { aliases: vec!["GHSA-a".into(), "GHSA-b".into()], ..fact("CVE-1", "PyPI", "app", "2") };
    let impact = preview(&data(&old, &["PyPI"]), &data(&[new], &["PyPI"]), &[APP], &Gate::default());
    assert_eq!(changes(&impact), [(ChangeKind::Renamed, "CVE-1"), (ChangeKind::Renamed, "CVE-1")]);
}

#[test]
fn a_verdict_that_another_component_decides_does_not_flip() {
    let same = fact("CVE-1", "npm", "lib", "3");
    let old = data(std::slice::from_ref(&same), &["PyPI", "npm"]);
    // Without a package the data of PyPI would be absent, so it has one in both.
    let (mut old, mut new) = (old.clone(), old);
    old.facts.push(fact("CVE-8", "PyPI", "x", "2"));
    new.facts.extend([fact("CVE-8", "PyPI", "x", "2"), fact("CVE-2", "PyPI", "app", "2")]);
    let impact = preview(&old, &new, &[APP, LIB], &Gate::default());
    assert_eq!(changes(&impact), [(ChangeKind::Appeared, "CVE-2")]);
    assert_eq!(flip(&impact), None, "lib fails it before and after");
}

#[test]
fn fresher_data_flips_a_verdict_that_only_its_age_decided() {
    let facts = [fact("CVE-1", "PyPI", "x", "2")];
    let old = Data { age_days: 9, ..data(&facts, &["PyPI"]) };
    let new = Data { age_days: 1, ..old.clone() };
    let gate = Gate { data_age_days_max: Some(7), ..Gate::default() };
    let impact = preview(&old, &new, &[APP], &gate);
    assert_eq!(flip(&impact), Some((Outcome::Indeterminate, Outcome::Pass)));
    assert_eq!(preview(&old, &new, &[APP], &Gate::default()).sboms.touched, 0);
}

fn vex(status: &str, product: &str) -> CarriedVex {
    let document = format!(
        r#"{{"@context":"https://openvex.dev/ns/v0.2.0","statements":[{{"vulnerability":{{"name":"CVE-1"}},"products":[{{"@id":"{product}"}}],
            "status":"{status}"}}]}}"#
    );
    CarriedVex { name: "v.json".to_owned(), document }
}

#[test]
fn vex_that_a_kit_brings_or_takes_away_is_a_change_of_what_is_found() {
    let without = data(&[fact("CVE-1", "PyPI", "app", "2"), fact("CVE-2", "npm", "lib", "3")], &["PyPI", "npm"]);
    let clearing = Data { vex: vec![vex("fixed", APP)], ..without.clone() };
    let impact = preview(&without, &clearing, &[APP], &Gate::default());
    assert_eq!(changes(&impact), [(ChangeKind::Vanished, "CVE-1")]);
    assert_eq!(flip(&impact), Some((Outcome::Fail, Outcome::Pass)));
    let impact = preview(&clearing, &without, &[APP, LIB], &Gate::default());
    assert_eq!(changes(&impact), [(ChangeKind::Appeared, "CVE-1")]);
    assert_eq!(flip(&impact), None, "it failed before, too");
    // A statement that clears nothing changes nothing; nor does one that is there in both.
    let other = Data { vex: vec![vex("affected", APP)], ..without.clone() };
    assert_eq!(changes(&preview(&without, &other, &[APP], &Gate::default())), []);
    let mut more = clearing.clone();
    more.facts.push(fact("CVE-3", "npm", "lib", "3"));
    let impact = preview(&clearing, &more, &[APP, LIB], &Gate::default());
    assert_eq!(changes(&impact), [(ChangeKind::Appeared, "CVE-3")]);
    let app_alone = preview(&clearing, &more, &[APP], &Gate::default());
    assert_eq!((app_alone.sboms.touched, app_alone.sboms.changed), (0, 0));
}

#[test]
fn documents_that_ask_about_nothing_that_changed_are_not_evaluated() {
    let old = data(&[fact("CVE-1", "PyPI", "x", "2"), fact("CVE-2", "npm", "y", "2")], &["PyPI", "npm"]);
    let mut new = old.clone();
    new.facts.push(fact("CVE-3", "PyPI", "app", "2"));
    let world = World::new();
    let (old, new) = (world.generation(&old), world.generation(&new));
    world.add("touched", &document(&[APP]), &Gate::default());
    (0..50).for_each(|number| world.add(&format!("other-{number}"), &document(&[LIB]), &Gate::default()));
    let impact = world.impact(&old, &new);
    assert_eq!((impact.sboms.stored, impact.sboms.touched, impact.sboms.changed), (51, 1, 1));
    assert_eq!(impact.documents[0].name, "touched");
}

#[test]
fn a_removed_document_is_not_asked_any_more() {
    let world = World::new();
    let (old, new) = (world.generation(&data(&[], &[])), world.generation(&data(&[], &[])));
    world.add("image", &document(&[APP]), &Gate::default());
    let row = world.sboms.list(None, 10).expect("a list").remove(0);
    assert!(world.sboms.remove(&row.digest).expect("removed"));
    assert!(!world.sboms.remove(&row.digest).expect("nothing there"));
    assert_eq!(world.impact(&old, &new).sboms.stored, 0);
}

#[test]
fn the_worst_documents_come_first() {
    let old = data(&[fact("CVE-1", "PyPI", "x", "2"), fact("CVE-2", "npm", "y", "2")], &["PyPI", "npm"]);
    let mut new = old.clone();
    new.facts.extend([
        Fact { severity: Severity::Low, ..fact("CVE-3", "PyPI", "app", "2") },
        Fact { severity: Severity::Critical, ..fact("CVE-4", "npm", "lib", "3") },
    ]);
    let world = World::new();
    let (old, new) = (world.generation(&old), world.generation(&new));
    let lenient = Gate { fail_on: None, ..Gate::default() };
    world.add("critical, and passes", &document(&[LIB]), &lenient);
    world.add("low, and fails", &document(&[APP]), &Gate::default());
    world.add("low, and passes", &document(&[APP]), &lenient);
    let impact = world.impact(&old, &new);
    let names: Vec<_> = impact.documents.iter().map(|document| document.name.as_str()).collect();
    assert_eq!(names, ["low, and fails", "critical, and passes", "low, and passes"]);
    let ids: Vec<_> = impact.advisories.iter().map(|it| (it.vulnerability.as_str(), it.sboms)).collect();
    assert_eq!(ids, [("CVE-4", 1), ("CVE-3", 2)]);
}

#[test]
fn a_source_that_shrinks_or_loses_its_severities_is_a_reason_to_hold() {
    let of = |count: usize, severity| {
        let facts: Vec<_> = (0..count)
            .map(|number| Fact { severity, ..fact(&format!("CVE-{number}"), "PyPI", &format!("p{number}"), "2") })
            .collect();
        data(&facts, &["PyPI"])
    };
    let kinds = |old: &Data, new: &Data| {
        let world = World::new();
        let (old, new) = (world.generation(old), world.generation(new));
        let concerns = sanity(&old, &new).expect("compared");
        concerns.into_iter().map(|concern| (concern.kind, concern.before, concern.after)).collect::<Vec<_>>()
    };
    let old = of(100, Severity::High);
    assert_eq!(kinds(&old, &of(70, Severity::High)), []);
    assert_eq!(kinds(&of(50, Severity::High), &old), []);
    let shrunk = [
        (ConcernKind::Advisories, 100, 69),
        (ConcernKind::SourceRecords, 100, 69),
        (ConcernKind::SourceAssertions, 100, 69),
        (ConcernKind::EcosystemAssertions, 100, 69),
        (ConcernKind::Severities, 100, 69),
        (ConcernKind::Ratings, 100, 69),
    ];
    assert_eq!(kinds(&old, &of(69, Severity::High)), shrunk);
    assert_eq!(
        kinds(&old, &of(100, Severity::Unknown)),
        [(ConcernKind::Severities, 100, 0), (ConcernKind::SeverityShare, 100, 0), (ConcernKind::Ratings, 100, 0)]
    );
}
