//! What a site remembers between kits, and what a new root makes of it.

use std::collections::BTreeMap;

use domain::digest::Digest;
use serde::{Deserialize, Serialize};

use super::roots::Chain;
use crate::error::KitError;

/// The remembered trust.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustState {
    /// The newest root that was accepted, or the one the site was pinned to.
    pub root: Vec<u8>,
    pub floors: Floors,
}

/// The lowest acceptable versions, by role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Floors {
    pub roles: BTreeMap<String, Floor>,
}

/// The highest version of a role that was accepted, and the digest of its signed part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Floor {
    pub version: u64,
    pub sha256: Digest,
}

impl Floors {
    /// A lower version is a rollback; the same version with other content is two kits
    /// that claim to be one.
    pub(crate) fn check(&self, role: &str, found: Floor) -> Result<(), KitError> {
        let Some(floor) = self.roles.get(role) else { return Ok(()) };
        if found.version < floor.version {
            return Err(KitError::Rollback { role: role.to_owned(), found: found.version, floor: floor.version });
        }
        if found.version == floor.version && found.sha256 != floor.sha256 {
            return Err(KitError::Equivocation { role: role.to_owned(), version: found.version });
        }
        Ok(())
    }

    /// Roles that only targets metadata can introduce.
    pub(crate) fn delegated(&self) -> impl Iterator<Item = &String> {
        self.roles.keys().filter(|role| !is_top_level(role))
    }
}

pub(crate) fn is_top_level(role: &str) -> bool {
    matches!(role, "root" | "timestamp" | "snapshot" | "targets")
}

/// The floors that hold under the chain's last root.
///
/// When a root takes a key away from a role, that role's floor falls: a thief may have
/// pushed its version up to lock the site out, and the new root is the vendor's word that
/// the old key counts no more (TUF 5.3.11). The floors of the other roles stay, so old data
/// does not come back by this door unless every role lost a key at once.
pub(crate) fn floors_after(trust: &TrustState, chain: &Chain) -> Floors {
    let mut floors = trust.floors.clone();
    for role in &chain.revoked {
        floors.roles.remove(role);
        if role == "targets" {
            floors.roles.retain(|role, _| is_top_level(role));
        }
    }
    floors
}
