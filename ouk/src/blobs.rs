//! The blobs of a verified kit, frame by frame.
//!
//! One thread reads: it takes exactly the signed number of bytes and compares their digest
//! before anybody expands them. [`SealedFrame::open`] is the expensive half; frames can be
//! sent to other threads for it. The order of frames is the order of their content digests,
//! so nothing in the kit has to be believed to know what comes next.

use std::io::Read;

use domain::digest::Digest;

use crate::error::{KitError, shown, within};
use crate::frame;
use crate::limits::Limits;
use crate::read::OpenKit;
use crate::schema::Chunk;
use crate::site::Source;
use crate::ustar::{self, BLOCK};
use crate::verify::VerifiedKit;

/// Reads the frames that follow the metadata.
pub struct BlobReader<R> {
    reader: Source<R>,
    limits: Limits,
    chunks: Vec<Chunk>,
    next: usize,
}

/// A frame with the right compressed digest, not expanded yet.
#[derive(Debug)]
pub struct SealedFrame {
    chunk: Chunk,
    frame: Vec<u8>,
    limits: Limits,
}

/// The content of a chunk. Its digest was checked.
#[derive(Debug, PartialEq, Eq)]
pub struct VerifiedBlob {
    pub digest: Digest,
    pub bytes: Vec<u8>,
}

/// The blobs of `open`, which `kit` was verified from.
pub fn blobs<R: Read>(open: OpenKit<R>, kit: &VerifiedKit) -> BlobReader<R> {
    BlobReader { reader: open.reader, limits: open.limits, chunks: kit.chunks().to_vec(), next: 0 }
}

impl<R: Read> BlobReader<R> {
    /// The next frame, or `None` after the last one.
    pub fn next_frame(&mut self) -> Result<Option<SealedFrame>, KitError> {
        // A site's metadata stands before the first one. Who has no site to trust passes it over.
        self.reader.site(&self.chunks, &self.limits)?;
        let Some(&chunk) = self.chunks.get(self.next) else { return Ok(None) };
        // `clen` was held against the limits when the metadata was verified.
        let mut frame = Vec::with_capacity(usize::try_from(chunk.clen).unwrap_or_default());
        (&mut self.reader).take(chunk.clen).read_to_end(&mut frame).map_err(KitError::Io)?;
        let found = Digest::of(&frame);
        if found != chunk.csha256 || frame.len() as u64 != chunk.clen {
            return Err(self.explain(&chunk, frame, found));
        }
        self.next += 1;
        Ok(Some(SealedFrame { chunk, frame, limits: self.limits.clone() }))
    }

    /// How many frames were read, and how many there are.
    pub fn position(&self) -> (usize, usize) {
        (self.next, self.chunks.len())
    }

    /// Checks that the archive ends here: the end frame, and nothing behind it.
    pub fn finish(mut self) -> Result<(), KitError> {
        const PLACE: &str = "the end of the kit";
        if self.next < self.chunks.len() {
            return Err(KitError::Caller("the kit was finished before all its frames were read"));
        }
        self.reader.site(&self.chunks, &self.limits)?;
        let mut end = Vec::new();
        (&mut self.reader).take(frame::END.len() as u64).read_to_end(&mut end).map_err(KitError::Io)?;
        if end != frame::END {
            if frame::END.starts_with(&end) {
                return Err(KitError::Truncated { place: PLACE.to_owned() });
            }
            return Err(self.explain_end(end));
        }
        match (&mut self.reader).take(1).read_to_end(&mut Vec::new()).map_err(KitError::Io)? {
            0 => Ok(()),
            _ => Err(KitError::Trailing { place: PLACE.to_owned() }),
        }
    }

    /// Names the fault once the digest has shown that there is one. Nothing is expanded for it.
    fn explain(&mut self, chunk: &Chunk, mut frame: Vec<u8>, found: Digest) -> KitError {
        let entry = chunk.entry();
        if frame.starts_with(&frame::END) {
            return KitError::Incomplete { first: entry, count: self.chunks.len() - self.next };
        }
        // Another chunk may stand here that is longer than the expected one.
        let longest = self.chunks.iter().map(|chunk| chunk.clen).max().unwrap_or_default();
        let more = longest.saturating_sub(frame.len() as u64);
        let short = (frame.len() as u64) < chunk.clen;
        if let Err(error) = (&mut self.reader).take(more).read_to_end(&mut frame) {
            return KitError::Io(error);
        }
        let stands_here = |other: &Chunk| {
            let bytes = usize::try_from(other.clen).ok().and_then(|length| frame.get(..length));
            bytes.is_some_and(|bytes| Digest::of(bytes) == other.csha256)
        };
        match self.chunks.iter().position(stands_here) {
            Some(at) if at > self.next => KitError::Incomplete { first: entry, count: at - self.next },
            Some(_) => KitError::Order { entry, reason: "an earlier blob stands in its place" },
            None if short => KitError::Truncated { place: entry },
            None => match frame::check(&frame, &entry, &self.limits) {
                Err(error @ KitError::Frame { .. }) => error,
                _ => KitError::Digest { what: format!("{entry}, compressed"), expected: chunk.csha256, found },
            },
        }
    }

    /// Tells a further blob from a damaged end.
    fn explain_end(&mut self, end: Vec<u8>) -> KitError {
        const PLACE: &str = "a frame behind the last blob";
        let length = end.len();
        let content_max = ustar::entry_length(self.limits.chunk_bytes_max);
        let mut rest = end.as_slice().chain(&mut self.reader);
        match frame::read(&mut rest, PLACE, content_max, &self.limits) {
            Ok(frame) if frame.len() > length => KitError::Extra { entry: PLACE.to_owned() },
            Err(KitError::Truncated { place }) => KitError::Truncated { place },
            _ => KitError::End("the two end-of-archive blocks are not where they must be"),
        }
    }
}

impl SealedFrame {
    /// The digest its content must have.
    pub fn digest(&self) -> Digest {
        self.chunk.sha256
    }

    /// The frame as it stands in the kit.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.frame
    }

    /// Checks that it is one zstd frame of the profile, without expanding it.
    pub(crate) fn check_structure(&self) -> Result<(), KitError> {
        frame::check(&self.frame, &self.chunk.entry(), &self.limits).map(drop)
    }

    /// Expands the frame and checks all that is inside. Costs a decompression and a
    /// SHA-256; call it on any thread.
    pub fn open(self) -> Result<VerifiedBlob, KitError> {
        let entry = self.chunk.entry();
        let expected = ustar::entry_length(self.chunk.len);
        let header = frame::check(&self.frame, &entry, &self.limits)?;
        within(format!("{entry}, uncompressed bytes"), header.content, expected)?;
        if header.content != expected {
            return Err(KitError::frame(&entry, "it expands to less than the signed length"));
        }
        let expected = usize::try_from(expected).map_err(|_| KitError::Caller("a limit is over the memory"))?;
        let tar = frame::expand(&self.frame, expected, &entry)?;
        drop(self.frame);
        body(&self.chunk, entry, tar)
    }
}

/// Takes the body out of its tar entry.
fn body(chunk: &Chunk, entry: String, mut tar: Vec<u8>) -> Result<VerifiedBlob, KitError> {
    let Some((head, rest)) = tar.split_first_chunk::<BLOCK>() else {
        return Err(KitError::Truncated { place: entry });
    };
    if *head != ustar::header(&entry, chunk.len) {
        let (name, size) = ustar::parse(head)?;
        let named = name.strip_prefix("blobs/sha256/").and_then(|digest| digest.parse().ok());
        return Err(match named {
            Some(found) if found != chunk.sha256 => KitError::Digest { what: entry, expected: chunk.sha256, found },
            Some(_) if size != chunk.len => KitError::Size { entry, reason: "the size is not the signed one" },
            _ => KitError::Name { name: shown(name.as_bytes()), reason: "is not that of a blob" },
        });
    }
    let length = rest.len() - ustar::padding(chunk.len);
    let (content, padding) = rest.split_at(length);
    if padding.iter().any(|&byte| byte != 0) {
        return Err(KitError::Padding { entry });
    }
    let found = Digest::of(content);
    if found != chunk.sha256 {
        return Err(KitError::Digest { what: entry, expected: chunk.sha256, found });
    }
    tar.truncate(BLOCK + length);
    tar.drain(..BLOCK);
    Ok(VerifiedBlob { digest: found, bytes: tar })
}
