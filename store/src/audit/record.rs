//! What a record says, and the bytes that are logged.

use std::collections::BTreeMap;

use attest::statement::{OukImport, Resource, VerificationSummary};
use domain::digest::Digest;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::StoreError;

/// A text of a record takes no more bytes as JSON. The receipt has all of it; a log entry has 64 KiB for
/// everything.
const TEXT_BYTES_MAX: usize = 1000;
const DETAILS_MAX: usize = 16;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub at: Timestamp,
    /// `import`, `rollback`, and what others will be.
    pub action: String,
    pub actor: String,
    /// `activated`, `rejected`, …
    pub result: String,
    /// The stable code of a refusal.
    pub code: Option<String>,
    /// What it was done to. Digests, never content: secrets do not belong here.
    pub subjects: Vec<Subject>,
    pub details: BTreeMap<String, String>,
}

/// A thing by digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    pub name: String,
    pub sha256: Digest,
}

/// A receipt to be signed when the index of its record is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub subject: Vec<Resource>,
    /// [`OukImport::log_index`] is filled in.
    pub import: OukImport,
    /// For tools that read the SLSA summary.
    pub summary: Option<VerificationSummary>,
}

/// What is written down of one action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub event: Event,
    pub receipt: Option<Receipt>,
}

impl From<Event> for Entry {
    fn from(event: Event) -> Self {
        Self { event, receipt: None }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Schema {
    #[serde(rename = "stella.audit/v1")]
    V1,
}

/// A record as it is logged: RFC 8785 JSON, so the fields stand in the order of their names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    pub action: String,
    pub actor: String,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    pub details: BTreeMap<String, String>,
    pub index: u64,
    /// Of the envelope, as it was given out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt_sha256: Option<Digest>,
    pub result: String,
    schema: Schema,
    pub subjects: Vec<Subject>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary_sha256: Option<Digest>,
}

impl Record {
    /// The record of an event. What is too long is cut here, because an action must not fail on the length
    /// of a name that somebody gave to a file.
    pub(super) fn new(event: &Event, index: u64, receipt: Option<Digest>, summary: Option<Digest>) -> Self {
        let subject = |subject: &Subject| Subject { name: cut(&subject.name), sha256: subject.sha256 };
        Self {
            action: cut(&event.action),
            actor: cut(&event.actor),
            at: event.at,
            code: event.code.as_deref().map(cut),
            details: event.details.iter().take(DETAILS_MAX).map(|(name, text)| (cut(name), cut(text))).collect(),
            index,
            receipt_sha256: receipt,
            result: cut(&event.result),
            schema: Schema::V1,
            subjects: event.subjects.iter().take(DETAILS_MAX).map(subject).collect(),
            summary_sha256: summary,
        }
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a record has a JSON form")
    }

    /// Reads an entry of the log, which must be the record `index` and written as we write it.
    pub fn read(bytes: &[u8], index: u64) -> Result<Self, StoreError> {
        let refuse = |reason: String| StoreError::Record { index, reason };
        let record: Self = serde_json::from_slice(bytes).map_err(|error| refuse(error.to_string()))?;
        if record.index != index {
            return Err(refuse(format!("it says that it is entry {}", record.index)));
        }
        if record.to_bytes() != bytes {
            return Err(refuse("it is not the canonical encoding of its content".to_owned()));
        }
        Ok(record)
    }
}

fn cut(text: &str) -> String {
    let mut bytes = 0;
    let fits = |c: &char| {
        bytes += match c {
            '\0'..='\u{1f}' => 6,
            '"' | '\\' => 2,
            c => c.len_utf8(),
        };
        bytes <= TEXT_BYTES_MAX
    };
    let head: String = text.chars().take_while(fits).collect();
    if head.len() == text.len() { head } else { head + "…" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(text: &str) -> Event {
        Event {
            at: Timestamp::UNIX_EPOCH,
            action: "import".to_owned(),
            actor: text.to_owned(),
            result: "rejected".to_owned(),
            code: Some("E-X".to_owned()),
            subjects: vec![Subject { name: text.to_owned(), sha256: Digest::of(b"kit") }],
            details: [("reason".to_owned(), text.to_owned())].into(),
        }
    }

    #[test]
    fn a_record_is_one_line_of_canonical_json_whatever_was_typed() {
        // L04: control characters, and what CEF and syslog take for structure.
        let record = Record::new(&event("a\n\r\t\u{0}\u{1b}[2J\u{7f}|=\\\"<14>é"), 7, Some(Digest::of(b"r")), None);
        let text = String::from_utf8(record.to_bytes()).expect("text");
        let typed = "\"a\\n\\r\\t\\u0000\\u001b[2J\u{7f}|=\\\\\\\"<14>é\"";
        let kit = Digest::of(b"kit");
        let want = format!(
            "{{\"action\":\"import\",\"actor\":{typed},\"at\":\"1970-01-01T00:00:00Z\",\"code\":\"E-X\",\
             \"details\":{{\"reason\":{typed}}},\"index\":7,\"receipt_sha256\":\"{}\",\"result\":\"rejected\",\
             \"schema\":\"stella.audit/v1\",\"subjects\":[{{\"name\":{typed},\"sha256\":\"{kit}\"}}]}}",
            Digest::of(b"r")
        );
        assert_eq!(text, want);
        assert!(text.bytes().all(|byte| byte >= b' '));
        assert_eq!(Record::read(text.as_bytes(), 7).expect("a record"), record);
    }

    #[test]
    fn a_record_of_another_index_or_spelling_is_refused() {
        let good = Record::new(&event("ada"), 7, None, None).to_bytes();
        let text = String::from_utf8(good.clone()).expect("text");
        assert!(Record::read(&good, 8).is_err());
        for evil in [
            text.replace("\"index\":7", "\"index\":7.0"),
            text.replace("{\"action\"", "{ \"action\""),
            text.replace("audit/v1", "audit/v2"),
            text.replace("\"index\"", "\"x\":1,\"index\""),
            text.replacen("\"actor\":\"ada\"", "\"actor\":\"ada\",\"actor\":\"ada\"", 1),
        ] {
            assert!(Record::read(evil.as_bytes(), 7).is_err(), "{evil}");
        }
    }

    #[test]
    fn the_longest_record_fits_into_a_log_entry() {
        let long = "\u{1}".repeat(TEXT_BYTES_MAX * 2);
        let mut event = event(&long);
        event.code = Some(long.clone());
        event.action.clone_from(&long);
        event.result.clone_from(&long);
        event.subjects = vec![Subject { name: "\u{10ffff}".repeat(2000), sha256: Digest::of(b"") }; 50];
        event.details = (0..50).map(|number| (format!("{number:04}"), "é".repeat(2000))).collect();
        let digest = Some(Digest::of(b""));
        let bytes = Record::new(&event, u64::MAX, digest, digest).to_bytes();
        assert!(bytes.len() <= attest::tlog::ENTRY_BYTES_MAX, "{}", bytes.len());
    }
}
