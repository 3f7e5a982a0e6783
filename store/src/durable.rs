//! Writing a file so that it is either whole and named, or not there.
//!
//! The order of system calls is the point: write to a temporary name, `fdatasync` the
//! file, rename, `fsync` the directory. A crash between any two of them leaves a temporary
//! file (removed at the next import) or the finished one.

use std::io;
use std::path::{Path, PathBuf};

use crate::disk::{Disk, OpenMode, is_foreign, read_exact_at, write_all_at};
use crate::error::StoreError;

/// Writes `bytes` to `path` by way of `temporary`, which must be on the same file system.
/// The directory entry is durable only after [`sync_directory`], so that many files cost one.
pub(crate) fn write_file(disk: &dyn Disk, temporary: &Path, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    // Not emptied but removed: after a power cut in a rename both names may lead to one file, and what has
    // its name already must not be emptied through the other.
    remove_file(disk, temporary)?;
    let file = disk.open(temporary, OpenMode::CreateNew).map_err(StoreError::io(temporary))?;
    write_all_at(&*file, bytes, 0).map_err(StoreError::io(temporary))?;
    file.sync_data().map_err(StoreError::io(temporary))?;
    disk.rename(temporary, path).map_err(StoreError::io(path))
}

/// Makes a directory and those above it that are missing.
pub(crate) fn create_directories(disk: &dyn Disk, directory: &Path) -> Result<(), StoreError> {
    match disk.create_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let parent = directory.parent().ok_or(error).map_err(StoreError::io(directory))?;
            create_directories(disk, parent)?;
            disk.create_dir(directory).map_err(StoreError::io(directory))
        }
        made => made.map_err(StoreError::io(directory)),
    }
}

/// Makes the names in a directory durable.
pub(crate) fn sync_directory(disk: &dyn Disk, directory: &Path) -> Result<(), StoreError> {
    disk.sync_dir(directory).map_err(StoreError::io(directory))
}

/// Removes a file; one that is gone already is as good.
pub(crate) fn remove_file(disk: &dyn Disk, path: &Path) -> Result<(), StoreError> {
    match disk.remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::io(path)(error)),
        _ => Ok(()),
    }
}

/// Reads a whole file of at most `bytes_max`; None when there is no such file.
pub(crate) fn read_file(disk: &dyn Disk, path: &Path, bytes_max: u64) -> Result<Option<Vec<u8>>, StoreError> {
    let file = match disk.open(path, OpenMode::Read) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if is_foreign(&error) => return Err(StoreError::ForeignEntry { path: path.to_owned() }),
        opened => opened.map_err(StoreError::io(path))?,
    };
    let length = file.length().map_err(StoreError::io(path))?;
    let fits = usize::try_from(length).ok().filter(|_| length <= bytes_max);
    let length = fits.ok_or_else(|| StoreError::Unexpected { path: path.to_owned(), length, bytes_max })?;
    let mut bytes = vec![0; length];
    read_exact_at(&*file, &mut bytes, 0).map_err(StoreError::io(path))?;
    Ok(Some(bytes))
}

/// The entries of a directory, sorted; none when there is no such directory.
pub(crate) fn list(disk: &dyn Disk, directory: &Path) -> Result<Vec<PathBuf>, StoreError> {
    match disk.list(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        entries => entries.map_err(StoreError::io(directory)),
    }
}
