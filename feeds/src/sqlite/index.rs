//! The tree of an index: unlike that of a table, its inner pages hold entries of their own.

use std::cmp::Ordering;
use std::io::{Seek, Write};

use super::SqliteError;
use super::page::{Kind, Page};
use super::record::{Value, record, varint};
use super::write::Database;

/// Writes the entries, sorted, and returns the page above all.
pub(super) fn write<W: Write + Seek>(out: &mut Database<W>, mut entries: Vec<Vec<Value>>) -> Result<u32, SqliteError> {
    entries.sort_by(|one, other| compare(one, other));
    let mut levels = vec![Page::new(Kind::IndexLeaf)];
    for entry in &entries {
        let record = record(entry);
        let mut cell = Vec::new();
        varint(record.len() as u64, &mut cell);
        out.payload(Kind::IndexLeaf, &record, &mut cell)?;
        push(out, &mut levels, 0, cell)?;
    }
    // What is open on each level becomes the right child of the one above.
    let mut right = 0;
    for level in &mut levels {
        right = out.write(&level.take(right))?;
    }
    Ok(right)
}

/// When a page is full, its last entry goes up and parts it from the next page. So no page is ever empty.
fn push<W: Write + Seek>(
    out: &mut Database<W>,
    levels: &mut Vec<Page>,
    level: usize,
    cell: Vec<u8>,
) -> Result<(), SqliteError> {
    if level == levels.len() {
        levels.push(Page::new(Kind::IndexInner));
    }
    let Some(page) = levels.get_mut(level) else { return Ok(()) };
    if page.has_room(&cell) || page.len() < 2 {
        page.push(cell);
        return Ok(());
    }
    let last = page.pop().unwrap_or_default();
    // An entry of an inner page begins with the child left of it, which becomes the page's right child.
    let (right, entry) = match level {
        0 => (0, last),
        _ => {
            let (child, entry) = last.split_at(4);
            (u32::from_be_bytes(child.try_into().unwrap_or_default()), entry.to_vec())
        }
    };
    let written = out.write(&page.take(right))?;
    if let Some(page) = levels.get_mut(level) {
        page.push(cell);
    }
    let above = [&written.to_be_bytes()[..], &entry].concat();
    push(out, levels, level + 1, above)
}

fn compare(one: &[Value], other: &[Value]) -> Ordering {
    one.iter().zip(other).map(|(one, other)| one.compare(other)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}
