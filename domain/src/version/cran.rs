//! R: numbers between dots and hyphens, which are the same; a prefix lies before its extension
//! and there are no fractions (`0.9 < 0.75`).

use std::cmp::Ordering;

use super::Order;
use super::digits::{Digits, all_digits};

#[derive(Clone, Debug)]
pub(super) struct Cran(Box<str>);

impl Order for Cran {
    fn parse(text: &str) -> Option<Self> {
        text.split(['.', '-']).all(all_digits).then(|| Self(text.into()))
    }

    fn compare(&self, other: &Self) -> Ordering {
        self.numbers().cmp(other.numbers())
    }
}

impl Cran {
    fn numbers(&self) -> impl Iterator<Item = Digits<'_>> {
        self.0.split(['.', '-']).map(Digits::new)
    }
}
