//! Writing a file so that it is either whole and named, or not there.
//!
//! The order of system calls is the point: write to a temporary name, `fdatasync` the
//! file, rename, `fsync` the directory. A crash between any two of them leaves a temporary
//! file (removed at the next import) or the finished one.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use crate::error::StoreError;

/// Writes `bytes` to `path` by way of `temporary`, which must be on the same file system.
/// The directory entry is durable only after [`sync_directory`], so that many files cost one.
pub(crate) fn write_file(temporary: &Path, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let mut file = File::create(temporary).map_err(StoreError::io(temporary))?;
    file.write_all(bytes).map_err(StoreError::io(temporary))?;
    file.sync_data().map_err(StoreError::io(temporary))?;
    fs::rename(temporary, path).map_err(StoreError::io(path))
}

/// Makes the names in a directory durable.
pub(crate) fn sync_directory(directory: &Path) -> Result<(), StoreError> {
    let handle = File::open(directory).map_err(StoreError::io(directory))?;
    handle.sync_all().map_err(StoreError::io(directory))
}

/// Removes a file; one that is gone already is as good.
pub(crate) fn remove_file(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(StoreError::io(path)(error)),
        _ => Ok(()),
    }
}
