//! Gentoo: numbers, a letter, suffixes and a revision, compared as the package manager
//! specification says. Later numbers with a leading zero are compared as fractions, and more
//! numbers are greater (`1 < 1.0`).

use std::cmp::Ordering;

use super::Order;
use super::digits::{Digits, Number, all_digits, split_digits, split_release, split_while};

#[derive(Clone, Debug)]
pub(super) struct Portage {
    numbers: Box<str>,
    /// Zero when there is none.
    letter: u8,
    /// Ends with [`Suffix::End`].
    suffixes: Vec<Suffix>,
    revision: Number,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Suffix {
    Alpha(Number),
    Beta(Number),
    Pre(Number),
    Candidate(Number),
    End,
    Patch(Number),
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Component<'a> {
    /// Digits behind the decimal point, without trailing zeros.
    Fraction(&'a str),
    Number(Digits<'a>),
}

impl Order for Portage {
    fn parse(text: &str) -> Option<Self> {
        let (numbers, rest) = split_release(text)?;
        let (letter, rest) = match rest.as_bytes().first() {
            Some(letter) if letter.is_ascii_lowercase() => (*letter, &rest[1..]),
            _ => (0, rest),
        };
        let (suffixes, revision) = match rest.rsplit_once("-r") {
            Some((suffixes, revision)) => (suffixes, all_digits(revision).then(|| Number::new(revision))?),
            None => (rest, Number::ZERO),
        };
        Some(Self { numbers: numbers.into(), letter, suffixes: read_suffixes(suffixes)?, revision })
    }

    fn compare(&self, other: &Self) -> Ordering {
        self.components()
            .cmp(other.components())
            .then_with(|| self.letter.cmp(&other.letter))
            .then_with(|| self.suffixes.cmp(&other.suffixes))
            .then_with(|| self.revision.cmp(&other.revision))
    }
}

impl Portage {
    fn components(&self) -> impl Iterator<Item = Component<'_>> {
        self.numbers.split('.').enumerate().map(|(place, digits)| match place > 0 && digits.starts_with('0') {
            true => Component::Fraction(digits.trim_end_matches('0')),
            false => Component::Number(Digits::new(digits)),
        })
    }
}

fn read_suffixes(text: &str) -> Option<Vec<Suffix>> {
    let mut suffixes = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (word, after) = split_while(rest.strip_prefix('_')?, |b| b.is_ascii_lowercase());
        let (digits, after) = split_digits(after);
        let number = Number::new(digits);
        suffixes.push(match word {
            "alpha" => Suffix::Alpha(number),
            "beta" => Suffix::Beta(number),
            "pre" => Suffix::Pre(number),
            "rc" => Suffix::Candidate(number),
            "p" => Suffix::Patch(number),
            _ => return None,
        });
        rest = after;
    }
    suffixes.push(Suffix::End);
    Some(suffixes)
}
