//! What an SBOM lists.

use serde::{Deserialize, Serialize};

use crate::purl::Purl;

/// An operating system as `/etc/os-release` names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Distribution {
    /// `ID`, lower case: `debian`, `alpine`, `rhel`, …
    pub id: String,
    /// `VERSION_ID`, or a codename where a document has only that.
    pub version: Option<String>,
}

/// The source package that a binary package was built from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SourcePackage {
    pub name: String,
    /// None when it is the binary's own version.
    pub version: Option<String>,
}

/// One entry of an SBOM.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// The document's own key for it: `bom-ref` or `SPDXID`.
    pub reference: String,
    pub name: String,
    pub version: Option<String>,
    /// None when the document has none, or when it has one that cannot be parsed
    /// (then `invalid_purl` holds the text).
    pub purl: Option<Purl>,
    pub invalid_purl: Option<String>,
    pub cpes: Vec<String>,
    /// From tool properties; a purl's `upstream` qualifier is read at matching.
    pub source_package: Option<SourcePackage>,
    /// The module label of a modular RPM, from tool properties.
    pub module: Option<String>,
    pub kind: ComponentKind,
    /// Where the tool found it: paths inside the scanned thing.
    pub locations: Vec<String>,
    /// Keys of the packages that it came with, as the document says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<String>,
}

/// What sort of thing a component is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ComponentKind {
    /// A library, package or module: matched against advisories.
    #[default]
    Package,
    OperatingSystem,
    /// A single file, listed by some tools; a file is not matched and not counted as unevaluated.
    File,
    /// The thing that the document describes (an image, an application), or one like it.
    Container,
    /// Anything that has no version to match: a device, a data set, firmware.
    Other,
}

/// The content of an SBOM document, whatever its format.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// `CycloneDX`, `SPDX` or `Syft`.
    pub format: String,
    pub spec_version: String,
    /// What the document describes: an image name, an application.
    pub subject: Option<String>,
    pub tools: Vec<String>,
    /// The operating system, when the document states one.
    pub distribution: Option<Distribution>,
    pub components: Vec<Component>,
    /// Things a reader must know about how the document was read: a newer minor version,
    /// a component without a name, …
    pub warnings: Vec<String>,
    /// What VEX statements find the document by. It counts while the document is scanned and is not kept with it.
    #[serde(skip)]
    pub identity: Identity,
}

/// What a document and the thing that it describes are called by others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// CycloneDX `serialNumber`, as it is written.
    pub serial_number: Option<String>,
    /// CycloneDX `version`, which is 1 where it is not written.
    pub version: Option<u64>,
    /// The key of the thing described, among those of the components.
    pub root_reference: Option<String>,
    pub root: Option<Purl>,
    /// Vulnerabilities that the document itself has an analysis of.
    pub analyses: usize,
}
