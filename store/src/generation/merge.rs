//! All rows of a table in order, from what lies in memory and from the runs on disk.

use std::cmp::Ordering;
use std::ops::Range;

use super::sort::{Row, Rows, Sorter, Spilled};
use crate::disk::read_exact_at;
use crate::error::StoreError;

/// What all runs of a table are read through, together.
const BUFFERS_BYTES: usize = 16 << 20;
const BUFFER_BYTES_MIN: usize = 8 << 10;
const BUFFER_BYTES_MAX: usize = 256 << 10;
/// The two lengths before each row of a run.
const HEAD_BYTES: usize = 8;

/// A walk through the rows of one table.
pub(super) struct Merge<'s> {
    sources: Vec<Source<'s>>,
    /// The sources that have rows left, by their next row, the smallest last. Sources tend to follow each other for
    /// long stretches, where keeping the order costs one comparison.
    order: Vec<usize>,
}

enum Source<'s> {
    Memory { rows: &'s Rows, next: usize },
    Run(Run<'s>),
}

/// What is left of a run.
struct Run<'s> {
    spilled: &'s Spilled,
    /// What is not in the buffer yet.
    rest: Range<u64>,
    buffer: Vec<u8>,
    /// The row at the front: where its key, its value and the next row begin.
    key: usize,
    value: usize,
    end: usize,
}

impl<'s> Merge<'s> {
    /// All rows that these sorters hold of a table. They must be sorted.
    pub(super) fn of(sorters: impl IntoIterator<Item = &'s Sorter>, table: usize) -> Result<Self, StoreError> {
        let (mut memory, mut runs) = (Vec::new(), Vec::new());
        for sorter in sorters {
            memory.extend(sorter.rows(table).filter(|rows| rows.len() > 0));
            if let Some(spilled) = sorter.spilled() {
                let ranges = spilled.runs.get(table).map(Vec::as_slice).unwrap_or_default();
                runs.extend(ranges.iter().map(|range| (spilled, range.clone())));
            }
        }
        let buffer = (BUFFERS_BYTES / runs.len().max(1)).clamp(BUFFER_BYTES_MIN, BUFFER_BYTES_MAX);
        let mut sources: Vec<_> = memory.into_iter().map(|rows| Source::Memory { rows, next: 0 }).collect();
        for (spilled, range) in runs {
            sources.push(Source::Run(Run::open(spilled, range, buffer)?));
        }
        let mut order: Vec<usize> = (0..sources.len()).collect();
        order.sort_by(|one, other| compare(&sources, *other, *one));
        Ok(Self { sources, order })
    }

    /// The next row.
    pub(super) fn head(&self) -> Option<Row<'_>> {
        self.order.last().and_then(|at| self.sources.get(*at)).and_then(Source::head)
    }

    /// Goes past the next row.
    pub(super) fn advance(&mut self) -> Result<(), StoreError> {
        let Some(at) = self.order.pop() else { return Ok(()) };
        let Some(source) = self.sources.get_mut(at) else { return Ok(()) };
        source.advance()?;
        if source.head().is_none() {
            return Ok(());
        }
        let sources = &self.sources;
        let is_first = self.order.last().is_none_or(|last| compare(sources, at, *last).is_le());
        let place = if is_first {
            self.order.len()
        } else {
            self.order.partition_point(|other| compare(sources, *other, at).is_gt())
        };
        self.order.insert(place, at);
        Ok(())
    }

    /// Goes to the first row whose key is not below `key`, which must not fall from call to call; says its value when
    /// it has this key.
    pub(super) fn seek(&mut self, key: &[u8]) -> Result<Option<&[u8]>, StoreError> {
        while self.head().is_some_and(|(found, _)| found < key) {
            self.advance()?;
        }
        Ok(self.head().filter(|(found, _)| *found == key).map(|(_, value)| value))
    }
}

fn compare(sources: &[Source<'_>], one: usize, other: usize) -> Ordering {
    let head = |at: usize| sources.get(at).and_then(Source::head);
    head(one).cmp(&head(other))
}

impl Source<'_> {
    fn head(&self) -> Option<Row<'_>> {
        match self {
            Self::Memory { rows, next } => rows.get(*next),
            Self::Run(run) => run.head(),
        }
    }

    fn advance(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Memory { next, .. } => {
                *next += 1;
                Ok(())
            }
            Self::Run(run) => run.advance(),
        }
    }
}

impl<'s> Run<'s> {
    fn open(spilled: &'s Spilled, rest: Range<u64>, buffer: usize) -> Result<Self, StoreError> {
        let buffer = Vec::with_capacity(buffer);
        let mut run = Self { spilled, rest, buffer, key: 0, value: 0, end: 0 };
        run.advance()?;
        Ok(run)
    }

    fn head(&self) -> Option<Row<'_>> {
        let key = self.buffer.get(self.key..self.value)?;
        let value = self.buffer.get(self.value..self.end)?;
        // No row has an empty key.
        (!key.is_empty()).then_some((key, value))
    }

    fn advance(&mut self) -> Result<(), StoreError> {
        if self.end == self.buffer.len() && self.rest.is_empty() {
            (self.key, self.value) = (self.end, self.end);
            return Ok(());
        }
        self.require(HEAD_BYTES)?;
        let [key, value] = [self.length_at(self.end)?, self.length_at(self.end + 4)?];
        self.require(HEAD_BYTES + key + value)?;
        self.key = self.end + HEAD_BYTES;
        self.value = self.key + key;
        self.end = self.value + value;
        Ok(())
    }

    /// Sees to it that so many bytes behind the present row are in the buffer.
    fn require(&mut self, bytes: usize) -> Result<(), StoreError> {
        if self.buffer.len() - self.end >= bytes {
            return Ok(());
        }
        self.buffer.drain(..self.end);
        (self.key, self.value, self.end) = (0, 0, 0);
        let kept = self.buffer.len();
        let left = usize::try_from(self.rest.end - self.rest.start).unwrap_or(usize::MAX);
        let more = self.buffer.capacity().max(bytes).saturating_sub(kept).min(left);
        if kept + more < bytes {
            return Err(StoreError::damaged("rows that were put aside are not what was written"));
        }
        self.buffer.resize(kept + more, 0);
        let space = self.buffer.get_mut(kept..).unwrap_or_default();
        read_exact_at(&*self.spilled.file, space, self.rest.start).map_err(StoreError::io(&self.spilled.path))?;
        self.rest.start += more as u64;
        Ok(())
    }

    fn length_at(&self, at: usize) -> Result<usize, StoreError> {
        let bytes = self.buffer.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        let length = bytes.map(u32::from_le_bytes).and_then(|length| usize::try_from(length).ok());
        length.ok_or_else(|| StoreError::damaged("rows that were put aside are cut off"))
    }
}
