//! Hashes of RFC 6962 and the verification of its two proofs, after RFC 9162, 2.1.3.2 and 2.1.4.2.

use domain::digest::{Digest, Hasher};

use crate::error::AttestError;
use crate::text::base64;

/// How many entries a log has, and the root of the tree over them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeHead {
    pub size: u64,
    pub root: Digest,
}

impl TreeHead {
    /// The head of a log without entries.
    pub fn empty() -> Self {
        Self { size: 0, root: Digest::of(b"") }
    }

    /// The root as checkpoints spell it.
    pub fn root_base64(&self) -> String {
        base64(self.root.as_bytes())
    }
}

/// The hash of an entry.
pub fn leaf_hash(entry: &[u8]) -> Digest {
    prefixed(0x00, &[entry])
}

pub(super) fn node_hash(left: &Digest, right: &Digest) -> Digest {
    prefixed(0x01, &[left.as_bytes(), right.as_bytes()])
}

// Leaves and nodes hash differently, or a node could be passed off as an entry.
fn prefixed(prefix: u8, parts: &[&[u8]]) -> Digest {
    let mut hasher = Hasher::new();
    hasher.update(&[prefix]);
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finish()
}

/// Verifies that the entry with this leaf hash stands at `index` of the tree.
pub fn verify_inclusion(leaf: Digest, index: u64, head: &TreeHead, proof: &[Digest]) -> Result<(), AttestError> {
    if index >= head.size {
        return Err(AttestError::Proof("the index is not in the tree"));
    }
    let (mut node, mut last, mut root) = (index, head.size - 1, leaf);
    for hash in proof {
        if last == 0 {
            return Err(AttestError::Proof("hashes are left over"));
        }
        if node & 1 == 1 || node == last {
            root = node_hash(hash, &root);
            skip_levels_without_sibling(&mut node, &mut last);
        } else {
            root = node_hash(&root, hash);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    match last {
        0 if root == head.root => Ok(()),
        0 => Err(AttestError::Proof("the entry does not lead to the root")),
        _ => Err(AttestError::Proof("hashes are missing")),
    }
}

/// Verifies that the tree `new` begins with the tree `old`.
pub fn verify_consistency(old: &TreeHead, new: &TreeHead, proof: &[Digest]) -> Result<(), AttestError> {
    if old.size > new.size {
        return Err(AttestError::Proof("the newer tree is smaller"));
    }
    if old.size == new.size || old.size == 0 {
        let same = if old.size == 0 { *old == TreeHead::empty() } else { old == new };
        let same = same && (new.size > 0 || *new == TreeHead::empty());
        return match (same, proof) {
            (true, []) => Ok(()),
            (true, _) => Err(AttestError::Proof("hashes are left over")),
            (false, _) => Err(AttestError::Proof("two roots of one size")),
        };
    }
    let (mut node, mut last) = (old.size - 1, new.size - 1);
    while node & 1 == 1 {
        (node, last) = (node >> 1, last >> 1);
    }
    // A complete old tree is itself the first hash.
    let (start, rest) = match proof {
        _ if old.size.is_power_of_two() => (old.root, proof),
        [first, rest @ ..] => (*first, rest),
        [] => return Err(AttestError::Proof("hashes are missing")),
    };
    let (mut old_root, mut new_root) = (start, start);
    for hash in rest {
        if last == 0 {
            return Err(AttestError::Proof("hashes are left over"));
        }
        if node & 1 == 1 || node == last {
            old_root = node_hash(hash, &old_root);
            new_root = node_hash(hash, &new_root);
            skip_levels_without_sibling(&mut node, &mut last);
        } else {
            new_root = node_hash(&new_root, hash);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    match last {
        0 if old_root == old.root && new_root == new.root => Ok(()),
        0 => Err(AttestError::Proof("the older tree is not the beginning of the newer")),
        _ => Err(AttestError::Proof("hashes are missing")),
    }
}

/// On the right edge a node may have no sibling on some levels: it rises through them unchanged.
fn skip_levels_without_sibling(node: &mut u64, last: &mut u64) {
    while *node & 1 == 0 && *node != 0 {
        (*node, *last) = (*node >> 1, *last >> 1);
    }
}
