//! The truth table of the verdict: findings, gaps and the age of the data, each alone and together.

use domain::advisory::Status;
use domain::digest::Digest;
use domain::finding::{Confidence, Coverage, Evaluation, Finding, Unevaluated, UnevaluatedGroup};
use domain::severity::Severity;
use domain::source::{Redistribution, SourceId, SourceStatus};
use domain::time::Timestamp;
use policy::{DataAge, Gate, GenerationRef, OnUnevaluated, Outcome, Verdict, judge};

const NOW: &str = "2026-11-24T12:00:00Z";

fn now() -> Timestamp {
    NOW.parse().expect("a strict time")
}

fn generation() -> GenerationRef {
    GenerationRef { number: 3, kit: Digest::of(b"kit"), content_root: Digest::of(b"root") }
}

fn verdict(evaluation: &Evaluation, gate: &Gate, sources: &[SourceStatus]) -> Verdict {
    judge(evaluation, gate, generation(), sources, "0.1.0", now())
}

fn finding(severity: Severity, fixed: &[&str]) -> Finding {
    Finding {
        id: "f-1".into(),
        vulnerability: "CVE-2026-0001".into(),
        aliases: Vec::new(),
        component: 0,
        reference: "ref".into(),
        package: "openssl".into(),
        version: "3.0.0".into(),
        purl: None,
        ecosystem: "Debian:12".into(),
        matched_name: "openssl".into(),
        severity,
        severity_source: None,
        cvss_vector: None,
        cvss_score: None,
        status: Status::Affected,
        fixed_versions: fixed.iter().map(|version| (*version).to_owned()).collect(),
        confidence: Confidence::Agreed,
        evidence: Vec::new(),
        title: None,
        published: None,
        known_exploited: None,
        epss_probability: None,
        epss_percentile: None,
        vex: None,
    }
}

/// Ten components, all of them judged.
fn judged(findings: Vec<Finding>) -> Evaluation {
    Evaluation {
        findings,
        suppressed: Vec::new(),
        coverage: Coverage { components: 10, evaluated: 10, ..Default::default() },
    }
}

/// Ten components, `count` of them not judged.
fn with_gap(findings: Vec<Finding>, count: u64) -> Evaluation {
    let group = UnevaluatedGroup {
        reason: Unevaluated::MissingPurl,
        message: "no purl".into(),
        count,
        components: vec!["app@1".into()],
    };
    let coverage = Coverage { components: 10, evaluated: 10 - count, unevaluated: vec![group], ..Default::default() };
    Evaluation { findings, suppressed: Vec::new(), coverage }
}

fn source(name: &str, as_of: Option<Timestamp>) -> SourceStatus {
    SourceStatus {
        source: SourceId::new(name),
        name: name.into(),
        url: "https://feed.example/".into(),
        licence: "CC0-1.0".into(),
        redistribution: Redistribution::Open,
        records: 1,
        rejected: 0,
        as_of,
    }
}

fn fresh() -> Vec<SourceStatus> {
    vec![source("debian", Some(now().plus_days(-1)))]
}

fn gate(on_unevaluated: OnUnevaluated) -> Gate {
    Gate { fail_on: Some(Severity::High), on_unevaluated, ..Gate::default() }
}

#[test]
fn findings_and_gaps_decide_together() {
    use OnUnevaluated::{Fail, Ignore, Indeterminate};
    let none = Vec::new;
    let low = || vec![finding(Severity::Medium, &["3.0.1"])];
    let high = || vec![finding(Severity::High, &["3.0.1"])];
    let table = [
        ("nothing found, all judged", judged(none()), Indeterminate, Outcome::Pass),
        ("found below the gate", judged(low()), Indeterminate, Outcome::Pass),
        ("found at the gate", judged(high()), Indeterminate, Outcome::Fail),
        ("nothing found, a gap", with_gap(none(), 1), Indeterminate, Outcome::Indeterminate),
        ("found below the gate, a gap", with_gap(low(), 1), Indeterminate, Outcome::Indeterminate),
        ("found at the gate, a gap", with_gap(high(), 1), Indeterminate, Outcome::Fail),
        ("nothing found, a gap that fails", with_gap(none(), 1), Fail, Outcome::Fail),
        ("nothing found, a gap that is ignored", with_gap(none(), 1), Ignore, Outcome::Pass),
        ("found at the gate, a gap that is ignored", with_gap(high(), 1), Ignore, Outcome::Fail),
        ("nothing judged at all", with_gap(none(), 10), Indeterminate, Outcome::Indeterminate),
    ];
    for (name, evaluation, on_unevaluated, want) in table {
        let verdict = verdict(&evaluation, &gate(on_unevaluated), &fresh());
        assert_eq!(verdict.outcome, want, "{name}: {:?}", verdict.reasons);
        assert_eq!(verdict.reasons.is_empty(), want == Outcome::Pass, "{name}: {:?}", verdict.reasons);
    }
}

#[test]
fn each_severity_fails_its_own_gate_and_those_below() {
    for found in Severity::ALL {
        for level in Severity::ALL {
            let gate = Gate { fail_on: Some(level), ..Gate::default() };
            let verdict = verdict(&judged(vec![finding(found, &[])]), &gate, &fresh());
            let want = if found >= level { Outcome::Fail } else { Outcome::Pass };
            assert_eq!(verdict.outcome, want, "{found} found, gate at {level}");
        }
    }
}

#[test]
fn the_default_gate_fails_on_a_finding_that_nobody_rated() {
    let verdict = verdict(&judged(vec![finding(Severity::Unknown, &[])]), &Gate::default(), &fresh());
    assert_eq!(verdict.outcome, Outcome::Fail);
    assert_eq!(verdict.reasons, ["1 finding at severity unknown or above"]);
}

#[test]
fn a_gate_without_a_level_lets_findings_pass_but_not_gaps() {
    let gate = Gate { fail_on: None, ..Gate::default() };
    let critical = || vec![finding(Severity::Critical, &["3.0.1"])];
    assert_eq!(verdict(&judged(critical()), &gate, &fresh()).outcome, Outcome::Pass);
    assert_eq!(verdict(&with_gap(critical(), 2), &gate, &fresh()).outcome, Outcome::Indeterminate);
}

#[test]
fn findings_without_a_fix_pass_only_when_that_is_asked_for() {
    let unfixed = || vec![finding(Severity::Critical, &[])];
    let ignoring = Gate { ignore_unfixed: true, ..Gate::default() };
    assert_eq!(verdict(&judged(unfixed()), &Gate::default(), &fresh()).outcome, Outcome::Fail);
    assert_eq!(verdict(&judged(unfixed()), &ignoring, &fresh()).outcome, Outcome::Pass);
    let mixed = vec![finding(Severity::Critical, &[]), finding(Severity::Low, &["3.0.1"])];
    let verdict = verdict(&judged(mixed), &ignoring, &fresh());
    assert_eq!(verdict.reasons, ["1 finding at severity unknown or above"]);
}

#[test]
fn an_empty_document_passes_only_when_that_is_asked_for() {
    let empty = Evaluation::default();
    let allowing = Gate { allow_empty: true, ..Gate::default() };
    assert_eq!(verdict(&empty, &Gate::default(), &fresh()).outcome, Outcome::Indeterminate);
    assert_eq!(verdict(&empty, &allowing, &fresh()).outcome, Outcome::Pass);
    // Files and containers alone are nothing to judge either.
    let files = Coverage { not_applicable: 40, ..Default::default() };
    let files = Evaluation { findings: Vec::new(), suppressed: Vec::new(), coverage: files };
    assert_eq!(verdict(&files, &Gate::default(), &fresh()).outcome, Outcome::Indeterminate);
}

#[test]
fn components_that_are_neither_judged_nor_explained_are_never_a_pass() {
    let coverage = Coverage { components: 10, evaluated: 7, ..Default::default() };
    let lost = Evaluation { findings: Vec::new(), suppressed: Vec::new(), coverage };
    let verdict = verdict(&lost, &gate(OnUnevaluated::Ignore), &fresh());
    assert_eq!(verdict.outcome, Outcome::Indeterminate);
    assert_eq!(verdict.reasons, ["3 of 10 components are neither evaluated nor explained"]);
}

#[test]
fn old_data_is_a_doubt_from_the_first_day_over_the_limit() {
    let gate = Gate { data_age_days_max: Some(7), ..Gate::default() };
    let aged = |age: Timestamp| verdict(&judged(Vec::new()), &gate, &[source("debian", Some(age))]);
    assert_eq!(aged(now()).outcome, Outcome::Pass);
    // Days are whole days: one second before the eighth day is still the seventh.
    assert_eq!(aged(now().plus_days(-8).plus_seconds(1)).outcome, Outcome::Pass);
    let over = aged(now().plus_days(-8));
    assert_eq!(over.outcome, Outcome::Indeterminate);
    assert_eq!(over.reasons, ["data of debian is 8 days old, more than 7"]);
}

#[test]
fn one_old_source_among_fresh_ones_is_a_doubt() {
    let gate = Gate { data_age_days_max: Some(7), ..Gate::default() };
    let mut sources = fresh();
    sources.push(source("ghsa", Some(now().plus_days(-30))));
    let verdict = verdict(&judged(Vec::new()), &gate, &sources);
    assert_eq!(verdict.outcome, Outcome::Indeterminate);
    assert_eq!(verdict.reasons, ["data of ghsa is 30 days old, more than 7"]);
}

#[test]
fn data_of_unknown_age_is_a_doubt_when_the_age_matters() {
    let limited = Gate { data_age_days_max: Some(7), ..Gate::default() };
    let unknown = [source("osv", None)];
    let doubt = verdict(&judged(Vec::new()), &limited, &unknown);
    assert_eq!(doubt.outcome, Outcome::Indeterminate);
    assert_eq!(doubt.reasons, ["the age of the data of osv is unknown"]);
    assert_eq!(verdict(&judged(Vec::new()), &Gate::default(), &unknown).outcome, Outcome::Pass);
    // No source at all is no better.
    assert_eq!(verdict(&judged(Vec::new()), &limited, &[]).outcome, Outcome::Indeterminate);
}

#[test]
fn data_from_the_future_is_of_unknown_age_and_not_fresh() {
    let gate = Gate { data_age_days_max: Some(7), ..Gate::default() };
    let dated = |days| verdict(&judged(Vec::new()), &gate, &[source("debian", Some(now().plus_days(days)))]);
    assert_eq!(dated(1).sources[0].age, DataAge::Days(0));
    assert_eq!(dated(1).outcome, Outcome::Pass);
    assert_eq!(dated(2).sources[0].age, DataAge::Unknown);
    assert_eq!(dated(2).outcome, Outcome::Indeterminate);
}

#[test]
fn a_failure_outweighs_every_doubt_and_comes_first_in_the_reasons() {
    let gate = Gate { data_age_days_max: Some(7), ..Gate::default() };
    let old = [source("debian", Some(now().plus_days(-9)))];
    let verdict = verdict(&with_gap(vec![finding(Severity::High, &[])], 2), &gate, &old);
    assert_eq!(verdict.outcome, Outcome::Fail);
    let want = [
        "1 finding at severity unknown or above",
        "2 components not evaluated: no purl",
        "data of debian is 9 days old, more than 7",
    ];
    assert_eq!(verdict.reasons, want);
}

#[test]
fn a_verdict_names_all_that_it_rests_on() {
    let gate = Gate::default();
    let verdict = verdict(&judged(Vec::new()), &gate, &fresh());
    assert_eq!(verdict.generation, generation());
    assert_eq!(verdict.policy, gate.digest());
    assert_eq!(verdict.engine, "0.1.0");
    assert_eq!(verdict.evaluated_at, now());
    assert_eq!(verdict.sources[0].as_of, Some(now().plus_days(-1)));
    assert_eq!(verdict.sources[0].age, DataAge::Days(1));
}

#[test]
fn every_setting_of_the_gate_changes_its_digest() {
    let gates = [
        Gate::default(),
        Gate { fail_on: None, ..Gate::default() },
        Gate { ignore_unfixed: true, ..Gate::default() },
        Gate { on_unevaluated: OnUnevaluated::Ignore, ..Gate::default() },
        Gate { allow_empty: true, ..Gate::default() },
        Gate { data_age_days_max: Some(7), ..Gate::default() },
    ];
    let digests: std::collections::BTreeSet<_> = gates.iter().map(Gate::digest).collect();
    assert_eq!(digests.len(), gates.len());
}

#[test]
fn a_gate_with_an_unknown_setting_is_refused() {
    assert!(serde_json::from_str::<Gate>(r#"{"fail_on":"high"}"#).is_ok());
    assert!(serde_json::from_str::<Gate>(r#"{"fail-on":"high"}"#).is_err());
    assert!(serde_json::from_str::<Gate>(r#"{"fail_on":"serious"}"#).is_err());
}
