//! Root documents: the first one and its successors.

use std::collections::BTreeMap;

use domain::time::Timestamp;
use serde_json::{Map, Value, json};

use super::{KeyError, KeyPair, PublicKey, Role, envelope};
use crate::error::KitError;
use crate::limits::Limits;
use crate::verify::check_root;

/// The keys and thresholds of the four top-level roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootRoles {
    pub roles: BTreeMap<Role, (Vec<PublicKey>, usize)>,
}

impl RootRoles {
    /// Reads them off a root, to change some and sign the next one.
    pub fn of(root: &[u8]) -> Result<Self, KeyError> {
        let refuse = |reason: &str| KeyError::File { file: "the root".to_owned(), reason: reason.to_owned() };
        let root: Value = serde_json::from_slice(root).map_err(|error| refuse(&error.to_string()))?;
        let signed = &root["signed"];
        let mut roles = BTreeMap::new();
        for role in Role::TOP_LEVEL {
            let entry = &signed["roles"][role.as_str()];
            let keys = entry["keyids"].as_array().into_iter().flatten().map(|id| {
                let key = id.as_str().map(|id| &signed["keys"][id]).and_then(PublicKey::from_value);
                key.ok_or_else(|| refuse("a key that is not Ed25519"))
            });
            let keys = keys.collect::<Result<Vec<_>, _>>()?;
            let threshold = entry["threshold"].as_u64().and_then(|threshold| usize::try_from(threshold).ok());
            roles.insert(role, (keys, threshold.ok_or_else(|| refuse("a role without a threshold"))?));
        }
        Ok(Self { roles })
    }

    /// The signed part of a root with these roles.
    pub(crate) fn to_signed(&self, version: u64, expires: Timestamp) -> Value {
        let mut keys = Map::new();
        let mut roles = Map::new();
        for (role, (public, threshold)) in &self.roles {
            let mut ids: Vec<&str> = public.iter().map(PublicKey::id).collect();
            ids.sort_unstable();
            roles.insert(role.as_str().to_owned(), json!({ "keyids": ids, "threshold": threshold }));
            keys.extend(public.iter().map(|key| (key.id().to_owned(), key.to_value())));
        }
        json!({
            "_type": "root",
            "consistent_snapshot": true,
            "expires": expires,
            "keys": keys,
            "roles": roles,
            "spec_version": "1.0.34",
            "version": version,
        })
    }
}

/// The order for the next root.
pub struct NextRoot<'a> {
    /// The present root document.
    pub current: &'a [u8],
    pub roles: RootRoles,
    pub expires: Timestamp,
    /// Root keys of the present and of the next root.
    pub signers: &'a [KeyPair],
}

/// Signs root N+1. It holds the thresholds of N and of N+1, or it is not made.
pub fn sign_next_root(next: &NextRoot<'_>) -> Result<Vec<u8>, KeyError> {
    let refuse = |error: KitError| KeyError::File { file: "the present root".to_owned(), reason: error.to_string() };
    let limits = Limits::default();
    let present = check_root(next.current, &limits).map_err(refuse)?;
    let old = RootRoles::of(next.current)?;
    let mut signers: Vec<&KeyPair> = Vec::new();
    for roles in [&old, &next.roles] {
        let Some((keys, threshold)) = roles.roles.get(&Role::Root) else {
            return Err(KeyError::Role { role: Role::Root, reason: "it has no keys" });
        };
        let able: Vec<&KeyPair> = next.signers.iter().filter(|signer| keys.contains(signer.public())).collect();
        if able.len() < *threshold {
            return Err(KeyError::TooFew { role: Role::Root, needed: *threshold, found: able.len() });
        }
        signers.extend(able);
    }
    let root = envelope(&next.roles.to_signed(present.version + 1, next.expires), &signers);
    check_root(&root, &limits).map_err(|e| KeyError::File { file: "the next root".into(), reason: e.to_string() })?;
    Ok(root)
}
