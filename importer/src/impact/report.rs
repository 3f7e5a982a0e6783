//! What a preview says: `stella.impact/v1`, described in `docs/impact.md`.
//!
//! Every key is always there and every list has a bound with a count of what it leaves out, so
//! that the report of a hundred thousand documents is as readable as that of three.

use std::collections::BTreeMap;

use domain::digest::Digest;
use domain::severity::Severity;
use domain::time::Timestamp;
use serde::Serialize;
use store::Generation;

use super::compare::DataChanges;
use super::concerns::Concern;
use super::difference::{Change, ChangeKind, Flip};

pub const SCHEMA: &str = "stella.impact/v1";

/// The whole report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Impact {
    pub schema: &'static str,
    pub engine: String,
    pub made_at: Timestamp,
    pub from: GenerationFacts,
    pub to: GenerationFacts,
    /// Reasons to hold the new generation until somebody has looked at it.
    pub concerns: Vec<Concern>,
    pub data: DataChanges,
    pub sboms: SbomCounts,
    pub totals: Totals,
    /// By vulnerability, worst first.
    pub advisories: Vec<AdvisoryImpact>,
    pub advisories_omitted: u64,
    /// By document, worst first.
    pub documents: Vec<DocumentImpact>,
    pub documents_omitted: u64,
    /// Stored documents that could not be looked at.
    pub unreadable: Vec<Unreadable>,
}

/// One of the two generations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GenerationFacts {
    pub generation: u64,
    pub kit: Digest,
    pub kit_version: u64,
    pub content_root: Digest,
    pub signed_at: Timestamp,
    pub advisories: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SbomCounts {
    pub stored: u64,
    /// Ask about a package that changed, and were evaluated under both generations.
    pub touched: u64,
    /// Something of them does change.
    pub changed: u64,
    pub verdicts: VerdictCounts,
}

/// Verdicts that are other ones under the new generation, `before_after`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct VerdictCounts {
    pub worse: u64,
    pub better: u64,
    pub pass_fail: u64,
    pub pass_indeterminate: u64,
    pub indeterminate_fail: u64,
    pub fail_indeterminate: u64,
    pub fail_pass: u64,
    pub indeterminate_pass: u64,
}

/// Changes over all documents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    pub by_kind: BTreeMap<ChangeKind, u64>,
    pub appeared: BTreeMap<Severity, u64>,
    pub vanished: BTreeMap<Severity, u64>,
    pub unjudged: BTreeMap<Severity, u64>,
}

/// What one vulnerability changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AdvisoryImpact {
    pub vulnerability: String,
    /// The worst of its findings, under the new generation where it makes any.
    pub severity: Severity,
    pub known_exploited: bool,
    /// Documents for which it changes something.
    pub sboms: u64,
    pub by_kind: BTreeMap<ChangeKind, u64>,
}

/// What changes for one document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DocumentImpact {
    pub sbom: Digest,
    pub name: String,
    /// None when the verdict stays.
    pub verdict: Option<Flip>,
    pub by_kind: BTreeMap<ChangeKind, u64>,
    /// Worst first.
    pub changes: Vec<Change>,
    pub changes_omitted: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Unreadable {
    pub sbom: Digest,
    pub reason: String,
}

impl Impact {
    /// Does anything speak against making the new generation active without a look?
    pub fn is_cause_to_hold(&self) -> bool {
        !self.concerns.is_empty() || self.sboms.verdicts.worse > 0 || !self.unreadable.is_empty()
    }
}

impl From<&Generation> for GenerationFacts {
    fn from(generation: &Generation) -> Self {
        let row = generation.row();
        Self {
            generation: row.number,
            kit: row.kit_sha256,
            kit_version: row.kit_version,
            content_root: row.content_root,
            signed_at: row.signed_at,
            advisories: row.advisories,
        }
    }
}
