//! Scanning: an SBOM against the active generation, and the verdict.

mod archive;
mod engine;
mod id;
mod integrity;

pub(crate) use archive::Archive;
pub(crate) use engine::{ENGINE, Engine, ScanError, ScanOptions, Scanned, VexOptions};
pub(crate) use id::scan_id;
pub(crate) use integrity::Integrity;
