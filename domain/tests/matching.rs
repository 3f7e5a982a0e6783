//! Matching, end to end over a small index in memory: what is looked up, what is judged,
//! and that nothing falls between "finding", "evaluated" and "unevaluated, because".

#[path = "matching/owned.rs"]
mod owned;

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;

use domain::advisory::{Affected, Interval, Lower, PackageKey, Status, Upper};
use domain::component::{Component, ComponentKind, Distribution, Inventory, SourcePackage};
use domain::ecosystem::Ecosystem;
use domain::finding::{Confidence, Evaluation, Unevaluated};
use domain::matching::{AdvisoryIndex, Assertion, DataCoverage, RatingRow, Summary, evaluate, explain};
use domain::purl::Purl;
use domain::severity::{RatingScheme, Severity};
use domain::source::SourceId;

#[derive(Default)]
struct Index {
    packages: BTreeMap<PackageKey, Vec<Assertion>>,
    summaries: BTreeMap<String, Summary>,
    ecosystems: BTreeSet<String>,
    partial: bool,
}

impl AdvisoryIndex for Index {
    type Error = Infallible;

    fn coverage(&self, ecosystem: &Ecosystem) -> DataCoverage {
        match self.ecosystems.contains(&ecosystem.to_string()) {
            true if self.partial => DataCoverage::Partial,
            true => DataCoverage::Complete,
            false => DataCoverage::Absent,
        }
    }

    fn assertions(&self, package: &PackageKey) -> Result<Arc<[Assertion]>, Infallible> {
        Ok(self.packages.get(package).cloned().unwrap_or_default().into())
    }

    fn summary(&self, advisory: &str) -> Result<Option<Summary>, Infallible> {
        Ok(self.summaries.get(advisory).cloned())
    }
}

fn key(ecosystem: &str, name: &str) -> PackageKey {
    PackageKey::new(ecosystem.parse().expect("an ecosystem"), name)
}

fn between(introduced: &str, fixed: &str) -> Interval {
    Interval { lower: Lower::Introduced(introduced.into()), upper: Upper::Fixed(fixed.into()) }
}

impl Index {
    /// Adds what `source` says in `record`, a member of `advisory`.
    fn says(mut self, advisory: &str, source: &str, record: &str, package: PackageKey, ranges: &[Interval]) -> Self {
        let mut affected = Affected::new(SourceId::new(source), record, package);
        affected.ranges = ranges.to_vec();
        self.add(advisory, &affected);
        self
    }

    fn denies(mut self, advisory: &str, source: &str, package: PackageKey) -> Self {
        let mut affected = Affected::new(SourceId::new(source), advisory, package);
        affected.status = Status::NotAffected;
        self.add(advisory, &affected);
        self
    }

    fn add(&mut self, advisory: &str, affected: &Affected) {
        self.ecosystems.insert(affected.package.ecosystem.to_string());
        self.packages.entry(affected.package.clone()).or_default().push(Assertion::new(advisory, affected));
    }

    fn covering(mut self, ecosystem: &str) -> Self {
        self.ecosystems.insert(ecosystem.to_owned());
        self
    }
}

fn component(purl: &str) -> Component {
    let parsed = Purl::parse(purl).expect(purl);
    Component { name: parsed.name.clone(), version: parsed.version.clone(), purl: Some(parsed), ..Component::default() }
}

fn inventory(components: Vec<Component>) -> Inventory {
    Inventory { components, tools: vec!["syft".into()], ..Inventory::default() }
}

fn scan(index: &Index, components: Vec<Component>) -> Evaluation {
    let Ok(evaluation) = evaluate(&inventory(components), index);
    let coverage = &evaluation.coverage;
    assert_eq!(
        coverage.components,
        coverage.evaluated + coverage.unevaluated_count(),
        "every component is counted once"
    );
    evaluation
}

fn found(evaluation: &Evaluation) -> Vec<(&str, &str)> {
    evaluation.findings.iter().map(|finding| (finding.package.as_str(), finding.vulnerability.as_str())).collect()
}

fn reasons(evaluation: &Evaluation) -> Vec<Unevaluated> {
    evaluation.coverage.unevaluated.iter().map(|group| group.reason.clone()).collect()
}

#[test]
fn a_version_inside_an_interval_is_found_and_the_fixed_one_is_not() {
    let index = Index::default().says("CVE-1", "ghsa", "GHSA-1", key("npm", "lodash"), &[between("4.0.0", "4.17.21")]);
    let evaluation = scan(&index, vec![component("pkg:npm/lodash@4.17.20"), component("pkg:npm/lodash@4.17.21")]);
    assert_eq!(found(&evaluation), [("lodash", "CVE-1")]);
    let finding = &evaluation.findings[0];
    assert_eq!(finding.fixed_versions, ["4.17.21"]);
    assert_eq!(finding.evidence[0].reason, "affected: >= 4.0.0, < 4.17.21");
    assert_eq!(evaluation.coverage.evaluated, 2);
}

#[test]
fn names_are_compared_as_each_registry_normalises_them() {
    let index = Index::default()
        .says("CVE-1", "pypa", "PYSEC-1", key("PyPI", "Zope.Interface"), &[Interval::all()])
        .says("CVE-2", "ghsa", "GHSA-2", key("Maven", "org.apache:Log4j"), &[Interval::all()])
        .says("CVE-3", "go", "GO-3", key("Go", "github.com/Azure/x"), &[Interval::all()]);
    let components = vec![
        component("pkg:pypi/zope_interface@5.0"),
        component("pkg:maven/org.apache/log4j@1.0"),
        component("pkg:golang/github.com/azure/x@v1.0.0"),
        component("pkg:npm/%40types%2Fnode@1.0.0"),
    ];
    let index = index.says("CVE-4", "ghsa", "GHSA-4", key("npm", "@types/node"), &[Interval::all()]);
    assert_eq!(found(&scan(&index, components)).len(), 4);
}

#[test]
fn one_finding_joins_all_sources_of_a_vulnerability() {
    let index = Index::default().says("CVE-1", "ghsa", "GHSA-1", key("PyPI", "x"), &[Interval::below("1.2")]).says(
        "CVE-1",
        "pypa",
        "PYSEC-1",
        key("PyPI", "x"),
        &[Interval::below("1.3")],
    );
    let evaluation = scan(&index, vec![component("pkg:pypi/x@1.0")]);
    assert_eq!(evaluation.findings.len(), 1);
    assert_eq!(evaluation.findings[0].evidence.len(), 2);
    assert_eq!(evaluation.findings[0].fixed_versions, ["1.2", "1.3"]);
    assert_eq!(evaluation.findings[0].confidence, Confidence::Agreed);
}

#[test]
fn equal_sources_that_disagree_make_a_disputed_finding_not_a_silence() {
    let index = Index::default().says("CVE-1", "ghsa", "GHSA-1", key("PyPI", "x"), &[Interval::below("1.2")]).says(
        "CVE-1",
        "pypa",
        "PYSEC-1",
        key("PyPI", "x"),
        &[Interval::below("1.3")],
    );
    let evaluation = scan(&index, vec![component("pkg:pypi/x@1.2")]);
    assert_eq!(evaluation.findings[0].confidence, Confidence::Disputed);
}

#[test]
fn where_an_ecosystem_has_an_authority_it_decides_alone() {
    let index = Index::default()
        .says("CVE-1", "ghsa", "GHSA-1", key("crates.io", "x"), &[Interval::all()])
        .says("CVE-1", "rustsec", "RUSTSEC-1", key("crates.io", "x"), &[Interval::below("1.0.0")])
        .says("CVE-2", "ghsa", "GHSA-2", key("crates.io", "x"), &[Interval::all()]);
    let evaluation = scan(&index, vec![component("pkg:cargo/x@1.0.0")]);
    assert_eq!(found(&evaluation), [("x", "CVE-2")], "RustSec says fixed, and knows nothing of the second");
}

#[test]
fn debian_is_judged_by_source_package_and_source_version() {
    let index = Index::default().says(
        "CVE-2022-0778",
        "debian",
        "CVE-2022-0778",
        key("Debian:11", "openssl"),
        &[Interval::below("1.1.1k-1+deb11u2")],
    );
    let hit = component("pkg:deb/debian/libssl1.1@1.1.1k-1%2Bb1?upstream=openssl@1.1.1k-1&distro=debian-11.5");
    let fixed = component("pkg:deb/debian/libssl1.1@1.1.1n-0?upstream=openssl&distro=debian-11");
    let other = component("pkg:deb/debian/openssl-doc@1.0?upstream=other&distro=debian-11");
    let evaluation = scan(&index, vec![hit, fixed, other]);
    assert_eq!(found(&evaluation), [("libssl1.1", "CVE-2022-0778")]);
    assert_eq!(evaluation.findings[0].matched_name, "openssl");
    assert_eq!(evaluation.coverage.evaluated, 3);
}

#[test]
fn an_epoch_given_as_a_qualifier_counts() {
    let index =
        Index::default().says("CVE-1", "debian", "CVE-1", key("Debian:12", "bind9"), &[Interval::below("1:9.18.4-2")]);
    let evaluation = scan(&index, vec![component("pkg:deb/debian/bind9@9.19?epoch=1&distro=debian-12")]);
    assert_eq!(found(&evaluation), []);
    assert_eq!(evaluation.coverage.evaluated, 1);
}

#[test]
fn a_release_without_data_is_unevaluated_not_clean() {
    let index = Index::default().covering("Alpine:v3.19");
    let evaluation = scan(&index, vec![component("pkg:apk/alpine/musl@1.2.4-r2?distro=alpine-3.18.4")]);
    assert_eq!(reasons(&evaluation), [Unevaluated::NoData { ecosystem: "Alpine:v3.18".into() }]);
}

#[test]
fn partial_data_makes_findings_but_its_silence_proves_nothing() {
    let mut index = Index::default().says("CVE-1", "debian", "CVE-1", key("Debian:12", "x"), &[Interval::all()]);
    index.partial = true;
    let evaluation = scan(
        &index,
        vec![component("pkg:deb/debian/x@1?distro=debian-12"), component("pkg:deb/debian/y@1?distro=debian-12")],
    );
    assert_eq!(found(&evaluation), [("x", "CVE-1")]);
    assert_eq!(evaluation.coverage.evaluated, 0);
    assert_eq!(reasons(&evaluation), [Unevaluated::PartialData { ecosystem: "Debian:12".into() }]);
}

#[test]
fn streams_of_one_feed_speak_for_each_other_and_those_of_two_do_not() {
    let package = || vec![component("pkg:rpm/redhat/x@1-1.el9?arch=x86_64&distro=rhel-9.4")];
    let mut index = Index::default().covering("Red Hat:enterprise_linux:9::baseos");
    assert_eq!(scan(&index, package()).coverage.evaluated, 1);
    index.partial = true;
    let partial = Unevaluated::PartialData { ecosystem: "Red Hat:enterprise_linux:9::baseos".into() };
    assert_eq!(reasons(&scan(&index, package())), [partial]);
    let none = Unevaluated::NoData { ecosystem: "Red Hat:enterprise_linux:9".into() };
    assert_eq!(reasons(&scan(&Index::default(), package())), [none]);
    // The fixes of Ubuntu Pro are a feed of their own: without it nobody knows what Pro has fixed.
    let pro = || vec![component("pkg:deb/ubuntu/x@1-1?distro=ubuntu-22.04-esm")];
    let missing = Unevaluated::NoData { ecosystem: "Ubuntu:Pro:22.04:LTS".into() };
    assert_eq!(reasons(&scan(&Index::default().covering("Ubuntu:22.04:LTS"), pro())), [missing]);
}

#[test]
fn purls_name_distributions_as_syft_and_trivy_do() {
    for (purl, ecosystem) in [
        ("pkg:rpm/opensuse/x@1-1?distro=opensuse-leap-15.6", "openSUSE:Leap 15.6"),
        ("pkg:rpm/opensuse/x@1-1?distro=opensuse.leap-15.1", "openSUSE:Leap 15.1"),
        ("pkg:rpm/opensuse/x@1-1?distro=opensuse-tumbleweed-20240607", "openSUSE:Tumbleweed"),
        ("pkg:rpm/opensuse/x@1-1?distro=opensuse-tumbleweed", "openSUSE:Tumbleweed"),
        ("pkg:rpm/suse/x@1-1?distro=sles-15.5", "SUSE:Linux Enterprise 15 SP5"),
        ("pkg:rpm/redhat/x@1-1?distro=redhat-9.4", "Red Hat:enterprise_linux:9"),
        ("pkg:rpm/alma/x@1-1?distro=alma-8.5", "AlmaLinux:8"),
        ("pkg:rpm/oracle/x@1-1?distro=oracle-8.0", "Oracle Linux:8"),
        ("pkg:rpm/amazon/x@1-1?distro=amazon-2%20%28Karoo%29", "Amazon Linux:2"),
        ("pkg:rpm/amazon/x@1-1?distro=amazon-AMI%20release%202018.03", "Amazon Linux:1"),
        ("pkg:rpm/cbl-mariner/x@1-1?distro=cbl-mariner-2.0.20220122", "Azure Linux:2"),
        ("pkg:rpm/fedora/x@1-1?distro=fedora-40", "Fedora:40"),
        ("pkg:alpm/arch/x@1-1?distro=arch", "Arch Linux"),
        ("pkg:deb/ubuntu/x@1-1?distro=ubuntu-18.04", "Ubuntu:18.04:LTS"),
    ] {
        let want = Unevaluated::NoData { ecosystem: ecosystem.into() };
        assert_eq!(reasons(&scan(&Index::default(), vec![component(purl)])), [want], "{purl}");
    }
    let document = |id: &str, purl: &str| {
        let mut document = inventory(vec![component(purl)]);
        document.distribution = Some(Distribution { id: id.into(), version: Some("15.5".into()) });
        let Ok(evaluation) = evaluate(&document, &Index::default());
        reasons(&evaluation)
    };
    let of = |ecosystem: &str| [Unevaluated::NoData { ecosystem: ecosystem.into() }];
    assert_eq!(document("sles", "pkg:rpm/suse/x@1-1"), of("SUSE:Linux Enterprise 15 SP5"));
    assert_eq!(document("opensuse-leap", "pkg:rpm/opensuse/x@1-1"), of("openSUSE:Leap 15.5"));
    assert_eq!(document("rhel", "pkg:rpm/redhat/x@1-1"), of("Red Hat:enterprise_linux:15"));
    assert_eq!(document("rhel", "pkg:rpm/fedora/x@1-1"), [Unevaluated::UnknownDistribution]);
}

#[test]
fn an_explanation_of_several_streams_says_what_a_scan_says() {
    let nine = |stream: &str| key(&format!("Red Hat:enterprise_linux:9{stream}"), "x");
    let index = Index::default()
        .says("CVE-1", "redhat", "RHSA-1", nine("::baseos"), &[Interval::below("2-1.el9")])
        .says("CVE-1", "redhat", "CVE-1", nine(""), &[Interval::all()]);
    let at = |version: &str| component(&format!("pkg:rpm/redhat/x@{version}?arch=x86_64&distro=rhel-9.4"));
    let names = ["CVE-1".to_owned()];
    let Ok(fixed) = explain(&at("2-1.el9"), None, &names, &index);
    assert!(!fixed.affected && found(&scan(&index, vec![at("2-1.el9")])).is_empty());
    let open = fixed.steps.iter().find(|step| step.evidence.record == "CVE-1").expect("weighed");
    assert!(open.affected && !open.decisive, "the fix in a stream is the later word");
    let Ok(old) = explain(&at("1-1.el9"), None, &names, &index);
    assert!(old.affected && old.steps.iter().any(|step| step.decisive && step.evidence.record == "RHSA-1"));
}

#[test]
fn every_way_of_not_knowing_has_its_reason() {
    let index = Index::default().covering("PyPI").covering("Go").covering("Debian:12");
    let nameless = Component { name: "mystery".into(), version: Some("1".into()), ..Component::default() };
    let broken = Component { name: "broken".into(), invalid_purl: Some("pkg:".into()), ..Component::default() };
    let components = vec![
        nameless,
        broken,
        component("pkg:pypi/x"),
        component("pkg:golang/example.com/x@(devel)"),
        component("pkg:generic/openssl@3.0"),
        component("pkg:deb/debian/x@1"),
        component("pkg:rpm/altlinux/x@1-1?distro=altlinux-11"),
    ];
    let mut got = reasons(&scan(&index, components));
    got.sort();
    let mut want = vec![
        Unevaluated::MissingPurl,
        Unevaluated::InvalidPurl,
        Unevaluated::MissingVersion,
        Unevaluated::InvalidVersion,
        Unevaluated::UnsupportedType { purl_type: "generic".into() },
        Unevaluated::UnknownDistribution,
        Unevaluated::UnsupportedDistribution { distribution: "altlinux 11".into() },
    ];
    want.sort();
    assert_eq!(got, want);
}

#[test]
fn an_unreadable_bound_leaves_the_component_in_doubt_and_keeps_what_did_match() {
    let index = Index::default()
        .says("CVE-1", "pypa", "PYSEC-1", key("PyPI", "x"), &[Interval::below("not a version")])
        .says("CVE-2", "pypa", "PYSEC-2", key("PyPI", "x"), &[Interval::below("2.0")]);
    let evaluation = scan(&index, vec![component("pkg:pypi/x@1.0")]);
    assert_eq!(found(&evaluation), [("x", "CVE-2")]);
    assert_eq!(reasons(&evaluation), [Unevaluated::InvalidAdvisory { record: "PYSEC-1".into() }]);
}

#[test]
fn a_fixed_version_with_a_typo_does_not_read_as_fixed() {
    // Alpine's secdb of v3.7 says this of git and CVE-2018-19486; 2.15.3-r0 was meant.
    let index =
        Index::default().says("CVE-1", "alpine", "CVE-1", key("Alpine:v3.7", "git"), &[Interval::below("2.15.r-r1")]);
    let evaluation = scan(&index, vec![component("pkg:apk/alpine/git@2.15.2-r0?distro=alpine-3.7.1")]);
    assert_eq!(reasons(&evaluation), [Unevaluated::InvalidAdvisory { record: "CVE-1".into() }]);
}

#[test]
fn a_tool_that_names_no_source_packages_leaves_system_packages_in_doubt() {
    let index = Index::default().says("CVE-1", "debian", "CVE-1", key("Debian:12", "openssl"), &[Interval::all()]);
    let mut document = inventory(vec![
        component("pkg:deb/debian/libssl3@3.0?distro=debian-12"),
        component("pkg:deb/debian/openssl@3.0?distro=debian-12"),
    ]);
    document.tools = vec!["unknown-tool".into()];
    let Ok(evaluation) = evaluate(&document, &index);
    assert_eq!(reasons(&evaluation), [Unevaluated::UnknownSourcePackage]);
    assert_eq!(found(&evaluation), [("openssl", "CVE-1")]);
    document.components[0].source_package = Some(SourcePackage { name: "openssl".into(), version: None });
    let Ok(evaluation) = evaluate(&document, &index);
    assert_eq!(evaluation.findings.len(), 2);
}

#[test]
fn scalibr_names_the_source_package_of_alpine_as_its_origin() {
    let index =
        Index::default().says("CVE-1", "alpine", "CVE-1", key("Alpine:v3.22", "zlib"), &[Interval::below("1.3.1-r2")]);
    let purl = "pkg:apk/alpine/zlib-dev@1.2.12-r1?arch=x86_64&distro=3.22.0&origin=zlib";
    let document =
        Inventory { components: vec![component(purl)], tools: vec!["SCALIBR".into()], ..Inventory::default() };
    let Ok(evaluation) = evaluate(&document, &index);
    assert_eq!(found(&evaluation), [("zlib-dev", "CVE-1")]);
    assert_eq!(evaluation.findings[0].matched_name, "zlib");
}

#[test]
fn the_document_names_the_distribution_where_the_purl_does_not() {
    let index = Index::default().says("CVE-1", "alpine", "CVE-1", key("Alpine:v3.9", "musl"), &[Interval::all()]);
    let mut document = inventory(vec![component("pkg:apk/alpine/musl@1.1.20-r4"), component("pkg:apk/wolfi/musl@1")]);
    document.distribution = Some(Distribution { id: "alpine".into(), version: Some("3.9.4".into()) });
    let Ok(evaluation) = evaluate(&document, &index);
    assert_eq!(found(&evaluation), [("musl", "CVE-1")]);
    assert_eq!(reasons(&evaluation), [Unevaluated::NoData { ecosystem: "Wolfi".into() }], "its own namespace wins");
}

#[test]
fn a_statement_of_not_affected_makes_no_finding() {
    let index = Index::default().denies("CVE-1", "alpine", key("Alpine:v3.9", "musl"));
    let evaluation = scan(&index, vec![component("pkg:apk/alpine/musl@1.1?distro=alpine-3.9")]);
    assert_eq!((evaluation.findings.len(), evaluation.coverage.evaluated), (0, 1));
}

#[test]
fn files_and_containers_are_not_components_to_judge() {
    let file = Component { kind: ComponentKind::File, name: "/bin/sh".into(), ..Component::default() };
    let image = Component { kind: ComponentKind::Container, name: "debian".into(), ..Component::default() };
    let evaluation = scan(&Index::default(), vec![file, image]);
    assert_eq!((evaluation.coverage.components, evaluation.coverage.not_applicable), (0, 2));
}

#[test]
fn the_vendor_rates_its_own_package_and_ghsa_comes_before_others() {
    let rating = |source: &str, scheme, severity| RatingRow {
        source: SourceId::new(source),
        scheme,
        vector: None,
        score_tenths: None,
        severity,
    };
    let mut index = Index::default().says("CVE-1", "ghsa", "GHSA-1", key("npm", "x"), &[Interval::all()]);
    let mut vendor = Affected::new(SourceId::new("debian"), "CVE-1", key("Debian:12", "x"));
    vendor.ranges = vec![Interval::all()];
    vendor.severity = Some(Severity::Negligible);
    index.add("CVE-1", &vendor);
    let ratings = vec![
        rating("nvd", RatingScheme::CvssV31, Severity::Critical),
        rating("ghsa", RatingScheme::CvssV31, Severity::High),
        rating("ghsa", RatingScheme::Vendor, Severity::Medium),
    ];
    let summary = Summary {
        aliases: vec![],
        title: None,
        published: None,
        ratings,
        known_exploited: None,
        epss: Some((97_000, 99_900)),
    };
    index.summaries.insert("CVE-1".into(), summary);
    let evaluation = scan(&index, vec![component("pkg:npm/x@1.0.0"), component("pkg:deb/debian/x@1?distro=debian-12")]);
    let severities: Vec<_> = evaluation.findings.iter().map(|f| (f.ecosystem.as_str(), f.severity)).collect();
    assert!(severities.contains(&("npm", Severity::Medium)));
    assert!(severities.contains(&("Debian:12", Severity::Negligible)));
    assert_eq!(evaluation.findings[0].epss_probability, Some(0.97));
}

#[test]
fn the_order_of_the_document_changes_nothing_and_ids_are_stable() {
    let index = Index::default().says("CVE-1", "ghsa", "GHSA-1", key("npm", "a"), &[Interval::all()]).says(
        "CVE-2",
        "ghsa",
        "GHSA-2",
        key("npm", "b"),
        &[Interval::all()],
    );
    let one = scan(&index, vec![component("pkg:npm/a@1.0.0"), component("pkg:npm/b@1.0.0")]);
    let other = scan(&index, vec![component("pkg:npm/b@1.0.0"), component("pkg:npm/a@1.0.0")]);
    let ids = |evaluation: &Evaluation| evaluation.findings.iter().map(|f| f.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&one), ids(&other));
}

#[test]
fn an_explanation_shows_each_source_and_why_not() {
    let index = Index::default()
        .says("CVE-1", "rustsec", "RUSTSEC-1", key("crates.io", "x"), &[Interval::below("1.0.0")])
        .says("CVE-1", "ghsa", "GHSA-1", key("crates.io", "x"), &[Interval::all()]);
    let Ok(explanation) = explain(&component("pkg:cargo/x@1.0.0"), None, &["CVE-1".to_owned()], &index);
    assert_eq!(explanation.looked_up, ["crates.io x 1.0.0"]);
    assert!(!explanation.affected);
    let steps: Vec<_> =
        explanation.steps.iter().map(|s| (s.evidence.reason.as_str(), s.affected, s.decisive)).collect();
    assert_eq!(steps, [("not in: < 1.0.0", false, true), ("affected: every version", true, false)]);
}
