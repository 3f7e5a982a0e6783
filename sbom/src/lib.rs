//! SBOM documents in and out: bytes -> [`domain::component::Inventory`] -> bytes.
//!
//! Invariant: whatever a document lists is in the inventory, or in its warnings, or the whole
//! document is refused with the place and the reason. A component that cannot be understood
//! stays in the inventory without a purl, so that it counts as unevaluated and never as clean.
//!
//! The format is found out from the content, never from a file name, because names lie. There is
//! one reader per syntax (JSON, XML, tag-value), and all feed the same [`draft::Draft`], so that
//! the same facts mean the same thing whichever way they were written down.

pub mod cyclonedx;
mod detect;
mod distribution;
mod draft;
mod entry;
mod error;
mod facts;
mod json;
mod limits;
mod spdx;
mod text;
mod version;
mod xml;

use domain::component::Inventory;

pub use error::SbomError;
pub use limits::Limits;

use detect::Syntax;

/// Reads a document of any format that this program knows.
pub fn read(bytes: &[u8], limits: &Limits) -> Result<Inventory, SbomError> {
    limits.check_document(bytes.len())?;
    let text = detect::decode(bytes)?;
    match detect::syntax(text)? {
        Syntax::Json => json::read(text, limits),
        Syntax::Xml => xml::read(text, limits),
        Syntax::TagValue => spdx::tagvalue::read(text, limits),
    }
}
