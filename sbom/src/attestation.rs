//! SBOMs that come inside of in-toto attestations: cosign, Syft, BuildKit, GitHub.
//!
//! The document is taken out and read. Invariant: no signature is evaluated here, and the inventory says
//! so in its first warning, so that nobody takes an opened envelope for a verified one. To verify would need
//! keys and a policy whom to believe, which a reader of documents does not have; to refuse the envelope
//! would only make people unpack it by hand, where nobody says that it was not verified.

use std::borrow::Cow;
use std::collections::BTreeSet;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use domain::component::Inventory;

use crate::error::excerpt;
use crate::json::{self, Content, Wrapped};
use crate::limits::Limits;
use crate::text::Text;
use crate::{Inside, SbomError, read_text};

/// More attestations than this in one file are no SBOM that somebody wants to scan.
pub(crate) const ATTESTATIONS_MAX: usize = 1_000;

/// Predicate types by their beginning (versions follow), and the format that they promise.
const SBOM_PREDICATES: [(&str, &str); 4] = [
    ("https://cyclonedx.org/bom", "CycloneDX"),
    ("https://cyclonedx.org/schema", "CycloneDX"),
    ("https://spdx.dev/Document", "SPDX"),
    ("https://syft.dev/bom", "Syft"),
];

/// An SBOM in its statement.
#[derive(PartialEq, Eq)]
struct Attested {
    predicate_type: String,
    format: &'static str,
    subject: Option<String>,
    signatures: usize,
    document: String,
}

/// Reads the one SBOM that is attested; two are an error, because choosing would be a guess.
pub(crate) fn read(wrapped: Vec<Wrapped<'_>>, limits: &Limits) -> Result<Inventory, SbomError> {
    let mut others = BTreeSet::new();
    let mut found: Vec<Attested> = Vec::new();
    for each in wrapped {
        match open(each, limits)? {
            // The same SBOM signed twice is one.
            Ok(attested) if found.iter().any(|earlier| earlier.document == attested.document) => {}
            Ok(attested) => found.push(attested),
            Err(other) => drop(others.insert(other)),
        }
    }
    let others = others.into_iter().collect::<Vec<_>>().join(", ");
    let Some(attested) = found.pop() else {
        return Err(refuse(format!("it holds no SBOM, but {}", excerpt(&others))));
    };
    if !found.is_empty() {
        return Err(refuse(format!("it holds {} different SBOMs: pass them one by one", found.len() + 1)));
    }
    let inventory = read_text(&attested.document, limits, Inside::Predicate);
    let mut inventory = inventory.map_err(|error| within("its SBOM", error))?;
    let mut warnings = vec![attested.provenance()];
    if attested.format != inventory.format {
        warnings.push(format!("the predicate type {} promises {}", attested.predicate_type, attested.format));
    }
    if !others.is_empty() {
        warnings.push(format!("the file has other attestations, which were left out: {}", excerpt(&others)));
    }
    inventory.warnings.splice(0..0, warnings);
    inventory.subject = inventory.subject.or(attested.subject);
    Ok(inventory)
}

impl Attested {
    fn provenance(&self) -> String {
        let about = self.subject.as_deref().unwrap_or("nothing named");
        let signed = match self.signatures {
            0 => "it is not signed".to_owned(),
            1 => "its signature was not evaluated".to_owned(),
            count => format!("its {count} signatures were not evaluated"),
        };
        let predicate_type = &self.predicate_type;
        format!(
            "the SBOM is the predicate {predicate_type} of an in-toto attestation about {about}: {signed}, \
             so it is to be trusted no more than the way that it came"
        )
    }
}

/// The SBOM in an attestation; or what the attestation is instead.
fn open(wrapped: Wrapped<'_>, limits: &Limits) -> Result<Result<Attested, String>, SbomError> {
    match wrapped {
        Wrapped::Statement { predicate_type, subject, predicate } => {
            let predicate_type = excerpt(predicate_type.meaningful().unwrap_or("without a type"));
            let Some(format) = format(&predicate_type) else { return Ok(Err(predicate_type)) };
            let document = predicate.ok_or_else(|| refuse("its statement has no predicate".to_owned()))?.get();
            let document = as_document(document)?.into_owned();
            Ok(Ok(Attested { predicate_type, format, subject, signatures: 0, document }))
        }
        Wrapped::Envelope { payload_type, payload, signatures } => {
            let payload_type = payload_type.meaningful().unwrap_or("without a type");
            if payload_type != "application/vnd.in-toto+json" {
                return Ok(Err(format!("a payload {}", excerpt(payload_type))));
            }
            let statement = decode(&payload)?;
            match json::read(&statement, limits).map_err(|error| within("its payload", error))? {
                Content::Attestations(mut inner) => match (inner.pop(), inner.is_empty()) {
                    (Some(statement @ Wrapped::Statement { .. }), true) => {
                        Ok(open(statement, limits)?.map(|attested| Attested { signatures, ..attested }))
                    }
                    _ => Err(refuse("its payload is another attestation, not a statement".to_owned())),
                },
                Content::Inventory(_) | Content::Data(_) => {
                    Err(refuse("its payload is no in-toto statement".to_owned()))
                }
            }
        }
        Wrapped::Detached => Ok(Err("a signature of a file that is not in it: pass that file".to_owned())),
        Wrapped::Stranger => Ok(Err("a document of another kind".to_owned())),
    }
}

fn format(predicate_type: &str) -> Option<&'static str> {
    SBOM_PREDICATES.iter().find(|(start, _)| predicate_type.starts_with(start)).map(|(_, format)| *format)
}

/// A predicate that is a string holds the document as text: SPDX tag-value by cosign.
pub(crate) fn as_document(json: &str) -> Result<Cow<'_, str>, SbomError> {
    if json.starts_with('"') {
        let text: String = serde_json::from_str(json).map_err(|error| refuse(format!("its predicate: {error}")))?;
        return Ok(Cow::Owned(text));
    }
    Ok(Cow::Borrowed(json))
}

/// DSSE allows both alphabets of base64; padding is left to the writer.
fn decode(payload: &Text<'_>) -> Result<String, SbomError> {
    const CONFIG: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let text = payload.meaningful().ok_or_else(|| refuse("its payload is empty or no string".to_owned()))?;
    let url_safe = text.contains(['-', '_']);
    let engine = GeneralPurpose::new(if url_safe { &URL_SAFE } else { &STANDARD }, CONFIG);
    let bytes = engine.decode(text).map_err(|error| refuse(format!("its payload is not base64: {error}")))?;
    String::from_utf8(bytes).map_err(|_| refuse("its payload is not UTF-8".to_owned()))
}

/// Places in the error are places in a part, which must be said; a limit is one of the whole.
fn within(part: &str, error: SbomError) -> SbomError {
    match error {
        SbomError::Limit { .. } | SbomError::Attestation { .. } => error,
        _ => refuse(format!("{part}: {error}")),
    }
}

pub(crate) const fn refuse(reason: String) -> SbomError {
    SbomError::Attestation { reason }
}
