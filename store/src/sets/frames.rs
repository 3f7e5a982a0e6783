//! The frames of one set, and the kit that is put together from them.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use domain::digest::Digest;
use ouk::verify::Chunk;
use ouk::volume::{FoundFrame, FrameSet, Outline, VolumeError, assemble};

use super::Part;
use crate::disk::{Disk, DiskFile, OpenMode, write_all_at};
use crate::durable::{list, read_file, remove_file, sync_directory, write_file};
use crate::error::StoreError;
use crate::layout::Layout;
use crate::staging::Staged;
use crate::state::{ImportLock, Store};

/// The frames of a kit that are kept, on disk.
#[derive(Debug)]
pub struct KeptSet {
    disk: Arc<dyn Disk>,
    layout: Layout,
    id: Digest,
    /// Frames that are here, with their lengths.
    here: BTreeMap<Digest, u64>,
}

impl Store {
    /// The frames of this kit that were kept so far. A file of another length than the signed one counts as missing.
    pub fn open_set(&self, _lock: &ImportLock, outline: &Outline) -> Result<KeptSet, StoreError> {
        let signed: BTreeMap<Digest, u64> = outline.chunks().iter().map(|chunk| (chunk.csha256, chunk.clen)).collect();
        let (id, mut here) = (outline.id(), BTreeMap::new());
        for path in list(self.disk(), &self.layout().sets())? {
            if let Some((found, Part::Frame(digest))) = self.part_of_set(&path)
                && found == id
            {
                let length = self.length_in_sets(&path)?;
                here.extend(length.filter(|length| signed.get(&digest) == Some(length)).map(|length| (digest, length)));
            }
        }
        Ok(KeptSet { disk: Arc::clone(self.shared_disk()), layout: self.layout().clone(), id, here })
    }

    /// Puts the kit of a set together in staging, one frame in memory at a time. None when a frame
    /// that was kept is not what it was: it is gone from the set then, and must come again.
    pub fn stage_set(
        &self,
        _lock: &ImportLock,
        outline: &Outline,
        set: &mut KeptSet,
        written: &dyn Fn(u64),
    ) -> Result<Option<Staged>, StoreError> {
        self.require_space(outline.length())?;
        let path = self.layout().staged_kit();
        let file = self.disk().open(&path, OpenMode::CreateNew).map_err(StoreError::io(&path))?;
        let mut out = Out { file: &*file, offset: 0, written };
        let made = assemble(outline, set, &mut out);
        if made.is_err() {
            remove_file(self.disk(), &path)?;
        }
        match made {
            Ok(made) => Ok(Some(Staged::new(Arc::clone(self.shared_disk()), path, made.sha256, made.length))),
            Err(VolumeError::Set(_)) if !outline.missing(set).is_empty() => Ok(None),
            Err(VolumeError::Kit(_)) => Ok(None),
            Err(VolumeError::Set(source)) => Err(StoreError::Io { path: self.layout().sets(), source }),
            Err(VolumeError::Write(source)) => Err(StoreError::Io { path, source }),
            Err(VolumeError::TooSmall { .. } | VolumeError::TooMany { .. }) => Ok(None),
        }
    }
}

impl KeptSet {
    /// How many frames are here, and how many bytes they have.
    pub fn kept(&self) -> (u64, u64) {
        (self.here.len() as u64, self.here.values().sum())
    }

    /// Keeps a frame that has the signed digest, whoever has found it. Durable after [`KeptSet::sync`].
    pub fn keep(&mut self, chunk: &Chunk, bytes: &[u8]) -> Result<(), StoreError> {
        if bytes.len() as u64 != chunk.clen || Digest::of(bytes) != chunk.csha256 {
            return Err(StoreError::CorruptBlob(chunk.csha256));
        }
        let temporary = self.layout.staging().join("set-part");
        write_file(&*self.disk, &temporary, &self.path(&chunk.csha256), bytes)?;
        self.here.insert(chunk.csha256, chunk.clen);
        Ok(())
    }

    /// Makes the names of all frames durable.
    pub fn sync(&self) -> Result<(), StoreError> {
        sync_directory(&*self.disk, &self.layout.sets())
    }

    fn path(&self, frame: &Digest) -> PathBuf {
        self.layout.set_file(&self.id, &Part::Frame(*frame).name())
    }

    /// What was kept under this name, when it is still that.
    fn sound(&self, chunk: &Chunk) -> Result<Option<Vec<u8>>, StoreError> {
        let bytes = match read_file(&*self.disk, &self.path(&chunk.csha256), chunk.clen) {
            Err(StoreError::Unexpected { .. }) => None,
            read => read?,
        };
        Ok(bytes.filter(|bytes| Digest::of(bytes) == chunk.csha256))
    }
}

impl FrameSet for KeptSet {
    fn has(&self, csha256: &Digest) -> bool {
        self.here.contains_key(csha256)
    }

    fn put(&mut self, found: &FoundFrame<'_>) -> io::Result<()> {
        self.keep(found.chunk(), found.bytes()).map_err(io::Error::other)
    }

    fn read(&mut self, chunk: &Chunk) -> io::Result<Vec<u8>> {
        if let Some(bytes) = self.sound(chunk).map_err(io::Error::other)? {
            return Ok(bytes);
        }
        // It has rotted here. Another copy can bring it back, once it is not in the way.
        self.here.remove(&chunk.csha256);
        remove_file(&*self.disk, &self.path(&chunk.csha256)).map_err(io::Error::other)?;
        Err(io::Error::new(io::ErrorKind::InvalidData, "a frame that was kept has rotted"))
    }
}

/// Writes a file from its beginning.
struct Out<'a> {
    file: &'a dyn DiskFile,
    offset: u64,
    written: &'a dyn Fn(u64),
}

impl Write for Out<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        write_all_at(self.file, bytes, self.offset)?;
        self.offset += bytes.len() as u64;
        (self.written)(self.offset);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
