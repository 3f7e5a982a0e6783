//! C2SP checkpoints: the signed head of a log.
//!
//! The name of the log's key is its origin, and both must match: so the signature of one log is
//! never taken for that of another, and a witness that signs alone makes no checkpoint.

use std::collections::BTreeSet;

use crate::error::AttestError;
use crate::limits::Limits;
use crate::note::{self, NoteSigner, NoteVerifier, VerifiedNote};
use crate::text::{base64, decimal, hash};
use crate::tlog::TreeHead;

/// The head of a log, not signed or not yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    pub origin: String,
    pub head: TreeHead,
    /// Lines that the log adds. The specification advises against them, and we write none.
    pub extension: Vec<String>,
}

impl Checkpoint {
    pub fn new(origin: &str, head: TreeHead) -> Self {
        Self { origin: origin.to_owned(), head, extension: Vec::new() }
    }

    /// The text of the note.
    pub fn to_text(&self) -> String {
        let mut text = format!("{}\n{}\n{}\n", self.origin, self.head.size, base64(self.head.root.as_bytes()));
        for line in &self.extension {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// Reads the text of a note.
    pub fn parse(text: &str) -> Result<Self, AttestError> {
        let refuse = AttestError::Checkpoint;
        let text = text.strip_suffix('\n').ok_or(refuse("its last line has no end"))?;
        let mut lines = text.split('\n');
        let origin = lines.next().filter(|line| !line.is_empty()).ok_or(refuse("no origin"))?.to_owned();
        let size = lines.next().and_then(decimal).ok_or(refuse("the size is not a decimal without leading zeros"))?;
        let root = lines.next().and_then(hash).ok_or(refuse("the root is not the base64 of 32 bytes"))?;
        let extension: Vec<String> = lines.map(str::to_owned).collect();
        if extension.iter().any(String::is_empty) {
            return Err(refuse("an empty line"));
        }
        Ok(Self { origin, head: TreeHead { size, root }, extension })
    }

    /// Signs the head of the log that the signer is named after.
    ///
    /// A log must never sign two heads that do not extend each other. [`crate::tlog::append`] gives
    /// only heads that extend the one before.
    pub fn sign(&self, log: &NoteSigner) -> Result<String, AttestError> {
        if log.verifier().name() != self.origin {
            return Err(AttestError::Checkpoint("the key is not named after the origin"));
        }
        let text = self.to_text();
        // An origin or an extension with a line break in it would be read as another checkpoint.
        if Self::parse(&text)? != *self {
            return Err(AttestError::Checkpoint("a line holds a line break"));
        }
        note::sign(&text, &[log])
    }
}

/// A key that cosigns checkpoints, and who holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    pub operator: String,
    pub verifier: NoteVerifier,
}

/// A checkpoint that its log signed. Only [`verify`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    note: VerifiedNote,
    operators: BTreeSet<String>,
}

impl SignedCheckpoint {
    fn assertion(checkpoint: Checkpoint, note: VerifiedNote, operators: BTreeSet<String>) -> Self {
        Self { checkpoint, note, operators }
    }

    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    pub fn head(&self) -> &TreeHead {
        &self.checkpoint.head
    }

    pub fn note(&self) -> &VerifiedNote {
        &self.note
    }

    /// Who witnessed it. People, not keys: two keys of one operator are one witness.
    pub fn operators(&self) -> &BTreeSet<String> {
        &self.operators
    }
}

/// Verifies a checkpoint of the log whose key is named after its origin.
pub fn verify(
    note: &[u8],
    limits: &Limits,
    log: &NoteVerifier,
    witnesses: &[Witness],
) -> Result<SignedCheckpoint, AttestError> {
    let known: Vec<_> = std::iter::once(log).chain(witnesses.iter().map(|it| &it.verifier)).cloned().collect();
    let note = note::verify(note, limits, &known)?;
    let checkpoint = Checkpoint::parse(note.text())?;
    if checkpoint.origin != log.name() {
        return Err(AttestError::Checkpoint("its origin is another log"));
    }
    if !note.signers().contains(log) {
        return Err(AttestError::Checkpoint("the log itself did not sign it"));
    }
    // The log is no witness of itself, also not under a second name.
    let signed = |witness: &&Witness| witness.verifier.key() != log.key() && note.signers().contains(&witness.verifier);
    let operators = witnesses.iter().filter(signed).map(|witness| witness.operator.clone()).collect();
    Ok(SignedCheckpoint::assertion(checkpoint, note, operators))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::SigningKey;
    use domain::digest::Digest;

    const TEXT: &str = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

    fn signer(name: &str, seed: u8) -> NoteSigner {
        NoteSigner::new(name, SigningKey::from_seed(&[seed; 32])).expect("a name")
    }

    fn witness(operator: &str, signer: &NoteSigner) -> Witness {
        Witness { operator: operator.to_owned(), verifier: signer.verifier().clone() }
    }

    #[test]
    fn the_example_of_the_specification_is_read_and_written_as_it_is() {
        let checkpoint = Checkpoint::parse(TEXT).expect("a checkpoint");
        assert_eq!(checkpoint.origin, "example.com/behind-the-sofa");
        assert_eq!(checkpoint.head.size, 20_852_163);
        assert_eq!(checkpoint.to_text(), TEXT);
        let extended = format!("{TEXT}more\nlines\n");
        assert_eq!(Checkpoint::parse(&extended).map(|it| it.to_text()), Ok(extended));
    }

    #[test]
    fn a_malformed_checkpoint_is_refused() {
        let cases = [
            String::new(),
            "\n".to_owned(),
            TEXT.trim_end().to_owned(),
            TEXT.replace("20852163", "020852163"),
            TEXT.replace("20852163", "+20852163"),
            TEXT.replace("20852163", "-1"),
            TEXT.replace("20852163", ""),
            TEXT.replace("20852163", "18446744073709551616"),
            TEXT.replace("q2I=", "q2J="),
            TEXT.replace("q2I=", "q2I"),
            TEXT.replace("CsUY", ""),
            TEXT.replacen("example.com/behind-the-sofa", "", 1),
            format!("{TEXT}\n"),
            format!("{TEXT}a\n\nb\n"),
        ];
        for case in cases {
            assert_eq!(Checkpoint::parse(&case).map_err(|error| error.code()), Err("E-CHECKPOINT"), "{case:?}");
        }
    }

    #[test]
    fn only_the_log_itself_makes_a_checkpoint() {
        let (log, other) = (signer("stella/lab/audit", 1), signer("other", 2));
        let checkpoint = Checkpoint::new("stella/lab/audit", TreeHead { size: 1, root: Digest::of(b"") });
        let code = |note: &str, witnesses: &[Witness]| {
            verify(note.as_bytes(), &Limits::default(), log.verifier(), witnesses).map(|_| ()).map_err(|e| e.code())
        };
        let note = checkpoint.sign(&log).expect("a note");
        assert_eq!(code(&note, &[]), Ok(()));
        assert_eq!(checkpoint.sign(&other).map_err(|error| error.code()), Err("E-CHECKPOINT"));
        let by_witness = note::sign(&checkpoint.to_text(), &[&other]).expect("a note");
        assert_eq!(code(&by_witness, &[]), Err("E-NOTE-UNSIGNED"));
        assert_eq!(code(&by_witness, &[witness("w", &other)]), Err("E-CHECKPOINT"));
        // The log's key under another origin: it cosigned as a witness.
        let foreign = Checkpoint::new("other", checkpoint.head.clone());
        assert_eq!(code(&note::sign(&foreign.to_text(), &[&log]).expect("a note"), &[]), Err("E-CHECKPOINT"));
        let evil = Checkpoint { extension: vec!["a\n\nb".to_owned()], ..checkpoint.clone() };
        assert_eq!(evil.sign(&log).map_err(|error| error.code()), Err("E-CHECKPOINT"));
    }

    #[test]
    fn witnesses_are_counted_by_operator() {
        // S19: two keys of one operator, and the log's own key under a second name.
        let log = signer("log", 1);
        let [a, b, c, own] = [("a", 2), ("b", 3), ("c", 4), ("own", 1)].map(|(name, seed)| signer(name, seed));
        let checkpoint = Checkpoint::new("log", TreeHead { size: 1, root: Digest::of(b"") });
        let note = note::sign(&checkpoint.to_text(), &[&log, &a, &b, &own]).expect("a note");
        let witnesses = [witness("ada", &a), witness("ada", &b), witness("bob", &c), witness("log", &own)];
        let signed = verify(note.as_bytes(), &Limits::default(), log.verifier(), &witnesses).expect("a checkpoint");
        assert_eq!(signed.operators().iter().collect::<Vec<_>>(), ["ada"]);
    }
}
