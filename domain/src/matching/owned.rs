//! Packages of languages that a package of the distribution has brought.
//!
//! A distribution mends such a package under the version that it had, and the registry's advisories go on to take that for broken. Where
//! the document says that a package of the distribution owns it, the distribution is asked: when its advisories
//! speak of the same vulnerability, and do not hold the owner's version for affected, the finding is told with what they
//! say and does not count. Where they are silent or cannot be judged, it counts.

use std::collections::HashMap;

use super::index::AdvisoryIndex;
use super::judge::{Judgement, judge};
use super::plan::{Lookup, Plan, SourceNames, plan};
use super::{Assertion, Assessed, assess, authority, distribution, group};
use crate::component::{Component, Inventory};
use crate::digest::Digest;
use crate::finding::{Evidence, Finding};
use crate::vex::{VexDecision, VexDocument, VexEffect, VexSource, VexStatus};

/// Who owns what in an inventory.
#[derive(Debug)]
pub struct Owners<'i> {
    inventory: &'i Inventory,
    names: SourceNames,
    /// Packages of the distribution by their keys, when somebody is owned.
    places: HashMap<&'i str, usize>,
}

impl<'i> Owners<'i> {
    pub fn of(inventory: &'i Inventory, names: SourceNames) -> Self {
        let mut places = HashMap::new();
        if inventory.components.iter().any(|component| !component.owners.is_empty()) {
            let systems = inventory.components.iter().enumerate().filter(|(_, component)| is_of_system(component));
            places.extend(systems.map(|(position, component)| (component.reference.as_str(), position)));
        }
        Self { inventory, names, places }
    }

    /// The packages of the distribution that own a component, and how they are looked up.
    pub fn plans(&self, component: &Component) -> Vec<(usize, &'i Component, Plan)> {
        if is_of_system(component) {
            return Vec::new();
        }
        let places = component.owners.iter().filter_map(|reference| self.places.get(reference.as_str()));
        let owners = places.filter_map(|position| Some((*position, self.inventory.components.get(*position)?)));
        let document = self.inventory.distribution.as_ref();
        owners.map(|(position, owner)| (position, owner, plan(owner, document, self.names))).collect()
    }

    /// Hears the owners of a component on what was found in it.
    pub fn settle<I: AdvisoryIndex>(
        &self,
        component: &Component,
        mut assessed: Assessed,
        index: &I,
    ) -> Result<Assessed, I::Error> {
        let findings = match &mut assessed {
            Assessed::Evaluated(findings) | Assessed::Unevaluated { findings, .. } if !findings.is_empty() => findings,
            Assessed::Evaluated(_) | Assessed::Unevaluated { .. } | Assessed::NotApplicable => return Ok(assessed),
        };
        let mut owners = Vec::new();
        for (position, owner, plan) in self.plans(component) {
            // An owner that is not judged whole clears nobody.
            if let (Assessed::Evaluated(own), Plan::Lookups(lookups)) = (assess(position, owner, &plan, index)?, plan) {
                owners.push((owner, own, lookups));
            }
        }
        for finding in findings {
            let is_in = |own: &[Finding]| own.iter().any(|own| own.vulnerability == finding.vulnerability);
            if owners.iter().any(|(_, own, _)| is_in(own)) {
                continue;
            }
            for (owner, _, lookups) in &owners {
                if let Some((status, evidence)) = word(lookups, &finding.vulnerability, index)? {
                    finding.vex = Some(Box::new(decision(owner, status, &evidence)));
                    break;
                }
            }
        }
        Ok(assessed)
    }
}

fn is_of_system(component: &Component) -> bool {
    component.purl.as_ref().is_some_and(|purl| distribution::is_system_package(&purl.package_type))
}

/// What is said of one of these packages under an advisory, of a version that is not affected.
fn word<I: AdvisoryIndex>(
    lookups: &[Lookup],
    advisory: &str,
    index: &I,
) -> Result<Option<(VexStatus, Evidence)>, I::Error> {
    for lookup in lookups {
        let ecosystem = &lookup.package.ecosystem;
        let Ok(version) = ecosystem.scheme().parse(&lookup.version) else { continue };
        let assertions = index.assertions(&lookup.package)?;
        let said: Vec<&Assertion> = assertions.iter().filter(|assertion| assertion.advisory == advisory).collect();
        for assertion in authority::decisive(ecosystem.kind, said, |said| *said) {
            let judgement = judge(assertion, lookup, ecosystem.scheme(), &version);
            let status = match &judgement {
                Ok(Judgement::Outside) if assertion.ranges.iter().any(|range| range.fixed().is_some()) => {
                    VexStatus::Fixed
                }
                Ok(Judgement::Outside | Judgement::NotAffected) => VexStatus::NotAffected,
                Ok(Judgement::Inside(_) | Judgement::Listed | Judgement::Elsewhere) | Err(_) => continue,
            };
            return Ok(judgement.ok().map(|judgement| (status, group::describe(assertion, &judgement, lookup))));
        }
    }
    Ok(None)
}

fn decision(owner: &Component, status: VexStatus, evidence: &Evidence) -> VexDecision {
    let Evidence { source, record, reason } = evidence;
    let version = owner.version.as_deref().unwrap_or_default();
    let said = format!("owned by {} {version} of the distribution, of which {source} says: {reason}", owner.name);
    let digest = Digest::of(format!("{source} {record} {said}").as_bytes());
    let document = VexDocument {
        source: VexSource::Distribution,
        name: record.clone(),
        format: "advisory".to_owned(),
        id: Some(record.clone()),
        version: None,
        author: Some(source.as_str().to_owned()),
        timestamp: None,
        digest,
    };
    VexDecision {
        effect: VexEffect::Suppressed,
        status,
        justification: None,
        impact: Some(said),
        action: None,
        timestamp: None,
        target: owner.purl.as_ref().map_or_else(|| owner.name.clone(), ToString::to_string),
        // Elsewhere nobody has mended it.
        bound: true,
        place: owner.reference.clone(),
        document,
    }
}
