//! apk-tools 3: `1.2.3b_rc1_p2~hash-r4`, compared token by token.
//!
//! Later numbers with a leading zero are compared as fractions (`1.05 < 1.1`); a version that
//! ends first is the lesser unless the other goes on with a prerelease suffix. apk also
//! orders texts that break its grammar: what follows the break lies before every regular
//! continuation. So only a text without any letter or digit is refused here; anything else
//! old repositories hold is ordered as apk does, and the doubtful side counts as older.

use std::cmp::Ordering;

use super::Order;
use super::digits::{Digits, split_digits, split_while};

const PRE_SUFFIXES: [&str; 4] = ["alpha", "beta", "pre", "rc"];
const POST_SUFFIXES: [&str; 5] = ["cvs", "svn", "git", "hg", "p"];

#[derive(Clone, Debug)]
pub(super) struct Apk(Box<str>);

/// From least to greatest, when two versions agree up to here and then go on differently.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Token<'a> {
    PreSuffix(usize),
    /// The grammar is broken; nothing follows.
    Broken(&'a str),
    End,
    Revision(Digits<'a>),
    Hash(&'a str),
    SuffixNumber(Digits<'a>),
    PostSuffix(usize),
    Letter(u8),
    Fraction(&'a str),
    Number(Digits<'a>),
}

impl Order for Apk {
    fn parse(text: &str) -> Option<Self> {
        text.bytes().any(|b| b.is_ascii_alphanumeric()).then(|| Self(text.into()))
    }

    fn compare(&self, other: &Self) -> Ordering {
        self.tokens().cmp(other.tokens())
    }
}

impl Apk {
    /// Does the whole text follow the grammar? Where a broken text stands in the order is a
    /// guess, which is safe for an installed version and not for the bound of an advisory.
    pub(super) fn is_regular(&self) -> bool {
        !self.tokens().any(|token| matches!(token, Token::Broken(_)))
    }

    fn tokens(&self) -> impl Iterator<Item = Token<'_>> {
        let mut rest = &*self.0;
        let mut last = None;
        std::iter::from_fn(move || {
            if matches!(last, Some(Token::End | Token::Broken(_))) {
                return None;
            }
            let token = match last {
                None => first_number(&mut rest),
                Some(last) => next(last, &mut rest),
            };
            last = Some(token);
            last
        })
    }
}

fn first_number<'a>(rest: &mut &'a str) -> Token<'a> {
    match split_digits(rest) {
        ("", broken) => Token::Broken(broken),
        (digits, after) => {
            *rest = after;
            Token::Number(Digits::new(digits))
        }
    }
}

fn next<'a>(last: Token<'a>, rest: &mut &'a str) -> Token<'a> {
    let text = *rest;
    let in_numbers = matches!(last, Token::Number(_) | Token::Fraction(_));
    let in_suffix = matches!(last, Token::PreSuffix(_) | Token::PostSuffix(_));
    let before_hash = !matches!(last, Token::Hash(_) | Token::Revision(_));
    let before_revision = !matches!(last, Token::Revision(_));
    let read = match text.as_bytes().first() {
        None => return Token::End,
        Some(letter) if in_numbers && letter.is_ascii_lowercase() => Some((Token::Letter(*letter), &text[1..])),
        Some(b'.') if in_numbers => number(&text[1..]),
        // `6.6.2p1`: outside the grammar of apk 3, but in the repositories of apk 2.
        Some(b'0'..=b'9') if matches!(last, Token::Letter(_)) => number(text),
        Some(b'0'..=b'9') if in_suffix => {
            let (digits, after) = split_digits(text);
            Some((Token::SuffixNumber(Digits::new(digits)), after))
        }
        Some(b'_') if before_hash => suffix(&text[1..]),
        Some(b'~') if before_hash => {
            let (hash, after) = split_while(&text[1..], |b| b.is_ascii_hexdigit());
            (!hash.is_empty()).then_some((Token::Hash(hash), after))
        }
        Some(b'-') if before_revision => revision(text),
        Some(_) => None,
    };
    match read {
        Some((token, after)) => {
            *rest = after;
            token
        }
        // apk takes all broken revisions for the same and sorts other breaks as text.
        None if text.starts_with('-') => Token::Broken(""),
        None => Token::Broken(text),
    }
}

fn number(text: &str) -> Option<(Token<'_>, &str)> {
    match split_digits(text) {
        ("", _) => None,
        (digits, after) if digits.starts_with('0') => Some((Token::Fraction(digits), after)),
        (digits, after) => Some((Token::Number(Digits::new(digits)), after)),
    }
}

fn suffix(text: &str) -> Option<(Token<'_>, &str)> {
    let (word, after) = split_while(text, |b| b.is_ascii_lowercase());
    let place = |suffixes: &[&str]| suffixes.iter().position(|suffix| *suffix == word);
    let token = match (place(&PRE_SUFFIXES), place(&POST_SUFFIXES)) {
        (Some(place), _) => Token::PreSuffix(place),
        (None, Some(place)) => Token::PostSuffix(place),
        (None, None) => return None,
    };
    Some((token, after))
}

/// `-r4`; `-r` alone counts as `-r0`.
fn revision(text: &str) -> Option<(Token<'_>, &str)> {
    let (digits, after) = split_digits(text.strip_prefix("-r")?);
    let complete = !digits.is_empty() || after.is_empty() || after.starts_with('-');
    complete.then(|| (Token::Revision(Digits::new(digits)), after))
}
