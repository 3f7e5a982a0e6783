//! A state that cannot be opened: the program says so, does nothing and writes nothing (C16).

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::PathBuf;

use tests::{Site, digest_of, repository};

fn site() -> Site {
    let site = Site::new();
    site.ok(&["kit", "keys", "--out", "keys"]);
    site.dataset("dataset", &["rustsec.jsonl"]);
    site.kit("1.kit", "dataset", "1");
    site.kit("2.kit", "dataset", "2");
    assert_eq!(site.import("1.kit").code, 0);
    site
}

fn files(site: &Site) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut below = vec![site.state()];
    while let Some(directory) = below.pop() {
        for entry in fs::read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { below.push(path) } else { drop(found.insert(path.clone(), digest_of(&path))) }
        }
    }
    found
}

/// Whatever somebody wants of it, it is refused with these words, and no file changes.
fn refuses_everything(site: &Site, words: &[&str]) {
    let before = files(site);
    let sbom = repository().join("tests/data/demo/app.cdx.json").display().to_string();
    let wishes: [&[&str]; 5] = [
        &["serve", "--listen", "127.0.0.1:0", "--plain-http"],
        &["kit", "import", "2.kit", "--no-seal"],
        &["kit", "rollback"],
        &["kit", "status"],
        &["scan", &sbom],
    ];
    for wish in wishes {
        let ran = site.run(wish);
        assert!(ran.code == 3 || ran.code == 5, "{wish:?} ends with {}: {}{}", ran.code, ran.stdout, ran.stderr);
        for word in words {
            assert!(ran.stderr.contains(word), "{wish:?} does not say {word:?}: {}", ran.stderr);
        }
        assert_eq!(files(site), before, "{wish:?} has written something");
    }
}

#[test]
fn c16_a_state_that_another_program_has_locked_is_left_alone() {
    let site = site();
    let path = site.state().join("state.redb");
    let other = File::options().read(true).write(true).open(&path).expect("a file");
    other.lock().expect("nobody else has it");
    refuses_everything(&site, &["state.redb", "another program"]);
    other.unlock().expect("unlocked");
    assert_eq!(site.run(&["kit", "status"]).code, 0, "and is as it was afterwards");
}

#[test]
fn c16_a_state_with_a_damaged_header_is_left_alone() {
    let site = site();
    let path = site.state().join("state.redb");
    let good = fs::read(&path).expect("a file");
    // The magic number; the size of a page; both slots of the last transaction.
    for places in [0..9, 12..16, 64..320] {
        let mut bytes = good.clone();
        bytes[places.clone()].iter_mut().for_each(|byte| *byte ^= 0xa5);
        fs::write(&path, bytes).expect("written");
        refuses_everything(&site, &["state.redb", "docs/runbooks/recovery.md"]);
    }
    fs::write(&path, good).expect("put back");
    assert_eq!(site.import("2.kit").code, 0);
}

#[test]
fn c16_a_state_in_a_format_of_another_version_is_left_alone() {
    let site = site();
    let path = site.state().join("state.redb");
    let good = fs::read(&path).expect("a file");
    // The first byte of each slot; redb 4 writes 3, and a redb before it 2.
    assert_eq!((good[64], good[192]), (3, 3));
    for (version, word) in [(2, "format 2"), (4, "recovery.md")] {
        let mut bytes = good.clone();
        (bytes[64], bytes[192]) = (version, version);
        fs::write(&path, bytes).expect("written");
        refuses_everything(&site, &["state.redb", word]);
    }
    fs::write(&path, good).expect("put back");
    assert_eq!(site.import("2.kit").code, 0);
}

#[test]
fn c16_a_file_of_something_else_is_no_state() {
    let site = site();
    let path = site.state().join("state.redb");
    // A database that can be opened, and is another: filled, it would be a site that trusts nobody yet.
    let index = fs::read(site.state().join("generations/00000001.redb")).expect("an index");
    for content in [b"".as_slice(), b"SQLite format 3\0", &[0; 4096], &index] {
        fs::write(&path, content).expect("written");
        refuses_everything(&site, &["state.redb", "docs/runbooks/recovery.md"]);
    }
}
