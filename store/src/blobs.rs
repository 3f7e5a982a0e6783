//! Content-addressed blobs: a blob's name is its SHA-256.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use domain::digest::{Digest, Hasher};

use crate::disk::{Disk, DiskFile, Kind, OpenMode, is_foreign, read_exact_at};
use crate::durable::{create_directories, list, remove_file, sync_directory, write_file};
use crate::error::StoreError;
use crate::layout::Layout;

/// Syncing a file waits for the disk, not for a processor.
const THREADS_MAX: usize = 4;
/// What is hashed at a time: it stays in the processor's cache.
const PIECE_BYTES: usize = 256 << 10;

/// The blob store of one state directory.
#[derive(Debug)]
pub struct Blobs {
    disk: Arc<dyn Disk>,
    layout: Layout,
    /// Directories with new names in them, synced together by [`Blobs::sync`].
    unsynced: Mutex<BTreeSet<PathBuf>>,
    next_temporary: AtomicU64,
}

impl Blobs {
    pub(crate) fn new(disk: Arc<dyn Disk>, layout: Layout) -> Self {
        Self { disk, layout, unsynced: Mutex::default(), next_temporary: AtomicU64::new(0) }
    }

    /// Stores bytes whose digest the caller has verified. A blob that is there already is
    /// hashed again before it is trusted, and replaced when it is not what its name says.
    pub fn put(&self, digest: &Digest, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.layout.blob(digest);
        match self.read(digest, bytes.len() as u64) {
            Ok(_) => return Ok(()),
            Err(StoreError::MissingBlob(_) | StoreError::CorruptBlob(_)) => {}
            Err(error) => return Err(error),
        }
        let directory = path.parent().unwrap_or(self.layout.root()).to_owned();
        create_directories(&*self.disk, &directory)?;
        let serial = self.next_temporary.fetch_add(1, Ordering::Relaxed);
        let temporary = self.layout.staging().join(format!("blob-{}-{serial}", std::process::id()));
        write_file(&*self.disk, &temporary, &path, bytes)?;
        self.unsynced.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(directory);
        Ok(())
    }

    /// Takes over a file that should be this blob, after hashing it. Nothing is copied: the file moves.
    pub(crate) fn adopt(&self, digest: &Digest, length: u64, from: &Path) -> Result<(), StoreError> {
        match self.check(digest, length) {
            Ok(()) => return remove_file(&*self.disk, from),
            Err(StoreError::MissingBlob(_) | StoreError::CorruptBlob(_)) => {}
            Err(error) => return Err(error),
        }
        let io = |error| StoreError::io(from)(error);
        let file = self.disk.open(from, OpenMode::Keep).map_err(io)?;
        if file.length().map_err(io)? != length || hash(&*file).map_err(io)? != *digest {
            return Err(StoreError::CorruptBlob(*digest));
        }
        file.sync_data().map_err(io)?;
        let path = self.layout.blob(digest);
        let directory = path.parent().unwrap_or(self.layout.root()).to_owned();
        create_directories(&*self.disk, &directory)?;
        self.disk.rename(from, &path).map_err(StoreError::io(&path))?;
        self.unsynced.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(directory);
        Ok(())
    }

    /// Hashes a blob that is at most so long, without keeping it.
    pub(crate) fn check(&self, digest: &Digest, length_max: u64) -> Result<(), StoreError> {
        let (file, path) = (self.open(digest)?, self.layout.blob(digest));
        let fits = file.length().map_err(StoreError::io(&path))? <= length_max;
        if fits && hash(&*file).map_err(StoreError::io(&path))? == *digest {
            return Ok(());
        }
        Err(StoreError::CorruptBlob(*digest))
    }

    /// Makes the names of all blobs put so far durable.
    pub fn sync(&self) -> Result<(), StoreError> {
        let directories = std::mem::take(&mut *self.unsynced.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        // Syncs wait for the disk, and what it writes for one of them it often writes for all.
        let (next, directories) = (AtomicUsize::new(0), directories.iter().collect::<Vec<_>>());
        let sync = || {
            while let Some(directory) = directories.get(next.fetch_add(1, Ordering::Relaxed)) {
                sync_directory(&*self.disk, directory)?;
            }
            Ok(())
        };
        in_threads(directories.len(), &sync)?;
        if !directories.is_empty() {
            // New two-digit directories have names of their own.
            sync_directory(&*self.disk, &self.layout.cas().join("sha256"))?;
            sync_directory(&*self.disk, &self.layout.cas())?;
        }
        Ok(())
    }

    /// Reads a whole blob of at most `bytes_max` and checks it against its name.
    pub fn read(&self, digest: &Digest, bytes_max: u64) -> Result<Vec<u8>, StoreError> {
        let path = self.layout.blob(digest);
        let file = self.open(digest)?;
        let length = file.length().map_err(StoreError::io(&path))?;
        if length > bytes_max {
            return Err(StoreError::CorruptBlob(*digest));
        }
        let length = usize::try_from(length).map_err(|_| StoreError::CorruptBlob(*digest))?;
        let mut bytes = vec![0; length];
        read_exact_at(&*file, &mut bytes, 0).map_err(StoreError::io(&path))?;
        if Digest::of(&bytes) != *digest {
            return Err(StoreError::CorruptBlob(*digest));
        }
        Ok(bytes)
    }

    /// Reads a piece of a blob. The caller checks it, since a piece has no name.
    pub(crate) fn read_range(&self, digest: &Digest, offset: u64, length: usize) -> Result<Vec<u8>, StoreError> {
        let file = self.open(digest)?;
        let mut bytes = vec![0; length];
        read_exact_at(&*file, &mut bytes, offset).map_err(|_| StoreError::CorruptBlob(*digest))?;
        Ok(bytes)
    }

    /// Is there a blob of this name and length? Says nothing of its content.
    pub fn holds(&self, digest: &Digest, length: u64) -> bool {
        let found = self.disk.stat(&self.layout.blob(digest));
        found.is_ok_and(|found| found.kind == Kind::File && found.length == length)
    }

    fn open(&self, digest: &Digest) -> Result<Box<dyn DiskFile>, StoreError> {
        let path = self.layout.blob(digest);
        self.check_directories(&path)?;
        match self.disk.open(&path, OpenMode::Read) {
            Ok(file) => Ok(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(StoreError::MissingBlob(*digest)),
            Err(error) if is_foreign(&error) => Err(StoreError::ForeignEntry { path }),
            Err(error) => Err(StoreError::io(&path)(error)),
        }
    }

    /// A link in place of one of our directories would lead reads and writes elsewhere.
    fn check_directories(&self, blob: &Path) -> Result<(), StoreError> {
        let directories = blob.ancestors().skip(1).take_while(|directory| *directory != self.layout.cas());
        for directory in directories {
            match self.disk.stat(directory) {
                Ok(found) if found.kind == Kind::Directory => {}
                Ok(_) => return Err(StoreError::ForeignEntry { path: directory.to_owned() }),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(StoreError::io(directory)(error)),
            }
        }
        Ok(())
    }

    /// Removes every blob that is not in `keep`; says how many bytes that freed. A directory that
    /// is none of ours is not entered: what it leads to is not ours to remove.
    pub(crate) fn retain(&self, keep: &BTreeSet<Digest>) -> Result<u64, StoreError> {
        let mut freed = 0;
        let root = self.layout.cas().join("sha256");
        for directory in list(&*self.disk, &root)? {
            self.check_directories(&directory.join("blob"))?;
            for path in list(&*self.disk, &directory)? {
                let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
                if name.is_some_and(|digest| keep.contains(&digest)) {
                    continue;
                }
                let found = self.disk.stat(&path).map_err(StoreError::io(&path))?;
                if found.kind == Kind::Directory {
                    return Err(StoreError::ForeignEntry { path });
                }
                freed += found.length;
                remove_file(&*self.disk, &path)?;
            }
        }
        Ok(freed)
    }
}

/// What a file hashes to.
pub(crate) fn hash(file: &dyn DiskFile) -> io::Result<Digest> {
    let (mut hasher, mut piece) = (Hasher::new(), vec![0; PIECE_BYTES]);
    loop {
        match file.read_at(&mut piece, hasher.length()) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(read) => hasher.update(piece.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Runs the same work in some threads, which share what there is to do.
pub(crate) fn in_threads(
    count_max: usize,
    work: &(impl Fn() -> Result<(), StoreError> + Sync),
) -> Result<(), StoreError> {
    thread::scope(|scope| {
        let handles: Vec<_> = (0..THREADS_MAX.min(count_max)).map(|_| scope.spawn(work)).collect();
        let panicked = |_| Err(StoreError::damaged("a thread that keeps blobs panicked"));
        handles.into_iter().try_for_each(|handle| handle.join().unwrap_or_else(panicked))
    })
}
