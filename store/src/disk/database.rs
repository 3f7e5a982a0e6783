//! A database on whatever the disk hands out.

use std::io;
use std::ops::Bound;

use redb::{BackendError, StorageBackend};

use super::blocks::Blocks;

/// redb wants its storage by value; a disk can hand out only a box.
#[derive(Debug)]
pub struct Backend {
    storage: Box<dyn StorageBackend>,
    syncs: bool,
    /// What it is held against when it is read.
    blocks: Option<Blocks>,
}

impl Backend {
    pub fn new(storage: Box<dyn StorageBackend>) -> Self {
        Self { storage, syncs: true, blocks: None }
    }

    /// For a sealed file, which is read only.
    pub(crate) fn checked(storage: Box<dyn StorageBackend>, blocks: Blocks) -> Self {
        Self { storage, syncs: true, blocks: Some(blocks) }
    }

    /// For a file that is of no use to anybody until it is whole, and that its maker syncs then: a database syncs
    /// whenever it grows.
    pub fn unsynced(storage: Box<dyn StorageBackend>) -> Self {
        Self { storage, syncs: false, blocks: None }
    }
}

/// Every method is passed on, those with a default too: a forgotten one would silently
/// do without locks.
impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        self.blocks.as_ref().map_or_else(|| self.storage.len(), |blocks| Ok(blocks.length()))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        match &self.blocks {
            Some(blocks) => blocks.read(&*self.storage, offset, out),
            None => self.storage.read(offset, out),
        }
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.storage.set_len(length)
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.syncs { self.storage.sync_data() } else { Ok(()) }
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.storage.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.storage.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.storage.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.storage.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.storage.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.storage.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.storage.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.storage.query_lock_range(start, end)
    }
}
