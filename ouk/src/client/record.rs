//! The floors that a client never goes below.
//!
//! One small file, replaced as a whole: the SHA-256 of all that follows, a line feed, JSON.
//! It stands beside the cached metadata and does not depend on it, so deleting the cache does
//! not make an old repository acceptable. It is raised before the cache is written. A record
//! that is missing or damaged is a refusal: only [`super::init`] makes a first one.

use std::collections::BTreeMap;

use domain::digest::Digest;
use serde::{Deserialize, Serialize};

use super::{ClientLimits, Remember};
use crate::error::KitError;
use crate::verify::{Floor, Floors};

/// No metadata file is called so: theirs end in `.json`.
pub(super) const NAME: &str = "floors.record";
const SPEC: &str = "stella-tuf-floors/1";

/// What was accepted so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) floors: Floors,
    /// Version of each targets role that the last accepted snapshot listed.
    pub(super) listed: BTreeMap<String, u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    spec: String,
    floors: BTreeMap<String, WrittenFloor>,
    listed: BTreeMap<String, u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFloor {
    version: u64,
    sha256: Digest,
}

impl Record {
    pub(super) fn load(memory: &mut dyn Remember, limits: &ClientLimits) -> Result<Self, KitError> {
        let damaged = |reason: String| KitError::State(format!("the record of floors {reason}"));
        let bytes = memory.load(NAME, limits.record_bytes_max).map_err(|e| damaged(format!("is unreadable: {e}")))?;
        let bytes = bytes.ok_or_else(|| damaged("is missing".to_owned()))?;
        Self::read(&bytes).ok_or_else(|| damaged("is damaged".to_owned()))
    }

    pub(super) fn exists(memory: &mut dyn Remember, limits: &ClientLimits) -> bool {
        // One that cannot be read exists, too.
        !matches!(memory.load(NAME, limits.record_bytes_max), Ok(None))
    }

    pub(super) fn save(&self, memory: &mut dyn Remember) -> Result<(), KitError> {
        memory.save(NAME, &self.written()).map_err(KitError::Io)
    }

    fn written(&self) -> Vec<u8> {
        let floor = |floor: &Floor| WrittenFloor { version: floor.version, sha256: floor.sha256 };
        let written = Written {
            spec: SPEC.to_owned(),
            floors: self.floors.roles.iter().map(|(role, it)| (role.clone(), floor(it))).collect(),
            listed: self.listed.clone(),
        };
        let body = serde_json::to_vec(&written).expect("maps of text, numbers and digests have a JSON form");
        [Digest::of(&body).to_string().as_bytes(), b"\n", &body].concat()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let at = bytes.iter().position(|&byte| byte == b'\n')?;
        let (digest, body) = (bytes.get(..at)?, bytes.get(at + 1..)?);
        let digest: Digest = std::str::from_utf8(digest).ok()?.parse().ok()?;
        if Digest::of(body) != digest {
            return None;
        }
        let Written { spec, floors, listed } = serde_json::from_slice(body).ok()?;
        let floor = |WrittenFloor { version, sha256 }| Floor { version, sha256 };
        let roles = floors.into_iter().map(|(role, written)| (role, floor(written))).collect();
        (spec == SPEC).then_some(Self { floors: Floors { roles }, listed })
    }

    /// A new root took a key away from these roles. A thief may have pushed their versions up,
    /// so their floors fall (TUF 5.3.11). The snapshot answers for the versions of all targets.
    pub(super) fn forget(&mut self, role: &str) {
        self.floors.roles.remove(role);
        if role == "snapshot" {
            self.listed.clear();
        }
        if matches!(role, "snapshot" | "targets") {
            self.floors.roles.retain(|role, _| matches!(role.as_str(), "root" | "timestamp" | "snapshot"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_written_and_no_changed_byte_passes() {
        let mut record = Record::default();
        record.floors.roles.insert("root".to_owned(), Floor { version: 3, sha256: Digest::of(b"x") });
        record.listed.insert("odd \n name".to_owned(), 7);
        let bytes = record.written();
        assert_eq!(Record::read(&bytes), Some(record));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x01;
            assert_eq!(Record::read(&changed), None, "byte {at}");
            assert_eq!(Record::read(&bytes[..at]), None, "cut at {at}");
        }
    }
}
