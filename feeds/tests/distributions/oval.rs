//! OVAL of Oracle Linux and of Azure Linux.

use domain::advisory::{Lower, Status, Upper};
use domain::finding::Unevaluated;

use crate::documents::{bytes, fixture, read};
use crate::index::Index;

fn one(cve: &str, fixed: &str) -> Vec<(String, Status, String)> {
    vec![(cve.to_owned(), Status::Affected, fixed.to_owned())]
}

#[test]
fn a_tree_of_criteria_names_release_architecture_module_and_packages() {
    let feed = fixture("oval/oracle.xml");
    let erratum = &feed.records[0];
    assert_eq!((erratum.id.as_str(), erratum.title.as_deref()), ("ELSA-2024-0001", Some("nodejs:18 security update")));
    assert_eq!(erratum.upstream.iter().collect::<Vec<_>>(), ["CVE-2024-0001"]);
    let [affected] = &erratum.affected[..] else { panic!("one package") };
    assert_eq!(affected.package.ecosystem.to_string(), "Oracle Linux:8");
    assert_eq!(affected.arches.iter().collect::<Vec<_>>(), ["aarch64", "x86_64"]);
    assert_eq!(affected.module.as_deref(), Some("nodejs:18"));
    assert_eq!(affected.ranges[0].to_string(), "< 1:18.19.1-1.module+el8.9.0+90192+1a2b3c");
    assert_eq!(feed.problems[0].record.as_deref(), Some("oval:com.oracle.elsa:def:20243"));
    let notes: Vec<_> = feed.notes.iter().map(|((_, reason), note)| (reason.as_str(), note.count)).collect();
    let want =
        [("comparison without a release or an upper bound: ignored", 1), ("erratum that compares no package", 1)];
    assert_eq!(notes, want);
}

#[test]
fn flavours_of_oracle_are_compared_only_with_their_own() {
    let index = Index::of([fixture("oval/oracle.xml")]);
    let openssl = |version: &str, epoch: &str| {
        index.found(&format!("pkg:rpm/ol/openssl@{version}?arch=x86_64&epoch={epoch}&distro=ol-7.9"))
    };
    assert_eq!(openssl("1.0.2k-25.el7_9", "1"), one("CVE-2024-0002", "1:1.0.2k-26.el7_9"));
    assert_eq!(openssl("1.0.2k-26.el7_9", "1"), [], "the fix for FIPS has a greater epoch and is of another build");
    assert_eq!(openssl("1.0.2k-25.el7_9_fips", "10"), one("CVE-2024-0002", "10:1.0.2k-26.el7_9_fips"));
    assert_eq!(openssl("1.0.2k-25.ksplice1.el7_9", "2"), []);
    let node = index.scan(&["pkg:rpm/ol/nodejs@18.1.0-1.module%2Bel8.9.0%2B1?arch=x86_64&epoch=1&distro=ol-8.9"]);
    assert_eq!(node.coverage.unevaluated[0].reason, Unevaluated::UnknownModule);
}

#[test]
fn azure_is_judged_by_source_and_an_unfixed_package_stays_affected_when_it_moves_on() {
    let three = fixture("oval/azurelinux-3.0-oval.xml");
    let golang = three.records.iter().find(|record| record.id == "CVE-2023-29409").expect("golang");
    let interval = &golang.affected[0].ranges[0];
    assert_eq!(interval.lower, Lower::After("0.0.0.azl3".to_owned()), "Trivy drops this bound");
    assert_eq!(interval.upper, Upper::Fixed("1.20.7-1.azl3".to_owned()));
    let index = Index::of([three, fixture("oval/cbl-mariner-2.0-preview-oval.xml")]);
    let at = |purl: &str| index.found(purl);
    let binary = "pkg:rpm/azurelinux/golang-docs@1.20.6-1.azl3?arch=x86_64&distro=azurelinux-3.0";
    assert_eq!(at(&format!("{binary}&upstream=golang-1.20.6-1.azl3.src.rpm")), one("CVE-2023-29409", "1.20.7-1.azl3"));
    let unzip = |version: &str| format!("pkg:rpm/mariner/unzip@{version}?arch=x86_64&distro=mariner-2.0");
    assert_eq!(at(&unzip("6.0-19.cm2")), one("CVE-2014-8139", ""));
    assert_eq!(at(&unzip("6.0-21.cm2")), one("CVE-2014-8139", ""), "no fix has been published");
    let openssl = "pkg:rpm/mariner/openssl@1.1.1k-28.cm2?arch=x86_64&distro=mariner-2.0";
    assert_eq!(at(openssl), []);
}

#[test]
fn other_vendors_are_counted_and_half_a_document_is_a_problem() {
    let suse = br#"<oval_definitions><generator/><definitions>
        <definition id="oval:org.opensuse.security:def:1"/></definitions></oval_definitions>"#;
    let ingested = read("suse.xml", suse);
    assert_eq!(ingested.unsupported.keys().collect::<Vec<_>>(), ["OVAL of org.opensuse.security"]);
    let whole = bytes("oval/oracle.xml");
    let ingested = read("oracle.xml", &whole[..whole.len() - 30]);
    assert!(ingested.records.is_empty() && ingested.problems.len() == 1);
    let none = read("x.xml", b"<oval_definitions><definitions></definitions></oval_definitions>");
    assert_eq!(none.problems[0].reason, "OVAL without a definition");
}
