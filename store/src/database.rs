//! A database of the state directory, in two handles: one reads, one writes.
//!
//! redb gives up a handle after its first failed operation, for good reason: what a failed
//! sync has left on the disk is known only after the file was opened again. A server that could
//! not keep one report, because the disk was full for a moment, must go on answering. So
//! reading does not depend on a handle that writes, and a handle that was given up is replaced.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use redb::{
    ConcurrencyMode, Database, DatabaseError, ReadOnlyDatabase, ReadTransaction, ReadableDatabase, StorageError,
    TableDefinition, TableError, WriteTransaction,
};

use crate::disk::{Backend, Disk, OpenMode};
use crate::durable::{remove_file, sync_directory};
use crate::error::StoreError;
use crate::layout::Layout;

pub(crate) struct SharedDatabase {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    cache_bytes: usize,
    reader: RwLock<Option<ReadOnlyDatabase>>,
    writer: Mutex<Option<Database>>,
}

/// What must be in a database before anybody uses it.
pub(crate) struct Content {
    pub(crate) schema: u64,
    /// The schema that it has.
    pub(crate) found: fn(&ReadTransaction) -> Result<Option<u64>, StoreError>,
    /// Puts it there, unless another process has done so.
    pub(crate) fill: fn(&SharedDatabase) -> Result<(), StoreError>,
}

/// The schema that a database says it has.
pub(crate) fn schema_in<V>(
    read: &ReadTransaction,
    meta: TableDefinition<'static, &'static str, V>,
) -> Result<Option<u64>, StoreError>
where
    V: redb::Value + 'static,
    for<'a> V::SelfType<'a>: Into<u64>,
{
    match read.open_table(meta) {
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        meta => Ok(meta?.get("schema")?.map(|value| value.value().into())),
    }
}

/// Is it the present one? An older one, and none in a database that is being made, are to be filled.
pub(crate) fn is_current(found: Option<u64>, schema: u64) -> Result<bool, StoreError> {
    let number = |schema| u32::try_from(schema).unwrap_or(u32::MAX);
    match found {
        Some(found) if found > schema => Err(StoreError::Newer { found: number(found), known: number(schema) }),
        found => Ok(found == Some(schema)),
    }
}

fn builder(cache_bytes: usize) -> redb::Builder {
    let mut builder = redb::Builder::new();
    builder.set_cache_size(cache_bytes).set_concurrency_mode(ConcurrencyMode::MultiWriter);
    builder
}

impl SharedDatabase {
    /// Opens the database and repairs what a crash has left. When there is none, one is made under another name,
    /// filled, and linked when it is whole: a power cut while a database is being made leaves a file that is none.
    ///
    /// A handle that writes syncs the file even where nothing is written, so there is none before somebody writes;
    /// whoever only asks, asks a disk that takes no writes, too.
    pub(crate) fn open(
        disk: &Arc<dyn Disk>,
        layout: &Layout,
        path: PathBuf,
        cache_bytes: usize,
        content: &Content,
    ) -> Result<Self, StoreError> {
        match disk.stat(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make(disk, layout, &path, cache_bytes, content.fill)?;
            }
            // An empty file would be filled as if it were new, and the site would trust anew.
            Ok(found) if found.length == 0 => {
                return Err(StoreError::Unreadable { path, reason: "it is empty".to_owned() });
            }
            found => found.map(drop).map_err(StoreError::io(&path))?,
        }
        let database = Self::at(disk, path, cache_bytes);
        let found = (content.found)(&database.begin_read()?)?;
        // Who makes one links it when it is filled. To fill another one would be to trust anew, as above.
        if found.is_none() {
            let reason = "it is a database of something else".to_owned();
            return Err(StoreError::Unreadable { path: database.path, reason });
        }
        if !is_current(found, content.schema)? {
            (content.fill)(&database)?;
        }
        Ok(database)
    }

    fn at(disk: &Arc<dyn Disk>, path: PathBuf, cache_bytes: usize) -> Self {
        Self { disk: Arc::clone(disk), path, cache_bytes, reader: RwLock::new(None), writer: Mutex::new(None) }
    }

    pub(crate) fn begin_read(&self) -> Result<ReadTransaction, StoreError> {
        let held = self.reader.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(read) = held.as_ref().and_then(|reader| reader.begin_read().ok()) {
            return Ok(read);
        }
        drop(held);
        let mut reader = self.reader.write().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have been here first; and closed first, as below.
        if let Some(read) = reader.as_ref().and_then(|reader| reader.begin_read().ok()) {
            return Ok(read);
        }
        *reader = None;
        let opened = match open_reader(&*self.disk, &self.path, self.cache_bytes) {
            // Who writes repairs.
            Err(_) => {
                self.reopen(&mut self.writer.lock().unwrap_or_else(PoisonError::into_inner))?;
                open_reader(&*self.disk, &self.path, self.cache_bytes)?
            }
            Ok(opened) => opened,
        };
        Ok(reader.insert(opened).begin_read()?)
    }

    /// Two-phase commit and quick repair: the database must survive malicious input and a
    /// power cut without relying on a non-cryptographic checksum.
    pub(crate) fn begin_write(&self) -> Result<WriteTransaction, StoreError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = writer.as_ref().and_then(|writer| writer.begin_write().ok());
        let mut write = match begun {
            Some(write) => write,
            None => self.reopen(&mut writer)?.begin_write()?,
        };
        write.set_two_phase_commit(true);
        write.set_quick_repair(true);
        Ok(write)
    }

    /// The old handle is closed first: its locks would stand in the way of a repair.
    fn reopen<'a>(&self, writer: &'a mut Option<Database>) -> Result<&'a Database, StoreError> {
        *writer = None;
        Ok(writer.insert(open_writer(&*self.disk, &self.path, self.cache_bytes)?))
    }
}

fn make(
    disk: &Arc<dyn Disk>,
    layout: &Layout,
    path: &Path,
    cache_bytes: usize,
    fill: fn(&SharedDatabase) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    static SERIAL: AtomicU64 = AtomicU64::new(0);
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("database");
    let temporary = layout.staging().join(format!("{stem}-{}-{serial}", std::process::id()));
    remove_file(&**disk, &temporary)?;
    fill(&SharedDatabase::at(disk, temporary.clone(), cache_bytes))?;
    // The names above come first: whoever finds a state looks no further.
    layout.sync_names(&**disk)?;
    let linked = disk.link(&temporary, path);
    remove_file(&**disk, &temporary)?;
    match linked {
        // Another process was faster, and its state may hold an import already.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked.map_err(StoreError::io(path)),
    }?;
    sync_directory(&**disk, layout.root())
}

fn open_writer(disk: &dyn Disk, path: &Path, cache_bytes: usize) -> Result<Database, StoreError> {
    let file = disk.open_database(path, OpenMode::Keep).map_err(StoreError::io(path))?;
    builder(cache_bytes).create_with_backend(Backend::new(file)).map_err(|error| unopened(path, error))
}

fn open_reader(disk: &dyn Disk, path: &Path, cache_bytes: usize) -> Result<ReadOnlyDatabase, StoreError> {
    let file = disk.open_database(path, OpenMode::Read).map_err(StoreError::io(path))?;
    builder(cache_bytes).open_read_only_with_backend(Backend::new(file)).map_err(|error| unopened(path, error))
}

/// Why it does not open, in words for whoever has to do something about it.
fn unopened(path: &Path, error: DatabaseError) -> StoreError {
    let path = path.to_owned();
    match error {
        DatabaseError::DatabaseAlreadyOpen => StoreError::HeldElsewhere { path },
        DatabaseError::UpgradeRequired(found) => StoreError::OldFormat { path, found },
        DatabaseError::Storage(StorageError::Corrupted(reason)) => StoreError::Unreadable { path, reason },
        // The content, and not the disk.
        DatabaseError::Storage(StorageError::Io(error))
            if matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) =>
        {
            StoreError::Unreadable { path, reason: error.to_string() }
        }
        error => error.into(),
    }
}
