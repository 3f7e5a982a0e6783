//! One stored SBOM under two generations.

use std::collections::BTreeMap;

use domain::component::{Component, Identity, Inventory};
use domain::finding::{Evaluation, Finding};
use domain::matching::{Assessed, Owners, Plan, SourceNames, Tally, assess, plan};
use domain::severity::Severity;
use domain::time::Timestamp;
use domain::vex::VexEffect;
use policy::vex::{Claims, Library, Subject};
use policy::{Gate, GenerationRef, Outcome};
use serde::Serialize;
use store::{Footprint, Generation, PackageHash, PackageSet, SbomRow, StoreError, View};

use super::Terms;
use super::compare::{Comparison, epss_rises};

/// One difference of one SBOM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    pub kind: ChangeKind,
    pub package: String,
    pub version: Option<String>,
    pub purl: Option<String>,
    /// None for what happens to a component as a whole.
    pub vulnerability: Option<String>,
    pub severity_before: Option<Severity>,
    pub severity_after: Option<Severity>,
    pub known_exploited: bool,
    /// Why a component is not evaluated any more; its earlier name for a renamed vulnerability.
    pub detail: Option<String>,
}

/// What happens to a finding, or to a component. Worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    Appeared,
    /// Was known, and is now in a catalogue of exploited vulnerabilities.
    KnownExploited,
    SeverityRaised,
    /// Not shown any more because the component is not evaluated any more: nobody says it is gone.
    Unjudged,
    NoLongerEvaluated,
    /// EPSS rose by ten percentage points or more.
    ExploitationLikelier,
    SeverityLowered,
    /// No fix was known, one is now.
    FixKnown,
    Vanished,
    EvaluatedNow,
    /// The same vulnerability under another head of its aliases.
    Renamed,
}

impl ChangeKind {
    pub const ALL: [Self; 11] = [
        Self::Appeared,
        Self::KnownExploited,
        Self::SeverityRaised,
        Self::Unjudged,
        Self::NoLongerEvaluated,
        Self::ExploitationLikelier,
        Self::SeverityLowered,
        Self::FixKnown,
        Self::Vanished,
        Self::EvaluatedNow,
        Self::Renamed,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Appeared => "appeared",
            Self::KnownExploited => "known-exploited",
            Self::SeverityRaised => "severity-raised",
            Self::Unjudged => "unjudged",
            Self::NoLongerEvaluated => "no-longer-evaluated",
            Self::ExploitationLikelier => "exploitation-likelier",
            Self::SeverityLowered => "severity-lowered",
            Self::FixKnown => "fix-known",
            Self::Vanished => "vanished",
            Self::EvaluatedNow => "evaluated-now",
            Self::Renamed => "renamed",
        }
    }
}

/// A verdict that is another one under the new generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Flip {
    pub before: Outcome,
    pub after: Outcome,
}

impl Flip {
    pub fn is_worse(self) -> bool {
        weight(self.after) > weight(self.before)
    }
}

/// What changes for one SBOM.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Difference {
    pub(super) changes: Vec<Change>,
    pub(super) flip: Option<Flip>,
}

/// Components that are the same under both.
struct Rest<'r> {
    document: Document<'r>,
    components: Vec<(usize, &'r Component, Plan)>,
}

/// What a component's document says of it.
#[derive(Clone, Copy)]
struct Document<'r> {
    owners: &'r Owners<'r>,
    identity: &'r Identity,
}

/// Judges SBOMs by both generations.
pub(super) struct Judge<'a> {
    old: Side<'a>,
    new: Side<'a>,
    packages: &'a PackageSet,
    /// Any component may have other findings.
    vex_differs: bool,
    engine: &'a str,
    now: Timestamp,
}

struct Side<'a> {
    generation: &'a Generation,
    reference: GenerationRef,
    vex: Library,
}

/// A component's place, the component, and how it is judged.
type Part<'a> = (usize, &'a Component, &'a Plan);

impl Side<'_> {
    /// What is found in a component, but for what the kit's VEX clears.
    fn assess(
        &self,
        (position, component, plan): Part<'_>,
        document: Document<'_>,
        view: &View<'_>,
    ) -> Result<Assessed, StoreError> {
        let mut assessed = document.owners.settle(component, assess(position, component, plan, view)?, view)?;
        let claims = Claims::of(&[&self.vex]);
        if let Assessed::Evaluated(findings) | Assessed::Unevaluated { findings, .. } = &mut assessed {
            findings.retain(|finding| {
                let weighing = claims.weigh(&Subject::of(finding, component, document.identity));
                weighing.decision.is_none_or(|decision| decision.effect != VexEffect::Suppressed)
            });
        }
        Ok(assessed)
    }
}

/// The tables of both, for one thread.
pub(super) struct Views<'a> {
    old: View<'a>,
    new: View<'a>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(
        old: &'a Generation,
        new: &'a Generation,
        comparison: &'a Comparison,
        terms: &Terms<'a>,
    ) -> Result<Self, StoreError> {
        let Terms { now, engine, blobs, .. } = *terms;
        let side = |generation: &'a Generation| {
            let row = generation.row();
            let (number, kit, content_root) = (row.number, row.kit_sha256, row.content_root);
            let reference = GenerationRef { number, kit, content_root };
            Ok::<_, StoreError>(Side { generation, reference, vex: generation.vex(blobs)? })
        };
        let vex_differs = !old.view()?.has_vex_of(&new.view()?)?;
        Ok(Self { old: side(old)?, new: side(new)?, packages: &comparison.packages, vex_differs, engine, now })
    }

    pub(super) fn views(&self) -> Result<Views<'a>, StoreError> {
        Ok(Views { old: self.old.generation.view()?, new: self.new.generation.view()? })
    }

    /// Can the two generations say different things of this document?
    pub(super) fn concerns(&self, footprint: &Footprint<'_>) -> bool {
        self.vex_differs
            || !footprint.is_current()
            || footprint.touches(self.packages)
            || footprint.age_days_max().is_some_and(|days| self.ages_differ(days))
    }

    /// Data may be too old in one generation and fresh enough in the other, whatever is in it.
    fn ages_differ(&self, days: u32) -> bool {
        let gate = Gate { fail_on: None, allow_empty: true, data_age_days_max: Some(days), ..Gate::default() };
        let nothing = Evaluation::default();
        self.outcome(&self.old, &nothing, &gate) != self.outcome(&self.new, &nothing, &gate)
    }

    pub(super) fn judge(
        &self,
        row: &SbomRow,
        inventory: &Inventory,
        views: &Views<'_>,
    ) -> Result<Difference, StoreError> {
        let names = SourceNames::of(inventory);
        let owners = Owners::of(inventory, names);
        let (mut before, mut after) = (Tally::default(), Tally::default());
        let mut changes = Vec::new();
        let document = Document { owners: &owners, identity: &inventory.identity };
        let mut rest = Rest { document, components: Vec::new() };
        for (position, component) in inventory.components.iter().enumerate() {
            let plan = plan(component, inventory.distribution.as_ref(), names);
            let of_owners = || owners.plans(component).iter().any(|(.., plan)| self.is_touched(plan));
            if !self.is_touched(&plan) && !of_owners() {
                rest.components.push((position, component, plan));
                continue;
            }
            let part = (position, component, &plan);
            let old = self.old.assess(part, document, &views.old)?;
            let new = self.new.assess(part, document, &views.new)?;
            compare_component(component, &old, &new, &mut changes);
            before.add(component, old);
            after.add(component, new);
        }
        let flip = self.flip(row, (before.finish(), after.finish()), &rest, views)?;
        Ok(Difference { changes, flip })
    }

    fn is_touched(&self, plan: &Plan) -> bool {
        let Plan::Lookups(lookups) = plan else { return false };
        if self.vex_differs {
            return true;
        }
        lookups.iter().any(|lookup| {
            self.packages.contains(PackageHash::of_package(&lookup.package))
                || self.packages.contains(PackageHash::of_ecosystem(&lookup.package.ecosystem))
        })
    }

    /// The verdict on a document is the worst of those on its parts. So the part that is the same
    /// under both is judged only when the other part leaves the question open, and only until it
    /// gives the answer.
    fn flip(
        &self,
        row: &SbomRow,
        (before, after): (Evaluation, Evaluation),
        rest: &Rest<'_>,
        views: &Views<'_>,
    ) -> Result<Option<Flip>, StoreError> {
        // A part without components makes no empty document.
        let gate = Gate { allow_empty: true, ..row.gate.clone() };
        let old = self.outcome(&self.old, &before, &gate);
        let new = self.outcome(&self.new, &after, &gate);
        if old == new {
            return Ok(None);
        }
        let rest = self.rest(row, before.coverage.components, rest, views)?;
        let flip = Flip { before: worst(old, rest), after: worst(new, rest) };
        Ok((flip.before != flip.after).then_some(flip))
    }

    /// Judges what is the same under both, but for the age of the data, which is judged elsewhere.
    fn rest(
        &self,
        row: &SbomRow,
        mut components: u64,
        rest: &Rest<'_>,
        views: &Views<'_>,
    ) -> Result<Outcome, StoreError> {
        let gate = Gate { data_age_days_max: None, ..row.gate.clone() };
        let mut outcome = Outcome::Pass;
        for (position, component, plan) in &rest.components {
            let assessed = self.new.assess((*position, component, plan), rest.document, &views.new)?;
            components += u64::from(assessed != Assessed::NotApplicable);
            if findings(&assessed).is_empty() && !matches!(assessed, Assessed::Unevaluated { .. }) {
                continue;
            }
            let mut tally = Tally::default();
            tally.add(component, assessed);
            outcome = worst(outcome, self.outcome(&self.new, &tally.finish(), &gate));
            if outcome == Outcome::Fail {
                return Ok(outcome);
            }
        }
        Ok(if components == 0 { self.outcome(&self.new, &Evaluation::default(), &gate) } else { outcome })
    }

    fn outcome(&self, side: &Side<'_>, evaluation: &Evaluation, gate: &Gate) -> Outcome {
        let sources = &side.generation.row().sources;
        policy::judge(evaluation, gate, side.reference.clone(), sources, self.engine, self.now).outcome
    }
}

const fn weight(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Pass => 0,
        Outcome::Indeterminate => 1,
        Outcome::Fail => 2,
    }
}

fn worst(a: Outcome, b: Outcome) -> Outcome {
    if weight(a) >= weight(b) { a } else { b }
}

fn findings(assessed: &Assessed) -> &[Finding] {
    match assessed {
        Assessed::NotApplicable => &[],
        Assessed::Evaluated(findings) | Assessed::Unevaluated { findings, .. } => findings,
    }
}

fn compare_component(component: &Component, old: &Assessed, new: &Assessed, changes: &mut Vec<Change>) {
    // What the owner of a package clears is no finding.
    let counting = |assessed| findings(assessed).iter().filter(|finding| finding.counts());
    let mut gone: BTreeMap<_, _> = counting(old).map(|finding| (key(finding), finding)).collect();
    let mut come = Vec::new();
    for finding in counting(new) {
        match gone.remove(&key(finding)) {
            Some(old) => changes.extend(compare_finding(old, finding)),
            None => come.push(finding),
        }
    }
    for finding in come {
        // The head of an alias cluster changes when a CVE id is given, and clusters merge: that is no
        // other vulnerability.
        let same: Vec<&Finding> = gone.values().copied().filter(|old| is_renamed(old, finding)).collect();
        for old in &same {
            gone.remove(&key(old));
            let detail = Some(old.vulnerability.clone());
            changes.push(Change { detail, ..change(ChangeKind::Renamed, Some(old), Some(finding)) });
        }
        match same.into_iter().max_by_key(|old| old.severity) {
            Some(old) => changes.extend(compare_finding(old, finding)),
            None => changes.push(change(ChangeKind::Appeared, None, Some(finding))),
        }
    }
    // A finding of a component that cannot be judged any more is not known to be gone.
    let (kind, reason) = match new {
        Assessed::Unevaluated { reason, .. } => (ChangeKind::Unjudged, Some(reason.to_string())),
        Assessed::Evaluated(_) | Assessed::NotApplicable => (ChangeKind::Vanished, None),
    };
    changes.extend(gone.into_values().map(|old| Change { detail: reason.clone(), ..change(kind, Some(old), None) }));
    let kind = match (old, new) {
        (Assessed::Evaluated(_), Assessed::Unevaluated { .. }) => ChangeKind::NoLongerEvaluated,
        (Assessed::Unevaluated { .. }, Assessed::Evaluated(_)) => ChangeKind::EvaluatedNow,
        _ => return,
    };
    changes.push(Change {
        kind,
        package: component.name.clone(),
        version: component.version.clone(),
        purl: component.purl.as_ref().map(ToString::to_string),
        vulnerability: None,
        severity_before: None,
        severity_after: None,
        known_exploited: false,
        detail: reason,
    });
}

fn key(finding: &Finding) -> (&str, &str) {
    (&finding.vulnerability, &finding.matched_name)
}

fn is_renamed(old: &Finding, new: &Finding) -> bool {
    old.matched_name == new.matched_name
        && (new.aliases.contains(&old.vulnerability) || old.aliases.contains(&new.vulnerability))
}

/// What happened to a finding that both generations make.
fn compare_finding(old: &Finding, new: &Finding) -> Vec<Change> {
    let severity = match old.severity.cmp(&new.severity) {
        std::cmp::Ordering::Less => Some(ChangeKind::SeverityRaised),
        std::cmp::Ordering::Greater => Some(ChangeKind::SeverityLowered),
        std::cmp::Ordering::Equal => None,
    };
    let listed = old.known_exploited.is_none() && new.known_exploited.is_some();
    let fixed = old.fixed_versions.is_empty() && !new.fixed_versions.is_empty();
    let kinds = [
        listed.then_some(ChangeKind::KnownExploited),
        severity,
        epss_rises(e5(old), e5(new)).then_some(ChangeKind::ExploitationLikelier),
        fixed.then_some(ChangeKind::FixKnown),
    ];
    kinds.into_iter().flatten().map(|kind| change(kind, Some(old), Some(new))).collect()
}

/// A finding carries the estimate as a fraction that was made of hundred-thousandths.
fn e5(finding: &Finding) -> Option<u32> {
    finding.epss_probability.map(|probability| (probability * 100_000.0).round() as u32)
}

fn change(kind: ChangeKind, old: Option<&Finding>, new: Option<&Finding>) -> Change {
    let shown = new.or(old);
    Change {
        kind,
        package: shown.map(|finding| finding.package.clone()).unwrap_or_default(),
        version: shown.map(|finding| finding.version.clone()),
        purl: shown.and_then(|finding| finding.purl.clone()),
        vulnerability: shown.map(|finding| finding.vulnerability.clone()),
        severity_before: old.map(|finding| finding.severity),
        severity_after: new.map(|finding| finding.severity),
        known_exploited: shown.is_some_and(|finding| finding.known_exploited.is_some()),
        detail: None,
    }
}
