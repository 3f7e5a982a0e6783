//! Building a whole index file: collect rows in any order, sort, write once.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::path::Path;

use domain::advisory::Advisory;
use domain::digest::Digest;
use domain::ecosystem::Ecosystem;
use domain::exploitation::{Epss, KnownExploited};
use domain::matching::{Assertion, Summary};
use domain::root::{BUCKETS, ContentRoot, bucket_digest, root_of};
use redb::{Durability, ReadableDatabase, TableDefinition};

use super::census::Census;
use super::layer::{digest_of, open};
use super::tables::{
    ADVISORIES, ALIASES, AdvisoryRow, ECOSYSTEMS, EPSS, EPSS_RUN, EXPLOITED, EpssFact, ExploitedRow, LEAVES, Located,
    PACKAGES, ROOT, SEGMENTS, SegmentId, encode, leaves_row, package_key, package_row,
};
use crate::disk::{Backend, Disk, OpenMode};
use crate::error::StoreError;

/// The whole file fits for data sets of today; what does not fit is written out early and costs reads.
const CACHE_BYTES: usize = 128 << 20;

/// A package key, and one encoded assertion.
pub(super) type PackageAssertion = (String, Vec<u8>);

/// The rows of a generation to be. Several can be filled in parallel and joined.
#[derive(Default)]
pub struct GenerationBuilder {
    assertions: Vec<PackageAssertion>,
    advisories: Vec<(String, AdvisoryRow)>,
    /// `alias NUL id`: other names that an advisory is found by.
    aliases: Vec<String>,
    exploited: Vec<(String, ExploitedRow)>,
    /// CVE, probability and percentile.
    epss: Vec<(String, (u32, u32))>,
    leaves: Vec<(u16, Digest)>,
    complete: BTreeSet<String>,
    census: Census,
}

impl GenerationBuilder {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a line's leaf of the content root, of whatever kind the line is.
    pub fn add_leaf(&mut self, bucket: u16, leaf: Digest) {
        self.leaves.push((bucket, leaf));
    }

    /// Adds an advisory, whose canonical line is at `located`. A withdrawn one is kept for
    /// look-up and makes no findings: its assertions were dropped when it was merged.
    pub fn add_advisory(&mut self, advisory: &Advisory, located: Located) {
        self.assertions.extend(assertions(advisory));
        self.aliases.extend(aliases(advisory));
        self.census.add(advisory);
        let summary = Summary::new(advisory, None, None);
        self.advisories.push((advisory.id.clone(), AdvisoryRow { located, summary }));
    }

    /// Adds an entry of the known-exploited catalogue, whose canonical line is at `located`.
    pub fn add_known_exploited(&mut self, fact: &KnownExploited, located: Located) {
        self.exploited.push((fact.cve.clone(), ExploitedRow { located, added: fact.date_added.unix() }));
    }

    /// Adds an EPSS fact. Its line must be canonical: it is not kept, but written again from the fact.
    pub fn add_epss(&mut self, fact: &Epss) {
        self.epss.push((fact.cve.clone(), (fact.probability_e5, fact.percentile_e5)));
    }

    /// States that the data is complete for an ecosystem (and release).
    pub fn declare_complete(&mut self, ecosystem: &Ecosystem) {
        self.complete.insert(ecosystem.to_string());
    }

    /// Adds all that another builder has collected.
    pub fn join(&mut self, mut other: Self) {
        self.assertions.append(&mut other.assertions);
        self.advisories.append(&mut other.advisories);
        self.aliases.append(&mut other.aliases);
        self.exploited.append(&mut other.exploited);
        self.epss.append(&mut other.epss);
        self.leaves.append(&mut other.leaves);
        self.complete.append(&mut other.complete);
        self.census.join(other.census);
    }

    pub fn advisories(&self) -> u64 {
        self.advisories.len() as u64
    }

    /// How much there is of what. To be asked when all is collected and declared.
    pub fn census(&self) -> Census {
        let mut census = self.census.clone();
        census.known_exploited = self.exploited.len() as u64;
        census.epss = self.epss.len() as u64;
        census.add_packages(self.assertions.iter().map(|(key, _)| key.as_str()));
        census.declare(self.complete.iter());
        census
    }

    /// The content root of all leaves.
    pub fn content_root(&mut self) -> Digest {
        self.leaves.sort_unstable();
        root_of(bucket_digests(&by_bucket(&self.leaves)).into_iter())
    }

    /// Writes the file and syncs it; says what it hashes to. `path` must not exist.
    pub fn write(
        mut self,
        disk: &dyn Disk,
        path: &Path,
        segments: &[(SegmentId, Digest)],
    ) -> Result<Digest, StoreError> {
        self.sort();
        self.leaves.sort_unstable();
        self.aliases.dedup();
        self.join_facts();
        let mut ecosystems = BTreeMap::new();
        let mut packages: Vec<(&str, Vec<u8>)> = Vec::new();
        for run in self.assertions.chunk_by(|a, b| a.0 == b.0) {
            let Some((key, _)) = run.first() else { continue };
            let ecosystem = key.split('\0').next().unwrap_or_default();
            ecosystems.insert(ecosystem.to_owned(), self.complete.contains(ecosystem));
            packages.push((key, package_row(&[], run.iter().map(|(_, row)| row.as_slice()))));
        }
        let file = IndexFile::create(disk, path)?;
        file.fill(ADVISORIES, self.advisories.iter().map(|(id, row)| Ok((id, encode(row)))))?;
        file.fill(ALIASES, self.aliases.iter().map(|key| Ok((key, []))))?;
        file.fill(PACKAGES, packages.iter().map(|(key, row)| Ok((key, row))))?;
        file.fill(EXPLOITED, self.exploited.iter().map(|(cve, row)| Ok((cve, encode(row)))))?;
        file.fill_epss(self.epss.iter().map(|(cve, values)| (cve.as_str(), Some(*values))))?;
        let buckets = by_bucket(&self.leaves);
        file.fill_leaves((0..).zip(&buckets).map(|(bucket, leaves)| (bucket, leaves_row(&[], leaves))))?;
        file.fill_small(&ecosystems, segments, &bucket_digests(&buckets))?;
        file.finish()
    }

    /// Sorts what was collected. Stable sorts find runs that are sorted already, so that builders which
    /// were filled and sorted in parallel cost little more than a merge once they are joined.
    pub fn sort(&mut self) {
        self.advisories.sort_by(|a, b| a.0.cmp(&b.0));
        self.assertions.sort();
        self.aliases.sort();
        self.exploited.sort_by(|a, b| a.0.cmp(&b.0));
        self.epss.sort();
    }

    /// Joins what is known of exploitation to the advisories, by id or alias.
    fn join_facts(&mut self) {
        fn find<T: Copy>(facts: &[(String, T)], name: &str) -> Option<T> {
            let at = facts.binary_search_by(|(cve, _)| cve.as_str().cmp(name)).ok()?;
            facts.get(at).map(|(_, fact)| *fact)
        }
        for (id, row) in &mut self.advisories {
            let names = || std::iter::once(id.as_str()).chain(row.summary.aliases.iter().map(String::as_str));
            let exploited = names().find_map(|name| find(&self.exploited, name)).map(|fact| fact.added);
            let epss = names().find_map(|name| find(&self.epss, name));
            row.summary.known_exploited = exploited;
            row.summary.epss = epss;
        }
    }
}

/// What an advisory says, package by package.
pub(super) fn assertions(advisory: &Advisory) -> impl Iterator<Item = PackageAssertion> + '_ {
    advisory.affected.iter().map(|affected| {
        let key = package_key(&affected.package.ecosystem.to_string(), &affected.package.name);
        (key, encode(&Assertion::new(&advisory.id, affected)))
    })
}

/// The other names of an advisory, as `alias NUL id`. An erratum is no alias of the vulnerabilities it
/// fixes, but people look for it.
pub(super) fn aliases(advisory: &Advisory) -> impl Iterator<Item = String> + '_ {
    let members = advisory.members.iter().map(|member| &member.id).filter(|id| **id != advisory.id);
    advisory.aliases.iter().chain(members).map(|name| format!("{name}\0{}", advisory.id))
}

fn by_bucket(sorted: &[(u16, Digest)]) -> Vec<Vec<Digest>> {
    let mut root = ContentRoot::new();
    sorted.iter().for_each(|(bucket, leaf)| root.add_leaf(*bucket, *leaf));
    root.into_buckets()
}

fn bucket_digests(buckets: &[Vec<Digest>]) -> Vec<Digest> {
    buckets.iter().map(|leaves| bucket_digest(leaves)).collect()
}

/// An index file that is being written, in one transaction.
pub(super) struct IndexFile<'p> {
    disk: &'p dyn Disk,
    path: &'p Path,
    database: redb::Database,
    write: redb::WriteTransaction,
}

impl<'p> IndexFile<'p> {
    pub(super) fn create(disk: &'p dyn Disk, path: &'p Path) -> Result<Self, StoreError> {
        let file = disk.open_database(path, OpenMode::Keep).map_err(StoreError::io(path))?;
        let database = redb::Builder::new().set_cache_size(CACHE_BYTES).create_with_backend(Backend(file))?;
        let mut write = database.begin_write()?;
        write.set_durability(Durability::Immediate)?;
        Ok(Self { disk, path, database, write })
    }

    /// Appends ascending rows through a cursor: several times faster than single inserts.
    pub(super) fn fill<K: AsRef<str>, R: AsRef<[u8]>>(
        &self,
        definition: TableDefinition<&str, &[u8]>,
        rows: impl Iterator<Item = Result<(K, R), StoreError>>,
    ) -> Result<(), StoreError> {
        let mut table = self.write.open_table(definition)?;
        let mut cursor = table.upper_bound_mut(Bound::<&str>::Unbounded)?;
        for row in rows {
            let (key, row) = row?;
            cursor.insert_before(key.as_ref(), row.as_ref())?;
        }
        cursor.close()?;
        Ok(())
    }

    /// Facts come sorted.
    pub(super) fn fill_epss<'a>(&self, facts: impl Iterator<Item = EpssFact<'a>>) -> Result<(), StoreError> {
        let mut facts = facts;
        let runs = std::iter::from_fn(|| {
            let run: Vec<EpssFact<'a>> = facts.by_ref().take(EPSS_RUN).collect();
            let first = run.first()?.0;
            Some(Ok((first, encode(&run))))
        });
        self.fill(EPSS, runs)
    }

    pub(super) fn fill_leaves(&self, rows: impl Iterator<Item = (u16, Vec<u8>)>) -> Result<(), StoreError> {
        let mut table = self.write.open_table(LEAVES)?;
        let mut cursor = table.upper_bound_mut(Bound::<u16>::Unbounded)?;
        for (bucket, row) in rows {
            cursor.insert_before(bucket, row.as_slice())?;
        }
        cursor.close()?;
        Ok(())
    }

    pub(super) fn fill_small(
        &self,
        ecosystems: &BTreeMap<String, bool>,
        segments: &[(SegmentId, Digest)],
        buckets: &[Digest],
    ) -> Result<(), StoreError> {
        debug_assert_eq!(buckets.len(), BUCKETS);
        let mut table = self.write.open_table(ECOSYSTEMS)?;
        for (name, complete) in ecosystems {
            table.insert(name.as_str(), complete)?;
        }
        let mut table = self.write.open_table(SEGMENTS)?;
        for (number, digest) in segments {
            table.insert(number, digest.as_bytes().as_slice())?;
        }
        let concatenated: Vec<u8> = buckets.iter().flat_map(|digest| *digest.as_bytes()).collect();
        self.write.open_table(ROOT)?.insert(0, concatenated.as_slice())?;
        Ok(())
    }

    /// Makes the file durable; says what it hashes to.
    pub(super) fn finish(self) -> Result<Digest, StoreError> {
        let Self { disk, path, database, write } = self;
        write.commit()?;
        // Dropping it would hide that the last write failed, and what is hashed below is what was read back
        // from memory: after a power cut the file would be another.
        database.close()?;
        // What cannot be opened must not be pointed at.
        open(disk, path, CACHE_BYTES)?.begin_read()?.open_table(ECOSYSTEMS)?;
        digest_of(disk, path)
    }
}
