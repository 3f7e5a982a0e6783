//! All statements of some documents, by the vulnerability that they are about, and whether one is about a component.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};

use domain::component::{Component, Identity};
use domain::finding::Finding;
use domain::vex::Statement;

use super::read::Document;

/// A statement and the document that it stands in.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'d> {
    pub document: &'d Document,
    pub statement: &'d Statement,
    /// The place of the document among the others, and that of the statement in it.
    pub position: (usize, usize),
}

/// Statements, ready to be asked.
pub struct Claims<'d> {
    by_name: HashMap<String, Vec<Claim<'d>>>,
    /// Documents of which there is a newer version, and that version.
    superseded: Vec<(&'d Document, &'d Document)>,
    /// Products that were held against findings so far.
    compared: Cell<u64>,
}

/// A component with a vulnerability, in its SBOM.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    pub vulnerability: &'a str,
    pub aliases: &'a [String],
    pub component: &'a Component,
    pub identity: &'a Identity,
}

impl<'a> Subject<'a> {
    pub fn of(finding: &'a Finding, component: &'a Component, identity: &'a Identity) -> Self {
        Self { vulnerability: &finding.vulnerability, aliases: &finding.aliases, component, identity }
    }
}

impl<'d> Claims<'d> {
    pub fn of(documents: &[&'d Document]) -> Self {
        let superseded = superseded(documents);
        let mut by_name: HashMap<String, Vec<Claim<'d>>> = HashMap::new();
        for (at, document) in documents.iter().copied().enumerate() {
            if superseded.contains_key(&at) {
                continue;
            }
            for (number, statement) in document.statements.iter().enumerate() {
                let claim = Claim { document, statement, position: (at, number) };
                for name in std::iter::once(&statement.vulnerability).chain(&statement.aliases) {
                    by_name.entry(name.to_ascii_uppercase()).or_default().push(claim);
                }
            }
        }
        let superseded = superseded.into_iter().filter_map(|(old, new)| Some((*documents.get(old)?, new))).collect();
        Self { by_name, superseded, compared: Cell::new(0) }
    }

    pub(super) fn count_comparisons(&self, more: usize) {
        self.compared.set(self.compared.get().saturating_add(more as u64));
    }

    /// How much work all questions so far were.
    pub(super) fn compared(&self) -> u64 {
        self.compared.get()
    }

    pub(super) fn superseded(&self) -> &[(&'d Document, &'d Document)] {
        &self.superseded
    }

    /// The statements about a vulnerability, each once, in the order of the documents.
    pub(super) fn about(&self, subject: &Subject<'_>) -> Vec<Claim<'d>> {
        let names = std::iter::once(subject.vulnerability).chain(subject.aliases.iter().map(String::as_str));
        let found = names.filter_map(|name| self.by_name.get(&name.to_ascii_uppercase()));
        let mut claims: Vec<Claim<'d>> = found.flatten().copied().collect();
        claims.sort_by_key(|claim| claim.position);
        claims.dedup_by_key(|claim| claim.position);
        claims
    }
}

/// Documents of which there is a later version, by their place, and that version: all that the older one says is withdrawn.
fn superseded<'d>(documents: &[&'d Document]) -> BTreeMap<usize, &'d Document> {
    let key = |document: &'d Document| {
        let about = &document.about;
        let version = numbers(about.version.as_deref())?;
        // An SBOM must not withdraw a file by calling itself a later version of it.
        Some(((about.source, about.id.as_deref()?, about.author.as_deref(), about.format.as_str()), version))
    };
    let mut newest: HashMap<_, (Vec<u64>, &'d Document)> = HashMap::new();
    for document in documents.iter().copied() {
        let Some((name, version)) = key(document) else { continue };
        let known = newest.entry(name).or_insert_with(|| (version.clone(), document));
        if version > known.0 {
            *known = (version, document);
        }
    }
    let older = documents.iter().copied().enumerate().filter_map(|(at, document)| {
        let (name, version) = key(document)?;
        let (latest, newer) = newest.get(&name)?;
        (version < *latest).then_some((at, *newer))
    });
    older.collect()
}

/// `3`, or `1.2.0`. What is no such version is not comparable.
fn numbers(version: Option<&str>) -> Option<Vec<u64>> {
    version?.split('.').map(|part| part.parse().ok()).collect()
}
