//! Which of several statements decides.
//!
//! The later statement of the same author about the same product replaces the earlier; of what is left the most
//! specific counts. When those disagree whether the vulnerability does harm, when the same author has since said of
//! more than this product that it does, or when only the SBOM clears itself of what somebody else says, nothing is
//! suppressed.

use std::collections::HashMap;

use domain::time::Timestamp;
use domain::vex::{Target, VexDecision, VexEffect, VexSource};

use super::fit::{Miss, Specificity, fits};
use super::index::{Claim, Claims, Subject};

/// Near misses that are told.
const NEAR_MAX: usize = 20;

/// Everything that is said of a finding, and what comes of it.
#[derive(Debug)]
pub struct Weighing<'d> {
    pub weighed: Vec<Weighed<'d>>,
    pub decision: Option<VexDecision>,
    /// Statements about the vulnerability that are nearly about this component, and what is missing.
    pub near: Vec<(Claim<'d>, String)>,
}

/// A statement about a finding.
#[derive(Clone, Debug)]
pub struct Weighed<'d> {
    pub claim: Claim<'d>,
    /// What the statement names and the finding is of.
    pub target: &'d Target,
    pub standing: Standing,
    specificity: Specificity,
}

/// What became of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It decides, or says the same as what decides.
    Counts,
    /// The same author has said something else of the same product since.
    Replaced,
    /// Another statement is more specific.
    LessSpecific,
    /// It says the opposite of what would decide.
    Contradicts,
}

impl Standing {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counts => "counts",
            Self::Replaced => "replaced by a later statement",
            Self::LessSpecific => "less specific than another",
            Self::Contradicts => "contradicts another",
        }
    }
}

impl<'d> Claims<'d> {
    /// Weighs what is said of a subject.
    pub fn weigh(&self, subject: &Subject<'_>) -> Weighing<'d> {
        let (mut weighed, mut near) = (Vec::new(), Vec::new());
        for claim in self.about(subject) {
            self.count_comparisons(claim.statement.targets.len());
            match best(claim, subject) {
                Ok((specificity, target)) => {
                    weighed.push(Weighed { claim, target, standing: Standing::Counts, specificity });
                }
                Err(Some((target, miss))) if near.len() < NEAR_MAX => near.push((claim, format!("{target}: {miss}"))),
                Err(_) => {}
            }
        }
        replace(&mut weighed);
        let decision = decide(&mut weighed);
        Weighing { weighed, decision, near }
    }
}

/// The most specific of a statement's products that is the subject; else why none is.
fn best<'a, 'd: 'a>(
    claim: Claim<'d>,
    subject: &Subject<'a>,
) -> Result<(Specificity, &'d Target), Option<(&'d Target, Miss<'a>)>> {
    let mut near = None;
    let mut found: Option<(Specificity, &'d Target)> = None;
    for target in &claim.statement.targets {
        match fits(target, subject) {
            Ok(specificity) if found.is_none_or(|(known, _)| specificity > known) => {
                found = Some((specificity, target));
            }
            Ok(_) | Err(Miss::Unrelated) => {}
            Err(miss) => {
                near.get_or_insert((target, miss));
            }
        }
    }
    found.ok_or(near)
}

/// Without a name the author is whoever wrote this document.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Author<'d> {
    Named(&'d str),
    Of(usize),
}

/// Who replaces what has been said. Nobody vouches for the name in an SBOM: it must not speak for the author of a file.
type Voice<'d> = (VexSource, Author<'d>);

fn voice<'d>(claim: &Claim<'d>) -> Voice<'d> {
    (claim.document.about.source, author(claim))
}

fn of_sbom(one: &Weighed<'_>) -> bool {
    one.claim.document.about.source == VexSource::Sbom
}

fn author<'d>(claim: &Claim<'d>) -> Author<'d> {
    claim.document.about.author.as_deref().map_or(Author::Of(claim.position.0), Author::Named)
}

/// Of several statements only their times are compared, not each with each: there may be very many.
fn replace(weighed: &mut [Weighed<'_>]) {
    let mut latest: HashMap<(Voice<'_>, &Target), Timestamp> = HashMap::new();
    for one in weighed.iter() {
        let Some(at) = one.claim.statement.timestamp else { continue };
        let known = latest.entry((voice(&one.claim), one.target)).or_insert(at);
        *known = at.max(*known);
    }
    for one in weighed {
        // Which of two came first cannot be told without a time.
        let later = latest.get(&(voice(&one.claim), one.target));
        if one.claim.statement.timestamp.zip(later.copied()).is_some_and(|(own, later)| later > own) {
            one.standing = Standing::Replaced;
        }
    }
}

fn decide(weighed: &mut [Weighed<'_>]) -> Option<VexDecision> {
    let standing = |one: &&mut Weighed<'_>| one.standing == Standing::Counts;
    let top = weighed.iter_mut().filter(standing).map(|one| one.specificity).max()?;
    for one in weighed.iter_mut().filter(standing).filter(|one| one.specificity < top) {
        one.standing = Standing::LessSpecific;
    }
    let clears = |one: &Weighed<'_>| one.claim.statement.status.clears();
    let any_clears = weighed.iter().filter(|one| one.standing == Standing::Counts).any(clears);
    let mut contradicted = false;
    if any_clears {
        // The earliest time of each author; no time is the earliest, because it could be any.
        let mut cleared: HashMap<Author<'_>, Option<Timestamp>> = HashMap::new();
        for one in weighed.iter().filter(|one| one.standing == Standing::Counts && clears(one)) {
            let at = one.claim.statement.timestamp;
            let known = cleared.entry(author(&one.claim)).or_insert(at);
            *known = at.min(*known);
        }
        let mut clearing = weighed.iter().filter(|one| one.standing == Standing::Counts && clears(one));
        let only_sbom = clearing.all(of_sbom);
        for one in weighed.iter_mut().filter(|one| !one.claim.statement.status.clears()) {
            let against = match one.standing {
                Standing::Counts => true,
                // An SBOM names its own elements more closely than anybody else can: that is no reason to be believed.
                Standing::LessSpecific if only_sbom && !of_sbom(one) => true,
                // A later word of the same author about more than this must not be lost.
                Standing::LessSpecific => cleared.get(&author(&one.claim)).is_some_and(|cleared| {
                    cleared.zip(one.claim.statement.timestamp).is_none_or(|(cleared, said)| said >= cleared)
                }),
                Standing::Replaced | Standing::Contradicts => false,
            };
            if against {
                one.standing = Standing::Contradicts;
                contradicted = true;
            }
        }
    }
    let counting = weighed.iter().filter(|one| one.standing == Standing::Counts);
    // The latest is told; of several the first.
    let first = std::cmp::Reverse;
    let decides = counting.max_by_key(|one| (one.claim.statement.timestamp, first(one.claim.position)))?;
    let effect = match (any_clears, contradicted) {
        (true, false) => VexEffect::Suppressed,
        (true, true) => VexEffect::Contradicted,
        (false, _) => VexEffect::Annotated,
    };
    Some(decision(decides, effect))
}

fn decision(decides: &Weighed<'_>, effect: VexEffect) -> VexDecision {
    let statement = decides.claim.statement;
    VexDecision {
        effect,
        status: statement.status,
        justification: statement.justification,
        impact: statement.impact.clone(),
        action: statement.action.clone(),
        timestamp: statement.timestamp,
        target: decides.target.to_string(),
        bound: decides.specificity.is_bound(),
        place: statement.place.clone(),
        document: decides.claim.document.about.clone(),
    }
}
