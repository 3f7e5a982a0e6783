//! SPDX 3 in JSON-LD: one `@graph` of elements that refer to each other by identifier.
//!
//! It is read as the serialisation that the specification prescribes, with the names of its context, not
//! as any RDF that JSON-LD could hold; a general processor would have to load contexts from the network.
//! What is inside of another element instead of beside it is read too.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use domain::component::Inventory;
use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, SeqAccess};

use crate::SbomError;
use crate::draft::{Draft, Place};
use crate::spdx::{Package, Roots};
use crate::text::{Text, meaningful};
use crate::version::SPDX3;

use super::cyclonedx::{stop, warn_shape};
use super::lenient::{As, EachFields, EachText, Found, Lenient, TextSeed, each_fields};

/// What the elements beside the packages say.
#[derive(Default)]
pub(super) struct Spdx3 {
    version: Option<String>,
    name: Option<String>,
    pub(super) roots: Roots,
    tools: BTreeMap<String, String>,
    used: BTreeSet<String>,
    untyped: usize,
    imports: usize,
    /// Whether there is a `@graph`, and what it is instead of a list.
    pub(super) graph: Option<Result<(), &'static str>>,
    /// The element that every document has.
    pub(super) document: bool,
}

impl Spdx3 {
    pub(super) fn finish(self, context: &str, mut draft: Draft<'_>) -> Result<Inventory, SbomError> {
        let misshapen = |found| SbomError::Structure { place: "@graph".to_owned(), found, expected: "a list" };
        self.graph.unwrap_or(Err("missing")).map_err(misshapen)?;
        let version = self.version.as_deref().or_else(|| version_of(context));
        draft.specify(&SPDX3, &version.map_or(Text::Missing, Text::from))?;
        for id in &self.used {
            draft.tool(self.tools.get(id).map(String::as_str), None)?;
        }
        let (untyped, imports) = (self.untyped, self.imports);
        if untyped > 0 {
            draft.warn(|| format!("{untyped} elements of @graph have no type and were left out"));
        }
        if imports > 0 {
            draft.warn(|| format!("the document imports {imports} elements of other documents: they are not read"));
        }
        self.roots.settle(self.name, &mut draft);
        Ok(draft.finish())
    }

    fn note(&mut self, mut element: Element<'_>, place: &Place<'_>, draft: &mut Draft<'_>) -> Result<(), SbomError> {
        match Class::of(&element.class) {
            class @ (Class::Package | Class::Data) => {
                if matches!(class, Class::Data) {
                    element.package.purpose = "DATA".into();
                }
                let slot = draft.reserve()?;
                let component = element.package.settle(place, draft)?;
                draft.fill(slot, component);
            }
            Class::File => self.roots.files += 1,
            Class::Document => {
                self.document = true;
                self.imports += element.imports;
                element.roots.iter().for_each(|id| self.roots.describe(id));
                self.name = draft.keep(place, "name", &element.package.name)?.or(self.name.take());
            }
            Class::Collection => element.roots.iter().for_each(|id| self.roots.describe(id)),
            Class::Creation => {
                self.version = self.version.take().or(draft.keep(place, "specVersion", &element.version)?);
                self.used.extend(element.tools);
            }
            Class::Tool => {
                let name = draft.keep(place, "name", &element.package.name)?;
                let id = element.package.id.as_str().unwrap_or_default().to_owned();
                self.tools.extend(name.map(|name| (id, name)));
            }
            Class::Relationship => {
                if element.relation.as_str() == Some("describes") {
                    element.to.iter().for_each(|id| self.roots.describe(id));
                }
            }
            Class::Untyped => self.untyped += 1,
            Class::Other => {}
        }
        Ok(())
    }
}

/// `https://spdx.org/rdf/3.0.1/spdx-context.jsonld` names the version too.
fn version_of(context: &str) -> Option<&str> {
    context.split_once("/rdf/")?.1.split('/').next().filter(|version| version.starts_with(|c: char| c.is_ascii_digit()))
}

/// What an element is for this reader.
enum Class {
    Package,
    /// A model or a data set, which has no advisories unless a purl says so.
    Data,
    File,
    Document,
    Collection,
    Creation,
    Tool,
    Relationship,
    Untyped,
    Other,
}

impl Class {
    /// By the name without what stands before it: `software_Package`, or a whole IRI that ends in `/Package`.
    fn of(class: &str) -> Self {
        match class.rsplit(['/', '_']).next().unwrap_or(class) {
            "Package" => Self::Package,
            "AIPackage" | "DatasetPackage" => Self::Data,
            "File" => Self::File,
            "SpdxDocument" => Self::Document,
            "Sbom" | "Bom" | "Bundle" => Self::Collection,
            "CreationInfo" => Self::Creation,
            "Tool" => Self::Tool,
            "Relationship" | "LifecycleScopedRelationship" => Self::Relationship,
            "" => Self::Untyped,
            _ => Self::Other,
        }
    }
}

/// The fields of all classes that count; which they are is only known at the end of an element.
#[derive(Default)]
struct Element<'a> {
    class: String,
    package: Package<'a>,
    relation: Text<'a>,
    to: Vec<String>,
    roots: Vec<String>,
    version: Text<'a>,
    tools: Vec<String>,
    imports: usize,
}

/// A list of elements, at `@graph` or inside an element. Texts among them are identifiers.
pub(super) struct Elements<'d, 'l, 'p> {
    draft: &'d mut Draft<'l>,
    found: &'d mut Spdx3,
    parent: Option<&'p Place<'p>>,
    list: &'static str,
    depth: usize,
}

impl<'d, 'l> Elements<'d, 'l, '_> {
    pub(super) fn graph(draft: &'d mut Draft<'l>, found: &'d mut Spdx3) -> Self {
        Self { draft, found, parent: None, list: "@graph", depth: 2 }
    }
}

impl<'de> Lenient<'de> for Elements<'_, '_, '_> {
    type Value = Result<Vec<String>, &'static str>;

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let Self { draft, found, parent, depth, .. } = self;
        draft.limits.check_depth(depth).map_err(|failure| stop(draft, failure))?;
        let mut identifiers = Vec::new();
        for index in 0.. {
            let place = Place::Item { parent, list: self.list, index };
            let reader = ElementReader { draft: &mut *draft, found: &mut *found, place: &place, depth: depth + 1 };
            match list.next_element_seed(As(reader))? {
                Some(Some(identifier)) => identifiers.push(identifier),
                Some(None) => {}
                None => break,
            }
        }
        Ok(Ok(identifiers))
    }

    fn text(self, text: Cow<'de, str>) -> Self::Value {
        Ok(vec![text.into_owned()])
    }

    fn null(self) -> Self::Value {
        Ok(Vec::new())
    }

    fn other(self, found: &'static str) -> Self::Value {
        Err(found)
    }
}

/// One element. The value is its identifier, or the text that refers to one.
struct ElementReader<'d, 'l, 'p> {
    draft: &'d mut Draft<'l>,
    found: &'d mut Spdx3,
    place: &'p Place<'p>,
    depth: usize,
}

impl<'de> Lenient<'de> for ElementReader<'_, '_, '_> {
    type Value = Option<String>;

    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Self { draft, found, place, depth } = self;
        draft.limits.check_depth(depth).map_err(|failure| stop(draft, failure))?;
        let mut element = Element::default();
        while let Some(field) = map.next_key::<Field>()? {
            let inner = Inner { draft: &mut *draft, found: &mut *found, place, depth: depth + 1 };
            inner.field(field, &mut element, &mut map)?;
        }
        let identifier = element.package.id.as_str().map(str::to_owned);
        found.note(element, place, draft).map_err(|failure| stop(draft, failure))?;
        Ok(identifier)
    }

    fn text(self, text: Cow<'de, str>) -> Self::Value {
        if self.depth == GRAPH_ELEMENT {
            self.draft.warn(|| format!("{} is a string, not an object, and was left out", self.place));
        }
        Some(text.into_owned())
    }

    fn other(self, found: &'static str) -> Self::Value {
        self.draft.warn(|| format!("{} is {found}, not an object, and was left out", self.place));
        None
    }
}

/// The depth of an element in `@graph` itself, where identifiers alone mean nothing.
const GRAPH_ELEMENT: usize = 3;

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Field {
    #[serde(alias = "@type")]
    Type,
    #[serde(alias = "@id")]
    SpdxId,
    Name,
    #[serde(rename = "software_packageVersion", alias = "packageVersion")]
    PackageVersion,
    #[serde(rename = "software_packageUrl", alias = "packageUrl")]
    PackageUrl,
    #[serde(rename = "software_primaryPurpose", alias = "primaryPurpose")]
    PrimaryPurpose,
    #[serde(rename = "software_sourceInfo", alias = "sourceInfo")]
    SourceInfo,
    #[serde(alias = "externalIdentifiers")]
    ExternalIdentifier,
    RelationshipType,
    To,
    RootElement,
    Element,
    From,
    SpecVersion,
    CreatedUsing,
    Import,
    #[serde(other)]
    Other,
}

/// What reading a field needs beside its element.
struct Inner<'d, 'l, 'p> {
    draft: &'d mut Draft<'l>,
    found: &'d mut Spdx3,
    place: &'p Place<'p>,
    depth: usize,
}

impl Inner<'_, '_, '_> {
    fn field<'de, A: MapAccess<'de>>(self, field: Field, into: &mut Element<'de>, map: &mut A) -> Result<(), A::Error> {
        let package = &mut into.package;
        match field {
            Field::Type => {
                let class = &mut into.class;
                map.next_value_seed(As(EachText(|text: &str| *class = text.trim().to_owned())))?;
            }
            Field::SpdxId => package.id = map.next_value_seed(As(TextSeed))?,
            Field::Name => package.name = map.next_value_seed(As(TextSeed))?,
            Field::PackageVersion => package.version = map.next_value_seed(As(TextSeed))?,
            Field::PackageUrl => {
                let purl = map.next_value_seed(As(TextSeed))?;
                package.external("purl", purl);
            }
            Field::PrimaryPurpose => package.purpose = purpose(&map.next_value_seed(As(TextSeed))?),
            Field::SourceInfo => package.source_info = map.next_value_seed(As(TextSeed))?,
            Field::ExternalIdentifier => {
                let Self { draft, place, .. } = self;
                let found = map.next_value_seed(As(external_identifiers(package, place, draft)))?;
                warn_shape(draft, place, "externalIdentifier", found);
            }
            Field::RelationshipType => into.relation = map.next_value_seed(As(TextSeed))?,
            Field::To => into.to = self.elements("to", map)?,
            Field::RootElement => into.roots = self.elements("rootElement", map)?,
            Field::Element => drop(self.elements("element", map)?),
            Field::From => drop(map.next_value_seed(As(ElementReader {
                draft: self.draft,
                found: self.found,
                place: self.place,
                depth: self.depth,
            }))?),
            Field::SpecVersion => into.version = map.next_value_seed(As(TextSeed))?,
            Field::CreatedUsing => into.tools = self.elements("createdUsing", map)?,
            Field::Import => {
                let imports = &mut into.imports;
                map.next_value_seed(As(each_fields([], |_: Found<'_, 0>| *imports += 1)))?;
            }
            Field::Other => {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn elements<'de, A: MapAccess<'de>>(self, list: &'static str, map: &mut A) -> Result<Vec<String>, A::Error> {
        let Self { draft, found, place, depth } = self;
        let reader = Elements { draft: &mut *draft, found, parent: Some(place), list, depth };
        match map.next_value_seed(As(reader))? {
            Ok(identifiers) => Ok(identifiers),
            Err(found) => {
                warn_shape(draft, place, list, Some(found));
                Ok(Vec::new())
            }
        }
    }
}

/// In the words of SPDX 2: `operatingSystem` is `OPERATING-SYSTEM`.
fn purpose(stated: &Text<'_>) -> Text<'static> {
    let Some(stated) = stated.as_str().and_then(meaningful) else { return Text::Missing };
    Text::Given(Cow::Borrowed(match stated.rsplit('/').next().unwrap_or(stated) {
        "operatingSystem" => "OPERATING-SYSTEM",
        "container" => "CONTAINER",
        "file" => "FILE",
        "device" | "deviceDriver" => "DEVICE",
        "firmware" => "FIRMWARE",
        "data" | "model" => "DATA",
        _ => "LIBRARY",
    }))
}

fn external_identifiers<'de, 'x>(
    package: &'x mut Package<'de>,
    place: &'x Place<'x>,
    draft: &'x mut Draft<'_>,
) -> EachFields<2, impl FnMut(Found<'de, 2>)> {
    each_fields(["externalIdentifierType", "identifier"], move |identifier| match identifier {
        Ok([kind, identifier]) => {
            let kind = kind.as_str().unwrap_or_default();
            package.external(
                match kind.rsplit('/').next().unwrap_or(kind) {
                    "packageUrl" | "packageURL" => "purl",
                    "cpe22" => "cpe22Type",
                    "cpe23" => "cpe23Type",
                    other => other,
                },
                identifier,
            );
        }
        Err(found) => draft.warn(|| format!("{place}: an entry of externalIdentifier is {found}, not an object")),
    })
}
