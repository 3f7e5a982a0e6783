//! CycloneDX as VEX: the vulnerabilities with an analysis each, and links to the SBOM that they are about.
//!
//! Without a serial number nothing can link to an SBOM; the document then lists the components itself.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write as _;

use domain::component::Inventory;
use domain::finding::Finding;
use domain::vex::VexStatus;

use super::document::{Analysis, Document, Vulnerability};
use super::references::References;
use super::{OutputContext, metadata, output_component, vulnerabilities};

/// A VEX document about the findings.
pub fn write_vex(inventory: &Inventory, findings: &[Finding], context: &OutputContext<'_>) -> Vec<u8> {
    let references = References::assign(&inventory.components);
    let of = |finding: &Finding| references.of(finding, &inventory.components);
    let unique = findings.iter().all(|finding| !finding.reference.is_empty() && of(finding) == finding.reference);
    let link = inventory.identity.serial_number.as_deref().and_then(|serial| serial.strip_prefix("urn:uuid:"));
    let link = link.filter(|_| unique).map(|serial| {
        let version = inventory.identity.version.unwrap_or(1);
        format!("urn:cdx:{serial}/{version}#")
    });
    let refer = |finding: &Finding| match &link {
        Some(link) => format!("{link}{}", fragment(&finding.reference)),
        None => of(finding),
    };
    let findings =
        if link.is_some() { Cow::Borrowed(findings) } else { Cow::Owned(findings.iter().map(unbound).collect()) };
    let concerned: BTreeSet<usize> = findings.iter().map(|finding| finding.component).collect();
    let components = || {
        let all = inventory.components.iter().zip(references.all()).enumerate();
        let concerned = all.filter(|(index, _)| concerned.contains(index));
        concerned.map(|(_, (each, reference))| output_component(each, reference, None)).collect()
    };
    let document = Document {
        schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
        bom_format: "CycloneDX",
        spec_version: "1.6",
        serial_number: &context.serial_number,
        version: 1,
        metadata: metadata(inventory, &references, context),
        components: link.is_none().then(components),
        vulnerabilities: vulnerabilities::group(&findings, &refer).into_iter().map(analysed).collect(),
    };
    serde_json::to_vec(&document).expect("strings and finite numbers are always written")
}

/// A finding as it is told of the component alone: what is cleared in this SBOM only must not be cleared everywhere.
fn unbound(finding: &Finding) -> Finding {
    let mut finding = finding.clone();
    if let Some((decision, detail)) = finding.vex.as_mut().and_then(|it| it.unbound().map(|detail| (it, detail))) {
        (decision.status, decision.justification) = (VexStatus::UnderInvestigation, None);
        decision.impact = Some(detail);
    }
    finding
}

/// Without a statement of VEX the advisories speak: the component is of a version that they call affected.
fn analysed(mut vulnerability: Vulnerability<'_>) -> Vulnerability<'_> {
    let given = vulnerability.analysis.take();
    let update = vulnerability.recommendation.is_some().then_some(["update"]);
    let analysis = given.unwrap_or(Analysis { state: None, justification: None, response: update, detail: None });
    let state = analysis.state.or(Some("exploitable"));
    vulnerability.analysis = Some(Analysis { state, ..analysis });
    vulnerability
}

/// A `bom-ref` as the fragment of a URI. The plus sign is escaped too, because some readers take it for a space.
fn fragment(reference: &str) -> String {
    let mut fragment = String::with_capacity(reference.len());
    for byte in reference.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => fragment.push(char::from(byte)),
            b'-' | b'.' | b'_' | b'~' | b'/' | b'?' | b':' | b'@' | b'&' | b'=' | b'!' | b'$' | b'\'' | b'(' | b')'
            | b'*' | b',' | b';' => fragment.push(char::from(byte)),
            _ => write!(fragment, "%{byte:02X}").expect("a string takes all"),
        }
    }
    fragment
}
