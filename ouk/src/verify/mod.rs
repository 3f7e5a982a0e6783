//! From sealed metadata to a verified kit: steps 4 to 8 of the verification order.
//!
//! ```text
//! roots      from the remembered root to the kit's last one, each signed by the one before
//! timestamp  signature, floor, expiry
//! snapshot   pinned by the timestamp; signature, floors, nothing removed, expiry
//! targets    pinned by the snapshot; top level, then the delegated roles in their paths
//! contents   every name of the metadata frame is accounted for
//! gates      product, channel, appliance version, schema
//! ```
//!
//! The whole is a pure function of bytes. It writes nothing, so a refused kit leaves
//! nothing behind (CVE-2020-15163), and the caller stores the new floors in the same
//! transaction as the new data. A floor that cannot be read is the caller's refusal, never
//! a first use: the libraries around TUF go on without it.

mod gates;
mod kit;
mod roles;
mod roots;
mod state;
mod targets;

use std::collections::{BTreeMap, BTreeSet};

use domain::time::Timestamp;

use crate::error::{KitError, within};
use crate::limits::Limits;
use crate::read::{META, README_NAME, SealedMetadata, VERSION_NAME};

pub use crate::schema::{Chunk, KitBase};
pub use gates::Gates;
pub use kit::{Assembly, VerifiedKit, VerifiedTarget};
pub(crate) use roles::{check_top_level, jiff, pinned, snapshot, timestamp};
pub(crate) use roots::{Chain, chain};
pub use roots::{PinnedRoot, check_root};
pub(crate) use state::floors_after;
pub use state::{Floor, Floors, TrustState};

/// What the steps share. A site's own metadata takes the same steps (`crate::site`).
pub(crate) struct Context<'a> {
    files: &'a BTreeMap<String, Vec<u8>>,
    /// Where they lie: `META`, or `SITE`.
    folder: &'static str,
    pub(crate) limits: &'a Limits,
    pub(crate) now: Timestamp,
    /// Names of the frame that were read.
    used: BTreeSet<String>,
    pub(crate) warnings: Vec<String>,
}

/// Verifies a kit against what is remembered. `now` is fixed for the whole run.
pub fn verify(
    metadata: &SealedMetadata,
    trust: &TrustState,
    gates: &Gates,
    now: Timestamp,
    limits: &Limits,
) -> Result<VerifiedKit, KitError> {
    let mut context = Context::new(metadata.files(), META.folder, now, limits);
    context.used.insert(VERSION_NAME.to_owned());
    let mut chain = chain(&mut context, trust)?;
    let floors = floors_after(trust, &chain);
    let timestamp = timestamp(&mut context, &mut chain, &floors)?;
    let snapshot = snapshot(&mut context, &mut chain, &timestamp, &floors)?;
    let targets = targets::all(&mut context, &mut chain, &snapshot, &floors)?;
    context.check_readme(&targets.info.readme)?;
    context.check_nothing_extra()?;
    gates::check(gates, &targets)?;
    Ok(kit::assertion(context.warnings, trust, chain, [timestamp.seen, snapshot.seen], targets))
}

impl<'a> Context<'a> {
    pub(crate) fn new(
        files: &'a BTreeMap<String, Vec<u8>>,
        folder: &'static str,
        now: Timestamp,
        limits: &'a Limits,
    ) -> Self {
        Self { files, folder, limits, now, used: BTreeSet::new(), warnings: Vec::new() }
    }

    /// The name of a file in the folder.
    pub(crate) fn name(&self, file: &str) -> String {
        format!("{}/{file}", self.folder)
    }

    /// The file with this name, which counts as used from now on.
    pub(crate) fn take(&mut self, name: &str) -> Option<&'a [u8]> {
        let bytes = self.files.get(name)?;
        self.used.insert(name.to_owned());
        Some(bytes)
    }

    /// The file of a role in a version. If the kit has the role in another version, it was
    /// put together from two kits.
    pub(crate) fn take_pinned(&mut self, role: &str, version: u64) -> Result<(String, &'a [u8]), KitError> {
        let name = self.name(&format!("{version}.{role}.json"));
        if let Some(bytes) = self.take(&name) {
            return Ok((name, bytes));
        }
        let folder = self.name("");
        let other = |file: &&String| {
            file.strip_prefix(&folder)
                .and_then(|file| file.split_once('.'))
                .is_some_and(|(_, rest)| rest.strip_suffix(".json") == Some(role))
        };
        match self.files.keys().find(other) {
            Some(other) => Err(KitError::Mix { file: other.clone(), reason: format!("version {version} is signed") }),
            None => Err(KitError::Incomplete { first: name, count: 1 }),
        }
    }

    fn check_readme(&mut self, pinned: &crate::schema::Readme) -> Result<(), KitError> {
        let missing = || KitError::Incomplete { first: README_NAME.to_owned(), count: 1 };
        let readme = self.take(README_NAME).ok_or_else(missing)?;
        within(README_NAME, readme.len() as u64, self.limits.root_bytes_max)?;
        let found = domain::digest::Digest::of(readme);
        if found == pinned.sha256 && readme.len() as u64 == pinned.length {
            return Ok(());
        }
        Err(KitError::Digest { what: README_NAME.to_owned(), expected: pinned.sha256, found })
    }

    pub(crate) fn check_nothing_extra(&self) -> Result<(), KitError> {
        match self.files.keys().find(|name| !self.used.contains(*name)) {
            Some(name) => Err(KitError::Extra { entry: name.clone() }),
            None => Ok(()),
        }
    }
}
