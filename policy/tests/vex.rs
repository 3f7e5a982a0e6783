//! VEX against real documents, with the results of Trivy and Grype as expectations, and against made-up ones where
//! those two say nothing.

#![expect(clippy::disallowed_methods, reason = "tests read their documents from disk")]

use std::path::PathBuf;

use domain::advisory::Status;
use domain::component::{Component, Identity, Inventory};
use domain::finding::{Confidence, Coverage, Evaluation, Finding};
use domain::purl::Purl;
use domain::severity::Severity;
use domain::vex::{Justification, VexEffect, VexStatus};
use policy::vex::{Applied, COMPARISONS_MAX, Document, Library, Limits, VexError, apply, read, read_embedded};

const ALPINE: &str = "pkg:oci/alpine@sha256%3A124c7d2707904eea7431fffe91522a01e5a861a624ee31d03372cc1d138a3126?repository_url=index.docker.io/library/alpine";
const LIBCRYPTO: &str = "pkg:apk/alpine/libcrypto3@3.0.8-r3?arch=x86_64&upstream=openssl&distro=alpine-3.17.3";
const SPRING_BOOT: &str = "pkg:maven/org.springframework.boot/spring-boot@2.6.0?type=jar";

fn fixture(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/data/vex").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn document(name: &str) -> Document {
    let mut documents =
        read(name, &fixture(name), &Limits::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(documents.len(), 1, "{name}");
    documents.remove(0)
}

fn written(name: &str, text: &str) -> Document {
    let mut documents =
        read(name, text.as_bytes(), &Limits::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
    documents.remove(0)
}

fn refused(text: &str) -> VexError {
    read("x", text.as_bytes(), &Limits::default()).expect_err("it is refused")
}

/// An SBOM of `root` with one component for each purl.
fn inventory(root: Option<&str>, purls: &[&str]) -> Inventory {
    let component = |purl: &&str| {
        let parsed = Purl::parse(purl).expect(purl);
        Component {
            reference: (*purl).to_owned(),
            name: parsed.name.clone(),
            version: parsed.version.clone(),
            purl: Some(parsed),
            ..Component::default()
        }
    };
    let identity = Identity { root: root.map(|purl| Purl::parse(purl).expect(purl)), ..Identity::default() };
    Inventory { components: purls.iter().map(component).collect(), identity, ..Inventory::default() }
}

fn finding(inventory: &Inventory, component: usize, vulnerability: &str) -> Finding {
    let of = &inventory.components[component];
    Finding {
        id: format!("{component}-{vulnerability}"),
        vulnerability: vulnerability.to_owned(),
        aliases: Vec::new(),
        component,
        reference: of.reference.clone(),
        package: of.name.clone(),
        version: of.version.clone().unwrap_or_default(),
        purl: of.purl.as_ref().map(ToString::to_string),
        ecosystem: "X".into(),
        matched_name: of.name.clone(),
        severity: Severity::High,
        severity_source: None,
        cvss_vector: None,
        cvss_score: None,
        status: Status::Affected,
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

fn held(evaluation: &mut Evaluation, inventory: &Inventory, documents: &[Document]) -> Applied {
    let library = Library::of(documents.to_vec());
    apply(evaluation, inventory, &[&library], COMPARISONS_MAX).expect("a small document")
}

/// One finding per vulnerability, all of the first component.
fn applied(inventory: &Inventory, vulnerabilities: &[&str], documents: &[Document]) -> (Evaluation, Applied) {
    let findings = vulnerabilities.iter().map(|name| finding(inventory, 0, name)).collect();
    let mut evaluation = Evaluation { findings, suppressed: Vec::new(), coverage: Coverage::default() };
    let applied = held(&mut evaluation, inventory, documents);
    (evaluation, applied)
}

/// The effect on the one finding, whichever way the documents are ordered.
fn effect(inventory: &Inventory, vulnerability: &str, documents: &[Document]) -> Option<VexEffect> {
    let given = effect_in_order(inventory, vulnerability, documents);
    let reversed: Vec<Document> = documents.iter().rev().cloned().collect();
    assert_eq!(effect_in_order(inventory, vulnerability, &reversed), given, "another order has another effect");
    given
}

#[test]
fn documents_of_several_libraries_are_weighed_together() {
    let npm = inventory(None, &["pkg:npm/x@1"]);
    let clear = openvex("a", "2024-06-01T00:00:00Z", &said("pkg:npm/x@1", "not_affected", WHY));
    let other = openvex("c", "2024-06-01T00:00:00Z", &said("pkg:npm/z@1", "fixed", ""));
    let affected = openvex("b", "2024-01-01T00:00:00Z", &said("pkg:npm/x@1", "affected", ""));
    let (one, two) = (Library::of(vec![other, clear]), Library::of(vec![affected]));
    let mut evaluation = Evaluation { findings: vec![finding(&npm, 0, "cve-2024-1")], ..Evaluation::default() };
    let applied = apply(&mut evaluation, &npm, &[&one, &two], COMPARISONS_MAX).expect("small documents");
    let effect = evaluation.findings[0].vex.as_ref().map(|decision| decision.effect);
    assert_eq!(effect, Some(VexEffect::Contradicted));
    let counts: Vec<_> = applied.documents.iter().map(|used| (used.contradicted, used.without_effect)).collect();
    assert_eq!(counts, [(0, 1), (1, 0), (0, 0)]);
}

fn effect_in_order(inventory: &Inventory, vulnerability: &str, documents: &[Document]) -> Option<VexEffect> {
    let (evaluation, _) = applied(inventory, &[vulnerability], documents);
    let found = evaluation.findings.iter().chain(&evaluation.suppressed).next().expect("the finding is kept");
    let effect = found.vex.as_ref().map(|decision| decision.effect);
    assert_eq!(evaluation.suppressed.len(), usize::from(effect == Some(VexEffect::Suppressed)));
    effect
}

/// On one line.
fn openvex_text(statements: &str) -> String {
    format!(r#"{{"@context":"https://openvex.dev/ns/v0.2.0","author":"a","statements":[{statements}]}}"#)
}

fn openvex(author: &str, time: &str, statements: &str) -> Document {
    let text = format!(
        r#"{{"@context":"https://openvex.dev/ns/v0.2.0","@id":"https://x.example/{author}/{time}","author":"{author}",
            "timestamp":"{time}","version":1,"statements":[{statements}]}}"#
    );
    written(&format!("{author}-{time}.json"), &text)
}

fn said(product: &str, status: &str, more: &str) -> String {
    format!(
        r#"{{"vulnerability":{{"name":"CVE-2024-1"}},"products":[{{"@id":"{product}"}}],"status":"{status}"{more}}}"#
    )
}

const WHY: &str = r#","justification":"vulnerable_code_not_present""#;

#[test]
fn a_package_as_product_is_cleared_as_trivy_and_grype_clear_it() {
    let spring = inventory(None, &[SPRING_BOOT]);
    for name in ["trivy/openvex.json", "trivy/openvex-multiple.json"] {
        assert_eq!(effect(&spring, "CVE-2021-44228", &[document(name)]), Some(VexEffect::Suppressed), "{name}");
        assert_eq!(effect(&spring, "CVE-2021-0001", &[document(name)]), None, "{name}");
    }
    let alpine = inventory(Some(ALPINE), &[LIBCRYPTO]);
    let package = document("grype/openvex-package-product.json");
    assert_eq!(effect(&alpine, "CVE-2023-1255", &[package]), Some(VexEffect::Suppressed));
}

#[test]
fn the_later_statement_of_an_author_replaces_the_earlier() {
    // The first statement says affected, a day before the second.
    let (evaluation, _) =
        applied(&inventory(None, &[SPRING_BOOT]), &["CVE-2021-44228"], &[document("trivy/openvex-multiple.json")]);
    let decision = evaluation.suppressed[0].vex.as_ref().expect("a decision");
    assert_eq!(decision.place, "statements[1]");
    assert_eq!(decision.justification, Some(Justification::VulnerableCodeNotInExecutePath));
    assert_eq!(decision.timestamp.expect("a time").to_string(), "2023-01-17T01:07:16Z");
}

#[test]
fn an_image_with_subcomponents_clears_them_in_that_image_only() {
    let demo = [document("grype/openvex-demo1.json")];
    let alpine = inventory(Some(ALPINE), &[LIBCRYPTO]);
    assert_eq!(effect(&alpine, "CVE-2023-1255", &demo), Some(VexEffect::Suppressed));
    assert_eq!(effect(&alpine, "CVE-2023-2650", &demo), None);
    let other = inventory(Some("pkg:oci/alpine@sha256:ffff"), &[LIBCRYPTO]);
    let (evaluation, applied) = applied(&other, &["CVE-2023-1255"], &demo);
    assert_eq!(evaluation.suppressed, Vec::new());
    // Why the statement does not count is told.
    let why = &applied.documents[0].unmatched;
    assert!(why.len() == 1 && why[0].contains("holds inside of pkg:oci/alpine@sha256"), "{why:?}");
    // Another package of the image is not meant.
    let busybox = inventory(Some(ALPINE), &["pkg:apk/alpine/busybox@1.35.0-r29"]);
    assert_eq!(effect(&busybox, "CVE-2023-1255", &demo), None);
}

#[test]
fn an_image_without_subcomponents_clears_all_that_is_in_it() {
    let image = [document("grype/openvex-image-no-subcomponents.json")];
    let alpine = inventory(Some(ALPINE), &[LIBCRYPTO, "pkg:apk/alpine/busybox@1.35.0-r29"]);
    let findings = vec![finding(&alpine, 0, "CVE-2023-1255"), finding(&alpine, 1, "CVE-2023-1255")];
    let mut evaluation = Evaluation { findings, suppressed: Vec::new(), coverage: Coverage::default() };
    let applied = held(&mut evaluation, &alpine, &image);
    assert_eq!((evaluation.findings.len(), evaluation.suppressed.len()), (0, 2));
    assert_eq!((applied.documents[0].suppressed, applied.documents[0].without_effect), (2, 0));
    let nameless = inventory(None, &[LIBCRYPTO]);
    assert_eq!(effect(&nameless, "CVE-2023-1255", &image), None);
}

#[test]
fn an_image_without_digest_in_the_statement_is_any_build_of_it() {
    let bash = ["pkg:deb/debian/bash@5.2.15-2?distro=debian-12.5"];
    let debian = inventory(Some("pkg:oci/debian@sha256:4482?repository_url=index.docker.io/library/debian"), &bash);
    assert_eq!(effect(&debian, "CVE-2022-3715", &[document("trivy/openvex-oci.json")]), Some(VexEffect::Suppressed));
    assert_eq!(effect(&debian, "CVE-2022-3715", &[document("trivy/openvex-oci-mismatch.json")]), None);
}

#[test]
fn csaf_clears_what_grype_and_trivy_let_it_clear() {
    let alpine = inventory(None, &[LIBCRYPTO]);
    let fixed = document("grype/csaf-demo1.json");
    assert_eq!(effect(&alpine, "CVE-2023-1255", &[fixed]), Some(VexEffect::Suppressed));
    let flagged = [document("grype/csaf-demo2.json")];
    let (evaluation, _) = applied(&alpine, &["CVE-2023-3817", "CVE-2023-1255"], &flagged);
    assert_eq!((evaluation.findings.len(), evaluation.suppressed.len()), (1, 1));
    let decision = evaluation.suppressed[0].vex.as_ref().expect("a decision");
    assert_eq!(decision.status, VexStatus::NotAffected);
    assert_eq!(decision.justification, Some(Justification::VulnerableCodeNotPresent));
    let about = &decision.document;
    assert_eq!((about.id.as_deref(), about.version.as_deref()), (Some("2022-EVD-UC-01-A-001"), Some("1")));
    assert_eq!(about.author.as_deref(), Some("Example Company ProductCERT"));
    let go = inventory(None, &["pkg:golang/github.com/aquasecurity/go-transitive@v4.0.0"]);
    assert_eq!(effect(&go, "CVE-2024-0001", &[document("trivy/csaf.json")]), Some(VexEffect::Suppressed));
    let affected = document("grype/affected.csaf.json");
    assert!(affected.statements.iter().all(|statement| statement.status == VexStatus::Affected));
    let looked_into = document("grype/under_investigation.csaf.json");
    assert!(looked_into.statements.iter().all(|statement| statement.status == VexStatus::UnderInvestigation));
}

#[test]
fn a_relationship_of_csaf_holds_inside_of_its_product_only() {
    let transitive = ["pkg:golang/github.com/aquasecurity/go-transitive@v4.0.0"];
    for name in ["trivy/csaf-relationships.json", "trivy/openvex-nested.json"] {
        let inside = inventory(Some("pkg:golang/github.com/aquasecurity/go-direct1@v2.0.0"), &transitive);
        assert_eq!(effect(&inside, "CVE-2024-0001", &[document(name)]), Some(VexEffect::Suppressed), "{name}");
        let outside = inventory(Some("pkg:golang/github.com/aquasecurity/go-direct2@v2.0.0"), &transitive);
        assert_eq!(effect(&outside, "CVE-2024-0001", &[document(name)]), None, "{name}");
    }
}

#[test]
fn a_relationship_of_csaf_with_a_purl_of_its_own_is_no_wider() {
    let transitive = "pkg:golang/github.com/aquasecurity/go-transitive@v4.0.0";
    let text = String::from_utf8(fixture("trivy/csaf-relationships.json")).expect("UTF-8");
    let mut csaf: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let whole = &mut csaf["product_tree"]["relationships"][0]["full_product_name"];
    whole["product_identification_helper"] = serde_json::json!({ "purl": transitive });
    for (category, effect_inside) in [
        ("default_component_of", Some(VexEffect::Suppressed)),
        ("installed_on", Some(VexEffect::Suppressed)),
        ("installed_with", Some(VexEffect::Suppressed)),
        ("external_component_of", None),
    ] {
        csaf["product_tree"]["relationships"][0]["category"] = category.into();
        let vex = [written("x", &csaf.to_string())];
        let inside = inventory(Some("pkg:golang/github.com/aquasecurity/go-direct1@v2.0.0"), &[transitive]);
        assert_eq!(effect(&inside, "CVE-2024-0001", &vex), effect_inside, "{category}");
        for root in [None, Some("pkg:golang/github.com/aquasecurity/go-direct2@v2.0.0")] {
            assert_eq!(effect(&inventory(root, &[transitive]), "CVE-2024-0001", &vex), None, "{category}");
        }
    }
    // Without a purl of the product nothing narrow is left, and nothing wide takes its place.
    let nameless = csaf.to_string().replace("pkg:golang/github.com/aquasecurity/go-direct1", "go-direct1");
    let nameless = nameless.replace("external_component_of", "installed_on");
    let vex = written("x", &nameless);
    assert!(vex.problems.iter().any(|problem| problem.reason.contains("the product that it is in has no purl")));
    assert_eq!(effect(&inventory(None, &[transitive]), "CVE-2024-0001", &[vex]), None);
}

#[test]
fn a_link_of_cyclonedx_is_to_one_version_of_one_sbom() {
    let vex = [document("trivy/cyclonedx.json")];
    let mut spring = inventory(None, &["pkg:maven/org.springframework.boot/spring-boot@2.6.0"]);
    let serial = "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79";
    for (serial, version, expected) in [
        (Some(serial), Some(1), Some(VexEffect::Suppressed)),
        (Some(serial), None, Some(VexEffect::Suppressed)),
        (Some(serial), Some(2), None),
        (Some("urn:uuid:wrong"), Some(1), None),
        (None, None, None),
    ] {
        spring.identity.serial_number = serial.map(str::to_owned);
        spring.identity.version = version;
        assert_eq!(effect(&spring, "CVE-2021-44228", &vex), expected, "{serial:?} {version:?}");
    }
    // The purl in the link is escaped, the component's own reference is something else.
    let libstdc = "pkg:deb/ubuntu/libstdc%2B%2B6@12.3.0-1ubuntu1~22.04?arch=amd64&distro=ubuntu-22.04";
    let mut ubuntu = inventory(None, &[libstdc]);
    ubuntu.components[0].reference = "7c1f".into();
    ubuntu.identity.serial_number = Some(serial.into());
    assert_eq!(effect(&ubuntu, "CVE-2022-27943", &vex), Some(VexEffect::Suppressed));
}

#[test]
fn a_decision_says_whether_it_holds_for_the_component_wherever_it_is() {
    let mut npm = inventory(Some("pkg:npm/shop@1"), &["pkg:npm/x@1"]);
    (npm.identity.serial_number, npm.components[0].reference) = (Some("urn:uuid:1".into()), "a".into());
    let inside = r#"{"vulnerability":"CVE-2024-1","status":"fixed","products":[{"@id":"pkg:npm/shop","subcomponents":[{"@id":"pkg:npm/x"}]}]}"#;
    let said = |product: &str| said(product, "fixed", "");
    for (statement, bound) in [
        (said("pkg:npm/x@1"), false),
        (said("pkg:npm/x"), false),
        (said("pkg:npm/shop"), true),
        (said("urn:cdx:1/1#a"), true),
        (inside.to_owned(), true),
    ] {
        let vex = openvex("a", "2024-01-01T00:00:00Z", &statement);
        let (evaluation, _) = applied(&npm, &["CVE-2024-1"], &[vex]);
        assert_eq!(evaluation.suppressed[0].vex.as_ref().expect("a decision").bound, bound, "{statement}");
    }
}

#[test]
fn a_percent_sign_in_a_link_that_encodes_nothing_is_itself() {
    let mut npm = inventory(None, &["pkg:npm/x@1"]);
    npm.identity.serial_number = Some("urn:uuid:1".into());
    for (link, reference, expected) in [
        ("a%2B1", "a+1", Some(VexEffect::Suppressed)),
        ("a%2B1", "a%2B1", Some(VexEffect::Suppressed)),
        ("100%", "100%", Some(VexEffect::Suppressed)),
        ("a%+1", "a\u{1}", None),
        ("a%2", "a\u{2}", None),
    ] {
        npm.components[0].reference = reference.into();
        let vex = openvex("a", "2024-01-01T00:00:00Z", &said(&format!("urn:cdx:1/1#{link}"), "fixed", ""));
        assert_eq!(effect(&npm, "CVE-2024-1", &[vex]), expected, "{link} {reference:?}");
    }
}

#[test]
fn a_link_to_another_version_of_the_sbom_or_to_another_sbom_is_told() {
    let mut npm = inventory(None, &["pkg:npm/x@1"]);
    (npm.identity.serial_number, npm.components[0].reference) = (Some("URN:1".into()), "a".into());
    for (link, told) in [
        ("urn:cdx:urn:1/2#a", Some("it links to the SBOM urn:1/2, this is URN:1/1")),
        ("urn:cdx:2/1#a", Some("it links to the SBOM 2/1, this is URN:1/1")),
        ("urn:cdx:2/1#b", None),
    ] {
        let vex = openvex("a", "2024-01-01T00:00:00Z", &said(link, "fixed", ""));
        let (_, applied) = applied(&npm, &["CVE-2024-1"], &[vex]);
        let unmatched = &applied.documents[0].unmatched;
        assert_eq!(
            unmatched.first().is_some_and(|text| text.contains(told.unwrap_or("links"))),
            told.is_some(),
            "{unmatched:?}"
        );
    }
}

#[test]
fn the_analyses_of_an_sbom_speak_of_its_own_components() {
    let sbom = r#"{"bomFormat":"CycloneDX","specVersion":"1.5","metadata":{"authors":[{"name":"us"}]},
        "components":[{"bom-ref":"a","type":"library","name":"x","purl":"pkg:npm/x@1"}],
        "vulnerabilities":[{"id":"CVE-2024-1","affects":[{"ref":"a"}],"analysis":{"state":"not_affected","justification":"requires_configuration"}},
                           {"id":"CVE-2024-2","affects":[{"ref":"a"}]}]}"#;
    let documents = read_embedded("bom.json", sbom.as_bytes(), &Limits::default()).expect("an SBOM");
    assert_eq!((documents.len(), documents[0].statements.len(), documents[0].problems.len()), (1, 1, 0));
    // CycloneDX has justifications that VEX has no word for: they are told as text.
    let statement = &documents[0].statements[0];
    assert_eq!((statement.justification, statement.impact.as_deref()), (None, Some("requires_configuration")));
    let mut npm = inventory(None, &["pkg:npm/x@1"]);
    assert_eq!(effect(&npm, "CVE-2024-1", &documents), None);
    npm.components[0].reference = "a".into();
    assert_eq!(effect(&npm, "CVE-2024-1", &documents), Some(VexEffect::Suppressed));
    // As a VEX document beside the SBOM it lists the purl of what it speaks of, and says nothing of the second.
    let beside = written("vex.cdx.json", sbom);
    assert_eq!(
        beside.problems[0].to_string(),
        "vulnerabilities[1]: it has no analysis, so it says nothing of the product"
    );
    npm.components[0].reference = "other".into();
    assert_eq!(effect(&npm, "CVE-2024-1", &[beside]), Some(VexEffect::Suppressed));
    // Other SBOMs say nothing of themselves; one in protobuf need not be text.
    assert_eq!(read_embedded("x", b"\x0a\x031.6\x1a\x02\xff\xfe", &Limits::default()), Ok(Vec::new()));
    for other in [r#"{"spdxVersion":"SPDX-2.3"}"#, "<bom/>", r#"{"bomFormat":"CycloneDX"}"#] {
        assert_eq!(read_embedded("x", other.as_bytes(), &Limits::default()), Ok(Vec::new()), "{other}");
    }
}

#[test]
fn an_sbom_does_not_clear_itself_of_what_a_document_beside_it_says() {
    let analysis = r#"{"state":"not_affected","lastUpdated":"2025-01-01T00:00:00Z"}"#;
    let sbom = format!(
        r#"{{"bomFormat":"CycloneDX","serialNumber":"urn:uuid:1","version":9,"metadata":{{"authors":[{{"name":"a"}}]}},
            "vulnerabilities":[{{"id":"CVE-2024-1","affects":[{{"ref":"a"}}],"analysis":{analysis}}}]}}"#
    );
    let own = read_embedded("bom.json", sbom.as_bytes(), &Limits::default()).expect("an SBOM").remove(0);
    let mut npm = inventory(None, &["pkg:npm/x@1"]);
    npm.components[0].reference = "a".into();
    npm.identity.serial_number = Some("urn:uuid:1".into());
    npm.identity.version = Some(9);
    assert_eq!(effect(&npm, "CVE-2024-1", std::slice::from_ref(&own)), Some(VexEffect::Suppressed));
    for (author, product) in [("a", "pkg:npm/x@1"), ("b", "pkg:npm/x@1"), ("b", "pkg:npm/x"), ("a", "urn:cdx:1/9#a")] {
        for status in ["affected", "under_investigation"] {
            let beside = openvex(author, "2024-01-01T00:00:00Z", &said(product, status, ""));
            let effect = effect(&npm, "CVE-2024-1", &[own.clone(), beside]);
            assert_eq!(effect, Some(VexEffect::Contradicted), "{author} {product} {status}");
        }
    }
    // Nor does it withdraw a document by calling itself a later version of it.
    let older = sbom.replace("\"version\":9", "\"version\":1").replace("not_affected", "exploitable");
    let older = written("vex.cdx.json", &older.replace("\"ref\":\"a\"", "\"ref\":\"pkg:npm/x@1\""));
    assert_eq!(effect(&npm, "CVE-2024-1", &[own, older]), Some(VexEffect::Contradicted));
}

#[test]
fn every_state_of_cyclonedx_has_its_status() {
    for (state, status) in [
        ("resolved", VexStatus::Fixed),
        ("resolved_with_pedigree", VexStatus::Fixed),
        ("exploitable", VexStatus::Affected),
        ("in_triage", VexStatus::UnderInvestigation),
        ("false_positive", VexStatus::NotAffected),
        ("not_affected", VexStatus::NotAffected),
    ] {
        let text = format!(
            r#"{{"bomFormat":"CycloneDX","vulnerabilities":[{{"id":"CVE-2024-1","analysis":{{"state":"{state}"}},"affects":[{{"ref":"pkg:npm/x@1"}}]}}]}}"#
        );
        assert_eq!(written("x", &text).statements[0].status, status, "{state}");
    }
}

#[test]
fn affected_and_under_investigation_only_annotate() {
    let npm = inventory(None, &["pkg:npm/x@1"]);
    for (status, more) in [("affected", r#","action_statement":"update""#), ("under_investigation", "")] {
        let vex = openvex("a", "2024-01-01T00:00:00Z", &said("pkg:npm/x", status, more));
        assert_eq!(effect(&npm, "CVE-2024-1", &[vex]), Some(VexEffect::Annotated), "{status}");
    }
}

#[test]
fn not_affected_without_a_reason_is_reported_and_does_not_count() {
    let vex = openvex("a", "2024-01-01T00:00:00Z", &said("pkg:npm/x", "not_affected", ""));
    assert_eq!(vex.statements, Vec::new());
    assert!(
        vex.problems[0].to_string().starts_with("statements[0]: it says not_affected without"),
        "{:?}",
        vex.problems
    );
    let (evaluation, applied) = applied(&inventory(None, &["pkg:npm/x@1"]), &["CVE-2024-1"], &[vex]);
    assert_eq!(evaluation.findings.len(), 1);
    assert!(applied.warnings.iter().any(|warning| warning.contains("1 part of it does not count")), "{applied:?}");
    let csaf = String::from_utf8(fixture("grype/csaf-demo2.json")).expect("UTF-8").replace("\"flags\"", "\"flaws\"");
    let csaf = written("csaf.json", &csaf);
    assert!(csaf.statements.is_empty() && csaf.problems[0].reason.contains("without a flag or an impact"));
}

#[test]
fn authors_who_contradict_each_other_suppress_nothing() {
    let npm = inventory(None, &["pkg:npm/x@1"]);
    let clear = openvex("a", "2024-06-01T00:00:00Z", &said("pkg:npm/x@1", "not_affected", WHY));
    let affected = openvex("b", "2024-01-01T00:00:00Z", &said("pkg:npm/x@1", "affected", ""));
    let (evaluation, applied) = applied(&npm, &["CVE-2024-1"], &[clear.clone(), affected]);
    assert_eq!((evaluation.findings.len(), evaluation.suppressed.len()), (1, 0));
    let decision = evaluation.findings[0].vex.as_ref().expect("a decision");
    assert_eq!((decision.effect, decision.status), (VexEffect::Contradicted, VexStatus::NotAffected));
    assert!(applied.warnings.iter().any(|warning| warning.contains("contradict each other")), "{applied:?}");
    // The same author may change its mind, but not at one instant.
    let later = openvex("a", "2024-07-01T00:00:00Z", &said("pkg:npm/x@1", "affected", ""));
    assert_eq!(effect(&npm, "CVE-2024-1", &[clear.clone(), later]), Some(VexEffect::Annotated));
    let both = [said("pkg:npm/x@1", "affected", ""), said("pkg:npm/x@1", "not_affected", WHY)].join(",");
    let both = openvex("a", "2024-07-01T00:00:00Z", &both);
    assert_eq!(effect(&npm, "CVE-2024-1", &[both]), Some(VexEffect::Contradicted));
}

#[test]
fn a_time_that_nobody_has_stated_replaces_nothing() {
    let npm = inventory(None, &["pkg:npm/x@1"]);
    let affected = openvex("a", "2024-06-01T00:00:00Z", &said("pkg:npm/x@1", "affected", ""));
    let clear = |times: &str, more: &str| {
        let text = format!(
            r#"{{"@context":"https://openvex.dev/ns/v0.2.0","author":"a","version":1,{times},"statements":[{}]}}"#,
            said("pkg:npm/x@1", "not_affected", &format!("{WHY}{more}"))
        );
        written("clear.json", &text)
    };
    let later = r#""timestamp":"2024-07-01T00:00:00Z""#;
    let replaced = effect(&npm, "CVE-2024-1", &[affected.clone(), clear(later, "")]);
    assert_eq!(replaced, Some(VexEffect::Suppressed));
    // That the document was touched later says nothing of the statement: go-vex lets it have the time of the document.
    let touched = clear(r#""timestamp":"2024-05-01T00:00:00Z","last_updated":"2024-07-01T00:00:00Z""#, "");
    assert_eq!(touched.statements[0].timestamp.expect("a time").to_string(), "2024-05-01T00:00:00Z");
    assert_eq!(effect(&npm, "CVE-2024-1", &[affected.clone(), touched]), Some(VexEffect::Annotated));
    for (times, more) in [
        (later, r#","timestamp":"01/05/2024""#),
        (later, r#","timestamp":"2024-07-01T00:00:00Z","last_updated":"soon""#),
        (r#""timestamp":"yesterday","last_updated":"2024-07-01T00:00:00Z""#, ""),
    ] {
        let clear = clear(times, more);
        assert_eq!(clear.statements[0].timestamp, None, "{times} {more}");
        assert!(clear.problems[0].reason.contains("cannot be read"), "{:?}", clear.problems);
        assert_eq!(effect(&npm, "CVE-2024-1", &[affected.clone(), clear]), Some(VexEffect::Contradicted), "{more}");
    }
    let cyclonedx = r#"{"bomFormat":"CycloneDX","metadata":{"timestamp":"2024-07-01T00:00:00Z"},"vulnerabilities":[{"id":"CVE-2024-1",
        "analysis":{"state":"not_affected","lastUpdated":"soon"},"affects":[{"ref":"pkg:npm/x@1"}]}]}"#;
    assert_eq!(written("x", cyclonedx).statements[0].timestamp, None);
    let csaf = String::from_utf8(fixture("grype/csaf-demo2.json")).expect("UTF-8");
    let csaf = written("x", &csaf.replace("\"current_release_date\": \"", "\"current_release_date\": \"x"));
    assert!(csaf.problems[0].place == "document.tracking.current_release_date", "{:?}", csaf.problems);
}

#[test]
fn the_more_specific_statement_decides_unless_its_author_has_warned_of_more_since() {
    let npm = inventory(None, &["pkg:npm/x@1"]);
    let clear = openvex("a", "2024-06-01T00:00:00Z", &said("pkg:npm/x@1", "not_affected", WHY));
    let all = |author, time| openvex(author, time, &said("pkg:npm/x", "affected", ""));
    assert_eq!(
        effect(&npm, "CVE-2024-1", &[clear.clone(), all("b", "2024-07-01T00:00:00Z")]),
        Some(VexEffect::Suppressed)
    );
    assert_eq!(
        effect(&npm, "CVE-2024-1", &[clear.clone(), all("a", "2024-05-01T00:00:00Z")]),
        Some(VexEffect::Suppressed)
    );
    assert_eq!(
        effect(&npm, "CVE-2024-1", &[clear.clone(), all("a", "2024-07-01T00:00:00Z")]),
        Some(VexEffect::Contradicted)
    );
    // And the other way round: affected here, although cleared for all.
    let here = openvex("a", "2024-06-01T00:00:00Z", &said("pkg:npm/x@1", "affected", ""));
    let all = openvex("a", "2024-07-01T00:00:00Z", &said("pkg:npm/x", "not_affected", WHY));
    assert_eq!(effect(&npm, "CVE-2024-1", &[here, all]), Some(VexEffect::Annotated));
}

#[test]
fn a_newer_version_of_a_document_withdraws_the_older() {
    let npm = inventory(None, &["pkg:npm/x@1"]);
    let at = |version: u32, product: &str| {
        let text = format!(
            r#"{{"@context":"https://openvex.dev/ns/v0.2.0","@id":"https://x.example/1","author":"a","version":{version},"statements":[{}]}}"#,
            said(product, "not_affected", WHY)
        );
        written(&format!("{version}.json"), &text)
    };
    assert_eq!(effect(&npm, "CVE-2024-1", &[at(1, "pkg:npm/x@1")]), Some(VexEffect::Suppressed));
    let (evaluation, applied) = applied(&npm, &["CVE-2024-1"], &[at(1, "pkg:npm/x@1"), at(2, "pkg:npm/y@1")]);
    assert_eq!(evaluation.suppressed, Vec::new());
    assert!(applied.warnings[0].contains("version 1 is not applied"), "{applied:?}");
}

#[test]
fn a_draft_of_csaf_neither_counts_nor_withdraws_the_final_version() {
    let go = inventory(None, &["pkg:golang/github.com/aquasecurity/go-transitive@v4.0.0"]);
    let text = String::from_utf8(fixture("trivy/csaf.json")).expect("UTF-8");
    let mut draft: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    draft["document"]["tracking"]["version"] = "99".into();
    let newer = written("final.json", &draft.to_string());
    draft["document"]["tracking"]["status"] = "draft".into();
    let draft = written("draft.json", &draft.to_string());
    let (_, told) = applied(&go, &["CVE-2024-0001"], &[written("a", &text), newer]);
    assert!(told.warnings.iter().any(|warning| warning.contains("is not applied")), "they are versions: {told:?}");
    assert_eq!(effect(&go, "CVE-2024-0001", std::slice::from_ref(&draft)), None);
    assert_eq!(draft.about.version.as_deref(), Some("99 (draft)"));
    let both = [written("a", &text), draft];
    assert_eq!(effect(&go, "CVE-2024-0001", &both), Some(VexEffect::Suppressed));
    let (_, told) = applied(&go, &["CVE-2024-0001"], &both);
    assert!(told.warnings.iter().any(|warning| warning.contains("is a draft")), "{told:?}");
}

#[test]
fn a_statement_is_found_by_any_name_of_the_vulnerability() {
    let npm = inventory(None, &["pkg:npm/x@1"]);
    let vex = openvex("a", "2024-01-01T00:00:00Z", &said("pkg:npm/x@1", "not_affected", WHY));
    let mut finding = finding(&npm, 0, "CVE-2024-9");
    finding.aliases = vec!["GHSA-xxxx-yyyy-zzzz".into(), "cve-2024-1".into()];
    let mut evaluation = Evaluation { findings: vec![finding], ..Evaluation::default() };
    held(&mut evaluation, &npm, &[vex]);
    assert_eq!(evaluation.suppressed.len(), 1);
}

#[test]
fn subcomponents_that_cannot_be_matched_do_not_widen_a_statement() {
    let statement = r#"{"vulnerability":{"name":"CVE-2024-1"},"products":[{"@id":"pkg:oci/alpine","subcomponents":[{"@id":"https://x.example/libssl"}]}],
        "status":"fixed"}"#;
    let vex = openvex("a", "2024-01-01T00:00:00Z", statement);
    assert!(vex.statements.is_empty());
    assert_eq!(vex.problems[0].place, "statements[0].products[0].subcomponents[0]");
    assert_eq!(effect(&inventory(Some(ALPINE), &[LIBCRYPTO]), "CVE-2024-1", &[vex]), None);
}

#[test]
fn a_purl_that_leaves_a_part_empty_is_not_taken_for_one_without_the_part() {
    let deb = inventory(None, &["pkg:deb/debian/x@1?distro=jammy"]);
    for (purl, part) in [
        ("pkg:deb/debian/x@", "its version empty"),
        ("pkg:deb/debian/x@?distro=jammy", "its version empty"),
        ("pkg:deb/debian/x@1?distro=", "its qualifier distro empty"),
        ("pkg:deb/debian/x@1?distro", "its qualifier distro empty"),
        ("pkg:deb/debian/x@1?arch=&distro=jammy", "its qualifier arch empty"),
        ("pkg:deb/debian/x@1#", "its subpath empty"),
    ] {
        let vex = openvex("a", "2024-01-01T00:00:00Z", &said(purl, "not_affected", WHY));
        assert!(vex.statements.is_empty() && vex.problems[0].reason.contains(part), "{purl}: {vex:?}");
        let cyclonedx = format!(
            r#"{{"bomFormat":"CycloneDX","components":[{{"bom-ref":"a","purl":"{purl}"}}],"vulnerabilities":[{{"id":"CVE-2024-1",
                "affects":[{{"ref":"a"}}],"analysis":{{"state":"not_affected"}}}}]}}"#
        );
        let vex = written("x", &cyclonedx);
        assert!(vex.statements.is_empty() && vex.problems[0].reason.contains(part), "{purl}: {vex:?}");
        let mut linked = deb.clone();
        linked.identity.serial_number = Some("urn:uuid:1".into());
        let vex = openvex("a", "2024-01-01T00:00:00Z", &said(&format!("urn:cdx:1/1#{purl}"), "not_affected", WHY));
        assert_eq!(effect(&linked, "CVE-2024-1", &[vex]), None, "{purl}");
    }
    // A scope is no version, and what is not written is not empty.
    let npm = inventory(None, &["pkg:npm/%40a/x@1?k=v"]);
    let vex = openvex("a", "2024-01-01T00:00:00Z", &said("pkg:npm/@a/x?k=v", "not_affected", WHY));
    assert_eq!(effect(&npm, "CVE-2024-1", &[vex]), Some(VexEffect::Suppressed));
}

#[test]
fn a_real_document_of_canonical_is_read_whole() {
    let vex = document("ubuntu/CVE-2023-38545.json");
    assert_eq!((vex.statements.len(), vex.problems.len()), (3, 0));
    let jammy = inventory(None, &["pkg:deb/ubuntu/curl@7.81.0-1ubuntu1.24?arch=source&distro=jammy"]);
    assert_eq!(effect(&jammy, "CVE-2023-38545", std::slice::from_ref(&vex)), Some(VexEffect::Suppressed));
    // Its qualifiers are not those that most SBOM tools write, and it is told that this is why.
    let syft = inventory(None, &["pkg:deb/ubuntu/curl@7.81.0-1ubuntu1.24?arch=source&distro=ubuntu-22.04"]);
    let (_, applied) = applied(&syft, &["CVE-2023-38545"], &[vex]);
    assert!(
        applied.documents[0].unmatched[0].contains("stated for distro=jammy, found is \"ubuntu-22.04\""),
        "{applied:?}"
    );
}

#[test]
fn trivys_own_documents_name_the_vulnerability_by_its_id() {
    let vex = document("trivy/integration-openvex.json");
    assert_eq!(vex.statements[0].vulnerability, "CVE-2022-23628");
    let opa = ["pkg:golang/github.com/open-policy-agent/opa@v0.35.0"];
    let root = inventory(Some("pkg:golang/github.com/testdata/testdata"), &opa);
    assert_eq!(effect(&root, "CVE-2022-23628", &[vex]), Some(VexEffect::Suppressed));
}

#[test]
fn the_older_form_with_plain_texts_is_read_too() {
    let text = r#"{"@context":"https://openvex.dev/ns","author":"a","timestamp":"2023-01-01T00:00:00Z","version":"1",
        "statements":[{"vulnerability":"CVE-2024-1","products":["pkg:oci/alpine"],"subcomponents":["pkg:apk/alpine/libcrypto3"],"status":"fixed"}]}"#;
    assert_eq!(
        effect(&inventory(Some(ALPINE), &[LIBCRYPTO]), "CVE-2024-1", &[written("old", text)]),
        Some(VexEffect::Suppressed)
    );
}

#[test]
fn a_document_in_an_attestation_is_taken_out_and_said_to_be_unverified() {
    let vex = String::from_utf8(fixture("trivy/openvex.json")).expect("UTF-8");
    let statement = format!(
        r#"{{"_type":"https://in-toto.io/Statement/v1","predicateType":"https://openvex.dev/ns/v0.2.0","subject":[],"predicate":{vex}}}"#
    );
    let payload = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &statement);
    let envelope = format!(
        r#"{{"payloadType":"application/vnd.in-toto+json","payload":"{payload}","signatures":[{{"sig":"x"}}]}}"#
    );
    let bundle =
        format!(r#"{{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","dsseEnvelope":{envelope}}}"#);
    let spring = inventory(None, &[SPRING_BOOT]);
    let lines = format!("{}\n{}\n", envelope, r#"{"payloadType":"text/plain","payload":"eA=="}"#);
    for text in [&statement, &envelope, &bundle, &lines] {
        let document = written("vex.att", text);
        let said = document.attestation.clone().expect("a word on the signature");
        assert!(said.contains("not evaluated") || said.contains("not signed"), "{said}");
        let (evaluation, applied) = applied(&spring, &["CVE-2021-44228"], &[document]);
        assert_eq!(evaluation.suppressed.len(), 1);
        assert!(applied.warnings[0].contains("to be trusted no more than the way that it came"), "{applied:?}");
    }
}

#[test]
fn what_lies_beside_a_document_in_its_file_is_counted() {
    let vex = openvex_text(&said("pkg:npm/x@1", "fixed", ""));
    let strange = r#"{"payloadType":"text/plain","payload":"eA=="}"#;
    let read = read("x", format!("{strange}\n{vex}\n{{}}\n{vex}\n[1]\n").as_bytes(), &Limits::default());
    let documents = read.expect("two documents");
    assert_eq!((documents.len(), documents[1].problems.len()), (2, 0));
    let told = documents[0].problems[0].to_string();
    assert!(
        told.starts_with("value 1 of the file: this is no VEX document") && told.ends_with("2 more like it)"),
        "{told}"
    );
}

#[test]
fn a_name_of_a_product_that_is_no_text_is_told() {
    // JSON may hold half of a surrogate pair, which no text is.
    let statement = r#"{"vulnerability":"CVE-2024-1","products":["\ud800","pkg:npm/x@1"],"status":"fixed"}"#;
    let vex = written("x", &openvex_text(statement));
    assert_eq!((vex.statements.len(), vex.problems.len()), (1, 1));
    assert_eq!(vex.problems[0].place, "statements[0].products[0]");
}

#[test]
fn what_is_no_vex_document_is_refused_with_the_reason() {
    assert_eq!(refused(" \n"), VexError::Empty);
    assert!(matches!(refused("{\"statements\":"), VexError::Malformed { line: 1, .. }));
    assert!(matches!(refused("{}"), VexError::Unrecognised { .. }));
    assert!(matches!(refused("[1]"), VexError::Unrecognised { .. }));
    assert!(matches!(
        refused(r#"{"payloadType":"application/vnd.in-toto+json","payload":"!"}"#),
        VexError::Envelope { .. }
    ));
    assert_eq!(read("x", b"\xff", &Limits::default()), Err(VexError::NotUtf8));
    let unknown = read("x", &fixture("trivy/openvex.json"), &Limits { bytes_max: 10, ..Limits::default() });
    assert_eq!(unknown, Err(VexError::Limit { value: 10, what: "bytes in the document" }));
}

#[test]
fn limits_refuse_a_document_whole() {
    let many = vec![said("pkg:npm/x@1", "fixed", ""); 3].join(",");
    let text = format!(r#"{{"@context":"https://openvex.dev/ns/v0.2.0","statements":[{many}]}}"#);
    for limits in [Limits { statements_max: 2, ..Limits::default() }, Limits { targets_max: 2, ..Limits::default() }] {
        assert!(matches!(read("x", text.as_bytes(), &limits), Err(VexError::Limit { value: 2, .. })));
    }
    let two = format!("{text}\n{text}");
    let limits = Limits { documents_max: 1, ..Limits::default() };
    assert!(matches!(read("x", two.as_bytes(), &limits), Err(VexError::Limit { value: 1, .. })));
}

#[test]
fn one_bad_statement_does_not_take_the_others_with_it() {
    let statements = [
        said("pkg:npm/x@1", "fixed", ""),
        r#"{"vulnerability":{"name":"CVE-2024-2"},"products":7,"status":"fixed"}"#.to_owned(),
        said("pkg:npm/x@1", "harmless", ""),
        said("pkg:npm/x@1", "not_affected", r#","justification":"because""#),
        said("CPE x", "fixed", ""),
        r#""text""#.to_owned(),
    ];
    let vex = openvex("a", "2024-01-01T00:00:00Z", &statements.join(","));
    assert_eq!(vex.statements.len(), 1);
    let places: Vec<&str> = vex.problems.iter().map(|problem| problem.place.as_str()).collect();
    assert_eq!(
        places,
        ["statements[1]", "statements[2]", "statements[3]", "statements[4].products[0]", "statements[5]"]
    );
}

#[test]
fn parts_that_cannot_be_used_are_counted_all_and_told_once_for_each_kind() {
    let bad = said("CPE x", "fixed", "");
    let vex = openvex(
        "a",
        "2024-01-01T00:00:00Z",
        &[said("pkg:npm/x@1", "fixed", ""), bad.clone(), bad.clone(), bad].join(","),
    );
    assert_eq!((vex.problems.len(), vex.unusable()), (1, 3));
    let (_, applied) = applied(&inventory(None, &["pkg:npm/x@1"]), &["CVE-2024-1"], &[vex]);
    assert_eq!((applied.documents[0].unusable, applied.documents[0].problems.len()), (3, 1));
    assert!(applied.warnings[0].contains("3 parts of it do not count"), "{applied:?}");
}

#[test]
fn documents_made_to_keep_a_machine_busy_are_refused() {
    let npm = inventory(None, &["pkg:npm/x@1"]);
    let products = vec![r#"{"@id":"pkg:npm/y@1"}"#; 100].join(",");
    let statement = format!(r#"{{"vulnerability":{{"name":"CVE-2024-1"}},"products":[{products}],"status":"fixed"}}"#);
    let vex = openvex("a", "2024-01-01T00:00:00Z", &statement);
    let evaluation = || {
        let findings = vec![finding(&npm, 0, "CVE-2024-1"); 10];
        Evaluation { findings, ..Evaluation::default() }
    };
    let library = Library::of(vec![vex]);
    assert!(apply(&mut evaluation(), &npm, &[&library], 1_000).is_ok());
    let refused = apply(&mut evaluation(), &npm, &[&library], 999);
    assert!(matches!(refused, Err(VexError::Limit { value: 999, .. })), "{refused:?}");
}

#[test]
fn a_hundred_thousand_statements_about_one_finding_are_weighed_at_once() {
    // Each with each these would be ten thousand million comparisons.
    let npm = inventory(None, &["pkg:npm/x@1"]);
    let clear = vec![said("pkg:npm/x@1", "not_affected", WHY); 50_000].join(",");
    let broader = vec![said("pkg:npm/x", "affected", ""); 50_000].join(",");
    let vex = [openvex("a", "2024-02-01T00:00:00Z", &clear), openvex("a", "2024-01-01T00:00:00Z", &broader)];
    assert_eq!(effect(&npm, "CVE-2024-1", &vex), Some(VexEffect::Suppressed));
}

/// Every cut, and every byte of a real document changed in four ways.
#[test]
fn a_damaged_real_document_never_panics_and_loses_no_finding() {
    let mut alpine = inventory(Some(ALPINE), &[LIBCRYPTO, SPRING_BOOT]);
    alpine.identity.serial_number = Some("urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79".into());
    let findings = vec![finding(&alpine, 0, "CVE-2023-1255"), finding(&alpine, 1, "CVE-2021-44228")];
    let limits = Limits { problems_max: 4, ..Limits::default() };
    for name in [
        "trivy/csaf-relationships.json",
        "trivy/cyclonedx.json",
        "trivy/openvex-multiple.json",
        "grype/openvex-demo1.json",
    ] {
        let whole = fixture(name);
        let flips = (0..whole.len()).flat_map(|at| [0x01, 0x20, 0x80, 0x5e].map(|bits| (at, bits)));
        let damaged = flips.map(|(at, bits)| {
            let mut bytes = whole.clone();
            bytes[at] ^= bits;
            bytes
        });
        for bytes in damaged.chain((0..whole.len()).map(|end| whole[..end].to_vec())) {
            let read = [read("x", &bytes, &limits), read_embedded("x", &bytes, &limits)];
            let documents: Vec<Document> = read.into_iter().flatten().flatten().collect();
            assert!(documents.iter().all(|document| document.problems.len() <= 5));
            let mut evaluation = Evaluation { findings: findings.clone(), ..Evaluation::default() };
            held(&mut evaluation, &alpine, &documents);
            assert_eq!(evaluation.findings.len() + evaluation.suppressed.len(), 2, "{name}");
        }
    }
}
