//! From a tree of criteria to statements about packages.
//!
//! The trees of vendors have one form: conditions (the release, the architecture, a module) and
//! under them alternatives, each of which compares one package. What is joined by AND limits all
//! that stands beside and below it. What refers to something that is not there, and what is negated, is counted.

use std::borrow::Cow;
use std::collections::BTreeSet;

use domain::source::SourceId;

use super::model::{Comment, Criteria, Definition, Operation, Oval, State, Word};
use crate::ingest::Ingested;

/// Under which conditions a package is compared.
#[derive(Clone, Default)]
pub(super) struct Context {
    /// The releases that are named by number; empty when none is.
    pub(super) releases: BTreeSet<String>,
    /// Those that are named in words.
    pub(super) platforms: BTreeSet<Word>,
    pub(super) arches: BTreeSet<String>,
    /// Of several one is enough, or the package is built for each.
    pub(super) modules: BTreeSet<Word>,
    /// Lower bounds that stand beside: package, bound, and whether the bound itself is inside.
    lower: Vec<(String, String, bool)>,
}

/// What is said of a package.
pub(super) enum Said<'o> {
    Compared(Compared<'o>),
    /// Of every version.
    Affected(&'o str),
    NotAffected(&'o str),
}

/// One comparison.
pub(super) struct Compared<'o> {
    pub(super) package: &'o str,
    pub(super) operation: Operation,
    pub(super) evr: &'o str,
    /// Architectures that the same state names.
    pub(super) arch: Option<&'o str>,
}

impl Compared<'_> {
    /// The architectures that it is about; none for all.
    pub(super) fn arches(&self, context: &Context) -> BTreeSet<String> {
        match self.arch {
            Some(pattern) => arches(pattern).collect(),
            None => context.arches.clone(),
        }
    }
}

impl Context {
    /// The lower bound for a package, and whether it is inside.
    pub(super) fn lower(&self, package: &str) -> Option<(&str, bool)> {
        let found = self.lower.iter().find(|(name, ..)| name == package);
        found.map(|(_, bound, inside)| (bound.as_str(), *inside))
    }
}

/// Hands over what a definition says of packages, and counts what of it cannot be used.
pub(super) fn statements<'o>(
    source: &SourceId,
    oval: &'o Oval,
    definition: &'o Definition,
    into: &mut Ingested,
    each: &mut dyn FnMut(&Context, Said<'o>),
) {
    let mut dangling = 0_u64;
    if let Some(criteria) = &definition.criteria {
        flatten(oval, criteria, &Context::default(), &mut |context, said| match said {
            Some(said) => each(context, said),
            None => dangling += 1,
        });
    }
    let mut note = |count: u64, reason: &str| {
        (0..count).for_each(|_| into.note(source, reason, || definition.id.clone()));
    };
    note(dangling, "criterion that refers to what is not there: ignored");
    note(definition.negated, "negated criterion: ignored");
}

/// Hands over each leaf; None for one that refers to what is not there.
pub(super) fn flatten<'o>(
    oval: &'o Oval,
    criteria: &Criteria,
    context: &Context,
    each: &mut dyn FnMut(&Context, Option<Said<'o>>),
) {
    match criteria {
        Criteria::All(parts) => {
            let mut inner = context.clone();
            parts.iter().for_each(|part| inner.limit(oval, part));
            parts.iter().for_each(|part| flatten(oval, part, &inner, each));
        }
        Criteria::Any(parts) => parts.iter().for_each(|part| flatten(oval, part, context, each)),
        Criteria::Module(_) => {}
        Criteria::Test(id, comment) => leaf(oval, *id, *comment, context, each),
    }
}

fn leaf<'o>(
    oval: &'o Oval,
    id: Word,
    comment: Comment,
    context: &Context,
    each: &mut dyn FnMut(&Context, Option<Said<'o>>),
) {
    let Some(test) = oval.test(id) else { return each(context, None) };
    if test.dangling {
        each(context, None);
    }
    let Some(package) = test.package else { return };
    match comment {
        Comment::Platform(_) => {}
        Comment::Affected => each(context, Some(Said::Affected(package))),
        Comment::NotAffected => each(context, Some(Said::NotAffected(package))),
        Comment::Nothing => {
            let mut inner = Cow::Borrowed(context);
            // Several states of one test limit each other as several tests would.
            if test.states.len() > 1 && !test.any {
                test.states.iter().for_each(|state| inner.to_mut().take_lower(oval, package, *state));
            }
            for State { evr, arch, .. } in test.states {
                let Some((operation, evr)) = evr else { continue };
                let (evr, arch) = (oval.words.text(evr), arch.map(|arch| oval.words.text(arch)));
                each(&inner, Some(Said::Compared(Compared { package, operation, evr, arch })));
            }
        }
    }
}

impl Context {
    /// Takes a part of an AND for a limit of the others, if it is one.
    fn limit(&mut self, oval: &Oval, part: &Criteria) {
        match part {
            Criteria::Module(module) => drop(self.modules.insert(*module)),
            Criteria::Test(id, comment) => {
                if let Comment::Platform(platform) = comment {
                    self.platforms.insert(*platform);
                }
                let Some(test) = oval.test(*id) else { return };
                let Some(package) = test.package else { return };
                test.states.iter().for_each(|state| self.take(oval, package, *state));
            }
            // Alternatives that compare nothing: `x86_64` or `aarch64`.
            Criteria::Any(parts) if parts.iter().all(|part| is_condition(oval, part)) => {
                parts.iter().for_each(|part| self.limit(oval, part));
            }
            Criteria::Any(_) | Criteria::All(_) => {}
        }
    }

    fn take(&mut self, oval: &Oval, package: &str, state: State) {
        self.take_lower(oval, package, state);
        // Beside a version, the architecture is that of the package.
        let arch = state.arch.filter(|_| state.evr.is_none()).map(|arch| oval.words.text(arch));
        self.arches.extend(arch.into_iter().flat_map(arches));
        let version = state.version.filter(|_| package.contains("release")).map(|version| oval.words.text(version));
        self.releases.extend(version.and_then(release));
    }

    fn take_lower(&mut self, oval: &Oval, package: &str, state: State) {
        if let Some((operation, evr)) = state.evr.filter(|(operation, _)| operation.is_lower_bound()) {
            let inside = operation == Operation::GreaterOrEqual;
            self.lower.push((package.to_owned(), oval.words.text(evr).to_owned(), inside));
        }
    }
}

fn is_condition(oval: &Oval, part: &Criteria) -> bool {
    match part {
        Criteria::Module(_) | Criteria::Test(_, Comment::Platform(_)) => true,
        Criteria::Test(_, Comment::Affected | Comment::NotAffected) => false,
        Criteria::Test(id, Comment::Nothing) => {
            oval.test(*id).is_none_or(|test| test.states.iter().all(|state| state.evr.is_none()))
        }
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
