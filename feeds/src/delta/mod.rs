//! Deltas: what turns one data set into another, line by line.
//!
//! A delta is sorted lines, as a data set is. An upsert is the whole canonical line of a record that is
//! new or changed; a tombstone is a line of its key and `"deleted":true`, which no record can be. All
//! work is one merge of sorted lines, so that the memory is a segment of each side.
//!
//! Applying is strict. A tombstone for what is not there, or an upsert of what is there already,
//! means that the delta was made for another base, even where the result would look right.

mod cursor;
mod rebuild;

use std::cmp::Ordering;

use domain::digest::Digest;

use crate::dataset::{Counts, Cut, Cutter, DatasetError, Delta, Line, Segment, SegmentKind};

pub use cursor::{Cursor, Fetch};
pub use rebuild::Rebuild;

/// What a line of a delta says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<'a> {
    Upsert(Line<'a>),
    /// The record with this key is gone.
    Tombstone(&'a str),
}

/// Why two data sets, or a data set and a delta, do not go together.
#[derive(Debug, thiserror::Error)]
pub enum DeltaError<E> {
    #[error(transparent)]
    Dataset(DatasetError),
    #[error("the {kind} {key:?} {problem}: the delta was made for another base")]
    Base { kind: SegmentKind, key: String, problem: &'static str },
    #[error("the {kind} {key:?} {problem}: the result is not the one that was signed")]
    Result { kind: SegmentKind, key: String, problem: &'static str },
    /// Of whoever hands in segments or takes lines.
    #[error("{0}")]
    Outside(E),
}

/// The line that says that a record is gone.
pub fn tombstone(kind: SegmentKind, key: &str) -> Vec<u8> {
    [kind.line_prefix(), key, TOMBSTONE_END].concat().into_bytes()
}

const TOMBSTONE_END: &str = r#"","deleted":true}"#;

impl<'a> Change<'a> {
    /// Reads a line of a delta.
    pub fn of(kind: SegmentKind, line: Line<'a>) -> Self {
        let rest = line.raw.get(kind.line_prefix().len() + line.key.len()..);
        if rest == Some(TOMBSTONE_END.as_bytes()) { Self::Tombstone(line.key) } else { Self::Upsert(line) }
    }

    pub fn key(&self) -> &'a str {
        match self {
            Self::Upsert(line) => line.key,
            Self::Tombstone(key) => key,
        }
    }
}

/// Tells `emit` what turns the lines of `base` into those of `new`, sorted by key.
pub fn diff<E, B: Fetch<E>, N: Fetch<E>>(
    base: &mut Cursor<B>,
    new: &mut Cursor<N>,
    emit: &mut impl FnMut(Change<'_>) -> Result<(), E>,
) -> Result<(), DeltaError<E>> {
    base.advance()?;
    new.advance()?;
    loop {
        let order = match (base.line(), new.line()) {
            (None, None) => return Ok(()),
            (Some(old), Some(line)) => old.key.cmp(line.key),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
        };
        match (order, base.line(), new.line()) {
            (Ordering::Less, Some(old), _) => emit(Change::Tombstone(old.key)).map_err(DeltaError::Outside)?,
            (Ordering::Equal, Some(old), Some(line)) if old.raw == line.raw => {}
            (_, _, Some(line)) => emit(Change::Upsert(line)).map_err(DeltaError::Outside)?,
            _ => {}
        }
        if order.is_le() {
            base.advance()?;
        }
        if order.is_ge() {
            new.advance()?;
        }
    }
}

/// Tells `emit` the lines that a delta makes of `base`, sorted by key.
pub fn apply<E, B: Fetch<E>, D: Fetch<E>>(
    base: &mut Cursor<B>,
    delta: &mut Cursor<D>,
    emit: &mut impl FnMut(Line<'_>) -> Result<(), E>,
) -> Result<(), DeltaError<E>> {
    let kind = base.kind();
    let refuse = |key: &str, problem| Err(DeltaError::Base { kind, key: key.to_owned(), problem });
    base.advance()?;
    delta.advance()?;
    loop {
        let change = delta.line().map(|line| Change::of(kind, line));
        let order = match (base.line(), &change) {
            (None, None) => return Ok(()),
            (Some(old), Some(change)) => old.key.cmp(change.key()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
        };
        match (order, base.line(), change) {
            (Ordering::Less, Some(old), _) => emit(old).map_err(DeltaError::Outside)?,
            (Ordering::Greater, _, Some(Change::Tombstone(key))) => return refuse(key, "is deleted and was not there"),
            (Ordering::Equal, Some(old), Some(Change::Upsert(line))) if old.raw == line.raw => {
                return refuse(line.key, "is given and was there already");
            }
            (_, _, Some(Change::Upsert(line))) => emit(line).map_err(DeltaError::Outside)?,
            _ => {}
        }
        if order.is_le() {
            base.advance()?;
        }
        if order.is_ge() {
            delta.advance()?;
        }
    }
}

/// Makes the segments of a delta out of changes, kind by kind.
pub struct DeltaWriter {
    segment_bytes_max: usize,
    delta: Delta,
}

impl DeltaWriter {
    /// A delta to the data set with this content root.
    pub fn new(base: Digest, segment_bytes_max: usize) -> Self {
        let (upserts, tombstones) = (Counts::default(), Counts::default());
        Self { segment_bytes_max, delta: Delta { base, upserts, tombstones, segments: Vec::new() } }
    }

    /// Writes the difference of two data sets in one kind. Kinds come in the order of
    /// [`SegmentKind::ALL`]. Segments go to `sink` as they are filled.
    pub fn write<E, B: Fetch<E>, N: Fetch<E>>(
        &mut self,
        base: &mut Cursor<B>,
        new: &mut Cursor<N>,
        sink: &mut impl FnMut(&Segment, Vec<u8>) -> Result<(), E>,
    ) -> Result<(), DeltaError<E>> {
        let kind = base.kind();
        let mut cutter = Cutter::new(kind, SegmentKind::delta_segment_name, self.segment_bytes_max);
        let Delta { upserts, tombstones, segments, .. } = &mut self.delta;
        let mut close = |cut: Option<Cut>| {
            let Some((segment, bytes)) = cut else { return Ok(()) };
            sink(&segment, bytes)?;
            segments.push(segment);
            Ok(())
        };
        diff(base, new, &mut |change| match change {
            Change::Upsert(line) => {
                *upserts.of_mut(kind) += 1;
                close(cutter.push(line.key, line.raw))
            }
            Change::Tombstone(key) => {
                *tombstones.of_mut(kind) += 1;
                close(cutter.push(key, &tombstone(kind, key)))
            }
        })?;
        close(cutter.cut()).map_err(DeltaError::Outside)
    }

    /// What stands in the manifest.
    pub fn finish(self) -> Delta {
        self.delta
    }
}
