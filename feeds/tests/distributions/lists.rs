//! The JSON lists of AlmaLinux, Rocky Linux, Photon OS and Arch Linux.

use domain::advisory::Status;
use domain::finding::Unevaluated;

use crate::documents::{bytes, fixture, read};
use crate::index::Index;

fn one(cve: &str, fixed: &str) -> Vec<(String, Status, String)> {
    vec![(cve.to_owned(), Status::Affected, fixed.to_owned())]
}

#[test]
fn alma_errata_have_the_module_of_each_package() {
    let feed = fixture("errata/alma.json");
    let [record] = &feed.records[..] else { panic!("one erratum of a vulnerability") };
    assert_eq!(record.id, "ALSA-2019:3708");
    assert_eq!(record.modified.map(|at| at.date()).as_deref(), Some("2022-04-28"));
    let reasons: Vec<_> = feed.notes.keys().map(|(_, reason)| reason.as_str()).collect();
    assert_eq!(reasons, ["update that is of no vulnerability: left out"]);
    let index = Index::of([feed]);
    let judy = |label: &str| {
        let version = "1.0.5-18.module_el8.1.0%2B1";
        index.scan(&[&format!("pkg:rpm/almalinux/Judy@{version}?arch=x86_64&distro=almalinux-8.7{label}")])
    };
    assert_eq!(judy("&rpmmod=mariadb:10.3:8:c").findings.len(), 3, "one for each of its CVEs");
    assert_eq!(judy("&rpmmod=mariadb:10.5:8:c").findings.len(), 0);
    assert_eq!(judy("").coverage.unevaluated[0].reason, Unevaluated::UnknownModule);
}

#[test]
fn pages_of_apollo_name_products_and_files() {
    let feed = fixture("errata/rocky.json");
    assert_eq!(feed.records.len(), 2);
    assert_eq!(feed.problems[0].reason, "erratum without an id");
    let notes: Vec<_> = feed.notes.iter().map(|((_, reason), note)| (reason.as_str(), note.count)).collect();
    let want = [
        ("package without a name, a version or a release: ignored", 1),
        ("update that is of no vulnerability: left out", 1),
    ];
    assert_eq!(notes, want);
    let index = Index::of([feed]);
    let delve = |version: &str| index.found(&format!("pkg:rpm/rocky/delve@{version}?arch=x86_64&distro=rocky-10.1"));
    assert_eq!(delve("1.25.2-0.el10_1"), one("CVE-2025-58183", "1.25.2-1.el10_1"));
    assert_eq!(delve("1.25.2-1.el10_1"), []);
    let podman = "pkg:rpm/rocky/podman@4.4.1-13.module%2Bel8.8.0%2B1?arch=x86_64&epoch=3&distro=rocky-8.8";
    let labelled = format!("{podman}&rpmmod=container-tools:rhel8:8:c");
    assert_eq!(index.found(&labelled), one("CVE-2024-0003", "3:4.4.1-14.module+el8.8.0+1"));
}

#[test]
fn photon_compares_the_binary_under_the_name_of_its_source() {
    let feed = fixture("photon/cve_data_photon4.0.json");
    let notes: Vec<_> = feed.notes.iter().map(|((_, reason), note)| (reason.as_str(), note.count)).collect();
    let want = [("entry of no CVE: ignored", 1), ("entry without a vulnerability or a package: ignored", 1)];
    assert_eq!(notes, want);
    let index = Index::of([feed]);
    let at = |version: &str| {
        index.found(&format!(
            "pkg:rpm/photon/curl-libs@{version}?arch=x86_64&distro=photon-4.0&upstream=curl-{version}.src.rpm"
        ))
    };
    let open = one("CVE-2024-0003", "");
    assert_eq!(at("8.15.0-1.ph4"), [one("CVE-2024-0001", "8.16.0-1.ph4"), open.clone()].concat());
    assert_eq!(at("8.16.0-1.ph4"), open);
    // A file of any name: the versions tell the release, where there is one.
    let renamed = read("data.json", &bytes("photon/cve_data_photon4.0.json"));
    assert_eq!(renamed.records.len(), 1);
    assert!(renamed.notes.keys().any(|(_, reason)| reason == "entry that tells no release: ignored"));
}

#[test]
fn arch_is_affected_until_the_version_that_fixes_a_group() {
    let feed = fixture("arch/all.json");
    assert_eq!(feed.problems[0].record.as_deref(), Some("AVG-23"), "fixed, but nobody says in which version");
    let index = Index::of([feed]);
    let curl = |version: &str| index.found(&format!("pkg:alpm/arch/curl@{version}?arch=x86_64&distro=arch"));
    let open = one("CVE-2024-0002", "");
    assert_eq!(curl("7.49.0-1"), [open.clone(), one("CVE-2024-0001", "7.50.3-1")].concat(), "the worse first");
    assert_eq!(curl("7.50.3-1"), open);
}
