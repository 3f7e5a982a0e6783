//! The Trivy DB that a kit may carry for scanners that read it: is it what it should be?
//!
//! A kit carries `trivy.db` and `metadata.json` as two plain targets. Trivy itself opens the file without
//! checking any page, and a broken one makes it crash or find nothing. So the file is read to
//! its end here, before a site passes it on: every page, every key, every value.
//!
//! The form is that of schema version 2: root bucket for each platform, in it a bucket for each
//! package, in it a value for each vulnerability; the bucket `vulnerability` with the descriptions.

pub mod bolt;
mod check;
pub mod export;
mod metadata;

pub use check::{Contents, check};
pub use metadata::Metadata;

use bolt::BoltError;

/// Where a kit has what belongs to the Trivy DB. Nothing else may lie there.
pub const FOLDER: &str = "trivy/";
/// The database, a bbolt file.
pub const DB_NAME: &str = "trivy/trivy.db";
/// Its version and age.
pub const METADATA_NAME: &str = "trivy/metadata.json";

/// Why a Trivy DB is not one that may be passed on.
#[derive(Debug, thiserror::Error)]
pub enum TrivyDbError {
    #[error(transparent)]
    Bolt(#[from] BoltError),
    #[error("the metadata are not readable: {0}")]
    Metadata(serde_json::Error),
    #[error("the metadata are longer than {limit} bytes")]
    MetadataTooLong { limit: usize },
    #[error("{field} is {text:?}, which is no time")]
    Time { field: &'static str, text: String },
    #[error("schema version {0}; this program and Trivy read version 2")]
    Schema(u32),
    #[error("{0}")]
    Age(String),
    #[error("the bucket {0:?} is missing")]
    NoBucket(&'static str),
    #[error("it has no {0}: it would find nothing")]
    Empty(&'static str),
    #[error("in {place}: {problem}")]
    Item { place: String, problem: &'static str },
}
