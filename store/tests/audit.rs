//! The promises of the audit log: nothing unwritten happens, and nothing written is changed unnoticed.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use attest::checkpoint::Checkpoint;
use attest::statement::{Clock, ClockState, OukImport, Resource};
use attest::tlog::{TreeHead, leaf_hash};
use attest::{AttestError, Limits};
use domain::digest::Digest;
use domain::time::Timestamp;
use store::audit::{Entry, Event, Receipt};
use store::disk::{Disk, DiskFile, DiskLock, OpenMode, RealDisk, Stat, StorageBackend};
use store::{Site, Store, StoreError};

/// Bytes that differ with every call.
fn entropy() -> impl FnMut(&mut [u8]) -> io::Result<()> {
    let mut next = 0;
    move |bytes| {
        next += 1;
        bytes.fill(next);
        Ok(())
    }
}

fn none(_: &mut [u8]) -> io::Result<()> {
    Err(io::Error::other("nothing may be made here"))
}

fn site(store: &Store) -> Site {
    store.site(&mut entropy()).expect("a site")
}

fn new_store() -> (tempfile::TempDir, Store) {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(directory.path().join("state")).expect("a store");
    (directory, store)
}

fn event(text: &str) -> Entry {
    Entry::from(Event {
        at: Timestamp::UNIX_EPOCH,
        action: "test".to_owned(),
        actor: text.to_owned(),
        result: "done".to_owned(),
        code: None,
        subjects: Vec::new(),
        details: Default::default(),
    })
}

fn with_receipt(site: &Site) -> Entry {
    let import = OukImport {
        action: "import".to_owned(),
        approvals: Vec::new(),
        at: Timestamp::UNIX_EPOCH,
        bytes: 3,
        clock: Clock { floor: Timestamp::UNIX_EPOCH, now: Timestamp::UNIX_EPOCH, state: ClockState::Ok },
        code: None,
        content_root: None,
        engine: "stella 0".to_owned(),
        entitlements: None,
        floors_after: Default::default(),
        floors_before: Default::default(),
        generation: None,
        given_as: "kit".to_owned(),
        kit_sha256: Some(Digest::of(b"kit")),
        kit_version: None,
        log_index: None,
        metadata_digest: None,
        operator: "ada".to_owned(),
        reason: None,
        result: "rejected".to_owned(),
        site: site.id().to_owned(),
        volumes: Vec::new(),
        warnings: Vec::new(),
    };
    let subject = vec![Resource::new("kit", Digest::of(b"kit"))];
    Entry { receipt: Some(Receipt { subject, import, summary: None }), ..event("ada") }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("a copy");
        }
    }
}

/// A log of 259 entries, one full tile and a partial one, copied for whoever wants to spoil it.
fn grown() -> (tempfile::TempDir, PathBuf) {
    static GROWN: OnceLock<tempfile::TempDir> = OnceLock::new();
    let original = GROWN.get_or_init(|| {
        let (directory, store) = new_store();
        let site = site(&store);
        for number in 0..259 {
            if number == 258 {
                fs::copy(store.layout().log().join("checkpoint"), directory.path().join("checkpoint-258"))
                    .expect("kept");
                copy(&directory.path().join("state"), &directory.path().join("state-258"));
            }
            assert!(store.append(&site, &event(&number.to_string())).expect("written").unpublished.is_none());
        }
        directory
    });
    let directory = tempfile::tempdir().expect("a directory");
    copy(original.path(), directory.path());
    let state = directory.path().join("state");
    (directory, state)
}

#[test]
fn keys_are_made_at_the_first_start_and_never_again() {
    let (directory, store) = new_store();
    assert_eq!(store.identity().expect("read"), None);
    let first = site(&store).identity().clone();
    let again = store.site(&mut none).expect("loaded");
    assert_eq!((again.identity(), Some(&first)), (&first, store.identity().expect("read").as_ref()));
    assert_eq!(first.id(), "01".repeat(16));
    assert_eq!(first.log().name(), format!("stella/{}/audit", first.id()));
    for purpose in ["receipt", "log", "token", "site-targets"] {
        let key = fs::metadata(directory.path().join(format!("state/keys/{purpose}.key.pem"))).expect("a key file");
        assert_eq!(key.permissions().mode() & 0o777, 0o600, "{purpose}");
    }
}

#[test]
fn a_site_keeps_the_name_it_was_given() {
    let (_directory, store) = new_store();
    for bad in ["", "-a", ".a", "Lab", "a b", "a/b", "ä", "a+b", &"a".repeat(64)] {
        assert!(matches!(store.site_named(bad, &mut entropy()), Err(StoreError::SiteName(_))), "{bad}");
    }
    assert_eq!(store.site_named("lab-1.north", &mut entropy()).expect("made").id(), "lab-1.north");
    assert_eq!(store.site_named("lab-1.north", &mut none).expect("loaded").id(), "lab-1.north");
    assert!(matches!(store.site_named("lab-2", &mut none), Err(StoreError::SiteNamed { .. })));
}

#[test]
fn a_key_file_that_is_missing_damaged_or_exchanged_is_an_error_and_is_not_made_anew() {
    let (directory, store) = new_store();
    site(&store);
    let path = |purpose: &str| directory.path().join(format!("state/keys/{purpose}.key.pem"));
    for (purpose, other) in
        [("receipt", "log"), ("log", "token"), ("token", "site-targets"), ("site-targets", "receipt")]
    {
        let good = fs::read(path(purpose)).expect("a key");
        let refused = || matches!(store.site(&mut entropy()), Err(StoreError::Keys { .. }));
        fs::remove_file(path(purpose)).expect("removed");
        assert!(refused() && !path(purpose).exists(), "{purpose} is missing");
        fs::write(path(purpose), &good[..good.len() / 2]).expect("cut");
        assert!(refused(), "{purpose} is cut");
        fs::copy(path(other), path(purpose)).expect("exchanged");
        assert!(refused(), "{purpose} is that of {other}");
        fs::write(path(purpose), &good).expect("restored");
        store.site(&mut none).expect("in order again");
    }
}

#[test]
fn keys_that_a_crash_has_left_before_the_first_commit_are_taken() {
    let (directory, store) = new_store();
    let made = site(&store).identity().clone();
    let other = directory.path().join("other");
    copy(&directory.path().join("state/keys"), &other.join("keys"));
    fs::remove_file(other.join("keys/site-targets.key.pem")).expect("not yet made");
    let store = Store::open(&other).expect("a store");
    let mut fresh = |bytes: &mut [u8]| {
        bytes.fill(0x77);
        Ok(())
    };
    let taken = store.site(&mut fresh).expect("a site").identity().clone();
    assert_eq!((taken.receipt(), taken.log().key()), (made.receipt(), made.log().key()));
}

#[test]
fn no_keys_are_made_of_no_randomness() {
    let (directory, store) = new_store();
    assert!(matches!(store.site(&mut none), Err(StoreError::Io { .. })));
    assert!(matches!(store.site(&mut |_| Ok(())), Err(StoreError::Keys { .. })));
    assert_eq!(fs::read_dir(directory.path().join("state/keys")).expect("there").count(), 0);
}

#[test]
fn a_log_whose_state_is_gone_is_not_begun_anew() {
    let (_directory, state) = grown();
    fs::remove_file(state.join("state.redb")).expect("removed");
    let store = Store::open(&state).expect("a store");
    assert!(matches!(store.site(&mut entropy()), Err(StoreError::Damaged { .. })));
}

#[test]
fn a_receipt_is_signed_for_its_place_in_the_log_and_the_proof_can_be_checked_alone() {
    let (_directory, store) = new_store();
    let site = site(&store);
    let _ = store.append(&site, &event("before")).expect("written");
    let logged = store.append(&site, &with_receipt(&site)).expect("written");
    let found = store.envelopes(1).expect("read").expect("a receipt");
    assert_eq!(logged.receipt_sha256, Some(Digest::of(&found.receipt)));
    assert_eq!(found.import(site.identity()).expect("signed").log_index, Some(1));
    assert_eq!(store.envelopes(0).expect("read"), None);
    let log = store.logbook().expect("read").expect("a log");
    let proof = log.prove(1).expect("a proof");
    let signed = proof.verify(&proof.extra, &Limits::default(), site.identity().log(), &[]).expect("it holds");
    assert_eq!((signed.head(), &logged.head), (log.head(), log.head()));
    let record = &log.records(1..2).expect("read")[0];
    assert_eq!((record.to_bytes(), record.receipt_sha256), (proof.extra.clone(), logged.receipt_sha256));
    assert_ne!(leaf_hash(b"another"), leaf_hash(&proof.extra));
    assert!(proof.verify(b"another", &Limits::default(), site.identity().log(), &[]).is_err());
    assert_eq!(log.verify(None).expect("in order").receipts, 1);
}

#[test]
fn a_log_that_crosses_a_tile_is_in_order_and_proves_every_entry_and_beginning() {
    let (directory, state) = grown();
    let store = Store::open(&state).expect("a store");
    let site = store.site(&mut none).expect("loaded");
    let log = store.logbook().expect("read").expect("a log");
    let old = fs::read(directory.path().join("checkpoint-258")).expect("a checkpoint");
    let verified = log.verify(Some(&old)).expect("in order");
    assert_eq!((verified.head.size, verified.against), (259, Some(258)));
    for index in [0, 1, 255, 256, 258] {
        let proof = log.prove(index).expect("a proof");
        proof.verify(&proof.extra, &Limits::default(), site.identity().log(), &[]).expect("it holds");
    }
    assert!(log.prove(259).is_err());
    let actors: Vec<_> = log.records(254..900).expect("read").into_iter().map(|record| record.actor).collect();
    assert_eq!(actors, ["254", "255", "256", "257", "258"]);
    // The full tile has replaced its beginnings.
    assert_eq!(fs::read_dir(state.join("log/tile/entries/000.p")).expect("a directory").count(), 0);
    let files: Vec<_> = log.files().map(|file| file.expect("a file").0).collect();
    let want =
        ["tile/entries/000", "tile/entries/001.p/3", "tile/0/000", "tile/0/001.p/3", "tile/1/000.p/1", "checkpoint"];
    assert_eq!(files, want);
}

#[test]
fn an_edited_replaced_or_missing_file_of_the_log_is_found_and_nothing_more_is_signed() {
    // L01. The two full tiles are read only when all is computed again; the others at every signature.
    for (file, at_once) in [
        ("tile/entries/000", false),
        ("tile/0/000", false),
        ("tile/entries/001.p/3", true),
        ("tile/0/001.p/3", true),
        ("tile/1/000.p/1", true),
        ("checkpoint", true),
    ] {
        for missing in [false, true] {
            let (_directory, state) = grown();
            let store = Store::open(&state).expect("a store");
            let site = store.site(&mut none).expect("loaded");
            let path = state.join("log").join(file);
            let mut bytes = fs::read(&path).expect("a file");
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            if missing {
                fs::remove_file(&path).expect("removed")
            } else {
                fs::write(&path, &bytes).expect("spoilt")
            }
            let verified = store.logbook().expect("read").expect("a log").verify(None);
            assert!(verified.is_err(), "{file} {missing}");
            // The checkpoint alone can be made again from what the state and the tiles agree on.
            if at_once && !(missing && file == "checkpoint") {
                assert!(store.site(&mut none).is_err(), "{file} {missing}");
                let appended = store.append(&site, &event("more"));
                assert!(matches!(appended, Err(StoreError::Unlogged(_))), "{file} {missing}");
                assert_eq!(store.logbook().expect("read").expect("a log").head().size, 259);
            }
        }
    }
}

#[test]
fn two_checkpoints_of_one_size_are_found() {
    // L01: the same keys, another history. Its checkpoint carries a good signature.
    let (directory, state) = grown();
    let other = directory.path().join("state-258");
    let fork = Store::open(&other).expect("a store");
    let fork_site = fork.site(&mut none).expect("loaded");
    let forked = fork.append(&fork_site, &event("another history")).expect("written");
    assert_eq!(forked.head.size, 259);
    let store = Store::open(&state).expect("a store");
    let site = store.site(&mut none).expect("loaded");
    let note = fs::read(other.join("log/checkpoint")).expect("a checkpoint");
    let log = store.logbook().expect("read").expect("a log");
    assert!(matches!(log.verify(Some(&note)), Err(StoreError::Evidence(AttestError::Fork { size: 259 }))));
    fs::write(state.join("log/checkpoint"), &note).expect("replaced");
    assert!(matches!(store.site(&mut none), Err(StoreError::Evidence(AttestError::Fork { .. }))));
    assert!(matches!(store.append(&site, &event("more")), Err(StoreError::Unlogged(_))));
    // Nor is one taken from a key that only has the log's name.
    let stranger =
        attest::note::NoteSigner::new(site.identity().log().name(), attest::keys::SigningKey::from_seed(&[9; 32]));
    let head = TreeHead { size: 3, root: Digest::of(b"") };
    let note = Checkpoint::new(site.identity().log().name(), head).sign(&stranger.expect("a name")).expect("a note");
    assert!(log.verify(Some(note.as_bytes())).is_err());
}

#[test]
fn a_tail_that_was_cut_off_is_found() {
    // L01. The state from a backup beside the newer log; and all of it from a backup beside a checkpoint
    // that was kept elsewhere, which nothing on this machine could tell.
    let (directory, state) = grown();
    let newest = fs::read(state.join("log/checkpoint")).expect("a checkpoint");
    fs::copy(directory.path().join("state-258/state.redb"), state.join("state.redb")).expect("restored");
    let store = Store::open(&state).expect("a store");
    assert!(matches!(store.site(&mut none), Err(StoreError::StateRolledBack { published: 259, size: 258 })));
    let store = Store::open(directory.path().join("state-258")).expect("a store");
    store.site(&mut none).expect("nothing here tells");
    let log = store.logbook().expect("read").expect("a log");
    log.verify(None).expect("in order by itself");
    assert!(matches!(log.verify(Some(&newest)), Err(StoreError::CutOff { published: 259, size: 258 })));
}

/// A file system on which some files cannot be written.
#[derive(Debug, Default)]
struct Faulty {
    denied: Mutex<Option<&'static str>>,
}

impl Faulty {
    fn deny(&self, suffix: Option<&'static str>) {
        *self.denied.lock().expect("no panic") = suffix;
    }

    fn check(&self, path: &Path) -> io::Result<()> {
        let denied = *self.denied.lock().expect("no panic");
        let hit = denied.is_some_and(|part| path.to_str().is_some_and(|path| path.contains(part)));
        if hit { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

impl Disk for Faulty {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        RealDisk.create_dir(path)
    }
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn DiskFile>> {
        RealDisk.open(path, mode)
    }
    fn open_database(&self, path: &Path, mode: OpenMode) -> io::Result<Box<dyn StorageBackend>> {
        RealDisk.open_database(path, mode)
    }
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.link(from, to)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.check(to)?;
        RealDisk.rename(from, to)
    }
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        RealDisk.remove_file(path)
    }
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        RealDisk.sync_dir(path)
    }
    fn list(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        RealDisk.list(path)
    }
    fn stat(&self, path: &Path) -> io::Result<Stat> {
        RealDisk.stat(path)
    }
    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn DiskLock>>> {
        RealDisk.try_lock(path)
    }
    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        RealDisk.free_bytes(path)
    }
}

fn faulty() -> (tempfile::TempDir, Arc<Faulty>, Store, Site) {
    let directory = tempfile::tempdir().expect("a directory");
    let disk = Arc::new(Faulty::default());
    let store = Store::open_on(Arc::clone(&disk) as Arc<dyn Disk>, directory.path().join("state")).expect("a store");
    let site = site(&store);
    (directory, disk, store, site)
}

#[test]
fn what_cannot_be_written_down_does_not_take_place() {
    // L02.
    let (_directory, disk, store, site) = faulty();
    let _ = store.append(&site, &event("first")).expect("written");
    disk.deny(Some("log/tile"));
    let Err(error) = store.append(&site, &with_receipt(&site)) else { panic!("written down nowhere") };
    assert!(matches!(error, StoreError::Unlogged(_)) && error.is_out_of_space(), "{error}");
    let log = store.logbook().expect("read").expect("a log");
    assert_eq!((log.head().size, store.receipts(9).expect("read").len()), (1, 0));
    disk.deny(None);
    assert_eq!(store.append(&site, &event("second")).expect("written").index, 1);
    store.logbook().expect("read").expect("a log").verify(None).expect("in order");
}

#[test]
fn a_checkpoint_that_cannot_be_published_is_reported_stops_the_next_action_and_is_made_good_once() {
    // C12 and L02: as after a crash between the commit and the checkpoint.
    let (directory, disk, store, site) = faulty();
    disk.deny(Some("log/checkpoint"));
    let logged = store.append(&site, &event("committed")).expect("the action took place");
    assert!(logged.unpublished.is_some());
    assert!(matches!(store.append(&site, &event("next")), Err(StoreError::Unlogged(_))));
    let log = store.logbook().expect("read").expect("a log");
    assert!(matches!(log.checkpoint(), Err(StoreError::NotYetSigned { published: 0, size: 1 })));
    let again = Store::open_on(Arc::clone(&disk) as Arc<dyn Disk>, directory.path().join("state")).expect("a store");
    assert!(again.site(&mut none).is_err(), "a start does not pass over it either");
    disk.deny(None);
    again.site(&mut none).expect("made good");
    let first = fs::read(directory.path().join("state/log/checkpoint")).expect("a checkpoint");
    again.site(&mut none).expect("loaded");
    assert_eq!(fs::read(directory.path().join("state/log/checkpoint")).expect("a checkpoint"), first);
    let log = again.logbook().expect("read").expect("a log");
    let actors: Vec<_> = log.records(0..9).expect("read").into_iter().map(|record| record.actor).collect();
    assert_eq!(actors, ["committed"]);
    log.verify(None).expect("in order");
}

#[test]
fn two_processes_write_one_history() {
    let (directory, store) = new_store();
    let site = site(&store);
    let other = Store::open(directory.path().join("state")).expect("a second handle");
    let other_site = other.site(&mut none).expect("loaded");
    std::thread::scope(|scope| {
        for (store, site) in [(&store, &site), (&other, &other_site)] {
            scope.spawn(move || {
                for _ in 0..20 {
                    assert!(store.append(site, &event("x")).expect("written").unpublished.is_none());
                }
            });
        }
    });
    assert_eq!(store.logbook().expect("read").expect("a log").verify(None).expect("in order").head.size, 40);
}
