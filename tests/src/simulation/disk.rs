//! The file system as a running program sees it.

use std::collections::BTreeMap;
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use store::disk::{BackendError, Disk, DiskFile, DiskLock, Kind, OpenMode, Stat, StorageBackend, foreign};

use super::content::Content;
use super::fault::{Fault, FaultKind, Faults, Operation};
use super::locks::Locks;
use super::power::Image;

/// A file, whatever its names are.
pub(super) type Inode = usize;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Directory,
    File(Inode),
}

/// What was done, in order. A failed operation is recorded by what it did.
#[derive(Clone, Debug)]
pub(super) enum Op {
    /// A name now stands for this, or for nothing.
    Name {
        path: PathBuf,
        node: Option<Node>,
    },
    Rename {
        from: PathBuf,
        to: PathBuf,
        file: Inode,
    },
    Write {
        file: Inode,
        offset: u64,
        bytes: Arc<[u8]>,
    },
    Length {
        file: Inode,
        length: u64,
    },
    Sync {
        file: Inode,
    },
    SyncDirectory {
        path: PathBuf,
    },
    /// A sync failed: what was pending counts as written and never will be. Names are another matter:
    /// they go through a journal, and a journal that fails takes no more, or takes them later.
    Lost {
        file: Inode,
    },
    /// The program told somebody that it is done.
    Mark,
}

#[derive(Debug)]
struct Inner {
    names: BTreeMap<PathBuf, Node>,
    files: Vec<Content>,
    log: Vec<Op>,
    faults: Faults,
    free_bytes: u64,
    next_handle: usize,
}

/// A file system in memory. Clones are handles to the same one.
#[derive(Clone, Debug)]
pub struct SimDisk {
    inner: Arc<Mutex<Inner>>,
    locks: Arc<Locks>,
}

impl SimDisk {
    /// A disk with this content, all of it durable.
    pub fn new(image: &Image) -> Self {
        let inner = Inner {
            names: image.names.clone(),
            files: image.files.clone(),
            log: Vec::new(),
            faults: Faults::default(),
            free_bytes: 1 << 40,
            next_handle: 0,
        };
        Self { inner: Arc::new(Mutex::new(inner)), locks: Arc::default() }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on operations fail like this, or work again.
    pub fn arm(&self, fault: Option<Fault>) {
        self.inner().faults.arm(fault);
    }

    /// How many operations have failed since.
    pub fn hits(&self) -> u64 {
        self.inner().faults.hits()
    }

    pub fn set_free_bytes(&self, bytes: u64) {
        self.inner().free_bytes = bytes;
    }

    /// Records that the program told somebody that it is done.
    pub fn mark(&self) {
        self.inner().log.push(Op::Mark);
    }

    pub(super) fn log(&self) -> Vec<Op> {
        self.inner().log.clone()
    }

    /// What a power cut leaves when everything was written back in time.
    pub fn image(&self) -> Image {
        let inner = self.inner();
        Image { names: inner.names.clone(), files: inner.files.clone() }
    }

    /// Changes one byte behind the program's back.
    pub fn flip(&self, path: &Path, offset: u64) {
        let mut inner = self.inner();
        let Some(Node::File(file)) = inner.names.get(path).copied() else { panic!("{} is no file", path.display()) };
        let mut byte = [0];
        assert_eq!(inner.files[file].read(offset, &mut byte), 1, "the file is shorter");
        inner.files[file].write(offset, &[byte[0] ^ 1]);
    }
}

fn not_found() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl Inner {
    fn strike(&mut self, operation: Operation) -> io::Result<()> {
        self.faults.strike(operation).map_or(Ok(()), |kind| Err(kind.error()))
    }

    fn file(&self, path: &Path) -> io::Result<Inode> {
        match self.names.get(path) {
            Some(Node::File(file)) => Ok(*file),
            Some(Node::Directory) => Err(foreign()),
            None => Err(not_found()),
        }
    }

    fn parent_exists(&self, path: &Path) -> io::Result<()> {
        let parent = path.parent().ok_or_else(not_found)?;
        if self.names.get(parent) == Some(&Node::Directory) { Ok(()) } else { Err(not_found()) }
    }

    fn name(&mut self, path: &Path, node: Option<Node>) {
        match node {
            Some(node) => self.names.insert(path.to_owned(), node),
            None => self.names.remove(path),
        };
        self.log.push(Op::Name { path: path.to_owned(), node });
    }

    fn open(&mut self, path: &Path, mode: OpenMode) -> io::Result<Inode> {
        let found = self.file(path);
        if mode == OpenMode::Read {
            self.strike(Operation::Look)?;
            return found;
        }
        match found {
            Ok(_) if mode == OpenMode::CreateNew => Err(io::ErrorKind::AlreadyExists.into()),
            Ok(file) => {
                self.strike(Operation::OpenToWrite)?;
                if mode == OpenMode::Create {
                    self.strike(Operation::Name)?;
                    self.set_length(file, 0);
                }
                Ok(file)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.parent_exists(path)?;
                self.strike(Operation::Name)?;
                self.files.push(Content::default());
                let file = self.files.len() - 1;
                self.name(path, Some(Node::File(file)));
                Ok(file)
            }
            Err(error) => Err(error),
        }
    }

    fn set_length(&mut self, file: Inode, length: u64) {
        self.files[file].set_length(length);
        self.log.push(Op::Length { file, length });
    }

    /// Writes what a fault leaves of it; says how much that is.
    fn write(&mut self, file: Inode, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        let struck = self.faults.strike(Operation::Write);
        let half = match struck {
            None => bytes.len(),
            Some(FaultKind::Interrupted | FaultKind::ReadOnly) => 0,
            Some(_) => bytes.len().div_ceil(2),
        };
        if half > 0 {
            self.files[file].write(offset, &bytes[..half]);
            self.log.push(Op::Write { file, offset, bytes: bytes[..half].into() });
        }
        match struck {
            None | Some(FaultKind::Short) => Ok(half),
            Some(kind) => Err(kind.error()),
        }
    }

    fn read(&mut self, file: Inode, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        match self.faults.strike(Operation::Read) {
            None => Ok(self.files[file].read(offset, buffer)),
            Some(FaultKind::Short) => {
                let half = buffer.len().div_ceil(2);
                Ok(self.files[file].read(offset, &mut buffer[..half]))
            }
            Some(kind) => Err(kind.error()),
        }
    }

    fn sync(&mut self, file: Inode) -> io::Result<()> {
        let struck = self.strike(Operation::Sync);
        self.log.push(if struck.is_ok() { Op::Sync { file } } else { Op::Lost { file } });
        struck
    }
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    file: Inode,
    handle: usize,
}

impl SimFile {
    fn key(&self) -> (usize, usize) {
        (self.file, self.handle)
    }
}

impl Drop for SimFile {
    fn drop(&mut self) {
        self.disk.locks.release_all(self.handle);
    }
}

impl SimDisk {
    fn open_file(&self, path: &Path, mode: OpenMode) -> io::Result<SimFile> {
        let mut inner = self.inner();
        let file = inner.open(path, mode)?;
        inner.next_handle += 1;
        Ok(SimFile { disk: self.clone(), file, handle: inner.next_handle })
    }
}

impl DiskLock for SimFile {}

impl DiskFile for SimFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.disk.inner().read(self.file, offset, buffer)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.disk.inner().write(self.file, offset, bytes)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.disk.inner().files[self.file].length())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.inner().sync(self.file)
    }
}

/// A database's file, as redb's own for real files: it goes on after short operations and signals.
impl StorageBackend for SimFile {
    fn len(&self) -> io::Result<u64> {
        self.length()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut done = 0;
        while done < out.len() {
            match self.read_at(&mut out[done..], offset + done as u64) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => done += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let mut inner = self.disk.inner();
        match inner.faults.strike(Operation::Write) {
            None | Some(FaultKind::Short | FaultKind::Interrupted) => {}
            Some(kind) => return Err(kind.error()),
        }
        inner.set_length(self.file, length);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        DiskFile::sync_data(self)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut done = 0;
        while done < data.len() {
            match self.write_at(&data[done..], offset + done as u64) {
                Ok(written) => done += written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        self.disk.locks.release_all(self.handle);
        Ok(())
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        Ok(self.disk.locks.take(self.key(), (start, end), false, false))
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        Ok(self.disk.locks.take(self.key(), (start, end), true, false))
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.disk.locks.take(self.key(), (start, end), false, true);
        Ok(())
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.disk.locks.take(self.key(), (start, end), true, true);
        Ok(())
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.disk.locks.release(self.key(), (start, end));
        Ok(())
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        Ok(self.disk.locks.would_conflict(self.key(), (start, end)))
    }
}

impl Disk for SimDisk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let mut inner = self.inner();
        match inner.names.get(path) {
            Some(Node::Directory) => Ok(()),
            Some(Node::File(_)) => Err(io::ErrorKind::AlreadyExists.into()),
            None => {
                inner.parent_exists(path)?;
                inner.strike(Operation::Name)?;
                inner.name(path, Some(Node::Directory));
                Ok(())
            }
        }
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(self.open_file(path, mode)?))
    }

    fn open_database(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn StorageBackend>> {
        Ok(Box::new(self.open_file(path, mode)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut inner = self.inner();
        let file = inner.file(from)?;
        inner.parent_exists(to)?;
        if inner.names.get(to) == Some(&Node::Directory) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        inner.strike(Operation::Name)?;
        inner.names.remove(from);
        inner.names.insert(to.to_owned(), Node::File(file));
        inner.log.push(Op::Rename { from: from.to_owned(), to: to.to_owned(), file });
        Ok(())
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut inner = self.inner();
        let file = inner.file(from)?;
        inner.parent_exists(to)?;
        if inner.names.contains_key(to) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        inner.strike(Operation::Name)?;
        inner.name(to, Some(Node::File(file)));
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut inner = self.inner();
        inner.file(path)?;
        inner.strike(Operation::Remove)?;
        inner.name(path, None);
        Ok(())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut inner = self.inner();
        if inner.names.get(path) != Some(&Node::Directory) {
            return Err(not_found());
        }
        inner.strike(Operation::Sync)?;
        inner.log.push(Op::SyncDirectory { path: path.to_owned() });
        Ok(())
    }

    fn list(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        let mut inner = self.inner();
        inner.strike(Operation::Look)?;
        if inner.names.get(path) != Some(&Node::Directory) {
            return Err(not_found());
        }
        let below = inner.names.range(path.to_owned()..).map(|(name, _)| name);
        let below = below.take_while(|name| name.starts_with(path));
        Ok(below.filter(|name| name.parent() == Some(path)).cloned().collect())
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        let mut inner = self.inner();
        inner.strike(Operation::Look)?;
        match inner.names.get(path) {
            Some(Node::Directory) => Ok(Stat { kind: Kind::Directory, length: 0 }),
            Some(Node::File(file)) => Ok(Stat { kind: Kind::File, length: inner.files[*file].length() }),
            None => Err(not_found()),
        }
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn DiskLock>>> {
        let file = self.open_file(path, OpenMode::Keep)?;
        let all = (Bound::Unbounded, Bound::Unbounded);
        Ok(if self.locks.take(file.key(), all, false, false) { Some(Box::new(file)) } else { None })
    }

    fn free_bytes(&self, _path: &Path) -> io::Result<u64> {
        Ok(self.inner().free_bytes)
    }
}
