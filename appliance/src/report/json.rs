//! `stella.report/v1`: the report for programs, and the answer of the HTTP API.
//!
//! The document is a contract: every key is always present (a missing value is `null`), keys
//! keep their order, and a field is added only together with `docs/report-json.md` and
//! `docs/schemas/report-v1.json`. The types of `domain` are not serialised directly, so that
//! a change inside cannot change the contract by accident.

use domain::advisory::Status;
use domain::component::Inventory;
use domain::digest::Digest;
use domain::finding::{Confidence, Coverage, Evaluation, Evidence, Finding, Unevaluated, UnevaluatedGroup};
use domain::severity::Severity;
use domain::time::Timestamp;
use domain::vex::{Justification, VexDecision, VexEffect, VexSource, VexStatus};
use policy::vex::DocumentUse;
use policy::{DataAge, Outcome, SourceAge, Verdict};
use serde::Serialize;

use super::Report;

pub(crate) const SCHEMA: &str = "stella.report/v1";

#[derive(Serialize)]
pub(crate) struct Document<'a> {
    schema: &'static str,
    scan_id: &'a str,
    artifact: Artifact<'a>,
    verdict: VerdictView<'a>,
    data: Data<'a>,
    summary: Summary,
    coverage: CoverageView<'a>,
    findings: Vec<FindingView<'a>>,
    suppressed: Vec<FindingView<'a>>,
    vex: Vec<VexView<'a>>,
}

impl<'a> Document<'a> {
    pub(crate) fn new(report: &'a Report) -> Self {
        Self {
            schema: SCHEMA,
            scan_id: &report.scan_id,
            artifact: Artifact::new(&report.artifact, &report.inventory),
            verdict: VerdictView::new(&report.verdict),
            data: Data::new(&report.verdict),
            summary: Summary::new(&report.evaluation),
            coverage: CoverageView::new(&report.evaluation.coverage),
            findings: report.evaluation.findings.iter().map(FindingView::new).collect(),
            suppressed: report.evaluation.suppressed.iter().map(FindingView::new).collect(),
            vex: report.vex.iter().map(VexView::new).collect(),
        }
    }
}

#[derive(Serialize)]
struct Artifact<'a> {
    name: &'a str,
    format: &'a str,
    spec_version: &'a str,
    subject: Option<&'a str>,
    tools: &'a [String],
    distribution: Option<DistributionView<'a>>,
    components: usize,
    warnings: &'a [String],
}

#[derive(Serialize)]
struct DistributionView<'a> {
    id: &'a str,
    version: Option<&'a str>,
}

impl<'a> Artifact<'a> {
    fn new(name: &'a str, inventory: &'a Inventory) -> Self {
        let distribution = inventory.distribution.as_ref();
        Self {
            name,
            format: &inventory.format,
            spec_version: &inventory.spec_version,
            subject: inventory.subject.as_deref(),
            tools: &inventory.tools,
            distribution: distribution.map(|it| DistributionView { id: &it.id, version: it.version.as_deref() }),
            components: inventory.components.len(),
            warnings: &inventory.warnings,
        }
    }
}

#[derive(Serialize)]
pub(crate) struct VerdictView<'a> {
    outcome: Outcome,
    reasons: &'a [String],
    policy: Digest,
    engine: &'a str,
    evaluated_at: Timestamp,
}

impl<'a> VerdictView<'a> {
    pub(crate) fn new(verdict: &'a Verdict) -> Self {
        Self {
            outcome: verdict.outcome,
            reasons: &verdict.reasons,
            policy: verdict.policy,
            engine: &verdict.engine,
            evaluated_at: verdict.evaluated_at,
        }
    }
}

#[derive(Serialize)]
pub(crate) struct Data<'a> {
    generation: u64,
    kit: Digest,
    content_root: Digest,
    sources: Vec<SourceView<'a>>,
}

#[derive(Serialize)]
struct SourceView<'a> {
    source: &'a str,
    as_of: Option<Timestamp>,
    age_days: Option<i64>,
}

impl<'a> Data<'a> {
    pub(crate) fn new(verdict: &'a Verdict) -> Self {
        Self {
            generation: verdict.generation.number,
            kit: verdict.generation.kit,
            content_root: verdict.generation.content_root,
            sources: verdict.sources.iter().map(SourceView::new).collect(),
        }
    }
}

impl<'a> SourceView<'a> {
    fn new(source: &'a SourceAge) -> Self {
        let age_days = match source.age {
            DataAge::Days(days) => Some(days),
            DataAge::Unknown => None,
        };
        Self { source: source.source.as_str(), as_of: source.as_of, age_days }
    }
}

#[derive(Serialize)]
struct Summary {
    findings: usize,
    by_severity: BySeverity,
    with_fix: usize,
    known_exploited: usize,
    disputed: usize,
    suppressed: usize,
}

#[derive(Default, Serialize)]
struct BySeverity {
    critical: usize,
    high: usize,
    medium: usize,
    low: usize,
    negligible: usize,
    unknown: usize,
}

impl Summary {
    fn new(evaluation: &Evaluation) -> Self {
        let findings = evaluation.findings.as_slice();
        let count = |test: fn(&Finding) -> bool| findings.iter().filter(|finding| test(finding)).count();
        Self {
            findings: findings.len(),
            by_severity: BySeverity::new(findings),
            with_fix: count(|finding| !finding.fixed_versions.is_empty()),
            known_exploited: count(|finding| finding.known_exploited.is_some()),
            disputed: count(|finding| finding.confidence == Confidence::Disputed),
            suppressed: evaluation.suppressed.len(),
        }
    }
}

impl BySeverity {
    fn new(findings: &[Finding]) -> Self {
        let mut counts = Self::default();
        for finding in findings {
            *counts.of(finding.severity) += 1;
        }
        counts
    }

    fn of(&mut self, severity: Severity) -> &mut usize {
        match severity {
            Severity::Critical => &mut self.critical,
            Severity::High => &mut self.high,
            Severity::Medium => &mut self.medium,
            Severity::Low => &mut self.low,
            Severity::Negligible => &mut self.negligible,
            Severity::Unknown => &mut self.unknown,
        }
    }
}

#[derive(Serialize)]
struct CoverageView<'a> {
    components: u64,
    evaluated: u64,
    not_applicable: u64,
    not_evaluated: u64,
    unevaluated: Vec<GroupView<'a>>,
}

impl<'a> CoverageView<'a> {
    fn new(coverage: &'a Coverage) -> Self {
        Self {
            components: coverage.components,
            evaluated: coverage.evaluated,
            not_applicable: coverage.not_applicable,
            not_evaluated: coverage.unevaluated_count(),
            unevaluated: coverage.unevaluated.iter().map(GroupView::new).collect(),
        }
    }
}

#[derive(Serialize)]
struct GroupView<'a> {
    reason: &'static str,
    /// What the reason is about: the purl type, distribution, ecosystem or record.
    detail: Option<&'a str>,
    message: &'a str,
    count: u64,
    components: &'a [String],
}

impl<'a> GroupView<'a> {
    fn new(group: &'a UnevaluatedGroup) -> Self {
        let (reason, detail) = reason(&group.reason);
        Self { reason, detail, message: &group.message, count: group.count, components: &group.components }
    }
}

/// The stable code of a reason and what it is about.
pub(crate) fn reason(reason: &Unevaluated) -> (&'static str, Option<&str>) {
    match reason {
        Unevaluated::MissingPurl => ("missing-purl", None),
        Unevaluated::InvalidPurl => ("invalid-purl", None),
        Unevaluated::MissingVersion => ("missing-version", None),
        Unevaluated::InvalidVersion => ("invalid-version", None),
        Unevaluated::UnsupportedType { purl_type } => ("unsupported-type", Some(purl_type)),
        Unevaluated::UnknownDistribution => ("unknown-distribution", None),
        Unevaluated::UnknownSourcePackage => ("unknown-source-package", None),
        Unevaluated::InvalidCpe => ("invalid-cpe", None),
        Unevaluated::UnknownCpe => ("unknown-cpe", None),
        Unevaluated::UnknownModule => ("unknown-module", None),
        Unevaluated::UnknownRepository { repository } => ("unknown-repository", Some(repository)),
        Unevaluated::UnsupportedDistribution { distribution } => ("unsupported-distribution", Some(distribution)),
        Unevaluated::NoData { ecosystem } => ("no-data", Some(ecosystem)),
        Unevaluated::PartialData { ecosystem } => ("partial-data", Some(ecosystem)),
        Unevaluated::InvalidAdvisory { record } => ("invalid-advisory", Some(record)),
    }
}

#[derive(Serialize)]
struct FindingView<'a> {
    id: &'a str,
    vulnerability: &'a str,
    aliases: &'a [String],
    title: Option<&'a str>,
    severity: Severity,
    severity_source: Option<&'a str>,
    cvss_score: Option<f64>,
    cvss_vector: Option<&'a str>,
    package: &'a str,
    version: &'a str,
    fixed_versions: &'a [String],
    status: Status,
    confidence: Confidence,
    known_exploited: Option<Timestamp>,
    epss_probability: Option<f64>,
    epss_percentile: Option<f64>,
    published: Option<Timestamp>,
    purl: Option<&'a str>,
    reference: &'a str,
    ecosystem: &'a str,
    matched_name: &'a str,
    evidence: Vec<EvidenceView<'a>>,
    vex: Option<DecisionView<'a>>,
}

impl<'a> FindingView<'a> {
    fn new(finding: &'a Finding) -> Self {
        Self {
            id: &finding.id,
            vulnerability: &finding.vulnerability,
            aliases: &finding.aliases,
            title: finding.title.as_deref(),
            severity: finding.severity,
            severity_source: finding.severity_source.as_ref().map(|source| source.as_str()),
            cvss_score: finding.cvss_score,
            cvss_vector: finding.cvss_vector.as_deref(),
            package: &finding.package,
            version: &finding.version,
            fixed_versions: &finding.fixed_versions,
            status: finding.status,
            confidence: finding.confidence,
            known_exploited: finding.known_exploited,
            epss_probability: finding.epss_probability,
            epss_percentile: finding.epss_percentile,
            published: finding.published,
            purl: finding.purl.as_deref(),
            reference: &finding.reference,
            ecosystem: &finding.ecosystem,
            matched_name: &finding.matched_name,
            evidence: finding.evidence.iter().map(EvidenceView::new).collect(),
            vex: finding.vex.as_deref().map(DecisionView::new),
        }
    }
}

#[derive(Serialize)]
struct EvidenceView<'a> {
    source: &'a str,
    record: &'a str,
    reason: &'a str,
}

impl<'a> EvidenceView<'a> {
    fn new(evidence: &'a Evidence) -> Self {
        Self { source: evidence.source.as_str(), record: &evidence.record, reason: &evidence.reason }
    }
}

/// What VEX says of a finding.
#[derive(Serialize)]
pub(crate) struct DecisionView<'a> {
    effect: VexEffect,
    status: VexStatus,
    justification: Option<Justification>,
    impact: Option<&'a str>,
    action: Option<&'a str>,
    timestamp: Option<Timestamp>,
    target: &'a str,
    place: &'a str,
    source: VexSource,
    document: &'a str,
    document_id: Option<&'a str>,
    document_version: Option<&'a str>,
    document_digest: Digest,
    author: Option<&'a str>,
}

impl<'a> DecisionView<'a> {
    pub(crate) fn new(decision: &'a VexDecision) -> Self {
        let document = &decision.document;
        Self {
            effect: decision.effect,
            status: decision.status,
            justification: decision.justification,
            impact: decision.impact.as_deref(),
            action: decision.action.as_deref(),
            timestamp: decision.timestamp,
            target: &decision.target,
            place: &decision.place,
            source: document.source,
            document: &document.name,
            document_id: document.id.as_deref(),
            document_version: document.version.as_deref(),
            document_digest: document.digest,
            author: document.author.as_deref(),
        }
    }
}

/// What came of one VEX document.
#[derive(Serialize)]
struct VexView<'a> {
    source: VexSource,
    document: &'a str,
    format: &'a str,
    document_id: Option<&'a str>,
    document_version: Option<&'a str>,
    document_digest: Digest,
    author: Option<&'a str>,
    timestamp: Option<Timestamp>,
    statements: usize,
    suppressed: usize,
    annotated: usize,
    contradicted: usize,
    without_effect: usize,
    unusable: usize,
    problems: &'a [String],
    unmatched: &'a [String],
}

impl<'a> VexView<'a> {
    fn new(used: &'a DocumentUse) -> Self {
        let about = &used.about;
        Self {
            source: about.source,
            document: &about.name,
            format: &about.format,
            document_id: about.id.as_deref(),
            document_version: about.version.as_deref(),
            document_digest: about.digest,
            author: about.author.as_deref(),
            timestamp: about.timestamp,
            statements: used.statements,
            suppressed: used.suppressed,
            annotated: used.annotated,
            contradicted: used.contradicted,
            without_effect: used.without_effect,
            unusable: used.unusable,
            problems: &used.problems,
            unmatched: &used.unmatched,
        }
    }
}
