//! A kit on several media, and a kit from broken copies: the binary, from split to import.

use std::fs;

use tests::{Ran, Site, digest_of};

/// A site with a vendor's keys and kit 2 in `kit.tar.zst`, cut into `volumes/`.
fn site() -> (Site, Vec<String>) {
    let site = Site::new();
    site.vendor();
    site.kit("kit.tar.zst", "dataset", "2");
    let names = split(&site, "kit.tar.zst", "volumes");
    (site, names)
}

/// Cuts a kit into as many volumes as it has large frames.
fn split(site: &Site, kit: &str, into: &str) -> Vec<String> {
    let size = smallest(site, kit);
    site.ok(&["kit", "split", kit, "--size", &size, "-o", into, "--trust-root", "keys/1.root.json"]);
    let mut names: Vec<String> = fs::read_dir(site.path(into))
        .expect("a directory")
        .map(|entry| format!("{into}/{}", entry.expect("an entry").file_name().to_string_lossy()))
        .filter(|name| name.contains(".vol") && name.ends_with(".tar.zst"))
        .collect();
    names.sort();
    assert!(names.len() > 1, "{names:?}");
    names
}

/// The smallest size of a volume, as the program says it.
fn smallest(site: &Site, kit: &str) -> String {
    let ran = site.run(&["kit", "split", kit, "--size", "100", "-o", "volumes"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    ran.stderr.split_whitespace().next_back().expect("a number").to_owned()
}

fn join(site: &Site, volumes: &[&str], output: &str) -> Ran {
    let mut arguments = vec!["kit", "join", "--trust-root", "keys/1.root.json", "-o", output];
    arguments.extend(volumes);
    site.run(&arguments)
}

fn no_output(site: &Site, output: &str) {
    for entry in fs::read_dir(site.path("")).expect("a directory") {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        assert!(!name.starts_with(output), "{name} was left behind");
    }
}

#[test]
fn volumes_in_any_order_and_twice_give_the_kit_with_its_seal_and_it_imports() {
    // D03, D05.
    let (site, names) = site();
    for name in &names {
        let line = fs::read_to_string(site.path(&format!("{name}.sha256"))).expect("a sidecar");
        assert!(line.starts_with(&digest_of(&site.path(name))), "{line}");
    }
    let mut volumes: Vec<&str> = names.iter().rev().map(String::as_str).collect();
    volumes.push(&names[0]);
    let ran = join(&site, &volumes, "joined.tar.zst");
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(digest_of(&site.path("joined.tar.zst")), digest_of(&site.path("kit.tar.zst")));
    assert!(ran.stdout.contains("kit.tar.zst.sha256") && ran.stdout.contains("kit.tar.zst.minisig"), "{}", ran.stdout);
    let imported = site.import("joined.tar.zst");
    assert_eq!(imported.code, 0, "{}", imported.stderr);
    assert!(imported.stdout.contains("seal verified"), "the seal travelled with the volumes: {}", imported.stdout);
}

#[test]
fn what_a_volume_is_called_decides_nothing() {
    let (site, names) = site();
    for (at, name) in names.iter().enumerate() {
        fs::copy(site.path(name), site.path(&format!("x.vol{}of99.tar.zst", names.len() - at))).expect("copied");
    }
    let wrong: Vec<String> = (1..=names.len()).map(|at| format!("x.vol{at}of99.tar.zst")).collect();
    let ran = join(&site, &wrong.iter().map(String::as_str).collect::<Vec<_>>(), "joined.tar.zst");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(digest_of(&site.path("joined.tar.zst")), digest_of(&site.path("kit.tar.zst")));
}

#[test]
fn a_missing_volume_is_named_by_its_blobs_and_leaves_no_output() {
    let (site, names) = site();
    let ran = join(&site, &[&names[0]], "joined.tar.zst");
    assert_eq!(ran.code, 6, "{}", ran.stderr);
    assert!(ran.stderr.contains("E-INCOMPLETE") && ran.stderr.contains("next: "), "{}", ran.stderr);
    assert!(ran.stdout.contains("missing: blob "), "{}", ran.stdout);
    no_output(&site, "joined");
}

#[test]
fn two_broken_copies_give_the_kit_and_one_says_where_it_is_broken() {
    let (site, _) = site();
    let kit = fs::read(site.path("kit.tar.zst")).expect("a kit");
    let mut bad = kit.clone();
    let at = kit.len() - 40;
    bad[at] ^= 1;
    fs::write(site.path("bad.tar.zst"), &bad).expect("written");
    fs::write(site.path("cut.tar.zst"), &kit[..kit.len() - 1]).expect("written");
    let ran = join(&site, &["bad.tar.zst"], "joined.tar.zst");
    assert_eq!(ran.code, 6, "{}", ran.stderr);
    assert!(ran.stdout.contains("bad.tar.zst: ") && ran.stdout.contains("damaged: "), "{}", ran.stdout);
    no_output(&site, "joined");
    let ran = join(&site, &["bad.tar.zst", "cut.tar.zst"], "joined.tar.zst");
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("ends too early"), "{}", ran.stdout);
    assert_eq!(fs::read(site.path("joined.tar.zst")).expect("a kit"), kit);
}

#[test]
fn parts_of_two_kits_and_a_strangers_kit_are_refused() {
    // D03, M05.
    let (site, names) = site();
    site.kit("older.tar.zst", "dataset", "1");
    let ran = join(&site, &[&names[0], "older.tar.zst", &names[1]], "joined.tar.zst");
    assert_eq!(ran.code, 6);
    assert!(ran.stderr.contains("E-MIX") && ran.stderr.contains("older.tar.zst"), "{}", ran.stderr);
    site.ok(&["kit", "keys", "--out", "other-keys"]);
    for verb in [
        vec!["kit", "join", "kit.tar.zst", "-o", "joined.tar.zst"],
        vec!["kit", "split", "kit.tar.zst", "--media", "cd", "-o", "joined"],
    ] {
        let ran = site.run(&[verb, vec!["--trust-root", "other-keys/1.root.json"]].concat());
        assert_eq!(ran.code, 6, "{}", ran.stderr);
        assert!(ran.stderr.contains("E-ROOT-SIG"), "{}", ran.stderr);
    }
    no_output(&site, "joined");
}

#[test]
fn a_digest_beside_the_output_that_does_not_fit_is_a_refusal() {
    let (site, names) = site();
    let wrong = format!("{}  joined.tar.zst\n", "0".repeat(64));
    fs::write(site.path("joined.tar.zst.sha256"), &wrong).expect("written");
    let ran = join(&site, &names.iter().map(String::as_str).collect::<Vec<_>>(), "joined.tar.zst");
    assert_eq!(ran.code, 6, "{}", ran.stderr);
    assert!(ran.stderr.contains("E-EXPECT") && ran.stderr.contains("joined.tar.zst.sha256"), "{}", ran.stderr);
    assert!(!site.path("joined.tar.zst").exists());
}

#[test]
fn a_damaged_kit_is_not_split_and_nothing_half_done_is_left() {
    let (site, _) = site();
    let mut kit = fs::read(site.path("kit.tar.zst")).expect("a kit");
    let at = kit.len() - 40;
    kit[at] ^= 1;
    fs::write(site.path("bad.tar.zst"), &kit).expect("written");
    let size = smallest(&site, "kit.tar.zst");
    let ran = site.run(&["kit", "split", "bad.tar.zst", "--size", &size, "-o", "out"]);
    assert_eq!(ran.code, 6, "{}", ran.stderr);
    assert_eq!(fs::read_dir(site.path("out")).expect("a directory").count(), 0);
    // A size that no volume can have, and none at all, are mistakes of whoever typed them.
    for size in [vec!["--size", "100"], vec!["--size", "1T"], vec![], vec!["--size", "1G", "--media", "cd"]] {
        let ran = site.run(&[vec!["kit", "split", "kit.tar.zst", "-o", "out"], size.clone()].concat());
        assert_eq!(ran.code, 2, "{size:?}: {}", ran.stderr);
    }
}

/// Imports these files at once, as an operator does at the first import.
fn import(site: &Site, files: &[&str]) -> Ran {
    let mut arguments = vec!["kit", "import", "--trust-root", "keys/1.root.json", "--seal-key", "keys/minisign.pub"];
    arguments.extend(files);
    site.run(&arguments)
}

fn sets(site: &Site) -> Vec<serde_json::Value> {
    let status: serde_json::Value = serde_json::from_str(&site.ok(&["kit", "status", "-f", "json"])).expect("JSON");
    status["sets"].as_array().expect("a list").clone()
}

#[test]
fn d04_volumes_come_from_one_stick_after_the_other() {
    let (site, names) = site();
    let (last, others) = names.split_first().expect("volumes");
    for (at, name) in others.iter().rev().enumerate() {
        // Each time another stick: the file lies alone, and is gone afterwards.
        let stick = format!("stick{at}.tar.zst");
        fs::copy(site.path(name), site.path(&stick)).expect("copied");
        let ran = import(&site, &[&stick]);
        assert_eq!(ran.code, 5, "{}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains("incomplete [E-INCOMPLETE]: ") && ran.stderr.contains("next: "), "{}", ran.stderr);
        assert!(ran.stdout.contains("missing: blob ") && ran.stdout.contains("checkpoint"), "{}", ran.stdout);
        fs::remove_file(site.path(&stick)).expect("removed");
        assert_eq!(site.run(&["db", "status"]).code, 5, "nothing is active yet");
    }
    let waiting = sets(&site);
    assert_eq!((waiting.len(), &waiting[0]["kit_version"]), (1, &2.into()));
    assert_eq!(waiting[0]["volumes"].as_array().expect("a list").len(), others.len());
    assert!(waiting[0]["missing_frames"].as_u64().is_some_and(|count| count > 0));
    let shown = site.ok(&["kit", "status"]);
    assert!(shown.contains("kit version 2") && shown.contains("kept until") && shown.contains("stick0"), "{shown}");
    // The last one lies where the seal lies, too.
    let ran = import(&site, &[last]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains(&digest_of(&site.path("kit.tar.zst"))), "{}", ran.stdout);
    assert!(ran.stdout.contains("seal verified"), "{}", ran.stdout);
    assert!(sets(&site).is_empty() && site.staged().is_empty());
    assert_eq!(import(&site, &[last]).code, 0, "it is active already");
}

#[test]
fn all_volumes_at_once_are_imported_or_staged_and_those_of_two_kits_are_refused() {
    let (site, names) = site();
    let mut all: Vec<&str> = names.iter().rev().map(String::as_str).collect();
    all.push(&names[0]);
    site.kit("older.tar.zst", "dataset", "1");
    let mixed = split(&site, "older.tar.zst", "older");
    let ran = import(&site, &[&names[0], &mixed[1]]);
    assert_eq!(ran.code, 6, "{}", ran.stderr);
    assert!(ran.stderr.contains("[E-MIX]") && ran.stderr.contains(&mixed[1]), "{}", ran.stderr);
    let staged =
        site.run(&[vec!["kit", "stage", "--trust-root", "keys/1.root.json", "--no-seal"], all.clone()].concat());
    assert_eq!(staged.code, 0, "{}", staged.stderr);
    assert!(staged.stdout.contains("request 1"), "{}", staged.stdout);
    assert!(sets(&site).is_empty(), "what was staged does not wait for parts");
    site.ok(&["kit", "withdraw", "1"]);
    let ran = import(&site, &all);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("seal verified"), "{}", ran.stdout);
}

#[test]
fn a_set_can_be_given_up_by_the_beginning_of_its_name() {
    let (site, names) = site();
    assert_eq!(import(&site, &[&names[0]]).code, 5);
    let id = sets(&site)[0]["id"].as_str().expect("a digest").to_owned();
    let ran = site.run(&["kit", "discard", "feed"]);
    assert_eq!((ran.code, sets(&site).len()), (2, 1), "{}", ran.stderr);
    assert!(site.ok(&["kit", "discard", &id[..12]]).contains("given up: set "));
    assert!(sets(&site).is_empty());
    let log = site.ok(&["admin", "audit", "list"]);
    assert!(log.contains("discard"), "{log}");
    assert_eq!(site.run(&["kit", "discard", &id]).code, 2);
    assert_eq!(import(&site, &[&names[1]]).code, 5, "and it can begin anew");
}

#[test]
fn d01_a_delta_in_volumes_waits_for_its_base() {
    let site = Site::new();
    site.ok(&["kit", "keys", "--out", "keys"]);
    site.dataset("one", &["rustsec.jsonl"]);
    site.dataset("two", &["rustsec.jsonl", "ghsa.jsonl", "kev.json"]);
    site.kit("base.tar.zst", "one", "1");
    let base = ["--base", "base.tar.zst", "--kit-version", "2", "-o", "delta.tar.zst"];
    site.ok(&[vec!["kit", "build", "--keys", "keys", "--dataset", "two"], base.to_vec()].concat());
    let names = split(&site, "delta.tar.zst", "delta");
    let (last, others) = names.split_last().expect("volumes");
    others.iter().for_each(|name| assert_eq!(import(&site, &[name]).code, 5, "{name}"));
    let ran = import(&site, &[last]);
    assert_eq!(ran.code, 6, "{}", ran.stderr);
    assert!(ran.stderr.contains("E-INCOMPLETE") && ran.stderr.contains("delta to kit 1"), "{}", ran.stderr);
    let waiting = sets(&site);
    assert_eq!((waiting.len(), &waiting[0]["missing_frames"]), (1, &0.into()), "the delta is whole, and waits");
    assert_eq!(import(&site, &["base.tar.zst"]).code, 0);
    let ran = import(&site, &[last]);
    assert_eq!(ran.code, 0, "any of its volumes ends it: {}", ran.stderr);
    assert!(ran.stdout.contains("kit version 2") && sets(&site).is_empty(), "{}", ran.stdout);
}

#[test]
fn the_search_for_parts_is_confined_as_the_rest_is() {
    let (site, names) = site();
    let arguments = ["kit", "import", "--sandbox", "best-effort", "--trust-root", "keys/1.root.json", &names[1]];
    assert_eq!(site.run(&arguments).code, 5);
    // A worker that ends without an answer is no answer, and what was kept before stays.
    let ran = site.run(&[&arguments[..6], &["--worker-patience", "0", &names[0]]].concat());
    assert_ne!(ran.code, 0, "{}", ran.stdout);
    assert!(ran.stderr.contains("E-WORKER"), "{}", ran.stderr);
    assert_eq!(sets(&site).len(), 1);
}
