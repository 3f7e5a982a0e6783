//! Steps 10 and 11: blobs into the store, records into rows, and the content root.
//!
//! One thread reads frames in order; the others decompress, check, store and parse. What
//! each of them collects is joined at the end, where order does not matter any more.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;

use domain::digest::Digest;
use domain::exploitation::Epss;
use domain::root::ContentRoot;
use domain::source::SourceStatus;
use feeds::dataset::{self, MANIFEST_NAME, Manifest, Row, Segment, SegmentKind};
use ouk::blobs::SealedFrame;
use ouk::read::OpenKit;
use ouk::verify::VerifiedKit;
use store::{GenerationBuilder, Located, SegmentId, Store};

use crate::error::ImportError;
use crate::run::Progress;

/// Far above any manifest: one entry per segment and source.
const MANIFEST_BYTES_MAX: usize = 8 << 20;

/// Everything that step 12 needs.
pub(crate) struct Loaded {
    pub(crate) builder: GenerationBuilder,
    pub(crate) segments: Vec<(SegmentId, Digest)>,
    pub(crate) content_root: Digest,
    pub(crate) sources: Vec<SourceStatus>,
    pub(crate) blobs: Vec<Digest>,
    pub(crate) manifest: Digest,
    pub(crate) metadata_frame: Digest,
}

/// What a chunk is for: the path of its target, and its number among the segments.
#[derive(Clone)]
struct Purpose {
    path: String,
    segment: Option<(SegmentId, SegmentKind)>,
}

/// What one worker has collected.
#[derive(Default)]
struct Shard {
    builder: GenerationBuilder,
    /// Path to what was counted in it.
    counted: BTreeMap<String, Segment>,
    manifest: Option<Vec<u8>>,
    blobs: Vec<Digest>,
}

/// Streams all blobs of a verified kit into the store.
pub(crate) fn load<R: Read + Send>(
    store: &Store,
    opened: OpenKit<R>,
    kit: &VerifiedKit,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Loaded, ImportError> {
    let frame = opened.metadata.frame().to_vec();
    let metadata_frame = Digest::of(&frame);
    store.blobs().put(&metadata_frame, &frame)?;
    let purposes = purposes(kit)?;
    let bytes_done = AtomicU64::new(0);
    let workers = thread::available_parallelism().map_or(2, usize::from);
    let (sender, receiver) = sync_channel(workers);
    let receiver = Arc::new(Mutex::new(receiver));
    let shards = thread::scope(|scope| {
        let (purposes, bytes_done) = (&purposes, &bytes_done);
        let spawn = |_| {
            let receiver = Arc::clone(&receiver);
            scope.spawn(move || worker(store, &receiver, purposes, bytes_done, progress))
        };
        let handles: Vec<_> = (0..workers).map(spawn).collect();
        // Only workers hold the receiver: when the last one stops, sending fails instead of waiting.
        drop(receiver);
        let read = read_frames(opened, kit, sender);
        let shards: Result<Vec<Shard>, ImportError> = handles
            .into_iter()
            .map(|handle| handle.join().unwrap_or_else(|_| Err(ImportError::Worker("it panicked".to_owned()))))
            .collect();
        // A worker's refusal is the cause of the reader's closed channel, so it comes first.
        let shards = shards?;
        read.map(|()| shards)
    })?;
    check_assemblies(store, kit)?;
    join(shards, &purposes, metadata_frame)
}

/// Parts that are right make a wrong whole when they are listed in the wrong order.
fn check_assemblies(store: &Store, kit: &VerifiedKit) -> Result<(), ImportError> {
    for target in kit.targets().iter().filter(|target| target.chunks.len() > 1) {
        let mut assembly = target.assembly();
        for chunk in &target.chunks {
            assembly.push(&store.blobs().read(&chunk.sha256, chunk.len)?);
        }
        assembly.finish()?;
    }
    Ok(())
}

fn read_frames<R: Read>(
    opened: OpenKit<R>,
    kit: &VerifiedKit,
    sender: SyncSender<SealedFrame>,
) -> Result<(), ImportError> {
    let mut blobs = ouk::blobs::blobs(opened, kit);
    while let Some(frame) = blobs.next_frame()? {
        if sender.send(frame).is_err() {
            return Err(ImportError::Worker("all workers stopped early".to_owned()));
        }
    }
    Ok(blobs.finish()?)
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
fn purposes(kit: &VerifiedKit) -> Result<BTreeMap<Digest, Purpose>, ImportError> {
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

fn worker(
    store: &Store,
    frames: &Mutex<Receiver<SealedFrame>>,
    purposes: &BTreeMap<Digest, Purpose>,
    bytes_done: &AtomicU64,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Shard, ImportError> {
    let mut shard = Shard::default();
    loop {
        let received = frames.lock().map_err(|_| ImportError::Worker("a worker panicked".to_owned()))?.recv();
        let Ok(frame) = received else {
            shard.builder.sort();
            return Ok(shard);
        };
        let blob = frame.open()?;
        store.blobs().put(&blob.digest, &blob.bytes)?;
        shard.blobs.push(blob.digest);
        if let Some(purpose) = purposes.get(&blob.digest) {
            shard.take(purpose, &blob.digest, &blob.bytes)?;
        }
        let bytes = bytes_done.fetch_add(blob.bytes.len() as u64, Ordering::Relaxed) + blob.bytes.len() as u64;
        progress(Progress::Loading { bytes });
    }
}

impl Shard {
    fn take(&mut self, purpose: &Purpose, digest: &Digest, bytes: &[u8]) -> Result<(), ImportError> {
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

/// Joins the shards and holds what was found against what was signed.
fn join(
    shards: Vec<Shard>,
    purposes: &BTreeMap<Digest, Purpose>,
    metadata_frame: Digest,
) -> Result<Loaded, ImportError> {
    let mut builder = GenerationBuilder::new();
    let mut counted = BTreeMap::new();
    let mut manifest = None;
    let mut blobs = Vec::new();
    for shard in shards {
        builder.join(shard.builder);
        counted.extend(shard.counted);
        manifest = manifest.or(shard.manifest);
        blobs.extend(shard.blobs);
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
    blobs.sort_unstable();
    blobs.dedup();
    let segments = purposes.iter().filter_map(|(digest, purpose)| purpose.segment.map(|(number, _)| (number, *digest)));
    let mut segments: Vec<_> = segments.collect();
    segments.sort_unstable();
    for row in manifest.coverage.iter().filter(|row| row.complete) {
        builder.declare_complete(&row.ecosystem);
    }
    let (sources, manifest) = (manifest.sources, manifest_digest);
    Ok(Loaded { builder, segments, content_root, sources, blobs, manifest, metadata_frame })
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
