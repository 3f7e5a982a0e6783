//! Why a component has a vulnerability, or why it has not.

use serde::Serialize;

use super::index::{AdvisoryIndex, Assertion, DataCoverage};
use super::judge::judge;
use super::plan::{Plan, SourceNames, plan};
use super::{authority, group};
use crate::component::{Component, Distribution};
use crate::finding::{Evidence, Unevaluated};

/// One assertion that was weighed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    #[serde(flatten)]
    pub evidence: Evidence,
    pub affected: bool,
    /// False when another source has the say in this ecosystem.
    pub decisive: bool,
}

/// The whole line of reasoning for one component and one vulnerability.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// `ecosystem name version`, as looked up.
    pub looked_up: Vec<String>,
    pub steps: Vec<Step>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unevaluated: Option<Unevaluated>,
    pub affected: bool,
}

/// Explains. `names` are the id asked for and all its aliases.
pub fn explain<I: AdvisoryIndex>(
    component: &Component,
    document: Option<&Distribution>,
    names: &[String],
    index: &I,
) -> Result<Explanation, I::Error> {
    let mut explanation = Explanation::default();
    let lookups = match plan(component, document, SourceNames::Stated) {
        Plan::NotApplicable => return Ok(explanation),
        Plan::Unevaluated(reason) => {
            explanation.unevaluated = Some(reason);
            return Ok(explanation);
        }
        Plan::Lookups(lookups) => lookups,
    };
    for lookup in &lookups {
        let package = &lookup.package;
        explanation.looked_up.push(format!("{} {} {}", package.ecosystem, package.name, lookup.version));
        let ecosystem = package.ecosystem.to_string();
        match index.coverage(&package.ecosystem) {
            DataCoverage::Complete => {}
            DataCoverage::Partial => explanation.unevaluated = Some(Unevaluated::PartialData { ecosystem }),
            DataCoverage::Absent => {
                explanation.unevaluated = Some(Unevaluated::NoData { ecosystem });
                continue;
            }
        }
        let scheme = package.ecosystem.scheme();
        let Ok(version) = scheme.parse(&lookup.version) else {
            explanation.unevaluated = Some(Unevaluated::InvalidVersion);
            continue;
        };
        let assertions = index.assertions(package)?;
        let about: Vec<&Assertion> = assertions
            .iter()
            .filter(|assertion| names.iter().any(|name| *name == assertion.advisory || *name == assertion.record))
            .collect();
        let decisive = authority::decisive(package.ecosystem.kind, about.clone());
        for assertion in about {
            let decisive = decisive.contains(&assertion);
            match judge(assertion, lookup, scheme, &version) {
                Ok(judgement) => {
                    let affected = judgement.is_affected();
                    explanation.affected |= affected && decisive;
                    let evidence = group::describe(assertion, &judgement);
                    explanation.steps.push(Step { evidence, affected, decisive });
                }
                Err(_) => {
                    explanation.unevaluated = Some(Unevaluated::InvalidAdvisory { record: assertion.record.clone() })
                }
            }
        }
    }
    Ok(explanation)
}
