//! Kits that come in parts: today one volume, tomorrow another, or the rest of a copy that broke off.
//!
//! ```text
//! sets/<set>.note       which kit it is, until when it waits, and what has come; with its digest, as rows have
//! sets/<set>.metadata   the metadata frame, and a site's frame, as they were verified
//! sets/<set>.<frame>    a frame of the kit under its (compressed) SHA-256
//! ```
//!
//! A set is named by the SHA-256 of the metadata frame, so that it takes in every volume and every copy of
//! one kit and nothing of another. It begins only when that metadata was verified: a
//! stranger's stick keeps nothing here. A frame is hashed when it is kept and whenever it is read, so what
//! rots here is missed and asked for again, never believed.
//!
//! A set is there when its note is: the note comes last and goes first, and files without one are removed by
//! the next import. No directory per set, so that nothing is left when one goes. The sweep of
//! an import leaves sets alone; they end with their kit, by their date, or when somebody gives them up.

mod frames;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use domain::digest::Digest;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::disk::Kind;
use crate::durable::{list, read_file, remove_file, sync_directory, write_file};
use crate::error::StoreError;
use crate::rows::{decode, encode};
use crate::state::{ImportLock, Store};

pub use frames::KeptSet;

/// How long a set waits for the rest of its kit, from its first part on.
pub const SET_DAYS: i64 = 14;
/// Each may grow to the size of its kit.
const SETS_MAX: usize = 4;
/// As many volumes as a kit is cut into at most; further copies count, and are not named.
const VOLUMES_MAX: usize = 999;
/// A note with that many volumes.
const NOTE_BYTES_MAX: u64 = 4 << 20;
/// Two frames of 8 MiB, each as it came and expanded.
const METADATA_BYTES_MAX: u64 = 64 << 20;
const NOTE: &str = "note";
const METADATA: &str = "metadata";

/// A kit that waits for further parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetRow {
    /// SHA-256 of the metadata frame.
    pub id: Digest,
    pub product: String,
    pub channel: String,
    pub kit_version: u64,
    pub signed_at: Timestamp,
    pub metadata_digest: Digest,
    /// Of the whole kit.
    pub frames: u64,
    /// The lengths of all its frames together.
    pub bytes: u64,
    pub began_at: Timestamp,
    pub expires_at: Timestamp,
    /// What has come, each file once.
    pub volumes: Vec<VolumeRow>,
}

/// A file that had a part of the kit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeRow {
    pub given_as: String,
    pub sha256: Digest,
    pub length: u64,
    /// Frames of the kit that are sound in it.
    pub frames: u64,
    pub at: Timestamp,
}

/// The frames of a kit that are expanded before anything else of it: as they stand in the kit, and expanded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetMetadata {
    pub vendor: [Vec<u8>; 2],
    pub site: Option<[Vec<u8>; 2]>,
}

/// A set, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Waiting {
    #[serde(flatten)]
    pub row: SetRow,
    pub kept_frames: u64,
    pub kept_bytes: u64,
}

impl SetMetadata {
    /// The digest of the rest, then the parts: as JSON, which rows are, they would be four times as long.
    fn encode(&self) -> Vec<u8> {
        let value = postcard::to_stdvec(self).expect("plain data");
        [Digest::of(&value).as_bytes().as_slice(), &value].concat()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (digest, value) = bytes.split_first_chunk::<32>()?;
        (Digest::of(value).as_bytes() == digest).then(|| postcard::from_bytes(value).ok()).flatten()
    }
}

impl Waiting {
    pub fn missing_frames(&self) -> u64 {
        self.row.frames.saturating_sub(self.kept_frames)
    }

    pub fn missing_bytes(&self) -> u64 {
        self.row.bytes.saturating_sub(self.kept_bytes)
    }
}

impl SetRow {
    /// By the time that is believed. One that began later than that is as good as new.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expires_at
    }

    /// Adds a file, or what a second reading of it has brought.
    fn add(&mut self, volume: VolumeRow) {
        if let Some(known) = self.volumes.iter_mut().find(|known| known.sha256 == volume.sha256) {
            known.frames = known.frames.max(volume.frames);
        } else if self.volumes.len() < VOLUMES_MAX {
            self.volumes.push(volume);
        }
    }
}

impl Store {
    /// The sets that wait, oldest first. One whose note cannot be read is none.
    pub fn sets(&self) -> Result<Vec<Waiting>, StoreError> {
        let mut kept: BTreeMap<Digest, (u64, u64)> = BTreeMap::new();
        let mut rows = Vec::new();
        for path in list(self.disk(), &self.layout().sets())? {
            match self.part_of_set(&path) {
                Some((id, Part::Note)) => rows.extend(self.note(&id).unwrap_or_default()),
                Some((id, Part::Frame(_))) => {
                    // An import beside us may end the set while we look.
                    if let Some(length) = self.length_in_sets(&path)? {
                        let (frames, bytes) = kept.entry(id).or_default();
                        *frames += 1;
                        *bytes += length;
                    }
                }
                Some((_, Part::Metadata)) | None => {}
            }
        }
        rows.sort_by_key(|row: &SetRow| (row.began_at, row.id));
        let waiting = |row: SetRow| {
            let (kept_frames, kept_bytes) = kept.get(&row.id).copied().unwrap_or_default();
            Waiting { row, kept_frames, kept_bytes }
        };
        Ok(rows.into_iter().map(waiting).collect())
    }

    /// Begins a set, or goes on with it: then its date and its volumes stay, and what a site says now
    /// takes the place of what one said. `bytes_max` is for all sets together.
    pub fn begin_set(
        &self,
        _lock: &ImportLock,
        row: SetRow,
        metadata: &SetMetadata,
        bytes_max: u64,
    ) -> Result<SetRow, StoreError> {
        let known = self.note(&row.id)?;
        let older = self.set_metadata(&row.id)?;
        let others: Vec<Waiting> = self.sets()?.into_iter().filter(|set| set.row.id != row.id).collect();
        let bytes = others.iter().map(|set| set.row.bytes).sum::<u64>();
        if known.is_none() && (others.len() >= SETS_MAX || bytes.saturating_add(row.bytes) > bytes_max) {
            return Err(StoreError::SetsFull { sets: others.len(), bytes });
        }
        let site = metadata.site.clone().or_else(|| older.as_ref().and_then(|older| older.site.clone()));
        let metadata = SetMetadata { vendor: metadata.vendor.clone(), site };
        if older.as_ref() != Some(&metadata) {
            self.write_in_sets(&self.layout().set_file(&row.id, METADATA), &metadata.encode())?;
            sync_directory(self.disk(), &self.layout().sets())?;
        }
        match known {
            Some(row) => Ok(row),
            None => {
                self.save_set(&row)?;
                Ok(row)
            }
        }
    }

    /// Writes down that a file had a part of the kit. What it had is durable by then.
    pub fn add_volume(&self, _lock: &ImportLock, row: &mut SetRow, volume: VolumeRow) -> Result<(), StoreError> {
        row.add(volume);
        self.save_set(row)
    }

    /// What the kit of a set was verified from; None when there is no such set, or it has rotted.
    pub fn set_metadata(&self, id: &Digest) -> Result<Option<SetMetadata>, StoreError> {
        let path = self.layout().set_file(id, METADATA);
        let bytes = read_file(self.disk(), &path, METADATA_BYTES_MAX)?;
        Ok(bytes.and_then(|bytes| SetMetadata::decode(&bytes)))
    }

    /// Gives a set up; says how many bytes that freed.
    pub fn drop_set(&self, _lock: &ImportLock, id: &Digest) -> Result<u64, StoreError> {
        // First the note: what is left when the power goes is then no set any more.
        remove_file(self.disk(), &self.layout().set_file(id, NOTE))?;
        sync_directory(self.disk(), &self.layout().sets())?;
        self.remove_from_sets(&|other| other == Some(*id))
    }

    /// Removes what belongs to no set. Says which sets that were: their notes or their metadata have rotted.
    pub fn sweep_sets(&self, lock: &ImportLock) -> Result<Vec<Digest>, StoreError> {
        let mut rotten = Vec::new();
        let mut whole = Vec::new();
        for path in list(self.disk(), &self.layout().sets())? {
            let Some((id, Part::Note)) = self.part_of_set(&path) else { continue };
            if self.note(&id)?.is_some() && self.set_metadata(&id)?.is_some() {
                whole.push(id);
            } else {
                self.drop_set(lock, &id)?;
                rotten.push(id);
            }
        }
        self.remove_from_sets(&|id| id.is_none_or(|id| !whole.contains(&id)))?;
        Ok(rotten)
    }

    fn remove_from_sets(&self, goes: &dyn Fn(Option<Digest>) -> bool) -> Result<u64, StoreError> {
        let mut freed = 0;
        for path in list(self.disk(), &self.layout().sets())? {
            let found = self.disk().stat(&path).map_err(StoreError::io(&path))?;
            if found.kind != Kind::Directory && goes(self.part_of_set(&path).map(|(id, _)| id)) {
                freed += found.length;
                remove_file(self.disk(), &path)?;
            }
        }
        Ok(freed)
    }

    fn length_in_sets(&self, path: &Path) -> Result<Option<u64>, StoreError> {
        match self.disk().stat(path) {
            Ok(found) => Ok(Some(found.length)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::io(path)(error)),
        }
    }

    /// The note of a set; None when there is none, or it is not what was written.
    fn note(&self, id: &Digest) -> Result<Option<SetRow>, StoreError> {
        let bytes = read_file(self.disk(), &self.layout().set_file(id, NOTE), NOTE_BYTES_MAX)?;
        let row = bytes.and_then(|bytes| decode::<SetRow>("the note of a set", &bytes).ok());
        Ok(row.filter(|row| row.id == *id))
    }

    fn save_set(&self, row: &SetRow) -> Result<(), StoreError> {
        self.write_in_sets(&self.layout().set_file(&row.id, NOTE), &encode(row))?;
        sync_directory(self.disk(), &self.layout().sets())
    }

    fn write_in_sets(&self, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        // Whoever holds the import lock is alone in staging.
        write_file(self.disk(), &self.layout().staging().join("set-part"), path, bytes)
    }

    fn part_of_set(&self, path: &Path) -> Option<(Digest, Part)> {
        let (id, part) = path.file_name()?.to_str()?.split_once('.')?;
        let id: Digest = id.parse().ok()?;
        let part = match part {
            NOTE => Part::Note,
            METADATA => Part::Metadata,
            frame => Part::Frame(frame.parse().ok()?),
        };
        // One spelling: what is called otherwise is not ours.
        (self.layout().set_file(&id, &part.name()) == path).then_some((id, part))
    }
}

/// What a file of a set is.
enum Part {
    Note,
    Metadata,
    Frame(Digest),
}

impl Part {
    fn name(&self) -> String {
        match self {
            Self::Note => NOTE.to_owned(),
            Self::Metadata => METADATA.to_owned(),
            Self::Frame(digest) => digest.to_string(),
        }
    }
}
