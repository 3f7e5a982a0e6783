//! A piece of a source that is being searched: as much of it as one frame needs.

use std::io::{ErrorKind, Read};

use crate::error::{KitError, within};

const PIECE_BYTES: usize = 64 << 10;

/// Looks ahead into a source without losing what was looked at.
pub(super) struct Window<R> {
    source: R,
    buffer: Vec<u8>,
    /// Where the window begins in `buffer`.
    start: usize,
    /// Where the window begins in the source.
    offset: u64,
    bytes_max: u64,
    /// Nothing more comes: the end, or an error.
    over: bool,
    error: Option<std::io::Error>,
}

impl<R: Read> Window<R> {
    pub(super) fn new(source: R, bytes_max: u64) -> Self {
        Self { source, buffer: Vec::new(), start: 0, offset: 0, bytes_max, over: false, error: None }
    }

    /// Looks at the next `count` bytes, or at fewer where the source ends.
    pub(super) fn look(&mut self, count: usize) -> Result<&[u8], KitError> {
        self.fill(count)?;
        let bytes = self.bytes();
        Ok(bytes.get(..count).unwrap_or(bytes))
    }

    /// Reads until `count` bytes are in the window. A read error is an end that is remembered.
    fn fill(&mut self, count: usize) -> Result<(), KitError> {
        if self.bytes().len() >= count || self.over {
            return Ok(());
        }
        self.buffer.drain(..self.start);
        self.start = 0;
        while self.buffer.len() < count && !self.over {
            let length = self.buffer.len();
            self.buffer.resize(length.max(count).next_multiple_of(PIECE_BYTES), 0);
            let room = self.buffer.get_mut(length..).unwrap_or_default();
            let read = match self.source.read(room) {
                Ok(0) if !room.is_empty() => {
                    self.over = true;
                    0
                }
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => 0,
                Err(error) => {
                    self.over = true;
                    self.error = Some(error);
                    0
                }
            };
            self.buffer.truncate(length + read);
        }
        within("bytes of the kit", self.offset + self.buffer.len() as u64, self.bytes_max)
    }

    fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// Moves the window forward over bytes that are in it.
    pub(super) fn pass(&mut self, count: usize) {
        let count = count.min(self.bytes().len());
        self.start += count;
        self.offset += count as u64;
    }

    /// Moves forward, at least by one byte, to where `word` stands or nothing is left.
    pub(super) fn pass_to(&mut self, word: [u8; 4]) -> Result<(), KitError> {
        self.pass(1);
        loop {
            self.fill(word.len())?;
            if let Some(at) = self.bytes().windows(word.len()).position(|bytes| bytes == word) {
                self.pass(at);
                return Ok(());
            }
            // The word may begin in the last three bytes.
            let left = if self.over { 0 } else { word.len() - 1 };
            self.pass(self.bytes().len().saturating_sub(left));
            if self.over {
                return Ok(());
            }
        }
    }

    /// Where the window begins in the source.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The error that ended the source, if one did.
    pub(super) fn into_error(self) -> Option<std::io::Error> {
        self.error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its bytes in pieces of one to three, then an error.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.1 += 1;
            if self.1.is_multiple_of(5) {
                return Err(ErrorKind::Interrupted.into());
            }
            if self.0.is_empty() {
                return Err(std::io::Error::other("the stick is gone"));
            }
            let count = (self.1 % 3 + 1).min(self.0.len()).min(buffer.len());
            let (now, later) = self.0.split_at(count);
            buffer[..count].copy_from_slice(now);
            self.0 = later;
            Ok(count)
        }
    }

    #[test]
    fn a_word_is_found_wherever_the_pieces_break_and_an_error_keeps_what_came_before() {
        for before in 1..12 {
            let bytes = [vec![7; before], b"word".to_vec(), b"wor".to_vec()].concat();
            let mut window = Window::new(Slow(&bytes, 0), 100);
            window.pass_to(*b"word").expect("within the limit");
            assert_eq!(window.offset(), before as u64);
            assert_eq!(window.look(100).expect("within the limit"), b"wordwor");
            window.pass_to(*b"word").expect("within the limit");
            assert_eq!((window.offset(), window.look(1).expect("fine").len()), (bytes.len() as u64, 0));
            assert!(window.into_error().is_some_and(|error| error.to_string().contains("gone")));
        }
    }

    #[test]
    fn a_source_without_end_is_left_at_the_limit() {
        let mut window = Window::new(std::io::repeat(1), 1 << 20);
        assert_eq!(window.pass_to(*b"word").expect_err("over the limit").code(), "E-LIMIT");
        assert!(window.buffer.capacity() <= 2 * PIECE_BYTES, "nothing piles up");
    }
}
