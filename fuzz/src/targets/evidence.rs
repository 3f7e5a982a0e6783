//! What `attest` reads: envelopes, statements, notes, checkpoints, approvals.

use attest::Limits;
use attest::approval::Approval;
use attest::checkpoint::{self, Checkpoint};
use attest::dsse;
use attest::keys::{self, SigningKey};
use attest::note::{self, NoteSigner, NoteVerifier};
use attest::statement::{OukImport, Statement, VerificationSummary};
use attest::tlog::TreeHead;
use domain::digest::Digest;

use super::tokens::bent;
use crate::target::{choose, text};

pub(crate) const ENVELOPE_WORDS: &[&str] = &[
    "\"payload\":\"",
    "\"payloadType\":\"application/vnd.in-toto+json\"",
    "\"signatures\":[",
    "\"keyid\":\"",
    "\"sig\":\"",
    "\"_type\":\"https://in-toto.io/Statement/v1\"",
    "\"predicateType\":\"",
    "\"predicate\":{",
    "\"subject\":[",
    "\"digest\":{\"sha256\":\"",
    "\"action\":\"activate\"",
    "\"nonce\":\"sha256:",
    "null",
    "==",
];
pub(crate) const NOTE_WORDS: &[&str] =
    &["\n\n", "\u{2014} ", "example.com/log", "+", "AQ", "==\n", "18446744073709551616", "00"];

const PAYLOAD: &[u8] = b"{\"a\":1}";
const NAME: &str = "example.com/log";

fn key<P: keys::Purpose>(seed: u8) -> SigningKey<P> {
    SigningKey::from_seed(&[seed; 32])
}

/// A payload is believed only when its key has signed it for what it is, and every document in one is canonical.
pub(crate) fn envelope(data: &[u8]) {
    let Some((mode, rest)) = choose(&[0, 1, 2, 3], data) else { return };
    let (receipt, other) = (key::<keys::Receipt>(1), key::<keys::Receipt>(2));
    let limits = Limits::default();
    let check = |bytes: &[u8]| dsse::verify(bytes, &limits, &[receipt.public()], 1);
    match mode {
        // Bytes that nobody has signed, and signed ones with bytes changed.
        0 | 1 => {
            let good = dsse::sign(PAYLOAD, &[&receipt]);
            let bytes = if mode == 0 { Some(rest.to_vec()) } else { bent(&good, rest).map(String::into_bytes) };
            let Some(bytes) = bytes else { return };
            if let Ok(payload) = check(&bytes) {
                assert_eq!(payload.bytes(), PAYLOAD);
                assert_eq!(payload.signers().len(), 1);
                let both = [receipt.public(), other.public()];
                assert!(dsse::verify(&bytes, &limits, &both, 2).is_err(), "one key is not two");
            }
        }
        // Any payload of a receipt.
        2 => {
            let signed = dsse::sign(rest, &[&receipt, &other]);
            let Ok(payload) = check(&signed) else { return };
            assert_eq!(payload.bytes(), rest);
            assert!(
                dsse::verify(&signed, &limits, &[key::<keys::Approval>(1).public()], 1).is_err(),
                "another purpose"
            );
            if let Ok(statement) = Statement::<OukImport>::of(&payload) {
                assert_eq!(statement.to_bytes(), rest);
            }
            if let Ok(statement) = Statement::<VerificationSummary>::of(&payload) {
                assert_eq!(statement.to_bytes(), rest);
            }
        }
        // Any approval.
        _ => {
            let approver = key::<keys::Approval>(3);
            let signed = dsse::sign(rest, &[&approver]);
            let Ok(payload) = dsse::verify(&signed, &limits, &[approver.public()], 1) else { return };
            assert_eq!(Approval::of(&payload).is_ok(), Approval::parse(rest).is_ok());
            if let Ok(approval) = Approval::parse(rest) {
                assert_eq!(approval.to_bytes(), rest);
            }
        }
    }
}

pub(crate) fn envelope_seeds() -> Vec<Vec<u8>> {
    let signed = dsse::sign(PAYLOAD, &[&key::<keys::Receipt>(1)]);
    let zero = "0".repeat(64);
    let approval = format!(
        r#"{{"action":"activate","approver":"bob","expires":"2026-11-24T00:00:00Z","nonce":"{zero}","subject":{{"kit":"{zero}"}}}}"#
    );
    let statement = format!(
        r#"{{"_type":"https://in-toto.io/Statement/v1","subject":[{{"name":"kit","digest":{{"sha256":"{zero}"}}}}],"predicateType":"https://slsa.dev/verification_summary/v1","predicate":{{}}}}"#
    );
    vec![
        [&[0], &signed[..]].concat(),
        vec![1, 0, 0, 0],
        vec![1, 20, 0, 3],
        [&[2], statement.as_bytes()].concat(),
        [&[3], approval.as_bytes()].concat(),
    ]
}

fn signer(name: &str, seed: u8) -> NoteSigner {
    NoteSigner::new(name, key(seed)).expect("a name")
}

fn good_checkpoint() -> String {
    let head = TreeHead { size: 12, root: Digest::of(b"root") };
    Checkpoint::new(NAME, head).sign(&signer(NAME, 1)).expect("signed")
}

/// A note says what its key has signed, and a checkpoint or a key has one spelling.
pub(crate) fn note(data: &[u8]) {
    let Some((mode, rest)) = choose(&[0, 1, 2, 3], data) else { return };
    let (log, limits) = (signer(NAME, 1), Limits::default());
    let good = good_checkpoint();
    match mode {
        0 | 1 => {
            let bytes =
                if mode == 0 { Some(rest.to_vec()) } else { bent(good.as_bytes(), rest).map(String::into_bytes) };
            let Some(bytes) = bytes else { return };
            let signed = good.split_once("\n\n").map(|(text, _)| format!("{text}\n")).expect("a note");
            if let Ok(note) = note::verify(&bytes, &limits, std::slice::from_ref(log.verifier())) {
                assert_eq!((note.text(), note.as_str().as_bytes()), (signed.as_str(), bytes.as_slice()));
                let again = note::cosign(&note, &signer("example.com/witness", 2));
                let known = [log.verifier().clone(), signer("example.com/witness", 2).verifier().clone()];
                let cosigned = note::verify(again.as_bytes(), &limits, &known);
                // One more signature may be one too many, and nothing else.
                assert!(cosigned.is_err() || cosigned.is_ok_and(|note| note.signers().len() == 2));
            }
            if let Ok(found) = checkpoint::verify(&bytes, &limits, log.verifier(), &[]) {
                assert_eq!(found.checkpoint().to_text(), signed);
                assert!(found.operators().is_empty());
            }
        }
        2 => {
            let Some(text) = text(rest) else { return };
            if let Ok(found) = Checkpoint::parse(text) {
                assert_eq!(found.to_text(), text);
            }
            if let Ok(signed) = note::sign(text, &[&log]) {
                let note = note::verify(
                    signed.as_bytes(),
                    &Limits { note_bytes_max: 1 << 20, ..limits },
                    &[log.verifier().clone()],
                );
                assert_eq!(note.expect("what we sign verifies").text(), text);
            }
        }
        _ => {
            let Some(text) = text(rest) else { return };
            if let Ok(verifier) = NoteVerifier::parse(text) {
                assert_eq!(verifier.to_vkey(), text);
            }
        }
    }
}

pub(crate) fn note_seeds() -> Vec<Vec<u8>> {
    let good = good_checkpoint();
    let text = good.split_once("\n\n").map(|(text, _)| format!("{text}\n")).expect("a note");
    let vkey = signer(NAME, 1).verifier().to_vkey();
    vec![
        [&[0], good.as_bytes()].concat(),
        vec![1, 0, 0, 0],
        vec![1, 3, 0, 1],
        [&[2], text.as_bytes()].concat(),
        [&[3], vkey.as_bytes()].concat(),
    ]
}
