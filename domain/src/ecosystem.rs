//! Package ecosystems, under the names that the OSV schema gives them; distributions that the
//! schema lacks (Fedora, Oracle Linux) under their own.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::version::Scheme;

/// One row per ecosystem: variant, OSV name, version scheme, whether advisories are
/// kept per release (`Debian:12`), how package names are normalised.
macro_rules! ecosystems {
    ($($kind:ident $name:literal $scheme:ident $releases:ident $names:ident;)*) => {
        /// The family, without a release.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EcosystemKind { $($kind,)* }

        impl EcosystemKind {
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            pub const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// How versions are ordered here.
            pub const fn scheme(self) -> Scheme {
                match self { $(Self::$kind => Scheme::$scheme,)* }
            }

            pub const fn releases(self) -> Releases {
                match self { $(Self::$kind => Releases::$releases,)* }
            }

            const fn names(self) -> Names {
                match self { $(Self::$kind => Names::$names,)* }
            }
        }
    };
}

/// Does an ecosystem keep its advisories per release?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Releases {
    /// One stream: languages and rolling distributions.
    Rolling,
    /// A distribution with releases; advisories of one say nothing about another.
    PerRelease,
}

#[derive(Clone, Copy)]
enum Names {
    AsIs,
    Lower,
    /// PEP 503: lower case, runs of `-`, `_` and `.` become one `-`.
    Pep503,
    /// A URL without scheme and `.git`, lower case.
    Url,
}

ecosystems! {
    AlmaLinux "AlmaLinux" Rpm PerRelease AsIs;
    Alpaquita "Alpaquita" Apk PerRelease AsIs;
    Alpine "Alpine" Apk PerRelease AsIs;
    Amazon "Amazon Linux" Rpm PerRelease AsIs;
    Android "Android" Generic PerRelease AsIs;
    Arch "Arch Linux" Alpm Rolling AsIs;
    AzureLinux "Azure Linux" Rpm PerRelease AsIs;
    BellSoft "BellSoft Hardened Containers" Apk PerRelease AsIs;
    Bioconductor "Bioconductor" Cran PerRelease AsIs;
    Bitnami "Bitnami" Bitnami Rolling Lower;
    Chainguard "Chainguard" Apk Rolling AsIs;
    CleanStart "CleanStart" Apk Rolling AsIs;
    CocoaPods "CocoaPods" Gem Rolling AsIs;
    ConanCenter "ConanCenter" Conan Rolling Lower;
    Cpe "CPE" Generic Rolling Lower;
    Cran "CRAN" Cran Rolling AsIs;
    CratesIo "crates.io" SemVer Rolling Lower;
    Debian "Debian" Dpkg PerRelease AsIs;
    DockerHardened "Docker Hardened Images" Generic Rolling AsIs;
    Echo "Echo" Dpkg Rolling AsIs;
    Fedora "Fedora" Rpm PerRelease AsIs;
    FreeBsd "FreeBSD" Generic PerRelease AsIs;
    Gentoo "Gentoo" Portage Rolling AsIs;
    Ghc "GHC" Hackage Rolling AsIs;
    GitHubActions "GitHub Actions" SemVer Rolling Lower;
    Go "Go" Go Rolling Lower;
    Hackage "Hackage" Hackage Rolling AsIs;
    Hex "Hex" SemVer Rolling Lower;
    Julia "Julia" SemVer Rolling AsIs;
    Kubernetes "Kubernetes" SemVer Rolling AsIs;
    Linux "Linux" SemVer Rolling AsIs;
    Mageia "Mageia" Rpm PerRelease AsIs;
    Maven "Maven" Maven Rolling Lower;
    MinimOs "MinimOS" Apk Rolling AsIs;
    Npm "npm" SemVer Rolling Lower;
    NuGet "NuGet" NuGet Rolling Lower;
    Opam "opam" Dpkg Rolling AsIs;
    OpenEuler "openEuler" Rpm PerRelease AsIs;
    OpenSuse "openSUSE" Rpm PerRelease AsIs;
    OracleLinux "Oracle Linux" Rpm PerRelease AsIs;
    OssFuzz "OSS-Fuzz" Generic Rolling AsIs;
    Packagist "Packagist" Composer Rolling Lower;
    PhotonOs "Photon OS" Rpm PerRelease AsIs;
    Pub "Pub" Pub Rolling AsIs;
    PyPi "PyPI" Pep440 Rolling Pep503;
    RedHat "Red Hat" Rpm PerRelease AsIs;
    RockyLinux "Rocky Linux" Rpm PerRelease AsIs;
    Root "Root" Generic PerRelease AsIs;
    RubyGems "RubyGems" Gem Rolling AsIs;
    Suse "SUSE" Rpm PerRelease AsIs;
    SwiftUrl "SwiftURL" SemVer Rolling Url;
    TuxCare "TuxCare" Generic PerRelease AsIs;
    Ubuntu "Ubuntu" Dpkg PerRelease AsIs;
    VsCode "VSCode" SemVer Rolling Lower;
    Wolfi "Wolfi" Apk Rolling AsIs;
}

/// A family and, where advisories are kept per release, the release: `PyPI`, `Debian:12`, `Alpine:v3.19`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ecosystem {
    pub kind: EcosystemKind,
    pub release: Option<String>,
}

/// No ecosystem of the OSV schema has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a known ecosystem")]
pub struct UnknownEcosystem(String);

impl Ecosystem {
    pub const fn rolling(kind: EcosystemKind) -> Self {
        Self { kind, release: None }
    }

    pub fn release(kind: EcosystemKind, release: impl Into<String>) -> Self {
        Self { kind, release: Some(release.into()) }
    }

    pub const fn scheme(&self) -> Scheme {
        self.kind.scheme()
    }

    /// The one spelling under which a package is stored and looked up.
    pub fn normalise_name(&self, name: &str) -> String {
        let name = name.trim();
        match self.kind.names() {
            Names::AsIs => name.to_owned(),
            Names::Lower => name.to_lowercase(),
            Names::Pep503 => pep503(name),
            Names::Url => {
                let name = name.to_lowercase();
                let name = name.strip_prefix("https://").or(name.strip_prefix("http://")).unwrap_or(&name);
                name.strip_suffix(".git").unwrap_or(name).to_owned()
            }
        }
    }
}

fn pep503(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '-' | '_' | '.' if normal.ends_with('-') => {}
            '-' | '_' | '.' => normal.push('-'),
            _ => normal.extend(c.to_lowercase()),
        }
    }
    normal
}

impl fmt::Display for Ecosystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.release {
            None => f.pad(self.kind.name()),
            Some(release) => f.pad(&format!("{}:{release}", self.kind.name())),
        }
    }
}

impl FromStr for Ecosystem {
    type Err = UnknownEcosystem;

    fn from_str(text: &str) -> Result<Self, UnknownEcosystem> {
        // Only the first segment names the family; releases may hold colons (`Ubuntu:22.04:LTS`).
        let (family, release) = match text.split_once(':') {
            Some((family, release)) => (family, Some(release)),
            None => (text, None),
        };
        let kind = EcosystemKind::ALL
            .iter()
            .copied()
            .find(|kind| kind.name().eq_ignore_ascii_case(family))
            .ok_or_else(|| UnknownEcosystem(text.chars().take(64).collect()))?;
        // A Maven repository URL is no release: its packages are Maven's.
        let release = match kind.releases() {
            Releases::PerRelease => release.filter(|release| !release.is_empty()).map(str::to_owned),
            Releases::Rolling => None,
        };
        Ok(Self { kind, release })
    }
}

impl Serialize for Ecosystem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Ecosystem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_with_their_releases() {
        for text in ["PyPI", "Debian:12", "Alpine:v3.19", "Ubuntu:22.04:LTS", "Rocky Linux:9"] {
            assert_eq!(text.parse::<Ecosystem>().expect(text).to_string(), text);
        }
        let maven: Ecosystem = "Maven:https://repo.example/".parse().expect("Maven");
        assert_eq!(maven, Ecosystem::rolling(EcosystemKind::Maven));
        assert!("Plan 9".parse::<Ecosystem>().is_err());
    }

    #[test]
    fn names_are_normalised_as_each_registry_does() {
        let pypi = Ecosystem::rolling(EcosystemKind::PyPi);
        assert_eq!(pypi.normalise_name("Zope.Interface__x"), "zope-interface-x");
        let go = Ecosystem::rolling(EcosystemKind::Go);
        // Tools write Go modules in lower case; two modules that differ only by case do not exist in practice.
        assert_eq!(go.normalise_name("github.com/Azure/x"), "github.com/azure/x");
        let swift = Ecosystem::rolling(EcosystemKind::SwiftUrl);
        assert_eq!(swift.normalise_name("https://github.com/Apple/swift-nio.git"), "github.com/apple/swift-nio");
    }
}
