//! Which source decides where several speak of one package (see `docs/matching.md`).
//!
//! An ecosystem with an authority believes it alone, when it speaks at all; elsewhere all
//! sources are equal, and a version that one of them calls affected is affected.

use super::index::Assertion;
use crate::ecosystem::EcosystemKind;

const AUTHORITIES: &[(EcosystemKind, &str)] = &[(EcosystemKind::Go, "go"), (EcosystemKind::CratesIo, "rustsec")];

/// The source that an ecosystem believes alone, when it speaks of a package.
pub fn authority(kind: EcosystemKind) -> Option<&'static str> {
    AUTHORITIES.iter().find(|(ecosystem, _)| *ecosystem == kind).map(|(_, source)| *source)
}

/// Keeps, of one advisory's assertions on one package, those that decide.
pub(super) fn decisive(kind: EcosystemKind, assertions: Vec<&Assertion>) -> Vec<&Assertion> {
    match authority(kind) {
        Some(source) if assertions.iter().any(|assertion| assertion.source.as_str() == source) => {
            assertions.into_iter().filter(|assertion| assertion.source.as_str() == source).collect()
        }
        _ => assertions,
    }
}
