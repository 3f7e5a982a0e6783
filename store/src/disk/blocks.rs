//! A file that is held against the digests of its blocks whenever a part of it is read.
//!
//! An index decides what is found, and a database does not notice every flipped byte by itself. To hash the whole file
//! at each opening costs more than most scans do. So the digests of its blocks stand behind the database in the same
//! file, and the digest of that list in the row of the generation: opening reads the list, and reading reads blocks.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::digest::Digest;
use redb::StorageBackend;

use super::{Disk, DiskFile, OpenMode, read_exact_at, write_all_at};

/// A page of the database, so that no more is hashed than is read.
const BLOCK_BYTES: usize = 4096;
const DIGEST_BYTES: usize = 32;
/// What is read at a time where everything is.
const PIECE_BYTES: usize = 64 * BLOCK_BYTES;

/// What says of a sealed file which bytes it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seal {
    /// Without the list behind it.
    pub(crate) length: u64,
    /// Of the list.
    pub(crate) sha256: Digest,
}

/// A block is not what it was.
#[derive(Debug, thiserror::Error)]
#[error("a block of the index of generation {generation} is not what was written")]
pub(crate) struct DamagedBlock {
    pub(crate) generation: u64,
}

impl DamagedBlock {
    pub(crate) fn find(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

/// The digests of a sealed file, to be read under.
#[derive(Debug)]
pub(crate) struct Blocks {
    generation: u64,
    length: u64,
    list: Vec<u8>,
    failed: Arc<AtomicBool>,
}

impl Seal {
    /// Puts the digests of its blocks behind a file, and makes all of it durable.
    pub(crate) fn put(disk: &dyn Disk, path: &Path) -> io::Result<Self> {
        // A file that is opened for writing would be made where there is none.
        let file = disk.open(path, OpenMode::Read)?;
        let length = file.length()?;
        let list = digests_of(&*file, length)?;
        let file = disk.open(path, OpenMode::Keep)?;
        write_all_at(&*file, &list, length)?;
        file.sync_data()?;
        Ok(Self { length, sha256: Digest::of(&list) })
    }

    /// Is every byte of the file what it was?
    pub(crate) fn holds(&self, disk: &dyn Disk, path: &Path) -> io::Result<bool> {
        let file = disk.open(path, OpenMode::Read)?;
        let Some(mut list) = self.room_for_list(file.length()?) else { return Ok(false) };
        read_exact_at(&*file, &mut list, self.length)?;
        Ok(Digest::of(&list) == self.sha256 && digests_of(&*file, self.length)? == list)
    }

    /// The list of a file that is being opened; None when it is not the one that was put there. `failed` is set when
    /// reading under it fails.
    pub(crate) fn blocks(
        &self,
        storage: &dyn StorageBackend,
        generation: u64,
        failed: Arc<AtomicBool>,
    ) -> io::Result<Option<Blocks>> {
        let Some(mut list) = self.room_for_list(storage.len()?) else { return Ok(None) };
        storage.read(self.length, &mut list)?;
        let is_it = Digest::of(&list) == self.sha256;
        Ok(is_it.then_some(Blocks { generation, length: self.length, list, failed }))
    }

    /// None when a file of this length is not so long as it was.
    fn room_for_list(&self, found: u64) -> Option<Vec<u8>> {
        let blocks = usize::try_from(self.length.div_ceil(BLOCK_BYTES as u64)).ok()?;
        let bytes = blocks.checked_mul(DIGEST_BYTES)?;
        let whole = self.length.checked_add(bytes as u64)?;
        (found == whole).then(|| vec![0; bytes])
    }
}

impl Blocks {
    /// How long the file is without the list.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    pub(super) fn read(&self, storage: &dyn StorageBackend, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let read = self.read_whole(storage, offset, out);
        if read.is_err() {
            self.failed.store(true, Ordering::Relaxed);
        }
        read
    }

    /// A database reads whole pages, all but its header.
    fn read_whole(&self, storage: &dyn StorageBackend, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let block = BLOCK_BYTES as u64;
        let end = offset.checked_add(out.len() as u64).filter(|end| *end <= self.length);
        let end = end.ok_or(io::ErrorKind::UnexpectedEof)?;
        let (from, to) = (offset - offset % block, end.next_multiple_of(block).min(self.length));
        if (from, to) == (offset, end) {
            storage.read(offset, out)?;
            return self.check(offset, out);
        }
        let mut around = vec![0; usize::try_from(to - from).map_err(io::Error::other)?];
        storage.read(from, &mut around)?;
        self.check(from, &around)?;
        let skipped = usize::try_from(offset - from).map_err(io::Error::other)?;
        let wanted =
            around.get(skipped..).and_then(|rest| rest.get(..out.len())).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(wanted);
        Ok(())
    }

    /// Are these the bytes of the blocks from `offset` on?
    fn check(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let first = usize::try_from(offset / BLOCK_BYTES as u64).map_err(io::Error::other)?;
        let mut listed = self.list.chunks_exact(DIGEST_BYTES).skip(first);
        let is_listed = |block: &[u8]| listed.next() == Some(Digest::of(block).as_bytes().as_slice());
        if bytes.chunks(BLOCK_BYTES).all(is_listed) {
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::InvalidData, DamagedBlock { generation: self.generation }))
    }
}

/// The digests of the blocks of a file of this length, one behind the other.
fn digests_of(file: &dyn DiskFile, length: u64) -> io::Result<Vec<u8>> {
    let (mut list, mut piece) = (Vec::new(), vec![0; PIECE_BYTES]);
    let mut offset = 0;
    while offset < length {
        let wanted = usize::try_from(length - offset).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
        let part = piece.get_mut(..wanted).unwrap_or_default();
        read_exact_at(file, part, offset)?;
        part.chunks(BLOCK_BYTES).for_each(|block| list.extend_from_slice(Digest::of(block).as_bytes()));
        offset += wanted as u64;
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::{BLOCK_BYTES, DamagedBlock, Seal};
    use crate::disk::{Backend, Disk, OpenMode, RealDisk};
    use redb::StorageBackend;

    /// Three blocks, the last one not full.
    const LENGTH: usize = 2 * BLOCK_BYTES + 100;

    struct Sealed {
        directory: tempfile::TempDir,
        seal: Seal,
        bytes: Vec<u8>,
    }

    impl Sealed {
        fn new() -> Self {
            let directory = tempfile::tempdir().expect("a directory");
            let bytes: Vec<u8> = (0..LENGTH).map(|at| (at % 251) as u8).collect();
            std::fs::write(directory.path().join("file"), &bytes).expect("written");
            let seal = Seal::put(&RealDisk, &directory.path().join("file")).expect("sealed");
            Self { directory, seal, bytes }
        }

        fn path(&self) -> std::path::PathBuf {
            self.directory.path().join("file")
        }

        fn open(&self) -> Option<(Backend, Arc<AtomicBool>)> {
            let storage = RealDisk.open_database(&self.path(), OpenMode::Read).expect("a file");
            let failed = Arc::new(AtomicBool::new(false));
            let blocks = self.seal.blocks(&*storage, 7, Arc::clone(&failed)).expect("read")?;
            Some((Backend::checked(storage, blocks), failed))
        }

        fn change(&self, at: usize) {
            let mut bytes = std::fs::read(self.path()).expect("a file");
            bytes[at] ^= 1;
            std::fs::write(self.path(), bytes).expect("changed");
        }
    }

    #[test]
    fn any_part_of_a_sealed_file_reads_as_it_was_written() {
        let sealed = Sealed::new();
        let (backend, failed) = sealed.open().expect("sealed");
        assert_eq!(backend.len().expect("a length"), LENGTH as u64, "the list is no part of it");
        for (offset, length) in [(0, 320), (0, LENGTH), (4096, 4096), (4095, 2), (8192, 100), (8200, 92), (LENGTH, 0)] {
            let mut part = vec![0; length];
            backend.read(offset as u64, &mut part).expect("read");
            assert_eq!(part, sealed.bytes[offset..offset + length], "{length} bytes at {offset}");
        }
        assert!(sealed.seal.holds(&RealDisk, &sealed.path()).expect("read"));
        assert!(!failed.load(Ordering::Relaxed));
        let beyond = backend.read(8200, &mut [0; 93]).expect_err("the list is not given out");
        assert_eq!(beyond.kind(), std::io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn a_changed_bit_is_found_when_its_block_is_read_and_not_before() {
        for at in [0, 4095, 4096, 8192, LENGTH - 1] {
            let sealed = Sealed::new();
            sealed.change(at);
            let (backend, failed) = sealed.open().expect("the list is whole");
            for block in (0..LENGTH).step_by(BLOCK_BYTES) {
                let mut part = vec![0; BLOCK_BYTES.min(LENGTH - block)];
                let is_in = (block..block + part.len()).contains(&at);
                let read = backend.read(block as u64, &mut part);
                assert_eq!(read.is_err(), is_in, "byte {at}, block at {block}");
                let error = read.err();
                assert_eq!(
                    error.as_ref().and_then(DamagedBlock::find).map(|damaged| damaged.generation),
                    is_in.then_some(7)
                );
            }
            assert!(failed.load(Ordering::Relaxed), "whoever shares the file can tell");
            assert!(!sealed.seal.holds(&RealDisk, &sealed.path()).expect("read"), "byte {at}");
        }
    }

    #[test]
    fn a_list_that_was_changed_cut_or_made_longer_is_none() {
        let list = LENGTH..LENGTH + 3 * 32;
        for at in list {
            let sealed = Sealed::new();
            sealed.change(at);
            assert!(sealed.open().is_none(), "byte {at}");
            assert!(!sealed.seal.holds(&RealDisk, &sealed.path()).expect("read"), "byte {at}");
        }
        for change in [-33_i64, -32, -1, 1, 32] {
            let sealed = Sealed::new();
            let file = std::fs::OpenOptions::new().write(true).open(sealed.path()).expect("a file");
            file.set_len((LENGTH as i64 + 96 + change) as u64).expect("another length");
            assert!(sealed.open().is_none(), "{change}");
            assert!(!sealed.seal.holds(&RealDisk, &sealed.path()).expect("read"), "{change}");
        }
    }
}
