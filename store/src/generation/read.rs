//! Reading a generation.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use domain::advisory::{Advisory, PackageKey};
use domain::digest::Digest;
use domain::ecosystem::Ecosystem;
use domain::exploitation::Epss;
use domain::matching::{AdvisoryIndex, Assertion, DataCoverage, Summary};
use domain::root::ContentRoot;

use super::layer::{Layer, OpenLayers, Stacks};
use super::tables::{AdvisoryRow, ExploitedRow, Located, SegmentId, decode, package_key};
use crate::blobs::Blobs;
use crate::disk::Disk;
use crate::error::StoreError;
use crate::layout::Layout;
use crate::rows::GenerationRow;

/// Far above any manifest: one entry per segment and source.
const MANIFEST_BYTES_MAX: u64 = 8 << 20;

/// Assertions that are kept decoded, about 300 bytes each.
const DECODED_MAX: usize = 100_000;

/// An open generation. Cheap to share; a scan holds one for its whole life.
pub struct Generation {
    /// Newest first.
    pub(super) layers: Vec<Arc<Layer>>,
    row: GenerationRow,
    segments: BTreeMap<SegmentId, Digest>,
    /// Complete or not.
    ecosystems: BTreeMap<String, bool>,
    decoded: Decoded,
}

/// Packages that were asked for lately, decoded: images share most of theirs.
#[derive(Default)]
struct Decoded {
    packages: RwLock<HashMap<String, Arc<[Assertion]>>>,
    assertions: AtomicUsize,
}

impl Decoded {
    fn find(&self, key: &str) -> Option<Arc<[Assertion]>> {
        self.packages.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    /// When full, everything goes: cheaper than to remember who was used when, and the next
    /// scans bring back what they need.
    fn keep(&self, key: String, assertions: &Arc<[Assertion]>) {
        let mut packages = self.packages.write().unwrap_or_else(PoisonError::into_inner);
        // A package without assertions takes a place too.
        if self.assertions.fetch_add(assertions.len() + 1, Ordering::Relaxed) > DECODED_MAX {
            packages.clear();
            self.assertions.store(assertions.len() + 1, Ordering::Relaxed);
        }
        packages.insert(key, Arc::clone(assertions));
    }
}

/// The tables of a generation as one scan sees them.
pub struct View<'a> {
    generation: &'a Generation,
    pub(super) tables: Stacks,
}

impl Generation {
    pub(crate) fn open(
        layers: &OpenLayers,
        disk: &dyn Disk,
        layout: &Layout,
        row: GenerationRow,
    ) -> Result<Self, StoreError> {
        Self::of(layers.open(disk, layout, &row)?, row)
    }

    pub(super) fn of(layers: Vec<Arc<Layer>>, row: GenerationRow) -> Result<Self, StoreError> {
        let newest = layers.first().ok_or_else(|| StoreError::without_index(row.number))?;
        let ecosystems = newest.ecosystems()?;
        let mut segments = BTreeMap::new();
        for layer in &layers {
            segments.extend(layer.segments()?);
        }
        Ok(Self { layers, row, segments, ecosystems, decoded: Decoded::default() })
    }

    pub fn row(&self) -> &GenerationRow {
        &self.row
    }

    /// Ecosystems (with releases) that have advisories here, and whether they are complete.
    pub fn ecosystems(&self) -> &BTreeMap<String, bool> {
        &self.ecosystems
    }

    /// The manifest of the data set, as it was signed.
    pub fn manifest(&self, blobs: &Blobs) -> Result<Vec<u8>, StoreError> {
        blobs.read(&self.row.manifest, MANIFEST_BYTES_MAX)
    }

    /// Has reading it failed? Then it has to be opened again.
    pub fn has_failed(&self) -> bool {
        self.layers.iter().any(|layer| layer.has_failed())
    }

    pub fn view(&self) -> Result<View<'_>, StoreError> {
        Ok(View { generation: self, tables: Stacks::of(&self.layers)? })
    }

    /// The number for the first segment of a delta on top of this generation.
    pub fn next_segment(&self) -> SegmentId {
        self.segments.last_key_value().map_or(0, |(number, _)| number + 1)
    }

    pub(super) fn segments(&self) -> &BTreeMap<SegmentId, Digest> {
        &self.segments
    }

    pub(super) fn segment(&self, number: SegmentId) -> Result<Digest, StoreError> {
        let known = self.segments.get(&number).copied();
        known.ok_or_else(|| StoreError::damaged(format!("segment {number} is unknown")))
    }

    /// A line of a segment, checked against its leaf in the content root.
    pub(super) fn line(&self, blobs: &Blobs, kind: &str, key: &str, at: &Located) -> Result<Vec<u8>, StoreError> {
        let blob = self.segment(at.segment)?;
        let line = blobs.read_range(&blob, at.offset.into(), at.length as usize)?;
        if ContentRoot::leaf(kind, key, &line).1 != Digest::from_bytes(at.leaf) {
            return Err(StoreError::CorruptBlob(blob));
        }
        Ok(line)
    }
}

impl View<'_> {
    pub(super) fn advisory_row(&self, id: &str) -> Result<Option<AdvisoryRow>, StoreError> {
        let row = self.tables.advisories.get(id)?;
        row.map(|row| decode("an advisory's row", row.value())).transpose()
    }

    pub(super) fn exploited_row(&self, cve: &str) -> Result<Option<ExploitedRow>, StoreError> {
        let row = self.tables.exploited.get(cve)?;
        row.map(|row| decode("a known-exploited row", row.value())).transpose()
    }

    /// The whole advisory, read from its segment and checked against its digest.
    pub fn advisory(&self, id: &str, blobs: &Blobs) -> Result<Option<Advisory>, StoreError> {
        let Some(row) = self.advisory_row(id)? else { return Ok(None) };
        let line = self.generation.line(blobs, "advisory", id, &row.located)?;
        let advisory =
            serde_json::from_slice(&line).map_err(|error| StoreError::damaged(format!("advisory {id}: {error}")))?;
        Ok(Some(advisory))
    }

    /// The canonical lines of all advisories, sorted by id, each checked against its leaf.
    pub fn advisory_lines<E: From<StoreError>>(
        &self,
        blobs: &Blobs,
        take: &mut impl FnMut(&str, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        for entry in self.tables.advisories.range("")? {
            let (id, row) = entry?;
            let row: AdvisoryRow = decode("an advisory's row", row.value())?;
            take(id.value(), &self.generation.line(blobs, "advisory", id.value(), &row.located)?)?;
        }
        Ok(())
    }

    /// The canonical lines of the known-exploited catalogue, sorted by CVE, likewise.
    pub fn known_exploited_lines<E: From<StoreError>>(
        &self,
        blobs: &Blobs,
        take: &mut impl FnMut(&str, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        for entry in self.tables.exploited.range("")? {
            let (cve, row) = entry?;
            let row: ExploitedRow = decode("a known-exploited row", row.value())?;
            take(cve.value(), &self.generation.line(blobs, "kev", cve.value(), &row.located)?)?;
        }
        Ok(())
    }

    /// The canonical lines of all EPSS facts, sorted by CVE.
    pub fn epss_lines<E: From<StoreError>>(
        &self,
        take: &mut impl FnMut(&str, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        for fact in self.tables.all_epss()? {
            let (cve, (probability_e5, percentile_e5)) = fact?;
            let fact = Epss { cve, probability_e5, percentile_e5 };
            take(&fact.cve, &epss_line(&fact))?;
        }
        Ok(())
    }

    /// The advisories that go by this name: its own id, or those that have it as an alias.
    pub fn resolve(&self, name: &str) -> Result<Vec<String>, StoreError> {
        let mut ids = Vec::new();
        if self.tables.advisories.get(name)?.is_some() {
            ids.push(name.to_owned());
        }
        let prefix = format!("{name}\0");
        for entry in self.tables.aliases.range(&prefix)? {
            let (key, _) = entry?;
            match key.value().strip_prefix(prefix.as_str()) {
                Some(id) => ids.push(id.to_owned()),
                None => break,
            }
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }

    /// Ids and aliases that begin with `prefix`, at most `count_max`, as (name, advisory).
    pub fn search_ids(&self, prefix: &str, count_max: usize) -> Result<Vec<(String, String)>, StoreError> {
        let mut found = Vec::new();
        for entry in self.tables.advisories.range(prefix)?.take(count_max) {
            let id = entry?.0.value().to_owned();
            if !id.starts_with(prefix) {
                break;
            }
            found.push((id.clone(), id));
        }
        for entry in self.tables.aliases.range(prefix)?.take(count_max) {
            let (key, _) = entry?;
            match key.value().split_once('\0') {
                Some((alias, id)) if alias.starts_with(prefix) => found.push((alias.to_owned(), id.to_owned())),
                _ => break,
            }
        }
        found.sort_unstable();
        found.truncate(count_max);
        Ok(found)
    }

    /// Packages whose name contains `text`, at most `count_max`, as (ecosystem, name).
    pub fn search_packages(&self, text: &str, count_max: usize) -> Result<Vec<(String, String)>, StoreError> {
        let text = text.to_lowercase();
        let mut found = Vec::new();
        for entry in self.tables.packages.range("")? {
            let (key, _) = entry?;
            if let Some((ecosystem, name)) = key.value().split_once('\0')
                && name.to_lowercase().contains(&text)
                && self.tables.with_assertions(key.value(), |rows| Ok(!rows.is_empty()))?
            {
                found.push((ecosystem.to_owned(), name.to_owned()));
                if found.len() == count_max {
                    break;
                }
            }
        }
        Ok(found)
    }
}

impl AdvisoryIndex for View<'_> {
    type Error = StoreError;

    fn coverage(&self, ecosystem: &Ecosystem) -> DataCoverage {
        match self.generation.ecosystems.get(&ecosystem.to_string()) {
            Some(true) => DataCoverage::Complete,
            Some(false) => DataCoverage::Partial,
            None => DataCoverage::Absent,
        }
    }

    fn assertions(&self, package: &PackageKey) -> Result<Arc<[Assertion]>, StoreError> {
        let key = package_key(&package.ecosystem.to_string(), &package.name);
        if let Some(known) = self.generation.decoded.find(&key) {
            return Ok(known);
        }
        let assertions: Arc<[Assertion]> =
            self.tables.with_assertions(&key, |rows| rows.iter().map(|row| decode("an assertion", row)).collect())?;
        self.generation.decoded.keep(key, &assertions);
        Ok(assertions)
    }

    fn summary(&self, advisory: &str) -> Result<Option<Summary>, StoreError> {
        Ok(self.advisory_row(advisory)?.map(|row| row.summary))
    }
}

/// The canonical line of an EPSS fact.
pub(super) fn epss_line(fact: &Epss) -> Vec<u8> {
    serde_json::to_vec(fact).expect("a fact holds only a string and integers")
}
