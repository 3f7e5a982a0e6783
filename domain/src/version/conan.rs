//! Conan: dotted items, then `-prerelease` and `+build`, each dotted again and without trailing
//! zeros; builds are ordered.
//!
//! Conan compares a number with a word as texts, which orders 2, 10 and `1a` in a circle.
//! Here numbers lie before words, as in semantic versioning.

use std::cmp::Ordering;

use super::Order;
use super::digits::{Number, all_digits};

#[derive(Clone, Debug)]
pub(super) struct Conan {
    items: Vec<Item>,
    pre: Option<Vec<Item>>,
    build: Option<Vec<Item>>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Item {
    Number(Number),
    Word(Box<str>),
}

impl Order for Conan {
    fn parse(text: &str) -> Option<Self> {
        let (core, build) = split_last(text, '+');
        let (core, pre) = split_last(core, '-');
        let named = core.starts_with(|c: char| c.is_ascii_alphanumeric());
        named.then(|| Self { items: items(core), pre: pre.map(items), build: build.map(items) })
    }

    fn compare(&self, other: &Self) -> Ordering {
        let pres = || match (&self.pre, &other.pre) {
            (Some(a), Some(b)) => a.cmp(b),
            (a, b) => a.is_none().cmp(&b.is_none()),
        };
        self.items.cmp(&other.items).then_with(pres).then_with(|| self.build.cmp(&other.build))
    }
}

fn split_last(text: &str, separator: char) -> (&str, Option<&str>) {
    match text.rsplit_once(separator) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

fn items(text: &str) -> Vec<Item> {
    let item = |part: &str| match part.is_empty() || all_digits(part) {
        true => Item::Number(Number::new(part)),
        false => Item::Word(part.into()),
    };
    let mut items: Vec<Item> = text.split('.').map(item).collect();
    while items.last() == Some(&Item::Number(Number::ZERO)) {
        items.pop();
    }
    items
}
