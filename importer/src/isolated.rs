//! The worker as a process that reaches nothing but the kit and its workspace.
//!
//! ```text
//! importer: Isolated ── job on stdin ──> stella import-worker
//!                                          confine(): limits, Landlock, seccomp
//!                                          the same code as in one process (`InProcess`)
//!          <── progress, then what was found or why the kit is refused
//! ```
//!
//! It may crash, hang, be killed or lie. The first three are an error that names the way it ended;
//! against the last, [`crate::prepare`] checks signatures and digests again.

use std::io::{self, Read};
use std::path::{self, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sandbox::{Confinement, Input, Level, Message, OutputLimits, Spec, Worker as Process};
use serde::{Deserialize, Serialize};
use store::Workspace;
use store::disk::RealDisk;

use crate::error::{ImportError, Refusal};
use crate::request::Progress;
use crate::work::{Check, HarvestJob, Harvested, InProcess, LoadJob, Loaded, OpenJob, Opened, Worker};

/// The hidden verb that `main` hands to [`run`].
pub const VERB: &str = "import-worker";

/// A job is mostly the row of a delta's base, with a digest for each blob.
const JOB_BYTES_MAX: u64 = 64 << 20;
/// Whatever the size of the kit: blobs pass through, rows are sorted in bounded memory, the index has a cache of
/// a fixed size (docs/performance.md, "Memory").
const MEMORY_BYTES: u64 = 512 << 20;
/// What the allocator reserves for each thread and does not use counts here.
const ADDRESS_SPACE_BYTES: u64 = 16 << 30;
const OPEN_FILES: u64 = 64;
/// The index and the blobs, each far below.
const FILE_BYTES: u64 = 64 << 30;
/// A hundred times slower than the slowest machine that was measured.
const BYTES_PER_SECOND_MIN: u64 = 1 << 20;
const OUTPUT: OutputLimits =
    OutputLimits { line_bytes_max: 16 << 20, total_bytes_max: 256 << 20, stderr_bytes_max: 4096 };
const ANOTHER_QUESTION: &str = "it answered another question";
/// Progress is reported about this often and not for each of a hundred thousand blobs.
const PROGRESS_STEP_BYTES: u64 = 4 << 20;

/// Runs each job in a process of its own.
#[derive(Clone, Copy, Debug)]
pub struct Isolated {
    pub level: Level,
    /// How long a job may take, beside the time that its size allows it.
    pub patience: Duration,
}

impl Default for Isolated {
    fn default() -> Self {
        Self { level: Level::BestEffort, patience: Duration::from_secs(300) }
    }
}

#[derive(Serialize, Deserialize)]
struct Errand {
    confinement: Confinement,
    kit: PathBuf,
    directory: PathBuf,
    /// The state directory that a base is found below.
    state: PathBuf,
    job: Job,
}

#[derive(Serialize, Deserialize)]
enum Job {
    Open(Box<OpenJob>),
    Load(Box<LoadJob>),
    Harvest(Box<HarvestJob>),
}

#[derive(Serialize, Deserialize)]
enum Found {
    Opened(Opened),
    Loaded(Box<Loaded>),
    Harvested(Harvested),
    Refused(Refusal),
}

impl Worker for Isolated {
    fn open(&self, workspace: &Workspace, job: &OpenJob) -> Result<Opened, ImportError> {
        match self.run(workspace, Job::Open(Box::new(job.clone())), &job.check, &|_| ())? {
            Found::Opened(opened) => Ok(opened),
            Found::Refused(refusal) => Err(ImportError::Found(refusal)),
            Found::Loaded(_) | Found::Harvested(_) => Err(ImportError::worker(ANOTHER_QUESTION)),
        }
    }

    fn load(
        &self,
        workspace: &Workspace,
        job: &LoadJob,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<Loaded, ImportError> {
        match self.run(workspace, Job::Load(Box::new(job.clone())), &job.check, progress)? {
            Found::Loaded(loaded) => Ok(*loaded),
            Found::Refused(refusal) => Err(ImportError::Found(refusal)),
            Found::Opened(_) | Found::Harvested(_) => Err(ImportError::worker(ANOTHER_QUESTION)),
        }
    }

    fn harvest(&self, workspace: &Workspace, job: &HarvestJob) -> Result<Harvested, ImportError> {
        match self.run(workspace, Job::Harvest(Box::new(job.clone())), &job.check, &|_| ())? {
            Found::Harvested(harvested) => Ok(harvested),
            Found::Refused(refusal) => Err(ImportError::Found(refusal)),
            Found::Opened(_) | Found::Loaded(_) => Err(ImportError::worker(ANOTHER_QUESTION)),
        }
    }
}

impl Isolated {
    fn run(
        &self,
        workspace: &Workspace,
        job: Job,
        check: &Check,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<Found, ImportError> {
        let absolute_of = |path: &PathBuf| path::absolute(path).map_err(ImportError::worker);
        let (kit, directory) = (absolute_of(workspace.kit_path())?, absolute_of(workspace.directory())?);
        let state = absolute_of(workspace.state())?;
        // Only a delta needs to see anything of the state.
        let base = match &job {
            Job::Load(job) if job.base.is_some() => workspace.base_paths(),
            _ => Vec::new(),
        };
        let base: Vec<PathBuf> = base.iter().map(absolute_of).collect::<Result<_, _>>()?;
        let seconds = self.patience.as_secs() + workspace.kit_length()? / BYTES_PER_SECOND_MIN;
        let confinement = Confinement {
            read_only: std::iter::once(kit.clone()).chain(base).collect(),
            read_write: vec![directory.clone()],
            limits: sandbox::Limits {
                memory_bytes: MEMORY_BYTES.max(2 * check.limits.chunk_bytes_max),
                address_space_bytes: ADDRESS_SPACE_BYTES,
                cpu_seconds: seconds,
                file_bytes: FILE_BYTES,
                open_files: OPEN_FILES,
            },
            level: self.level,
        };
        let errand = Errand { confinement, kit, directory: directory.clone(), state, job };
        let input = Input::Bytes(serde_json::to_vec(&errand).map_err(ImportError::worker)?);
        let spec = Spec { arguments: vec![VERB.into()], directory, input, output: OUTPUT };
        let process = Process::start(spec).map_err(ImportError::from)?;
        Ok(process.wait::<Progress, Found>(Duration::from_secs(seconds), progress)?)
    }
}

/// What the worker's process does: to be called first of all, before any thread is started.
pub fn run() -> io::Result<()> {
    let mut text = Vec::new();
    io::stdin().take(JOB_BYTES_MAX).read_to_end(&mut text)?;
    let errand: Errand = serde_json::from_slice(&text)?;
    sandbox::confine(&errand.confinement).map_err(io::Error::other)?;
    let workspace = Workspace::new(Arc::new(RealDisk), errand.kit, errand.directory, errand.state);
    let found = match errand.job {
        Job::Open(job) => InProcess.open(&workspace, &job).map(Found::Opened),
        Job::Harvest(job) => InProcess.harvest(&workspace, &job).map(Found::Harvested),
        Job::Load(job) => InProcess.load(&workspace, &job, &tell).map(|loaded| Found::Loaded(Box::new(loaded))),
    };
    let found = found.unwrap_or_else(|error| Found::Refused(Refusal::from(&error)));
    sandbox::send(&Message::<Progress, Found>::Done(found))
}

/// Says how far the work is: of loading, once per step.
fn tell(progress: Progress) {
    static STEPS_TOLD: AtomicU64 = AtomicU64::new(0);
    if let Progress::Loading { bytes } = progress {
        let step = bytes / PROGRESS_STEP_BYTES;
        if STEPS_TOLD.fetch_max(step, Ordering::Relaxed) >= step {
            return;
        }
    }
    // A parent that is gone has killed this process already.
    let _ = sandbox::send(&Message::<Progress, Found>::Progress(progress));
}
