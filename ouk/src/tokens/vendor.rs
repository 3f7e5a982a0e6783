//! The vendor's tokens: issued on the connected side, evidence at a site.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::digest::Digest;
use domain::time::Timestamp;
use serde_json::{Map, Value, json};

use super::error::TokenError;
use super::json::Members;
use super::jws;
use super::keys::{Jwks, TokenSigner};
use super::revocations::Revocations;
use super::{SCANS_PER_DAY_MAX, SiteId, TokenLimits, VENDOR_DAYS_MAX};
use crate::error::shown;
use crate::keys::canonical;

pub const VENDOR_ISSUER: &str = "urn:stella:vendor";
/// The header's `typ`.
pub const VENDOR_TYP: &str = "stella-entitlement+jwt";
const AUDIENCE: &str = "urn:stella:site";

/// Who reads a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience<'a> {
    /// A site: the token is for all sites or for this one.
    Site(&'a SiteId),
    /// The vendor, who builds kits for all sites. A token verified so still mints only
    /// where it is bound to.
    AnySite,
}

/// What a token grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub subject: String,
    pub tier: String,
    pub scans_per_day_max: u32,
}

impl Grant {
    pub(super) fn read(claims: &mut Members) -> Result<Self, TokenError> {
        let subject = claims.word("sub", b"._@:+-", 128)?;
        let tier = claims.word("tier", b"._-", 32)?;
        let scans = u32::try_from(claims.integer("maxScansPerDay")?).ok();
        let scans_per_day_max = scans.filter(|scans| (1..=SCANS_PER_DAY_MAX).contains(scans));
        let scans_per_day_max =
            scans_per_day_max.ok_or_else(|| TokenError::claim("maxScansPerDay", "is not between 1 and 1000000"))?;
        Ok(Self { subject, tier, scans_per_day_max })
    }

    pub(super) fn write(&self, claims: &mut Map<String, Value>) {
        claims.insert("sub".to_owned(), self.subject.clone().into());
        claims.insert("tier".to_owned(), self.tier.clone().into());
        claims.insert("maxScansPerDay".to_owned(), self.scans_per_day_max.into());
    }
}

/// When a token was made, and from when until when it is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Validity {
    pub(super) issued_at: Timestamp,
    pub(super) not_before: Timestamp,
    pub(super) expires: Timestamp,
}

impl Validity {
    pub(super) fn read(claims: &mut Members) -> Result<Self, TokenError> {
        Ok(Self { issued_at: claims.time("iat")?, not_before: claims.time("nbf")?, expires: claims.time("exp")? })
    }

    pub(super) fn write(&self, claims: &mut Map<String, Value>) {
        claims.insert("iat".to_owned(), self.issued_at.unix().into());
        claims.insert("nbf".to_owned(), self.not_before.unix().into());
        claims.insert("exp".to_owned(), self.expires.unix().into());
    }

    /// RFC 7519: not before `nbf`, and not on or after `exp`.
    pub(super) fn check(&self, now: Timestamp, days_max: i64) -> Result<(), TokenError> {
        let (found, max) = (self.expires.seconds_since(self.issued_at), days_max * Timestamp::DAY_SECONDS);
        if found <= 0 {
            return Err(TokenError::claim("exp", "is not after iat"));
        }
        if found > max {
            return Err(TokenError::Lifetime { found, max });
        }
        if now >= self.expires {
            return Err(TokenError::Expired { at: self.expires, now });
        }
        match self.issued_at.max(self.not_before) {
            at if at > now => Err(TokenError::NotYet { at, now }),
            _ => Ok(()),
        }
    }
}

/// A vendor token whose signature, claims and time were verified. Only
/// [`verify_vendor_token`] makes one.
#[derive(Clone, PartialEq, Eq)]
pub struct VendorToken {
    compact: String,
    kid: String,
    jti: String,
    grant: Grant,
    bound_to: Option<SiteId>,
    validity: Validity,
    retires: Option<Timestamp>,
}

impl VendorToken {
    pub fn jti(&self) -> &str {
        &self.jti
    }

    /// The key that signed it.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    /// The one site that it is for, if it is not for all.
    pub fn bound_to(&self) -> Option<&SiteId> {
        self.bound_to.as_ref()
    }

    /// The end of the token, or of the grace of its key when that comes first.
    pub fn good_until(&self) -> Timestamp {
        self.retires.map_or(self.validity.expires, |retires| retires.min(self.validity.expires))
    }

    /// The token itself, to be stored as evidence. Secret enough to stay out of logs.
    pub fn expose(&self) -> &str {
        &self.compact
    }

    /// A digest of what it says, whoever signed it.
    pub fn claims_digest(&self) -> Digest {
        let claims = claims(&self.jti, &self.grant, self.bound_to.as_ref(), &self.validity);
        Digest::of(&canonical(&Value::Object(claims)))
    }
}

impl fmt::Debug for VendorToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VendorToken({})", self.jti)
    }
}

/// Verifies a vendor token.
pub fn verify_vendor_token(
    compact: &str,
    keys: &Jwks,
    audience: Audience<'_>,
    now: Timestamp,
    revocations: &Revocations,
    limits: &TokenLimits,
) -> Result<VendorToken, TokenError> {
    let jws::Opened { kid, retires, mut claims } =
        jws::open(compact, VENDOR_TYP, |kid| keys.find(kid), revocations, limits)?;
    let issuer = claims.text("iss")?;
    if issuer != VENDOR_ISSUER {
        return Err(TokenError::Issuer { found: shown(issuer.as_bytes()), expected: VENDOR_ISSUER.to_owned() });
    }
    let bound_to = read_audience(&claims.text("aud")?, audience)?;
    let jti = claims.word("jti", b"._-", 64)?;
    let grant = Grant::read(&mut claims)?;
    let validity = Validity::read(&mut claims)?;
    claims.finish()?;
    validity.check(now, VENDOR_DAYS_MAX)?;
    if let Some(at) = retires.filter(|at| *at <= now) {
        return Err(TokenError::Expired { at, now });
    }
    revocations.check_jti(&jti)?;
    Ok(VendorToken { compact: compact.to_owned(), kid, jti, grant, bound_to, validity, retires })
}

fn read_audience(found: &str, audience: Audience<'_>) -> Result<Option<SiteId>, TokenError> {
    if found == AUDIENCE {
        return Ok(None);
    }
    let bound = found.strip_prefix(AUDIENCE).and_then(|rest| rest.strip_prefix(':')).and_then(|id| id.parse().ok());
    match (bound, audience) {
        (Some(bound), Audience::AnySite) => Ok(Some(bound)),
        (Some(bound), Audience::Site(site)) if bound == *site => Ok(Some(bound)),
        (_, audience) => {
            let expected = match audience {
                Audience::Site(site) => format!("{AUDIENCE} or {AUDIENCE}:{site}"),
                Audience::AnySite => format!("{AUDIENCE} or one of its sites"),
            };
            Err(TokenError::Audience { found: shown(found.as_bytes()), expected })
        }
    }
}

fn claims(jti: &str, grant: &Grant, bound_to: Option<&SiteId>, validity: &Validity) -> Map<String, Value> {
    let audience = bound_to.map_or_else(|| AUDIENCE.to_owned(), |site| format!("{AUDIENCE}:{site}"));
    let mut claims = Map::new();
    for (name, value) in [("iss", json!(VENDOR_ISSUER)), ("aud", json!(audience)), ("jti", json!(jti))] {
        claims.insert(name.to_owned(), value);
    }
    grant.write(&mut claims);
    validity.write(&mut claims);
    claims
}

/// Issues a vendor token, on the connected side. It ends by verifying what it made as a site will.
pub fn issue_vendor_token(
    grant: &Grant,
    bound_to: Option<&SiteId>,
    now: Timestamp,
    days: i64,
    random: [u8; 16],
    signer: &TokenSigner<'_>,
) -> Result<VendorToken, TokenError> {
    let jti = URL_SAFE_NO_PAD.encode(random);
    let validity = Validity { issued_at: now, not_before: now, expires: now.plus_days(days) };
    let compact = jws::sign(VENDOR_TYP, claims(&jti, grant, bound_to, &validity), signer)?;
    let keys = Jwks::of([(signer.key.clone(), None)]);
    verify_vendor_token(&compact, &keys, Audience::AnySite, now, &Revocations::none(), &TokenLimits::default())
}
