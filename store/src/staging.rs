//! The one copy of a kit that is made of it, and that all later steps read.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::digest::{Digest, Hasher};

use crate::disk::{Disk, OpenMode, Reader, write_all_at};
use crate::durable::{remove_file, sync_directory};
use crate::error::StoreError;
use crate::state::{ImportLock, Store};

/// A kit in the staging directory.
#[derive(Debug)]
pub struct Staged {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    sha256: Digest,
    length: u64,
}

/// Why no copy was made.
#[derive(Debug)]
pub enum StageError {
    TooLarge { length_max: u64 },
    Store(StoreError),
}

impl Staged {
    pub(crate) fn new(disk: Arc<dyn Disk>, path: PathBuf, sha256: Digest, length: u64) -> Self {
        Self { disk, path, sha256, length }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn sha256(&self) -> Digest {
        self.sha256
    }

    pub fn length(&self) -> u64 {
        self.length
    }

    /// Opens the copy from its beginning.
    pub fn open(&self) -> Result<Reader, StoreError> {
        Reader::open(&*self.disk, &self.path).map_err(StoreError::io(&self.path))
    }

    pub fn remove(self) -> Result<(), StoreError> {
        remove_file(&*self.disk, &self.path)
    }
}

impl Store {
    /// Keeps a kit whose generation is on record, so that it can be passed on. What is lost of it in a crash
    /// is only missed by an export, which says so.
    pub fn keep_kit(&self, _lock: &ImportLock, staged: Staged) -> Result<(), StoreError> {
        let path = self.kit_file(&staged.sha256);
        let file = self.disk().open(&staged.path, OpenMode::Read).map_err(StoreError::io(&staged.path))?;
        file.sync_data().map_err(StoreError::io(&staged.path))?;
        self.disk().rename(&staged.path, &path).map_err(StoreError::io(&path))?;
        sync_directory(self.disk(), &self.layout().kits())
    }

    /// Copies `source` into staging, hashing it on the way. Stops at `bytes_max`. A medium may fail on the way:
    /// then what could be read of it is there, and why it is not all.
    pub fn stage(
        &self,
        _lock: &ImportLock,
        source: &mut dyn Read,
        length: u64,
        bytes_max: u64,
        copied: &dyn Fn(u64),
    ) -> Result<(Staged, Option<io::Error>), StageError> {
        self.require_space(length.min(bytes_max)).map_err(StageError::Store)?;
        let path = self.layout().staged_kit();
        let result = copy(self.shared_disk(), source, &path, bytes_max, copied);
        if result.is_err() {
            // The first error is the one to report.
            let _ = remove_file(self.disk(), &path);
        }
        result
    }
}

fn copy(
    disk: &Arc<dyn Disk>,
    source: &mut dyn Read,
    path: &Path,
    bytes_max: u64,
    copied: &dyn Fn(u64),
) -> Result<(Staged, Option<io::Error>), StageError> {
    let state = |error| StageError::Store(StoreError::io(path)(error));
    // Exclusive: whatever lies under this name was swept, so a file here is somebody's trick.
    let file = disk.open(path, OpenMode::CreateNew).map_err(state)?;
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; 1 << 20];
    let failed = loop {
        let read = match source.read(&mut buffer) {
            Ok(0) => break None,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => break Some(error),
        };
        let piece = buffer.get(..read).unwrap_or_default();
        let offset = hasher.length();
        hasher.update(piece);
        if hasher.length() > bytes_max {
            return Err(StageError::TooLarge { length_max: bytes_max });
        }
        write_all_at(&*file, piece, offset).map_err(state)?;
        copied(hasher.length());
    };
    let length = hasher.length();
    Ok((Staged::new(Arc::clone(disk), path.to_owned(), hasher.finish(), length), failed))
}
