//! What one thread collects from the blobs that it opens.

use std::collections::BTreeMap;

use domain::advisory::Advisory;
use domain::digest::Digest;
use domain::exploitation::{Epss, KnownExploited};
use domain::root::ContentRoot;
use feeds::dataset::{self, MANIFEST_NAME, Row, Segment, SegmentKind};
use feeds::delta::Change;
use ouk::verify::VerifiedKit;
use store::{Delta, GenerationBuilder, Located, Room, SegmentId};

use super::vex;
use crate::error::ImportError;

/// What a chunk is for: the path of its target, and its number among the segments.
#[derive(Clone)]
pub(super) struct Purpose {
    pub(super) path: String,
    pub(super) segment: Option<(SegmentId, SegmentKind)>,
    is_delta: bool,
}

/// Every chunk by its digest.
pub(super) type Purposes = BTreeMap<Digest, Purpose>;

/// What one thread has collected.
pub(super) struct Shard {
    pub(super) builder: GenerationBuilder,
    /// Of a delta kit; the builder stays empty then.
    pub(super) delta: Delta,
    /// Path to what was counted in it.
    pub(super) counted: BTreeMap<String, Segment>,
    pub(super) manifest: Option<Vec<u8>>,
}

/// How segments of a kind are named, by number.
type NameOf = fn(SegmentKind, usize) -> String;

/// The kind of segment that lies under a path, by how segments of a kit are named.
fn kind_of(path: &str, name_of: NameOf) -> Option<SegmentKind> {
    let folder = |kind: &SegmentKind| {
        let name = name_of(*kind, 0);
        name.rsplit_once('/')
            .is_some_and(|(folder, _)| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))
    };
    SegmentKind::ALL.into_iter().find(folder)
}

/// Maps every chunk to what it is for. Segments are numbered from `first`. A full kit has segments of
/// records, a delta kit segments of changes, and neither has the other's.
pub(super) fn purposes(kit: &VerifiedKit, first: SegmentId) -> Result<Purposes, ImportError> {
    let mut purposes = BTreeMap::new();
    let mut next = first;
    let (own, other): (NameOf, NameOf) = match kit.base() {
        None => (SegmentKind::segment_name, SegmentKind::delta_segment_name),
        Some(_) => (SegmentKind::delta_segment_name, SegmentKind::segment_name),
    };
    for target in kit.targets() {
        if kind_of(&target.path, other).is_some() {
            return Err(ImportError::semantic(&target.path, "has no place in a kit of this kind (full or delta)"));
        }
        let segment = match kind_of(&target.path, own) {
            Some(kind) => {
                if target.chunks.len() != 1 {
                    return Err(ImportError::semantic(&target.path, "a segment is one chunk"));
                }
                next += 1;
                Some((next - 1, kind))
            }
            None if target.path == MANIFEST_NAME && target.chunks.len() != 1 => {
                return Err(ImportError::semantic(&target.path, "the manifest is one chunk"));
            }
            None => None,
        };
        for chunk in &target.chunks {
            let purpose = Purpose { path: target.path.clone(), segment, is_delta: kit.base().is_some() };
            if let Some(other) = purposes.insert(chunk.sha256, purpose).filter(|other| other.segment.is_some()) {
                return Err(ImportError::semantic(&target.path, format!("has the same content as {}", other.path)));
            }
        }
    }
    Ok(purposes)
}

impl Shard {
    /// Rows that there is no room for are put aside.
    pub(super) fn within(room: Room) -> Self {
        Self { builder: GenerationBuilder::within(room), delta: Delta::new(), counted: BTreeMap::new(), manifest: None }
    }

    /// Sorts what was collected, so that joining costs little more than a merge.
    pub(super) fn sort(&mut self) -> Result<(), ImportError> {
        Ok(self.builder.sort()?)
    }

    pub(super) fn take(&mut self, purpose: &Purpose, digest: &Digest, bytes: &[u8]) -> Result<(), ImportError> {
        match purpose.segment {
            Some((segment, kind)) => self.take_segment(purpose, segment, kind, digest, bytes),
            None if purpose.path == MANIFEST_NAME => {
                self.manifest = Some(bytes.to_vec());
                Ok(())
            }
            // Other targets (tokens, a Trivy DB) are kept as they are.
            None => Ok(()),
        }
    }

    fn take_segment(
        &mut self,
        purpose: &Purpose,
        segment: SegmentId,
        kind: SegmentKind,
        digest: &Digest,
        bytes: &[u8],
    ) -> Result<(), ImportError> {
        let path = purpose.path.as_str();
        let mut counted = Segment {
            kind,
            name: path.to_owned(),
            records: 0,
            length: bytes.len() as u64,
            sha256: *digest,
            first: String::new(),
            last: String::new(),
        };
        let mut offset = 0;
        for line in dataset::lines(kind, bytes, dataset::Limits::default()) {
            let line = line.map_err(|error| ImportError::semantic(path, error))?;
            let (bucket, leaf) = ContentRoot::leaf(kind.as_str(), line.key, line.raw);
            let located = Located {
                segment,
                offset: u32::try_from(offset).map_err(|_| ImportError::semantic(path, "is over 4 GiB"))?,
                length: u32::try_from(line.raw.len()).map_err(|_| ImportError::semantic(path, "is over 4 GiB"))?,
                leaf: *leaf.as_bytes(),
            };
            if purpose.is_delta {
                self.take_change(path, kind, Change::of(kind, line), located)?;
            } else {
                self.builder.add_leaf(bucket, leaf);
                self.take_record(path, kind, line.raw, located)?;
                self.builder.make_room()?;
            }
            if counted.records == 0 {
                counted.first = line.key.to_owned();
            }
            line.key.clone_into(&mut counted.last);
            offset += line.raw.len() + 1;
            counted.records += 1;
        }
        self.counted.insert(path.to_owned(), counted);
        Ok(())
    }

    /// A record has one spelling: the content root covers lines, and the index writes some of them again.
    fn take_record(&mut self, path: &str, kind: SegmentKind, raw: &[u8], located: Located) -> Result<(), ImportError> {
        let semantic = |error: dataset::DatasetError| ImportError::semantic(path, error);
        match kind {
            SegmentKind::Advisory => {
                self.builder.add_advisory(&Advisory::parse_canonical(raw).map_err(semantic)?, located);
            }
            SegmentKind::Kev => {
                self.builder.add_known_exploited(&KnownExploited::parse_canonical(raw).map_err(semantic)?, located);
            }
            SegmentKind::Epss => self.builder.add_epss(&Epss::parse_canonical(raw).map_err(semantic)?),
            SegmentKind::Vex => self.builder.add_vex(&vex::parse(path, raw)?.name, located),
        }
        Ok(())
    }

    fn take_change(
        &mut self,
        path: &str,
        kind: SegmentKind,
        change: Change<'_>,
        located: Located,
    ) -> Result<(), ImportError> {
        let semantic = |error: dataset::DatasetError| ImportError::semantic(path, error);
        match (kind, change) {
            (SegmentKind::Advisory, Change::Tombstone(id)) => self.delta.remove_advisory(id),
            (SegmentKind::Kev, Change::Tombstone(cve)) => self.delta.remove_known_exploited(cve),
            (SegmentKind::Epss, Change::Tombstone(cve)) => self.delta.remove_epss(cve),
            (SegmentKind::Vex, Change::Tombstone(name)) => self.delta.remove_vex(name),
            (SegmentKind::Advisory, Change::Upsert(line)) => {
                self.delta.upsert_advisory(Advisory::parse_canonical(line.raw).map_err(semantic)?, located);
            }
            (SegmentKind::Kev, Change::Upsert(line)) => {
                self.delta
                    .upsert_known_exploited(&KnownExploited::parse_canonical(line.raw).map_err(semantic)?, located);
            }
            (SegmentKind::Epss, Change::Upsert(line)) => {
                self.delta.upsert_epss(&Epss::parse_canonical(line.raw).map_err(semantic)?);
            }
            (SegmentKind::Vex, Change::Upsert(line)) => {
                self.delta.upsert_vex(&vex::parse(path, line.raw)?.name, located);
            }
        }
        Ok(())
    }
}
