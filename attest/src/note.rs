//! C2SP signed notes: a text, an empty line, and a line per signature.
//!
//! Only Ed25519 (signature type 0x01) is known. The signature of an unknown key is passed over, as
//! the format demands, so a log may rotate its key and witnesses may add theirs; the signature of a
//! known key that does not verify makes the whole note worthless.

use domain::digest::Digest;

use crate::error::AttestError;
use crate::keys::{Log, SigningKey, VerifyingKey};
use crate::limits::{Limits, within};
use crate::text::{base64, unbase64};

const ED25519: u8 = 0x01;
/// An em dash and a space.
const SIGNATURE_START: &str = "\u{2014} ";

/// A public key under the name that notes know it by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteVerifier {
    name: String,
    id: [u8; 4],
    key: VerifyingKey<Log>,
}

impl NoteVerifier {
    pub fn new(name: &str, key: VerifyingKey<Log>) -> Result<Self, AttestError> {
        if !is_key_name(name) {
            return Err(AttestError::Note(
                "the name of a key is empty or holds a space, a plus or a control character",
            ));
        }
        let mut material = format!("{name}\n\u{1}").into_bytes();
        material.extend_from_slice(key.as_bytes());
        let [a, b, c, d, ..] = *Digest::of(&material).as_bytes();
        Ok(Self { name: name.to_owned(), id: [a, b, c, d], key })
    }

    /// Reads the text form `name+hash+base64`.
    pub fn parse(vkey: &str) -> Result<Self, AttestError> {
        let refuse = |reason: &str| AttestError::Key { purpose: "log", reason: reason.to_owned() };
        let mut parts = vkey.splitn(3, '+');
        let (Some(name), Some(_), Some(material)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(refuse("not of the form name+hash+base64"));
        };
        let material = unbase64(material).ok_or_else(|| refuse("not of the form name+hash+base64"))?;
        let Some((&ED25519, key)) = material.split_first() else {
            return Err(refuse("it is no Ed25519 key of a note"));
        };
        let key = key.try_into().map_err(|_| refuse("an Ed25519 key has 32 bytes"))?;
        let verifier = Self::new(name, VerifyingKey::from_bytes(key)?)?;
        // Also compares the hash: the text has one spelling.
        if verifier.to_vkey() == vkey {
            Ok(verifier)
        } else {
            Err(refuse("its hash is not that of the name and the key"))
        }
    }

    /// Writes the text form `name+hash+base64`.
    pub fn to_vkey(&self) -> String {
        let material = [&[ED25519], self.key.as_bytes().as_slice()].concat();
        format!("{}+{:08x}+{}", self.name, u32::from_be_bytes(self.id), base64(&material))
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn key(&self) -> &VerifyingKey<Log> {
        &self.key
    }
}

/// A private key under the name that notes know it by.
#[derive(Debug)]
pub struct NoteSigner {
    verifier: NoteVerifier,
    key: SigningKey<Log>,
}

impl NoteSigner {
    pub fn new(name: &str, key: SigningKey<Log>) -> Result<Self, AttestError> {
        Ok(Self { verifier: NoteVerifier::new(name, key.public())?, key })
    }

    pub fn verifier(&self) -> &NoteVerifier {
        &self.verifier
    }

    fn line(&self, text: &str) -> String {
        let signature = [self.verifier.id.as_slice(), &self.key.sign_bytes(text.as_bytes())].concat();
        format!("{SIGNATURE_START}{} {}\n", self.verifier.name, base64(&signature))
    }
}

/// Signs a text that ends with a newline.
pub fn sign(text: &str, signers: &[&NoteSigner]) -> Result<String, AttestError> {
    check_characters(text)?;
    if !text.ends_with('\n') {
        return Err(AttestError::Note("the text does not end with a newline"));
    }
    let signatures: String = signers.iter().map(|signer| signer.line(text)).collect();
    Ok(format!("{text}\n{signatures}"))
}

/// Adds a signature to a note that was verified: how a witness cosigns.
pub fn cosign(note: &VerifiedNote, signer: &NoteSigner) -> String {
    format!("{}{}", note.note, signer.line(note.text()))
}

/// A note that at least one trusted key signed. Only [`verify`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedNote {
    note: String,
    text_bytes: usize,
    signers: Vec<NoteVerifier>,
}

impl VerifiedNote {
    fn assertion(note: String, text_bytes: usize, signers: Vec<NoteVerifier>) -> Self {
        Self { note, text_bytes, signers }
    }

    /// The text that was signed, without signatures.
    pub fn text(&self) -> &str {
        &self.note[..self.text_bytes]
    }

    /// The note as it was, the signatures of unknown keys included.
    pub fn as_str(&self) -> &str {
        &self.note
    }

    /// The trusted keys that signed, each once.
    pub fn signers(&self) -> &[NoteVerifier] {
        &self.signers
    }
}

/// Verifies a note against the keys that are known.
pub fn verify(note: &[u8], limits: &Limits, known: &[NoteVerifier]) -> Result<VerifiedNote, AttestError> {
    within("bytes of the note", note.len(), limits.note_bytes_max)?;
    let note = std::str::from_utf8(note).map_err(|_| AttestError::Note("not UTF-8"))?;
    check_characters(note)?;
    let split = note.rfind("\n\n").ok_or(AttestError::Note("no empty line before signatures"))?;
    let (text, signatures) = (&note[..=split], &note[split + 2..]);
    let Some(signatures) = signatures.strip_suffix('\n') else {
        return Err(AttestError::Note("it does not end with a signature and a newline"));
    };
    within("signatures of the note", signatures.split('\n').count(), limits.signatures_max)?;
    let mut signers: Vec<NoteVerifier> = Vec::new();
    for line in signatures.split('\n') {
        let (name, id, signature) = signature(line).ok_or(AttestError::Note("a signature line is malformed"))?;
        // Name and id alone may fit two keys that are known: then each is asked.
        let mut candidates = known.iter().filter(|key| key.name == name && key.id == id).peekable();
        if candidates.peek().is_none() {
            continue;
        }
        let Some(signer) = candidates.find(|known| known.key.verifies(text.as_bytes(), &signature)) else {
            return Err(AttestError::NoteSignature { name: name.to_owned() });
        };
        if !signers.contains(signer) {
            signers.push(signer.clone());
        }
    }
    if signers.is_empty() {
        return Err(AttestError::NoteUnsigned);
    }
    Ok(VerifiedNote::assertion(note.to_owned(), text.len(), signers))
}

fn signature(line: &str) -> Option<(&str, [u8; 4], Vec<u8>)> {
    let (name, signature) = line.strip_prefix(SIGNATURE_START)?.split_once(' ')?;
    let bytes = unbase64(signature)?;
    let (id, signature) = bytes.split_first_chunk()?;
    (is_key_name(name) && !signature.is_empty()).then(|| (name, *id, signature.to_vec()))
}

fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+')
}

fn check_characters(text: &str) -> Result<(), AttestError> {
    if text.bytes().any(|byte| byte < b' ' && byte != b'\n') {
        return Err(AttestError::Note("a control character"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    // The example of Go's package golang.org/x/mod/sumdb/note, and of the C2SP specification.
    const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const PETER_SECRET: &str = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    const PETER_TEXT: &str = "If you think cryptography is the answer to your problem,\n\
                              then you don't know what your problem is.\n";
    const PETER_LINE: &str = "\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    const FOO: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    const FOO_NOTE: &str = "This is an example message.\n\n\u{2014} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

    fn peter() -> NoteSigner {
        let seed = unbase64(PETER_SECRET).expect("base64")[1..].try_into().expect("32 bytes");
        NoteSigner::new("PeterNeumann", SigningKey::from_seed(&seed)).expect("a name")
    }

    fn signer(name: &str, seed: u8) -> NoteSigner {
        NoteSigner::new(name, SigningKey::from_seed(&[seed; 32])).expect("a name")
    }

    fn open(note: &str, known: &[NoteVerifier]) -> Result<Vec<String>, &'static str> {
        let note = verify(note.as_bytes(), &Limits::default(), known).map_err(|error| error.code())?;
        Ok(note.signers().iter().map(|signer| signer.name().to_owned()).collect())
    }

    #[test]
    fn the_examples_of_go_and_c2sp_verify() {
        let known = [NoteVerifier::parse(PETER).expect("a key"), NoteVerifier::parse(FOO).expect("a key")];
        assert_eq!(known[0].to_vkey(), PETER);
        let note = format!("{PETER_TEXT}\n{PETER_LINE}");
        let verified = verify(note.as_bytes(), &Limits::default(), &known).expect("a note");
        assert_eq!((verified.text(), verified.as_str()), (PETER_TEXT, note.as_str()));
        assert_eq!(verified.signers(), &known[..1]);
        assert_eq!(open(FOO_NOTE, &known), Ok(vec!["example.com/foo".to_owned()]));
    }

    #[test]
    fn the_example_of_go_is_signed_byte_for_byte() {
        assert_eq!(sign(PETER_TEXT, &[&peter()]), Ok(format!("{PETER_TEXT}\n{PETER_LINE}")));
        assert_eq!(peter().verifier().to_vkey(), PETER);
    }

    #[test]
    fn a_mangled_verifier_key_is_refused() {
        for at in 0..PETER.len() {
            let mut bytes = PETER.as_bytes().to_vec();
            bytes[at] += 1;
            let text = String::from_utf8(bytes).expect("ASCII");
            assert!(NoteVerifier::parse(&text).is_err(), "{text}");
            assert!(NoteVerifier::parse(&PETER[..at]).is_err() && NoteVerifier::parse(&PETER[at + 1..]).is_err());
        }
        // Too long, and an unknown algorithm, each with the hash that fits (from Go's tests).
        assert!(
            NoteVerifier::parse("PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==").is_err()
        );
        assert!(NoteVerifier::parse("PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW").is_err());
        for name in ["", "a b", "a+b", "a\u{a0}b", "a\u{2003}b", "a\tb"] {
            assert!(NoteVerifier::new(name, peter().verifier().key().clone()).is_err(), "{name:?}");
        }
    }

    #[test]
    fn unknown_keys_are_ignored_and_known_ones_must_verify() {
        let (log, witness, stranger) = (signer("log", 1), signer("witness", 2), signer("stranger", 3));
        let note = sign("text\n", &[&log, &witness, &stranger]).expect("a note");
        let known = [log.verifier().clone(), witness.verifier().clone()];
        assert_eq!(open(&note, &known), Ok(vec!["log".to_owned(), "witness".to_owned()]));
        assert_eq!(open(&note, &known[1..]), Ok(vec!["witness".to_owned()]));
        assert_eq!(open(&note, &[signer("other", 1).verifier().clone()]), Err("E-NOTE-UNSIGNED"));
        assert_eq!(open(&note, &[]), Err("E-NOTE-UNSIGNED"));
        // The signature of a known key over another text spoils the note, whatever else is on it.
        let other = sign("other\n", &[&witness]).expect("a note");
        let line = other.split_once("\n\n").expect("two parts").1;
        let mixed = format!("{}{line}", sign("text\n", &[&log]).expect("a note"));
        assert_eq!(open(&mixed, &known), Err("E-NOTE-SIG"));
        assert_eq!(open(&mixed, &known[..1]), Ok(vec!["log".to_owned()]));
        // A key of a known name but of another id is unknown.
        assert_eq!(
            open(&note, &[log.verifier().clone(), signer("witness", 9).verifier().clone()]),
            Ok(vec!["log".to_owned()])
        );
        // The same signature twice counts once.
        let twice = format!("{note}{}", log.line("text\n"));
        assert_eq!(open(&twice, &known[..1]), Ok(vec!["log".to_owned()]));
    }

    #[test]
    fn a_witness_can_cosign_what_it_verified() {
        let (log, witness) = (signer("log", 1), signer("witness", 2));
        let note = sign("text\n", &[&log]).expect("a note");
        let verified = verify(note.as_bytes(), &Limits::default(), &[log.verifier().clone()]).expect("a note");
        assert_eq!(cosign(&verified, &witness), sign("text\n", &[&log, &witness]).expect("a note"));
    }

    #[test]
    fn the_text_may_hold_empty_lines_and_lines_like_signatures() {
        let log = signer("log", 1);
        for text in ["\n", "a\n\nb\n", "a\n\n\u{2014} log AAAAAAA=\n", "a\n\n\n"] {
            let note = sign(text, &[&log]).expect("a note");
            let verified = verify(note.as_bytes(), &Limits::default(), &[log.verifier().clone()]).expect("a note");
            assert_eq!(verified.text(), text);
        }
    }

    #[test]
    fn malformed_notes_are_refused() {
        let known = [peter().verifier().clone()];
        let good = format!("{PETER_TEXT}\n{PETER_LINE}");
        let cases = [
            ("nothing", String::new()),
            ("no signature", PETER_TEXT.to_owned()),
            ("an empty line only", format!("{PETER_TEXT}\n")),
            ("no empty line", format!("{PETER_TEXT}{PETER_LINE}")),
            ("no newline at the end", good.trim_end().to_owned()),
            ("an empty line at the end", format!("{good}\n")),
            ("a hyphen for the dash", good.replace('\u{2014}', "-")),
            ("an en dash", good.replace('\u{2014}', "\u{2013}")),
            ("no name", good.replace("PeterNeumann ", "")),
            ("an empty name", good.replace("PeterNeumann", "")),
            ("two spaces", good.replace("PeterNeumann ", "PeterNeumann  ")),
            ("base64 that is none", good.replace("nAM=", "nA!=")),
            ("base64 without padding", good.replace("nAM=", "nAM")),
            ("unused bits of base64", good.replace("nAM=", "nAN=")),
            ("a short signature", format!("{PETER_TEXT}\n\u{2014} PeterNeumann x08gow==\n")),
            ("a tab", good.replace("you think", "you\tthink")),
            ("a carriage return", good.replace(",\n", ",\r\n")),
            ("a null", good.replace("cryptography", "crypt\0graphy")),
            ("text after a malformed line", format!("{good}x\n")),
        ];
        for (what, note) in cases {
            assert_eq!(open(&note, &known), Err("E-NOTE"), "{what}");
        }
        let mut bytes = good.clone().into_bytes();
        bytes[0] = 0xff;
        assert_eq!(verify(&bytes, &Limits::default(), &known), Err(AttestError::Note("not UTF-8")));
        assert_eq!(sign("no newline", &[&peter()]).map_err(|error| error.code()), Err("E-NOTE"));
        assert_eq!(sign("\r\n", &[&peter()]).map_err(|error| error.code()), Err("E-NOTE"));
    }

    #[test]
    fn limits_are_kept_and_sixteen_signatures_fit() {
        let signers: Vec<_> = (1..=17).map(|seed| signer(&format!("key{seed}"), seed)).collect();
        let signers: Vec<_> = signers.iter().collect();
        let known = [signers[15].verifier().clone()];
        assert!(open(&sign("text\n", &signers[..16]).expect("a note"), &known).is_ok());
        assert_eq!(open(&sign("text\n", &signers).expect("a note"), &known), Err("E-LIMIT"));
        let long = sign(&format!("{}\n", "x".repeat(200_000)), &signers[15..16]).expect("a note");
        assert_eq!(open(&long, &known), Err("E-LIMIT"));
    }

    #[test]
    fn no_flip_of_one_bit_changes_what_is_believed() {
        let (log, witness) = (signer("log", 1), signer("witness", 2));
        let good = sign("text\n", &[&log, &witness]).expect("a note");
        for at in 0..good.len() {
            for bit in 0..8 {
                let mut evil = good.clone().into_bytes();
                evil[at] ^= 1 << bit;
                // What still verifies is the same text; a flipped name or id makes that one key unknown.
                if let Ok(note) =
                    verify(&evil, &Limits::default(), &[log.verifier().clone(), witness.verifier().clone()])
                {
                    assert_eq!((note.text(), note.signers().len()), ("text\n", 1), "byte {at}, bit {bit}");
                }
            }
        }
    }
}
