//! The content root: one digest for a whole set of records.
//!
//! SHA-256 over 4,096 buckets. A record falls into a bucket by the first twelve bits of
//! the digest of its key; a bucket's digest is the SHA-256 of its sorted record digests.
//! So the root does not depend on the order of arrival, costs one bucket to update, and
//! is equal for a full import and for a base plus its delta. The byte layout is drawn in
//! `docs/kit-format.md`.

use crate::digest::{Digest, Hasher};

/// How many buckets a root has.
pub const BUCKETS: usize = 4096;

/// Collects record digests.
pub struct ContentRoot {
    buckets: Vec<Vec<Digest>>,
}

impl Default for ContentRoot {
    fn default() -> Self {
        Self { buckets: vec![Vec::new(); BUCKETS] }
    }
}

impl ContentRoot {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the record with this kind (`advisory`, `kev`, …), key and canonical bytes.
    pub fn add(&mut self, kind: &str, key: &str, record: &[u8]) {
        let (bucket, digest) = Self::leaf(kind, key, record);
        self.add_leaf(bucket, digest);
    }

    /// The bucket and digest of a record, for callers that hash in parallel.
    pub fn leaf(kind: &str, key: &str, record: &[u8]) -> (u16, Digest) {
        let key = key_digest(kind, key);
        // The key is bound into the leaf, so that a record cannot pose under another key.
        let mut hasher = Hasher::new();
        hasher.update(key.as_bytes());
        hasher.update(record);
        (bucket_of(&key), hasher.finish())
    }

    /// The bucket that a record with this kind and key falls into.
    pub fn bucket(kind: &str, key: &str) -> u16 {
        bucket_of(&key_digest(kind, key))
    }

    /// Adds what [`ContentRoot::leaf`] returned.
    pub fn add_leaf(&mut self, bucket: u16, digest: Digest) {
        self.buckets[usize::from(bucket) % BUCKETS].push(digest);
    }

    /// The root of all that was added.
    pub fn finish(self) -> Digest {
        root_of(self.into_buckets().iter().map(|bucket| bucket_digest(bucket)))
    }

    /// The sorted leaves of each bucket.
    pub fn into_buckets(mut self) -> Vec<Vec<Digest>> {
        self.buckets.iter_mut().for_each(|bucket| bucket.sort_unstable());
        self.buckets
    }
}

/// The digest of a bucket with these leaves, which must be sorted.
pub fn bucket_digest(leaves: &[Digest]) -> Digest {
    let mut hasher = Hasher::new();
    leaves.iter().for_each(|leaf| hasher.update(leaf.as_bytes()));
    hasher.finish()
}

/// The root over the digests of all [`BUCKETS`], in order.
pub fn root_of(buckets: impl Iterator<Item = Digest>) -> Digest {
    let mut root = Hasher::new();
    buckets.for_each(|bucket| root.update(bucket.as_bytes()));
    root.finish()
}

fn key_digest(kind: &str, key: &str) -> Digest {
    let mut hasher = Hasher::new();
    hasher.update(kind.as_bytes());
    hasher.update(b"\0");
    hasher.update(key.as_bytes());
    hasher.finish()
}

fn bucket_of(key: &Digest) -> u16 {
    let [first, second, ..] = *key.as_bytes();
    u16::from(first) << 4 | u16::from(second) >> 4
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(records: &[(&str, &str)]) -> Digest {
        let mut root = ContentRoot::new();
        for (key, record) in records {
            root.add("advisory", key, record.as_bytes());
        }
        root.finish()
    }

    #[test]
    fn order_does_not_matter_and_content_does() {
        let one = root(&[("CVE-1", "a"), ("CVE-2", "b")]);
        assert_eq!(one, root(&[("CVE-2", "b"), ("CVE-1", "a")]));
        assert_ne!(one, root(&[("CVE-1", "b"), ("CVE-2", "a")]));
        assert_ne!(one, root(&[("CVE-1", "a")]));
    }

    #[test]
    fn the_empty_root_is_the_digest_of_4096_empty_digests() {
        let empty = Digest::of(b"");
        let all = empty.as_bytes().repeat(BUCKETS);
        assert_eq!(root(&[]), Digest::of(&all));
    }
}
