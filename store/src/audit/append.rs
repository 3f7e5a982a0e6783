//! Writing down: the action, its record, its receipt and the new head by one transaction.

use attest::checkpoint::{self, Checkpoint};
use attest::statement::Statement;
use attest::tlog::{Kind, TILE_WIDTH, Tile, TileReader, TreeHead, append, check_root, consistency_proof, entries};
use attest::{AttestError, Limits, dsse};
use domain::digest::Digest;
use redb::{ReadableTable, WriteTransaction};

use super::files::LogFiles;
use super::record::{Entry, Record};
use super::{AUDIT, RECEIPTS, RECORDS, SUMMARIES, decode_head, encode_head};
use crate::error::StoreError;
use crate::site::{Site, identity};
use crate::state::Store;

/// What was written down.
#[derive(Debug)]
#[must_use = "a checkpoint that could not be published has to be reported"]
pub struct Logged {
    pub index: u64,
    /// The new head of the log. Its signature, kept elsewhere, is what proves later that nothing was cut off.
    pub head: TreeHead,
    pub receipt_sha256: Option<Digest>,
    /// Why the new checkpoint is not in the log's directory. The action took place; the next one will not
    /// before this is repaired.
    pub unpublished: Option<StoreError>,
}

impl Store {
    /// Writes down something that changed no data: a refusal, a kit imported twice, an administrator's act.
    pub fn append(&self, site: &Site, entry: &Entry) -> Result<Logged, StoreError> {
        self.act(site, entry, |_| Ok(()))
    }

    /// Does something and writes it down, or neither.
    pub(crate) fn act(
        &self,
        site: &Site,
        entry: &Entry,
        act: impl FnOnce(&WriteTransaction) -> Result<(), StoreError>,
    ) -> Result<Logged, StoreError> {
        let write = self.begin_write()?;
        act(&write)?;
        let mut logged = self.log_in(&write, site, entry).map_err(|error| StoreError::Unlogged(Box::new(error)))?;
        write.commit().map_err(|fault| self.settle(fault.into(), &logged.head))?;
        logged.unpublished = self.publish(site).err();
        Ok(logged)
    }

    /// A commit that failed may have reached the disk, which only a handle that was opened after the fault can
    /// tell: the one that writes.
    fn settle(&self, fault: StoreError, wanted: &TreeHead) -> StoreError {
        let found = || {
            let write = self.begin_write()?;
            let head = decode_head(write.open_table(AUDIT)?.get("head")?.as_ref().map(|row| row.value()))?;
            write.abort()?;
            Ok(head)
        };
        match found() {
            Ok(head) if head == *wanted => StoreError::InForce(Box::new(fault)),
            Ok(_) => fault,
            Err(unread) => StoreError::Undecided { fault: Box::new(fault), unread: Box::new(unread) },
        }
    }

    /// Signs the head that the database holds and writes it beside the tiles, unless that is done.
    /// Done twice it is as good as once.
    pub fn publish(&self, site: &Site) -> Result<(), StoreError> {
        self.publish_in(&self.begin_write()?, site).map(drop)
    }

    /// The open transaction is what keeps other processes from signing at the same time.
    pub(crate) fn publish_in(&self, write: &WriteTransaction, site: &Site) -> Result<TreeHead, StoreError> {
        let audit = write.open_table(AUDIT)?;
        let row = audit.get("site")?;
        if identity(row.as_ref().map(|row| row.value()))?.as_ref() != Some(site.identity()) {
            return Err(StoreError::damaged("these are the keys of another site"));
        }
        let row = audit.get("head")?;
        let head = decode_head(row.as_ref().map(|row| row.value()))?;
        let files = LogFiles::new(self, head.size);
        check_root(&files, &head)?;
        check_records(&write.open_table(RECORDS)?, &files, &head)?;
        if let Some(note) = files.checkpoint()? {
            let signed = checkpoint::verify(&note, &Limits::default(), site.log().verifier(), &[])?;
            let published = signed.head();
            if *published == head {
                return Ok(head);
            }
            if published.size > head.size {
                return Err(StoreError::StateRolledBack { published: published.size, size: head.size });
            }
            consistency_proof(&files, published, &head)?;
        }
        files.write_checkpoint(&Checkpoint::new(site.log().verifier().name(), head.clone()).sign(site.log())?)?;
        files.prune();
        Ok(head)
    }

    fn log_in(&self, write: &WriteTransaction, site: &Site, entry: &Entry) -> Result<Logged, StoreError> {
        let head = self.publish_in(write, site)?;
        let files = LogFiles::new(self, head.size);
        let mut records = write.open_table(RECORDS)?;
        let index = head.size;
        let [receipt, summary] = sign(site, entry, index);
        let [receipt_sha256, summary_sha256] = [&receipt, &summary].map(|it| it.as_deref().map(Digest::of));
        let record = Record::new(&entry.event, index, receipt_sha256, summary_sha256).to_bytes();
        let grown = append(&files, &head, &[&record])?;
        for (tile, bytes) in &grown.files {
            files.write_tile(*tile, bytes)?;
        }
        records.insert(index, record.as_slice())?;
        // What full tiles hold durably needs no second copy.
        records.retain_in(..grown.head.size / TILE_WIDTH * TILE_WIDTH, |_, _| false)?;
        for (table, envelope) in [(RECEIPTS, receipt), (SUMMARIES, summary)] {
            if let Some(envelope) = envelope {
                write.open_table(table)?.insert(index, envelope.as_slice())?;
            }
        }
        write.open_table(AUDIT)?.insert("head", encode_head(&grown.head).as_slice())?;
        Ok(Logged { index, head: grown.head, receipt_sha256, unpublished: None })
    }
}

/// The records that the database still holds must be the entries of the newest bundle, and these
/// what the tree was made of.
fn check_records(
    records: &impl ReadableTable<u64, &'static [u8]>,
    files: &LogFiles<'_>,
    head: &TreeHead,
) -> Result<(), StoreError> {
    let first = head.size / TILE_WIDTH * TILE_WIDTH;
    let mut held = Vec::new();
    for (index, record) in (first..).zip(records.iter()?) {
        let (found, record) = record?;
        if found.value() != index {
            let reason = "the state does not hold its record".to_owned();
            return Err(StoreError::Record { index, reason });
        }
        held.push(record.value().to_vec());
    }
    let Some(tile) = Tile::of(Kind::Entries, head.size / TILE_WIDTH, head.size) else {
        return if held.is_empty() { Ok(()) } else { Err(beyond(head)) };
    };
    let bytes = files.tile(tile)?;
    if entries(tile, &bytes)? != held {
        let reason = "its entries are not the records that the state holds";
        return Err(AttestError::Tile { path: tile.to_string(), reason }.into());
    }
    Ok(())
}

fn beyond(head: &TreeHead) -> StoreError {
    StoreError::Record { index: head.size, reason: "the state holds a record that the head does not cover".to_owned() }
}

/// The envelopes of an entry: receipt and summary.
fn sign(site: &Site, entry: &Entry, index: u64) -> [Option<Vec<u8>>; 2] {
    let Some(receipt) = &entry.receipt else { return [None, None] };
    let mut import = receipt.import.clone();
    import.log_index = Some(index);
    let statement = Statement::new(receipt.subject.clone(), import).to_bytes();
    let summary = receipt.summary.clone().map(|summary| Statement::new(receipt.subject.clone(), summary).to_bytes());
    [Some(statement), summary].map(|statement| statement.map(|bytes| dsse::sign(&bytes, &[site.receipt()])))
}
