//! The promises of the stored SBOMs.

use std::fs;

use domain::component::{Component, Inventory};
use domain::digest::Digest;
use domain::purl::Purl;
use domain::time::Timestamp;
use policy::Gate;
use redb::{Database, TableDefinition};
use store::{Added, PackageHash, PackageSet, SHARDS, SbomRow, Store, StoreError};

const FOOTPRINTS: TableDefinition<&[u8], &[u8]> = TableDefinition::new("footprints");
const INVENTORIES: TableDefinition<&[u8], &[u8]> = TableDefinition::new("inventories");
const META: TableDefinition<&str, u64> = TableDefinition::new("meta");

fn inventory(purl: &str) -> Inventory {
    let purl = Purl::parse(purl).expect("a purl");
    let component = Component {
        name: purl.name.clone(),
        version: purl.version.clone(),
        purl: Some(purl),
        cpes: vec!["cpe:2.3:a:x:y:1:*:*:*:*:*:*:*".into()],
        locations: vec!["/usr/lib/y".into()],
        ..Component::default()
    };
    Inventory {
        format: "CycloneDX".into(),
        spec_version: "1.6".into(),
        components: vec![component],
        ..Inventory::default()
    }
}

fn row(name: &str, inventory: &Inventory) -> SbomRow {
    let digest = Digest::of(name.as_bytes());
    SbomRow::new(digest, name.into(), inventory, Gate::default(), Timestamp::UNIX_EPOCH)
}

fn new_store() -> (tempfile::TempDir, Store) {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(directory.path().join("state")).expect("a store");
    (directory, store)
}

/// Documents whose footprints have one of these packages (`ecosystem NUL name`).
fn touched(store: &Store, keys: &[&str]) -> Vec<Digest> {
    let packages = PackageSet::new(keys.iter().map(|key| PackageHash::of(key)));
    let sboms = store.sboms().expect("open");
    let snapshot = sboms.snapshot().expect("a snapshot");
    let mut found = Vec::new();
    for shard in 0..SHARDS {
        let show = |digest, footprint: store::Footprint<'_>| {
            found.extend((!footprint.is_current() || footprint.touches(&packages)).then_some(digest));
            Ok(())
        };
        snapshot.footprints(shard, show).expect("readable");
    }
    found
}

/// Changes every value of a table behind the program's back.
fn tamper(store: &Store, table: TableDefinition<&[u8], &[u8]>, change: impl Fn(&mut Vec<u8>)) {
    let database = Database::open(store.layout().root().join("sboms.redb")).expect("a database");
    let write = database.begin_write().expect("a transaction");
    {
        let mut table = write.open_table(table).expect("a table");
        let rows: Vec<(Vec<u8>, Vec<u8>)> = redb::ReadableTable::iter(&table)
            .expect("rows")
            .map(|entry| entry.expect("a row"))
            .map(|(key, value)| (key.value().to_vec(), value.value().to_vec()))
            .collect();
        for (key, mut value) in rows {
            change(&mut value);
            table.insert(key.as_slice(), value.as_slice()).expect("inserted");
        }
    }
    write.commit().expect("committed");
}

#[test]
fn what_is_stored_is_read_again_whole() {
    let (_directory, store) = new_store();
    let inventory = inventory("pkg:deb/debian/libssl3@3.0.11?distro=debian-12&upstream=openssl");
    let row = row("image", &inventory);
    let sboms = store.sboms().expect("open");
    assert_eq!(sboms.add([(&row, &inventory)]).expect("kept"), [Added::New]);
    assert_eq!(
        sboms.snapshot().expect("a snapshot").read(&row.digest).expect("there"),
        (row.clone(), inventory.clone())
    );
    assert_eq!(sboms.list(None, 10).expect("a list"), std::slice::from_ref(&row));
    assert_eq!(row.format, "CycloneDX 1.6");
    let renamed = SbomRow { name: "other".into(), ..row };
    assert_eq!(sboms.add([(&renamed, &inventory)]).expect("kept"), [Added::Replaced]);
    assert_eq!((sboms.count().expect("a count"), sboms.list(None, 10).expect("a list")), (1, vec![renamed]));
}

#[test]
fn a_list_goes_on_where_the_part_before_ended() {
    let (_directory, store) = new_store();
    let inventory = inventory("pkg:npm/a@1");
    let rows: Vec<_> = (0..25).map(|number| row(&number.to_string(), &inventory)).collect();
    let sboms = store.sboms().expect("open");
    sboms.add(rows.iter().map(|row| (row, &inventory))).expect("kept");
    let (mut all, mut after) = (Vec::new(), None);
    while let [.., last] = sboms.list(after.as_ref(), 10).expect("a part").as_slice() {
        after = Some(last.digest);
        all.push(last.digest);
    }
    assert_eq!(all.len(), 3, "25 rows are three parts of ten");
    let whole = sboms.list(None, 100).expect("a list");
    assert!(whole.len() == 25 && whole.is_sorted_by_key(|row| row.digest));
}

#[test]
fn a_footprint_names_the_packages_as_the_advisories_do_and_their_ecosystems() {
    let (_directory, store) = new_store();
    let deb = inventory("pkg:deb/debian/libssl3@3.0.11?distro=debian-12&upstream=openssl");
    let pypi = inventory("pkg:pypi/Ruamel.Yaml@1.0");
    let sboms = store.sboms().expect("open");
    let (one, two) = (row("deb", &deb), row("pypi", &pypi));
    sboms.add([(&one, &deb), (&two, &pypi)]).expect("kept");
    assert_eq!(touched(&store, &["Debian:12\0openssl"]), [one.digest]);
    assert_eq!(touched(&store, &["Debian:12\0libssl3", "Debian:11\0openssl"]), []);
    assert_eq!(touched(&store, &["PyPI\0ruamel-yaml"]), [two.digest]);
    assert_eq!(touched(&store, &["PyPI\0"]), [two.digest], "an ecosystem stands for all of its packages");
    sboms.remove(&one.digest).expect("removed");
    assert_eq!(touched(&store, &["Debian:12\0openssl"]), []);
}

#[test]
fn footprints_of_another_version_count_as_touched_until_they_are_made_again() {
    let (_directory, store) = new_store();
    let inventory = inventory("pkg:npm/a@1");
    let row = row("image", &inventory);
    store.sboms().expect("open").add([(&row, &inventory)]).expect("kept");
    // A footprint as another version made it: sealed, by another planner, without any package.
    tamper(&store, FOOTPRINTS, |value| {
        let mut body = vec![0xee; 8];
        body.extend_from_slice(&u32::MAX.to_le_bytes());
        let mut bytes = vec![1];
        bytes.extend_from_slice(&Digest::of(&body).as_bytes()[..8]);
        bytes.extend_from_slice(&body);
        *value = bytes;
    });
    assert_eq!(touched(&store, &["npm\0unrelated"]), [row.digest]);
    let database = Database::open(store.layout().root().join("sboms.redb")).expect("a database");
    let write = database.begin_write().expect("a transaction");
    write.open_table(META).expect("a table").insert("planner", 1).expect("inserted");
    write.commit().expect("committed");
    drop(database);
    let sboms = store.sboms().expect("open");
    assert_eq!(sboms.renew_footprints().expect("renewed"), 1);
    assert_eq!(sboms.renew_footprints().expect("nothing to do"), 0);
    assert_eq!(touched(&store, &["npm\0unrelated"]), []);
    assert_eq!(touched(&store, &["npm\0a"]), [row.digest]);
}

#[test]
fn a_flipped_bit_in_a_footprint_or_an_inventory_is_found() {
    let (_directory, store) = new_store();
    let inventory = inventory("pkg:npm/a@1");
    let row = row("image", &inventory);
    store.sboms().expect("open").add([(&row, &inventory)]).expect("kept");
    let flip = |value: &mut Vec<u8>| *value.last_mut().expect("not empty") ^= 1;
    tamper(&store, INVENTORIES, flip);
    tamper(&store, FOOTPRINTS, flip);
    let sboms = store.sboms().expect("open");
    let snapshot = sboms.snapshot().expect("a snapshot");
    assert!(matches!(snapshot.read(&row.digest), Err(StoreError::Damaged { .. })));
    let shard = usize::from(row.digest.as_bytes()[0]);
    assert!(matches!(snapshot.footprints(shard, |_, _| Ok(())), Err(StoreError::Damaged { .. })));
}

#[test]
fn another_process_sees_what_was_added_and_a_snapshot_does_not() {
    let (_directory, store) = new_store();
    let inventory = inventory("pkg:npm/a@1");
    let (here, there) = (store.sboms().expect("open"), store.sboms().expect("open twice"));
    let snapshot = there.snapshot().expect("a snapshot");
    here.add([(&row("image", &inventory), &inventory)]).expect("kept");
    assert_eq!((there.count().expect("a count"), snapshot.count().expect("a count")), (1, 0));
}

#[test]
fn the_state_database_does_not_grow_with_the_documents() {
    let (_directory, store) = new_store();
    let size = |store: &Store| fs::metadata(store.layout().root().join("state.redb")).expect("a file").len();
    let before = size(&store);
    let inventory = inventory("pkg:npm/a@1");
    let rows: Vec<_> = (0..500).map(|number| row(&number.to_string(), &inventory)).collect();
    store.sboms().expect("open").add(rows.iter().map(|row| (row, &inventory))).expect("kept");
    assert_eq!(size(&store), before);
}
