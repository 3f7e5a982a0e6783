//! Why an input as a whole could not be read.
//!
//! A record that cannot be used is no error of the input: it becomes a
//! [`Problem`](crate::ingest::Problem), and reading goes on. These errors mean that nobody can
//! say what else the input held, so nothing of it may be used.

use std::io;

/// An input that cannot be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    #[error("cannot read {document}: {source}")]
    Read { document: String, source: io::Error },
    #[error("cannot open the zip archive {document}: {reason}")]
    Zip { document: String, reason: String },
    #[error("{document} is longer than {limit} bytes: raise the document limit if the file is genuine")]
    DocumentTooLarge { document: String, limit: u64 },
    #[error("{input} unpacks to more than {limit} bytes: raise the total limit if the file is genuine")]
    TotalTooLarge { input: String, limit: u64 },
    #[error("{input} holds more than {limit} files: raise the entry limit if the file is genuine")]
    TooManyEntries { input: String, limit: u64 },
    #[error("{document} is packed more than {limit} times: unpack it first")]
    NestedTooDeep { document: String, limit: u32 },
    #[error("{input} holds no feed document: check that the right file was given")]
    Empty { input: String },
}
