//! From one input, packed or not, to records.
//!
//! An input is a document or a container of documents: zstd, gzip, zip and tar are recognised
//! by their first bytes, in any nesting up to a limit, and read in place; nothing is unpacked
//! to a disk. Small documents are parsed in parallel in batches of bounded size, large ones as
//! their bytes come. The result does not depend on the number of threads: records stand in the
//! order of the documents.
//!
//! Nothing is dropped in silence. A record that cannot be used is a [`Problem`], a part of one
//! that cannot be used is a [`Note`], a document without a parser is [`Unsupported`]. An input
//! that cannot be read to its end is an error, and what was read of it must be thrown away.

mod container;
mod meter;
mod outcome;
mod pipeline;

pub use outcome::{Ingested, Note, Problem, Tally, Unsupported};

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::Read;

use domain::source::SourceId;
use domain::time::Timestamp;

use crate::error::FeedError;
use container::Walk;
use meter::Meter;

/// What an input may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one document that is held in memory.
    pub document_bytes: u64,
    /// Bytes of the input and of everything that unpacks from it.
    pub total_bytes: u64,
    /// Files in all containers.
    pub entries: u64,
    /// Containers in containers.
    pub nesting: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { document_bytes: 256 << 20, total_bytes: 64 << 30, entries: 4_000_000, nesting: 4 }
    }
}

/// How to read an input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    pub limits: Limits,
    /// The date that the data of a source speaks for, where the feed itself states none
    /// (Alpine, Debian). A date that the feed states is never overruled.
    pub as_of: BTreeMap<SourceId, Timestamp>,
}

/// How far reading has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    pub document: &'a str,
    pub documents: u64,
    /// Bytes read so far, packed ones and what came out of them.
    pub bytes: u64,
}

/// Reads everything in `input`, called `name` in reports, and adds it to `into`.
pub fn ingest(
    name: &str,
    input: impl Read,
    options: &Options,
    progress: &dyn Fn(Progress<'_>),
    into: &mut Ingested,
) -> Result<(), FeedError> {
    let budget = Cell::new(options.limits.total_bytes);
    let before = into.seen();
    pipeline::run(into, |feed| {
        let mut walk = Walk::new(name, options.limits, &budget, progress, feed);
        walk.open(name, &mut Meter::new(input, &budget), 0)
    })?;
    for (source, as_of) in &options.as_of {
        into.assume_date(source, *as_of);
    }
    if into.seen() == before { Err(FeedError::Empty { input: name.to_owned() }) } else { Ok(()) }
}
