//! `revocations.json`: what the vendor withdrew. Signed by the targets role.
//!
//! A list replaces the one before, so the serial may not go back: an old list would revive
//! what was withdrawn since. That the list is signed is checked before it comes here; here
//! it is held to its one spelling.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::digest::Digest;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::TokenLimits;
use super::error::{TokenError, within};
use super::json::is_word;
use crate::error::shown;
use crate::keys::canonical;

const SCHEMA: u32 = 1;

/// The list as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    schema: u32,
    serial: u64,
    issued_at: Timestamp,
    #[serde(default)]
    blobs: BTreeSet<Digest>,
    /// Metadata digests.
    #[serde(default)]
    kits: BTreeSet<Digest>,
    #[serde(default)]
    kit_versions: BTreeSet<u64>,
    #[serde(default)]
    jti: BTreeSet<String>,
    #[serde(default)]
    kid: BTreeSet<String>,
    /// Public keys as in the second line of `minisign.pub`: a minisign key id can be chosen freely.
    #[serde(default)]
    minisign_keys: BTreeSet<String>,
}

/// What is withdrawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocations {
    list: List,
}

impl Revocations {
    /// Nothing is withdrawn: what holds at a site that has not got a list yet.
    pub fn none() -> Self {
        let list = List {
            schema: SCHEMA,
            serial: 0,
            issued_at: Timestamp::UNIX_EPOCH,
            blobs: BTreeSet::new(),
            kits: BTreeSet::new(),
            kit_versions: BTreeSet::new(),
            jti: BTreeSet::new(),
            kid: BTreeSet::new(),
            minisign_keys: BTreeSet::new(),
        };
        Self { list }
    }

    /// Reads the list of a kit.
    pub fn parse(bytes: &[u8], limits: &TokenLimits) -> Result<Self, TokenError> {
        let revocations = Self::from_draft(bytes, limits)?;
        if revocations.to_json() != bytes {
            let reason = "the bytes are not the canonical encoding of their content".to_owned();
            return Err(TokenError::Revocations(reason));
        }
        Ok(revocations)
    }

    /// Reads a list that a person wrote: in any order, on many lines, empty parts left out.
    /// For the vendor's side, before it is signed; what a kit carries is [`Self::to_json`].
    pub fn from_draft(bytes: &[u8], limits: &TokenLimits) -> Result<Self, TokenError> {
        let refuse = |reason: String| Err(TokenError::Revocations(reason));
        within("bytes of the revocation list", bytes.len(), limits.revocations_bytes_max)?;
        let start = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
        // The derived reader would take a list of the values for an object.
        if start != Some(&b'{') {
            return refuse("not an object".to_owned());
        }
        let list: List =
            serde_json::from_slice(bytes).map_err(|e| TokenError::Revocations(shown(e.to_string().as_bytes())))?;
        if list.schema != SCHEMA {
            return refuse(format!("schema {} is not {SCHEMA}", list.schema));
        }
        if list.serial == 0 || list.serial > limits.revocations_serial_max {
            return refuse(format!("the serial {} is not in range", list.serial));
        }
        for (name, ids) in [("jti", &list.jti), ("kid", &list.kid)] {
            if let Some(id) = ids.iter().find(|id| !is_word(id, b"._-", 64)) {
                return refuse(format!("{name} {} cannot be one", shown(id.as_bytes())));
            }
        }
        if let Some(key) = list.minisign_keys.iter().find(|key| !is_minisign_key(key)) {
            return refuse(format!("{} is not a minisign public key", shown(key.as_bytes())));
        }
        Ok(Self { list })
    }

    /// The canonical bytes.
    pub fn to_json(&self) -> Vec<u8> {
        let value: Value = serde_json::to_value(&self.list).expect("a list has a JSON form");
        canonical(&value)
    }

    /// May this list replace the previous one? A kit without a list replaces nothing: the
    /// previous list stays in force.
    pub fn check_successor(&self, previous: &Self) -> Result<(), TokenError> {
        let (serial, floor) = (self.serial(), previous.serial());
        if serial < floor {
            return Err(TokenError::RevocationsRollback { found: serial, floor });
        }
        if serial == floor && self != previous {
            let [found, known] = [self, previous].map(|list| Digest::of(&list.to_json()));
            return Err(TokenError::RevocationsEquivocation { serial, found, known });
        }
        Ok(())
    }

    pub fn serial(&self) -> u64 {
        self.list.serial
    }

    pub fn issued_at(&self) -> Timestamp {
        self.list.issued_at
    }

    pub fn withdraws_blob(&self, blob: &Digest) -> bool {
        self.list.blobs.contains(blob)
    }

    /// By metadata digest or by version.
    pub fn withdraws_kit(&self, metadata_digest: &Digest, version: u64) -> bool {
        self.list.kits.contains(metadata_digest) || self.list.kit_versions.contains(&version)
    }

    /// `key` is the second line of `minisign.pub`.
    pub fn withdraws_minisign_key(&self, key: &str) -> bool {
        self.list.minisign_keys.contains(key.trim())
    }

    pub fn check_jti(&self, jti: &str) -> Result<(), TokenError> {
        self.check("token", jti, self.list.jti.contains(jti))
    }

    pub fn check_kid(&self, kid: &str) -> Result<(), TokenError> {
        self.check("key", kid, self.list.kid.contains(kid))
    }

    /// The kit that carried a token. A withdrawn kit entitles nobody: the kit that says so
    /// carries the tokens anew.
    pub fn check_kit(&self, metadata_digest: &Digest) -> Result<(), TokenError> {
        self.check("kit", &metadata_digest.to_string(), self.list.kits.contains(metadata_digest))
    }

    fn check(&self, what: &'static str, id: &str, revoked: bool) -> Result<(), TokenError> {
        if revoked { Err(TokenError::Revoked { what, id: id.to_owned() }) } else { Ok(()) }
    }
}

/// `Ed`, key id and public key: 42 bytes in base64.
fn is_minisign_key(text: &str) -> bool {
    STANDARD.decode(text).is_ok_and(|bytes| bytes.len() == 42 && bytes.starts_with(b"Ed"))
}
