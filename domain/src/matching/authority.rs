//! Which source decides where several speak of one package (see `docs/matching.md`).
//!
//! An ecosystem with an authority believes it alone, when it speaks at all; elsewhere all
//! sources are equal, and a version that one of them calls affected is affected. But an older form of what a vendor says
//! is heard only where no other source speaks.

use std::collections::BTreeSet;

use super::index::Assertion;
use crate::ecosystem::EcosystemKind;

/// Of several the first that speaks.
const AUTHORITIES: &[(EcosystemKind, &[&str])] = &[
    (EcosystemKind::Go, &["go"]),
    (EcosystemKind::CratesIo, &["rustsec"]),
    // What somebody corrected by hand, what analysts wrote, what the numbering authority wrote.
    (EcosystemKind::Cpe, &["anchore-nvd", "nvd"]),
];

/// Heard only where nobody else speaks: what the same vendor says in an older form.
const DEFERRING: &[(EcosystemKind, &[&str])] =
    &[(EcosystemKind::Suse, &["suse-oval"]), (EcosystemKind::OpenSuse, &["suse-oval"])];

/// Of the sources that speak of a package and an advisory, those that decide.
pub fn deciding<'s>(kind: EcosystemKind, speaking: impl IntoIterator<Item = &'s str>) -> BTreeSet<&'s str> {
    let speaking: BTreeSet<&str> = speaking.into_iter().collect();
    if let Some(authority) = of(AUTHORITIES, kind).iter().find(|authority| speaking.contains(*authority)) {
        return BTreeSet::from([*authority]);
    }
    let deferring = of(DEFERRING, kind);
    if speaking.iter().all(|source| deferring.contains(source)) {
        return speaking;
    }
    speaking.into_iter().filter(|source| !deferring.contains(source)).collect()
}

fn of(table: &'static [(EcosystemKind, &[&'static str])], kind: EcosystemKind) -> &'static [&'static str] {
    table.iter().find(|(ecosystem, _)| *ecosystem == kind).map(|(_, sources)| *sources).unwrap_or_default()
}

/// Keeps, of what is said of one advisory and one package, that which decides.
pub(super) fn decisive<T>(kind: EcosystemKind, said: Vec<T>, assertion: impl Fn(&T) -> &Assertion) -> Vec<T> {
    let deciding: Vec<bool> = {
        let source = |said| assertion(said).source.as_str();
        let deciding = deciding(kind, said.iter().map(source));
        said.iter().map(|said| deciding.contains(source(said))).collect()
    };
    said.into_iter().zip(deciding).filter(|(_, decides)| *decides).map(|(said, _)| said).collect()
}

#[cfg(test)]
mod tests {
    use super::deciding;
    use crate::ecosystem::EcosystemKind as Kind;

    #[test]
    fn an_authority_decides_alone_and_an_older_form_only_where_nobody_else_speaks() {
        let of = |kind, speaking: &[&'static str]| deciding(kind, speaking.to_vec()).into_iter().collect::<Vec<_>>();
        assert_eq!(of(Kind::Go, &["ghsa", "go"]), ["go"]);
        assert_eq!(of(Kind::Npm, &["ghsa", "npm"]), ["ghsa", "npm"]);
        assert_eq!(of(Kind::Cpe, &["nvd", "cve", "anchore-nvd"]), ["anchore-nvd"]);
        assert_eq!(of(Kind::Suse, &["suse-oval", "suse"]), ["suse"]);
        assert_eq!(of(Kind::OpenSuse, &["suse-oval", "suse", "opensuse"]), ["opensuse", "suse"]);
        assert_eq!(of(Kind::Suse, &["suse-oval"]), ["suse-oval"]);
        assert_eq!(of(Kind::Debian, &[]), [""; 0]);
    }
}
