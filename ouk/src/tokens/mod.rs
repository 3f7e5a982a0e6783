//! Entitlement tokens, and the list of what the vendor withdrew.
//!
//! A kit carries the vendor's tokens as evidence of what a site may use. The site verifies
//! them, and mints tokens of its own under its own key: those are what clients show. Nobody
//! can mint without a [`VendorToken`], and only a verification makes one; the claims are
//! copied from it, so a site token never grants more and never lasts longer.
//!
//! ```text
//! jwt/jwks.json       keys     the vendor's public keys     signed by the role entitlements
//! jwt/tokens.ndjson   bundle   the vendor's tokens          signed by the role entitlements
//! revocations.json    what was withdrawn                    signed by the role targets
//! vendor              a token of the vendor: issue, verify
//! site                a token of the site: mint, verify
//! ```
//!
//! `now` is always the site's lower bound of the present, which never goes back: a clock
//! that is set back revives nothing. There is no leeway. Why this is not done by a general
//! library: `docs/adr/0007-tokens.md`.

mod bundle;
mod error;
mod json;
mod jws;
mod keys;
mod revocations;
mod site;
mod vendor;

use std::fmt;
use std::str::FromStr;

pub use bundle::{Entitlements, KnownJti, reconcile, verify_bundle, write_bundle};
pub use error::TokenError;
pub use keys::{Jwks, SiteKeys, TokenKey, TokenKeyPair, TokenSigner};
pub use revocations::Revocations;
pub use site::{SITE_TYP, SiteToken, Source, mint, verify_site_token};
pub use vendor::{Audience, Grant, VENDOR_ISSUER, VENDOR_TYP, VendorToken, issue_vendor_token, verify_vendor_token};

/// The paths of a kit that this module reads.
pub const JWKS_PATH: &str = "jwt/jwks.json";
pub const TOKENS_PATH: &str = "jwt/tokens.ndjson";
pub const REVOCATIONS_PATH: &str = "revocations.json";

/// No quota is above this: a claim of more is a mistake or an attack.
pub const SCANS_PER_DAY_MAX: u32 = 1_000_000;
/// How long a vendor token may be good.
pub const VENDOR_DAYS_MAX: i64 = 45;
/// How long a site token may be good.
pub const SITE_DAYS_MAX: i64 = 30;

/// What is taken in of bytes from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenLimits {
    /// One token in its compact form.
    pub token_bytes_max: usize,
    /// How deep its JSON nests.
    pub depth_max: usize,
    pub jwks_bytes_max: usize,
    pub jwks_keys_max: usize,
    /// The list of tokens in a kit.
    pub bundle_bytes_max: usize,
    pub bundle_tokens_max: usize,
    pub revocations_bytes_max: usize,
    /// The highest serial, as for versions of metadata: no list can take the last number.
    pub revocations_serial_max: u64,
}

impl Default for TokenLimits {
    fn default() -> Self {
        Self {
            token_bytes_max: 4096,
            depth_max: 4,
            jwks_bytes_max: 64 << 10,
            jwks_keys_max: 32,
            bundle_bytes_max: 8 << 20,
            bundle_tokens_max: 10_000,
            revocations_bytes_max: 4 << 20,
            revocations_serial_max: 999_999_999_999,
        }
    }
}

/// The name of a site: letters, digits, `-` and `.`, so that no name can reach into another
/// part of a URN.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SiteId(String);

/// The text is not a site's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a site id is 1 to 63 lower-case letters, digits, `-` and `.`, and begins with a letter or digit")]
pub struct InvalidSiteId;

impl FromStr for SiteId {
    type Err = InvalidSiteId;

    fn from_str(text: &str) -> Result<Self, InvalidSiteId> {
        let first = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        let fine = first && crate::schema::word_fault(text, b".", 63).is_none();
        if fine { Ok(Self(text.to_owned())) } else { Err(InvalidSiteId) }
    }
}

impl fmt::Display for SiteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_id_cannot_reach_into_a_urn() {
        for text in ["a", "site-7", "0", "xn--a", "lab-1.north"] {
            assert_eq!(text.parse::<SiteId>().expect(text).to_string(), text);
        }
        let long = "a".repeat(64);
        for text in ["", "-a", ".a", "a:b", "A", "a/b", "a b", "é", long.as_str()] {
            assert_eq!(text.parse::<SiteId>(), Err(InvalidSiteId), "{text}");
        }
    }
}
