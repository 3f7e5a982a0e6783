//! The `affected` entries of an OSV record, as assertions.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use domain::advisory::{Affected, Interval, PackageKey, Upper};
use domain::ecosystem::{Ecosystem, EcosystemKind, Releases};
use domain::matching::suse_release;
use domain::severity::Severity;
use domain::source::SourceId;

use super::events::{outside, sweep};
use super::model::{OsvAffected, OsvRange};
use crate::ingest::Ingested;
use crate::source::rpm;

/// The record that entries belong to, for reports.
pub(super) struct Owner<'a> {
    pub(super) source: &'a SourceId,
    pub(super) record: &'a str,
    /// The title of an erratum of an RPM distribution.
    pub(super) title: Option<&'a str>,
}

impl Owner<'_> {
    /// The module stream, which OSV has no place for, of what was built in a module.
    fn stream_of(&self, ranges: &[Interval]) -> Option<String> {
        let modular = ranges.iter().filter_map(Interval::fixed).any(|fixed| fixed.contains(".module"));
        self.title.filter(|_| modular).and_then(rpm::stream_in_title)
    }
}

/// An entry and the rating that it gives its package by a CVSS vector, if any.
pub(super) fn assertions(
    owner: &Owner<'_>,
    entries: Vec<(OsvAffected, Option<Severity>)>,
    into: &mut Ingested,
) -> Vec<Affected> {
    let read = entries.into_iter().filter_map(|(entry, rated)| assertion(owner, entry, rated, into)).collect();
    joined(read)
}

fn assertion(owner: &Owner<'_>, entry: OsvAffected, rated: Option<Severity>, into: &mut Ingested) -> Option<Affected> {
    let mut note = |reason: &str, detail: &str| {
        into.note(owner.source, reason, || {
            format!("{}: {}", owner.record, detail.chars().take(80).collect::<String>())
        });
    };
    let package = entry.package.0;
    let (Some(ecosystem), Some(name)) = (package.ecosystem.0, package.name.0) else {
        note("affected entry names no package: ignored", "");
        return None;
    };
    let Ok(ecosystem) = ecosystem.parse::<Ecosystem>() else {
        note("affected entry of an unknown ecosystem: ignored", &ecosystem);
        return None;
    };
    let ecosystem = release_of(ecosystem);
    if ecosystem.kind.releases() == Releases::PerRelease && ecosystem.release.is_none() {
        note("affected entry of a distribution names no release: it can match none", &name);
    }
    let scheme = ecosystem.scheme();
    let (git, ranges): (Vec<_>, Vec<_>) = entry.ranges.unwrap_or_default().into_iter().partition(is_git);
    let mut intervals = Vec::new();
    for range in ranges {
        let swept = sweep(scheme, &range.events.unwrap_or_default());
        swept.remarks.iter().for_each(|remark| note(remark.as_str(), &name));
        intervals.extend(swept.intervals);
    }
    if let Some(last_known) = entry.database_specific.0.last_known_affected_version_range.as_deref()
        && !close(&mut intervals, last_known)
    {
        note("last known affected version is no bound: ignored", last_known);
    }
    if !entry.versions.complete {
        note("versions is no list of texts: what is missing from it is ignored", &name);
    }
    let versions = outside(scheme, &intervals, entry.versions.list);
    if intervals.is_empty() && versions.is_empty() {
        let reason = if git.is_empty() { "names no version" } else { "names only git commits" };
        note(&format!("affected entry {reason}: ignored"), &name);
        return None;
    }
    let specific = entry.ecosystem_specific.0;
    let word = entry.severity.word.as_deref();
    let ubuntu = entry.severity.list.iter().find(|rating| rating.kind.as_deref() == Some("Ubuntu"));
    let words = [
        word,
        ubuntu.and_then(|rating| rating.score.as_deref()),
        specific.severity.as_deref(),
        specific.urgency.as_deref(),
        specific.ubuntu_priority.as_deref(),
    ];
    let severity = words.into_iter().flatten().find_map(|word| word.parse::<Severity>().ok()).or(rated);
    let mut affected = Affected::new(owner.source.clone(), owner.record, PackageKey::new(ecosystem, &name));
    // Paths of Go modules are case-sensitive. purls are not, so the key is in lower case.
    let is_spelled = affected.package.ecosystem.kind == EcosystemKind::Go && affected.package.name != name;
    affected.spelling = is_spelled.then_some(name);
    affected.ranges = intervals;
    affected.versions = versions;
    affected.severity = severity.filter(|severity| *severity != Severity::Unknown);
    affected.module = specific.rpm_modularity.0.or_else(|| owner.stream_of(&affected.ranges));
    Some(affected)
}

/// SUSE's records name products; those of one service pack are one release.
fn release_of(ecosystem: Ecosystem) -> Ecosystem {
    match ecosystem.kind {
        EcosystemKind::Suse | EcosystemKind::OpenSuse => {
            ecosystem.release.as_deref().and_then(suse_release).unwrap_or(ecosystem)
        }
        _ => ecosystem,
    }
}

fn is_git(range: &OsvRange) -> bool {
    range.kind.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("GIT"))
}

/// GitHub states the end of a range without a fix beside it (`< 4.0.0`). False when the text is
/// no such bound.
fn close(intervals: &mut [Interval], last_known: &str) -> bool {
    let text = last_known.trim();
    let upper = if let Some(version) = text.strip_prefix("<=") {
        Upper::LastAffected(version.trim().to_owned())
    } else if let Some(version) = text.strip_prefix('<') {
        Upper::Fixed(version.trim().to_owned())
    } else {
        return false;
    };
    let bound = text.trim_start_matches(['<', '=']).trim();
    if bound.is_empty() || bound.contains([',', '|', ' ', '<', '>']) {
        return false;
    }
    // Only the last stretch can be open, and a bound never replaces one that is stated.
    if let Some(last) = intervals.iter_mut().find(|interval| interval.upper == Upper::Open) {
        last.upper = upper;
    }
    true
}

/// Entries that differ in nothing but their versions become one.
fn joined(entries: Vec<Affected>) -> Vec<Affected> {
    let mut joined: Vec<Affected> = Vec::with_capacity(entries.len());
    let mut places: HashMap<(PackageKey, Option<Severity>, Option<String>), usize> = HashMap::new();
    for entry in entries {
        match places.entry((entry.package.clone(), entry.severity, entry.module.clone())) {
            Entry::Vacant(place) => {
                place.insert(joined.len());
                joined.push(entry);
            }
            Entry::Occupied(place) => {
                if let Some(first) = joined.get_mut(*place.get()) {
                    for interval in entry.ranges {
                        if !first.ranges.contains(&interval) {
                            first.ranges.push(interval);
                        }
                    }
                    first.versions.extend(entry.versions);
                }
            }
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::{Interval, Upper, close};
    use domain::advisory::Lower;

    #[test]
    fn the_last_known_affected_version_ends_an_open_range_only() {
        let mut open = [Interval::below("1"), Interval { lower: Lower::Introduced("2".into()), upper: Upper::Open }];
        assert!(close(&mut open, "<= 2.5"));
        assert_eq!(open[0], Interval::below("1"));
        assert_eq!(open[1].upper, Upper::LastAffected("2.5".into()));
        let mut fixed = [Interval::below("1")];
        assert!(close(&mut fixed, "< 4.0.0"));
        assert_eq!(fixed[0], Interval::below("1"));
    }

    #[test]
    fn what_is_no_single_bound_is_refused() {
        for text in [">= 1", "1.2", "<", "< 1, > 0", "<= "] {
            let mut open = [Interval::all()];
            assert!(!close(&mut open, text), "{text}");
            assert_eq!(open, [Interval::all()], "{text}");
        }
    }
}
