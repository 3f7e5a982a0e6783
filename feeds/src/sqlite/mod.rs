//! Writing SQLite files (format 3, <https://www.sqlite.org/fileformat2.html>): whole databases at once, and nothing else.
//!
//! ```text
//! rows, table by table or mixed -> leaves as they fill up -> the pages above them -> page 1 with the schema
//! ```
//!
//! Rows are numbered as they come, so every page is written once, and the same rows give the same bytes on every
//! machine. There is no journal, no free page and no statement: who wants to change the file opens it with SQLite.
//! Linking SQLite was rejected: 250,000 lines of C for a file that is only written, and pages in the order of its transactions.

mod index;
mod page;
mod record;
mod write;

pub use record::Value;
pub use write::{Database, Table};

/// Why a database was not written.
#[derive(Debug, thiserror::Error)]
pub enum SqliteError {
    #[error("cannot write the database: {0}")]
    Write(#[from] std::io::Error),
    #[error("the database has more than {} pages", u32::MAX)]
    TooLarge,
}
