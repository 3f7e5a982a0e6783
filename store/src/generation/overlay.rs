//! Applying a delta: the changes of a kit on top of a base become one more layer.
//!
//! The cost follows the delta. Of the base only those rows, lines and buckets are read that a change
//! touches. Applying is strict: a delta that does not fit its base exactly is refused, and the content
//! root of the result is computed anew from the base's buckets.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use domain::advisory::Advisory;
use domain::digest::Digest;
use domain::ecosystem::Ecosystem;
use domain::exploitation::{Epss, KnownExploited};
use domain::matching::Summary;
use domain::root::{ContentRoot, bucket_digest, root_of};

use super::build::{aliases, assertions};
use super::census::Census;
use super::file::IndexFile;
use super::layer::change_leaves;
use super::read::{Generation, View, epss_line};
use super::tables::{
    ADVISORIES, ALIASES, AdvisoryRow, EXPLOITED, ExploitedRow, GONE, Located, PACKAGES, SegmentId, VEX, encode,
    leaves_row, package_row,
};
use crate::blobs::Blobs;
use crate::disk::Disk;
use crate::error::StoreError;

/// How many index files a generation may rest on. Each costs a look-up, and a base that is never left
/// keeps its deleted records on disk.
pub const LAYERS_MAX: usize = 8;

/// Why a delta was not applied.
#[derive(Debug, thiserror::Error)]
pub enum DeltaError {
    #[error("the {kind} {key:?} {problem}: the delta was made for another base")]
    Base { kind: &'static str, key: String, problem: &'static str },
    /// Parts of the base that the delta needs are missing or damaged: importing the full kit brings them back.
    #[error("the base is incomplete: missing or damaged blobs {}", list(.0))]
    Incomplete(Vec<Digest>),
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn list(digests: &[Digest]) -> String {
    digests.iter().map(Digest::to_string).collect::<Vec<_>>().join(", ")
}

macro_rules! from_redb {
    ($($error:ty),*) => {
        $(impl From<$error> for DeltaError {
            fn from(error: $error) -> Self {
                Self::Store(error.into())
            }
        })*
    };
}

from_redb!(redb::StorageError, redb::TableError, redb::TransactionError);

/// The changes of a delta kit. Several can be filled in parallel and joined.
#[derive(Default)]
pub struct Delta {
    /// Upserts, with None for a tombstone.
    advisories: Vec<(String, Option<(Advisory, Located)>)>,
    exploited: Vec<(String, Option<ExploitedRow>)>,
    epss: Vec<(String, Option<(u32, u32)>)>,
    vex: Vec<(String, Option<Located>)>,
}

impl Delta {
    pub fn new() -> Self {
        Self::default()
    }

    /// An advisory that is new or changed; its canonical line is at `located`, whose segment is numbered from
    /// [`Generation::next_segment`] of the base on.
    pub fn upsert_advisory(&mut self, advisory: Advisory, located: Located) {
        self.advisories.push((advisory.id.clone(), Some((advisory, located))));
    }

    pub fn remove_advisory(&mut self, id: &str) {
        self.advisories.push((id.to_owned(), None));
    }

    pub fn upsert_known_exploited(&mut self, fact: &KnownExploited, located: Located) {
        self.exploited.push((fact.cve.clone(), Some(ExploitedRow { located, added: fact.date_added.unix() })));
    }

    pub fn remove_known_exploited(&mut self, cve: &str) {
        self.exploited.push((cve.to_owned(), None));
    }

    pub fn upsert_epss(&mut self, fact: &Epss) {
        self.epss.push((fact.cve.clone(), Some((fact.probability_e5, fact.percentile_e5))));
    }

    pub fn remove_epss(&mut self, cve: &str) {
        self.epss.push((cve.to_owned(), None));
    }

    /// A VEX document that is new or changed; its canonical line is at `located`.
    pub fn upsert_vex(&mut self, name: &str, located: Located) {
        self.vex.push((name.to_owned(), Some(located)));
    }

    pub fn remove_vex(&mut self, name: &str) {
        self.vex.push((name.to_owned(), None));
    }

    /// Adds all that another one has collected.
    pub fn join(&mut self, mut other: Self) {
        self.advisories.append(&mut other.advisories);
        self.exploited.append(&mut other.exploited);
        self.epss.append(&mut other.epss);
        self.vex.append(&mut other.vex);
    }
}

/// The rows of a layer to be, and the content root that a generation has with it on top.
pub struct Overlay {
    /// None for what is gone, here and below.
    advisories: BTreeMap<String, Option<AdvisoryRow>>,
    /// `alias NUL id`, and whether it is there.
    aliases: BTreeMap<String, bool>,
    packages: BTreeMap<String, PackageChange>,
    exploited: BTreeMap<String, Option<ExploitedRow>>,
    epss: BTreeMap<String, Option<(u32, u32)>>,
    vex: BTreeMap<String, Option<Located>>,
    leaves: BTreeMap<u16, LeafChange>,
    buckets: Vec<Digest>,
    ecosystems: BTreeMap<String, bool>,
    census: Census,
}

#[derive(Default)]
struct PackageChange {
    dropped: BTreeSet<String>,
    /// Encoded assertions. Equal ones count each.
    added: Vec<Vec<u8>>,
}

#[derive(Default)]
struct LeafChange {
    removed: Vec<Digest>,
    added: Vec<Digest>,
}

impl Overlay {
    /// Applies a delta to its base. `ecosystems` are those of the result, from the signed manifest, with
    /// whether the data is complete for each.
    pub fn apply<'e>(
        base: &Generation,
        blobs: &Blobs,
        delta: Delta,
        ecosystems: impl IntoIterator<Item = (&'e Ecosystem, bool)>,
    ) -> Result<Self, DeltaError> {
        let view = base.view()?;
        let ecosystems = ecosystems.into_iter().map(|(name, complete)| (name.to_string(), complete)).collect();
        let mut overlay = Self {
            advisories: BTreeMap::new(),
            aliases: BTreeMap::new(),
            packages: BTreeMap::new(),
            exploited: BTreeMap::new(),
            epss: BTreeMap::new(),
            vex: BTreeMap::new(),
            leaves: BTreeMap::new(),
            buckets: view.tables.buckets()?,
            ecosystems,
            census: base.census()?,
        };
        overlay.take_facts(&view, delta.exploited, delta.epss)?;
        overlay.take_vex(&view, delta.vex)?;
        overlay.take_advisories(base, &view, blobs, delta.advisories)?;
        overlay.join_facts(&view)?;
        overlay.take_leaves(&view)?;
        let complete = overlay.ecosystems.iter().filter_map(|(name, complete)| complete.then_some(name));
        overlay.census.declare(complete);
        Ok(overlay)
    }

    /// How much there is of what in the result.
    pub fn census(&self) -> &Census {
        &self.census
    }

    /// What the lines of all VEX documents of the result take. Not read: a delta kit says of others only what they are.
    pub fn vex_bytes(&self, base: &Generation) -> Result<u64, StoreError> {
        let kept = base.view()?.vex_lengths()?.into_iter().filter(|(name, _)| !self.vex.contains_key(name));
        let changed = self.vex.values().flatten().map(|located| u64::from(located.length));
        Ok(kept.map(|(_, length)| length).chain(changed).sum())
    }

    /// The content root of the result.
    pub fn content_root(&self) -> Digest {
        root_of(self.buckets.iter().copied())
    }

    fn take_facts(
        &mut self,
        view: &View<'_>,
        exploited: Vec<(String, Option<ExploitedRow>)>,
        epss: Vec<(String, Option<(u32, u32)>)>,
    ) -> Result<(), DeltaError> {
        for (cve, new) in exploited {
            let old = view.exploited_row(&cve)?.map(|row| Digest::from_bytes(row.located.leaf));
            count(&mut self.census.known_exploited, old.is_some(), new.is_some());
            self.change("kev", &cve, old, new.map(|row| Digest::from_bytes(row.located.leaf)))?;
            if self.exploited.insert(cve.clone(), new).is_some() {
                return Err(refuse("kev", &cve, "occurs twice"));
            }
        }
        for (cve, new) in epss {
            let leaf = |(probability_e5, percentile_e5)| {
                let fact = Epss { cve: cve.clone(), probability_e5, percentile_e5 };
                ContentRoot::leaf("epss", &cve, &epss_line(&fact)).1
            };
            let old = view.tables.epss(&cve)?.map(leaf);
            count(&mut self.census.epss, old.is_some(), new.is_some());
            self.change("epss", &cve, old, new.map(leaf))?;
            if self.epss.insert(cve.clone(), new).is_some() {
                return Err(refuse("epss", &cve, "occurs twice"));
            }
        }
        Ok(())
    }

    fn take_vex(&mut self, view: &View<'_>, changes: Vec<(String, Option<Located>)>) -> Result<(), DeltaError> {
        let leaf = |located: Located| Digest::from_bytes(located.leaf);
        for (name, new) in changes {
            let old = view.vex_row(&name)?;
            count(&mut self.census.vex, old.is_some(), new.is_some());
            self.change("vex", &name, old.map(leaf), new.map(leaf))?;
            if self.vex.insert(name.clone(), new).is_some() {
                return Err(refuse("vex", &name, "occurs twice"));
            }
        }
        Ok(())
    }

    fn take_advisories(
        &mut self,
        base: &Generation,
        view: &View<'_>,
        blobs: &Blobs,
        changes: Vec<(String, Option<(Advisory, Located)>)>,
    ) -> Result<(), DeltaError> {
        let mut lost = BTreeSet::new();
        for (id, new) in changes {
            let old = view.advisory_row(&id)?;
            let leaf = |located: &Located| Digest::from_bytes(located.leaf);
            let (before, after) = (old.as_ref().map(|row| leaf(&row.located)), new.as_ref().map(|new| leaf(&new.1)));
            self.change("advisory", &id, before, after)?;
            if old.is_some() {
                match view.advisory(&id, blobs) {
                    Ok(old) => old.iter().for_each(|old| self.drop_rows(old)),
                    Err(StoreError::MissingBlob(digest) | StoreError::CorruptBlob(digest)) => {
                        lost.insert(digest);
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            if let Some((advisory, located)) = &new {
                if located.segment < base.next_segment() {
                    return Err(StoreError::damaged("a delta's segment has the number of its base's").into());
                }
                self.add_rows(advisory);
            }
            let row =
                new.map(|(advisory, located)| AdvisoryRow { located, summary: Summary::new(&advisory, None, None) });
            if self.advisories.insert(id.clone(), row).is_some() {
                return Err(refuse("advisory", &id, "occurs twice"));
            }
        }
        // As a whole file has them.
        self.packages.values_mut().for_each(|change| change.added.sort_unstable());
        if lost.is_empty() { Ok(()) } else { Err(DeltaError::Incomplete(lost.into_iter().collect())) }
    }

    /// Notes which leaf goes and which comes, and holds the delta against its base.
    fn change(
        &mut self,
        kind: &'static str,
        key: &str,
        old: Option<Digest>,
        new: Option<Digest>,
    ) -> Result<(), DeltaError> {
        match (old, new) {
            (None, None) => return Err(refuse(kind, key, "is deleted and was not there")),
            (Some(old), Some(new)) if old == new => return Err(refuse(kind, key, "is given and was there already")),
            _ => {}
        }
        let change = self.leaves.entry(ContentRoot::bucket(kind, key)).or_default();
        change.removed.extend(old);
        change.added.extend(new);
        Ok(())
    }

    fn drop_rows(&mut self, old: &Advisory) {
        self.census.remove(old);
        for (package, _) in assertions(old) {
            self.census.remove_package(&package);
            self.packages.entry(package).or_default().dropped.insert(old.id.clone());
        }
        self.aliases.extend(aliases(old).map(|alias| (alias, false)));
    }

    /// After [`Self::drop_rows`] of the same advisory, so that what stays is there.
    fn add_rows(&mut self, new: &Advisory) {
        self.census.add(new);
        for (package, assertion) in assertions(new) {
            self.census.add_package(&package);
            self.packages.entry(package).or_default().added.push(assertion);
        }
        self.aliases.extend(aliases(new).map(|alias| (alias, true)));
    }

    /// Joins what is known of exploitation to the advisories that changed, and to those that a changed fact
    /// belongs to.
    fn join_facts(&mut self, view: &View<'_>) -> Result<(), DeltaError> {
        for cve in self.exploited.keys().chain(self.epss.keys()) {
            for id in view.resolve(cve)? {
                if let Entry::Vacant(place) = self.advisories.entry(id) {
                    let row = view.advisory_row(place.key())?;
                    place.insert(row);
                }
            }
        }
        for (id, row) in &mut self.advisories {
            let Some(row) = row else { continue };
            let (mut exploited, mut epss) = (None, None);
            for name in std::iter::once(id).chain(&row.summary.aliases) {
                if exploited.is_none() {
                    let below = || Ok::<_, StoreError>(view.exploited_row(name)?.map(|row| row.added));
                    exploited = self.exploited.get(name).map_or_else(below, |new| Ok(new.map(|row| row.added)))?;
                }
                if epss.is_none() {
                    epss = self.epss.get(name).map_or_else(|| view.tables.epss(name), |new| Ok(*new))?;
                }
            }
            row.summary.known_exploited = exploited;
            row.summary.epss = epss;
        }
        Ok(())
    }

    fn take_leaves(&mut self, view: &View<'_>) -> Result<(), DeltaError> {
        for (bucket, change) in &mut self.leaves {
            change.removed.sort_unstable();
            change.added.sort_unstable();
            let mut leaves = view.tables.leaves(*bucket)?;
            change_leaves(&mut leaves, &change.removed, &change.added)?;
            let place = self.buckets.get_mut(usize::from(*bucket));
            *place.ok_or_else(|| StoreError::damaged("a content root with too few buckets"))? = bucket_digest(&leaves);
        }
        Ok(())
    }

    /// Writes the layer and syncs it. `path` must not exist.
    pub(super) fn write(
        &self,
        disk: &dyn Disk,
        path: &Path,
        segments: &[(SegmentId, Digest)],
    ) -> Result<(), StoreError> {
        fn row<T: serde::Serialize>(row: Option<&T>) -> Vec<u8> {
            row.map_or_else(|| GONE.to_vec(), encode)
        }
        let file = IndexFile::create(disk, path)?;
        file.fill(ADVISORIES, self.advisories.iter().map(|(id, new)| Ok((id, row(new.as_ref())))))?;
        file.fill(ALIASES, self.aliases.iter().map(|(key, there)| Ok((key, if *there { &[] } else { GONE }))))?;
        let packages = self.packages.iter().map(|(key, change)| {
            let dropped: Vec<&str> = change.dropped.iter().map(String::as_str).collect();
            Ok((key, package_row(&dropped, change.added.iter().map(Vec::as_slice))))
        });
        file.fill(PACKAGES, packages)?;
        file.fill(EXPLOITED, self.exploited.iter().map(|(cve, new)| Ok((cve, row(new.as_ref())))))?;
        file.fill(VEX, self.vex.iter().map(|(name, new)| Ok((name, row(new.as_ref())))))?;
        file.fill_epss(self.epss.iter().map(|(cve, new)| Ok((cve, *new))))?;
        let leaves = self.leaves.iter();
        file.fill_leaves(leaves.map(|(bucket, change)| Ok((*bucket, leaves_row(&change.removed, &change.added)))))?;
        file.fill_small(&self.ecosystems, segments, &self.buckets)?;
        file.finish()
    }
}

/// One more when a row comes, one less when it goes.
fn count(rows: &mut u64, before: bool, after: bool) {
    *rows = rows.saturating_add(u64::from(after)).saturating_sub(u64::from(before));
}

fn refuse(kind: &'static str, key: &str, problem: &'static str) -> DeltaError {
    DeltaError::Base { kind, key: key.to_owned(), problem }
}
