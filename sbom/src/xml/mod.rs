//! Documents in XML, of which CycloneDX is the one that is read.

mod cursor;
mod cyclonedx;

use domain::component::Inventory;

use crate::SbomError;
use crate::error::excerpt;
use crate::limits::Limits;

use cursor::Cursor;

/// Readers of nested elements call each other, so that the depth is bounded by the stack too.
const DEPTH: usize = 512;

pub(crate) fn read(text: &str, limits: &Limits) -> Result<Inventory, SbomError> {
    let limits = Limits { depth_max: limits.depth_max.min(DEPTH), ..limits.clone() };
    let mut cursor = Cursor::new(text, &limits);
    let root = cursor.root()?;
    if root.is("bom") {
        return cyclonedx::read(cursor, &root, &limits);
    }
    let name = root.raw_name();
    Err(match name.rsplit(':').next().unwrap_or_default() {
        "RDF" if text.contains("spdx.org/rdf") => SbomError::unsupported("SPDX RDF/XML"),
        "Document" | "SpdxDocument" if text.contains("SPDX") => SbomError::unsupported("SPDX XML"),
        "SoftwareIdentity" => SbomError::unsupported("SWID"),
        "bom" => SbomError::Unrecognised { found: "XML with the root <bom>, but in no CycloneDX namespace".to_owned() },
        _ => SbomError::Unrecognised { found: format!("XML with the root <{}>", excerpt(&name)) },
    })
}
