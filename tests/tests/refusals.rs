//! What must not get in, and what must not come out clean.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use tests::{Ran, Site, binary, repository, shared};

fn sbom() -> String {
    repository().join("tests/data/demo/app.cdx.json").display().to_string()
}

/// A site that serves kit 2 and has kit 1 (older) and keys at hand.
fn site() -> Site {
    let site = Site::new();
    site.ok(&["kit", "keys", "--out", "keys"]);
    site.dataset("dataset", &["rustsec.jsonl"]);
    site.dataset("newer", &["rustsec.jsonl", "kev.json"]);
    site.kit("older.tar.zst", "dataset", "1");
    site.kit("kit.tar.zst", "newer", "2");
    let ran = site.import("kit.tar.zst");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    site
}

/// Imports, expects a refusal with this code, and that nothing of the active data moved.
fn refused(site: &Site, code: &str, import: impl FnOnce() -> Ran) {
    let before = site.fingerprint();
    assert!(!before.is_empty());
    let ran = import();
    assert_eq!(ran.code, 6, "{code}: {}", ran.stderr);
    assert!(ran.stderr.contains(code), "expected {code}: {}", ran.stderr);
    assert!(ran.stderr.contains("next: "), "it says what to do: {}", ran.stderr);
    assert_eq!(site.fingerprint(), before, "{code}: the active generation is unchanged byte for byte");
    assert_eq!(site.run(&["scan", &sbom(), "--fail-on", "never", "--on-unevaluated", "ignore"]).code, 0);
}

fn plain_import(site: &Site, kit: &str) -> Ran {
    site.run(&["kit", "import", kit, "--no-seal"])
}

/// Imports what is not all of a kit, or damaged: nothing of the active data moves.
fn refused_or_incomplete(site: &Site, kit: &str) -> i32 {
    let before = site.fingerprint();
    let ran = plain_import(site, kit);
    assert!(ran.stderr.contains(if ran.code == 5 { "[E-INCOMPLETE]" } else { "[E-" }), "{}", ran.stderr);
    assert!(ran.stderr.contains("next: "), "it says what to do: {}", ran.stderr);
    assert_eq!(site.fingerprint(), before, "the active generation is unchanged byte for byte");
    if ran.code == 5 {
        let set = ran.stdout.split("set ").nth(1).and_then(|rest| rest.split(':').next()).expect("the set's name");
        site.ok(&["kit", "discard", set]);
    }
    ran.code
}

#[test]
fn a_flipped_byte_anywhere_is_refused_or_leaves_one_frame_missing() {
    let site = site();
    site.kit("third.tar.zst", "dataset", "3");
    let kit = fs::read(site.path("third.tar.zst")).expect("a kit");
    // The exhaustive run over every bit is in ouk's own tests; here, the whole program at 24 places.
    let mut codes = BTreeSet::new();
    for step in 0..24 {
        let mut bad = kit.clone();
        let position = step * (kit.len() - 1) / 23;
        // The whole byte: single bits behind an entropy-coded stream of the metadata frame are spare.
        bad[position] ^= 0xff;
        fs::write(site.path("bad.tar.zst"), bad).expect("written");
        codes.insert(refused_or_incomplete(&site, "bad.tar.zst"));
    }
    // A single bit may be a spare one behind the entropy-coded stream of the metadata frame: then it changes nothing.
    let root = |site: &Site| {
        let status: serde_json::Value = serde_json::from_str(&site.ok(&["db", "status", "-f", "json"])).expect("JSON");
        (status["content_root"].as_str().expect("a root").to_owned(), status["generation"].clone())
    };
    let (before, generation) = root(&site);
    for step in 0..24 {
        let mut bad = kit.clone();
        let position = step * (kit.len() - 1) / 23;
        bad[position] ^= 0x20;
        fs::write(site.path("bad.tar.zst"), bad).expect("written");
        let ran = site.import("bad.tar.zst");
        if ran.code == 0 {
            assert_eq!(root(&site).0, before, "the same data set, byte for byte: {position}");
        } else {
            assert!([5, 6].contains(&ran.code), "{position}: {}", ran.stderr);
        }
    }
    assert!(root(&site).1.as_u64() >= generation.as_u64());
    // In the metadata it is the one, in a blob the other.
    assert_eq!(codes, BTreeSet::from([5, 6]));
}

#[test]
fn a_truncated_kit_is_refused_or_incomplete() {
    let site = site();
    site.kit("third.tar.zst", "dataset", "3");
    let kit = fs::read(site.path("third.tar.zst")).expect("a kit");
    for (length, code) in [(0, 6), (1, 6), (100, 6), (kit.len() - 100, 5), (kit.len() - 1, 6)] {
        fs::write(site.path("bad.tar.zst"), &kit[..length]).expect("written");
        assert_eq!(refused_or_incomplete(&site, "bad.tar.zst"), code, "{length} bytes of {}", kit.len());
    }
}

#[test]
fn bytes_after_the_end_are_refused() {
    let site = site();
    site.kit("third.tar.zst", "dataset", "3");
    let mut kit = fs::read(site.path("third.tar.zst")).expect("a kit");
    kit.push(0);
    fs::write(site.path("bad.tar.zst"), kit).expect("written");
    refused(&site, "E-TRAIL", || plain_import(&site, "bad.tar.zst"));
}

#[test]
fn a_strangers_kit_is_refused() {
    let site = site();
    let stranger = Site::new();
    stranger.ok(&["kit", "keys", "--out", "keys"]);
    stranger.dataset("dataset", &["rustsec.jsonl"]);
    stranger.kit("kit.tar.zst", "dataset", "9");
    fs::copy(stranger.path("kit.tar.zst"), site.path("stranger.tar.zst")).expect("copied");
    refused(&site, "E-", || plain_import(&site, "stranger.tar.zst"));
}

#[test]
fn an_older_kit_is_refused_and_the_same_one_changes_nothing() {
    let site = site();
    refused(&site, "ROLLBACK", || plain_import(&site, "older.tar.zst"));
    let before = site.fingerprint();
    let again = plain_import(&site, "kit.tar.zst");
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert!(again.stdout.contains("already"), "{}", again.stdout);
    assert_eq!(site.fingerprint(), before);
}

#[test]
fn a_seal_of_another_file_is_fatal() {
    let site = site();
    site.kit("third.tar.zst", "dataset", "3");
    fs::copy(site.path("kit.tar.zst.minisig"), site.path("third.tar.zst.minisig")).expect("copied");
    refused(&site, "E-SEAL", || site.run(&["kit", "import", "third.tar.zst", "--seal-key", "keys/minisign.pub"]));
}

#[test]
fn the_digest_that_the_operator_expects_is_held_against_the_kit() {
    let site = site();
    site.kit("third.tar.zst", "dataset", "3");
    let wrong = "0".repeat(64);
    refused(&site, "E-EXPECT", || {
        site.run(&["kit", "import", "third.tar.zst", "--no-seal", "--expect-sha256", &wrong])
    });
}

#[test]
fn a_link_a_directory_and_a_pipe_are_no_kits() {
    let site = site();
    std::os::unix::fs::symlink(site.path("kit.tar.zst"), site.path("link.tar.zst")).expect("a link");
    fs::create_dir(site.path("directory")).expect("a directory");
    let made = std::process::Command::new("mkfifo").arg(site.path("pipe")).status().expect("mkfifo");
    assert!(made.success());
    for name in ["link.tar.zst", "directory", "pipe"] {
        refused(&site, "E-IO-KIND", || plain_import(&site, name));
    }
}

#[test]
fn refusals_leave_a_receipt_and_the_kit_in_quarantine() {
    let site = site();
    plain_import(&site, "older.tar.zst");
    let status: serde_json::Value = serde_json::from_str(&site.ok(&["kit", "status", "-f", "json"])).expect("JSON");
    let last = status["receipts"].as_array().expect("a list").last().expect("a receipt").clone();
    assert_eq!(last["result"], "rejected");
    assert!(last["code"].as_str().expect("a code").contains("ROLLBACK"));
    assert_eq!(status["quarantine"].as_array().expect("a list").len(), 1);
    assert_eq!(site.staged(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn the_first_import_needs_a_root_that_the_operator_gives() {
    let site = Site::new();
    site.vendor();
    site.kit("kit.tar.zst", "dataset", "1");
    let ran = site.run(&["kit", "import", "kit.tar.zst", "--no-seal"]);
    assert_ne!(ran.code, 0);
    assert!(ran.stderr.contains("--trust-root"), "{}", ran.stderr);
    assert_eq!(site.run(&["scan", &sbom()]).code, 5);
}

#[test]
fn a_root_that_verified_nothing_is_not_pinned_and_another_vendors_root_is_refused_later() {
    let site = Site::new();
    site.vendor();
    site.kit("kit.tar.zst", "dataset", "1");
    let stranger = Site::new();
    stranger.ok(&["kit", "keys", "--out", "keys"]);
    let strange = stranger.path("keys/1.root.json").display().to_string();
    let wrong = site.run(&["kit", "import", "kit.tar.zst", "--no-seal", "--trust-root", &strange]);
    assert_eq!(wrong.code, 6, "{}", wrong.stderr);
    let right = site.import("kit.tar.zst");
    assert_eq!(right.code, 0, "the first try left nothing behind: {}", right.stderr);
    site.kit("second.tar.zst", "dataset", "2");
    let later = site.run(&["kit", "import", "second.tar.zst", "--no-seal", "--trust-root", &strange]);
    assert_ne!(later.code, 0);
    assert!(later.stderr.contains("pinned already"), "{}", later.stderr);
}

#[test]
fn importing_the_newest_kit_again_repairs_a_damaged_generation() {
    for part in ["sha256", "generations"] {
        let site = site();
        let files = site.fingerprint();
        let (file, _) = files.iter().find(|(path, _)| path.to_string_lossy().contains(part)).expect("a file");
        fs::write(file, b"damaged").expect("damaged");
        let again = plain_import(&site, "kit.tar.zst");
        assert_eq!(again.code, 0, "{part}: {}", again.stderr);
        assert!(again.stdout.contains("generation 2 is active"), "{part}: {}", again.stdout);
        let once_more = plain_import(&site, "kit.tar.zst");
        assert!(once_more.stdout.contains("already"), "{part}: {}", once_more.stdout);
    }
}

#[test]
fn after_a_rollback_the_newest_kit_can_be_made_active_again() {
    let site = site();
    site.kit("third.tar.zst", "newer", "3");
    assert_eq!(plain_import(&site, "third.tar.zst").code, 0);
    site.ok(&["kit", "rollback"]);
    let again = plain_import(&site, "third.tar.zst");
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert!(again.stdout.contains("generation 3 is active"), "{}", again.stdout);
}

#[test]
fn an_import_that_cannot_write_its_blobs_ends_and_the_next_one_succeeds() {
    let Some(shared) = shared() else { return };
    let site = Site::new();
    site.ok(&["kit", "keys", "--out", "keys"]);
    let feed = |name: &str| shared.join("data/feeds/osv").join(name).display().to_string();
    let feeds = ["almalinux8-9-osv", "bitnami-osv", "go-osv", "pypa"].map(|name| feed(&format!("{name}.tar.zst")));
    let mut ingest = vec!["feeds", "ingest", "--into", "large"];
    ingest.extend(feeds.iter().map(String::as_str));
    site.ok(&ingest);
    site.kit("kit.tar.zst", "large", "1");
    // Files of 3.5 MiB at most (7168 blocks of 512 bytes): the kit fits, its segments of 4 MiB do not, and
    // there are more of them than workers and places in the queue. A hang would end as 124.
    let kit_bytes = fs::metadata(site.path("kit.tar.zst")).expect("a kit").len();
    assert!(kit_bytes < 7168 * 512, "{kit_bytes}");
    let script = "trap '' XFSZ; ulimit -f 7168; exec timeout 60 \"$0\" kit import kit.tar.zst --no-seal --trust-root keys/1.root.json";
    let mut limited = std::process::Command::new("sh");
    limited.args(["-c", script]).arg(binary()).current_dir(site.path("")).env("STELLA_STATE_DIR", site.state());
    let ran = Ran::from(limited.stdin(Stdio::null()).output().expect("sh starts"));
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert_eq!(site.run(&["db", "status"]).code, 5, "nothing became active");
    assert_eq!(site.staged(), Vec::<std::path::PathBuf>::new());
    let again = site.import("kit.tar.zst");
    assert_eq!(again.code, 0, "{}", again.stderr);
}

/// Kills an import when it has printed its `step`-th line; says whether it got that far.
fn kill_at(site: &Site, step: usize) -> bool {
    let mut child = site
        .command(&["kit", "import", "third.tar.zst", "--no-seal"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
    let reached = lines.nth(step).is_some();
    child.kill().expect("killed");
    child.wait().expect("it ends");
    reached
}

#[test]
fn a_kill_at_any_step_leaves_the_old_or_the_new_generation() {
    let site = site();
    site.kit("third.tar.zst", "newer", "3");
    let generation = |site: &Site| -> u64 {
        let status = site.ok(&["db", "status", "-f", "json"]);
        let status: serde_json::Value = serde_json::from_str(&status).expect("JSON");
        status["generation"].as_u64().expect("a number")
    };
    let mut steps = 0;
    while kill_at(&site, steps) && steps < 64 {
        let now = generation(&site);
        assert!(now == 1 || now == 2, "step {steps}: generation {now}");
        assert_eq!(site.run(&["scan", &sbom(), "--fail-on", "never", "--on-unevaluated", "ignore"]).code, 0);
        steps += 1;
    }
    assert!(steps >= 4, "the import reports its steps, so that it can be killed at each");
    // What was left behind stops nobody: the next import ends, and sweeps.
    let again = plain_import(&site, "third.tar.zst");
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert_eq!(generation(&site), 2);
    assert_eq!(fs::read_dir(site.state().join("generations")).expect("a directory").count(), 2);
    assert_eq!(site.staged(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_bad_document_never_gives_a_clean_verdict() {
    let site = site();
    let deep = format!("{{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"x\":{}", "[".repeat(100_000));
    let no_purls =
        r#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library","name":"x","version":"1"}]}"#;
    let empty_list = r#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[]}"#;
    let cases: &[(&str, &[u8], i32)] = &[
        ("empty", b"", 3),
        ("not UTF-8", b"{\"bomFormat\":\"CycloneDX\xff\"}", 3),
        ("deep", deep.as_bytes(), 3),
        ("truncated", br#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"#, 3),
        ("unknown version", br#"{"bomFormat":"CycloneDX","specVersion":"9.0"}"#, 3),
        ("no SBOM at all", br#"{"hello":"world"}"#, 3),
        ("no purls", no_purls.as_bytes(), 4),
        ("no components", empty_list.as_bytes(), 4),
    ];
    for (name, document, code) in cases {
        let ran = site.pipe(&["scan", "-"], document);
        assert_eq!(ran.code, *code, "{name}: {}{}", ran.stdout, ran.stderr);
    }
    fs::write(site.path("huge.json"), vec![b' '; 4096]).expect("written");
    let ran = site.run(&["scan", "huge.json", "--document-bytes-max", "1024"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("1024"), "the limit is named: {}", ran.stderr);
}
