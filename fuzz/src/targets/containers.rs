//! What `ouk` reads before it trusts anything: the metadata frame, roots, the seal.

use std::io::Cursor;
use std::sync::OnceLock;

use minisign::{SecretKey, SecretKeyBox};
use ouk::limits::Limits;
use ouk::read::{SealedMetadata, open};
use ouk::seal::{TrustedComment, verify_minisign};
use ouk::verify::check_root;
use serde_json::Value;
use zstd::zstd_safe::{find_frame_compressed_size, get_frame_content_size};

use crate::kit::{base, support};
use crate::target::{choose, text};

pub(crate) const TAR_WORDS: &[&str] = &[
    "META/VERSION",
    "META/README.txt",
    "META/root/1.root.json",
    "blobs/sha256/",
    "../",
    "META/",
    "OUK/1\n",
    "ustar\0",
];
pub(crate) const FRAME_WORDS: &[&str] = &["(\u{b5}/\u{fd}", "P*M\u{18}"];
pub(crate) const ROOT_WORDS: &[&str] = &[
    "\"signed\":{",
    "\"signatures\":[",
    "\"keyid\":\"",
    "\"sig\":\"",
    "\"_type\":\"root\"",
    "\"version\":1",
    "\\u0041",
    "\\\"",
    "\\\\",
    "1e3",
    "1.0",
    "-0",
    "null",
    "\u{ffff}",
    "\"a\":1,\"a\":1",
    "99999999999999999999",
];
pub(crate) const SEAL_WORDS: &[&str] = &[
    "untrusted comment: ",
    "trusted comment: ",
    "ouk kit=7 root=1 targets=7 sha256=",
    "RUQ",
    "RWQ",
    "\r",
    "sha256=",
    "=07",
];

fn limits() -> Limits {
    Limits { metadata_frame_bytes_max: 64 << 10, root_bytes_max: 8 << 10, window_log_max: 18, ..Limits::default() }
}

/// A metadata frame has one spelling: what is accepted is what a plain writer of tar makes of its files.
pub(crate) fn tar(data: &[u8]) {
    let Ok(sealed) = SealedMetadata::from_frame(&support::compress(data), &limits()) else { return };
    assert_eq!(support::tar(sealed.files()), data);
    assert!(sealed.files().keys().all(|name| name.starts_with("META/") && !name.contains("..")));
}

pub(crate) fn tar_seeds() -> Vec<Vec<u8>> {
    let small = support::Files::from([
        ("META/VERSION".to_owned(), b"OUK/1\n".to_vec()),
        ("META/README.txt".to_owned(), b"x".to_vec()),
    ]);
    vec![support::tar(&small), support::tar(&base().files)]
}

/// Our walk over a frame passes only what libzstd too takes for exactly one frame of known size.
pub(crate) fn frame(data: &[u8]) {
    const FRAMING: [&str; 5] = ["E-FRAME", "E-TRUNC", "E-TRAIL", "E-WINDOW", "E-LIMIT"];
    let code = |error: &ouk::error::KitError| error.code();
    let sealed = SealedMetadata::from_frame(data, &limits()).map(|sealed| sealed.files().clone());
    let opened = open(data, &limits()).map(|opened| opened.metadata.files().clone());
    let framed = sealed.as_ref().map_or_else(|error| !FRAMING.contains(&error.code()), |_| true);
    if framed {
        assert_eq!(find_frame_compressed_size(data), Ok(data.len()));
        let size = get_frame_content_size(data).ok().flatten().expect("a frame with its content size");
        let content = zstd::stream::decode_all(data).expect("a frame that libzstd decodes");
        assert_eq!(content.len() as u64, size);
        assert!(size <= limits().metadata_frame_bytes_max);
        // Reading from a stream and from memory come to the same.
        assert_eq!(opened.as_ref().map_err(code), sealed.as_ref().map_err(code));
    }
    if let Ok(files) = opened {
        assert_eq!(zstd::stream::decode_all(&data[..frame_length(data)]).expect("a frame"), support::tar(&files));
    }
}

fn frame_length(data: &[u8]) -> usize {
    find_frame_compressed_size(data).expect("a frame")
}

pub(crate) fn frame_seeds() -> Vec<Vec<u8>> {
    let metadata = support::compress(&support::tar(&base().files));
    let first = base().frames.values().next().expect("a frame").clone();
    vec![support::END.to_vec(), support::compress(b"hello hello hello"), support::compress(&[0; 2000]), metadata, first]
}

/// JSON is taken in its canonical spelling only: held against an encoder of a few lines.
pub(crate) fn root(data: &[u8]) {
    let canonical = serde_json::from_slice(data).ok().and_then(|value: Value| {
        let mut bytes = Vec::new();
        canonical(&value, &mut bytes).then_some(bytes)
    });
    match (canonical.as_deref() == Some(data), check_root(data, &limits())) {
        (false, Ok(_)) => panic!("another spelling was accepted"),
        (false, Err(error)) => assert!(["E-JSON", "E-LIMIT"].contains(&error.code()), "{error}"),
        (true, Err(error)) => assert_ne!(error.code(), "E-JSON", "{error}"),
        (true, Ok(root)) => assert!(root.version > 0),
    }
}

/// OLPC's canonical JSON, as TUF uses it. False for what it has no spelling for.
fn canonical(value: &Value, bytes: &mut Vec<u8>) -> bool {
    match value {
        Value::Null => bytes.extend(b"null"),
        Value::Bool(true) => bytes.extend(b"true"),
        Value::Bool(false) => bytes.extend(b"false"),
        Value::Number(number) if number.is_f64() => return false,
        Value::Number(number) => bytes.extend(number.to_string().bytes()),
        Value::String(text) => quoted(text, bytes),
        Value::Array(values) => {
            bytes.push(b'[');
            for (at, value) in values.iter().enumerate() {
                if at > 0 {
                    bytes.push(b',');
                }
                if !canonical(value, bytes) {
                    return false;
                }
            }
            bytes.push(b']');
        }
        Value::Object(fields) => {
            bytes.push(b'{');
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_by_key(|(name, _)| *name);
            for (at, (name, value)) in sorted.into_iter().enumerate() {
                if at > 0 {
                    bytes.push(b',');
                }
                quoted(name, bytes);
                bytes.push(b':');
                if !canonical(value, bytes) {
                    return false;
                }
            }
            bytes.push(b'}');
        }
    }
    true
}

fn quoted(text: &str, bytes: &mut Vec<u8>) {
    bytes.push(b'"');
    for byte in text.bytes() {
        if matches!(byte, b'"' | b'\\') {
            bytes.push(b'\\');
        }
        bytes.push(byte);
    }
    bytes.push(b'"');
}

pub(crate) fn root_seeds() -> Vec<Vec<u8>> {
    let texts = [r#"{"signatures":[],"signed":{}}"#, r#"{"a":[1,true,null,"\"\\"],"b":{}}"#];
    let texts = texts.iter().map(|text| text.as_bytes().to_vec());
    base().vendor.roots.iter().cloned().chain(texts).collect()
}

const SEALED: &[u8] = b"the sealed file";

/// A seal is accepted in one spelling only, and says only what was sealed.
pub(crate) fn seal(data: &[u8]) {
    let Some((mode, rest)) = choose(&[0, 1, 2], data) else { return };
    let public = &base().vendor.seal_key.1;
    let check = |seal: &str| verify_minisign(SEALED, seal, public);
    match (mode, text(rest)) {
        // A text that nobody signed.
        (0, Some(text)) => assert!(check(text).is_err()),
        // A comment that the right key signed.
        (1, Some(text)) => {
            let Some(seal) = sealed(text) else { return };
            match (check(&seal), text.parse::<TrustedComment>()) {
                (Ok(found), Ok(meant)) => assert_eq!((&found, found.to_string().as_str()), (&meant, text)),
                (Ok(_), Err(())) => panic!("{text:?} was taken for the comment of a kit"),
                (Err(error), _) => assert_eq!(error.code(), "E-SEAL"),
            }
        }
        // A good seal with bytes changed here and there.
        _ => {
            let good = sealed(&comment()).expect("a seal");
            let mut bytes = good.clone().into_bytes();
            for change in rest.chunks_exact(3) {
                let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % bytes.len();
                bytes[at] ^= change[2];
            }
            let Ok(text) = String::from_utf8(bytes) else { return };
            if check(&text).is_ok() {
                let signed = |text: &str| text.split_once('\n').map(|(_, rest)| rest.to_owned());
                assert_eq!(signed(&text), signed(&good));
            }
        }
    }
}

fn comment() -> String {
    TrustedComment { kit: 7, root: 1, targets: 7, sha256: domain::digest::Digest::of(SEALED) }.to_string()
}

fn sealed(comment: &str) -> Option<String> {
    static KEY: OnceLock<SecretKey> = OnceLock::new();
    let key = KEY.get_or_init(|| {
        let sealed = SecretKeyBox::from_string(&base().vendor.seal_key.0).expect("a key");
        sealed.into_unencrypted_secret_key().expect("a key without a password")
    });
    let seal = minisign::sign(None, key, Cursor::new(SEALED), Some(comment), Some("x"));
    seal.ok().map(|seal| seal.into_string())
}

pub(crate) fn seal_seeds() -> Vec<Vec<u8>> {
    let good = sealed(&comment()).expect("a seal");
    vec![[&[0], good.as_bytes()].concat(), [&[1], comment().as_bytes()].concat(), vec![2, 0, 0, 0], vec![2, 5, 0, 1]]
}
