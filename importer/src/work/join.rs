//! Joining what the threads have collected, and writing the index.

use std::collections::BTreeMap;

use domain::digest::Digest;
use feeds::dataset::{MANIFEST_NAME, Manifest, Segment};
use store::{GenerationBuilder, Workspace};

use super::Loaded;
use super::shard::{Purposes, Shard};
use crate::error::ImportError;

/// Far above any manifest: one entry per segment and source.
const MANIFEST_BYTES_MAX: usize = 8 << 20;

/// Joins the shards and holds what was found against what was signed.
pub(super) fn join(workspace: &Workspace, shards: Vec<Shard>, purposes: &Purposes) -> Result<Loaded, ImportError> {
    let mut builder = GenerationBuilder::new();
    let mut counted = BTreeMap::new();
    let mut manifest = None;
    for shard in shards {
        builder.join(shard.builder);
        counted.extend(shard.counted);
        manifest = manifest.or(shard.manifest);
    }
    let manifest = manifest.ok_or_else(|| ImportError::semantic(MANIFEST_NAME, "is missing from the kit"))?;
    let manifest_digest = Digest::of(&manifest);
    let manifest =
        Manifest::parse(&manifest, MANIFEST_BYTES_MAX).map_err(|error| ImportError::semantic(MANIFEST_NAME, error))?;
    check_segments(&manifest, counted)?;
    let content_root = builder.content_root();
    if content_root != manifest.content_root {
        return Err(ImportError::ContentRoot { found: content_root, signed: manifest.content_root });
    }
    let segments = purposes.iter().filter_map(|(digest, purpose)| purpose.segment.map(|(number, _)| (number, *digest)));
    let mut segments: Vec<_> = segments.collect();
    segments.sort_unstable();
    for row in manifest.coverage.iter().filter(|row| row.complete) {
        builder.declare_complete(&row.ecosystem);
    }
    let advisories = builder.advisories();
    builder.write(workspace.disk(), &workspace.index(), &segments)?;
    Ok(Loaded { content_root, sources: manifest.sources, advisories, manifest: manifest_digest })
}

/// Each segment of the manifest was found as described, and no other was. (That segments
/// follow each other in key order the manifest itself has been checked for.)
fn check_segments(manifest: &Manifest, mut counted: BTreeMap<String, Segment>) -> Result<(), ImportError> {
    for segment in &manifest.segments {
        let found = counted
            .remove(&segment.name)
            .ok_or_else(|| ImportError::semantic(&segment.name, "is in the manifest but not in the kit"))?;
        if found != *segment {
            return Err(ImportError::semantic(&segment.name, "differs from its entry in the manifest"));
        }
    }
    match counted.into_keys().next() {
        Some(name) => Err(ImportError::semantic(&name, "is in the kit but not in the manifest")),
        None => Ok(()),
    }
}
