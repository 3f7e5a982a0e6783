//! The rolling distributions that publish one secdb each, told apart by where their packages are.

use domain::ecosystem::{Ecosystem, EcosystemKind};

use super::secdb::{Header, Origin};

const HOMES: [(&str, &str, EcosystemKind); 3] = [
    ("packages.wolfi.dev", "wolfi", EcosystemKind::Wolfi),
    ("packages.cgr.dev", "chainguard", EcosystemKind::Chainguard),
    ("packages.mini.dev", "minimos", EcosystemKind::MinimOs),
];

pub(super) fn origin(header: &Header) -> Option<Origin> {
    let url = header.urlprefix.as_deref()?;
    let (_, source, kind) = HOMES.iter().find(|(home, _, _)| url.contains(home))?;
    Some(Origin { source, ecosystem: Ecosystem::rolling(*kind) })
}
