//! RPM: `[epoch:]version[-release]`, compared as `rpm.labelCompare` does, with `~` and `^`.
//!
//! A missing epoch is zero. A missing release lies before every release and equals an empty
//! one, as in labelCompare. RPM's dependency solver instead calls the two equal; that is no
//! order (1-1 = 1 = 1-2), and with it a component whose release was lost would look fixed.

use std::cmp::Ordering;

use super::Order;
use super::digits::{Digits, Number, split_digits, split_while};

#[derive(Clone, Debug)]
pub(super) struct Rpm {
    epoch: Number,
    version: Box<str>,
    release: Box<str>,
}

/// In the order of rpmvercmp: `~` lies before the end, `^` behind it.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Token<'a> {
    Tilde,
    End,
    Caret,
    Word(&'a str),
    Number(Digits<'a>),
}

impl Order for Rpm {
    fn parse(text: &str) -> Option<Self> {
        // Query formats print an absent epoch as `(none)`.
        let text = text.strip_prefix("(none):").unwrap_or(text);
        let (digits, rest) = split_digits(text);
        let (epoch, label) = match rest.strip_prefix(':') {
            Some(label) => (Number::new(digits), label),
            None => (Number::ZERO, text),
        };
        let (version, release) = label.rsplit_once('-').unwrap_or((label, ""));
        Some(Self { epoch, version: version.into(), release: release.into() })
    }

    fn compare(&self, other: &Self) -> Ordering {
        let releases = || match (self.release.is_empty(), other.release.is_empty()) {
            (false, false) => tokens(&self.release).cmp(tokens(&other.release)),
            (mine, theirs) => theirs.cmp(&mine),
        };
        self.epoch.cmp(&other.epoch).then_with(|| tokens(&self.version).cmp(tokens(&other.version))).then_with(releases)
    }
}

fn tokens(text: &str) -> impl Iterator<Item = Token<'_>> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let separates = |c: char| !c.is_ascii_alphanumeric() && c != '~' && c != '^';
        let text = rest?.trim_start_matches(separates);
        let (token, after) = match text.as_bytes().first() {
            None => (Token::End, None),
            Some(b'~') => (Token::Tilde, Some(&text[1..])),
            Some(b'^') => (Token::Caret, Some(&text[1..])),
            Some(b'0'..=b'9') => {
                let (digits, after) = split_digits(text);
                (Token::Number(Digits::new(digits)), Some(after))
            }
            Some(_) => {
                let (word, after) = split_while(text, |b| b.is_ascii_alphabetic());
                (Token::Word(word), Some(after))
            }
        };
        rest = after;
        Some(token)
    })
}
