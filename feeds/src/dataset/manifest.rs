//! The manifest: which segments there are, what they must hash to, and how old the data is.
//!
//! It is written once per export and signed as a part of the kit. Reading it checks that it
//! does not contradict itself; whether the segments agree with it is checked per segment.

use std::fmt;

use domain::digest::Digest;
use domain::source::SourceStatus;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{DatasetError, EcosystemCoverage, is_plain_key};

/// The version of this form that a full data set has.
pub const SCHEMA: u32 = 1;

/// The version of a delta. It is another one so that a program that knows no deltas says that it is too
/// old, at the gates already, instead of finding segments missing.
pub const DELTA_SCHEMA: u32 = 2;

/// Documents that a data set may carry, and the bytes of all their lines: every scan holds what they say in memory, which
/// may be twenty times as much.
pub const VEX_DOCUMENTS_MAX: u64 = 10_000;
pub const VEX_BYTES_MAX: u64 = 32 << 20;
/// Of the line of one document, without its line feed.
pub const VEX_LINE_BYTES_MAX: usize = 8 << 20;

/// The manifest's name inside a kit.
pub const MANIFEST_NAME: &str = "feeds/manifest.json";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub schema: u32,
    /// [`domain::root::ContentRoot`] over the lines of all segments, without line feeds.
    pub content_root: Digest,
    /// The date the data speaks for. It comes from the data or the caller, never from a clock.
    pub generated_at: Timestamp,
    /// Sorted by source.
    pub sources: Vec<SourceStatus>,
    /// Sorted by the ecosystem's name.
    pub coverage: Vec<EcosystemCoverage>,
    /// Sorted by kind and number. In a delta they are those of the result: they are not in the kit, and
    /// whoever builds them again must get these digests.
    pub segments: Vec<Segment>,
    pub counts: Counts,
    /// What a delta kit carries. All other fields describe the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delta: Option<Delta>,
}

/// The way from a base to the result that a manifest describes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delta {
    /// The content root that the delta applies to, and no other.
    pub base: Digest,
    /// Records that are new or other than in the base.
    pub upserts: Counts,
    /// Records of the base that are gone.
    pub tombstones: Counts,
    /// What the kit carries, sorted by kind and number.
    pub segments: Vec<Segment>,
}

/// How many records there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    pub advisories: u64,
    pub kev: u64,
    pub epss: u64,
    /// Documents. Not written when there is none, as before there were any.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub vex: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde wants")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// A file of sorted lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    pub kind: SegmentKind,
    pub name: String,
    pub records: u64,
    pub length: u64,
    pub sha256: Digest,
    /// The key of the first line.
    pub first: String,
    /// The key of the last line.
    pub last: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SegmentKind {
    Advisory,
    Kev,
    Epss,
    Vex,
}

impl SegmentKind {
    pub const ALL: [Self; 4] = [Self::Advisory, Self::Kev, Self::Epss, Self::Vex];

    /// The kind under which the content root knows the records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Advisory => "advisory",
            Self::Kev => "kev",
            Self::Epss => "epss",
            Self::Vex => "vex",
        }
    }

    /// What every line begins with, up to its key.
    pub const fn line_prefix(self) -> &'static str {
        match self {
            Self::Advisory => r#"{"id":""#,
            Self::Kev | Self::Epss => r#"{"cve":""#,
            Self::Vex => r#"{"name":""#,
        }
    }

    const fn folder(self) -> &'static str {
        match self {
            Self::Advisory => "advisories",
            Self::Kev => "kev",
            Self::Epss => "epss",
            Self::Vex => "vex",
        }
    }

    /// The name of the segment with this number inside a kit.
    pub fn segment_name(self, number: usize) -> String {
        format!("feeds/{}/{number:05}.ndjson", self.folder())
    }

    /// The name of the segment of a delta with this number inside a kit.
    pub fn delta_segment_name(self, number: usize) -> String {
        format!("feeds/delta/{}/{number:05}.ndjson", self.folder())
    }
}

impl fmt::Display for SegmentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Segment {
    /// Are these the bytes that the manifest means?
    pub fn verify(&self, bytes: &[u8]) -> Result<(), DatasetError> {
        let length = bytes.len() as u64;
        if length != self.length {
            return Err(DatasetError::Length { name: self.name.clone(), expected: self.length, found: length });
        }
        let found = Digest::of(bytes);
        if found != self.sha256 {
            return Err(DatasetError::Digest { name: self.name.clone(), expected: self.sha256, found });
        }
        Ok(())
    }
}

impl Counts {
    pub fn of(&self, kind: SegmentKind) -> u64 {
        match kind {
            SegmentKind::Advisory => self.advisories,
            SegmentKind::Kev => self.kev,
            SegmentKind::Epss => self.epss,
            SegmentKind::Vex => self.vex,
        }
    }

    pub fn total(&self) -> u64 {
        SegmentKind::ALL.iter().fold(0, |sum, kind| u64::saturating_add(sum, self.of(*kind)))
    }

    pub(crate) fn of_mut(&mut self, kind: SegmentKind) -> &mut u64 {
        match kind {
            SegmentKind::Advisory => &mut self.advisories,
            SegmentKind::Kev => &mut self.kev,
            SegmentKind::Epss => &mut self.epss,
            SegmentKind::Vex => &mut self.vex,
        }
    }
}

impl Manifest {
    pub fn to_canonical_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a manifest holds only strings, integers and lists")
    }

    /// The manifest of the result alone, as an export of it has it.
    #[must_use]
    pub fn into_full(self) -> Self {
        Self { schema: SCHEMA, delta: None, ..self }
    }

    /// Reads a manifest of at most `bytes_max` bytes in canonical form.
    pub fn parse(bytes: &[u8], bytes_max: usize) -> Result<Self, DatasetError> {
        if bytes.len() > bytes_max {
            return Err(DatasetError::ManifestTooLong { limit: bytes_max });
        }
        // A newer schema may have other fields: say so instead of naming the field.
        let Schema { schema } = serde_json::from_slice(bytes).map_err(DatasetError::Manifest)?;
        if ![SCHEMA, DELTA_SCHEMA].contains(&schema) {
            return Err(DatasetError::Schema(schema));
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(DatasetError::Manifest)?;
        if manifest.to_canonical_json() != bytes {
            return Err(DatasetError::ManifestNotCanonical);
        }
        manifest.check()?;
        Ok(manifest)
    }

    /// The parts must fit each other.
    fn check(&self) -> Result<(), DatasetError> {
        let refuse = |problem| Err(DatasetError::Contradiction { at: MANIFEST_NAME.to_owned(), problem });
        if check_segments(&self.segments, SegmentKind::segment_name)? != self.counts {
            return refuse("the segments do not add up to the counts");
        }
        let vex = self.segments.iter().filter(|segment| segment.kind == SegmentKind::Vex);
        let vex_bytes = vex.fold(0, |sum, segment| u64::saturating_add(sum, segment.length));
        if self.counts.vex > VEX_DOCUMENTS_MAX || vex_bytes > VEX_BYTES_MAX {
            return refuse("there are more VEX documents than a data set may carry");
        }
        if (self.schema == DELTA_SCHEMA) != self.delta.is_some() {
            return refuse("the schema does not say rightly whether this is a delta");
        }
        if let Some(delta) = &self.delta {
            let carried = check_segments(&delta.segments, SegmentKind::delta_segment_name)?;
            let stated = |kind| delta.upserts.of(kind).saturating_add(delta.tombstones.of(kind));
            if SegmentKind::ALL.iter().any(|kind| carried.of(*kind) != stated(*kind)) {
                return refuse("the segments of the delta do not add up to its upserts and tombstones");
            }
            // Dates and coverage may be all that is new.
            if (delta.base == self.content_root) != (carried.total() == 0) {
                return refuse("the delta does not say rightly whether it changes records");
            }
        }
        let names: Vec<String> = self.coverage.iter().map(|row| row.ecosystem.to_string()).collect();
        if !names.is_sorted_by(|one, other| one < other) {
            return refuse("ecosystems are not sorted or occur twice");
        }
        if !self.sources.is_sorted_by(|one, other| one.source < other.source) {
            return refuse("sources are not sorted or occur twice");
        }
        Ok(())
    }
}

/// Segments must be named, numbered, ordered and disjoint. Returns how many records they hold.
fn check_segments(segments: &[Segment], name: fn(SegmentKind, usize) -> String) -> Result<Counts, DatasetError> {
    let mut counts = Counts::default();
    let mut number = 0;
    let mut previous: Option<&Segment> = None;
    for segment in segments {
        let refuse = |problem| Err(DatasetError::Contradiction { at: segment.name.clone(), problem });
        match previous {
            Some(previous) if previous.kind == segment.kind => {
                number += 1;
                if segment.first <= previous.last {
                    return refuse("its first key does not sort after the previous segment");
                }
            }
            Some(previous) if previous.kind > segment.kind => return refuse("kinds are out of order"),
            Some(_) | None => number = 0,
        }
        if segment.name != name(segment.kind, number) {
            return refuse("its name is not that of its kind and number");
        }
        if !is_plain_key(&segment.first) || segment.first > segment.last || segment.records == 0 {
            return refuse("it is empty or its keys are out of order");
        }
        let count = counts.of_mut(segment.kind);
        *count = count.saturating_add(segment.records);
        previous = Some(segment);
    }
    Ok(counts)
}

#[derive(Deserialize)]
struct Schema {
    schema: u32,
}
