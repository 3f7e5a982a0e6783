//! The seal: one minisign signature over the whole file, for a person with a common tool.
//!
//! It proves nothing that the metadata does not prove better: it has no threshold, no
//! rotation and no expiry. So a missing seal may be allowed, a wrong one never is, and
//! nothing is decided by what it says. The file is read in one spelling only, because
//! the verifying library passes over trailing lines, carriage returns and the untrusted
//! comment; that comment is never shown.

use std::fmt;
use std::io::Read;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::digest::Digest;
use minisign::SecretKeyBox;
use minisign_verify::{PublicKey, Signature};

use crate::error::{KitError, shown};
use crate::keys::KeyError;
use crate::verify::VerifiedKit;

const UNTRUSTED: &str = "untrusted comment: ";
const TRUSTED: &str = "trusted comment: ";
const SEAL_BYTES_MAX: usize = 4096;
const BUFFER_BYTES: usize = 64 << 10;

/// What the seal says under its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrustedComment {
    pub kit: u64,
    pub root: u64,
    pub targets: u64,
    pub sha256: Digest,
}

impl fmt::Display for TrustedComment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ouk kit={} root={} targets={} sha256={}", self.kit, self.root, self.targets, self.sha256)
    }
}

impl FromStr for TrustedComment {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut words = text.strip_prefix("ouk ").ok_or(())?.split(' ');
        let mut value = |name: &str| {
            let (key, value) = words.next()?.split_once('=')?;
            (key == name).then_some(value)
        };
        let mut read = || {
            let kit = value("kit")?.parse().ok()?;
            let root = value("root")?.parse().ok()?;
            let targets = value("targets")?.parse().ok()?;
            Some(Self { kit, root, targets, sha256: value("sha256")?.parse().ok()? })
        };
        let comment = read().ok_or(())?;
        // One spelling.
        if comment.to_string() == text { Ok(comment) } else { Err(()) }
    }
}

/// Signs a kit. `secret_key` is the content of a minisign secret key file; `password` is
/// asked for when that is encrypted. The result is the content of the `.minisig` file.
pub fn sign_minisign(
    kit: impl Read,
    secret_key: &str,
    password: Option<&str>,
    comment: &TrustedComment,
) -> Result<String, KeyError> {
    let refuse = |error: minisign::PError| KeyError::Minisign(error.to_string());
    let sealed = SecretKeyBox::from_string(secret_key).map_err(refuse)?;
    let secret = match password {
        Some(password) => sealed.into_secret_key(Some(password.to_owned())),
        // Without a password the library would ask for one on the terminal.
        None => sealed.into_unencrypted_secret_key(),
    };
    let secret = secret.map_err(refuse)?;
    let comment = comment.to_string();
    let seal = minisign::sign(None, &secret, kit, Some(&comment), Some("seal of a Stella Offline Update Kit"));
    Ok(seal.map_err(refuse)?.into_string())
}

/// Checks the seal of a kit, reading the kit once. `public_key` is the content of a
/// minisign public key file, or its second line alone.
pub fn verify_minisign(mut kit: impl Read, minisig: &str, public_key: &str) -> Result<TrustedComment, KitError> {
    let seal = |reason: &str| KitError::Seal(reason.to_owned());
    let comment = check_spelling(minisig)?;
    let signature = Signature::decode(minisig).map_err(|_| seal("is not a minisign signature"))?;
    let public_key = public_key.trim();
    let key = match public_key.split_once('\n') {
        Some(_) => PublicKey::decode(public_key),
        None => PublicKey::from_base64(public_key),
    };
    let key = key.map_err(|_| seal("cannot be checked: the public key is not a minisign key"))?;
    let mut verifier = key.verify_stream(&signature).map_err(|error| match error {
        minisign_verify::Error::UnexpectedKeyId => seal("was made with another key"),
        _ => seal("is of the legacy kind that signs without hashing first"),
    })?;
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match kit.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => verifier.update(buffer.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(KitError::Io(error)),
        }
    }
    verifier.finalize().map_err(|_| seal("does not fit this file and key"))?;
    comment.parse().map_err(|()| seal(&format!("is valid but not of a kit: {:?}", shown(comment.as_bytes()))))
}

/// Holds the seal's word for the file's digest against the digest that was computed.
pub fn check_comment(comment: &TrustedComment, sha256: &Digest) -> Result<(), KitError> {
    if comment.sha256 == *sha256 {
        return Ok(());
    }
    Err(KitError::Seal(format!("names the SHA-256 {}, the file has {sha256}", comment.sha256)))
}

/// Holds the seal's words for versions against the verified kit.
pub fn check_kit(comment: &TrustedComment, kit: &VerifiedKit) -> Result<(), KitError> {
    let said = (comment.kit, comment.root, comment.targets);
    let found = (kit.kit_version(), kit.root_version(), kit.targets_version());
    if said == found {
        return Ok(());
    }
    Err(KitError::Seal(format!("names kit, root and targets {said:?}, the kit has {found:?}")))
}

/// Exactly four lines in canonical base64; returns the trusted comment, not yet verified.
fn check_spelling(minisig: &str) -> Result<&str, KitError> {
    let refuse = |reason: &str| Err(KitError::Seal(reason.to_owned()));
    if minisig.len() > SEAL_BYTES_MAX {
        return refuse("is over 4 KiB long");
    }
    let lines: Vec<&str> = minisig.split('\n').collect();
    let [untrusted, signature, trusted, global, ""] = lines.as_slice() else {
        return refuse("is not exactly four lines");
    };
    if minisig.contains(|byte: char| byte.is_control() && byte != '\n') {
        return refuse("contains control characters");
    }
    let Some(comment) = trusted.strip_prefix(TRUSTED).filter(|_| untrusted.starts_with(UNTRUSTED)) else {
        return refuse("lacks a comment line");
    };
    let canonical = |line: &str| STANDARD.decode(line).ok().filter(|bytes| STANDARD.encode(bytes) == line);
    match (canonical(signature), canonical(global)) {
        (Some(signature), Some(global)) if signature.len() == 74 && global.len() == 64 => {
            if signature.starts_with(b"Ed") {
                return refuse("is of the legacy kind that signs without hashing first");
            }
            Ok(comment)
        }
        _ => refuse("is not canonical base64"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trusted_comment_has_one_spelling() {
        let comment = TrustedComment { kit: 7, root: 2, targets: 7, sha256: Digest::of(b"x") };
        let text = comment.to_string();
        assert!(text.starts_with("ouk kit=7 root=2 targets=7 sha256=2d71"), "{text}");
        assert_eq!(text.parse(), Ok(comment));
        for bad in
            [text.replace("kit=7", "kit=07"), text.replace("ouk ", ""), format!("{text} "), text.replace(' ', "  ")]
        {
            assert_eq!(bad.parse::<TrustedComment>(), Err(()), "{bad}");
        }
    }
}
