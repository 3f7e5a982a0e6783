//! A file that lies in the workspace in pieces, read as one.

use std::cell::RefCell;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::disk::{Disk, DiskFile, OpenMode, read_exact_at};

/// A large target has hundreds of pieces, and a confined process few open files.
const OPEN_MAX: usize = 8;

/// Blobs of the workspace, one behind the other.
#[derive(Debug)]
pub struct Pieces {
    disk: Arc<dyn Disk>,
    pieces: Vec<Piece>,
    /// Pieces that are open, by their index, the one used last at the end.
    open: RefCell<Vec<(usize, Box<dyn DiskFile>)>>,
}

#[derive(Debug)]
struct Piece {
    path: PathBuf,
    start: u64,
    end: u64,
}

impl Pieces {
    pub(crate) fn new(disk: Arc<dyn Disk>, blobs: impl Iterator<Item = (PathBuf, u64)>) -> Self {
        let mut next = 0_u64;
        let pieces = blobs.map(|(path, length)| {
            let start = next;
            next = next.saturating_add(length);
            Piece { path, start, end: next }
        });
        Self { disk, pieces: pieces.collect(), open: RefCell::default() }
    }

    pub fn length(&self) -> u64 {
        self.pieces.last().map_or(0, |piece| piece.end)
    }

    /// Fills the buffer from the bytes at `offset`.
    pub fn read_exact_at(&self, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            let index = self.pieces.partition_point(|piece| piece.end <= offset);
            let piece = self.pieces.get(index).ok_or(io::ErrorKind::UnexpectedEof)?;
            let here = usize::try_from(piece.end - offset).unwrap_or(usize::MAX).min(bytes.len());
            let (part, rest) = bytes.split_at_mut(here);
            self.read_piece(index, piece, part, offset - piece.start)?;
            bytes = rest;
            offset += here as u64;
        }
        Ok(())
    }

    fn read_piece(&self, index: usize, piece: &Piece, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        let mut open = self.open.borrow_mut();
        let place = match open.iter().position(|(known, _)| *known == index) {
            Some(place) => place,
            None => {
                if open.len() >= OPEN_MAX {
                    open.remove(0);
                }
                open.push((index, self.disk.open(&piece.path, OpenMode::Read)?));
                open.len() - 1
            }
        };
        let last = open.len() - 1;
        open.swap(place, last);
        open.last().map_or(Ok(()), |(_, file)| read_exact_at(&**file, bytes, offset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::RealDisk;

    #[test]
    fn pieces_read_as_one_file_over_their_ends_and_with_few_of_them_open() {
        let directory = tempfile::tempdir().expect("a directory");
        let whole: Vec<u8> = (0..=255).cycle().take(3_000).collect();
        let blobs = whole.chunks(97).enumerate().map(|(index, piece)| {
            let path = directory.path().join(index.to_string());
            std::fs::write(&path, piece).expect("written");
            (path, piece.len() as u64)
        });
        let pieces = Pieces::new(Arc::new(RealDisk), blobs);
        assert_eq!(pieces.length(), 3_000);
        for (offset, length) in [(0, 3_000), (96, 2), (1_500, 700), (2_999, 1), (5, 1), (97, 97), (0, 0)] {
            let mut bytes = vec![0; length];
            pieces.read_exact_at(&mut bytes, offset as u64).expect("inside");
            assert_eq!(bytes, whole[offset..offset + length], "{offset}");
            assert!(pieces.open.borrow().len() <= OPEN_MAX);
        }
        let error = pieces.read_exact_at(&mut [0; 2], 2_999).expect_err("behind the end");
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
