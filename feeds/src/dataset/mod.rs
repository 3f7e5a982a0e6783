//! The data set: what a kit says about vulnerabilities, and its form for exchange.
//!
//! Inside a kit the data set is a manifest and segments of lines. A line is one record as
//! canonical JSON; lines are sorted by key over all segments of a kind and no key occurs
//! twice. The key is the first field of its line, so a reader can check the order and
//! hash the lines for the content root without parsing them, and parse each one once.
//!
//! JSON lines were chosen over a binary form because a person can read them with `zstdcat`
//! and `jq` in a room without network, and because compression removes the difference.

mod coverage;
mod cutter;
mod lines;
mod manifest;

use std::io;

use domain::advisory::Advisory;
use domain::digest::Digest;
use domain::exploitation::{Epss, KnownExploited};
use domain::source::SourceStatus;
use domain::vex::CarriedVex;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use coverage::{EcosystemCoverage, coverage};
pub use cutter::{Cut, Cutter, SEGMENT_BYTES_MAX};
pub use lines::{Limits, Line, Lines, lines};
pub use manifest::{
    Counts, DELTA_SCHEMA, Delta, MANIFEST_NAME, Manifest, SCHEMA, Segment, SegmentKind, VEX_BYTES_MAX,
    VEX_DOCUMENTS_MAX, VEX_LINE_BYTES_MAX,
};

/// Everything that a kit says about vulnerabilities.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dataset {
    pub advisories: Vec<Advisory>,
    pub kev: Vec<KnownExploited>,
    pub epss: Vec<Epss>,
    pub vex: Vec<CarriedVex>,
    pub sources: Vec<SourceStatus>,
    pub coverage: Vec<EcosystemCoverage>,
}

/// What is wrong with the exchange form of a data set.
#[derive(Debug, thiserror::Error)]
pub enum DatasetError {
    #[error("line {line} is longer than {limit} bytes")]
    LineTooLong { line: u64, limit: usize },
    #[error("the segment has more than {limit} lines")]
    TooManyLines { limit: u64 },
    #[error("line {line} is empty")]
    EmptyLine { line: u64 },
    #[error("line {line} does not end in a line feed: the segment is cut off")]
    NoLineFeed { line: u64 },
    #[error("line {line} does not start with {expected:?} and a plain string")]
    NoKey { line: u64, expected: &'static str },
    #[error("line {line}: {key:?} does not sort after {previous:?}")]
    NotSorted { line: u64, previous: String, key: String },
    #[error("the {kind} record is not of schema {SCHEMA}: {source}")]
    Record { kind: SegmentKind, source: serde_json::Error },
    #[error("the {kind} record {key:?} is not in canonical form")]
    NotCanonical { kind: SegmentKind, key: String },
    #[error("the manifest is not of schema {SCHEMA} or {DELTA_SCHEMA}: {0}")]
    Manifest(serde_json::Error),
    #[error("the manifest has schema {0}, this program reads schemas {SCHEMA} and {DELTA_SCHEMA}")]
    Schema(u32),
    #[error("the manifest is longer than {limit} bytes")]
    ManifestTooLong { limit: usize },
    #[error("the manifest is not in canonical form")]
    ManifestNotCanonical,
    #[error("the manifest contradicts itself at {at}: {problem}")]
    Contradiction { at: String, problem: &'static str },
    #[error("{name} has {found} bytes, the manifest says {expected}")]
    Length { name: String, expected: u64, found: u64 },
    #[error("{name} has the digest {found}, the manifest says {expected}")]
    Digest { name: String, expected: Digest, found: Digest },
}

/// A kind of record that segments carry.
pub trait Row: Serialize + DeserializeOwned {
    const KIND: SegmentKind;

    fn key(&self) -> &str;

    /// The canonical line, without its line feed.
    fn to_line(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a row holds only strings, integers and lists")
    }

    /// Reads a line that may be spelt in any way.
    fn parse(raw: &[u8]) -> Result<Self, DatasetError> {
        serde_json::from_slice(raw).map_err(|source| DatasetError::Record { kind: Self::KIND, source })
    }

    /// Reads a line and refuses one that would be written differently.
    fn parse_canonical(raw: &[u8]) -> Result<Self, DatasetError> {
        let row = Self::parse(raw)?;
        let mut expected = Expected(raw);
        if serde_json::to_writer(&mut expected, &row).is_ok() && expected.0.is_empty() {
            Ok(row)
        } else {
            Err(DatasetError::NotCanonical { kind: Self::KIND, key: row.key().to_owned() })
        }
    }
}

impl Row for Advisory {
    const KIND: SegmentKind = SegmentKind::Advisory;

    fn key(&self) -> &str {
        &self.id
    }
}

impl Row for KnownExploited {
    const KIND: SegmentKind = SegmentKind::Kev;

    fn key(&self) -> &str {
        &self.cve
    }
}

impl Row for Epss {
    const KIND: SegmentKind = SegmentKind::Epss;

    fn key(&self) -> &str {
        &self.cve
    }
}

impl Row for CarriedVex {
    const KIND: SegmentKind = SegmentKind::Vex;

    fn key(&self) -> &str {
        &self.name
    }
}

/// What a writer is expected to write. Comparing in place spares a copy of every line.
struct Expected<'a>(&'a [u8]);

impl io::Write for Expected<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (begin, rest) = self.0.split_at_checked(bytes.len()).ok_or(io::ErrorKind::InvalidData)?;
        if !is_same(begin, bytes) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.0 = rest;
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Are these bytes of one length the same? Most pieces of JSON are a quote, a colon or a short name: to call the library's
/// comparison for each took a tenth of an import.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    const SHORT: usize = 32;
    if other.len() > SHORT { one == other } else { one.iter().zip(other).all(|(one, other)| one == other) }
}

pub fn parse_advisory(raw: &[u8]) -> Result<Advisory, DatasetError> {
    Advisory::parse(raw)
}

pub fn parse_kev(raw: &[u8]) -> Result<KnownExploited, DatasetError> {
    KnownExploited::parse(raw)
}

pub fn parse_epss(raw: &[u8]) -> Result<Epss, DatasetError> {
    Epss::parse(raw)
}

/// Can `key` stand in a line as it is? Escapes are refused, so that a key has one spelling.
pub fn is_plain_key(key: &str) -> bool {
    !key.is_empty() && !key.bytes().any(is_escaped_in_json)
}

const fn is_escaped_in_json(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\') || byte < 0x20
}
