//! Feeds, merged and ready to be asked.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use domain::advisory::{Advisory, PackageKey, Status};
use domain::component::{Component, Distribution, Inventory};
use domain::ecosystem::Ecosystem;
use domain::finding::{Evaluation, Finding};
use domain::matching::{AdvisoryIndex, Assertion, DataCoverage, Summary, evaluate};
use domain::purl::Purl;
use feeds::ingest::Ingested;
use feeds::merge::{MergeRules, merge};

/// Everything is complete that is in it.
pub(crate) struct Index {
    advisories: Vec<Advisory>,
    assertions: BTreeMap<PackageKey, Vec<Assertion>>,
}

impl Index {
    pub(crate) fn of(feeds: impl IntoIterator<Item = Ingested>) -> Self {
        let records = feeds.into_iter().flat_map(|feed| feed.records).collect();
        let advisories = merge(records, &MergeRules::default()).advisories;
        let mut assertions: BTreeMap<PackageKey, Vec<Assertion>> = BTreeMap::new();
        for advisory in &advisories {
            for affected in &advisory.affected {
                let assertion = Assertion::new(&advisory.id, affected);
                assertions.entry(affected.package.clone()).or_default().push(assertion);
            }
        }
        Self { advisories, assertions }
    }

    /// What a scan says of packages, as purls.
    pub(crate) fn scan(&self, purls: &[&str]) -> Evaluation {
        self.scan_on(None, purls)
    }

    pub(crate) fn scan_on(&self, distribution: Option<(&str, &str)>, purls: &[&str]) -> Evaluation {
        let distribution =
            distribution.map(|(id, version)| Distribution { id: id.into(), version: Some(version.into()) });
        let components = purls.iter().map(|purl| component(purl)).collect();
        let tools = vec!["syft".to_owned()];
        let Ok(evaluation) = evaluate(&Inventory { distribution, components, tools, ..Inventory::default() }, self);
        evaluation
    }

    /// The findings of one package: vulnerability, status, fixed versions.
    pub(crate) fn found(&self, purl: &str) -> Vec<(String, Status, String)> {
        self.scan(&[purl]).findings.into_iter().map(brief).collect()
    }
}

pub(crate) fn brief(finding: Finding) -> (String, Status, String) {
    (finding.vulnerability, finding.status, finding.fixed_versions.join(" "))
}

fn component(purl: &str) -> Component {
    let purl = Purl::parse(purl).expect(purl);
    Component { name: purl.name.clone(), version: purl.version.clone(), purl: Some(purl), ..Component::default() }
}

impl AdvisoryIndex for Index {
    type Error = Infallible;

    fn coverage(&self, ecosystem: &Ecosystem) -> DataCoverage {
        let known = self.assertions.keys().any(|package| package.ecosystem == *ecosystem);
        if known { DataCoverage::Complete } else { DataCoverage::Absent }
    }

    fn assertions(&self, package: &PackageKey) -> Result<Arc<[Assertion]>, Infallible> {
        Ok(self.assertions.get(package).cloned().unwrap_or_default().into())
    }

    fn summary(&self, advisory: &str) -> Result<Option<Summary>, Infallible> {
        let found = self.advisories.iter().find(|candidate| candidate.id == advisory);
        Ok(found.map(|advisory| Summary::new(advisory, None, None)))
    }
}
