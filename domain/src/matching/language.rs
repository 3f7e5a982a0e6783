//! Purl types of language ecosystems, and how a purl becomes the name that advisories use.

use crate::advisory::PackageKey;
use crate::ecosystem::{Ecosystem, EcosystemKind};
use crate::purl::Purl;

/// How namespace and name make the advisory's name.
#[derive(Clone, Copy)]
enum Join {
    /// The name alone.
    Name,
    /// `namespace/name`, or the name when there is no namespace.
    Slash,
    /// `group:artifact`.
    Colon,
}

/// Adding an ecosystem is one row here and one in `ecosystem.rs`.
const TYPES: &[(&str, EcosystemKind, Join)] = &[
    ("bioconductor", EcosystemKind::Bioconductor, Join::Name),
    ("bitnami", EcosystemKind::Bitnami, Join::Name),
    ("cargo", EcosystemKind::CratesIo, Join::Name),
    ("cocoapods", EcosystemKind::CocoaPods, Join::Name),
    ("composer", EcosystemKind::Packagist, Join::Slash),
    ("conan", EcosystemKind::ConanCenter, Join::Name),
    ("cran", EcosystemKind::Cran, Join::Name),
    ("gem", EcosystemKind::RubyGems, Join::Name),
    ("github", EcosystemKind::GitHubActions, Join::Slash),
    ("githubactions", EcosystemKind::GitHubActions, Join::Slash),
    ("golang", EcosystemKind::Go, Join::Slash),
    ("hackage", EcosystemKind::Hackage, Join::Name),
    ("hex", EcosystemKind::Hex, Join::Name),
    ("julia", EcosystemKind::Julia, Join::Name),
    ("k8s", EcosystemKind::Kubernetes, Join::Slash),
    ("maven", EcosystemKind::Maven, Join::Colon),
    ("npm", EcosystemKind::Npm, Join::Slash),
    ("nuget", EcosystemKind::NuGet, Join::Name),
    ("opam", EcosystemKind::Opam, Join::Name),
    ("pub", EcosystemKind::Pub, Join::Name),
    ("pypi", EcosystemKind::PyPi, Join::Name),
    ("swift", EcosystemKind::SwiftUrl, Join::Slash),
];

/// The key of a language package; None for purl types without advisories.
pub(super) fn package_key(purl: &Purl) -> Option<PackageKey> {
    let (_, kind, join) = TYPES.iter().find(|(name, ..)| *name == purl.package_type)?;
    let name = match (join, &purl.namespace) {
        (Join::Name, _) | (_, None) => purl.name.clone(),
        (Join::Slash, Some(namespace)) => format!("{namespace}/{}", purl.name),
        (Join::Colon, Some(namespace)) => format!("{namespace}:{}", purl.name),
    };
    Some(PackageKey::new(Ecosystem::rolling(*kind), &name))
}
