//! `sboms.redb`: the SBOMs that the site has asked to keep an eye on.
//!
//! A file of its own: `state.redb` stays small, which is copied, synced and recovered as one piece,
//! while this one grows with the site (about 22 kB per image). Each document has three rows
//! in three tables, so that a list does not read inventories, and finding out which documents a
//! change of the data touches reads footprints alone.

mod footprint;
mod snapshot;

pub use footprint::{Footprint, PackageHash, PackageSet};
pub use snapshot::{SHARDS, Snapshot};

use domain::component::Inventory;
use domain::digest::Digest;
use domain::time::Timestamp;
use policy::Gate;
use redb::{ReadableTable, ReadableTableMetadata, TableDefinition};
use serde::{Deserialize, Serialize};

use crate::database::{Content, SharedDatabase, is_current, schema_in};
use crate::error::StoreError;
use crate::rows::{decode, encode};
use crate::state::Store;

const SCHEMA: u64 = 1;
/// Tables are read once from end to end; what is read again are their upper pages.
const CACHE_BYTES: usize = 16 << 20;
/// Inventories compress well at every level; this one costs less than parsing the document.
const LEVEL: i32 = 3;
/// Documents whose footprints are made again in one transaction.
const RENEWED_AT_ONCE: usize = 1_000;

/// `schema`, and `planner`: which version's planner made all footprints.
const META: TableDefinition<&str, u64> = TableDefinition::new("meta");
const ROWS: TableDefinition<&[u8], &[u8]> = TableDefinition::new("rows");
const INVENTORIES: TableDefinition<&[u8], &[u8]> = TableDefinition::new("inventories");
const FOOTPRINTS: TableDefinition<&[u8], &[u8]> = TableDefinition::new("footprints");

/// The open file.
pub struct Sboms {
    database: SharedDatabase,
}

/// What is known of a document without reading its inventory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SbomRow {
    /// Of the document as it was received.
    pub digest: Digest,
    pub name: String,
    /// Format and its version: `CycloneDX 1.6`.
    pub format: String,
    pub components: u64,
    pub received_at: Timestamp,
    /// The policy that it was judged by last; the verdict of a new generation is foretold with it.
    pub gate: Gate,
}

/// Was a document new?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    New,
    /// It was there; its name and gate are now the new ones.
    Replaced,
}

impl SbomRow {
    pub fn new(digest: Digest, name: String, inventory: &Inventory, gate: Gate, received_at: Timestamp) -> Self {
        let format = format!("{} {}", inventory.format, inventory.spec_version).trim_end().to_owned();
        Self { digest, name, format, components: inventory.components.len() as u64, received_at, gate }
    }
}

impl Store {
    /// Opens the stored SBOMs, making the file when it is missing.
    pub fn sboms(&self) -> Result<Sboms, StoreError> {
        let path = self.layout().sboms();
        let database = SharedDatabase::open(self.shared_disk(), self.layout(), path, CACHE_BYTES, &CONTENT)?;
        Ok(Sboms { database })
    }
}

const CONTENT: Content = Content { schema: SCHEMA, found: |read| schema_in(read, META), fill: make_tables };

fn make_tables(database: &SharedDatabase) -> Result<(), StoreError> {
    let write = database.begin_write()?;
    {
        let mut meta = write.open_table(META)?;
        let found = meta.get("schema")?.map(|value| value.value());
        if is_current(found, SCHEMA)? {
            return Ok(());
        }
        meta.insert("schema", SCHEMA)?;
        meta.insert("planner", footprint::planner())?;
        write.open_table(ROWS)?;
        write.open_table(INVENTORIES)?;
        write.open_table(FOOTPRINTS)?;
    }
    Ok(write.commit()?)
}

impl Sboms {
    /// Keeps documents, by one commit for all of them.
    pub fn add<'a>(
        &self,
        documents: impl IntoIterator<Item = (&'a SbomRow, &'a Inventory)>,
    ) -> Result<Vec<Added>, StoreError> {
        let write = self.database.begin_write()?;
        let mut added = Vec::new();
        {
            let mut rows = write.open_table(ROWS)?;
            let mut inventories = write.open_table(INVENTORIES)?;
            let mut footprints = write.open_table(FOOTPRINTS)?;
            for (row, inventory) in documents {
                let key = row.digest.as_bytes().as_slice();
                let old = rows.insert(key, encode(row).as_slice())?;
                added.push(if old.is_some() { Added::Replaced } else { Added::New });
                inventories.insert(key, pack(inventory)?.as_slice())?;
                footprints.insert(key, footprint::make(inventory, &row.gate).as_slice())?;
            }
        }
        write.commit()?;
        Ok(added)
    }

    /// Forgets a document; false when there was none.
    pub fn remove(&self, digest: &Digest) -> Result<bool, StoreError> {
        let write = self.database.begin_write()?;
        let key = digest.as_bytes().as_slice();
        let found = write.open_table(ROWS)?.remove(key)?.is_some();
        write.open_table(INVENTORIES)?.remove(key)?;
        write.open_table(FOOTPRINTS)?.remove(key)?;
        write.commit()?;
        Ok(found)
    }

    pub fn count(&self) -> Result<u64, StoreError> {
        Ok(self.database.begin_read()?.open_table(ROWS)?.len()?)
    }

    /// Up to `count_max` documents in the order of their digests, from the one after `after` on.
    pub fn list(&self, after: Option<&Digest>, count_max: usize) -> Result<Vec<SbomRow>, StoreError> {
        let read = self.database.begin_read()?;
        let table = read.open_table(ROWS)?;
        let start = match after {
            Some(digest) => std::ops::Bound::Excluded(digest.as_bytes().as_slice()),
            None => std::ops::Bound::Unbounded,
        };
        let rows = table.range::<&[u8]>((start, std::ops::Bound::Unbounded))?.take(count_max);
        rows.map(|entry| decode("the row of an SBOM", entry?.1.value())).collect()
    }

    /// All documents as they are now, whatever is added meanwhile.
    pub fn snapshot(&self) -> Result<Snapshot<'_>, StoreError> {
        let read = self.database.begin_read()?;
        Snapshot::of(self, &read)
    }

    /// Makes the footprints again that another version of the program made, whose planner may ask
    /// for other packages. Says how many there were.
    pub fn renew_footprints(&self) -> Result<u64, StoreError> {
        let read = self.database.begin_read()?;
        let made_by = read.open_table(META)?.get("planner")?.map(|value| value.value());
        if made_by == Some(footprint::planner()) {
            return Ok(0);
        }
        let snapshot = Snapshot::of(self, &read)?;
        let mut stale = Vec::new();
        for shard in 0..SHARDS {
            snapshot.footprints(shard, |digest, footprint| {
                stale.extend((!footprint.is_current()).then_some(digest));
                Ok(())
            })?;
        }
        for digests in stale.chunks(RENEWED_AT_ONCE) {
            let write = self.database.begin_write()?;
            for digest in digests {
                let (row, inventory) = snapshot.read(digest)?;
                let made = footprint::make(&inventory, &row.gate);
                let mut footprints = write.open_table(FOOTPRINTS)?;
                // It may have been removed meanwhile.
                if footprints.get(digest.as_bytes().as_slice())?.is_some() {
                    footprints.insert(digest.as_bytes().as_slice(), made.as_slice())?;
                }
            }
            write.commit()?;
        }
        let write = self.database.begin_write()?;
        write.open_table(META)?.insert("planner", footprint::planner())?;
        write.commit()?;
        Ok(stale.len() as u64)
    }
}

/// An inventory as it is stored: sealed like every row, and compressed. JSON, because these rows outlive versions
/// of the program and the document itself is not kept: a field that is added later must not
/// make them unreadable. Compressed it takes no more room than a denser encoding.
fn pack(inventory: &Inventory) -> Result<Vec<u8>, StoreError> {
    let plain = serde_json::to_vec(inventory).expect("an inventory is plain data");
    let packed = zstd::bulk::compress(&plain, LEVEL)
        .map_err(|error| StoreError::damaged(format!("an inventory cannot be compressed: {error}")))?;
    let mut bytes = Vec::with_capacity(packed.len() + 41);
    bytes.push(footprint::ENCODING);
    bytes.extend_from_slice(&(plain.len() as u64).to_le_bytes());
    bytes.extend_from_slice(Digest::of(&packed).as_bytes());
    bytes.extend_from_slice(&packed);
    Ok(bytes)
}

/// The other way.
fn unpack(bytes: &[u8]) -> Result<Inventory, StoreError> {
    let damaged = |what: &str| StoreError::damaged(format!("the inventory of an SBOM {what}"));
    let (encoding, rest) = bytes.split_first().ok_or_else(|| damaged("is empty"))?;
    if *encoding != footprint::ENCODING {
        return Err(damaged("has an unknown encoding"));
    }
    let (length, rest) = rest.split_first_chunk::<8>().ok_or_else(|| damaged("is cut off"))?;
    let (digest, packed) = rest.split_first_chunk::<32>().ok_or_else(|| damaged("is cut off"))?;
    if Digest::of(packed).as_bytes() != digest {
        return Err(damaged("does not match its digest"));
    }
    // The digest proves that these are the bytes that were written, so their length is believed.
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| damaged("is too large"))?;
    let plain = zstd::bulk::decompress(packed, length).map_err(|error| damaged(&format!("cannot be read: {error}")))?;
    serde_json::from_slice(&plain).map_err(|error| damaged(&format!("cannot be read: {error}")))
}
