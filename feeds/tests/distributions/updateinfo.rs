//! updateinfo.xml of Amazon Linux, Rocky Linux, AlmaLinux and Fedora.

use domain::advisory::Status;
use domain::finding::Unevaluated;
use domain::severity::Severity;

use crate::documents::{bytes, fixture, read};
use crate::index::Index;

fn one(cve: &str, fixed: &str) -> Vec<(String, Status, String)> {
    vec![(cve.to_owned(), Status::Affected, fixed.to_owned())]
}

#[test]
fn amazon_has_releases_and_lines_of_kernels_under_one_name() {
    let feed = fixture("updateinfo/amazon.xml");
    let update = &feed.records[0];
    assert_eq!(update.upstream.iter().collect::<Vec<_>>(), ["CVE-2014-3634", "CVE-2022-24903"]);
    assert!(update.fragment, "another repository has it for another architecture");
    assert_eq!(update.modified.map(|at| at.to_string()).as_deref(), Some("2023-02-22T23:22:00Z"));
    assert_eq!(update.affected[0].arches.iter().collect::<Vec<_>>(), ["aarch64", "x86_64"]);
    assert_eq!(feed.problems[0].record.as_deref(), Some("ELSA-2018-1"), "not of a repository that is read");
    let index = Index::of([feed]);
    let old = "pkg:rpm/amzn/rsyslog@8.2204.0-3.amzn2023.0.1?arch=x86_64&distro=amzn-2023";
    let evaluation = index.scan(&[old]);
    let found: Vec<_> =
        evaluation.findings.iter().map(|found| (found.vulnerability.as_str(), found.severity)).collect();
    assert_eq!(found, [("CVE-2014-3634", Severity::High), ("CVE-2022-24903", Severity::High)]);
    assert_eq!(index.found("pkg:rpm/amzn/rsyslog@8.2204.0-3.amzn2023.0.2?arch=x86_64&distro=amzn-2023"), []);
    let kernel = |version: &str| index.found(&format!("pkg:rpm/amzn/kernel@{version}?arch=x86_64&distro=amzn-2"));
    assert_eq!(kernel("4.9.75-1.amzn2"), one("CVE-2017-5754", "4.9.76-38.79.amzn2"));
    assert_eq!(kernel("4.14.336-1.amzn2"), [], "the line of 5.15 is another one");
    assert_eq!(kernel("5.15.42-1.amzn2"), one("CVE-2022-3526", "5.15.43-20.123.amzn2"));
}

#[test]
fn rocky_has_modules_and_fedora_names_vulnerabilities_in_titles_of_bugs() {
    let feed = fixture("updateinfo/rocky-fedora.xml");
    let ids: Vec<_> = feed.records.iter().map(|record| record.id.as_str()).collect();
    assert_eq!(ids, ["RLSA-2023:3820", "FEDORA-2024-deafa21e1d"]);
    let notes: Vec<_> = feed.notes.iter().map(|((_, reason), note)| (reason.as_str(), note.count)).collect();
    assert_eq!(notes, [("update that is of no vulnerability: left out", 1)]);
    assert_eq!(feed.problems[0].record.as_deref(), Some("FEDORA-EPEL-2024-1"));
    let index = Index::of([feed]);
    let nginx =
        |version: &str| index.found(&format!("pkg:rpm/fedora/nginx@{version}?arch=x86_64&epoch=2&distro=fedora-40"));
    assert_eq!(nginx("1.25.3-1.fc40"), one("CVE-2024-24989", "2:1.25.4-1.fc40"));
    assert_eq!(nginx("1.25.4-1.fc40"), []);
    let mariadb = |rest: &str| {
        let version = "10.5.9-1.module%2Bel8.4.0%2B427%2Badf35707";
        index.scan(&[&format!("pkg:rpm/rocky/mariadb@{version}?arch=x86_64&epoch=3&distro=rocky-8.8{rest}")])
    };
    assert_eq!(mariadb("&rpmmod=mariadb:10.5:8:c:x86_64").findings.len(), 1);
    assert_eq!(mariadb("&rpmmod=mariadb:10.3:8:c:x86_64").findings.len(), 0);
    assert_eq!(mariadb("").coverage.unevaluated[0].reason, Unevaluated::UnknownModule);
}

#[test]
fn almalinux_writes_its_release_into_the_name_of_the_collection() {
    let index = Index::of([fixture("updateinfo/alma.xml")]);
    let xz = |version: &str| index.found(&format!("pkg:rpm/almalinux/xz@{version}?arch=x86_64&distro=almalinux-9.3"));
    assert_eq!(xz("5.2.5-7.el9"), one("CVE-2022-1271", "5.2.5-8.el9_0"));
    assert_eq!(xz("5.2.5-8.el9_0"), []);
}

#[test]
fn half_a_document_is_a_problem_and_no_few_updates() {
    let whole = bytes("updateinfo/amazon.xml");
    let ingested = read("updateinfo.xml", &whole[..whole.len() - 20]);
    assert!(ingested.records.is_empty());
    assert!(ingested.problems[0].reason.starts_with("the whole document is left out"), "{:?}", ingested.problems);
    let entity = b"<!DOCTYPE updates [<!ENTITY x \"y\">]><updates><update><id>&x;</id></update></updates>";
    assert!(read("updateinfo.xml", entity).problems[0].reason.contains("declaration"));
}

#[test]
fn fedora_is_judged_by_its_updates_and_without_them_not_at_all() {
    let fedora = |index: &Index, release: u8| {
        index.scan(&[&format!("pkg:rpm/fedora/nginx@1.25.3-1?arch=x86_64&epoch=2&distro=fedora-{release}")])
    };
    let index = Index::of([fixture("updateinfo/rocky-fedora.xml")]);
    assert_eq!(fedora(&index, 40).findings.len(), 1);
    let other = fedora(&index, 41);
    let reason = Unevaluated::NoData { ecosystem: "Fedora:41".into() };
    assert_eq!((other.findings.len(), &other.coverage.unevaluated[0].reason), (0, &reason));
    // Bodhi names builds of sources alone. It is told that it is not read.
    let bodhi = br#"{"updates":[{"alias":"FEDORA-2025-bca38111fc","type":"security","release":{"name":"F40"},
        "builds":[{"nvr":"rubygem-rails-html-sanitizer-1.6.0-1.fc40"}],"bugs":[{"title":"CVE-2024-53985"}]}],"page":1,"pages":1}"#;
    let feed = read("F40.json", bodhi);
    assert!(feed.records.is_empty());
    assert_eq!(feed.unsupported.keys().collect::<Vec<_>>(), ["Bodhi"]);
}
