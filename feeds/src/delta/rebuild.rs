//! Builds the segments of a result again and proves that each is the one that was signed.

use super::DeltaError;
use crate::dataset::{Cut, Cutter, Line, SEGMENT_BYTES_MAX, Segment, SegmentKind};

/// Cuts sorted lines where a manifest says that its segments end, whatever size they were cut to.
pub struct Rebuild<'m> {
    kind: SegmentKind,
    expected: std::iter::Peekable<std::slice::Iter<'m, Segment>>,
    cutter: Cutter,
}

impl<'m> Rebuild<'m> {
    /// `segments` are all that the manifest lists; those of `kind` are built.
    pub fn new(kind: SegmentKind, segments: &'m [Segment]) -> Self {
        let from = segments.partition_point(|segment| segment.kind < kind);
        let to = segments.partition_point(|segment| segment.kind <= kind);
        let expected = segments.get(from..to).unwrap_or_default();
        let longest = expected.iter().map(|segment| segment.length).max().unwrap_or(SEGMENT_BYTES_MAX as u64);
        let longest = usize::try_from(longest).unwrap_or(usize::MAX);
        Self {
            kind,
            expected: expected.iter().peekable(),
            // A longer run is cut early, differs from the manifest and is refused; it never fills the memory.
            cutter: Cutter::new(kind, SegmentKind::segment_name, longest),
        }
    }

    /// Takes the next line, and returns the segment that it ends.
    pub fn push<E>(&mut self, line: Line<'_>) -> Result<Option<Cut>, DeltaError<E>> {
        let Some(expected) = self.expected.peek() else {
            return Err(self.refuse(line.key, "is in no segment"));
        };
        if self.cutter.push(line.key, line.raw).is_some() {
            return Err(self.refuse(line.key, "makes its segment too long"));
        }
        if line.key < expected.last.as_str() {
            return Ok(None);
        }
        let cut = self.cutter.cut();
        match (cut, self.expected.next()) {
            (Some(cut), Some(expected)) if cut.0 == *expected => Ok(Some(cut)),
            _ => Err(self.refuse(line.key, "ends a segment with another digest")),
        }
    }

    /// All segments must have been built.
    pub fn finish<E>(mut self) -> Result<(), DeltaError<E>> {
        match self.expected.next() {
            Some(missing) => Err(self.refuse(&missing.last, "is missing")),
            None => Ok(()),
        }
    }

    fn refuse<E>(&self, key: &str, problem: &'static str) -> DeltaError<E> {
        DeltaError::Result { kind: self.kind, key: key.to_owned(), problem }
    }
}
