//! The vendor's entitlement service, as far as tests need one.

use domain::time::Timestamp;
use ouk::tokens::{
    Grant, JWKS_PATH, Jwks, SiteId, TOKENS_PATH, TokenKeyPair, TokenSigner, VendorToken, issue_vendor_token,
};
use serde_json::{Value, json};

use crate::draft::{Draft, canonical};
use crate::vendor::rng;

/// A key pair for tokens, and the list that it stands in.
pub struct Issuer {
    pair: TokenKeyPair,
}

impl Issuer {
    pub fn new(seed: u64) -> Self {
        Self { pair: TokenKeyPair::generate(&mut rng(seed)) }
    }

    /// A token that was issued at `at` for this many days. The same `number` is the same id.
    pub fn issue(&self, number: u8, scans: u32, at: Timestamp, days: i64, site: Option<&SiteId>) -> VendorToken {
        let signer = TokenSigner { key: self.pair.public(), sign: &|message| self.pair.sign(message) };
        let grant = Grant { subject: format!("customer-{number}"), tier: "Free".to_owned(), scans_per_day_max: scans };
        issue_vendor_token(&grant, site, at, days, [number; 16], &signer).expect("a token")
    }

    pub fn kid(&self) -> &str {
        self.pair.public().kid()
    }

    /// The key list; a key with a time is on its way out.
    pub fn jwks(&self, retires: Option<Timestamp>) -> Vec<u8> {
        Jwks::of([(self.pair.public().clone(), retires)]).to_json()
    }

    /// Puts tokens and the key list into a kit, whatever the tokens are.
    pub fn put(&self, draft: &mut Draft, tokens: &[&str]) {
        draft.put(JWKS_PATH, &self.jwks(None));
        draft.put(TOKENS_PATH, bundle(tokens).as_bytes());
    }
}

/// The token list of these tokens, in the order given.
pub fn bundle(tokens: &[&str]) -> String {
    tokens.iter().map(|token| format!("{{\"jwt\":\"{token}\"}}\n")).collect()
}

/// A revocation list; `more` replaces members of an empty one.
pub fn revocations(serial: u64, more: &Value) -> Vec<u8> {
    let mut list = json!({
        "blobs": [], "issued_at": "2026-11-24T00:00:00Z", "jti": [], "kid": [], "kit_versions": [], "kits": [],
        "minisign_keys": [], "schema": 1, "serial": serial,
    });
    for (name, value) in more.as_object().expect("an object") {
        list[name] = value.clone();
    }
    canonical(&list)
}
