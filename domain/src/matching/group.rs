//! From judged assertions to findings: one per component and vulnerability.

use std::collections::BTreeMap;

use super::index::{AdvisoryIndex, Assertion, DataCoverage, Summary};
use super::judge::{Judgement, judge};
use super::plan::Lookup;
use super::{authority, severity};
use crate::advisory::{Interval, Status};
use crate::component::Component;
use crate::digest::Digest;
use crate::finding::{Confidence, Evidence, Finding, Unevaluated};
use crate::source::SourceId;
use crate::time::Timestamp;
use crate::version::{Scheme, Version};

/// A component that could not be judged whole, and what did match.
pub(super) struct Doubt {
    pub(super) findings: Vec<Finding>,
    pub(super) reason: Unevaluated,
}

/// All findings of one component.
pub(super) fn findings<I: AdvisoryIndex>(
    position: usize,
    component: &Component,
    lookups: &[Lookup],
    index: &I,
) -> Result<Result<Vec<Finding>, Doubt>, I::Error> {
    let mut findings = Vec::new();
    let mut reason = None;
    for lookup in lookups {
        match look_up(lookup, index)? {
            Ok(matches) => {
                for matched in matches.hits {
                    let summary = index.summary(&matched.advisory)?;
                    findings.push(finding(position, component, lookup, matched, summary));
                }
                reason = reason.or(matches.doubt);
            }
            Err(unevaluated) => reason = Some(unevaluated),
        }
    }
    Ok(match reason {
        None => Ok(findings),
        Some(reason) => Err(Doubt { findings, reason }),
    })
}

struct Matches {
    hits: Vec<Hit>,
    doubt: Option<Unevaluated>,
}

/// The assertions of one advisory that apply.
struct Hit {
    advisory: String,
    applying: Vec<(Assertion, Judgement)>,
    confidence: Confidence,
}

fn look_up<I: AdvisoryIndex>(lookup: &Lookup, index: &I) -> Result<Result<Matches, Unevaluated>, I::Error> {
    let ecosystem = &lookup.package.ecosystem;
    let coverage = index.coverage(ecosystem);
    if coverage == DataCoverage::Absent {
        return Ok(Err(Unevaluated::NoData { ecosystem: ecosystem.to_string() }));
    }
    let scheme = ecosystem.scheme();
    let Ok(version) = scheme.parse(&lookup.version) else {
        return Ok(Err(Unevaluated::InvalidVersion));
    };
    let assertions = index.assertions(&lookup.package)?;
    if assertions.is_empty() && lookup.assumed_source {
        return Ok(Err(Unevaluated::UnknownSourcePackage));
    }
    let mut matches = judge_all(lookup, scheme, &version, &assertions);
    if coverage == DataCoverage::Partial {
        matches.doubt.get_or_insert(Unevaluated::PartialData { ecosystem: ecosystem.to_string() });
    }
    Ok(Ok(matches))
}

fn judge_all(lookup: &Lookup, scheme: Scheme, version: &Version, assertions: &[Assertion]) -> Matches {
    let mut advisories: BTreeMap<&str, Vec<&Assertion>> = BTreeMap::new();
    for assertion in assertions {
        advisories.entry(&assertion.advisory).or_default().push(assertion);
    }
    let mut matches = Matches { hits: Vec::new(), doubt: None };
    for (advisory, assertions) in advisories {
        let decisive = authority::decisive(lookup.package.ecosystem.kind, assertions);
        let mut applying = Vec::new();
        let mut against = Vec::new();
        for assertion in decisive {
            match judge(assertion, lookup, scheme, version) {
                Ok(judgement) if judgement.is_affected() => applying.push((assertion.clone(), judgement)),
                Ok(Judgement::Elsewhere) => {}
                Ok(_) => against.push(assertion.source.clone()),
                Err(_) => {
                    let reason = Unevaluated::InvalidAdvisory { record: assertion.record.clone() };
                    matches.doubt.get_or_insert(reason);
                }
            }
        }
        if !applying.is_empty() {
            let confidence = confidence(&applying, &against);
            matches.hits.push(Hit { advisory: advisory.to_owned(), applying, confidence });
        }
    }
    matches
}

// A source that has one assertion inside and another outside (two branches) does not
// contradict itself; only another source's "no" is a dispute.
fn confidence(applying: &[(Assertion, Judgement)], against: &[SourceId]) -> Confidence {
    let agrees = |source: &SourceId| applying.iter().any(|(assertion, _)| &assertion.source == source);
    if against.iter().all(agrees) { Confidence::Agreed } else { Confidence::Disputed }
}

fn finding(position: usize, component: &Component, lookup: &Lookup, hit: Hit, summary: Option<Summary>) -> Finding {
    let purl = component.purl.as_ref().map(ToString::to_string);
    let evidence: Vec<_> = hit.applying.iter().map(|(a, _)| (a.source.clone(), a.severity)).collect();
    let ratings = summary.as_ref().map(|summary| summary.ratings.as_slice()).unwrap_or_default();
    let rated = severity::effective(&evidence, ratings);
    let version = component.version.clone().unwrap_or_else(|| lookup.version.clone());
    let (probability, percentile) = match summary.as_ref().and_then(|summary| summary.epss) {
        Some((probability, percentile)) => (Some(e5(probability)), Some(e5(percentile))),
        None => (None, None),
    };
    Finding {
        id: stable_id(purl.as_deref().unwrap_or(&component.name), &version, &hit.advisory),
        component: position,
        reference: component.reference.clone(),
        package: component.name.clone(),
        version,
        purl,
        ecosystem: lookup.package.ecosystem.to_string(),
        matched_name: lookup.package.name.clone(),
        severity: rated.severity,
        severity_source: rated.source,
        cvss_vector: rated.vector,
        cvss_score: rated.score,
        status: status(&hit.applying),
        fixed_versions: fixed_versions(lookup.package.ecosystem.scheme(), &hit.applying),
        confidence: hit.confidence,
        evidence: hit.applying.iter().map(|(assertion, judgement)| describe(assertion, judgement)).collect(),
        aliases: summary.as_ref().map(|summary| summary.aliases.clone()).unwrap_or_default(),
        title: summary.as_ref().and_then(|summary| summary.title.clone()),
        published: summary.as_ref().and_then(|summary| summary.published).map(Timestamp::from_unix),
        known_exploited: summary.as_ref().and_then(|summary| summary.known_exploited).map(Timestamp::from_unix),
        epss_probability: probability,
        epss_percentile: percentile,
        vulnerability: hit.advisory,
    }
}

fn e5(value: u32) -> f64 {
    f64::from(value) / 100_000.0
}

fn stable_id(component: &str, version: &str, advisory: &str) -> String {
    let digest = Digest::of(format!("{component}\0{version}\0{advisory}").as_bytes());
    digest.to_string()[..16].to_owned()
}

// The plainest statement wins: "affected" says more than "will be looked at".
fn status(applying: &[(Assertion, Judgement)]) -> Status {
    applying.iter().map(|(assertion, _)| assertion.status).min().unwrap_or_default()
}

fn fixed_versions(scheme: Scheme, applying: &[(Assertion, Judgement)]) -> Vec<String> {
    let mut fixed: Vec<(&str, Option<Version>)> = Vec::new();
    for (_, judgement) in applying {
        let Judgement::Inside(interval) = judgement else { continue };
        let Some(text) = interval.fixed().filter(|text| fixed.iter().all(|(known, _)| known != text)) else { continue };
        let version = scheme.parse(text).ok();
        // Inserted by hand: some orders are not transitive in corner cases, on which the
        // standard sort may panic.
        let before = |(_, other): &(&str, Option<Version>)| match (other, &version) {
            (Some(other), Some(version)) => other.compare(version).is_lt(),
            _ => true,
        };
        let place = fixed.iter().position(|other| !before(other)).unwrap_or(fixed.len());
        fixed.insert(place, (text, version));
    }
    fixed.into_iter().map(|(text, _)| text.to_owned()).collect()
}

pub(super) fn describe(assertion: &Assertion, judgement: &Judgement) -> Evidence {
    let reason = match judgement {
        Judgement::Inside(interval) => format!("affected: {interval}"),
        Judgement::Listed => "affected: version listed by name".to_owned(),
        Judgement::Outside => format!("not in: {}", intervals(&assertion.ranges)),
        Judgement::NotAffected => "stated as not affected".to_owned(),
        Judgement::Elsewhere => "for another architecture or module stream".to_owned(),
    };
    Evidence { source: assertion.source.clone(), record: assertion.record.clone(), reason }
}

fn intervals(ranges: &[Interval]) -> String {
    match ranges {
        [] => "the versions listed by name".to_owned(),
        ranges => ranges.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or "),
    }
}
