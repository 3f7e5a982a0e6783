//! The database in the making, and its tables.

use std::io::{Seek, SeekFrom, Write};

use super::page::{FILE_HEADER, Kind, PAGE, Page, copy};
use super::record::{Value, record, varint};
use super::{SqliteError, index};

/// Of the library whose format this is; it is only shown.
const VERSION: u32 = 3_045_000;
/// The page that holds the bytes on which SQLite sets its locks, from 2^30 on. It holds nothing else.
const LOCK_PAGE: u32 = (1 << 30) / PAGE as u32 + 1;

#[derive(Debug)]
pub struct Database<W> {
    out: W,
    /// Pages that are written, the first one included.
    pages: u32,
    /// Type, name, table, first page and statement of all that there is.
    schema: Vec<[Value; 5]>,
}

/// A table in the making. Several may be open at a time.
#[derive(Debug)]
pub struct Table {
    name: String,
    sql: String,
    last: Option<i64>,
    leaf: Page,
    /// The pages below, by the last row of each.
    leaves: Vec<(u32, i64)>,
}

impl Table {
    /// A table that this statement makes.
    pub fn new(name: &str, sql: &str) -> Self {
        let leaf = Page::new(Kind::TableLeaf);
        Self { name: name.to_owned(), sql: sql.to_owned(), last: None, leaf, leaves: Vec::new() }
    }

    fn next_id(&self) -> i64 {
        self.last.map_or(1, |last| last + 1)
    }
}

impl<W: Write + Seek> Database<W> {
    pub fn new(mut out: W) -> Result<Self, SqliteError> {
        // The first page is written last.
        out.write_all(&[0; PAGE])?;
        Ok(Self { out, pages: 1, schema: Vec::new() })
    }

    /// Adds a row behind all others, with the next number. A column that stands for that number is null.
    pub fn push(&mut self, table: &mut Table, values: &[Value]) -> Result<i64, SqliteError> {
        let id = table.next_id();
        let cell = self.row(id, values)?;
        if !table.leaf.has_room(&cell) {
            let page = self.write(&table.leaf.take(0))?;
            table.leaves.push((page, table.last.unwrap_or(id)));
        }
        table.leaf.push(cell);
        table.last = Some(id);
        Ok(id)
    }

    /// Length, number and record; what of it does not fit goes to overflow pages.
    fn row(&mut self, id: i64, values: &[Value]) -> Result<Vec<u8>, SqliteError> {
        let record = record(values);
        let mut cell = Vec::with_capacity(record.len().min(PAGE) + 18);
        varint(record.len() as u64, &mut cell);
        varint(id.cast_unsigned(), &mut cell);
        self.payload(Kind::TableLeaf, &record, &mut cell)?;
        Ok(cell)
    }

    pub(super) fn payload(&mut self, kind: Kind, record: &[u8], cell: &mut Vec<u8>) -> Result<(), SqliteError> {
        let (local, rest) = record.split_at(kind.local(record.len()));
        cell.extend(local);
        let count = rest.len().div_ceil(PAGE - 4);
        for (number, part) in rest.chunks(PAGE - 4).enumerate() {
            let next = if number + 1 == count { 0 } else { behind(behind(self.pages)?)? };
            let mut page = next.to_be_bytes().to_vec();
            page.extend(part);
            page.resize(PAGE, 0);
            let at = self.write(&page)?;
            if number == 0 {
                cell.extend(at.to_be_bytes());
            }
        }
        Ok(())
    }

    /// Ends a table that nothing more comes into.
    pub fn end(&mut self, mut table: Table) -> Result<(), SqliteError> {
        let root = self.end_rows(&mut table)?;
        self.schema.push(["table".into(), table.name.clone().into(), table.name.into(), root, table.sql.into()]);
        Ok(())
    }

    /// Writes a small table of its own together with the index that its `PRIMARY KEY` over the first `columns` makes. The rows
    /// must not have equal keys.
    pub fn keyed(&mut self, name: &str, sql: &str, columns: usize, rows: &[Vec<Value>]) -> Result<(), SqliteError> {
        let mut table = Table::new(name, sql);
        let mut keys = Vec::with_capacity(rows.len());
        for row in rows {
            let id = self.push(&mut table, row)?;
            keys.push(row.iter().take(columns).cloned().chain([id.into()]).collect());
        }
        self.end(table)?;
        let root = index::write(self, keys)?;
        let index = format!("sqlite_autoindex_{name}_1");
        self.schema.push(["index".into(), index.into(), name.into(), i64::from(root).into(), Value::Null]);
        Ok(())
    }

    fn end_rows(&mut self, table: &mut Table) -> Result<Value, SqliteError> {
        let page = self.write(&table.leaf.take(0))?;
        table.leaves.push((page, table.last.unwrap_or(0)));
        let root = self.inner(std::mem::take(&mut table.leaves))?;
        Ok(i64::from(root).into())
    }

    /// The pages above those of one level, up to the one above all.
    fn inner(&mut self, mut level: Vec<(u32, i64)>) -> Result<u32, SqliteError> {
        while level.len() > 1 {
            let mut above = Vec::new();
            for children in shares(&level) {
                let Some(((right, last), others)) = children.split_last() else { continue };
                let mut page = Page::new(Kind::TableInner);
                others.iter().for_each(|(child, last)| page.push(inner_cell(*child, *last)));
                // The last child has no cell: it is what lies right of them.
                above.push((self.write(&page.take(*right))?, *last));
            }
            level = above;
        }
        Ok(level.first().map_or(0, |(page, _)| *page))
    }

    pub(super) fn write(&mut self, page: &[u8]) -> Result<u32, SqliteError> {
        let number = behind(self.pages)?;
        if number - self.pages > 1 {
            self.out.write_all(&[0; PAGE])?;
        }
        self.out.write_all(page)?;
        self.pages = number;
        Ok(number)
    }

    /// The first page when the schema needs others: what leads to these.
    fn first_above(&mut self, leaves: Vec<(Page, i64)>) -> Result<Vec<u8>, SqliteError> {
        let mut top = Page::behind(Kind::TableInner, FILE_HEADER);
        let mut right = None;
        for (mut leaf, last) in leaves {
            let page = self.write(&leaf.take_whole())?;
            if let Some((page, last)) = right.replace((page, last)) {
                top.push(inner_cell(page, last));
            }
        }
        Ok(top.take(right.map_or(0, |(page, _)| page)))
    }

    /// Writes the first page, with the schema, and tells how long the file is.
    pub fn finish(mut self) -> Result<(W, u64), SqliteError> {
        let rows = std::mem::take(&mut self.schema);
        let mut leaves = Vec::new();
        // The first page has room for less than others, and holds all rows or none.
        let (mut leaf, mut last) = (Page::behind(Kind::TableLeaf, FILE_HEADER), 0);
        for (row, id) in rows.iter().zip(1..) {
            let cell = self.row(id, row)?;
            if !leaf.has_room(&cell) {
                leaves.push((std::mem::replace(&mut leaf, Page::behind(Kind::TableLeaf, FILE_HEADER)), last));
            }
            leaf.push(cell);
            last = id;
        }
        let mut first = match leaves.is_empty() {
            true => leaf.take(0),
            false => {
                leaves.push((leaf, last));
                self.first_above(leaves)?
            }
        };
        copy(&mut first, 0, &header(self.pages));
        self.out.seek(SeekFrom::Start(0))?;
        self.out.write_all(&first)?;
        self.out.flush()?;
        Ok((self.out, u64::from(self.pages) * PAGE as u64))
    }
}

/// The next page that may hold something.
fn behind(page: u32) -> Result<u32, SqliteError> {
    let next = page.checked_add(1).ok_or(SqliteError::TooLarge)?;
    if next == LOCK_PAGE { Ok(next + 1) } else { Ok(next) }
}

/// Which children a page above has: as many as it has room for, and never one alone.
fn shares(level: &[(u32, i64)]) -> Vec<&[(u32, i64)]> {
    // Page, number and place of a cell take at most 15 bytes.
    const CHILDREN: usize = (PAGE - 12) / 15;
    let rest = level.len() % CHILDREN;
    if level.len() <= CHILDREN || rest != 1 {
        return level.chunks(CHILDREN).collect();
    }
    let (most, last) = level.split_at(level.len() - 2);
    most.chunks(CHILDREN).chain([last]).collect()
}

fn inner_cell(child: u32, last: i64) -> Vec<u8> {
    let mut cell = child.to_be_bytes().to_vec();
    varint(last.cast_unsigned(), &mut cell);
    cell
}

/// The header of the file.
fn header(pages: u32) -> Vec<u8> {
    let mut header = b"SQLite format 3\0".to_vec();
    // The page size; rollback journal for reading and writing; nothing reserved; fractions of payload.
    header.extend([0x10, 0, 1, 1, 0, 64, 32, 32]);
    // Change counter, pages, no free list, schema cookie, schema format, cache, vacuum, UTF-8, and what is the user's.
    for number in [1, pages, 0, 0, 1, 4, 0, 0, 1, 0, 0, 0] {
        header.extend(number.to_be_bytes());
    }
    header.resize(FILE_HEADER - 8, 0);
    header.extend(1_u32.to_be_bytes());
    header.extend(VERSION.to_be_bytes());
    header
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// A database whose first gigabyte is not there, and its pages by number.
    fn near_the_lock() -> Database<Cursor<Vec<u8>>> {
        Database { out: Cursor::new(Vec::new()), pages: LOCK_PAGE - 4, schema: Vec::new() }
    }

    fn page(database: &Database<Cursor<Vec<u8>>>, number: u32) -> &[u8] {
        let at = (number - (LOCK_PAGE - 3)) as usize * PAGE;
        &database.out.get_ref()[at..at + PAGE]
    }

    // https://www.sqlite.org/fileformat2.html#the_lock_byte_page
    #[test]
    fn the_page_of_the_locks_holds_nothing_and_no_page_points_at_it() {
        assert_eq!(LOCK_PAGE, 262_145);
        let mut long = near_the_lock();
        let mut table = Table::new("t", "CREATE TABLE t (a)");
        long.push(&mut table, &["v".repeat(5 * PAGE).into()]).expect("written");
        let mut chain = vec![LOCK_PAGE - 3];
        while let Some(next) = chain.last().map(|last| &page(&long, *last)[..4]).filter(|next| next != &[0; 4]) {
            chain.push(u32::from_be_bytes(next.try_into().expect("four bytes")));
        }
        let [before, behind] = [LOCK_PAGE - 3, LOCK_PAGE + 1];
        assert_eq!(chain, [before, before + 1, before + 2, behind, behind + 1], "a chain steps over it");
        assert_eq!(page(&long, LOCK_PAGE), [0; PAGE]);
        assert_eq!(long.pages, behind + 1);

        let mut rows = near_the_lock();
        let written: Vec<u32> = (0..5).map(|_| rows.write(&[7; PAGE]).expect("written")).collect();
        assert_eq!(written, [before, before + 1, before + 2, behind, behind + 1], "and so do pages of a tree");
        assert_eq!((page(&rows, LOCK_PAGE), page(&rows, behind)), (&[0; PAGE][..], &[7; PAGE][..]));
    }
}
