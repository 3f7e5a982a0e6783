//! `stella kit build --base`: what a delta kit carries.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Cursor as Bytes;
use std::path::Path;

use anyhow::{Context, Result};
use feeds::dataset::{DELTA_SCHEMA, Delta, MANIFEST_NAME, Manifest, SEGMENT_BYTES_MAX, Segment, SegmentKind};
use feeds::delta::{DeltaError, DeltaWriter};
use ouk::build::KitTarget;
use ouk::limits::Limits;
use ouk::verify::{Floors, Gates, KitBase, TrustState};

use super::build::{manifest_target, target};
use super::dataset::DataSet;
use crate::cli::exit::UsageError;
use crate::cli::files;

/// The data that a delta starts from.
pub(super) struct Base {
    kit_version: u64,
    set: DataSet,
}

/// A delta, ready to be signed.
pub(super) struct DeltaKit {
    pub(super) base: KitBase,
    pub(super) targets: Vec<KitTarget<'static>>,
    /// Lines for the operator.
    pub(super) summary: String,
}

/// Reads a data set, or a full kit that these roots have signed.
pub(super) fn read_base(path: &Path, kit_version: Option<u64>, roots: &[Vec<u8>]) -> Result<Base> {
    match (path.is_dir(), kit_version) {
        (true, Some(kit_version)) => Ok(Base { kit_version, set: DataSet::open(path)? }),
        (true, None) => Err(UsageError(
            "--base names a data set: say with --base-version which kit carried it, or give that kit".to_owned(),
        )
        .into()),
        (false, None) => read_kit(path, roots).with_context(|| format!("the base {}", path.display())),
        (false, Some(_)) => Err(UsageError("--base names a kit, which states its version itself".to_owned()).into()),
    }
}

/// The kit is our own work: it is verified as of its signing, because its age does not matter here.
fn read_kit(path: &Path, roots: &[Vec<u8>]) -> Result<Base> {
    let limits = Limits::default();
    let opened = ouk::read::open(files::open(path)?, &limits)?;
    let found = opened.inspect();
    let signed_at = found.signed_at.context("the kit does not state when it was signed")?;
    let trust = TrustState { root: roots.first().cloned().unwrap_or_default(), floors: Floors::default() };
    let gates = Gates {
        product: super::PRODUCT.to_owned(),
        channels: found.channel.into_iter().collect(),
        appliance_version: found.min_appliance_version.unwrap_or_default(),
        schema_max: DELTA_SCHEMA,
    };
    let kit = ouk::verify::verify(&opened.metadata, &trust, &gates, signed_at, &limits)?;
    if let Some(base) = kit.base() {
        let message = format!("it is itself a delta, to kit {}; give a full kit or a data set", base.kit_version);
        return Err(UsageError(message).into());
    }
    let mut content = BTreeMap::new();
    let mut blobs = ouk::blobs::blobs(opened, &kit);
    while let Some(frame) = blobs.next_frame()? {
        let blob = frame.open()?;
        content.insert(blob.digest, blob.bytes);
    }
    blobs.finish()?;
    let manifest = kit.target(MANIFEST_NAME).and_then(|target| content.get(&target.sha256));
    let manifest = manifest.context("it carries no data set")?;
    let manifest = Manifest::parse(manifest, manifest.len())?;
    Ok(Base { kit_version: kit.kit_version(), set: DataSet::in_memory(manifest, content) })
}

/// Compares the data set with its base.
pub(super) fn make(base: &Base, new: &DataSet) -> Result<DeltaKit> {
    if new.manifest == base.set.manifest {
        return Err(UsageError("nothing to do: the data set is that of the base".to_owned()).into());
    }
    let mut writer = DeltaWriter::new(base.set.manifest.content_root, SEGMENT_BYTES_MAX);
    let mut targets = Vec::new();
    for kind in SegmentKind::ALL {
        let written = writer.write(&mut base.set.lines(kind), &mut new.lines(kind), &mut |segment, bytes| {
            targets.push(target(segment, DELTA_SCHEMA, Box::new(Bytes::new(bytes))));
            anyhow::Ok(())
        });
        written.map_err(|error| match error {
            DeltaError::Outside(error) => error,
            other => other.into(),
        })?;
    }
    let delta = writer.finish();
    require_small(&delta)?;
    let summary = summarise(&delta, &new.manifest)?;
    let manifest = Manifest { schema: DELTA_SCHEMA, delta: Some(delta), ..new.manifest.clone() };
    // What a site would refuse is not signed.
    let bytes = manifest.to_canonical_json();
    let manifest = Manifest::parse(&bytes, bytes.len())?;
    targets.push(manifest_target(&manifest));
    let base = KitBase { kit_version: base.kit_version, content_root: base.set.manifest.content_root };
    Ok(DeltaKit { base, targets, summary })
}

/// A delta that sites refuse for its size is not built.
fn require_small(delta: &Delta) -> Result<()> {
    let (length, length_max) = (length(&delta.segments), Limits::default().delta_bytes_max);
    if length > length_max {
        let message = format!("{length} bytes of records changed, and a delta carries at most {length_max}");
        return Err(UsageError(format!("{message}: build a full kit")).into());
    }
    Ok(())
}

fn length(segments: &[Segment]) -> u64 {
    segments.iter().map(|segment| segment.length).sum()
}

fn summarise(delta: &Delta, result: &Manifest) -> Result<String> {
    let mut text = String::new();
    for kind in SegmentKind::ALL {
        let (upserts, tombstones) = (delta.upserts.of(kind), delta.tombstones.of(kind));
        writeln!(text, "{kind:<9} {upserts} new or changed, {tombstones} deleted, {} in all", result.counts.of(kind))?;
    }
    let (part, whole) = (length(&delta.segments), length(&result.segments));
    let permille = part.saturating_mul(1000).checked_div(whole).unwrap_or_default();
    let percent = format!("{}.{}", permille / 10, permille % 10);
    writeln!(text, "delta to {}: {part} bytes, {percent} % of the full {whole}", delta.base)?;
    Ok(text)
}
