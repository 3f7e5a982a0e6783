//! Matching: components against the assertions of an advisory index.
//!
//! A component is planned (which package keys, which version: [`plan`]), looked up in an
//! [`AdvisoryIndex`], judged assertion by assertion ([`judge`]), and what applies is
//! grouped into one finding per component and vulnerability. Whatever cannot be planned
//! or judged is counted by reason in the coverage: there is no third way out.

mod authority;
mod distribution;
mod explain;
mod group;
mod index;
mod judge;
mod language;
mod owned;
mod plan;
mod severity;
mod unpackaged;

pub use authority::deciding;
pub use distribution::{
    debian_release, ecosystem_of, redhat_repositories, redhat_stream, stated_distribution, suse_release, ubuntu_release,
};
pub use explain::{Explanation, Step, explain};
pub use index::{AdvisoryIndex, Assertion, AssertionRef, DataCoverage, RatingRow, Summary};
pub use judge::{Judgement, judge};
pub use owned::Owners;
pub use plan::{Lookup, Plan, SourceNames, plan};

use std::collections::BTreeMap;

use crate::component::{Component, Inventory};
use crate::finding::{Coverage, Evaluation, Finding, Unevaluated, UnevaluatedGroup};

/// Evaluates a whole inventory. The only errors are those of the index itself.
pub fn evaluate<I: AdvisoryIndex>(inventory: &Inventory, index: &I) -> Result<Evaluation, I::Error> {
    let names = SourceNames::of(inventory);
    let owners = Owners::of(inventory, names);
    let mut tally = Tally::default();
    for (position, component) in inventory.components.iter().enumerate() {
        let plan = plan(component, inventory.distribution.as_ref(), names);
        let assessed = assess(position, component, &plan, index)?;
        tally.add(component, owners.settle(component, assessed, index)?);
    }
    Ok(tally.finish())
}

/// What comes of one component.
#[derive(Clone, Debug, PartialEq)]
pub enum Assessed {
    NotApplicable,
    Evaluated(Vec<Finding>),
    /// What did match stays a finding, although the component as a whole stays in doubt.
    Unevaluated {
        findings: Vec<Finding>,
        reason: Unevaluated,
    },
}

/// Carries out the plan of one component; `position` is its place in the inventory.
pub fn assess<I: AdvisoryIndex>(
    position: usize,
    component: &Component,
    plan: &Plan,
    index: &I,
) -> Result<Assessed, I::Error> {
    Ok(match plan {
        Plan::NotApplicable => Assessed::NotApplicable,
        Plan::Unevaluated(reason) => Assessed::Unevaluated { findings: Vec::new(), reason: reason.clone() },
        Plan::Lookups(lookups) => match group::findings(position, component, lookups, index)? {
            Ok(findings) => Assessed::Evaluated(findings),
            Err(group::Doubt { findings, reason }) => Assessed::Unevaluated { findings, reason },
        },
    })
}

/// An evaluation that is being added up, component by component.
#[derive(Debug, Default)]
pub struct Tally {
    findings: Vec<Finding>,
    suppressed: Vec<Finding>,
    coverage: Coverage,
    reasons: BTreeMap<Unevaluated, Vec<String>>,
}

impl Tally {
    pub fn add(&mut self, component: &Component, assessed: Assessed) {
        match assessed {
            Assessed::NotApplicable => self.coverage.not_applicable += 1,
            Assessed::Evaluated(findings) => {
                self.coverage.components += 1;
                self.coverage.evaluated += 1;
                self.found(findings);
            }
            Assessed::Unevaluated { findings, reason } => {
                self.found(findings);
                self.unevaluated(component, reason);
            }
        }
    }

    fn found(&mut self, findings: Vec<Finding>) {
        let (counting, suppressed): (Vec<_>, Vec<_>) = findings.into_iter().partition(Finding::counts);
        self.findings.extend(counting);
        self.suppressed.extend(suppressed);
    }

    fn unevaluated(&mut self, component: &Component, reason: Unevaluated) {
        self.coverage.components += 1;
        self.reasons.entry(reason).or_default().push(label(component));
    }

    pub fn finish(mut self) -> Evaluation {
        for findings in [&mut self.findings, &mut self.suppressed] {
            findings.sort_by(|a, b| sort_key(a).cmp(&sort_key(b)));
        }
        self.coverage.unevaluated = self.reasons.into_iter().map(unevaluated_group).collect();
        self.coverage.unevaluated.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.reason.cmp(&b.reason)));
        Evaluation { findings: self.findings, suppressed: self.suppressed, coverage: self.coverage }
    }
}

fn sort_key(finding: &Finding) -> impl Ord + '_ {
    let severity = std::cmp::Reverse(finding.severity);
    (&finding.package, &finding.version, severity, &finding.vulnerability, &finding.reference, &finding.id)
}

fn unevaluated_group((reason, mut components): (Unevaluated, Vec<String>)) -> UnevaluatedGroup {
    components.sort_unstable();
    let message = reason.to_string();
    UnevaluatedGroup { reason, message, count: components.len() as u64, components }
}

fn label(component: &Component) -> String {
    match &component.version {
        Some(version) => format!("{}@{version}", component.name),
        None => component.name.clone(),
    }
}
