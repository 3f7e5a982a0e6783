//! `state.redb`: what is trusted, what is active, what happened.
//!
//! Opened in redb's multi-writer mode, so that an operator can import a kit while the
//! appliance serves: the server sees the flipped pointer at its next scan.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::clock::TimeFloor;
use domain::digest::Digest;
use redb::{ReadableTable, TableDefinition};

use crate::audit::{self, Entry, Logged};
use crate::blobs::Blobs;
use crate::database::{Content, SharedDatabase, is_current, schema_in};
use crate::disk::{Disk, DiskLock, Kind, RealDisk};
use crate::durable::{list, remove_file, sync_directory};
use crate::entitlements::{EntitlementChange, write_entitlements};
use crate::error::StoreError;
use crate::generation::{Generation, OpenLayers};
use crate::layout::Layout;
use crate::quarantine::{self, Quarantined};
use crate::rows::{GenerationRow, TrustRow, decode, encode};
use crate::site::Site;

/// 2: the audit log, and receipts as envelopes.
const SCHEMA: u32 = 2;
/// Enough for pointers and receipts; scans are written once and seldom read.
const CACHE_BYTES: usize = 8 << 20;
/// Far above any chunk of a kit.
const BLOB_BYTES_MAX: u64 = 64 << 20;
/// Never given to a kit: receipts, refusals and scans must still be written down beside it.
const SPACE_RESERVE_BYTES: u64 = 32 << 20;
/// Generations kept for rollback and replay, the active one included.
const GENERATIONS_KEPT: usize = 3;

const META: TableDefinition<&str, u32> = TableDefinition::new("meta");
const TRUST: TableDefinition<&str, &[u8]> = TableDefinition::new("trust");
const GENERATIONS: TableDefinition<u64, &[u8]> = TableDefinition::new("generations");
const POINTERS: TableDefinition<&str, u64> = TableDefinition::new("pointers");
const SCANS: TableDefinition<&str, &[u8]> = TableDefinition::new("scans");

/// An open state directory.
pub struct Store {
    disk: Arc<dyn Disk>,
    layout: Layout,
    blobs: Blobs,
    state: SharedDatabase,
    layers: OpenLayers,
}

/// Held while importing; dropping it lets the next import in.
#[derive(Debug)]
pub struct ImportLock {
    _held: Box<dyn DiskLock>,
}

/// All that one import makes visible at once.
#[derive(Debug)]
pub struct Activation {
    pub trust: TrustRow,
    pub time: TimeFloor,
    pub generation: GenerationRow,
    /// What the kit's tokens change.
    pub entitlements: EntitlementChange,
    /// What is written down of it.
    pub entry: Entry,
}

impl Store {
    /// Opens a state directory, making it when it is missing.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, StoreError> {
        Self::open_on(Arc::new(RealDisk), directory)
    }

    /// Opens a state directory on this disk, making it when it is missing.
    pub fn open_on(disk: Arc<dyn Disk>, directory: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let layout = Layout::new(directory);
        layout.create(&*disk)?;
        let state = SharedDatabase::open(&disk, &layout, layout.state(), CACHE_BYTES, &CONTENT)?;
        Ok(Self {
            blobs: Blobs::new(Arc::clone(&disk), layout.clone()),
            disk,
            layout,
            state,
            layers: OpenLayers::default(),
        })
    }

    pub fn disk(&self) -> &dyn Disk {
        &*self.disk
    }

    pub(crate) fn shared_disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    pub(crate) fn begin_read(&self) -> Result<redb::ReadTransaction, StoreError> {
        self.state.begin_read()
    }

    pub fn blobs(&self) -> &Blobs {
        &self.blobs
    }

    pub(crate) fn begin_write(&self) -> Result<redb::WriteTransaction, StoreError> {
        self.state.begin_write()
    }

    /// Takes the import lock, or says that somebody has it.
    pub fn lock_import(&self) -> Result<ImportLock, StoreError> {
        // Another program may have made directories and been killed before they were durable.
        sync_directory(self.disk(), self.layout.root())?;
        let path = self.layout.import_lock();
        let held = self.disk.try_lock(&path).map_err(StoreError::io(&path))?;
        held.map(|held| ImportLock { _held: held }).ok_or(StoreError::ImportRunning)
    }

    /// Is there room for this many bytes and for what must be written down in any case? Asked before
    /// a kit is copied or loaded, because a disk that fills up half-way takes the scans down too.
    pub fn require_space(&self, bytes: u64) -> Result<(), StoreError> {
        let root = self.layout.root();
        let free = self.disk.free_bytes(root).map_err(StoreError::io(root))?;
        let needed = bytes.saturating_add(SPACE_RESERVE_BYTES);
        if free < needed { Err(StoreError::OutOfSpace { needed, free }) } else { Ok(()) }
    }

    /// The trust state; None before a root is pinned. A missing row beside existing
    /// generations is damage, never a reason to trust anew.
    pub fn trust(&self) -> Result<Option<TrustRow>, StoreError> {
        let read = self.state.begin_read()?;
        match read.open_table(TRUST)?.get("state")? {
            Some(row) => decode("the trust state", row.value()).map(Some),
            None if read.open_table(GENERATIONS)?.first()?.is_some() => {
                Err(StoreError::damaged("the trust state is missing"))
            }
            None => Ok(None),
        }
    }

    /// What is remembered of time; None before the first kit. As with trust, a missing row is damage.
    pub fn time(&self) -> Result<Option<TimeFloor>, StoreError> {
        let read = self.state.begin_read()?;
        match read.open_table(TRUST)?.get("time")? {
            Some(row) => decode("the time floor", row.value()).map(Some),
            None if read.open_table(GENERATIONS)?.first()?.is_some() => {
                Err(StoreError::damaged("the time floor is missing"))
            }
            None => Ok(None),
        }
    }

    /// Remembers the time. Without generations there is nothing yet that could expire.
    pub fn save_time(&self, time: &TimeFloor) -> Result<(), StoreError> {
        let write = self.begin_write()?;
        write_time(&write, time)?;
        Ok(write.commit()?)
    }

    /// Is everything that a generation needs there, with the content that its name says?
    pub fn is_intact(&self, row: &GenerationRow) -> bool {
        self.check_intact(row).is_ok()
    }

    /// Reads everything that a generation needs, its index and its blobs.
    pub fn check_intact(&self, row: &GenerationRow) -> Result<(), StoreError> {
        self.check_index(row)?;
        let mut blobs = row.blobs.iter().chain([&row.manifest, &row.metadata_frame]);
        blobs.try_for_each(|digest| self.blobs.check(digest, BLOB_BYTES_MAX))
    }

    /// Reads the index files of a generation: are they what was written?
    pub fn check_index(&self, row: &GenerationRow) -> Result<(), StoreError> {
        if row.layers.is_empty() {
            return Err(StoreError::without_index(row.number));
        }
        for layer in &row.layers {
            if !layer.holds(self.disk(), &self.layout.generation(layer.file))? {
                return Err(StoreError::DamagedGeneration(row.number));
            }
        }
        Ok(())
    }

    /// The number that the next generation, or the next request that waits for approval, gets.
    pub fn next_generation(&self) -> Result<u64, StoreError> {
        let read = self.state.begin_read()?;
        let last = read.open_table(GENERATIONS)?.last()?.map(|(number, _)| number.value());
        Ok(last.unwrap_or_default().max(self.last_pending_number()?) + 1)
    }

    /// The one transaction: floors, generation, pointer, receipt and log become visible together.
    pub fn activate(&self, site: &Site, activation: &Activation) -> Result<Logged, StoreError> {
        sync_directory(self.disk(), &self.layout.generations())?;
        self.act(site, &activation.entry, |write| write_activation(write, activation))
    }

    /// The generation that a rollback leads to: the one before, when none is named.
    pub fn rollback_target(&self, to: Option<u64>) -> Result<GenerationRow, StoreError> {
        let to = match to {
            Some(number) => number,
            None => self.previous()?.ok_or(StoreError::NothingToRollBackTo)?,
        };
        self.generation_row(to)?.ok_or(StoreError::UnknownGeneration(to))
    }

    /// Makes an earlier generation active again. Floors stay where they are: a rollback
    /// opens no door for older kits.
    pub fn roll_back(&self, site: &Site, to: &GenerationRow, entry: &Entry) -> Result<Logged, StoreError> {
        // What is not whole is not pointed at.
        self.check_index(to)?;
        self.act(site, entry, |write| point_at(write, to.number))
    }

    /// The number of the active generation.
    pub fn current(&self) -> Result<Option<u64>, StoreError> {
        self.pointer("current")
    }

    /// The number of the generation that was active before.
    pub fn previous(&self) -> Result<Option<u64>, StoreError> {
        self.pointer("previous")
    }

    /// The number of the site's next publication. No two ever get the same, also when one fails.
    pub fn next_publication(&self) -> Result<u64, StoreError> {
        let write = self.state.begin_write()?;
        let next = {
            let mut pointers = write.open_table(POINTERS)?;
            let next = pointers.get("publication")?.map_or(0, |last| last.value()) + 1;
            pointers.insert("publication", next)?;
            next
        };
        write.commit()?;
        Ok(next)
    }

    /// Where the kit of a generation is kept, if it is.
    pub fn kit_file(&self, sha256: &Digest) -> PathBuf {
        self.layout.kit(sha256)
    }

    fn pointer(&self, name: &str) -> Result<Option<u64>, StoreError> {
        let read = self.state.begin_read()?;
        let value = read.open_table(POINTERS)?.get(name)?.map(|value| value.value());
        Ok(value)
    }

    /// All generations that are kept, oldest first.
    pub fn generations(&self) -> Result<Vec<GenerationRow>, StoreError> {
        let read = self.state.begin_read()?;
        let table = read.open_table(GENERATIONS)?;
        table
            .iter()?
            .map(|entry| {
                let (number, row) = entry?;
                decode(&format!("the row of generation {}", number.value()), row.value())
            })
            .collect()
    }

    fn generation_row(&self, number: u64) -> Result<Option<GenerationRow>, StoreError> {
        let read = self.state.begin_read()?;
        let row = read.open_table(GENERATIONS)?.get(number)?;
        row.map(|row| decode(&format!("the row of generation {number}"), row.value())).transpose()
    }

    /// Opens a generation for reading.
    pub fn open_generation(&self, number: u64) -> Result<Generation, StoreError> {
        self.open_row(self.generation_row(number)?.ok_or(StoreError::UnknownGeneration(number))?)
    }

    pub(crate) fn open_row(&self, row: GenerationRow) -> Result<Generation, StoreError> {
        Generation::open(&self.layers, self.disk(), &self.layout, row)
    }

    /// Opens the active generation.
    pub fn open_current(&self) -> Result<Generation, StoreError> {
        let mut current = self.current()?.ok_or(StoreError::NoGeneration)?;
        loop {
            match self.open_generation(current) {
                Ok(generation) => return Ok(generation),
                // Others may have gone on so far between the look and the opening that it is forgotten.
                Err(error) => match self.current()? {
                    Some(now) if now != current => current = now,
                    _ => return Err(error),
                },
            }
        }
    }

    /// Where the importer builds the file of a generation. Nothing refers to it before
    /// [`Store::activate`].
    pub fn generation_path(&self, number: u64) -> PathBuf {
        self.layout.generation(number)
    }

    /// Keeps the documents of scans, by one commit for all of them.
    pub fn save_scans<'a>(&self, scans: impl Iterator<Item = (&'a str, &'a [u8])>) -> Result<(), StoreError> {
        let write = self.state.begin_write()?;
        {
            let mut table = write.open_table(SCANS)?;
            for (id, report) in scans {
                table.insert(id, report)?;
            }
        }
        Ok(write.commit()?)
    }

    /// The document of a scan.
    pub fn scan(&self, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let read = self.state.begin_read()?;
        let report = read.open_table(SCANS)?.get(id)?.map(|report| report.value().to_vec());
        Ok(report)
    }

    /// Moves a refused kit aside.
    pub fn quarantine(&self, staged: &Path, reason: &Quarantined) -> Result<(), StoreError> {
        quarantine::set_aside(self.disk(), &self.layout, staged, reason)
    }

    pub fn quarantined(&self) -> Result<Vec<Quarantined>, StoreError> {
        quarantine::all(self.disk(), &self.layout)
    }

    /// Removes what no row refers to: staged files, generation files of an import that never
    /// ended, and blobs. Whoever holds the import lock may call it, because nobody else
    /// then makes such things.
    pub fn sweep(&self, _lock: &ImportLock) -> Result<u64, StoreError> {
        for path in [self.layout.staging(), self.layout.workspace()] {
            self.empty(&path)?;
        }
        let mut rows = self.generations()?;
        rows.extend(self.pending_generations()?);
        for path in list(self.disk(), &self.layout.generations())? {
            if !rows.iter().flat_map(|row| &row.layers).any(|layer| self.layout.generation(layer.file) == path) {
                remove_file(self.disk(), &path)?;
            }
        }
        for path in list(self.disk(), &self.layout.kits())? {
            if !rows.iter().any(|row| self.layout.kit(&row.kit_sha256) == path) {
                remove_file(self.disk(), &path)?;
            }
        }
        let keep: BTreeSet<_> =
            rows.iter().flat_map(|row| row.blobs.iter().chain([&row.metadata_frame])).copied().collect();
        self.blobs.retain(&keep)
    }

    /// Removes the files of a directory; directories in it stay.
    pub(crate) fn empty(&self, directory: &Path) -> Result<(), StoreError> {
        for path in list(self.disk(), directory)? {
            let found = self.disk.stat(&path).map_err(StoreError::io(&path))?;
            if found.kind != Kind::Directory {
                remove_file(self.disk(), &path)?;
            }
        }
        Ok(())
    }

    /// Forgets the oldest generations beyond those that are kept. Readers that still hold
    /// one keep its file open until they are done.
    pub fn forget_old(&self, _lock: &ImportLock) -> Result<Vec<u64>, StoreError> {
        let pinned = [self.current()?, self.previous()?];
        let rows = self.generations()?;
        let excess = rows.len().saturating_sub(GENERATIONS_KEPT);
        let old: Vec<u64> =
            rows.iter().map(|row| row.number).filter(|number| !pinned.contains(&Some(*number))).take(excess).collect();
        if old.is_empty() {
            return Ok(old);
        }
        let write = self.state.begin_write()?;
        for number in &old {
            write.open_table(GENERATIONS)?.remove(number)?;
        }
        write.commit()?;
        // A file goes with the last generation that rests on it.
        let mut resting = self.generations()?;
        resting.extend(self.pending_generations()?);
        let kept: BTreeSet<u64> = resting.iter().flat_map(|row| &row.layers).map(|layer| layer.file).collect();
        let gone = rows.iter().filter(|row| old.contains(&row.number)).flat_map(|row| &row.layers);
        for file in gone.map(|layer| layer.file).filter(|file| !kept.contains(file)).collect::<BTreeSet<_>>() {
            remove_file(self.disk(), &self.layout.generation(file))?;
        }
        Ok(old)
    }

    /// How many bytes the files of the state directory take, for the operator.
    pub fn disk_usage_bytes(&self) -> Result<u64, StoreError> {
        fn usage(disk: &dyn Disk, path: &Path) -> Result<u64, StoreError> {
            let found = disk.stat(path).map_err(StoreError::io(path))?;
            if found.kind != Kind::Directory {
                return Ok(found.length);
            }
            list(disk, path)?.iter().map(|entry| usage(disk, entry)).sum()
        }
        usage(self.disk(), self.layout.root())
    }
}

const CONTENT: Content = Content { schema: SCHEMA as u64, found: |read| schema_in(read, META), fill: make_tables };

fn make_tables(state: &SharedDatabase) -> Result<(), StoreError> {
    let write = state.begin_write()?;
    {
        let mut meta = write.open_table(META)?;
        let found = meta.get("schema")?.map(|value| value.value());
        if is_current(found.map(Into::into), CONTENT.schema)? {
            return Ok(());
        }
        meta.insert("schema", SCHEMA)?;
        // Made now, so that reading never has to ask whether a table exists.
        write.open_table(TRUST)?;
        write.open_table(GENERATIONS)?;
        write.open_table(POINTERS)?;
        write.open_table(SCANS)?;
        audit::create_tables(&write)?;
    }
    Ok(write.commit()?)
}

/// All of an activation but its receipt.
pub(crate) fn write_activation(write: &redb::WriteTransaction, activation: &Activation) -> Result<(), StoreError> {
    let generation = &activation.generation;
    write.open_table(TRUST)?.insert("state", encode(&activation.trust).as_slice())?;
    write_time(write, &activation.time)?;
    write.open_table(GENERATIONS)?.insert(generation.number, encode(generation).as_slice())?;
    write_entitlements(write, &activation.entitlements)?;
    point_at(write, generation.number)
}

pub(crate) fn write_time(write: &redb::WriteTransaction, time: &TimeFloor) -> Result<(), StoreError> {
    write.open_table(TRUST)?.insert("time", encode(time).as_slice())?;
    Ok(())
}

pub(crate) fn point_at(write: &redb::WriteTransaction, number: u64) -> Result<(), StoreError> {
    let mut pointers = write.open_table(POINTERS)?;
    let current = pointers.get("current")?.map(|value| value.value());
    if current == Some(number) {
        return Ok(());
    }
    if let Some(current) = current {
        pointers.insert("previous", current)?;
    }
    pointers.insert("current", number)?;
    Ok(())
}
