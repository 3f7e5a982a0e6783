//! Debian: `[epoch:]upstream[-revision]`, compared by alternating runs of other characters and
//! digits, as `dpkg --compare-versions` does. `~` lies before the end of a run, letters
//! behind it, all other characters behind the letters. No revision equals revision 0.

use std::cmp::Ordering;

use super::Order;
use super::digits::{Digits, Number, all_digits, split_digits, split_while};

#[derive(Clone, Debug)]
pub(super) struct Dpkg {
    epoch: Number,
    upstream: Box<str>,
    revision: Box<str>,
}

impl Order for Dpkg {
    fn parse(text: &str) -> Option<Self> {
        let (epoch, rest) = match text.split_once(':') {
            Some((epoch, rest)) => (all_digits(epoch).then(|| Number::new(epoch))?, rest),
            None => (Number::ZERO, text),
        };
        let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, NO_REVISION));
        let revision = if revision.is_empty() { NO_REVISION } else { revision };
        // dpkg refuses `_`, but dotted names of other tools end up here and order well.
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b".+~_".contains(&b);
        let valid = !upstream.is_empty()
            && upstream.bytes().all(|b| allowed(b) || b == b'-' || b == b':')
            && revision.bytes().all(allowed);
        valid.then(|| Self { epoch, upstream: upstream.into(), revision: revision.into() })
    }

    fn compare(&self, other: &Self) -> Ordering {
        self.epoch
            .cmp(&other.epoch)
            .then_with(|| parts(&self.upstream).cmp(parts(&other.upstream)))
            .then_with(|| parts(&self.revision).cmp(parts(&other.revision)))
    }
}

const NO_REVISION: &str = "0";

/// A run of other characters and the number behind it.
type Part<'a> = (Run<'a>, Digits<'a>);

/// All parts and, so that a shorter text meets what follows in a longer one, an empty one.
fn parts(text: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let (run, after) = split_while(text, |b| !b.is_ascii_digit());
        let (digits, after) = split_digits(after);
        rest = (!text.is_empty()).then_some(after);
        Some((Run(run), Digits::new(digits)))
    })
}

#[derive(PartialEq, Eq)]
struct Run<'a>(&'a str);

impl Run<'_> {
    fn weights(&self) -> impl Iterator<Item = u16> {
        const END: u16 = 1;
        let weight = |b: u8| match b {
            b'~' => END - 1,
            _ if b.is_ascii_alphabetic() => END + u16::from(b),
            _ => END + 256 + u16::from(b),
        };
        self.0.bytes().map(weight).chain(std::iter::once(END))
    }
}

impl Ord for Run<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.weights().cmp(other.weights())
    }
}

impl PartialOrd for Run<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
