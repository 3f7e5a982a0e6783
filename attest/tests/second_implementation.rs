//! What this room writes, read by programs that share no code with it: `docs/tools/*.mjs`.
#![expect(clippy::disallowed_methods, reason = "the programs read files")]

use std::path::{Path, PathBuf};
use std::process::Command;

use attest::AttestError;
use attest::checkpoint::Checkpoint;
use attest::dsse;
use attest::keys::{Receipt, SigningKey};
use attest::note::NoteSigner;
use attest::statement::{Reference, Resource, Statement, VerificationResult, VerificationSummary, Verifier};
use attest::tlog::{Tile, TileReader, TreeHead, append};
use domain::digest::Digest;
use domain::time::Timestamp;

/// A log in a folder.
struct Folder(PathBuf);

impl TileReader for Folder {
    type Error = AttestError;

    fn tile(&self, tile: Tile) -> Result<Vec<u8>, AttestError> {
        let path = tile.to_string();
        std::fs::read(self.0.join(&path)).map_err(|_| AttestError::Tile { path, reason: "it cannot be read" })
    }
}

impl Folder {
    fn grow(&self, head: &TreeHead, entries: std::ops::Range<u64>) -> TreeHead {
        let new: Vec<_> = entries.map(|index| format!("{{\"n\":{index}}}")).collect();
        let grown = append(self, head, &new).expect("a log");
        for (tile, bytes) in &grown.files {
            let path = self.0.join(tile.to_string());
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, bytes).expect("a file");
        }
        let note = Checkpoint::new(signer().verifier().name(), grown.head.clone()).sign(&signer()).expect("a note");
        std::fs::write(self.0.join("checkpoint"), note).expect("a file");
        grown.head
    }
}

fn signer() -> NoteSigner {
    NoteSigner::new("stella/lab/audit", SigningKey::from_seed(&[1; 32])).expect("a name")
}

fn have_node() -> bool {
    let have = Command::new("node").arg("--version").output().is_ok_and(|output| output.status.success());
    if !have {
        #[expect(clippy::print_stderr, reason = "a skipped test says so")]
        {
            eprintln!("skipped: there is no `node` on this machine to run the second implementation with");
        }
    }
    have
}

fn run(tool: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/tools").join(tool);
    let output = Command::new("node").arg(tool).args(arguments).output().expect("node runs");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn the_audit_log_passes_the_second_implementation_and_a_changed_one_does_not() {
    if !have_node() {
        return;
    }
    let temporary = tempfile::tempdir().expect("a folder");
    let log = Folder(temporary.path().join("log"));
    let dir = log.0.to_str().expect("text").to_owned();
    let old = temporary.path().join("old");
    let old = old.to_str().expect("text");
    let vkey = signer().verifier().to_vkey();
    let audit = || run("verify-audit.mjs", &[&dir, "--vkey", &vkey, "--against", old]);
    std::fs::create_dir_all(&log.0).expect("a folder");
    let mut head = TreeHead::empty();
    // More than 256 * 256 entries: three levels of tiles. The partial files of each step stay.
    for (step, count) in [0, 1, 256, 700, 66_000].into_iter().enumerate() {
        head = log.grow(&head, head.size..count);
        if step == 0 {
            std::fs::copy(log.0.join("checkpoint"), old).expect("a copy");
        }
        let (code, lines) = audit();
        assert_eq!(code, Some(0), "{count} entries:\n{lines}");
        std::fs::copy(log.0.join("checkpoint"), old).expect("a copy");
    }
    // L01: each kind of file, changed by one bit, and put right again.
    for file in [
        "checkpoint",
        "tile/entries/000",
        "tile/entries/256.p/208",
        "tile/entries/257.p/208",
        "tile/0/000",
        "tile/0/257.p/208",
        "tile/1/000",
        "tile/1/001.p/1",
        "tile/2/000.p/1",
        "tile/0/002.p/188",
    ] {
        let path = log.0.join(file);
        let Ok(good) = std::fs::read(&path) else { continue };
        let mut evil = good.clone();
        evil[good.len() / 2] ^= 1;
        std::fs::write(&path, evil).expect("a file");
        let (code, lines) = audit();
        assert!(code == Some(1) && lines.contains("FAIL"), "{file}:\n{lines}");
        std::fs::write(&path, good).expect("a file");
    }
    assert_eq!(audit().0, Some(0));
    // Another history under the same key: every check of its own passes, the older checkpoint does not.
    let other = Folder(temporary.path().join("other"));
    std::fs::create_dir_all(&other.0).expect("a folder");
    let fork = other.grow(&TreeHead::empty(), 1..1000);
    let dir = other.0.to_str().expect("text");
    assert_eq!(run("verify-audit.mjs", &[dir, "--vkey", &vkey]).0, Some(0), "{fork:?}");
    let small = temporary.path().join("small");
    let note = Checkpoint::new(signer().verifier().name(), TreeHead { size: 2, root: Digest::of(b"") });
    std::fs::write(&small, note.sign(&signer()).expect("a note")).expect("a file");
    for against in [old, small.to_str().expect("text")] {
        let (code, lines) = run("verify-audit.mjs", &[dir, "--vkey", &vkey, "--against", against]);
        assert!(code == Some(1) && lines.contains("FAIL  the older checkpoint"), "{lines}");
    }
    let stranger = NoteSigner::new("stella/lab/audit", SigningKey::from_seed(&[2; 32])).expect("a name");
    assert_eq!(run("verify-audit.mjs", &[dir, "--vkey", &stranger.verifier().to_vkey()]).0, Some(1));
}

#[test]
fn a_receipt_passes_the_second_implementation_and_a_changed_one_does_not() {
    if !have_node() {
        return;
    }
    let temporary = tempfile::tempdir().expect("a folder");
    let file = |name: &str, bytes: &[u8]| {
        let path = temporary.path().join(name);
        std::fs::write(&path, bytes).expect("a file");
        path.to_str().expect("text").to_owned()
    };
    let kit = Digest::of(b"kit");
    let at = Timestamp::parse_strict("2026-11-24T06:00:00Z").expect("a time");
    let predicate = VerificationSummary {
        input_attestations: vec![Reference::new("META/7.targets.json", kit)],
        policy: Reference::new("META/1.root.json", kit),
        resource_uri: "urn:stella:kit:8".to_owned(),
        slsa_version: "1.0".to_owned(),
        time_verified: at,
        verification_result: VerificationResult::Passed,
        verified_levels: vec!["STELLA_OUK_V1".to_owned()],
        verifier: Verifier {
            id: "urn:stella:site:l\u{e4}b\u{1}".to_owned(),
            version: [("stella".to_owned(), "0.1.0".to_owned())].into(),
        },
    };
    let statement = Statement::new(vec![Resource::new("kit.tar.zst", kit)], predicate).to_bytes();
    let key = SigningKey::<Receipt>::from_seed(&[1; 32]);
    let envelope = dsse::sign(&statement, &[&key]);
    let pem = file("receipt.pub.pem", key.public().to_pem().as_bytes());
    let other_pem = file("other.pub.pem", SigningKey::<Receipt>::from_seed(&[2; 32]).public().to_pem().as_bytes());
    let (kit, other_kit) = (file("kit", b"kit"), file("other", b"other"));
    let receipt = file("receipt.dsse.json", &envelope);
    let (code, lines) = run("verify-receipt.mjs", &[&receipt, "--key", &pem, "--kit", &kit]);
    assert_eq!(code, Some(0), "{lines}");
    assert!(lines.contains("\"verificationResult\": \"PASSED\""), "{lines}");
    assert_eq!(run("verify-receipt.mjs", &[&receipt, "--key", &other_pem]).0, Some(1));
    assert_eq!(run("verify-receipt.mjs", &[&receipt, "--key", &pem, "--kit", &other_kit]).0, Some(1));
    let text = String::from_utf8(envelope).expect("text");
    for (what, evil) in [
        ("another type", text.replace("in-toto", "in-t0to")),
        ("another payload", text.replacen("\"payload\":\"eyJ", "\"payload\":\"eyK", 1)),
        ("no signature", text.replace("\"sig\":\"", "\"sig\":\"AAAA")),
    ] {
        let (code, lines) = run("verify-receipt.mjs", &[&file("evil", evil.as_bytes()), "--key", &pem]);
        assert!(code == Some(1) && lines.contains("FAIL"), "{what}: {lines}");
    }
    // Signed, but not in the one canonical form.
    let loose = dsse::sign(&[&statement, &b"\n"[..]].concat(), &[&key]);
    assert_eq!(run("verify-receipt.mjs", &[&file("loose", &loose), "--key", &pem]).0, Some(1));
}
