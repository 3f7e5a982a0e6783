//! bbolt files, the format of a Trivy DB: a reader for files that nobody vouches for, and a writer ([`Writer`]).
//!
//! ```text
//! two meta pages -> the valid one of the later transaction -> root bucket -> pages, each at most once
//! ```
//!
//! Every number in a file is a claim. A page is taken only once, data inside of a page never overlap, and so
//! the work is linear in the length of the file whatever it says; what is held in memory at a time has a
//! limit of its own. A walk to the end has also accounted for every page: used, or on the list of free
//! ones. A subtree that was cut off is therefore an error, and not data that are silently missing.
//!
//! Mapping the file into memory was rejected: a file that is cut off ends such a program with a signal. So was
//! every library (docs/adr/0013-trivy-db.md).

mod error;
mod items;
mod meta;
mod page;
mod pages;
mod write;

use std::io;

pub use error::BoltError;
pub use items::{Item, Items};
pub use write::{WriteError, Writer};

use meta::Meta;

/// Where the bytes of a file come from. Reads are of whole pages.
pub trait Source {
    fn length(&self) -> u64;

    fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()>;
}

impl Source for [u8] {
    fn length(&self) -> u64 {
        self.len() as u64
    }

    fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        let start = usize::try_from(offset).ok();
        let range = start.and_then(|start| Some(start..start.checked_add(bytes.len())?));
        let found = range.and_then(|range| self.get(range)).ok_or(io::ErrorKind::UnexpectedEof)?;
        bytes.copy_from_slice(found);
        Ok(())
    }
}

impl<S: Source + ?Sized> Source for &S {
    fn length(&self) -> u64 {
        (**self).length()
    }

    fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        (**self).read_exact_at(bytes, offset)
    }
}

/// What a file may ask of its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub file_bytes_max: u64,
    /// One page with those that continue it: no key and no value is longer.
    pub page_bytes_max: u64,
    /// All pages that are held at a time.
    pub held_bytes_max: u64,
    /// Levels of one tree of pages.
    pub levels_max: usize,
    /// Buckets in buckets.
    pub bucket_depth_max: usize,
    pub items_max: u64,
}

impl Default for Limits {
    /// A Trivy DB has about a gigabyte, three levels of buckets and values of some kilobytes.
    fn default() -> Self {
        Self {
            file_bytes_max: 8 << 30,
            page_bytes_max: 16 << 20,
            held_bytes_max: 64 << 20,
            levels_max: 32,
            bucket_depth_max: 8,
            items_max: 200_000_000,
        }
    }
}

/// An open file, of which the meta pages are checked and nothing else.
#[derive(Debug)]
pub struct Bolt<S> {
    source: S,
    limits: Limits,
    meta: Meta,
}

impl<S: Source> Bolt<S> {
    pub fn open(source: S, limits: Limits) -> Result<Self, BoltError> {
        let length = source.length();
        if length > limits.file_bytes_max {
            return Err(BoltError::Limit { what: "bytes of the file", limit: limits.file_bytes_max });
        }
        let meta = Meta::choose(&source)?;
        Ok(Self { source, limits, meta })
    }

    /// All buckets, keys and values, depth first and in the order of keys.
    pub fn items(&self) -> Result<Items<'_, S>, BoltError> {
        Items::new(&self.source, &self.limits, &self.meta)
    }
}
