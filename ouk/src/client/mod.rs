//! Reading a TUF repository that is reached by name: a site's own, or anyone's.
//!
//! A kit is one file and is read by [`crate::verify`]. A build server behind an appliance reads
//! that site's repository instead, file by file. This client runs the TUF 1.0 client workflow
//! over two traits, so that it knows neither a network nor a disk: [`Fetch`] brings bytes by
//! name, [`Remember`] keeps what was accepted. `sigstore-tuf` decides signatures, thresholds,
//! pins and expiry; on top of it stand our own floors ([`record`]), because the libraries
//! around TUF take remembered metadata that cannot be read for a first use.
//!
//! ```text
//! init      pins a root and writes the first record of floors; once
//! refresh   roots, timestamp, snapshot, targets -> Repository
//! Repository::target / download    the delegations, then the content
//! ```
//!
//! TUF lets more pass than a kit does: any canonical spelling, keys of other schemes, roles
//! without digests. What our own builders write is narrower; a reader of foreign repositories
//! cannot be.

mod name;
mod record;
mod refresh;
mod target;

use std::io::{self, Read};

use domain::time::Timestamp;
use sigstore_tuf::{Key, TrustedMetadataSet};

use crate::document::{self, hex};
use crate::error::{KitError, within};

pub(crate) use name::consistent_path;
pub use name::quote;
pub use refresh::{init, refresh};
pub use target::{Repository, Target};

/// The two places of a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Metadata,
    Targets,
}

/// Where a repository's files come from. Nothing that comes is believed.
pub trait Fetch {
    /// Opens the file with this name, already quoted for a URL; `None` when there is none. The
    /// caller reads at most `length_max` bytes, an implementation may refuse more at once.
    fn fetch(&mut self, place: Place, name: &str, length_max: u64) -> io::Result<Option<Box<dyn Read + '_>>>;
}

/// Where accepted metadata and the record of floors are kept.
pub trait Remember {
    /// The bytes saved under this name, or `None` when nothing was.
    fn load(&mut self, name: &str, length_max: u64) -> io::Result<Option<Vec<u8>>>;

    /// Replaces them, whole or not at all, and for good once it returns.
    fn save(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;
}

/// What the client is willing to take in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientLimits {
    pub root_bytes_max: u64,
    pub timestamp_bytes_max: u64,
    pub snapshot_bytes_max: u64,
    pub targets_bytes_max: u64,
    pub target_bytes_max: u64,
    pub record_bytes_max: u64,
    /// New roots in one refresh.
    pub root_hops_max: u64,
    /// Targets roles visited in search of one path.
    pub delegation_visits_max: usize,
    /// The highest version a file may have.
    pub version_max: u64,
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self {
            root_bytes_max: 512_000,
            timestamp_bytes_max: 16_384,
            snapshot_bytes_max: 2_000_000,
            targets_bytes_max: 8_000_000,
            target_bytes_max: 64 << 30,
            record_bytes_max: 8_000_000,
            root_hops_max: 256,
            delegation_visits_max: 32,
            version_max: 999_999_999_999,
        }
    }
}

/// What one refresh works with. `now` is fixed for the whole of it (TUF 5.1).
struct Session<'a> {
    fetch: &'a mut dyn Fetch,
    memory: &'a mut dyn Remember,
    trusted: TrustedMetadataSet,
    record: record::Record,
    limits: ClientLimits,
    now: Timestamp,
    warnings: Vec<String>,
}

impl Session<'_> {
    /// A metadata file of the repository.
    fn metadata(&mut self, name: &str, length_max: u64) -> Result<Option<Vec<u8>>, KitError> {
        let Some(reader) = self.fetch.fetch(Place::Metadata, name, length_max).map_err(KitError::Io)? else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        reader.take(length_max + 1).read_to_end(&mut bytes).map_err(KitError::Io)?;
        within(name, bytes.len() as u64, length_max)?;
        Ok(Some(bytes))
    }

    /// Raises the floor, then keeps the file: after a crash between the two the floor holds.
    fn accept(&mut self, role: &str, floor: crate::verify::Floor, bytes: &[u8]) -> Result<(), KitError> {
        within(format!("{role}, version"), floor.version, self.limits.version_max)?;
        self.record.floors.roles.insert(role.to_owned(), floor);
        self.record.save(self.memory)?;
        self.memory.save(&name::file(role), bytes).map_err(KitError::Io)
    }

    fn refused(&self, role: &str, file: &str, error: &sigstore_tuf::Error) -> KitError {
        match error {
            sigstore_tuf::Error::Expired { expires, .. } => KitError::Expired {
                role: role.to_owned(),
                expires: Timestamp::from_unix(expires.as_second()),
                now: self.now,
            },
            sigstore_tuf::Error::BadRootVersion { trusted, new } => {
                KitError::RootVersion { name: trusted + 1, found: *new }
            }
            error => document::refused(role, file, error),
        }
    }
}

/// Keys that the library would count and that prove nothing: an Ed25519 key of small order
/// verifies anyone's signature, and one key under two ids would meet a threshold of two.
fn check_keys<'a>(file: &str, keys: impl IntoIterator<Item = (&'a String, &'a Key)>) -> Result<(), KitError> {
    let mut seen = std::collections::BTreeMap::new();
    for (id, key) in keys {
        let refuse = |reason: &str| {
            let key = crate::error::shown(id.as_bytes());
            Err(KitError::Algorithm { file: file.to_owned(), key, reason: reason.to_owned() })
        };
        let public = key.keyval.public.trim().to_ascii_lowercase();
        if key.keytype == "ed25519"
            && let Some(bytes) = hex::<32>(&public)
            && ed25519_dalek::VerifyingKey::from_bytes(&bytes).is_ok_and(|key| key.is_weak())
        {
            return refuse("is of small order: anyone could sign with it");
        }
        if seen.insert(public, id).is_some() {
            return refuse("is listed under two ids");
        }
    }
    Ok(())
}
