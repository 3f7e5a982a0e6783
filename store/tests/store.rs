//! The promises of the state directory.

use std::fs;

use domain::advisory::{Advisory, Affected, Interval, Member, PackageKey};
use domain::clock::TimeFloor;
use domain::digest::Digest;
use domain::matching::{AdvisoryIndex, DataCoverage};
use domain::root::ContentRoot;
use domain::source::SourceId;
use domain::time::Timestamp;
use store::audit::{Entry, Event};
use store::{Activation, GenerationBuilder, GenerationRow, LayerRef, Located, Site, Store, StoreError, TrustRow};

fn advisory(id: &str, alias: &str, package: &str, fixed: &str) -> Advisory {
    let source = SourceId::new("rustsec");
    let ecosystem = "crates.io".parse().expect("an ecosystem");
    let mut affected = Affected::new(source.clone(), id, PackageKey::new(ecosystem, package));
    affected.ranges.push(Interval::below(fixed));
    Advisory {
        id: id.into(),
        aliases: [alias.to_owned()].into(),
        related: Default::default(),
        title: None,
        description: None,
        published: None,
        modified: None,
        withdrawn: None,
        ratings: Vec::new(),
        cwes: Default::default(),
        references: Vec::new(),
        affected: vec![affected],
        members: vec![Member { source, id: id.into(), modified: None, withdrawn: None }],
    }
}

fn site(store: &Store) -> Site {
    let mut next = 0;
    let mut entropy = |bytes: &mut [u8]| {
        next += 1;
        bytes.fill(next);
        Ok(())
    };
    store.site(&mut entropy).expect("a site")
}

fn entry() -> Entry {
    Entry::from(Event {
        at: Timestamp::UNIX_EPOCH,
        action: "import".to_owned(),
        actor: "ada".to_owned(),
        result: "activated".to_owned(),
        code: None,
        subjects: Vec::new(),
        details: Default::default(),
    })
}

/// Puts a generation with these advisories in place, as an import does.
fn activate(store: &Store, advisories: &[Advisory]) -> GenerationRow {
    let mut segment = Vec::new();
    let mut builder = GenerationBuilder::new();
    for advisory in advisories {
        let line = advisory.to_canonical_json();
        let (bucket, leaf) = ContentRoot::leaf("advisory", &advisory.id, &line);
        builder.add_leaf(bucket, leaf);
        let located = Located {
            segment: 0,
            offset: u32::try_from(segment.len()).expect("small"),
            length: u32::try_from(line.len()).expect("small"),
            leaf: *leaf.as_bytes(),
        };
        builder.add_advisory(advisory, located);
        segment.extend_from_slice(&line);
        segment.push(b'\n');
    }
    builder.declare_complete(&"crates.io".parse().expect("known"));
    let digest = Digest::of(&segment);
    store.blobs().put(&digest, &segment).expect("a blob");
    store.blobs().put(&Digest::of(b"manifest"), b"manifest").expect("a blob");
    let number = store.next_generation().expect("a number");
    let path = store.generation_path(number);
    builder.write(store.disk(), &path, &[(0, digest)]).expect("an index");
    let layer = LayerRef::seal(store.disk(), number, &path).expect("an index");
    store.blobs().sync().expect("synced");
    let generation = GenerationRow {
        number,
        kit_sha256: Digest::of(&number.to_le_bytes()),
        kit_version: number,
        metadata_digest: Digest::of(b"metadata"),
        content_root: Digest::of(b"root"),
        signed_at: Timestamp::UNIX_EPOCH,
        imported_at: Timestamp::UNIX_EPOCH,
        product: "stella".into(),
        channel: "stable".into(),
        sources: Vec::new(),
        advisories: advisories.len() as u64,
        layers: vec![layer],
        blobs: vec![digest, Digest::of(b"manifest")],
        manifest: Digest::of(b"manifest"),
        metadata_frame: Digest::of(b"manifest"),
        trivy_db: None,
        derived: None,
        census: None,
    };
    let trust = TrustRow {
        factory_root: b"root".to_vec(),
        root: b"root".to_vec(),
        floors: Vec::new(),
        site: None,
        revocations: None,
    };
    let activation = Activation {
        trust,
        time: TimeFloor::new(Timestamp::UNIX_EPOCH),
        generation: generation.clone(),
        entitlements: Default::default(),
        entry: entry(),
    };
    let logged = store.activate(&site(store), &activation).expect("activated");
    assert!(logged.unpublished.is_none());
    generation
}

fn new_store() -> (tempfile::TempDir, Store) {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(directory.path().join("state")).expect("a store");
    (directory, store)
}

#[test]
fn a_new_state_has_no_data_and_says_so() {
    let (_directory, store) = new_store();
    assert!(matches!(store.open_current(), Err(StoreError::NoGeneration)));
    assert_eq!(store.trust().expect("readable"), None);
}

#[test]
fn what_was_activated_is_found_by_package_id_and_alias() {
    let (_directory, store) = new_store();
    activate(
        &store,
        &[advisory("CVE-2020-1", "RUSTSEC-2020-1", "foo", "1.2.0"), advisory("CVE-2020-2", "X-2", "bar", "2")],
    );
    let generation = store.open_current().expect("open");
    let view = generation.view().expect("a view");
    let package = PackageKey::new("crates.io".parse().expect("known"), "foo");
    let assertions = view.assertions(&package).expect("read");
    assert_eq!(assertions.len(), 1);
    assert_eq!(
        (assertions[0].advisory.as_str(), assertions[0].ranges.as_slice()),
        ("CVE-2020-1", [Interval::below("1.2.0")].as_slice())
    );
    assert_eq!(view.coverage(&package.ecosystem), DataCoverage::Complete);
    assert_eq!(view.coverage(&"npm".parse().expect("known")), DataCoverage::Absent);
    assert_eq!(view.resolve("RUSTSEC-2020-1").expect("read"), ["CVE-2020-1"]);
    let whole = view.advisory("CVE-2020-2", store.blobs()).expect("read").expect("there");
    assert_eq!(whole, advisory("CVE-2020-2", "X-2", "bar", "2"));
}

#[test]
fn a_second_handle_sees_the_flip_while_the_first_keeps_its_generation() {
    let (directory, store) = new_store();
    activate(&store, &[advisory("CVE-2020-1", "A", "foo", "1")]);
    let held = store.open_current().expect("open");
    let other = Store::open(directory.path().join("state")).expect("a second handle");
    activate(&other, &[advisory("CVE-2020-2", "B", "foo", "1")]);
    assert_eq!(store.current().expect("read"), Some(2));
    assert_eq!(held.view().expect("a view").resolve("CVE-2020-1").expect("read"), ["CVE-2020-1"]);
    let new = store.open_current().expect("open");
    assert_eq!(new.view().expect("a view").resolve("CVE-2020-1").expect("read"), [""; 0]);
}

#[test]
fn rolling_back_points_at_the_generation_before_and_keeps_the_floors() {
    let (_directory, store) = new_store();
    assert!(matches!(store.rollback_target(None), Err(StoreError::NothingToRollBackTo)));
    activate(&store, &[advisory("CVE-2020-1", "A", "foo", "1")]);
    activate(&store, &[advisory("CVE-2020-2", "B", "foo", "1")]);
    let trust = store.trust().expect("read");
    let target = store.rollback_target(None).expect("a generation before");
    assert_eq!(target.number, 1);
    assert_eq!(store.roll_back(&site(&store), &target, &entry()).expect("rolled back").index, 2);
    assert_eq!(store.current().expect("read"), Some(1));
    assert_eq!(store.trust().expect("read"), trust);
    assert!(matches!(store.rollback_target(Some(9)), Err(StoreError::UnknownGeneration(9))));
    assert_eq!(store.logbook().expect("read").expect("a log").head().size, 3);
}

#[test]
fn old_generations_and_what_only_they_need_are_forgotten() {
    let (directory, store) = new_store();
    for version in 1..=5 {
        activate(&store, &[advisory("CVE-2020-1", "A", "foo", &version.to_string())]);
        let lock = store.lock_import().expect("free");
        store.forget_old(&lock).expect("forgotten");
        store.sweep(&lock).expect("swept");
    }
    let numbers: Vec<u64> = store.generations().expect("read").iter().map(|row| row.number).collect();
    assert_eq!(numbers, [3, 4, 5]);
    let files = fs::read_dir(directory.path().join("state/generations")).expect("a directory").count();
    assert_eq!(files, 3);
    for number in numbers {
        let generation = store.open_generation(number).expect("open");
        let view = generation.view().expect("a view");
        assert!(view.advisory("CVE-2020-1", store.blobs()).expect("its segment is kept").is_some());
    }
}

#[test]
fn an_index_file_that_no_row_names_is_swept_and_the_active_one_is_not() {
    let (_directory, store) = new_store();
    activate(&store, &[advisory("CVE-2020-1", "A", "foo", "1")]);
    GenerationBuilder::new().write(store.disk(), &store.generation_path(2), &[]).expect("an index");
    let orphan = Digest::of(b"orphan");
    store.blobs().put(&orphan, b"orphan").expect("a blob");
    let lock = store.lock_import().expect("free");
    store.sweep(&lock).expect("swept");
    assert!(!store.generation_path(2).exists());
    assert!(matches!(store.blobs().read(&orphan, 99), Err(StoreError::MissingBlob(_))));
    store.open_current().expect("still there");
}

#[test]
fn two_imports_do_not_run_at_once() {
    let (directory, store) = new_store();
    let other = Store::open(directory.path().join("state")).expect("a second handle");
    let lock = store.lock_import().expect("free");
    assert!(matches!(other.lock_import(), Err(StoreError::ImportRunning)));
    drop(lock);
    other.lock_import().expect("free again");
}

#[test]
fn a_blob_that_is_not_what_its_name_says_is_refused_and_replaced() {
    let (directory, store) = new_store();
    let digest = Digest::of(b"content");
    store.blobs().put(&digest, b"content").expect("a blob");
    let hex = digest.to_string();
    let path = directory.path().join("state/cas/sha256").join(&hex[..2]).join(&hex);
    fs::write(&path, b"c0ntent").expect("tampered");
    assert!(matches!(store.blobs().read(&digest, 99), Err(StoreError::CorruptBlob(_))));
    store.blobs().put(&digest, b"content").expect("a blob");
    assert_eq!(store.blobs().read(&digest, 99).expect("whole"), b"content");
    assert!(matches!(store.blobs().read(&digest, 3), Err(StoreError::CorruptBlob(_))));
}

#[test]
fn a_link_or_directory_with_the_name_of_a_blob_is_refused_and_left_alone() {
    let (directory, store) = new_store();
    let digest = Digest::of(b"content");
    let hex = digest.to_string();
    let parent = directory.path().join("state/cas/sha256").join(&hex[..2]);
    let outside = directory.path().join("outside");
    fs::write(&outside, b"content").expect("a file of somebody else");
    fs::create_dir_all(&parent).expect("made");
    std::os::unix::fs::symlink(&outside, parent.join(&hex)).expect("a link");
    assert!(matches!(store.blobs().read(&digest, 99), Err(StoreError::ForeignEntry { .. })));
    assert!(matches!(store.blobs().put(&digest, b"content"), Err(StoreError::ForeignEntry { .. })));
    assert!(parent.join(&hex).is_symlink());
    fs::remove_file(parent.join(&hex)).expect("removed");
    fs::create_dir(parent.join(&hex)).expect("a directory");
    assert!(matches!(store.blobs().put(&digest, b"content"), Err(StoreError::ForeignEntry { .. })));
    let lock = store.lock_import().expect("free");
    assert!(matches!(store.sweep(&lock), Err(StoreError::ForeignEntry { .. })));
}

#[test]
fn a_link_in_place_of_a_blob_directory_leads_nowhere() {
    let (directory, store) = new_store();
    let digest = Digest::of(b"content");
    let outside = directory.path().join("outside");
    fs::create_dir(&outside).expect("a directory of somebody else");
    fs::write(outside.join("theirs"), b"theirs").expect("a file of somebody else");
    let root = directory.path().join("state/cas/sha256");
    fs::create_dir_all(&root).expect("made");
    std::os::unix::fs::symlink(&outside, root.join(&digest.to_string()[..2])).expect("a link");
    assert!(matches!(store.blobs().put(&digest, b"content"), Err(StoreError::ForeignEntry { .. })));
    let lock = store.lock_import().expect("free");
    assert!(matches!(store.sweep(&lock), Err(StoreError::ForeignEntry { .. })));
    assert_eq!(fs::read_dir(&outside).expect("there").count(), 1, "nothing was written or removed outside");
}

#[test]
fn more_than_the_file_system_holds_is_refused_with_both_numbers() {
    let (_directory, store) = new_store();
    store.require_space(0).expect("there is room for a reserve");
    let Err(StoreError::OutOfSpace { needed, free }) = store.require_space(u64::MAX) else { panic!("accepted") };
    assert!(free < needed);
}

#[test]
fn a_tampered_segment_is_found_when_an_advisory_is_read() {
    let (directory, store) = new_store();
    let row = activate(&store, &[advisory("CVE-2020-1", "A", "foo", "1")]);
    let hex = row.blobs[0].to_string();
    let path = directory.path().join("state/cas/sha256").join(&hex[..2]).join(&hex);
    let mut bytes = fs::read(&path).expect("a segment");
    let last = bytes.len() - 3;
    bytes[last] ^= 1;
    fs::write(&path, bytes).expect("tampered");
    let generation = store.open_current().expect("open");
    let read = generation.view().expect("a view").advisory("CVE-2020-1", store.blobs());
    assert!(matches!(read, Err(StoreError::CorruptBlob(_))));
}

#[test]
fn a_generation_with_a_missing_blob_is_not_intact() {
    let (directory, store) = new_store();
    let row = activate(&store, &[advisory("CVE-2020-1", "A", "foo", "1")]);
    assert!(store.is_intact(&row));
    let hex = row.blobs[0].to_string();
    fs::remove_file(directory.path().join("state/cas/sha256").join(&hex[..2]).join(&hex)).expect("removed");
    assert!(!store.is_intact(&row));
}

/// All that the index of the active generation says.
fn told(store: &Store) -> Result<String, StoreError> {
    let generation = store.open_current()?;
    let view = generation.view()?;
    let summaries = view.summaries()?.collect::<Result<Vec<_>, _>>()?;
    let packages = view.packages()?.collect::<Result<Vec<_>, _>>()?;
    let aliases = view.search_ids("", 1000)?;
    Ok(format!("{:?} {summaries:?} {packages:?} {aliases:?}", generation.ecosystems()))
}

#[test]
fn an_index_with_one_changed_byte_never_says_anything_else() {
    let (_directory, store) = new_store();
    let row = activate(&store, &[advisory("CVE-2020-1", "A", "foo", "1")]);
    let path = store.generation_path(1);
    let whole = fs::read(&path).expect("an index");
    let before = told(&store).expect("whole");
    let mut refused = 0;
    for position in (0..whole.len()).step_by(1003) {
        let mut bad = whole.clone();
        bad[position] ^= 1;
        fs::write(&path, bad).expect("tampered");
        match told(&store) {
            Ok(told) => assert_eq!(told, before, "byte {position}"),
            Err(StoreError::DamagedGeneration(1)) => refused += 1,
            Err(error) => panic!("byte {position}: {error}"),
        }
        let checked = store.check_index(&row);
        assert!(matches!(checked, Err(StoreError::DamagedGeneration(1))), "byte {position}: {checked:?}");
        let back = store.roll_back(&site(&store), &row, &entry());
        assert!(matches!(back, Err(StoreError::DamagedGeneration(1))), "byte {position} is not pointed at");
    }
    assert!(refused > 5, "the blocks that were read: {refused}");
    fs::write(&path, whole).expect("restored");
    assert_eq!(told(&store).expect("whole again"), before);
    store.check_index(&row).expect("whole again");
}

#[test]
fn a_generation_that_could_not_be_read_is_opened_anew_by_the_next() {
    let (_directory, store) = new_store();
    activate(&store, &[advisory("CVE-2020-1", "A", "foo", "1")]);
    let path = store.generation_path(1);
    let whole = fs::read(&path).expect("an index");
    let key = b"crates.io\0foo";
    let name = whole.windows(key.len()).rposition(|bytes| bytes == key).expect("the package");
    let held = store.open_current().expect("open");
    let mut bad = whole.clone();
    bad[name] ^= 1;
    fs::write(&path, bad).expect("tampered");
    let package = PackageKey::new("crates.io".parse().expect("known"), "foo");
    let asked = held.view().and_then(|view| view.assertions(&package));
    assert!(matches!(asked, Err(StoreError::DamagedGeneration(1))));
    assert!(held.has_failed());
    fs::write(&path, whole).expect("restored");
    let again = store.open_current().expect("open, while the other is held");
    assert!(!again.has_failed());
    assert_eq!(again.view().expect("a view").assertions(&package).expect("whole").len(), 1);
}

#[test]
fn an_index_of_an_earlier_program_is_hashed_whole_and_read() {
    let (_directory, store) = new_store();
    let mut row = activate(&store, &[advisory("CVE-2020-1", "A", "foo", "1")]);
    let path = store.generation_path(1);
    let mut bytes = fs::read(&path).expect("an index");
    bytes.truncate(usize::try_from(row.layers[0].length.expect("sealed")).expect("small"));
    row.layers[0] = LayerRef { file: 1, sha256: Digest::of(&bytes), length: None };
    fs::write(&path, &bytes).expect("as it was written");
    store.check_index(&row).expect("whole");
    let opened = store.open_staged(&row).expect("open");
    assert_eq!(opened.view().expect("a view").resolve("A").expect("read"), ["CVE-2020-1"]);
    drop(opened);
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&path, &bytes).expect("tampered");
    assert!(matches!(store.open_staged(&row), Err(StoreError::DamagedGeneration(1))));
    assert!(matches!(store.check_index(&row), Err(StoreError::DamagedGeneration(1))));
}

#[test]
fn a_generation_without_an_index_is_not_intact() {
    let (_directory, store) = new_store();
    activate(&store, &[advisory("CVE-2020-1", "A", "foo", "1")]);
    let mut row = store.open_current().expect("active").row().clone();
    store.check_index(&row).expect("an index");
    row.layers.clear();
    let error = store.check_index(&row).expect_err("nothing to look into is not nothing found");
    assert!(error.to_string().contains("has no index"), "{error}");
}

#[test]
fn scans_are_kept_and_found() {
    let (_directory, store) = new_store();
    store.save_scans([("a", b"1".as_slice()), ("b", b"2".as_slice())].into_iter()).expect("kept");
    assert_eq!(store.scan("b").expect("read").as_deref(), Some(b"2".as_slice()));
    assert_eq!(store.scan("c").expect("read"), None);
}
