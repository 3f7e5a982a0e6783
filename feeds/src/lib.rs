//! Feedser, the pure part: the bytes of advisory feeds in, merged advisories and canonical
//! exports and deltas out.
//!
//! No file, socket or clock is touched here. [`ingest::ingest`] reads one input of whatever
//! format into [`ingest::Ingested`]; `merge` makes one advisory of all that sources say of a
//! vulnerability; `dataset` and `export` turn the result into what a kit carries.

mod comparisons;
pub mod dataset;
pub mod delta;
pub mod error;
pub mod export;
pub mod grypedb;
pub mod ingest;
pub mod merge;
pub mod source;
pub mod sqlite;
pub mod trivydb;
