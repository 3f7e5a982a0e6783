//! VEX: what somebody says about a vulnerability in a product, and what came of it for a finding.
//!
//! One vocabulary for OpenVEX, CSAF and CycloneDX. A statement is kept as its author made it, with all the
//! products that it names; which of them is the component of a finding is decided where it is applied
//! (`policy::vex`).

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::purl::Purl;
use crate::time::Timestamp;

/// The four statuses of VEX.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VexStatus {
    NotAffected,
    Affected,
    Fixed,
    UnderInvestigation,
}

impl VexStatus {
    pub const ALL: [Self; 4] = [Self::NotAffected, Self::Affected, Self::Fixed, Self::UnderInvestigation];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotAffected => "not_affected",
            Self::Affected => "affected",
            Self::Fixed => "fixed",
            Self::UnderInvestigation => "under_investigation",
        }
    }

    /// Does it say that the vulnerability does no harm here?
    pub const fn clears(self) -> bool {
        match self {
            Self::NotAffected | Self::Fixed => true,
            Self::Affected | Self::UnderInvestigation => false,
        }
    }
}

impl fmt::Display for VexStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why a product is not affected: the five reasons of the VEX minimum requirements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Justification {
    ComponentNotPresent,
    VulnerableCodeNotPresent,
    VulnerableCodeNotInExecutePath,
    VulnerableCodeCannotBeControlledByAdversary,
    InlineMitigationsAlreadyExist,
}

impl Justification {
    pub const ALL: [Self; 5] = [
        Self::ComponentNotPresent,
        Self::VulnerableCodeNotPresent,
        Self::VulnerableCodeNotInExecutePath,
        Self::VulnerableCodeCannotBeControlledByAdversary,
        Self::InlineMitigationsAlreadyExist,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ComponentNotPresent => "component_not_present",
            Self::VulnerableCodeNotPresent => "vulnerable_code_not_present",
            Self::VulnerableCodeNotInExecutePath => "vulnerable_code_not_in_execute_path",
            Self::VulnerableCodeCannotBeControlledByAdversary => "vulnerable_code_cannot_be_controlled_by_adversary",
            Self::InlineMitigationsAlreadyExist => "inline_mitigations_already_exist",
        }
    }
}

impl fmt::Display for Justification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a statement is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Product {
    /// Every package that the purl covers: without a version all versions.
    Purl(Purl),
    /// One element of one SBOM, as CycloneDX links to it.
    Element(BomElement),
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Purl(purl) => purl.fmt(f),
            Self::Element(element) => element.fmt(f),
        }
    }
}

/// A `bom-ref`, and the document that it is in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BomElement {
    /// None for an element of the very document that the statement stands in.
    pub bom: Option<BomId>,
    pub reference: String,
}

impl fmt::Display for BomElement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.bom {
            Some(bom) => write!(f, "urn:cdx:{}/{}#{}", bom.serial, bom.version, self.reference),
            None => f.write_str(&self.reference),
        }
    }
}

/// What CycloneDX tells documents apart by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BomId {
    /// The UUID of the serial number, lower case, without `urn:uuid:`.
    pub serial: String,
    pub version: u64,
}

/// A product, or a component inside of a product.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    pub product: Product,
    /// The component that has the vulnerability; the statement then holds for it in this product only.
    pub subcomponent: Option<Product>,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.subcomponent {
            Some(subcomponent) => write!(f, "{subcomponent} in {}", self.product),
            None => self.product.fmt(f),
        }
    }
}

/// One status, said by one author about one vulnerability in some products.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    pub vulnerability: String,
    pub aliases: BTreeSet<String>,
    pub targets: Vec<Target>,
    pub status: VexStatus,
    pub justification: Option<Justification>,
    /// Why it does no harm, in words.
    pub impact: Option<String>,
    /// What to do about it, in words.
    pub action: Option<String>,
    /// When it was known to be true: the statement's own time, else the document's.
    pub timestamp: Option<Timestamp>,
    /// Where in its document it stands.
    pub place: String,
}

/// Who sees to it that a document's statements count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VexSource {
    /// A file that the operator names.
    File,
    /// The SBOM that is scanned, which speaks of itself.
    Sbom,
    /// The kit, whose signatures vouch for it.
    Kit,
    /// Advisories of the distribution, of the package that owns the one with the finding.
    Distribution,
}

impl VexSource {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Sbom => "sbom",
            Self::Kit => "kit",
            Self::Distribution => "distribution",
        }
    }
}

/// A document that a kit carries, as its author wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CarriedVex {
    /// A file name, for people; no two documents of a kit have the same.
    pub name: String,
    /// The whole text.
    pub document: String,
}

/// What tells one VEX document from another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VexDocument {
    pub source: VexSource,
    /// The file's name, for people.
    pub name: String,
    /// `OpenVEX`, `CSAF` or `CycloneDX`.
    pub format: String,
    pub id: Option<String>,
    pub version: Option<String>,
    pub author: Option<String>,
    pub timestamp: Option<Timestamp>,
    /// Of the document's bytes.
    pub digest: Digest,
}

/// What a statement did to a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VexEffect {
    /// The finding does not count.
    Suppressed,
    /// The finding counts, and the statement is told with it.
    Annotated,
    /// The statement would suppress the finding, but another one contradicts it: the finding counts.
    Contradicted,
}

impl VexEffect {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Suppressed => "suppressed",
            Self::Annotated => "annotated",
            Self::Contradicted => "contradicted",
        }
    }
}

/// The statement that decides about a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VexDecision {
    pub effect: VexEffect,
    pub status: VexStatus,
    pub justification: Option<Justification>,
    pub impact: Option<String>,
    pub action: Option<String>,
    pub timestamp: Option<Timestamp>,
    /// What the statement names and the finding is of, as the author wrote it.
    pub target: String,
    /// It holds in this product or this SBOM only: said of the component alone it would be about more.
    pub bound: bool,
    pub place: String,
    pub document: VexDocument,
}

impl VexDecision {
    /// Who says it, and where.
    pub fn origin(&self) -> String {
        let document = &self.document;
        let author = document.author.as_deref().unwrap_or("an author not named");
        format!("Stated by {author} in {}, {}.", document.id.as_deref().unwrap_or(&document.name), self.place)
    }

    /// What to say of the component alone, when the statement clears it in something that cannot be named.
    pub fn unbound(&self) -> Option<String> {
        let clears = self.bound && self.status.clears();
        clears.then(|| {
            format!("{} {}, but only for {}, which cannot be named here.", self.origin(), self.status, self.target)
        })
    }
}
