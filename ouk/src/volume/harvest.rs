//! What is left of a kit in a file, a stick or a broken copy.
//!
//! A frame counts when its digest is one that the metadata signs, and in no other case:
//! where it stands, what the file is called and how it ends change nothing about that. So a
//! damaged source may be searched for frames behind the damage, byte by byte, and nothing
//! is expanded on the way. Damage by accident is reported and passed over; what no accident
//! makes (a further sound frame, frames out of order, another kit's metadata, bytes behind
//! the end) is a refusal, as it is for a whole kit.

use std::io::{self, Read};

use domain::digest::Digest;

use super::window::Window;
use super::{FrameSet, Outline, VolumeError};
use crate::error::KitError;
use crate::frame::{self, END, MAGIC};
use crate::limits::Limits;
use crate::read::{PLACE, SealedMetadata};
use crate::site::is_site_frame;
use crate::ustar;
use crate::verify::Chunk;

/// A zstd frame header has at most this many bytes.
const HEADER_BYTES_MAX: usize = 14;
/// Looking at what turns out to be no frame costs: this much is free, then as much as ...
const SEARCH_BYTES_FREE: u64 = 64 << 20;
/// ... this many times the bytes that were read. A source made to look like frames
/// everywhere would be searched for ever.
const SEARCH_FACTOR: u64 = 4;

/// A frame with the digest that the metadata signs. Only [`harvest`] makes one.
#[derive(Debug)]
pub struct FoundFrame<'a> {
    chunk: Chunk,
    offset: u64,
    bytes: &'a [u8],
}

impl FoundFrame<'_> {
    pub fn chunk(&self) -> &Chunk {
        &self.chunk
    }

    /// Where it stands in the source.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    pub fn bytes(&self) -> &[u8] {
        self.bytes
    }
}

/// What a source held.
#[derive(Debug)]
pub struct Harvest {
    /// How many signed frames stand in it.
    pub frames: usize,
    /// How many of them the set did not have yet.
    pub new: usize,
    /// Places that hold something else. What stands behind the last good frame of a copy that
    /// was cut short is not counted.
    pub damaged: Vec<Damage>,
    pub ended: Ended,
    /// Where the last good byte stands.
    pub length: u64,
}

/// A place in a source where signed bytes should be and are not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    pub offset: u64,
    pub length: u64,
    /// The chunks whose frames stood here, where their lengths tell.
    pub chunks: Vec<Chunk>,
}

/// How a source ended.
#[derive(Debug)]
pub enum Ended {
    /// It is the whole kit.
    Complete,
    /// With the end frame, and without all of the kit's frames.
    Volume,
    /// Without an end frame: the copy is not finished.
    Truncated,
    /// The medium failed.
    ReadError(io::Error),
}

/// Searches a source for the frames of a kit. All good ones are in the set afterwards,
/// whatever else is wrong with the source.
pub fn harvest<R: Read, S: FrameSet>(
    source: R,
    outline: &Outline,
    limits: &Limits,
    set: &mut S,
) -> Result<Harvest, VolumeError> {
    let window = Window::new(source, limits.kit_bytes_max);
    let longest = frame::length_max(ustar::entry_length(limits.chunk_bytes_max));
    let longest = usize::try_from(longest).unwrap_or(usize::MAX);
    let damaged = Vec::new();
    let mut search =
        Search { window, outline, limits, longest, next: 0, frames: 0, new: 0, damaged, gap: None, sought: 0 };
    search.metadata()?;
    loop {
        if search.is_end()? {
            let end = search.window.offset();
            search.close(end, outline.chunks.len())?;
            return Ok(search.finish(true));
        }
        if search.window.look(1)?.is_empty() {
            search.refuse_extra(search.window.offset())?;
            return Ok(search.finish(false));
        }
        match search.frame()? {
            Some((place, length)) => search.take(place, length, set)?,
            None => search.window.pass_to(MAGIC)?,
        }
    }
}

struct Search<'a, R> {
    window: Window<R>,
    outline: &'a Outline,
    limits: &'a Limits,
    /// No frame may be longer.
    longest: usize,
    /// The next frame has this place in the kit, or a later one.
    next: usize,
    frames: usize,
    new: usize,
    damaged: Vec<Damage>,
    gap: Option<Gap>,
    /// Bytes that were looked at and were no signed frame.
    sought: u64,
}

/// Bytes that are no signed frame, from `offset` to the present place.
struct Gap {
    offset: u64,
    /// How far they look like whole frames, one behind the other. Nobody asks that of a
    /// damaged metadata frame.
    sound_to: Option<u64>,
    /// One of these has a length that no signed frame has, so no damage made it.
    strange: bool,
}

impl<R: Read> Search<'_, R> {
    /// Passes the metadata frame. Where it is damaged, the search begins; where it is
    /// sound and not ours, the source is of another kit.
    fn metadata(&mut self) -> Result<(), KitError> {
        let ours = &self.outline.metadata;
        if self.window.look(ours.len())? == ours.as_slice() {
            self.window.pass(ours.len());
            return self.pass_site();
        }
        let longest = frame::length_max(self.limits.metadata_frame_bytes_max);
        let bytes = self.window.look(usize::try_from(longest).unwrap_or(usize::MAX))?;
        let found = frame::read(&mut &*bytes, PLACE, self.limits.metadata_frame_bytes_max, self.limits);
        let found = found.and_then(|frame| SealedMetadata::from_frame(&frame, self.limits));
        // Some bits of a frame can change and leave its content alone: that is damage, no other kit.
        let others = |found: SealedMetadata| match SealedMetadata::from_frame(ours, self.limits) {
            Ok(ours) => ours.files() != found.files(),
            Err(_) => true,
        };
        if found.is_ok_and(others) {
            let reason = "it is not that of the other parts".to_owned();
            return Err(KitError::Mix { file: PLACE.to_owned(), reason });
        }
        self.gap = Some(Gap { offset: 0, sound_to: None, strange: false });
        Ok(())
    }

    /// Passes a site's frame, whichever it is: no blob is in it, and whether it is true is for
    /// whoever pins that site to find out.
    fn pass_site(&mut self) -> Result<(), KitError> {
        let Some(length) = self.frame_length()? else { return Ok(()) };
        let frame = self.window.look(length)?;
        if !self.outline.places.contains_key(&Digest::of(frame)) && is_site_frame(frame, self.limits) {
            self.window.pass(length);
        }
        Ok(())
    }

    /// Does the end frame stand here? Behind good frames nothing may follow it.
    fn is_end(&mut self) -> Result<bool, KitError> {
        let bytes = self.window.look(END.len() + 1)?;
        if bytes == END {
            return Ok(true);
        }
        if self.gap.is_none() && bytes.starts_with(&END) {
            return Err(KitError::Trailing { place: "the end of the kit".to_owned() });
        }
        Ok(false)
    }

    /// The signed frame that stands here: its place in the kit, and its length.
    fn frame(&mut self) -> Result<Option<(usize, usize)>, KitError> {
        let offset = self.window.offset();
        let length = self.frame_length()?;
        let signed = length.filter(|&length| self.outline.lengths.contains(&(length as u64)));
        if let Some(length) = signed {
            let digest = Digest::of(self.window.look(length)?);
            if let Some(&place) = self.outline.places.get(&digest) {
                return Ok(Some((place, length)));
            }
            self.spend(length)?;
        }
        let gap = self.gap.get_or_insert(Gap { offset, sound_to: Some(offset), strange: false });
        if let Some(length) = length
            && gap.sound_to == Some(offset)
        {
            gap.sound_to = Some(offset + length as u64);
            gap.strange |= signed.is_none();
        }
        Ok(None)
    }

    /// How long the frame is that begins here, by its own structure.
    fn frame_length(&mut self) -> Result<Option<usize>, KitError> {
        const FRAME: &str = "a frame";
        let Ok(header) = frame::header(self.window.look(HEADER_BYTES_MAX)?, FRAME, self.limits) else {
            return Ok(None);
        };
        let mut length = header.length;
        loop {
            if length > self.longest {
                return Ok(None);
            }
            self.spend(3)?;
            let bytes = self.window.look(length + 3)?;
            let Some(Ok(block)) = bytes.get(length..).map(|bytes| frame::block(bytes, FRAME)) else {
                return Ok(None);
            };
            length += 3 + block.body;
            if block.last {
                length += frame::CHECKSUM_BYTES;
                return Ok((self.window.look(length)?.len() == length).then_some(length));
            }
        }
    }

    /// Keeps a frame and moves behind it.
    fn take<S: FrameSet>(&mut self, place: usize, length: usize, set: &mut S) -> Result<(), VolumeError> {
        let offset = self.window.offset();
        let Some(&chunk) = self.outline.chunks.get(place) else { return Ok(()) };
        if place < self.next {
            return Err(KitError::Order { entry: chunk.entry(), reason: "stands behind a later blob" }.into());
        }
        self.close(offset, place)?;
        if !set.has(&chunk.csha256) {
            let bytes = self.window.look(length)?;
            set.put(&FoundFrame { chunk, offset, bytes }).map_err(VolumeError::Set)?;
            self.new += 1;
        }
        self.frames += 1;
        self.next = place + 1;
        self.window.pass(length);
        Ok(())
    }

    /// Ends the damage before `end`, where the frame with this place begins.
    fn close(&mut self, end: u64, place: usize) -> Result<(), KitError> {
        self.refuse_extra(end)?;
        let Some(gap) = self.gap.take() else { return Ok(()) };
        let length = end - gap.offset;
        let blobs = if gap.offset == 0 { length.saturating_sub(self.outline.metadata.len() as u64) } else { length };
        let chunks = self.outline.chunks.get(self.next..place).unwrap_or_default();
        let chunks = run(chunks.iter(), blobs).or_else(|| {
            let mut chunks = run(chunks.iter().rev(), blobs)?;
            chunks.reverse();
            Some(chunks)
        });
        self.damaged.push(Damage { offset: gap.offset, length, chunks: chunks.unwrap_or_default() });
        Ok(())
    }

    /// Whole frames that nobody signed, and no damage in between.
    fn refuse_extra(&self, end: u64) -> Result<(), KitError> {
        match &self.gap {
            // A damaged end frame is one of these, too.
            Some(gap) if gap.strange && gap.sound_to == Some(end) && end - gap.offset != END.len() as u64 => {
                Err(KitError::Extra { entry: format!("a frame at byte {}", gap.offset) })
            }
            _ => Ok(()),
        }
    }

    fn spend(&mut self, bytes: usize) -> Result<(), KitError> {
        self.sought += bytes as u64;
        let max = SEARCH_BYTES_FREE + SEARCH_FACTOR * self.window.offset();
        crate::error::within("bytes searched in a damaged copy", self.sought, max)
    }

    fn finish(self, ended: bool) -> Harvest {
        let length = self.gap.as_ref().map_or(self.window.offset(), |gap| gap.offset);
        let length = if ended { length + END.len() as u64 } else { length };
        let whole = self.frames == self.outline.chunks.len() && self.damaged.is_empty();
        let ended = match (self.window.into_error(), ended) {
            (_, true) if whole => Ended::Complete,
            (_, true) => Ended::Volume,
            (Some(error), false) => Ended::ReadError(error),
            (None, false) => Ended::Truncated,
        };
        Harvest { frames: self.frames, new: self.new, damaged: self.damaged, ended, length }
    }
}

/// The first chunks whose frames have exactly this length together.
fn run<'a>(chunks: impl Iterator<Item = &'a Chunk>, length: u64) -> Option<Vec<Chunk>> {
    let mut left = length;
    let mut taken = Vec::new();
    for chunk in chunks {
        if left == 0 {
            break;
        }
        left = left.checked_sub(chunk.clen)?;
        taken.push(*chunk);
    }
    (left == 0).then_some(taken)
}
