//! The log as files: tiles and the signed checkpoint, in the layout of C2SP `tlog-tiles`.

use std::path::PathBuf;

use attest::tlog::{ENTRY_BYTES_MAX, Kind, TILE_WIDTH, Tile, TileReader};
use attest::{AttestError, Limits};

use crate::disk::Disk;
use crate::durable::{create_directories, list, read_file, remove_file, sync_directory, write_file};
use crate::error::StoreError;
use crate::state::Store;

const CHECKPOINT: &str = "checkpoint";
const HASH_BYTES: usize = 32;

/// The files of the log at one size.
pub(crate) struct LogFiles<'a> {
    disk: &'a dyn Disk,
    directory: PathBuf,
    size: u64,
}

impl<'a> LogFiles<'a> {
    pub(crate) fn new(store: &'a Store, size: u64) -> Self {
        Self { disk: store.disk(), directory: store.layout().log(), size }
    }

    /// The checkpoint that was published last, unverified.
    pub(crate) fn checkpoint(&self) -> Result<Option<Vec<u8>>, StoreError> {
        read_file(self.disk, &self.directory.join(CHECKPOINT), Limits::default().note_bytes_max as u64)
    }

    pub(super) fn write_checkpoint(&self, note: &str) -> Result<(), StoreError> {
        self.write(CHECKPOINT, note.as_bytes())
    }

    /// Writes a tile durably, its name included.
    pub(super) fn write_tile(&self, tile: Tile, bytes: &[u8]) -> Result<(), StoreError> {
        self.write(&tile.to_string(), bytes)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.directory.join(name);
        let above: Vec<_> = path.ancestors().skip(1).take_while(|above| above.starts_with(&self.directory)).collect();
        if let Some(parent) = above.first() {
            create_directories(self.disk, parent)?;
        }
        // One name serves all, since whoever writes here holds the database.
        write_file(self.disk, &self.directory.join("partial"), &path, bytes)?;
        above.into_iter().try_for_each(|directory| sync_directory(self.disk, directory))
    }

    fn read(&self, tile: Tile) -> Result<Option<Vec<u8>>, StoreError> {
        let bytes_max = match tile.kind() {
            Kind::Hashes(_) => TILE_WIDTH * HASH_BYTES as u64,
            Kind::Entries => TILE_WIDTH * (ENTRY_BYTES_MAX as u64 + 2),
        };
        match read_file(self.disk, &self.directory.join(tile.to_string()), bytes_max) {
            Err(StoreError::Unexpected { .. }) => {
                Err(AttestError::Tile { path: tile.to_string(), reason: "it is longer than any tile" }.into())
            }
            read => read,
        }
    }

    /// Removes the partial tiles that full ones have replaced. What stays is in nobody's way.
    pub(super) fn prune(&self) {
        for kind in std::iter::once(Kind::Entries).chain((0..8).map(Kind::Hashes)) {
            let level = if let Kind::Hashes(level) = kind { level } else { 0 };
            let hashes = self.size >> (8 * u32::from(level));
            if hashes == 0 || !hashes.is_multiple_of(TILE_WIDTH) {
                continue;
            }
            let Some(full) = Tile::of(kind, hashes / TILE_WIDTH - 1, self.size) else { continue };
            let partial = self.directory.join(format!("{full}.p"));
            for path in list(self.disk, &partial).unwrap_or_default() {
                let _ = remove_file(self.disk, &path);
            }
        }
    }

    /// All files of the log at this size.
    pub(super) fn tiles(&self) -> Vec<Tile> {
        let kinds = std::iter::once(Kind::Entries).chain((0..8).map(Kind::Hashes));
        kinds.flat_map(|kind| (0..).map_while(move |index| Tile::of(kind, index, self.size))).collect()
    }
}

impl TileReader for LogFiles<'_> {
    type Error = StoreError;

    /// Hands out the tile itself, the full one that replaced it, or what a tile of this size begins with.
    fn tile(&self, tile: Tile) -> Result<Vec<u8>, StoreError> {
        let present = Tile::of(tile.kind(), tile.index(), self.size);
        for candidate in [Some(tile), Some(tile.full()), present].into_iter().flatten() {
            let Some(mut bytes) = self.read(candidate)? else { continue };
            let hashes = matches!(tile.kind(), Kind::Hashes(_));
            // Only a whole file is cut: one of the wrong length must be found out.
            if hashes && candidate.width() > tile.width() && bytes.len() == candidate.width() * HASH_BYTES {
                bytes.truncate(tile.width() * HASH_BYTES);
            }
            return Ok(bytes);
        }
        Err(AttestError::Tile { path: tile.to_string(), reason: "it is missing" }.into())
    }
}
