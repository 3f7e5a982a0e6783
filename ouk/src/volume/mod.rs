//! Volumes: a kit in pieces that fit a medium, and a kit put together again from pieces,
//! copies and the remains of copies.
//!
//! A volume is the kit's metadata frame byte for byte, some of its blob frames in the kit's
//! order, and the end frame. So it needs no format of its own and no signature of its own:
//! the metadata names each frame, and all volumes together give the kit byte for byte,
//! with its SHA-256 and its seal. What a file is called is for people and decides nothing.
//!
//! ```text
//! Splitter   a kit -> volumes, in one pass
//! harvest    a kit, a volume or what is left of one -> the signed frames that are in it
//! assemble   the frames of a set -> the kit
//! ```
//!
//! An interrupted copy is a volume, too, as far as it goes: the unit of resuming is a frame.

mod harvest;
mod split;
mod window;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use domain::digest::{Digest, Hasher};

use crate::error::KitError;
use crate::frame;
use crate::read::SealedMetadata;
use crate::site::SiteMetadata;
use crate::verify::{Chunk, VerifiedKit};

pub use harvest::{Damage, Ended, FoundFrame, Harvest, harvest};
pub use split::{Splitter, VOLUMES_MAX, Volume};

/// What the kit consists of: its metadata frame, and the signed frames behind it.
#[derive(Clone, Debug)]
pub struct Outline {
    metadata: Vec<u8>,
    /// A site's frame, where one stands behind the metadata. No part of what is signed by the vendor.
    site: Vec<u8>,
    chunks: Vec<Chunk>,
    /// Digest of a frame to its place in `chunks`.
    places: BTreeMap<Digest, usize>,
    lengths: BTreeSet<u64>,
}

/// Frames that were found, kept by whoever can keep them. A set belongs to one metadata
/// frame; [`Outline::id`] names it.
pub trait FrameSet {
    /// Is the frame with this (compressed) digest here?
    fn has(&self, csha256: &Digest) -> bool;
    /// Keeps a frame. Its digest was checked, and the set does not have it.
    fn put(&mut self, found: &FoundFrame<'_>) -> io::Result<()>;
    /// The frame of a chunk. What it returns is checked again.
    fn read(&mut self, chunk: &Chunk) -> io::Result<Vec<u8>>;
}

/// A set in memory.
#[derive(Clone, Debug, Default)]
pub struct MemorySet {
    frames: BTreeMap<Digest, Vec<u8>>,
}

/// A kit that was put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assembled {
    pub sha256: Digest,
    pub length: u64,
}

/// Why a kit was not split or not put together.
#[derive(Debug, thiserror::Error)]
pub enum VolumeError {
    #[error(transparent)]
    Kit(#[from] KitError),
    #[error("keeping or reading a frame: {0}")]
    Set(#[source] io::Error),
    #[error("writing: {0}")]
    Write(#[source] io::Error),
    #[error("volumes of {size_max} bytes are too small: the metadata and the largest frame need {needed}")]
    TooSmall { size_max: u64, needed: u64 },
    #[error("volumes of {size_max} bytes would be {count} files, over the limit of {max}")]
    TooMany { size_max: u64, count: usize, max: usize },
}

impl Outline {
    /// `metadata` is what `kit` was verified from.
    pub fn new(metadata: &SealedMetadata, kit: &VerifiedKit) -> Self {
        let chunks = kit.chunks().to_vec();
        let places = chunks.iter().enumerate().map(|(place, chunk)| (chunk.csha256, place)).collect();
        let lengths = chunks.iter().map(|chunk| chunk.clen).collect();
        Self { metadata: metadata.frame().to_vec(), site: Vec::new(), chunks, places, lengths }
    }

    /// The same kit with the frame of this site behind its metadata, or without one.
    #[must_use]
    pub fn with_site(self, site: Option<&SiteMetadata>) -> Self {
        Self { site: site.map(|site| site.frame().to_vec()).unwrap_or_default(), ..self }
    }

    /// The name of everything that belongs to this kit: SHA-256 of the metadata frame.
    pub fn id(&self) -> Digest {
        Digest::of(&self.metadata)
    }

    /// Every frame once, in the order of the kit.
    pub fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    /// The length of the whole kit.
    pub fn length(&self) -> u64 {
        self.frame_less() + self.chunks.iter().map(|chunk| chunk.clen).sum::<u64>()
    }

    /// The chunks whose frames the set lacks.
    pub fn missing(&self, set: &impl FrameSet) -> Vec<Chunk> {
        self.chunks.iter().filter(|chunk| !set.has(&chunk.csha256)).copied().collect()
    }

    /// What every volume has: metadata, a site's frame if there is one, and the end.
    fn frame_less(&self) -> u64 {
        (self.metadata.len() + self.site.len() + frame::END.len()) as u64
    }
}

/// Writes the kit from its frames. Nothing is written while one is missing.
pub fn assemble(outline: &Outline, set: &mut impl FrameSet, out: &mut impl Write) -> Result<Assembled, VolumeError> {
    let missing = outline.missing(set);
    if let Some(first) = missing.first() {
        return Err(KitError::Incomplete { first: first.entry(), count: missing.len() }.into());
    }
    let mut out = Hashed::new(out);
    out.put(&outline.metadata)?;
    out.put(&outline.site)?;
    for chunk in &outline.chunks {
        let bytes = set.read(chunk).map_err(VolumeError::Set)?;
        let found = Digest::of(&bytes);
        if found != chunk.csha256 {
            // A medium may return other bytes the second time.
            let what = format!("{}, compressed", chunk.entry());
            return Err(KitError::Digest { what, expected: chunk.csha256, found }.into());
        }
        out.put(&bytes)?;
    }
    out.put(&frame::END)?;
    out.out.flush().map_err(VolumeError::Write)?;
    Ok(Assembled { length: out.hasher.length(), sha256: out.hasher.finish() })
}

impl FrameSet for MemorySet {
    fn has(&self, csha256: &Digest) -> bool {
        self.frames.contains_key(csha256)
    }

    fn put(&mut self, found: &FoundFrame<'_>) -> io::Result<()> {
        self.frames.insert(found.chunk().csha256, found.bytes().to_vec());
        Ok(())
    }

    fn read(&mut self, chunk: &Chunk) -> io::Result<Vec<u8>> {
        self.frames.get(&chunk.csha256).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

/// A writer that hashes and counts.
struct Hashed<'a, W> {
    out: &'a mut W,
    hasher: Hasher,
}

impl<'a, W: Write> Hashed<'a, W> {
    fn new(out: &'a mut W) -> Self {
        Self { out, hasher: Hasher::new() }
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), VolumeError> {
        self.hasher.update(bytes);
        self.out.write_all(bytes).map_err(VolumeError::Write)
    }
}
