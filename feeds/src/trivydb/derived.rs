//! A Trivy DB that a kit does not carry but signs: the one that its records give.
//!
//! The export writes the same bytes for the same records on every machine. So a vendor signs the digest of what his records
//! give, a site makes the database of its own records, and it must have that digest. A kit is no larger by it,
//! and a delta brings a whole database.

use domain::digest::Digest;
use serde::{Deserialize, Serialize};

/// Where a kit says so.
pub const DERIVED_NAME: &str = "trivy/derived.json";

/// Which bytes the export writes. Another number when the same records give other bytes than before, which a test with a digest
/// in it finds out.
pub const FORM: u32 = 2;

/// As much as its canonical text can be.
const BYTES_MAX: usize = 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Derived {
    pub form: u32,
    pub length: u64,
    pub sha256: Digest,
}

/// Why it is none.
#[derive(Debug, thiserror::Error)]
pub enum DerivedError {
    #[error("is longer than {BYTES_MAX} bytes")]
    TooLong,
    #[error("cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    #[error("is not in canonical form")]
    NotCanonical,
}

impl Derived {
    /// Of a database that was exported just now.
    pub const fn of(length: u64, sha256: Digest) -> Self {
        Self { form: FORM, length, sha256 }
    }

    pub fn to_canonical_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("numbers and a digest")
    }

    pub fn parse(bytes: &[u8]) -> Result<Self, DerivedError> {
        if bytes.len() > BYTES_MAX {
            return Err(DerivedError::TooLong);
        }
        let derived: Self = serde_json::from_slice(bytes)?;
        if derived.to_canonical_json() == bytes { Ok(derived) } else { Err(DerivedError::NotCanonical) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_text_is_read() {
        let derived = Derived { form: 1, length: 4096, sha256: Digest::of(b"a database") };
        let text = derived.to_canonical_json();
        assert_eq!(Derived::parse(&text).expect("its own"), derived);
        assert!(matches!(Derived::parse(&[b" ", &text[..]].concat()), Err(DerivedError::NotCanonical)));
        assert!(matches!(Derived::parse(b"{\"form\":1}"), Err(DerivedError::Unreadable(_))));
        assert!(matches!(Derived::parse(&[b' '; 2000]), Err(DerivedError::TooLong)));
    }
}
