//! What a reader of evidence is willing to take in.

use crate::error::AttestError;

/// Limits for evidence that comes from outside. Arguments, so that tests reach them with little.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// One DSSE envelope.
    pub envelope_bytes_max: usize,
    /// One signed note. Sixteen signatures of a scheme that withstands quantum computers fit in.
    pub note_bytes_max: usize,
    /// One transparency log proof, its checkpoint included.
    pub proof_bytes_max: usize,
    /// Signatures of one envelope or note. The note format demands that 16 are accepted.
    pub signatures_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { envelope_bytes_max: 1 << 20, note_bytes_max: 128 << 10, proof_bytes_max: 256 << 10, signatures_max: 16 }
    }
}

/// Fails when `found` is over `max`.
pub(crate) fn within(what: &'static str, found: usize, max: usize) -> Result<(), AttestError> {
    if found > max { Err(AttestError::Limit { what, found: found as u64, max: max as u64 }) } else { Ok(()) }
}
