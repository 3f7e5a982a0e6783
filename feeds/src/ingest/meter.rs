//! A reader that counts against a budget shared by all readers of one input.
//!
//! Every layer that can grow its input (a decompressor) is read through one, so that a bomb is
//! caught by what it has unpacked, whatever its headers say.

use std::cell::Cell;
use std::io::{self, Read};

/// The budget is used up.
#[derive(Debug, thiserror::Error)]
#[error("the byte budget of the input is used up")]
pub(crate) struct BudgetExhausted;

pub(crate) struct Meter<'a, R> {
    inner: R,
    budget: &'a Cell<u64>,
}

impl<'a, R> Meter<'a, R> {
    pub(crate) fn new(inner: R, budget: &'a Cell<u64>) -> Self {
        Self { inner, budget }
    }
}

impl<R: Read> Read for Meter<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        match self.budget.get().checked_sub(count as u64) {
            Some(left) => self.budget.set(left),
            None => return Err(io::Error::other(BudgetExhausted)),
        }
        Ok(count)
    }
}

/// Was the budget, and not the input, the reason?
pub(crate) fn is_exhausted(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<BudgetExhausted>())
}

#[cfg(test)]
mod tests {
    use super::{Meter, is_exhausted};
    use std::cell::Cell;
    use std::io::Read;

    #[test]
    fn the_budget_is_exact_and_shared() {
        let budget = Cell::new(5);
        let mut text = String::new();
        Meter::new(&b"abc"[..], &budget).read_to_string(&mut text).expect("3 of 5");
        Meter::new(&b"de"[..], &budget).read_to_string(&mut text).expect("5 of 5");
        let error = Meter::new(&b"f"[..], &budget).read_to_string(&mut text).expect_err("6 of 5");
        assert!(is_exhausted(&error));
    }
}
