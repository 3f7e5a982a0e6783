//! The values in `state.redb`. Each is tagged with the version of its encoding, because the
//! encoding does not describe itself, and sealed with a digest, because a database that
//! was cut or flipped must be found out before it decides about trust.

use std::path::Path;

use domain::digest::Digest;
use domain::source::SourceStatus;
use domain::time::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::disk::{Disk, Seal};
use crate::error::StoreError;
use crate::generation::{Census, digest_of};

/// 2: a generation is a stack of layers.
const ENCODING: u8 = 2;

/// The lowest version of a role's metadata that is acceptable, and its bytes' digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Floor {
    pub role: String,
    pub version: u64,
    pub sha256: Digest,
}

/// All that decides about the next kit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustRow {
    /// The root that was pinned first.
    pub factory_root: Vec<u8>,
    /// The newest root, reached by a chain of signed successors.
    pub root: Vec<u8>,
    pub floors: Vec<Floor>,
    /// The site whose word is wanted beside the vendor's, when one is pinned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<SiteTrustRow>,
    /// What the vendor has withdrawn, as it was signed. The next list must be a newer one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocations: Option<String>,
}

/// All that decides about the word of the site that the next kit comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteTrustRow {
    /// The site's root that was pinned first.
    pub factory_root: Vec<u8>,
    /// The newest one, reached by a chain of signed successors.
    pub root: Vec<u8>,
    pub floors: Vec<Floor>,
}

/// An index file. It bears the number of the generation that it was written for; later ones may share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LayerRef {
    pub file: u64,
    /// Of the list of its blocks' digests, which stands behind the database in the file.
    pub sha256: Digest,
    /// Of the database. None in a row of an earlier version of the program: then the digest is of the whole file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<u64>,
}

impl LayerRef {
    /// Seals the index file at `path`, which is whole now: from here on each of its blocks is what it is.
    pub fn seal(disk: &dyn Disk, file: u64, path: &Path) -> Result<Self, StoreError> {
        let Seal { length, sha256 } = Seal::put(disk, path).map_err(StoreError::io(path))?;
        Ok(Self { file, sha256, length: Some(length) })
    }

    /// Is every byte of the file at `path` what it was?
    pub(crate) fn holds(&self, disk: &dyn Disk, path: &Path) -> Result<bool, StoreError> {
        match self.sealed() {
            Some(seal) => seal.holds(disk, path).map_err(StoreError::io(path)),
            None => Ok(digest_of(disk, path)? == self.sha256),
        }
    }

    /// What its blocks are held against.
    pub(crate) fn sealed(&self) -> Option<Seal> {
        self.length.map(|length| Seal { length, sha256: self.sha256 })
    }
}

/// One imported kit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenerationRow {
    pub number: u64,
    pub kit_sha256: Digest,
    pub kit_version: u64,
    pub metadata_digest: Digest,
    pub content_root: Digest,
    pub signed_at: Timestamp,
    pub imported_at: Timestamp,
    pub product: String,
    pub channel: String,
    pub sources: Vec<SourceStatus>,
    pub advisories: u64,
    /// Its index files, newest first; the last one is whole, the others hold changes.
    pub layers: Vec<LayerRef>,
    /// Blobs that this generation needs.
    pub blobs: Vec<Digest>,
    /// The data set's manifest, as signed.
    pub manifest: Digest,
    /// The kit's metadata frame, kept to verify it again.
    pub metadata_frame: Digest,
    /// The Trivy DB that came with it, for scanners that read one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trivy_db: Option<TrivyDbRow>,
    /// The Trivy DB that the records give, as the vendor signed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub derived: Option<DerivedRow>,
    /// How much it holds of what. None in a row of an earlier version of the program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub census: Option<Census>,
}

/// A database that is made of the records, and is these bytes when it is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DerivedRow {
    /// Which program can make it.
    pub form: u32,
    pub length: u64,
    pub sha256: Digest,
}

/// A Trivy DB: its dates as they are signed, its counts as the worker counted them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrivyDbRow {
    pub schema: u32,
    pub updated_at: Timestamp,
    /// When a scanner should look for a newer one.
    pub next_update: Timestamp,
    pub platforms: u64,
    pub advisories: u64,
    pub vulnerabilities: u64,
    pub bytes: u64,
}

/// Encodes a row: version, digest, value.
pub(crate) fn encode<T: Serialize>(row: &T) -> Vec<u8> {
    let value = serde_json::to_vec(row).expect("rows are plain data");
    let mut bytes = vec![ENCODING];
    bytes.extend_from_slice(Digest::of(&value).as_bytes());
    bytes.extend_from_slice(&value);
    bytes
}

/// Decodes a row, or says that `what` is damaged.
pub(crate) fn decode<T: DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T, StoreError> {
    let (head, value) = bytes.split_at_checked(33).ok_or_else(|| StoreError::damaged(what))?;
    if head.first() != Some(&ENCODING) {
        return Err(StoreError::damaged(format!("{what} has an unknown encoding")));
    }
    if head.get(1..) != Some(Digest::of(value).as_bytes().as_slice()) {
        return Err(StoreError::damaged(format!("{what} does not match its digest")));
    }
    serde_json::from_slice(value).map_err(|error| StoreError::damaged(format!("{what}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flipped_bit_anywhere_in_a_row_is_found() {
        let row = Floor { role: "targets".into(), version: 7, sha256: Digest::of(b"x") };
        let bytes = encode(&row);
        assert_eq!(decode::<Floor>("floor", &bytes).expect("whole"), row);
        for position in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[position] ^= 1;
            assert!(decode::<Floor>("floor", &bad).is_err(), "byte {position}");
        }
        assert!(decode::<Floor>("floor", &bytes[..20]).is_err());
    }
}
