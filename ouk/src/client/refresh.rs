//! The TUF client workflow (TUF 5.3 to 5.6): roots, timestamp, snapshot, targets.

use std::collections::BTreeMap;

use domain::digest::Digest;
use domain::time::Timestamp;
use sigstore_tuf::{MetaFile, Metadata, Role, Root, Snapshot, Targets, TrustedMetadataSet};

use super::record::Record;
use super::target::{Repository, matches};
use super::{ClientLimits, Fetch, Remember, Session, check_keys, name};
use crate::document::refused;
use crate::error::{KitError, within};
use crate::verify::{Floor, jiff};

const ROOT_FILE: &str = "root.json";
const TIMESTAMP_FILE: &str = "timestamp.json";
const ROLES: [&str; 4] = ["root", "timestamp", "snapshot", "targets"];
/// Before every expiry: what was accepted once is a floor even when it has expired since.
const BEFORE_ALL: jiff::Timestamp = jiff::Timestamp::MIN;

/// Pins a root. Whether it is the right one is for the operator to know. It is refused where
/// a record exists already: an attacker who can repeat the first use needs no other attack.
pub fn init(root: &[u8], memory: &mut dyn Remember, limits: &ClientLimits) -> Result<(), KitError> {
    if Record::exists(memory, limits) {
        return Err(KitError::State("a root was pinned here before".to_owned()));
    }
    within(ROOT_FILE, root.len() as u64, limits.root_bytes_max)?;
    let set = TrustedMetadataSet::from_root(root).map_err(|error| refused("root", ROOT_FILE, &error))?;
    check_keys(ROOT_FILE, &set.root().keys)?;
    let floor = floor_of::<Root>("root", ROOT_FILE, root)?;
    within("root, version", floor.version, limits.version_max)?;
    let mut record = Record::default();
    record.floors.roles.insert("root".to_owned(), floor);
    // The root first: a record without its root would be a damaged memory, this is none yet.
    memory.save(ROOT_FILE, root).map_err(KitError::Io)?;
    record.save(memory)
}

/// Brings the metadata up to date. What is accepted on the way is kept even when a later step
/// fails, as TUF demands.
pub fn refresh<'a>(
    fetch: &'a mut dyn Fetch,
    memory: &'a mut dyn Remember,
    now: Timestamp,
    limits: &ClientLimits,
) -> Result<Repository<'a>, KitError> {
    let record = Record::load(memory, limits)?;
    let trusted = remembered_root(memory, &record, limits)?;
    let mut session = Session { fetch, memory, trusted, record, limits: limits.clone(), now, warnings: Vec::new() };
    session.roots()?;
    let cached = session.seed();
    session.timestamp()?;
    session.snapshot(cached.snapshot.as_deref())?;
    session.targets(cached.targets.as_deref())?;
    Ok(Repository::assertion(session))
}

fn remembered_root(
    memory: &mut dyn Remember,
    record: &Record,
    limits: &ClientLimits,
) -> Result<TrustedMetadataSet, KitError> {
    let damaged = |reason: String| KitError::State(format!("the remembered root {reason}"));
    let bytes = memory.load(ROOT_FILE, limits.root_bytes_max).map_err(|e| damaged(format!("is unreadable: {e}")))?;
    let bytes = bytes.ok_or_else(|| damaged("is missing".to_owned()))?;
    let floor = floor_of::<Root>("root", ROOT_FILE, &bytes).map_err(|error| damaged(error.to_string()))?;
    match record.floors.roles.get("root") {
        // An older one is what a crash between record and file leaves: the walk makes it good.
        Some(known) if floor.version < known.version || floor == *known => {}
        _ => return Err(damaged("is not the one that was accepted".to_owned())),
    }
    TrustedMetadataSet::from_root(&bytes).map_err(|e| damaged(refused("root", ROOT_FILE, &e).to_string()))
}

/// Accepted files of an earlier refresh that still verify.
#[derive(Default)]
struct Cached {
    snapshot: Option<Vec<u8>>,
    targets: Option<Vec<u8>>,
}

impl Session<'_> {
    /// TUF 5.3: one root after the other, each signed by the one before and by itself.
    fn roots(&mut self) -> Result<(), KitError> {
        let first = self.trusted.root().version;
        for hop in 1.. {
            let version = first + hop;
            let name = format!("{version}.root.json");
            let Some(bytes) = self.metadata(&name, self.limits.root_bytes_max)? else { break };
            within("new roots in one refresh", hop, self.limits.root_hops_max)?;
            self.root(&name, version, &bytes)?;
        }
        let (found, floor) = (self.trusted.root().version, self.record.floors.roles.get("root"));
        if let Some(floor) = floor.filter(|floor| found < floor.version) {
            return Err(KitError::RootOld { found, trusted: floor.version });
        }
        self.trusted.check_root_expired(jiff(self.now)).map_err(|error| self.refused("root", ROOT_FILE, &error))
    }

    fn root(&mut self, name: &str, version: u64, bytes: &[u8]) -> Result<(), KitError> {
        let before = self.trusted.root().clone();
        self.trusted.update_root(bytes).map_err(|error| self.refused("root", name, &error))?;
        check_keys(name, &self.trusted.root().keys)?;
        let found = floor_of::<Root>("root", name, bytes)?;
        let known = self.record.floors.roles.get("root").copied();
        if known.is_none_or(|known| version > known.version) {
            for role in ROLES {
                if role != "root" && lost_a_key(&before, self.trusted.root(), role) {
                    self.record.forget(role);
                }
            }
            return self.accept("root", found, bytes);
        }
        // Walked before a crash: the record knows it, or its end.
        if known.is_some_and(|known| version == known.version && known != found) {
            return Err(KitError::Equivocation { role: "root".to_owned(), version });
        }
        self.memory.save(ROOT_FILE, bytes).map_err(KitError::Io)
    }

    /// Loads what was accepted before, so that the library compares with it. A file that is
    /// gone, damaged or signed by retired keys only costs a fetch: the floors hold without it.
    fn seed(&mut self) -> Cached {
        let mut cached = Cached::default();
        let limits = self.limits.clone();
        let Some(bytes) = self.cached::<sigstore_tuf::Timestamp>("timestamp", limits.timestamp_bytes_max) else {
            return cached;
        };
        if self.trusted.update_timestamp(&bytes, BEFORE_ALL).is_err() {
            return cached;
        }
        let snapshot = self.cached::<Snapshot>("snapshot", limits.snapshot_bytes_max);
        cached.snapshot = snapshot.filter(|bytes| self.trusted.update_snapshot(bytes, BEFORE_ALL).is_ok());
        if cached.snapshot.is_some() {
            let targets = self.cached::<Targets>("targets", limits.targets_bytes_max);
            cached.targets = targets.filter(|bytes| self.trusted.update_targets(bytes, BEFORE_ALL).is_ok());
        }
        cached
    }

    fn cached<T: Role>(&mut self, role: &str, length_max: u64) -> Option<Vec<u8>> {
        let bytes = self.memory.load(&name::file(role), length_max).ok().flatten()?;
        let floor = floor_of::<T>(role, role, &bytes).ok()?;
        // Below the floor lies what a crash left: using it would be a rollback of our own.
        self.record.floors.check(role, floor).ok()?;
        Some(bytes)
    }

    /// TUF 5.4.
    fn timestamp(&mut self) -> Result<(), KitError> {
        const ROLE: &str = "timestamp";
        let bytes = self.metadata(TIMESTAMP_FILE, self.limits.timestamp_bytes_max)?;
        let bytes = bytes.ok_or_else(|| missing(TIMESTAMP_FILE))?;
        match self.trusted.update_timestamp(&bytes, jiff(self.now)) {
            Ok(()) => {}
            // Nothing new. TUF 5.4.3 keeps what it has, and so do we; other content under an old
            // version is still worth telling.
            Err(sigstore_tuf::Error::EqualVersion { version, .. }) => {
                let found = floor_of::<sigstore_tuf::Timestamp>(ROLE, TIMESTAMP_FILE, &bytes)?;
                if self.record.floors.check(ROLE, found).is_err() {
                    self.warnings.push(format!("the repository serves another timestamp as version {version}"));
                }
                return self.expiry(ROLE, self.trusted.check_timestamp_expired(jiff(self.now)));
            }
            Err(error) => return Err(self.refused(ROLE, TIMESTAMP_FILE, &error)),
        }
        let found = floor_of::<sigstore_tuf::Timestamp>(ROLE, TIMESTAMP_FILE, &bytes)?;
        self.record.floors.check(ROLE, found)?;
        let snapshot = self.snapshot_pin()?.version;
        if let Some(floor) = self.record.floors.roles.get("snapshot").filter(|floor| snapshot < floor.version) {
            return Err(KitError::Rollback { role: "snapshot".to_owned(), found: snapshot, floor: floor.version });
        }
        self.accept(ROLE, found, &bytes)
    }

    /// TUF 5.5.
    fn snapshot(&mut self, cached: Option<&[u8]>) -> Result<(), KitError> {
        const ROLE: &str = "snapshot";
        let pin = self.snapshot_pin()?;
        let known = self.trusted.snapshot().map(|snapshot| snapshot.version);
        if known == Some(pin.version) && cached.is_some_and(|bytes| fits(bytes, &pin)) {
            return self.expiry(ROLE, self.trusted.check_snapshot_expired(jiff(self.now)));
        }
        let (name, bytes) = self.versioned(ROLE, pin.version, self.limits.snapshot_bytes_max)?;
        self.trusted.update_snapshot(&bytes, jiff(self.now)).map_err(|error| self.refused(ROLE, &name, &error))?;
        let found = floor_of::<Snapshot>(ROLE, &name, &bytes)?;
        self.record.floors.check(ROLE, found)?;
        let listed = self.listed();
        for (role, &floor) in &self.record.listed {
            match listed.get(role) {
                None => return Err(KitError::Removed { role: role.clone() }),
                Some(&found) if found < floor => {
                    return Err(KitError::Rollback { role: role.clone(), found, floor });
                }
                Some(_) => {}
            }
        }
        self.record.listed = listed;
        self.accept(ROLE, found, &bytes)
    }

    /// TUF 5.6.
    fn targets(&mut self, cached: Option<&[u8]>) -> Result<(), KitError> {
        const ROLE: &str = "targets";
        let pin = self.targets_pin(ROLE)?;
        let known = self.trusted.targets_role(ROLE);
        let known = known.filter(|targets| targets.version == pin.version && !targets.is_expired(jiff(self.now)));
        if known.is_some() && cached.is_some_and(|bytes| fits(bytes, &pin)) {
            return Ok(());
        }
        let (name, bytes) = self.versioned(ROLE, pin.version, self.limits.targets_bytes_max)?;
        let update = self.trusted.update_targets(&bytes, jiff(self.now)).map(drop);
        update.map_err(|error| self.refused(ROLE, &name, &error))?;
        self.accept_targets(ROLE, &name, &bytes)
    }

    /// Floors and keys of targets metadata that the library has just accepted.
    pub(super) fn accept_targets(&mut self, role: &str, name: &str, bytes: &[u8]) -> Result<(), KitError> {
        let delegations = self.trusted.targets_role(role).and_then(|targets| targets.delegations.as_ref());
        check_keys(name, delegations.iter().flat_map(|delegations| &delegations.keys))?;
        let found = floor_of::<Targets>(role, name, bytes)?;
        self.record.floors.check(role, found)?;
        self.accept(role, found, bytes)
    }

    /// The file of a role: with its version in the name under consistent snapshots.
    pub(super) fn versioned(&mut self, role: &str, version: u64, max: u64) -> Result<(String, Vec<u8>), KitError> {
        let file = name::file(role);
        let name = if self.trusted.root().consistent_snapshot { format!("{version}.{file}") } else { file };
        let bytes = self.metadata(&name, max)?.ok_or_else(|| missing(&name))?;
        Ok((name, bytes))
    }

    pub(super) fn targets_pin(&self, role: &str) -> Result<MetaFile, KitError> {
        let pin = self.trusted.snapshot().and_then(|snapshot| snapshot.meta.get(&format!("{role}.json")));
        pin.cloned().ok_or_else(|| KitError::delegation(role, "is not listed by the snapshot"))
    }

    fn snapshot_pin(&self) -> Result<MetaFile, KitError> {
        let pin = self.trusted.timestamp().and_then(|timestamp| timestamp.snapshot_meta());
        pin.cloned().ok_or_else(|| KitError::schema(TIMESTAMP_FILE, "it does not pin snapshot.json"))
    }

    fn listed(&self) -> BTreeMap<String, u64> {
        let meta = self.trusted.snapshot().into_iter().flat_map(|snapshot| &snapshot.meta);
        meta.filter_map(|(file, pin)| Some((file.strip_suffix(".json")?.to_owned(), pin.version))).collect()
    }

    fn expiry(&self, role: &str, checked: sigstore_tuf::Result<()>) -> Result<(), KitError> {
        checked.map_err(|error| self.refused(role, role, &error))
    }
}

fn missing(file: &str) -> KitError {
    KitError::Incomplete { first: file.to_owned(), count: 1 }
}

fn fits(bytes: &[u8], pin: &MetaFile) -> bool {
    let length = pin.length.is_none_or(|length| length == bytes.len() as u64);
    length && pin.hashes.as_ref().is_none_or(|hashes| matches(bytes, hashes))
}

fn lost_a_key(before: &Root, after: &Root, role: &str) -> bool {
    let keys = |root: &Root| root.role(role).map(|role| role.keyids.clone()).unwrap_or_default();
    let kept = keys(after);
    keys(before).iter().any(|key| !kept.contains(key))
}

/// The version of a file, and the digest of its signed part.
fn floor_of<T: Role>(role: &str, file: &str, bytes: &[u8]) -> Result<Floor, KitError> {
    let metadata = Metadata::<T>::from_slice(bytes).map_err(|error| refused(role, file, &error))?;
    Ok(Floor { version: metadata.signed().version(), sha256: Digest::of(metadata.signed_canonical()) })
}
