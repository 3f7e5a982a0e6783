//! Key pairs, the roles they sign for, and the files they lie in.
//!
//! Keys are Ed25519. A private key is a PKCS#8 PEM file of RFC 8410, a public key the TUF key
//! object; a key's id is the SHA-256 of that object's canonical JSON. Randomness comes in
//! as an argument, so a ceremony can be replayed in a test.

mod ceremony;
mod root;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use domain::digest::Digest;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey, KeypairBytes};
use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};
use sigstore_tuf::canonical_json::to_canonical_bytes;

pub use ceremony::{Ceremony, CeremonyConfig, RoleConfig, ceremony};
pub use root::{NextRoot, RootRoles, sign_next_root};

/// A source of random bytes.
pub type Rng<'a> = dyn FnMut(&mut [u8]) + 'a;

/// Why a key or a set of keys is of no use.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("{file}: {reason}")]
    File { file: String, reason: String },
    #[error("the role {role} needs {needed} keys that sign, and has {found}")]
    TooFew { role: Role, needed: usize, found: usize },
    #[error("the role {role}: {reason}")]
    Role { role: Role, reason: &'static str },
    #[error("the minisign key: {0}")]
    Minisign(String),
}

/// A role that signs a part of a kit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    Root,
    Targets,
    Feeds,
    TrivyDb,
    Entitlements,
    Snapshot,
    Timestamp,
}

impl Role {
    pub const ALL: [Self; 7] =
        [Self::Root, Self::Targets, Self::Feeds, Self::TrivyDb, Self::Entitlements, Self::Snapshot, Self::Timestamp];
    /// The roles that the root names itself.
    pub const TOP_LEVEL: [Self; 4] = [Self::Root, Self::Targets, Self::Snapshot, Self::Timestamp];
    /// The roles that targets delegates to.
    pub const DELEGATED: [Self; 3] = [Self::Feeds, Self::TrivyDb, Self::Entitlements];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Targets => "targets",
            Self::Feeds => "feeds",
            Self::TrivyDb => "trivydb",
            Self::Entitlements => "entitlements",
            Self::Snapshot => "snapshot",
            Self::Timestamp => "timestamp",
        }
    }

    /// The folder of target paths that is delegated to the role.
    pub const fn folder(self) -> Option<&'static str> {
        match self {
            Self::Feeds => Some("feeds"),
            Self::TrivyDb => Some("trivy"),
            Self::Entitlements => Some("jwt"),
            _ => None,
        }
    }

    /// The role that signs for a target path.
    pub fn of_path(path: &str) -> Self {
        let folder = path.split_once('/').map(|(folder, _)| folder);
        Self::DELEGATED.into_iter().find(|role| role.folder() == folder).unwrap_or(Self::Targets)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(())
    }
}

/// A secret that is never printed, and is overwritten when dropped as far as the language allows.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretBytes(Vec<u8>);

impl SecretBytes {
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The secret itself, to be written where only its owner can read.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretBytes({} bytes)", self.0.len())
    }
}

impl Drop for SecretBytes {
    fn drop(&mut self) {
        self.0.fill(0);
        std::hint::black_box(&self.0);
    }
}

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublicKey {
    id: String,
    hex: String,
}

impl PublicKey {
    fn new(bytes: &[u8; 32]) -> Self {
        let hex = Digest::from_bytes(*bytes).to_string();
        let id = Digest::of(&canonical(&tuf_key(&hex))).to_string();
        Self { id, hex }
    }

    /// The TUF key id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The TUF key object.
    pub fn to_value(&self) -> Value {
        tuf_key(&self.hex)
    }

    /// Reads a TUF key object.
    pub fn from_value(value: &Value) -> Option<Self> {
        let bytes: Digest = value["keyval"]["public"].as_str()?.parse().ok()?;
        let key = Self::new(bytes.as_bytes());
        (key.to_value() == *value).then_some(key)
    }
}

fn tuf_key(hex: &str) -> Value {
    json!({ "keytype": "ed25519", "scheme": "ed25519", "keyval": { "public": hex } })
}

/// A key pair.
#[derive(Clone)]
pub struct KeyPair {
    signing: SigningKey,
    public: PublicKey,
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPair({})", self.public.id)
    }
}

impl KeyPair {
    pub fn generate(rng: &mut Rng<'_>) -> Self {
        let mut seed = [0; 32];
        rng(&mut seed);
        let pair = Self::from_signing(SigningKey::from_bytes(&seed));
        seed.fill(0);
        std::hint::black_box(&seed);
        pair
    }

    fn from_signing(signing: SigningKey) -> Self {
        let public = PublicKey::new(signing.verifying_key().as_bytes());
        Self { signing, public }
    }

    /// Reads a PKCS#8 PEM file.
    pub fn from_pem(file: &str, pem: &str) -> Result<Self, KeyError> {
        let signing = SigningKey::from_pkcs8_pem(pem)
            .map_err(|error| KeyError::File { file: file.to_owned(), reason: error.to_string() })?;
        Ok(Self::from_signing(signing))
    }

    /// Writes a PKCS#8 PEM file, in the first version of the format, which every tool reads.
    pub fn to_pem(&self) -> SecretBytes {
        let pair = KeypairBytes { secret_key: self.signing.to_bytes(), public_key: None };
        let pem = pair.to_pkcs8_pem(LineEnding::LF).expect("an Ed25519 key has a PKCS#8 form");
        SecretBytes::new(pem.as_bytes().to_vec())
    }

    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// An Ed25519 signature, as TUF writes it.
    pub fn sign(&self, message: &[u8]) -> String {
        self.sign_raw(message).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub(crate) fn sign_raw(&self, message: &[u8]) -> [u8; 64] {
        self.signing.sign(message).to_bytes()
    }

    pub(crate) fn public_raw(&self) -> [u8; 32] {
        self.signing.verifying_key().to_bytes()
    }
}

/// The private keys at hand, by role, and the public delegation document.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    private: BTreeMap<Role, Vec<KeyPair>>,
    delegations: Option<Value>,
}

impl KeySet {
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the files of a ceremony: `<role>-<n>.key.pem` and `delegations.json`. Other
    /// files that lie beside them (public keys, the minisign pair) are not keys of a role
    /// and are passed over.
    pub fn from_files<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<Self, KeyError> {
        let mut keys = Self::new();
        for (file, bytes) in files {
            let refuse = |reason: &str| KeyError::File { file: file.to_owned(), reason: reason.to_owned() };
            if file == DELEGATIONS_NAME {
                keys.set_delegations(bytes)?;
            } else if let Some(stem) = file.strip_suffix(KEY_SUFFIX) {
                let role = stem.rsplit_once('-').and_then(|(role, _)| role.parse().ok());
                let role = role.ok_or_else(|| refuse("its name does not begin with a role"))?;
                let pem = std::str::from_utf8(bytes).map_err(|_| refuse("not a PEM file"))?;
                keys.add(role, KeyPair::from_pem(file, pem)?);
            }
        }
        Ok(keys)
    }

    pub fn add(&mut self, role: Role, key: KeyPair) {
        let keys = self.private.entry(role).or_default();
        if keys.iter().all(|other| other.public != key.public) {
            keys.push(key);
            // Signatures stand in this order, so the order of files does not matter.
            keys.sort_by(|a, b| a.public.id.cmp(&b.public.id));
        }
    }

    pub fn of(&self, role: Role) -> &[KeyPair] {
        self.private.get(&role).map_or(&[], Vec::as_slice)
    }

    /// Takes the delegation document that the ceremony wrote.
    pub fn set_delegations(&mut self, bytes: &[u8]) -> Result<(), KeyError> {
        let refuse = |reason: String| KeyError::File { file: DELEGATIONS_NAME.to_owned(), reason };
        let value: Value = serde_json::from_slice(bytes).map_err(|error| refuse(error.to_string()))?;
        serde_json::from_value::<sigstore_tuf::Delegations>(value.clone()).map_err(|e| refuse(e.to_string()))?;
        self.delegations = Some(value);
        Ok(())
    }

    /// The delegation document, or one made of the keys at hand with the standard thresholds.
    pub(crate) fn delegations(&self) -> Value {
        self.delegations.clone().unwrap_or_else(|| {
            let config = CeremonyConfig::new(domain::time::Timestamp::UNIX_EPOCH);
            let roles = Role::DELEGATED.map(|role| {
                let keys: Vec<PublicKey> = self.of(role).iter().map(|key| key.public.clone()).collect();
                let threshold = config.role(role).threshold.min(keys.len()).max(1);
                (role, keys, threshold)
            });
            ceremony::delegations(&roles)
        })
    }
}

pub(crate) const DELEGATIONS_NAME: &str = "delegations.json";
pub(crate) const KEY_SUFFIX: &str = ".key.pem";

/// The canonical JSON that signatures cover and files consist of.
pub(crate) fn canonical(value: &Value) -> Vec<u8> {
    to_canonical_bytes(value).expect("values built here hold integers only")
}

/// Wraps `signed` with the signatures of `keys`, sorted by key id.
pub(crate) fn envelope(signed: &Value, keys: &[&KeyPair]) -> Vec<u8> {
    let message = canonical(signed);
    let mut keys = keys.to_vec();
    keys.sort_by(|a, b| a.public.id.cmp(&b.public.id));
    keys.dedup_by(|a, b| a.public.id == b.public.id);
    let signatures: Vec<Value> =
        keys.iter().map(|key| json!({ "keyid": key.public.id, "sig": key.sign(&message) })).collect();
    canonical(&json!({ "signatures": signatures, "signed": signed }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032, 7.1, test 1.
    const SEED: [u8; 32] = [
        0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49,
        0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
    ];

    #[test]
    fn a_key_signs_as_rfc_8032_says() {
        let key = KeyPair::generate(&mut |bytes: &mut [u8]| bytes.copy_from_slice(&SEED));
        assert_eq!(key.public.hex, "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
        assert!(key.sign(b"").starts_with("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"));
    }

    #[test]
    fn a_private_key_survives_its_pem_file() {
        let key = KeyPair::generate(&mut |bytes: &mut [u8]| bytes.copy_from_slice(&SEED));
        let pem = key.to_pem();
        let text = std::str::from_utf8(pem.expose()).expect("PEM is text");
        assert!(text.starts_with("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEI"), "{text}");
        assert_eq!(KeyPair::from_pem("x", text).expect("reads").public, key.public);
        assert!(KeyPair::from_pem("x", &text.replace('M', "N")).is_err());
    }

    #[test]
    fn a_secret_is_not_printed() {
        let key = KeyPair::generate(&mut |bytes: &mut [u8]| bytes.copy_from_slice(&SEED));
        assert_eq!(format!("{:?}", key.to_pem()), "SecretBytes(119 bytes)");
        assert!(!format!("{key:?}").contains("9d61"));
    }

    #[test]
    fn a_path_belongs_to_the_role_of_its_folder() {
        assert_eq!(Role::of_path("feeds/manifest.json"), Role::Feeds);
        assert_eq!(Role::of_path("trivy/db/trivy.db"), Role::TrivyDb);
        assert_eq!(Role::of_path("jwt/vendor.jwt"), Role::Entitlements);
        assert_eq!(Role::of_path("os/image.raw"), Role::Targets);
        assert_eq!(Role::of_path("feeds"), Role::Targets);
    }

    #[test]
    fn a_public_key_object_is_read_as_written() {
        let key = KeyPair::generate(&mut |bytes: &mut [u8]| bytes.copy_from_slice(&SEED)).public;
        assert_eq!(PublicKey::from_value(&key.to_value()), Some(key.clone()));
        let mut other = key.to_value();
        other["scheme"] = "rsa".into();
        assert_eq!(PublicKey::from_value(&other), None);
    }
}
