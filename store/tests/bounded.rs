//! An index is the same, byte by byte, however little memory its rows had and whoever collected them.

use std::fs;
use std::path::Path;

use domain::advisory::{Advisory, Affected, Interval, Member, PackageKey};
use domain::digest::Digest;
use domain::exploitation::{Epss, KnownExploited};
use domain::root::ContentRoot;
use domain::source::SourceId;
use domain::time::Timestamp;
use store::{GenerationBuilder, Located, Store, StoreError, Workspace};

/// Enough that each table fills several blocks of memory and several pages of the index.
const ADVISORIES: u32 = 3_000;

fn advisory(number: u32) -> Advisory {
    let id = format!("GHSA-{number:05}");
    let affected = (0..number % 4).map(|at| {
        let package = PackageKey::new("npm".parse().expect("known"), &format!("p{}", number * at % 97));
        let mut affected = Affected::new(SourceId::new("ghsa"), &id, package);
        affected.ranges.push(Interval::below(number.to_string()));
        affected
    });
    Advisory {
        aliases: (0..number % 3).map(|at| format!("CVE-{:05}", number * 7 % ADVISORIES + at)).collect(),
        related: Default::default(),
        title: None,
        description: None,
        published: None,
        modified: None,
        withdrawn: None,
        ratings: Vec::new(),
        cwes: Default::default(),
        references: Vec::new(),
        affected: affected.collect(),
        members: vec![Member {
            source: SourceId::new("ghsa"),
            id: format!("CVE-{:05}", number * 3 % ADVISORIES),
            modified: None,
            withdrawn: None,
        }],
        id,
    }
}

fn located(number: u32, kind: &str, key: &str) -> (u16, Located) {
    let (bucket, leaf) = ContentRoot::leaf(kind, key, b"a line");
    (bucket, Located { segment: 0, offset: number, length: 6, leaf: *leaf.as_bytes() })
}

fn collect(builder: &mut GenerationBuilder, numbers: impl Iterator<Item = u32>) {
    for number in numbers {
        let advisory = advisory(number);
        let (bucket, at) = located(number, "advisory", &advisory.id);
        builder.add_leaf(bucket, Digest::from_bytes(at.leaf));
        builder.add_advisory(&advisory, at);
        let cve = format!("CVE-{number:05}");
        builder.add_epss(&Epss { cve: cve.clone(), probability_e5: number, percentile_e5: 1 });
        if number % 50 == 0 {
            let date_added = Timestamp::UNIX_EPOCH.plus_days(i64::from(number));
            let (name, required_action) = (String::new(), String::new());
            let fact = KnownExploited { cve, date_added, due_date: None, name, required_action, ransomware: false };
            builder.add_known_exploited(&fact, at);
        }
        builder.make_room().expect("room on disk");
    }
}

fn written(mut builder: GenerationBuilder, store: &Store, path: &Path) -> (Digest, Vec<u8>) {
    let root = builder.content_root().expect("a root");
    builder.declare_complete(&"npm".parse().expect("known"));
    builder.write(store.disk(), path, &[(0, Digest::of(b"segment"))]).expect("an index");
    (root, fs::read(path).expect("the index"))
}

fn with_workspace(test: impl FnOnce(&Store, &Workspace, &Path)) {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(directory.path().join("state")).expect("a state directory");
    let lock = store.lock_import().expect("free");
    test(&store, &store.workspace(&lock).expect("a workspace"), directory.path());
}

#[test]
fn rows_that_were_put_aside_make_the_same_index_as_rows_in_memory() {
    with_workspace(|store, workspace, directory| {
        let mut whole = GenerationBuilder::new();
        collect(&mut whole, 0..ADVISORIES);
        let expected = written(whole, store, &directory.join("whole"));

        let room = workspace.room(64 << 10);
        let mut parts: Vec<_> = (0..3).map(|_| GenerationBuilder::within(room.clone())).collect();
        // Backwards and interleaved: neither order nor the hand that took a record may show.
        for (at, part) in (0..).zip(&mut parts) {
            collect(part, (0..ADVISORIES).rev().filter(|number| number % 3 == at));
        }
        let aside = fs::read_dir(workspace.directory()).expect("a directory").count();
        assert_eq!(aside, 3, "each builder has put rows aside");
        let mut parts = parts.into_iter();
        let mut joined = parts.next().expect("three");
        parts.for_each(|part| joined.join(part));
        assert!(written(joined, store, &directory.join("joined")) == expected, "the index files differ");
    });
}

#[test]
fn a_package_of_which_too_much_is_said_is_refused_by_its_name() {
    with_workspace(|store, workspace, directory| {
        let mut builder = GenerationBuilder::within(workspace.room(16 << 20));
        let long = "9".repeat(8 << 20);
        for number in 0..9 {
            let id = format!("GHSA-{number}");
            let package = PackageKey::new("npm".parse().expect("known"), "left-pad");
            let mut affected = Affected::new(SourceId::new("ghsa"), &id, package);
            affected.ranges.push(Interval::below(long.clone()));
            builder
                .add_advisory(&Advisory { id, affected: vec![affected], ..advisory(0) }, located(number, "x", "y").1);
            builder.make_room().expect("room on disk");
        }
        let refused = builder.write(store.disk(), &directory.join("index"), &[]);
        assert!(matches!(&refused, Err(StoreError::PackageTooLarge { package, .. }) if package == "npm left-pad"));
    });
}
