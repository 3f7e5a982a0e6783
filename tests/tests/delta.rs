//! Delta kits through the real binary: a base and its delta are the full kit.

mod within;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use ouk::limits::Limits;
use tests::{Site, digest_of, repository, shared};

fn sbom() -> String {
    repository().join("tests/data/demo/app.cdx.json").display().to_string()
}

/// Kit 1 (base), kit 2 as a delta to it, and kit 2 in full, for a site of its own.
fn vendor() -> Site {
    let site = Site::new();
    site.ok(&["kit", "keys", "--out", "keys"]);
    site.dataset("one", &["rustsec.jsonl", "pypa.jsonl"]);
    site.dataset("two", &["rustsec.jsonl", "ghsa.jsonl", "kev.json"]);
    site.kit("base.tar.zst", "one", "1");
    site.kit("full.tar.zst", "two", "2");
    delta(&site, "delta.tar.zst", "two", "base.tar.zst", "2");
    site
}

fn delta(site: &Site, output: &str, dataset: &str, base: &str, version: &str) {
    let arguments = [
        "kit",
        "build",
        "--keys",
        "keys",
        "--dataset",
        dataset,
        "--base",
        base,
        "--kit-version",
        version,
        "-o",
        output,
    ];
    site.ok(&arguments);
}

/// An import of another site's file into a state directory of this name. The second data set has nothing of
/// PyPI any more, which is accepted.
fn import(site: &Site, state: &str, kit: &str) -> tests::Ran {
    let ran = import_only(site, state, kit);
    if ran.code != 9 {
        return ran;
    }
    let pending = site.ok(&["--state-dir", state, "kit", "pending", "-f", "json"]);
    let pending: serde_json::Value = serde_json::from_str(&pending).expect("JSON");
    let number = pending[0]["number"].to_string();
    site.run(&["--state-dir", state, "kit", "activate", &number, "--accept-loss", "PyPI is not wanted any more"])
}

fn import_only(site: &Site, state: &str, kit: &str) -> tests::Ran {
    let arguments = ["--state-dir", state, "kit", "import", kit, "--trust-root", "keys/1.root.json", "--no-seal"];
    site.run(&arguments)
}

fn status(site: &Site, state: &str) -> serde_json::Value {
    serde_json::from_str(&site.ok(&["--state-dir", state, "kit", "status", "-f", "json"])).expect("JSON")
}

fn content_root(site: &Site, state: &str) -> String {
    let status = status(site, state);
    let current = status["current"].as_u64().expect("a number");
    let rows = status["generations"].as_array().expect("a list");
    let row = rows.iter().find(|row| row["number"] == current).expect("the active one");
    row["content_root"].as_str().expect("a digest").to_owned()
}

/// What a scan says, but for the names of the data that said it and the time.
fn findings(site: &Site, state: &str) -> serde_json::Value {
    let options = ["--state-dir", state, "scan", "-f", "json", "--fail-on", "never", "--on-unevaluated", "ignore"];
    let mut arguments = options.to_vec();
    let sbom = sbom();
    arguments.push(&sbom);
    let report: serde_json::Value = serde_json::from_str(&site.ok(&arguments)).expect("JSON");
    assert!(report["findings"].as_array().is_some_and(|findings| !findings.is_empty()));
    serde_json::json!([report["findings"], report["unevaluated"], report["coverage"]])
}

#[test]
fn d05_a_base_and_its_delta_are_the_full_kit() {
    let site = vendor();
    for kit in ["base.tar.zst", "delta.tar.zst"] {
        let ran = import(&site, "stacked", kit);
        assert_eq!(ran.code, 0, "{kit}: {}", ran.stderr);
    }
    assert_eq!(import(&site, "whole", "full.tar.zst").code, 0);
    assert_eq!(content_root(&site, "stacked"), content_root(&site, "whole"));
    assert_eq!(findings(&site, "stacked"), findings(&site, "whole"));
    // The segments that the vendor signed, built again from the records.
    site.ok(&["--state-dir", "stacked", "feeds", "export", "-o", "exported"]);
    assert_same_files(&site.path("two"), &site.path("exported"));
}

#[test]
fn a_site_makes_the_trivy_db_that_the_vendor_signed_of_a_full_kit_and_of_a_delta() {
    let site = Site::new();
    site.ok(&["kit", "keys", "--out", "keys"]);
    site.dataset("one", &["rustsec.jsonl", "pypa.jsonl"]);
    site.dataset("two", &["rustsec.jsonl", "ghsa.jsonl", "kev.json"]);
    let build = |dataset: &str, output: &str, more: &[&str]| {
        let common = ["kit", "build", "--keys", "keys", "--derive-trivy-db", "--dataset", dataset, "-o", output];
        site.ok(&[&common[..], more].concat());
    };
    build("one", "base.tar.zst", &["--kit-version", "1"]);
    build("two", "full.tar.zst", &["--kit-version", "2"]);
    build("two", "delta.tar.zst", &["--kit-version", "2", "--base", "base.tar.zst"]);
    let exported = |state: &str| {
        let output = format!("{state}-db");
        site.ok(&["--state-dir", state, "feeds", "export", "--format", "trivy-db", "-o", &output]);
        site.path(&output)
    };
    for kit in ["base.tar.zst", "delta.tar.zst"] {
        let ran = import(&site, "stacked", kit);
        assert_eq!(ran.code, 0, "{kit}: {}", ran.stderr);
    }
    assert_eq!(import(&site, "whole", "full.tar.zst").code, 0);
    let (stacked, whole) = (exported("stacked"), exported("whole"));
    for name in ["trivy.db", "metadata.json"] {
        assert_eq!(digest_of(&stacked.join(name)), digest_of(&whole.join(name)), "{name}");
    }

    // So are the archives that other scanners take, and what tells of them.
    let packed = |state: &str, format: &str| {
        let output = format!("{state}-{format}");
        site.ok(&["--state-dir", state, "feeds", "export", "--format", format, "--archive", "-o", &output]);
        site.path(&output)
    };
    for format in ["trivy-db", "grype-db"] {
        let (stacked, whole) = (files(&packed("stacked", format)), files(&packed("whole", format)));
        assert_eq!(stacked, whole, "{format}");
        assert!(whole.len() >= 3, "{format}: {whole:?}");
    }
    let listing = fs::read(site.path("whole-grype-db/latest.json")).expect("a listing");
    let listing: serde_json::Value = serde_json::from_slice(&listing).expect("JSON");
    let archive = site.path("whole-grype-db").join(listing["path"].as_str().expect("a name"));
    assert_eq!(listing["checksum"], format!("sha256:{}", digest_of(&archive)));

    // The same database may travel in the kit; another one is not signed.
    let directory = whole.display().to_string();
    build("two", "both.tar.zst", &["--kit-version", "3", "--trivy-db", &directory]);
    let ran = import(&site, "whole", "both.tar.zst");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let arguments = ["kit", "build", "--keys", "keys", "--derive-trivy-db", "--dataset", "one", "-o", "no.tar.zst"];
    let refused = site.run(&[&arguments[..], &["--kit-version", "4", "--trivy-db", &directory]].concat());
    assert_ne!(refused.code, 0);
    assert!(refused.stderr.contains("is not what the records give"), "{}", refused.stderr);
}

#[test]
fn p03_a_delta_that_takes_a_source_away_is_held_as_the_full_kit_is() {
    let site = vendor();
    let held = |state: &str, kit: &str| {
        assert_eq!(import(&site, state, "base.tar.zst").code, 0);
        let ran = import_only(&site, state, kit);
        assert_eq!(ran.code, 9, "{kit}: {}{}", ran.stdout, ran.stderr);
        assert_eq!(status(&site, state)["current"], 1, "{kit}");
        let list = ran.stdout.split_once("HELD: ").expect("says so").1;
        list.lines().take_while(|line| !line.starts_with("until")).map(str::to_owned).collect::<Vec<_>>()
    };
    let concerns = held("delta", "delta.tar.zst");
    assert!(concerns.iter().any(|line| line.contains("pypa") && line.ends_with(" 0 now")), "{concerns:?}");
    assert_eq!(concerns, held("full", "full.tar.zst"));
}

/// Every file below a directory, with its digest.
fn files(directory: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![directory.to_owned()];
    while let Some(next) = waiting.pop() {
        for path in fs::read_dir(&next).expect("a directory").map(|entry| entry.expect("an entry").path()) {
            if path.is_dir() {
                waiting.push(path);
            } else {
                found.insert(path.strip_prefix(directory).expect("below").to_owned(), digest_of(&path));
            }
        }
    }
    found
}

fn assert_same_files(one: &Path, other: &Path) {
    let mut compared = 0;
    for kind in ["", "advisories", "kev", "epss"] {
        let Ok(entries) = fs::read_dir(one.join("feeds").join(kind)) else { continue };
        for entry in entries.map(|entry| entry.expect("an entry")).filter(|entry| entry.path().is_file()) {
            let name = Path::new("feeds").join(kind).join(entry.file_name());
            assert_eq!(digest_of(&one.join(&name)), digest_of(&other.join(&name)), "{}", name.display());
            compared += 1;
        }
    }
    assert!(compared >= 3);
}

#[test]
fn d01_a_delta_without_its_base_says_which_kit_is_missing_and_changes_nothing() {
    let site = vendor();
    let ran = import(&site, "empty", "delta.tar.zst");
    assert_eq!(ran.code, 6, "{}", ran.stderr);
    assert!(ran.stderr.contains("E-INCOMPLETE") && ran.stderr.contains("delta to kit 1"), "{}", ran.stderr);
    assert!(ran.stderr.contains("next: import the kit that it builds on first"), "{}", ran.stderr);
    assert_eq!(import(&site, "empty", "base.tar.zst").code, 0, "the base is still welcome");
    assert_eq!(import(&site, "empty", "delta.tar.zst").code, 0, "and then the delta");
}

#[test]
fn d01_a_base_that_is_damaged_on_disk_is_found_out_and_the_full_kit_repairs() {
    let site = vendor();
    assert_eq!(import(&site, "site", "base.tar.zst").code, 0);
    let before = content_root(&site, "site");
    // Every blob of the base that holds records: whichever line the delta needs is gone.
    let mut damaged = Vec::new();
    for line in walk(&site.path("site/cas")) {
        let bytes = fs::read(&line).expect("a blob");
        if bytes.starts_with(b"{\"id\":") {
            fs::write(&line, vec![b' '; bytes.len()]).expect("written");
            damaged.push(line.file_name().expect("a name").to_string_lossy().into_owned());
        }
    }
    let ran = import(&site, "site", "delta.tar.zst");
    assert_eq!(ran.code, 6, "{}", ran.stderr);
    assert!(ran.stderr.contains("E-INCOMPLETE") && ran.stderr.contains("of the base"), "{}", ran.stderr);
    let listed: Vec<&str> = ran.stderr.split([' ', ',', ':', '\n']).filter(|word| word.len() == 64).collect();
    assert!(!listed.is_empty() && listed.iter().all(|digest| damaged.iter().any(|name| name == digest)), "{listed:?}");
    assert!(ran.stderr.contains("next: import a full kit"), "{}", ran.stderr);
    assert_eq!(content_root(&site, "site"), before);
    let full = import(&site, "site", "full.tar.zst");
    assert_eq!(full.code, 0, "{}", full.stderr);
}

#[test]
fn d01_a_delta_is_not_put_on_an_index_that_is_damaged_where_it_looks() {
    let site = vendor();
    assert_eq!(import(&site, "site", "base.tar.zst").code, 0);
    let before = content_root(&site, "site");
    // One bit of every block of the database.
    let index = site.path("site/generations/00000001.redb");
    let mut bytes = fs::read(&index).expect("an index");
    bytes.iter_mut().skip(2048).step_by(4096).for_each(|byte| *byte ^= 1);
    fs::write(&index, &bytes).expect("written");
    let ran = import(&site, "site", "delta.tar.zst");
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("E-STATE") && ran.stderr.contains("the index of generation 1 is damaged"),
        "{}",
        ran.stderr
    );
    assert_eq!(content_root(&site, "site"), before);
}

#[test]
fn d01_damage_of_the_base_where_a_delta_does_not_look_is_told_by_whoever_reads_it() {
    let site = vendor();
    site.dataset("more", &["rustsec.jsonl", "pypa.jsonl", "kev.json"]);
    site.kit("more.tar.zst", "more", "3");
    delta(&site, "more-delta.tar.zst", "more", "base.tar.zst", "2");
    assert_eq!(import(&site, "site", "base.tar.zst").code, 0);
    let index = site.path("site/generations/00000001.redb");
    let mut bytes = fs::read(&index).expect("an index");
    // One bit in the middle of the packages of Rust, about which the delta says nothing: the database itself does not
    // notice.
    let name = b"crates.io\0";
    let places: Vec<usize> = (0..bytes.len() - name.len()).filter(|at| bytes[*at..].starts_with(name)).collect();
    bytes[places[places.len() / 2]] ^= 1;
    fs::write(&index, &bytes).expect("written");
    let ran = import_only(&site, "site", "more-delta.tar.zst");
    assert_eq!(ran.code, 0, "the delta needs nothing of it: {}", ran.stderr);
    let asked = site.run(&["--state-dir", "site", "db", "search", "a"]);
    assert!(asked.code == 5 && asked.stderr.contains("is damaged"), "{} {}", asked.code, asked.stderr);
    let checked = site.run(&["--state-dir", "site", "db", "check"]);
    assert!(checked.code == 5 && checked.stdout.contains("generation 2 (active): the index of"), "{}", checked.stdout);
    let full = import_only(&site, "site", "more.tar.zst");
    assert_eq!(full.code, 0, "{}", full.stderr);
    assert_eq!(site.run(&["--state-dir", "site", "db", "search", "a"]).code, 0);
}

fn walk(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files.extend(walk(&path)) } else { files.push(path) }
    }
    files
}

#[test]
fn a_delta_can_be_rolled_back_and_imported_again() {
    let site = vendor();
    for kit in ["base.tar.zst", "delta.tar.zst"] {
        assert_eq!(import(&site, "site", kit).code, 0);
    }
    let (after, found) = (content_root(&site, "site"), findings(&site, "site"));
    site.ok(&["--state-dir", "site", "kit", "rollback"]);
    assert_ne!(content_root(&site, "site"), after);
    let again = import(&site, "site", "delta.tar.zst");
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert_eq!((content_root(&site, "site"), findings(&site, "site")), (after, found));
}

#[test]
fn a_delta_that_changes_more_than_fits_into_memory_is_refused_in_favour_of_the_full_kit() {
    let site = vendor();
    assert_eq!(import(&site, "site", "base.tar.zst").code, 0);
    let before = content_root(&site, "site");
    let limits = Limits { delta_bytes_max: 1000, ..Limits::default() };
    let error =
        within::import(&site, "site", "delta.tar.zst", &limits, &|_| {}).expect_err("more than 1000 bytes change");
    assert_eq!((error.code(), error.is_rejection()), ("E-LIMIT", true), "{error}");
    assert!(error.advice().contains("full kit"), "{}", error.advice());
    assert_eq!(content_root(&site, "site"), before);
    within::import(&site, "site", "delta.tar.zst", &Limits::default(), &|_| {}).expect("well below the limit");
    // It is taken, and waits: it has less than the base.
    let accept = ["--state-dir", "site", "kit", "activate", "2", "--accept-loss", "PyPI is not wanted any more"];
    assert_eq!(site.run(&accept).code, 0);
    assert_ne!(content_root(&site, "site"), before);
}

#[test]
fn a_chain_of_real_deltas_ends_where_the_full_kit_does() {
    let Some(shared) = shared() else { return };
    let site = Site::new();
    site.ok(&["kit", "keys", "--out", "keys"]);
    let feed = |name: &str| shared.join("data/feeds").join(name).display().to_string();
    for (dataset, name) in [("old", "deltas/rustsec-osv.T1.tar.zst"), ("new", "osv/rustsec-osv.tar.zst")] {
        site.ok(&["feeds", "ingest", "--into", dataset, &feed(name)]);
    }
    site.kit("1.kit", "old", "1");
    site.kit("full.kit", "new", "2");
    delta(&site, "2.kit", "new", "1.kit", "2");
    let length = |name: &str| fs::metadata(site.path(name)).expect("a kit").len();
    assert!(length("2.kit") < length("full.kit") / 2, "{} of {}", length("2.kit"), length("full.kit"));
    for (state, kits) in [("stacked", &["1.kit", "2.kit"][..]), ("whole", &["full.kit"])] {
        for kit in kits {
            let ran = import(&site, state, kit);
            assert_eq!(ran.code, 0, "{kit}: {}", ran.stderr);
        }
    }
    assert_eq!(content_root(&site, "stacked"), content_root(&site, "whole"));
}
