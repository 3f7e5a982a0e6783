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

/// Keeps, of what is said of one advisory and one package, that which decides.
pub(super) fn decisive<T>(kind: EcosystemKind, said: Vec<T>, assertion: impl Fn(&T) -> &Assertion) -> Vec<T> {
    let Some(authority) = authority(kind) else { return said };
    let speaks = |said: &T| assertion(said).source.as_str() == authority;
    if said.iter().any(speaks) { said.into_iter().filter(speaks).collect() } else { said }
}
