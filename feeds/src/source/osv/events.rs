//! OSV events to intervals.
//!
//! OSV says: sort the events by version, then sweep; `introduced` switches on, `fixed` switches
//! off at its version, `last_affected` just after it. The intervals are the stretches that are
//! on. They contain exactly the versions that the sweep finds affected.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use domain::advisory::{Interval, Lower, Upper};
use domain::version::{InvalidVersion, Scheme, Version};

use super::model::OsvEvent;

/// More events than any real range has; sorting is quadratic, so their number is limited.
const MOST_EVENTS: usize = 4096;

/// What a list of events comes to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Swept {
    pub(super) intervals: Vec<Interval>,
    /// What was not as OSV has it.
    pub(super) remarks: Vec<Remark>,
}

/// A departure from OSV, with the text to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remark {
    Unordered,
    NoIntroduced,
    NoEvents,
    TooManyEvents,
    Limit,
}

impl Remark {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Unordered => "a bound is no version of the ecosystem: events are taken in the order written",
            Self::NoIntroduced => "range without introduced: taken from the beginning",
            Self::NoEvents => "range without events: ignored",
            Self::TooManyEvents => "range with more than 4096 events: ignored",
            Self::Limit => "limit event outside a git range: ignored",
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Event<'a> {
    Introduced(&'a str),
    Fixed(&'a str),
    LastAffected(&'a str),
}

impl<'a> Event<'a> {
    fn version(self) -> &'a str {
        match self {
            Self::Introduced(version) | Self::Fixed(version) | Self::LastAffected(version) => version,
        }
    }
}

/// An event and its place: None is before every version.
type Placed<'a> = (Event<'a>, Option<Version>);

/// Evaluates the events of one range.
pub(super) fn sweep(scheme: Scheme, events: &[OsvEvent]) -> Swept {
    let mut remarks = Vec::new();
    if events.iter().any(|event| event.limit.0.is_some()) {
        remarks.push(Remark::Limit);
    }
    let mut typed: Vec<Event<'_>> = events.iter().flat_map(parts).collect();
    if typed.is_empty() || typed.len() > MOST_EVENTS {
        remarks.push(if typed.is_empty() { Remark::NoEvents } else { Remark::TooManyEvents });
        return Swept { intervals: Vec::new(), remarks };
    }
    if !typed.iter().any(|event| matches!(event, Event::Introduced(_))) {
        remarks.push(Remark::NoIntroduced);
        typed.insert(0, Event::Introduced("0"));
    }
    match place(scheme, &typed) {
        Ok(placed) => typed = in_order(placed),
        // Written order is ascending in practice. The matcher meets the same bound again and
        // says that it cannot judge, so nothing is lost by keeping it.
        Err(_) => remarks.push(Remark::Unordered),
    }
    Swept { intervals: stretches(scheme, &typed), remarks }
}

// A well-formed event has one part; several in one object are read in their natural order.
fn parts(event: &OsvEvent) -> impl Iterator<Item = Event<'_>> {
    let introduced = event.introduced.as_deref().map(Event::Introduced);
    let fixed = event.fixed.as_deref().map(Event::Fixed);
    let last = event.last_affected.as_deref().map(Event::LastAffected);
    [introduced, fixed, last].into_iter().flatten()
}

fn place<'a>(scheme: Scheme, events: &[Event<'a>]) -> Result<Vec<Placed<'a>>, InvalidVersion> {
    let version = |event: Event<'a>| match event {
        Event::Introduced(at) if is_start(scheme, at) => Ok(None),
        other => scheme.parse(other.version()).map(Some),
    };
    events.iter().map(|&event| version(event).map(|at| (event, at))).collect()
}

/// `0` is OSV's name for "before every version"; RustSec writes the lowest SemVer instead.
fn is_start(scheme: Scheme, version: &str) -> bool {
    version == "0" || (scheme == Scheme::SemVer && version == "0.0.0-0")
}

// Insertion sort: stable, linear on the sorted lists that feeds have, and, unlike the library's,
// it cannot panic on an order that is not total (rpm's compares releases only when both exist).
fn in_order(placed: Vec<Placed<'_>>) -> Vec<Event<'_>> {
    let mut sorted: Vec<Placed<'_>> = Vec::with_capacity(placed.len());
    for event in placed {
        let before = sorted.iter().rposition(|earlier| order(earlier, &event) != Ordering::Greater);
        sorted.insert(before.map_or(0, |index| index + 1), event);
    }
    sorted.into_iter().map(|(event, _)| event).collect()
}

/// By version; at one version, `last_affected` acts after everything else, and the rest stays
/// as written: `fixed 2, introduced 2` ends one stretch and begins the next.
fn order(a: &Placed<'_>, b: &Placed<'_>) -> Ordering {
    let by_version = match (&a.1, &b.1) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some(a), Some(b)) => a.compare(b),
    };
    let acts_after = |event: Event<'_>| matches!(event, Event::LastAffected(_));
    by_version.then(acts_after(a.0).cmp(&acts_after(b.0)))
}

fn stretches(scheme: Scheme, events: &[Event<'_>]) -> Vec<Interval> {
    let mut intervals = Vec::new();
    let mut open: Option<Lower> = None;
    for event in events {
        let upper = match *event {
            Event::Introduced(at) => {
                let lower = || if is_start(scheme, at) { Lower::Start } else { Lower::Introduced(at.to_owned()) };
                open.get_or_insert_with(lower);
                continue;
            }
            Event::Fixed(at) => Upper::Fixed(at.to_owned()),
            Event::LastAffected(at) => Upper::LastAffected(at.to_owned()),
        };
        if let Some(lower) = open.take() {
            intervals.push(Interval { lower, upper });
        }
    }
    intervals.extend(open.map(|lower| Interval { lower, upper: Upper::Open }));
    intervals
}

/// Those of `versions` that no interval contains: the only ones that must be kept by name.
/// A version that cannot be ordered stays.
pub(super) fn outside(scheme: Scheme, intervals: &[Interval], versions: Vec<String>) -> BTreeSet<String> {
    let Ok(bounds) = intervals.iter().map(|interval| Bounds::of(scheme, interval)).collect::<Result<Vec<_>, _>>()
    else {
        return versions.into_iter().collect();
    };
    let covered =
        |text: &str| scheme.parse(text).is_ok_and(|version| bounds.iter().any(|interval| interval.contains(&version)));
    versions.into_iter().filter(|version| !covered(version)).collect()
}

/// An interval whose bounds are parsed once.
struct Bounds {
    lower: Option<(Version, bool)>,
    upper: Option<(Version, bool)>,
}

impl Bounds {
    fn of(scheme: Scheme, interval: &Interval) -> Result<Self, InvalidVersion> {
        let bound = |text: &str, inclusive| scheme.parse(text).map(|version| Some((version, inclusive)));
        let lower = match &interval.lower {
            Lower::Start => None,
            Lower::Introduced(at) => bound(at, true)?,
            Lower::After(at) => bound(at, false)?,
        };
        let upper = match &interval.upper {
            Upper::Open => None,
            Upper::Fixed(at) => bound(at, false)?,
            Upper::LastAffected(at) => bound(at, true)?,
        };
        Ok(Self { lower, upper })
    }

    fn contains(&self, version: &Version) -> bool {
        let holds = |bound: &Option<(Version, bool)>, outside: Ordering| match bound {
            None => true,
            Some((at, inclusive)) => match version.compare(at) {
                Ordering::Equal => *inclusive,
                order => order != outside,
            },
        };
        holds(&self.lower, Ordering::Less) && holds(&self.upper, Ordering::Greater)
    }
}

#[cfg(test)]
mod tests {
    use super::{Interval, Lower, OsvEvent, Remark, Scheme, Swept, Upper, outside, sweep};
    use crate::source::lenient::Text;

    fn events(text: &[(&str, &str)]) -> Vec<OsvEvent> {
        let event = |&(kind, version): &(&str, &str)| {
            let version = Text(Some(version.to_owned()));
            match kind {
                "introduced" => OsvEvent { introduced: version, ..OsvEvent::default() },
                "fixed" => OsvEvent { fixed: version, ..OsvEvent::default() },
                "last" => OsvEvent { last_affected: version, ..OsvEvent::default() },
                _ => OsvEvent { limit: version, ..OsvEvent::default() },
            }
        };
        text.iter().map(event).collect()
    }

    fn interval(lower: Option<&str>, upper: Upper) -> Interval {
        Interval { lower: lower.map_or(Lower::Start, |at| Lower::Introduced(at.to_owned())), upper }
    }

    fn fixed(version: &str) -> Upper {
        Upper::Fixed(version.to_owned())
    }

    #[test]
    fn events_are_sorted_by_version_and_not_by_place_or_text() {
        let mixed = events(&[("fixed", "10.0.1"), ("introduced", "10.0.0"), ("introduced", "0"), ("fixed", "9.0.0")]);
        let want = vec![interval(None, fixed("9.0.0")), interval(Some("10.0.0"), fixed("10.0.1"))];
        assert_eq!(sweep(Scheme::SemVer, &mixed), Swept { intervals: want, remarks: vec![] });
    }

    #[test]
    fn a_version_that_ends_one_stretch_may_begin_the_next() {
        let list = events(&[("introduced", "1.0.0"), ("fixed", "2.0.0"), ("introduced", "2.0.0"), ("fixed", "3.0.0")]);
        let want = vec![interval(Some("1.0.0"), fixed("2.0.0")), interval(Some("2.0.0"), fixed("3.0.0"))];
        assert_eq!(sweep(Scheme::SemVer, &list).intervals, want);
    }

    #[test]
    fn a_single_affected_version_is_an_interval_whatever_stands_first() {
        let list = events(&[("last", "2.0.0"), ("introduced", "2.0.0")]);
        let want = vec![interval(Some("2.0.0"), Upper::LastAffected("2.0.0".into()))];
        assert_eq!(sweep(Scheme::SemVer, &list).intervals, want);
    }

    #[test]
    fn the_first_of_two_fixes_ends_the_stretch_and_a_last_introduced_leaves_it_open() {
        let list = events(&[("introduced", "0"), ("fixed", "1.0.0"), ("fixed", "2.0.0"), ("introduced", "3.0.0")]);
        let want = vec![interval(None, fixed("1.0.0")), interval(Some("3.0.0"), Upper::Open)];
        assert_eq!(sweep(Scheme::SemVer, &list).intervals, want);
    }

    #[test]
    fn departures_are_remarked_and_never_make_a_range_smaller() {
        let swept = sweep(Scheme::SemVer, &events(&[("fixed", "1.0.0")]));
        assert_eq!(swept, Swept { intervals: vec![Interval::below("1.0.0")], remarks: vec![Remark::NoIntroduced] });
        assert_eq!(sweep(Scheme::SemVer, &[]).remarks, [Remark::NoEvents]);
        let list = events(&[("introduced", "0"), ("limit", "1.0.0")]);
        let want = Swept { intervals: vec![Interval::all()], remarks: vec![Remark::Limit] };
        assert_eq!(sweep(Scheme::SemVer, &list), want);
    }

    #[test]
    fn a_bound_that_is_no_version_is_kept_in_the_order_written() {
        let swept = sweep(Scheme::SemVer, &events(&[("introduced", "2.0.0"), ("fixed", "not a version")]));
        assert_eq!(swept.intervals, [interval(Some("2.0.0"), fixed("not a version"))]);
        assert_eq!(swept.remarks, [Remark::Unordered]);
    }

    #[test]
    fn only_versions_outside_every_interval_are_kept_by_name() {
        let intervals = [interval(Some("1.0.0"), fixed("2.0.0"))];
        let versions = ["1.0.0", "1.5.0", "2.0.0", "0.1.0", "nightly"].map(str::to_owned).to_vec();
        let kept: Vec<_> = outside(Scheme::SemVer, &intervals, versions).into_iter().collect();
        assert_eq!(kept, ["0.1.0", "2.0.0", "nightly"]);
    }
}
