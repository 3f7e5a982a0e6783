//! Why a token, a key list or a revocation list is refused.
//!
//! A message never holds the token itself: whoever reads a log must not be able to use
//! what it shows.

use domain::digest::Digest;
use domain::time::Timestamp;

use crate::error::Blame;

/// A refused token, or a refused file that tokens depend on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("{what}: {found} is over the limit of {max}")]
    Limit { what: &'static str, found: usize, max: usize },
    #[error("not a compact JWS: {0}")]
    Form(&'static str),
    #[error("the {part} is not strict JSON: {reason}")]
    Json { part: &'static str, reason: String },
    #[error("the algorithm is {0}, not EdDSA")]
    Algorithm(String),
    #[error("the header parameter {name} {reason}")]
    Header { name: String, reason: &'static str },
    #[error("the type is {found}, not {expected}")]
    Type { found: String, expected: &'static str },
    #[error("no key {0} is known")]
    UnknownKey(String),
    #[error("the signature is not the one of key {0}")]
    Signature(String),
    #[error("the claim {name} {reason}")]
    Claim { name: String, reason: &'static str },
    #[error("the issuer is {found}, not {expected}")]
    Issuer { found: String, expected: String },
    #[error("the audience is {found}, not {expected}")]
    Audience { found: String, expected: String },
    #[error("good from {at} on, and it is {now}")]
    NotYet { at: Timestamp, now: Timestamp },
    #[error("expired at {at}, and it is {now}")]
    Expired { at: Timestamp, now: Timestamp },
    #[error("good for {found} s, over the limit of {max} s")]
    Lifetime { found: i64, max: i64 },
    #[error("the {what} {id} is revoked")]
    Revoked { what: &'static str, id: String },
    #[error("the id {0} was seen with other claims")]
    Replay(String),

    #[error("the key list: {0}")]
    Jwks(String),
    #[error("key {0} is of small order or misspelt: anyone could sign with it")]
    WeakKey(String),
    #[error("the token list, line {line}: {reason}")]
    Bundle { line: usize, reason: &'static str },

    #[error("the revocation list: {0}")]
    Revocations(String),
    #[error("the revocation list has serial {found}, below the known {floor}")]
    RevocationsRollback { found: u64, floor: u64 },
    #[error("two revocation lists have the serial {serial}: {found}, and the known {known}")]
    RevocationsEquivocation { serial: u64, found: Digest, known: Digest },

    #[error("the signer gave a signature that its own public key does not verify")]
    Signer,
}

impl TokenError {
    /// The stable code; `docs/tokens.md` lists them all.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Limit { .. } => "E-JWT-LIMIT",
            Self::Form(_) => "E-JWT-FORM",
            Self::Json { .. } => "E-JWT-JSON",
            Self::Algorithm(_) => "E-JWT-ALG",
            Self::Header { .. } => "E-JWT-HEADER",
            Self::Type { .. } => "E-JWT-TYP",
            Self::UnknownKey(_) => "E-JWT-KID",
            Self::Signature(_) => "E-JWT-SIG",
            Self::Claim { .. } => "E-JWT-CLAIM",
            Self::Issuer { .. } => "E-JWT-ISS",
            Self::Audience { .. } => "E-JWT-AUD",
            Self::NotYet { .. } => "E-JWT-NOT-YET",
            Self::Expired { .. } => "E-JWT-EXPIRED",
            Self::Lifetime { .. } => "E-JWT-LIFETIME",
            Self::Revoked { .. } => "E-JWT-REVOKED",
            Self::Replay(_) => "E-JWT-REPLAY",
            Self::Jwks(_) => "E-JWKS",
            Self::WeakKey(_) => "E-JWKS-WEAK",
            Self::Bundle { .. } => "E-JWT-BUNDLE",
            Self::Revocations(_) => "E-REVOCATIONS",
            Self::RevocationsRollback { .. } => "E-REVOCATIONS-ROLLBACK",
            Self::RevocationsEquivocation { .. } => "E-REVOCATIONS-EQUIVOCATION",
            Self::Signer => "E-JWT-SIGNER",
        }
    }

    /// Who must act.
    pub fn blame(&self) -> Blame {
        match self {
            Self::NotYet { .. } | Self::Expired { .. } | Self::Audience { .. } | Self::Revoked { .. } => {
                Blame::Operator
            }
            Self::Signer => Blame::Us,
            _ => Blame::Kit,
        }
    }

    /// What to do next.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Expired { .. } => "import a newer kit: it carries fresh tokens",
            Self::NotYet { .. } => "check the machine's clock",
            Self::Audience { .. } | Self::Issuer { .. } | Self::Type { .. } => {
                "this token is meant for another place: use the one that this site issued"
            }
            Self::Revoked { .. } => "the vendor withdrew it: import a newer kit, or ask the vendor",
            Self::RevocationsRollback { .. } => "this list is older than what the site has: get a newer kit",
            Self::RevocationsEquivocation { .. } => {
                "two different lists bear one serial: keep both as evidence and alert the vendor"
            }
            Self::Replay(_) => "two different tokens bear one id: keep the kit as evidence and ask the vendor",
            Self::Signature(_) | Self::Algorithm(_) | Self::WeakKey(_) | Self::UnknownKey(_) => {
                "treat it as forged: keep it as evidence, tell the vendor"
            }
            Self::Signer => "the signing key and its public key do not belong together: make the pair anew",
            _ => "this was not made by the kit builder: keep it as evidence, tell the vendor",
        }
    }

    pub(super) fn claim(name: &str, reason: &'static str) -> Self {
        Self::Claim { name: crate::error::shown(name.as_bytes()), reason }
    }
}

/// Fails with [`TokenError::Limit`] when `found` is over `max`.
pub(super) fn within(what: &'static str, found: usize, max: usize) -> Result<(), TokenError> {
    if found > max { Err(TokenError::Limit { what, found, max }) } else { Ok(()) }
}
