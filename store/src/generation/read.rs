//! Reading a generation.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use domain::advisory::{Advisory, PackageKey};
use domain::digest::{Digest, Hasher};
use domain::ecosystem::Ecosystem;
use domain::matching::{AdvisoryIndex, Assertion, DataCoverage, Summary};
use domain::root::ContentRoot;
use redb::{ReadOnlyDatabase, ReadOnlyTable, ReadableDatabase, ReadableTable};

use super::tables::{
    ADVISORIES, ALIASES, AdvisoryRow, ECOSYSTEMS, Located, PACKAGES, SEGMENTS, decode, digest, package_key,
};
use crate::blobs::Blobs;
use crate::disk::{Backend, Disk, OpenMode, Reader};
use crate::error::StoreError;
use crate::rows::GenerationRow;

/// Pages of the index that are kept in memory. The whole file is bounded by this, however
/// large the data set.
const CACHE_BYTES: usize = 96 << 20;

/// Far above any manifest: one entry per segment and source.
const MANIFEST_BYTES_MAX: u64 = 8 << 20;

/// Assertions that are kept decoded, about 300 bytes each.
const DECODED_MAX: usize = 100_000;

/// An open generation. Cheap to share; a scan holds one for its whole life.
pub struct Generation {
    database: ReadOnlyDatabase,
    row: GenerationRow,
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
    pub(super) packages: ReadOnlyTable<&'static str, &'static [u8]>,
    pub(super) advisories: ReadOnlyTable<&'static str, &'static [u8]>,
    aliases: ReadOnlyTable<&'static str, &'static [u8]>,
}

impl Generation {
    /// Opens the file after checking that it is the one that was written. The index decides what
    /// is found, and a database does not notice every flipped byte by itself.
    pub(crate) fn open(disk: &dyn Disk, path: &Path, row: GenerationRow) -> Result<Self, StoreError> {
        if digest_of(disk, path)? != row.index_sha256 {
            return Err(StoreError::DamagedGeneration(row.number));
        }
        let database = open(disk, path, redb::Builder::new().set_cache_size(CACHE_BYTES))?;
        let mut ecosystems = BTreeMap::new();
        let read = database.begin_read()?;
        for entry in read.open_table(ECOSYSTEMS)?.iter()? {
            let (name, row) = entry?;
            ecosystems.insert(name.value().to_owned(), row.value().1);
        }
        Ok(Self { database, row, ecosystems, decoded: Decoded::default() })
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

    pub fn view(&self) -> Result<View<'_>, StoreError> {
        let read = self.database.begin_read()?;
        Ok(View {
            generation: self,
            packages: read.open_table(PACKAGES)?,
            advisories: read.open_table(ADVISORIES)?,
            aliases: read.open_table(ALIASES)?,
        })
    }

    fn segment(&self, number: u32) -> Result<Digest, StoreError> {
        let read = self.database.begin_read()?;
        let table = read.open_table(SEGMENTS)?;
        let row = table.get(number)?.ok_or_else(|| StoreError::damaged(format!("segment {number} is unknown")))?;
        digest(row.value())
    }
}

/// Opens a file that is written already, without changing it.
pub(super) fn open(disk: &dyn Disk, path: &Path, builder: &redb::Builder) -> Result<ReadOnlyDatabase, StoreError> {
    let file = disk.open_database(path, OpenMode::Read).map_err(StoreError::io(path))?;
    Ok(builder.open_read_only_with_backend(Backend(file))?)
}

pub(crate) fn digest_of(disk: &dyn Disk, path: &Path) -> Result<Digest, StoreError> {
    let mut file = Reader::open(disk, path).map_err(StoreError::io(path))?;
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer).map_err(StoreError::io(path))? {
            0 => return Ok(hasher.finish()),
            read => hasher.update(buffer.get(..read).unwrap_or_default()),
        }
    }
}

impl View<'_> {
    fn advisory_row(&self, id: &str) -> Result<Option<AdvisoryRow>, StoreError> {
        let row = self.advisories.get(id)?;
        row.map(|row| decode("an advisory's row", row.value())).transpose()
    }

    /// The whole advisory, read from its segment and checked against its digest.
    pub fn advisory(&self, id: &str, blobs: &Blobs) -> Result<Option<Advisory>, StoreError> {
        let Some(row) = self.advisory_row(id)? else { return Ok(None) };
        let Located { segment, offset, length, leaf } = row.located;
        let blob = self.generation.segment(segment)?;
        let line = blobs.read_range(&blob, offset.into(), length as usize)?;
        if ContentRoot::leaf("advisory", id, &line).1 != Digest::from_bytes(leaf) {
            return Err(StoreError::CorruptBlob(blob));
        }
        let advisory =
            serde_json::from_slice(&line).map_err(|error| StoreError::damaged(format!("advisory {id}: {error}")))?;
        Ok(Some(advisory))
    }

    /// The advisories that go by this name: its own id, or those that have it as an alias.
    pub fn resolve(&self, name: &str) -> Result<Vec<String>, StoreError> {
        let mut ids = Vec::new();
        if self.advisories.get(name)?.is_some() {
            ids.push(name.to_owned());
        }
        let prefix = format!("{name}\0");
        for entry in self.aliases.range(prefix.as_str()..)? {
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
        for entry in self.advisories.range(prefix..)?.take(count_max) {
            let id = entry?.0.value().to_owned();
            if !id.starts_with(prefix) {
                break;
            }
            found.push((id.clone(), id));
        }
        for entry in self.aliases.range(prefix..)?.take(count_max) {
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
        for entry in self.packages.iter()? {
            let (key, _) = entry?;
            if let Some((ecosystem, name)) = key.value().split_once('\0')
                && name.to_lowercase().contains(&text)
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
        let assertions: Arc<[Assertion]> = match self.packages.get(key.as_str())? {
            Some(rows) => decode::<Vec<Assertion>>("a package's assertions", rows.value())?.into(),
            None => Arc::new([]),
        };
        self.generation.decoded.keep(key, &assertions);
        Ok(assertions)
    }

    fn summary(&self, advisory: &str) -> Result<Option<Summary>, StoreError> {
        Ok(self.advisory_row(advisory)?.map(|row| row.summary))
    }
}
