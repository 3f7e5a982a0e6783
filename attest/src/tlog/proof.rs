//! C2SP `tlog-proof`: all that is needed to check offline that an entry was logged.

use domain::digest::Digest;

use super::merkle::{leaf_hash, verify_inclusion};
use crate::checkpoint::{self, SignedCheckpoint, Witness};
use crate::error::AttestError;
use crate::limits::{Limits, within};
use crate::note::NoteVerifier;
use crate::text::{base64, decimal, hash, unbase64};

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";

/// An inclusion proof with the checkpoint it leads to. Nothing in it is believed before
/// [`LogProof::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogProof {
    /// Data of the application. Nothing signs it; empty when there is none.
    pub extra: Vec<u8>,
    pub index: u64,
    /// From the sibling of the entry up to the child of the root.
    pub hashes: Vec<Digest>,
    /// The checkpoint as the log signed it, with all its signatures.
    pub checkpoint: String,
}

impl LogProof {
    pub fn to_text(&self) -> String {
        let mut text = format!("{FIRST_LINE}\n");
        if !self.extra.is_empty() {
            text.push_str(&format!("extra {}\n", base64(&self.extra)));
        }
        text.push_str(&format!("index {}\n", self.index));
        for hash in &self.hashes {
            text.push_str(&format!("{}\n", base64(hash.as_bytes())));
        }
        format!("{text}\n{}", self.checkpoint)
    }

    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, AttestError> {
        let refuse = AttestError::Proof;
        within("bytes of the log proof", bytes.len(), limits.proof_bytes_max)?;
        let text = std::str::from_utf8(bytes).map_err(|_| refuse("not UTF-8"))?;
        let (head, checkpoint) = text.split_once("\n\n").ok_or(refuse("no empty line before the checkpoint"))?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(FIRST_LINE) {
            return Err(refuse("not of the format c2sp.org/tlog-proof@v1"));
        }
        let extra = match lines.next_if(|line| line.starts_with("extra ")) {
            Some(line) => unbase64(&line["extra ".len()..]).filter(|extra| !extra.is_empty()),
            None => Some(Vec::new()),
        };
        let extra = extra.ok_or(refuse("the extra data are not base64"))?;
        let index = lines.next().and_then(|line| decimal(line.strip_prefix("index ")?)).ok_or(refuse("no index"))?;
        let hashes = lines.map(|line| hash(line).ok_or(refuse("a hash is not the base64 of 32 bytes")));
        Ok(Self { extra, index, hashes: hashes.collect::<Result<_, _>>()?, checkpoint: checkpoint.to_owned() })
    }

    /// Verifies that the log signed a tree in which this very entry stands at [`LogProof::index`].
    pub fn verify(
        &self,
        entry: &[u8],
        limits: &Limits,
        log: &NoteVerifier,
        witnesses: &[Witness],
    ) -> Result<SignedCheckpoint, AttestError> {
        let signed = checkpoint::verify(self.checkpoint.as_bytes(), limits, log, witnesses)?;
        verify_inclusion(leaf_hash(entry), self.index, signed.head(), &self.hashes)?;
        Ok(signed)
    }
}
