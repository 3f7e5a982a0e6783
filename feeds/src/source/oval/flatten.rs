//! From a tree of criteria to statements about packages.
//!
//! The trees of vendors have one form: conditions (the release, the architecture, a module) and
//! under them alternatives, each of which compares one package. What is joined by AND limits all
//! that stands beside and below it.

use std::collections::BTreeSet;

use super::model::{Criteria, Operation, Oval, Word};

/// Under which conditions a package is compared.
#[derive(Clone, Default)]
pub(super) struct Context {
    /// The releases that are named; empty when none is.
    pub(super) releases: BTreeSet<String>,
    pub(super) arches: BTreeSet<String>,
    pub(super) module: Option<String>,
    /// Lower bounds that stand beside: package, bound, and whether the bound itself is inside.
    lower: Vec<(String, String, bool)>,
}

/// One comparison.
pub(super) struct Compared<'o> {
    pub(super) package: &'o str,
    pub(super) operation: Operation,
    pub(super) evr: &'o str,
}

impl Context {
    /// The lower bound for a package, and whether it is inside.
    pub(super) fn lower(&self, package: &str) -> Option<(&str, bool)> {
        let found = self.lower.iter().find(|(name, ..)| name == package);
        found.map(|(_, bound, inside)| (bound.as_str(), *inside))
    }
}

pub(super) fn flatten<'o>(
    oval: &'o Oval,
    criteria: &Criteria,
    context: &Context,
    each: &mut dyn FnMut(&Context, Compared<'o>),
) {
    match criteria {
        Criteria::All(parts) => {
            let mut inner = context.clone();
            parts.iter().for_each(|part| inner.limit(oval, part));
            parts.iter().for_each(|part| flatten(oval, part, &inner, each));
        }
        Criteria::Any(parts) => parts.iter().for_each(|part| flatten(oval, part, context, each)),
        Criteria::Module(_) => {}
        Criteria::Test(id) => {
            if let Some(compared) = compared(oval, *id) {
                each(context, compared);
            }
        }
    }
}

fn compared(oval: &Oval, id: Word) -> Option<Compared<'_>> {
    let (package, state) = oval.test(id)?;
    let (operation, evr) = state.evr?;
    Some(Compared { package, operation, evr: oval.words.text(evr) })
}

impl Context {
    /// Takes a part of an AND for a limit of the others, if it is one.
    fn limit(&mut self, oval: &Oval, part: &Criteria) {
        match part {
            Criteria::Module(module) => self.module = Some(module.clone()),
            Criteria::Test(id) => {
                if let Some((package, state)) = oval.test(*id) {
                    let text = |word: Word| oval.words.text(word);
                    if let Some((operation, evr)) = state.evr
                        && matches!(operation, Operation::Greater | Operation::GreaterOrEqual)
                    {
                        let inside = operation == Operation::GreaterOrEqual;
                        self.lower.push((package.to_owned(), text(evr).to_owned(), inside));
                    }
                    self.arches.extend(state.arch.map(text).into_iter().flat_map(arches));
                    let version = state.version.filter(|_| package.contains("release")).map(text);
                    self.releases.extend(version.and_then(release));
                }
            }
            // Alternatives that compare nothing: `x86_64` or `aarch64`.
            Criteria::Any(parts) if parts.iter().all(|part| is_condition(oval, part)) => {
                parts.iter().for_each(|part| self.limit(oval, part));
            }
            Criteria::Any(_) | Criteria::All(_) => {}
        }
    }
}

fn is_condition(oval: &Oval, part: &Criteria) -> bool {
    match part {
        Criteria::Module(_) => true,
        Criteria::Test(id) => compared(oval, *id).is_none(),
        Criteria::All(parts) | Criteria::Any(parts) => parts.iter().all(|part| is_condition(oval, part)),
    }
}

/// `x86_64`, or the pattern `aarch64|x86_64`.
fn arches(pattern: &str) -> impl Iterator<Item = String> {
    let names = pattern.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    names.filter(|name| !name.is_empty()).map(str::to_owned)
}

/// `^9` or `^8\D`.
fn release(pattern: &str) -> Option<String> {
    let digits: String = pattern.trim_start_matches('^').chars().take_while(char::is_ascii_digit).collect();
    (!digits.is_empty()).then_some(digits)
}
