//! CycloneDX 1.6 JSON out: the inventory and what was found in it.
//!
//! Invariant: the bytes follow from the arguments alone, every `bom-ref` is unique, and reading them
//! back gives the same components. 1.6 and not 1.7, because the consumers around us (Harbor,
//! Dependency-Track, GitLab) read up to 1.6.

mod document;
mod references;
mod vulnerabilities;

use domain::component::{Component, ComponentKind, Distribution, Inventory};
use domain::finding::Finding;
use domain::time::Timestamp;

use document::{Document, Evidence, Metadata, Occurrence, OutputComponent, Property, Tools};
use references::References;

/// What the caller knows and this room must not find out by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputContext<'a> {
    /// `urn:uuid:…`, unique for this document.
    pub serial_number: String,
    pub timestamp: Timestamp,
    pub tool_version: &'a str,
}

/// The inventory with its findings as `vulnerabilities`.
pub fn write_cyclonedx(inventory: &Inventory, findings: &[Finding], context: &OutputContext<'_>) -> Vec<u8> {
    let references = References::assign(&inventory.components);
    let mut components: Vec<OutputComponent<'_>> = inventory
        .components
        .iter()
        .zip(references.all())
        .map(|(component, reference)| output_component(component, reference, inventory.distribution.as_ref()))
        .collect();
    components.extend(operating_system(inventory, &references));
    let document = Document {
        schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
        bom_format: "CycloneDX",
        spec_version: "1.6",
        serial_number: &context.serial_number,
        version: 1,
        metadata: metadata(inventory, &references, context),
        components,
        vulnerabilities: vulnerabilities::group(inventory, findings, &references),
    };
    serde_json::to_vec(&document).expect("strings and finite numbers are always written")
}

fn metadata<'a>(inventory: &'a Inventory, references: &References, context: &'a OutputContext<'_>) -> Metadata<'a> {
    let stella = OutputComponent::new("application", "stella").versioned(context.tool_version);
    let subject = inventory.subject.as_deref().map(|name| {
        let image = inventory.components.iter().any(|each| each.kind == ComponentKind::Container && each.name == name);
        let mut subject = OutputComponent::new(if image { "container" } else { "application" }, name);
        subject.bom_ref = Some(references.unused("stella:subject"));
        subject
    });
    Metadata { timestamp: context.timestamp, tools: Tools { components: [stella] }, component: subject }
}

fn output_component<'a>(
    component: &'a Component,
    reference: &str,
    distribution: Option<&'a Distribution>,
) -> OutputComponent<'a> {
    let occurrences: Vec<Occurrence<'_>> = component.locations.iter().map(|location| Occurrence { location }).collect();
    let purl = component.purl.as_ref().map(ToString::to_string).or_else(|| component.invalid_purl.clone());
    OutputComponent {
        kind: kind(component.kind),
        bom_ref: Some(reference.to_owned()),
        name: &component.name,
        version: component.version.as_deref(),
        cpe: component.cpes.first().map(String::as_str),
        purl,
        evidence: (!occurrences.is_empty()).then_some(Evidence { occurrences }),
        properties: properties(component, distribution),
    }
}

/// Facts without a field of their own, under the names that other scanners read too.
fn properties<'a>(component: &'a Component, distribution: Option<&'a Distribution>) -> Vec<Property<'a>> {
    // The name of a system is for people, and may be another than the one that was decided on.
    let distribution = distribution.filter(|_| component.kind == ComponentKind::OperatingSystem);
    let source = component.source_package.as_ref();
    let named = [
        ("aquasecurity:trivy:SrcName", source.map(|source| source.name.as_str())),
        ("aquasecurity:trivy:SrcVersion", source.and_then(|source| source.version.as_deref())),
        ("aquasecurity:trivy:Modularitylabel", component.module.as_deref()),
        ("syft:distro:id", distribution.map(|distribution| distribution.id.as_str())),
        ("syft:distro:versionID", distribution.and_then(|distribution| distribution.version.as_deref())),
    ];
    let named = named.into_iter().filter_map(|(name, value)| Some(Property { name, value: value? }));
    let cpes = component.cpes.iter().skip(1).map(|value| Property { name: "syft:cpe23", value });
    named.chain(cpes).collect()
}

const fn kind(kind: ComponentKind) -> &'static str {
    match kind {
        ComponentKind::Package => "library",
        ComponentKind::OperatingSystem => "operating-system",
        ComponentKind::File => "file",
        ComponentKind::Container => "container",
        ComponentKind::Other => "data",
    }
}

/// The distribution as a component, when only properties of the source document named it.
fn operating_system<'a>(inventory: &'a Inventory, references: &References) -> Option<OutputComponent<'a>> {
    let distribution = inventory.distribution.as_ref()?;
    if inventory.components.iter().any(|component| component.kind == ComponentKind::OperatingSystem) {
        return None;
    }
    let mut system = OutputComponent::new("operating-system", &distribution.id);
    system.version = distribution.version.as_deref();
    system.bom_ref = Some(references.unused("stella:operating-system"));
    Some(system)
}

#[cfg(test)]
mod tests;
