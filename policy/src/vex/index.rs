//! All statements of some documents, by the vulnerability that they are about, and whether one is about a component.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};

use domain::component::{Component, Identity};
use domain::finding::Finding;
use domain::purl::Purl;
use domain::vex::{BomElement, Product, Statement, Target};

use super::pattern::{Mismatch, covers};
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

/// How closely a statement names what it is about; the greater, the more specific.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Specificity {
    kind: Kind,
    component: Detail,
    product: Detail,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// Everything in a product.
    Product,
    Component,
    ComponentInProduct,
}

/// What a name leaves open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Detail {
    has_version: bool,
    qualifiers: usize,
}

/// Why a target is not the subject. None: it is about another package altogether.
pub(super) type Miss = Option<String>;

/// Is the subject what the target names?
pub(super) fn fits(target: &Target, subject: &Subject<'_>) -> Result<Specificity, Miss> {
    let identity = subject.identity;
    let component = Thing { purl: subject.component.purl.as_ref(), reference: Some(&subject.component.reference) };
    let root = Thing { purl: identity.root.as_ref(), reference: identity.root_reference.as_ref() };
    let none = Detail::default();
    let Some(part) = &target.subcomponent else {
        let about_component = named(&target.product, &component, identity);
        return match about_component {
            Ok(detail) => Ok(Specificity { kind: Kind::Component, component: detail, product: none }),
            Err(miss) => match named(&target.product, &root, identity) {
                Ok(detail) => Ok(Specificity { kind: Kind::Product, component: none, product: detail }),
                Err(other) => Err(miss.or(other)),
            },
        };
    };
    let part = named(part, &component, identity)?;
    match named(&target.product, &root, identity) {
        Ok(product) => Ok(Specificity { kind: Kind::ComponentInProduct, component: part, product }),
        Err(miss) => {
            let described = identity.root.as_ref().map_or_else(|| "no package URL".to_owned(), ToString::to_string);
            let why = miss.map(|miss| format!(" ({miss})")).unwrap_or_default();
            let product = &target.product;
            Err(Some(format!("it holds inside of {product}, and the SBOM describes {described}{why}")))
        }
    }
}

/// A component, or the root of the SBOM.
struct Thing<'a> {
    purl: Option<&'a Purl>,
    reference: Option<&'a String>,
}

fn named(product: &Product, thing: &Thing<'_>, identity: &Identity) -> Result<Detail, Miss> {
    match product {
        Product::Purl(pattern) => purl(pattern, thing),
        Product::Element(element) => linked(element, thing, identity),
    }
}

fn purl(pattern: &Purl, thing: &Thing<'_>) -> Result<Detail, Miss> {
    match covers(pattern, thing.purl.ok_or(None)?) {
        Ok(()) => Ok(Detail { has_version: pattern.version.is_some(), qualifiers: pattern.qualifiers.len() }),
        Err(Mismatch::Package) => Err(None),
        Err(other) => Err(Some(other.to_string())),
    }
}

fn linked(element: &BomElement, thing: &Thing<'_>, identity: &Identity) -> Result<Detail, Miss> {
    const WHOLE: Detail = Detail { has_version: true, qualifiers: usize::MAX };
    let reference = thing.reference.filter(|reference| !reference.is_empty()).ok_or(None)?;
    let Some(bom) = &element.bom else {
        return if element.reference == *reference { Ok(WHOLE) } else { Err(None) };
    };
    // A link is a URI, in which a purl's own escapes may be escaped once more, or not.
    let decoded = percent_decoded(&element.reference);
    let texts = [element.reference.as_str(), decoded.as_str()];
    let patterns =
        texts.iter().filter(|text| Purl::empty_part(text).is_none()).filter_map(|text| Purl::parse(text).ok());
    let covered = |pattern: Purl| thing.purl.is_some_and(|purl| covers(&pattern, purl).is_ok());
    if !texts.contains(&reference.as_str()) && !patterns.into_iter().any(covered) {
        return Err(None);
    }
    let serial = identity.serial_number.as_deref().map(|serial| serial.trim_start_matches("urn:uuid:"));
    let here = (serial.unwrap_or_default().to_ascii_lowercase(), identity.version.unwrap_or(1));
    if here == (bom.serial.clone(), bom.version) {
        Ok(WHOLE)
    } else {
        Err(Some(format!("it links to the SBOM {}/{}, this is {}/{}", bom.serial, bom.version, here.0, here.1)))
    }
}

/// What cannot be decoded stays as it is.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(|_| byte == b'%') {
            Some(decoded) => {
                bytes.push(decoded);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}
