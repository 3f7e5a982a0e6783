//! Version orders, one file per scheme.
//!
//! [`Scheme::parse`] reads a version once; [`Version::compare`] orders two of one scheme.
//!
//! Invariant: on what a scheme accepts, `compare` is total, reflexive and antisymmetric, and
//! for all schemes but three it is transitive too. The three follow their reference tool where
//! that tool is not: Alpm and Bitnami ignore a package revision that only one side has, and
//! Maven pads lists of unequal shape with nothing. (So `compare` is not for the library's sorts, which may
//! panic on such orders; sets of versions are sorted here by insertion.) No crate per ecosystem is used: one error,
//! one leniency and numbers of any length are worth more than the few lines they would save.

mod alpm;
mod apk;
mod bitnami;
mod composer;
mod conan;
mod constraint;
mod cran;
mod digits;
mod dpkg;
mod gem;
mod generic;
mod go;
mod hackage;
mod maven;
mod notation;
mod nuget;
mod openssl;
mod pep440;
mod portage;
mod pub_dev;
mod rpm;
mod semver;
mod set;

use std::cmp::Ordering;
use std::fmt;

pub use constraint::{InvalidConstraint, parse_constraints};
pub use set::{complement, intersect};

/// No registry has longer versions; hostile documents do.
const MAX_LENGTH: usize = 1024;
/// How much of a refused text an error repeats.
const QUOTED: usize = 128;

/// The text is no version of the scheme.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a {scheme} version")]
pub struct InvalidVersion {
    pub scheme: Scheme,
    /// The first 128 characters of what was read.
    pub text: String,
}

/// What each scheme's file gives.
trait Order: Sized {
    /// `text` is not empty, not overlong and, except for rpm's, printable ASCII without white space.
    fn parse(text: &str) -> Option<Self>;
    fn compare(&self, other: &Self) -> Ordering;
}

/// One row per scheme: variant, what it orders, parsed form.
macro_rules! schemes {
    ($($(#[$doc:meta])* $scheme:ident $parsed:ty;)*) => {
        /// How versions are written and ordered.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Scheme { $($(#[$doc])* $scheme,)* }

        #[derive(Clone, Debug)]
        enum Parsed { $($scheme($parsed),)* }

        impl Scheme {
            pub const ALL: &[Self] = &[$(Self::$scheme,)*];

            fn parse_as(self, text: &str) -> Option<Parsed> {
                match self { $(Self::$scheme => <$parsed>::parse(text).map(Parsed::$scheme),)* }
            }
        }

        impl Version {
            pub const fn scheme(&self) -> Scheme {
                match self.0 { $(Parsed::$scheme(_) => Scheme::$scheme,)* }
            }

            /// Orders two versions of one scheme. Versions of different schemes have no common
            /// order, so asking is a mistake of the caller; the answer is then the order of
            /// the schemes, which is total and never a panic in the middle of a scan.
            pub fn compare(&self, other: &Self) -> Ordering {
                match (&self.0, &other.0) {
                    $((Parsed::$scheme(a), Parsed::$scheme(b)) => a.compare(b),)*
                    _ => self.scheme().cmp(&other.scheme()),
                }
            }
        }
    };
}

schemes! {
    /// pacman (Arch).
    Alpm alpm::Alpm;
    /// apk-tools (Alpine, Wolfi).
    Apk apk::Apk;
    Bitnami bitnami::Bitnami;
    /// Composer (Packagist).
    Composer composer::Composer;
    Conan conan::Conan;
    /// R's `numeric_version`.
    Cran cran::Cran;
    /// Debian, Ubuntu, opam.
    Dpkg dpkg::Dpkg;
    Gem gem::Gem;
    /// Natural order, for whatever has no scheme of its own.
    Generic generic::Generic;
    /// Go modules and toolchains.
    Go go::Go;
    /// Haskell's package versioning policy.
    Hackage hackage::Hackage;
    /// Maven's `ComparableVersion`.
    Maven maven::Maven;
    NuGet nuget::NuGet;
    /// OpenSSL before and after 3.0.
    OpenSsl openssl::OpenSsl;
    Pep440 pep440::Pep440;
    /// Gentoo's package manager specification.
    Portage portage::Portage;
    /// Dart's pub.dev.
    Pub pub_dev::Pub;
    Rpm rpm::Rpm;
    /// Semantic Versioning 2.0, read leniently.
    SemVer semver::SemVer;
}

/// A parsed version.
#[derive(Clone, Debug)]
pub struct Version(Parsed);

impl Scheme {
    /// Reads a version; surrounding white space is ignored.
    pub fn parse(self, text: &str) -> Result<Version, InvalidVersion> {
        let trimmed = text.trim();
        // `go version` appends experiments after a space: `go1.22.1 X:rangefunc`.
        let word = match self {
            Self::Go => trimmed.split(' ').next().unwrap_or_default(),
            _ => trimmed,
        };
        // To rpm, whatever is not ASCII separates; nobody else allows it.
        let legible = |b: u8| b.is_ascii_graphic() || (self == Self::Rpm && !b.is_ascii());
        let readable = !word.is_empty() && word.len() <= MAX_LENGTH && word.bytes().all(legible);
        let parsed = if readable { self.parse_as(word) } else { None };
        parsed.map(Version).ok_or_else(|| InvalidVersion { scheme: self, text: quote(text) })
    }

    /// Reads the bound of an advisory. Stricter than [`Scheme::parse`] where a scheme orders
    /// broken texts by guessing: a typo in a fixed version must not read as "fixed".
    pub fn parse_bound(self, text: &str) -> Result<Version, InvalidVersion> {
        let version = self.parse(text)?;
        match &version.0 {
            Parsed::Apk(apk) if !apk.is_regular() => Err(InvalidVersion { scheme: self, text: quote(text) }),
            _ => Ok(version),
        }
    }
}

fn quote(text: &str) -> String {
    text.chars().take(QUOTED).collect()
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{self:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_text_is_quoted_up_to_128_characters() {
        let refused = Scheme::Pep440.parse(&"ä".repeat(500)).expect_err("no version");
        assert_eq!(refused.text.chars().count(), 128);
        assert!(Scheme::SemVer.parse(&"1".repeat(1025)).is_err());
        assert!(Scheme::Generic.parse("  ").is_err() && Scheme::Rpm.parse("1 2").is_err());
    }

    #[test]
    fn versions_of_two_schemes_are_ordered_by_scheme() {
        let apk = Scheme::Apk.parse("9").expect("apk");
        let rpm = Scheme::Rpm.parse("1").expect("rpm");
        assert_eq!(apk.compare(&rpm), Ordering::Less);
        assert_eq!(rpm.compare(&apk), Ordering::Greater);
    }
}
