//! Computing the whole log again, from its entries up.

use attest::checkpoint::SignedCheckpoint;
use attest::tlog::{Kind, TILE_WIDTH, TileReader, TreeHead, append};
use attest::{AttestError, Limits, checkpoint};
use domain::digest::Digest;

use super::read::Logbook;
use super::record::Record;
use crate::error::StoreError;

/// What was found in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    pub head: TreeHead,
    pub receipts: u64,
    /// The size of the older checkpoint that this log was compared with.
    pub against: Option<u64>,
}

impl Logbook<'_> {
    /// Computes root and tiles from the entries, and compares them with the files, the signed checkpoint and the
    /// database; verifies every receipt; and, when there is an older checkpoint, that nothing
    /// before it was changed or cut off.
    pub fn verify(&self, against: Option<&[u8]>) -> Result<Verified, StoreError> {
        let older = against.map(|note| self.older(note)).transpose()?;
        self.checkpoint()?;
        let mut running = TreeHead::empty();
        let mut receipts = 0;
        for bundle in 0..self.head.size.div_ceil(TILE_WIDTH) {
            let entries = self.bundle(bundle)?;
            for (index, bytes) in (running.size..).zip(&entries) {
                receipts += u64::from(self.check_receipt(&Record::read(bytes, index)?)?);
            }
            let grown = append(&self.files, &running, &entries)?;
            for (tile, bytes) in &grown.files {
                // A bundle is what this was computed from.
                if tile.kind() != Kind::Entries && self.files.tile(*tile)? != *bytes {
                    let reason = "it does not agree with the entries";
                    return Err(AttestError::Tile { path: tile.to_string(), reason }.into());
                }
            }
            running = grown.head;
        }
        if running != self.head {
            return Err(AttestError::Fork { size: self.head.size }.into());
        }
        if let Some(older) = &older {
            self.prove_consistency(older.head())?;
        }
        Ok(Verified { head: running, receipts, against: older.map(|older| older.head().size) })
    }

    fn older(&self, note: &[u8]) -> Result<SignedCheckpoint, StoreError> {
        let older = checkpoint::verify(note, &Limits::default(), self.identity.log(), &[])?;
        let (published, size) = (older.head().size, self.head.size);
        if published > size {
            return Err(StoreError::CutOff { published, size });
        }
        Ok(older)
    }

    /// Is there a receipt? Then it must be the one that the record names, and signed.
    fn check_receipt(&self, record: &Record) -> Result<bool, StoreError> {
        let index = record.index;
        let refuse = |reason: &str| Err(StoreError::Record { index, reason: reason.to_owned() });
        let found = self.store.envelopes(index)?;
        let summary = found.as_ref().and_then(|found| found.summary.as_deref()).map(Digest::of);
        if found.as_ref().map(|found| Digest::of(&found.receipt)) != record.receipt_sha256 {
            return refuse("its receipt is missing or another one");
        }
        if summary != record.summary_sha256 {
            return refuse("its verification summary is missing or another one");
        }
        found.as_ref().map(|found| found.import(&self.identity)).transpose()?;
        Ok(found.is_some())
    }
}
