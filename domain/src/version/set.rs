//! Sets of versions as unions of intervals: complement and intersection.
//!
//! An end of an interval is a cut between versions, so that inclusive and exclusive bounds need
//! no cases of their own: `Introduced(v)` and `Fixed(v)` cut just before v, `After(v)` and
//! `LastAffected(v)` just behind it.

use std::cmp::Ordering;

use super::{InvalidVersion, Scheme, Version};
use crate::advisory::{Interval, Lower, Upper};

/// Everything outside the union of `intervals`, in ascending order. The complement of nothing
/// is everything. RubySec's vulnerable versions are the complement of patched and unaffected.
pub fn complement(scheme: Scheme, intervals: &[Interval]) -> Result<Vec<Interval>, InvalidVersion> {
    let mut outside = Vec::new();
    let mut from = Cut::Start;
    for span in merged(read(scheme, intervals)?) {
        if from.cmp(&span.from).is_lt() {
            outside.push(Span { from, to: span.from });
        }
        from = span.to;
    }
    if from.cmp(&Cut::End).is_lt() {
        outside.push(Span { from, to: Cut::End });
    }
    Ok(outside.into_iter().map(Span::interval).collect())
}

/// What lies in both unions, in ascending order; empty when they have no version in common.
pub fn intersect(scheme: Scheme, a: &[Interval], b: &[Interval]) -> Result<Vec<Interval>, InvalidVersion> {
    let (a, b) = (merged(read(scheme, a)?), merged(read(scheme, b)?));
    let (mut left, mut right) = (a.iter().peekable(), b.iter().peekable());
    let mut common = Vec::new();
    while let (Some(mine), Some(theirs)) = (left.peek(), right.peek()) {
        let from = if mine.from.cmp(&theirs.from).is_lt() { &theirs.from } else { &mine.from };
        let mine_ends_first = mine.to.cmp(&theirs.to).is_lt();
        let to = if mine_ends_first { &mine.to } else { &theirs.to };
        if from.cmp(to).is_lt() {
            common.push(Span { from: from.clone(), to: to.clone() });
        }
        match mine_ends_first {
            true => left.next(),
            false => right.next(),
        };
    }
    Ok(common.into_iter().map(Span::interval).collect())
}

#[derive(Clone)]
enum Cut {
    Start,
    At { version: Version, text: String, behind: bool },
    End,
}

#[derive(Clone)]
struct Span {
    from: Cut,
    to: Cut,
}

impl Cut {
    fn at(scheme: Scheme, text: &str, behind: bool) -> Result<Self, InvalidVersion> {
        Ok(Self::At { version: scheme.parse_bound(text)?, text: text.to_owned(), behind })
    }

    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::At { version: a, behind: a_behind, .. }, Self::At { version: b, behind: b_behind, .. }) => {
                a.compare(b).then(a_behind.cmp(b_behind))
            }
            (a, b) => a.rank().cmp(&b.rank()),
        }
    }

    const fn rank(&self) -> u8 {
        match self {
            Self::Start => 0,
            Self::At { .. } => 1,
            Self::End => 2,
        }
    }
}

impl Span {
    fn interval(self) -> Interval {
        let lower = match self.from {
            Cut::At { text, behind: false, .. } => Lower::Introduced(text),
            Cut::At { text, behind: true, .. } => Lower::After(text),
            Cut::Start | Cut::End => Lower::Start,
        };
        let upper = match self.to {
            Cut::At { text, behind: false, .. } => Upper::Fixed(text),
            Cut::At { text, behind: true, .. } => Upper::LastAffected(text),
            Cut::Start | Cut::End => Upper::Open,
        };
        Interval { lower, upper }
    }
}

/// The intervals that hold anything at all.
fn read(scheme: Scheme, intervals: &[Interval]) -> Result<Vec<Span>, InvalidVersion> {
    let mut spans = Vec::with_capacity(intervals.len());
    for interval in intervals {
        let from = match &interval.lower {
            Lower::Start => Cut::Start,
            Lower::Introduced(text) => Cut::at(scheme, text, false)?,
            Lower::After(text) => Cut::at(scheme, text, true)?,
        };
        let to = match &interval.upper {
            Upper::Open => Cut::End,
            Upper::Fixed(text) => Cut::at(scheme, text, false)?,
            Upper::LastAffected(text) => Cut::at(scheme, text, true)?,
        };
        if from.cmp(&to).is_lt() {
            spans.push(Span { from, to });
        }
    }
    Ok(spans)
}

/// Ascending and disjoint. Sorted by insertion: the library's sort may panic on the orders
/// that are not transitive (see the room's description), and the lists are short.
fn merged(spans: Vec<Span>) -> Vec<Span> {
    let mut sorted: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        let before = |other: &Span| other.from.cmp(&span.from).is_le();
        let place = sorted.iter().rposition(before).map_or(0, |last| last + 1);
        sorted.insert(place, span);
    }
    let mut merged: Vec<Span> = Vec::with_capacity(sorted.len());
    for span in sorted {
        match merged.last_mut() {
            Some(last) if span.from.cmp(&last.to).is_le() => {
                if last.to.cmp(&span.to).is_lt() {
                    last.to = span.to;
                }
            }
            _ => merged.push(span),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::version::parse_constraints;

    const SCHEME: Scheme = Scheme::Gem;

    fn ranges(text: &str) -> Vec<Interval> {
        parse_constraints(SCHEME, text).expect(text)
    }

    #[test]
    fn the_complement_of_patched_versions_is_what_is_vulnerable() {
        let patched = ranges("~> 1.2.3 || >= 1.4.1");
        let vulnerable = complement(SCHEME, &patched).expect("valid bounds");
        assert_eq!(
            vulnerable,
            [
                Interval::below("1.2.3"),
                Interval { lower: Lower::Introduced("1.3~".into()), upper: Upper::Fixed("1.4.1".into()) },
            ]
        );
        let hit = |version: &str| {
            let version = SCHEME.parse(version).expect(version);
            vulnerable.iter().any(|range| range.contains(SCHEME, &version).expect("valid bounds"))
        };
        assert!(hit("1.2.2") && hit("1.3.a") && hit("1.3") && hit("1.4.1.rc1"));
        assert!(!hit("1.2.3") && !hit("1.2.99") && !hit("1.4.1"));
    }

    #[test]
    fn nothing_and_everything_are_complements() {
        assert_eq!(complement(SCHEME, &[]), Ok(vec![Interval::all()]));
        assert_eq!(complement(SCHEME, &[Interval::all()]), Ok(vec![]));
        let split = ranges("< 1 || >= 1");
        assert_eq!(complement(SCHEME, &split), Ok(vec![]));
        assert_eq!(complement(SCHEME, &ranges("< 1 || > 1")), Ok(ranges("= 1")));
    }

    #[test]
    fn intersections_keep_the_tighter_bounds() {
        let both = intersect(SCHEME, &ranges(">= 1 || = 0.5"), &ranges("< 2 || > 3")).expect("valid bounds");
        assert_eq!(both, ranges("= 0.5 || >= 1, < 2 || > 3"));
        assert_eq!(intersect(SCHEME, &ranges("< 1"), &ranges("> 1")), Ok(vec![]));
        assert!(intersect(SCHEME, &[Interval::below("?")], &[]).is_err());
    }
}
