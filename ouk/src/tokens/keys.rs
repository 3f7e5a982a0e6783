//! Public keys of tokens: the vendor's list in a kit, and the site's own keys.
//!
//! A key's id is its RFC 7638 thumbprint, so an id names one key only and no list can give
//! a known name to another key. The two kinds of list are two types: a vendor's key must
//! never verify what only the site may say.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::digest::Digest;
use domain::time::Timestamp;
use ed25519_dalek::{Signature, VerifyingKey};
use serde_json::{Map, Value, json};

use super::TokenLimits;
use super::error::{TokenError, within};
use super::json::{Members, object};
use crate::document::is_canonical;
use crate::error::shown;
use crate::keys::{KeyError, KeyPair, Rng, SecretBytes, canonical};

/// A public key that signs tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenKey {
    kid: String,
    key: VerifyingKey,
}

impl TokenKey {
    /// Takes an Ed25519 public key, unless anyone could sign with it.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, TokenError> {
        let kid = thumbprint(bytes);
        match VerifyingKey::from_bytes(bytes) {
            Ok(key) if is_canonical(bytes) && !key.is_weak() => Ok(Self { kid, key }),
            _ => Err(TokenError::WeakKey(kid)),
        }
    }

    /// The RFC 7638 thumbprint.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The JWK, in the one form that [`Jwks::parse`] reads.
    fn to_jwk(&self, retires: Option<Timestamp>) -> Value {
        let mut jwk = json!({
            "alg": "EdDSA", "crv": "Ed25519", "kid": self.kid, "kty": "OKP", "use": "sig",
            "x": URL_SAFE_NO_PAD.encode(self.key.as_bytes()),
        });
        if let Some(at) = retires {
            jwk["exp"] = at.unix().into();
        }
        jwk
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.key.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }
}

/// RFC 7638 over the members that RFC 8037 names.
fn thumbprint(bytes: &[u8; 32]) -> String {
    let members = json!({ "crv": "Ed25519", "kty": "OKP", "x": URL_SAFE_NO_PAD.encode(bytes) });
    URL_SAFE_NO_PAD.encode(Digest::of(&canonical(&members)).as_bytes())
}

/// A key that a token may name.
pub(super) struct KnownKey<'a> {
    pub(super) key: &'a TokenKey,
    /// From then on it verifies nothing.
    pub(super) retires: Option<Timestamp>,
}

/// The vendor's public keys: `jwt/jwks.json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jwks {
    keys: BTreeMap<String, (TokenKey, Option<Timestamp>)>,
}

impl Jwks {
    /// Reads the list. One key that is wrong refuses it as a whole: it was not made by the
    /// vendor's tool.
    pub fn parse(bytes: &[u8], limits: &TokenLimits) -> Result<Self, TokenError> {
        let refuse = |reason: &str| TokenError::Jwks(reason.to_owned());
        within("bytes of the key list", bytes.len(), limits.jwks_bytes_max)?;
        let value = object("key list", bytes, limits.depth_max)?;
        if canonical(&Value::Object(value.clone())) != bytes {
            return Err(refuse("the bytes are not the canonical encoding of their content"));
        }
        let [("keys", Value::Array(items))] = value.iter().map(|(name, v)| (name.as_str(), v)).collect::<Vec<_>>()[..]
        else {
            return Err(refuse("not an object of exactly `keys`, a list"));
        };
        if items.is_empty() {
            return Err(refuse("it has no key"));
        }
        within("keys of the key list", items.len(), limits.jwks_keys_max)?;
        let mut keys = BTreeMap::new();
        for item in items {
            let Value::Object(item) = item else { return Err(refuse("a key that is not an object")) };
            let (key, retires) = read_jwk(item.clone())?;
            if keys.insert(key.kid.clone(), (key, retires)).is_some() {
                return Err(refuse("a key occurs twice"));
            }
        }
        let jwks = Self { keys };
        if jwks.to_json() != bytes {
            return Err(refuse("the keys are not in the order of their ids"));
        }
        Ok(jwks)
    }

    /// A list of these keys. A key with a time is on its way out: until then it still
    /// verifies what it signed.
    pub fn of(keys: impl IntoIterator<Item = (TokenKey, Option<Timestamp>)>) -> Self {
        Self { keys: keys.into_iter().map(|(key, retires)| (key.kid.clone(), (key, retires))).collect() }
    }

    /// The canonical bytes.
    pub fn to_json(&self) -> Vec<u8> {
        let keys: Vec<Value> = self.keys.values().map(|(key, retires)| key.to_jwk(*retires)).collect();
        canonical(&json!({ "keys": keys }))
    }

    pub(super) fn find(&self, kid: &str) -> Option<KnownKey<'_>> {
        self.keys.get(kid).map(|(key, retires)| KnownKey { key, retires: *retires })
    }
}

fn read_jwk(jwk: Map<String, Value>) -> Result<(TokenKey, Option<Timestamp>), TokenError> {
    let fault = |error: TokenError| TokenError::Jwks(error.to_string());
    let mut members = Members::new(jwk);
    for (name, only) in [("kty", "OKP"), ("crv", "Ed25519"), ("alg", "EdDSA"), ("use", "sig")] {
        let found = members.text(name).map_err(fault)?;
        if found != only {
            return Err(TokenError::Jwks(format!("{name} is {}, not {only}", shown(found.as_bytes()))));
        }
    }
    let kid = members.text("kid").map_err(fault)?;
    let x = members.text("x").map_err(fault)?;
    let retires = if members.has("exp") { Some(members.time("exp").map_err(fault)?) } else { None };
    members.finish().map_err(fault)?;
    let bytes = URL_SAFE_NO_PAD.decode(&x).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let bytes = bytes.ok_or_else(|| TokenError::Jwks("x is not 32 bytes of base64url".to_owned()))?;
    let key = TokenKey::from_bytes(&bytes)?;
    if key.kid != kid {
        return Err(TokenError::Jwks(format!("{} is not the thumbprint of its key", shown(kid.as_bytes()))));
    }
    Ok((key, retires))
}

/// The site's own keys: the present one and, while a rotation lasts, the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteKeys {
    keys: BTreeMap<String, TokenKey>,
}

impl SiteKeys {
    pub fn of(keys: impl IntoIterator<Item = TokenKey>) -> Self {
        Self { keys: keys.into_iter().map(|key| (key.kid.clone(), key)).collect() }
    }

    pub(super) fn find(&self, kid: &str) -> Option<KnownKey<'_>> {
        self.keys.get(kid).map(|key| KnownKey { key, retires: None })
    }
}

/// A key that signs tokens. The secret stays where it is; only its use is passed in.
pub struct TokenSigner<'a> {
    pub key: &'a TokenKey,
    /// An Ed25519 signature of the message.
    pub sign: &'a dyn Fn(&[u8]) -> [u8; 64],
}

/// A key pair for tokens that lies in a file: the vendor's `jwt.key`. It is no key of a TUF
/// role: who can sign tokens cannot sign a kit.
#[derive(Clone, Debug)]
pub struct TokenKeyPair {
    pair: KeyPair,
    public: TokenKey,
}

impl TokenKeyPair {
    pub fn generate(rng: &mut Rng<'_>) -> Self {
        Self::of(KeyPair::generate(rng))
    }

    /// Reads a PKCS#8 PEM file.
    pub fn from_pem(file: &str, pem: &str) -> Result<Self, KeyError> {
        Ok(Self::of(KeyPair::from_pem(file, pem)?))
    }

    fn of(pair: KeyPair) -> Self {
        let public = TokenKey::from_bytes(&pair.public_raw()).expect("no secret scalar has a weak public key");
        Self { pair, public }
    }

    pub fn to_pem(&self) -> SecretBytes {
        self.pair.to_pem()
    }

    pub fn public(&self) -> &TokenKey {
        &self.public
    }

    /// An Ed25519 signature, for a [`TokenSigner`].
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.pair.sign_raw(message)
    }
}
