//! Why a component has a vulnerability, or why it has not.

use serde::Serialize;

use super::index::{AdvisoryIndex, Assertion, DataCoverage};
use super::judge::judge;
use super::plan::{Lookup, Plan, SourceNames, plan};
use super::{authority, group};
use crate::component::{Component, Distribution};
use crate::finding::{Evidence, Unevaluated};

/// One assertion that was weighed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    #[serde(flatten)]
    pub evidence: Evidence,
    pub affected: bool,
    /// False when another source has the say in this ecosystem, or another stream of the
    /// distribution has a fix.
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
    // What a scan makes of it has the last word: streams of one distribution are judged together.
    let (findings, reason) = match group::findings(0, component, &lookups, index)? {
        Ok(findings) => (findings, None),
        Err(group::Doubt { findings, reason }) => (findings, Some(reason)),
    };
    let named = |name: &String| names.contains(name);
    let evidence: Vec<&Evidence> = findings
        .iter()
        .flat_map(|finding| finding.evidence.iter().map(move |evidence| (finding, evidence)))
        .filter(|(finding, evidence)| named(&finding.vulnerability) || named(&evidence.record))
        .map(|(_, evidence)| evidence)
        .collect();
    explanation.unevaluated = reason;
    explanation.affected = !evidence.is_empty();
    for lookup in &lookups {
        let package = &lookup.package;
        explanation.looked_up.push(format!("{} {} {}", package.ecosystem, package.name, lookup.version));
        explanation.steps.extend(steps(lookup, &named, &evidence, index)?);
    }
    Ok(explanation)
}

fn steps<I: AdvisoryIndex>(
    lookup: &Lookup,
    named: &impl Fn(&String) -> bool,
    evidence: &[&Evidence],
    index: &I,
) -> Result<Vec<Step>, I::Error> {
    let ecosystem = &lookup.package.ecosystem;
    let scheme = ecosystem.scheme();
    let (DataCoverage::Complete | DataCoverage::Partial, Ok(version)) =
        (index.coverage(ecosystem), scheme.parse(&lookup.version))
    else {
        return Ok(Vec::new());
    };
    let assertions = index.assertions(&lookup.package)?;
    let about: Vec<&Assertion> =
        assertions.iter().filter(|assertion| named(&assertion.advisory) || named(&assertion.record)).collect();
    let decisive = authority::decisive(ecosystem.kind, about.clone(), |assertion| *assertion);
    let step = |assertion: &Assertion| {
        let judgement = judge(assertion, lookup, scheme, &version).ok()?;
        let affected = judgement.is_affected();
        let said = group::describe(assertion, &judgement, lookup);
        let decisive = decisive.contains(&assertion) && (!affected || evidence.contains(&&said));
        Some(Step { evidence: said, affected, decisive })
    };
    Ok(about.into_iter().filter_map(step).collect())
}
