//! SBOMs.

use domain::component::{ComponentKind, Inventory};
use domain::time::Timestamp;
use sbom::Limits;
use sbom::cyclonedx::{OutputContext, write_cyclonedx};

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

/// Nothing passes its limit, every purl is canonical, and what is written is read back alike.
pub(crate) fn sbom(data: &[u8]) {
    let limits =
        Limits { bytes_max: 16 << 10, depth_max: 32, components_max: 64, string_bytes_max: 2 << 10, warnings_max: 8 };
    let Ok(inventory) = sbom::read(data, &limits) else { return };
    check_limits(&inventory, &limits);
    let context =
        OutputContext { serial_number: "urn:uuid:0".to_owned(), timestamp: Timestamp::UNIX_EPOCH, tool_version: "0" };
    let written = write_cyclonedx(&inventory, &[], &context);
    let again = sbom::read(&written, &Limits::default()).expect("what is written can be read");
    assert!(again.components.len() >= inventory.components.len());
    for (one, other) in inventory.components.iter().zip(&again.components) {
        assert_eq!((&one.name, &one.version, one.kind), (&other.name, &other.version, other.kind));
        assert_eq!((&one.purl, &one.invalid_purl), (&other.purl, &other.invalid_purl));
    }
    // A distribution that the document names beside its components may differ from theirs.
    let stated = inventory.components.iter().any(|each| each.kind == ComponentKind::OperatingSystem);
    if !stated || !data.windows(9).any(|window| window == b"distro:id") {
        assert_eq!(again.distribution, inventory.distribution);
    }
}

fn check_limits(inventory: &Inventory, limits: &Limits) {
    assert!(inventory.components.len() <= limits.components_max);
    assert!(inventory.warnings.len() <= limits.warnings_max + 2, "{:?}", inventory.warnings);
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
