//! Documents and an index of their statements, by the vulnerability that they are about.
//!
//! A [`Library`] is made once and serves many scans: a site may have hundreds of thousands of statements, and a scan
//! asks for a few.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};

use domain::component::{Component, Identity};
use domain::finding::Finding;
use domain::vex::Statement;

use super::read::Document;

/// A document's place among others, and a statement's place in it.
type Position = (usize, usize);

/// Documents with their index.
#[derive(Debug, Default)]
pub struct Library {
    documents: Vec<Document>,
    /// Names are in upper case.
    by_name: HashMap<String, Vec<Position>>,
    /// Documents of which there is a newer version, and that version.
    superseded: BTreeMap<usize, usize>,
}

impl Library {
    pub fn of(documents: Vec<Document>) -> Self {
        let superseded = superseded(&documents);
        let mut by_name: HashMap<String, Vec<Position>> = HashMap::new();
        for (at, document) in documents.iter().enumerate().filter(|(at, _)| !superseded.contains_key(at)) {
            for (number, statement) in document.statements.iter().enumerate() {
                for name in std::iter::once(&statement.vulnerability).chain(&statement.aliases) {
                    by_name.entry(name.to_ascii_uppercase()).or_default().push((at, number));
                }
            }
        }
        Self { documents, by_name, superseded }
    }

    pub fn documents(&self) -> &[Document] {
        &self.documents
    }

    /// Older documents, each with the one that has taken its place.
    fn superseded(&self) -> impl Iterator<Item = (&Document, &Document)> {
        let pair = |(old, new): (&usize, &usize)| self.documents.get(*old).zip(self.documents.get(*new));
        self.superseded.iter().filter_map(pair)
    }
}

/// A statement and the document that it stands in.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'d> {
    pub document: &'d Document,
    pub statement: &'d Statement,
    /// The place of the document among all, and that of the statement in it.
    pub position: Position,
}

/// Libraries, ready to be asked for one scan.
pub struct Claims<'d> {
    libraries: Vec<&'d Library>,
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
    pub fn of(libraries: &[&'d Library]) -> Self {
        Self { libraries: libraries.to_vec(), compared: Cell::new(0) }
    }

    /// All documents, in the order of their positions.
    pub fn documents(&self) -> impl Iterator<Item = &'d Document> {
        self.libraries.iter().flat_map(|library| &library.documents)
    }

    pub(super) fn count_comparisons(&self, more: usize) {
        self.compared.set(self.compared.get().saturating_add(more as u64));
    }

    /// How much work all questions so far were.
    pub(super) fn compared(&self) -> u64 {
        self.compared.get()
    }

    pub(super) fn superseded(&self) -> impl Iterator<Item = (&'d Document, &'d Document)> {
        self.libraries.iter().flat_map(|library| library.superseded())
    }

    /// The statements about a vulnerability, each once, in the order of the documents.
    pub(super) fn about(&self, subject: &Subject<'_>) -> Vec<Claim<'d>> {
        let names = std::iter::once(subject.vulnerability).chain(subject.aliases.iter().map(String::as_str));
        let names: Vec<String> = names.map(str::to_ascii_uppercase).collect();
        let mut claims = Vec::new();
        let mut first = 0;
        for library in &self.libraries {
            let mut found: Vec<Position> =
                names.iter().filter_map(|name| library.by_name.get(name)).flatten().copied().collect();
            found.sort_unstable();
            found.dedup();
            claims.extend(found.into_iter().filter_map(|(at, number)| {
                let document = library.documents.get(at)?;
                Some(Claim { document, statement: document.statements.get(number)?, position: (first + at, number) })
            }));
            first += library.documents.len();
        }
        claims
    }
}

/// Documents of which there is a later version, and that version, by their places: all that the older one says is withdrawn.
fn superseded<'d>(documents: &'d [Document]) -> BTreeMap<usize, usize> {
    let key = |document: &'d Document| {
        let about = &document.about;
        let version = numbers(about.version.as_deref())?;
        // An SBOM must not withdraw a file by calling itself a later version of it.
        Some(((about.source, about.id.as_deref()?, about.author.as_deref(), about.format.as_str()), version))
    };
    let mut newest: HashMap<_, (Vec<u64>, usize)> = HashMap::new();
    for (at, document) in documents.iter().enumerate() {
        let Some((name, version)) = key(document) else { continue };
        let known = newest.entry(name).or_insert_with(|| (version.clone(), at));
        if version > known.0 {
            *known = (version, at);
        }
    }
    let older = documents.iter().enumerate().filter_map(|(at, document)| {
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
