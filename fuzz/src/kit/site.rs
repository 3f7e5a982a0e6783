//! A site with the base kit. Refusals leave it as it is, so it serves many inputs; once it moved, the
//! next input gets a new one, so that an input does the same thing alone and in a crowd.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;

use domain::clock::{Reading, TimeFloor};
use domain::digest::Digest;
use domain::time::Timestamp;
use importer::work::InProcess;
use importer::{ImportError, Imported, Means, Request, SealPolicy};
use store::{GenerationRow, Store, TrustRow};
use tempfile::TempDir;

use super::base;
use super::claims::limits;
use super::support::{gates, now};

/// Receipts add up: a site is thrown away after so many imports.
const USES_MAX: u32 = 200;

pub(crate) struct Site {
    directory: TempDir,
    /// None while the site is being replaced.
    store: Option<Store>,
    uses: u32,
    moved: bool,
}

/// All that an import may change.
#[derive(Debug, PartialEq)]
pub(crate) struct State {
    pub(crate) current: Option<u64>,
    previous: Option<u64>,
    pub(crate) trust: Option<TrustRow>,
    pub(crate) time: Option<TimeFloor>,
    generations: Vec<GenerationRow>,
}

struct Sites {
    /// The state directory after the base kit, to be copied.
    template: TempDir,
    site: Site,
}

/// Runs on a site that has the base kit and nothing else.
pub(crate) fn with(run: impl FnOnce(&mut Site)) {
    static SITES: Mutex<Option<Sites>> = Mutex::new(None);
    let mut sites = SITES.lock().expect("a panic ends the process");
    let sites = sites.get_or_insert_with(Sites::new);
    if sites.site.moved || sites.site.uses >= USES_MAX {
        sites.site = Site::copied(sites.template.path());
    }
    sites.site.uses += 1;
    run(&mut sites.site);
}

impl Sites {
    fn new() -> Self {
        let template = tempfile::tempdir().expect("a directory");
        let mut first = Site::open(template);
        first.import(&base().kit, now()).expect("the base kit is good");
        let template = first.close();
        let site = Site::copied(template.path());
        Self { template, site }
    }
}

impl Site {
    fn open(directory: TempDir) -> Self {
        let store = Store::open(directory.path()).expect("a store");
        Self { directory, store: Some(store), uses: 0, moved: false }
    }

    fn copied(template: &Path) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        copy(template, directory.path());
        Self::open(directory)
    }

    /// Closes the database; the directory stays.
    fn close(mut self) -> TempDir {
        self.store = None;
        self.directory
    }

    pub(crate) fn store(&self) -> &Store {
        self.store.as_ref().expect("open")
    }

    pub(crate) fn moved(&mut self) {
        self.moved = true;
    }

    pub(crate) fn state(&self) -> State {
        let store = self.store();
        State {
            current: store.current().expect("the pointer"),
            previous: store.previous().expect("the pointer"),
            trust: store.trust().expect("the trust"),
            time: store.time().expect("the time"),
            generations: store.generations().expect("the generations"),
        }
    }

    /// Gives up what has come of kits, and starts with the time as it was.
    pub(crate) fn forget_parts(&mut self) {
        let lock = self.store().lock_import().expect("free");
        for set in self.store().sets().expect("readable") {
            self.store().drop_set(&lock, &set.row.id).expect("dropped");
        }
        drop(lock);
        self.moved();
    }

    pub(crate) fn import(&mut self, kit: &[u8], wall: Timestamp) -> Result<Imported, ImportError> {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(kit).expect("written");
        std::io::Seek::rewind(&mut file).expect("rewound");
        let request = Request {
            kit: file,
            given_as: "kit".to_owned(),
            trust_root: Some(&base().vendor.roots[0]),
            site_root: None,
            seal: None,
            seal_key: None,
            seal_policy: SealPolicy::Optional,
            expected: None,
            gates: gates(),
            operator: "fuzz".to_owned(),
            engine: "0".to_owned(),
        };
        let mut next = 0;
        let mut entropy = |bytes: &mut [u8]| {
            next += 1;
            bytes.fill(next);
            Ok(())
        };
        let means = Means {
            site: &self.store().site(&mut entropy)?,
            worker: &InProcess,
            reading: &Reading { wall, since_boot_seconds: 0, boot_id: "fuzz".to_owned() },
            limits: &limits(),
            nonce: Digest::of(b"fuzz"),
            progress: &|_| {},
        };
        importer::import(self.store(), &request, &means)
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            fs::create_dir_all(&to).expect("a directory");
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), &to).expect("copied");
        }
    }
}
