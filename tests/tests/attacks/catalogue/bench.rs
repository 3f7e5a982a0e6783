//! A site that holds a kit already, and what must hold of it after every attempt.
//!
//! After a refusal: the code is the expected one; every file of the active generation is what it
//! was, byte for byte, and still answers; floors, time and pointers have not moved; a receipt
//! says what happened; staging is empty; the kit lies in quarantine when it is to blame;
//! no file has come or changed anywhere else; and at the end the next good kit goes in.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use attest::statement::OukImport;
use domain::clock::Reading;
use domain::digest::Digest;
use forge::{Draft, Vendor, advisories, dataset, now};
use importer::control::{Acting, Done, Waivers, carry_out, withdraw};
use importer::work::{InProcess, Worker};
use importer::{
    ImportError, Imported, Incomplete, Means, Outcome, Part, Progress, Request, SealPolicy, import_parts, open_source,
};
use ouk::limits::Limits;
use ouk::verify::Gates;
use store::{GenerationRow, PendingRow, Store, StoreError};
use tempfile::TempDir;

use super::Got;

/// The version of the kit that every bench begins with.
pub(crate) const HELD: u64 = 5;

/// Every file and directory below a directory; files with their digest.
type Snapshot = BTreeMap<PathBuf, Option<Digest>>;

pub(crate) struct Bench {
    root: TempDir,
    pub(crate) store: Store,
    pub(crate) vendor: Vendor,
    pub(crate) reading: Reading,
    pub(crate) gates: Gates,
    pub(crate) limits: Limits,
    /// A seal beside the kit, and the key to check it with.
    pub(crate) seal: Option<(String, String)>,
    pub(crate) seal_policy: SealPolicy,
    pub(crate) expected: Option<Digest>,
    pub(crate) trust_root: Option<Vec<u8>>,
    pub(crate) worker: Box<dyn Worker>,
    pub(crate) progress: Box<dyn Fn(Progress) + Sync>,
    /// Set when a case damages the state for good, with the reason.
    pub(crate) ends_here: Option<&'static str>,
    got: Vec<Got>,
}

impl Bench {
    /// A site with kit 5 active.
    pub(crate) fn new() -> Self {
        static HELD_STATE: OnceLock<BTreeMap<PathBuf, Vec<u8>>> = OnceLock::new();
        let root = tempfile::tempdir().expect("a directory");
        for (path, bytes) in HELD_STATE.get_or_init(first_import) {
            let path = root.path().join("state").join(path);
            fs::create_dir_all(path.parent().expect("below the root")).expect("a directory");
            fs::write(path, bytes).expect("written");
        }
        Self::over(root)
    }

    /// A site that has never seen a kit.
    pub(crate) fn bare() -> Self {
        Self::over(tempfile::tempdir().expect("a directory"))
    }

    fn over(root: TempDir) -> Self {
        fs::create_dir(root.path().join("medium")).expect("a directory");
        // What an escape would overwrite.
        fs::create_dir_all(root.path().join("etc")).expect("a directory");
        fs::write(root.path().join("etc/passwd"), b"root:x:0:0").expect("written");
        let store = Store::open(root.path().join("state")).expect("a store");
        Self {
            root,
            store,
            vendor: Vendor::new(1),
            reading: Reading { wall: now(), since_boot_seconds: 1000, boot_id: "one".to_owned() },
            gates: forge::gates(),
            limits: Limits::default(),
            seal: None,
            seal_policy: SealPolicy::Optional,
            expected: None,
            trust_root: None,
            worker: Box::new(InProcess),
            progress: Box::new(|_| {}),
            ends_here: None,
            got: Vec::new(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub(crate) fn state(&self, name: &str) -> PathBuf {
        self.root.path().join("state").join(name)
    }

    /// Closes the state, so that its files can be changed. The case opens it again.
    pub(crate) fn close(&mut self) {
        self.store = Store::open(self.root.path().join("other-state")).expect("a store");
    }

    /// The next kit, good in every way but what the case does to it.
    pub(crate) fn draft(&self) -> Draft {
        self.draft_of(HELD + 1, 2)
    }

    pub(crate) fn draft_of(&self, version: u64, records: usize) -> Draft {
        good_draft(&self.vendor, version, records)
    }

    /// Writes a kit to the medium and opens it as the program does.
    pub(crate) fn medium(&self, kit: &[u8]) -> File {
        let path = self.path("medium/kit.tar.zst");
        fs::write(&path, kit).expect("written");
        open_source(&path).expect("a regular file")
    }

    /// A further file of this name, opened as the program does.
    pub(crate) fn part(&self, name: &str, content: &[u8]) -> Part {
        let path = self.path("medium").join(name);
        fs::write(&path, content).expect("written");
        let file = open_source(&path).expect("a regular file");
        // Another one may get its name; this one stays open.
        fs::remove_file(path).expect("removed");
        Part { file, given_as: format!("medium/{name}") }
    }

    pub(crate) fn attempt(&mut self, source: File) -> Result<Imported, ImportError> {
        self.attempt_parts(source, &[])
    }

    /// The same with further files.
    pub(crate) fn attempt_parts(&mut self, source: File, others: &[Part]) -> Result<Imported, ImportError> {
        let (seal, seal_key) = self.seal.as_ref().map(|(text, key)| (text.as_str(), key.as_str())).unzip();
        let request = Request {
            kit: source,
            given_as: "medium/kit.tar.zst".to_owned(),
            trust_root: self.trust_root.as_deref(),
            site_root: None,
            seal,
            seal_key: seal_key.filter(|key| !key.is_empty()),
            seal_policy: self.seal_policy,
            expected: self.expected,
            gates: self.gates.clone(),
            operator: "a test".to_owned(),
            engine: "tests".to_owned(),
        };
        let site = self.site()?;
        let means = Means {
            site: &site,
            worker: &*self.worker,
            reading: &self.reading,
            limits: &self.limits,
            nonce: Digest::of(b"nonce"),
            progress: &*self.progress,
        };
        import_parts(&self.store, &request, others, &means)
    }

    /// The kit must be refused with this code, and leave nothing.
    pub(crate) fn refuse(&mut self, what: &str, kit: &[u8], code: &str) {
        let source = self.medium(kit);
        let error = self.refuse_source(what, source, code);
        // A kit that was never copied whole (too large) cannot be kept.
        let copied = !matches!(error, ImportError::TooLarge { .. });
        if error.is_rejection() && copied {
            let kept = self.store.quarantined().expect("readable");
            let note = kept.iter().find(|note| note.sha256 == Digest::of(kit));
            let note = note.unwrap_or_else(|| panic!("{what}: the kit is not in quarantine"));
            assert_eq!((note.code.as_str(), note.length), (error.code(), kit.len() as u64), "{what}");
        }
    }

    /// The same for several files. What was good in those before the one at fault may be kept.
    pub(crate) fn refuse_parts(&mut self, what: &str, kit: &[u8], others: &[Part], code: &str) -> ImportError {
        let source = self.medium(kit);
        let before = Before::of(self);
        let error = self.attempt_parts(source, others).expect_err(what);
        assert_eq!(error.code(), code, "{what}: {error}");
        before.check_elsewhere(self, what, &["state/sets", "state/quarantine"]);
        before.check_receipt(self, what, "rejected", Some(code));
        assert_eq!(pointed(&self.store), before.pointed, "{what}: floors, pointer and generations have not moved");
        self.check_serves(what);
        self.note(what, code);
        error
    }

    /// The same for any open file.
    pub(crate) fn refuse_source(&mut self, what: &str, source: File, code: &str) -> ImportError {
        let before = Before::of(self);
        let error = match self.attempt(source) {
            Err(error) => error,
            Ok(imported) => panic!("{what}: expected {code}, but {imported:?}"),
        };
        assert_eq!(error.code(), code, "{what}: {error}");
        let message = error.to_string();
        assert!(!message.chars().any(char::is_control), "{what}: unescaped in a message: {message:?}");
        assert!(!error.advice().is_empty(), "{what}: says what to do");
        let result = if error.is_rejection() { "rejected" } else { "failed" };
        before.check_unmoved(self, what);
        before.check_receipt(self, what, result, Some(code));
        self.note(what, code);
        error
    }

    /// The import cannot begin; nothing is touched, not even to write a receipt.
    pub(crate) fn turn_away(&mut self, what: &str, kit: &[u8], code: &str) {
        let source = self.medium(kit);
        let before = Before::of(self);
        let error = self.attempt(source).expect_err(what);
        assert_eq!(error.code(), code, "{what}: {error}");
        before.check_unmoved(self, what);
        assert_eq!(self.receipts().len(), before.receipts, "{what}");
        self.note(what, code);
    }

    /// The kit must become active.
    pub(crate) fn accept(&mut self, what: &str, kit: &[u8]) -> Imported {
        let source = self.medium(kit);
        self.accept_source(what, source)
    }

    pub(crate) fn accept_source(&mut self, what: &str, source: File) -> Imported {
        self.accept_all(what, source, &[])
    }

    /// Together these files must become active.
    pub(crate) fn accept_parts(&mut self, what: &str, part: &[u8], others: &[Part]) -> Imported {
        let source = self.medium(part);
        self.accept_all(what, source, others)
    }

    fn accept_all(&mut self, what: &str, source: File, others: &[Part]) -> Imported {
        let before = Before::of(self);
        let imported =
            self.attempt_parts(source, others).unwrap_or_else(|error| panic!("{what}: {}: {error}", error.code()));
        assert!(matches!(imported.outcome, Outcome::Activated(_)), "{what}: {imported:?}");
        before.check_elsewhere(self, what, &["state/cas", "state/generations", "state/sets"]);
        before.check_receipt(self, what, "activated", None);
        before.check_floors_rose(self, what);
        self.check_serves(what);
        self.note(what, "accepted");
        imported
    }

    /// The kit is verified and kept, and waits for somebody who accepts what it lacks.
    pub(crate) fn hold(&mut self, what: &str, kit: &[u8]) -> PendingRow {
        let source = self.medium(kit);
        let before = Before::of(self);
        let imported = self.attempt(source).unwrap_or_else(|error| panic!("{what}: {}: {error}", error.code()));
        let Outcome::Held(row) = imported.outcome else { panic!("{what}: {imported:?}") };
        assert_eq!(self.store.current().expect("readable"), before.current, "{what}: nothing else is served");
        assert_eq!(self.floors(), before.floors, "{what}: no floor has risen");
        before.check_elsewhere(self, what, &["state/cas", "state/generations"]);
        let last = self.receipts().pop().expect("a receipt");
        assert_eq!((last.result.as_str(), last.code), ("held", None), "{what}");
        assert!(last.warnings.ends_with(row.concerns()), "{what}: the receipt says why: {:?}", last.warnings);
        assert!(last.reason.is_some_and(|reason| reason.contains(&row.concerns()[0])), "{what}");
        self.note(what, "HELD");
        *row
    }

    /// A kit that waits already goes on waiting, as the same request.
    pub(crate) fn hold_again(&mut self, what: &str, kit: &[u8]) -> PendingRow {
        let source = self.medium(kit);
        let imported = self.attempt(source).unwrap_or_else(|error| panic!("{what}: {}: {error}", error.code()));
        let Outcome::Held(row) = imported.outcome else { panic!("{what}: {imported:?}") };
        *row
    }

    pub(crate) fn withdraw(&self, number: u64) {
        let site = self.site().expect("a site");
        let (_, logged) = withdraw(&self.store, number, &self.acting(&site), None).expect("withdrawn");
        assert!(logged.unpublished.is_none());
    }

    /// Carries out what waits.
    pub(crate) fn activate(&mut self, number: u64, accept_loss: Option<&str>) -> Result<Done, ImportError> {
        let site = self.site()?;
        let waivers = Waivers { accept_loss, ..Waivers::default() };
        carry_out(&self.store, number, &self.acting(&site), waivers).map(|(done, _)| done)
    }

    fn acting<'a>(&'a self, site: &'a store::Site) -> Acting<'a> {
        Acting {
            site,
            operator: "a test",
            engine: "tests",
            appliance_version: "0.1.0",
            reading: &self.reading,
            limits: &self.limits,
            nonce: Digest::of(b"nonce"),
        }
    }

    fn floors(&self) -> BTreeMap<String, u64> {
        let floors = self.store.trust().ok().flatten().map(|row| row.floors).unwrap_or_default();
        floors.into_iter().map(|floor| (floor.role, floor.version)).collect()
    }

    /// The kit is current already; nothing changes but the receipts.
    pub(crate) fn ignore(&mut self, what: &str, kit: &[u8]) {
        let source = self.medium(kit);
        let before = Before::of(self);
        let imported = self.attempt(source).unwrap_or_else(|error| panic!("{what}: {}: {error}", error.code()));
        assert!(matches!(imported.outcome, Outcome::AlreadyCurrent(_)), "{what}: {imported:?}");
        before.check_unmoved(self, what);
        before.check_receipt(self, what, "noop", None);
        self.note(what, "IGN");
    }

    /// Imports while the case itself changes files, so that only rows and answers can be judged.
    pub(crate) fn import_changing(&mut self, source: File) -> Result<GenerationRow, ImportError> {
        match self.attempt(source)?.outcome {
            Outcome::Activated(row) => Ok(*row),
            Outcome::AlreadyCurrent(number) => panic!("generation {number} is current already"),
            Outcome::Held(row) => panic!("request {} waits", row.number),
            Outcome::Incomplete(incomplete) => panic!("{incomplete}"),
        }
    }

    /// Something of the kit must be kept, and nothing else change but the time that is remembered.
    pub(crate) fn resume(&mut self, what: &str, part: &[u8]) -> Incomplete {
        let source = self.medium(part);
        let before = Before::of(self);
        let imported = self.attempt(source).unwrap_or_else(|error| panic!("{what}: {}: {error}", error.code()));
        let Outcome::Incomplete(incomplete) = imported.outcome else { panic!("{what}: {:?}", imported.outcome) };
        assert!(incomplete.set.missing_frames() > 0 && !incomplete.missing.is_empty(), "{what}: {incomplete}");
        assert!(incomplete.advice().contains("import another"), "{what}: says what to do");
        before.check_elsewhere(self, what, &["state/sets"]);
        before.check_receipt(self, what, "incomplete", Some("E-INCOMPLETE"));
        assert_eq!(pointed(&self.store), before.pointed, "{what}: floors, pointer and generations have not moved");
        self.check_serves(what);
        self.note(what, "RES");
        *incomplete
    }

    /// Gives up what has come of kits.
    pub(crate) fn forget_parts(&self) {
        let lock = self.store.lock_import().expect("free");
        for set in self.store.sets().expect("readable") {
            self.store.drop_set(&lock, &set.row.id).expect("dropped");
        }
    }

    /// Writes down what came of a variant.
    pub(crate) fn note(&mut self, what: &str, word: &str) {
        self.got.push(Got { what: what.to_owned(), word: word.to_owned() });
    }

    /// The site's keys, made at the first call.
    pub(crate) fn site(&self) -> Result<store::Site, StoreError> {
        let mut next = 0;
        self.store.site(&mut |bytes: &mut [u8]| {
            next += 1;
            bytes.fill(next);
            Ok(())
        })
    }

    /// Oldest first.
    pub(crate) fn receipts(&self) -> Vec<OukImport> {
        let Some(identity) = self.store.identity().expect("readable") else { return Vec::new() };
        let newest_first = self.store.receipts(usize::MAX).expect("readable");
        newest_first.iter().rev().map(|envelopes| envelopes.import(&identity).expect("a receipt")).collect()
    }

    /// The active generation opens, is whole and has its records.
    pub(crate) fn check_serves(&self, what: &str) {
        let Some(number) = self.store.current().expect("readable") else { return };
        let generation = self.store.open_generation(number).unwrap_or_else(|error| panic!("{what}: {error}"));
        let row = generation.row();
        assert!(self.store.is_intact(row), "{what}: the active generation has lost blobs");
        generation.view().unwrap_or_else(|error| panic!("{what}: {error}"));
    }

    /// After whatever the case did, the next good kit goes in.
    pub(crate) fn finish(mut self) -> Vec<Got> {
        let got = std::mem::take(&mut self.got);
        assert!(!got.is_empty(), "a case must attempt something");
        if self.ends_here.is_some() {
            return got;
        }
        if self.store.current().expect("readable").is_none() {
            self.trust_root = Some(self.vendor.roots[0].clone());
        } else {
            self.trust_root = None;
        }
        (self.seal, self.expected, self.seal_policy) = (None, None, SealPolicy::Optional);
        (self.limits, self.gates) = (Limits::default(), forge::gates());
        (self.worker, self.progress) = (Box::new(InProcess), Box::new(|_| {}));
        let floors = self.store.trust().expect("readable").map(|row| row.floors).unwrap_or_default();
        let version = floors.iter().map(|floor| floor.version).max().unwrap_or(HELD) + 1;
        let kit = self.draft_of(version, 3).kit();
        let imported = self.accept("the next good kit", &kit);
        let Outcome::Activated(row) = imported.outcome else { unreachable!("checked by accept") };
        assert_eq!((row.kit_version, row.advisories), (version, 3), "the next good kit is what is served");
        got
    }
}

pub(crate) fn good_draft(vendor: &Vendor, version: u64, records: usize) -> Draft {
    let mut targets = dataset(advisories(records));
    targets.push(("os/notes.txt".to_owned(), b"notes".to_vec()));
    let targets: Vec<(&str, &[u8])> = targets.iter().map(|(path, content)| (path.as_str(), &content[..])).collect();
    Draft::new(vendor, version, &targets)
}

/// The files of a state directory after its first kit, made once.
fn first_import() -> BTreeMap<PathBuf, Vec<u8>> {
    let mut bench = Bench::bare();
    bench.trust_root = Some(bench.vendor.roots[0].clone());
    let kit = bench.draft_of(HELD, 1).kit();
    bench.accept("the first kit", &kit);
    let state = bench.state("");
    let Bench { root, store, .. } = bench;
    drop(store);
    let files = snapshot(&state).into_iter().filter(|(_, digest)| digest.is_some());
    let files = files.map(|(path, _)| (path.clone(), fs::read(state.join(&path)).expect("a file"))).collect();
    drop(root);
    files
}

/// What a site was before an attempt.
struct Before {
    files: Snapshot,
    /// Trust, time, pointers and rows, or why they cannot be read.
    rows: String,
    /// The same without the time.
    pointed: String,
    receipts: usize,
    /// Blobs that a generation needs.
    needed: BTreeSet<Digest>,
    floors: BTreeMap<String, u64>,
    current: Option<u64>,
}

impl Before {
    fn of(bench: &Bench) -> Self {
        let generations = bench.store.generations().unwrap_or_default();
        Self {
            files: snapshot(bench.root.path()),
            rows: rows(&bench.store),
            pointed: pointed(&bench.store),
            receipts: bench.receipts().len(),
            needed: generations.iter().flat_map(|row| row.blobs.iter().chain([&row.metadata_frame])).copied().collect(),
            floors: bench.floors(),
            current: bench.store.current().ok().flatten(),
        }
    }

    fn check_unmoved(&self, bench: &Bench, what: &str) {
        self.check_elsewhere(bench, what, &["state/quarantine"]);
        assert_eq!(rows(&bench.store), self.rows, "{what}: floors, time, pointer and generations have not moved");
        bench.check_serves(what);
    }

    /// No file has come, gone or changed but below `allowed` and in the database; staging is empty.
    fn check_elsewhere(&self, bench: &Bench, what: &str, allowed: &[&str]) {
        let may_change = |path: &Path| {
            let ours = ["state/state.redb", "state/import.lock"].iter().any(|ours| path == Path::new(ours));
            // The log grows with every attempt, and the first one makes the site's keys.
            let kept = ["state/log", "state/keys", "state/kits"].iter().any(|kept| path.starts_with(kept));
            ours || kept || allowed.iter().any(|allowed| path.starts_with(allowed))
        };
        let pick = |files: &Snapshot, stays: &dyn Fn(&Path, &Digest) -> bool| -> Snapshot {
            let picked = files.iter().filter(|(path, digest)| match digest {
                // Directories of blobs are made and kept as needed.
                None => !may_change(path) && !path.starts_with("state/cas"),
                Some(digest) => !may_change(path) && stays(path, digest),
            });
            picked.map(|(path, digest)| (path.clone(), *digest)).collect()
        };
        // What no generation needs any more may be swept, and nothing of that kind may be new.
        let needed = |path: &Path, digest: &Digest| !path.starts_with("state/cas") || self.needed.contains(digest);
        let after = snapshot(bench.root.path());
        assert_eq!(
            pick(&after, &|_, _| true),
            pick(&self.files, &needed),
            "{what}: files outside of the places for them"
        );
        let staged = after.iter().filter(|(path, digest)| path.starts_with("state/staging") && digest.is_some());
        assert_eq!(staged.count(), 0, "{what}: staging is not empty");
    }

    fn check_receipt(&self, bench: &Bench, what: &str, result: &str, code: Option<&str>) {
        let receipts = bench.receipts();
        assert_eq!(receipts.len(), self.receipts + 1, "{what}: one receipt");
        let last = receipts.last().expect("one");
        assert_eq!((last.result.as_str(), last.code.as_deref()), (result, code), "{what}");
        assert_eq!(last.reason.is_some(), code.is_some(), "{what}: a refusal has a reason");
    }

    fn check_floors_rose(&self, bench: &Bench, what: &str) {
        let trust = bench.store.trust().expect("readable").expect("a root is pinned");
        for floor in trust.floors {
            let before = self.floors.get(&floor.role).copied().unwrap_or_default();
            assert!(floor.version > 0, "{what}: {} has no floor", floor.role);
            // A role whose keys were taken away may begin anew; nothing else goes back.
            assert!(floor.version >= before || before > 1 << 20, "{what}: the floor of {} fell", floor.role);
        }
    }
}

fn rows(store: &Store) -> String {
    format!("{:?} {}", store.time(), pointed(store))
}

fn pointed(store: &Store) -> String {
    format!("{:?} {:?} {:?} {:?}", store.trust(), store.current(), store.previous(), store.generations())
}

pub(crate) fn snapshot(directory: &Path) -> Snapshot {
    fn walk(root: &Path, directory: &Path, found: &mut Snapshot) {
        let Ok(entries) = fs::read_dir(directory) else { return };
        for entry in entries {
            let entry = entry.expect("an entry");
            let (path, kind) = (entry.path(), entry.file_type().expect("a kind"));
            let name = path.strip_prefix(root).expect("below").to_owned();
            if kind.is_dir() {
                found.insert(name, None);
                walk(root, &path, found);
            } else if kind.is_file() {
                found.insert(name, Some(Digest::of(&fs::read(&path).expect("a file"))));
            } else {
                found.insert(name, Some(Digest::of(format!("{kind:?}").as_bytes())));
            }
        }
    }
    let mut found = Snapshot::new();
    walk(directory, directory, &mut found);
    found
}
