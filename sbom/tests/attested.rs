//! SBOMs inside of attestations are read, and never look as if somebody had verified them.

#![expect(clippy::disallowed_methods, reason = "tests read their documents from disk")]

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use domain::component::Inventory;
use sbom::{Limits, SbomError, read};

fn fixture(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/data/sboms").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn opened(text: &str) -> Inventory {
    read(text.as_bytes(), &Limits::default()).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(text: &str) -> String {
    match read(text.as_bytes(), &Limits::default()) {
        Err(SbomError::Attestation { reason }) => reason,
        other => panic!("{other:?}"),
    }
}

fn statement(predicate_type: &str, predicate: &str) -> String {
    format!(
        r#"{{"_type":"https://in-toto.io/Statement/v1","subject":[{{"name":"app","digest":{{"sha256":"ab"}}}}],"predicateType":"{predicate_type}","predicate":{predicate}}}"#
    )
}

fn envelope(payload: &str, signatures: &str) -> String {
    format!(
        r#"{{"payloadType":"application/vnd.in-toto+json","payload":"{}","signatures":[{signatures}]}}"#,
        STANDARD.encode(payload)
    )
}

const CYCLONEDX: &str = "https://cyclonedx.org/bom";
const BOM: &str = r#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"name":"a","purl":"pkg:npm/a@1"}]}"#;

#[test]
fn real_attestations_of_cyclonedx_and_syft_are_opened() {
    let centos = opened(&fixture("attested/trivy-centos-7.intoto.jsonl"));
    assert_eq!((centos.format.as_str(), centos.spec_version.as_str()), ("CycloneDX", "1.4"));
    assert_eq!(centos.distribution.expect("stated").version.as_deref(), Some("7.6.1810"));
    assert_eq!(
        centos.warnings[0],
        "the SBOM is the predicate https://cyclonedx.org/bom of an in-toto attestation about \
         index.docker.io/library/centos@sha256:be65f488b7764ad3638f236b7b515b3678369a5124c47b8d32916d6487418ea4: its signature \
         was not evaluated, so it is to be trusted no more than the way that it came"
    );
    let in_data = opened(&fixture("attested/cosign-data.intoto.jsonl"));
    assert_eq!(in_data.distribution.expect("stated").version.as_deref(), Some("3.16.0"));
    assert!(in_data.components.iter().any(|each| each.name == "musl"));
    let syft = opened(&fixture("attested/syft-alpine.att.json"));
    assert_eq!((syft.format.as_str(), syft.components.len()), ("Syft", SYFT_ARTIFACTS));
}

/// Counted with Python's json.
const SYFT_ARTIFACTS: usize = 14;

#[test]
fn every_way_of_wrapping_gives_the_same_components_and_a_warning_of_its_own() {
    let plain = opened(BOM).components;
    let statement = statement(CYCLONEDX, BOM);
    let signed = envelope(&statement, r#"{"sig":"MEUC"}"#);
    let bundle = format!(r#"{{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","dsseEnvelope":{signed}}}"#);
    let url_safe = signed.replace(&STANDARD.encode(&statement), &URL_SAFE_NO_PAD.encode(&statement));
    for (wrapped, said) in [
        (statement.clone(), "it is not signed"),
        (envelope(&statement, ""), "it is not signed"),
        (signed.clone(), "its signature was not evaluated"),
        (url_safe, "its signature was not evaluated"),
        (bundle, "its signature was not evaluated"),
        (envelope(&statement, "{},{}"), "its 2 signatures were not evaluated"),
    ] {
        let inventory = opened(&wrapped);
        assert_eq!(inventory.components, plain, "{wrapped}");
        assert!(inventory.warnings[0].contains(said), "{wrapped}: {:?}", inventory.warnings);
        assert!(inventory.warnings[0].contains("about app@sha256:ab"), "{:?}", inventory.warnings);
        assert_eq!(inventory.subject.as_deref(), Some("app@sha256:ab"), "because the SBOM names none");
    }
}

#[test]
fn a_predicate_that_is_a_text_holds_the_document() {
    let spdx = r#""SPDXVersion: SPDX-2.3\nPackageName: a\n""#;
    for predicate in [spdx.to_owned(), format!(r#"{{"Timestamp":"now","Data":{spdx}}}"#)] {
        let inventory = opened(&statement("https://spdx.dev/Document/v2.3", &predicate));
        assert_eq!((inventory.format.as_str(), inventory.components.len()), ("SPDX", 1));
    }
}

#[test]
fn lines_of_other_attestations_are_left_out_and_named() {
    let provenance = envelope(&statement("https://slsa.dev/provenance/v1", "{}"), "");
    let sbom = envelope(&statement(CYCLONEDX, BOM), "{}");
    let lines = format!("{provenance}\n{sbom}\n{{\"not\":\"known\"}}\n{sbom}\n");
    let inventory = opened(&lines);
    assert_eq!(inventory.components.len(), 1, "the same SBOM twice is one");
    assert_eq!(
        inventory.warnings[1],
        "the file has other attestations, which were left out: a document of another kind, https://slsa.dev/provenance/v1"
    );
    assert_eq!(refused(&provenance), "it holds no SBOM, but https://slsa.dev/provenance/v1");
    let other = envelope(&statement(CYCLONEDX, &BOM.replace("a@1", "a@2")), "{}");
    assert_eq!(refused(&format!("{sbom}\n{other}")), "it holds 2 different SBOMs: pass them one by one");
    assert!(refused(&format!("{sbom}\n").repeat(1_001)).contains("more than 1000 lines"));
    let cut = read(format!("{sbom}\n{{\"payload").as_bytes(), &Limits::default());
    assert!(matches!(cut, Err(SbomError::Malformed { line: 2, .. })), "{cut:?}");
}

#[test]
fn a_predicate_of_another_format_than_promised_is_read_with_a_warning() {
    let inventory = opened(&statement("https://spdx.dev/Document", BOM));
    assert_eq!(inventory.warnings[1], "the predicate type https://spdx.dev/Document promises SPDX");
}

#[test]
fn what_cannot_be_opened_is_refused_with_its_reason() {
    let twice = envelope(&envelope(&statement(CYCLONEDX, BOM), ""), "");
    let nested = statement(CYCLONEDX, &statement(CYCLONEDX, BOM));
    for (text, reason) in [
        (twice, "its payload is another attestation, not a statement"),
        (nested, "its predicate is an attestation again"),
        (envelope(BOM, ""), "its payload is no in-toto statement"),
        (envelope("{\n \"a\"", ""), "its payload: malformed JSON at line 2 column 4: EOF while parsing an object"),
        (
            statement(CYCLONEDX, r#"{"bomFormat":"CycloneDX","specVersion":"2.0"}"#),
            "its SBOM: CycloneDX version \"2.0\" is not read: this program reads CycloneDX 1.2 to 1.7",
        ),
        (r#"{"payloadType":"text/plain","payload":"YQ=="}"#.to_owned(), "it holds no SBOM, but a payload text/plain"),
        (
            r#"{"payloadType":"application/vnd.in-toto+json","payload":"?"}"#.to_owned(),
            "its payload is not base64: Invalid symbol 63, offset 0.",
        ),
        (r#"{"payloadType":"application/vnd.in-toto+json","payload":"/w=="}"#.to_owned(), "its payload is not UTF-8"),
        (
            r#"{"payloadType":"application/vnd.in-toto+json","payload":7}"#.to_owned(),
            "its payload is empty or no string",
        ),
        (
            r#"{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","messageSignature":{}}"#.to_owned(),
            "it holds no SBOM, but a signature of a file that is not in it: pass that file",
        ),
        (
            r#"{"_type":"https://in-toto.io/Statement/v1","predicateType":"https://cyclonedx.org/bom"}"#.to_owned(),
            "its statement has no predicate",
        ),
    ] {
        assert_eq!(refused(&text), reason, "{text}");
    }
}

#[test]
fn a_document_that_says_that_it_is_an_sbom_is_one_whatever_fields_it_has() {
    let odd = BOM.replacen('{', r#"{"payload":"YQ==","_type":"x","#, 1);
    assert_eq!(opened(&odd).components.len(), 1);
    assert!(opened(&odd).warnings.is_empty());
}
