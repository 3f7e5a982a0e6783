//! Which package keys a component is looked up under, and with which version.

use super::{distribution, language, unpackaged};
use crate::advisory::PackageKey;
use crate::component::{Component, ComponentKind, Distribution, Inventory};
use crate::finding::Unevaluated;
use crate::purl::Purl;

/// One look-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    pub package: PackageKey,
    pub version: String,
    /// The package's architecture, for assertions that name architectures.
    pub arch: Option<String>,
    /// The package's module stream, for assertions that name one; of a CPE its qualifiers.
    pub module: Option<String>,
    /// Set when the name is only assumed to be the source package's: without any
    /// assertion under it, the component is not evaluated.
    pub assumed_source: bool,
    /// One of several streams that one feed speaks of: data of any of them speak for all.
    pub alternative: bool,
    /// Why it is looked up here, where that is not plain; a finding's evidence repeats it.
    pub basis: Option<String>,
}

impl Lookup {
    pub fn new(package: PackageKey, version: impl Into<String>) -> Self {
        let version = version.into();
        Self { package, version, arch: None, module: None, assumed_source: false, alternative: false, basis: None }
    }
}

/// What is to be done with a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Nothing that could have advisories: a file, a container.
    NotApplicable,
    Unevaluated(Unevaluated),
    Lookups(Vec<Lookup>),
}

/// Does the tool that wrote the document name source packages?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceNames {
    /// It does where they differ, so a missing one means "same as the binary".
    Stated,
    /// No package has one: nothing can be concluded from a missing one.
    Absent,
}

impl SourceNames {
    pub fn of(inventory: &Inventory) -> Self {
        let states = |component: &Component| {
            component.source_package.is_some()
                || component.purl.as_ref().is_some_and(|purl| distribution::stated_source(purl).is_some())
        };
        // These two are known to leave out only what is equal.
        let known = |tool: &String| {
            let tool = tool.to_ascii_lowercase();
            tool.contains("syft") || tool.contains("trivy")
        };
        if inventory.tools.iter().any(known) || inventory.components.iter().any(states) {
            Self::Stated
        } else {
            Self::Absent
        }
    }
}

/// Plans the look-ups of one component.
pub fn plan(component: &Component, document: Option<&Distribution>, names: SourceNames) -> Plan {
    match component.kind {
        ComponentKind::File | ComponentKind::Container | ComponentKind::OperatingSystem | ComponentKind::Other => {
            return Plan::NotApplicable;
        }
        ComponentKind::Package => {}
    }
    match lookups(component, document, names) {
        Ok(lookups) => Plan::Lookups(lookups),
        Err(reason) => Plan::Unevaluated(reason),
    }
}

fn lookups(
    component: &Component,
    document: Option<&Distribution>,
    names: SourceNames,
) -> Result<Vec<Lookup>, Unevaluated> {
    let purl = match (&component.purl, &component.invalid_purl) {
        (Some(purl), _) => purl,
        (None, Some(_)) => return Err(Unevaluated::InvalidPurl),
        (None, None) => return unpackaged::lookups(component).unwrap_or(Err(Unevaluated::MissingPurl)),
    };
    if distribution::is_system_package(&purl.package_type) {
        return distribution::lookups(component, purl, version(component, purl)?, document, names);
    }
    match language::package_key(purl) {
        Some(package) => Ok(vec![Lookup::new(package, version(component, purl)?)]),
        None => {
            let unsupported = || Err(Unevaluated::UnsupportedType { purl_type: purl.package_type.clone() });
            unpackaged::lookups(component).unwrap_or_else(unsupported)
        }
    }
}

// The purl is what the look-up name comes from, so its version goes with it; the
// document's own field is the second choice.
fn version<'a>(component: &'a Component, purl: &'a Purl) -> Result<&'a str, Unevaluated> {
    let stated = |version: &&str| !version.trim().is_empty();
    let from_purl = purl.version.as_deref().filter(stated);
    from_purl.or(component.version.as_deref().filter(stated)).ok_or(Unevaluated::MissingVersion)
}
