//! One page of a B-tree in the making: cells from its end, their places from its beginning.

pub(super) const PAGE: usize = 4096;
/// Which stands only in the first page.
pub(super) const FILE_HEADER: usize = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    TableLeaf,
    TableInner,
    IndexLeaf,
    IndexInner,
}

impl Kind {
    const fn byte(self) -> u8 {
        match self {
            Self::IndexInner => 0x02,
            Self::TableInner => 0x05,
            Self::IndexLeaf => 0x0a,
            Self::TableLeaf => 0x0d,
        }
    }

    const fn header(self) -> usize {
        match self {
            Self::TableLeaf | Self::IndexLeaf => 8,
            Self::TableInner | Self::IndexInner => 12,
        }
    }

    /// As much of a record as lies in the page itself; the rest is in a chain of overflow pages.
    pub(super) const fn local(self, length: usize) -> usize {
        let (most, least) = (
            match self {
                Self::TableLeaf | Self::TableInner => PAGE - 35,
                Self::IndexLeaf | Self::IndexInner => (PAGE - 12) * 64 / 255 - 23,
            },
            (PAGE - 12) * 32 / 255 - 23,
        );
        if length <= most {
            return length;
        }
        let wanted = least + (length - least) % (PAGE - 4);
        if wanted <= most { wanted } else { least }
    }
}

#[derive(Debug)]
pub(super) struct Page {
    kind: Kind,
    /// Bytes that stand before it: the header of the file, in the first page.
    before: usize,
    cells: Vec<Vec<u8>>,
    used: usize,
}

impl Page {
    pub(super) const fn new(kind: Kind) -> Self {
        Self::behind(kind, 0)
    }

    pub(super) const fn behind(kind: Kind, before: usize) -> Self {
        Self { kind, before, cells: Vec::new(), used: before + kind.header() }
    }

    pub(super) fn len(&self) -> usize {
        self.cells.len()
    }

    pub(super) fn has_room(&self, cell: &[u8]) -> bool {
        self.used + 2 + cell.len() <= PAGE
    }

    pub(super) fn push(&mut self, cell: Vec<u8>) {
        self.used += 2 + cell.len();
        self.cells.push(cell);
    }

    pub(super) fn pop(&mut self) -> Option<Vec<u8>> {
        let cell = self.cells.pop()?;
        self.used -= 2 + cell.len();
        Some(cell)
    }

    /// The same of a page that is not the first one after all.
    pub(super) fn take_whole(&mut self) -> Vec<u8> {
        self.before = 0;
        self.take(0)
    }

    /// The bytes of the page, and an empty page again. `right` is the child behind the last cell of an inner page.
    pub(super) fn take(&mut self, right: u32) -> Vec<u8> {
        let mut bytes = vec![0; PAGE];
        let mut end = PAGE;
        let mut places = Vec::with_capacity(2 * self.cells.len());
        for cell in &self.cells {
            end -= cell.len();
            copy(&mut bytes, end, cell);
            places.extend(place(end));
        }
        let mut header = vec![self.kind.byte(), 0, 0];
        header.extend(place(self.cells.len()));
        header.extend(place(end));
        header.push(0);
        if self.kind.header() > 8 {
            header.extend(right.to_be_bytes());
        }
        copy(&mut bytes, self.before, &header);
        copy(&mut bytes, self.before + header.len(), &places);
        *self = Self::new(self.kind);
        bytes
    }
}

pub(super) fn copy(bytes: &mut [u8], at: usize, what: &[u8]) {
    if let Some(room) = bytes.get_mut(at..at + what.len()) {
        room.copy_from_slice(what);
    }
}

/// A page has 4096 bytes, so that every place and number in it fits.
fn place(at: usize) -> [u8; 2] {
    u16::try_from(at).unwrap_or(u16::MAX).to_be_bytes()
}
