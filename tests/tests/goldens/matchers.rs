//! What Grype's own tests expect of its matchers, asked of ours: the same records, the same packages.
//!
//! The records are Vunnel's, as Grype's tests keep them; what a test expects of a package stands in its code
//! (`grype/matcher/*/matcher_test.go` and `rpm/sles_test.go` of the same commit) and was written down here by hand.

use std::collections::BTreeSet;

use domain::advisory::{Affected, Interval, PackageKey, Record, Status};
use domain::finding::Unevaluated;
use domain::matching::evaluate;
use domain::source::SourceId;
use feeds::ingest::{Ingested, Options, ingest};
use feeds::merge::{MergeRules, merge};
use serde_json::Value;

use crate::archive::{Archive, shared};
use crate::corpus::Corpus;
use crate::document::inventory;

const RHEL: &str = "grype/matcher/rpm/testdata/rhel8/rhel/";
const SLES: &str = "grype/matcher/rpm/testdata/sles15/sles/";
const DEBIAN: &str = "internal/dbtest/testdata/shared/all/debian/";
const BITNAMI: &str = "grype/matcher/bitnami/testdata/bitnami/bitnami/";
const OPENSSL: &str = "CVE-2018-0735";

/// Where the records are, a package, and which of their vulnerabilities it has. `CVE-2018-0735` is fixed in
/// `1:1.1.1c-2.el8`, `CVE-2018-17199` in the stream `httpd:2.4`; `CVE-1999-0199` says that glibc is not affected.
const CASES: &[(&str, &str, &[&str])] = &[
    (RHEL, "pkg:rpm/redhat/openssl@1.1.1b-1.el8?epoch=1&distro=rhel-8", &[OPENSSL]),
    (
        RHEL,
        "pkg:rpm/redhat/openssl-libs@1.1.1b-1.el8?epoch=1&distro=rhel-8&upstream=openssl-1.1.1b-1.el8.src.rpm",
        &[OPENSSL],
    ),
    (RHEL, "pkg:rpm/redhat/openssl-libs@1.1.1d-1.el8?epoch=1&distro=rhel-8&upstream=openssl-1.1.1d-1.el8.src.rpm", &[]),
    (RHEL, "pkg:rpm/redhat/openssl@1.1.1c-2.el8?epoch=1&distro=rhel-8", &[]),
    (RHEL, "pkg:rpm/redhat/openssl@1.1.1d-1.el8?epoch=1&distro=rhel-8", &[]),
    // Without an epoch it is 0, and below every version of epoch 1.
    (RHEL, "pkg:rpm/redhat/openssl@1.1.1z-99.el8?distro=rhel-8", &[OPENSSL]),
    (RHEL, "pkg:rpm/redhat/openssl@1.1.1b-1.el8?epoch=2&distro=rhel-8", &[]),
    (
        RHEL,
        "pkg:rpm/redhat/httpd@2.4.37-30.module%2Bel8.3.0%2B1.el8?distro=rhel-8&rpmmod=httpd:2.4:1234:5678",
        &["CVE-2018-17199"],
    ),
    (RHEL, "pkg:rpm/redhat/httpd@2.4.37-30.module%2Bel8.3.0%2B1.el8?distro=rhel-8&rpmmod=httpd:2.6:1234:5678", &[]),
    (RHEL, "pkg:rpm/redhat/glibc@2.28-100.el8?distro=rhel-8", &["CVE-2016-10228"]),
    (RHEL, "pkg:rpm/redhat/glibc@2.28-100.el8?distro=rhel-8.4", &["CVE-2016-10228"]),
    (SLES, "pkg:rpm/suse/python311-Werkzeug@2.3.6-150400.6.12.1?distro=sles-15.6", &[]),
    (SLES, "pkg:rpm/suse/python311-Werkzeug@2.3.0-150400.6.1.1?distro=sles-15.6", &["CVE-2023-25577"]),
    (SLES, "pkg:rpm/suse/python311-Werkzeug@2.3.0-150700.6.1.1?distro=sles-15.7", &[]),
    (SLES, "pkg:rpm/suse/glibc@2.36-150600.10.1.1?distro=sles-15.7", &["CVE-2024-2961"]),
    (DEBIAN, "pkg:deb/debian/openssl@1.1.1k-1?distro=debian-11", &["CVE-2022-0778", "CVE-2023-0286", "CVE-2024-0727"]),
    (
        DEBIAN,
        "pkg:deb/debian/libssl3@1.1.1k-1?distro=debian-11&upstream=openssl",
        &["CVE-2022-0778", "CVE-2023-0286", "CVE-2024-0727"],
    ),
    (BITNAMI, "pkg:bitnami/spark@3.2.1", &["CVE-2022-31777", "CVE-2023-22946"]),
    (BITNAMI, "pkg:bitnami/spark@3.2.4", &["CVE-2023-22946"]),
    (BITNAMI, "pkg:bitnami/spark@3.3.0", &["CVE-2022-31777", "CVE-2023-22946"]),
    (BITNAMI, "pkg:bitnami/spark@3.4.1", &[]),
    (BITNAMI, "pkg:bitnami/apache@2.4.40", &["CVE-2020-11984"]),
    (BITNAMI, "pkg:bitnami/apache@2.4.10", &["CVE-2020-11985"]),
    (BITNAMI, "pkg:bitnami/apache@2.4.50", &[]),
    (BITNAMI, "pkg:bitnami/node@12.18.0", &["CVE-2020-8201"]),
    (BITNAMI, "pkg:bitnami/node@12.18.4", &[]),
    (BITNAMI, "pkg:bitnami/redis@7.0.0", &[]),
];

#[test]
fn our_matcher_answers_what_grypes_tests_expect_of_theirs() {
    let Some(data) = shared() else { return };
    let archive = Archive::open(&data.join("goldens/grype-testdata.tar.zst"));
    for (records, purl, expected) in CASES {
        let (found, reasons) = ask(&corpus(&archive, records), purl);
        assert_eq!(found, expected.iter().map(|&id| id.to_owned()).collect::<BTreeSet<_>>(), "{purl}: {reasons:?}");
    }
}

/// Grype finds it all the same: nobody says that the package is of another stream. Stella says that it cannot tell.
#[test]
fn a_package_of_a_module_whose_stream_the_document_lost_is_unevaluated_where_grype_takes_it_for_affected() {
    let Some(data) = shared() else { return };
    let archive = Archive::open(&data.join("goldens/grype-testdata.tar.zst"));
    let purl = "pkg:rpm/redhat/httpd@2.4.37-30.module%2Bel8.3.0%2B1.el8?distro=rhel-8";
    let (found, reasons) = ask(&corpus(&archive, RHEL), purl);
    assert_eq!((found, reasons), (BTreeSet::new(), vec![Unevaluated::UnknownModule]));
}

fn ask(corpus: &Corpus, purl: &str) -> (BTreeSet<String>, Vec<Unevaluated>) {
    let purl = domain::purl::Purl::parse(purl).expect(purl);
    let Ok(evaluation) = evaluate(&inventory("syft", [purl]), corpus);
    let found = evaluation.findings.iter().map(|finding| finding.vulnerability.clone()).collect();
    (found, evaluation.coverage.unevaluated.into_iter().map(|group| group.reason).collect())
}

fn corpus(archive: &Archive, folder: &str) -> Corpus {
    let mut ingested = Ingested::new();
    for (path, bytes) in archive.under(folder, ".json").filter(|(path, _)| path.contains("/results/")) {
        let document: Value = serde_json::from_slice(bytes).expect(path);
        match document["item"].get("Vulnerability") {
            Some(vulnerability) => add(&mut ingested.records, record(vulnerability)),
            None => {
                let osv = document["item"].to_string();
                ingest(path, osv.as_bytes(), &Options::default(), &|_| {}, &mut ingested).expect(path);
            }
        }
    }
    assert!(ingested.records.len() >= 3 && ingested.problems.is_empty(), "{folder}: {:?}", ingested.problems);
    Corpus::of(&merge(ingested.records, &MergeRules::default()).advisories)
}

/// Vunnel has a file for each release; a source says all of a vulnerability in one record.
fn add(records: &mut Vec<Record>, record: Record) {
    match records.iter_mut().find(|known| known.id == record.id) {
        Some(known) => known.affected.extend(record.affected),
        None => records.push(record),
    }
}

/// A record of a distribution in Vunnel's form. A version of 0 says that the package is not affected.
fn record(vulnerability: &Value) -> Record {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let id = text(&vulnerability["Name"]);
    let mut record = Record::new(SourceId::new("redhat"), id.clone());
    for fixed in vulnerability["FixedIn"].as_array().expect("a list") {
        let (ecosystem, is_red_hat) = ecosystem(&text(&fixed["NamespaceName"]));
        let package = PackageKey::new(ecosystem.parse().expect("an ecosystem"), &text(&fixed["Name"]));
        let mut affected = Affected::new(SourceId::new("redhat"), &id, package);
        match text(&fixed["Version"]).as_str() {
            "0" => affected.status = Status::NotAffected,
            "None" => affected.ranges = vec![Interval::all()],
            version => affected.ranges = vec![Interval::below(version)],
        }
        affected.module = fixed["Module"].as_str().filter(|module| !module.is_empty()).map(str::to_owned);
        // Vunnel names source packages of RHEL; Red Hat's own records tell them from binaries.
        if is_red_hat {
            record.affected.push(Affected { arches: ["src".to_owned()].into(), ..affected.clone() });
        }
        record.affected.push(affected);
    }
    record
}

fn ecosystem(namespace: &str) -> (String, bool) {
    match namespace.split_once(':').expect("a name and a release") {
        ("rhel", release) => (format!("Red Hat:enterprise_linux:{release}"), true),
        ("debian", release) => (format!("Debian:{release}"), false),
        ("sles", release) => (format!("SUSE:Linux Enterprise {}", release.replace('.', " SP")), false),
        (other, _) => panic!("{other}"),
    }
}
