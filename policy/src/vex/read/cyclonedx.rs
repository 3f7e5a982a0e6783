//! CycloneDX: the `analysis` of vulnerabilities, in a document of their own or in the SBOM itself.

use std::collections::{BTreeSet, HashMap};

use domain::purl::Purl;
use domain::vex::{BomElement, Justification, Product, Statement, Target, VexStatus};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::draft::{Draft, Scalar, bom_link, words};
use super::{Header, VexError, excerpt, malformed, without_place};

#[derive(Deserialize)]
struct Root<'a> {
    #[serde(rename = "serialNumber")]
    serial_number: Option<String>,
    version: Option<Scalar>,
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    components: Option<&'a RawValue>,
    #[serde(borrow)]
    vulnerabilities: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize, Default)]
struct Metadata {
    timestamp: Option<String>,
    authors: Option<Vec<Name>>,
    supplier: Option<Name>,
    manufacturer: Option<Name>,
    component: Option<Component>,
}

#[derive(Deserialize)]
struct Name {
    name: Option<String>,
}

#[derive(Deserialize)]
struct Component {
    #[serde(rename = "bom-ref")]
    reference: Option<String>,
    purl: Option<String>,
    components: Option<Vec<Component>>,
}

#[derive(Deserialize)]
struct Vulnerability {
    id: Option<String>,
    references: Option<Vec<Reference>>,
    analysis: Option<Analysis>,
    affects: Option<Vec<Affects>>,
}

#[derive(Deserialize)]
struct Reference {
    id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Analysis {
    state: Option<String>,
    justification: Option<String>,
    response: Option<Vec<String>>,
    detail: Option<String>,
    first_issued: Option<String>,
    last_updated: Option<String>,
}

#[derive(Deserialize)]
struct Affects {
    #[serde(rename = "ref")]
    reference: Option<String>,
}

/// `embedded`: the document is the SBOM that is scanned, so its references need no link.
pub(super) fn read(text: &str, embedded: bool, draft: &mut Draft<'_>) -> Result<Header, VexError> {
    let root: Root<'_> = serde_json::from_str(text).map_err(|error| malformed(&error))?;
    let metadata = root.metadata.map(|raw| serde_json::from_str::<Metadata>(raw.get()));
    let metadata = metadata.transpose().map_err(|error| malformed(&error))?.unwrap_or_default();
    let made = metadata.timestamp.as_deref();
    // An SBOM that says nothing of itself has no document in which to tell of its time.
    let timestamp = if root.vulnerabilities.is_some() { draft.time("metadata.timestamp", made) } else { None };
    draft.inherit(timestamp);
    let elements = if embedded { Elements::Own } else { Elements::Listed(listed(&metadata, root.components)) };
    for (index, raw) in root.vulnerabilities.unwrap_or_default().into_iter().enumerate() {
        let place = format!("vulnerabilities[{index}]");
        match serde_json::from_str::<Vulnerability>(raw.get()) {
            Ok(said) if embedded && said.analysis.is_none() => {}
            Ok(said) => statement(said, place, &elements, draft)?,
            Err(error) => draft.problem(place, without_place(&error)),
        }
    }
    let name = |name: &Name| words(name.name.clone());
    let author = metadata.authors.iter().flatten().find_map(name);
    let author = author.or_else(|| metadata.supplier.as_ref().or(metadata.manufacturer.as_ref()).and_then(name));
    Ok(Header { id: words(root.serial_number), version: root.version.and_then(Scalar::into_text), author, timestamp })
}

/// What references without a link stand for.
enum Elements {
    /// Components of the SBOM that is scanned.
    Own,
    /// Components that the VEX document lists itself, with their purls.
    Listed(HashMap<String, String>),
}

fn listed(metadata: &Metadata, components: Option<&RawValue>) -> HashMap<String, String> {
    // A list that is none lists nothing; the references then say that they cannot be matched.
    let components: Vec<Component> =
        components.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
    let mut purls = HashMap::new();
    let mut todo: Vec<&Component> = metadata.component.iter().chain(&components).collect();
    while let Some(component) = todo.pop() {
        todo.extend(component.components.iter().flatten());
        if let (Some(reference), Some(purl)) = (&component.reference, &component.purl) {
            purls.insert(reference.clone(), purl.clone());
        }
    }
    purls
}

fn statement(said: Vulnerability, place: String, elements: &Elements, draft: &mut Draft<'_>) -> Result<(), VexError> {
    let Some(vulnerability) = words(said.id) else {
        draft.problem(place, "it names no vulnerability");
        return Ok(());
    };
    let Some(analysis) = said.analysis else {
        draft.problem(place, "it has no analysis, so it says nothing of the product");
        return Ok(());
    };
    let state = analysis.state.as_deref().unwrap_or_default();
    let Some(status) = status(state) else {
        draft.problem(place, format!("the state {:?} is none of CycloneDX", excerpt(state)));
        return Ok(());
    };
    let (justification, reason) = justification(state, analysis.justification.as_deref());
    let detail = words(analysis.detail);
    let (impact, action) = if status.clears() {
        (detail.or(reason), None)
    } else {
        let response = analysis.response.unwrap_or_default().join(", ");
        (None, detail.or_else(|| words(Some(response))))
    };
    let affects = said.affects.unwrap_or_default();
    if affects.is_empty() {
        draft.problem(&place, "it names nothing that it affects");
    }
    let mut targets = Vec::new();
    for (index, affected) in affects.iter().enumerate() {
        let place = format!("{place}.affects[{index}]");
        let reference = affected.reference.as_deref().unwrap_or_default();
        targets.extend(target(reference, &place, elements, draft));
    }
    let aliases: BTreeSet<String> =
        said.references.into_iter().flatten().filter_map(|reference| words(reference.id)).collect();
    let timestamp = draft.stated(&place, [analysis.last_updated.as_deref(), analysis.first_issued.as_deref()]);
    draft.push(Statement { vulnerability, aliases, targets, status, justification, impact, action, timestamp, place })
}

fn status(state: &str) -> Option<VexStatus> {
    match state {
        "resolved" | "resolved_with_pedigree" => Some(VexStatus::Fixed),
        "exploitable" => Some(VexStatus::Affected),
        "in_triage" => Some(VexStatus::UnderInvestigation),
        "false_positive" | "not_affected" => Some(VexStatus::NotAffected),
        _ => None,
    }
}

/// The justification where there is one of the same meaning, else CycloneDX's own word as text.
fn justification(state: &str, text: Option<&str>) -> (Option<Justification>, Option<String>) {
    let said = match text {
        Some("code_not_present") => Some(Justification::VulnerableCodeNotPresent),
        Some("code_not_reachable") => Some(Justification::VulnerableCodeNotInExecutePath),
        Some(
            "protected_by_compiler"
            | "protected_at_runtime"
            | "protected_at_perimeter"
            | "protected_by_mitigating_control",
        ) => Some(Justification::InlineMitigationsAlreadyExist),
        _ => None,
    };
    let word = text.filter(|text| !text.is_empty()).or(Some(state).filter(|state| *state == "false_positive"));
    (said, word.map(excerpt))
}

fn target(reference: &str, place: &str, elements: &Elements, draft: &mut Draft<'_>) -> Option<Target> {
    let product = match (bom_link(reference), elements) {
        (Some(link), _) => Some(Product::Element(link)),
        (None, Elements::Own) if !reference.is_empty() => {
            Some(Product::Element(BomElement { bom: None, reference: reference.to_owned() }))
        }
        (None, Elements::Listed(purls)) => {
            let purl = purls.get(reference).map_or(reference, String::as_str);
            if Purl::parse(purl).is_ok() { Some(draft.product(place, purl)?) } else { None }
        }
        (None, Elements::Own) => None,
    };
    if product.is_none() {
        let reference = excerpt(reference);
        let reason = "is neither a link to an SBOM (urn:cdx:…), nor a component with a purl in this document";
        draft.problem(place, format!("{reference:?} {reason}"));
    }
    product.map(|product| Target { product, subcomponent: None })
}
