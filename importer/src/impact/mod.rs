//! What another generation would change for the stored SBOMs, before it is made active.
//!
//! ```text
//! both generations, row by row -> changed packages -> SBOMs whose footprint has one of them
//!   -> those components judged by both -> differences -> report
//! ```
//!
//! The cost follows the SBOMs that are touched, and of them the components that are touched: all
//! others have the same findings under both, because a finding rests on nothing but its package's
//! assertions, the summaries of their advisories and how complete the data is for the ecosystem. VEX in the kit
//! may speak of anything, so that all SBOMs are judged when it is other VEX. The site's own is not asked.

mod compare;
mod concerns;
mod difference;
mod report;
mod tally;

pub use compare::{Comparison, Counts, DataChanges, EcosystemChange, compare};
pub(crate) use concerns::against_active;
pub use concerns::{Concern, ConcernKind, LOSS_COUNTED_MIN, LOSS_PERCENT_MAX, sanity};
pub use difference::{Change, ChangeKind, Flip};
pub use report::{
    AdvisoryImpact, DocumentImpact, GenerationFacts, Impact, SCHEMA, SbomCounts, Totals, Unreadable, VerdictCounts,
};

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;

use domain::time::Timestamp;
use store::{Blobs, Generation, SHARDS, Sboms, Snapshot, StoreError};

use difference::Judge;
use tally::Tally;

/// What a preview needs of its surroundings.
#[derive(Clone, Copy)]
pub struct Terms<'a> {
    /// Where the documents of the generations are.
    pub blobs: &'a Blobs,
    pub now: Timestamp,
    /// Named in verdicts and in the report.
    pub engine: &'a str,
    pub threads: NonZeroUsize,
    pub progress: &'a (dyn Fn(Progress) + Sync),
}

/// How far a preview is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Footprints that an older version of the program made are made again.
    Renewing,
    Comparing,
    Evaluating {
        looked_at: u64,
        stored: u64,
        touched: u64,
    },
}

/// Says what `new` changes for all stored SBOMs, compared with `old`.
pub fn impact(sboms: &Sboms, old: &Generation, new: &Generation, terms: &Terms<'_>) -> Result<Impact, StoreError> {
    (terms.progress)(Progress::Renewing);
    sboms.renew_footprints()?;
    (terms.progress)(Progress::Comparing);
    let comparison = compare(old, new)?;
    let snapshot = sboms.snapshot()?;
    let judge = Judge::new(old, new, &comparison, terms)?;
    let run = Run {
        snapshot: &snapshot,
        judge: &judge,
        stored: snapshot.count()?,
        next: AtomicUsize::new(0),
        looked_at: AtomicU64::new(0),
        touched: AtomicU64::new(0),
        progress: terms.progress,
    };
    let tally = run.on_threads(terms.threads)?;
    let stored = run.stored;
    Ok(tally.report(old, new, comparison, stored, terms))
}

/// What the threads of one preview share.
struct Run<'a> {
    snapshot: &'a Snapshot<'a>,
    judge: &'a Judge<'a>,
    stored: u64,
    next: AtomicUsize,
    looked_at: AtomicU64,
    touched: AtomicU64,
    progress: &'a (dyn Fn(Progress) + Sync),
}

impl Run<'_> {
    fn on_threads(&self, threads: NonZeroUsize) -> Result<Tally, StoreError> {
        thread::scope(|scope| {
            let handles: Vec<_> = (0..threads.get()).map(|_| scope.spawn(|| self.work())).collect();
            let mut all = Tally::default();
            for handle in handles {
                let part = handle.join().unwrap_or_else(|_| Err(panicked()));
                all.join(part?);
            }
            Ok(all)
        })
    }

    fn work(&self) -> Result<Tally, StoreError> {
        let views = self.judge.views()?;
        let mut tally = Tally::default();
        loop {
            let shard = self.next.fetch_add(1, Ordering::Relaxed);
            if shard >= SHARDS {
                return Ok(tally);
            }
            let mut touched = 0;
            let count = self.snapshot.footprints(shard, |digest, footprint| {
                if self.judge.concerns(&footprint) {
                    touched += 1;
                    match self.snapshot.read(&digest) {
                        Ok((row, inventory)) => tally.add(row.clone(), self.judge.judge(&row, &inventory, &views)?),
                        // One damaged row must not hide what happens to all others.
                        Err(StoreError::Damaged { what }) => tally.add_unreadable(digest, what),
                        Err(error) => return Err(error),
                    }
                }
                Ok(())
            })?;
            let looked_at = self.looked_at.fetch_add(count, Ordering::Relaxed) + count;
            let touched = self.touched.fetch_add(touched, Ordering::Relaxed) + touched;
            (self.progress)(Progress::Evaluating { looked_at, stored: self.stored, touched });
        }
    }
}

fn panicked() -> StoreError {
    StoreError::Damaged { what: "a thread that evaluates SBOMs panicked".to_owned() }
}
