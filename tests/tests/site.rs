//! A kit that is passed on by a site: from the vendor through the first gap and the second one.

use std::fs;

use tests::{Ran, Site, digest_of};

/// A vendor, and a site that has imported kit 1 and has keys of its own.
fn upstream() -> Site {
    let site = Site::new();
    site.vendor();
    site.kit("kit.tar.zst", "dataset", "1");
    assert_eq!(site.import("kit.tar.zst").code, 0);
    site.ok(&["admin", "site-root", "init", "-o", "custodians"]);
    fs::write(site.path("receipt.dsse.json"), "{}").expect("written");
    site
}

fn export(site: &Site, output: &str, more: &[&str]) -> Ran {
    let mut arguments = vec!["kit", "export", "--kit", "kit.tar.zst", "--receipt", "receipt.dsse.json", "-o", output];
    arguments.extend(more);
    site.run(&arguments)
}

/// An import behind the second gap.
fn import(site: &Site, kit: &str, more: &[&str]) -> Ran {
    let mut arguments = vec!["--state-dir", "downstream", "kit", "import", kit, "--trust-root", "keys/1.root.json"];
    arguments.extend(more);
    site.run(&arguments)
}

const PIN: [&str; 2] = ["--site-root", "custodians/1.root.json"];

#[test]
fn a_pinned_site_must_vouch_for_every_kit_from_then_on() {
    // S01, M01 of a site, and the choice between both signatures and the vendor's alone.
    let site = upstream();
    for output in ["first.tar.zst", "second.tar.zst"] {
        let ran = export(&site, output, &[]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }
    let refused = |kit: &str, more: &[&str], code: &str| {
        let ran = import(&site, kit, more);
        assert_eq!((ran.code, ran.stderr.contains(code)), (6, true), "{code}: {}", ran.stderr);
    };
    refused("kit.tar.zst", &PIN, "E-SITE-MISSING");
    refused("first.tar.zst", &["--site-root", "keys/1.root.json"], "E-SITE-ROOT");
    // What was refused has pinned nothing.
    let ran = import(&site, "first.tar.zst", &[]);
    assert!(ran.code == 0 && ran.stdout.contains("not evaluated"), "{}{}", ran.stdout, ran.stderr);
    let ran = import(&site, "first.tar.zst", &PIN);
    assert!(ran.code == 0 && ran.stdout.contains("verified, publication 1"), "{}{}", ran.stdout, ran.stderr);
    refused("kit.tar.zst", &[], "E-SITE-MISSING");
    let ran = import(&site, "second.tar.zst", &[]);
    assert!(ran.code == 0 && ran.stdout.contains("verified, publication 2"), "{}{}", ran.stdout, ran.stderr);
    refused("first.tar.zst", &[], "E-SITE-ROLLBACK");
    let ran = import(&site, "second.tar.zst", &[]);
    assert!(ran.code == 0 && ran.stdout.contains("is active already"), "{}", ran.stdout);
    let ran = import(&site, "second.tar.zst", &["--site-root", "keys/1.root.json"]);
    assert_eq!(ran.code, 3, "a site's root is pinned once: {}", ran.stderr);
}

#[test]
fn a_site_that_is_pinned_with_a_kit_that_waits_stays_pinned_when_the_kit_becomes_active() {
    let site = upstream();
    for output in ["first.tar.zst", "second.tar.zst"] {
        assert_eq!(export(&site, output, &[]).code, 0);
    }
    let downstream = |arguments: &[&str]| site.run(&[&["--state-dir", "downstream", "kit"], arguments].concat());
    let vendor = ["--trust-root", "keys/1.root.json"];
    let staged = downstream(&[&["stage", "second.tar.zst", "--no-seal"], &vendor[..], &PIN].concat());
    assert_eq!(staged.code, 0, "{}", staged.stderr);
    let activated = downstream(&["activate", "1"]);
    assert_eq!(activated.code, 0, "{}", activated.stderr);
    for (kit, code) in [("kit.tar.zst", "E-SITE-MISSING"), ("first.tar.zst", "E-SITE-ROLLBACK")] {
        let ran = import(&site, kit, &[]);
        assert_eq!((ran.code, ran.stderr.contains(code)), (6, true), "{code}: {}{}", ran.stdout, ran.stderr);
    }
    let ran = import(&site, "second.tar.zst", &[]);
    assert!(ran.code == 0 && ran.stdout.contains("is active already"), "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn an_exported_kit_travels_in_volumes_and_gives_the_vendors_file_back() {
    let site = upstream();
    assert_eq!(export(&site, "exported.tar.zst", &[]).code, 0);
    let verified = site.ok(&["kit", "verify", "exported.tar.zst", "--trust-root", "keys/1.root.json"]);
    assert!(verified.contains("not evaluated"), "{verified}");
    let ran = site.run(&["kit", "split", "exported.tar.zst", "--size", "100", "-o", "volumes"]);
    let smallest = ran.stderr.split_whitespace().next_back().expect("a number").to_owned();
    site.ok(&["kit", "split", "exported.tar.zst", "--size", &smallest, "-o", "volumes"]);
    let volumes: Vec<String> = fs::read_dir(site.path("volumes"))
        .expect("a directory")
        .map(|entry| format!("volumes/{}", entry.expect("an entry").file_name().to_string_lossy()))
        .filter(|name| name.contains(".vol") && name.ends_with(".tar.zst"))
        .collect();
    assert!(volumes.len() > 1, "{volumes:?}");
    fs::create_dir(site.path("joined")).expect("a directory");
    let join = |output: &str, more: &[&str]| {
        let mut arguments = vec!["kit", "join", "-o", output];
        arguments.extend(more);
        arguments.extend(volumes.iter().map(String::as_str));
        site.run(&arguments)
    };
    let ran = join("joined/exported.tar.zst", &[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(digest_of(&site.path("joined/exported.tar.zst")), digest_of(&site.path("exported.tar.zst")));
    // The sidecars of the volumes name the exported file, and it is not that.
    assert_eq!(join("joined/vendor.tar.zst", &["--without-site"]).code, 6);
    for name in ["exported.tar.zst.sha256", "exported.tar.zst"] {
        let _ = fs::remove_file(site.path(&format!("volumes/{name}")));
    }
    let ran = join("joined/vendor.tar.zst", &["--without-site"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(digest_of(&site.path("joined/vendor.tar.zst")), digest_of(&site.path("kit.tar.zst")));
}

#[test]
fn only_the_kit_of_the_generation_is_exported_and_keys_are_made_once() {
    let site = upstream();
    site.kit("other.tar.zst", "dataset", "2");
    let other = site.run(&["kit", "export", "--kit", "other.tar.zst", "--receipt", "receipt.dsse.json", "-o", "x"]);
    assert!(other.code == 2 && other.stderr.contains("not the kit of generation 1"), "{}", other.stderr);
    let unknown = site.run(&["kit", "export", "--generation", "9", "--receipt", "receipt.dsse.json", "-o", "x"]);
    assert_eq!(unknown.code, 5, "{}", unknown.stderr);
    assert!(!site.path("x").exists());
    let again = site.run(&["admin", "site-root", "init", "-o", "others"]);
    assert!(again.code == 2 && again.stderr.contains("never written over"), "{}", again.stderr);
    // No custodian's key stays on the machine.
    let kept = fs::read_dir(site.state().join("keys/site")).expect("keys");
    let mut kept: Vec<String> =
        kept.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    kept.sort();
    assert_eq!(kept, ["1.root.json", "snapshot-1.key.pem", "targets-1.key.pem", "timestamp-1.key.pem"]);
}

#[test]
fn a_repository_is_brought_up_to_date_and_keeps_what_readers_may_still_ask_for() {
    let site = upstream();
    for output in ["first.tar.zst", "second.tar.zst"] {
        let ran = export(&site, output, &["--repository", "repository"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }
    for name in ["1.root.json", "1.snapshot.json", "1.targets.json", "2.snapshot.json", "2.targets.json"] {
        assert!(site.path("repository/metadata").join(name).is_file(), "{name}");
    }
    let timestamp = fs::read_to_string(site.path("repository/metadata/timestamp.json")).expect("a timestamp");
    assert!(timestamp.contains("\"version\":2"), "{timestamp}");
    let targets = fs::read_to_string(site.path("repository/metadata/2.targets.json")).expect("targets");
    let targets: serde_json::Value = serde_json::from_str(&targets).expect("JSON");
    for (path, target) in targets["signed"]["targets"].as_object().expect("targets") {
        let digest = target["hashes"]["sha256"].as_str().expect("a digest");
        let (folder, file) = path.rsplit_once('/').expect("a folder");
        let content = site.path("repository/targets").join(folder).join(format!("{digest}.{file}"));
        assert_eq!(digest_of(&content), digest, "{path}");
    }
}
