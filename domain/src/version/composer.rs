//! Composer: a release of numbers, then PHP's stability words.
//!
//! As Composer's own parser does before it compares, releases are padded with zeros
//! (1.0 = 1.0.0), `stable` and build metadata are dropped and `x` in a branch alias
//! (`1.x-dev`) is a very large number. `dev-branch` lies before every release: a branch has no
//! place among versions, and this one errs towards a finding.

use std::cmp::Ordering;

use super::Order;
use super::digits::{Number, all_digits, split_digits, split_while};

/// What Composer replaces `x` by.
const WILDCARD: Number = Number::Small(9_999_999);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Composer {
    /// Without trailing zeros.
    release: Vec<Number>,
    /// Ends with [`Token::End`].
    stability: Vec<Token>,
}

/// In PHP's order; words it does not know come first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Token {
    Branch(Box<str>),
    Unknown(Box<str>),
    Dev,
    Alpha,
    Beta,
    Candidate,
    End,
    Number(Number),
    Patch,
}

impl Order for Composer {
    fn parse(text: &str) -> Option<Self> {
        let lower = text.to_ascii_lowercase();
        if let Some(branch) = lower.strip_prefix("dev-") {
            return Some(Self { release: Vec::new(), stability: vec![Token::Branch(branch.into()), Token::End] });
        }
        let core = lower.split_once('+').map_or(&*lower, |(core, _)| core);
        let (release, rest) = release(core.strip_prefix('v').unwrap_or(core), core.ends_with("-dev"))?;
        Some(Self { release, stability: stability(rest)? })
    }

    fn compare(&self, other: &Self) -> Ordering {
        self.cmp(other)
    }
}

fn release(text: &str, alias: bool) -> Option<(Vec<Number>, &str)> {
    let mut release = Vec::new();
    let mut rest = text;
    loop {
        let (digits, after) = split_digits(rest);
        if !digits.is_empty() {
            release.push(Number::new(digits));
            rest = after;
        } else if let Some(after) = rest.strip_prefix(['x', '*']).filter(|_| alias && !release.is_empty()) {
            release.push(WILDCARD);
            rest = after;
        }
        match rest.strip_prefix(SEPARATORS) {
            Some(next) if next.starts_with(|c: char| c.is_ascii_digit()) => rest = next,
            Some(next) if alias && next.starts_with(['x', '*']) => rest = next,
            _ => break,
        }
    }
    if release.is_empty() {
        return None;
    }
    while release.last() == Some(&Number::ZERO) {
        release.pop();
    }
    Some((release, rest))
}

const SEPARATORS: [char; 3] = ['.', '-', '_'];

fn stability(mut rest: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    loop {
        rest = rest.trim_start_matches(SEPARATORS);
        let (part, after) = match rest.as_bytes().first() {
            None => break,
            Some(b'0'..=b'9') => split_digits(rest),
            Some(letter) if letter.is_ascii_alphabetic() => split_while(rest, |b| b.is_ascii_alphabetic()),
            Some(_) => return None,
        };
        tokens.extend(token(part));
        rest = after;
    }
    tokens.push(Token::End);
    Some(tokens)
}

fn token(part: &str) -> Option<Token> {
    Some(match part {
        "stable" => return None,
        "dev" => Token::Dev,
        "a" | "alpha" => Token::Alpha,
        "b" | "beta" => Token::Beta,
        "rc" => Token::Candidate,
        "p" | "pl" | "patch" | "post" => Token::Patch,
        _ if all_digits(part) => Token::Number(Number::new(part)),
        _ => Token::Unknown(part.into()),
    })
}
