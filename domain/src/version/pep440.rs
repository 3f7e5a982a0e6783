//! PEP 440, complete: epochs, pre-, post- and development releases in every accepted spelling,
//! local versions. What PEP 440 does not accept is no version here; legacy texts have no
//! agreed order.
//!
//! One text goes beyond it: `1.0+*`, which no package can be called, is the bound behind all
//! local versions of 1.0. `<= 1.0` ends there.

use std::cmp::Ordering;

use super::Order;
use super::digits::{Number, all_digits, split_digits, split_release};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pep440 {
    // The order of the fields is the order of comparison.
    epoch: Number,
    /// Without trailing zeros.
    release: Vec<Number>,
    pre: Pre,
    /// No post-release lies before every one.
    post: Option<Number>,
    dev: Dev,
    /// No local version lies before every one.
    local: Vec<Local>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Pre {
    /// `1.0.dev1`: before the prereleases, because it leads up to the first of them.
    Development,
    Alpha(Number),
    Beta(Number),
    Candidate(Number),
    Final,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Dev {
    Number(Number),
    No,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Local {
    Word(Box<str>),
    Number(Number),
    Any,
}

impl Order for Pep440 {
    fn parse(text: &str) -> Option<Self> {
        let lower = text.to_ascii_lowercase();
        let text = lower.strip_prefix('v').unwrap_or(&lower);
        let (text, local) = match text.split_once('+') {
            Some((public, local)) => (public, read_local(local)?),
            None => (text, Vec::new()),
        };
        let (epoch, text) = match text.split_once('!') {
            Some((epoch, rest)) => (all_digits(epoch).then(|| Number::new(epoch))?, rest),
            None => (Number::ZERO, text),
        };
        let (release, rest) = split_release(text)?;
        let (pre, rest) = read_pre(rest);
        let (post, rest) = read_post(rest);
        let (dev, rest) = match labelled(rest, &["dev"]) {
            Some((_, number, rest)) => (Dev::Number(number), rest),
            None => (Dev::No, rest),
        };
        let pre = match pre {
            Pre::Final if post.is_none() && dev != Dev::No => Pre::Development,
            pre => pre,
        };
        rest.is_empty().then(|| Self { epoch, release: read_release(release), pre, post, dev, local })
    }

    fn compare(&self, other: &Self) -> Ordering {
        self.cmp(other)
    }
}

fn read_release(text: &str) -> Vec<Number> {
    let mut release: Vec<Number> = text.split('.').map(Number::new).collect();
    while release.last() == Some(&Number::ZERO) {
        release.pop();
    }
    release
}

fn read_pre(text: &str) -> (Pre, &str) {
    // Longer words come first, so that `alpha` is not read as `a`.
    const WORDS: [&str; 8] = ["alpha", "beta", "preview", "pre", "rc", "a", "b", "c"];
    match labelled(text, &WORDS) {
        Some(("alpha" | "a", number, rest)) => (Pre::Alpha(number), rest),
        Some(("beta" | "b", number, rest)) => (Pre::Beta(number), rest),
        Some((_, number, rest)) => (Pre::Candidate(number), rest),
        None => (Pre::Final, text),
    }
}

fn read_post(text: &str) -> (Option<Number>, &str) {
    if let Some((_, number, rest)) = labelled(text, &["post", "rev", "r"]) {
        return (Some(number), rest);
    }
    match text.strip_prefix('-').map(split_digits) {
        Some((digits, rest)) if !digits.is_empty() => (Some(Number::new(digits)), rest),
        _ => (None, text),
    }
}

/// `[-_.]word[-_.]N`, separators and number optional. A separator without a number behind it
/// belongs to what follows.
fn labelled<'a, 'w>(text: &'a str, words: &[&'w str]) -> Option<(&'w str, Number, &'a str)> {
    const SEPARATORS: [char; 3] = ['-', '_', '.'];
    let start = text.strip_prefix(SEPARATORS).unwrap_or(text);
    let (word, rest) = words.iter().find_map(|word| start.strip_prefix(word).map(|rest| (*word, rest)))?;
    match split_digits(rest.strip_prefix(SEPARATORS).unwrap_or(rest)) {
        ("", _) => Some((word, Number::ZERO, rest)),
        (digits, after) => Some((word, Number::new(digits), after)),
    }
}

fn read_local(text: &str) -> Option<Vec<Local>> {
    if text == "*" {
        return Some(vec![Local::Any]);
    }
    let part = |part: &str| match part {
        _ if all_digits(part) => Some(Local::Number(Number::new(part))),
        "" => None,
        _ => part.bytes().all(|b| b.is_ascii_alphanumeric()).then(|| Local::Word(part.into())),
    };
    text.split(['-', '_', '.']).map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Scheme;
    use std::cmp::Ordering;

    fn compare(a: &str, b: &str) -> Ordering {
        Scheme::Pep440.parse(a).expect(a).compare(&Scheme::Pep440.parse(b).expect(b))
    }

    #[test]
    fn spellings_are_normalised_as_the_pep_says() {
        for (spelling, normal) in [
            ("1.1RC1", "1.1rc1"),
            ("1.1alpha1", "1.1a1"),
            ("1.1-a1", "1.1a1"),
            ("1.1a-1", "1.1a1"),
            ("1.1_a.1", "1.1a1"),
            ("1.1c3", "1.1rc3"),
            ("1.1preview3", "1.1rc3"),
            ("1.2a", "1.2a0"),
            ("1.2-post2", "1.2.post2"),
            ("1.0-r4", "1.0.post4"),
            ("1.2.post", "1.2.post0"),
            ("1.0-1", "1.0.post1"),
            ("1.2-dev2", "1.2.dev2"),
            ("1.0+ubuntu-1", "1.0+ubuntu.1"),
            ("v1.0", "1.0"),
            ("1.0.post.dev", "1.0.post0.dev0"),
            ("01.00", "1"),
        ] {
            assert_eq!(compare(spelling, normal), Ordering::Equal, "{spelling} {normal}");
        }
    }

    #[test]
    fn legacy_versions_are_refused() {
        for text in ["2004d", "1.0-final", "1.0.", "1.0+", "1.0+a..b", "dev", "1.0 1", "1.0.*", "!1.0", "1.0-"] {
            assert!(Scheme::Pep440.parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_star_bound_lies_behind_all_local_versions_and_before_the_next_release() {
        for earlier in ["1.0", "1.0+zz", "1.0+99999999999999999999999.1"] {
            assert_eq!(compare(earlier, "1.0+*"), Ordering::Less, "{earlier}");
        }
        assert_eq!(compare("1.0+*", "1.0.post0.dev0"), Ordering::Less);
    }
}
