//! The manifest of a kit's data set.

use domain::digest::Digest;
use feeds::dataset::{MANIFEST_NAME, Manifest};
use ouk::verify::VerifiedKit;
use store::Blobs;

use crate::error::ImportError;

/// Far above any manifest: one entry per segment and source.
const BYTES_MAX: usize = 8 << 20;

pub(crate) fn parse(bytes: &[u8]) -> Result<Manifest, ImportError> {
    Manifest::parse(bytes, BYTES_MAX).map_err(|error| ImportError::semantic(MANIFEST_NAME, error))
}

/// The digest that the kit's signatures cover.
pub(crate) fn signed_digest(kit: &VerifiedKit) -> Option<Digest> {
    kit.target(MANIFEST_NAME).map(|target| target.sha256)
}

/// The manifest that was signed, out of the blobs that are kept: nobody's word is taken for what it says.
pub(crate) fn signed(kit: &VerifiedKit, blobs: &Blobs) -> Result<(Digest, Manifest), ImportError> {
    let digest = signed_digest(kit).ok_or_else(missing)?;
    let manifest = parse(&blobs.read(&digest, BYTES_MAX as u64)?)?;
    Ok((digest, manifest))
}

pub(crate) fn missing() -> ImportError {
    ImportError::semantic(MANIFEST_NAME, "is missing from the kit")
}
