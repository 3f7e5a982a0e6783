//! The transparency log: an append-only Merkle tree of RFC 6962, kept as C2SP tiles.
//!
//! A log is a set of files that only grow: tiles of 256 hashes, and the entries in bundles of 256.
//! [`append`] says which files change, [`inclusion_proof`] and [`consistency_proof`] read a few
//! of them. Each of the three first checks what it read against the head that was signed, so a log
//! that was tampered with is neither extended nor vouched for.

mod merkle;
mod proof;
mod tile;
mod tree;

pub use merkle::{TreeHead, leaf_hash, verify_consistency, verify_inclusion};
pub use proof::LogProof;
pub use tile::{ENTRY_BYTES_MAX, Kind, TILE_WIDTH, Tile, entries};
pub use tree::{Appended, TileReader, append, check_root, consistency_proof, inclusion_proof};
