//! Reading pages, each at most once, and accounting for all of them at the end.

use super::meta::Meta;
use super::page::{HEADER, Header, Page, u64_at};
use super::{BoltError, Limits, Source};

const FREELIST: u16 = 0x10;
/// A count that says: the first number of the list is the count.
const COUNT_FOLLOWS: u16 = 0xffff;

pub(super) struct Pages<'a, S> {
    source: &'a S,
    limits: &'a Limits,
    meta: &'a Meta,
    /// One bit for each page that was taken.
    taken: Vec<u64>,
    /// Bytes of the pages that are held.
    held: u64,
}

impl<'a, S: Source> Pages<'a, S> {
    pub(super) fn new(source: &'a S, limits: &'a Limits, meta: &'a Meta) -> Result<Self, BoltError> {
        let words = usize::try_from(meta.high_water.div_ceil(64)).unwrap_or(usize::MAX);
        let mut pages = Self { source, limits, meta, taken: vec![0; words], held: 0 };
        pages.mark(0, 2)?;
        Ok(pages)
    }

    /// Reads a page of a tree into `page`.
    pub(super) fn read(&mut self, number: u64, page: &mut Page) -> Result<(), BoltError> {
        self.read_bytes(number, &mut page.bytes)?;
        self.hold(page)?;
        page.parse(number)
    }

    /// Counts what is held from now on.
    pub(super) fn hold(&mut self, page: &Page) -> Result<(), BoltError> {
        self.held = self.held.saturating_add(page.bytes.len() as u64);
        let limit = self.limits.held_bytes_max;
        if self.held > limit { Err(BoltError::Limit { what: "bytes of pages on one path", limit }) } else { Ok(()) }
    }

    pub(super) fn let_go(&mut self, page: &Page) {
        self.held = self.held.saturating_sub(page.bytes.len() as u64);
    }

    fn read_bytes(&mut self, number: u64, bytes: &mut Vec<u8>) -> Result<Header, BoltError> {
        if !(2..self.meta.high_water).contains(&number) {
            return Err(BoltError::page(number, "is referred to and is not there"));
        }
        let size = self.meta.page_size;
        let mut head = [0; HEADER];
        self.source.read_exact_at(&mut head, number * size)?;
        let header = Header::parse(&head).ok_or(BoltError::page(number, "is too short for a page"))?;
        if header.page != number {
            return Err(BoltError::page(number, "has the number of another page"));
        }
        let count = u64::from(header.overflow) + 1;
        if count > self.meta.high_water - number {
            return Err(BoltError::page(number, "goes on behind the end of the database"));
        }
        let length = count * size;
        if length > self.limits.page_bytes_max {
            return Err(BoltError::Limit { what: "bytes in a page", limit: self.limits.page_bytes_max });
        }
        self.mark(number, count)?;
        bytes.clear();
        bytes.resize(usize::try_from(length).unwrap_or(usize::MAX), 0);
        self.source.read_exact_at(bytes, number * size)?;
        Ok(header)
    }

    /// Takes pages, none of which may have been taken before.
    fn mark(&mut self, first: u64, count: u64) -> Result<(), BoltError> {
        let end = first.checked_add(count).filter(|end| *end <= self.meta.high_water);
        for page in first..end.ok_or(BoltError::page(first, "is referred to and is not there"))? {
            let word = usize::try_from(page / 64).ok().and_then(|word| self.taken.get_mut(word));
            let word = word.ok_or(BoltError::page(page, "is referred to and is not there"))?;
            let bit = 1 << (page % 64);
            if *word & bit != 0 {
                return Err(BoltError::page(page, "is used twice: a circle, or two owners"));
            }
            *word |= bit;
        }
        Ok(())
    }

    /// After the whole walk: every page is used or free, and none is both.
    pub(super) fn account(&mut self) -> Result<(), BoltError> {
        let Some(freelist) = self.meta.freelist else { return Ok(()) };
        let mut bytes = Vec::new();
        let header = self.read_bytes(freelist, &mut bytes)?;
        let refuse = |problem| BoltError::page(freelist, problem);
        if header.flags != FREELIST {
            return Err(refuse("should be the list of free pages and is not"));
        }
        let (count, start) = match header.count {
            COUNT_FOLLOWS => (u64_at(&bytes, HEADER).ok_or(refuse("is too short"))?, HEADER + 8),
            count => (u64::from(count), HEADER),
        };
        let end = usize::try_from(count).ok().and_then(|count| count.checked_mul(8)?.checked_add(start));
        let numbers = end.and_then(|end| bytes.get(start..end)).ok_or(refuse("is shorter than its list"))?;
        for number in numbers.chunks_exact(8).filter_map(|bytes| u64_at(bytes, 0)) {
            self.mark(number, 1)?;
        }
        match (0..self.meta.high_water).find(|page| !self.is_taken(*page)) {
            Some(page) => Err(BoltError::page(page, "is neither used nor free: something is cut off")),
            None => Ok(()),
        }
    }

    fn is_taken(&self, page: u64) -> bool {
        let word = usize::try_from(page / 64).ok().and_then(|word| self.taken.get(word));
        word.is_some_and(|word| word & (1 << (page % 64)) != 0)
    }
}
