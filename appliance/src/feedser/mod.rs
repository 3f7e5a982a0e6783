//! Feedser, the connected side: feed files in, a data set out, ready to go into a kit.
//!
//! A data set on disk is what `feeds::export` writes: `feeds/manifest.json` and the
//! segments that it lists.

pub(crate) mod export;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use anyhow::{Context, Result};
use domain::ecosystem::Ecosystem;
use domain::exploitation::{Epss, KnownExploited};
use domain::time::Timestamp;
use feeds::dataset::{Dataset, Manifest, Segment, coverage};
use feeds::error::FeedError;
use feeds::export::{ExportOptions, export};
use feeds::ingest::{Ingested, Options, Progress, ingest};
use feeds::merge::{Conflict, MergeRules, merge};

/// What has been read so far.
#[derive(Default)]
pub(crate) struct Intake {
    ingested: Ingested,
    options: Options,
    not_feeds: Vec<String>,
}

/// A merged data set and what was noticed on the way.
pub(crate) struct Merged {
    pub(crate) dataset: Dataset,
    pub(crate) conflicts: Vec<Conflict>,
}

impl Intake {
    pub(crate) fn new(options: Options) -> Self {
        Self { ingested: Ingested::new(), options, not_feeds: Vec::new() }
    }

    /// Reads one input. An input that cannot be read to its end adds nothing.
    pub(crate) fn read(&mut self, name: &str, input: impl Read, progress: &dyn Fn(Progress<'_>)) -> Result<()> {
        let mut read = Ingested::new();
        match ingest(name, input, &self.options, progress, &mut read) {
            Ok(()) => self.ingested.absorb(read),
            // A README among the downloads is no reason to stop; it is listed.
            Err(FeedError::Empty { .. }) => self.not_feeds.push(name.to_owned()),
            Err(error) => return Err(error).with_context(|| format!("cannot ingest {name}")),
        }
        Ok(())
    }

    pub(crate) fn ingested(&self) -> &Ingested {
        &self.ingested
    }

    /// Inputs without any feed document in them.
    pub(crate) fn not_feeds(&self) -> &[String] {
        &self.not_feeds
    }

    /// Merges all that was read. `complete` are the ecosystems that the caller vouches for.
    pub(crate) fn merge(self, complete: &BTreeSet<Ecosystem>) -> Merged {
        let sources = self.ingested.statuses();
        let merged = merge(self.ingested.records, &MergeRules::default());
        let kev = newest_by_cve(self.ingested.kev, |fact: &KnownExploited| &fact.cve);
        let epss = newest_by_cve(self.ingested.epss, |fact: &Epss| &fact.cve);
        let coverage = coverage(&merged.advisories, complete);
        let dataset = Dataset { advisories: merged.advisories, kev, epss, vex: Vec::new(), sources, coverage };
        Merged { dataset, conflicts: merged.conflicts }
    }
}

/// One fact per CVE. Catalogues of several days may be given at once; the greatest fact
/// wins, so that the order of the files does not matter.
fn newest_by_cve<T: Ord>(facts: Vec<T>, cve: impl Fn(&T) -> &String) -> Vec<T> {
    let mut newest: BTreeMap<String, T> = BTreeMap::new();
    for fact in facts {
        match newest.get_mut(cve(&fact)) {
            Some(kept) if *kept >= fact => {}
            Some(kept) => *kept = fact,
            None => {
                newest.insert(cve(&fact).clone(), fact);
            }
        }
    }
    newest.into_values().collect()
}

/// Writes the data set piece by piece.
pub(crate) fn write(
    dataset: &Dataset,
    generated_at: Option<Timestamp>,
    mut sink: impl FnMut(&Segment, Vec<u8>) -> Result<()>,
) -> Result<Manifest> {
    let options = ExportOptions { generated_at, ..ExportOptions::default() };
    Ok(export(dataset, &options, &mut |segment, bytes| sink(segment, bytes).map_err(Wrapped))?)
}

/// `anyhow::Error` is no `std::error::Error`, which the export's error wants.
#[derive(Debug)]
struct Wrapped(anyhow::Error);

impl std::fmt::Display for Wrapped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:#}", self.0)
    }
}

impl std::error::Error for Wrapped {}
