//! The log against published vectors, against itself for every size, and against tampering (L01, L03).

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use attest::checkpoint::{self, Checkpoint};
use attest::keys::SigningKey;
use attest::note::NoteSigner;
use attest::tlog::{
    Appended, Kind, LogProof, Tile, TileReader, TreeHead, append, check_root, consistency_proof, entries,
    inclusion_proof, leaf_hash, verify_consistency, verify_inclusion,
};
use attest::{AttestError, Limits};
use domain::digest::{Digest, Hasher};

/// The inputs and roots of the reference implementation of Certificate Transparency.
const VECTORS: [(&[u8], &str); 8] = [
    (b"", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
    (b"\x00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
    (b"\x10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
    (b"\x20\x21", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
    (b"\x30\x31", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
    (b"\x40\x41\x42\x43", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
    (b"\x50\x51\x52\x53\x54\x55\x56\x57", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
    (
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ),
];

/// A log in memory, which may keep or drop partial tiles.
#[derive(Clone, Default)]
struct Memory {
    files: BTreeMap<String, Vec<u8>>,
}

impl TileReader for Memory {
    type Error = AttestError;

    fn tile(&self, tile: Tile) -> Result<Vec<u8>, AttestError> {
        let found = [tile, tile.full()].iter().find_map(|tile| self.files.get(&tile.to_string()).cloned());
        found.ok_or(AttestError::Tile { path: tile.to_string(), reason: "there is no such file" })
    }
}

impl Memory {
    fn grow(&mut self, head: &TreeHead, new: &[Vec<u8>]) -> Result<TreeHead, AttestError> {
        let Appended { head, files } = append(self, head, new)?;
        self.files.extend(files.into_iter().map(|(tile, bytes)| (tile.to_string(), bytes)));
        Ok(head)
    }

    fn of(count: u64) -> (Self, TreeHead) {
        let mut log = Self::default();
        let new: Vec<_> = (0..count).map(entry).collect();
        let head = log.grow(&TreeHead::empty(), &new).expect("a log");
        (log, head)
    }
}

fn entry(index: u64) -> Vec<u8> {
    format!("{{\"n\":{index}}}").into_bytes()
}

/// RFC 6962, section 2.1, word for word: what the tiles must agree with.
fn root(leaves: &[Digest]) -> Digest {
    match leaves {
        [] => Digest::of(b""),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node(&root(left), &root(right))
        }
    }
}

fn node(left: &Digest, right: &Digest) -> Digest {
    let mut hasher = Hasher::new();
    hasher.update(&[1]);
    hasher.update(left.as_bytes());
    hasher.update(right.as_bytes());
    hasher.finish()
}

fn leaves(count: u64) -> Vec<Digest> {
    (0..count).map(|index| leaf_hash(&entry(index))).collect()
}

fn flipped(hash: &Digest) -> Digest {
    let mut bytes = *hash.as_bytes();
    bytes[17] ^= 4;
    Digest::from_bytes(bytes)
}

#[test]
fn the_vectors_of_certificate_transparency_hold() {
    assert_eq!(TreeHead::empty().root.to_string(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    let (mut log, mut head) = (Memory::default(), TreeHead::empty());
    let mut heads = vec![head.clone()];
    for (input, root) in VECTORS {
        head = log.grow(&head, &[input.to_vec()]).expect("a log");
        assert_eq!(head.root.to_string(), root, "size {}", head.size);
        heads.push(head.clone());
    }
    // The published proofs: entry 5 of 8, and from 6 to 8.
    let text = |proof: Vec<Digest>| proof.iter().map(Digest::to_string).collect::<Vec<_>>();
    assert_eq!(
        text(inclusion_proof(&log, &heads[8], 5).expect("a proof")),
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ]
    );
    assert_eq!(
        text(consistency_proof(&log, &heads[6], &heads[8]).expect("a proof")),
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ]
    );
}

#[test]
fn every_inclusion_proof_up_to_70_entries_holds_and_no_changed_one() {
    let leaves = leaves(71);
    for size in 1..=70u64 {
        let (log, head) = Memory::of(size);
        assert_eq!(head.root, root(&leaves[..size as usize]), "size {size}");
        for index in 0..size {
            let leaf = leaves[index as usize];
            let proof = inclusion_proof(&log, &head, index).expect("a proof");
            assert_eq!(verify_inclusion(leaf, index, &head, &proof), Ok(()), "{index} of {size}");
            let refused = |leaf, index, head: &TreeHead, proof: &[Digest]| {
                let code = verify_inclusion(leaf, index, head, proof).map_err(|error| error.code());
                assert_eq!(code, Err("E-LOG-PROOF"), "{index} of {size}");
            };
            for at in 0..proof.len() {
                let mut evil = proof.clone();
                evil[at] = flipped(&evil[at]);
                refused(leaf, index, &head, &evil);
                evil.remove(at);
                refused(leaf, index, &head, &evil);
            }
            for at in 0..=proof.len() {
                let mut evil = proof.clone();
                evil.insert(at, leaf);
                refused(leaf, index, &head, &evil);
            }
            refused(leaves[(index + 1) as usize], index, &head, &proof);
            for other in (0..size).filter(|other| *other != index) {
                refused(leaf, other, &head, &proof);
            }
            refused(leaf, size, &head, &proof);
            refused(leaf, u64::MAX, &head, &proof);
            refused(leaf, index, &TreeHead { size, root: flipped(&head.root) }, &proof);
            refused(leaf, index, &TreeHead { size: 0, root: head.root }, &proof);
        }
    }
}

#[test]
fn every_consistency_proof_up_to_70_entries_holds_and_no_changed_one() {
    let leaves = leaves(70);
    let head = |size: u64| TreeHead { size, root: root(&leaves[..size as usize]) };
    for new_size in 0..=70u64 {
        let (log, new) = Memory::of(new_size);
        for old_size in 0..=new_size {
            let old = head(old_size);
            let proof = consistency_proof(&log, &old, &new).expect("a proof");
            assert_eq!(verify_consistency(&old, &new, &proof), Ok(()), "{old_size} to {new_size}");
            let refused = |old: &TreeHead, new: &TreeHead, proof: &[Digest]| {
                let code = verify_consistency(old, new, proof).map_err(|error| error.code());
                assert_eq!(code, Err("E-LOG-PROOF"), "{old_size} to {new_size}");
            };
            for at in 0..proof.len() {
                let mut evil = proof.clone();
                evil[at] = flipped(&evil[at]);
                refused(&old, &new, &evil);
                evil.remove(at);
                refused(&old, &new, &evil);
            }
            for at in 0..=proof.len() {
                let mut evil = proof.clone();
                evil.insert(at, Digest::of(b"x"));
                refused(&old, &new, &evil);
            }
            refused(&TreeHead { size: old_size, root: flipped(&old.root) }, &new, &proof);
            if old_size > 0 {
                refused(&old, &TreeHead { size: new_size, root: flipped(&new.root) }, &proof);
            }
            if old_size < new_size {
                refused(&new, &old, &proof);
            }
        }
    }
}

#[test]
fn a_log_grown_in_any_steps_has_the_same_files_and_roots() {
    let all: Vec<_> = (0..700).map(entry).collect();
    let leaves = leaves(700);
    let (once, head) = Memory::of(700);
    for step in [1, 7, 255, 256, 257, 600] {
        let (mut log, mut grown) = (Memory::default(), TreeHead::empty());
        for chunk in all.chunks(step) {
            grown = log.grow(&grown, chunk).expect("a log");
            assert_eq!(grown.root, root(&leaves[..grown.size as usize]), "step {step}");
        }
        assert_eq!(grown, head);
        // Partial tiles of smaller sizes stay; each file of the log at this size is the same.
        for (path, bytes) in &once.files {
            assert_eq!(log.files.get(path), Some(bytes), "step {step}: {path}");
        }
    }
    assert_eq!(
        once.files.keys().map(String::as_str).collect::<Vec<_>>(),
        [
            "tile/0/000",
            "tile/0/001",
            "tile/0/002.p/188",
            "tile/1/000.p/2",
            "tile/entries/000",
            "tile/entries/001",
            "tile/entries/002.p/188",
        ]
    );
    let last = Tile::parse("tile/entries/002.p/188").expect("a path");
    assert_eq!(entries(last, &once.files["tile/entries/002.p/188"]).expect("entries")[187], entry(699));
}

#[test]
fn nothing_changes_when_nothing_is_appended() {
    let (log, head) = Memory::of(300);
    assert_eq!(append(&log, &head, &[] as &[&[u8]]), Ok(Appended { head: head.clone(), files: Vec::new() }));
    assert_eq!(append(&log, &TreeHead::empty(), &[] as &[&[u8]]).map(|it| it.head), Ok(TreeHead::empty()));
    let code = append(&log, &head, &[vec![0; 65_536]]).map(|_| ()).map_err(|error| error.code());
    assert_eq!(code, Err("E-LIMIT"));
}

#[test]
fn a_log_that_was_changed_is_neither_extended_nor_vouched_for() {
    // L01.
    let (log, head) = Memory::of(700);
    let grow = |log: &Memory, head: &TreeHead| append(log, head, &[b"new"]).map(|_| ()).map_err(|error| error.code());
    assert_eq!(grow(&log, &head), Ok(()));
    let change = |path: &str, at: usize| {
        let mut evil = log.clone();
        evil.files.get_mut(path).expect("a file")[at] ^= 1;
        evil
    };
    assert_eq!(grow(&change("tile/0/002.p/188", 40), &head), Err("E-LOG-FORK"));
    assert_eq!(grow(&change("tile/1/000.p/2", 0), &head), Err("E-LOG-FORK"));
    // An edited entry at the end; its length still fits.
    assert_eq!(grow(&change("tile/entries/002.p/188", 5), &head), Err("E-LOG-TILE"));
    // A tail cut off, and a file that is gone.
    let mut evil = log.clone();
    evil.files.get_mut("tile/0/002.p/188").expect("a file").truncate(187 * 32);
    assert_eq!(grow(&evil, &head), Err("E-LOG-TILE"));
    evil.files.remove("tile/1/000.p/2");
    assert_eq!(grow(&evil, &head), Err("E-LOG-TILE"));
    // A replaced tile in the middle: proofs that rest on it are not given, others are.
    let evil = change("tile/0/001", 0);
    let code = |index| inclusion_proof(&evil, &head, index).map(|_| ()).map_err(|error| error.code());
    assert_eq!(
        (code(256), code(257), code(500), code(3)),
        (Err("E-LOG-FORK"), Err("E-LOG-FORK"), Err("E-LOG-FORK"), Ok(()))
    );
    // Another history of the same length, and one that was cut: the older head is no part of it.
    let (fork, forked) = {
        let mut fork = Memory::default();
        let new: Vec<_> = (0..700).map(|index| entry(index + u64::from(index > 400))).collect();
        let head = fork.grow(&TreeHead::empty(), &new).expect("a log");
        (fork, head)
    };
    let code = |old: &TreeHead, new: &TreeHead| consistency_proof(&fork, old, new).map(|_| ()).map_err(|e| e.code());
    assert_eq!(code(&head, &forked), Err("E-LOG-FORK"));
    let (_, shorter) = Memory::of(500);
    let (_, common) = Memory::of(400);
    assert_eq!((code(&shorter, &forked), code(&common, &forked)), (Err("E-LOG-FORK"), Ok(())));
    assert_eq!(code(&TreeHead { size: 701, root: head.root }, &forked), Err("E-LOG-RANGE"));
    assert_eq!(grow(&fork, &head), Err("E-LOG-FORK"));
    assert_eq!(inclusion_proof(&log, &head, 700).map_err(|error| error.code()), Err("E-LOG-RANGE"));
}

/// A log of any size that is never written down: leaf hashes are made from the index, and the tiles
/// above them once, when first read.
struct Sparse {
    reads: Cell<usize>,
    made: RefCell<BTreeMap<Tile, Vec<u8>>>,
}

impl Sparse {
    fn hash(&self, level: u8, index: u64) -> Digest {
        if level == 0 {
            return Digest::from_bytes(std::array::from_fn(|at| index.to_be_bytes()[at % 8]));
        }
        // The leaf level is regular enough to skip: each full tile of hashes gets a root of its own.
        let below = Tile::of(Kind::Hashes(level - 1), index, u64::MAX).expect("a full tile");
        let hashes: Vec<_> =
            self.make(below).as_chunks::<32>().0.iter().map(|hash| Digest::from_bytes(*hash)).collect();
        root(&hashes)
    }

    fn make(&self, tile: Tile) -> Vec<u8> {
        if let Some(bytes) = self.made.borrow().get(&tile) {
            return bytes.clone();
        }
        let Kind::Hashes(level) = tile.kind() else { return Vec::new() };
        let first = tile.index() * 256;
        let bytes: Vec<u8> =
            (first..first + tile.width() as u64).flat_map(|index| *self.hash(level, index).as_bytes()).collect();
        if level > 0 {
            self.made.borrow_mut().insert(tile, bytes.clone());
        }
        bytes
    }

    fn count<T>(&self, act: impl FnOnce(&Self) -> Result<T, AttestError>) -> (T, usize) {
        self.reads.set(0);
        let value = act(self).expect("it holds");
        (value, self.reads.get())
    }
}

impl TileReader for Sparse {
    type Error = AttestError;

    fn tile(&self, tile: Tile) -> Result<Vec<u8>, AttestError> {
        self.reads.set(self.reads.get() + 1);
        if let Kind::Entries = tile.kind() {
            return Err(AttestError::Tile { path: tile.to_string(), reason: "only hashes are made" });
        }
        Ok(self.make(tile))
    }
}

#[test]
fn a_proof_about_ten_million_entries_reads_a_handful_of_tiles() {
    // L03. 10^7 entries have three levels of tiles. A proof reads, on each, the tile on its path and the one at
    // the right edge; two more when the older edge lies elsewhere. `append`
    // starts at the end of a bundle, so that no entries are needed.
    let log = Sparse { reads: Cell::new(0), made: RefCell::new(BTreeMap::new()) };
    let size = 10_000_000;
    let root_of = |size: u64| {
        // Found by asking: the reader cannot be wrong about its own root.
        let peaks = (0..64).rev().filter(|height| size >> height & 1 == 1).map(|height| {
            let index = (size >> height) - 1;
            peak(&log, height, index)
        });
        let peaks: Vec<_> = peaks.collect();
        peaks.into_iter().rev().reduce(|right, left| node(&left, &right)).expect("a tree")
    };
    let head = TreeHead { size, root: root_of(size) };
    assert_eq!(log.count(|log| check_root(log, &head)).1, 3);
    for index in [0, 1, 255, 256, 65_536, 5_000_000, 9_999_871, size - 1] {
        let (proof, reads) = log.count(|log| inclusion_proof(log, &head, index));
        assert!(reads <= 6, "{reads} reads for entry {index}");
        assert!(proof.len() <= 24, "{} hashes for entry {index}", proof.len());
    }
    for old_size in [1, 255, 256, 65_537, 4_999_999, 9_999_999] {
        let old = TreeHead { size: old_size, root: root_of(old_size) };
        let (_, reads) = log.count(|log| consistency_proof(log, &old, &head));
        assert!(reads <= 6, "{reads} reads from size {old_size}");
    }
    let head = TreeHead { size: 9_999_872, root: root_of(9_999_872) };
    let (grown, reads) = log.count(|log| append(log, &head, &[b"one", b"two"]));
    assert!(reads <= 6, "{reads} reads to append");
    assert_eq!(
        grown.files.iter().map(|(tile, _)| tile.to_string()).collect::<Vec<_>>(),
        ["tile/entries/x039/062.p/2", "tile/0/x039/062.p/2",]
    );
}

/// The root of the complete tree of 2^height entries at `index`.
fn peak(log: &Sparse, height: u32, index: u64) -> Digest {
    let (level, inside) = ((height / 8) as u8, height % 8);
    let first = index << inside;
    let hashes: Vec<_> = (first..first + (1 << inside)).map(|index| log.hash(level, index)).collect();
    root(&hashes)
}

fn signer(seed: u8) -> NoteSigner {
    NoteSigner::new("stella/lab/audit", SigningKey::from_seed(&[seed; 32])).expect("a name")
}

fn proof() -> (LogProof, NoteSigner) {
    let (log, head) = Memory::of(300);
    let signer = signer(1);
    let checkpoint = Checkpoint::new("stella/lab/audit", head.clone()).sign(&signer).expect("a checkpoint");
    let hashes = inclusion_proof(&log, &head, 7).expect("a proof");
    (LogProof { extra: b"receipt".to_vec(), index: 7, hashes, checkpoint }, signer)
}

#[test]
fn a_proof_file_is_written_as_c2sp_says_and_checked_offline() {
    let (proof, signer) = proof();
    let text = proof.to_text();
    let lines: Vec<_> = text.split('\n').collect();
    assert_eq!(lines[..3], ["c2sp.org/tlog-proof@v1", "extra cmVjZWlwdA==", "index 7"]);
    assert_eq!(lines[3 + proof.hashes.len()], "");
    assert_eq!(lines[4 + proof.hashes.len()..6 + proof.hashes.len()], ["stella/lab/audit", "300"]);
    let limits = Limits::default();
    assert_eq!(LogProof::parse(text.as_bytes(), &limits).as_ref(), Ok(&proof));
    let signed = proof.verify(&entry(7), &limits, signer.verifier(), &[]).expect("a proof");
    assert_eq!(signed.head().size, 300);
    let code = |proof: &LogProof, entry: &[u8]| {
        proof.verify(entry, &limits, signer.verifier(), &[]).map(|_| ()).map_err(|error| error.code())
    };
    assert_eq!(code(&proof, &entry(8)), Err("E-LOG-PROOF"));
    assert_eq!(code(&LogProof { index: 8, ..proof.clone() }, &entry(7)), Err("E-LOG-PROOF"));
    let other = self::signer(2);
    let forged = checkpoint::verify(proof.checkpoint.as_bytes(), &limits, other.verifier(), &[]);
    assert_eq!(forged.map_err(|error| error.code()), Err("E-NOTE-UNSIGNED"));
    let bare = LogProof { extra: Vec::new(), ..proof };
    assert!(bare.to_text().starts_with("c2sp.org/tlog-proof@v1\nindex 7\n"));
}

#[test]
fn a_malformed_proof_file_is_refused() {
    let (proof, _) = proof();
    let good = proof.to_text();
    let cases = [
        String::new(),
        good.replacen("@v1", "@v2", 1),
        good.replacen("extra cmVjZWlwdA==", "extra cmVjZWlwdA", 1),
        good.replacen("extra cmVjZWlwdA==", "extra ", 1),
        good.replacen("extra cmVjZWlwdA==\n", "extra cmVjZWlwdA==\nextra cmVjZWlwdA==\n", 1),
        good.replacen("index 7", "index 07", 1),
        good.replacen("index 7", "index  7", 1),
        good.replacen("index 7", "index +7", 1),
        good.replacen("index 7\n", "", 1),
        good.replacen("index 7\n", "index 7\nAAAA\n", 1),
        good.replacen("\n\n", "\n", 2),
        good.replacen('\n', "\r\n", 1),
    ];
    for case in cases {
        let read = LogProof::parse(case.as_bytes(), &Limits::default()).map_err(|error| error.code());
        assert_eq!(read, Err("E-LOG-PROOF"), "{case:?}");
    }
    let limits = Limits { proof_bytes_max: 100, ..Limits::default() };
    assert_eq!(LogProof::parse(good.as_bytes(), &limits).map_err(|error| error.code()), Err("E-LIMIT"));
}

#[test]
fn no_flip_of_one_bit_of_a_proof_file_changes_what_is_believed() {
    let (proof, signer) = proof();
    let good = proof.to_text().into_bytes();
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut evil = good.clone();
            evil[at] ^= 1 << bit;
            let limits = Limits::default();
            let Ok(read) = LogProof::parse(&evil, &limits) else { continue };
            // Only the extra data, which nothing signs, may vary.
            if read.verify(&entry(7), &limits, signer.verifier(), &[]).is_ok() {
                assert_eq!(LogProof { extra: proof.extra.clone(), ..read }, proof, "byte {at}, bit {bit}");
            }
        }
    }
}
