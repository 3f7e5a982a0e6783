//! Refused kits: kept aside with the reason, for whoever has to find out what came in.

use std::io::Read;
use std::path::Path;

use domain::digest::Digest;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::disk::{Disk, OpenMode, Reader};
use crate::durable::{list, remove_file, sync_directory, write_file};
use crate::error::StoreError;
use crate::layout::Layout;

/// The newest refusals are kept; older ones make room.
const KEPT: usize = 3;

/// Why a kit was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    pub sha256: Digest,
    pub length: u64,
    pub code: String,
    pub reason: String,
    pub at: Timestamp,
    /// The name under which the operator gave it. For reading only.
    pub given_as: String,
}

/// Moves a staged kit aside. The reason is made durable first: a kit never lies there unexplained.
/// So is the kit's content, which nothing has synced so far: evidence must be the bytes that came in.
pub(crate) fn set_aside(
    disk: &dyn Disk,
    layout: &Layout,
    staged: &Path,
    reason: &Quarantined,
) -> Result<(), StoreError> {
    let directory = layout.quarantine();
    let kit = directory.join(format!("{}.kit", reason.sha256));
    let note = directory.join(format!("{}.json", reason.sha256));
    let text = serde_json::to_vec_pretty(reason).expect("plain data");
    let copy = disk.open(staged, OpenMode::Read).map_err(StoreError::io(staged))?;
    copy.sync_data().map_err(StoreError::io(staged))?;
    write_file(disk, &layout.staging().join("quarantine-note"), &note, &text)?;
    sync_directory(disk, &directory)?;
    disk.rename(staged, &kit).map_err(StoreError::io(&kit))?;
    sync_directory(disk, &directory)?;
    prune(disk, layout, &reason.sha256)
}

/// All refusals that are kept, newest first.
pub(crate) fn all(disk: &dyn Disk, layout: &Layout) -> Result<Vec<Quarantined>, StoreError> {
    let mut found = Vec::new();
    for path in list(disk, &layout.quarantine())? {
        if path.extension().is_some_and(|extension| extension == "json") {
            let text = read(disk, &path)?;
            found.push(serde_json::from_slice::<Quarantined>(&text).unwrap_or_else(|_| unreadable(&path)));
        }
    }
    found.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.sha256.cmp(&b.sha256)));
    Ok(found)
}

fn read(disk: &dyn Disk, path: &Path) -> Result<Vec<u8>, StoreError> {
    let mut text = Vec::new();
    let mut reader = Reader::open(disk, path).map_err(StoreError::io(path))?;
    reader.read_to_end(&mut text).map_err(StoreError::io(path))?;
    Ok(text)
}

/// A note that was cut or changed must not hide the others.
fn unreadable(path: &Path) -> Quarantined {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
    Quarantined {
        sha256: stem.unwrap_or_else(|| Digest::of(b"")),
        length: 0,
        code: "E-STATE".to_owned(),
        reason: "the note of this refusal cannot be read".to_owned(),
        at: Timestamp::UNIX_EPOCH,
        given_as: String::new(),
    }
}

/// The one just added stays, even when a clock that went back makes it look the oldest.
fn prune(disk: &dyn Disk, layout: &Layout, added: &Digest) -> Result<(), StoreError> {
    for old in all(disk, layout)?.into_iter().filter(|old| old.sha256 != *added).skip(KEPT - 1) {
        remove_file(disk, &layout.quarantine().join(format!("{}.kit", old.sha256)))?;
        remove_file(disk, &layout.quarantine().join(format!("{}.json", old.sha256)))?;
    }
    Ok(())
}
