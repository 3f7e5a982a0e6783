//! One zstd frame, seen from outside before anything expands it.
//!
//! A `.zst` file may hold many frames, skippable frames, dictionaries and windows of
//! gigabytes, and a decoder takes them all in silence. So the frame's own structure
//! (RFC 8878, 3.1.1) is walked here first: exactly one frame, its content size and its
//! checksum present, its window small, nothing behind it. Only then does the decoder see
//! it, with an output buffer of exactly the size that is expected.

use std::io::{ErrorKind, Read};

use zstd::zstd_safe::{CParameter, compress_bound};

use crate::error::{KitError, within};
use crate::limits::Limits;

pub(crate) const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
pub(crate) const CHECKSUM_BYTES: usize = 4;
const BLOCK_BYTES_MAX: usize = 128 << 10;
/// Higher levels would choose windows over the limit.
pub(crate) const LEVELS: std::ops::RangeInclusive<i32> = 1..=19;

/// The last frame of every kit: the two zero blocks that end a tar archive. It has one
/// spelling, so it is compared and never decoded.
pub(crate) const END: [u8; 15] =
    [0x28, 0xb5, 0x2f, 0xfd, 0x64, 0x00, 0x03, 0x03, 0x20, 0x00, 0x00, 0xcd, 0xac, 0x85, 0xf0];

/// What a frame says of itself.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// How many bytes it expands to.
    pub(crate) content: u64,
    /// How many bytes the header has.
    pub(crate) length: usize,
}

/// Reads exactly one frame off `reader`, and not one byte more.
pub(crate) fn read(
    reader: &mut impl Read,
    place: &str,
    content_max: u64,
    limits: &Limits,
) -> Result<Vec<u8>, KitError> {
    let mut frame = Vec::new();
    take(reader, &mut frame, 5, place)?;
    check_magic(&frame, place)?;
    let rest = header_length(&frame, place)? - frame.len();
    take(reader, &mut frame, rest, place)?;
    let header = header(&frame, place, limits)?;
    within(format!("{place}, uncompressed bytes"), header.content, content_max)?;
    let length_max = length_max(header.content);
    loop {
        let at = frame.len();
        take(reader, &mut frame, 3, place)?;
        let block = block(&frame[at..], place)?;
        within(format!("{place}, compressed bytes"), (frame.len() + block.body) as u64, length_max)?;
        take(reader, &mut frame, block.body, place)?;
        if block.last {
            take(reader, &mut frame, CHECKSUM_BYTES, place)?;
            return Ok(frame);
        }
    }
}

/// Checks that `bytes` are exactly one frame.
pub(crate) fn check(bytes: &[u8], place: &str, limits: &Limits) -> Result<Header, KitError> {
    let header = header(bytes, place, limits)?;
    let truncated = || KitError::Truncated { place: place.to_owned() };
    let mut rest = bytes.get(header.length..).ok_or_else(truncated)?;
    loop {
        let block = block(rest, place)?;
        rest = rest.get(3 + block.body..).ok_or_else(truncated)?;
        if block.last {
            break;
        }
    }
    match rest.len() {
        CHECKSUM_BYTES => Ok(header),
        0..CHECKSUM_BYTES => Err(truncated()),
        _ => Err(KitError::Trailing { place: place.to_owned() }),
    }
}

/// Expands a frame that [`check`] or [`read`] passed into exactly `expected` bytes.
pub(crate) fn expand(frame: &[u8], expected: usize, place: &str) -> Result<Vec<u8>, KitError> {
    let mut decoder = zstd::bulk::Decompressor::new().map_err(KitError::Io)?;
    let corrupt = KitError::frame(place, "the compressed data is corrupt");
    match decoder.decompress(frame, expected) {
        Ok(bytes) if bytes.len() == expected => Ok(bytes),
        Ok(_) | Err(_) => Err(corrupt),
    }
}

/// Compresses `content` into one frame. The same content, level and library give the same bytes.
pub(crate) fn compress(content: &[u8], level: i32) -> std::io::Result<Vec<u8>> {
    let mut encoder = zstd::bulk::Compressor::new(level)?;
    encoder.set_parameter(CParameter::ChecksumFlag(true))?;
    encoder.set_parameter(CParameter::ContentSizeFlag(true))?;
    encoder.set_parameter(CParameter::DictIdFlag(false))?;
    encoder.compress(content)
}

/// The greatest length a frame with this content may have.
pub(crate) fn length_max(content: u64) -> u64 {
    usize::try_from(content).map_or(usize::MAX, compress_bound) as u64
}

fn check_magic(bytes: &[u8], place: &str) -> Result<(), KitError> {
    match bytes.get(..4) {
        Some(magic) if magic == MAGIC => Ok(()),
        Some([0x50..=0x5f, 0x2a, 0x4d, 0x18]) => Err(KitError::frame(place, "a skippable frame where data must be")),
        Some([0x1e | 0x22..=0x27, 0xb5, 0x2f, 0xfd]) => Err(KitError::frame(place, "a frame of a retired format")),
        Some(_) => Err(KitError::frame(place, "no zstd frame begins here")),
        None => Err(KitError::Truncated { place: place.to_owned() }),
    }
}

/// How long the header is, from its first five bytes.
fn header_length(bytes: &[u8], place: &str) -> Result<usize, KitError> {
    let descriptor = *bytes.get(4).ok_or_else(|| KitError::Truncated { place: place.to_owned() })?;
    let refuse = |reason| Err(KitError::frame(place, reason));
    if descriptor & 0b0001_1000 != 0 {
        return refuse("reserved bits are set");
    }
    if descriptor & 0b0000_0011 != 0 {
        return refuse("a dictionary is asked for");
    }
    if descriptor & 0b0000_0100 == 0 {
        return refuse("the content checksum is absent");
    }
    let single_segment = descriptor & 0b0010_0000 != 0;
    let size_bytes = match (descriptor >> 6, single_segment) {
        (0, false) => return refuse("the content size is absent"),
        (0, true) => 1,
        (1, _) => 2,
        (2, _) => 4,
        _ => 8,
    };
    Ok(5 + usize::from(!single_segment) + size_bytes)
}

/// Reads the header that `bytes` begin with; whatever follows is not looked at.
pub(crate) fn header(bytes: &[u8], place: &str, limits: &Limits) -> Result<Header, KitError> {
    check_magic(bytes, place)?;
    let length = header_length(bytes, place)?;
    let fields = bytes.get(5..length).ok_or_else(|| KitError::Truncated { place: place.to_owned() })?;
    let single_segment = bytes[4] & 0b0010_0000 != 0;
    let (window, size) = if single_segment { fields.split_at(0) } else { fields.split_at(1) };
    let little_endian = size.iter().rev().fold(0_u64, |value, &byte| value << 8 | u64::from(byte));
    let content = if size.len() == 2 { little_endian + 256 } else { little_endian };
    let window = match window.first() {
        // The whole content is the window then.
        None => content,
        Some(descriptor) => {
            let base = 1_u64 << (10 + (descriptor >> 3));
            base + base / 8 * u64::from(descriptor & 7)
        }
    };
    let max = 1_u64 << limits.window_log_max.min(63);
    if window > max {
        return Err(KitError::Window { place: place.to_owned(), found: window, max });
    }
    Ok(Header { content, length })
}

/// One block of a frame: is it the last, and how many bytes follow its header?
pub(crate) struct Block {
    pub(crate) last: bool,
    pub(crate) body: usize,
}

/// Reads the block header that `bytes` begin with.
pub(crate) fn block(bytes: &[u8], place: &str) -> Result<Block, KitError> {
    let Some(&[low, middle, high]) = bytes.first_chunk::<3>() else {
        return Err(KitError::Truncated { place: place.to_owned() });
    };
    let value = usize::from(low) | usize::from(middle) << 8 | usize::from(high) << 16;
    let (kind, size) = (value >> 1 & 3, value >> 3);
    if size > BLOCK_BYTES_MAX {
        return Err(KitError::frame(place, "a block is over 128 KiB"));
    }
    let body = match kind {
        0 | 2 => size,
        1 => 1,
        _ => return Err(KitError::frame(place, "a block of the reserved type")),
    };
    Ok(Block { last: value & 1 != 0, body })
}

/// Appends exactly `count` bytes.
fn take(reader: &mut impl Read, frame: &mut Vec<u8>, count: usize, place: &str) -> Result<(), KitError> {
    let read = reader.take(count as u64).read_to_end(frame).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => KitError::Truncated { place: place.to_owned() },
        _ => KitError::Io(error),
    })?;
    if read == count { Ok(()) } else { Err(KitError::Truncated { place: place.to_owned() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code<T: std::fmt::Debug>(result: Result<T, KitError>) -> &'static str {
        result.expect_err("refused").code()
    }

    #[test]
    fn the_end_frame_is_two_zero_blocks() {
        let limits = Limits::default();
        assert_eq!(check(&END, "end", &limits).expect("a frame").content, 1024);
        assert_eq!(expand(&END, 1024, "end").expect("decodes"), [0; 1024]);
    }

    #[test]
    fn a_frame_is_read_to_its_last_byte_and_no_further() {
        let content: Vec<u8> = (0..300_000_u32).flat_map(|number| (number % 251).to_le_bytes()).collect();
        for level in [1, 3, 19] {
            let mut bytes = compress(&content, level).expect("compresses");
            let length = bytes.len();
            bytes.extend_from_slice(&END);
            let mut rest = bytes.as_slice();
            let frame = read(&mut rest, "x", u64::MAX, &Limits::default()).expect("a frame");
            assert_eq!((frame.len(), rest), (length, END.as_slice()));
            assert_eq!(expand(&frame, content.len(), "x").expect("decodes"), content);
        }
    }

    #[test]
    fn frames_outside_the_profile_are_refused_unopened() {
        let limits = Limits::default();
        let good = compress(b"hello hello hello", 3).expect("compresses");
        assert_eq!(check(&good, "x", &limits).expect("good").content, 17);
        // Z03: skippable and retired frames.
        assert_eq!(code(check(&[0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0], "x", &limits)), "E-FRAME");
        assert_eq!(code(check(&[0x27, 0xb5, 0x2f, 0xfd, 0, 0, 0, 0], "x", &limits)), "E-FRAME");
        // Z04, Z05: no content size; a dictionary; no checksum; reserved bits.
        for descriptor in [0x04, 0x25, 0x26, 0x27, 0x20, 0x2c, 0x34] {
            let mut bad = good.clone();
            bad[4] = descriptor;
            assert_eq!(code(check(&bad, "x", &limits)), "E-FRAME", "{descriptor:#x}");
        }
        // Z06: two frames, junk behind, cut short.
        assert_eq!(code(check(&[good.as_slice(), &good].concat(), "x", &limits)), "E-TRAIL");
        assert_eq!(code(check(&[good.as_slice(), b"x"].concat(), "x", &limits)), "E-TRAIL");
        for length in 0..good.len() {
            assert_eq!(code(check(&good[..length], "x", &limits)), "E-TRUNC", "{length}");
            assert_eq!(code(read(&mut &good[..length], "x", 100, &limits)), "E-TRUNC", "{length}");
        }
    }

    #[test]
    fn a_window_over_the_limit_is_refused_unopened() {
        // Z02: window descriptors of 2^31 and of just over 2^23, then a single segment of 2^62.
        let limits = Limits::default();
        for descriptor in [(31 - 10) << 3, 13 << 3 | 1] {
            let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x44, descriptor, 0, 0, 1, 0, 0];
            assert_eq!(code(check(&frame, "x", &limits)), "E-WINDOW");
        }
        let frame = [0x28, 0xb5, 0x2f, 0xfd, 0xe4, 0, 0, 0, 0, 0, 0, 0, 0x40, 1, 0, 0];
        assert_eq!(code(check(&frame, "x", &limits)), "E-WINDOW");
        // 2^23 itself is within.
        let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x44, 13 << 3, 0, 0, 1, 0, 0, 1, 2, 3, 4];
        assert_eq!(check(&frame, "x", &limits).expect("within").content, 256);
    }

    #[test]
    fn a_lying_content_size_is_found_by_the_decoder() {
        // Z04.
        let mut frame = compress(b"hello hello hello", 3).expect("compresses");
        for size in [16, 18, 200] {
            frame[5] = size;
            assert_eq!(code(expand(&frame, usize::from(size), "x")), "E-FRAME");
        }
    }

    #[test]
    fn every_flipped_bit_of_a_frame_is_found() {
        let limits = Limits::default();
        let content = b"The quick brown fox jumps over the lazy dog. The quick brown fox.";
        let frame = compress(content, 3).expect("compresses");
        for bit in 0..frame.len() * 8 {
            let mut bad = frame.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let result = check(&bad, "x", &limits).and_then(|_| expand(&bad, content.len(), "x"));
            assert!(result.is_err(), "bit {bit}");
        }
    }
}
