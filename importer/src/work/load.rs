//! Steps 10 and 11: blobs into the workspace, records into rows, and the content root.
//!
//! One thread reads frames in order; the others decompress, check, store and parse. What
//! each of them collects is joined at the end, where order does not matter any more.

use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;

use domain::time::Timestamp;
use ouk::blobs::SealedFrame;
use ouk::read::OpenKit;
use ouk::tokens::TokenLimits;
use ouk::verify::VerifiedKit;
use store::Workspace;

use super::base::Base;
use super::shard::{Purpose, Purposes, Shard, purposes};
use super::{LoadJob, Loaded, join, trivy};
use crate::entitlements::Offered;
use crate::error::ImportError;
use crate::request::Progress;

/// Each has a frame, its content and what waits for it in memory: three chunks, at most 48 MiB.
const WORKERS_MAX: usize = 4;
/// What the rows of an index may take in memory, of all threads together.
const ROWS_BYTES: usize = 96 << 20;

/// What the threads share.
struct Loading<'a> {
    workspace: &'a Workspace,
    purposes: Purposes,
    bytes_done: AtomicU64,
    progress: &'a (dyn Fn(Progress) + Sync),
}

pub(super) fn load(
    workspace: &Workspace,
    job: &LoadJob,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Loaded, ImportError> {
    let check = &job.check;
    let opened = ouk::read::open(workspace.kit()?, &check.limits)?;
    let kit = ouk::verify::verify(&opened.metadata, &check.trust, &check.gates, check.present, &check.limits)?;
    let base = Base::open(workspace, &kit, job.base.as_ref())?;
    let first = base.as_ref().map_or(0, |base| base.generation.next_segment());
    let purposes = purposes(&kit, first)?;
    if base.is_some() {
        check_delta_fits(&kit, &purposes, check.limits.delta_bytes_max)?;
    }
    let loading = Loading { workspace, purposes, bytes_done: AtomicU64::new(0), progress };
    let shards = loading.run(opened, &kit)?;
    check_assemblies(workspace, &kit)?;
    check_entitlements(workspace, &kit, check.present)?;
    let trivy_db = trivy::check(workspace, &kit)?;
    progress(Progress::Indexing);
    let census = join::join(workspace, base.as_ref(), shards, &loading.purposes)?;
    Ok(Loaded { trivy_db, census })
}

/// Changes are held in memory until all are known. A delta that is too large for that is of little use to anybody.
fn check_delta_fits(kit: &VerifiedKit, purposes: &Purposes, length_max: u64) -> Result<(), ImportError> {
    let is_segment = |digest| purposes.get(digest).is_some_and(|purpose: &Purpose| purpose.segment.is_some());
    let segments = kit.chunks().iter().filter(|chunk| is_segment(&chunk.sha256));
    let length = segments.fold(0_u64, |sum, chunk| sum.saturating_add(chunk.len));
    if length > length_max { Err(ImportError::DeltaTooLarge { length, length_max }) } else { Ok(()) }
}

impl Loading<'_> {
    fn run<R: Read + Send>(&self, opened: OpenKit<R>, kit: &VerifiedKit) -> Result<Vec<Shard>, ImportError> {
        let workers = thread::available_parallelism().map_or(2, usize::from).min(WORKERS_MAX);
        let room = self.workspace.room(ROWS_BYTES / workers);
        let (sender, receiver) = sync_channel(workers);
        let receiver = Arc::new(Mutex::new(receiver));
        thread::scope(|scope| {
            let spawn = |_| {
                let (receiver, shard) = (Arc::clone(&receiver), Shard::within(room.clone()));
                scope.spawn(move || self.work(&receiver, shard))
            };
            let handles: Vec<_> = (0..workers).map(spawn).collect();
            // Only workers hold the receiver: when the last one stops, sending fails instead of waiting.
            drop(receiver);
            let read = read_frames(opened, kit, sender);
            let shards: Result<Vec<Shard>, ImportError> = handles
                .into_iter()
                .map(|handle| handle.join().unwrap_or_else(|_| Err(ImportError::worker("it panicked"))))
                .collect();
            // A worker's refusal is the cause of the reader's closed channel, so it comes first.
            let shards = shards?;
            read.map(|()| shards)
        })
    }

    fn work(&self, frames: &Mutex<Receiver<SealedFrame>>, mut shard: Shard) -> Result<Shard, ImportError> {
        loop {
            let received = frames.lock().map_err(|_| ImportError::worker("a worker panicked"))?.recv();
            let Ok(frame) = received else {
                shard.sort()?;
                return Ok(shard);
            };
            let blob = frame.open()?;
            self.workspace.put_blob(&blob.digest, &blob.bytes)?;
            if let Some(purpose) = self.purposes.get(&blob.digest) {
                shard.take(purpose, &blob.digest, &blob.bytes)?;
            }
            let length = blob.bytes.len() as u64;
            let bytes = self.bytes_done.fetch_add(length, Ordering::Relaxed) + length;
            (self.progress)(Progress::Loading { bytes });
        }
    }
}

fn read_frames<R: Read>(
    opened: OpenKit<R>,
    kit: &VerifiedKit,
    sender: SyncSender<SealedFrame>,
) -> Result<(), ImportError> {
    let mut blobs = ouk::blobs::blobs(opened, kit);
    while let Some(frame) = blobs.next_frame()? {
        if sender.send(frame).is_err() {
            return Err(ImportError::worker("all workers stopped early"));
        }
    }
    Ok(blobs.finish()?)
}

/// Every byte of a kit is read here first, so what cannot be read is found where it does no harm.
fn check_entitlements(workspace: &Workspace, kit: &VerifiedKit, now: Timestamp) -> Result<(), ImportError> {
    let limits = TokenLimits::default();
    let offered = Offered::read(kit, &limits, |chunk| Ok(workspace.read_blob(&chunk.sha256, chunk.len)?))?;
    offered.check(now, &limits)
}

/// Parts that are right make a wrong whole when they are listed in the wrong order.
fn check_assemblies(workspace: &Workspace, kit: &VerifiedKit) -> Result<(), ImportError> {
    for target in kit.targets().iter().filter(|target| target.chunks.len() > 1) {
        let mut assembly = target.assembly();
        for chunk in &target.chunks {
            assembly.push(&workspace.read_blob(&chunk.sha256, chunk.len)?);
        }
        assembly.finish()?;
    }
    Ok(())
}
