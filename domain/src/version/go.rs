//! Go modules and toolchains: semantic versions with `v` or `go` in front. Pseudo-versions are
//! prereleases and `+incompatible` is build metadata, so both need no rule of their own.
//! `(devel)` and `devel go1.23-…` are no versions: nobody can tell what they hold.

use std::cmp::Ordering;

use super::Order;
use super::semver::SemVer;

#[derive(Clone, Debug)]
pub(super) struct Go(SemVer);

impl Order for Go {
    fn parse(text: &str) -> Option<Self> {
        SemVer::parse(text.strip_prefix("go").unwrap_or(text)).map(Self)
    }

    fn compare(&self, other: &Self) -> Ordering {
        self.0.compare(&other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Scheme;
    use std::cmp::Ordering;

    #[test]
    fn toolchains_and_modules_are_semantic_versions() {
        let compare = |a: &str, b: &str| Scheme::Go.parse(a).expect(a).compare(&Scheme::Go.parse(b).expect(b));
        assert_eq!(compare("go1.21rc2", "1.21-rc2"), Ordering::Equal);
        assert_eq!(compare("go1.21rc2", "go1.21"), Ordering::Less);
        assert_eq!(compare("go1.22.1 X:rangefunc", "1.22.1"), Ordering::Equal);
        assert_eq!(compare("v3.2.0+incompatible", "3.2.0"), Ordering::Equal);
        assert_eq!(compare("v3.2.0+incompatible+dirty", "3.2.0"), Ordering::Equal);
        assert_eq!(
            compare("v0.0.0-20230922112808-5421fefb8386", "0.0.0-20230922105210-14b16010c2ee"),
            Ordering::Greater
        );
        assert_eq!(compare("v0.0.0-20230922112808-5421fefb8386", "0.0.0"), Ordering::Less);
    }

    #[test]
    fn development_builds_are_no_versions() {
        for text in ["(devel)", "devel go1.23-f5f4b1b", "unknown"] {
            assert!(Scheme::Go.parse(text).is_err(), "{text}");
        }
    }
}
