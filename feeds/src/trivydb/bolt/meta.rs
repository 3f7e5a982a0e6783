//! The two meta pages. A writer changes one of them, the older one, so that a torn write leaves the other.

use super::page::{HEADER, Header, u32_at, u64_at};
use super::{BoltError, Source};

pub(super) const MAGIC: u32 = 0xed0c_daed;
pub(super) const VERSION: u32 = 2;
pub(super) const META_FLAG: u16 = 0x04;
/// The body of a meta page: 56 bytes and their checksum.
const BODY: usize = 64;
const SUMMED: usize = 56;
/// What a freelist is said to be at when the file has none.
const NO_FREELIST: u64 = u64::MAX;
/// Those that bbolt writes on any machine: at least 512 bytes, at most the largest page of a kernel.
const PAGE_SIZES: std::ops::RangeInclusive<u32> = 9..=16;

/// What a file says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meta {
    pub(super) page_size: u64,
    /// The root page of the bucket that holds all others.
    pub(super) root: u64,
    pub(super) freelist: Option<u64>,
    /// Every page has a lower number.
    pub(super) high_water: u64,
    transaction: u64,
}

impl Meta {
    /// The valid meta page of the later transaction.
    pub(super) fn choose<S: Source>(source: &S) -> Result<Self, BoltError> {
        let first = Self::read(source, 0);
        let second = match &first {
            Ok(meta) => Self::read(source, meta.page_size).and_then(|other| other.of_size(meta.page_size)),
            // Only the first one is found without knowing how long a page is.
            Err(_) => Self::search(source),
        };
        let chosen = match (first, second) {
            (Ok(first), Ok(second)) if second.transaction > first.transaction => second,
            (Ok(first), _) => first,
            (Err(_), Ok(second)) => second,
            (Err(error), Err(_)) => return Err(error),
        };
        chosen.check(source.length())
    }

    fn search<S: Source>(source: &S) -> Result<Self, BoltError> {
        let sizes = PAGE_SIZES.map(|bits| 1_u64 << bits);
        let found = sizes.filter_map(|size| Self::read(source, size).and_then(|meta| meta.of_size(size)).ok()).next();
        found.ok_or(BoltError::NotBolt("no meta page is whole"))
    }

    fn of_size(self, page_size: u64) -> Result<Self, BoltError> {
        let same = self.page_size == page_size;
        if same { Ok(self) } else { Err(BoltError::NotBolt("its meta pages differ in the length of a page")) }
    }

    fn read<S: Source>(source: &S, offset: u64) -> Result<Self, BoltError> {
        let mut bytes = [0; HEADER + BODY];
        if offset.saturating_add(bytes.len() as u64) > source.length() {
            return Err(BoltError::NotBolt("it is shorter than its meta pages"));
        }
        source.read_exact_at(&mut bytes, offset)?;
        let (header, body) = bytes.split_at(HEADER);
        if u32_at(body, 0) != Some(MAGIC) {
            return Err(BoltError::NotBolt("the magic number is missing"));
        }
        match u32_at(body, 4) {
            Some(VERSION) => {}
            version => return Err(BoltError::Version(version.unwrap_or_default())),
        }
        let sum = body.get(..SUMMED).map(fnv64a);
        let is_meta = Header::parse(header).is_some_and(|header| header.flags == META_FLAG);
        if sum != u64_at(body, SUMMED) || !is_meta {
            return Err(BoltError::NotBolt("the checksum of the meta page is wrong"));
        }
        Self::parse(body).ok_or(BoltError::NotBolt("the meta page is too short"))
    }

    fn parse(body: &[u8]) -> Option<Self> {
        let freelist = u64_at(body, 32)?;
        Some(Self {
            page_size: u64::from(u32_at(body, 8)?),
            root: u64_at(body, 16)?,
            freelist: (freelist != NO_FREELIST).then_some(freelist),
            high_water: u64_at(body, 40)?,
            transaction: u64_at(body, 48)?,
        })
    }

    /// A checksum makes nothing true: whoever wrote the numbers wrote it, too.
    fn check(self, length: u64) -> Result<Self, BoltError> {
        if !PAGE_SIZES.map(|bits| 1_u64 << bits).any(|size| size == self.page_size) {
            return Err(BoltError::NotBolt("its pages have an impossible length"));
        }
        let needed = self.high_water.saturating_mul(self.page_size);
        if needed > length {
            return Err(BoltError::Truncated { length, needed });
        }
        let is_page = |page: u64| (2..self.high_water).contains(&page);
        if !is_page(self.root) || self.freelist.is_some_and(|page| !is_page(page)) {
            return Err(BoltError::NotBolt("its meta page refers to pages that are not there"));
        }
        Ok(self)
    }
}

/// FNV-1a with 64 bits, as draft-eastlake-fnv defines it.
pub(super) fn fnv64a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::fnv64a;

    #[test]
    fn the_checksum_is_the_published_one() {
        // The test vectors of draft-eastlake-fnv.
        assert_eq!(fnv64a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv64a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv64a(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
