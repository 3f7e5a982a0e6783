//! The tables of a generation file and the encoding of their rows.

use domain::digest::Digest;
use domain::matching::Summary;
use redb::TableDefinition;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::StoreError;

/// `ecosystem NUL name` → the assertions about that package.
pub(super) const PACKAGES: TableDefinition<&str, &[u8]> = TableDefinition::new("packages");
/// Advisory id → where it is, and its summary.
pub(super) const ADVISORIES: TableDefinition<&str, &[u8]> = TableDefinition::new("advisories");
/// `alias NUL id` → nothing.
pub(super) const ALIASES: TableDefinition<&str, &[u8]> = TableDefinition::new("aliases");
/// Ecosystem → number of packages, and whether the data set is complete for it.
pub(super) const ECOSYSTEMS: TableDefinition<&str, (u64, bool)> = TableDefinition::new("ecosystems");
/// Segment number → digest of its blob.
pub(super) const SEGMENTS: TableDefinition<u32, &[u8]> = TableDefinition::new("segments");

/// Numbers the segments of one generation.
pub type SegmentId = u32;

/// Where the canonical line of an advisory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Located {
    pub segment: SegmentId,
    pub offset: u32,
    pub length: u32,
    /// The line's leaf in the content root, so that a piece read from a segment can be
    /// checked alone.
    pub leaf: [u8; 32],
}

/// A row of [`ADVISORIES`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct AdvisoryRow {
    pub(super) located: Located,
    pub(super) summary: Summary,
}

pub(super) fn encode<T: Serialize>(row: &T) -> Vec<u8> {
    postcard::to_stdvec(row).expect("rows have lengths and no maps")
}

pub(super) fn decode<T: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T, StoreError> {
    postcard::from_bytes(bytes).map_err(|error| StoreError::damaged(format!("{what}: {error}")))
}

pub(super) fn package_key(ecosystem: &str, name: &str) -> String {
    format!("{ecosystem}\0{name}")
}

pub(super) fn digest(bytes: &[u8]) -> Result<Digest, StoreError> {
    let bytes = bytes.try_into().map_err(|_| StoreError::damaged("a segment's digest"))?;
    Ok(Digest::from_bytes(bytes))
}
