//! Ed25519 keys that are good for one purpose each.
//!
//! A signature made for one protocol must mean nothing in another. The purpose is therefore a type:
//! handing a log key to [`crate::dsse::sign`] does not compile, and each purpose signs only bytes
//! that its own format makes. A type cannot see that one key *file* was copied to two names; that is
//! what [`refuse_shared`] is for.
//!
//! ```
//! use attest::{dsse, keys::{Receipt, SigningKey}};
//! dsse::sign(b"{}", &[&SigningKey::<Receipt>::from_seed(&[7; 32])]);
//! ```
//! ```compile_fail
//! use attest::{dsse, keys::{Log, SigningKey}};
//! dsse::sign(b"{}", &[&SigningKey::<Log>::from_seed(&[7; 32])]); // A log key is no receipt key.
//! ```
//!
//! A private key is a PKCS#8 PEM file, a public key a SPKI PEM file or the base64 of its 32
//! bytes: all of them in the form of RFC 8410, which `openssl` reads.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use domain::digest::Digest;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey, KeypairBytes};
use ed25519_dalek::{Signature, Signer};
use zeroize::Zeroizing;

use crate::error::AttestError;
use crate::text::{base64, unbase64};

/// No key file is longer; a PEM of Ed25519 has about 120 bytes.
const PEM_BYTES_MAX: usize = 1024;

/// What a key is for.
pub trait Purpose: sealed::Sealed + 'static {
    /// A stable word, fit for a file name.
    const NAME: &'static str;
}

/// A purpose whose bytes to sign are made outside of this room.
pub trait Raw: Purpose {}

mod sealed {
    pub trait Sealed {}
}

macro_rules! purposes {
    ($($(#[$doc:meta])* $purpose:ident = $name:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub enum $purpose {}
        impl sealed::Sealed for $purpose {}
        impl Purpose for $purpose {
            const NAME: &'static str = $name;
        }
    )+};
}

purposes! {
    /// Signs what the site says about an import: DSSE with in-toto statements.
    Receipt = "receipt";
    /// Signs that a person approves an action: DSSE with a payload of its own.
    Approval = "approval";
    /// Signs heads of the audit log: C2SP notes.
    Log = "log";
    /// Signs access tokens of the site.
    Token = "token";
    /// Signs the site's own TUF metadata.
    SiteTargets = "site-targets";
}

impl Raw for Token {}
impl Raw for SiteTargets {}

/// A private key. It is overwritten when dropped and never printed.
pub struct SigningKey<P> {
    key: ed25519_dalek::SigningKey,
    purpose: PhantomData<fn() -> P>,
}

impl<P: Purpose> SigningKey<P> {
    /// The key that grows from 32 random bytes. They are as secret as the key.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self { key: ed25519_dalek::SigningKey::from_bytes(seed), purpose: PhantomData }
    }

    /// Reads a PKCS#8 PEM file.
    pub fn from_pem(pem: &str) -> Result<Self, AttestError> {
        let pem = short::<P>(pem)?;
        let key = ed25519_dalek::SigningKey::from_pkcs8_pem(pem).map_err(|error| unreadable::<P>(error.to_string()))?;
        VerifyingKey::<P>::from_bytes(key.verifying_key().as_bytes())?;
        Ok(Self { key, purpose: PhantomData })
    }

    /// Writes a PKCS#8 PEM file, in the first version of the format, which every tool reads.
    pub fn to_pem(&self) -> Zeroizing<String> {
        let pair = KeypairBytes { secret_key: self.key.to_bytes(), public_key: None };
        pair.to_pkcs8_pem(LineEnding::LF).expect("an Ed25519 key has a PKCS#8 form")
    }

    pub fn public(&self) -> VerifyingKey<P> {
        VerifyingKey { key: self.key.verifying_key(), purpose: PhantomData }
    }

    pub(crate) fn sign_bytes(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }
}

impl<P: Raw> SigningKey<P> {
    /// Signs bytes whose format another room answers for.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.sign_bytes(message)
    }
}

impl<P: Purpose> fmt::Debug for SigningKey<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey<{}>({})", P::NAME, self.public().id())
    }
}

/// A public key. Weak keys have no value of this type.
pub struct VerifyingKey<P> {
    key: ed25519_dalek::VerifyingKey,
    purpose: PhantomData<fn() -> P>,
}

impl<P: Purpose> VerifyingKey<P> {
    /// Takes the 32 bytes of RFC 8032.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, AttestError> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes)
            .map_err(|_| unreadable::<P>("not a point of the curve".to_owned()))?;
        // A point with two spellings would be one key with two ids.
        if key.is_weak() || key.to_edwards().compress().as_bytes() != bytes {
            return Err(AttestError::WeakKey { purpose: P::NAME });
        }
        Ok(Self { key, purpose: PhantomData })
    }

    /// Reads a SPKI PEM file, or the base64 of the 32 bytes with at most one line break after it.
    pub fn parse(text: &str) -> Result<Self, AttestError> {
        let text = short::<P>(text)?;
        if text.starts_with("-----BEGIN ") {
            let key = ed25519_dalek::VerifyingKey::from_public_key_pem(text);
            return Self::from_bytes(key.map_err(|error| unreadable::<P>(error.to_string()))?.as_bytes());
        }
        let bytes = unbase64(text.strip_suffix('\n').unwrap_or(text)).and_then(|bytes| bytes.try_into().ok());
        Self::from_bytes(&bytes.ok_or_else(|| unreadable::<P>("neither a PEM file nor 32 bytes in base64".to_owned()))?)
    }

    /// Writes a SPKI PEM file.
    pub fn to_pem(&self) -> String {
        self.key.to_public_key_pem(LineEnding::LF).expect("an Ed25519 key has a SPKI form")
    }

    pub fn to_base64(&self) -> String {
        base64(self.as_bytes())
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// The SHA-256 of the 32 bytes: how people and records name the key. Never a reason to trust it.
    pub fn id(&self) -> Digest {
        Digest::of(self.as_bytes())
    }

    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature).is_ok_and(|signature| self.key.verify_strict(message, &signature).is_ok())
    }
}

impl<P: Raw> VerifyingKey<P> {
    /// Is this the key's signature of bytes whose format another room answers for?
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.verifies(message, signature)
    }
}

impl<P> Clone for VerifyingKey<P> {
    fn clone(&self) -> Self {
        Self { key: self.key, purpose: PhantomData }
    }
}

impl<P> PartialEq for VerifyingKey<P> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl<P> Eq for VerifyingKey<P> {}

impl<P: Purpose> fmt::Debug for VerifyingKey<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey<{}>({})", P::NAME, self.id())
    }
}

/// Fails when one key stands under two purposes: `(P::NAME, key.id())` of every key at hand.
/// Two keys of one purpose, as in a rotation, are fine.
pub fn refuse_shared(keys: impl IntoIterator<Item = (&'static str, Digest)>) -> Result<(), AttestError> {
    let mut seen = BTreeMap::new();
    for (second, id) in keys {
        let first = *seen.entry(id).or_insert(second);
        if first != second {
            return Err(AttestError::SharedKey { first, second });
        }
    }
    Ok(())
}

fn short<P: Purpose>(text: &str) -> Result<&str, AttestError> {
    if text.len() > PEM_BYTES_MAX { Err(unreadable::<P>("the file is too long".to_owned())) } else { Ok(text) }
}

fn unreadable<P: Purpose>(reason: String) -> AttestError {
    AttestError::Key { purpose: P::NAME, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 8410, section 10.3: the private key, and its public key of section 10.1.
    const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\n\
                           MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
                           -----END PRIVATE KEY-----\n";
    const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\n\
                          MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n\
                          -----END PUBLIC KEY-----\n";
    const BASE64: &str = "Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=";

    #[test]
    fn the_keys_of_rfc_8410_are_read_and_written_as_they_are() {
        let key = SigningKey::<Receipt>::from_pem(PRIVATE).expect("a private key");
        assert_eq!(*key.to_pem(), PRIVATE);
        assert_eq!(key.public().to_pem(), PUBLIC);
        assert_eq!(key.public().to_base64(), BASE64);
        for text in [PUBLIC, BASE64, &format!("{BASE64}\n")] {
            assert_eq!(VerifyingKey::parse(text).as_ref(), Ok(&key.public()), "{text}");
        }
        assert_eq!(key.public().id(), Digest::of(key.public().as_bytes()));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let long = format!("{PUBLIC}{}", " ".repeat(PEM_BYTES_MAX));
        for text in ["", "AAAA", "-----BEGIN PUBLIC KEY-----\n", PRIVATE, &format!(" {BASE64}"), &long] {
            let code = VerifyingKey::<Log>::parse(text).map_err(|error| error.code());
            assert_eq!(code, Err("E-KEY"), "{text}");
        }
        for text in ["", PUBLIC, BASE64, &PRIVATE.replace("MC4C", "MC4D")] {
            assert_eq!(SigningKey::<Log>::from_pem(text).map(|_| ()).map_err(|error| error.code()), Err("E-KEY"));
        }
    }

    #[test]
    fn small_order_keys_and_second_spellings_are_refused() {
        // S07. The neutral element; the point of order 2; two points of order 8; y = 1 + p.
        let mut identity = [0; 32];
        identity[0] = 1;
        let mut order_2 = [0xff; 32];
        order_2[0] = 0xec;
        order_2[31] = 0x7f;
        let mut second_spelling = order_2;
        second_spelling[0] = 0xee;
        let order_4 = [0; 32];
        let order_8 = unbase64("JuiVj8KyJ7BFw/SJ8u+Y8NXfrAXTxjM5sTgCiG1T/AU=").expect("base64");
        let order_8: [u8; 32] = order_8.try_into().expect("32 bytes");
        for bytes in [identity, order_2, order_4, order_8, second_spelling] {
            let code = VerifyingKey::<Log>::from_bytes(&bytes).map_err(|error| error.code());
            assert_eq!(code, Err("E-KEY-WEAK"), "{bytes:02x?}");
        }
        // No weak point of large order: y = 3 + p is the second spelling of y = 3, which is on the curve.
        let mut three = [0; 32];
        three[0] = 3;
        assert!(VerifyingKey::<Log>::from_bytes(&three).is_ok());
        second_spelling[0] = 0xf0;
        assert_eq!(VerifyingKey::<Log>::from_bytes(&second_spelling).map_err(|e| e.code()), Err("E-KEY-WEAK"));
    }

    #[test]
    fn a_secret_is_never_printed() {
        let key = SigningKey::<Token>::from_seed(&[0xab; 32]);
        let printed = format!("{key:?} {key:#?}");
        assert!(printed.starts_with("SigningKey<token>("), "{printed}");
        assert!(!printed.contains("abab") && !printed.contains("171"), "{printed}");
    }

    #[test]
    fn one_key_for_two_purposes_is_found() {
        // S18: the file of the log key copied over that of the receipt key.
        let id = |seed: u8| SigningKey::<Log>::from_seed(&[seed; 32]).public().id();
        let rotated = [(Receipt::NAME, id(1)), (Log::NAME, id(2)), (Receipt::NAME, id(1)), (Receipt::NAME, id(3))];
        assert_eq!(refuse_shared(rotated), Ok(()));
        let error = refuse_shared([(Log::NAME, id(1)), (Token::NAME, id(2)), (Receipt::NAME, id(1))]);
        assert_eq!(error, Err(AttestError::SharedKey { first: "log", second: "receipt" }));
    }

    #[test]
    fn a_raw_purpose_signs_what_another_room_made() {
        let key = SigningKey::<Token>::from_seed(&[1; 32]);
        let signature = key.sign(b"header.claims");
        assert!(key.public().verify(b"header.claims", &signature));
        assert!(!key.public().verify(b"header.claimz", &signature));
        assert!(!key.public().verify(b"header.claims", &signature[..63]));
    }
}
