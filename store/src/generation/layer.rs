//! One open index file, and the stack of them that a generation is.
//!
//! Newest first: the first layer that has a key decides, except for packages and buckets, where each
//! layer changes what those below it say.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use domain::digest::Digest;
use redb::{AccessGuard, ReadOnlyDatabase, ReadOnlyTable, ReadableDatabase, ReadableTable};

use super::tables::{
    ADVISORIES, ALIASES, ECOSYSTEMS, EPSS, EXPLOITED, EpssFact, GONE, LEAVES, PACKAGES, PackageRow, ROOT, SEGMENTS,
    SegmentId, advisory_of, borrow, digest, digests, split_leaves,
};
use crate::blobs::hash;
use crate::disk::{Backend, Disk, OpenMode};
use crate::error::StoreError;
use crate::layout::Layout;
use crate::rows::{GenerationRow, LayerRef};

/// Pages of an index that are kept in memory. The whole file is bounded by this, however
/// large the data set.
const CACHE_BYTES: usize = 96 << 20;
/// Overlays are small.
const OVERLAY_CACHE_BYTES: usize = 8 << 20;

pub(super) type Table = ReadOnlyTable<&'static str, &'static [u8]>;
type Row = AccessGuard<'static, &'static [u8]>;

/// An open index file.
pub(super) struct Layer {
    database: ReadOnlyDatabase,
    /// Set when reading has failed. The database gives up then, whatever it was.
    failed: Arc<AtomicBool>,
}

/// Layers that are open somewhere in this process. Generations that share a file share its pages.
#[derive(Default)]
pub(crate) struct OpenLayers(Mutex<HashMap<LayerRef, Weak<Layer>>>);

impl OpenLayers {
    pub(super) fn open(
        &self,
        disk: &dyn Disk,
        layout: &Layout,
        row: &GenerationRow,
    ) -> Result<Vec<Arc<Layer>>, StoreError> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, layer| layer.strong_count() > 0);
        let mut layers = Vec::new();
        for (at, reference) in row.layers.iter().enumerate() {
            let cache = if at + 1 == row.layers.len() { CACHE_BYTES } else { OVERLAY_CACHE_BYTES };
            let known = open.get(reference).and_then(Weak::upgrade).filter(|layer| !layer.has_failed());
            let layer = match known {
                Some(layer) => layer,
                None => Arc::new(Layer::open(disk, &layout.generation(reference.file), *reference, cache, row.number)?),
            };
            open.insert(*reference, Arc::downgrade(&layer));
            layers.push(layer);
        }
        Ok(layers)
    }
}

impl Layer {
    /// Opens the file that was written, and no other: each block is held against its digest when it is read.
    fn open(
        disk: &dyn Disk,
        path: &Path,
        reference: LayerRef,
        cache: usize,
        generation: u64,
    ) -> Result<Self, StoreError> {
        let failed = Arc::new(AtomicBool::new(false));
        let backend = match reference.sealed() {
            Some(seal) => {
                let storage = disk.open_database(path, OpenMode::Read).map_err(StoreError::io(path))?;
                let blocks = seal.blocks(&*storage, generation, Arc::clone(&failed)).map_err(StoreError::io(path))?;
                Backend::checked(storage, blocks.ok_or(StoreError::DamagedGeneration(generation))?)
            }
            None if reference.holds(disk, path)? => plain(disk, path)?,
            None => return Err(StoreError::DamagedGeneration(generation)),
        };
        Ok(Self { database: read_only(backend, cache)?, failed })
    }

    /// Opens the file as it is.
    pub(super) fn unchecked(disk: &dyn Disk, path: &Path) -> Result<Self, StoreError> {
        Ok(Self { database: open(disk, path, OVERLAY_CACHE_BYTES)?, failed: Arc::default() })
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    pub(super) fn ecosystems(&self) -> Result<BTreeMap<String, bool>, StoreError> {
        let mut ecosystems = BTreeMap::new();
        for entry in self.database.begin_read()?.open_table(ECOSYSTEMS)?.iter()? {
            let (name, complete) = entry?;
            ecosystems.insert(name.value().to_owned(), complete.value());
        }
        Ok(ecosystems)
    }

    pub(super) fn segments(&self) -> Result<Vec<(SegmentId, Digest)>, StoreError> {
        let table = self.database.begin_read()?.open_table(SEGMENTS)?;
        table
            .iter()?
            .map(|entry| {
                let (number, row) = entry?;
                Ok((number.value(), digest(row.value())?))
            })
            .collect()
    }
}

/// Does a sealed file open as an index?
pub(crate) fn require_opens(disk: &dyn Disk, path: &Path, reference: LayerRef) -> Result<(), StoreError> {
    let layer = Layer::open(disk, path, reference, OVERLAY_CACHE_BYTES, reference.file)?;
    layer.ecosystems().map(drop)
}

/// Opens a file that is written already, without changing it.
pub(super) fn open(disk: &dyn Disk, path: &Path, cache: usize) -> Result<ReadOnlyDatabase, StoreError> {
    read_only(plain(disk, path)?, cache)
}

fn plain(disk: &dyn Disk, path: &Path) -> Result<Backend, StoreError> {
    Ok(Backend::new(disk.open_database(path, OpenMode::Read).map_err(StoreError::io(path))?))
}

fn read_only(backend: Backend, cache: usize) -> Result<ReadOnlyDatabase, StoreError> {
    Ok(redb::Builder::new().set_cache_size(cache).open_read_only_with_backend(backend)?)
}

pub(crate) fn digest_of(disk: &dyn Disk, path: &Path) -> Result<Digest, StoreError> {
    let file = disk.open(path, OpenMode::Read).map_err(StoreError::io(path))?;
    hash(&*file).map_err(StoreError::io(path))
}

/// One table of all layers, newest first.
pub(super) struct Stack(Vec<Table>);

/// The tables of all layers.
pub(super) struct Stacks {
    pub(super) packages: Stack,
    pub(super) advisories: Stack,
    pub(super) aliases: Stack,
    pub(super) exploited: Stack,
    epss: Stack,
    leaves: Vec<ReadOnlyTable<u16, &'static [u8]>>,
    root: ReadOnlyTable<u16, &'static [u8]>,
}

impl Stacks {
    pub(super) fn of(layers: &[Arc<Layer>]) -> Result<Self, StoreError> {
        let reads: Vec<_> = layers.iter().map(|layer| layer.database.begin_read()).collect::<Result<_, _>>()?;
        let stack = |table| -> Result<Stack, StoreError> {
            Ok(Stack(reads.iter().map(|read| read.open_table(table)).collect::<Result<_, _>>()?))
        };
        let newest = reads.first().ok_or_else(|| StoreError::damaged("a generation without an index"))?;
        Ok(Self {
            packages: stack(PACKAGES)?,
            advisories: stack(ADVISORIES)?,
            aliases: stack(ALIASES)?,
            exploited: stack(EXPLOITED)?,
            epss: stack(EPSS)?,
            leaves: reads.iter().map(|read| read.open_table(LEAVES)).collect::<Result<_, _>>()?,
            root: newest.open_table(ROOT)?,
        })
    }

    /// The EPSS probability and percentile of a CVE.
    pub(super) fn epss(&self, cve: &str) -> Result<Option<(u32, u32)>, StoreError> {
        for table in &self.epss.0 {
            let Some(entry) = table.range(..=cve)?.next_back() else { continue };
            let (_, row) = entry?;
            let run: Vec<EpssFact<'_>> = borrow("EPSS facts", row.value())?;
            if let Ok(at) = run.binary_search_by(|(name, _)| (*name).cmp(cve)) {
                return Ok(run.get(at).and_then(|(_, values)| *values));
            }
        }
        Ok(None)
    }

    /// All EPSS facts, sorted.
    pub(super) fn all_epss(&self) -> Result<AllEpss, StoreError> {
        let runs = |table: &Table| Ok(EpssOfLayer { runs: table.range(""..)?, facts: VecDeque::new() });
        let mut layers: Vec<EpssOfLayer> = self.epss.0.iter().map(runs).collect::<Result<_, StoreError>>()?;
        layers.iter_mut().try_for_each(EpssOfLayer::refill)?;
        Ok(AllEpss { layers })
    }

    /// The leaves of a bucket, sorted.
    pub(super) fn leaves(&self, bucket: u16) -> Result<Vec<Digest>, StoreError> {
        let mut leaves = Vec::new();
        for table in self.leaves.iter().rev() {
            let Some(row) = table.get(bucket)? else { continue };
            let (removed, added) = split_leaves(row.value())?;
            change_leaves(&mut leaves, &digests(removed)?, &digests(added)?)?;
        }
        Ok(leaves)
    }

    /// The digest of each bucket.
    pub(super) fn buckets(&self) -> Result<Vec<Digest>, StoreError> {
        let row = self.root.get(0)?.ok_or_else(|| StoreError::damaged("an index without a content root"))?;
        digests(row.value())
    }

    /// Every encoded assertion about a package, in the order that a whole file has them in.
    pub(super) fn with_assertions<T>(
        &self,
        key: &str,
        take: impl FnOnce(&[&[u8]]) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let rows: Vec<Row> =
            self.packages.0.iter().rev().filter_map(|table| table.get(key).transpose()).collect::<Result<_, _>>()?;
        let mut assertions: Vec<&[u8]> = Vec::new();
        for row in &rows {
            let row: PackageRow<'_> = borrow("a package's assertions", row.value())?;
            if !row.dropped.is_empty() {
                let mut kept = Vec::with_capacity(assertions.len());
                for assertion in assertions {
                    // Dropped advisories are few and sorted.
                    if row.dropped.binary_search(&advisory_of(assertion)?).is_err() {
                        kept.push(assertion);
                    }
                }
                assertions = kept;
            }
            assertions.extend(row.added);
        }
        if rows.len() > 1 {
            assertions.sort_unstable();
        }
        take(&assertions)
    }
}

/// Takes leaves out of a sorted bucket and adds others. What is taken out must be there.
pub(super) fn change_leaves(leaves: &mut Vec<Digest>, removed: &[Digest], added: &[Digest]) -> Result<(), StoreError> {
    for leaf in removed {
        let at = leaves.binary_search(leaf);
        leaves.remove(at.map_err(|_| StoreError::damaged("a record's leaf is not in its bucket"))?);
    }
    leaves.extend_from_slice(added);
    leaves.sort_unstable();
    Ok(())
}

impl Stack {
    /// The row of the newest layer that has the key, unless that says that it is gone.
    pub(super) fn get(&self, key: &str) -> Result<Option<Row>, StoreError> {
        for table in &self.0 {
            if let Some(row) = table.get(key)? {
                return Ok(Some(row).filter(|row| row.value() != GONE));
            }
        }
        Ok(None)
    }

    /// The rows from `from` on, sorted, each from the newest layer that has it, those that are gone left out.
    pub(super) fn range(&self, from: &str) -> Result<Merged, StoreError> {
        let mut layers = Vec::new();
        for table in &self.0 {
            let mut range = table.range(from..)?;
            let next = range.next().transpose()?;
            layers.push((range, next));
        }
        Ok(Merged { layers })
    }
}

/// A CVE with its EPSS probability and percentile; None when it is gone.
type Fact = (String, Option<(u32, u32)>);

/// The EPSS facts of one layer that are still to come.
struct EpssOfLayer {
    runs: Rows,
    facts: VecDeque<Fact>,
}

impl EpssOfLayer {
    fn refill(&mut self) -> Result<(), StoreError> {
        while self.facts.is_empty() {
            let Some(entry) = self.runs.next() else { return Ok(()) };
            let (_, row) = entry?;
            let run: Vec<EpssFact<'_>> = borrow("EPSS facts", row.value())?;
            self.facts.extend(run.into_iter().map(|(cve, values)| (cve.to_owned(), values)));
        }
        Ok(())
    }
}

/// EPSS facts of all layers, sorted: each from the newest layer that has it, those that are gone left out.
pub(super) struct AllEpss {
    layers: Vec<EpssOfLayer>,
}

impl AllEpss {
    fn step(&mut self) -> Result<Option<Fact>, StoreError> {
        let heads = self.layers.iter().filter_map(|layer| layer.facts.front());
        let Some(cve) = heads.map(|(cve, _)| cve).min().cloned() else { return Ok(None) };
        let mut newest = None;
        for layer in &mut self.layers {
            if layer.facts.front().is_some_and(|(found, _)| *found == cve) {
                let fact = layer.facts.pop_front();
                layer.refill()?;
                newest = newest.or(fact);
            }
        }
        Ok(newest)
    }
}

impl Iterator for AllEpss {
    type Item = Result<(String, (u32, u32)), StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.step() {
                Ok(Some((cve, Some(values)))) => return Some(Ok((cve, values))),
                Ok(Some((_, None))) => {}
                Ok(None) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

type Rows = redb::Range<'static, &'static str, &'static [u8]>;
type Entry = (AccessGuard<'static, &'static str>, Row);

/// Merged rows of several layers.
pub(super) struct Merged {
    /// The rest of each layer, and its next row.
    layers: Vec<(Rows, Option<Entry>)>,
}

impl Iterator for Merged {
    type Item = Result<Entry, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let heads = self.layers.iter().filter_map(|(_, head)| head.as_ref());
            let key = heads.map(|(key, _)| key.value()).min()?.to_owned();
            let mut newest = None;
            for (range, head) in &mut self.layers {
                if head.as_ref().is_some_and(|(found, _)| found.value() == key) {
                    let entry = match range.next().transpose() {
                        Ok(next) => std::mem::replace(head, next),
                        Err(error) => return Some(Err(error.into())),
                    };
                    newest = newest.or(entry);
                }
            }
            if let Some(entry) = newest.filter(|(_, row)| row.value() != GONE) {
                return Some(Ok(entry));
            }
        }
    }
}
