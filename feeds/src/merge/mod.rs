//! Merging: the records of all sources become one canonical advisory per vulnerability.
//!
//! The story runs in four steps, one file each. [`join`] makes one record per source and
//! id; [`graph`] finds out which ids name the same vulnerability; [`cluster`] seats every
//! record at the vulnerabilities it speaks of; [`elect`] chooses the fields. Who is
//! believed first is a table in [`rules`], and whatever did not go smoothly is a
//! [`Conflict`].
//!
//! Invariant: the result is a function of the *set* of records. Neither their order nor a
//! clock has any say, and a record changes only the advisories it is connected to. That
//! is what makes a content root reproducible on both sides of an air gap. Ranges are
//! never united or tightened here: every assertion keeps its source, and which source has
//! authority is decided when a package is matched.

mod cluster;
mod conflict;
mod elect;
mod explain;
mod graph;
mod join;
mod names;
mod references;
mod rules;

use domain::advisory::{Advisory, Record};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use rayon::slice::ParallelSliceMut;

pub use conflict::Conflict;
pub use explain::{Explanation, explain};
pub use graph::Edge;
pub use names::IdClass;
pub use references::canonical_url;
pub use rules::{MergeRules, Role};

/// What [`merge`] made of a set of records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// Sorted by id, byte-wise; no id twice.
    pub advisories: Vec<Advisory>,
    /// What was resolved by a rule instead of by the data, sorted.
    pub conflicts: Vec<Conflict>,
}

/// Merges a set of records into advisories.
pub fn merge(records: Vec<Record>, rules: &MergeRules) -> Merged {
    let joined = join::join(records);
    let clustering = cluster::Clustering::of(&joined.records, rules);
    let mut advisories: Vec<Advisory> =
        clustering.clusters.par_iter().map(|cluster| elect::elect(cluster, rules)).collect();
    advisories.par_sort_unstable_by(|one, other| one.id.cmp(&other.id));
    let mut conflicts = joined.conflicts;
    conflicts.extend(clustering.conflicts);
    conflicts.sort_unstable();
    conflicts.dedup();
    Merged { advisories, conflicts }
}
