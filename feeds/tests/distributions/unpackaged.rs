//! Software without a package: NVD, its corrections, the CVE list, and look-ups by CPE.

use domain::component::{Component, Inventory};
use domain::finding::{Evaluation, Unevaluated};
use domain::matching::evaluate;
use domain::purl::Purl;
use domain::severity::Severity;

use crate::documents::{fixture, read};
use crate::index::Index;

fn nvd() -> Index {
    Index::of([fixture("nvd/page.json"), fixture("nvd/override.json"), fixture("cve/CVE-2023-0392.json")])
}

/// A binary that a tool knows by its content.
fn binary(cpe: &str) -> Component {
    Component { name: "binary".into(), cpes: vec![cpe.to_owned()], ..Component::default() }
}

fn scan(index: &Index, component: Component) -> Evaluation {
    let Ok(evaluation) = evaluate(&Inventory { components: vec![component], ..Inventory::default() }, index);
    evaluation
}

fn found(index: &Index, cpe: &str) -> Vec<(String, String)> {
    let findings = scan(index, binary(cpe)).findings.into_iter();
    findings.map(|finding| (finding.vulnerability, finding.fixed_versions.join(" "))).collect()
}

fn one(cve: &str, fixed: &str) -> Vec<(String, String)> {
    vec![(cve.to_owned(), fixed.to_owned())]
}

fn reason(evaluation: &Evaluation) -> &Unevaluated {
    assert!(evaluation.findings.is_empty(), "{:?}", evaluation.findings);
    &evaluation.coverage.unevaluated[0].reason
}

#[test]
fn nvd_states_bounds_ratings_and_what_is_rejected() {
    let feed = fixture("nvd/page.json");
    let at = |id: &str| feed.records.iter().find(|record| record.id == id).expect(id);
    assert!(feed.problems.is_empty(), "{:?}", feed.problems);
    assert!(at("CVE-2024-0069").withdrawn.is_some() && at("CVE-2022-0778").withdrawn.is_none());
    let openssl = at("CVE-2022-0778");
    let by_nvd =
        |rating: &&domain::severity::Rating| rating.source.as_str() == "nvd" && rating.score_tenths == Some(75);
    assert!(openssl.ratings.iter().any(|rating| by_nvd(&rating)), "7.5 of CVSS 3.1: {:?}", openssl.ratings);
    assert!(openssl.cwes.contains("CWE-835"), "{:?}", openssl.cwes);
    let jabber = at("CVE-2021-1569");
    let sources: Vec<_> = jabber.ratings.iter().map(|rating| rating.source.as_str()).collect();
    assert!(sources.contains(&"cve"), "what Cisco says is not NVD's word: {sources:?}");
    assert_eq!(
        feed.tallies.values().next().and_then(|tally| tally.as_of).map(|at| at.date()).as_deref(),
        Some("2026-08-21")
    );
}

#[test]
fn software_without_a_purl_is_looked_up_by_its_cpe() {
    let index = nvd();
    let openssl = |version: &str| found(&index, &format!("cpe:2.3:a:openssl:openssl:{version}:*:*:*:*:*:*:*"));
    assert_eq!(openssl("1.1.1k"), one("CVE-2022-0778", "1.1.1n"));
    assert_eq!(openssl("1.0.2zc"), one("CVE-2022-0778", "1.0.2zd"));
    assert_eq!(openssl("1.1.1n"), []);
    assert_eq!(found(&index, "cpe:/a:openssl:openssl:3.0.1"), one("CVE-2022-0778", "3.0.2"), "the older spelling");
    let evaluation = scan(&index, binary("cpe:2.3:a:openssl:openssl:1.1.1k:*:*:*:*:*:*:*"));
    let finding = &evaluation.findings[0];
    assert_eq!((finding.ecosystem.as_str(), finding.severity), ("CPE", Severity::High));
    assert!(finding.evidence[0].reason.contains("cpe:2.3:a:openssl:openssl:1.1.1k"), "{:?}", finding.evidence);
    // A name with a version that the name leaves open: the component's own.
    let own = Component { version: Some("1.1.1k".into()), ..binary("cpe:2.3:a:openssl:openssl:*:*:*:*:*:*:*:*") };
    assert_eq!(scan(&index, own).findings.len(), 1);
    assert_eq!(
        reason(&scan(&index, binary("cpe:2.3:a:openssl:openssl:*:*:*:*:*:*:*:*"))),
        &Unevaluated::MissingVersion
    );
}

#[test]
fn qualifiers_of_a_cpe_tell_editions_apart() {
    let index = nvd();
    let node = |version: &str, edition: &str| {
        found(&index, &format!("cpe:2.3:a:nodejs:node.js:{version}:*:*:*:{edition}:*:*:*"))
    };
    assert_eq!(node("16.13.1", "lts"), one("CVE-2022-0778", "16.14.2"));
    assert_eq!(node("16.13.1", "-"), [], "only the long-term edition has these versions");
    assert_eq!(node("16.13.1", "*"), one("CVE-2022-0778", "16.14.2"), "nobody says which: not clean");
    assert_eq!(node("17.0.0", "-"), [], "the bound is excluded");
    assert_eq!(node("17.1.0", "-"), one("CVE-2022-0778", "17.7.2"));
    let jabber = |system: &str| found(&index, &format!("cpe:2.3:a:cisco:jabber:14.0:*:*:*:*:{system}:*:*"));
    assert_eq!(jabber("windows"), one("CVE-2021-1569", "14.0.1.55914"));
    assert_eq!(jabber("linux"), []);
}

#[test]
fn a_cpe_that_nobody_speaks_of_proves_nothing() {
    let index = nvd();
    let unknown = scan(&index, binary("cpe:2.3:a:open_ssl:openssl:1.1.1k:*:*:*:*:*:*:*"));
    assert_eq!(reason(&unknown), &Unevaluated::UnknownCpe);
    assert_eq!(reason(&scan(&index, binary("openssl 1.1.1k"))), &Unevaluated::InvalidCpe);
    // One of several guesses of a tool is known: that one counts.
    let guesses = ["cpe:2.3:a:open_ssl:openssl:1.1.1n:*:*:*:*:*:*:*", "cpe:2.3:a:openssl:openssl:1.1.1n:*:*:*:*:*:*:*"];
    let component = Component { cpes: guesses.map(str::to_owned).to_vec(), ..binary("") };
    assert_eq!(scan(&index, component).coverage.evaluated, 1);
    // Of a package that has a purl, the purl decides.
    let purl = Purl::parse("pkg:npm/openssl@1.1.1k").expect("a purl");
    let packaged = Component { purl: Some(purl), ..binary("cpe:2.3:a:openssl:openssl:1.1.1k:*:*:*:*:*:*:*") };
    assert_eq!(reason(&scan(&index, packaged)), &Unevaluated::NoData { ecosystem: "npm".into() });
    let generic = Purl::parse("pkg:generic/openssl@1.1.1k").expect("a purl");
    let generic = Component { purl: Some(generic), ..binary("cpe:2.3:a:openssl:openssl:*:*:*:*:*:*:*:*") };
    assert_eq!(scan(&index, generic).findings.len(), 1, "for this type there are no advisories by purl");
    let none = Index::of([fixture("osv/PYSEC-2019-26.yaml")]);
    let absent = scan(&none, binary("cpe:2.3:a:openssl:openssl:1.1.1k:*:*:*:*:*:*:*"));
    assert_eq!(reason(&absent), &Unevaluated::NoData { ecosystem: "CPE".into() });
}

#[test]
fn the_cve_list_and_cisa_speak_each_for_themselves() {
    let feed = fixture("cve/CVE-2023-0392.json");
    let said: Vec<_> = feed.records.iter().map(|record| (record.source.as_str(), record.affected.len())).collect();
    assert_eq!(said, [("cve", 0), ("cisa-adp", 1)], "Okta names no CPE, CISA does");
    assert_eq!(feed.records[0].published.map(|at| at.date()).as_deref(), Some("2023-11-08"));
    assert_eq!(feed.records[1].ratings[0].score_tenths, Some(39));
    let index = nvd();
    let agent = |version: &str| found(&index, &format!("cpe:2.3:a:okta:ldap_agent:{version}:*:*:*:*:*:*:*"));
    assert_eq!(agent("5.17"), one("CVE-2023-0392", "5.18"));
    assert_eq!(agent("5.18"), []);
}

/// A record with this list of affected products.
fn cve(affected: &str) -> Index {
    let document = format!(
        r#"{{"dataType":"CVE_RECORD","cveMetadata":{{"cveId":"CVE-2030-0001","state":"PUBLISHED"}},"containers":{{"cna":{{
            "affected":[{{"cpes":["cpe:2.3:a:v:p:*:*:*:*:*:*:*:*"],{affected}}}]}}}}}}"#
    );
    Index::of([read("cve.json", document.as_bytes())])
}

#[test]
fn versions_of_the_cve_list_are_read_as_its_schema_means_them() {
    let affected = |index: &Index, versions: &[&str]| -> Vec<bool> {
        let at = |version: &&str| !found(index, &format!("cpe:2.3:a:v:p:{version}:*:*:*:*:*:*:*")).is_empty();
        versions.iter().map(at).collect()
    };
    let ends = cve(
        r#""versions":[{"version":"2.0","lessThan":"2.4","status":"affected"},{"version":"1.0","lessThanOrEqual":"1.5","status":"affected"}]"#,
    );
    assert_eq!(affected(&ends, &["0.9", "1.0", "1.5", "1.6", "2.3", "2.4"]), [false, true, true, false, true, false]);
    let open = cve(r#""versions":[{"version":"2.0","lessThan":"*","status":"affected"}]"#);
    assert_eq!(affected(&open, &["1.9", "2.0", "99"]), [false, true, true]);
    let single = cve(r#""versions":[{"version":"2.0","status":"affected"},{"version":"3.0","status":"unaffected"}]"#);
    assert_eq!(affected(&single, &["1.9", "2.0", "2.0.1", "3.0"]), [false, true, false, false]);
    let changes = cve(r#""versions":[{"version":"1.0","lessThan":"3.0","status":"affected","changes":[
            {"at":"1.5","status":"unaffected"},{"at":"2.0","status":"affected"}]}]"#);
    assert_eq!(
        affected(&changes, &["1.4", "1.5", "1.9", "2.0", "2.9", "3.0"]),
        [true, false, false, true, true, false]
    );
    let rest = cve(r#""defaultStatus":"affected","versions":[{"version":"2.0","lessThan":"*","status":"unaffected"}]"#);
    assert_eq!(affected(&rest, &["1.9", "2.0"]), [true, false]);
    let all =
        cve(r#""defaultStatus":"affected","versions":[{"version":"2.0","lessThan":"2.5","status":"unaffected"}]"#);
    assert_eq!(
        affected(&all, &["1.9", "2.0", "2.6"]),
        [true, true, true],
        "an exception with an end hides nothing beside it"
    );
    let commits =
        r#""versions":[{"version":"1da177e4c3f4","lessThan":"5d4f3b1","status":"affected","versionType":"git"}]"#;
    let feed = read(
        "cve.json",
        format!(r#"{{"cveMetadata":{{"cveId":"CVE-2030-0001"}},"containers":{{"cna":{{"affected":[{{"cpes":["cpe:2.3:a:v:p:*:*:*:*:*:*:*:*"],{commits}}}]}}}}}}"#).as_bytes(),
    );
    assert_eq!(feed.notes.len(), 1, "and it is told");
    let unreadable = Unevaluated::InvalidAdvisory { record: "CVE-2030-0001".into() };
    assert_eq!(reason(&scan(&Index::of([feed]), binary("cpe:2.3:a:v:p:1.0:*:*:*:*:*:*:*"))), &unreadable);
    let free = cve(
        r#""versions":[{"version":"after 1.0 and before 2.0","status":"affected"},{"version":"3.0","status":"affected"}]"#,
    );
    assert_eq!(reason(&scan(&free, binary("cpe:2.3:a:v:p:1.5:*:*:*:*:*:*:*"))), &unreadable, "not cleared");
    assert_eq!(found(&free, "cpe:2.3:a:v:p:3.0:*:*:*:*:*:*:*").len(), 1, "what can be read counts");
    // A commit beside versions says the same once more.
    let both = cve(&format!(
        r#""versions":[{{"version":"1.0","lessThan":"2.0","status":"affected"}}]}},{{"cpes":["cpe:2.3:a:v:p:*:*:*:*:*:*:*:*"],{commits}"#
    ));
    assert_eq!(affected(&both, &["1.5", "2.0"]), [true, false]);
    assert_eq!(scan(&both, binary("cpe:2.3:a:v:p:2.0:*:*:*:*:*:*:*")).coverage.evaluated, 1);
    let pattern = r#"{"id":"CVE-2030-0002","sourceIdentifier":"x","vulnStatus":"Analyzed","configurations":[{"nodes":[{"cpeMatch":[
        {"vulnerable":true,"criteria":"cpe:2.3:a:v:p:1.*:*:*:*:*:*:*:*"}]}]}]}"#;
    let pattern = scan(&Index::of([read("nvd.json", pattern.as_bytes())]), binary("cpe:2.3:a:v:p:1.0:*:*:*:*:*:*:*"));
    assert_eq!(reason(&pattern), &Unevaluated::InvalidAdvisory { record: "CVE-2030-0002".into() });
}

#[test]
fn what_somebody_corrected_counts_before_what_nvd_says() {
    let nvd = r#"{"id":"CVE-2019-7317","sourceIdentifier":"x","vulnStatus":"Analyzed","configurations":[{"nodes":[{"operator":"OR",
        "cpeMatch":[{"vulnerable":true,"criteria":"cpe:2.3:a:libpng:libpng:*:*:*:*:*:*:*:*"}]}]}]}"#;
    let png = |index: &Index| found(index, "cpe:2.3:a:libpng:libpng:1.5.30:*:*:*:*:*:*:*").len();
    assert_eq!(png(&Index::of([read("nvd.json", nvd.as_bytes())])), 1);
    assert_eq!(png(&Index::of([read("nvd.json", nvd.as_bytes()), fixture("nvd/override.json")])), 0);
}

#[test]
fn half_a_page_of_nvd_is_a_problem_and_no_small_page() {
    let page = crate::documents::bytes("nvd/page.json");
    let feed = read("page.json", &page[..page.len() * 3 / 4]);
    assert!(feed.records.is_empty());
    assert!(feed.problems[0].reason.starts_with("the whole document is left out"), "{:?}", feed.problems);
}
