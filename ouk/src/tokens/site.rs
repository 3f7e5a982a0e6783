//! The site's own tokens: what clients of the appliance show.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::digest::Digest;
use domain::time::Timestamp;
use serde_json::{Map, json};

use super::error::TokenError;
use super::json::Members;
use super::jws;
use super::keys::{SiteKeys, TokenSigner};
use super::revocations::Revocations;
use super::vendor::{Grant, VENDOR_ISSUER, Validity, VendorToken};
use super::{SITE_DAYS_MAX, SiteId, TokenLimits};
use crate::error::shown;

/// The header's `typ`.
pub const SITE_TYP: &str = "stella-offline+jwt";

/// The vendor token that a site token comes from. What happens to it happens to all that
/// was made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub jti: String,
    pub kid: String,
    /// The metadata digest of the kit that carried it.
    pub kit: Digest,
}

/// A verified token of this site. Only [`mint`] and [`verify_site_token`] make one.
#[derive(Clone, PartialEq, Eq)]
pub struct SiteToken {
    compact: String,
    jti: String,
    grant: Grant,
    validity: Validity,
    source: Source,
}

impl SiteToken {
    pub fn jti(&self) -> &str {
        &self.jti
    }

    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    pub fn not_before(&self) -> Timestamp {
        self.validity.not_before
    }

    pub fn expires(&self) -> Timestamp {
        self.validity.expires
    }

    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The token itself, for the client who may use it. Never for a log.
    pub fn expose(&self) -> &str {
        &self.compact
    }
}

impl fmt::Debug for SiteToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SiteToken({})", self.jti)
    }
}

fn issuer(site: &SiteId) -> String {
    format!("urn:stella:site:{site}")
}

fn audience(site: &SiteId) -> String {
    format!("urn:stella:api:{site}")
}

/// Mints a site token of a vendor token.
///
/// What it grants is the vendor token's grant and no argument, and it ends with the vendor
/// token, or after 30 days. `kit` is the metadata digest of the kit that carried it.
pub fn mint(
    signer: &TokenSigner<'_>,
    vendor: &VendorToken,
    site: &SiteId,
    kit: Digest,
    now: Timestamp,
    random: [u8; 16],
) -> Result<SiteToken, TokenError> {
    // The vendor token was verified at some time and for some reader; this is here and now.
    if let Some(bound) = vendor.bound_to().filter(|bound| *bound != site) {
        return Err(TokenError::Audience { found: issuer(bound), expected: issuer(site) });
    }
    if vendor.good_until() <= now {
        return Err(TokenError::Expired { at: vendor.good_until(), now });
    }
    let jti = URL_SAFE_NO_PAD.encode(random);
    let expires = vendor.good_until().min(now.plus_days(SITE_DAYS_MAX));
    let validity = Validity { issued_at: now, not_before: now, expires };
    let grant = vendor.grant().clone();
    let source = Source { jti: vendor.jti().to_owned(), kid: vendor.kid().to_owned(), kit };
    let mut claims = Map::new();
    for (name, value) in [
        ("iss", json!(issuer(site))),
        ("aud", json!(audience(site))),
        ("jti", json!(jti)),
        ("src", json!({ "iss": VENDOR_ISSUER, "jti": source.jti, "kid": source.kid, "kit": kit })),
    ] {
        claims.insert(name.to_owned(), value);
    }
    grant.write(&mut claims);
    validity.write(&mut claims);
    let compact = jws::sign(SITE_TYP, claims, signer)?;
    Ok(SiteToken { compact, jti, grant, validity, source })
}

/// Verifies a token that a client shows to the API of `site`.
///
/// A vendor token, an access token, another site's token and a token whose source was
/// withdrawn are refused, each by more than one check.
pub fn verify_site_token(
    compact: &str,
    keys: &SiteKeys,
    site: &SiteId,
    now: Timestamp,
    revocations: &Revocations,
    limits: &TokenLimits,
) -> Result<SiteToken, TokenError> {
    let jws::Opened { mut claims, .. } = jws::open(compact, SITE_TYP, |kid| keys.find(kid), revocations, limits)?;
    let found = claims.text("iss")?;
    if found != issuer(site) {
        return Err(TokenError::Issuer { found: shown(found.as_bytes()), expected: issuer(site) });
    }
    let found = claims.text("aud")?;
    if found != audience(site) {
        return Err(TokenError::Audience { found: shown(found.as_bytes()), expected: audience(site) });
    }
    let jti = claims.word("jti", b"_-", 64)?;
    let grant = Grant::read(&mut claims)?;
    let validity = Validity::read(&mut claims)?;
    let source = read_source(claims.members("src")?)?;
    claims.finish()?;
    validity.check(now, SITE_DAYS_MAX)?;
    revocations.check_jti(&jti)?;
    revocations.check_jti(&source.jti)?;
    revocations.check_kid(&source.kid)?;
    revocations.check_kit(&source.kit)?;
    Ok(SiteToken { compact: compact.to_owned(), jti, grant, validity, source })
}

fn read_source(mut members: Members) -> Result<Source, TokenError> {
    let source_issuer = members.text("iss")?;
    if source_issuer != VENDOR_ISSUER {
        return Err(TokenError::claim("src.iss", "is not the vendor"));
    }
    let source = Source {
        jti: members.word("jti", b"._-", 64)?,
        kid: members.word("kid", b"_-", 64)?,
        kit: members.text("kit")?.parse().map_err(|_| TokenError::claim("src.kit", "is not a digest"))?,
    };
    members.finish()?;
    Ok(source)
}
