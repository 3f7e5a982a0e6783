//! Everything that this room asks of a file system, as one trait.
//!
//! The importer's promise is what is left after a power cut. It can be tested only when the file
//! system underneath can be replaced by one that cuts the power: `tests/src/simulation`
//! holds that one, [`RealDisk`] is the other. The trait is as small as the protocol needs:
//! there is no seek, no append and no directory handle.

mod blocks;
mod database;
mod real;

use std::fmt::Debug;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

pub(crate) use blocks::{DamagedBlock, Seal};
pub use database::Backend;
pub use real::RealDisk;
/// What a database of this room runs on; a disk hands out one per open file.
pub use redb::{BackendError, StorageBackend};

/// A file system. Paths are absolute or relative to the process, never from outside.
pub trait Disk: Send + Sync + Debug {
    /// Makes one directory, for its owner alone. One that is there already is as good. Its
    /// name is durable only after [`Disk::sync_dir`] of the parent.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Opens a regular file. A link, a directory or a device under the name is an error
    /// that [`is_foreign`] knows.
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a regular file as the storage of a database, with the locks that it needs.
    fn open_database(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn StorageBackend>>;

    /// Gives a file another name, replacing what had it. Durable only after
    /// [`Disk::sync_dir`] of both directories.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Gives a file a second name; one that is taken already is an error.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;

    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in a directory durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// The entries of a directory, sorted.
    fn list(&self, path: &Path) -> io::Result<Vec<PathBuf>>;

    /// What is under a name. The last component is not followed when it is a link.
    fn stat(&self, path: &Path) -> io::Result<Stat>;

    /// Takes a lock that excludes every other holder, or says None. It is free again when the
    /// value is dropped, or the process ends.
    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn DiskLock>>>;

    /// Bytes that this process may still write.
    fn free_bytes(&self, path: &Path) -> io::Result<u64>;
}

/// An open file. Both operations may do less than they were asked to, as system calls may.
pub trait DiskFile: Send + Sync + Debug {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    fn length(&self) -> io::Result<u64>;

    /// Makes the content durable. The name is another matter.
    fn sync_data(&self) -> io::Result<()>;
}

/// A held lock.
pub trait DiskLock: Send + Sync + Debug {}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    Read,
    /// For writing; an older file is emptied.
    Create,
    /// For writing; an older file is an error.
    CreateNew,
    /// For both; an older file is kept as it is.
    Keep,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    pub kind: Kind,
    pub length: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    File,
    Directory,
    /// A link, a device, a socket: nothing that this program makes.
    Other,
}

/// Something else than a regular file has the name of one.
#[derive(Debug, thiserror::Error)]
#[error("is not a regular file")]
struct Foreign;

/// The error for a name that something else than a regular file has.
pub fn foreign() -> io::Error {
    io::Error::other(Foreign)
}

/// Does an error say that the name belongs to a link, a directory or a device?
pub fn is_foreign(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Foreign>())
}

/// Writes all, however little the disk takes at a time.
pub(crate) fn write_all_at(file: &dyn DiskFile, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write_at(bytes, offset) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                bytes = bytes.get(written..).unwrap_or_default();
                offset += written as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Fills the buffer, however little the disk gives at a time.
pub(crate) fn read_exact_at(file: &dyn DiskFile, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        match file.read_at(buffer, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => {
                buffer = buffer.get_mut(read..).unwrap_or_default();
                offset += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads a file from its beginning.
#[derive(Debug)]
pub struct Reader {
    file: Box<dyn DiskFile>,
    offset: u64,
}

impl Reader {
    pub(crate) fn open(disk: &dyn Disk, path: &Path) -> io::Result<Self> {
        Ok(Self { file: disk.open(path, OpenMode::Read)?, offset: 0 })
    }

    /// A piece of the file, wherever reading is.
    pub fn range(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        read_exact_at(&*self.file, &mut bytes, offset)?;
        Ok(bytes)
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.file.read_at(buffer, self.offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => {
                    let read = read?;
                    self.offset += read as u64;
                    return Ok(read);
                }
            }
        }
    }
}
