//! The chain of roots: each names the keys that may sign, and is signed by the one before.

use std::collections::BTreeSet;

use domain::digest::Digest;
use domain::time::Timestamp;
use sigstore_tuf::{Root, TrustedMetadataSet};

use super::{Context, Floor, TrustState};
use crate::document::{Authority, Document, refused};
use crate::error::{KitError, within};
use crate::limits::Limits;
use crate::read::root_version;

/// The four roles that a root speaks of. TUF knows no other.
const ROLES: [&str; 4] = ["root", "snapshot", "targets", "timestamp"];
const PINNED: &str = "the trusted root";

/// The end of the chain.
pub(crate) struct Chain {
    /// The TUF state machine, fed with every root.
    pub(crate) set: TrustedMetadataSet,
    /// The last root.
    pub(crate) root: Root,
    pub(crate) bytes: Vec<u8>,
    pub(crate) seen: Floor,
    /// Roles that lost a key on the way.
    pub(crate) revoked: BTreeSet<String>,
}

/// What a root that is to be pinned says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinnedRoot {
    pub version: u64,
    pub expires: Timestamp,
    /// Digest of its signed part, to be compared with what the vendor printed.
    pub sha256: Digest,
}

/// Checks a root that an operator wants to pin: well-formed, and signed by its own keys.
/// Whether it is the right vendor's is for the operator to know.
pub fn check_root(root: &[u8], limits: &Limits) -> Result<PinnedRoot, KitError> {
    within(PINNED, root.len() as u64, limits.root_bytes_max)?;
    let document = Document::<Root>::parse(PINNED, root, limits)?;
    check_roles(PINNED, document.signed(), limits)?;
    document.check_signatures(&authority(PINNED, document.signed(), "root")?, &mut Vec::new())?;
    Ok(PinnedRoot { version: document.version(), expires: document.expires, sha256: document.digest })
}

/// Walks from the remembered root to the kit's last one.
pub(crate) fn chain(context: &mut Context<'_>, trust: &TrustState) -> Result<Chain, KitError> {
    let mut chain = remembered(trust, context.limits)?;
    let last = last_version(context)?;
    if last < chain.seen.version {
        return Err(KitError::RootOld { found: last, trusted: chain.seen.version });
    }
    let remembered = chain.seen;
    let mut newest = None;
    for version in 1..=last {
        let name = context.name(&format!("root/{version}.root.json"));
        let bytes = context.take(&name).ok_or(KitError::RootGap { missing: version })?;
        within(&name, bytes.len() as u64, context.limits.root_bytes_max)?;
        let document = Document::<Root>::parse(&name, bytes, context.limits)?;
        if document.version() != version {
            return Err(KitError::RootVersion { name: version, found: document.version() });
        }
        check_roles(&name, document.signed(), context.limits)?;
        if version == remembered.version && document.digest != remembered.sha256 {
            let hint = "; its chain begins at another root";
            return Err(KitError::Signature { role: "root".to_owned(), hint });
        }
        if version > remembered.version {
            step(&mut chain, &document)?;
        }
        newest = Some(document);
    }
    // Intermediate roots may be expired; the last one may not.
    match newest {
        Some(document) => document.check_expiry("root", context.now)?,
        None => return Err(KitError::RootGap { missing: 1 }),
    }
    Ok(chain)
}

fn remembered(trust: &TrustState, limits: &Limits) -> Result<Chain, KitError> {
    let damaged = |error: KitError| KitError::State(error.to_string());
    let pinned = check_root(&trust.root, limits).map_err(damaged)?;
    let seen = Floor { version: pinned.version, sha256: pinned.sha256 };
    if let Some(floor) = trust.floors.roles.get("root")
        && (floor.version > seen.version || floor.version == seen.version && floor.sha256 != seen.sha256)
    {
        return Err(KitError::State(format!("root {} was accepted before, and is gone", floor.version)));
    }
    let set = TrustedMetadataSet::from_root(&trust.root)
        .map_err(|error| KitError::State(refused("root", PINNED, &error).to_string()))?;
    Ok(Chain { root: set.root().clone(), set, bytes: trust.root.clone(), seen, revoked: BTreeSet::new() })
}

/// The highest root version in the kit; their names and number are checked, gaps later.
fn last_version(context: &Context<'_>) -> Result<u64, KitError> {
    let folder = context.name("root/");
    let names = context.files.keys().filter_map(|name| Some((name, name.strip_prefix(&folder)?)));
    let mut last = 0;
    let mut count = 0;
    for (name, file) in names {
        let version = root_version(file).ok_or_else(|| KitError::Extra { entry: name.clone() })?;
        last = last.max(version);
        count += 1;
    }
    within("roots of the kit", count.max(last), context.limits.root_hops_max)?;
    Ok(last)
}

/// One step: the new root is signed by the thresholds of the old one and of its own.
fn step(chain: &mut Chain, document: &Document<'_, Root>) -> Result<(), KitError> {
    let new = document.signed();
    // Signatures of the respective other root's keys are the normal case here, not an oddity.
    for root in [&chain.root, new] {
        document.check_signatures(&authority(&document.file, root, "root")?, &mut Vec::new())?;
    }
    chain.set.update_root(document.bytes).map_err(|error| refused("root", &document.file, &error))?;
    for role in ROLES {
        let keys = |root: &Root| root.role(role).map(|role| role.keyids.clone()).unwrap_or_default();
        let kept = keys(new);
        if keys(&chain.root).iter().any(|key| !kept.contains(key)) {
            chain.revoked.insert(role.to_owned());
        }
    }
    chain.root = new.clone();
    chain.bytes = document.bytes.to_vec();
    chain.seen = Floor { version: document.version(), sha256: document.digest };
    Ok(())
}

fn check_roles(file: &str, root: &Root, limits: &Limits) -> Result<(), KitError> {
    within(format!("{file}, keys"), root.keys.len() as u64, limits.keys_max as u64)?;
    if !root.consistent_snapshot {
        return Err(KitError::schema(file, "consistent_snapshot is not true"));
    }
    if !root.roles.keys().map(String::as_str).eq(ROLES) {
        return Err(KitError::schema(file, "the roles are not root, snapshot, targets and timestamp"));
    }
    ROLES.iter().try_for_each(|role| authority(file, root, role).map(drop))
}

/// The keys that `root` names for a top-level role.
pub(crate) fn authority(file: &str, root: &Root, role: &str) -> Result<Authority, KitError> {
    match root.role(role) {
        Some(keys) => Authority::new(role, file, &root.keys, keys),
        None => Err(KitError::schema(file, format!("there is no role {role}"))),
    }
}
