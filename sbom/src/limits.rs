//! How much of a document is believed before reading stops.
//!
//! A limit that is passed refuses the whole document: half an inventory would look like a
//! complete one. Memory stays proportional to these values, not to what a document claims.

use crate::SbomError;

/// The bounds of one reading. The defaults are far above the largest real documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Size of the document.
    pub bytes_max: usize,
    /// Nesting of the parts that are read; a component inside a component is two levels of
    /// JSON and two elements of XML. In JSON at most [`Limits::JSON_DEPTH`].
    pub depth_max: usize,
    pub components_max: usize,
    /// Size of one text that is kept: a name, a version, a purl.
    pub string_bytes_max: usize,
    /// Warnings that are listed; later ones are only counted.
    pub warnings_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes_max: 256 << 20,
            depth_max: 128,
            components_max: 500_000,
            string_bytes_max: 1 << 20,
            warnings_max: 1_000,
        }
    }
}

impl Limits {
    /// The JSON library stops at 128 levels; a component needs a few of them for its own parts.
    pub const JSON_DEPTH: usize = 120;

    pub(crate) fn check_document(&self, bytes: usize) -> Result<(), SbomError> {
        if bytes > self.bytes_max {
            return Err(SbomError::limit("bytes_max", self.bytes_max, "bytes in the document"));
        }
        Ok(())
    }

    pub(crate) fn check_depth(&self, depth: usize) -> Result<(), SbomError> {
        if depth > self.depth_max {
            return Err(SbomError::limit("depth_max", self.depth_max, "levels of nesting"));
        }
        Ok(())
    }

    pub(crate) fn check_string(&self, bytes: usize) -> Result<(), SbomError> {
        if bytes > self.string_bytes_max {
            return Err(SbomError::limit("string_bytes_max", self.string_bytes_max, "bytes in one text"));
        }
        Ok(())
    }
}
