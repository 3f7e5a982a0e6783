//! SBOMs.

use domain::component::Inventory;
use domain::time::Timestamp;
use sbom::Limits;
use sbom::cyclonedx::{OutputContext, write_cyclonedx};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::target::fixtures;

pub(crate) const JSON_WORDS: &[&str] = &[
    "\"bomFormat\":\"CycloneDX\"",
    "\"specVersion\":\"1.6\"",
    "\"components\":[",
    "\"purl\":\"pkg:",
    "\"bom-ref\":",
    "\"type\":\"library\"",
    "\"operating-system\"",
    "\"properties\":[",
    "\"name\":",
    "\"value\":",
    "\"cpe\":",
    "\"spdxVersion\":\"SPDX-2.3\"",
    "\"packages\":[",
    "\"SPDXID\":",
    "\"externalRefs\":[",
    "\"referenceLocator\":",
    "aquasecurity:trivy:SrcName",
    "syft:cpe23",
    "\\ud800",
    "1e999",
    "\"metadata\":{\"component\":{",
];
pub(crate) const XML_WORDS: &[&str] = &[
    "<bom xmlns=\"http://cyclonedx.org/schema/bom/1.6\">",
    "<components>",
    "<component type=\"library\">",
    "<name>",
    "<version>",
    "<purl>pkg:",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "&amp;",
    "&#x41;",
    "<!DOCTYPE",
    "<!ENTITY",
    "<?xml",
    "<property name=\"",
    "</component>",
    "xmlns:x=\"",
    "<cpe>",
    "bom-ref=\"",
    "<metadata>",
];
pub(crate) const TAG_WORDS: &[&str] = &[
    "SPDXVersion: SPDX-2.3\n",
    "PackageName: ",
    "SPDXID: SPDXRef-",
    "PackageVersion: ",
    "<text>",
    "</text>",
    "ExternalRef: PACKAGE-MANAGER purl pkg:",
    "ExternalRef: SECURITY cpe23Type ",
    "Relationship: ",
    " DESCRIBES ",
    "PrimaryPackagePurpose: OPERATING-SYSTEM\n",
    "Creator: Tool: ",
    "FileName: ",
    "SnippetSPDXID: ",
];

pub(crate) const SYFT_WORDS: &[&str] = &[
    "\"artifacts\":[",
    "\"schema\":{\"version\":\"16.0.18\"}",
    "\"distro\":{\"id\":\"debian\",\"versionID\":\"12\"}",
    "\"source\":{\"target\":{\"userInput\":",
    "\"descriptor\":{\"name\":\"syft\"}",
    "\"metadata\":{\"source\":",
    "\"cpes\":[{\"cpe\":",
    "\"locations\":[{\"path\":",
    "\"purl\":\"pkg:deb/debian/a@1?distro=debian-12\"",
];
pub(crate) const SPDX3_WORDS: &[&str] = &[
    "\"@context\":\"https://spdx.org/rdf/3.0.1/spdx-context.jsonld\"",
    "\"@graph\":[",
    "\"type\":\"software_Package\"",
    "\"type\":\"SpdxDocument\"",
    "\"type\":\"CreationInfo\"",
    "\"spdxId\":",
    "\"rootElement\":[",
    "\"element\":[{",
    "\"software_primaryPurpose\":\"operatingSystem\"",
    "\"externalIdentifier\":[{\"externalIdentifierType\":\"packageUrl\",\"identifier\":",
    "\"relationshipType\":\"describes\"",
];
pub(crate) const ATTESTED_WORDS: &[&str] = &[
    "\"_type\":\"https://in-toto.io/Statement/v1\"",
    "\"predicateType\":\"https://cyclonedx.org/bom\"",
    "\"predicateType\":\"https://spdx.dev/Document\"",
    "\"predicate\":",
    "\"Data\":",
    "\"payloadType\":\"application/vnd.in-toto+json\"",
    "\"payload\":\"",
    "\"signatures\":[{}]",
    "\"dsseEnvelope\":{",
    "\"subject\":[{\"name\":\"a\",\"digest\":{\"sha256\":",
    "SPDXVersion: SPDX-2.3\\nPackageName: a",
];
/// Beginnings of fields of `Bom`, `Metadata` and `Component`.
pub(crate) const PROTOBUF_WORDS: &[&str] =
    &["\n\u{3}1.6", "\"", "*", "B", "J", "z", "\u{12}", "\u{8}\u{4}", "syft:distro:id", "pkg:npm/a@1"];

/// Nothing passes its limit, every purl is canonical, and what is written is read back alike.
pub(crate) fn sbom(data: &[u8]) {
    let limits =
        Limits { bytes_max: 16 << 10, depth_max: 32, components_max: 64, string_bytes_max: 2 << 10, warnings_max: 8 };
    let Ok(inventory) = sbom::read(data, &limits) else { return };
    check_limits(data, &inventory, &limits);
    let context =
        OutputContext { serial_number: "urn:uuid:0".to_owned(), timestamp: Timestamp::UNIX_EPOCH, tool_version: "0" };
    let written = write_cyclonedx(&inventory, &[], &context);
    let again = sbom::read(&written, &Limits::default()).expect("what is written can be read");
    assert!(again.components.len() >= inventory.components.len());
    for (one, other) in inventory.components.iter().zip(&again.components) {
        assert_eq!((&one.name, &one.version, one.kind), (&other.name, &other.version, other.kind));
        assert_eq!((&one.purl, &one.invalid_purl), (&other.purl, &other.invalid_purl));
    }
    assert_eq!(again.distribution, inventory.distribution);
}

/// The input as it is, and as the payload of an envelope.
pub(crate) fn attested(data: &[u8]) {
    sbom(data);
    let payload = BASE64.encode(data);
    sbom(
        format!(r#"{{"payloadType":"application/vnd.in-toto+json","payload":"{payload}","signatures":[{{}}]}}"#)
            .as_bytes(),
    );
}

/// A real envelope, and statements with each sort of predicate.
pub(crate) fn attested_seeds() -> Vec<Vec<u8>> {
    let statement = |predicate_type: &str, predicate: &str| {
        let subject = r#"[{"name":"a","digest":{"sha256":"ab"}}]"#;
        format!(r#"{{"_type":"s","subject":{subject},"predicateType":"{predicate_type}","predicate":{predicate}}}"#)
    };
    let bom = r#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"name":"a","purl":"pkg:npm/a@1"}]}"#;
    let statements = [
        statement("https://cyclonedx.org/bom", bom),
        statement("https://cyclonedx.org/bom", &format!(r#"{{"Data":{bom}}}"#)),
        statement("https://spdx.dev/Document", r#""SPDXVersion: SPDX-2.3\nPackageName: a""#),
    ];
    let mut seeds = fixtures("sboms/attested", &[".jsonl"], 8 << 10);
    seeds.extend(statements.into_iter().map(String::into_bytes));
    seeds
}

fn check_limits(data: &[u8], inventory: &Inventory, limits: &Limits) {
    assert!(inventory.components.len() <= limits.components_max);
    // That others are not listed; and three about an attestation.
    let says = |word: &str| data.windows(word.len()).any(|window| window == word.as_bytes());
    let more = if says("payloadType") || says("predicateType") { 4 } else { 1 };
    assert!(inventory.warnings.len() <= limits.warnings_max + more, "{:?}", inventory.warnings);
    for component in &inventory.components {
        let texts = [Some(&component.name), component.version.as_ref(), component.invalid_purl.as_ref()];
        assert!(texts.into_iter().flatten().all(|text| text.len() <= limits.string_bytes_max));
        assert!(component.purl.is_none() || component.invalid_purl.is_none());
        if let Some(purl) = &component.purl {
            assert_eq!(purl.clone().canonical().as_ref(), Ok(purl));
        }
    }
}

/// Documents in this syntax: the short real ones and the ones that must be refused.
pub(crate) fn seeds(ending: &str) -> Vec<Vec<u8>> {
    let folders = match ending {
        ".xml" => ["cyclonedx", "sad"].as_slice(),
        ".spdx" => &["spdx", "sad"],
        _ => &["cyclonedx", "spdx", "sad"],
    };
    folders.iter().flat_map(|folder| fixtures(&format!("sboms/{folder}"), &[ending], 8 << 10)).collect()
}
