//! Why a file is not a bbolt file that can be read to its end.

use std::io;

#[derive(Debug, thiserror::Error)]
pub enum BoltError {
    #[error("cannot read the database: {0}")]
    Read(#[from] io::Error),
    #[error("not a bbolt database: {0}")]
    NotBolt(&'static str),
    #[error("a bbolt database of format version {0}, this program reads version 2")]
    Version(u32),
    #[error("the database is cut off: it has {length} bytes and speaks of {needed}")]
    Truncated { length: u64, needed: u64 },
    #[error("the database has more than {limit} {what}")]
    Limit { what: &'static str, limit: u64 },
    #[error("page {page} of the database {problem}")]
    Page { page: u64, problem: &'static str },
}

impl BoltError {
    pub(super) fn page(page: u64, problem: &'static str) -> Self {
        Self::Page { page, problem }
    }
}
