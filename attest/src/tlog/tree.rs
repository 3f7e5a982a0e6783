//! Growing the tree, and proofs from its tiles.
//!
//! A tile stores every eighth level of the tree; the seven between are hashed again when needed. So a
//! proof about 10^7 entries reads a handful of tiles, and nothing is kept in memory between calls.

use std::collections::BTreeMap;

use domain::digest::Digest;

use super::merkle::{TreeHead, leaf_hash, node_hash, verify_consistency, verify_inclusion};
use super::tile::{Kind, TILE_WIDTH, Tile, damaged, entries, hashes, push_entry};
use crate::error::AttestError;

/// Where the files of a log come from.
pub trait TileReader {
    type Error: From<AttestError>;

    /// The bytes of a file; for a partial tile also those of the full tile that replaced it.
    fn tile(&self, tile: Tile) -> Result<Vec<u8>, Self::Error>;
}

/// What changes when a log grows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The new head, which extends the old one.
    pub head: TreeHead,
    /// The files to write, each one whole, before the head is signed. Files that are already there
    /// keep what they say.
    pub files: Vec<(Tile, Vec<u8>)>,
}

/// Fails unless the tiles hash to the root of `head`. Reads one tile for each level.
pub fn check_root<R: TileReader>(reader: &R, head: &TreeHead) -> Result<(), R::Error> {
    Hashes::new(reader, head.size).check(head)
}

/// Appends entries to the log with the head `head`.
///
/// The new root is computed from hashes that the old root covers, so the new head is consistent
/// with the old one by construction, or this fails: a log whose files were changed is not extended.
pub fn append<R: TileReader, E: AsRef<[u8]>>(reader: &R, head: &TreeHead, new: &[E]) -> Result<Appended, R::Error> {
    let size = head.size.checked_add(new.len() as u64).ok_or(AttestError::Limit {
        what: "entries of the log",
        found: u64::MAX,
        max: u64::MAX,
    })?;
    let mut old = Hashes::new(reader, head.size);
    old.check(head)?;
    if new.is_empty() {
        return Ok(Appended { head: head.clone(), files: Vec::new() });
    }
    let mut files = append_entries(&mut old, new)?;
    let mut above: Vec<Digest> = new.iter().map(|entry| leaf_hash(entry.as_ref())).collect();
    for level in 0.. {
        if above.is_empty() {
            break;
        }
        let count = head.size.checked_shr(8 * u32::from(level)).unwrap_or(0);
        let kind = Kind::Hashes(level);
        let first = count / TILE_WIDTH;
        let mut row = old.tile(kind, first)?;
        row.append(&mut above);
        for (index, hashes) in (first..).zip(row.chunks(TILE_WIDTH as usize)) {
            let tile = Tile::of(kind, index, size).expect("a tile that has hashes exists");
            files.push((tile, hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()));
            above.extend(tile.is_full().then(|| root_of_row(hashes)));
        }
    }
    let grown = Grown { files: files.iter().map(|(tile, bytes)| (*tile, bytes.as_slice())).collect(), old: reader };
    let root = Hashes::new(&grown, size).range(0, size)?;
    Ok(Appended { head: TreeHead { size, root }, files })
}

/// The bundles that change.
fn append_entries<R: TileReader, E: AsRef<[u8]>>(
    old: &mut Hashes<'_, R>,
    new: &[E],
) -> Result<Vec<(Tile, Vec<u8>)>, R::Error> {
    let size = old.size + new.len() as u64;
    let mut index = old.size / TILE_WIDTH;
    let mut bundle = Vec::new();
    if let Some(tile) = Tile::of(Kind::Entries, index, old.size) {
        let bytes = old.reader.tile(tile)?;
        for (entry, hash) in entries(tile, &bytes)?.into_iter().zip(old.tile(Kind::Hashes(0), index)?) {
            if leaf_hash(entry) != hash {
                return Err(damaged(tile, "an entry is not the one that was logged").into());
            }
            push_entry(&mut bundle, entry)?;
        }
    }
    let mut files = Vec::new();
    for (at, entry) in (old.size..).zip(new) {
        push_entry(&mut bundle, entry.as_ref())?;
        if (at + 1) % TILE_WIDTH == 0 || at + 1 == size {
            let tile = Tile::of(Kind::Entries, index, size).expect("a bundle that has entries exists");
            files.push((tile, std::mem::take(&mut bundle)));
            index += 1;
        }
    }
    Ok(files)
}

/// Proves that the entry at `index` is in the log. The proof holds, or this fails.
pub fn inclusion_proof<R: TileReader>(reader: &R, head: &TreeHead, index: u64) -> Result<Vec<Digest>, R::Error> {
    if index >= head.size {
        return Err(AttestError::Range { what: "entry", index, size: head.size }.into());
    }
    let mut tree = Hashes::new(reader, head.size);
    let mut proof = Vec::new();
    let (mut low, mut high) = (0, head.size);
    while high - low > 1 {
        let middle = low + split(high - low);
        if index < middle {
            proof.push(tree.range(middle, high)?);
            high = middle;
        } else {
            proof.push(tree.range(low, middle)?);
            low = middle;
        }
    }
    proof.reverse();
    let leaf = tree.node(0, index)?;
    verify_inclusion(leaf, index, head, &proof).map_err(|_| AttestError::Fork { size: head.size })?;
    Ok(proof)
}

/// Proves that the log with the head `new` begins with the log with the head `old`. The proof
/// holds, or this fails: with [`AttestError::Fork`] when the log is not what either of them says.
pub fn consistency_proof<R: TileReader>(reader: &R, old: &TreeHead, new: &TreeHead) -> Result<Vec<Digest>, R::Error> {
    if old.size > new.size {
        return Err(AttestError::Range { what: "size", index: old.size, size: new.size }.into());
    }
    let mut tree = Hashes::new(reader, new.size);
    let mut proof = Vec::new();
    let (mut low, mut high) = (0, new.size);
    // RFC 6962, 2.1.2: the path to the right end of the old tree, and its last complete part.
    while old.size != high && old.size != 0 {
        let middle = low + split(high - low);
        if old.size <= middle {
            proof.push(tree.range(middle, high)?);
            high = middle;
        } else {
            proof.push(tree.range(low, middle)?);
            low = middle;
        }
    }
    if low != 0 {
        proof.push(tree.range(low, high)?);
    }
    proof.reverse();
    verify_consistency(old, new, &proof).map_err(|_| AttestError::Fork { size: old.size })?;
    Ok(proof)
}

/// The largest power of two below `count`, which is at least 2: where RFC 6962 splits a tree.
fn split(count: u64) -> u64 {
    1 << (u64::BITS - 1 - (count - 1).leading_zeros())
}

/// The root of a complete tree over the hashes, whose number is a power of two.
fn root_of_row(row: &[Digest]) -> Digest {
    let mut row = row.to_vec();
    while row.len() > 1 {
        row = row.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
    }
    row[0]
}

/// The hashes of a tree of one size, read by tile and each tile once.
struct Hashes<'r, R> {
    reader: &'r R,
    size: u64,
    tiles: BTreeMap<(Kind, u64), Vec<Digest>>,
}

impl<'r, R: TileReader> Hashes<'r, R> {
    fn new(reader: &'r R, size: u64) -> Self {
        Self { reader, size, tiles: BTreeMap::new() }
    }

    fn check(&mut self, head: &TreeHead) -> Result<(), R::Error> {
        let root = if head.size == 0 { TreeHead::empty().root } else { self.range(0, head.size)? };
        if root == head.root { Ok(()) } else { Err(AttestError::Fork { size: head.size }.into()) }
    }

    /// The hash of the entries from `low` to before `high`, at least one.
    fn range(&mut self, low: u64, high: u64) -> Result<Digest, R::Error> {
        let count = high - low;
        if count.is_power_of_two() {
            return self.node(count.trailing_zeros(), low / count);
        }
        let middle = low + split(count);
        Ok(node_hash(&self.range(low, middle)?, &self.range(middle, high)?))
    }

    /// The root of the complete tree of 2^height entries, the `index`th of its height.
    fn node(&mut self, height: u32, index: u64) -> Result<Digest, R::Error> {
        let (level, inside) = ((height / 8) as u8, height % 8);
        let first = index << inside;
        let hashes = self.tile(Kind::Hashes(level), first / TILE_WIDTH)?;
        let first = (first % TILE_WIDTH) as usize;
        Ok(root_of_row(&hashes[first..first + (1 << inside)]))
    }

    /// The hashes of a tile; none of one that the tree does not have.
    fn tile(&mut self, kind: Kind, index: u64) -> Result<Vec<Digest>, R::Error> {
        let Some(tile) = Tile::of(kind, index, self.size) else { return Ok(Vec::new()) };
        if let Some(found) = self.tiles.get(&(kind, index)) {
            return Ok(found.clone());
        }
        let found = hashes(tile, &self.reader.tile(tile)?)?;
        self.tiles.insert((kind, index), found.clone());
        Ok(found)
    }
}

/// The log with the new files over the old ones.
struct Grown<'a, R> {
    files: BTreeMap<Tile, &'a [u8]>,
    old: &'a R,
}

impl<R: TileReader> TileReader for Grown<'_, R> {
    type Error = R::Error;

    fn tile(&self, tile: Tile) -> Result<Vec<u8>, R::Error> {
        self.files.get(&tile).map_or_else(|| self.old.tile(tile), |bytes| Ok(bytes.to_vec()))
    }
}
