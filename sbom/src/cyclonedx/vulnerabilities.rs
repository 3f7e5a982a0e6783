//! Findings as `vulnerabilities`: one entry per vulnerability, with every component that has it.

use std::collections::BTreeMap;

use domain::advisory::Status;
use domain::finding::Finding;
use domain::severity::Severity;
use domain::vex::{Justification, VexDecision, VexEffect, VexStatus};

use super::document::{AffectedVersion, Affects, Analysis, Rating, RatingSource, Reference, Source, Vulnerability};

/// How a component is referred to.
pub(super) type Refer<'r> = &'r dyn Fn(&Finding) -> String;

/// In the order of the vulnerabilities' names; inside, in the order of the findings. The schema has one analysis per
/// entry, so what VEX says differently makes entries of its own.
pub(super) fn group<'a>(findings: &'a [Finding], refer: Refer<'_>) -> Vec<Vulnerability<'a>> {
    let mut groups: BTreeMap<(&str, Option<Said<'a>>), Vec<&'a Finding>> = BTreeMap::new();
    for finding in findings {
        let said = finding.vex.as_deref().map(said);
        groups.entry((&finding.vulnerability, said)).or_default().push(finding);
    }
    groups.into_iter().map(|((id, said), group)| vulnerability(id, &group, said, refer)).collect()
}

/// What counts of a statement.
type Said<'a> = (VexEffect, VexStatus, Option<Justification>, Option<&'a str>);

fn said(decision: &VexDecision) -> Said<'_> {
    let text = decision.impact.as_deref().or(decision.action.as_deref());
    (decision.effect, decision.status, decision.justification, text)
}

fn vulnerability<'a>(
    id: &'a str,
    group: &[&'a Finding],
    said: Option<Said<'_>>,
    refer: Refer<'_>,
) -> Vulnerability<'a> {
    let source = group.iter().flat_map(|finding| &finding.evidence).next();
    Vulnerability {
        id,
        source: source.map(|evidence| Source { name: evidence.source.as_str() }),
        references: aliases(id, group),
        ratings: ratings(group),
        description: group.iter().find_map(|finding| finding.title.as_deref()),
        recommendation: recommendation(group),
        published: group.iter().find_map(|finding| finding.published),
        analysis: said.map_or_else(|| analysis(group), |said| Some(stated(said))),
        affects: affects(group, refer),
    }
}

/// The analysis that a VEX statement is.
fn stated((effect, status, justification, text): Said<'_>) -> Analysis {
    if effect == VexEffect::Contradicted {
        let detail = Some("VEX statements contradict each other".to_owned());
        return Analysis { state: Some("in_triage"), justification: None, response: None, detail };
    }
    let state = match status {
        VexStatus::NotAffected => "not_affected",
        VexStatus::Affected => "exploitable",
        VexStatus::Fixed => "resolved",
        VexStatus::UnderInvestigation => "in_triage",
    };
    let (word, kept) = match justification {
        None => (None, None),
        Some(Justification::VulnerableCodeNotPresent | Justification::ComponentNotPresent) => {
            (Some("code_not_present"), None)
        }
        Some(Justification::VulnerableCodeNotInExecutePath) => (Some("code_not_reachable"), None),
        Some(Justification::InlineMitigationsAlreadyExist) => (Some("protected_by_mitigating_control"), None),
        // CycloneDX has no word for it.
        Some(other @ Justification::VulnerableCodeCannotBeControlledByAdversary) => (None, Some(other.as_str())),
    };
    let detail: Vec<&str> = kept.into_iter().chain(text).collect();
    let detail = (!detail.is_empty()).then(|| detail.join(": "));
    Analysis { state: Some(state), justification: word, response: None, detail }
}

fn aliases<'a>(id: &str, group: &[&'a Finding]) -> Vec<Reference<'a>> {
    let mut names: Vec<&str> =
        group.iter().flat_map(|finding| &finding.aliases).map(String::as_str).filter(|alias| *alias != id).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(|id| Reference { id, source: Source { name: authority(id) } }).collect()
}

/// Who gives out such names.
fn authority(id: &str) -> &str {
    match id.split_once('-') {
        Some(("CVE", _)) => "NVD",
        Some(("GHSA", _)) => "GitHub Advisories",
        Some((prefix, _)) => prefix,
        None => id,
    }
}

/// Packages can differ in severity for one vulnerability; every different rating is written.
fn ratings<'a>(group: &[&'a Finding]) -> Vec<Rating<'a>> {
    let mut ratings: Vec<Rating<'a>> = Vec::new();
    for finding in group {
        let vector = finding.cvss_vector.as_deref();
        let rating = Rating {
            source: finding.severity_source.as_ref().map(|source| RatingSource { name: source.as_str() }),
            score: finding.cvss_score.filter(|score| score.is_finite()),
            severity: severity(finding.severity),
            method: vector.map(method),
            vector,
        };
        if !ratings.contains(&rating) {
            ratings.push(rating);
        }
    }
    ratings
}

const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Unknown => "unknown",
        Severity::Negligible => "info",
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}

fn method(vector: &str) -> &'static str {
    match vector.split_once('/').map(|(version, _)| version) {
        Some("CVSS:4.0") => "CVSSv4",
        Some("CVSS:3.1") => "CVSSv31",
        Some("CVSS:3.0") => "CVSSv3",
        Some(metric) if metric.trim_start_matches('(').starts_with("AV:") => "CVSSv2",
        _ => "other",
    }
}

fn recommendation(group: &[&Finding]) -> Option<String> {
    let mut steps: Vec<String> = Vec::new();
    for finding in group.iter().filter(|finding| !finding.fixed_versions.is_empty()) {
        let step = format!("Upgrade {} to {}.", finding.package, finding.fixed_versions.join(" or "));
        if !steps.contains(&step) {
            steps.push(step);
        }
    }
    (!steps.is_empty()).then(|| steps.join(" "))
}

/// The schema has one analysis per vulnerability, so it is written only when all components agree.
fn analysis(group: &[&Finding]) -> Option<Analysis> {
    let first = group.first()?.status;
    if group.iter().any(|finding| finding.status != first) {
        return None;
    }
    match first {
        Status::Affected | Status::FixDeferred => None,
        Status::NotAffected => plain(Some("not_affected"), None),
        Status::UnderInvestigation => plain(Some("in_triage"), None),
        Status::WillNotFix => plain(None, Some(["will_not_fix"])),
        Status::EndOfLife => plain(None, Some(["can_not_fix"])),
    }
}

const fn plain(state: Option<&'static str>, response: Option<[&'static str; 1]>) -> Option<Analysis> {
    Some(Analysis { state, justification: None, response, detail: None })
}

const fn version_status(status: Status) -> &'static str {
    match status {
        Status::Affected | Status::FixDeferred | Status::WillNotFix | Status::EndOfLife => "affected",
        Status::NotAffected => "unaffected",
        Status::UnderInvestigation => "unknown",
    }
}

fn affects<'a>(group: &[&'a Finding], refer: Refer<'_>) -> Vec<Affects<'a>> {
    let mut affects: Vec<Affects<'a>> = Vec::new();
    for finding in group {
        let reference = refer(finding);
        if affects.iter().any(|known| known.reference == reference) {
            continue;
        }
        let version = AffectedVersion { version: &finding.version, status: version_status(finding.status) };
        let versions = if finding.version.is_empty() { Vec::new() } else { vec![version] };
        affects.push(Affects { reference, versions });
    }
    affects
}
