//! SUSE's advisories in CSAF and the packages of its systems.

use domain::advisory::Status;
use domain::severity::Severity;

use crate::documents::fixture;
use crate::index::{Index, brief};

#[test]
fn opensuse_is_a_source_and_a_system_of_its_own() {
    let feed = fixture("csaf/suse-small.json");
    assert_eq!(feed.records[0].source.as_str(), "opensuse");
    let index = Index::of([feed]);
    let want = [("CVE-2024-0002".to_owned(), Status::Affected, "1-2".to_owned())];
    assert_eq!(index.found("pkg:rpm/opensuse/a@1-1?arch=x86_64&distro=opensuse-leap-15.6"), want);
}

#[test]
fn all_products_of_a_service_pack_are_the_system_of_that_service_pack() {
    let index = Index::of([fixture("csaf/suse-su-2015_0011-2.json")]);
    let old = "pkg:rpm/suse/bind@9.9.4P1-0.6.1?arch=x86_64&distro=sles-11.2";
    let evaluation = index.scan(&[old]);
    assert!(evaluation.findings.iter().all(|finding| finding.severity == Severity::High));
    assert!(evaluation.findings.iter().all(|finding| finding.evidence[0].record == "SUSE-SU-2015:0011-2"));
    let found: Vec<_> = evaluation.findings.into_iter().map(brief).collect();
    let want =
        ["CVE-2012-1667", "CVE-2014-8500"].map(|cve| (cve.to_owned(), Status::Affected, "9.9.4P2-0.6.1".to_owned()));
    assert_eq!(found, want);
    assert!(index.found("pkg:rpm/suse/bind@9.9.4P2-0.6.1?arch=x86_64&distro=sles-11.2").is_empty());
    let other = index.scan(&["pkg:rpm/suse/bind@9.9.4P1-0.6.1?arch=x86_64&distro=sles-11.4"]);
    assert_eq!((other.findings.len(), other.coverage.evaluated), (0, 0), "another service pack has no data");
}
