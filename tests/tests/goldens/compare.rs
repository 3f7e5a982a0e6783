//! Two sets of findings, side by side.
//!
//! Only what both sides could know is compared: of the peer's findings those about which the
//! corpus says anything for that package, of ours those that the peer's data held. The rest is
//! counted, not judged.

use std::collections::{BTreeMap, BTreeSet};

use domain::advisory::PackageKey;
use domain::component::Component;
use domain::ecosystem::EcosystemKind;
use domain::matching::{Explanation, Plan, SourceNames, evaluate, explain, plan};

use crate::corpus::Corpus;
use crate::document::{Document, Knowledge, Theirs, place_of};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Ours,
    Theirs,
}

/// A vulnerability of a package that only one side reports.
#[derive(Debug)]
pub(crate) struct Difference {
    pub(crate) side: Side,
    pub(crate) document: String,
    pub(crate) place: String,
    pub(crate) advisory: String,
    /// The peer's own words, where the peer is the one that reports it.
    pub(crate) theirs: Option<Theirs>,
    /// The package under which the corpus speaks of it.
    pub(crate) package: PackageKey,
    /// What the corpus says.
    pub(crate) explanation: Explanation,
}

/// What comparing a document came to.
#[derive(Default)]
pub(crate) struct Comparison {
    pub(crate) agreed: usize,
    pub(crate) differences: Vec<Difference>,
    /// Findings of the peer about which the corpus says nothing.
    pub(crate) without_data: usize,
    /// Findings of ours that the peer's data did not hold.
    pub(crate) unknown_to_peer: usize,
    pub(crate) unevaluated: u64,
    /// The ecosystems in which both sides report the same.
    pub(crate) ecosystems: BTreeSet<&'static str>,
}

impl Comparison {
    pub(crate) fn count(&self, side: Side) -> usize {
        self.differences.iter().filter(|difference| difference.side == side).count()
    }

    pub(crate) fn overlaps(&self) -> bool {
        self.agreed + self.differences.len() > 0
    }
}

/// A place in the inventory and an advisory.
type Pair = (String, String);

pub(crate) fn compare(document: &Document, corpus: &Corpus) -> Comparison {
    let components = &document.inventory.components;
    let places = components.iter().map(|component| (place_of(component), component)).collect();
    Comparer { document, corpus, places, result: Comparison::default() }.run()
}

struct Comparer<'d> {
    document: &'d Document,
    corpus: &'d Corpus,
    places: BTreeMap<String, &'d Component>,
    result: Comparison,
}

impl<'d> Comparer<'d> {
    fn run(mut self) -> Comparison {
        let ours = self.ours();
        let theirs = self.theirs();
        for (pair, package) in &ours {
            if theirs.contains_key(pair) {
                self.result.agreed += 1;
                self.result.ecosystems.insert(package.ecosystem.kind.name());
            } else if self.peer_knew(package, &pair.1) {
                self.differ(Side::Ours, pair, package, None);
            } else {
                self.result.unknown_to_peer += 1;
            }
        }
        for (pair, (package, finding)) in theirs.iter().filter(|(pair, _)| !ours.contains_key(*pair)) {
            self.differ(Side::Theirs, pair, package, Some(finding));
        }
        self.result
    }

    fn ours(&mut self) -> BTreeMap<Pair, PackageKey> {
        let Ok(evaluation) = evaluate(&self.document.inventory, self.corpus);
        self.result.unevaluated = evaluation.coverage.unevaluated_count();
        let pairs = evaluation.findings.iter().map(|finding| {
            let component = &self.document.inventory.components[finding.component];
            let package = PackageKey::new(finding.ecosystem.parse().expect("an ecosystem"), &finding.matched_name);
            ((place_of(component), finding.vulnerability.clone()), package)
        });
        pairs.collect()
    }

    /// The peer's findings about which the corpus says anything at all.
    fn theirs(&mut self) -> BTreeMap<Pair, (PackageKey, &'d Theirs)> {
        let mut pairs = BTreeMap::new();
        for finding in &self.document.findings {
            let packages = self.packages(finding);
            let mut spoken_of = false;
            for advisory in self.corpus.advisories(&finding.id) {
                for package in packages.iter().filter(|package| self.corpus.speaks_of(package, &advisory)) {
                    pairs.insert((finding.place.clone(), advisory.clone()), (package.clone(), finding));
                    spoken_of = true;
                }
            }
            self.result.without_data += usize::from(!spoken_of);
        }
        pairs
    }

    /// Where the corpus may speak of a finding's package: under the names that it is looked up
    /// with, and under the one that the peer gives, so that a failure to plan does not hide it.
    fn packages(&self, finding: &Theirs) -> BTreeSet<PackageKey> {
        let names = SourceNames::of(&self.document.inventory);
        let planned = self
            .places
            .get(&finding.place)
            .map(|component| plan(component, self.document.inventory.distribution.as_ref(), names));
        let lookups = match planned {
            Some(Plan::Lookups(lookups)) => lookups,
            Some(Plan::NotApplicable | Plan::Unevaluated(_)) | None => Vec::new(),
        };
        lookups.into_iter().map(|lookup| lookup.package).chain(finding.package.clone()).collect()
    }

    /// Did the peer's data hold this vulnerability of this package?
    fn peer_knew(&self, package: &PackageKey, advisory: &str) -> bool {
        match &self.document.knowledge {
            Knowledge::Excerpt => false,
            Knowledge::Until(day) => self.corpus.known_at(advisory, *day),
            Knowledge::Database(buckets) => buckets.get(&bucket(package)).is_some_and(|held| {
                held.iter().any(|(name, id)| *name == package.name && self.corpus.advisories(id).contains(advisory))
            }),
        }
    }

    fn differ(&mut self, side: Side, (place, advisory): &Pair, package: &PackageKey, theirs: Option<&Theirs>) {
        let explanation = match self.places.get(place) {
            Some(component) => {
                let distribution = self.document.inventory.distribution.as_ref();
                let Ok(explanation) = explain(component, distribution, std::slice::from_ref(advisory), self.corpus);
                explanation
            }
            None => Explanation::default(),
        };
        self.result.differences.push(Difference {
            side,
            document: self.document.name.clone(),
            place: place.clone(),
            advisory: advisory.clone(),
            theirs: theirs.cloned(),
            package: package.clone(),
            explanation,
        });
    }
}

/// The bucket of a Trivy database that holds an ecosystem's advisories.
fn bucket(package: &PackageKey) -> String {
    let release = package.ecosystem.release.as_deref().unwrap_or_default();
    match package.ecosystem.kind {
        EcosystemKind::Alpine => format!("alpine {}", release.trim_start_matches('v')),
        EcosystemKind::Debian => format!("debian {release}"),
        EcosystemKind::PyPi => "pip".to_owned(),
        EcosystemKind::CratesIo => "cargo".to_owned(),
        EcosystemKind::Packagist => "composer".to_owned(),
        EcosystemKind::Hex => "erlang".to_owned(),
        kind => kind.name().to_lowercase(),
    }
}
