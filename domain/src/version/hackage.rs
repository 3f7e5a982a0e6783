//! Haskell's package versioning policy: numbers between dots, a prefix before its extension.

use std::cmp::Ordering;

use super::Order;
use super::digits::{Digits, all_digits};

#[derive(Clone, Debug)]
pub(super) struct Hackage(Box<str>);

impl Order for Hackage {
    fn parse(text: &str) -> Option<Self> {
        text.split('.').all(all_digits).then(|| Self(text.into()))
    }

    fn compare(&self, other: &Self) -> Ordering {
        self.numbers().cmp(other.numbers())
    }
}

impl Hackage {
    fn numbers(&self) -> impl Iterator<Item = Digits<'_>> {
        self.0.split('.').map(Digits::new)
    }
}
