//! VEX out: findings as the statements of a VEX document.
//!
//! A finding says that advisories call the installed version affected, so that is the status that is written, with
//! what to do. What VEX documents have said of a finding is passed on with its reason and its author; where
//! they contradict each other nothing is claimed but that it must be looked into.
//!
//! When the document says which thing it describes, statements speak of the component in that thing: a
//! person who turns one into "not affected" has looked at this product and not at all the others. When it does not say, what VEX
//! has cleared in this thing alone is written as under investigation.

mod csaf;
mod openvex;

use std::collections::BTreeMap;

use domain::advisory::Status;
use domain::finding::Finding;
use domain::vex::{Justification, VexEffect, VexStatus};

use super::Report;

pub(crate) use csaf::csaf;
pub(crate) use openvex::openvex;

/// Who signs for a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Author {
    pub(crate) name: String,
    /// A URI of the author's own, which CSAF wants.
    pub(crate) namespace: String,
}

impl Default for Author {
    fn default() -> Self {
        Self { name: "Stella".to_owned(), namespace: "urn:stella".to_owned() }
    }
}

/// What is said of a finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Said {
    status: VexStatus,
    justification: Option<Justification>,
    impact: Option<String>,
    /// Set when and only when the status is affected.
    action: Option<String>,
    /// Where it comes from.
    notes: Option<String>,
    /// How CSAF calls what is to be done.
    remediation: &'static str,
}

impl Said {
    /// `rooted`: the statement will name what the component is in.
    fn of(finding: &Finding, rooted: bool) -> Self {
        let (remediation, action) = action(finding);
        let affected = Self {
            status: VexStatus::Affected,
            justification: None,
            impact: None,
            action: Some(action),
            notes: None,
            remediation,
        };
        let looked_into =
            |notes| Self { status: VexStatus::UnderInvestigation, action: None, notes, ..affected.clone() };
        let Some(decision) = finding.vex.as_deref() else {
            return if finding.status == Status::UnderInvestigation { looked_into(None) } else { affected };
        };
        let notes = Some(decision.origin());
        if decision.effect == VexEffect::Contradicted {
            return looked_into(Some("VEX statements about it contradict each other.".to_owned()));
        }
        if let Some(unbound) = decision.unbound().filter(|_| !rooted) {
            return looked_into(Some(unbound));
        }
        match decision.status {
            VexStatus::UnderInvestigation => looked_into(notes),
            VexStatus::Affected => Self { action: decision.action.clone().or(affected.action), notes, ..affected },
            VexStatus::NotAffected | VexStatus::Fixed => Self {
                status: decision.status,
                justification: decision.justification,
                impact: decision.impact.clone(),
                action: None,
                notes,
                ..affected
            },
        }
    }
}

fn action(finding: &Finding) -> (&'static str, String) {
    let package = &finding.package;
    match (finding.fixed_versions.as_slice(), finding.status) {
        ([], Status::WillNotFix | Status::EndOfLife) => {
            ("no_fix_planned", format!("No version of {package} that fixes it is planned: remove or replace it."))
        }
        ([], _) => ("none_available", format!("No version of {package} that fixes it is known yet.")),
        (versions, _) => ("vendor_fix", format!("Update {package} to {}.", versions.join(" or "))),
    }
}

/// Findings by vulnerability, and by what is said of them.
type Grouped<'a> = BTreeMap<&'a str, BTreeMap<Said, Vec<&'a Finding>>>;

fn grouped(report: &Report) -> Grouped<'_> {
    let mut groups = Grouped::new();
    let rooted = root(report).is_some();
    for finding in report.all_findings() {
        groups.entry(&finding.vulnerability).or_default().entry(Said::of(finding, rooted)).or_default().push(finding);
    }
    groups
}

/// The URI that a component is known by. Software without a purl is found by its CPE; its name here is one that says so
/// little that nothing else is meant by it.
fn component(finding: &Finding) -> String {
    finding.purl.clone().unwrap_or_else(|| format!("urn:stella:finding:{}", finding.id))
}

/// What the document describes, when it says so with a purl.
fn root(report: &Report) -> Option<String> {
    report.inventory.identity.root.as_ref().map(ToString::to_string)
}
