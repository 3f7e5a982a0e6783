//! Scanning: an SBOM against the active generation, and the verdict.

mod archive;
mod engine;
mod id;

pub(crate) use archive::Archive;
pub(crate) use engine::{ENGINE, Engine, ScanError, ScanOptions, Scanned, VexOptions};
pub(crate) use id::scan_id;
