//! pacman: `[epoch:]pkgver[-pkgrel]`. An older RPM's comparison with two differences: letters
//! glued to the end make a version older (`1.0rc < 1.0`), and wider separators win.
//!
//! As in `vercmp`, the release is compared only when both sides have one, which costs
//! transitivity between versions with and without it. Separators at the very end are dropped:
//! pacman orders them in circles, and no package has them.

use std::cmp::Ordering;

use super::Order;
use super::digits::{Digits, Number, split_digits, split_while};

#[derive(Clone, Debug)]
pub(super) struct Alpm {
    epoch: Number,
    version: Box<str>,
    release: Option<Box<str>>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Token<'a> {
    /// Letters right behind a number.
    Glued(&'a str),
    End,
    /// Anything else, by the width of the separator before it.
    Next(usize, Segment<'a>),
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Segment<'a> {
    Word(&'a str),
    Number(Digits<'a>),
}

impl Order for Alpm {
    fn parse(text: &str) -> Option<Self> {
        let (digits, rest) = split_digits(text);
        let (epoch, label) = match rest.strip_prefix(':') {
            Some(label) => (Number::new(digits), label),
            None => (Number::ZERO, text),
        };
        let (version, release) = match label.rsplit_once('-') {
            Some((version, release)) => (version, Some(release)),
            None => (label, None),
        };
        let version = trim_end(version);
        (!version.is_empty()).then(|| Self {
            epoch,
            version: version.into(),
            release: release.map(trim_end).map(Into::into),
        })
    }

    fn compare(&self, other: &Self) -> Ordering {
        let releases = || match (&self.release, &other.release) {
            (Some(a), Some(b)) => tokens(a).cmp(tokens(b)),
            _ => Ordering::Equal,
        };
        self.epoch.cmp(&other.epoch).then_with(|| tokens(&self.version).cmp(tokens(&other.version))).then_with(releases)
    }
}

fn trim_end(text: &str) -> &str {
    text.trim_end_matches(|c: char| !c.is_ascii_alphanumeric())
}

fn tokens(text: &str) -> impl Iterator<Item = Token<'_>> {
    let mut rest = Some(text);
    let mut first = true;
    std::iter::from_fn(move || {
        let (separator, text) = split_while(rest?, |b| !b.is_ascii_alphanumeric());
        let (digits, after) = split_digits(text);
        let (token, after) = if text.is_empty() {
            (Token::End, None)
        } else if digits.is_empty() {
            let (word, after) = split_while(text, |b| b.is_ascii_alphabetic());
            let token = match separator.is_empty() && !first {
                true => Token::Glued(word),
                false => Token::Next(separator.len(), Segment::Word(word)),
            };
            (token, Some(after))
        } else {
            (Token::Next(separator.len(), Segment::Number(Digits::new(digits))), Some(after))
        };
        (rest, first) = (after, false);
        Some(token)
    })
}
