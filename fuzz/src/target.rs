//! What a target is, how one is chosen, and where its first inputs come from.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::targets::ALL;

/// One thing to fuzz.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    /// Longer inputs are not tried: they find nothing more and cost time.
    pub(crate) length_max: usize,
    /// Panics when a promise is broken.
    pub(crate) run: fn(&[u8]),
    /// Inputs that reach deep at once.
    pub(crate) seeds: fn() -> Vec<Vec<u8>>,
    /// Words that a mutator would hardly find by itself.
    pub(crate) words: &'static [&'static str],
}

static CHOSEN: OnceLock<&'static Target> = OnceLock::new();

/// Before the first input: chooses the target, or writes the seeds of all and ends.
pub(crate) fn start() {
    if let Some(directory) = std::env::var_os("FUZZ_SEEDS") {
        write_seeds(Path::new(&directory));
        std::process::exit(0);
    }
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let names: Vec<&str> = ALL.iter().map(|target| target.name).collect();
    let target = ALL.iter().find(|target| target.name == name);
    let target = target.unwrap_or_else(|| panic!("FUZZ_TARGET must be one of {}", names.join(", ")));
    CHOSEN.get_or_init(|| target);
}

pub(crate) fn chosen() -> &'static Target {
    CHOSEN.get().expect("chosen at the start")
}

/// Writes `TARGET/seed-N` and `TARGET.dict` for every target, and `targets` with a line `name length` for each.
fn write_seeds(directory: &Path) {
    let write = |path: PathBuf, bytes: &[u8]| std::fs::write(path, bytes).expect("written");
    let mut list = String::new();
    for target in ALL {
        let own = directory.join(target.name);
        std::fs::create_dir_all(&own).expect("a directory");
        for (number, seed) in (target.seeds)().iter().enumerate() {
            write(own.join(format!("seed-{number:03}")), seed);
        }
        let words: String = target.words.iter().map(|word| format!("\"{}\"\n", escaped(word))).collect();
        write(directory.join(format!("{}.dict", target.name)), words.as_bytes());
        list.push_str(&format!("{} {}\n", target.name, target.length_max));
    }
    write(directory.join("targets"), list.as_bytes());
}

/// A word as libFuzzer's dictionaries want it.
fn escaped(word: &str) -> String {
    let byte = |byte| match byte {
        b'"' | b'\\' => format!("\\{}", char::from(byte)),
        b' '..=b'~' => char::from(byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    };
    word.bytes().map(byte).collect()
}

/// The files in a directory of `tests/data`, shortest first, those over `length_max` left out.
pub(crate) fn fixtures(directory: &str, endings: &[&str], length_max: usize) -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data").join(directory);
    let entries = std::fs::read_dir(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut files: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| endings.iter().any(|ending| path.to_string_lossy().ends_with(ending)))
        .map(|path| std::fs::read(path).expect("a file"))
        .filter(|bytes| bytes.len() <= length_max)
        .collect();
    files.sort_by_key(|bytes| (bytes.len(), bytes.clone()));
    assert!(!files.is_empty(), "{directory} has no seeds");
    files
}

/// The input as text; what is not UTF-8 is refused before any parser of text sees it.
pub(crate) fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}

/// The first byte chooses, the rest is the matter.
pub(crate) fn choose<'a, T: Copy>(among: &[T], data: &'a [u8]) -> Option<(T, &'a [u8])> {
    let (&choice, rest) = data.split_first()?;
    Some((*among.get(usize::from(choice) % among.len())?, rest))
}
