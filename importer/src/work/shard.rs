//! What one thread collects from the blobs that it opens.

use std::collections::BTreeMap;

use domain::digest::Digest;
use domain::exploitation::Epss;
use domain::root::ContentRoot;
use feeds::dataset::{self, MANIFEST_NAME, Row, Segment, SegmentKind};
use ouk::verify::VerifiedKit;
use store::{GenerationBuilder, Located, SegmentId};

use crate::error::ImportError;

/// What a chunk is for: the path of its target, and its number among the segments.
#[derive(Clone)]
pub(super) struct Purpose {
    pub(super) path: String,
    pub(super) segment: Option<(SegmentId, SegmentKind)>,
}

/// Every chunk by its digest.
pub(super) type Purposes = BTreeMap<Digest, Purpose>;

/// What one thread has collected.
#[derive(Default)]
pub(super) struct Shard {
    pub(super) builder: GenerationBuilder,
    /// Path to what was counted in it.
    pub(super) counted: BTreeMap<String, Segment>,
    pub(super) manifest: Option<Vec<u8>>,
}

/// The kind of segment that lies under a path.
fn kind_of(path: &str) -> Option<SegmentKind> {
    let folder = |kind: &SegmentKind| {
        let name = kind.segment_name(0);
        name.rsplit_once('/')
            .is_some_and(|(folder, _)| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))
    };
    SegmentKind::ALL.into_iter().find(folder)
}

/// Maps every chunk to what it is for.
pub(super) fn purposes(kit: &VerifiedKit) -> Result<Purposes, ImportError> {
    let mut purposes = BTreeMap::new();
    let mut next: SegmentId = 0;
    for target in kit.targets() {
        let segment = match kind_of(&target.path) {
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
            let purpose = Purpose { path: target.path.clone(), segment };
            if let Some(other) = purposes.insert(chunk.sha256, purpose).filter(|other| other.segment.is_some()) {
                return Err(ImportError::semantic(&target.path, format!("has the same content as {}", other.path)));
            }
        }
    }
    Ok(purposes)
}

impl Shard {
    /// Sorts what was collected, so that joining costs little more than a merge.
    pub(super) fn sort(&mut self) {
        self.builder.sort();
    }

    pub(super) fn take(&mut self, purpose: &Purpose, digest: &Digest, bytes: &[u8]) -> Result<(), ImportError> {
        match purpose.segment {
            Some((segment, kind)) => self.take_segment(&purpose.path, segment, kind, digest, bytes),
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
        path: &str,
        segment: SegmentId,
        kind: SegmentKind,
        digest: &Digest,
        bytes: &[u8],
    ) -> Result<(), ImportError> {
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
            self.builder.add_leaf(bucket, leaf);
            let located = Located {
                segment,
                offset: u32::try_from(offset).map_err(|_| ImportError::semantic(path, "is over 4 GiB"))?,
                length: u32::try_from(line.raw.len()).map_err(|_| ImportError::semantic(path, "is over 4 GiB"))?,
                leaf: *leaf.as_bytes(),
            };
            self.take_record(path, kind, line.raw, located)?;
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

    fn take_record(&mut self, path: &str, kind: SegmentKind, raw: &[u8], located: Located) -> Result<(), ImportError> {
        let semantic = |error: dataset::DatasetError| ImportError::semantic(path, error);
        match kind {
            SegmentKind::Advisory => {
                self.builder.add_advisory(&dataset::parse_advisory(raw).map_err(semantic)?, located);
            }
            SegmentKind::Kev => {
                self.builder.add_known_exploited(&dataset::parse_kev(raw).map_err(semantic)?, located);
            }
            // The index writes the line again from the fact, so it must have one spelling.
            SegmentKind::Epss => self.builder.add_epss(&Epss::parse_canonical(raw).map_err(semantic)?),
        }
        Ok(())
    }
}
