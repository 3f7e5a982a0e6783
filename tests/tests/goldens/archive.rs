//! The shared data: where it is, and its archives in memory.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The shared data, or None, said aloud, where it is absent.
pub(crate) fn shared() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let shared = std::env::var_os("STELLA_SHARED").map_or_else(beside, PathBuf::from).join("data");
    if shared.is_dir() {
        return Some(shared);
    }
    let _ = writeln!(std::io::stderr(), "skipped: ../shared is absent");
    None
}

/// A packed directory: contents by path.
pub(crate) struct Archive(BTreeMap<String, Vec<u8>>);

impl Archive {
    pub(crate) fn open(path: &Path) -> Self {
        let mut tar = tar::Archive::new(unpacked(path));
        let mut files = BTreeMap::new();
        for entry in tar.entries().expect("a tar archive") {
            let mut entry = entry.expect("a tar entry");
            let path = entry.path().expect("a path").display().to_string();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).expect("a tar entry");
            files.insert(path, bytes);
        }
        Self(files)
    }

    pub(crate) fn bytes(&self, path: &str) -> &[u8] {
        self.0.get(path).unwrap_or_else(|| panic!("{path} is in the archive"))
    }

    pub(crate) fn json(&self, path: &str) -> Value {
        serde_json::from_slice(self.bytes(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub(crate) fn under<'a>(&'a self, part: &'a str, extension: &'a str) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        let wanted = move |path: &&String| path.contains(part) && path.ends_with(extension);
        self.0.iter().filter(move |(path, _)| wanted(path)).map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
    }
}

/// Reads through zstd with the window that the shared data is packed with.
fn unpacked(path: &Path) -> impl std::io::Read + use<> {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut plain = zstd::Decoder::new(file).expect("zstd");
    plain.window_log_max(27).expect("a window");
    plain
}

/// The text at a JSON pointer, or nothing.
pub(crate) fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// The list at a JSON pointer, or an empty one.
pub(crate) fn list<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    value.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}
