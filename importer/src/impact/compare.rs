//! Two generations, row by row: which packages have other findings, and how much there is of what.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use domain::matching::{Assertion, Summary};
use serde::Serialize;
use store::{Census, Generation, PackageHash, PackageSet, StoreError};

/// A rise of EPSS that is reported, in hundred-thousandths: ten percentage points. Each day's model
/// moves nearly every advisory by less, and no policy asks for it.
pub(super) const EPSS_RISE_E5: u32 = 10_000;

/// What differs between two generations.
pub struct Comparison {
    /// Packages (and ecosystems) about which the two may say different things.
    pub packages: PackageSet,
    pub data: DataChanges,
    pub(super) before: Census,
    pub(super) after: Census,
}

/// The differences, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DataChanges {
    /// Changed: what a source asserts differs, or a fact of an advisory of that package does.
    pub packages: Counts,
    /// Changed: its ratings, its listing as exploited, or a rise of EPSS.
    pub advisories: Counts,
    pub ecosystems: Vec<EcosystemChange>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub before: u64,
    pub after: u64,
    pub added: u64,
    pub removed: u64,
    pub changed: u64,
}

/// An ecosystem (with release) that has more or less data than it had: `complete`, `partial`, or `absent`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EcosystemChange {
    pub ecosystem: String,
    pub before: &'static str,
    pub after: &'static str,
}

/// Compares two generations. Reads each of them once, in key order.
pub fn compare(old: &Generation, new: &Generation) -> Result<Comparison, StoreError> {
    let (old_view, new_view) = (old.view()?, new.view()?);
    let (mut before, mut after) = (Census::default(), Census::default());
    let mut data = DataChanges { ecosystems: ecosystems(old, new), ..DataChanges::default() };
    let mut advisories = BTreeSet::new();
    merge(old_view.summaries()?, new_view.summaries()?, |id, old, new| {
        old.iter().for_each(|summary| before.add_summary(summary));
        new.iter().for_each(|summary| after.add_summary(summary));
        if data.advisories.count(old.as_ref(), new.as_ref(), differs) {
            advisories.insert(id);
        }
    })?;
    let mut packages: Vec<_> =
        data.ecosystems.iter().map(|change| PackageHash::of(&format!("{}\0", change.ecosystem))).collect();
    let concerned =
        |assertions: &[Assertion]| assertions.iter().any(|assertion| advisories.contains(&assertion.advisory));
    merge(old_view.packages()?, new_view.packages()?, |key, old, new| {
        old.iter().for_each(|assertions| before.add_assertions(&key, assertions));
        new.iter().for_each(|assertions| after.add_assertions(&key, assertions));
        let differs = |old: &Vec<Assertion>, new: &Vec<Assertion>| old != new || concerned(new);
        if data.packages.count(old.as_ref(), new.as_ref(), differs) {
            packages.push(PackageHash::of(&key));
        }
    })?;
    old.count_facts(&mut before)?;
    new.count_facts(&mut after)?;
    Ok(Comparison { packages: PackageSet::new(packages), data, before, after })
}

impl Counts {
    /// Counts a row that one side has, or both; says whether it differs.
    fn count<T>(&mut self, old: Option<&T>, new: Option<&T>, differs: impl FnOnce(&T, &T) -> bool) -> bool {
        self.before += u64::from(old.is_some());
        self.after += u64::from(new.is_some());
        let counter = match (old, new) {
            (Some(old), Some(new)) if differs(old, new) => &mut self.changed,
            (Some(_), None) => &mut self.removed,
            (None, Some(_)) => &mut self.added,
            _ => return false,
        };
        *counter += 1;
        true
    }
}

/// Does anything differ that the report speaks of? Titles and dates do not count.
fn differs(old: &Summary, new: &Summary) -> bool {
    old.ratings != new.ratings
        || old.known_exploited.is_some() != new.known_exploited.is_some()
        || epss_rises(old.epss.map(|(probability, _)| probability), new.epss.map(|(probability, _)| probability))
}

/// Is exploitation clearly likelier than it was?
pub(super) fn epss_rises(old: Option<u32>, new: Option<u32>) -> bool {
    new.is_some_and(|new| new >= old.unwrap_or_default().saturating_add(EPSS_RISE_E5))
}

fn ecosystems(old: &Generation, new: &Generation) -> Vec<EcosystemChange> {
    let word = |complete: Option<&bool>| match complete {
        Some(true) => "complete",
        Some(false) => "partial",
        None => "absent",
    };
    let (old, new) = (old.ecosystems(), new.ecosystems());
    let names: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let changes = names.into_iter().filter(|name| old.get(*name) != new.get(*name)).map(|name| EcosystemChange {
        ecosystem: name.clone(),
        before: word(old.get(name)),
        after: word(new.get(name)),
    });
    changes.collect()
}

/// Walks two sorted sequences at once, and shows each key with what either has under it.
fn merge<T>(
    old: impl Iterator<Item = Result<(String, T), StoreError>>,
    new: impl Iterator<Item = Result<(String, T), StoreError>>,
    mut show: impl FnMut(String, Option<T>, Option<T>),
) -> Result<(), StoreError> {
    let (mut old, mut new) = (old, new);
    let (mut left, mut right) = (old.next().transpose()?, new.next().transpose()?);
    loop {
        let order = match (&left, &right) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((old, _)), Some((new, _))) => old.cmp(new),
        };
        let from_old = if order.is_le() { std::mem::replace(&mut left, old.next().transpose()?) } else { None };
        let from_new = if order.is_ge() { std::mem::replace(&mut right, new.next().transpose()?) } else { None };
        match (from_old, from_new) {
            (Some((key, old)), Some((_, new))) => show(key, Some(old), Some(new)),
            (Some((key, old)), None) => show(key, Some(old), None),
            (None, Some((key, new))) => show(key, None, Some(new)),
            (None, None) => return Ok(()),
        }
    }
}
