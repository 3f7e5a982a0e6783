//! How much a generation holds of what: counted while it is built, kept in its row.
//!
//! A new data set is held against the one before it (`importer::impact::sanity`) at every import. Reading both
//! indexes for that would cost more than the import of a delta; a delta's census is that of its base,
//! less what it takes away, and with what it brings.

use std::collections::{BTreeMap, BTreeSet};

use domain::advisory::Advisory;
use domain::matching::{Assertion, Summary};
use domain::severity::Severity;
use serde::{Deserialize, Serialize};

use super::read::Generation;
use crate::error::StoreError;

/// The counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Census {
    pub advisories: u64,
    /// Advisories that a source gives a severity.
    pub rated: u64,
    /// Entries of the known-exploited catalogue.
    pub known_exploited: u64,
    /// EPSS facts.
    pub epss: u64,
    /// VEX documents.
    #[serde(default)]
    pub vex: u64,
    /// Assertions about packages, by ecosystem.
    pub assertions: BTreeMap<String, u64>,
    /// The same, by the source that makes them.
    pub statements: BTreeMap<String, u64>,
    /// Severities, by the source that gives them.
    pub ratings: BTreeMap<String, u64>,
    /// Ecosystems with assertions that the data is complete for.
    pub complete: BTreeSet<String>,
}

impl Census {
    /// Counts what an advisory says; its assertions by ecosystem are the caller's.
    pub(super) fn add(&mut self, advisory: &Advisory) {
        self.advisories += 1;
        let rated = advisory.ratings.iter().filter(|rating| rating.severity != Severity::Unknown);
        rated.clone().for_each(|rating| more(&mut self.ratings, rating.source.as_str(), 1));
        self.rated += u64::from(rated.count() > 0);
        advisory.affected.iter().for_each(|affected| more(&mut self.statements, affected.source.as_str(), 1));
    }

    pub(super) fn remove(&mut self, advisory: &Advisory) {
        self.advisories = self.advisories.saturating_sub(1);
        let rated = advisory.ratings.iter().filter(|rating| rating.severity != Severity::Unknown);
        rated.clone().for_each(|rating| fewer(&mut self.ratings, rating.source.as_str()));
        self.rated = self.rated.saturating_sub(u64::from(rated.count() > 0));
        advisory.affected.iter().for_each(|affected| fewer(&mut self.statements, affected.source.as_str()));
    }

    /// Counts an assertion by its package, `ecosystem NUL name`.
    pub(super) fn add_package(&mut self, key: &str) {
        more(&mut self.assertions, ecosystem_of(key), 1);
    }

    pub(super) fn remove_package(&mut self, key: &str) {
        fewer(&mut self.assertions, ecosystem_of(key));
    }

    /// What the data is complete for, of which there is something.
    pub(super) fn declare<'a>(&mut self, complete: impl Iterator<Item = &'a String>) {
        self.complete = complete.filter(|name| self.assertions.contains_key(*name)).cloned().collect();
    }

    /// Adds what another thread has counted.
    pub(super) fn join(&mut self, other: Self) {
        self.advisories += other.advisories;
        self.rated += other.rated;
        self.known_exploited += other.known_exploited;
        self.epss += other.epss;
        self.vex += other.vex;
        other.assertions.iter().for_each(|(ecosystem, count)| more(&mut self.assertions, ecosystem, *count));
        other.ratings.iter().for_each(|(source, count)| more(&mut self.ratings, source, *count));
        other.statements.iter().for_each(|(source, count)| more(&mut self.statements, source, *count));
    }

    /// Counts a whole advisory of an index.
    pub fn add_summary(&mut self, summary: &Summary) {
        self.advisories += 1;
        let rated = summary.ratings.iter().filter(|rating| rating.severity != Severity::Unknown);
        rated.clone().for_each(|rating| more(&mut self.ratings, rating.source.as_str(), 1));
        self.rated += u64::from(rated.count() > 0);
    }

    /// Counts a whole package of an index.
    pub fn add_assertions(&mut self, key: &str, assertions: &[Assertion]) {
        more(&mut self.assertions, ecosystem_of(key), assertions.len() as u64);
        assertions.iter().for_each(|assertion| more(&mut self.statements, assertion.source.as_str(), 1));
    }
}

impl Generation {
    /// What was counted when it was built; an index of an earlier version of the program is read for it.
    pub fn census(&self) -> Result<Census, StoreError> {
        self.row().census.clone().map_or_else(|| self.count(), Ok)
    }

    /// Counts the index.
    pub fn count(&self) -> Result<Census, StoreError> {
        let view = self.view()?;
        let mut census = Census::default();
        view.summaries()?.try_for_each(|entry| entry.map(|(_, summary)| census.add_summary(&summary)))?;
        view.packages()?.try_for_each(|entry| entry.map(|(key, rows)| census.add_assertions(&key, &rows)))?;
        self.count_facts(&mut census)?;
        Ok(census)
    }

    /// Counts all that is neither an advisory nor an assertion. Comes last.
    pub fn count_facts(&self, census: &mut Census) -> Result<(), StoreError> {
        let view = self.view()?;
        census.known_exploited = view.tables.exploited.range("")?.count() as u64;
        census.vex = view.tables.vex.range("")?.count() as u64;
        census.epss = view.tables.all_epss()?.try_fold(0, |count, fact| fact.map(|_| count + 1))?;
        census.declare(self.ecosystems().iter().filter_map(|(name, complete)| complete.then_some(name)));
        Ok(())
    }
}

fn ecosystem_of(key: &str) -> &str {
    key.split('\0').next().unwrap_or_default()
}

fn more(counts: &mut BTreeMap<String, u64>, name: &str, by: u64) {
    match counts.get_mut(name) {
        Some(count) => *count += by,
        None => drop(counts.insert(name.to_owned(), by)),
    }
}

/// What there is nothing of any more is not listed, as in a census that was counted anew.
fn fewer(counts: &mut BTreeMap<String, u64>, name: &str) {
    if let Some(count) = counts.get_mut(name) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(name);
        }
    }
}
