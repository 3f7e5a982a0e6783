//! Documents for the tests of the parsers: fixtures, and containers made of them.

#![allow(dead_code, reason = "each test program uses its part")]
#![allow(clippy::disallowed_methods, reason = "the room takes readers; its tests read fixtures")]

use std::fs::{self, File};
use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};

use feeds::error::FeedError;
use feeds::ingest::{Ingested, Options, ingest};

/// A fixture of this room.
pub(crate) fn bytes(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/feeds").join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(crate) fn fixture(name: &str) -> Ingested {
    read(name, &bytes(name))
}

pub(crate) fn read(name: &str, bytes: &[u8]) -> Ingested {
    try_read(name, bytes, &Options::default()).expect(name)
}

pub(crate) fn try_read(name: &str, bytes: &[u8], options: &Options) -> Result<Ingested, FeedError> {
    let mut ingested = Ingested::new();
    ingest(name, bytes, options, &|_| {}, &mut ingested).map(|()| ingested)
}

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

pub(crate) fn open(path: &Path) -> File {
    File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Reads a file of the shared data.
pub(crate) fn read_file(path: &Path) -> Ingested {
    let mut ingested = Ingested::new();
    let file = open(path);
    ingest(&path.display().to_string(), file, &Options::default(), &|_| {}, &mut ingested).expect("a readable feed");
    ingested
}

pub(crate) fn tar(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        archive.append_data(&mut header, name, &bytes[..]).expect("in memory");
    }
    archive.into_inner().expect("in memory")
}

pub(crate) fn zip(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).expect("in memory");
        archive.write_all(bytes).expect("in memory");
    }
    archive.finish().expect("in memory").into_inner()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}

pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).expect("in memory")
}
