//! Which source decides where several speak of one package (see `docs/matching.md`).
//!
//! An ecosystem with an authority believes it alone, when it speaks at all; elsewhere all
//! sources are equal, and a version that one of them calls affected is affected.

use super::index::Assertion;
use crate::ecosystem::EcosystemKind;

/// Of several the first that speaks.
const AUTHORITIES: &[(EcosystemKind, &[&str])] = &[
    (EcosystemKind::Go, &["go"]),
    (EcosystemKind::CratesIo, &["rustsec"]),
    // What somebody corrected by hand, what analysts wrote, what the numbering authority wrote.
    (EcosystemKind::Cpe, &["anchore-nvd", "nvd"]),
];

/// The sources that an ecosystem believes alone, the first that speaks of a package.
pub fn authorities(kind: EcosystemKind) -> &'static [&'static str] {
    AUTHORITIES.iter().find(|(ecosystem, _)| *ecosystem == kind).map(|(_, sources)| *sources).unwrap_or_default()
}

/// Keeps, of what is said of one advisory and one package, that which decides.
pub(super) fn decisive<T>(kind: EcosystemKind, said: Vec<T>, assertion: impl Fn(&T) -> &Assertion) -> Vec<T> {
    let speaks = |said: &T, authority: &str| assertion(said).source.as_str() == authority;
    let authority = authorities(kind).iter().find(|authority| said.iter().any(|said| speaks(said, authority)));
    match authority {
        Some(authority) => said.into_iter().filter(|said| speaks(said, authority)).collect(),
        None => said,
    }
}
