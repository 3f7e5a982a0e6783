//! Content-addressed blobs: a blob's name is its SHA-256.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File};
use std::io::Read;
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use domain::digest::Digest;

use crate::durable::{remove_file, sync_directory, write_file};
use crate::error::StoreError;
use crate::layout::Layout;

/// The blob store of one state directory.
#[derive(Debug)]
pub struct Blobs {
    layout: Layout,
    /// Directories with new names in them, synced together by [`Blobs::sync`].
    unsynced: Mutex<BTreeSet<PathBuf>>,
    next_temporary: AtomicU64,
}

impl Blobs {
    pub(crate) fn new(layout: Layout) -> Self {
        Self { layout, unsynced: Mutex::default(), next_temporary: AtomicU64::new(0) }
    }

    /// Stores bytes whose digest the caller has verified. A blob that is there already is
    /// hashed again before it is trusted, and replaced when it is not what its name says.
    pub fn put(&self, digest: &Digest, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.layout.blob(digest);
        if fs::symlink_metadata(&path).is_ok_and(|found| found.is_file()) {
            match self.read(digest, bytes.len() as u64) {
                Ok(_) => return Ok(()),
                Err(StoreError::CorruptBlob(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let directory = path.parent().unwrap_or(self.layout.root()).to_owned();
        DirBuilder::new().recursive(true).mode(0o700).create(&directory).map_err(StoreError::io(&directory))?;
        let serial = self.next_temporary.fetch_add(1, Ordering::Relaxed);
        let temporary = self.layout.staging().join(format!("blob-{}-{serial}", std::process::id()));
        write_file(&temporary, &path, bytes)?;
        self.unsynced.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(directory);
        Ok(())
    }

    /// Makes the names of all blobs put so far durable.
    pub fn sync(&self) -> Result<(), StoreError> {
        let directories = std::mem::take(&mut *self.unsynced.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        for directory in &directories {
            sync_directory(directory)?;
        }
        if !directories.is_empty() {
            // New two-digit directories have names of their own.
            sync_directory(&self.layout.cas().join("sha256"))?;
            sync_directory(&self.layout.cas())?;
        }
        Ok(())
    }

    /// Reads a whole blob of at most `bytes_max` and checks it against its name.
    pub fn read(&self, digest: &Digest, bytes_max: u64) -> Result<Vec<u8>, StoreError> {
        let path = self.layout.blob(digest);
        let file = self.open(digest)?;
        let mut bytes = Vec::new();
        file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes).map_err(StoreError::io(&path))?;
        if bytes.len() as u64 > bytes_max || Digest::of(&bytes) != *digest {
            return Err(StoreError::CorruptBlob(*digest));
        }
        Ok(bytes)
    }

    /// Reads a piece of a blob. The caller checks it, since a piece has no name.
    pub(crate) fn read_range(&self, digest: &Digest, offset: u64, length: usize) -> Result<Vec<u8>, StoreError> {
        let file = self.open(digest)?;
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, offset).map_err(|_| StoreError::CorruptBlob(*digest))?;
        Ok(bytes)
    }

    fn open(&self, digest: &Digest) -> Result<File, StoreError> {
        let path = self.layout.blob(digest);
        match File::open(&path) {
            Ok(file) => Ok(file),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(StoreError::MissingBlob(*digest)),
            Err(error) => Err(StoreError::io(&path)(error)),
        }
    }

    /// Removes every blob that is not in `keep`; says how many bytes that freed.
    pub(crate) fn retain(&self, keep: &BTreeSet<Digest>) -> Result<u64, StoreError> {
        let mut freed = 0;
        let root = self.layout.cas().join("sha256");
        for directory in list(&root)? {
            for path in list(&directory)? {
                let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
                if !name.is_some_and(|digest| keep.contains(&digest)) {
                    freed += fs::symlink_metadata(&path).map(|found| found.len()).unwrap_or_default();
                    remove_file(&path)?;
                }
            }
        }
        Ok(freed)
    }
}

/// The entries of a directory, sorted; none when there is no such directory.
pub(crate) fn list(directory: &std::path::Path) -> Result<Vec<PathBuf>, StoreError> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(StoreError::io(directory))?,
    };
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(StoreError::io(directory))?;
    paths.sort_unstable();
    Ok(paths)
}
