//! The list of vendor tokens in a kit: `jwt/tokens.ndjson`.
//!
//! One line `{"jwt":"…"}` for each token, sorted by the tokens' ids. The role entitlements
//! signed the file, so a line of another form is a defect of the kit. A token that does not
//! verify is not: feeds are taken without an entitlement, never the reverse (J12), and a
//! kit may carry tokens that expired on the way or are for other sites.

use domain::digest::Digest;
use domain::time::Timestamp;

use super::TokenLimits;
use super::error::{TokenError, within};
use super::keys::Jwks;
use super::revocations::Revocations;
use super::vendor::{Audience, VendorToken, verify_vendor_token};

const BEFORE: &str = "{\"jwt\":\"";
const AFTER: &str = "\"}";

/// What a token list means here and now.
#[derive(Debug, Default)]
pub struct Entitlements {
    /// In the order of their ids. When there is none, say so to people: the site has no
    /// entitlement.
    pub tokens: Vec<VendorToken>,
    /// How many are for other sites.
    pub elsewhere: usize,
    /// The others: line, and why. To be shown as warnings.
    pub refused: Vec<(usize, TokenError)>,
}

/// A token id that was seen before, and what it stood for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownJti {
    pub jti: String,
    /// [`VendorToken::claims_digest`].
    pub claims: Digest,
}

impl From<&VendorToken> for KnownJti {
    fn from(token: &VendorToken) -> Self {
        Self { jti: token.jti().to_owned(), claims: token.claims_digest() }
    }
}

/// One id is one token. An id that comes again with other claims is refused even when the
/// claims are lower (J08): whoever can sign two tokens under one id has lost count of what
/// was granted. The token that was known stays what it is; the vendor revokes it by its id.
pub fn reconcile(known: &[KnownJti], token: &VendorToken) -> Result<(), TokenError> {
    match known.iter().find(|known| known.jti == token.jti()) {
        Some(known) if known.claims != token.claims_digest() => Err(TokenError::Replay(token.jti().to_owned())),
        _ => Ok(()),
    }
}

/// Reads the list and verifies each token. `known` are the ids of earlier kits.
pub fn verify_bundle(
    bytes: &[u8],
    keys: &Jwks,
    audience: Audience<'_>,
    now: Timestamp,
    revocations: &Revocations,
    known: &[KnownJti],
    limits: &TokenLimits,
) -> Result<Entitlements, TokenError> {
    within("bytes of the token list", bytes.len(), limits.bundle_bytes_max)?;
    let fault = |line: usize, reason: &'static str| TokenError::Bundle { line, reason };
    let text = std::str::from_utf8(bytes).map_err(|_| fault(1, "not UTF-8"))?;
    if !text.is_empty() && !text.ends_with('\n') {
        return Err(fault(text.matches('\n').count() + 1, "the last line has no end"));
    }
    within("tokens of the token list", text.matches('\n').count(), limits.bundle_tokens_max)?;
    let mut found = Entitlements::default();
    for (line, content) in (1..).zip(text.split_terminator('\n')) {
        let compact = compact_of(content).ok_or_else(|| fault(line, "not of the form {\"jwt\":\"…\"}"))?;
        let verified = verify_vendor_token(compact, keys, audience, now, revocations, limits)
            .and_then(|token| reconcile(known, &token).map(|()| token));
        match verified {
            Ok(token) if found.tokens.last().is_some_and(|last| last.jti() >= token.jti()) => {
                return Err(fault(line, "not in the order of the ids, or an id occurs twice"));
            }
            Ok(token) => found.tokens.push(token),
            Err(TokenError::Audience { .. }) => found.elsewhere += 1,
            Err(error) => found.refused.push((line, error)),
        }
    }
    Ok(found)
}

/// The token of a line, when the line has its one spelling.
fn compact_of(line: &str) -> Option<&str> {
    let compact = line.strip_prefix(BEFORE)?.strip_suffix(AFTER)?;
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    compact.bytes().all(fine).then_some(compact)
}

/// The list of these tokens, as a kit carries it.
pub fn write_bundle(tokens: &[VendorToken]) -> Result<Vec<u8>, TokenError> {
    let mut tokens: Vec<&VendorToken> = tokens.iter().collect();
    tokens.sort_by(|a, b| a.jti().cmp(b.jti()));
    if let Some(twice) = tokens.windows(2).find(|pair| pair[0].jti() == pair[1].jti()) {
        return Err(TokenError::Replay(twice[0].jti().to_owned()));
    }
    Ok(tokens.iter().map(|token| format!("{BEFORE}{}{AFTER}\n", token.expose())).collect::<String>().into_bytes())
}
