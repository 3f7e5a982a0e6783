//! The tables of an index file and the encoding of their rows.
//!
//! An index file is whole, or an overlay with the rows that a delta changed. Both have the same tables,
//! so that a whole file is nothing but an overlay on nothing.

use domain::digest::Digest;
use domain::matching::Summary;
use redb::TableDefinition;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::StoreError;

/// `ecosystem NUL name` → what the layer changes in the assertions about that package.
pub(super) const PACKAGES: TableDefinition<&str, &[u8]> = TableDefinition::new("packages");
/// Advisory id → where it is, and its summary; or [`GONE`].
pub(super) const ADVISORIES: TableDefinition<&str, &[u8]> = TableDefinition::new("advisories");
/// `alias NUL id` → nothing; or [`GONE`].
pub(super) const ALIASES: TableDefinition<&str, &[u8]> = TableDefinition::new("aliases");
/// Ecosystem → whether the data set is complete for it. The newest layer speaks for all.
pub(super) const ECOSYSTEMS: TableDefinition<&str, bool> = TableDefinition::new("ecosystems");
/// Segment number → digest of its blob. Numbers are unique over the layers of a generation.
pub(super) const SEGMENTS: TableDefinition<u32, &[u8]> = TableDefinition::new("segments");
/// CVE → its entry in the known-exploited catalogue; or [`GONE`].
pub(super) const EXPLOITED: TableDefinition<&str, &[u8]> = TableDefinition::new("exploited");
/// Name of a VEX document → where its line is; or [`GONE`]. Index files of earlier versions have no such table.
pub(super) const VEX: TableDefinition<&str, &[u8]> = TableDefinition::new("vex");
/// First CVE of a run → the EPSS facts of the run. Rows of many facts, because a fact is a few bytes.
pub(super) const EPSS: TableDefinition<&str, &[u8]> = TableDefinition::new("epss");
/// Bucket of the content root → leaves that the layer takes away and adds.
pub(super) const LEAVES: TableDefinition<u16, &[u8]> = TableDefinition::new("leaves");
/// 0 → the digests of all buckets, as they are with this layer on top.
pub(super) const ROOT: TableDefinition<u16, &[u8]> = TableDefinition::new("root");

/// In place of a row: what lower layers have under this key does not count. No row has one byte.
pub(super) const GONE: &[u8] = b"-";

/// EPSS facts in one row: two rows fill a page.
pub(super) const EPSS_RUN: usize = 88;

/// Numbers the segments of one generation.
pub type SegmentId = u32;

/// Where the canonical line of a record is.
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AdvisoryRow {
    pub(super) located: Located,
    pub(super) summary: Summary,
}

/// A row of [`EXPLOITED`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ExploitedRow {
    pub(super) located: Located,
    /// In Unix seconds.
    pub(super) added: i64,
}

/// EPSS probability and percentile of a CVE; None when it is gone.
pub(super) type EpssFact<'a> = (&'a str, Option<(u32, u32)>);

/// A row of [`PACKAGES`]: the advisories whose assertions of lower layers do not count any more, and
/// the encoded assertions that come in their place. The rest of what lower layers say goes on to count, so
/// that an overlay's size follows the delta even for packages with thousands of assertions.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct PackageRow<'a> {
    #[serde(borrow)]
    pub(super) dropped: Vec<&'a str>,
    #[serde(borrow)]
    pub(super) added: Vec<&'a [u8]>,
}

/// A row of [`PACKAGES`], written without going through each byte.
pub(super) fn package_row<'a>(dropped: &[&str], added: impl ExactSizeIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut row = encode(dropped);
    row.extend_from_slice(&encode(&added.len()));
    for assertion in added {
        row.extend_from_slice(&encode(&assertion.len()));
        row.extend_from_slice(assertion);
    }
    row
}

/// A row of [`LEAVES`]: how many leaves are removed, those, and those added. Both are sorted.
pub(super) fn leaves_row(removed: &[Digest], added: &[Digest]) -> Vec<u8> {
    let count = u32::try_from(removed.len()).expect("a bucket is small");
    let mut row = Vec::with_capacity(4 + 32 * (removed.len() + added.len()));
    row.extend_from_slice(&count.to_le_bytes());
    removed.iter().chain(added).for_each(|leaf| row.extend_from_slice(leaf.as_bytes()));
    row
}

/// Removed and added leaves, each 32 bytes.
pub(super) fn split_leaves(row: &[u8]) -> Result<(&[u8], &[u8]), StoreError> {
    let (count, rest) = row.split_first_chunk::<4>().ok_or_else(|| StoreError::damaged("leaves"))?;
    let removed = (u32::from_le_bytes(*count) as usize).saturating_mul(32);
    rest.split_at_checked(removed).ok_or_else(|| StoreError::damaged("leaves"))
}

/// The advisory that an encoded assertion belongs to: its first field.
pub(super) fn advisory_of(assertion: &[u8]) -> Result<&str, StoreError> {
    let taken = postcard::take_from_bytes::<&str>(assertion);
    taken.map(|(id, _)| id).map_err(|error| StoreError::damaged(format!("an assertion: {error}")))
}

pub(super) fn encode<T: Serialize + ?Sized>(row: &T) -> Vec<u8> {
    postcard::to_stdvec(row).expect("rows have lengths and no maps")
}

/// Adds a row to what is in the buffer.
pub(super) fn encode_into<T: Serialize + ?Sized>(buffer: &mut Vec<u8>, row: &T) {
    *buffer = postcard::to_extend(row, std::mem::take(buffer)).expect("rows have lengths and no maps");
}

pub(super) fn decode<T: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T, StoreError> {
    borrow(what, bytes)
}

/// Decodes a row that borrows from its bytes.
pub(super) fn borrow<'a, T: Deserialize<'a>>(what: &str, bytes: &'a [u8]) -> Result<T, StoreError> {
    postcard::from_bytes(bytes).map_err(|error| StoreError::damaged(format!("{what}: {error}")))
}

pub(super) fn package_key(ecosystem: &str, name: &str) -> String {
    format!("{ecosystem}\0{name}")
}

pub(super) fn digest(bytes: &[u8]) -> Result<Digest, StoreError> {
    let bytes = bytes.try_into().map_err(|_| StoreError::damaged("a digest"))?;
    Ok(Digest::from_bytes(bytes))
}

pub(super) fn digests(bytes: &[u8]) -> Result<Vec<Digest>, StoreError> {
    bytes.chunks(32).map(digest).collect()
}

#[cfg(test)]
mod tests {
    use domain::advisory::{Affected, Interval, PackageKey, Status};
    use domain::matching::{Assertion, AssertionRef};
    use domain::severity::Severity;
    use domain::source::SourceId;

    use super::{encode, encode_into};

    #[test]
    fn an_assertion_that_is_written_without_being_made_has_the_bytes_of_one_that_is() {
        let package = PackageKey::new("npm".parse().expect("known"), "left-pad");
        let bare = Affected::new(SourceId::new("ghsa"), "GHSA-1", package);
        let full = Affected {
            status: Status::WillNotFix,
            ranges: vec![Interval::all(), Interval::below("2".to_owned())],
            versions: ["1.0", "1.1"].map(str::to_owned).into(),
            severity: Some(Severity::High),
            arches: ["x86_64".to_owned()].into(),
            module: Some("perl:5.24".to_owned()),
            ..bare.clone()
        };
        for affected in [bare, full] {
            let mut written = b"before".to_vec();
            encode_into(&mut written, &AssertionRef::new("CVE-1", &affected));
            assert_eq!(written, [b"before".as_slice(), &encode(&Assertion::new("CVE-1", &affected))].concat());
        }
    }
}
