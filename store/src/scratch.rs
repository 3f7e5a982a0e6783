//! A file in a workspace that is written in any order, looked at, and not kept.

use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use domain::digest::Digest;

use crate::disk::{Disk, DiskFile, OpenMode};
use crate::error::StoreError;
use crate::generation::digest_of;

/// Open for writing. Nothing of it is synced: after a crash nobody looks for it.
#[derive(Debug)]
pub struct Scratch {
    file: Box<dyn DiskFile>,
    path: PathBuf,
    at: u64,
}

impl Scratch {
    pub(crate) fn create(disk: &dyn Disk, path: &Path) -> Result<Self, StoreError> {
        let file = disk.open(path, OpenMode::Create).map_err(StoreError::io(path))?;
        Ok(Self { file, path: path.to_owned(), at: 0 })
    }

    /// The digest of all of it.
    pub fn digest(self, disk: &dyn Disk) -> Result<Digest, StoreError> {
        let Self { file, path, .. } = self;
        drop(file);
        digest_of(disk, &path)
    }
}

impl Write for Scratch {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write_at(bytes, self.at)?;
        self.at += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Scratch {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (from, by) = match to {
            SeekFrom::Start(at) => (at, 0),
            SeekFrom::Current(by) => (self.at, by),
            SeekFrom::End(by) => (self.file.length()?, by),
        };
        self.at = from.checked_add_signed(by).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
