//! A page and what lies in it.
//!
//! ```text
//! header 16 bytes | one element of 16 bytes for each key | keys and values
//! ```
//!
//! Elements point at their data. A writer lays the data behind each other in the order of the elements, and
//! nothing else is taken: if two elements shared data, a small file could be read as a large one.

use std::ops::Range;

use super::BoltError;

pub(super) const HEADER: usize = 16;
pub(super) const ELEMENT: usize = 16;
pub(super) const BRANCH: u16 = 0x01;
pub(super) const LEAF: u16 = 0x02;
/// The element of a leaf whose value is a bucket.
pub(super) const BUCKET: u32 = 0x01;
/// What bbolt takes for a key.
pub(super) const KEY_BYTES_MAX: usize = 32_768;
const CUT: &str = "has an element that does not lie in it";
/// In front of the page of an inline bucket, and all there is of one that has a page of its own.
pub(super) const BUCKET_HEADER: usize = 16;

pub(super) struct Header {
    pub(super) page: u64,
    pub(super) flags: u16,
    pub(super) count: u16,
    /// How many pages continue this one.
    pub(super) overflow: u32,
}

impl Header {
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            page: u64_at(bytes, 0)?,
            flags: u16_at(bytes, 8)?,
            count: u16_at(bytes, 10)?,
            overflow: u32_at(bytes, 12)?,
        })
    }
}

/// One page with its continuation, of which every element is checked to lie inside.
#[derive(Default)]
pub(super) struct Page {
    pub(super) number: u64,
    pub(super) bytes: Vec<u8>,
    elements: Vec<Element>,
    next: usize,
}

#[derive(Clone)]
pub(super) struct Element {
    pub(super) key: Range<usize>,
    pub(super) what: What,
}

#[derive(Clone)]
pub(super) enum What {
    /// The page that holds this key and those after it.
    Child(u64),
    Value(Range<usize>),
    Bucket(Bucket),
}

/// Where a bucket lies.
#[derive(Clone)]
pub(super) enum Bucket {
    Own(u64),
    Inline(Range<usize>),
}

impl Page {
    /// Checks the elements of `self.bytes`. `number` is the page they came from.
    pub(super) fn parse(&mut self, number: u64) -> Result<(), BoltError> {
        (self.number, self.next) = (number, 0);
        self.elements.clear();
        let header = Header::parse(&self.bytes).ok_or(BoltError::page(number, "is too short for a page"))?;
        let is_leaf = match header.flags {
            BRANCH if header.count > 0 => false,
            BRANCH => return Err(BoltError::page(number, "is a branch without children")),
            LEAF => true,
            _ => return Err(BoltError::page(number, "is neither a branch nor a leaf")),
        };
        let mut free = HEADER + usize::from(header.count) * ELEMENT;
        if free > self.bytes.len() {
            return Err(BoltError::page(number, CUT));
        }
        for index in 0..usize::from(header.count) {
            let element =
                element(&self.bytes, index, is_leaf, free).map_err(|problem| BoltError::page(number, problem))?;
            free = match &element.what {
                What::Child(_) => element.key.end,
                What::Value(value) => value.end,
                What::Bucket(Bucket::Inline(page)) => page.end,
                What::Bucket(Bucket::Own(_)) => element.key.end + BUCKET_HEADER,
            };
            self.elements.push(element);
        }
        Ok(())
    }

    /// The page of an inline bucket that lies in `outer`.
    pub(super) fn parse_inline(&mut self, outer: &Self, place: Range<usize>) -> Result<(), BoltError> {
        let refuse = |problem| Err(BoltError::page(outer.number, problem));
        self.bytes.clear();
        self.bytes.extend_from_slice(outer.bytes.get(place).unwrap_or_default());
        match Header::parse(&self.bytes) {
            Some(Header { page: 0, flags: LEAF, overflow: 0, .. }) => {}
            _ => return refuse("has an inline bucket that is no leaf"),
        }
        self.parse(outer.number)?;
        if self.elements.iter().any(|element| !matches!(element.what, What::Value(_))) {
            return refuse("has an inline bucket with buckets in it");
        }
        Ok(())
    }

    /// The next element in order.
    pub(super) fn take(&mut self) -> Option<Element> {
        let element = self.elements.get(self.next).cloned();
        self.next += 1;
        element
    }

    pub(super) fn slice(&self, range: &Range<usize>) -> &[u8] {
        self.bytes.get(range.clone()).unwrap_or_default()
    }
}

/// An element whose data begin at `free` or behind it and end inside of the page.
fn element(bytes: &[u8], index: usize, is_leaf: bool, free: usize) -> Result<Element, &'static str> {
    let start = HEADER + index * ELEMENT;
    let word = |at: usize| u32_at(bytes, start + at).map(|word| word as usize).ok_or(CUT);
    let (position, key_size) = if is_leaf { (word(4)?, word(8)?) } else { (word(0)?, word(4)?) };
    let key = start.checked_add(position).ok_or(CUT)?;
    let key = key..key.checked_add(key_size).ok_or(CUT)?;
    if key.start < free {
        return Err("has elements that share their bytes");
    }
    if key.is_empty() || key.len() > KEY_BYTES_MAX {
        return Err("has a key that is empty or too long");
    }
    if bytes.get(key.clone()).is_none() {
        return Err(CUT);
    }
    if !is_leaf {
        let child = u64_at(bytes, start + 8).ok_or(CUT)?;
        return Ok(Element { key, what: What::Child(child) });
    }
    let value = key.end..key.end.checked_add(word(12)?).ok_or(CUT)?;
    let content = bytes.get(value.clone()).ok_or(CUT)?;
    let what = match u32_at(bytes, start).ok_or(CUT)? {
        0 => What::Value(value),
        BUCKET => match u64_at(content, 0).ok_or("has a bucket that is too short")? {
            0 => What::Bucket(Bucket::Inline(value.start + BUCKET_HEADER.min(value.len())..value.end)),
            root if content.len() == BUCKET_HEADER => What::Bucket(Bucket::Own(root)),
            _ => return Err("has a bucket of the wrong length"),
        },
        _ => return Err("has an element of an unknown kind"),
    };
    Ok(Element { key, what })
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at.checked_add(8)?)?.try_into().ok().map(u64::from_le_bytes)
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_le_bytes)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at.checked_add(2)?)?.try_into().ok().map(u16::from_le_bytes)
}
