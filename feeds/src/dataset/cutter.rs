//! Cuts a run of sorted lines into segments: the one rule that exports and deltas share.

use domain::digest::Digest;

use super::manifest::{Segment, SegmentKind};

/// The size at which segments are cut unless the caller says otherwise.
pub const SEGMENT_BYTES_MAX: usize = 4 << 20;

/// Gathers the lines of one kind, which must come sorted, and hands out what is full.
pub struct Cutter {
    kind: SegmentKind,
    name: fn(SegmentKind, usize) -> String,
    segment_bytes_max: usize,
    number: usize,
    bytes: Vec<u8>,
    records: u64,
    first: String,
    last: String,
}

/// A finished segment and its bytes.
pub type Cut = (Segment, Vec<u8>);

impl Cutter {
    /// A segment is cut before the line that would make it longer than `segment_bytes_max`. A line
    /// that is longer by itself gets a segment of its own.
    pub fn new(kind: SegmentKind, name: fn(SegmentKind, usize) -> String, segment_bytes_max: usize) -> Self {
        let (first, last) = (String::new(), String::new());
        Self { kind, name, segment_bytes_max, number: 0, bytes: Vec::new(), records: 0, first, last }
    }

    /// Takes a line, and returns the segment that it does not fit into any more.
    pub fn push(&mut self, key: &str, line: &[u8]) -> Option<Cut> {
        let full = self.records > 0 && self.bytes.len() + line.len() + 1 > self.segment_bytes_max;
        let cut = if full { self.cut() } else { None };
        if self.records == 0 {
            key.clone_into(&mut self.first);
        }
        key.clone_into(&mut self.last);
        self.bytes.extend_from_slice(line);
        self.bytes.push(b'\n');
        self.records += 1;
        cut
    }

    /// Ends the segment that is being filled, if there is one.
    pub fn cut(&mut self) -> Option<Cut> {
        if self.records == 0 {
            return None;
        }
        let bytes = std::mem::take(&mut self.bytes);
        let segment = Segment {
            kind: self.kind,
            name: (self.name)(self.kind, self.number),
            records: std::mem::take(&mut self.records),
            length: bytes.len() as u64,
            sha256: Digest::of(&bytes),
            first: std::mem::take(&mut self.first),
            last: std::mem::take(&mut self.last),
        };
        self.number += 1;
        Some((segment, bytes))
    }
}
