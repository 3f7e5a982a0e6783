//! Semantic Versioning 2.0, read leniently: a leading `v`, any number of components, leading
//! zeros, numbers of any length, and prereleases written as `1.0.0.beta2` or `1.21rc2`.
//!
//! A bare commit hash must not pass for a version (`8ade135a41` would become 8.0.0-ade…, and
//! a vulnerable action would look fixed). So letters glued to a number are only accepted
//! when they are a known prerelease word.

use std::cmp::Ordering;

use super::Order;
use super::digits::{Digits, all_digits, compare_releases, split_digits, split_release, split_while};

/// What may be glued to a number: `1.21rc2`, `2.0b1`.
const PRERELEASE_WORDS: &[&str] = &["a", "alpha", "b", "beta", "c", "dev", "m", "pre", "preview", "rc", "snapshot"];

#[derive(Clone, Debug)]
pub(super) struct SemVer {
    pub(super) release: Box<str>,
    pub(super) pre: Option<Box<str>>,
    /// Kept for pub.dev, which orders it; everybody else ignores it.
    pub(super) build: Option<Box<str>>,
}

impl Order for SemVer {
    fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let (core, build) = match text.split_once('+') {
            Some((core, build)) => (core, Some(build)),
            None => (text, None),
        };
        let (release, tail) = split_release(core)?;
        let pre = match tail.as_bytes().first() {
            None => None,
            Some(b'-') => Some(&tail[1..]),
            Some(b'.') => Some(dotted(&tail[1..])?),
            Some(_) => Some(glued(release, tail)?),
        };
        Some(Self { release: release.into(), pre: pre.map(Into::into), build: build.map(Into::into) })
    }

    fn compare(&self, other: &Self) -> Ordering {
        compare_releases(&self.release, &other.release)
            .then_with(|| compare_prereleases(self.pre.as_deref(), other.pre.as_deref()))
    }
}

/// `1.0.0.beta`: a prerelease if it begins with a letter and is no wildcard.
fn dotted(tail: &str) -> Option<&str> {
    let letter = tail.as_bytes().first()?.is_ascii_alphabetic();
    (letter && !tail.split(['.', '-']).any(|part| matches!(part, "x" | "X" | "*"))).then_some(tail)
}

fn glued<'a>(release: &str, tail: &'a str) -> Option<&'a str> {
    let (word, rest) = split_while(tail, |b| b.is_ascii_alphabetic());
    let (_, rest) = split_digits(rest);
    let known = PRERELEASE_WORDS.iter().any(|known| known.eq_ignore_ascii_case(word));
    (known && release.contains('.') && (rest.is_empty() || rest.starts_with(['.', '-']))).then_some(tail)
}

/// A prerelease lies before its release.
pub(super) fn compare_prereleases(a: Option<&str>, b: Option<&str>) -> Ordering {
    match (a, b) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(a), Some(b)) => identifiers(a).cmp(identifiers(b)),
    }
}

/// Numbers lie before words; fewer identifiers before more.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Identifier<'a> {
    Number(Digits<'a>),
    Word(&'a str),
}

/// An empty identifier counts as the number zero, the least there is.
pub(super) fn identifiers(text: &str) -> impl Iterator<Item = Identifier<'_>> {
    text.split('.').map(|part| match part.is_empty() || all_digits(part) {
        true => Identifier::Number(Digits::new(part)),
        false => Identifier::Word(part),
    })
}

#[cfg(test)]
mod tests {
    use super::super::Scheme;

    #[test]
    fn a_commit_hash_is_no_version() {
        for hash in ["8ade135a41bc03ea155e62e844d188df1ea18608", "3b123456", "de0fac2e4500dabe0009e67214ff5f5447ce83dd"]
        {
            assert!(Scheme::SemVer.parse(hash).is_err(), "{hash}");
        }
        for wildcard in ["1.x", "1.*", "latest", "v", "1.2."] {
            assert!(Scheme::SemVer.parse(wildcard).is_err(), "{wildcard}");
        }
    }
}
