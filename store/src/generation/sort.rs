//! Rows that come in any order, kept in bounded memory.
//!
//! A row is a key and a value, both bytes, and rows are ordered by key and then by value. What does not fit into
//! memory is sorted and spilled as a run; [`Merge`](super::merge::Merge) hands out the rows of all runs in order. So the
//! order of arrival, and which thread took what, leave no trace.
//!
//! Nothing is synced here: runs are of no use to anybody after the import that wrote them.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::disk::{Disk, DiskFile, OpenMode, write_all_at};
use crate::error::StoreError;

/// Rows are copied into pieces of this size, so that taking in more never moves what is there.
const BLOCK_BYTES: usize = 1 << 20;
/// How much of a run is written at once.
const WRITE_BYTES: usize = 1 << 20;

/// How much memory rows may take, and where those go that do not fit.
#[derive(Clone, Debug)]
pub struct Room {
    disk: Arc<dyn Disk>,
    /// For files that whoever gives the room removes.
    directory: PathBuf,
    bytes: usize,
    next_file: Arc<AtomicU64>,
}

impl Room {
    pub(crate) fn new(disk: Arc<dyn Disk>, directory: PathBuf, bytes: usize) -> Self {
        Self { disk, directory, bytes, next_file: Arc::default() }
    }

    fn next_path(&self) -> PathBuf {
        self.directory.join(format!("rows-{}", self.next_file.fetch_add(1, Ordering::Relaxed)))
    }
}

/// The rows of one table in memory.
#[derive(Default)]
pub(super) struct Rows {
    blocks: Vec<Vec<u8>>,
    places: Vec<Place>,
    bytes: usize,
    is_sorted: bool,
}

/// Where a row is.
#[derive(Clone, Copy)]
struct Place {
    /// The beginning of the key, so that most comparisons need not look further: CVE ids begin alike.
    prefix: u128,
    block: u32,
    start: u32,
    key: u32,
    value: u32,
}

/// A key and a value.
pub(super) type Row<'a> = (&'a [u8], &'a [u8]);

fn size(length: usize) -> u32 {
    u32::try_from(length).expect("a row comes from a line, which is far below 4 GiB")
}

impl Rows {
    pub(super) fn push(&mut self, key: &[u8], value: &[u8]) {
        let length = key.len() + value.len();
        if self.blocks.last().is_none_or(|block| block.capacity() - block.len() < length) {
            self.blocks.push(Vec::with_capacity(BLOCK_BYTES.max(length)));
        }
        let at = self.blocks.len() - 1;
        let Some(block) = self.blocks.last_mut() else { return };
        let mut prefix = [0; 16];
        prefix.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
        let (block_number, start, prefix) = (size(at), size(block.len()), u128::from_be_bytes(prefix));
        self.places.push(Place { prefix, block: block_number, start, key: size(key.len()), value: size(value.len()) });
        block.extend_from_slice(key);
        block.extend_from_slice(value);
        self.bytes += length + size_of::<Place>();
        self.is_sorted = false;
    }

    /// A stable sort finds runs that are sorted already: segments are.
    fn sort(&mut self) {
        if !self.is_sorted {
            let Self { blocks, places, .. } = self;
            places.sort_by(|one, other| {
                let exactly = || row(blocks, one).cmp(&row(blocks, other));
                one.prefix.cmp(&other.prefix).then_with(exactly)
            });
            self.is_sorted = true;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn get(&self, at: usize) -> Option<Row<'_>> {
        self.places.get(at).map(|place| row(&self.blocks, place))
    }
}

fn row<'a>(blocks: &'a [Vec<u8>], place: &Place) -> Row<'a> {
    let start = place.start as usize;
    let block = blocks.get(place.block as usize).map(Vec::as_slice).unwrap_or_default();
    let bytes = block.get(start..start + place.key as usize + place.value as usize).unwrap_or_default();
    bytes.split_at_checked(place.key as usize).unwrap_or_default()
}

/// The rows of some tables, in memory and in runs.
pub(super) struct Sorter {
    tables: Vec<Rows>,
    room: Option<Room>,
    spilled: Option<Spilled>,
}

/// The file that one sorter spills to.
pub(super) struct Spilled {
    pub(super) path: PathBuf,
    pub(super) file: Box<dyn DiskFile>,
    length: u64,
    /// For each table, where its runs are.
    pub(super) runs: Vec<Vec<Range<u64>>>,
}

impl Sorter {
    /// Without room, everything stays in memory.
    pub(super) fn new(tables: usize, room: Option<Room>) -> Self {
        Self { tables: (0..tables).map(|_| Rows::default()).collect(), room, spilled: None }
    }

    pub(super) fn push(&mut self, table: usize, key: &[u8], value: &[u8]) {
        if let Some(rows) = self.tables.get_mut(table) {
            rows.push(key, value);
        }
    }

    pub(super) fn room(&self) -> Option<&Room> {
        self.room.as_ref()
    }

    pub(super) fn rows(&self, table: usize) -> Option<&Rows> {
        self.tables.get(table)
    }

    pub(super) fn spilled(&self) -> Option<&Spilled> {
        self.spilled.as_ref()
    }

    /// To be called before the rows are merged. Who has put rows aside needs the memory for merging.
    pub(super) fn sort(&mut self) -> Result<(), StoreError> {
        match (&self.room, &self.spilled) {
            (Some(room), Some(_)) => self.spill(room.clone()),
            _ => {
                self.tables.iter_mut().for_each(Rows::sort);
                Ok(())
            }
        }
    }

    /// Spills everything when it takes more memory than there is room for.
    pub(super) fn make_room(&mut self) -> Result<(), StoreError> {
        let taken: usize = self.tables.iter().map(|rows| rows.bytes).sum();
        match &self.room {
            Some(room) if taken > room.bytes => self.spill(room.clone()),
            _ => Ok(()),
        }
    }

    fn spill(&mut self, room: Room) -> Result<(), StoreError> {
        self.tables.iter_mut().for_each(Rows::sort);
        let spilled = match &mut self.spilled {
            Some(spilled) => spilled,
            empty => empty.insert(Spilled::create(&room, self.tables.len())?),
        };
        for (table, rows) in self.tables.iter_mut().enumerate() {
            spilled.write(table, rows)?;
            *rows = Rows::default();
        }
        Ok(())
    }
}

impl Spilled {
    fn create(room: &Room, tables: usize) -> Result<Self, StoreError> {
        let path = room.next_path();
        // Kept open for both: it is read again where it was written.
        let file = room.disk.open(&path, OpenMode::Keep).map_err(StoreError::io(&path))?;
        Ok(Self { path, file, length: 0, runs: vec![Vec::new(); tables] })
    }

    fn write(&mut self, table: usize, rows: &Rows) -> Result<(), StoreError> {
        let (start, mut buffer) = (self.length, Vec::with_capacity(WRITE_BYTES));
        for at in 0..rows.len() {
            let Some((key, value)) = rows.get(at) else { continue };
            buffer.extend_from_slice(&size(key.len()).to_le_bytes());
            buffer.extend_from_slice(&size(value.len()).to_le_bytes());
            buffer.extend_from_slice(key);
            buffer.extend_from_slice(value);
            if buffer.len() >= WRITE_BYTES {
                self.append(&buffer)?;
                buffer.clear();
            }
        }
        self.append(&buffer)?;
        if let Some(runs) = self.runs.get_mut(table).filter(|_| self.length > start) {
            runs.push(start..self.length);
        }
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        write_all_at(&*self.file, bytes, self.length).map_err(StoreError::io(&self.path))?;
        self.length += bytes.len() as u64;
        Ok(())
    }
}
