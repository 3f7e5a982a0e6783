//! One record per source and id.
//!
//! Sources deliver a record several times: Alpine once per branch, Debian once per
//! package (fragments, which are united), others because two archives of one database
//! overlap (then the newest `modified` wins). A tie is broken by the greater canonical
//! bytes: an arbitrary rule, but one that every order of arrival agrees on.

use std::cmp::Ordering;

use domain::advisory::{Affected, Record};
use rayon::slice::ParallelSliceMut;

use super::conflict::Conflict;

pub(super) struct Joined {
    /// Sorted by id and source, no pair twice.
    pub(super) records: Vec<Record>,
    pub(super) conflicts: Vec<Conflict>,
}

pub(super) fn join(mut records: Vec<Record>) -> Joined {
    records.par_sort_unstable_by(same_record);
    let mut joined = Joined { records: Vec::with_capacity(records.len()), conflicts: Vec::new() };
    let mut group: Vec<Record> = Vec::new();
    for record in records {
        if group.first().is_some_and(|first| same_record(first, &record).is_ne()) {
            joined.records.extend(join_group(std::mem::take(&mut group), &mut joined.conflicts));
        }
        group.push(record);
    }
    joined.records.extend(join_group(group, &mut joined.conflicts));
    joined
}

fn same_record(one: &Record, other: &Record) -> Ordering {
    one.id.cmp(&other.id).then_with(|| one.source.cmp(&other.source))
}

fn join_group(group: Vec<Record>, conflicts: &mut Vec<Conflict>) -> Option<Record> {
    if group.len() < 2 {
        return group.into_iter().next();
    }
    let (mut parts, whole): (Vec<Record>, Vec<Record>) = group.into_iter().partition(|record| record.fragment);
    parts.extend(newest(whole, conflicts));
    unite(parts)
}

fn newest(records: Vec<Record>, conflicts: &mut Vec<Conflict>) -> Option<Record> {
    let mut records = newest_first(records);
    records.dedup();
    let mut records = records.into_iter();
    let kept = records.next()?;
    conflicts.extend(records.map(|dropped| Conflict::Superseded {
        source: dropped.source,
        record: dropped.id,
        kept: kept.modified,
        dropped: dropped.modified,
    }));
    Some(kept)
}

fn newest_first(records: Vec<Record>) -> Vec<Record> {
    if records.len() < 2 {
        return records;
    }
    let mut keyed: Vec<_> = records.into_iter().map(|record| (record.modified, canonical(&record), record)).collect();
    keyed.sort_unstable_by(|(at, bytes, _), (other_at, other_bytes, _)| (other_at, other_bytes).cmp(&(at, bytes)));
    keyed.into_iter().map(|(_, _, record)| record).collect()
}

fn canonical(record: &Record) -> Vec<u8> {
    serde_json::to_vec(record).expect("a record holds only strings, integers and lists")
}

/// Unites fragments. A withdrawn fragment counts only when all are: as long as one branch
/// still states the vulnerability, the record stands.
fn unite(parts: Vec<Record>) -> Option<Record> {
    let (live, withdrawn): (Vec<Record>, Vec<Record>) = parts.into_iter().partition(|part| part.withdrawn.is_none());
    let parts = if live.is_empty() { withdrawn } else { live };
    let mut parts = newest_first(parts).into_iter();
    // The newest fragment's words come first; older ones fill what it leaves open.
    let mut whole = parts.next()?;
    for part in parts {
        whole.aliases.extend(part.aliases);
        whole.upstream.extend(part.upstream);
        whole.related.extend(part.related);
        whole.title = whole.title.or(part.title);
        whole.description = whole.description.or(part.description);
        whole.published = whole.published.into_iter().chain(part.published).min();
        whole.modified = whole.modified.max(part.modified);
        whole.withdrawn = whole.withdrawn.max(part.withdrawn);
        whole.ratings.extend(part.ratings);
        whole.cwes.extend(part.cwes);
        whole.references.extend(part.references);
        whole.affected.extend(part.affected);
    }
    whole.ratings.sort_unstable();
    whole.ratings.dedup();
    whole.references.sort_unstable();
    whole.references.dedup();
    sort_assertions(&mut whole.affected);
    Some(whole)
}

/// Sorts by package, then by who says so, and removes exact duplicates.
pub(super) fn sort_assertions(affected: &mut Vec<Affected>) {
    affected.sort_unstable_by(|one, other| one.package.cmp(&other.package).then_with(|| one.cmp(other)));
    affected.dedup();
}
