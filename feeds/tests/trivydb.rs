//! The reader of bbolt files, held against files that the genuine bbolt wrote, and against bent ones.

#![expect(clippy::disallowed_methods, reason = "fixtures")]

use domain::digest::Hasher;
use domain::time::Timestamp;
use feeds::trivydb::bolt::{Bolt, BoltError, Item, Limits};
use feeds::trivydb::{Contents, Metadata, TrivyDbError, check};

const PAGE: usize = 1024;

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/../tests/data/trivydb/{name}.zst", env!("CARGO_MANIFEST_DIR"));
    let packed = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    zstd::stream::decode_all(&packed[..]).expect("a zstd file")
}

fn shapes() -> Vec<u8> {
    fixture("shapes.db")
}

/// Buckets, values, and the digest that `make.go` computes over what bbolt reads.
fn read(bytes: &[u8], limits: Limits) -> Result<(u64, u64, String), BoltError> {
    let bolt = Bolt::open(bytes, limits)?;
    let mut items = bolt.items()?;
    let (mut buckets, mut values, mut sum) = (0, 0, Hasher::new());
    let put = |sum: &mut Hasher, bytes: &[u8]| {
        sum.update(&u32::try_from(bytes.len()).expect("short").to_le_bytes());
        sum.update(bytes);
    };
    while let Some(item) = items.next()? {
        match item {
            Item::Bucket(name) => {
                buckets += 1;
                put(&mut sum, name);
                sum.update(b"bucket");
            }
            Item::Value { key, value } => {
                values += 1;
                put(&mut sum, key);
                put(&mut sum, value);
            }
            Item::End => sum.update(b"end"),
        }
    }
    assert_eq!(items.next().expect("stays over"), None);
    Ok((buckets, values, sum.finish().to_string()))
}

fn refused(bytes: &[u8]) -> String {
    read(bytes, Limits::default()).expect_err("must be refused").to_string()
}

#[test]
fn what_bbolt_wrote_is_read_as_bbolt_reads_it() {
    // The numbers that make.go printed, with bbolt 1.3.10.
    let trivy = read(&fixture("trivy.db"), Limits::default()).expect("whole");
    assert_eq!(trivy, (93, 147, "5efd78cfdafeeb6da1c8ab2364649cc1dad613899dd07553f60706c6912433e8".to_owned()));
    let shapes = read(&shapes(), Limits::default()).expect("whole");
    assert_eq!(shapes, (44, 1482, "bc2bbefb37471d1f7c6f90a908c72b54463b3314271e6da5f8b95afd366e7e2e".to_owned()));
}

#[test]
fn an_item_tells_the_buckets_that_it_lies_in() {
    let bytes = shapes();
    let bolt = Bolt::open(&bytes[..], Limits::default()).expect("bolt");
    let mut items = bolt.items().expect("a root");
    while let Some(item) = items.next().expect("whole") {
        if item == (Item::Value { key: &[0, 0xff], value: &[0, 1, 2] }) {
            assert_eq!(items.path(), [b"nested".to_vec(), b"deep".to_vec(), b"deeper".to_vec()]);
            return;
        }
    }
    panic!("the deepest value is missing");
}

/// The file with numbers changed, and the sums of its meta pages right again.
struct Bent(Vec<u8>);

impl Bent {
    fn new() -> Self {
        Self(shapes())
    }

    fn u64_at(&self, at: usize) -> u64 {
        u64::from_le_bytes(self.0[at..at + 8].try_into().expect("eight"))
    }

    fn u16_at(&self, at: usize) -> u16 {
        u16::from_le_bytes(self.0[at..at + 2].try_into().expect("two"))
    }

    fn put(&mut self, at: usize, bytes: &[u8]) -> &mut Self {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
        self
    }

    /// Changes both meta pages at an offset of their bodies.
    fn meta(&mut self, at: usize, bytes: &[u8]) -> &mut Self {
        self.put(16 + at, bytes).put(PAGE + 16 + at, bytes)
    }

    fn sum(&mut self) -> &mut Self {
        for start in [16, PAGE + 16] {
            let sum = self.0[start..start + 56]
                .iter()
                .fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
            self.put(start + 56, &sum.to_le_bytes());
        }
        self
    }

    /// The first byte of the newest root page.
    fn root(&self) -> usize {
        let newest = if self.u64_at(16 + 48) > self.u64_at(PAGE + 16 + 48) { 0 } else { PAGE };
        usize::try_from(self.u64_at(newest + 16 + 16)).expect("small") * PAGE
    }

    /// The page of the bucket `flat`: the first element of the root.
    fn flat(&self) -> usize {
        let element = self.root() + 16;
        let word = |at: usize| u32::from_le_bytes(self.0[at..at + 4].try_into().expect("four")) as usize;
        usize::try_from(self.u64_at(element + word(element + 4) + word(element + 8))).expect("small") * PAGE
    }

    fn refused(&self) -> String {
        refused(&self.0)
    }
}

#[test]
fn p01_a_file_that_is_no_bbolt_file_is_refused() {
    for bytes in [&b""[..], b"SQLite format 3\0", &[0; 8192], &[0xff; 100_000]] {
        assert!(refused(bytes).starts_with("not a bbolt database"), "{}", bytes.len());
    }
    assert!(refused(Bent::new().meta(0, &[0; 4]).sum().0.as_slice()).contains("not a bbolt database"));
    let version = Bent::new().meta(4, &3_u32.to_le_bytes()).sum().refused();
    assert_eq!(version, "a bbolt database of format version 3, this program reads version 2");
}

#[test]
fn p01_one_good_meta_page_is_enough_and_the_later_one_counts() {
    let whole = read(&shapes(), Limits::default()).expect("whole");
    // The last transaction wrote page 0 or 1; without it the file is what it was before, of which pages were
    // used again since. Without the other nothing is missing.
    let mut newest_lost = Bent::new();
    let newest = if newest_lost.u64_at(16 + 48) > newest_lost.u64_at(PAGE + 16 + 48) { 0 } else { PAGE };
    let mut oldest_lost = Bent::new();
    oldest_lost.put(PAGE - newest + 16 + 8, &[1]);
    assert_eq!(read(&oldest_lost.0, Limits::default()).expect("whole"), whole);
    newest_lost.put(newest + 16 + 8, &[1]);
    assert_ne!(read(&newest_lost.0, Limits::default()).ok(), Some(whole));
    let both = Bent::new().put(16 + 8, &[1]).put(PAGE + 16 + 8, &[1]).refused();
    assert_eq!(both, "not a bbolt database: the checksum of the meta page is wrong");
}

#[test]
fn p01_circles_and_pages_that_are_not_there_are_refused() {
    let bent = Bent::new();
    let flat = bent.flat();
    assert_eq!(bent.u16_at(flat + 8), 1, "the bucket has branches");
    let child = flat + 16 + 8;
    let number = |at: usize| (at / PAGE) as u64;
    for (what, page, problem) in [
        ("itself", number(flat), "is used twice"),
        ("the root", number(bent.root()), "is used twice"),
        ("its sibling", bent.u64_at(child + 16), "out of order"),
        ("a meta page", 1, "is not there"),
        ("behind the end", 1 << 40, "is not there"),
        ("the end of numbers", u64::MAX, "is not there"),
    ] {
        let error = Bent::new().put(child, &page.to_le_bytes()).refused();
        assert!(error.contains(problem), "{what}: {error}");
    }
    // The last two children of a branch are the same page.
    let count = usize::from(bent.u16_at(flat + 10));
    let last = flat + 16 + (count - 1) * 16 + 8;
    let error = Bent::new().put(last, &bent.u64_at(last - 16).to_le_bytes()).refused();
    assert!(error.contains("is used twice"), "{error}");
}

#[test]
fn p01_what_does_not_lie_in_its_page_is_refused() {
    let bent = Bent::new();
    let mut at = bent.flat();
    while bent.u16_at(at + 8) == 1 {
        at = usize::try_from(bent.u64_at(at + 16 + 8)).expect("small") * PAGE;
    }
    // The second element has the data of the first.
    let position = u32::from_le_bytes(bent.0[at + 20..at + 24].try_into().expect("four")) - 16;
    let same = [&position.to_le_bytes()[..], &bent.0[at + 24..at + 32]].concat();
    for (problem, offset, bytes) in [
        ("number of another page", 0, &[0xee][..]),
        ("neither a branch nor a leaf", 8, &[3, 0]),
        ("does not lie in it", 10, &[0xff, 0xff]),
        ("goes on behind the end", 12, &[0xff; 4]),
        ("of an unknown kind", 16, &[2]),
        ("does not lie in it", 20, &[0xff; 4]),
        ("share their bytes", 20, &[0; 4]),
        ("empty or too long", 24, &[0; 4]),
        ("empty or too long", 24, &[0xff; 4]),
        ("does not lie in it", 28, &[0xff; 4]),
        ("share their bytes", 36, &same),
    ] {
        let error = Bent::new().put(at + offset, bytes).refused();
        assert!(error.contains(problem), "{problem}: {error}");
    }
    // A key that is greater than the next one.
    let mut swapped = Bent::new();
    let key = swapped.0[at..].windows(8).position(|bytes| bytes == b"key-0001").expect("the key");
    let error = swapped.put(at + key, b"kez-0001").refused();
    assert!(error.contains("out of order"), "{error}");
}

#[test]
fn p01_a_subtree_that_was_cut_off_is_missed() {
    let mut bent = Bent::new();
    let flat = bent.flat();
    let count = bent.u16_at(flat + 10);
    let error = bent.put(flat + 10, &(count - 1).to_le_bytes()).refused();
    assert!(error.contains("neither used nor free"), "{error}");
    let mut empty = Bent::new();
    let root = empty.root();
    assert!(empty.put(root + 10, &[0, 0]).refused().contains("neither used nor free"));
}

#[test]
fn p01_the_list_of_free_pages_must_be_one() {
    let bent = Bent::new();
    let newest = if bent.u64_at(16 + 48) > bent.u64_at(PAGE + 16 + 48) { 0 } else { PAGE };
    let list = usize::try_from(bent.u64_at(newest + 16 + 32)).expect("small") * PAGE;
    assert!(bent.u16_at(list + 10) > 10, "the fixture has free pages");
    for (problem, at, bytes) in [
        ("is not there", list + 16, u64::MAX.to_le_bytes().to_vec()),
        ("is used twice", list + 16, ((bent.flat() / PAGE) as u64).to_le_bytes().to_vec()),
        ("should be the list", list + 8, vec![2, 0]),
        ("shorter than its list", list + 10, vec![0xfe, 0xff]),
    ] {
        let error = Bent::new().put(at, &bytes).refused();
        assert!(error.contains(problem), "{problem}: {error}");
    }
}

#[test]
fn p01_a_file_that_was_cut_off_is_refused_at_any_length() {
    let bytes = shapes();
    let newest = Bent::new();
    let pages = newest.u64_at(16 + 40).max(newest.u64_at(PAGE + 16 + 40));
    let needed = usize::try_from(pages).expect("small") * PAGE;
    assert!(read(&bytes[..needed], Limits::default()).is_ok(), "bbolt makes a file longer than it needs");
    for length in (0..needed).step_by(211).chain([needed - 1]) {
        assert!(read(&bytes[..length], Limits::default()).is_err(), "{length}");
    }
    assert!(refused(&bytes[..needed - 1]).contains("cut off"));
}

#[test]
fn every_limit_is_kept() {
    let bytes = shapes();
    let with = |limits| read(&bytes, limits).expect_err("over a limit").to_string();
    let all = Limits::default();
    for (limits, word) in [
        (Limits { file_bytes_max: 100_000, ..all }, "100000 bytes of the file"),
        (Limits { page_bytes_max: 2048, ..all }, "2048 bytes in a page"),
        (Limits { held_bytes_max: 2048, ..all }, "2048 bytes of pages on one path"),
        (Limits { levels_max: 1, ..all }, "1 levels"),
        (Limits { bucket_depth_max: 2, ..all }, "2 buckets in each other"),
        (Limits { items_max: 1525, ..all }, "1525 keys"),
    ] {
        assert!(with(limits).contains(word), "{}", with(limits));
    }
    let exact = Limits {
        page_bytes_max: 6144,
        held_bytes_max: 9216,
        levels_max: 3,
        bucket_depth_max: 3,
        items_max: 1526,
        ..all
    };
    read(&bytes, exact).expect("within its limits");
}

/// A bit in every seventh byte: no panic, and never more than the file has.
#[test]
fn no_flipped_byte_makes_more_of_a_file_than_it_has() {
    let bytes = shapes();
    let mut refused = 0_u32;
    for at in (0..bytes.len()).step_by(7) {
        let mut bent = bytes.clone();
        bent[at] ^= 1 << (at % 8);
        let Ok(bolt) = Bolt::open(&bent[..], Limits::default()) else { continue };
        let Ok(mut items) = bolt.items() else { continue };
        let mut total = 0;
        loop {
            match items.next() {
                Ok(Some(Item::Value { key, value })) => total += key.len() + value.len(),
                Ok(Some(Item::Bucket(name))) => total += name.len(),
                Ok(Some(Item::End)) => {}
                Ok(None) => break,
                Err(_) => {
                    refused += 1;
                    break;
                }
            }
        }
        assert!(total <= bent.len(), "byte {at}");
    }
    assert!(refused > 2000, "only {refused} were noticed");
}

fn metadata(bend: impl Fn(String) -> String) -> Result<Metadata, TrivyDbError> {
    let text = r#"{"Version":2,"NextUpdate":"2026-11-24T06:00:00.5Z","UpdatedAt":"2026-11-23T06:00:00.5Z","DownloadedAt":"0001-01-01T00:00:00Z"}"#;
    Metadata::parse(bend(text.to_owned()).as_bytes())
}

fn signed_at() -> Timestamp {
    "2026-11-24T00:00:00Z".parse().expect("a time")
}

fn checked(bytes: &[u8]) -> Result<Contents, TrivyDbError> {
    check(bytes, Limits::default(), &metadata(|text| text)?, signed_at())
}

#[test]
fn a_trivy_db_is_counted() {
    let bytes = fixture("trivy.db");
    let contents = checked(&bytes).expect("a Trivy DB");
    // Counted in the YAML files that it was made from.
    let expected = Contents { platforms: 34, advisories: 68, vulnerabilities: 44, bytes: bytes.len() as u64 };
    assert_eq!(contents, expected);
}

#[test]
fn p01_another_schema_and_impossible_dates_are_refused() {
    let error = |from: &str, to: &str| {
        let parsed = metadata(|text| text.replacen(from, to, 1));
        let result = parsed.and_then(|parsed| check(&fixture("trivy.db")[..], Limits::default(), &parsed, signed_at()));
        result.expect_err(to).to_string()
    };
    assert_eq!(error("\"Version\":2", "\"Version\":3"), "schema version 3; this program and Trivy read version 2");
    assert!(error("\"Version\":2,", "").contains("schema version 0"));
    assert!(error("2026-11-24T06", "2100-01-01T06").contains("asks for no other before 2100-01-01T06:00:00Z"));
    assert!(error("2026-11-24T06", "2026-11-23T06").contains("asks for no other"));
    assert!(error("2026-11-24T06:00:00.5Z", "soon").contains("NextUpdate is \"soon\", which is no time"));
    assert!(error("{", "").contains("not readable"));
    assert!(error("UpdatedAt", "Updated").contains("not readable"));
    assert!(error("{", &format!("{{\"x\":\"{}\",", "x".repeat(70_000))).contains("longer than 65536 bytes"));
    let late = metadata(|text| text.replace("2026-11-24", "2026-12-24").replace("2026-11-23", "2026-12-23"));
    let late = check(&fixture("trivy.db")[..], Limits::default(), &late.expect("dates"), signed_at());
    assert!(late.expect_err("from the future").to_string().contains("after the kit was signed"));
}

#[test]
fn p01_what_is_no_trivy_db_inside_is_refused() {
    // bbolt's own shapes are no Trivy DB.
    assert_eq!(
        checked(&shapes()).expect_err("no JSON").to_string(),
        "in \"flat\", \"key-0000\": the value is not JSON"
    );
    let replaced = |from: &[u8], to: &[u8]| {
        let mut bytes = fixture("trivy.db");
        let at: Vec<usize> = (0..bytes.len() - from.len()).filter(|at| bytes[*at..].starts_with(from)).collect();
        assert!(!at.is_empty() && from.len() == to.len());
        at.into_iter().for_each(|at| bytes[at..at + to.len()].copy_from_slice(to));
        checked(&bytes).expect_err("must be refused").to_string()
    };
    assert_eq!(replaced(b"vulnerability", b"vulnerabilitz"), "the bucket \"vulnerability\" is missing");
    assert!(replaced(b"CVE-2022-38177", b"CVE-2022\x1b[2J77").contains("control characters"));
    assert!(replaced(b"CVE-2022-38177", b"CVE-2022-3817\xff").contains("not UTF-8"));
}
