//! A database on whatever the disk hands out.

use std::io;
use std::ops::Bound;

use redb::{BackendError, StorageBackend};

/// redb wants its storage by value; a disk can hand out only a box.
#[derive(Debug)]
pub struct Backend {
    storage: Box<dyn StorageBackend>,
    syncs: bool,
}

impl Backend {
    pub fn new(storage: Box<dyn StorageBackend>) -> Self {
        Self { storage, syncs: true }
    }

    /// For a file that is of no use to anybody until it is whole, and that its maker syncs then: a database syncs
    /// whenever it grows.
    pub fn unsynced(storage: Box<dyn StorageBackend>) -> Self {
        Self { storage, syncs: false }
    }
}

/// Every method is passed on, those with a default too: a forgotten one would silently
/// do without locks.
impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        self.storage.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.storage.read(offset, out)
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
