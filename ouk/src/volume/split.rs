//! Cutting a kit into volumes.
//!
//! Each volume takes a run of frames, so the kit is read once from front to back and one
//! frame is in memory at a time. The runs are planned before anything is written: the
//! number of volumes is part of their names.

use std::io::{Read, Write};
use std::ops::Range;

use domain::digest::Hasher;

use super::{Assembled, Hashed, Outline, VolumeError};
use crate::blobs::{BlobReader, blobs};
use crate::frame;
use crate::read::OpenKit;
use crate::site::SiteMetadata;
use crate::verify::{Chunk, VerifiedKit};

/// More files than this are a mistake in the size.
pub const VOLUMES_MAX: usize = 999;

/// A planned volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// Places of its frames in [`Outline::chunks`].
    pub frames: Range<usize>,
    /// Length of the file.
    pub length: u64,
}

/// Writes a kit as volumes, one after the other.
pub struct Splitter<R> {
    blobs: BlobReader<R>,
    outline: Outline,
    volumes: Vec<Volume>,
    next: usize,
    whole: Hasher,
}

impl<R: Read> Splitter<R> {
    /// Plans volumes of at most `size_max` bytes. `kit` was verified from `open`.
    /// A site's frame that travels with the kit is in each of them.
    pub fn new(mut open: OpenKit<R>, kit: &VerifiedKit, size_max: u64) -> Result<Self, VolumeError> {
        let site = open.site(kit)?.cloned();
        Self::with_site(open, kit, site, size_max)
    }

    /// The same, with this site's frame and no other.
    pub(crate) fn with_site(
        open: OpenKit<R>,
        kit: &VerifiedKit,
        site: Option<SiteMetadata>,
        size_max: u64,
    ) -> Result<Self, VolumeError> {
        let outline = Outline::new(&open.metadata, kit).with_site(site.as_ref());
        let volumes = plan(&outline, size_max)?;
        let mut whole = Hasher::new();
        whole.update(&outline.metadata);
        whole.update(&outline.site);
        Ok(Self { blobs: blobs(open, kit), outline, volumes, next: 0, whole })
    }

    pub fn volumes(&self) -> &[Volume] {
        &self.volumes
    }

    /// Writes the next volume; `None` when there is no further one.
    pub fn write_next(&mut self, out: &mut impl Write) -> Result<Option<Assembled>, VolumeError> {
        let Some(volume) = self.volumes.get(self.next) else { return Ok(None) };
        self.next += 1;
        let mut out = Hashed::new(out);
        out.put(&self.outline.metadata)?;
        out.put(&self.outline.site)?;
        for chunk in self.outline.chunks.get(volume.frames.clone()).unwrap_or_default() {
            let Some(frame) = self.blobs.next_frame()? else { break };
            // A signed frame that is none would be lost in a volume, where only its structure
            // tells where it ends. Every site would refuse it, too.
            frame.check_structure()?;
            debug_assert_eq!(frame.digest(), chunk.sha256);
            self.whole.update(frame.bytes());
            out.put(frame.bytes())?;
        }
        out.put(&frame::END)?;
        out.out.flush().map_err(VolumeError::Write)?;
        Ok(Some(Assembled { length: out.hasher.length(), sha256: out.hasher.finish() }))
    }

    /// Checks that the kit ends behind the last volume; gives its digest and length. The
    /// volumes are good only when this is.
    pub fn finish(mut self) -> Result<Assembled, VolumeError> {
        self.blobs.finish()?;
        self.whole.update(&frame::END);
        Ok(Assembled { length: self.whole.length(), sha256: self.whole.finish() })
    }
}

/// Fills each volume as far as it goes. For runs of frames that gives the fewest volumes.
fn plan(outline: &Outline, size_max: u64) -> Result<Vec<Volume>, VolumeError> {
    let bare = outline.frame_less();
    let longest = outline.chunks.iter().map(|chunk| chunk.clen).max().unwrap_or_default();
    let needed = bare.saturating_add(longest);
    if needed > size_max {
        return Err(VolumeError::TooSmall { size_max, needed });
    }
    let mut volumes = Vec::new();
    let mut volume = Volume { frames: 0..0, length: bare };
    for (place, Chunk { clen, .. }) in outline.chunks.iter().enumerate() {
        if volume.length + clen > size_max {
            let next = Volume { frames: place..place, length: bare };
            volumes.push(std::mem::replace(&mut volume, next));
        }
        volume.frames.end = place + 1;
        volume.length += clen;
    }
    volumes.push(volume);
    if volumes.len() > VOLUMES_MAX {
        return Err(VolumeError::TooMany { size_max, count: volumes.len(), max: VOLUMES_MAX });
    }
    Ok(volumes)
}
