//! Walks over the lines of one kind, segment after segment.

use std::ops::Range;

use super::DeltaError;
use crate::dataset::{Limits, Line, SegmentKind, lines};

/// Gives the segments of a kind in order, then nothing.
pub trait Fetch<E>: FnMut() -> Option<Result<Vec<u8>, E>> {}

impl<E, F: FnMut() -> Option<Result<Vec<u8>, E>>> Fetch<E> for F {}

/// The present line of a run of segments. It holds one segment in memory.
pub struct Cursor<F> {
    kind: SegmentKind,
    limits: Limits,
    fetch: F,
    bytes: Vec<u8>,
    /// Where the lines of the segment are that are still to come.
    spans: std::vec::IntoIter<Span>,
    present: Option<Span>,
}

struct Span {
    line: Range<usize>,
    key_length: usize,
}

impl<F> Cursor<F> {
    /// Stands before the first line.
    pub fn new(kind: SegmentKind, limits: Limits, fetch: F) -> Self {
        Self { kind, limits, fetch, bytes: Vec::new(), spans: Vec::new().into_iter(), present: None }
    }

    pub fn kind(&self) -> SegmentKind {
        self.kind
    }

    /// The line at which the cursor stands; None at the end.
    pub fn line(&self) -> Option<Line<'_>> {
        let span = self.present.as_ref()?;
        let raw = self.bytes.get(span.line.clone())?;
        let prefix = self.kind.line_prefix().len();
        let key = std::str::from_utf8(raw.get(prefix..prefix + span.key_length)?).ok()?;
        Some(Line { key, raw })
    }

    /// Goes to the next line, which must sort after the present one, over the ends of segments too.
    pub fn advance<E>(&mut self) -> Result<(), DeltaError<E>>
    where
        F: Fetch<E>,
    {
        let mut last = None;
        loop {
            if let Some(span) = self.spans.next() {
                self.present = Some(span);
                return match (last, self.line()) {
                    (Some(last), Some(line)) if line.key <= String::as_str(&last) => {
                        let (kind, key) = (self.kind, line.key.to_owned());
                        Err(DeltaError::Base { kind, key, problem: "does not sort after the segment before" })
                    }
                    _ => Ok(()),
                };
            }
            last = self.line().map(|line| line.key.to_owned()).or(last);
            self.present = None;
            let Some(bytes) = (self.fetch)() else { return Ok(()) };
            self.load(bytes.map_err(DeltaError::Outside)?)?;
        }
    }

    fn load<E>(&mut self, bytes: Vec<u8>) -> Result<(), DeltaError<E>> {
        let mut spans = Vec::new();
        let mut start = 0;
        for line in lines(self.kind, &bytes, self.limits) {
            let line = line.map_err(DeltaError::Dataset)?;
            let end = start + line.raw.len();
            spans.push(Span { line: start..end, key_length: line.key.len() });
            start = end + 1;
        }
        self.spans = spans.into_iter();
        self.bytes = bytes;
        Ok(())
    }
}
