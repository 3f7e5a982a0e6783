//! Decimal numbers of any length. Dates, hashes and counters in versions overflow every
//! integer type, so numbers are compared as digit strings without leading zeros.

use std::cmp::Ordering;

/// Digits inside a version's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Digits<'a> {
    // Compared first: of two numbers without leading zeros the longer one is greater.
    length: usize,
    text: &'a str,
}

impl<'a> Digits<'a> {
    pub(super) const ZERO: Digits<'static> = Digits { length: 0, text: "" };

    /// `text` holds digits only; none at all is zero.
    pub(super) fn new(text: &'a str) -> Self {
        let text = text.trim_start_matches('0');
        Self { length: text.len(), text }
    }
}

/// A number that outlives the text it was read from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Number {
    Small(u64),
    /// Length and digits of what no `u64` holds, hence greater than every small one.
    Big(usize, Box<str>),
}

impl Number {
    pub(super) const ZERO: Self = Self::Small(0);

    /// `text` holds digits only; none at all is zero.
    pub(super) fn new(text: &str) -> Self {
        let text = text.trim_start_matches('0');
        match text.parse() {
            Ok(small) => Self::Small(small),
            Err(_) if text.is_empty() => Self::ZERO,
            Err(_) => Self::Big(text.len(), text.into()),
        }
    }
}

/// `text` plus one, for the upper bound of a notation such as `~1.2`.
pub(super) fn successor(text: &str) -> String {
    let trimmed = text.trim_start_matches('0');
    let kept = trimmed.trim_end_matches('9');
    let zeros = "0".repeat(trimmed.len() - kept.len());
    match kept.as_bytes().last() {
        None => format!("1{zeros}"),
        Some(last) => format!("{}{}{zeros}", &kept[..kept.len() - 1], char::from(last + 1)),
    }
}

/// Splits off the longest prefix whose bytes all satisfy `wanted`, a predicate on ASCII.
pub(super) fn split_while(text: &str, wanted: impl Fn(u8) -> bool) -> (&str, &str) {
    let end = text.bytes().position(|b| !wanted(b)).unwrap_or(text.len());
    text.split_at(end)
}

pub(super) fn split_digits(text: &str) -> (&str, &str) {
    split_while(text, |b| b.is_ascii_digit())
}

pub(super) fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Splits off `1.2.3`: numbers with single dots between them, at least one.
pub(super) fn split_release(text: &str) -> Option<(&str, &str)> {
    let mut end = split_digits(text).0.len();
    if end == 0 {
        return None;
    }
    while let Some(rest) = text.get(end..).and_then(|rest| rest.strip_prefix('.')) {
        match split_digits(rest).0.len() {
            0 => break,
            length => end += 1 + length,
        }
    }
    Some(text.split_at(end))
}

/// Compares dotted numbers; what one side lacks counts as zero.
pub(super) fn compare_releases(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.split('.').map(Digits::new), b.split('.').map(Digits::new));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (left, right) => left.unwrap_or(Digits::ZERO).cmp(&right.unwrap_or(Digits::ZERO)),
        };
        if order.is_ne() {
            return order;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_numbers_keep_their_order() {
        let long = "9".repeat(30);
        assert!(Digits::new(&long) > Digits::new("00099") && Digits::new("") == Digits::new("000"));
        assert!(Number::new(&long) > Number::new("18446744073709551615"));
        assert!(Number::new("18446744073709551616") > Number::new("18446744073709551615"));
        assert_eq!(Number::new("007"), Number::Small(7));
    }

    #[test]
    fn the_successor_carries() {
        for (number, next) in [("0", "1"), ("", "1"), ("9", "10"), ("199", "200"), ("0199", "200"), ("41", "42")] {
            assert_eq!(successor(number), next);
        }
    }

    #[test]
    fn a_release_ends_before_what_is_no_number() {
        assert_eq!(split_release("1.2.rc1"), Some(("1.2", ".rc1")));
        assert_eq!(split_release("1..2"), Some(("1", "..2")));
        assert_eq!(split_release("x"), None);
    }
}
