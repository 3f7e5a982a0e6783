//! VEX documents, and what they do to findings.

use domain::component::{Component, Identity, Inventory};
use domain::finding::{Confidence, Evaluation, Finding};
use domain::purl::Purl;
use domain::severity::Severity;
use domain::vex::VexEffect;
use policy::vex::{Document, Library, Limits, apply, read, read_embedded};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::target::fixtures;

pub(crate) const OPENVEX_WORDS: &[&str] = &[
    "\"@context\":\"https://openvex.dev/ns/v0.2.0\"",
    "\"statements\":[{",
    "\"vulnerability\":{\"name\":\"CVE-2024-1\"}",
    "\"products\":[{\"@id\":\"pkg:npm/a@1\"}]",
    "\"subcomponents\":[{\"@id\":\"pkg:npm/a@1\"}]",
    "\"status\":\"not_affected\"",
    "\"status\":\"fixed\"",
    "\"status\":\"affected\"",
    "\"justification\":\"component_not_present\"",
    "\"timestamp\":\"2024-01-01T00:00:00Z\"",
    "\"identifiers\":{\"purl\":\"pkg:npm/a\"}",
    "pkg:oci/r",
    "\"author\":\"",
];
pub(crate) const CSAF_WORDS: &[&str] = &[
    "\"document\":{\"csaf_version\":\"2.0\"",
    "\"product_tree\":{\"full_product_names\":[{\"product_id\":\"p\",\"product_identification_helper\":{\"purl\":\"pkg:npm/a@1\"}}]}",
    "\"branches\":[{",
    "\"relationships\":[{\"category\":\"default_component_of\"",
    "\"vulnerabilities\":[{\"cve\":\"CVE-2024-1\"",
    "\"product_status\":{\"fixed\":[\"p\"]}",
    "\"known_not_affected\":[\"p\"]",
    "\"flags\":[{\"label\":\"component_not_present\"}]",
    "\"threats\":[{\"category\":\"impact\",\"details\":\"x\"}]",
    "\"product_groups\":[{",
];
pub(crate) const CYCLONEDX_WORDS: &[&str] = &[
    "\"bomFormat\":\"CycloneDX\"",
    "\"vulnerabilities\":[{\"id\":\"CVE-2024-1\"",
    "\"analysis\":{\"state\":\"not_affected\"}",
    "\"affects\":[{\"ref\":\"urn:cdx:u/1#a\"}]",
    "\"affects\":[{\"ref\":\"a\"}]",
    "\"components\":[{\"bom-ref\":\"a\",\"purl\":\"pkg:npm/a@1\"}]",
    "%2",
];

/// Nothing passes its limit; no finding is lost, and none is suppressed without a statement that says so.
pub(crate) fn document(data: &[u8]) {
    let limits =
        Limits { bytes_max: 16 << 10, documents_max: 4, statements_max: 64, targets_max: 256, problems_max: 8 };
    let mut all: Vec<Document> = Vec::new();
    for documents in [read("x", data, &limits), read_embedded("x", data, &limits)].into_iter().flatten() {
        for document in &documents {
            assert!(document.statements.len() <= limits.statements_max);
            assert!(document.problems.len() <= limits.problems_max + 1);
            assert!(document.statements.iter().all(|statement| !statement.targets.is_empty()));
        }
        all.extend(documents);
    }
    let inventory = inventory();
    let findings = vec![finding("CVE-2024-1"), finding("CVE-2024-2")];
    let mut evaluation = Evaluation { findings, ..Evaluation::default() };
    let library = Library::of(all);
    let applied = apply(&mut evaluation, &inventory, &[&library], u64::MAX).expect("no bound");
    assert_eq!(applied.documents.len(), library.documents().len());
    assert_eq!(evaluation.findings.len() + evaluation.suppressed.len(), 2);
    for finding in &evaluation.suppressed {
        let decision = finding.vex.as_ref().expect("a statement");
        assert!(decision.effect == VexEffect::Suppressed && decision.status.clears());
    }
    let counts = |finding: &Finding| finding.vex.as_ref().is_none_or(|it| it.effect != VexEffect::Suppressed);
    assert!(evaluation.findings.iter().all(counts));
}

/// The input as it is, and as the payload of an envelope.
pub(crate) fn attested(data: &[u8]) {
    document(data);
    let payload = BASE64.encode(data);
    document(
        format!(r#"{{"payloadType":"application/vnd.in-toto+json","payload":"{payload}","signatures":[{{}}]}}"#)
            .as_bytes(),
    );
}

pub(crate) fn seeds(name: &str) -> Vec<Vec<u8>> {
    let known = |seed: &Vec<u8>| {
        let text = String::from_utf8_lossy(seed);
        match name {
            "csaf" => text.contains("csaf_version"),
            "cyclonedx" => text.contains("bomFormat"),
            _ => text.contains("statements"),
        }
    };
    let folders = ["vex/trivy", "vex/grype", "vex/ubuntu", "reports"];
    folders.iter().flat_map(|folder| fixtures(folder, &[".json"], 8 << 10)).filter(known).collect()
}

pub(crate) fn attested_seeds() -> Vec<Vec<u8>> {
    let predicate = r#"{"@context":"https://openvex.dev/ns","statements":[{"vulnerability":{"name":"CVE-2024-1"},"products":["pkg:npm/a@1"],"status":"fixed"}]}"#;
    let statement = format!(r#"{{"_type":"s","predicateType":"https://openvex.dev/ns","predicate":{predicate}}}"#);
    vec![
        statement.clone().into_bytes(),
        predicate.as_bytes().to_vec(),
        format!("{statement}\n{statement}").into_bytes(),
    ]
}

fn inventory() -> Inventory {
    let purl = Purl::parse("pkg:npm/a@1").expect("a purl");
    let component =
        Component { reference: "a".to_owned(), name: "a".to_owned(), purl: Some(purl), ..Component::default() };
    let identity = Identity {
        serial_number: Some("urn:uuid:u".to_owned()),
        root: Purl::parse("pkg:oci/r@sha256:1").ok(),
        root_reference: Some("r".to_owned()),
        ..Identity::default()
    };
    Inventory { components: vec![component], identity, ..Inventory::default() }
}

fn finding(vulnerability: &str) -> Finding {
    Finding {
        id: vulnerability.to_owned(),
        vulnerability: vulnerability.to_owned(),
        aliases: Vec::new(),
        component: 0,
        reference: "a".to_owned(),
        package: "a".to_owned(),
        version: "1".to_owned(),
        purl: None,
        ecosystem: "npm".to_owned(),
        matched_name: "a".to_owned(),
        severity: Severity::Unknown,
        severity_source: None,
        cvss_vector: None,
        cvss_score: None,
        status: domain::advisory::Status::Affected,
        fixed_versions: Vec::new(),
        confidence: Confidence::Agreed,
        evidence: Vec::new(),
        title: None,
        published: None,
        known_exploited: None,
        epss_probability: None,
        epss_percentile: None,
        vex: None,
    }
}
