//! Joining what the threads have collected, and writing the index.

use std::collections::BTreeMap;

use domain::digest::Digest;
use feeds::dataset::{MANIFEST_NAME, Manifest, Segment};
use store::{Census, SegmentId, Workspace};

use super::base::Base;
use super::shard::{Purposes, Shard};
use crate::error::ImportError;
use crate::manifest;

/// Joins the shards, holds what was found against what was signed, and writes the index.
pub(super) fn join(
    workspace: &Workspace,
    base: Option<&Base>,
    shards: Vec<Shard>,
    purposes: &Purposes,
) -> Result<Census, ImportError> {
    let mut shards = shards.into_iter();
    let mut all = shards.next().ok_or_else(|| ImportError::worker("it has no threads"))?;
    for shard in shards {
        all.builder.join(shard.builder);
        all.delta.join(shard.delta);
        all.counted.extend(shard.counted);
        all.manifest = all.manifest.or(shard.manifest);
    }
    let manifest = manifest::parse(&all.manifest.take().ok_or_else(manifest::missing)?)?;
    let segments = purposes.iter().filter_map(|(digest, purpose)| purpose.segment.map(|(number, _)| (number, *digest)));
    let mut segments: Vec<_> = segments.collect();
    segments.sort_unstable();
    match base {
        None => write_whole(workspace, all, &manifest, &segments),
        Some(base) => {
            base.check(&manifest)?;
            let described = manifest.delta.as_ref().map(|delta| delta.segments.as_slice()).unwrap_or_default();
            check_segments(described, all.counted)?;
            base.apply(workspace, all.delta, &manifest, &segments)
        }
    }
}

/// The index of a full kit: one file.
fn write_whole(
    workspace: &Workspace,
    all: Shard,
    manifest: &Manifest,
    segments: &[(SegmentId, Digest)],
) -> Result<Census, ImportError> {
    if manifest.delta.is_some() {
        return Err(ImportError::semantic(MANIFEST_NAME, "describes a delta, but the kit signs no base"));
    }
    check_segments(&manifest.segments, all.counted)?;
    let mut builder = all.builder;
    let found = builder.content_root()?;
    if found != manifest.content_root {
        return Err(ImportError::ContentRoot { found, signed: manifest.content_root });
    }
    for row in manifest.coverage.iter().filter(|row| row.complete) {
        builder.declare_complete(&row.ecosystem);
    }
    let census = builder.census();
    builder.write(workspace.disk(), &workspace.index(), segments)?;
    Ok(census)
}

/// Each segment of the manifest was found as described, and no other was. (That segments
/// follow each other in key order the manifest itself has been checked for.)
fn check_segments(segments: &[Segment], mut counted: BTreeMap<String, Segment>) -> Result<(), ImportError> {
    for segment in segments {
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
