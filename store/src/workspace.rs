//! Where a kit is taken apart, and how what comes of it moves into the store.
//!
//! The process that expands and parses a kit may be a confined one. It sees the kit and
//! this directory, nothing else, and is not believed: a blob is hashed again on its way
//! into the store, and the index is the caller's word for nothing but itself.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use domain::digest::Digest;

use crate::blobs::{Blobs, in_threads};
use crate::disk::{Disk, OpenMode, Reader, read_exact_at, write_all_at};
use crate::error::StoreError;
use crate::generation::{Generation, OpenLayers, Room, require_opens};
use crate::layout::Layout;
use crate::pieces::Pieces;
use crate::rows::{GenerationRow, LayerRef};
use crate::scratch::Scratch;
use crate::state::{ImportLock, Store};

/// The directory of one import.
#[derive(Debug)]
pub struct Workspace {
    disk: Arc<dyn Disk>,
    kit: PathBuf,
    directory: PathBuf,
    state: Layout,
}

impl Workspace {
    /// The workspace whose kit is this file and whose results go into this directory.
    /// A delta's base is read below `state`.
    pub fn new(disk: Arc<dyn Disk>, kit: PathBuf, directory: PathBuf, state: PathBuf) -> Self {
        Self { disk, kit, directory, state: Layout::new(state) }
    }

    pub fn disk(&self) -> &dyn Disk {
        &*self.disk
    }

    pub fn kit_path(&self) -> &PathBuf {
        &self.kit
    }

    pub fn directory(&self) -> &PathBuf {
        &self.directory
    }

    pub fn state(&self) -> &PathBuf {
        self.state.root_path()
    }

    /// What has to be readable for [`Workspace::open_base`].
    pub fn base_paths(&self) -> Vec<PathBuf> {
        vec![self.state.cas(), self.state.generations()]
    }

    /// Opens the generation that a delta applies to, and the blobs that its lines are read from.
    pub fn open_base(&self, row: &GenerationRow) -> Result<(Generation, Blobs), StoreError> {
        let generation = Generation::open(&OpenLayers::default(), &*self.disk, &self.state, row.clone())?;
        Ok((generation, Blobs::new(Arc::clone(&self.disk), self.state.clone())))
    }

    /// The kit, from its beginning.
    pub fn kit(&self) -> Result<Reader, StoreError> {
        Reader::open(&*self.disk, &self.kit).map_err(StoreError::io(&self.kit))
    }

    pub fn kit_length(&self) -> Result<u64, StoreError> {
        Ok(self.disk.stat(&self.kit).map_err(StoreError::io(&self.kit))?.length)
    }

    /// The first bytes of the kit.
    pub fn kit_head(&self, length: usize) -> Result<Vec<u8>, StoreError> {
        let file = self.disk.open(&self.kit, OpenMode::Read).map_err(StoreError::io(&self.kit))?;
        let mut head = vec![0; length];
        read_exact_at(&*file, &mut head, 0).map_err(StoreError::io(&self.kit))?;
        Ok(head)
    }

    /// Hands over the expanded metadata frame.
    pub fn write_metadata(&self, entries: &[u8]) -> Result<(), StoreError> {
        self.write(&self.metadata_path(), entries)
    }

    /// The expanded metadata frame, unverified.
    pub fn read_metadata(&self, bytes_max: u64) -> Result<Vec<u8>, StoreError> {
        self.read(&self.metadata_path(), bytes_max)
    }

    /// Hands over the expanded frame of a site.
    pub fn write_site(&self, entries: &[u8]) -> Result<(), StoreError> {
        self.write(&self.site_path(), entries)
    }

    /// The expanded frame of a site, unverified.
    pub fn read_site(&self, bytes_max: u64) -> Result<Vec<u8>, StoreError> {
        self.read(&self.site_path(), bytes_max)
    }

    /// Hands over the metadata frame, as it stands in a kit, whose other frames are to be looked for.
    pub fn write_frame(&self, frame: &[u8]) -> Result<(), StoreError> {
        self.write(&self.frame_path(), frame)
    }

    pub fn read_frame(&self, bytes_max: u64) -> Result<Vec<u8>, StoreError> {
        self.read(&self.frame_path(), bytes_max)
    }

    /// Hands over a blob. Nothing is synced here: what is lost in a crash was not adopted.
    pub fn put_blob(&self, digest: &Digest, bytes: &[u8]) -> Result<(), StoreError> {
        self.write(&self.blob(digest), bytes)
    }

    /// Blobs one behind the other, to be read as one file.
    pub fn pieces(&self, blobs: &[(Digest, u64)]) -> Pieces {
        Pieces::new(Arc::clone(&self.disk), blobs.iter().map(|(digest, length)| (self.blob(digest), *length)))
    }

    pub fn read_blob(&self, digest: &Digest, bytes_max: u64) -> Result<Vec<u8>, StoreError> {
        self.read(&self.blob(digest), bytes_max)
    }

    /// Room for the rows of an index: so many bytes in memory, and the rest in files here.
    pub fn room(&self, bytes: usize) -> Room {
        Room::new(Arc::clone(&self.disk), self.directory.clone(), bytes)
    }

    /// A file to make and to look at.
    pub fn scratch(&self) -> Result<Scratch, StoreError> {
        Scratch::create(&*self.disk, &self.directory.join("scratch"))
    }

    /// Where the index of the generation is built.
    pub fn index(&self) -> PathBuf {
        self.directory.join("index.redb")
    }

    fn metadata_path(&self) -> PathBuf {
        self.directory.join("metadata")
    }

    fn frame_path(&self) -> PathBuf {
        self.directory.join("frame")
    }

    fn site_path(&self) -> PathBuf {
        self.directory.join("site")
    }

    fn blob(&self, digest: &Digest) -> PathBuf {
        self.directory.join(digest.to_string())
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        let file = self.disk.open(path, OpenMode::Create).map_err(StoreError::io(path))?;
        write_all_at(&*file, bytes, 0).map_err(StoreError::io(path))
    }

    fn read(&self, path: &Path, bytes_max: u64) -> Result<Vec<u8>, StoreError> {
        let file = self.disk.open(path, OpenMode::Read).map_err(StoreError::io(path))?;
        let length = file.length().map_err(StoreError::io(path))?;
        let fits = usize::try_from(length).ok().filter(|_| length <= bytes_max);
        let length = fits.ok_or_else(|| StoreError::Unexpected { path: path.to_owned(), length, bytes_max })?;
        let mut bytes = vec![0; length];
        read_exact_at(&*file, &mut bytes, 0).map_err(StoreError::io(path))?;
        Ok(bytes)
    }
}

impl Store {
    /// An empty workspace for the kit that was staged last.
    pub fn workspace(&self, _lock: &ImportLock) -> Result<Workspace, StoreError> {
        let directory = self.layout().workspace();
        self.empty(&directory)?;
        let (disk, kit) = (Arc::clone(self.shared_disk()), self.layout().staged_kit());
        Ok(Workspace::new(disk, kit, directory, self.layout().root().to_owned()))
    }

    /// Moves blobs and the index from the workspace to their places and returns the layers of the generation. Whoever
    /// made them must have ended. Nothing refers to them before [`Store::activate`]; the names of the blobs are durable
    /// after [`crate::Blobs::sync`].
    pub fn adopt(
        &self,
        workspace: &Workspace,
        blobs: &[(Digest, u64)],
        number: u64,
        below: &[LayerRef],
    ) -> Result<Vec<LayerRef>, StoreError> {
        let next = AtomicUsize::new(0);
        let adopt = || {
            while let Some((digest, length)) = blobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                self.blobs().adopt(digest, *length, &workspace.blob(digest))?;
            }
            Ok(())
        };
        thread::scope(|scope| {
            let adopted = scope.spawn(|| in_threads(blobs.len(), &adopt));
            let layers = self.adopt_index(workspace, number, below);
            adopted.join().unwrap_or_else(|_| Err(StoreError::damaged("a thread that keeps blobs panicked")))?;
            layers
        })
    }

    /// Moves the index from the workspace to its place and returns the layers of the generation. What the file holds is
    /// found out here, once it is out of reach of whoever made it.
    fn adopt_index(&self, workspace: &Workspace, number: u64, below: &[LayerRef]) -> Result<Vec<LayerRef>, StoreError> {
        let (from, to) = (workspace.index(), self.layout().generation(number));
        let top = LayerRef::seal(self.disk(), number, &from)?;
        // What cannot be opened must not be pointed at, whoever made it.
        require_opens(self.disk(), &from, top)?;
        self.disk().rename(&from, &to).map_err(StoreError::io(&to))?;
        Ok(std::iter::once(top).chain(below.iter().copied()).collect())
    }
}
