//! Building a generation file: collect rows in any order, sort, write once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::path::Path;

use domain::advisory::Advisory;
use domain::digest::Digest;
use domain::ecosystem::Ecosystem;
use domain::exploitation::{Epss, KnownExploited};
use domain::matching::{Assertion, Summary};
use domain::time::Timestamp;
use redb::{Durability, ReadableDatabase, TableDefinition};

use super::read::{digest_of, open};
use super::tables::{
    ADVISORIES, ALIASES, AdvisoryRow, ECOSYSTEMS, Located, PACKAGES, SEGMENTS, SegmentId, encode, package_key,
};
use crate::disk::{Backend, Disk, OpenMode};
use crate::error::StoreError;

/// The whole file fits for data sets of today; what does not fit is written out early and costs reads.
const CACHE_BYTES: usize = 128 << 20;

/// A package key, and one encoded assertion or several.
type PackageRow = (String, Vec<u8>);

/// The rows of a generation to be. Several can be filled in parallel and joined.
#[derive(Default)]
pub struct GenerationBuilder {
    assertions: Vec<PackageRow>,
    advisories: Vec<(String, AdvisoryRow)>,
    /// `alias NUL id`: other names that an advisory is found by.
    aliases: Vec<String>,
    known_exploited: Vec<(String, Timestamp)>,
    /// CVE, probability and percentile.
    epss: Vec<(String, (u32, u32))>,
    complete: BTreeSet<String>,
}

impl GenerationBuilder {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an advisory, whose canonical line is at `located`. A withdrawn one is kept for
    /// look-up and makes no findings: its assertions were dropped when it was merged.
    pub fn add_advisory(&mut self, advisory: &Advisory, located: Located) {
        for affected in &advisory.affected {
            let key = package_key(&affected.package.ecosystem.to_string(), &affected.package.name);
            self.assertions.push((key, encode(&Assertion::new(&advisory.id, affected))));
        }
        // An erratum is no alias of the vulnerabilities it fixes, but people look for it.
        let members = advisory.members.iter().map(|member| &member.id).filter(|id| **id != advisory.id);
        self.aliases.extend(advisory.aliases.iter().chain(members).map(|name| format!("{name}\0{}", advisory.id)));
        let summary = Summary::new(advisory, None, None);
        self.advisories.push((advisory.id.clone(), AdvisoryRow { located, summary }));
    }

    pub fn add_known_exploited(&mut self, fact: &KnownExploited) {
        self.known_exploited.push((fact.cve.clone(), fact.date_added));
    }

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
        self.known_exploited.append(&mut other.known_exploited);
        self.complete.append(&mut other.complete);
        self.epss.append(&mut other.epss);
    }

    pub fn advisories(&self) -> u64 {
        self.advisories.len() as u64
    }

    /// Writes the file and syncs it; says what it hashes to. `path` must not exist.
    pub fn write(
        mut self,
        disk: &dyn Disk,
        path: &Path,
        segments: &[(SegmentId, Digest)],
    ) -> Result<Digest, StoreError> {
        self.sort();
        self.aliases.dedup();
        self.join_facts();
        let file = disk.open_database(path, OpenMode::Keep).map_err(StoreError::io(path))?;
        let database = redb::Builder::new().set_cache_size(CACHE_BYTES).create_with_backend(Backend(file))?;
        let mut write = database.begin_write()?;
        write.set_durability(Durability::Immediate)?;
        fill(&write, ADVISORIES, self.advisories.iter().map(|(id, row)| (id.as_str(), encode(row))))?;
        fill(&write, ALIASES, self.aliases.iter().map(|key| (key.as_str(), [])))?;
        let (packages, ecosystems) = packages(self.assertions);
        let state = |(name, count): (String, u64)| {
            let complete = self.complete.contains(&name);
            (name, (count, complete))
        };
        let ecosystems = ecosystems.into_iter().map(state).collect();
        fill(&write, PACKAGES, packages.iter().map(|(key, rows)| (key.as_str(), rows)))?;
        fill_small(&write, &ecosystems, segments)?;
        write.commit()?;
        // Dropping it would hide that the last write failed, and what is hashed below is what was read back
        // from memory: after a power cut the file would be another.
        database.close()?;
        // What cannot be opened must not be pointed at.
        open(disk, path, redb::Builder::new().set_cache_size(CACHE_BYTES))?.begin_read()?.open_table(ECOSYSTEMS)?;
        digest_of(disk, path)
    }

    /// Sorts what was collected. Stable sorts find runs that are sorted already, so that builders which
    /// were filled and sorted in parallel cost little more than a merge once they are joined.
    pub fn sort(&mut self) {
        self.advisories.sort_by(|a, b| a.0.cmp(&b.0));
        self.assertions.sort();
        self.aliases.sort();
        self.epss.sort();
    }

    /// Joins what is known of exploitation to the advisories, by id or alias.
    fn join_facts(&mut self) {
        let exploited: HashMap<&str, Timestamp> =
            self.known_exploited.iter().map(|(cve, added)| (cve.as_str(), *added)).collect();
        for (id, row) in &mut self.advisories {
            let names = || std::iter::once(id.as_str()).chain(row.summary.aliases.iter().map(String::as_str));
            let exploited = names().find_map(|name| exploited.get(name)).map(|added| added.unix());
            let find = |name: &str| self.epss.binary_search_by(|(cve, _)| cve.as_str().cmp(name)).ok();
            let epss = names().find_map(find).and_then(|at| self.epss.get(at)).map(|(_, values)| *values);
            row.summary.known_exploited = exploited;
            row.summary.epss = epss;
        }
    }
}

/// Groups sorted assertions by package, and counts packages per ecosystem.
fn packages(assertions: Vec<PackageRow>) -> (Vec<PackageRow>, BTreeMap<String, u64>) {
    let mut packages: Vec<PackageRow> = Vec::new();
    let mut ecosystems = BTreeMap::new();
    for run in assertions.chunk_by(|a, b| a.0 == b.0) {
        let Some((key, _)) = run.first() else { continue };
        let ecosystem = key.split('\0').next().unwrap_or_default();
        *ecosystems.entry(ecosystem.to_owned()).or_default() += 1;
        // A sequence is its length and its elements, so encoded elements need no decoding here.
        let mut rows = encode(&run.len());
        run.iter().for_each(|(_, row)| rows.extend_from_slice(row));
        packages.push((key.clone(), rows));
    }
    (packages, ecosystems)
}

/// Appends ascending rows through a cursor: several times faster than single inserts.
fn fill<'a, R: AsRef<[u8]>>(
    write: &redb::WriteTransaction,
    definition: TableDefinition<&str, &[u8]>,
    rows: impl Iterator<Item = (&'a str, R)>,
) -> Result<(), StoreError> {
    let mut table = write.open_table(definition)?;
    let mut cursor = table.upper_bound_mut(Bound::<&str>::Unbounded)?;
    for (key, row) in rows {
        cursor.insert_before(key, row.as_ref())?;
    }
    cursor.close()?;
    Ok(())
}

fn fill_small(
    write: &redb::WriteTransaction,
    ecosystems: &BTreeMap<String, (u64, bool)>,
    segments: &[(SegmentId, Digest)],
) -> Result<(), StoreError> {
    let mut table = write.open_table(ECOSYSTEMS)?;
    for (name, row) in ecosystems {
        table.insert(name.as_str(), *row)?;
    }
    let mut table = write.open_table(SEGMENTS)?;
    for (number, digest) in segments {
        table.insert(number, digest.as_bytes().as_slice())?;
    }
    Ok(())
}
