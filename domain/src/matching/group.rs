//! From judged assertions to findings: one per component and vulnerability.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::index::{AdvisoryIndex, Assertion, DataCoverage, Summary};
use super::judge::{Judgement, is_modular, judge};
use super::plan::Lookup;
use super::unpackaged::is_by_cpe;
use super::{authority, severity};
use crate::advisory::{Interval, Status, Upper};
use crate::component::Component;
use crate::digest::Digest;
use crate::ecosystem::EcosystemKind;
use crate::finding::{Confidence, Evidence, Finding, Unevaluated};
use crate::source::SourceId;
use crate::time::Timestamp;
use crate::version::{Scheme, Version};

/// A component that could not be judged whole, and what did match.
pub(super) struct Doubt {
    pub(super) findings: Vec<Finding>,
    pub(super) reason: Unevaluated,
}

/// All findings of one component: what its look-ups bring is judged together, so that streams of
/// one distribution make one finding and not one each.
pub(super) fn findings<I: AdvisoryIndex>(
    position: usize,
    component: &Component,
    lookups: &[Lookup],
    index: &I,
) -> Result<Result<Vec<Finding>, Doubt>, I::Error> {
    let gathered = gather(lookups, index)?;
    let mut reason = gathered.reason;
    let (hits, doubt) = judge_all(&gathered.found);
    reason = reason.or(doubt);
    let mut findings = Vec::with_capacity(hits.len());
    for hit in hits {
        let summary = index.summary(hit.advisory)?;
        findings.push(finding(position, component, hit, summary));
    }
    Ok(match reason {
        None => Ok(findings),
        Some(reason) => Err(Doubt { findings, reason }),
    })
}

/// What one look-up has found.
struct Found<'l> {
    lookup: &'l Lookup,
    version: Version,
    assertions: Arc<[Assertion]>,
}

struct Gathered<'l> {
    found: Vec<Found<'l>>,
    /// Why the component is not judged whole, whatever was found.
    reason: Option<Unevaluated>,
}

/// One assertion that applies.
struct Applying<'f> {
    assertion: &'f Assertion,
    lookup: &'f Lookup,
    judgement: Judgement,
}

/// The assertions of one advisory that apply.
struct Hit<'f> {
    advisory: &'f str,
    applying: Vec<Applying<'f>>,
    confidence: Confidence,
}

fn gather<'l, I: AdvisoryIndex>(lookups: &'l [Lookup], index: &I) -> Result<Gathered<'l>, I::Error> {
    let mut gathered = Gathered { found: Vec::new(), reason: lacking(lookups, index) };
    for lookup in lookups {
        if index.coverage(&lookup.package.ecosystem) == DataCoverage::Absent {
            continue;
        }
        let Ok(version) = lookup.package.ecosystem.scheme().parse(&lookup.version) else {
            gathered.reason.get_or_insert(Unevaluated::InvalidVersion);
            continue;
        };
        let assertions = index.assertions(&lookup.package)?;
        if assertions.is_empty() && lookup.assumed_source {
            gathered.reason.get_or_insert(Unevaluated::UnknownSourcePackage);
        }
        gathered.found.push(Found { lookup, version, assertions });
    }
    let is_unknown = |found: &Found<'_>| is_by_cpe(found.lookup) && found.assertions.is_empty();
    if !gathered.found.is_empty() && gathered.found.iter().all(is_unknown) {
        gathered.reason.get_or_insert(Unevaluated::UnknownCpe);
    }
    Ok(gathered)
}

/// What the data set lacks for these look-ups, if anything.
fn lacking<I: AdvisoryIndex>(lookups: &[Lookup], index: &I) -> Option<Unevaluated> {
    let covered = |lookup: &Lookup| match index.coverage(&lookup.package.ecosystem) {
        DataCoverage::Complete => None,
        DataCoverage::Partial => Some(Unevaluated::PartialData { ecosystem: lookup.package.ecosystem.to_string() }),
        DataCoverage::Absent => Some(Unevaluated::NoData { ecosystem: lookup.package.ecosystem.to_string() }),
    };
    let (alternatives, needed): (Vec<_>, Vec<_>) = lookups.iter().partition(|lookup| lookup.alternative);
    let mut streams = alternatives.into_iter().map(covered);
    let first = streams.next().flatten();
    let of_streams = streams.fold(first, |best, next| match (best, next) {
        (None, _) | (_, None) => None,
        (Some(Unevaluated::NoData { .. }), Some(partial @ Unevaluated::PartialData { .. })) => Some(partial),
        (best, _) => best,
    });
    needed.into_iter().find_map(covered).or(of_streams)
}

fn judge_all<'f>(found: &'f [Found<'_>]) -> (Vec<Hit<'f>>, Option<Unevaluated>) {
    let mut advisories: BTreeMap<&str, Vec<(&Found<'_>, &Assertion)>> = BTreeMap::new();
    for one in found {
        for assertion in one.assertions.iter() {
            advisories.entry(&assertion.advisory).or_default().push((one, assertion));
        }
    }
    let (mut hits, mut doubt) = (Vec::new(), None);
    for (advisory, said) in advisories {
        let Some((first, _)) = said.first() else { continue };
        let kind = first.lookup.package.ecosystem.kind;
        let mut panel = Panel::default();
        for (found, assertion) in authority::decisive(kind, said, |(_, assertion)| assertion) {
            panel.hear(found, assertion);
        }
        if found.len() > 1 && kind != EcosystemKind::Cpe {
            panel.let_fixes_settle();
        }
        doubt = doubt.or(panel.doubt);
        if !panel.applying.is_empty() {
            let confidence = confidence(&panel.applying, &panel.against);
            hits.push(Hit { advisory, applying: panel.applying, confidence });
        }
    }
    (hits, doubt)
}

/// All that is said of one advisory.
#[derive(Default)]
struct Panel<'f> {
    applying: Vec<Applying<'f>>,
    against: Vec<&'f SourceId>,
    /// Sources that name a fix.
    settled: Vec<&'f SourceId>,
    doubt: Option<Unevaluated>,
}

impl<'f> Panel<'f> {
    fn hear(&mut self, found: &'f Found<'_>, assertion: &'f Assertion) {
        let lookup = found.lookup;
        let judgement = judge(assertion, lookup, lookup.package.ecosystem.scheme(), &found.version);
        if matches!(judgement, Ok(Judgement::Inside(_) | Judgement::Outside))
            && assertion.ranges.iter().any(|interval| interval.fixed().is_some())
        {
            self.settled.push(&assertion.source);
        }
        match judgement {
            Ok(judgement) if judgement.is_affected() => self.applying.push(Applying { assertion, lookup, judgement }),
            Ok(Judgement::Elsewhere) if would_apply_in_its_module(found, assertion) => {
                self.doubt.get_or_insert(Unevaluated::UnknownModule);
            }
            Ok(Judgement::Elsewhere) => {}
            Ok(_) => self.against.push(&assertion.source),
            Err(_) => {
                self.doubt.get_or_insert(Unevaluated::InvalidAdvisory { record: assertion.record.clone() });
            }
        }
    }

    /// A distribution leaves a vulnerability open in the whole of a release and fixes it in one
    /// stream of it; where several streams are asked, the fix is the later word.
    fn let_fixes_settle(&mut self) {
        let Self { applying, settled, .. } = self;
        let open = |one: &Applying<'_>| matches!(&one.judgement, Judgement::Inside(i) if i.upper == Upper::Open);
        applying.retain(|one| !open(one) || !settled.contains(&&one.assertion.source));
    }
}

/// Is it only the module label, which the document lacks, that decides?
fn would_apply_in_its_module(found: &Found<'_>, assertion: &Assertion) -> bool {
    let lookup = found.lookup;
    if lookup.module.is_some() || assertion.module.is_none() || !is_modular(&lookup.version) {
        return false;
    }
    let labelled = Lookup { module: assertion.module.clone(), ..lookup.clone() };
    judge(assertion, &labelled, lookup.package.ecosystem.scheme(), &found.version)
        .is_ok_and(|judgement| judgement.is_affected())
}

// A source that has one assertion inside and another outside (two branches) does not
// contradict itself; only another source's "no" is a dispute.
fn confidence(applying: &[Applying<'_>], against: &[&SourceId]) -> Confidence {
    let agrees = |source: &&SourceId| applying.iter().any(|one| &one.assertion.source == *source);
    if against.iter().all(agrees) { Confidence::Agreed } else { Confidence::Disputed }
}

fn finding(position: usize, component: &Component, hit: Hit<'_>, summary: Option<Summary>) -> Finding {
    let lookup = hit.applying.first().map(|one| one.lookup).expect("a hit has at least one assertion");
    let purl = component.purl.as_ref().map(ToString::to_string);
    let sources: Vec<_> =
        hit.applying.iter().map(|one| (one.assertion.source.clone(), one.assertion.severity)).collect();
    let ratings = summary.as_ref().map(|summary| summary.ratings.as_slice()).unwrap_or_default();
    let rated = severity::effective(&sources, ratings);
    let version = component.version.clone().unwrap_or_else(|| lookup.version.clone());
    let (probability, percentile) = match summary.as_ref().and_then(|summary| summary.epss) {
        Some((probability, percentile)) => (Some(e5(probability)), Some(e5(percentile))),
        None => (None, None),
    };
    Finding {
        id: stable_id(purl.as_deref().unwrap_or(&component.name), &version, hit.advisory),
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
        evidence: evidence(&hit.applying),
        aliases: summary.as_ref().map(|summary| summary.aliases.clone()).unwrap_or_default(),
        title: summary.as_ref().and_then(|summary| summary.title.clone()),
        published: summary.as_ref().and_then(|summary| summary.published).map(Timestamp::from_unix),
        known_exploited: summary.as_ref().and_then(|summary| summary.known_exploited).map(Timestamp::from_unix),
        epss_probability: probability,
        epss_percentile: percentile,
        vulnerability: hit.advisory.to_owned(),
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
fn status(applying: &[Applying<'_>]) -> Status {
    applying.iter().map(|one| one.assertion.status).min().unwrap_or_default()
}

fn fixed_versions(scheme: Scheme, applying: &[Applying<'_>]) -> Vec<String> {
    let mut fixed: Vec<(&str, Option<Version>)> = Vec::new();
    for one in applying {
        let Judgement::Inside(interval) = &one.judgement else { continue };
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

fn evidence(applying: &[Applying<'_>]) -> Vec<Evidence> {
    let mut evidence: Vec<Evidence> = Vec::with_capacity(applying.len());
    for one in applying {
        let said = describe(one.assertion, &one.judgement, one.lookup);
        if !evidence.contains(&said) {
            evidence.push(said);
        }
    }
    evidence
}

pub(super) fn describe(assertion: &Assertion, judgement: &Judgement, lookup: &Lookup) -> Evidence {
    let reason = match judgement {
        Judgement::Inside(interval) => format!("affected: {interval}"),
        Judgement::Listed => "affected: version listed by name".to_owned(),
        Judgement::Outside => format!("not in: {}", intervals(&assertion.ranges)),
        Judgement::NotAffected => "stated as not affected".to_owned(),
        Judgement::Elsewhere => "for another architecture, module stream or build".to_owned(),
    };
    let reason = match &lookup.basis {
        Some(basis) => format!("{reason} ({basis})"),
        None => reason,
    };
    Evidence { source: assertion.source.clone(), record: assertion.record.clone(), reason }
}

fn intervals(ranges: &[Interval]) -> String {
    match ranges {
        [] => "the versions listed by name".to_owned(),
        ranges => ranges.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or "),
    }
}
