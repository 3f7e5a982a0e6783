//! A data set, and where its segments are.

use std::collections::BTreeMap;
use std::io::{Cursor as Bytes, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use domain::digest::Digest;
use domain::root::ContentRoot;
use feeds::dataset::{Limits, Manifest, Segment, SegmentKind, lines};
use feeds::delta::Cursor;

use super::build::read_manifest;
use crate::cli::files;

/// A manifest and where its segments are.
pub(super) struct DataSet {
    pub(super) manifest: Manifest,
    /// What is not in memory is a file here.
    directory: Option<PathBuf>,
    /// Out of a kit, or made here; by digest.
    memory: BTreeMap<Digest, Vec<u8>>,
}

impl DataSet {
    pub(super) fn open(directory: &Path) -> Result<Self> {
        let manifest = read_manifest(directory)?;
        Ok(Self { manifest, directory: Some(directory.to_owned()), memory: BTreeMap::new() })
    }

    pub(super) fn in_memory(manifest: Manifest, memory: BTreeMap<Digest, Vec<u8>>) -> Self {
        Self { manifest, directory: None, memory }
    }

    /// The same with other segments, some of which were made.
    pub(super) fn with(mut self, manifest: Manifest, made: BTreeMap<Digest, Vec<u8>>) -> Self {
        self.memory.extend(made);
        Self { manifest, ..self }
    }

    pub(super) fn lines(&self, kind: SegmentKind) -> Cursor<impl FnMut() -> Option<Result<Vec<u8>>>> {
        let mut segments = self.manifest.segments.iter().filter(move |segment| segment.kind == kind);
        Cursor::new(kind, Limits::default(), move || segments.next().map(|segment| self.read(segment)))
    }

    /// The content of a segment, which is checked when the kit is built.
    pub(super) fn content(&self, segment: &Segment) -> Result<Box<dyn Read>> {
        Ok(match (self.memory.get(&segment.sha256), &self.directory) {
            (Some(bytes), _) => Box::new(Bytes::new(bytes.clone())),
            (None, Some(directory)) => Box::new(files::open(&directory.join(&segment.name))?),
            (None, None) => Box::new(Bytes::new(self.read(segment)?)),
        })
    }

    fn read(&self, segment: &Segment) -> Result<Vec<u8>> {
        let bytes = match (self.memory.get(&segment.sha256), &self.directory) {
            (Some(bytes), _) => bytes.clone(),
            (None, Some(directory)) => files::read(&directory.join(&segment.name), segment.length)?,
            (None, None) => return Err(anyhow::anyhow!("{} is missing", segment.name)),
        };
        segment.verify(&bytes)?;
        Ok(bytes)
    }

    /// The content root of everything but VEX, to which more is to be added.
    pub(super) fn content_root_without_vex(&self) -> Result<ContentRoot> {
        let mut root = ContentRoot::new();
        for segment in self.manifest.segments.iter().filter(|segment| segment.kind != SegmentKind::Vex) {
            let bytes = self.read(segment)?;
            for line in lines(segment.kind, &bytes, Limits::default()) {
                let line = line.with_context(|| segment.name.clone())?;
                root.add(segment.kind.as_str(), line.key, line.raw);
            }
        }
        Ok(root)
    }
}
