//! The content of a file, in pages that copies share until they are written.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

const PAGE: usize = 4096;

/// A page that is None has never been written and reads as zeros.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    pages: Vec<Option<Arc<[u8; PAGE]>>>,
    length: u64,
}

fn place(offset: u64) -> (usize, usize) {
    let offset = usize::try_from(offset).expect("it fits into memory");
    (offset / PAGE, offset % PAGE)
}

impl Content {
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Reads what there is, at most to the end of the file.
    pub(super) fn read(&self, offset: u64, buffer: &mut [u8]) -> usize {
        let there = usize::try_from(self.length.saturating_sub(offset)).expect("it fits into memory");
        let count = buffer.len().min(there);
        let mut done = 0;
        while done < count {
            let (page, start) = place(offset + done as u64);
            let piece = (PAGE - start).min(count - done);
            match self.pages.get(page).and_then(Option::as_ref) {
                Some(bytes) => buffer[done..done + piece].copy_from_slice(&bytes[start..start + piece]),
                None => buffer[done..done + piece].fill(0),
            }
            done += piece;
        }
        count
    }

    pub(super) fn write(&mut self, offset: u64, bytes: &[u8]) {
        let mut done = 0;
        while done < bytes.len() {
            let (page, start) = place(offset + done as u64);
            let piece = (PAGE - start).min(bytes.len() - done);
            if self.pages.len() <= page {
                self.pages.resize(page + 1, None);
            }
            let page = self.pages[page].get_or_insert_with(|| Arc::new([0; PAGE]));
            Arc::make_mut(page)[start..start + piece].copy_from_slice(&bytes[done..done + piece]);
            done += piece;
        }
        self.length = self.length.max(offset + bytes.len() as u64);
    }

    /// Cuts the file, or makes it longer with zeros.
    pub(super) fn set_length(&mut self, length: u64) {
        if length < self.length {
            let (page, start) = place(length);
            self.pages.truncate(if start == 0 { page } else { page + 1 });
            if let Some(Some(last)) = self.pages.get_mut(page) {
                Arc::make_mut(last)[start..].fill(0);
            }
        }
        self.length = length;
    }

    pub(super) fn hash_into(&self, hasher: &mut impl Hasher) {
        self.length.hash(hasher);
        for (number, page) in self.pages.iter().enumerate() {
            // A page of zeros and one that was never written read the same.
            if let Some(page) = page.as_ref().filter(|page| page.iter().any(|byte| *byte != 0)) {
                number.hash(hasher);
                hasher.write(&**page);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(content: &Content) -> Vec<u8> {
        let mut bytes = vec![0xff; 3 * PAGE];
        let length = content.read(0, &mut bytes);
        bytes.truncate(length);
        bytes
    }

    #[test]
    fn a_file_that_was_cut_and_made_longer_reads_zeros() {
        let mut content = Content::default();
        content.write(PAGE as u64 - 2, b"abcd");
        content.set_length(PAGE as u64 - 1);
        content.set_length(PAGE as u64 + 3);
        let bytes = whole(&content);
        assert_eq!(&bytes[PAGE - 2..], b"a\0\0\0\0");
    }

    #[test]
    fn a_write_to_a_copy_leaves_the_original() {
        let mut content = Content::default();
        content.write(0, b"old");
        let mut copy = content.clone();
        copy.write(0, b"new");
        assert_eq!((whole(&content).as_slice(), whole(&copy).as_slice()), (b"old".as_slice(), b"new".as_slice()));
    }
}
