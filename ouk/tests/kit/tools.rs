//! The tools that people have must agree with us on every kit that we accept.

#![expect(clippy::disallowed_methods, reason = "the tools read files of a temporary directory")]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use ouk::keys::Role;
use ouk::seal::{TrustedComment, sign_minisign};

use forge::{Vendor, noise};

/// Runs a tool, or says that the test was skipped.
fn run(directory: &Path, program: &str, arguments: &[&str]) -> Option<(bool, String)> {
    let output = Command::new(program).args(arguments).current_dir(directory).stdin(Stdio::null()).output();
    match output {
        Ok(output) => {
            let text = [output.stdout, output.stderr].concat();
            Some((output.status.success(), String::from_utf8_lossy(&text).into_owned()))
        }
        Err(_) => {
            writeln!(std::io::stderr(), "skipped: {program} is absent").expect("stderr");
            None
        }
    }
}

/// A kit in a directory of its own, and the names that are in it.
fn kit_file() -> (tempfile::TempDir, Vendor, Vec<String>) {
    let vendor = Vendor::new(1);
    let large = noise(3, 17 << 20);
    let (kit, built) = vendor.build(7, &[("feeds/a", b"hello"), ("feeds/empty", b""), ("trivy/trivy.db", &large)]);
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("kit.tar.zst"), &kit).expect("writes");
    let comment = TrustedComment { kit: 7, root: built.root_version, targets: 7, sha256: built.sha256 };
    let seal = sign_minisign(kit.as_slice(), &vendor.seal_key.0, None, &comment).expect("signs");
    std::fs::write(directory.path().join("kit.tar.zst.minisig"), seal).expect("writes");
    std::fs::write(directory.path().join("minisign.pub"), &vendor.seal_key.1).expect("writes");
    let opened = ouk::read::open(kit.as_slice(), &ouk::limits::Limits::default()).expect("opens");
    let mut names: Vec<String> = opened.metadata.files().keys().cloned().collect();
    let (verified, _) = forge::import(&kit, &vendor.trust()).expect("imports");
    names.extend(verified.chunks().iter().map(|chunk| format!("blobs/sha256/{}", chunk.sha256)));
    (directory, vendor, names)
}

#[test]
fn gnu_tar_lists_exactly_what_we_read() {
    // A29.
    let (directory, _, names) = kit_file();
    let Some((good, text)) = run(directory.path(), "tar", &["--zstd", "-tf", "kit.tar.zst"]) else { return };
    assert!(good, "{text}");
    assert_eq!(text.lines().collect::<Vec<_>>(), names);
    let (good, text) = run(directory.path(), "tar", &["--zstd", "-tvf", "kit.tar.zst"]).expect("tar is there");
    assert!(good && text.lines().all(|line| line.starts_with("-r--r--r-- 0/0 ")), "{text}");
}

#[test]
fn python_reads_exactly_what_we_read() {
    // A29.
    let (directory, _, names) = kit_file();
    if run(directory.path(), "zstd", &["-q", "-d", "kit.tar.zst", "-o", "kit.tar"]).is_none() {
        return;
    }
    let script =
        "import tarfile\nfor m in tarfile.open('kit.tar'):\n assert m.isreg() and not m.pax_headers\n print(m.name)";
    let Some((good, text)) = run(directory.path(), "python3", &["-c", script]) else { return };
    assert!(good, "{text}");
    assert_eq!(text.lines().collect::<Vec<_>>(), names);
}

#[test]
fn the_zstd_tool_finds_the_file_whole() {
    let (directory, _, names) = kit_file();
    let Some((good, text)) = run(directory.path(), "zstd", &["-t", "kit.tar.zst"]) else { return };
    assert!(good, "{text}");
    // One frame for the metadata, one for each blob, one for the end.
    let blobs = names.iter().filter(|name| name.starts_with("blobs/")).count();
    let (_, text) = run(directory.path(), "zstd", &["-lv", "kit.tar.zst"]).expect("zstd is there");
    assert!(text.contains(&format!("Zstandard Frames: {}\n", blobs + 2)), "{text}");
    assert!(text.contains("Check: XXH64"), "{text}");
}

#[test]
fn the_minisign_tool_verifies_the_seal() {
    // S11, from the other side.
    let (directory, _, _) = kit_file();
    let arguments = ["-Vm", "kit.tar.zst", "-p", "minisign.pub"];
    let Some((good, text)) = run(directory.path(), "minisign", &arguments) else { return };
    assert!(good && text.contains("ouk kit=7 root=1 targets=7 sha256="), "{text}");
    let mut kit = std::fs::read(directory.path().join("kit.tar.zst")).expect("reads");
    kit[100] ^= 1;
    std::fs::write(directory.path().join("kit.tar.zst"), kit).expect("writes");
    let (good, _) = run(directory.path(), "minisign", &arguments).expect("minisign is there");
    assert!(!good, "a changed kit must not verify");
}

#[test]
fn openssl_reads_the_private_keys() {
    let vendor = Vendor::new(1);
    let directory = tempfile::tempdir().expect("a directory");
    let pair = &vendor.keys.of(Role::Feeds)[0];
    std::fs::write(directory.path().join("feeds.key.pem"), pair.to_pem().expose()).expect("writes");
    let arguments = ["pkey", "-in", "feeds.key.pem", "-noout", "-text_pub"];
    let Some((good, text)) = run(directory.path(), "openssl", &arguments) else { return };
    assert!(good && text.contains("ED25519"), "{text}");
    let hex: String = text
        .lines()
        .filter(|line| line.starts_with("    "))
        .flat_map(str::chars)
        .filter(char::is_ascii_hexdigit)
        .collect();
    assert_eq!(pair.public().to_value()["keyval"]["public"], hex.as_str());
}
