//! Is a new data set plausible beside the old one?
//!
//! A signed kit can still be wrong: a feed that came in half, a parser that lost a field. Everything it
//! lacks would then read as "no longer vulnerable". What shrinks by more than a source does in
//! honest work is a reason to hold the kit until somebody has looked.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use domain::source::SourceStatus;
use serde::Serialize;
use store::{Census, Generation, GenerationRow, Store, StoreError};

/// More than this share lost is a concern, in percent.
pub const LOSS_PERCENT_MAX: u64 = 30;
/// Losses below this count are everyday work in small sources.
pub const LOSS_COUNTED_MIN: u64 = 10;

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
    /// Advisories of all sources together.
    Advisories,
    /// Records that a source gave, by its own account.
    SourceRecords,
    /// Assertions about packages that are a source's.
    SourceAssertions,
    /// Assertions about the packages of an ecosystem.
    EcosystemAssertions,
    /// The data was complete for an ecosystem and is not any more.
    EcosystemIncomplete,
    /// Advisories that some source gives a severity.
    Severities,
    /// Severities that a source gives for each hundred of its assertions.
    SeverityShare,
    /// Ratings that a source gave.
    Ratings,
    /// Entries of the known-exploited catalogue.
    KnownExploited,
    /// EPSS estimates.
    Epss,
}

impl Display for Concern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, subject, before, after } = self;
        match kind {
            ConcernKind::Advisories => write!(f, "advisories: {before} before, {after} now"),
            ConcernKind::SourceRecords => write!(f, "records of {subject}: {before} before, {after} now"),
            ConcernKind::SourceAssertions => write!(f, "statements of {subject}: {before} before, {after} now"),
            ConcernKind::EcosystemAssertions => {
                write!(f, "statements about packages of {subject}: {before} before, {after} now")
            }
            ConcernKind::EcosystemIncomplete => write!(f, "the data for {subject} was complete and is not any more"),
            ConcernKind::Severities => write!(f, "advisories with a severity: {before} before, {after} now"),
            ConcernKind::SeverityShare => {
                write!(f, "severities for a hundred statements of {subject}: {before} before, {after} now")
            }
            ConcernKind::Ratings => write!(f, "severities given by {subject}: {before} before, {after} now"),
            ConcernKind::KnownExploited => {
                write!(f, "entries of the known-exploited catalogue: {before} before, {after} now")
            }
            ConcernKind::Epss => write!(f, "EPSS estimates: {before} before, {after} now"),
        }
    }
}

/// Everything that speaks against making `new` active without a look, compared with `old`.
pub fn sanity(old: &Generation, new: &Generation) -> Result<Vec<Concern>, StoreError> {
    let (before, after) = (old.census()?, new.census()?);
    Ok(concerns((&old.row().sources, &before), (&new.row().sources, &after)))
}

/// The same for a generation that is not active yet, against the one that is. A site that has none has nothing to lose.
pub(crate) fn against_active(store: &Store, new: &GenerationRow) -> Result<Vec<Concern>, StoreError> {
    let Some(current) = store.current()? else { return Ok(Vec::new()) };
    let rows = store.generations()?;
    let Some(old) = rows.iter().find(|row| row.number == current) else { return Ok(Vec::new()) };
    match (&old.census, &new.census) {
        // As every import counts: no index needs to be opened.
        (Some(before), Some(after)) => Ok(concerns((&old.sources, before), (&new.sources, after))),
        _ => sanity(&store.open_generation(current)?, &store.open_staged(new)?),
    }
}

/// What the sources say that they gave, and what was counted.
type Data<'a> = (&'a [SourceStatus], &'a Census);

pub(super) fn concerns((old, before): Data<'_>, (new, after): Data<'_>) -> Vec<Concern> {
    let mut found: Vec<Concern> =
        loss(ConcernKind::Advisories, "", before.advisories, after.advisories).into_iter().collect();
    found.extend(losses(ConcernKind::SourceRecords, &records(old), &records(new)));
    found.extend(losses(ConcernKind::SourceAssertions, &before.statements, &after.statements));
    found.extend(losses(ConcernKind::EcosystemAssertions, &before.assertions, &after.assertions));
    found.extend(before.complete.difference(&after.complete).map(|ecosystem| incomplete(ecosystem)));
    found.extend(loss(ConcernKind::Severities, "", before.rated, after.rated));
    let ratings =
        shares(before, after).into_iter().chain(losses(ConcernKind::Ratings, &before.ratings, &after.ratings));
    found.extend(ratings.filter(|concern| !rates_in_passing(before, &concern.subject)));
    found.extend(loss(ConcernKind::KnownExploited, "", before.known_exploited, after.known_exploited));
    found.extend(loss(ConcernKind::Epss, "", before.epss, after.epss));
    found
}

/// A source that rates a few records among many may stop doing so. One that rates what it says may not.
fn rates_in_passing(census: &Census, source: &str) -> bool {
    let [ratings, statements] = [&census.ratings, &census.statements].map(|counts| counts.get(source).copied());
    let (ratings, statements) = (ratings.unwrap_or_default(), statements.unwrap_or_default());
    ratings < LOSS_COUNTED_MIN && ratings.saturating_mul(10) < statements
}

/// A source that grows and loses a field has no fewer severities than before, but fewer for what it says. The
/// share of all advisories would not do: it falls as well when a source joins that gives none.
fn shares(before: &Census, after: &Census) -> Vec<Concern> {
    let share = |census: &Census, source: &str| {
        let [ratings, statements] = [&census.ratings, &census.statements].map(|counts| counts.get(source).copied());
        Some((ratings.unwrap_or_default(), statements.filter(|count| *count > 0)?))
    };
    let of = |source: &String| {
        let ((ratings, statements), (now, many)) = (share(before, source)?, share(after, source)?);
        let expected = ratings.saturating_mul(many) / statements;
        let percent = |ratings: u64, statements: u64| ratings.saturating_mul(100) / statements;
        let (before, after) = (percent(ratings, statements), percent(now, many));
        let found = loss(ConcernKind::SeverityShare, source, expected, now);
        found.map(|concern| Concern { before, after, ..concern })
    };
    before.ratings.keys().filter_map(of).collect()
}

fn records(sources: &[SourceStatus]) -> BTreeMap<&str, u64> {
    sources.iter().map(|status| (status.source.as_str(), status.records)).collect()
}

fn incomplete(ecosystem: &str) -> Concern {
    Concern { kind: ConcernKind::EcosystemIncomplete, subject: ecosystem.to_owned(), before: 1, after: 0 }
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

    #[test]
    fn a_source_that_rates_in_passing_may_stop_and_one_that_rates_what_it_says_may_not() {
        let held = |ratings, statements| {
            let of = |count| [("go".to_owned(), count)].into();
            let before = Census { ratings: of(ratings), statements: of(statements), ..Census::default() };
            let after = Census { statements: of(statements), ..Census::default() };
            !concerns((&[], &before), (&[], &after)).is_empty()
        };
        // Two records of Go among thousands, which a whole kit was held for.
        assert!(!held(2, 4291));
        assert!(held(9, 9) && held(1, 1) && held(9, 90) && held(LOSS_COUNTED_MIN, 4291));
    }
}
