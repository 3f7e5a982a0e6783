//! The frame that carries a site's metadata, and how it is told from a blob.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Cursor, Read};

use domain::digest::Digest;

use crate::error::KitError;
use crate::frame::{self, END};
use crate::limits::Limits;
use crate::read::Folder;
use crate::schema::Chunk;
use crate::ustar;

pub(super) const SITE: Folder = Folder { place: "the site's frame", folder: "SITE" };
/// The metadata is small and is written once, so its level is fixed.
const LEVEL: i32 = 19;
const READ_BUFFER_BYTES: usize = 64 << 10;

/// The files of a site's frame, unverified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteMetadata {
    frame: Vec<u8>,
    files: BTreeMap<String, Vec<u8>>,
}

impl SiteMetadata {
    /// Reads a frame that was kept, to verify it again.
    pub fn from_frame(frame: &[u8], limits: &Limits) -> Result<Self, KitError> {
        let files = SITE.entries(&SITE.expand(frame, limits)?, limits)?;
        Ok(Self { frame: frame.to_vec(), files })
    }

    /// Takes in what another process has expanded from `frame`, under the same rules. That the two belong
    /// together is that process's word; the signatures decide what the entries are worth.
    pub fn from_expanded(frame: Vec<u8>, entries: &[u8], limits: &Limits) -> Result<Self, KitError> {
        SITE.check_length(entries.len() as u64, limits)?;
        Ok(Self { frame, files: SITE.entries(entries, limits)? })
    }

    pub(super) fn compress(files: BTreeMap<String, Vec<u8>>) -> io::Result<Self> {
        Ok(Self { frame: frame::compress(&ustar::archive(&files), LEVEL)?, files })
    }

    /// The compressed frame, byte by byte as it stands in the kit.
    pub fn frame(&self) -> &[u8] {
        &self.frame
    }

    /// The expanded frame: what [`Self::from_expanded`] takes.
    pub fn expanded(&self) -> Vec<u8> {
        ustar::archive(&self.files)
    }

    /// The names and bytes of the metadata, unverified.
    pub fn files(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.files
    }

    /// The metadata files of a plain TUF repository, in an order in which they may be written one
    /// after the other while clients read: what is pinned comes before what pins it.
    pub fn repository(&self) -> Vec<(&str, &[u8])> {
        let rank = |name: &str| match name.rsplit('.').nth(1) {
            Some("root") => 0,
            Some("targets") => 1,
            Some("snapshot") => 2,
            _ => 3,
        };
        let metadata = self.files.iter().filter(|(name, _)| *name != super::RECEIPT_NAME);
        let mut files: Vec<(&str, &[u8])> = metadata
            .map(|(name, bytes)| (name.rsplit_once('/').map_or(name.as_str(), |(_, file)| file), bytes.as_slice()))
            .collect();
        files.sort_by_key(|(name, _)| rank(name));
        files
    }

    /// The receipt of the site's import, unverified.
    pub fn receipt(&self) -> Option<&[u8]> {
        self.files.get(super::RECEIPT_NAME).map(Vec::as_slice)
    }
}

/// Reads a kit behind its metadata frame, and takes a site's frame out of the way.
pub(crate) struct Source<R> {
    /// Bytes that were looked at and are still to be read.
    ahead: Cursor<Vec<u8>>,
    reader: BufReader<R>,
    site: Option<SiteMetadata>,
    looked: bool,
}

impl<R: Read> Source<R> {
    pub(crate) fn new(reader: R) -> Self {
        let reader = BufReader::with_capacity(READ_BUFFER_BYTES, reader);
        Self { ahead: Cursor::default(), reader, site: None, looked: false }
    }

    /// The site's frame, when one stands here. To be asked before the first blob is read.
    pub(crate) fn site(&mut self, signed: &[Chunk], limits: &Limits) -> Result<Option<&SiteMetadata>, KitError> {
        if !self.looked {
            self.looked = true;
            self.look(signed, limits)?;
        }
        Ok(self.site.as_ref())
    }

    /// Reads one frame by its structure. A frame that the vendor signs is a blob and is put back
    /// unopened; so is all that is no site's frame, for the reader of blobs to name what is wrong with it.
    fn look(&mut self, signed: &[Chunk], limits: &Limits) -> Result<(), KitError> {
        let mut recorder = Recorder { reader: &mut self.reader, seen: Vec::new() };
        let content_max = ustar::entry_length(limits.chunk_bytes_max).max(limits.metadata_frame_bytes_max);
        let found = frame::read(&mut recorder, SITE.place, content_max, limits);
        let seen = recorder.seen;
        let frame = match found {
            Ok(frame) => frame,
            Err(error @ KitError::Io(_)) => return Err(error),
            Err(_) => {
                self.ahead = Cursor::new(seen);
                return Ok(());
            }
        };
        let digest = Digest::of(&frame);
        let is_blob = frame == END || signed.iter().any(|chunk| chunk.csha256 == digest);
        if !is_blob && is_site_frame(&frame, limits) {
            self.site = Some(SiteMetadata::from_frame(&frame, limits)?);
        } else {
            self.ahead = Cursor::new(seen);
        }
        Ok(())
    }
}

/// Does the frame hold entries of a site? It is expanded for that, under the limits and by the code of the
/// metadata frame.
pub(crate) fn is_site_frame(frame: &[u8], limits: &Limits) -> bool {
    SITE.expand(frame, limits).is_ok_and(|content| content.starts_with(b"SITE/"))
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.ahead.read(buffer)? {
            0 => self.reader.read(buffer),
            read => Ok(read),
        }
    }
}

/// Keeps what is read through it.
struct Recorder<'a, R> {
    reader: &'a mut R,
    seen: Vec<u8>,
}

impl<R: Read> Read for Recorder<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.seen.extend_from_slice(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}
