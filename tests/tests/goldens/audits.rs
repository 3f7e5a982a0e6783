//! The auditors of single ecosystems, Dependency-Track, and labels computed with reference tools.

use std::path::Path;

use domain::purl::Purl;
use serde_json::Value;

use crate::archive::{Archive, list, text};
use crate::document::{Document, Knowledge, Theirs, day, inventory, osv_key, osv_purl, place, purl, read};

/// The day of the feeds that cargo-audit and the labels were run against.
const FEEDS: &str = "2026-08-21T23:59:59Z";

pub(crate) fn documents(data: &Path) -> Vec<Document> {
    let mut documents = cargo_audit(data);
    documents.extend(labelled(data));
    let reports = Archive::open(&data.join("goldens/scanner-reports-defectdojo.tar.zst"));
    documents.push(cargo_report(&reports.json("cargo_audit/many_findings_cvss.json")));
    documents.push(bundler_audit(&reports.json("bundler_audit/version_9.0.json")));
    documents.push(pip_audit(&reports.json("pip_audit/many_vulns_new.json")));
    for file in
        ["dependency_track_3.8.0_2021-01-18", "deptrack_php_4.14.1", "many_findings_with_alias", "many_findings"]
    {
        documents.push(dependency_track(file, &reports.json(&format!("dependency_track/{file}.json"))));
    }
    documents
}

fn theirs(purl: &Purl, id: &str) -> Theirs {
    Theirs { place: place(purl), id: id.to_owned(), package: None, reason: String::new() }
}

/// Real lock files with the real cargo-audit's answer.
fn cargo_audit(data: &Path) -> Vec<Document> {
    let archive = Archive::open(&data.join("labels/cargo-audit-goldens.tar.zst"));
    archive
        .under("/", "Cargo.lock")
        .map(|(path, lock)| {
            let target = path.trim_end_matches("/Cargo.lock");
            let answer = archive.json(&format!("{target}/cargo-audit.json"));
            Document {
                name: format!("cargo-audit: {}", target.replacen('_', "/", 1)),
                inventory: inventory("cargo-audit", locked(&String::from_utf8_lossy(lock))),
                findings: audited(&answer).map(|(purl, id)| theirs(&purl, &id)).collect(),
                knowledge: Knowledge::Until(day(FEEDS)),
            }
        })
        .collect()
}

/// The packages of a Cargo.lock that come from the registry, as cargo-audit takes them.
fn locked(lock: &str) -> Vec<Purl> {
    let field = |block: &str, name: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "));
        line.map(|value| value.trim_matches('"').to_owned())
    };
    lock.split("[[package]]")
        .skip(1)
        .filter(|block| field(block, "source").is_some_and(|source| source.starts_with("registry+")))
        .filter_map(|block| Some(purl("cargo", &field(block, "name")?, &field(block, "version")?)))
        .collect()
}

/// Vulnerabilities, and the warnings (unmaintained, unsound), which are advisories as well.
fn audited(answer: &Value) -> impl Iterator<Item = (Purl, String)> + '_ {
    let warnings = answer["warnings"].as_object().into_iter().flat_map(|kinds| kinds.values());
    // A warning without an advisory says that the version was yanked.
    let warnings = warnings.flat_map(|warnings| list(warnings, "")).filter(|warning| !warning["advisory"].is_null());
    list(answer, "/vulnerabilities/list").iter().chain(warnings).map(|found| {
        let purl = purl("cargo", text(found, "/package/name"), text(found, "/package/version"));
        (purl, text(found, "/advisory/id").to_owned())
    })
}

fn cargo_report(report: &Value) -> Document {
    Document {
        name: "cargo-audit: report of a Rust project".to_owned(),
        inventory: inventory("cargo-audit", audited(report).map(|(purl, _)| purl)),
        findings: audited(report).map(|(purl, id)| theirs(&purl, &id)).collect(),
        knowledge: Knowledge::Until(day(text(report, "/database/last-updated"))),
    }
}

/// One target in the formats that Syft writes, against labels made with the reference comparers.
fn labelled(data: &Path) -> Vec<Document> {
    let archive = Archive::open(&data.join("sboms/syft-1.18.1-own-targets.tar.zst"));
    let labels = std::fs::read_to_string(data.join("labels/expected-findings-langA.csv")).expect("the labels");
    ["cdx.json", "cdx.xml", "spdx.json", "spdx"]
        .map(|format| Document {
            name: format!("Labels: Syft 1.18.1 of langA, {format}"),
            inventory: read(archive.bytes(&format!("langA.{format}"))),
            findings: labels.lines().skip(1).map(label).collect(),
            knowledge: Knowledge::Until(day(FEEDS)),
        })
        .into()
}

fn label(line: &str) -> Theirs {
    let [_, ecosystem, name, version, id] = line.split(',').collect::<Vec<_>>()[..] else { panic!("{line}") };
    let purl = osv_purl(ecosystem, name, version).expect("a language ecosystem");
    Theirs { package: osv_key(ecosystem, name), ..theirs(&purl, id) }
}

fn bundler_audit(report: &Value) -> Document {
    let mut purls = Vec::new();
    let mut findings = Vec::new();
    for found in list(report, "/results") {
        let purl = purl("gem", text(found, "/gem/name"), text(found, "/gem/version"));
        findings.push(theirs(&purl, text(found, "/advisory/id")));
        purls.push(purl);
    }
    Document {
        name: "bundler-audit: a Ruby project".to_owned(),
        inventory: inventory("bundler-audit", purls),
        findings,
        knowledge: Knowledge::Until(day("2021-09-16T17:25:23Z")),
    }
}

/// The report states no date; its newest record is of December 2021.
fn pip_audit(report: &Value) -> Document {
    let mut purls = Vec::new();
    let mut findings = Vec::new();
    for package in list(report, "/dependencies") {
        let purl = purl("pypi", text(package, "/name"), text(package, "/version"));
        findings.extend(list(package, "/vulns").iter().map(|found| theirs(&purl, text(found, "/id"))));
        purls.push(purl);
    }
    Document {
        name: "pip-audit: a Python environment".to_owned(),
        inventory: inventory("pip-audit", purls),
        findings,
        knowledge: Knowledge::Until(day("2021-12-31T00:00:00Z")),
    }
}

fn dependency_track(file: &str, report: &Value) -> Document {
    let mut purls = Vec::new();
    let mut findings = Vec::new();
    for found in list(report, "/findings") {
        if let Ok(purl) = Purl::parse(text(found, "/component/purl")) {
            let reason = format!("by {}", text(found, "/vulnerability/source"));
            findings.push(Theirs { reason, ..theirs(&purl, text(found, "/vulnerability/vulnId")) });
            purls.push(purl);
        }
    }
    Document {
        name: format!("Dependency-Track: {file}"),
        inventory: inventory("Dependency-Track", purls),
        findings,
        knowledge: Knowledge::Excerpt,
    }
}
