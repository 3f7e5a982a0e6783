//! Whether what a statement names is a component of an SBOM, and how closely it names it.
//!
//! Asked millions of times: why something does not fit is kept as references, and becomes text only when it is told.

use std::fmt;

use domain::component::Identity;
use domain::purl::{Purl, percent_decoded};
use domain::vex::{BomElement, BomId, Product, Target};

use super::index::Subject;
use super::pattern::{Mismatch, covers};

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

impl Specificity {
    /// Is more named than the component, wherever it is?
    pub(super) const fn is_bound(self) -> bool {
        !matches!(self.kind, Kind::Component) || self.component.qualifiers == ELEMENT.qualifiers
    }
}

/// What a link to one element leaves open.
const ELEMENT: Detail = Detail { has_version: true, qualifiers: usize::MAX };

/// Why a target is not the subject.
#[derive(Clone, Copy, Debug)]
pub(super) enum Miss<'a> {
    /// It is about something else altogether.
    Unrelated,
    Near(Near<'a>),
    /// The component is right, and holds inside of another product.
    Outside {
        product: &'a Product,
        identity: &'a Identity,
        why: Option<Near<'a>>,
    },
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Near<'a> {
    Differs(Mismatch<'a>),
    Linked { to: &'a BomId, identity: &'a Identity },
}

impl<'a> Miss<'a> {
    const fn near(self) -> Option<Near<'a>> {
        match self {
            Self::Near(near) => Some(near),
            Self::Unrelated | Self::Outside { .. } => None,
        }
    }
}

impl fmt::Display for Miss<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unrelated => f.write_str("it is about something else"),
            Self::Near(near) => near.fmt(f),
            Self::Outside { product, identity, why } => {
                write!(f, "it holds inside of {product}, and the SBOM describes ")?;
                match &identity.root {
                    Some(root) => root.fmt(f)?,
                    None => f.write_str("no package URL")?,
                }
                why.iter().try_for_each(|why| write!(f, " ({why})"))
            }
        }
    }
}

impl fmt::Display for Near<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Differs(mismatch) => mismatch.fmt(f),
            Self::Linked { to, identity } => {
                let here = (serial(identity), version(identity));
                write!(f, "it links to the SBOM {}/{}, this is {}/{}", to.serial, to.version, here.0, here.1)
            }
        }
    }
}

/// Is the subject what the target names?
pub(super) fn fits<'a>(target: &'a Target, subject: &Subject<'a>) -> Result<Specificity, Miss<'a>> {
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
                Err(other) => Err(if miss.near().is_some() { miss } else { other }),
            },
        };
    };
    let part = named(part, &component, identity)?;
    match named(&target.product, &root, identity) {
        Ok(product) => Ok(Specificity { kind: Kind::ComponentInProduct, component: part, product }),
        Err(miss) => Err(Miss::Outside { product: &target.product, identity, why: miss.near() }),
    }
}

/// A component, or the root of the SBOM.
struct Thing<'a> {
    purl: Option<&'a Purl>,
    reference: Option<&'a String>,
}

fn named<'a>(product: &'a Product, thing: &Thing<'a>, identity: &'a Identity) -> Result<Detail, Miss<'a>> {
    match product {
        Product::Purl(pattern) => purl(pattern, thing),
        Product::Element(element) => linked(element, thing, identity),
    }
}

fn purl<'a>(pattern: &'a Purl, thing: &Thing<'a>) -> Result<Detail, Miss<'a>> {
    match covers(pattern, thing.purl.ok_or(Miss::Unrelated)?) {
        Ok(()) => Ok(Detail { has_version: pattern.version.is_some(), qualifiers: pattern.qualifiers.len() }),
        Err(Mismatch::Package) => Err(Miss::Unrelated),
        Err(other) => Err(Miss::Near(Near::Differs(other))),
    }
}

fn linked<'a>(element: &'a BomElement, thing: &Thing<'a>, identity: &'a Identity) -> Result<Detail, Miss<'a>> {
    let reference = thing.reference.filter(|reference| !reference.is_empty()).ok_or(Miss::Unrelated)?;
    let same = element.reference == *reference;
    let Some(bom) = &element.bom else {
        return if same { Ok(ELEMENT) } else { Err(Miss::Unrelated) };
    };
    // Most links are to other SBOMs, which is quickly seen.
    let here = bom.serial.eq_ignore_ascii_case(serial(identity));
    let named = same || here && is_escaped(element, reference, thing.purl);
    if !named {
        Err(Miss::Unrelated)
    } else if here && bom.version == version(identity) {
        Ok(ELEMENT)
    } else {
        Err(Miss::Near(Near::Linked { to: bom, identity }))
    }
}

/// A link is a URI, in which a purl's own escapes may be escaped once more, or not.
fn is_escaped(element: &BomElement, reference: &str, purl: Option<&Purl>) -> bool {
    let decoded = percent_decoded(&element.reference);
    if decoded.as_deref() == Some(reference) {
        return true;
    }
    let mut texts = std::iter::once(element.reference.as_str()).chain(decoded.as_deref());
    purl.is_some_and(|purl| {
        texts.any(|text| {
            Purl::empty_part(text).is_none() && Purl::parse(text).is_ok_and(|pattern| covers(&pattern, purl).is_ok())
        })
    })
}

fn serial(identity: &Identity) -> &str {
    identity.serial_number.as_deref().map_or("", |serial| serial.trim_start_matches("urn:uuid:"))
}

fn version(identity: &Identity) -> u64 {
    identity.version.unwrap_or(1)
}
