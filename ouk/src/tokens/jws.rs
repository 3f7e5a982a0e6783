//! One signed token in its compact form (RFC 7515), of one algorithm.
//!
//! The order is the point: the header decides nothing but which known key is asked, and not
//! a byte of the payload is parsed before that key's signature is verified.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::time::Timestamp;
use serde_json::{Map, Value, json};

use super::TokenLimits;
use super::error::{TokenError, within};
use super::json::{Members, object};
use super::keys::{KnownKey, TokenSigner};
use super::revocations::Revocations;
use crate::error::shown;
use crate::keys::canonical;

/// What a verified signature covers.
pub(super) struct Opened {
    pub(super) kid: String,
    pub(super) retires: Option<Timestamp>,
    pub(super) claims: Members,
}

/// Verifies a token of the type `typ` by the key that it names among the known ones.
pub(super) fn open<'k>(
    compact: &str,
    typ: &'static str,
    find: impl Fn(&str) -> Option<KnownKey<'k>>,
    revocations: &Revocations,
    limits: &TokenLimits,
) -> Result<Opened, TokenError> {
    within("bytes of the token", compact.len(), limits.token_bytes_max)?;
    let parts: Vec<&str> = compact.splitn(4, '.').collect();
    let [header, payload, signature] = parts[..] else {
        return Err(TokenError::Form("it does not have three parts"));
    };
    let kid = check_header(&decode(header)?, typ, limits)?;
    let known = find(&kid).ok_or_else(|| TokenError::UnknownKey(shown(kid.as_bytes())))?;
    revocations.check_kid(&kid)?;
    let signature: [u8; 64] = decode(signature)?.try_into().map_err(|_| TokenError::Signature(kid.clone()))?;
    let signed = &compact[..header.len() + 1 + payload.len()];
    if !known.key.verify(signed.as_bytes(), &signature) {
        return Err(TokenError::Signature(kid));
    }
    let claims = Members::new(object("payload", &decode(payload)?, limits.depth_max)?);
    Ok(Opened { kid, retires: known.retires, claims })
}

/// Gives the key id of a header that holds `alg`, `kid` and `typ`, and nothing else.
fn check_header(bytes: &[u8], typ: &'static str, limits: &TokenLimits) -> Result<String, TokenError> {
    let header = object("header", bytes, limits.depth_max)?;
    let text = |name: &str| header.get(name).and_then(Value::as_str);
    if text("alg") != Some("EdDSA") {
        let found = header.get("alg").map_or_else(|| "missing".to_owned(), Value::to_string);
        return Err(TokenError::Algorithm(shown(found.as_bytes())));
    }
    // `crit`, `jwk`, `jku`, `x5u` and `x5c` among others: each of them would let the token
    // say how it wants to be verified.
    if let Some(name) = header.keys().find(|name| !["alg", "kid", "typ"].contains(&name.as_str())) {
        return Err(TokenError::Header { name: shown(name.as_bytes()), reason: "is not allowed" });
    }
    match text("typ") {
        Some(found) if found == typ => {}
        Some(found) => return Err(TokenError::Type { found: shown(found.as_bytes()), expected: typ }),
        None => return Err(TokenError::Header { name: "typ".to_owned(), reason: "is missing or not a text" }),
    }
    let kid = text("kid").map(str::to_owned);
    kid.ok_or_else(|| TokenError::Header { name: "kid".to_owned(), reason: "is missing or not a text" })
}

/// base64url without padding, white space or bits that say nothing.
fn decode(part: &str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Form("a part is not strict base64url"))
}

/// Signs claims, and checks that the signer's own public key verifies the result.
pub(super) fn sign(typ: &str, claims: Map<String, Value>, signer: &TokenSigner<'_>) -> Result<String, TokenError> {
    let header = json!({ "alg": "EdDSA", "kid": signer.key.kid(), "typ": typ });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(canonical(value));
    let message = format!("{}.{}", part(&header), part(&Value::Object(claims)));
    let signature = (signer.sign)(message.as_bytes());
    if !signer.key.verify(message.as_bytes(), &signature) {
        return Err(TokenError::Signer);
    }
    Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::TokenKey;

    /// RFC 8037, appendix A: key, thumbprint and signed text.
    #[test]
    fn the_signature_of_rfc_8037_verifies_and_its_thumbprint_is_the_key_id() {
        let x = URL_SAFE_NO_PAD.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").expect("base64url");
        let key = TokenKey::from_bytes(&x.try_into().expect("32 bytes")).expect("a key");
        assert_eq!(key.kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        let message = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        let signature: [u8; 64] = decode(signature).expect("base64url").try_into().expect("64 bytes");
        assert!(key.verify(message.as_bytes(), &signature));
        assert!(!key.verify(&message.as_bytes()[1..], &signature));
    }

    #[test]
    fn base64url_has_one_spelling() {
        assert_eq!(decode("AQ").expect("one byte"), [1]);
        // Padding, white space, the other alphabet, bits behind the end, half a byte.
        for text in ["AQ==", "AQ=", " AQ", "AQ\n", "A Q", "+/+/", "AR", "A", "AQA"[..1].as_ref()] {
            assert_eq!(decode(text).expect_err(text).code(), "E-JWT-FORM", "{text:?}");
        }
    }
}
