//! A site that takes what it is given, and a vendor's kit with many frames.

use std::fs::File;
use std::io::Write;
use std::sync::OnceLock;

use domain::clock::Reading;
use domain::digest::Digest;
use forge::{Draft, END, Vendor, advisories, dataset, gates, noise, now};
use importer::work::InProcess;
use importer::{ImportError, Imported, Incomplete, Means, Outcome, Part, Request, SealPolicy, import_parts};
use ouk::limits::Limits;
use store::{GenerationRow, Store};
use tempfile::TempDir;

/// A kit, and where its frames begin; at last, its end.
pub(crate) struct Kit {
    pub(crate) bytes: Vec<u8>,
    pub(crate) starts: Vec<usize>,
}

fn vendor() -> &'static Vendor {
    static VENDOR: OnceLock<Vendor> = OnceLock::new();
    VENDOR.get_or_init(|| Vendor::new(1))
}

pub(crate) fn kit(version: u64) -> Kit {
    built(&draft(version))
}

pub(crate) fn draft(version: u64) -> Draft {
    let targets = dataset(advisories(3));
    let targets: Vec<(&str, &[u8])> = targets.iter().map(|(path, content)| (path.as_str(), &content[..])).collect();
    let mut draft = Draft::new(vendor(), version, &targets);
    for number in 0..6 {
        draft.put(&format!("os/{number}"), &noise(version * 100 + number, 200 + 90 * number as usize));
    }
    draft
}

pub(crate) fn built(draft: &Draft) -> Kit {
    let bytes = draft.kit();
    let blobs: usize = draft.frames.values().map(Vec::len).sum();
    let mut starts = vec![bytes.len() - END.len() - blobs];
    for frame in draft.frames.values() {
        starts.push(starts[starts.len() - 1] + frame.len());
    }
    Kit { bytes, starts }
}

impl Kit {
    pub(crate) fn frames(&self) -> usize {
        self.starts.len() - 1
    }

    /// The volume with these frames.
    pub(crate) fn volume(&self, frames: impl IntoIterator<Item = usize>) -> Vec<u8> {
        let mut bytes = self.bytes[..self.starts[0]].to_vec();
        for frame in frames {
            bytes.extend_from_slice(&self.bytes[self.starts[frame]..self.starts[frame + 1]]);
        }
        bytes.extend_from_slice(&END);
        bytes
    }

    /// A copy with a changed bit in this frame.
    pub(crate) fn bent(&self, frame: usize) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        bytes[self.starts[frame] + 20] ^= 1;
        bytes
    }
}

pub(crate) struct Site {
    pub(crate) directory: TempDir,
    pub(crate) store: Store,
    pub(crate) seal: Option<(String, String)>,
    pub(crate) seal_policy: SealPolicy,
    pub(crate) expected: Option<Digest>,
}

impl Site {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open(directory.path().join("state")).expect("a store");
        Self { directory, store, seal: None, seal_policy: SealPolicy::Optional, expected: None }
    }

    /// A file that has no name any more.
    pub(crate) fn file(&self, bytes: &[u8]) -> File {
        let path = self.directory.path().join("medium");
        File::create(&path).and_then(|mut file| file.write_all(bytes)).expect("written");
        let file = File::open(&path).expect("opens");
        std::fs::remove_file(&path).expect("removed");
        file
    }

    pub(crate) fn take(&self, files: Vec<File>) -> Result<Imported, ImportError> {
        let mut parts = files.into_iter().enumerate().map(|(at, file)| Part { file, given_as: format!("stick/{at}") });
        let first = parts.next().expect("one");
        let others: Vec<Part> = parts.collect();
        let (seal, seal_key) = self.seal.as_ref().map(|(text, key)| (text.as_str(), key.as_str())).unzip();
        let request = Request {
            kit: first.file,
            given_as: first.given_as,
            trust_root: Some(&vendor().roots[0]),
            site_root: None,
            seal,
            seal_key,
            seal_policy: self.seal_policy,
            expected: self.expected,
            gates: gates(),
            operator: "a test".to_owned(),
            engine: "tests".to_owned(),
        };
        let mut next = 0;
        let site = self.store.site(&mut |bytes: &mut [u8]| {
            next += 1;
            bytes.fill(next);
            Ok(())
        })?;
        let reading = Reading { wall: now(), since_boot_seconds: 1000, boot_id: "one".to_owned() };
        let means = Means {
            site: &site,
            worker: &InProcess,
            reading: &reading,
            limits: &Limits::default(),
            nonce: Digest::of(b"nonce"),
            progress: &|_| {},
        };
        import_parts(&self.store, &request, &others, &means)
    }

    /// Imports these files at once.
    pub(crate) fn import(&self, files: &[&[u8]]) -> Result<Imported, ImportError> {
        self.take(files.iter().map(|bytes| self.file(bytes)).collect())
    }

    pub(crate) fn incomplete(&self, files: &[&[u8]]) -> Incomplete {
        match self.import(files).expect("kept").outcome {
            Outcome::Incomplete(incomplete) => *incomplete,
            other => panic!("not incomplete: {other:?}"),
        }
    }

    pub(crate) fn active(&self, files: &[&[u8]]) -> GenerationRow {
        match self.import(files).expect("imported").outcome {
            Outcome::Activated(row) => *row,
            other => panic!("not active: {other:?}"),
        }
    }

    /// Everything that is kept of kits that are not whole.
    pub(crate) fn sets(&self) -> usize {
        let entries = std::fs::read_dir(self.directory.path().join("state/sets")).expect("a directory");
        entries.count()
    }
}

/// What makes two generations the same.
pub(crate) fn identity(row: &GenerationRow) -> (Digest, Digest, Digest, Vec<Digest>) {
    (row.kit_sha256, row.metadata_digest, row.content_root, row.blobs.clone())
}
