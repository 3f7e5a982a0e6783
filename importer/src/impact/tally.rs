//! Adding up what changes, in memory that does not grow with the number of documents.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use domain::digest::Digest;
use domain::severity::Severity;
use policy::Outcome;
use store::{Generation, SbomRow};

use super::Terms;
use super::compare::Comparison;
use super::concerns::concerns;
use super::difference::{Change, ChangeKind, Difference, Flip};
use super::report::{AdvisoryImpact, DocumentImpact, Impact, SCHEMA, SbomCounts, Totals, Unreadable, VerdictCounts};

/// Documents that are listed; the worst, all others are counted.
const DOCUMENTS_MAX: usize = 1_000;
const CHANGES_MAX: usize = 50;
const ADVISORIES_MAX: usize = 1_000;

/// What one thread has added up, or all of them.
#[derive(Default)]
pub(super) struct Tally {
    sboms: SbomCounts,
    totals: Totals,
    advisories: HashMap<String, AdvisoryImpact>,
    /// Up to twice as many as are listed.
    documents: Vec<DocumentImpact>,
    unreadable: Vec<Unreadable>,
}

impl Tally {
    pub(super) fn add_unreadable(&mut self, sbom: Digest, reason: String) {
        self.unreadable.push(Unreadable { sbom, reason });
    }

    pub(super) fn add(&mut self, row: SbomRow, difference: Difference) {
        self.sboms.touched += 1;
        let Difference { mut changes, flip } = difference;
        if changes.is_empty() && flip.is_none() {
            return;
        }
        self.sboms.changed += 1;
        flip.iter().for_each(|flip| self.sboms.verdicts.add(*flip));
        changes.sort_by(|a, b| badness(a).cmp(&badness(b)));
        let mut by_kind = BTreeMap::new();
        let mut last = Vec::new();
        for change in &changes {
            *by_kind.entry(change.kind).or_default() += 1;
            self.totals.add(change);
            self.add_to_advisory(change, &mut last);
        }
        let changes_omitted = changes.len().saturating_sub(CHANGES_MAX) as u64;
        changes.truncate(CHANGES_MAX);
        let SbomRow { digest: sbom, name, .. } = row;
        self.documents.push(DocumentImpact { sbom, name, verdict: flip, by_kind, changes, changes_omitted });
        if self.documents.len() >= 2 * DOCUMENTS_MAX {
            self.keep_worst();
        }
    }

    /// `seen`: vulnerabilities that this document was counted for.
    fn add_to_advisory(&mut self, change: &Change, seen: &mut Vec<String>) {
        let Some(id) = &change.vulnerability else { return };
        if !self.advisories.contains_key(id) {
            self.advisories.insert(id.clone(), AdvisoryImpact::new(id));
        }
        let Some(advisory) = self.advisories.get_mut(id) else { return };
        if !seen.contains(id) {
            seen.push(id.clone());
            advisory.sboms += 1;
        }
        advisory.known_exploited |= change.known_exploited;
        let shown = change.severity_after.or(change.severity_before).unwrap_or_default();
        advisory.severity = advisory.severity.max(shown);
        *advisory.by_kind.entry(change.kind).or_default() += 1;
    }

    fn keep_worst(&mut self) {
        self.documents.sort_by_cached_key(document_badness);
        self.documents.truncate(DOCUMENTS_MAX);
    }

    pub(super) fn join(&mut self, other: Self) {
        self.sboms.touched += other.sboms.touched;
        self.sboms.changed += other.sboms.changed;
        self.sboms.verdicts.join(other.sboms.verdicts);
        self.totals.join(&other.totals);
        for (id, advisory) in other.advisories {
            match self.advisories.get_mut(&id) {
                Some(known) => known.join(&advisory),
                None => drop(self.advisories.insert(id, advisory)),
            }
        }
        self.documents.extend(other.documents);
        self.keep_worst();
        self.unreadable.extend(other.unreadable);
    }

    pub(super) fn report(
        mut self,
        old: &Generation,
        new: &Generation,
        comparison: Comparison,
        stored: u64,
        terms: &Terms<'_>,
    ) -> Impact {
        self.keep_worst();
        self.unreadable.sort_unstable();
        self.sboms.stored = stored;
        let mut advisories: Vec<_> = self.advisories.into_values().collect();
        advisories.sort_by_cached_key(|advisory| {
            let AdvisoryImpact { known_exploited, severity, sboms, vulnerability, .. } = advisory;
            (Reverse(*known_exploited), Reverse(*severity), Reverse(*sboms), vulnerability.clone())
        });
        let advisories_omitted = advisories.len().saturating_sub(ADVISORIES_MAX) as u64;
        advisories.truncate(ADVISORIES_MAX);
        Impact {
            schema: SCHEMA,
            engine: terms.engine.to_owned(),
            made_at: terms.now,
            from: old.into(),
            to: new.into(),
            concerns: concerns((&old.row().sources, &comparison.before), (&new.row().sources, &comparison.after)),
            data: comparison.data,
            documents_omitted: self.sboms.changed - self.documents.len() as u64,
            sboms: self.sboms,
            totals: self.totals.with_every_key(),
            advisories,
            advisories_omitted,
            documents: self.documents,
            unreadable: self.unreadable,
        }
    }
}

impl VerdictCounts {
    fn add(&mut self, flip: Flip) {
        *(if flip.is_worse() { &mut self.worse } else { &mut self.better }) += 1;
        let counter = match (flip.before, flip.after) {
            (Outcome::Pass, Outcome::Fail) => &mut self.pass_fail,
            (Outcome::Pass, Outcome::Indeterminate) => &mut self.pass_indeterminate,
            (Outcome::Indeterminate, Outcome::Fail) => &mut self.indeterminate_fail,
            (Outcome::Fail, Outcome::Indeterminate) => &mut self.fail_indeterminate,
            (Outcome::Fail, Outcome::Pass) => &mut self.fail_pass,
            (Outcome::Indeterminate, Outcome::Pass) => &mut self.indeterminate_pass,
            // No flip.
            (Outcome::Pass, Outcome::Pass)
            | (Outcome::Fail, Outcome::Fail)
            | (Outcome::Indeterminate, Outcome::Indeterminate) => return,
        };
        *counter += 1;
    }

    fn join(&mut self, other: Self) {
        self.worse += other.worse;
        self.better += other.better;
        self.pass_fail += other.pass_fail;
        self.pass_indeterminate += other.pass_indeterminate;
        self.indeterminate_fail += other.indeterminate_fail;
        self.fail_indeterminate += other.fail_indeterminate;
        self.fail_pass += other.fail_pass;
        self.indeterminate_pass += other.indeterminate_pass;
    }
}

impl Totals {
    fn add(&mut self, change: &Change) {
        *self.by_kind.entry(change.kind).or_default() += 1;
        let levels = match change.kind {
            ChangeKind::Appeared => &mut self.appeared,
            ChangeKind::Vanished => &mut self.vanished,
            ChangeKind::Unjudged => &mut self.unjudged,
            _ => return,
        };
        *levels.entry(change.severity_after.or(change.severity_before).unwrap_or_default()).or_default() += 1;
    }

    fn join(&mut self, other: &Self) {
        join(&mut self.by_kind, &other.by_kind);
        join(&mut self.appeared, &other.appeared);
        join(&mut self.vanished, &other.vanished);
        join(&mut self.unjudged, &other.unjudged);
    }

    /// A count of nothing is written as zero.
    fn with_every_key(mut self) -> Self {
        for kind in ChangeKind::ALL {
            self.by_kind.entry(kind).or_default();
        }
        for levels in [&mut self.appeared, &mut self.vanished, &mut self.unjudged] {
            for level in Severity::ALL {
                levels.entry(level).or_default();
            }
        }
        self
    }
}

impl AdvisoryImpact {
    fn new(id: &str) -> Self {
        Self {
            vulnerability: id.to_owned(),
            severity: Severity::Unknown,
            known_exploited: false,
            sboms: 0,
            by_kind: BTreeMap::new(),
        }
    }

    fn join(&mut self, other: &Self) {
        self.severity = self.severity.max(other.severity);
        self.known_exploited |= other.known_exploited;
        self.sboms += other.sboms;
        join(&mut self.by_kind, &other.by_kind);
    }
}

fn join<K: Ord + Copy>(into: &mut BTreeMap<K, u64>, from: &BTreeMap<K, u64>) {
    for (key, count) in from {
        *into.entry(*key).or_default() += count;
    }
}

/// Orders changes, worst first; the last parts only make the order a certain one.
fn badness(change: &Change) -> impl Ord + '_ {
    let severity = change.severity_after.or(change.severity_before);
    (change.kind, Reverse(severity), &change.vulnerability, &change.package, &change.version, &change.purl)
}

/// Orders documents, worst first: verdicts that get worse, then new exploited findings, then new findings by level.
fn document_badness(document: &DocumentImpact) -> impl Ord + use<> {
    let DocumentImpact { verdict, by_kind, changes, name, sbom, .. } = document;
    let flip = match verdict {
        Some(flip) if flip.is_worse() => 0,
        Some(_) => 1,
        None => 2,
    };
    let worse = |change: &&Change| matches!(change.kind, ChangeKind::Appeared | ChangeKind::SeverityRaised);
    let exploited = changes
        .iter()
        .filter(|change| change.kind == ChangeKind::KnownExploited || (worse(change) && change.known_exploited))
        .count();
    let at = |level| changes.iter().filter(worse).filter(|change| change.severity_after == Some(level)).count();
    let all: u64 = by_kind.values().sum();
    let counts = [exploited, at(Severity::Critical), at(Severity::High), at(Severity::Medium)];
    (flip, Reverse(counts), Reverse(all), name.clone(), *sbom)
}
