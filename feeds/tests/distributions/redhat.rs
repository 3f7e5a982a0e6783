//! Red Hat's VEX documents and the packages of RHEL.

use domain::advisory::{Affected, Interval, Status};
use domain::finding::Unevaluated;
use domain::severity::Severity;

use crate::documents::{fixture, read};
use crate::index::Index;

fn redhat() -> Index {
    Index::of(["2022-24834", "2023-28484", "2026-11611"].map(|cve| fixture(&format!("csaf/redhat-cve-{cve}.json"))))
}

fn nothing() -> Vec<(String, Status, String)> {
    Vec::new()
}

fn one(cve: &str, status: Status, fixed: &str) -> Vec<(String, Status, String)> {
    vec![(cve.to_owned(), status, fixed.to_owned())]
}

#[test]
fn a_vex_document_is_read_by_stream_module_architecture_and_erratum() {
    let ingested = fixture("csaf/redhat-cve-2022-24834.json");
    let [record] = &ingested.records[..] else { panic!("one record") };
    assert_eq!((record.id.as_str(), record.source.as_str()), ("CVE-2022-24834", "redhat"));
    assert_eq!(record.modified.map(|at| at.to_string()).as_deref(), Some("2026-08-04T19:54:43Z"));
    assert_eq!(record.cwes.iter().collect::<Vec<_>>(), ["CWE-680"]);
    let brief = |affected: &Affected| {
        let arches = affected.arches.iter().cloned().collect::<Vec<_>>().join(" ");
        let range = affected.ranges.iter().map(ToString::to_string).collect::<String>();
        let at = format!("{} {}", affected.package.ecosystem, affected.package.name);
        (at, affected.record.clone(), affected.module.clone().unwrap_or_default(), arches, range)
    };
    let got: Vec<_> =
        record.affected.iter().filter(|affected| affected.status == Status::Affected).map(brief).collect();
    let row = |at: &str, record: &str, module: &str, arches: &str, range: &str| {
        (at.to_owned(), record.to_owned(), module.to_owned(), arches.to_owned(), range.to_owned())
    };
    let want = [
        row(
            "Red Hat:enterprise_linux:8::appstream redis",
            "RHSA-2025:0595",
            "redis:6",
            "aarch64 x86_64",
            "< 6.2.17-1.module+el8.10.0+22680+748527fd",
        ),
        row("Red Hat:enterprise_linux:9::appstream redis", "RHSA-2025:0693", "", "aarch64 x86_64", "< 6.2.17-1.el9_5"),
    ];
    assert_eq!(got, want);
    let of = |status| record.affected.iter().find(|affected| affected.status == status).expect("stated");
    let open = of(Status::WillNotFix);
    assert_eq!(open.package.ecosystem.to_string(), "Red Hat:rhel_software_collections:3");
    assert_eq!((open.package.name.as_str(), &open.ranges[..]), ("rh-redis6-redis", &[Interval::all()][..]));
    assert!(open.arches.contains("src"));
    assert!(of(Status::NotAffected).ranges.is_empty());
    let notes: Vec<_> = ingested.notes.iter().map(|((_, reason), note)| (reason.as_str(), note.count)).collect();
    assert_eq!(notes, [("component that is no RPM: ignored", 11)], "two containers, a crate and others");
}

#[test]
fn a_fix_in_a_stream_of_the_release_is_found_and_its_evidence_says_which_stream() {
    let redhat = redhat();
    let old = "pkg:rpm/redhat/libxml2@2.9.7-15.el8?arch=x86_64&distro=rhel-8.8";
    let evaluation = redhat.scan(&[old]);
    let [finding] = &evaluation.findings[..] else { panic!("one finding") };
    assert_eq!((finding.vulnerability.as_str(), finding.severity), ("CVE-2023-28484", Severity::Medium));
    assert_eq!(finding.severity_source.as_ref().map(|source| source.as_str()), Some("redhat"));
    assert_eq!(finding.fixed_versions, ["2.9.7-16.el8_8.1"]);
    assert_eq!(finding.evidence[0].record, "RHSA-2023:4529");
    let want = "affected: < 2.9.7-16.el8_8.1 (Red Hat:enterprise_linux:8::baseos, by default for release 8: the \
                document names no repository)";
    assert_eq!(finding.evidence[0].reason, want);
    assert_eq!(redhat.found("pkg:rpm/redhat/libxml2@2.9.7-16.el8_8.1?arch=x86_64&distro=rhel-8.8"), nothing());
}

#[test]
fn a_repository_of_extended_support_has_the_fix_of_its_minor_release() {
    let redhat = redhat();
    let repository = "repository_id=rhel-8-for-x86_64-baseos-eus-rpms";
    let at = |version: &str| format!("pkg:rpm/redhat/libxml2@{version}?arch=x86_64&distro=rhel-8.6&{repository}");
    assert_eq!(redhat.found(&at("2.9.7-13.el8")), one("CVE-2023-28484", Status::Affected, "2.9.7-13.el8_6.4"));
    assert_eq!(redhat.found(&at("2.9.7-13.el8_6.4")), nothing());
    let stated = "pkg:rpm/redhat/libxml2@2.9.7-13.el8_6.4?arch=x86_64&distro=rhel-8.6";
    assert_eq!(redhat.found(stated), one("CVE-2023-28484", Status::Affected, "2.9.7-16.el8_8.1"));
}

#[test]
fn a_repository_that_is_not_red_hats_is_not_judged_by_red_hats_statements() {
    let foreign = "pkg:rpm/redhat/libxml2@2.9.7-13.el8?arch=x86_64&distro=rhel-8.6&repository_id=epel";
    let evaluation = redhat().scan(&[foreign]);
    assert_eq!(evaluation.findings, []);
    let reason = Unevaluated::UnknownRepository { repository: "epel".into() };
    assert_eq!(evaluation.coverage.unevaluated[0].reason, reason);
}

#[test]
fn what_stays_open_has_its_state_for_binaries_and_by_source() {
    let redhat = redhat();
    let deferred = one("CVE-2026-11611", Status::FixDeferred, "");
    let end = one("CVE-2023-28484", Status::EndOfLife, "");
    let at = |purl: &str| redhat.found(purl);
    assert_eq!(at("pkg:rpm/redhat/389-ds-base-libs@2.6.1-8.el9?arch=x86_64&distro=rhel-9.6"), deferred);
    assert_eq!(at("pkg:rpm/redhat/389-ds-base@2.6.1-8.el9?arch=x86_64&distro=rhel-10.0"), deferred);
    assert_eq!(at("pkg:rpm/redhat/libxml2-python@2.9.1-6.el7?arch=x86_64&distro=rhel-7.9"), end);
    assert_eq!(at("pkg:rpm/centos/libxml2-python@2.9.1-6.el7?arch=x86_64&distro=centos-7"), end);
    assert_eq!(at("pkg:rpm/redhat/389-ds-base@1.2.11-97.el6?arch=x86_64&distro=rhel-6.10"), nothing());
}

#[test]
fn a_module_has_its_own_fix_and_other_streams_have_none_of_it() {
    let redhat = redhat();
    let fixed = "6.2.17-1.module%2Bel8.10.0%2B22680%2B748527fd";
    let at = |rest: &str| {
        redhat.scan(&[&format!("pkg:rpm/redhat/redis@6.2.7-1.module%2Bel8.6.0%2B1?arch=x86_64&distro=rhel-8.10{rest}")])
    };
    assert_eq!(at("&rpmmod=redis:6:8060020220101:abc").findings.len(), 1);
    let other = at("&rpmmod=redis:5:8060020220101:abc");
    assert_eq!((other.findings.len(), other.coverage.evaluated), (0, 1));
    let unlabelled = at("");
    assert_eq!(unlabelled.findings, []);
    assert_eq!(unlabelled.coverage.unevaluated[0].reason, Unevaluated::UnknownModule, "no match, and it is said");
    let patched = format!("pkg:rpm/redhat/redis@{fixed}?arch=x86_64&distro=rhel-8.10&rpmmod=redis:6:8:a");
    assert_eq!(redhat.found(&patched), nothing());
}

#[test]
fn a_fix_for_other_architectures_only_is_none() {
    let redhat = redhat();
    let at = |arch: &str| redhat.found(&format!("pkg:rpm/redhat/redis@6.2.7-1.el9?arch={arch}&distro=rhel-9.5"));
    assert_eq!(at("x86_64"), one("CVE-2022-24834", Status::Affected, "6.2.17-1.el9_5"));
    assert_eq!(at("riscv64"), nothing());
}

#[test]
fn a_fix_in_a_stream_settles_what_the_release_leaves_open() {
    // In the newer form of these documents the release as a whole is affected, a stream of it fixed.
    let index = Index::of([fixture("csaf/redhat-newer-form.json")]);
    let at = |version: &str| index.found(&format!("pkg:rpm/redhat/p@{version}?arch=x86_64&distro=rhel-9.4&epoch=1"));
    assert_eq!(at("1-1.el9"), one("CVE-2024-0001", Status::Affected, "1:2-1.el9"));
    assert_eq!(at("2-1.el9"), nothing(), "fixed, although the release as a whole is called affected");
}

#[test]
fn bad_documents_are_reported_and_cost_nothing_else() {
    let elsewhere = br#"{"document":{"publisher":{"namespace":"https://example.org","name":"Somebody"},
        "tracking":{"id":"X"}},"product_tree":{},"vulnerabilities":[]}"#;
    let ingested = read("x.json", elsewhere);
    assert_eq!(ingested.unsupported.keys().collect::<Vec<_>>(), ["CSAF of Somebody"]);
    let nameless = br#"{"document":{"publisher":{"namespace":"https://www.redhat.com"}},"vulnerabilities":[{}]}"#;
    assert_eq!(read("x.json", nameless).problems[0].reason, "CSAF document without a tracking id");
    let hollow = br#"{"document":{"publisher":{"namespace":"https://www.redhat.com"},"tracking":{"id":"CVE-1"}},
        "product_tree":7,"vulnerabilities":[{"cve":"CVE-1","product_status":{"fixed":["a:b"],"first_fixed":["c"]},
        "scores":[{"cvss_v3":{"vectorString":"CVSS:3.1/AV:banana"}}],"release_date":"soon"},{"title":"no id"}]}"#;
    let ingested = read("x.json", hollow);
    assert_eq!(ingested.records.len(), 1);
    let reasons: Vec<_> = ingested.notes.keys().map(|(_, reason)| reason.as_str()).collect();
    let want = [
        "date that cannot be read: ignored",
        "product status that no vendor here uses: ignored",
        "rating that cannot be read: ignored",
        "status of something that is no component of a product: ignored",
        "vulnerability without a CVE id: ignored",
    ];
    assert_eq!(reasons, want);
    assert_eq!(read("x.json", br#"{"document":{"category":"csaf_vex"},"vulnerabilities":[{"#).problems.len(), 1);
}
