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

use domain::advisory::Advisory;
use domain::digest::Digest;
use domain::exploitation::{Epss, KnownExploited};
use domain::source::SourceStatus;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use coverage::{EcosystemCoverage, coverage};
pub use cutter::{Cut, Cutter, SEGMENT_BYTES_MAX};
pub use lines::{Limits, Line, Lines, lines};
pub use manifest::{Counts, DELTA_SCHEMA, Delta, MANIFEST_NAME, Manifest, SCHEMA, Segment, SegmentKind};

/// Everything that a kit says about vulnerabilities.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dataset {
    pub advisories: Vec<Advisory>,
    pub kev: Vec<KnownExploited>,
    pub epss: Vec<Epss>,
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
        parse_canonical(raw)
    }
}

impl Row for Advisory {
    const KIND: SegmentKind = SegmentKind::Advisory;

    fn key(&self) -> &str {
        &self.id
    }

    fn to_line(&self) -> Vec<u8> {
        self.to_canonical_json()
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

    /// There are ten of these lines for each advisory, so they are compared with the one spelling that they may have
    /// before anything is parsed for the sake of a good message.
    fn parse_canonical(raw: &[u8]) -> Result<Self, DatasetError> {
        read_canonical_epss(raw).map_or_else(|| parse_canonical(raw), Ok)
    }
}

/// A fact in the spelling that it is written in; None for anything else, and for names that need an escape.
fn read_canonical_epss(raw: &[u8]) -> Option<Epss> {
    let text = std::str::from_utf8(raw).ok()?;
    let (cve, rest) = text.strip_prefix(r#"{"cve":""#)?.split_once('"')?;
    let (probability, rest) = rest.strip_prefix(r#","probability_e5":"#)?.split_once(',')?;
    let percentile = rest.strip_prefix(r#""percentile_e5":"#)?.strip_suffix('}')?;
    let number = |digits: &str| {
        let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
        digits.parse().ok().filter(|_| is_plain)
    };
    let cve = Some(cve).filter(|cve| is_plain_key(cve))?.to_owned();
    Some(Epss { cve, probability_e5: number(probability)?, percentile_e5: number(percentile)? })
}

fn parse_canonical<R: Row>(raw: &[u8]) -> Result<R, DatasetError> {
    let row = R::parse(raw)?;
    if row.to_line() == raw {
        Ok(row)
    } else {
        Err(DatasetError::NotCanonical { kind: R::KIND, key: row.key().to_owned() })
    }
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

#[cfg(test)]
mod tests {
    use domain::exploitation::Epss;
    use proptest::prelude::{any, prop};
    use proptest::test_runner::{Config, TestRunner};

    use super::{Row, parse_canonical};

    fn both(raw: &[u8]) -> [Result<Epss, String>; 2] {
        [Epss::parse_canonical(raw), parse_canonical(raw)].map(|read| read.map_err(|error| error.to_string()))
    }

    #[test]
    fn an_epss_line_is_read_as_any_other_row_is() {
        for raw in [
            r#"{"cve":"CVE-1","probability_e5":0,"percentile_e5":4294967295}"#,
            r#"{"cve":"CVE-1","probability_e5":00,"percentile_e5":1}"#,
            r#"{"cve":"CVE-1","probability_e5":1,"percentile_e5":4294967296}"#,
            r#"{"cve":"CVE-1","probability_e5":+1,"percentile_e5":1}"#,
            r#"{"cve":"CVE-1","probability_e5":,"percentile_e5":1}"#,
            r#"{"cve":"CVE-1","probability_e5":1,"percentile_e5":1} "#,
            r#"{"cve":"CVE-1", "probability_e5":1,"percentile_e5":1}"#,
            r#"{"cve":"CVE-1","probability_e5":1,"percentile_e5":1,"x":1}"#,
            r#"{"cve":"CVE-1","percentile_e5":1,"probability_e5":1}"#,
            r#"{"cve":"C\u0041","probability_e5":1,"percentile_e5":1}"#,
            r#"{"cve":"","probability_e5":1,"percentile_e5":1}"#,
        ] {
            let [one, other] = both(raw.as_bytes());
            assert_eq!(one, other, "{raw}");
        }
        let facts = (any::<String>(), any::<u32>(), any::<u32>(), prop::collection::vec(any::<(usize, u8)>(), 0..3));
        let mut runner = TestRunner::new(Config { cases: 2000, ..Config::default() });
        let same = runner.run(&facts, |(cve, probability_e5, percentile_e5, bent)| {
            let mut raw = Epss { cve, probability_e5, percentile_e5 }.to_line();
            let length = raw.len();
            bent.into_iter().for_each(|(at, byte)| raw[at % length] = byte);
            let [one, other] = both(&raw);
            assert_eq!(one, other);
            Ok(())
        });
        same.expect("the same of any line");
    }
}
