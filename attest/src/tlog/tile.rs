//! The files of a log: which they are, how they are called, how entries lie in them.

use std::fmt;

use domain::digest::Digest;

use crate::error::AttestError;
use crate::text::decimal;

/// Hashes of a full tile, and entries of a full bundle.
pub const TILE_WIDTH: u64 = 256;
/// An entry carries its length in two bytes.
pub const ENTRY_BYTES_MAX: usize = u16::MAX as usize;
/// Levels that a tree of 2^64 entries can have, and then some: the format's own bound.
const LEVEL_MAX: u8 = 63;

/// What lies in a file of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Entries,
    /// Hashes of trees with 256^level entries.
    Hashes(u8),
}

/// A file of the log: the `index`th of its kind, with `width` hashes or entries (1 to 256).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    kind: Kind,
    index: u64,
    width: u16,
}

impl Tile {
    /// The tile that a log of this size has there, if it has one.
    pub fn of(kind: Kind, index: u64, size: u64) -> Option<Self> {
        let level = if let Kind::Hashes(level) = kind { level } else { 0 };
        let hashes = size.checked_shr(8 * u32::from(level)).unwrap_or(0);
        let width = hashes.saturating_sub(index.checked_mul(TILE_WIDTH)?).min(TILE_WIDTH);
        (width > 0).then_some(Self { kind, index, width: width as u16 })
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    pub fn index(&self) -> u64 {
        self.index
    }

    pub fn width(&self) -> usize {
        usize::from(self.width)
    }

    pub fn is_full(&self) -> bool {
        u64::from(self.width) == TILE_WIDTH
    }

    /// The full tile that replaces this one when the log has grown. A reader may hand it out instead.
    pub fn full(&self) -> Self {
        Self { width: TILE_WIDTH as u16, ..*self }
    }

    /// Reads what [`Tile`] prints.
    pub fn parse(path: &str) -> Option<Self> {
        let (kind, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let kind = match kind {
            "entries" => Kind::Entries,
            level => Kind::Hashes(decimal(level)?.try_into().ok().filter(|level| *level <= LEVEL_MAX)?),
        };
        let (rest, width) = match rest.split_once(".p/") {
            Some((rest, width)) => (rest, decimal(width).filter(|width| (1..TILE_WIDTH).contains(width))?),
            None => (rest, TILE_WIDTH),
        };
        let digits: String = rest.split('/').map(|group| group.strip_prefix('x').unwrap_or(group)).collect();
        let index = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())??;
        let tile = Self { kind, index, width: width as u16 };
        // The path has one spelling: zeros and marks must be where we would write them.
        (tile.to_string() == path).then_some(tile)
    }
}

/// The path of the file below the folder of the log.
impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Entries => f.write_str("tile/entries")?,
            Kind::Hashes(level) => write!(f, "tile/{level}")?,
        }
        // 20 digits of a u64 are 7 groups of three.
        let groups = (0..7u32).rev().map(|group| (group, self.index / 1000u64.pow(group)));
        for (group, value) in groups.filter(|(group, value)| *group == 0 || *value > 0) {
            write!(f, "/{}{:03}", if group > 0 { "x" } else { "" }, value % 1000)?;
        }
        if self.is_full() { Ok(()) } else { write!(f, ".p/{}", self.width) }
    }
}

pub(super) fn damaged(tile: Tile, reason: &'static str) -> AttestError {
    AttestError::Tile { path: tile.to_string(), reason }
}

/// Reads a tile of hashes, or the beginning of the full tile that replaced it.
pub(super) fn hashes(tile: Tile, bytes: &[u8]) -> Result<Vec<Digest>, AttestError> {
    let (chunks, rest) = bytes.as_chunks::<32>();
    if !rest.is_empty() || (chunks.len() != tile.width() && chunks.len() as u64 != TILE_WIDTH) {
        return Err(damaged(tile, "it does not have the length of its hashes"));
    }
    Ok(chunks.iter().take(tile.width()).map(|hash| Digest::from_bytes(*hash)).collect())
}

/// Reads a bundle of entries, or the beginning of the full bundle that replaced it.
pub fn entries(tile: Tile, bytes: &[u8]) -> Result<Vec<&[u8]>, AttestError> {
    let mut rest = bytes;
    let mut entries = Vec::with_capacity(tile.width());
    while let Some((length, after)) = rest.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes(*length));
        let (entry, after) = after.split_at_checked(length).ok_or_else(|| damaged(tile, "an entry is cut off"))?;
        entries.push(entry);
        rest = after;
    }
    if !rest.is_empty() || (entries.len() != tile.width() && entries.len() as u64 != TILE_WIDTH) {
        return Err(damaged(tile, "it does not hold the number of its entries"));
    }
    entries.truncate(tile.width());
    Ok(entries)
}

/// Appends an entry to the bytes of a bundle.
pub(super) fn push_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> Result<(), AttestError> {
    let length = u16::try_from(entry.len()).map_err(|_| AttestError::Limit {
        what: "bytes of a log entry",
        found: entry.len() as u64,
        max: ENTRY_BYTES_MAX as u64,
    })?;
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        let tile = |kind, index, width| Tile { kind, index, width };
        let cases = [
            (tile(Kind::Hashes(0), 1_234_067, 256), "tile/0/x001/x234/067"),
            (tile(Kind::Hashes(0), 1234, 5), "tile/0/x001/234.p/5"),
            (tile(Kind::Hashes(63), 0, 1), "tile/63/000.p/1"),
            (tile(Kind::Entries, 999, 255), "tile/entries/999.p/255"),
            (tile(Kind::Entries, 1000, 256), "tile/entries/x001/000"),
            (tile(Kind::Entries, 1_000_000, 256), "tile/entries/x001/x000/000"),
            (tile(Kind::Hashes(7), u64::MAX, 256), "tile/7/x018/x446/x744/x073/x709/x551/615"),
        ];
        for (tile, path) in cases {
            assert_eq!(tile.to_string(), path);
            assert_eq!(Tile::parse(path), Some(tile));
        }
    }

    #[test]
    fn a_path_has_one_spelling() {
        let paths = [
            "",
            "tile",
            "tile/",
            "tile/0",
            "tile/0/",
            "tile/0/0",
            "tile/0/00",
            "tile/0/0000",
            "tile/00/000",
            "tile/64/000",
            "tile/-1/000",
            "tile/+1/000",
            "tile/data/000",
            "tile/0/x000/001",
            "tile/0/001/234",
            "tile/0/x001/x234",
            "tile/0/x001/234/",
            "tile/0/x001/234.p",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/05",
            "tile/0/000.p/5/",
            "/tile/0/000",
            "tile/0/../000",
            "tile/0/xx01/234",
            "tile/0/+01",
            "tile/0/x018/x446/x744/x073/x709/x551/616",
            "tile/entries/000.p/1.p/1",
            "checkpoint",
        ];
        for path in paths {
            assert_eq!(Tile::parse(path), None, "{path}");
        }
    }

    #[test]
    fn a_log_of_70000_entries_has_the_tiles_of_the_specification() {
        let widths = |level| -> Vec<usize> {
            (0..).map_while(|index| Tile::of(Kind::Hashes(level), index, 70_000)).map(|tile| tile.width()).collect()
        };
        let level_0 = widths(0);
        assert_eq!((level_0.len(), level_0[272], level_0[273]), (274, 256, 112));
        assert_eq!(widths(1), [256, 17]);
        assert_eq!(widths(2), [1]);
        assert!(widths(3).is_empty() && widths(8).is_empty() && widths(63).is_empty());
        // "A tree of size 256 will be represented by a full level 0 tile and a partial level 1 tile of width 1."
        assert_eq!(Tile::of(Kind::Hashes(0), 0, 256).map(|tile| tile.width()), Some(256));
        assert_eq!(Tile::of(Kind::Hashes(1), 0, 256).map(|tile| tile.width()), Some(1));
        assert_eq!(Tile::of(Kind::Hashes(0), u64::MAX, u64::MAX), None);
    }

    #[test]
    fn a_damaged_file_is_refused() {
        let tile = Tile::of(Kind::Hashes(0), 0, 2).expect("a tile");
        for length in [0, 32, 63, 65, 96, 8191, 8193] {
            assert_eq!(hashes(tile, &vec![0; length]).map_err(|error| error.code()), Err("E-LOG-TILE"), "{length}");
        }
        assert_eq!(hashes(tile, &[7; 64]).map(|found| found.len()), Ok(2));
        assert_eq!(hashes(tile, &[7; 8192]).map(|found| found.len()), Ok(2), "the full tile that replaced it");
        let bundle = Tile::of(Kind::Entries, 0, 2).expect("a bundle");
        assert_eq!(entries(bundle, b"\0\x01a\0\0"), Ok(vec![&b"a"[..], b""]));
        for bytes in [&b""[..], b"\0\x01a", b"\0\x01a\0", b"\0\x01a\0\x01", b"\0\x01a\0\0\0\0", b"\0\x02a\0\0"] {
            assert_eq!(entries(bundle, bytes).map_err(|error| error.code()), Err("E-LOG-TILE"), "{bytes:?}");
        }
    }

    #[test]
    fn an_entry_that_no_length_can_tell_is_refused() {
        let mut bundle = Vec::new();
        assert_eq!(push_entry(&mut bundle, &[0; ENTRY_BYTES_MAX]), Ok(()));
        assert_eq!(push_entry(&mut bundle, &[0; ENTRY_BYTES_MAX + 1]).map_err(|error| error.code()), Err("E-LIMIT"));
        assert_eq!(bundle.len(), 2 + ENTRY_BYTES_MAX);
    }
}
