//! A writer of bbolt files, from the first key to the last, never in place.
//!
//! ```text
//! keys in order -> leaf pages as they fill -> branch pages over them -> the bucket's root -> free list -> two meta pages
//! ```
//!
//! The bytes are a function of the content alone: no clock, no address, no history of earlier
//! transactions, every page written once. So a site that builds the file of the same records gets the digest that
//! the vendor signed. The genuine library cannot promise that. What is held at a time is a page
//! for each open bucket, and the first key of every page behind it.

use std::io::{self, Seek, SeekFrom, Write};

use super::meta::{MAGIC, META_FLAG, VERSION, fnv64a};
use super::page::{BRANCH, BUCKET, BUCKET_HEADER, ELEMENT, HEADER, KEY_BYTES_MAX, LEAF};

/// That of the machines that build databases upstream. A constant, so that the file does not depend on the machine.
const PAGE_SIZE: usize = 4096;
const FREELIST: u16 = 0x10;
/// A bucket up to this long lies in its parent's value, as the genuine library has it.
const INLINE_MAX: usize = PAGE_SIZE / 4;
/// The count of a page is a 16-bit number, and the highest one means something else.
const ELEMENTS_MAX: usize = 0xfffe;

#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error("cannot write the database: {0}")]
    Write(#[from] io::Error),
    #[error("the key {key:?} does not sort after the one before it")]
    Order { key: String },
    #[error("the key {key:?} is empty or longer than {KEY_BYTES_MAX} bytes")]
    Key { key: String },
    #[error("the value of {key:?} is empty or too long")]
    Value { key: String },
    #[error("a bucket is {0}")]
    Nesting(&'static str),
}

/// Writes one file. Buckets and keys come in the order of their bytes.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    next_page: u64,
    /// The open buckets, outermost first. The first one is the root.
    open: Vec<Bucket>,
}

#[derive(Debug, Default)]
struct Bucket {
    name: Vec<u8>,
    last: Option<Vec<u8>>,
    has_buckets: bool,
    /// The page that is being filled.
    leaf: Vec<Element>,
    length: usize,
    /// First key and number of the pages that are full.
    pages: Vec<Child>,
}

#[derive(Debug)]
struct Element {
    flags: u32,
    key: Vec<u8>,
    value: Vec<u8>,
}

#[derive(Debug)]
struct Child {
    key: Vec<u8>,
    page: u64,
}

impl Element {
    fn length(&self) -> usize {
        ELEMENT + self.key.len() + self.value.len()
    }
}

impl<W: Write + Seek> Writer<W> {
    pub fn new(mut out: W) -> Result<Self, WriteError> {
        // The meta pages come last: a file that was cut off has none.
        out.write_all(&[0; 2 * PAGE_SIZE])?;
        Ok(Self { out, next_page: 2, open: vec![Bucket::default()] })
    }

    /// Opens a bucket in the present one.
    pub fn begin(&mut self, name: &[u8]) -> Result<(), WriteError> {
        self.innermost()?.follow(name)?;
        self.open.push(Bucket { name: name.to_owned(), ..Bucket::default() });
        Ok(())
    }

    pub fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), WriteError> {
        if self.open.len() == 1 {
            return Err(WriteError::Nesting("missing: values lie in buckets"));
        }
        if value.is_empty() || u32::try_from(value.len()).is_err() {
            return Err(WriteError::Value { key: shown(key) });
        }
        self.innermost()?.follow(key)?;
        self.push(Element { flags: 0, key: key.to_owned(), value: value.to_owned() })
    }

    /// Closes the present bucket.
    pub fn end(&mut self) -> Result<(), WriteError> {
        if self.open.len() < 2 {
            return Err(WriteError::Nesting("closed that was not opened"));
        }
        let mut bucket = self.open.pop().ok_or(WriteError::Nesting("missing"))?;
        let value = if bucket.is_inline() {
            let mut value = bucket_header(0);
            value.extend(leaf(0, &bucket.leaf));
            value
        } else {
            bucket_header(self.root_of(&mut bucket)?)
        };
        self.innermost()?.has_buckets = true;
        self.push(Element { flags: BUCKET, key: bucket.name, value })
    }

    /// Writes what is left, and the meta pages. Returns where the bytes went, and how many they are.
    pub fn finish(mut self) -> Result<(W, u64), WriteError> {
        let mut root = self.open.pop().ok_or(WriteError::Nesting("missing"))?;
        if !self.open.is_empty() {
            return Err(WriteError::Nesting("still open"));
        }
        let root = self.root_of(&mut root)?;
        let freelist = self.write_page(FREELIST, 0, &[])?;
        let meta = |number: u64, transaction: u64| meta(number, transaction, root, freelist, self.next_page);
        let metas = [meta(0, 2), meta(1, 1)].concat();
        self.out.seek(SeekFrom::Start(0))?;
        self.out.write_all(&metas)?;
        self.out.flush()?;
        Ok((self.out, self.next_page * PAGE_SIZE as u64))
    }

    fn innermost(&mut self) -> Result<&mut Bucket, WriteError> {
        self.open.last_mut().ok_or(WriteError::Nesting("missing"))
    }

    fn push(&mut self, element: Element) -> Result<(), WriteError> {
        let bucket = self.innermost()?;
        let is_full = HEADER + bucket.length + element.length() > PAGE_SIZE || bucket.leaf.len() == ELEMENTS_MAX;
        if is_full && !bucket.leaf.is_empty() {
            let full = bucket.take_leaf();
            let child = self.write_leaf(&full)?;
            self.innermost()?.pages.push(child);
        }
        let bucket = self.innermost()?;
        bucket.length += element.length();
        bucket.leaf.push(element);
        Ok(())
    }

    fn write_leaf(&mut self, elements: &[Element]) -> Result<Child, WriteError> {
        let key = elements.first().map(|element| element.key.clone()).unwrap_or_default();
        let page = self.write_page(LEAF, elements.len(), &leaf_data(elements))?;
        Ok(Child { key, page })
    }

    /// Writes what is left of a bucket and the branches over its pages.
    fn root_of(&mut self, bucket: &mut Bucket) -> Result<u64, WriteError> {
        if !bucket.leaf.is_empty() || bucket.pages.is_empty() {
            let rest = bucket.take_leaf();
            let child = self.write_leaf(&rest)?;
            bucket.pages.push(child);
        }
        let mut level = std::mem::take(&mut bucket.pages);
        while level.len() > 1 {
            level = self.write_branches(level)?;
        }
        level.first().map(|child| child.page).ok_or(WriteError::Nesting("without a page"))
    }

    /// One level of branches. Each has two children at least, so that there are fewer of them.
    fn write_branches(&mut self, children: Vec<Child>) -> Result<Vec<Child>, WriteError> {
        let mut level = Vec::new();
        let mut group: Vec<Child> = Vec::new();
        let mut length = HEADER;
        let mut left = children.len();
        for child in children {
            let more = ELEMENT + child.key.len();
            // The last one is not left alone: a branch with one child would not make the level shorter.
            if length + more > PAGE_SIZE && group.len() > 1 && left > 1 || group.len() == ELEMENTS_MAX {
                level.push(self.write_branch(&std::mem::take(&mut group))?);
                length = HEADER;
            }
            length += more;
            left -= 1;
            group.push(child);
        }
        level.push(self.write_branch(&group)?);
        Ok(level)
    }

    fn write_branch(&mut self, children: &[Child]) -> Result<Child, WriteError> {
        let mut data = Vec::new();
        let mut at = children.len() * ELEMENT;
        for (index, child) in children.iter().enumerate() {
            data.extend(number(at - index * ELEMENT));
            data.extend(number(child.key.len()));
            data.extend(child.page.to_le_bytes());
            at += child.key.len();
        }
        children.iter().for_each(|child| data.extend(&child.key));
        let key = children.first().map(|child| child.key.clone()).unwrap_or_default();
        let page = self.write_page(BRANCH, children.len(), &data)?;
        Ok(Child { key, page })
    }

    /// Writes a page with those that continue it.
    fn write_page(&mut self, flags: u16, count: usize, data: &[u8]) -> Result<u64, WriteError> {
        let page = self.next_page;
        let pages = (HEADER + data.len()).div_ceil(PAGE_SIZE);
        let mut bytes = header(page, flags, count, pages - 1);
        bytes.extend(data);
        bytes.resize(pages * PAGE_SIZE, 0);
        self.out.write_all(&bytes)?;
        self.next_page += pages as u64;
        Ok(page)
    }
}

impl Bucket {
    fn follow(&mut self, key: &[u8]) -> Result<(), WriteError> {
        if key.is_empty() || key.len() > KEY_BYTES_MAX {
            return Err(WriteError::Key { key: shown(key) });
        }
        if self.last.as_deref().is_some_and(|last| last >= key) {
            return Err(WriteError::Order { key: shown(key) });
        }
        self.last = Some(key.to_owned());
        Ok(())
    }

    fn is_inline(&self) -> bool {
        self.pages.is_empty() && !self.has_buckets && HEADER + self.length <= INLINE_MAX
    }

    fn take_leaf(&mut self) -> Vec<Element> {
        self.length = 0;
        std::mem::take(&mut self.leaf)
    }
}

fn header(page: u64, flags: u16, count: usize, overflow: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(PAGE_SIZE);
    bytes.extend(page.to_le_bytes());
    bytes.extend(flags.to_le_bytes());
    bytes.extend(u16::try_from(count).unwrap_or(u16::MAX).to_le_bytes());
    bytes.extend(number(overflow));
    bytes
}

/// A page of leaves without its continuation, as an inline bucket has it.
fn leaf(page: u64, elements: &[Element]) -> Vec<u8> {
    let mut bytes = header(page, LEAF, elements.len(), 0);
    bytes.extend(leaf_data(elements));
    bytes
}

fn leaf_data(elements: &[Element]) -> Vec<u8> {
    let mut data = Vec::new();
    let mut at = elements.len() * ELEMENT;
    for (index, element) in elements.iter().enumerate() {
        data.extend(element.flags.to_le_bytes());
        data.extend(number(at - index * ELEMENT));
        data.extend(number(element.key.len()));
        data.extend(number(element.value.len()));
        at += element.key.len() + element.value.len();
    }
    for element in elements {
        data.extend(&element.key);
        data.extend(&element.value);
    }
    data
}

fn bucket_header(root: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(BUCKET_HEADER);
    bytes.extend(root.to_le_bytes());
    bytes.extend(0_u64.to_le_bytes());
    bytes
}

fn meta(page: u64, transaction: u64, root: u64, freelist: u64, high_water: u64) -> Vec<u8> {
    let mut body = Vec::new();
    for number in [MAGIC, VERSION, PAGE_SIZE as u32, 0] {
        body.extend(number.to_le_bytes());
    }
    for number in [root, 0, freelist, high_water, transaction] {
        body.extend(number.to_le_bytes());
    }
    let sum = fnv64a(&body);
    let mut bytes = header(page, META_FLAG, 0, 0);
    bytes.extend(body);
    bytes.extend(sum.to_le_bytes());
    bytes.resize(PAGE_SIZE, 0);
    bytes
}

/// Lengths are checked where keys and values come in.
fn number(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes()
}

fn shown(key: &[u8]) -> String {
    String::from_utf8_lossy(key).chars().take(64).collect()
}
