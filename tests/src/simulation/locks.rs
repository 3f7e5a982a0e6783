//! Byte-range locks between the handles of one simulated machine.

use std::ops::Bound;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

#[derive(Debug)]
struct Held {
    file: usize,
    handle: usize,
    first: u64,
    last: u64,
    shared: bool,
}

#[derive(Debug, Default)]
pub(super) struct Locks {
    held: Mutex<Vec<Held>>,
    released: Condvar,
}

fn ends(start: Bound<u64>, end: Bound<u64>) -> (u64, u64) {
    let first = match start {
        Bound::Unbounded => 0,
        Bound::Included(at) => at,
        Bound::Excluded(at) => at + 1,
    };
    let last = match end {
        Bound::Unbounded => u64::MAX,
        Bound::Included(at) => at,
        Bound::Excluded(at) => at - 1,
    };
    (first, last)
}

impl Locks {
    fn held(&self) -> MutexGuard<'_, Vec<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn conflict(held: &[Held], file: usize, handle: usize, (first, last): (u64, u64), shared: bool) -> bool {
        held.iter().any(|other| {
            other.file == file
                && other.handle != handle
                && other.first <= last
                && first <= other.last
                && !(shared && other.shared)
        })
    }

    pub(super) fn take(
        &self,
        (file, handle): (usize, usize),
        (start, end): (Bound<u64>, Bound<u64>),
        shared: bool,
        wait: bool,
    ) -> bool {
        let (first, last) = ends(start, end);
        let mut held = self.held();
        while Self::conflict(&held, file, handle, (first, last), shared) {
            if !wait {
                return false;
            }
            held = self.released.wait(held).unwrap_or_else(PoisonError::into_inner);
        }
        held.push(Held { file, handle, first, last, shared });
        true
    }

    pub(super) fn would_conflict(
        &self,
        (file, handle): (usize, usize),
        (start, end): (Bound<u64>, Bound<u64>),
    ) -> bool {
        Self::conflict(&self.held(), file, handle, ends(start, end), false)
    }

    pub(super) fn release(&self, (file, handle): (usize, usize), (start, end): (Bound<u64>, Bound<u64>)) {
        let (first, last) = ends(start, end);
        let same = |other: &Held| (other.file, other.handle, other.first, other.last) == (file, handle, first, last);
        self.held().retain(|other| !same(other));
        self.released.notify_all();
    }

    pub(super) fn release_all(&self, handle: usize) {
        self.held().retain(|other| other.handle != handle);
        self.released.notify_all();
    }
}
