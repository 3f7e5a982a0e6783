//! What the signed targets metadata says beyond TUF: the kit, and the chunks of a target.
//!
//! Builder and verifier share these types, so that neither can drift from the other.

use std::fmt;

use domain::digest::Digest;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::shown;

/// The value of `spec`. Another value is another format.
pub(crate) const SPEC: &str = "OUK/1";

/// `signed.ouk` of the top-level targets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KitInfo {
    pub(crate) spec: String,
    pub(crate) product: String,
    pub(crate) channel: String,
    pub(crate) kit_version: u64,
    pub(crate) signed_at: Timestamp,
    pub(crate) min_appliance_version: String,
    pub(crate) notes: String,
    pub(crate) readme: Readme,
    /// What a delta kit applies to. Absent in a full kit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) base: Option<KitBase>,
}

/// The kit that a delta kit was made against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KitBase {
    /// For people: any kit with the content root will do.
    pub kit_version: u64,
    pub content_root: Digest,
}

/// Pins `META/README.txt`, so that no byte of a kit is unsigned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Readme {
    pub(crate) length: u64,
    pub(crate) sha256: Digest,
}

/// `custom.ouk` of a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OukTarget {
    pub(crate) media: String,
    pub(crate) schema: u32,
    pub(crate) chunks: Vec<Chunk>,
}

/// A piece of a target: one frame of the kit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// Digest of the content: the blob's name.
    pub sha256: Digest,
    /// Length of the content.
    pub len: u64,
    /// Digest of the zstd frame.
    pub csha256: Digest,
    /// Length of the zstd frame.
    pub clen: u64,
}

impl Chunk {
    /// The name of its entry in the archive.
    pub(crate) fn entry(&self) -> String {
        format!("blobs/sha256/{}", self.sha256)
    }
}

/// A version of the form 1.2.3. What follows a `-` or `+` is not compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ApplianceVersion([u32; 3]);

impl ApplianceVersion {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let core = text.split(['-', '+']).next().unwrap_or(text);
        let mut numbers = [0; 3];
        let mut parts = core.split('.');
        for number in &mut numbers {
            let part = parts.next()?;
            *number = part.parse().ok().filter(|number: &u32| number.to_string() == part)?;
        }
        parts.next().is_none().then_some(Self(numbers))
    }
}

impl fmt::Display for ApplianceVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.0;
        write!(f, "{major}.{minor}.{patch}")
    }
}

/// Why a target path is not one. Paths are shown and compared, never opened, and are
/// narrow all the same.
pub(crate) fn path_fault(path: &str) -> Option<&'static str> {
    let part_ok = |part: &str| {
        part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
            && part.starts_with(|first: char| first.is_ascii_alphanumeric())
    };
    if path.len() > 200 {
        return Some("is over 200 characters long");
    }
    if path.split('/').count() > DEPTH_MAX {
        return Some("is over four levels deep");
    }
    (!path.split('/').all(part_ok)).then_some("has a part that is not of the form [A-Za-z0-9][A-Za-z0-9._-]*")
}

/// How deep target paths may be. Delegations list one pattern per depth, because `*` does
/// not cross a slash in TUF.
pub(crate) const DEPTH_MAX: usize = 4;

/// `feeds` and the like: what product, channel and media type may consist of.
pub(crate) fn word_fault(text: &str, more: &[u8], length_max: usize) -> Option<String> {
    let fine = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || more.contains(&byte);
    let good = !text.is_empty() && text.len() <= length_max && text.bytes().all(fine);
    (!good).then(|| format!("{:?} has characters that are not allowed, or too many", shown(text.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appliance_versions_compare_by_number() {
        let version = |text| ApplianceVersion::parse(text).expect(text);
        assert!(version("0.10.0") > version("0.9.9"));
        assert_eq!(version("1.2.3-rc1"), version("1.2.3"));
        for text in ["", "1", "1.2", "1.2.3.4", "01.2.3", "+1.2.3", "1.2.x", "1.2.4294967296"] {
            assert_eq!(ApplianceVersion::parse(text), None, "{text}");
        }
    }

    #[test]
    fn target_paths_cannot_climb_or_hide() {
        // A01, A02, R09.
        for path in ["feeds/manifest.json", "a", "trivy/db/v2/trivy.db", "feeds/epss/00000.ndjson"] {
            assert_eq!(path_fault(path), None, "{path}");
        }
        for path in
            ["", "/a", "a/", "a//b", "../a", "a/..", "./a", ".a", "a\\b", "C:/x", "a b", "a\n", "é", "a/b/c/d/e"]
        {
            assert!(path_fault(path).is_some(), "{path}");
        }
    }
}
