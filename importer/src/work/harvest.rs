//! Looking for the frames of a kit in what may be a volume, or the remains of a copy.
//!
//! The worker says where a frame stands and hands over no byte of it: whoever asks reads and hashes for himself.

use std::collections::BTreeMap;
use std::io;

use domain::digest::Digest;
use ouk::read::SealedMetadata;
use ouk::verify::Chunk;
use ouk::volume::{Damage, Ended, FoundFrame, FrameSet, Outline, VolumeError};
use serde::{Deserialize, Serialize};
use store::{StoreError, Workspace};

use super::Check;
use crate::error::ImportError;

/// Enough to tell a scratch from a ruin.
const DAMAGES_TOLD_MAX: usize = 16;

/// Which frames are looked for: those of the kit whose metadata frame lies in the workspace.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HarvestJob {
    pub check: Check,
}

/// Where frames of the kit are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Harvested {
    /// Place in the outline of the kit, and offset in the source.
    pub found: Vec<(usize, u64)>,
    pub damaged: Vec<Damaged>,
    pub ending: Ending,
}

/// Bytes that are no frame where one should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damaged {
    pub offset: u64,
    pub length: u64,
}

/// How a source ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// With the frame that ends a kit.
    Whole,
    /// Too early: the copy is not finished.
    Cut,
}

pub(super) fn harvest(workspace: &Workspace, job: &HarvestJob) -> Result<Harvested, ImportError> {
    let Check { trust, gates, present, limits } = &job.check;
    let frame = workspace.read_frame(limits.metadata_frame_bytes_max)?;
    let metadata = SealedMetadata::from_frame(&frame, limits)?;
    let kit = ouk::verify::verify(&metadata, trust, gates, *present, limits)?;
    let outline = Outline::new(&metadata, &kit);
    let mut places = Places::of(&outline);
    let found = ouk::volume::harvest(workspace.kit()?, &outline, limits, &mut places).map_err(refuse)?;
    let ending = match found.ended {
        Ended::Complete | Ended::Volume => Ending::Whole,
        Ended::Truncated => Ending::Cut,
        Ended::ReadError(source) => {
            return Err(StoreError::Io { path: workspace.kit_path().clone(), source }.into());
        }
    };
    let told = |damage: &Damage| Damaged { offset: damage.offset, length: damage.length };
    let damaged = found.damaged.iter().take(DAMAGES_TOLD_MAX).map(told).collect();
    Ok(Harvested { found: places.found, damaged, ending })
}

fn refuse(error: VolumeError) -> ImportError {
    match error {
        VolumeError::Kit(error) => error.into(),
        other => ImportError::worker(other),
    }
}

/// Remembers where frames stand, and keeps none.
struct Places {
    places: BTreeMap<Digest, usize>,
    found: Vec<(usize, u64)>,
}

impl Places {
    fn of(outline: &Outline) -> Self {
        let places = outline.chunks().iter().enumerate().map(|(place, chunk)| (chunk.csha256, place)).collect();
        Self { places, found: Vec::new() }
    }
}

impl FrameSet for Places {
    fn has(&self, _csha256: &Digest) -> bool {
        // Each is told where it stands. None can occur twice: that is out of order, and refused.
        false
    }

    fn put(&mut self, found: &FoundFrame<'_>) -> io::Result<()> {
        let place = self.places.get(&found.chunk().csha256).ok_or(io::ErrorKind::NotFound)?;
        self.found.push((*place, found.offset()));
        Ok(())
    }

    fn read(&mut self, _chunk: &Chunk) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
