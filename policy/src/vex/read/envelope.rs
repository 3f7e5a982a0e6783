//! VEX documents in attestations: DSSE envelopes, Sigstore bundles, bare in-toto statements.
//!
//! As with SBOMs, no signature is evaluated here, and the document says so: to verify would need keys and a policy
//! whom to believe.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::{VexError, excerpt};

/// A document, and what is to be said of the way that it came.
pub(super) struct Opened<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) attestation: Option<String>,
}

#[derive(Deserialize)]
struct Outside<'a> {
    #[serde(borrow, rename = "dsseEnvelope")]
    bundle: Option<&'a RawValue>,
    #[serde(rename = "payloadType")]
    payload_type: Option<String>,
    payload: Option<Cow<'a, str>>,
    signatures: Option<Vec<IgnoredAny>>,
    #[serde(rename = "predicateType")]
    predicate_type: Option<String>,
    #[serde(borrow)]
    predicate: Option<&'a RawValue>,
}

/// Takes the document out; what is no attestation is the document itself.
pub(super) fn open(text: &str) -> Result<Opened<'_>, VexError> {
    // Whatever is wrong with a document, its own reader says.
    let Ok(outside) = serde_json::from_str::<Outside<'_>>(text) else { return Ok(bare(text)) };
    let envelope = match outside.bundle {
        Some(bundle) => part(bundle.get(), "its envelope")?,
        None => outside,
    };
    match (envelope.payload, envelope.predicate_type, envelope.predicate) {
        (Some(payload), _, _) => {
            let kind = envelope.payload_type.unwrap_or_default();
            if kind != "application/vnd.in-toto+json" {
                return Err(VexError::Unrecognised { found: format!("an envelope of {:?}", excerpt(&kind)) });
            }
            let statement = decode(&payload)?;
            let inner: Outside<'_> = part(&statement, "its payload")?;
            let predicate = inner.predicate.ok_or_else(|| refuse("its payload is no in-toto statement"))?;
            let predicate = predicate.get().to_owned();
            let signatures = envelope.signatures.map_or(0, |signatures| signatures.len());
            let attestation = Some(provenance(inner.predicate_type.as_deref(), signatures));
            Ok(Opened { text: Cow::Owned(predicate), attestation })
        }
        (None, Some(kind), Some(predicate)) => {
            let attestation = Some(provenance(Some(&kind), 0));
            Ok(Opened { text: Cow::Borrowed(predicate.get()), attestation })
        }
        _ => Ok(bare(text)),
    }
}

fn bare(text: &str) -> Opened<'_> {
    Opened { text: Cow::Borrowed(text), attestation: None }
}

fn part<'a>(text: &'a str, name: &str) -> Result<Outside<'a>, VexError> {
    serde_json::from_str(text).map_err(|error| refuse(format!("{name}: {error}")))
}

fn provenance(kind: Option<&str>, signatures: usize) -> String {
    let signed = match signatures {
        0 => "it is not signed".to_owned(),
        1 => "its signature was not evaluated".to_owned(),
        count => format!("its {count} signatures were not evaluated"),
    };
    let kind = excerpt(kind.unwrap_or("without a type"));
    format!(
        "it is the predicate {kind} of an in-toto attestation: {signed}, so it is to be trusted no more than the way that it came"
    )
}

/// DSSE allows both alphabets of base64; padding is left to the writer.
fn decode(payload: &str) -> Result<String, VexError> {
    const CONFIG: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let alphabet = if payload.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
    let bytes = GeneralPurpose::new(alphabet, CONFIG).decode(payload.trim());
    let bytes = bytes.map_err(|error| refuse(format!("its payload is not base64: {error}")))?;
    String::from_utf8(bytes).map_err(|_| refuse("its payload is not UTF-8"))
}

fn refuse(reason: impl Into<String>) -> VexError {
    VexError::Envelope { reason: reason.into() }
}
