//! The one copy of a kit that is made of it, and that all later steps read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use domain::digest::{Digest, Hasher};

use crate::durable::remove_file;
use crate::error::StoreError;
use crate::state::{ImportLock, Store};

/// A kit in the staging directory.
#[derive(Debug)]
pub struct Staged {
    path: PathBuf,
    sha256: Digest,
    length: u64,
}

/// Why no copy was made.
#[derive(Debug)]
pub enum StageError {
    /// The medium could not be read.
    Read(io::Error),
    TooLarge {
        length_max: u64,
    },
    Store(StoreError),
}

impl Staged {
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
    pub fn open(&self) -> Result<File, StoreError> {
        File::open(&self.path).map_err(StoreError::io(&self.path))
    }

    pub fn remove(self) -> Result<(), StoreError> {
        remove_file(&self.path)
    }
}

impl Store {
    /// Copies `source` into staging, hashing it on the way. Stops at `bytes_max`.
    pub fn stage(
        &self,
        _lock: &ImportLock,
        source: &File,
        bytes_max: u64,
        copied: &dyn Fn(u64),
    ) -> Result<Staged, StageError> {
        let path = self.layout().staging().join("kit");
        let result = copy(source, &path, bytes_max, copied);
        if result.is_err() {
            // The first error is the one to report.
            let _ = remove_file(&path);
        }
        result
    }
}

fn copy(mut source: &File, path: &Path, bytes_max: u64, copied: &dyn Fn(u64)) -> Result<Staged, StageError> {
    let state = |error| StageError::Store(StoreError::io(path)(error));
    // Exclusive: whatever lies under this name was swept, so a file here is somebody's trick.
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path).map_err(state)?;
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(StageError::Read(error)),
        };
        let piece = buffer.get(..read).unwrap_or_default();
        hasher.update(piece);
        if hasher.length() > bytes_max {
            return Err(StageError::TooLarge { length_max: bytes_max });
        }
        file.write_all(piece).map_err(state)?;
        copied(hasher.length());
    }
    let length = hasher.length();
    debug_assert_eq!(fs::metadata(path).map(|found| found.len()).ok(), Some(length));
    Ok(Staged { path: path.to_owned(), sha256: hasher.finish(), length })
}
