//! What is known once every check passed. Only `verify` makes these values.

use std::collections::BTreeMap;

use domain::digest::{Digest, Hasher};
use domain::time::Timestamp;

use super::roots::Chain;
use super::targets::AllTargets;
use super::{Chunk, Floor, Floors, TrustState};
use crate::error::KitError;
use crate::schema::{KitBase, KitInfo};

/// A kit whose metadata passed every check. Its blobs are still to be read, each against
/// a digest in here.
#[derive(Clone, Debug)]
pub struct VerifiedKit {
    info: KitInfo,
    targets: Vec<VerifiedTarget>,
    chunks: Vec<Chunk>,
    root: Vec<u8>,
    floors: Floors,
    metadata_digest: Digest,
    is_current: bool,
    warnings: Vec<String>,
}

/// One signed file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedTarget {
    pub path: String,
    pub role: String,
    pub length: u64,
    pub sha256: Digest,
    pub media_type: String,
    pub schema: u32,
    /// In the order of the content. Empty when the target is.
    pub chunks: Vec<Chunk>,
}

/// Makes the claim that the kit is verified: the end of `verify`, and its only caller.
pub(super) fn assertion(
    warnings: Vec<String>,
    trust: &TrustState,
    chain: Chain,
    [timestamp, snapshot]: [Floor; 2],
    all: AllTargets,
) -> VerifiedKit {
    let mut roles = all.seen;
    roles.insert("root".to_owned(), chain.seen);
    roles.insert("timestamp".to_owned(), timestamp);
    roles.insert("snapshot".to_owned(), snapshot);
    let floors = Floors { roles };
    VerifiedKit {
        metadata_digest: metadata_digest(&floors.roles),
        is_current: floors == trust.floors,
        info: all.info,
        targets: all.targets.into_values().collect(),
        chunks: all.chunks.into_values().collect(),
        root: chain.bytes,
        floors,
        warnings,
    }
}

/// SHA-256 over one line `role version sha256` for each role, in the order of their names.
fn metadata_digest(roles: &BTreeMap<String, Floor>) -> Digest {
    let mut hasher = Hasher::new();
    for (role, floor) in roles {
        hasher.update(format!("{role} {} {}\n", floor.version, floor.sha256).as_bytes());
    }
    hasher.finish()
}

impl VerifiedKit {
    /// All targets, by path.
    pub fn targets(&self) -> &[VerifiedTarget] {
        &self.targets
    }

    pub fn target(&self, path: &str) -> Option<&VerifiedTarget> {
        let at = self.targets.binary_search_by(|target| target.path.as_str().cmp(path)).ok()?;
        self.targets.get(at)
    }

    /// Every chunk once, in the order of the kit's frames.
    pub fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    /// The floors to remember once the kit is active, together with [`Self::root`].
    pub fn floors(&self) -> &Floors {
        &self.floors
    }

    /// The newest root, byte by byte as it was signed.
    pub fn root(&self) -> &[u8] {
        &self.root
    }

    pub fn root_version(&self) -> u64 {
        self.floors.roles.get("root").map_or(0, |floor| floor.version)
    }

    /// The digest of the newest root's signed part.
    pub fn root_sha256(&self) -> Digest {
        self.floors.roles.get("root").map_or_else(|| Digest::of(&self.root), |floor| floor.sha256)
    }

    pub fn targets_version(&self) -> u64 {
        self.floors.roles.get("targets").map_or(0, |floor| floor.version)
    }

    pub fn kit_version(&self) -> u64 {
        self.info.kit_version
    }

    /// When the targets role signed, by its own word.
    pub fn signed_at(&self) -> Timestamp {
        self.info.signed_at
    }

    pub fn product(&self) -> &str {
        &self.info.product
    }

    pub fn channel(&self) -> &str {
        &self.info.channel
    }

    /// What a delta kit applies to; None for a full kit.
    pub fn base(&self) -> Option<KitBase> {
        self.info.base
    }

    /// What the vendor wrote. Signed, and still text from outside: escape it.
    pub fn notes(&self) -> &str {
        &self.info.notes
    }

    /// The identity of the kit's content: equal for two files that carry the same metadata.
    pub fn metadata_digest(&self) -> Digest {
        self.metadata_digest
    }

    /// Is this exactly what the site has already?
    pub fn is_current(&self) -> bool {
        self.is_current
    }

    /// Oddities that TUF allows, such as an invalid signature beside enough valid ones.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl VerifiedTarget {
    /// Checks a target of several chunks as a whole, chunk by chunk in order.
    pub fn assembly(&self) -> Assembly<'_> {
        Assembly { target: self, hasher: Hasher::new() }
    }
}

/// Joins the chunks of one target. A chunk list whose parts are right and whose whole is
/// not would be the signer's mistake; it is found here.
pub struct Assembly<'a> {
    target: &'a VerifiedTarget,
    hasher: Hasher,
}

impl Assembly<'_> {
    pub fn push(&mut self, content: &[u8]) {
        self.hasher.update(content);
    }

    pub fn finish(self) -> Result<(), KitError> {
        let found = self.hasher.finish();
        if found == self.target.sha256 {
            return Ok(());
        }
        Err(KitError::Digest { what: self.target.path.clone(), expected: self.target.sha256, found })
    }
}
