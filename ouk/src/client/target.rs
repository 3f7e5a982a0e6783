//! Finding a target through the delegations, and taking its content in (TUF 5.6.7, 5.7).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{Read, Write};

use sha2::{Digest as _, Sha256, Sha512};
use sigstore_tuf::Targets;

use super::{Place, Session, name};
use crate::error::{KitError, shown, within};
use crate::verify::jiff;

const COPY_BYTES: usize = 64 << 10;

/// A repository whose metadata is fresh and verified. Only `refresh` makes one.
pub struct Repository<'a> {
    session: Session<'a>,
}

/// A target that verified metadata names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    path: String,
    length: u64,
    hashes: BTreeMap<String, String>,
    custom: Option<serde_json::Value>,
}

impl Target {
    pub fn path(&self) -> &str {
        &self.path
    }

    pub fn length(&self) -> u64 {
        self.length
    }

    /// Algorithm to digest, in hexadecimal.
    pub fn hashes(&self) -> &BTreeMap<String, String> {
        &self.hashes
    }

    /// What the repository's owner signed beside it.
    pub fn custom(&self) -> Option<&serde_json::Value> {
        self.custom.as_ref()
    }

    /// Is this content, of any origin, the target?
    pub fn is(&self, mut content: impl Read) -> std::io::Result<bool> {
        let mut hashes = Hashes::default();
        let mut buffer = vec![0; COPY_BYTES];
        let mut length = 0_u64;
        loop {
            let read = content.read(&mut buffer)?;
            if read == 0 {
                return Ok(length == self.length && hashes.match_all(&self.hashes));
            }
            length += read as u64;
            if length > self.length {
                return Ok(false);
            }
            hashes.update(&buffer[..read]);
        }
    }
}

impl<'a> Repository<'a> {
    pub(super) fn assertion(session: Session<'a>) -> Self {
        Self { session }
    }

    /// Oddities that TUF allows and somebody should look at.
    pub fn warnings(&self) -> &[String] {
        &self.session.warnings
    }

    /// The top-level targets.
    pub fn paths(&self) -> impl Iterator<Item = &String> {
        self.session.trusted.targets_role("targets").into_iter().flat_map(|targets| targets.targets.keys())
    }

    /// The first role in pre-order that lists the path decides.
    pub fn target(&mut self, path: &str) -> Result<Target, KitError> {
        let mut queue: VecDeque<(String, Option<String>)> = VecDeque::from([("targets".to_owned(), None)]);
        let mut visited = BTreeSet::new();
        while let Some((role, delegator)) = queue.pop_front() {
            if !visited.insert(role.clone()) {
                continue;
            }
            if visited.len() > self.session.limits.delegation_visits_max {
                break;
            }
            if let Some(delegator) = delegator
                && !self.session.load(&role, &delegator)?
            {
                continue;
            }
            let Some(targets) = self.session.trusted.targets_role(&role) else { continue };
            if let Some(found) = targets.target(path) {
                let (length, hashes) = (found.length, found.hashes.clone());
                return Ok(Target { path: path.to_owned(), length, hashes, custom: found.custom.clone() });
            }
            let (children, terminating) = children(&role, targets, path)?;
            if terminating {
                queue.clear();
            }
            for child in children.into_iter().rev() {
                queue.push_front((child, Some(role.clone())));
            }
        }
        Err(KitError::Incomplete { first: shown(path.as_bytes()), count: 1 })
    }

    /// Copies the content to `out`, and fails at its end if it is not the target. So `out`
    /// must be something that can still be thrown away.
    pub fn download(&mut self, target: &Target, out: &mut dyn Write) -> Result<(), KitError> {
        let shown_path = shown(target.path.as_bytes());
        within(&shown_path, target.length, self.session.limits.target_bytes_max)?;
        let name = self.content_name(target)?;
        let missing = || KitError::Incomplete { first: shown_path.clone(), count: 1 };
        let content = self.session.fetch.fetch(Place::Targets, &name, target.length).map_err(KitError::Io)?;
        let mut content = content.ok_or_else(missing)?.take(target.length + 1);
        let mut hashes = Hashes::default();
        let mut buffer = vec![0; COPY_BYTES];
        let mut length = 0;
        loop {
            let read = content.read(&mut buffer).map_err(KitError::Io)?;
            if read == 0 {
                break;
            }
            length += read as u64;
            within(&shown_path, length, target.length)?;
            hashes.update(&buffer[..read]);
            out.write_all(&buffer[..read]).map_err(KitError::Io)?;
        }
        if length != target.length || !hashes.match_all(&target.hashes) {
            let reason = "the content is not the one that is signed".to_owned();
            return Err(KitError::Mix { file: shown_path, reason });
        }
        Ok(())
    }

    fn content_name(&self, target: &Target) -> Result<String, KitError> {
        let path = &target.path;
        if !self.session.trusted.root().consistent_snapshot {
            return Ok(name::quote_path(path));
        }
        let digest = target.hashes.get("sha256").or_else(|| target.hashes.get("sha512"));
        let digest = digest.ok_or_else(|| KitError::schema(&shown(path.as_bytes()), "no digest that is known here"))?;
        Ok(name::quote_path(&name::consistent_path(path, digest)))
    }
}

impl Session<'_> {
    /// Verifies a delegated role under this delegator; false when the snapshot does not list it.
    fn load(&mut self, role: &str, delegator: &str) -> Result<bool, KitError> {
        let now = jiff(self.now);
        if self.trusted.targets_role(role).is_some() {
            // Loaded for another delegator, which may have asked for other keys.
            let verified = self.trusted.verify_delegated_targets(role, delegator, now).map(drop);
            return verified.map(|()| true).map_err(|error| self.refused(role, role, &error));
        }
        let Ok(pin) = self.targets_pin(role) else { return Ok(false) };
        let (file, bytes) = self.versioned(role, pin.version, self.limits.targets_bytes_max)?;
        let update = self.trusted.update_delegated_targets(&bytes, role, delegator, now).map(drop);
        update.map_err(|error| self.refused(role, &file, &error))?;
        self.accept_targets(role, &file, &bytes)?;
        Ok(true)
    }
}

/// The roles that are asked next for this path, and whether nobody else may be asked.
fn children(role: &str, targets: &Targets, path: &str) -> Result<(Vec<String>, bool), KitError> {
    let mut children = Vec::new();
    for child in targets.delegations.iter().flat_map(|delegations| &delegations.roles) {
        // It would share its file name with the top-level role.
        if matches!(child.name.as_str(), "root" | "timestamp" | "snapshot" | "targets") {
            continue;
        }
        if child.matches_path(path).map_err(|error| KitError::delegation(role, error))? {
            children.push(child.name.clone());
            if child.terminating {
                return Ok((children, true));
            }
        }
    }
    Ok((children, false))
}

/// Both digests that TUF repositories use.
#[derive(Default)]
struct Hashes {
    sha256: Sha256,
    sha512: Sha512,
}

impl Hashes {
    fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        self.sha512.update(bytes);
    }

    /// Every known digest is right, and there is one.
    fn match_all(self, signed: &BTreeMap<String, String>) -> bool {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let found = [("sha256", hex(&self.sha256.finalize())), ("sha512", hex(&self.sha512.finalize()))];
        let known: Vec<bool> = found
            .iter()
            .filter_map(|(algorithm, found)| Some(signed.get(*algorithm)?.eq_ignore_ascii_case(found)))
            .collect();
        !known.is_empty() && known.iter().all(|right| *right)
    }
}

pub(super) fn matches(bytes: &[u8], signed: &BTreeMap<String, String>) -> bool {
    let mut hashes = Hashes::default();
    hashes.update(bytes);
    hashes.match_all(signed)
}
