//! Building a whole index file: collect rows in any order, sort, write once.
//!
//! However many rows there are, the memory that they take is bounded by the [`Room`] that the builders were given: what
//! follows is sorting and merging, and no step looks anything up in a table of its own.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use domain::advisory::Advisory;
use domain::digest::Digest;
use domain::ecosystem::Ecosystem;
use domain::exploitation::{Epss, KnownExploited};
use domain::matching::{AssertionRef, Summary};
use domain::root::root_of;

use super::census::Census;
use super::file::IndexFile;
use super::sort::{Room, Sorter};
use super::tables::{AdvisoryRow, ExploitedRow, Located, SegmentId, encode, encode_into, package_key};
use super::whole::{Collected, Whole};
use crate::disk::Disk;
use crate::error::StoreError;

/// A package key, and one encoded assertion.
pub(super) type PackageAssertion = (String, Vec<u8>);

/// The rows of a generation to be. Several can be filled in parallel and joined.
pub struct GenerationBuilder {
    own: Sorter,
    joined: Vec<Sorter>,
    /// The digests of all buckets, once they are known.
    buckets: Option<Vec<Digest>>,
    complete: BTreeSet<String>,
    census: Census,
}

impl Default for GenerationBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl GenerationBuilder {
    /// A builder that keeps all rows in memory.
    pub fn new() -> Self {
        Self::with(None)
    }

    /// A builder that puts rows aside when there are more than there is room for: at [`Self::make_room`].
    pub fn within(room: Room) -> Self {
        Self::with(Some(room))
    }

    fn with(room: Option<Room>) -> Self {
        let own = Sorter::new(Collected::COUNT, room);
        Self { own, joined: Vec::new(), buckets: None, complete: BTreeSet::new(), census: Census::default() }
    }

    /// To be called between two records. What was collected may leave memory.
    pub fn make_room(&mut self) -> Result<(), StoreError> {
        self.own.make_room()
    }

    /// Adds a line's leaf of the content root, of whatever kind the line is.
    pub fn add_leaf(&mut self, bucket: u16, leaf: Digest) {
        let [high, low] = bucket.to_be_bytes();
        let mut key = [high; 34];
        key[1] = low;
        key[2..].copy_from_slice(leaf.as_bytes());
        self.push(Collected::Leaves, &key, &[]);
    }

    /// Adds an advisory, whose canonical line is at `located`. A withdrawn one is kept for
    /// look-up and makes no findings: its assertions were dropped when it was merged.
    pub fn add_advisory(&mut self, advisory: &Advisory, located: Located) {
        self.census.add(advisory);
        let (mut key, mut assertion) = (String::new(), Vec::new());
        for affected in &advisory.affected {
            key.clear();
            assertion.clear();
            // A string takes whatever is written.
            let _ = write!(key, "{}\0{}", affected.package.ecosystem, affected.package.name);
            encode_into(&mut assertion, &AssertionRef::new(&advisory.id, affected));
            self.census.add_package(&key);
            self.push(Collected::Packages, key.as_bytes(), &assertion);
        }
        for (key, is_alias) in names(advisory) {
            self.push(Collected::Aliases, key.as_bytes(), if is_alias { Collected::ALIAS } else { Collected::MEMBER });
        }
        let summary = Summary::new(advisory, None, None);
        self.push(Collected::Advisories, advisory.id.as_bytes(), &encode(&AdvisoryRow { located, summary }));
    }

    /// Adds an entry of the known-exploited catalogue, whose canonical line is at `located`.
    pub fn add_known_exploited(&mut self, fact: &KnownExploited, located: Located) {
        self.census.known_exploited += 1;
        let row = ExploitedRow { located, added: fact.date_added.unix() };
        self.push(Collected::Exploited, fact.cve.as_bytes(), &encode(&row));
    }

    /// Adds an EPSS fact. Its line must be canonical: it is not kept, but written again from the fact.
    pub fn add_epss(&mut self, fact: &Epss) {
        self.census.epss += 1;
        let values = encode(&(fact.probability_e5, fact.percentile_e5));
        self.push(Collected::Epss, fact.cve.as_bytes(), &values);
    }

    fn push(&mut self, table: Collected, key: &[u8], value: &[u8]) {
        self.own.push(table as usize, key, value);
    }

    /// States that the data is complete for an ecosystem (and release).
    pub fn declare_complete(&mut self, ecosystem: &Ecosystem) {
        self.complete.insert(ecosystem.to_string());
    }

    /// Adds all that another builder has collected.
    pub fn join(&mut self, mut other: Self) {
        self.joined.push(other.own);
        self.joined.append(&mut other.joined);
        self.complete.append(&mut other.complete);
        self.census.join(other.census);
        self.buckets = None;
    }

    /// Sorts what was collected. Builders that were filled in parallel are best sorted in parallel, too.
    pub fn sort(&mut self) -> Result<(), StoreError> {
        self.own.sort()?;
        self.joined.iter_mut().try_for_each(Sorter::sort)
    }

    /// How much there is of what. To be asked when all is collected and declared.
    pub fn census(&self) -> Census {
        let mut census = self.census.clone();
        census.declare(self.complete.iter());
        census
    }

    /// The content root of all leaves.
    pub fn content_root(&mut self) -> Result<Digest, StoreError> {
        self.sort()?;
        let buckets = self.whole().buckets()?;
        let root = root_of(buckets.iter().copied());
        self.buckets = Some(buckets);
        Ok(root)
    }

    /// Writes the file, which is yet to be sealed. `path` must not exist.
    pub fn write(mut self, disk: &dyn Disk, path: &Path, segments: &[(SegmentId, Digest)]) -> Result<(), StoreError> {
        self.sort()?;
        let buckets = self.buckets.take();
        let whole = self.whole();
        let buckets = buckets.map_or_else(|| whole.buckets(), Ok)?;
        let facts = whole.facts_by_alias()?;
        let file = IndexFile::create(disk, path)?;
        whole.fill_advisories(&file, &facts)?;
        whole.fill_aliases(&file)?;
        let ecosystems = whole.fill_packages(&file)?;
        whole.fill_exploited(&file)?;
        whole.fill_epss(&file)?;
        whole.fill_leaves(&file)?;
        let complete = |name: String| (name.clone(), self.complete.contains(&name));
        file.fill_small(&ecosystems.into_iter().map(complete).collect(), segments, &buckets)?;
        file.finish()
    }

    fn whole(&self) -> Whole<'_> {
        Whole::of(std::iter::once(&self.own).chain(&self.joined).collect())
    }
}

/// What an advisory says, package by package.
pub(super) fn assertions(advisory: &Advisory) -> impl Iterator<Item = PackageAssertion> + '_ {
    advisory.affected.iter().map(|affected| {
        let key = package_key(&affected.package.ecosystem.to_string(), &affected.package.name);
        (key, encode(&AssertionRef::new(&advisory.id, affected)))
    })
}

/// The other names of an advisory, as `alias NUL id`. An erratum is no alias of the vulnerabilities it
/// fixes, but people look for it.
pub(super) fn aliases(advisory: &Advisory) -> impl Iterator<Item = String> + '_ {
    names(advisory).map(|(key, _)| key)
}

/// The same, and whether it is an alias rather than a member's name.
fn names(advisory: &Advisory) -> impl Iterator<Item = (String, bool)> + '_ {
    let members = advisory.members.iter().map(|member| &member.id).filter(|id| **id != advisory.id);
    let aliases = advisory.aliases.iter().map(|name| (name, true));
    let names = aliases.chain(members.map(|name| (name, false)));
    names.map(|(name, is_alias)| (format!("{name}\0{}", advisory.id), is_alias))
}
