//! Bitnami: a semantic version and, after a hyphen, the number of the packaging revision
//! (`2.3.1-4`, `1.0.0-rc1-2`).
//!
//! The revision is compared only when both sides have one. Components carry it, advisories
//! do not: "up to 2.3.1" means every revision of 2.3.1. That costs transitivity between
//! versions with and without a revision, and nothing else.

use std::cmp::Ordering;

use super::Order;
use super::digits::{Number, all_digits, compare_releases};
use super::semver::{SemVer, compare_prereleases};

#[derive(Clone, Debug)]
pub(super) struct Bitnami {
    release: Box<str>,
    pre: Option<Box<str>>,
    revision: Option<Number>,
}

impl Order for Bitnami {
    fn parse(text: &str) -> Option<Self> {
        let SemVer { release, pre, .. } = SemVer::parse(text)?;
        let Some(tail) = pre else {
            return Some(Self { release, pre: None, revision: None });
        };
        let (pre, last) = match tail.rsplit_once('-') {
            Some((pre, last)) => (Some(pre), last),
            None => (None, &*tail),
        };
        let revision = last.strip_prefix('r').unwrap_or(last);
        if all_digits(revision) {
            let revision = Some(Number::new(revision));
            return Some(Self { release, pre: pre.map(Into::into), revision });
        }
        Some(Self { release, pre: Some(tail), revision: None })
    }

    fn compare(&self, other: &Self) -> Ordering {
        let revisions = || match (&self.revision, &other.revision) {
            (Some(a), Some(b)) => a.cmp(b),
            _ => Ordering::Equal,
        };
        compare_releases(&self.release, &other.release)
            .then_with(|| compare_prereleases(self.pre.as_deref(), other.pre.as_deref()))
            .then_with(revisions)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Scheme;
    use std::cmp::Ordering;

    #[test]
    fn revisions_are_numbers_and_compared_when_both_have_one() {
        let compare =
            |a: &str, b: &str| Scheme::Bitnami.parse(a).expect(a).compare(&Scheme::Bitnami.parse(b).expect(b));
        assert_eq!(compare("2.3.1-9", "2.3.1-10"), Ordering::Less);
        assert_eq!(compare("2.3.1-9", "2.3.1"), Ordering::Equal);
        assert_eq!(compare("2.3.1-9", "2.3.2"), Ordering::Less);
        assert_eq!(compare("2.3.1-rc1-9", "2.3.1-0"), Ordering::Less);
    }
}
