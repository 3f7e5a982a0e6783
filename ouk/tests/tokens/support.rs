//! Tokens that no honest issuer makes.
//!
//! [`token`] writes every byte itself and signs whatever it is told to, so that the code
//! under test does not also make its own test data.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::time::Timestamp;
use ed25519_dalek::{Signer as _, SigningKey};
use ouk::tokens::{
    Audience, Jwks, Revocations, SiteId, SiteKeys, SiteToken, TokenError, TokenKey, TokenLimits, TokenSigner,
    VendorToken, verify_site_token, verify_vendor_token,
};
use serde_json::{Value, json};

pub(crate) const DAY: i64 = 86_400;
/// 2026-11-24T00:00:00Z.
pub(crate) const NOW: i64 = 1_795_478_400;

pub(crate) fn now() -> Timestamp {
    Timestamp::from_unix(NOW)
}

pub(crate) fn vendor() -> SigningKey {
    SigningKey::from_bytes(&[1; 32])
}

pub(crate) fn site_key() -> SigningKey {
    SigningKey::from_bytes(&[2; 32])
}

pub(crate) fn public(key: &SigningKey) -> TokenKey {
    TokenKey::from_bytes(key.verifying_key().as_bytes()).expect("a public key")
}

pub(crate) fn site(id: &str) -> SiteId {
    id.parse().expect("a site id")
}

pub(crate) fn jwks() -> Jwks {
    Jwks::of([(public(&vendor()), None)])
}

pub(crate) fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Signs the texts as they are.
pub(crate) fn token(header: &str, payload: &str, key: &SigningKey) -> String {
    let message = format!("{}.{}", b64(header), b64(payload));
    format!("{message}.{}", b64(key.sign(message.as_bytes()).to_bytes()))
}

pub(crate) fn vendor_header() -> Value {
    json!({ "alg": "EdDSA", "kid": public(&vendor()).kid(), "typ": "stella-entitlement+jwt" })
}

pub(crate) fn vendor_claims() -> Value {
    json!({
        "iss": "urn:stella:vendor", "aud": "urn:stella:site", "sub": "customer-7", "jti": "token-0001",
        "iat": NOW - DAY, "nbf": NOW - DAY, "exp": NOW + 29 * DAY, "tier": "Free", "maxScansPerDay": 333,
    })
}

pub(crate) fn site_header() -> Value {
    json!({ "alg": "EdDSA", "kid": public(&site_key()).kid(), "typ": "stella-offline+jwt" })
}

pub(crate) fn site_claims() -> Value {
    json!({
        "iss": "urn:stella:site:a", "aud": "urn:stella:api:a", "sub": "customer-7", "jti": "site-token-0001",
        "iat": NOW - DAY, "nbf": NOW - DAY, "exp": NOW + 29 * DAY, "tier": "Free", "maxScansPerDay": 333,
        "src": {
            "iss": "urn:stella:vendor", "jti": "token-0001", "kid": public(&vendor()).kid(), "kit": "ab".repeat(32),
        },
    })
}

/// A JSON object with one member set, or taken away by null.
pub(crate) fn with(mut object: Value, name: &str, value: Value) -> Value {
    let members = object.as_object_mut().expect("an object");
    match value {
        Value::Null => members.remove(name),
        value => members.insert(name.to_owned(), value),
    };
    object
}

pub(crate) fn vendor_token(claims: &Value) -> String {
    token(&vendor_header().to_string(), &claims.to_string(), &vendor())
}

pub(crate) fn site_token(claims: &Value) -> String {
    token(&site_header().to_string(), &claims.to_string(), &site_key())
}

pub(crate) fn verify_at(compact: &str, at: i64, revocations: &Revocations) -> Result<VendorToken, TokenError> {
    let at = Timestamp::from_unix(at);
    verify_vendor_token(compact, &jwks(), Audience::Site(&site("a")), at, revocations, &TokenLimits::default())
}

pub(crate) fn verify(compact: &str) -> Result<VendorToken, TokenError> {
    verify_at(compact, NOW, &Revocations::none())
}

/// As the API of site `a` does.
pub(crate) fn verify_site_at(compact: &str, at: i64, revocations: &Revocations) -> Result<SiteToken, TokenError> {
    let (at, keys) = (Timestamp::from_unix(at), SiteKeys::of([public(&site_key())]));
    verify_site_token(compact, &keys, &site("a"), at, revocations, &TokenLimits::default())
}

pub(crate) fn verify_site(compact: &str) -> Result<SiteToken, TokenError> {
    verify_site_at(compact, NOW, &Revocations::none())
}

/// Runs `f` with a signer of `key`.
pub(crate) fn signing<T>(key: &SigningKey, f: impl FnOnce(&TokenSigner<'_>) -> T) -> T {
    let public = public(key);
    f(&TokenSigner { key: &public, sign: &|message| key.sign(message).to_bytes() })
}

/// The refusal's code.
pub(crate) fn code<T: std::fmt::Debug>(result: Result<T, TokenError>) -> &'static str {
    result.expect_err("a refusal").code()
}

pub(crate) fn revocations(members: &Value) -> Revocations {
    let mut list = json!({ "schema": 1, "serial": 1, "issued_at": "2026-11-24T00:00:00Z" });
    for (name, value) in members.as_object().expect("an object") {
        list[name] = value.clone();
    }
    Revocations::from_draft(list.to_string().as_bytes(), &TokenLimits::default()).expect("a list")
}
