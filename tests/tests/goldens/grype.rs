//! Grype: reports of real scans.

use std::collections::BTreeMap;
use std::path::Path;

use domain::purl::Purl;
use serde_json::Value;

use crate::archive::{Archive, list, text};
use crate::document::{Document, Knowledge, Theirs, day, inventory, place, read, system};

/// Name, file, and the day that its data speaks for; an excerpt has none.
const REPORTS: &[(&str, &str, Option<&str>)] = &[
    // Grype 0.7.0 was the newest from February to April 2021; both reports state no date.
    ("Grype: python:3.7.10 image", "anchore_grype/many_vulns2.json", Some("2021-03-04T00:00:00Z")),
    ("Grype: defectdojo-django:1.13.1 image", "anchore_grype/many_vulns3.json", Some("2021-03-04T00:00:00Z")),
    ("Grype: a Debian 10 image (excerpt)", "anchore_grype/check_all_fields.json", None),
    ("Grype: a Go module (excerpt)", "anchore_grype/anchore_grype_epss_problem.json", None),
];

/// Reports shortened by Grype's own tests.
const EXPLAINED: &[(&str, &str)] = &[
    ("Grype: Ruby on Wolfi (excerpt)", "grype/presenter/explain/testdata/chainguard-ruby-test.json"),
    ("Grype: a Java image (excerpt)", "grype/presenter/explain/testdata/ghsa-test.json"),
];

pub(crate) fn documents(data: &Path) -> Vec<Document> {
    let sources = debian_sources(data);
    let reports = Archive::open(&data.join("goldens/scanner-reports-defectdojo.tar.zst"));
    let mut documents = Vec::new();
    for (name, file, date) in REPORTS {
        let knowledge = date.map_or(Knowledge::Excerpt, |date| Knowledge::Until(day(date)));
        documents.push(document(name, &reports.json(file), knowledge, &sources));
    }
    let tests = Archive::open(&data.join("goldens/grype-testdata.tar.zst"));
    for (name, file) in EXPLAINED {
        documents.push(document(name, &tests.json(file), Knowledge::Excerpt, &sources));
    }
    documents
}

fn document(name: &str, report: &Value, knowledge: Knowledge, sources: &BTreeMap<String, String>) -> Document {
    let distro = format!("{}-{}", text(report, "/distro/name"), text(report, "/distro/version"));
    let mut purls = Vec::new();
    let mut findings = Vec::new();
    for found in list(report, "/matches") {
        let Some(purl) = artifact(&found["artifact"], &distro, sources) else { continue };
        findings.push(Theirs {
            place: place(&purl),
            id: text(found, "/vulnerability/id").to_owned(),
            package: None,
            reason: reason(found),
        });
        purls.push(purl);
    }
    Document { name: name.to_owned(), inventory: inventory("grype", purls), findings, knowledge }
}

/// The matched constraint, and whether it was found by CPE.
fn reason(found: &Value) -> String {
    let details = found["matchDetails"].as_array().map_or(&found["matchDetails"], |details| &details[0]);
    let constraint = ["/matchedOn/constraint", "/found/versionConstraint"].map(|pointer| text(details, pointer));
    let cpe = details.to_string().contains("\"cpes\":[");
    format!("{}{}{}", constraint[0], constraint[1], if cpe { " by CPE" } else { "" })
}

fn artifact(artifact: &Value, distro: &str, sources: &BTreeMap<String, String>) -> Option<Purl> {
    let (name, version) = (text(artifact, "/name"), text(artifact, "/version"));
    let upstream = list(artifact, "/upstreams").first().map(|upstream| text(upstream, "/name"));
    match text(artifact, "/type") {
        "apk" => Some(system("apk", name, version, distro, upstream)),
        "deb" => {
            let source = upstream.or_else(|| sources.get(name).map(String::as_str));
            Some(system("deb", name, version, distro, source))
        }
        _ => Purl::parse(text(artifact, "/purl")).ok(),
    }
}

/// Source packages of Debian's binary packages, which Grype knew but its first reports do not
/// state, from an SBOM of a Debian system.
fn debian_sources(data: &Path) -> BTreeMap<String, String> {
    let archive = Archive::open(&data.join("sboms/syft-1.18.1-own-targets.tar.zst"));
    let sbom = read(archive.bytes("deb12-web.cdx.json"));
    let source = |purl: &Purl| purl.qualifier("upstream").and_then(|text| text.split('@').next()).map(str::to_owned);
    sbom.components
        .iter()
        .filter_map(|component| {
            let stated = component.source_package.as_ref().map(|source| source.name.clone());
            let source = stated.or_else(|| component.purl.as_ref().and_then(source))?;
            Some((component.name.clone(), source))
        })
        .collect()
}
