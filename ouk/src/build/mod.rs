//! Building a kit.
//!
//! The metadata frame comes first in the file and names every blob, so blobs are
//! compressed into a spool and copied behind it in the order of their digests. The same
//! input, keys and time of signing give the same bytes. Before anything is written, the
//! metadata is verified by the code that a site will run: a builder that lacks a key or
//! passes a limit learns it here and not at the customer's.

mod metadata;
mod spool;

use std::io::{self, Read, Seek, Write};

use domain::digest::{Digest, Hasher};
use domain::time::Timestamp;

use crate::error::KitError;
use crate::frame;
use crate::keys::{CeremonyConfig, KeyError, KeySet, Role};
use crate::limits::Limits;
use crate::read::SealedMetadata;
use crate::schema::{KitBase, path_fault, word_fault};
use crate::verify::{Floors, Gates, TrustState, VerifiedKit, verify};
pub(crate) use metadata::{SPEC_VERSION, pin, signers};
use spool::{Spool, Spooled};

/// What a kit is and who signs it.
pub struct BuildInput<'a> {
    pub product: String,
    pub channel: String,
    /// The kit's serial number, and the version of all its metadata. Must grow from kit to kit.
    pub version: u64,
    /// Every root since the first, in order.
    pub roots: Vec<Vec<u8>>,
    pub keys: &'a KeySet,
    pub expiries: Expiries,
    /// The present, or SOURCE_DATE_EPOCH.
    pub signed_at: Timestamp,
    pub min_appliance_version: String,
    /// 1 to 19.
    pub compression_level: i32,
    pub notes: String,
    /// What a delta kit applies to; None for a full kit.
    pub base: Option<KitBase>,
}

/// For how many days each role's signature is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiries {
    pub targets_days: i64,
    pub delegated_days: i64,
    pub snapshot_days: i64,
    pub timestamp_days: i64,
}

impl Default for Expiries {
    fn default() -> Self {
        let config = CeremonyConfig::new(Timestamp::UNIX_EPOCH);
        Self {
            targets_days: config.targets.expiry_days,
            delegated_days: config.feeds.expiry_days,
            snapshot_days: config.snapshot.expiry_days,
            timestamp_days: config.timestamp.expiry_days,
        }
    }
}

/// A file that goes into the kit. Its path decides which role signs it.
pub struct KitTarget<'a> {
    pub path: String,
    pub media_type: String,
    pub schema: u32,
    pub content: Box<dyn Read + 'a>,
    /// How many bytes `content` will give, when known: for progress, not checked.
    pub length_hint: Option<u64>,
}

/// How far the build is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// A target was compressed up to `bytes`.
    Compressing {
        path: String,
        bytes: u64,
        length_hint: Option<u64>,
    },
    Signing,
    Writing {
        bytes: u64,
    },
}

/// A finished kit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuiltKit {
    pub sha256: Digest,
    pub length: u64,
    pub kit_version: u64,
    pub root_version: u64,
    pub targets_version: u64,
    pub metadata_digest: Digest,
    pub targets: Vec<BuiltTarget>,
}

/// A target of a finished kit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuiltTarget {
    pub path: String,
    pub role: Role,
    pub length: u64,
    pub sha256: Digest,
    pub chunks: usize,
}

/// Why no kit was built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("{path}: {source}")]
    Content { path: String, source: io::Error },
    #[error("the spool: {0}")]
    Spool(#[source] io::Error),
    #[error("writing the kit: {0}")]
    Write(#[source] io::Error),
    #[error("the target path {path} {reason}")]
    Path { path: String, reason: String },
    #[error("{0}")]
    Input(String),
    #[error(transparent)]
    Keys(#[from] KeyError),
    #[error("the kit would be refused by every site: {0}")]
    Unverifiable(#[source] KitError),
}

/// Builds a kit into `out`. `spool` is scratch space for the compressed blobs; it must be
/// empty and is as large as the kit.
pub fn build<S: Read + Write + Seek, W: Write>(
    input: BuildInput<'_>,
    targets: Vec<KitTarget<'_>>,
    spool: &mut S,
    out: &mut W,
    progress: &mut dyn FnMut(Progress),
) -> Result<BuiltKit, BuildError> {
    let limits = Limits::default();
    check_input(&input)?;
    let mut spool = Spool::new(spool, input.compression_level, &limits);
    let mut spooled: Vec<Spooled> = Vec::new();
    for target in targets {
        check_target(&target, &spooled)?;
        spooled.push(spool.take(target, progress)?);
    }
    progress(Progress::Signing);
    spooled.sort_by(|a, b| a.path.cmp(&b.path));
    let frame = metadata::frame(&input, &spooled)?;
    let kit = prove(&input, &frame, &limits).map_err(BuildError::Unverifiable)?;
    let mut out = Counted { out, hasher: Hasher::new() };
    out.put(&frame)?;
    for chunk in kit.chunks() {
        spool.copy(chunk, &mut |bytes| out.put(bytes))?;
        progress(Progress::Writing { bytes: out.hasher.length() });
    }
    out.put(&frame::END)?;
    out.out.flush().map_err(BuildError::Write)?;
    Ok(BuiltKit {
        length: out.hasher.length(),
        sha256: out.hasher.finish(),
        kit_version: kit.kit_version(),
        root_version: kit.root_version(),
        targets_version: kit.targets_version(),
        metadata_digest: kit.metadata_digest(),
        targets: spooled.iter().map(Spooled::to_built).collect(),
    })
}

fn check_input(input: &BuildInput<'_>) -> Result<(), BuildError> {
    let refuse = |reason: String| Err(BuildError::Input(reason));
    for (name, word) in [("product", &input.product), ("channel", &input.channel)] {
        if let Some(fault) = word_fault(word, b"", 64) {
            return refuse(format!("the {name} {fault}"));
        }
    }
    // The text form of a time ends with the year 9999, and expiries lie ahead of it.
    if !(0..250_000_000_000).contains(&input.signed_at.unix()) {
        return refuse("the time of signing is not between the years 1970 and 9892".to_owned());
    }
    if !frame::LEVELS.contains(&input.compression_level) {
        return refuse(format!("the compression level {} is not one of 1 to 19", input.compression_level));
    }
    // Canonical JSON has no escape for control characters.
    if input.notes.len() > 4000 || input.notes.chars().any(char::is_control) {
        return refuse("the notes are over 4,000 bytes long or have control characters".to_owned());
    }
    Ok(())
}

fn check_target(target: &KitTarget<'_>, before: &[Spooled]) -> Result<(), BuildError> {
    let refuse = |reason: String| Err(BuildError::Path { path: target.path.clone(), reason });
    if let Some(reason) = path_fault(&target.path) {
        return refuse(reason.to_owned());
    }
    if let Some(fault) = word_fault(&target.media_type, b"/.+", 100) {
        return refuse(format!("has the media type {fault}"));
    }
    if before.iter().any(|other| other.path == target.path) {
        return refuse("is given twice".to_owned());
    }
    Ok(())
}

/// Verifies the metadata as a site would that is pinned to the last root.
fn prove(input: &BuildInput<'_>, frame: &[u8], limits: &Limits) -> Result<VerifiedKit, KitError> {
    let metadata = SealedMetadata::from_frame(frame, limits)?;
    let root = input.roots.last().cloned().unwrap_or_default();
    let trust = TrustState { root, floors: Floors::default() };
    let gates = Gates {
        product: input.product.clone(),
        channels: vec![input.channel.clone()],
        appliance_version: input.min_appliance_version.clone(),
        schema_max: u32::MAX,
    };
    verify(&metadata, &trust, &gates, input.signed_at, limits)
}

struct Counted<'a, W> {
    out: &'a mut W,
    hasher: Hasher,
}

impl<W: Write> Counted<'_, W> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), BuildError> {
        self.hasher.update(bytes);
        self.out.write_all(bytes).map_err(BuildError::Write)
    }
}
