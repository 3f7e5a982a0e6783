//! The state database, in two handles: one reads, one writes.
//!
//! redb gives up a handle after its first failed operation, for good reason: what a failed
//! sync has left on the disk is known only after the file was opened again. A server that could
//! not keep one report, because the disk was full for a moment, must go on answering. So
//! reading does not depend on a handle that writes, and a handle that was given up is replaced.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use redb::{ConcurrencyMode, Database, ReadOnlyDatabase, ReadTransaction, ReadableDatabase, WriteTransaction};

use crate::disk::{Backend, Disk, OpenMode};
use crate::error::StoreError;

/// Enough for pointers and receipts; scans are written once and seldom read.
const CACHE_BYTES: usize = 8 << 20;

pub(crate) struct StateDatabase {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    reader: RwLock<Option<ReadOnlyDatabase>>,
    writer: Mutex<Option<Database>>,
}

fn builder() -> redb::Builder {
    let mut builder = redb::Builder::new();
    builder.set_cache_size(CACHE_BYTES).set_concurrency_mode(ConcurrencyMode::MultiWriter);
    builder
}

impl StateDatabase {
    /// Opens the database, making it when it is missing, and repairs what a crash has left.
    pub(crate) fn open(disk: Arc<dyn Disk>, path: PathBuf) -> Result<Self, StoreError> {
        let writer = open_writer(&*disk, &path)?;
        let reader = RwLock::new(Some(open_reader(&*disk, &path)?));
        Ok(Self { disk, path, reader, writer: Mutex::new(Some(writer)) })
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
        let opened = match open_reader(&*self.disk, &self.path) {
            // Who writes repairs.
            Err(_) => {
                self.reopen(&mut self.writer.lock().unwrap_or_else(PoisonError::into_inner))?;
                open_reader(&*self.disk, &self.path)?
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
        Ok(writer.insert(open_writer(&*self.disk, &self.path)?))
    }
}

fn open_writer(disk: &dyn Disk, path: &Path) -> Result<Database, StoreError> {
    let file = disk.open_database(path, OpenMode::Keep).map_err(StoreError::io(path))?;
    Ok(builder().create_with_backend(Backend(file))?)
}

fn open_reader(disk: &dyn Disk, path: &Path) -> Result<ReadOnlyDatabase, StoreError> {
    let file = disk.open_database(path, OpenMode::Read).map_err(StoreError::io(path))?;
    Ok(builder().open_read_only_with_backend(Backend(file))?)
}
