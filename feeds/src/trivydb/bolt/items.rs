//! The walk through all buckets.

use std::ops::Range;

use super::meta::Meta;
use super::page::{Bucket, Page, What};
use super::pages::Pages;
use super::{BoltError, Limits, Source};

/// What the walk comes upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// A bucket begins. What follows lies in it, up to its [`Item::End`].
    Bucket(&'a [u8]),
    Value {
        key: &'a [u8],
        value: &'a [u8],
    },
    End,
}

/// All items of a file. Not an `Iterator`, because an item borrows the page that it lies in.
pub struct Items<'a, S> {
    pages: Pages<'a, S>,
    limits: &'a Limits,
    /// The bucket that holds all others, and those that are open in it.
    trees: Vec<Tree>,
    /// Names of the open buckets.
    path: Vec<Vec<u8>>,
    /// Pages that are not needed any more, to be used again.
    spare: Vec<Page>,
    count: u64,
    is_over: bool,
}

/// A bucket that is being read.
#[derive(Default)]
struct Tree {
    /// From its root down.
    pages: Vec<Page>,
    /// The key that came last.
    last: Vec<u8>,
    /// What the branches say that no further key is below.
    floor: Vec<u8>,
}

/// Where the next item lies: in the page on top.
enum Found {
    Bucket,
    Value(Range<usize>, Range<usize>),
    End,
}

impl<'a, S: Source> Items<'a, S> {
    pub(super) fn new(source: &'a S, limits: &'a Limits, meta: &'a Meta) -> Result<Self, BoltError> {
        let mut items = Self {
            pages: Pages::new(source, limits, meta)?,
            limits,
            trees: vec![Tree::default()],
            path: Vec::new(),
            spare: Vec::new(),
            count: 0,
            is_over: false,
        };
        items.descend(meta.root)?;
        Ok(items)
    }

    /// The next item; None after the last one, when every page of the file is accounted for. After an error
    /// nothing more comes.
    #[expect(clippy::should_implement_trait, reason = "an item borrows its page, which an Iterator cannot say")]
    pub fn next(&mut self) -> Result<Option<Item<'_>>, BoltError> {
        if self.is_over {
            return Ok(None);
        }
        // Set first: whatever fails below has the last word.
        self.is_over = true;
        let Some(found) = self.find()? else {
            self.pages.account()?;
            return Ok(None);
        };
        self.is_over = false;
        let page = self.trees.last().and_then(|tree| tree.pages.last());
        let item = match (found, page) {
            (Found::Value(key, value), Some(page)) => Item::Value { key: page.slice(&key), value: page.slice(&value) },
            (Found::Bucket, _) => Item::Bucket(self.path.last().map(Vec::as_slice).unwrap_or_default()),
            _ => Item::End,
        };
        Ok(Some(item))
    }

    /// The names of the buckets that are open, outermost first.
    pub fn path(&self) -> &[Vec<u8>] {
        &self.path
    }

    fn find(&mut self) -> Result<Option<Found>, BoltError> {
        loop {
            let Some(tree) = self.trees.last_mut() else { return Ok(None) };
            let Some(page) = tree.pages.last_mut() else {
                self.trees.pop();
                return Ok(self.path.pop().map(|_| Found::End));
            };
            let Some(element) = page.take() else {
                let done = tree.pages.pop();
                self.spare.extend(done.inspect(|page| self.pages.let_go(page)));
                continue;
            };
            let kind = element.what;
            let rank = if matches!(kind, What::Child(_)) { Rank::Branch } else { Rank::Leaf };
            tree.order(&element.key, rank)?;
            match kind {
                What::Child(child) => self.descend(child)?,
                What::Value(value) => {
                    self.count()?;
                    return Ok(Some(Found::Value(element.key, value)));
                }
                What::Bucket(bucket) => {
                    self.count()?;
                    self.enter(&element.key, bucket)?;
                    return Ok(Some(Found::Bucket));
                }
            }
        }
    }

    fn count(&mut self) -> Result<(), BoltError> {
        self.count += 1;
        let limit = self.limits.items_max;
        if self.count > limit { Err(BoltError::Limit { what: "keys", limit }) } else { Ok(()) }
    }

    /// One level down in the tree of the innermost bucket.
    fn descend(&mut self, number: u64) -> Result<(), BoltError> {
        let levels = self.trees.last().map_or(0, |tree| tree.pages.len());
        if levels >= self.limits.levels_max {
            return Err(BoltError::Limit { what: "levels", limit: self.limits.levels_max as u64 });
        }
        let mut page = self.spare.pop().unwrap_or_default();
        self.pages.read(number, &mut page)?;
        self.push(page);
        Ok(())
    }

    fn enter(&mut self, name: &Range<usize>, bucket: Bucket) -> Result<(), BoltError> {
        if self.path.len() >= self.limits.bucket_depth_max {
            return Err(BoltError::Limit { what: "buckets in each other", limit: self.limits.bucket_depth_max as u64 });
        }
        let outer = self.trees.last().and_then(|tree| tree.pages.last());
        self.path.push(outer.map(|page| page.slice(name).to_vec()).unwrap_or_default());
        match bucket {
            Bucket::Own(number) => {
                self.trees.push(Tree::default());
                self.descend(number)
            }
            Bucket::Inline(place) => {
                let mut page = self.spare.pop().unwrap_or_default();
                if let Some(outer) = outer {
                    page.parse_inline(outer, place)?;
                }
                self.pages.hold(&page)?;
                self.trees.push(Tree::default());
                self.push(page);
                Ok(())
            }
        }
    }

    fn push(&mut self, page: Page) {
        if let Some(tree) = self.trees.last_mut() {
            tree.pages.push(page);
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Rank {
    Branch,
    Leaf,
}

impl Tree {
    /// Keys grow strictly; one below a branch is not less than what the branch says.
    fn order(&mut self, key: &Range<usize>, rank: Rank) -> Result<(), BoltError> {
        let Some(page) = self.pages.last() else { return Ok(()) };
        let key = page.slice(key);
        // No key is empty, so the first one is greater than the beginning.
        if key <= self.last.as_slice() || key < self.floor.as_slice() {
            return Err(BoltError::page(page.number, "has keys that are out of order"));
        }
        let place = if rank == Rank::Branch { &mut self.floor } else { &mut self.last };
        place.clear();
        place.extend_from_slice(key);
        Ok(())
    }
}
