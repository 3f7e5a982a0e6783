//! The audit log: what was done here, by whom, and how it ended, so that it cannot be rewritten unnoticed.
//!
//! A record and what it speaks of become visible by one transaction, and with them the new head of the
//! log. So nothing happens that is not written down, and nothing is written down that did not happen.
//!
//! ```text
//! check the old head against records, tiles and checkpoint   -> else nothing is signed
//! write the new tiles, synced                                -> else nothing happens
//! one transaction: the action, record, receipt, head
//! sign the head, write `checkpoint`                          -> a crash before it is made good at the next start
//! ```
//!
//! Tiles that reach beyond the head belong to nothing and are written over. Records stay in the
//! database until a full tile holds them. The head is signed only while the database is
//! locked for writing, so two processes cannot sign two histories.

mod append;
mod files;
mod read;
mod record;
mod verify;

use attest::tlog::TreeHead;
use redb::{TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};

pub use append::Logged;
pub(crate) use files::LogFiles;
pub use read::{Envelopes, Logbook};
pub use record::{Entry, Event, Receipt, Record, Subject};
pub use verify::Verified;

use crate::error::StoreError;
use crate::rows::{decode, encode};

/// `site` and `head`.
pub(crate) const AUDIT: TableDefinition<&str, &[u8]> = TableDefinition::new("audit");
/// Records that no full tile holds yet, by index.
const RECORDS: TableDefinition<u64, &[u8]> = TableDefinition::new("audit-records");
/// Receipts: DSSE envelopes of `OukImport` statements, by the index of their record.
const RECEIPTS: TableDefinition<u64, &[u8]> = TableDefinition::new("receipt-envelopes");
/// Verification summaries, likewise.
const SUMMARIES: TableDefinition<u64, &[u8]> = TableDefinition::new("summary-envelopes");

pub(crate) fn create_tables(write: &WriteTransaction) -> Result<(), StoreError> {
    write.open_table(AUDIT)?;
    write.open_table(RECORDS)?;
    write.open_table(RECEIPTS)?;
    write.open_table(SUMMARIES)?;
    Ok(())
}

#[derive(Serialize, Deserialize)]
struct HeadRow {
    size: u64,
    root: domain::digest::Digest,
}

pub(crate) fn encode_head(head: &TreeHead) -> Vec<u8> {
    encode(&HeadRow { size: head.size, root: head.root })
}

fn decode_head(bytes: Option<&[u8]>) -> Result<TreeHead, StoreError> {
    let bytes = bytes.ok_or_else(|| StoreError::damaged("the head of the audit log is missing"))?;
    let HeadRow { size, root } = decode("the head of the audit log", bytes)?;
    Ok(TreeHead { size, root })
}
