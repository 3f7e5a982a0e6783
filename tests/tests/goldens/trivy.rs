//! Trivy: the expected outputs of its integration tests, with the database that they were
//! made from, and reports of real scans.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use domain::component::Inventory;
use domain::purl::Purl;
use serde_json::Value;

use crate::archive::{Archive, list, text};
use crate::document::{Document, Knowledge, Theirs, day, inventory, place, purl, read, system};

const TESTDATA: &str = "integration/testdata";

/// Expected outputs whose packages are of ecosystems that matching has rules for.
const GOLDENS: &[&str] = &[
    "alpine-310",
    "alpine-39",
    "alpine-39-high-critical",
    "alpine-distroless",
    "bun",
    "busybox-with-lockfile",
    "cocoapods",
    "composer.vendor",
    "debian-buster",
    "distroless-python27",
    "dotnet",
    "fluentd-gems",
    "gomod",
    "gradle",
    "mix.lock",
    "npm",
    "nuget",
    "packagesprops",
    "pip",
    "pipenv",
    "pnpm",
    "poetry",
    "pom",
    "pubspec.lock",
    "pylock",
    "sbt",
    "spring4shell-jre11",
    "test-repo",
    "ubuntu-1804",
    "uv",
    "yarn",
];

/// The outputs repeat no source packages, although Trivy matched by them: these are the origins
/// that the package databases of the scanned images state.
const SOURCES: &[(&str, &str)] = &[
    ("libcom-err2", "e2fsprogs"),
    ("libcrypto1.1", "openssl"),
    ("libext2fs2", "e2fsprogs"),
    ("libidn2-0", "libidn2"),
    ("libss2", "e2fsprogs"),
    ("libssl1.1", "openssl"),
    ("musl-utils", "musl"),
];

pub(crate) fn documents(data: &Path) -> Vec<Document> {
    let archive = Archive::open(&data.join("goldens/trivy-integration.tar.zst"));
    let mut documents: Vec<_> = GOLDENS.iter().map(|name| golden(&archive, name, None)).collect();
    let sbom = archive.bytes(&format!("{TESTDATA}/fixtures/sbom/fluentd-multiple-lockfiles-cyclonedx.json"));
    documents.push(golden(&archive, "fluentd-multiple-lockfiles", Some(read(sbom))));
    documents.extend(reports(data));
    documents
}

/// One expected output. Without the SBOM that it is of, its own package list is the inventory.
fn golden(archive: &Archive, name: &str, sbom: Option<Inventory>) -> Document {
    let report = archive.json(&format!("{TESTDATA}/{name}.json.golden"));
    let mut document = document(format!("Trivy: {name}"), &report, sbom);
    document.knowledge = Knowledge::Database(database(archive));
    document
}

fn document(name: String, report: &Value, sbom: Option<Inventory>) -> Document {
    let mut purls = Vec::new();
    let mut findings = Vec::new();
    for result in list(report, "/Results") {
        purls.extend(list(result, "/Packages").iter().filter_map(|package| identified(package, "/Identifier/PURL")));
        for vulnerability in list(result, "/Vulnerabilities") {
            let Some(purl) = identified(vulnerability, "/PkgIdentifier/PURL").or_else(|| named(report, vulnerability))
            else {
                continue;
            };
            findings.push(Theirs {
                place: place(&purl),
                id: text(vulnerability, "/VulnerabilityID").to_owned(),
                package: None,
                reason: format!("fixed in {:?}", text(vulnerability, "/FixedVersion")),
            });
            purls.push(purl);
        }
    }
    let inventory = sbom.unwrap_or_else(|| inventory("trivy", purls));
    Document { name, inventory, findings, knowledge: Knowledge::Excerpt }
}

fn identified(value: &Value, pointer: &str) -> Option<Purl> {
    let mut purl = Purl::parse(text(value, pointer)).ok()?;
    if let Some((_, source)) = SOURCES.iter().find(|(binary, _)| *binary == purl.name) {
        purl.qualifiers.insert("upstream".to_owned(), (*source).to_owned());
    }
    Some(purl)
}

/// Reports of before 2023 give no purls, but the distribution.
fn named(report: &Value, vulnerability: &Value) -> Option<Purl> {
    let family = text(report, "/Metadata/OS/Family");
    let distro = format!("{family}-{}", text(report, "/Metadata/OS/Name"));
    let (name, version) = (text(vulnerability, "/PkgName"), text(vulnerability, "/InstalledVersion"));
    (family == "debian").then(|| system("deb", name, version, &distro, None))
}

/// The vulnerability database of the tests: advisories by bucket, without the data source.
fn database(archive: &Archive) -> BTreeMap<String, BTreeSet<(String, String)>> {
    let mut buckets: BTreeMap<String, BTreeSet<(String, String)>> = BTreeMap::new();
    for (path, bytes) in archive.under("fixtures/db/", ".yaml") {
        let parsed: Value = yaml_serde::from_slice(bytes).unwrap_or_else(|error| panic!("{path}: {error}"));
        for bucket in list(&parsed, "") {
            let name = text(bucket, "/bucket");
            let name = name.split_once("::").map_or(name, |(ecosystem, _)| ecosystem);
            for package in list(bucket, "/pairs") {
                let ids = list(package, "/pairs").iter().map(|pair| text(pair, "/key").to_owned());
                let package = text(package, "/bucket").to_lowercase();
                buckets.entry(name.to_owned()).or_default().extend(ids.map(|id| (package.clone(), id)));
            }
        }
    }
    buckets
}

/// Reports of real scans, collected by DefectDojo, which shortened most of them.
fn reports(data: &Path) -> Vec<Document> {
    let archive = Archive::open(&data.join("goldens/scanner-reports-defectdojo.tar.zst"));
    let statuses = document("Trivy: node:14 image".to_owned(), &archive.json("trivy/all_statuses.json"), None);
    vec![statuses, mixed(&archive), container_scan(&archive)]
}

/// A report of the first schema: a list of targets, each with a type.
fn mixed(archive: &Archive) -> Document {
    let mut purls = Vec::new();
    let mut findings = Vec::new();
    for target in list(&archive.json("trivy/legacy_trivy_mix.json"), "") {
        for vulnerability in list(target, "/Vulnerabilities") {
            let (name, version) = (text(vulnerability, "/PkgName"), text(vulnerability, "/InstalledVersion"));
            let purl = match text(target, "/Type") {
                "alpine" => system("apk", name, version, "alpine-3.7.1", None),
                kind => purl(kind, name, version),
            };
            let reason = format!("fixed in {:?}", text(vulnerability, "/FixedVersion"));
            let id = text(vulnerability, "/VulnerabilityID").to_owned();
            if !id.is_empty() {
                findings.push(Theirs { place: place(&purl), id, package: None, reason });
                purls.push(purl);
            }
        }
    }
    let inventory = inventory("trivy", purls);
    Document { name: "Trivy: trivy-ci-test (excerpt)".to_owned(), inventory, findings, knowledge: Knowledge::Excerpt }
}

/// GitLab's container scanning, which is Trivy, of an Alpine 3.15 image. The report does not name
/// the release; the fixed versions that it states are those of 3.15.
fn container_scan(archive: &Archive) -> Document {
    let report = archive.json("gitlab_container_scan/issue6639_v15.json");
    let mut purls = Vec::new();
    let mut findings = Vec::new();
    for vulnerability in list(&report, "/vulnerabilities") {
        let name = text(vulnerability, "/location/dependency/package/name");
        let purl = system("apk", name, text(vulnerability, "/location/dependency/version"), "alpine-3.15", None);
        let id = text(vulnerability, "/identifiers/0/value").to_owned();
        let reason = text(vulnerability, "/solution").to_owned();
        findings.push(Theirs { place: place(&purl), id, package: None, reason });
        purls.push(purl);
    }
    let inventory = inventory("trivy", purls);
    let knowledge = Knowledge::Until(day("2022-07-01T00:00:00Z"));
    Document { name: "GitLab (Trivy): Alpine image".to_owned(), inventory, findings, knowledge }
}
