//! The reader of bbolt files.

use domain::time::Timestamp;
use feeds::trivydb::bolt::{Bolt, BoltError, Item, Limits};
use feeds::trivydb::{Contents, Metadata, check};

use crate::target::{choose, fixtures};

/// The length of a page of `tiny.db`.
const PAGE: usize = 512;
const META_BODY: usize = 16;

fn limits() -> Limits {
    Limits { held_bytes_max: 16 << 10, page_bytes_max: 8 << 10, ..Limits::default() }
}

/// A walk costs no more than the file is long, whatever the file says; what it gives is in order, and what
/// the check takes has been walked to its end.
pub(crate) fn database(data: &[u8]) {
    let Some((mode, rest)) = choose(&[0, 1], data) else { return };
    let bytes = if mode == 0 { rest.to_vec() } else { bent(rest) };
    let walked = walk(&bytes);
    let metadata = Metadata::parse(tiny_trivy_metadata()).expect("good metadata");
    let checked = check(&bytes[..], limits(), &metadata, signed_at());
    if let Ok(Contents { advisories, vulnerabilities, bytes: length, .. }) = checked {
        assert!(walked.is_ok_and(|values| values >= advisories + vulnerabilities));
        assert_eq!(length, bytes.len() as u64);
    }
}

fn walk(bytes: &[u8]) -> Result<u64, BoltError> {
    let bolt = Bolt::open(bytes, limits())?;
    let mut items = bolt.items()?;
    let (mut total, mut values, mut depth) = (0, 0, 0_usize);
    let mut last: Vec<Vec<u8>> = vec![Vec::new()];
    while let Some(item) = items.next()? {
        match item {
            Item::Bucket(name) => {
                total += name.len();
                assert!(name > last[depth].as_slice());
                last[depth] = name.to_vec();
                last.push(Vec::new());
                depth += 1;
            }
            Item::Value { key, value } => {
                total += key.len() + value.len();
                values += 1;
                assert!(key > last[depth].as_slice());
                last[depth] = key.to_vec();
            }
            Item::End => {
                last.pop();
                depth -= 1;
            }
        }
        assert_eq!(items.path().len(), depth);
        assert!(total <= bytes.len(), "more than the file has");
    }
    assert_eq!(depth, 0);
    Ok(values)
}

/// The small database with bytes changed here and there, and the sums of its meta pages right again.
fn bent(changes: &[u8]) -> Vec<u8> {
    let mut bytes = tiny_trivy_db();
    for change in changes.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % bytes.len();
        bytes[at] ^= change[2];
    }
    for start in [META_BODY, PAGE + META_BODY] {
        let sum = bytes[start..start + 56]
            .iter()
            .fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
        bytes[start + 56..start + 64].copy_from_slice(&sum.to_le_bytes());
    }
    bytes
}

fn signed_at() -> Timestamp {
    Timestamp::parse_strict("2026-11-24T00:00:00Z").expect("a time")
}

pub(crate) fn tiny_trivy_db() -> Vec<u8> {
    let packed = fixtures("trivydb", &["tiny.db.zst"], 64 << 10).remove(0);
    zstd::stream::decode_all(&packed[..]).expect("a zstd file")
}

pub(crate) fn tiny_trivy_metadata() -> &'static [u8] {
    br#"{"Version":2,"NextUpdate":"2026-11-24T00:00:00Z","UpdatedAt":"2026-11-23T00:00:00Z"}"#
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    vec![[&[0], &tiny_trivy_db()[..]].concat(), vec![1, 0, 0, 0], vec![1, 24, 4, 1]]
}
