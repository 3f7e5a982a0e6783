//! Is a new data set plausible beside the old one?
//!
//! A signed kit can still be wrong: a feed that came in half, a parser that lost a field. Everything it
//! lacks would then read as "no longer vulnerable". What shrinks by more than a source does in
//! honest work is a reason to hold the kit until somebody has looked.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use domain::source::SourceStatus;
use serde::Serialize;
use store::{Generation, StoreError};

use super::compare::{Comparison, EcosystemChange, compare};

/// More than this share lost is a concern, in percent.
const LOSS_PERCENT_MAX: u64 = 30;
/// Losses below this count are everyday work in small sources.
const LOSS_COUNTED_MIN: u64 = 10;

/// A reason to hold a kit until somebody has looked at it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Concern {
    pub kind: ConcernKind,
    /// The source or ecosystem; empty for what has none.
    pub subject: String,
    pub before: u64,
    pub after: u64,
}

/// What there is less of than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConcernKind {
    /// Records that a source gave.
    SourceRecords,
    /// Assertions about the packages of an ecosystem.
    EcosystemAssertions,
    /// The data was complete for an ecosystem and is not any more.
    EcosystemIncomplete,
    /// Ratings that a source gave.
    Ratings,
    KnownExploited,
    Epss,
}

impl Display for Concern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, subject, before, after } = self;
        match kind {
            ConcernKind::SourceRecords => write!(f, "records of {subject}: {before} before, {after} now"),
            ConcernKind::EcosystemAssertions => {
                write!(f, "statements about packages of {subject}: {before} before, {after} now")
            }
            ConcernKind::EcosystemIncomplete => write!(f, "the data for {subject} was complete and is not any more"),
            ConcernKind::Ratings => write!(f, "severities given by {subject}: {before} before, {after} now"),
            ConcernKind::KnownExploited => {
                write!(f, "advisories known to be exploited: {before} before, {after} now")
            }
            ConcernKind::Epss => write!(f, "advisories with an EPSS estimate: {before} before, {after} now"),
        }
    }
}

/// Everything that speaks against making `new` active without a look, compared with `old`.
pub fn sanity(old: &Generation, new: &Generation) -> Result<Vec<Concern>, StoreError> {
    Ok(concerns(old, new, &compare(old, new)?))
}

pub(super) fn concerns(old: &Generation, new: &Generation, comparison: &Comparison) -> Vec<Concern> {
    let Comparison { data, before, after, .. } = comparison;
    let mut found = losses(ConcernKind::SourceRecords, &records(&old.row().sources), &records(&new.row().sources));
    found.extend(losses(ConcernKind::EcosystemAssertions, &before.assertions, &after.assertions));
    found.extend(data.ecosystems.iter().filter_map(incomplete));
    found.extend(losses(ConcernKind::Ratings, &before.ratings, &after.ratings));
    found.extend(loss(ConcernKind::KnownExploited, "", before.known_exploited, after.known_exploited));
    found.extend(loss(ConcernKind::Epss, "", before.with_epss, after.with_epss));
    found
}

fn records(sources: &[SourceStatus]) -> BTreeMap<&str, u64> {
    sources.iter().map(|status| (status.source.as_str(), status.records)).collect()
}

fn incomplete(change: &EcosystemChange) -> Option<Concern> {
    (change.before == "complete").then(|| Concern {
        kind: ConcernKind::EcosystemIncomplete,
        subject: change.ecosystem.clone(),
        before: 1,
        after: 0,
    })
}

fn losses<K: Ord + Display>(kind: ConcernKind, before: &BTreeMap<K, u64>, after: &BTreeMap<K, u64>) -> Vec<Concern> {
    let of = |(subject, count): (&K, &u64)| {
        loss(kind, &subject.to_string(), *count, after.get(subject).copied().unwrap_or_default())
    };
    before.iter().filter_map(of).collect()
}

fn loss(kind: ConcernKind, subject: &str, before: u64, after: u64) -> Option<Concern> {
    let lost = before.saturating_sub(after);
    let gone = before > 0 && after == 0;
    let much = lost >= LOSS_COUNTED_MIN && lost.saturating_mul(100) > before.saturating_mul(LOSS_PERCENT_MAX);
    (gone || much).then(|| Concern { kind, subject: subject.to_owned(), before, after })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_of_more_than_thirty_percent_is_a_concern_and_less_is_not() {
        let of = |before, after| loss(ConcernKind::SourceRecords, "ghsa", before, after).is_some();
        assert!(!of(100, 70));
        assert!(of(100, 69));
        assert!(!of(100, 200));
        assert!(!of(0, 0));
    }

    #[test]
    fn a_small_source_may_lose_a_few_records_but_not_all() {
        let of = |before, after| loss(ConcernKind::SourceRecords, "small", before, after).is_some();
        assert!(!of(10, 1), "nine records are below what is counted");
        assert!(of(10, 0));
        assert!(of(1, 0));
    }
}
