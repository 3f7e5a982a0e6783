//! Reading the log: its head, its records, its receipts, and proofs from its tiles.

use std::ops::Range;

use attest::statement::{OukImport, Statement};
use attest::tlog::{
    Kind, LogProof, TILE_WIDTH, Tile, TileReader, TreeHead, consistency_proof, entries, inclusion_proof,
};
use attest::{AttestError, Limits, checkpoint, dsse};
use domain::digest::Digest;
use redb::ReadableTable;

use super::files::LogFiles;
use super::record::Record;
use super::{AUDIT, RECEIPTS, SUMMARIES, decode_head};
use crate::error::StoreError;
use crate::site::Identity;
use crate::state::Store;

/// The log at one moment.
pub struct Logbook<'a> {
    pub(super) store: &'a Store,
    pub(super) identity: Identity,
    pub(super) head: TreeHead,
    pub(super) files: LogFiles<'a>,
    /// As it was published with the head. The log may go on while this is read.
    note: Option<Vec<u8>>,
}

/// The signed documents of one record, as they were given out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelopes {
    pub index: u64,
    pub receipt: Vec<u8>,
    pub summary: Option<Vec<u8>>,
}

impl Envelopes {
    /// What the receipt says, once its signature is verified.
    pub fn import(&self, identity: &Identity) -> Result<OukImport, StoreError> {
        let keys = [identity.receipt().clone()];
        let payload = dsse::verify(&self.receipt, &Limits::default(), &keys, 1)?;
        let import = Statement::<OukImport>::of(&payload)?.predicate().clone();
        if import.log_index != Some(self.index) {
            let reason = "its receipt speaks of another entry".to_owned();
            return Err(StoreError::Record { index: self.index, reason });
        }
        Ok(import)
    }
}

impl Store {
    /// The log as it is now. None before the first start of [`Store::site`].
    pub fn logbook(&self) -> Result<Option<Logbook<'_>>, StoreError> {
        let Some(identity) = self.identity()? else { return Ok(None) };
        let mut head = self.head()?;
        loop {
            let files = LogFiles::new(self, head.size);
            let note = files.checkpoint()?;
            // What was published between the two belongs to a later head.
            let now = self.head()?;
            if now == head {
                return Ok(Some(Logbook { store: self, identity, head, files, note }));
            }
            head = now;
        }
    }

    fn head(&self) -> Result<TreeHead, StoreError> {
        let read = self.begin_read()?;
        let row = read.open_table(AUDIT)?.get("head")?;
        decode_head(row.as_ref().map(|row| row.value()))
    }

    /// The newest receipts, newest first.
    pub fn receipts(&self, count: usize) -> Result<Vec<Envelopes>, StoreError> {
        let read = self.begin_read()?;
        let (receipts, summaries) = (read.open_table(RECEIPTS)?, read.open_table(SUMMARIES)?);
        let newest = receipts.iter()?.rev().take(count);
        newest
            .map(|entry| {
                let (index, receipt) = entry?;
                let summary = summaries.get(index.value())?.map(|summary| summary.value().to_vec());
                Ok(Envelopes { index: index.value(), receipt: receipt.value().to_vec(), summary })
            })
            .collect()
    }

    /// The signed documents of the record `index`; None when it has none.
    pub fn envelopes(&self, index: u64) -> Result<Option<Envelopes>, StoreError> {
        let read = self.begin_read()?;
        let Some(receipt) = read.open_table(RECEIPTS)?.get(index)?.map(|it| it.value().to_vec()) else {
            return Ok(None);
        };
        let summary = read.open_table(SUMMARIES)?.get(index)?.map(|it| it.value().to_vec());
        Ok(Some(Envelopes { index, receipt, summary }))
    }
}

impl Logbook<'_> {
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The head that the database holds.
    pub fn head(&self) -> &TreeHead {
        &self.head
    }

    /// The signed checkpoint, which is that of [`Logbook::head`].
    pub fn checkpoint(&self) -> Result<String, StoreError> {
        let note = self.note.as_deref();
        let note = note.ok_or_else(|| StoreError::damaged("the checkpoint of the audit log is missing"))?;
        let signed = checkpoint::verify(note, &Limits::default(), self.identity.log(), &[])?;
        match signed.head() {
            found if *found == self.head => Ok(signed.note().as_str().to_owned()),
            found if found.size > self.head.size => {
                Err(StoreError::StateRolledBack { published: found.size, size: self.head.size })
            }
            found if found.size < self.head.size => {
                Err(StoreError::NotYetSigned { published: found.size, size: self.head.size })
            }
            _ => Err(AttestError::Fork { size: self.head.size }.into()),
        }
    }

    /// The records of a range, each as it was logged.
    pub fn records(&self, range: Range<u64>) -> Result<Vec<Record>, StoreError> {
        let mut found = Vec::new();
        let end = range.end.min(self.head.size);
        let mut next = range.start;
        while next < end {
            for bytes in self.bundle(next / TILE_WIDTH)?.iter().skip((next % TILE_WIDTH) as usize) {
                if next < end {
                    found.push(Record::read(bytes, next)?);
                    next += 1;
                }
            }
        }
        Ok(found)
    }

    pub(super) fn bundle(&self, index: u64) -> Result<Vec<Vec<u8>>, StoreError> {
        let size = self.head.size;
        let tile = Tile::of(Kind::Entries, index, size).ok_or(AttestError::Range { what: "bundle", index, size })?;
        let bytes = self.files.tile(tile)?;
        Ok(entries(tile, &bytes)?.into_iter().map(<[u8]>::to_vec).collect())
    }

    /// Proves that an entry is in the log, with the signed checkpoint. Reads a handful of tiles. The entry
    /// itself goes along as the extra data of the proof, so the proof can be checked alone.
    pub fn prove(&self, index: u64) -> Result<LogProof, StoreError> {
        let hashes = inclusion_proof(&self.files, &self.head, index)?;
        let extra = self.bundle(index / TILE_WIDTH)?.into_iter().nth((index % TILE_WIDTH) as usize).unwrap_or_default();
        Ok(LogProof { extra, index, hashes, checkpoint: self.checkpoint()? })
    }

    /// Proves that this log begins with an older one.
    pub fn prove_consistency(&self, old: &TreeHead) -> Result<Vec<Digest>, StoreError> {
        consistency_proof(&self.files, old, &self.head)
    }

    /// The log as it can be copied anywhere: name and content of each file, the checkpoint last.
    pub fn files(&self) -> impl Iterator<Item = Result<(String, Vec<u8>), StoreError>> + '_ {
        let tiles = self.files.tiles().into_iter().map(|tile| Ok((tile.to_string(), self.exact(tile)?)));
        let note = std::iter::once_with(|| Ok(("checkpoint".to_owned(), self.checkpoint()?.into_bytes())));
        tiles.chain(note)
    }

    /// A tile of exactly its width, also when the log has grown since.
    fn exact(&self, tile: Tile) -> Result<Vec<u8>, StoreError> {
        let bytes = self.files.tile(tile)?;
        let length = match tile.kind() {
            Kind::Hashes(_) => 32 * tile.width(),
            Kind::Entries => entries(tile, &bytes)?.iter().map(|entry| 2 + entry.len()).sum(),
        };
        Ok(bytes.get(..length).unwrap_or(&bytes).to_vec())
    }
}
