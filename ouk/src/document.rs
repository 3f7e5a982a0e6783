//! One signed metadata file, and whether its role's keys signed it.
//!
//! Two verifiers must agree. `sigstore-tuf` runs the TUF state machine; before it, this
//! file holds the same bytes against rules that are narrower than TUF's: the file is its
//! own canonical encoding, a key id is the digest of its key, only Ed25519 counts, a
//! small-order key is refused and `verify_strict` decides. So a second JSON reading, one key
//! under two names or a malleated signature never reaches a decision.

use std::collections::{BTreeMap, BTreeSet};

use domain::digest::Digest;
use domain::time::Timestamp;
use ed25519_dalek::{Signature, VerifyingKey};
use serde_json::Value;
use sigstore_tuf::canonical_json::to_canonical_bytes;
use sigstore_tuf::{Key, Metadata, Role, RoleKeys};

use crate::error::{KitError, shown, within};
use crate::limits::Limits;

/// A parsed metadata file. Its signatures are not checked yet.
pub(crate) struct Document<'a, T> {
    pub(crate) file: String,
    pub(crate) bytes: &'a [u8],
    pub(crate) expires: Timestamp,
    /// The digest of the signed part: signatures may be added without changing it.
    pub(crate) digest: Digest,
    metadata: Metadata<T>,
}

impl<'a, T: Role> Document<'a, T> {
    pub(crate) fn parse(file: &str, bytes: &'a [u8], limits: &Limits) -> Result<Self, KitError> {
        let json = |reason: String| KitError::Json { file: file.to_owned(), reason };
        within(file, bytes.len() as u64, limits.metadata_file_bytes_max)?;
        let value: Value = serde_json::from_slice(bytes).map_err(|error| json(error.to_string()))?;
        let canonical = to_canonical_bytes(&value).map_err(|error| json(error.to_string()))?;
        if canonical != bytes {
            return Err(json("the bytes are not the canonical encoding of their content".to_owned()));
        }
        check_envelope(file, &value, limits)?;
        let expires = value["signed"]["expires"].as_str().unwrap_or_default();
        let expires = Timestamp::parse_strict(expires).map_err(|error| KitError::schema(file, error))?;
        let metadata = Metadata::<T>::from_slice(bytes).map_err(|error| schema(file, &error))?;
        let version = metadata.signed().version();
        if version == 0 {
            return Err(KitError::schema(file, "the version is 0"));
        }
        within(format!("{file}, version"), version, limits.version_max)?;
        let digest = Digest::of(metadata.signed_canonical());
        Ok(Self { file: file.to_owned(), bytes, expires, digest, metadata })
    }

    pub(crate) fn signed(&self) -> &T {
        self.metadata.signed()
    }

    pub(crate) fn version(&self) -> u64 {
        self.signed().version()
    }

    /// TUF: the expiry must lie after the fixed time of the update.
    pub(crate) fn check_expiry(&self, role: &str, now: Timestamp) -> Result<(), KitError> {
        if self.expires > now {
            return Ok(());
        }
        Err(KitError::Expired { role: role.to_owned(), expires: self.expires, now })
    }

    /// Counts valid signatures of distinct keys. Signatures that prove nothing are
    /// reported in `warnings`, since TUF allows them.
    pub(crate) fn check_signatures(&self, authority: &Authority, warnings: &mut Vec<String>) -> Result<(), KitError> {
        let role = &authority.role;
        let mut seen = BTreeSet::new();
        let mut valid = 0;
        let mut uncounted = false;
        for signature in self.metadata.signatures() {
            let id = signature.keyid.as_str();
            let Some(key) = authority.keys.get(id) else {
                warnings.push(format!("{}: key {} does not belong to the role", self.file, shown(id.as_bytes())));
                continue;
            };
            if !seen.insert(id) {
                return Err(KitError::RepeatedSignature { role: role.clone(), key: shown(id.as_bytes()) });
            }
            match key {
                Some(key) if verifies(key, self.metadata.signed_canonical(), &signature.sig) => valid += 1,
                Some(_) => warnings.push(format!("{}: the signature of key {id} is invalid", self.file)),
                None => uncounted = true,
            }
        }
        match valid {
            valid if valid >= authority.threshold => Ok(()),
            _ if uncounted => Err(KitError::Algorithm {
                file: self.file.clone(),
                key: role.clone(),
                reason: "is needed for the threshold, and its scheme is not Ed25519".to_owned(),
            }),
            0 => Err(KitError::Signature { role: role.clone(), hint: "" }),
            found => Err(KitError::Threshold { role: role.clone(), found, threshold: authority.threshold }),
        }
    }
}

/// The keys that may sign for a role, and how many of them must.
pub(crate) struct Authority {
    role: String,
    threshold: usize,
    /// `None` for a key of a scheme that does not count.
    keys: BTreeMap<String, Option<VerifyingKey>>,
}

impl Authority {
    pub(crate) fn new(
        role: &str,
        file: &str,
        keys: &BTreeMap<String, Key>,
        role_keys: &RoleKeys,
    ) -> Result<Self, KitError> {
        let refuse = |reason: &str| Err(KitError::schema(file, format!("role {}: {reason}", shown(role.as_bytes()))));
        let mut found = BTreeMap::new();
        for id in &role_keys.keyids {
            let Some(key) = keys.get(id) else {
                return refuse("a key id without its key");
            };
            if found.insert(id.clone(), strict_key(file, id, key)?).is_some() {
                return refuse("a key is listed twice");
            }
        }
        match role_keys.threshold {
            0 => refuse("the threshold is 0"),
            threshold if threshold > found.len() => refuse("the threshold is over the number of keys"),
            threshold => Ok(Self { role: role.to_owned(), threshold, keys: found }),
        }
    }
}

fn check_envelope(file: &str, value: &Value, limits: &Limits) -> Result<(), KitError> {
    let names: Vec<&str> = value.as_object().into_iter().flat_map(|object| object.keys().map(String::as_str)).collect();
    if names != ["signatures", "signed"] {
        return Err(KitError::schema(file, "not an object of exactly `signatures` and `signed`"));
    }
    let signatures = value["signatures"].as_array().map_or(0, Vec::len);
    within(format!("{file}, signatures"), signatures as u64, limits.signatures_max as u64)
}

/// Reads a key, or `None` when its scheme is one that does not count here.
fn strict_key(file: &str, id: &str, key: &Key) -> Result<Option<VerifyingKey>, KitError> {
    let refuse = |reason: &str| {
        Err(KitError::Algorithm { file: file.to_owned(), key: shown(id.as_bytes()), reason: reason.to_owned() })
    };
    if key.key_id().ok().as_deref() != Some(id) {
        return Err(KitError::schema(file, format!("the id of key {} is not its digest", shown(id.as_bytes()))));
    }
    match (key.keytype.as_str(), key.scheme.as_str()) {
        ("ed25519", "ed25519") => {}
        ("ed25519", _) | (_, "ed25519") => return refuse("mixes Ed25519 with another scheme"),
        _ => return Ok(None),
    }
    match hex::<32>(&key.keyval.public).filter(is_canonical).map(|bytes| VerifyingKey::from_bytes(&bytes)) {
        Some(Ok(key)) if !key.is_weak() => Ok(Some(key)),
        Some(Ok(_)) => refuse("is of small order: anyone could sign with it"),
        _ => refuse("is not 64 lower-case hexadecimal digits of an Ed25519 point"),
    }
}

/// Is the y coordinate below the field's prime 2^255 - 19? Otherwise one point has two spellings.
pub(crate) fn is_canonical(bytes: &[u8; 32]) -> bool {
    let [first, middle @ .., last] = bytes;
    *first < 0xed || last & 0x7f != 0x7f || middle.iter().any(|&byte| byte != 0xff)
}

fn verifies(key: &VerifyingKey, message: &[u8], signature: &str) -> bool {
    hex::<64>(signature).is_some_and(|bytes| key.verify_strict(message, &Signature::from_bytes(&bytes)).is_ok())
}

/// Exactly `2 N` lower-case hexadecimal digits.
pub(crate) fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = pair.iter().try_fold(0, |value: u8, digit| match digit {
            b'0'..=b'9' => Some(value << 4 | (digit - b'0')),
            b'a'..=b'f' => Some(value << 4 | (digit - b'a' + 10)),
            _ => None,
        })?;
    }
    Some(bytes)
}

/// A refusal of `sigstore-tuf` in our words.
pub(crate) fn refused(role: &str, file: &str, error: &sigstore_tuf::Error) -> KitError {
    use sigstore_tuf::Error;
    match error {
        Error::ThresholdNotMet { found, threshold, .. } => {
            KitError::Threshold { role: role.to_owned(), found: *found, threshold: *threshold }
        }
        Error::DuplicateSignature { key_id, .. } => {
            KitError::RepeatedSignature { role: role.to_owned(), key: shown(key_id.as_bytes()) }
        }
        Error::Rollback { trusted, new, .. } => {
            KitError::Rollback { role: role.to_owned(), found: *new, floor: *trusted }
        }
        Error::IntegrityMismatch(reason) => KitError::Mix { file: file.to_owned(), reason: shown(reason.as_bytes()) },
        _ => schema(file, error),
    }
}

fn schema(file: &str, error: &sigstore_tuf::Error) -> KitError {
    let mut reason = error.to_string();
    if let Some(source) = std::error::Error::source(error) {
        reason = format!("{reason}: {source}");
    }
    KitError::schema(file, shown(reason.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_canonical_points_are_keys() {
        let mut prime = [0xff; 32];
        prime[0] = 0xed;
        prime[31] = 0x7f;
        assert!(!is_canonical(&prime));
        prime[31] = 0xff;
        assert!(!is_canonical(&prime));
        prime[0] = 0xec;
        assert!(is_canonical(&prime));
        prime[0] = 0xff;
        prime[7] = 0;
        assert!(is_canonical(&prime));
    }

    #[test]
    fn hexadecimal_has_one_spelling() {
        assert_eq!(hex::<2>("00ff"), Some([0, 255]));
        for text in ["00FF", "0ff", "000ff", "0x00", "zz00", ""] {
            assert_eq!(hex::<2>(text), None, "{text}");
        }
    }
}
