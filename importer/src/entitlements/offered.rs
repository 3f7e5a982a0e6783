//! The files of a kit that are about tokens and revocations.

use domain::time::Timestamp;
use ouk::tokens::{
    Audience, JWKS_PATH, Jwks, REVOCATIONS_PATH, Revocations, TOKENS_PATH, TokenError, TokenLimits, verify_bundle,
};
use ouk::verify::{Chunk, VerifiedKit};

use crate::error::ImportError;

/// Their bytes, as signed.
#[derive(Default)]
pub(crate) struct Offered {
    jwks: Option<Vec<u8>>,
    tokens: Option<Vec<u8>>,
    revocations: Option<Vec<u8>>,
}

impl Offered {
    /// Collects them, each within its limit. `chunk` gives the content of a chunk.
    pub(crate) fn read(
        kit: &VerifiedKit,
        limits: &TokenLimits,
        chunk: impl Fn(&Chunk) -> Result<Vec<u8>, ImportError>,
    ) -> Result<Self, ImportError> {
        let read = |path: &str, what, max: usize| -> Result<Option<Vec<u8>>, ImportError> {
            let Some(target) = kit.target(path) else { return Ok(None) };
            let length = usize::try_from(target.length).unwrap_or(usize::MAX);
            if length > max {
                return Err(TokenError::Limit { what, found: length, max }.into());
            }
            let mut bytes = Vec::with_capacity(length);
            for part in &target.chunks {
                bytes.extend(chunk(part)?);
            }
            Ok(Some(bytes))
        };
        Ok(Self {
            jwks: read(JWKS_PATH, "bytes of the key list", limits.jwks_bytes_max)?,
            tokens: read(TOKENS_PATH, "bytes of the token list", limits.bundle_bytes_max)?,
            revocations: read(REVOCATIONS_PATH, "bytes of the revocation list", limits.revocations_bytes_max)?,
        })
    }

    /// Holds all of them to their one spelling, without knowing the site. For the worker.
    pub(crate) fn check(&self, now: Timestamp, limits: &TokenLimits) -> Result<(), ImportError> {
        let none = Revocations::none();
        self.successor(&none, limits)?;
        if let Some((keys, tokens)) = self.tokens(limits)? {
            verify_bundle(tokens, &keys, Audience::AnySite, now, &none, &[], limits)?;
        }
        Ok(())
    }

    /// The revocation list that is in force with this kit: its own, when that may replace the known one.
    pub(crate) fn successor(&self, known: &Revocations, limits: &TokenLimits) -> Result<Revocations, ImportError> {
        let Some(bytes) = &self.revocations else { return Ok(known.clone()) };
        let list = Revocations::parse(bytes, limits)?;
        list.check_successor(known)?;
        Ok(list)
    }

    /// The token list and the keys to verify it with. Tokens without keys are a defect of the kit.
    pub(crate) fn tokens(&self, limits: &TokenLimits) -> Result<Option<(Jwks, &[u8])>, ImportError> {
        let keys = self.jwks.as_deref().map(|bytes| Jwks::parse(bytes, limits)).transpose()?;
        match (keys, self.tokens.as_deref()) {
            (_, None) => Ok(None),
            (Some(keys), Some(tokens)) => Ok(Some((keys, tokens))),
            (None, Some(_)) => {
                Err(TokenError::Jwks(format!("the kit carries {TOKENS_PATH} and no {JWKS_PATH}")).into())
            }
        }
    }
}
