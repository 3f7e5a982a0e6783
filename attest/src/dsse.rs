//! DSSE v1 envelopes: signed bytes that say what kind they are.
//!
//! What is signed is the pre-authentication encoding of type and payload, so neither JSON nor base64
//! is part of the trust. The envelope itself is still read strictly: one that two readers could
//! take for different things is refused. A key id is a hint for people and never decides anything.
//! Which type a key may sign belongs to its purpose, so no caller can pass the wrong one.

use std::collections::BTreeSet;
use std::marker::PhantomData;

use domain::digest::Digest;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::AttestError;
use crate::keys::{Approval, Purpose, Receipt, SigningKey, VerifyingKey};
use crate::limits::{Limits, within};
use crate::text::{base64, shown, unbase64_either};

/// A purpose that signs envelopes, and the one type of payload it signs.
pub trait Signs: Purpose {
    const PAYLOAD_TYPE: &'static str;
}

impl Signs for Receipt {
    const PAYLOAD_TYPE: &'static str = "application/vnd.in-toto+json";
}

impl Signs for Approval {
    const PAYLOAD_TYPE: &'static str = "application/vnd.stella.approval.v1+json";
}

// Fields stand in the order of their names, so an envelope of ours is canonical JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<EnvelopeSignature>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EnvelopeSignature {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keyid: Option<String>,
    sig: String,
}

/// The bytes that are signed.
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

/// Signs a payload with each of the keys. Without a key this is an envelope that no one accepts.
pub fn sign<P: Signs>(payload: &[u8], keys: &[&SigningKey<P>]) -> Vec<u8> {
    let message = pae(P::PAYLOAD_TYPE, payload);
    let signature = |key: &&SigningKey<P>| EnvelopeSignature {
        keyid: Some(key.public().id().to_string()),
        sig: base64(&key.sign_bytes(&message)),
    };
    let envelope = Envelope {
        payload: base64(payload),
        payload_type: P::PAYLOAD_TYPE.to_owned(),
        signatures: keys.iter().map(signature).collect(),
    };
    serde_json::to_vec(&envelope).expect("strings have a JSON form")
}

/// A payload that enough keys signed for the purpose `P`. Only [`verify`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedPayload<P> {
    bytes: Vec<u8>,
    signers: BTreeSet<Digest>,
    purpose: PhantomData<fn() -> P>,
}

impl<P> VerifiedPayload<P> {
    fn assertion(bytes: Vec<u8>, signers: BTreeSet<Digest>) -> Self {
        Self { bytes, signers, purpose: PhantomData }
    }

    /// The very bytes that were verified. Nothing else of the envelope may be believed.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The ids of the keys that signed, each once.
    pub fn signers(&self) -> &BTreeSet<Digest> {
        &self.signers
    }
}

/// Verifies that at least `threshold` distinct keys of `keys` signed the payload.
///
/// As the protocol says, a signature that proves nothing does not spoil the others; anything that is
/// no envelope does.
pub fn verify<P: Signs>(
    envelope: &[u8],
    limits: &Limits,
    keys: &[VerifyingKey<P>],
    threshold: usize,
) -> Result<VerifiedPayload<P>, AttestError> {
    let trusted: BTreeSet<&[u8; 32]> = keys.iter().map(VerifyingKey::as_bytes).collect();
    if threshold == 0 || threshold > trusted.len() {
        return Err(AttestError::Policy { threshold, keys: trusted.len() });
    }
    let envelope = parse(envelope, limits)?;
    if envelope.payload_type != P::PAYLOAD_TYPE {
        let found = shown(&envelope.payload_type);
        return Err(AttestError::PayloadType { found, expected: P::PAYLOAD_TYPE });
    }
    let decode = |text: &str, what: &str| {
        unbase64_either(text).ok_or_else(|| AttestError::Envelope(format!("the {what} is not base64")))
    };
    let payload = decode(&envelope.payload, "payload")?;
    let message = pae(P::PAYLOAD_TYPE, &payload);
    let mut signers = BTreeSet::new();
    for signature in &envelope.signatures {
        let signature = decode(&signature.sig, "signature")?;
        // A set of ids: one key that signs twice, or is trusted twice, counts once.
        signers.extend(keys.iter().find(|key| key.verifies(&message, &signature)).map(VerifyingKey::id));
    }
    if signers.len() < threshold {
        return Err(AttestError::Threshold { found: signers.len(), threshold });
    }
    Ok(VerifiedPayload::assertion(payload, signers))
}

fn parse(bytes: &[u8], limits: &Limits) -> Result<Envelope, AttestError> {
    within("bytes of the envelope", bytes.len(), limits.envelope_bytes_max)?;
    let refuse = |error: serde_json::Error| AttestError::Envelope(error.to_string());
    // Refuses unknown and repeated names, but would take an array for an object and `null` for an
    // absent key id: what was understood must be all that was written.
    let envelope: Envelope = serde_json::from_slice(bytes).map_err(refuse)?;
    let written: Value = serde_json::from_slice(bytes).map_err(refuse)?;
    if serde_json::to_value(&envelope).map_err(refuse)? != written {
        return Err(AttestError::Envelope("not an object of the three names of an envelope".to_owned()));
    }
    within("signatures of the envelope", envelope.signatures.len(), limits.signatures_max)?;
    Ok(envelope)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Log;

    fn key<P: Purpose>(seed: u8) -> SigningKey<P> {
        SigningKey::from_seed(&[seed; 32])
    }

    fn check(envelope: &[u8], seeds: &[u8], threshold: usize) -> Result<usize, &'static str> {
        let keys: Vec<_> = seeds.iter().map(|seed| key::<Receipt>(*seed).public()).collect();
        let verified = verify(envelope, &Limits::default(), &keys, threshold).map_err(|error| error.code())?;
        assert_eq!(verified.bytes(), b"{\"a\":1}");
        Ok(verified.signers().len())
    }

    fn signed(seeds: &[u8]) -> String {
        let keys: Vec<_> = seeds.iter().map(|seed| key::<Receipt>(*seed)).collect();
        let keys: Vec<_> = keys.iter().collect();
        String::from_utf8(sign(b"{\"a\":1}", &keys)).expect("text")
    }

    #[test]
    fn the_encoding_is_the_one_of_the_specification() {
        let want = b"DSSEv1 29 http://example.com/HelloWorld 11 hello world";
        assert_eq!(pae("http://example.com/HelloWorld", b"hello world"), want);
        // Lengths count bytes, and are decimal.
        assert_eq!(pae("\u{e9}", b""), b"DSSEv1 2 \xc3\xa9 0 ");
    }

    #[test]
    fn an_envelope_is_canonical_and_deterministic() {
        let envelope = signed(&[1]);
        assert_eq!(envelope, signed(&[1]));
        let id = key::<Receipt>(1).public().id();
        let start = format!(
            "{{\"payload\":\"eyJhIjoxfQ==\",\"payloadType\":\"application/vnd.in-toto+json\",\"signatures\":[{{\"keyid\":\"{id}\",\"sig\":\""
        );
        assert!(envelope.starts_with(&start), "{envelope}");
        assert_eq!(check(envelope.as_bytes(), &[1], 1), Ok(1));
    }

    #[test]
    fn distinct_keys_are_counted_and_not_signatures_or_names() {
        // S02, S12: one key twice in the envelope, twice in the trust, and under a false name.
        let twice = signed(&[1, 1]);
        assert_eq!(check(twice.as_bytes(), &[1, 2], 2), Err("E-DSSE-THRESHOLD"));
        assert_eq!(check(signed(&[1]).as_bytes(), &[1, 1], 2), Err("E-DSSE-POLICY"));
        let [one, two] = [1, 2].map(|seed| key::<Receipt>(seed).public().id().to_string());
        let renamed = twice.replacen(&one, &two, 1);
        assert_eq!(check(renamed.as_bytes(), &[1, 2], 2), Err("E-DSSE-THRESHOLD"));
        // A key id neither helps nor harms.
        assert_eq!(check(signed(&[1, 2]).replace(&one, "").replace(&two, &one).as_bytes(), &[1, 2], 2), Ok(2));
        assert_eq!(check(signed(&[1, 2, 3]).as_bytes(), &[1, 2], 2), Ok(2));
        assert_eq!(check(signed(&[3]).as_bytes(), &[1, 2], 1), Err("E-DSSE-SIG"));
        assert_eq!(check(signed(&[]).as_bytes(), &[1], 1), Err("E-DSSE-SIG"));
    }

    #[test]
    fn a_threshold_that_means_nothing_is_refused() {
        // S03.
        for (seeds, threshold) in [(&[1u8][..], 0), (&[1][..], 2), (&[][..], 0), (&[][..], 1)] {
            assert_eq!(check(signed(&[1]).as_bytes(), seeds, threshold), Err("E-DSSE-POLICY"));
        }
    }

    #[test]
    fn a_signature_for_another_purpose_is_worth_nothing() {
        // S18: the same 32 bytes as log key, as approval key and as receipt key.
        let payload = b"{\"a\":1}";
        let approval = sign(payload, &[&key::<Approval>(1)]);
        assert_eq!(check(&approval, &[1], 1), Err("E-DSSE-TYPE"));
        let relabelled =
            String::from_utf8(approval).expect("text").replace(Approval::PAYLOAD_TYPE, Receipt::PAYLOAD_TYPE);
        assert_eq!(check(relabelled.as_bytes(), &[1], 1), Err("E-DSSE-SIG"));
        let sig = base64(&key::<Log>(1).sign_bytes(payload));
        let by_log = format!(
            "{{\"payload\":\"{}\",\"payloadType\":\"{}\",\"signatures\":[{{\"sig\":\"{sig}\"}}]}}",
            base64(payload),
            Receipt::PAYLOAD_TYPE
        );
        assert_eq!(check(by_log.as_bytes(), &[1], 1), Err("E-DSSE-SIG"));
    }

    #[test]
    fn both_alphabets_of_base64_are_read() {
        let payload = b"\xfb\xff\xfe";
        let envelope = String::from_utf8(sign(payload, &[&key::<Receipt>(1)])).expect("text");
        let mut url_safe: Value = serde_json::from_str(&envelope).expect("JSON");
        for pointer in ["/payload", "/signatures/0/sig"] {
            let text = url_safe.pointer(pointer).and_then(Value::as_str).expect("a text");
            let text = text.replace('+', "-").replace('/', "_");
            *url_safe.pointer_mut(pointer).expect("a text") = text.into();
        }
        let keys = [key::<Receipt>(1).public()];
        let verified = verify(url_safe.to_string().as_bytes(), &Limits::default(), &keys, 1).expect("an envelope");
        assert_eq!(verified.bytes(), payload);
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        // S08, S10.
        let good = signed(&[1]);
        let sig = good.split("\"sig\":\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a signature");
        let payload = "\"payload\":\"eyJhIjoxfQ==\"";
        let kind = "\"payloadType\":\"application/vnd.in-toto+json\"";
        let cases = [
            ("a repeated name", good.replacen(payload, &format!("{payload},{payload}"), 1)),
            (
                "a repeated name, spelled otherwise",
                good.replacen(payload, &format!("{payload},\"p\\u0061yload\":\"\""), 1),
            ),
            ("an unknown name", good.replacen(payload, &format!("{payload},\"x\":1"), 1)),
            ("an unknown name of a signature", good.replace("\"sig\":", "\"cert\":\"\",\"sig\":")),
            (
                "an array for an object",
                format!("[\"eyJhIjoxfQ==\",\"application/vnd.in-toto+json\",[{{\"sig\":\"{sig}\"}}]]"),
            ),
            ("an array for a signature", format!("{{{payload},{kind},\"signatures\":[[\"\",\"{sig}\"]]}}")),
            (
                "null for a key id",
                format!("{{{payload},{kind},\"signatures\":[{{\"keyid\":null,\"sig\":\"{sig}\"}}]}}"),
            ),
            ("null for the signatures", format!("{{{payload},{kind},\"signatures\":null}}")),
            ("no payload", good.replacen(&format!("{payload},"), "", 1)),
            ("no padding", good.replace("eyJhIjoxfQ==", "eyJhIjoxfQ")),
            ("unused bits", good.replace("eyJhIjoxfQ==", "eyJhIjoxfR==")),
            ("text after it", format!("{good}x")),
            ("a byte order mark", format!("\u{feff}{good}")),
            ("a second envelope", format!("{good}{good}")),
            ("a deep nest", "[".repeat(100_000)),
            ("nothing", String::new()),
        ];
        for (what, envelope) in cases {
            assert_eq!(check(envelope.as_bytes(), &[1], 1), Err("E-DSSE"), "{what}");
        }
        // White space and the order of names carry no meaning in JSON.
        let other = format!(" {{\"signatures\" : [ {{\"sig\":\"{sig}\"}} ],\n{kind},{payload} }}\n");
        assert_eq!(check(other.as_bytes(), &[1], 1), Ok(1));
    }

    #[test]
    fn limits_are_kept() {
        // S17.
        let limits = Limits { envelope_bytes_max: 300, signatures_max: 1, ..Limits::default() };
        let keys = [key::<Receipt>(1).public()];
        let code = |envelope: &str| verify(envelope.as_bytes(), &limits, &keys, 1).map(|_| ()).map_err(|e| e.code());
        let good = signed(&[1]);
        assert_eq!(code(&good), Ok(()));
        assert_eq!(code(&format!("{good}{}", " ".repeat(300))), Err("E-LIMIT"));
        assert_eq!(
            code("{\"payload\":\"\",\"payloadType\":\"\",\"signatures\":[{\"sig\":\"\"},{\"sig\":\"\"}]}"),
            Err("E-LIMIT")
        );
    }

    #[test]
    fn no_flip_of_one_bit_changes_what_is_believed() {
        let good = signed(&[1]).into_bytes();
        for at in 0..good.len() {
            for bit in 0..8 {
                let mut evil = good.clone();
                evil[at] ^= 1 << bit;
                // `check` asserts that an accepted payload is the signed one. Only the key id may vary.
                if check(&evil, &[1], 1).is_ok() {
                    let value: Value = serde_json::from_slice(&evil).expect("JSON");
                    let mut restored = value.clone();
                    restored["signatures"][0]["keyid"] = key::<Receipt>(1).public().id().to_string().into();
                    let original: Value = serde_json::from_slice(&good).expect("JSON");
                    assert_eq!(restored, original, "byte {at}, bit {bit}");
                }
            }
        }
    }
}
