//! What is done with a kit that nobody trusts yet: expanding, verifying, parsing.
//!
//! All of it is a function of a job and of the files in a [`Workspace`], so that it can
//! run in a process of its own that reaches nothing else ([`crate::isolated`]). What comes
//! back is held against the signatures once more before it is kept.

pub(crate) mod base;
mod harvest;
mod join;
mod load;
mod open;
mod shard;
pub(crate) mod trivy;
mod vex;

use domain::digest::Digest;
use domain::time::Timestamp;
use feeds::trivydb::Contents;
use ouk::limits::Limits;
use ouk::verify::{Gates, TrustState};
use serde::{Deserialize, Serialize};
use store::{Census, GenerationRow, Workspace};

use crate::error::ImportError;
use crate::request::Progress;

pub use harvest::{Damaged, Ending, HarvestJob, Harvested};

/// What a kit is held against. The same for every step of one import.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Check {
    pub trust: TrustState,
    pub gates: Gates,
    /// The time that expiry is judged by.
    pub present: Timestamp,
    pub limits: Limits,
}

/// Steps 2 to 8: the seal, the metadata frame, the signed metadata.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OpenJob {
    pub check: Check,
    /// None when there is no seal, or no key to check it with.
    pub seal: Option<Seal>,
}

/// A minisign seal to check.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Seal {
    pub text: String,
    pub key: String,
    /// The digest of the whole kit, which the seal must state.
    pub kit_sha256: Digest,
}

/// What [`open`] found. The expanded metadata frame lies in the workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// Of the metadata frame, as it stands in the kit.
    pub frame_length: u64,
    /// Of a site's frame directly behind it; 0 when there is none. Its files lie in the workspace, too.
    pub site_length: u64,
}

/// Steps 10 and 11: blobs and records.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LoadJob {
    pub check: Check,
    /// The generation that a delta applies to.
    pub base: Option<GenerationRow>,
}

/// What [`load`] found. The blobs and the index lie in the workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loaded {
    /// What the Trivy DB holds, when the kit carries one.
    pub trivy_db: Option<Contents>,
    /// How much the data set holds of what.
    pub census: Census,
}

/// Who does the work.
pub trait Worker: Sync {
    fn open(&self, workspace: &Workspace, job: &OpenJob) -> Result<Opened, ImportError>;

    fn load(
        &self,
        workspace: &Workspace,
        job: &LoadJob,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<Loaded, ImportError>;

    /// Looks for what is left of a kit in a source that is not, or not wholly, that kit.
    fn harvest(&self, workspace: &Workspace, job: &HarvestJob) -> Result<Harvested, ImportError>;
}

/// The work, done in the process that asks for it. For tests, for simulation, and inside of
/// the confined process itself.
#[derive(Clone, Copy, Debug)]
pub struct InProcess;

impl Worker for InProcess {
    fn open(&self, workspace: &Workspace, job: &OpenJob) -> Result<Opened, ImportError> {
        open::open(workspace, job)
    }

    fn load(
        &self,
        workspace: &Workspace,
        job: &LoadJob,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<Loaded, ImportError> {
        load::load(workspace, job, progress)
    }

    fn harvest(&self, workspace: &Workspace, job: &HarvestJob) -> Result<Harvested, ImportError> {
        harvest::harvest(workspace, job)
    }
}
