//! What the matcher asks of a data set, and the rows it gets back.
//!
//! The rows are the compact form of advisories: no field is left out when it is empty,
//! so that binary formats that do not describe themselves can hold them.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::advisory::{Advisory, Affected, Interval, PackageKey, Status};
use crate::ecosystem::Ecosystem;
use crate::severity::{Rating, RatingScheme, Severity};
use crate::source::SourceId;
use crate::time::Timestamp;

/// A data set that components can be judged against.
pub trait AdvisoryIndex {
    type Error;

    /// How much the data set says of this ecosystem (and release).
    fn coverage(&self, ecosystem: &Ecosystem) -> DataCoverage;

    /// All assertions about a package. Shared, so that an index may keep what it has decoded.
    fn assertions(&self, package: &PackageKey) -> Result<Arc<[Assertion]>, Self::Error>;

    /// The facts that a finding shows of an advisory.
    fn summary(&self, advisory: &str) -> Result<Option<Summary>, Self::Error>;
}

/// May silence about a package be taken for "no known vulnerability"?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataCoverage {
    /// Yes: the data set was made from a complete feed of the ecosystem.
    Complete,
    /// No: some advisories are there. What they say counts, what they do not say means nothing.
    Partial,
    /// No: there is nothing.
    Absent,
}

/// One source's assertion about one package, with the advisory that it belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assertion {
    /// The head of the advisory's alias cluster.
    pub advisory: String,
    pub source: SourceId,
    pub record: String,
    pub status: Status,
    pub ranges: Vec<Interval>,
    pub versions: Vec<String>,
    pub severity: Option<Severity>,
    pub arches: Vec<String>,
    pub module: Option<String>,
}

impl Assertion {
    pub fn new(advisory: &str, affected: &Affected) -> Self {
        Self {
            advisory: advisory.to_owned(),
            source: affected.source.clone(),
            record: affected.record.clone(),
            status: affected.status,
            ranges: affected.ranges.clone(),
            versions: affected.versions.iter().cloned().collect(),
            severity: affected.severity,
            arches: affected.arches.iter().cloned().collect(),
            module: affected.module.clone(),
        }
    }
}

/// An [`Assertion`] that is written and not kept. Formats that write fields in order write the same for both.
#[derive(Clone, Debug, Serialize)]
pub struct AssertionRef<'a> {
    advisory: &'a str,
    source: &'a SourceId,
    record: &'a str,
    status: Status,
    ranges: &'a [Interval],
    versions: &'a BTreeSet<String>,
    severity: Option<Severity>,
    arches: &'a BTreeSet<String>,
    module: Option<&'a str>,
}

impl<'a> AssertionRef<'a> {
    pub fn new(advisory: &'a str, affected: &'a Affected) -> Self {
        Self {
            advisory,
            source: &affected.source,
            record: &affected.record,
            status: affected.status,
            ranges: &affected.ranges,
            versions: &affected.versions,
            severity: affected.severity,
            arches: &affected.arches,
            module: affected.module.as_deref(),
        }
    }
}

/// What a finding shows of its advisory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    pub aliases: Vec<String>,
    pub title: Option<String>,
    pub published: Option<i64>,
    pub ratings: Vec<RatingRow>,
    /// When the CVE entered the known-exploited catalogue, in Unix seconds.
    pub known_exploited: Option<i64>,
    /// EPSS probability and percentile in hundred-thousandths.
    pub epss: Option<(u32, u32)>,
}

impl Summary {
    pub fn new(advisory: &Advisory, known_exploited: Option<Timestamp>, epss: Option<(u32, u32)>) -> Self {
        Self {
            aliases: advisory.aliases.iter().cloned().collect(),
            title: advisory.title.as_ref().map(|title| title.value.clone()),
            published: advisory.published.map(Timestamp::unix),
            ratings: advisory.ratings.iter().map(RatingRow::from).collect(),
            known_exploited: known_exploited.map(Timestamp::unix),
            epss,
        }
    }
}

/// A [`Rating`] in its compact form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RatingRow {
    pub source: SourceId,
    pub scheme: RatingScheme,
    pub vector: Option<String>,
    pub score_tenths: Option<u8>,
    pub severity: Severity,
}

impl From<&Rating> for RatingRow {
    fn from(rating: &Rating) -> Self {
        Self {
            source: rating.source.clone(),
            scheme: rating.scheme,
            vector: rating.vector.clone(),
            score_tenths: rating.score_tenths,
            severity: rating.severity,
        }
    }
}
