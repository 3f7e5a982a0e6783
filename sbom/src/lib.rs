//! SBOM documents in and out: bytes -> [`domain::component::Inventory`] -> bytes.
//!
//! Invariant: whatever a document lists is in the inventory, or in its warnings, or the whole
//! document is refused with the place and the reason. A component that cannot be understood
//! stays in the inventory without a purl, so that it counts as unevaluated and never as clean.
//!
//! The format is found out from the content, never from a file name, because names lie. There is
//! one reader per syntax (JSON, XML, protocol buffers, tag-value), and all feed the same [`draft::Draft`], so that
//! the same facts mean the same thing whichever way they were written down.

mod attestation;
pub mod cyclonedx;
mod detect;
mod distribution;
mod draft;
mod entry;
mod error;
mod facts;
mod json;
mod limits;
mod protobuf;
mod spdx;
mod text;
mod version;
mod xml;

use domain::component::Inventory;

pub use error::SbomError;
pub use limits::Limits;

use detect::Syntax;
use json::Content;

/// Reads a document of any format that this program knows.
pub fn read(bytes: &[u8], limits: &Limits) -> Result<Inventory, SbomError> {
    limits.check_document(bytes.len())?;
    if protobuf::is_bom(bytes) {
        return protobuf::read(bytes, limits);
    }
    read_text(detect::decode(bytes)?, limits, Inside::File)
}

/// Where a text stands: attestations are opened once and not again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    File,
    Predicate,
    Data,
}

fn read_text(text: &str, limits: &Limits, inside: Inside) -> Result<Inventory, SbomError> {
    match detect::syntax(text)? {
        Syntax::Json => match (json::read(text, limits)?, inside) {
            (Content::Inventory(inventory), _) => Ok(*inventory),
            (Content::Attestations(wrapped), Inside::File) => attestation::read(wrapped, limits),
            (Content::Attestations(_), Inside::Predicate | Inside::Data) => {
                Err(attestation::refuse("its predicate is an attestation again".to_owned()))
            }
            (Content::Data(data), Inside::Predicate) => {
                read_text(&attestation::as_document(data.get())?, limits, Inside::Data)
            }
            (Content::Data(_), Inside::File | Inside::Data) => {
                Err(SbomError::Unrecognised { found: "a JSON object with the field \"Data\"".to_owned() })
            }
        },
        Syntax::Xml => xml::read(text, limits),
        Syntax::TagValue => spdx::tagvalue::read(text, limits),
    }
}
