//! Documents in JSON: CycloneDX and SPDX in one pass.
//!
//! A JSON object has no order, and Trivy writes `spdxVersion` last. So the fields of both formats
//! are read as they come, and which format it was is decided at the end; a first pass that only
//! looks for the format would cost as much as the reading.

mod attestation;
mod cyclonedx;
mod lenient;
mod spdx;
mod spdx3;
mod syft;

use domain::component::Inventory;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess};
use serde_json::value::RawValue;

use crate::SbomError;
use crate::attestation::{ATTESTATIONS_MAX, refuse};
use crate::draft::{Draft, Place};
use crate::entry::{Entry, settle_subject};
use crate::error::excerpt;
use crate::limits::Limits;
use crate::spdx::Roots;
use crate::text::Text;
use crate::version::{CYCLONEDX, SPDX, SYFT};

pub(crate) use attestation::Wrapped;
use lenient::{As, EachText, Fields, Lenient, TextSeed};

/// What a text in JSON is.
pub(crate) enum Content<'a> {
    Inventory(Box<Inventory>),
    /// Attestations, one or a line each.
    Attestations(Vec<Wrapped<'a>>),
    /// An object whose field `Data` holds a document.
    Data(&'a RawValue),
}

pub(crate) fn read<'a>(text: &'a str, limits: &Limits) -> Result<Content<'a>, SbomError> {
    let limits = Limits { depth_max: limits.depth_max.min(Limits::JSON_DEPTH), ..limits.clone() };
    let mut json = serde_json::Deserializer::from_str(text);
    let mut attestations = match (document(&mut json, &limits)?, json.end()) {
        (Content::Attestations(one), _) => one,
        (content, Ok(())) => return Ok(content),
        (_, Err(error)) => return Err(refusal(&error)),
    };
    while json.end().is_err() {
        match document(&mut json, &limits) {
            Ok(Content::Attestations(one)) => attestations.extend(one),
            // A reader of attestations steps over lines that it does not know, says their specification.
            Ok(_) | Err(SbomError::Unrecognised { .. } | SbomError::Unsupported { .. }) => {
                attestations.push(Wrapped::Stranger);
            }
            Err(unreadable) => return Err(unreadable),
        }
        if attestations.len() > ATTESTATIONS_MAX {
            return Err(refuse(format!("the file has more than {ATTESTATIONS_MAX} lines")));
        }
    }
    Ok(Content::Attestations(attestations))
}

type Json<'a> = serde_json::Deserializer<serde_json::de::StrRead<'a>>;

fn document<'a>(json: &mut Json<'a>, limits: &Limits) -> Result<Content<'a>, SbomError> {
    let mut document = Document::new(limits);
    let outcome = As(&mut document).deserialize(json);
    if let Some(failure) = document.draft.failure.take() {
        return Err(failure);
    }
    match outcome {
        Err(error) => Err(refusal(&error)),
        Ok(Some(found)) => Err(SbomError::Unrecognised { found: format!("JSON that is {found}") }),
        Ok(None) => document.finish(),
    }
}

fn refusal(error: &serde_json::Error) -> SbomError {
    let message = error.to_string();
    if message.starts_with("recursion limit exceeded") {
        return SbomError::limit("depth_max", Limits::JSON_DEPTH, "levels of nesting in JSON");
    }
    let (line, column) = (error.line(), error.column());
    let reason = message.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&message).to_owned();
    SbomError::Malformed { syntax: "JSON", line, column, reason }
}

/// Everything that the top level of a document says.
struct Document<'l, 'a> {
    draft: Draft<'l>,
    cyclonedx: CycloneDx<'a>,
    spdx: Spdx<'a>,
    spdx3: spdx3::Spdx3,
    syft: Syft<'a>,
    attestation: attestation::Attestation<'a>,
    /// The fields that other formats are known by.
    marks: Marks,
    /// A list that is none; told only when the format turns out to be one that is read.
    misshapen: Option<SbomError>,
}

#[derive(Default)]
struct CycloneDx<'a> {
    format: Text<'a>,
    version: Text<'a>,
    subject: Option<Entry<'a>>,
    parts: bool,
    serial_number: Text<'a>,
    /// The version of the document, not of the specification.
    edition: Option<u64>,
    analyses: usize,
}

#[derive(Default)]
struct Spdx<'a> {
    version: Text<'a>,
    name: Text<'a>,
    roots: Roots,
}

#[derive(Default)]
struct Syft<'a> {
    version: Text<'a>,
    subject: Text<'a>,
    artifacts: bool,
    /// One of the other fields that its documents have, because others list artifacts too.
    parts: bool,
}

#[derive(Default)]
struct Marks {
    /// The addresses in `@context`.
    context: String,
    names: Vec<String>,
}

impl Marks {
    fn has(&self, name: &str) -> bool {
        self.names.iter().any(|seen| seen == name)
    }

    fn context_has(&self, name: &str) -> bool {
        self.context.contains(name)
    }

    /// The format, when it is one that has a name.
    fn foreign(&self) -> Option<SbomError> {
        if self.context_has("openvex") {
            Some(not_an_inventory("OpenVEX"))
        } else if self.has("SchemaVersion") && (self.has("Results") || self.has("ArtifactName")) {
            Some(SbomError::unsupported("Trivy JSON"))
        } else {
            None
        }
    }
}

fn not_an_inventory(format: &'static str) -> SbomError {
    SbomError::Unsupported { format, advice: "it lists no components, so pass the SBOM that it is about" }
}

impl<'l, 'a> Document<'l, 'a> {
    fn new(limits: &'l Limits) -> Self {
        Self {
            draft: Draft::new(limits),
            cyclonedx: CycloneDx::default(),
            spdx: Spdx::default(),
            spdx3: spdx3::Spdx3::default(),
            syft: Syft::default(),
            attestation: attestation::Attestation::default(),
            marks: Marks::default(),
            misshapen: None,
        }
    }

    fn finish(mut self) -> Result<Content<'a>, SbomError> {
        let data = self.attestation.data.take();
        // What says that it is an SBOM is one, whatever other fields it has.
        let sbom = self.cyclonedx.format != Text::Missing || self.spdx.version != Text::Missing;
        if let Some(wrapped) = std::mem::take(&mut self.attestation).finish().filter(|_| !sbom) {
            return Ok(Content::Attestations(vec![wrapped]));
        }
        match (self.inventory(), data) {
            (Err(SbomError::Unrecognised { .. }), Some(data)) => Ok(Content::Data(data)),
            (inventory, _) => inventory.map(|inventory| Content::Inventory(Box::new(inventory))),
        }
    }

    fn inventory(self) -> Result<Inventory, SbomError> {
        if self.cyclonedx.format.as_str() == Some(CYCLONEDX.name) {
            self.finish_cyclonedx()
        } else if self.spdx.version != Text::Missing {
            self.finish_spdx()
        } else if self.spdx3.document || self.marks.context_has("spdx") {
            self.spdx3.finish(&self.marks.context, self.draft)
        } else if self.syft.artifacts && self.syft.parts {
            self.finish_syft()
        } else if let Some(foreign) = self.marks.foreign() {
            Err(foreign)
        } else if self.cyclonedx.version != Text::Missing && self.cyclonedx.parts {
            self.finish_cyclonedx()
        } else {
            let names: Vec<String> = self.marks.names.iter().take(4).map(|name| format!("{name:?}")).collect();
            let found = match names.as_slice() {
                [] => "a JSON object without fields".to_owned(),
                _ => format!("a JSON object with the fields {}", names.join(", ")),
            };
            Err(SbomError::Unrecognised { found })
        }
    }

    fn finish_cyclonedx(mut self) -> Result<Inventory, SbomError> {
        if let Some(misshapen) = self.misshapen {
            return Err(misshapen);
        }
        if self.cyclonedx.format == Text::Missing {
            self.draft
                .warn(|| "the document has no bomFormat: read as CycloneDX because of its other fields".to_owned());
        }
        self.draft.specify(&CYCLONEDX, &self.cyclonedx.version)?;
        let serial_number =
            self.draft.keep(&Place::Named("the document"), "serialNumber", &self.cyclonedx.serial_number)?;
        let identity = &mut self.draft.inventory.identity;
        (identity.serial_number, identity.version) = (serial_number, self.cyclonedx.edition);
        identity.analyses = self.cyclonedx.analyses;
        if let Some(subject) = self.cyclonedx.subject {
            settle_subject(subject, &mut self.draft)?;
        }
        Ok(self.draft.finish())
    }

    fn finish_spdx(mut self) -> Result<Inventory, SbomError> {
        if let Some(misshapen) = self.misshapen {
            return Err(misshapen);
        }
        self.draft.specify(&SPDX, &self.spdx.version)?;
        let name = self.draft.keep(&Place::Named("the document"), "name", &self.spdx.name)?;
        self.spdx.roots.settle(name, &mut self.draft);
        Ok(self.draft.finish())
    }

    fn finish_syft(mut self) -> Result<Inventory, SbomError> {
        if let Some(misshapen) = self.misshapen {
            return Err(misshapen);
        }
        self.draft.specify(&SYFT, &self.syft.version)?;
        self.draft.inventory.subject = self.draft.keep(&Place::Named("source"), "name", &self.syft.subject)?;
        self.spdx.roots.count_files(&mut self.draft);
        Ok(self.draft.finish())
    }

    /// The value of one field of the top level.
    fn field<'de: 'a, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "bomFormat" => self.cyclonedx.format = map.next_value_seed(As(TextSeed))?,
            "specVersion" => self.cyclonedx.version = map.next_value_seed(As(TextSeed))?,
            "serialNumber" => self.cyclonedx.serial_number = map.next_value_seed(As(TextSeed))?,
            "version" => self.cyclonedx.edition = map.next_value_seed(As(cyclonedx::Edition))?,
            "vulnerabilities" => self.cyclonedx.analyses = map.next_value_seed(As(cyclonedx::Analyses))?,
            "metadata" => {
                let subject = map.next_value_seed(As(cyclonedx::Metadata { draft: &mut self.draft }))?;
                self.cyclonedx.subject = self.cyclonedx.subject.take().or(subject);
                self.cyclonedx.parts = true;
            }
            "components" => {
                let found = map.next_value_seed(As(cyclonedx::Components::top(&mut self.draft)))?;
                self.note_shape("components", found);
                self.cyclonedx.parts = true;
            }
            "@graph" => {
                let elements = spdx3::Elements::graph(&mut self.draft, &mut self.spdx3);
                self.spdx3.graph = Some(map.next_value_seed(As(elements))?.map(drop));
            }
            "artifacts" => {
                let found = map.next_value_seed(As(syft::Artifacts { draft: &mut self.draft }))?;
                self.note_shape("artifacts", found);
                self.syft.artifacts = true;
            }
            "artifactRelationships" => {
                let found = map.next_value_seed(As(syft::relationships(&mut self.draft)))?;
                cyclonedx::warn_shape(&mut self.draft, &Place::Named("the document"), "artifactRelationships", found);
            }
            "distro" | "descriptor" | "schema" | "source" => self.syft_field(name, map)?,
            "spdxVersion" => self.spdx.version = map.next_value_seed(As(TextSeed))?,
            "name" => self.spdx.name = map.next_value_seed(As(TextSeed))?,
            "creationInfo" => map.next_value_seed(As(spdx::CreationInfo { draft: &mut self.draft }))?,
            "packages" => {
                let found = map.next_value_seed(As(spdx::Packages { draft: &mut self.draft }))?;
                self.note_shape("packages", found);
            }
            "files" => map.next_value_seed(As(spdx::Files { count: &mut self.spdx.roots.files }))?,
            "relationships" => {
                let found = map.next_value_seed(As(spdx::relationships(&mut self.spdx.roots, &mut self.draft)))?;
                self.note_shape("relationships", found);
            }
            "documentDescribes" => {
                let roots = &mut self.spdx.roots;
                map.next_value_seed(As(EachText(|text: &str| roots.describe(text))))?;
            }
            "@context" => {
                let context = &mut self.marks.context;
                map.next_value_seed(As(EachText(|text: &str| {
                    if context.len() < 1_000 {
                        context.push_str(&excerpt(text));
                        context.push(' ');
                    }
                })))?;
            }
            _ if self.attestation.field(name, map)? => {}
            _ => {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn syft_field<'de: 'a, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        self.syft.parts |= name != "distro";
        match name {
            "distro" => {
                if let Ok(release) = map.next_value_seed(As(Fields(syft::DISTRO)))? {
                    syft::note_distribution(&mut self.draft, release);
                }
            }
            "descriptor" => {
                if let Ok([name, version]) = map.next_value_seed(As(Fields(syft::DESCRIPTOR)))? {
                    let noted = self.draft.tool(name.meaningful(), version.meaningful());
                    noted.map_err(|failure| cyclonedx::stop(&mut self.draft, failure))?;
                }
            }
            "schema" => {
                if let Ok([version]) = map.next_value_seed(As(Fields(syft::SCHEMA)))? {
                    self.syft.version = version;
                }
            }
            _ => self.syft.subject = map.next_value_seed(As(syft::Source))?,
        }
        Ok(())
    }

    fn note_shape(&mut self, place: &str, found: Option<&'static str>) {
        if let Some(found) = found {
            let misshapen = SbomError::Structure { place: place.to_owned(), found, expected: "a list" };
            self.misshapen.get_or_insert(misshapen);
        }
    }
}

/// Says what the document is, when it is no object.
impl<'de: 'a, 'a> Lenient<'de> for &mut Document<'_, 'a> {
    type Value = Option<&'static str>;

    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while let Some(name) = map.next_key_seed(As(TextSeed))? {
            let name = name.as_str().unwrap_or_default();
            if self.marks.names.len() < 64 {
                self.marks.names.push(excerpt(name));
            }
            self.field(name, &mut map)?;
        }
        Ok(None)
    }

    fn other(self, found: &'static str) -> Self::Value {
        Some(found)
    }
}
