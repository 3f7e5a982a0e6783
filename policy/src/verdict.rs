//! The verdict and what it rests on.

use domain::digest::Digest;
use domain::finding::{Coverage, Evaluation, Finding};
use domain::source::{SourceId, SourceStatus};
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::gate::{Gate, OnUnevaluated};

/// Pass, fail, or "this cannot be told from the data at hand".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Pass,
    Fail,
    Indeterminate,
}

impl Outcome {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Indeterminate => "indeterminate",
        }
    }
}

/// Which data the verdict was made from. Enough to make it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenerationRef {
    pub number: u64,
    pub kit: Digest,
    pub content_root: Digest,
}

/// How old one source's data is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceAge {
    pub source: SourceId,
    /// None: the source states no date.
    pub as_of: Option<Timestamp>,
    pub age: DataAge,
}

/// An age in days, or the admission that nobody knows it: no date, or a date in the future.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DataAge {
    Days(i64),
    Unknown,
}

/// The answer to "may this ship?".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    pub outcome: Outcome,
    /// Why, in sentences; empty only when the outcome is a pass.
    pub reasons: Vec<String>,
    pub generation: GenerationRef,
    pub policy: Digest,
    pub engine: String,
    pub sources: Vec<SourceAge>,
    pub evaluated_at: Timestamp,
}

/// Applies the gate.
pub fn judge(
    evaluation: &Evaluation,
    gate: &Gate,
    generation: GenerationRef,
    sources: &[SourceStatus],
    engine: &str,
    now: Timestamp,
) -> Verdict {
    let sources: Vec<_> = sources.iter().map(|source| source_age(source, now)).collect();
    let mut failures = Vec::new();
    let mut doubts = Vec::new();
    failures.extend(failing(&evaluation.findings, gate));
    unevaluated(&evaluation.coverage, gate, &mut failures, &mut doubts);
    doubts.extend(stale(&sources, gate));
    let outcome = match (failures.is_empty(), doubts.is_empty()) {
        (false, _) => Outcome::Fail,
        (true, false) => Outcome::Indeterminate,
        (true, true) => Outcome::Pass,
    };
    failures.append(&mut doubts);
    Verdict {
        outcome,
        reasons: failures,
        generation,
        policy: gate.digest(),
        engine: engine.to_owned(),
        sources,
        evaluated_at: now,
    }
}

/// How old a source's data is at `now`.
pub fn source_age(status: &SourceStatus, now: Timestamp) -> SourceAge {
    let age = match status.as_of.map(|as_of| now.seconds_since(as_of)) {
        // Data from the future means that this clock or that date is wrong: no age can be told,
        // and above all it is not fresh. One day is left to feeds that round up or use a local date.
        Some(seconds) if seconds < -Timestamp::DAY_SECONDS => DataAge::Unknown,
        Some(seconds) => DataAge::Days(seconds.max(0) / Timestamp::DAY_SECONDS),
        None => DataAge::Unknown,
    };
    SourceAge { source: status.source.clone(), as_of: status.as_of, age }
}

fn failing(findings: &[Finding], gate: &Gate) -> Option<String> {
    let level = gate.fail_on?;
    let count = findings
        .iter()
        .filter(|finding| finding.severity >= level)
        .filter(|finding| !gate.ignore_unfixed || !finding.fixed_versions.is_empty())
        .count();
    let noun = if count == 1 { "finding" } else { "findings" };
    (count > 0).then(|| format!("{count} {noun} at severity {level} or above"))
}

fn unevaluated(coverage: &Coverage, gate: &Gate, failures: &mut Vec<String>, doubts: &mut Vec<String>) {
    if coverage.components == 0 && !gate.allow_empty {
        doubts.push("the document lists no component that could be evaluated".to_owned());
    }
    let judged_or_explained = coverage.evaluated.saturating_add(coverage.unevaluated_count());
    if let Some(lost @ 1..) = coverage.components.checked_sub(judged_or_explained) {
        // A contradiction in the counts is never a pass, whatever the gate ignores.
        doubts.push(format!("{lost} of {} components are neither evaluated nor explained", coverage.components));
    }
    let into = match gate.on_unevaluated {
        OnUnevaluated::Ignore => return,
        OnUnevaluated::Fail => failures,
        OnUnevaluated::Indeterminate => doubts,
    };
    for group in &coverage.unevaluated {
        let noun = if group.count == 1 { "component" } else { "components" };
        into.push(format!("{} {noun} not evaluated: {}", group.count, group.message));
    }
}

fn stale(sources: &[SourceAge], gate: &Gate) -> Vec<String> {
    let Some(days_max) = gate.data_age_days_max else { return Vec::new() };
    if sources.is_empty() {
        return vec!["the data names no source, so its age is unknown".to_owned()];
    }
    let describe = |source: &SourceAge| match source.age {
        DataAge::Days(days) if days <= i64::from(days_max) => None,
        DataAge::Days(days) => Some(format!("data of {} is {days} days old, more than {days_max}", source.source)),
        DataAge::Unknown => Some(format!("the age of the data of {} is unknown", source.source)),
    };
    sources.iter().filter_map(describe).collect()
}
