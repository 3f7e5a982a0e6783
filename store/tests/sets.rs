//! D: what has come of a kit is kept until the rest comes.

use std::fs;
use std::io::{self, Read};
use std::path::PathBuf;

use domain::digest::Digest;
use domain::time::Timestamp;
use forge::{Vendor, gates, noise, now};
use ouk::limits::Limits;
use ouk::read::SealedMetadata;
use ouk::volume::{FrameSet, Outline, harvest};
use store::{ImportLock, KeptSet, SET_DAYS, SetMetadata, SetRow, Store, StoreError, VolumeRow};
use tempfile::TempDir;

/// More than all kits of these tests together.
const BYTES_MAX: u64 = 1 << 30;

/// A small kit, and what its metadata says of it.
struct Sample {
    kit: Vec<u8>,
    metadata: SealedMetadata,
    outline: Outline,
}

impl Sample {
    fn new(version: u64) -> Self {
        let vendor = Vendor::new(1);
        let contents: Vec<_> = (0..4).map(|at| noise(100 * version + at, 300 + 50 * at as usize)).collect();
        let paths: Vec<String> = (0..contents.len()).map(|at| format!("os/{at}")).collect();
        let targets: Vec<_> = paths.iter().map(String::as_str).zip(contents.iter().map(Vec::as_slice)).collect();
        let (kit, _) = vendor.build(version, &targets);
        let metadata = ouk::read::open(kit.as_slice(), &Limits::default()).expect("opens").metadata;
        let verified = ouk::verify::verify(&metadata, &vendor.trust(), &gates(), now(), &Limits::default());
        let outline = Outline::new(&metadata, &verified.expect("verifies"));
        Self { kit, metadata, outline }
    }

    fn row(&self, began_at: Timestamp) -> SetRow {
        SetRow {
            id: self.outline.id(),
            product: "stella".to_owned(),
            channel: "stable".to_owned(),
            kit_version: 1,
            signed_at: now(),
            metadata_digest: self.outline.id(),
            frames: self.outline.chunks().len() as u64,
            bytes: self.outline.chunks().iter().map(|chunk| chunk.clen).sum(),
            began_at,
            expires_at: began_at.plus_days(SET_DAYS),
            volumes: Vec::new(),
        }
    }

    fn set_metadata(&self) -> SetMetadata {
        SetMetadata { vendor: [self.metadata.frame().to_vec(), self.metadata.expanded()], site: None }
    }

    fn frame(&self, at: usize) -> &[u8] {
        let before: u64 = self.outline.chunks()[..at].iter().map(|chunk| chunk.clen).sum();
        let start = self.metadata.frame().len() + before as usize;
        &self.kit[start..start + self.outline.chunks()[at].clen as usize]
    }

    fn begin(&self, store: &Store, lock: &ImportLock) -> SetRow {
        store.begin_set(lock, self.row(now()), &self.set_metadata(), BYTES_MAX).expect("begins")
    }

    /// Begins the set and keeps these frames.
    fn keep(&self, store: &Store, lock: &ImportLock, frames: &[usize]) -> KeptSet {
        self.begin(store, lock);
        let mut set = store.open_set(lock, &self.outline).expect("opens");
        for &at in frames {
            set.keep(&self.outline.chunks()[at], self.frame(at)).expect("kept");
        }
        set.sync().expect("synced");
        set
    }
}

fn store() -> (TempDir, Store) {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(directory.path().join("state")).expect("a store");
    (directory, store)
}

fn files(directory: &TempDir) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory.path().join("state/sets")).expect("a directory");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

#[test]
fn frames_that_came_in_any_order_and_runs_give_the_kit_byte_by_byte() {
    let (directory, store) = store();
    let sample = Sample::new(1);
    drop(store);
    for frame in [2, 0, 3] {
        // Each in a run of its own, with the sweep of an import in between.
        let store = Store::open(directory.path().join("state")).expect("a store");
        let lock = store.lock_import().expect("free");
        let set = sample.keep(&store, &lock, &[frame]);
        store.sweep(&lock).expect("swept");
        assert!(set.has(&sample.outline.chunks()[frame].csha256));
    }
    let store = Store::open(directory.path().join("state")).expect("a store");
    let lock = store.lock_import().expect("free");
    let mut set = store.open_set(&lock, &sample.outline).expect("opens");
    assert_eq!(sample.outline.missing(&set), [sample.outline.chunks()[1]]);
    assert!(store.stage_set(&lock, &sample.outline, &mut set, &|_| {}).expect("no fault").is_none());
    let waiting = store.sets().expect("readable");
    assert_eq!((waiting.len(), waiting[0].kept_frames, waiting[0].missing_frames()), (1, 3, 1));
    assert_eq!(waiting[0].missing_bytes(), sample.outline.chunks()[1].clen);
    // What a search finds is kept in the same way.
    harvest(sample.kit.as_slice(), &sample.outline, &Limits::default(), &mut set).expect("harvests");
    let staged = store.stage_set(&lock, &sample.outline, &mut set, &|_| {}).expect("no fault").expect("whole");
    assert_eq!((staged.sha256(), staged.length()), (Digest::of(&sample.kit), sample.kit.len() as u64));
    let mut bytes = Vec::new();
    staged.open().expect("opens").read_to_end(&mut bytes).expect("reads");
    assert_eq!(bytes, sample.kit);
}

#[test]
fn only_the_signed_frame_is_kept() {
    let (directory, store) = store();
    let lock = store.lock_import().expect("free");
    let sample = Sample::new(1);
    sample.begin(&store, &lock);
    let before = files(&directory);
    let mut set = store.open_set(&lock, &sample.outline).expect("opens");
    let chunk = &sample.outline.chunks()[0];
    let mut bent = sample.frame(0).to_vec();
    bent[20] ^= 1;
    for bytes in [bent.as_slice(), sample.frame(1), b""] {
        assert!(matches!(set.keep(chunk, bytes), Err(StoreError::CorruptBlob(digest)) if digest == chunk.csha256));
    }
    assert_eq!(set.kept(), (0, 0));
    assert_eq!(files(&directory), before);
}

#[test]
fn a_frame_that_has_rotted_is_missed_and_can_come_again() {
    let (directory, store) = store();
    let lock = store.lock_import().expect("free");
    let sample = Sample::new(1);
    let mut set = sample.keep(&store, &lock, &[0, 1, 2, 3]);
    let chunk = sample.outline.chunks()[2];
    let path = files(&directory).into_iter().find(|path| path.to_string_lossy().contains(&chunk.csha256.to_string()));
    let path = path.expect("the frame's file");
    // Of the same length: only its digest tells.
    let mut bytes = fs::read(&path).expect("a frame");
    bytes[10] ^= 1;
    fs::write(&path, &bytes).expect("written");
    assert!(store.stage_set(&lock, &sample.outline, &mut set, &|_| {}).expect("no fault").is_none());
    assert_eq!(sample.outline.missing(&set), [chunk]);
    assert!(!path.exists(), "it is not in the way of the next copy");
    assert!(
        fs::read_dir(directory.path().join("state/staging"))
            .expect("there")
            .all(|entry| { entry.expect("an entry").path().is_dir() })
    );
    set.keep(&chunk, sample.frame(2)).expect("kept");
    assert!(store.stage_set(&lock, &sample.outline, &mut set, &|_| {}).expect("no fault").is_some());
    // One that was cut is missed as soon as the set is opened.
    fs::write(&path, &sample.frame(2)[..40]).expect("written");
    let set = store.open_set(&lock, &sample.outline).expect("opens");
    assert_eq!(sample.outline.missing(&set), [chunk]);
}

#[test]
fn two_kits_have_two_sets_and_dropping_one_leaves_the_other() {
    let (directory, store) = store();
    let lock = store.lock_import().expect("free");
    let (one, two) = (Sample::new(1), Sample::new(2));
    one.keep(&store, &lock, &[0, 1]);
    two.keep(&store, &lock, &[3]);
    assert_eq!(store.sets().expect("readable").len(), 2);
    assert!(store.drop_set(&lock, &one.outline.id()).expect("dropped") > 0);
    let left = store.sets().expect("readable");
    assert_eq!((left.len(), left[0].row.id, left[0].kept_frames), (1, two.outline.id(), 1));
    assert_eq!(store.set_metadata(&two.outline.id()).expect("readable"), Some(two.set_metadata()));
    assert!(files(&directory).iter().all(|path| path.to_string_lossy().contains(&two.outline.id().to_string())));
}

#[test]
fn a_set_goes_on_with_its_date_and_volumes_and_takes_over_what_a_site_says_now() {
    let (_directory, store) = store();
    let lock = store.lock_import().expect("free");
    let sample = Sample::new(1);
    let mut row = sample.begin(&store, &lock);
    let volume = |name: &str, content: &[u8], frames| VolumeRow {
        given_as: name.to_owned(),
        sha256: Digest::of(content),
        length: content.len() as u64,
        frames,
        at: now(),
    };
    store.add_volume(&lock, &mut row, volume("a", b"one", 1)).expect("noted");
    store.add_volume(&lock, &mut row, volume("b", b"two", 2)).expect("noted");
    store.add_volume(&lock, &mut row, volume("the first again", b"one", 1)).expect("noted");
    let later = now().plus_days(3);
    let said = SetMetadata { site: Some([b"site".to_vec(), b"expanded".to_vec()]), ..sample.set_metadata() };
    let again = store.begin_set(&lock, sample.row(later), &said, BYTES_MAX).expect("goes on");
    assert_eq!((again.expires_at, again.volumes.len()), (now().plus_days(SET_DAYS), 2));
    assert_eq!(again, row);
    // A volume without the site's frame takes nothing away.
    store.begin_set(&lock, sample.row(later), &sample.set_metadata(), BYTES_MAX).expect("goes on");
    assert_eq!(store.set_metadata(&row.id).expect("readable"), Some(said));
    assert!(!again.is_expired(now().plus_days(SET_DAYS).plus_seconds(-1)));
    assert!(again.is_expired(now().plus_days(SET_DAYS)));
    assert!(!again.is_expired(now().plus_days(-400)), "before it began it is not over");
}

#[test]
fn there_is_a_limit_to_sets_and_to_their_bytes() {
    let (_directory, store) = store();
    let lock = store.lock_import().expect("free");
    let samples: Vec<Sample> = (1..=5).map(Sample::new).collect();
    let first = &samples[0];
    let small = first.row(now()).bytes - 1;
    let refused = store.begin_set(&lock, first.row(now()), &first.set_metadata(), small);
    assert!(matches!(refused, Err(StoreError::SetsFull { sets: 0, bytes: 0 })));
    assert!(store.sets().expect("readable").is_empty());
    samples[..4].iter().for_each(|sample| drop(sample.begin(&store, &lock)));
    let fifth = &samples[4];
    let refused = store.begin_set(&lock, fifth.row(now()), &fifth.set_metadata(), BYTES_MAX);
    assert!(matches!(refused, Err(StoreError::SetsFull { sets: 4, .. })));
    // Those that wait go on.
    first.begin(&store, &lock);
    store.drop_set(&lock, &first.outline.id()).expect("dropped");
    fifth.begin(&store, &lock);
}

#[test]
fn what_a_crash_or_rot_has_left_without_a_note_is_removed_and_named() {
    let (directory, store) = store();
    let lock = store.lock_import().expect("free");
    let (whole, noteless, rotten) = (Sample::new(1), Sample::new(2), Sample::new(3));
    for sample in [&whole, &noteless, &rotten] {
        sample.keep(&store, &lock, &[0, 1]);
    }
    let sets = directory.path().join("state/sets");
    fs::remove_file(sets.join(format!("{}.note", noteless.outline.id()))).expect("removed");
    let note = sets.join(format!("{}.note", rotten.outline.id()));
    let mut bytes = fs::read(&note).expect("a note");
    *bytes.last_mut().expect("not empty") ^= 1;
    fs::write(&note, bytes).expect("written");
    fs::write(sets.join("stray"), b"x").expect("written");
    assert_eq!(store.sets().expect("readable").len(), 1);
    assert_eq!(store.sweep_sets(&lock).expect("swept"), [rotten.outline.id()]);
    let id = whole.outline.id().to_string();
    assert_eq!(files(&directory).len(), 4, "note, metadata and two frames");
    assert!(files(&directory).iter().all(|path| path.to_string_lossy().contains(&id)));
    // Without its metadata the rest of a set is worth nothing.
    fs::write(sets.join(format!("{id}.metadata")), b"x").expect("written");
    assert_eq!(store.sweep_sets(&lock).expect("swept"), [whole.outline.id()]);
    assert!(files(&directory).is_empty());
}

/// A medium that is pulled after some bytes.
struct Pulled<'a>(&'a [u8]);

impl Read for Pulled<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() { Err(io::Error::other("no such device")) } else { self.0.read(buffer) }
    }
}

#[test]
fn c15_a_medium_that_is_pulled_gives_what_was_read_of_it() {
    let (directory, store) = store();
    let lock = store.lock_import().expect("free");
    let mut medium = Pulled(b"half a kit");
    let staged = store.stage(&lock, &mut medium, 20, BYTES_MAX, &|_| {});
    let (staged, failed) = staged.expect("as far as it goes");
    assert_eq!((staged.sha256(), staged.length()), (Digest::of(b"half a kit"), 10));
    assert_eq!(failed.expect("why").to_string(), "no such device");
    staged.remove().expect("removed");
    assert_eq!(fs::read_dir(directory.path().join("state/staging")).expect("there").count(), 1, "the workspace");
}
