//! The audit log and the receipts as operators and auditors meet them: the real binary, and the programs
//! of docs/tools that share no code with it.

use std::fs;
use std::path::Path;
use std::process::Command;

use tests::{Ran, Server, Site, digest_of, repository};

/// A site that has seen an import, a refusal and a rollback, with the checkpoint of its first import.
fn site() -> Site {
    let site = Site::new();
    site.vendor();
    for version in ["1", "2", "3"] {
        site.kit(&format!("k{version}.tar.zst"), "dataset", version);
    }
    assert_eq!(site.import("k2.tar.zst").code, 0);
    fs::copy(site.path("state/log/checkpoint"), site.path("first-checkpoint")).expect("a checkpoint");
    assert_eq!(site.import("k1.tar.zst").code, 6);
    assert_eq!(site.import("k3.tar.zst").code, 0);
    site.ok(&["kit", "rollback", "--reason", "a test", "--operator", "ada"]);
    site
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

fn node(site: &Site, tool: &str, arguments: &[&str]) -> Ran {
    let mut command = Command::new("node");
    command.arg(repository().join("docs/tools").join(tool)).args(arguments).current_dir(site.path(""));
    Ran::from(command.output().expect("node runs"))
}

fn verify_export(site: &Site, directory: &str) -> Ran {
    let vkey = fs::read_to_string(site.path(directory).join("vkey")).expect("a key");
    node(site, "verify-audit.mjs", &[directory, "--vkey", vkey.trim(), "--against", "first-checkpoint"])
}

fn spoil(path: &Path) -> Vec<u8> {
    let good = fs::read(path).expect("a file");
    let mut evil = good.clone();
    evil[good.len() / 2] ^= 1;
    fs::write(path, evil).expect("a file");
    good
}

#[test]
fn an_export_passes_programs_that_are_not_ours_and_a_changed_one_does_not() {
    let site = site();
    let said = site.ok(&["admin", "audit", "export", "-o", "out"]);
    assert!(said.starts_with("4 entries and 4 receipts in out\ncheckpoint 4 "), "{said}");
    assert_eq!(site.run(&["admin", "audit", "export", "-o", "out"]).code, 2, "nothing is written over");
    if !have_node() {
        return;
    }
    let ran = verify_export(&site, "out");
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    for file in ["checkpoint", "tile/entries/000.p/4", "tile/0/000.p/4"] {
        let path = site.path("out").join(file);
        let good = spoil(&path);
        assert_eq!(verify_export(&site, "out").code, 1, "{file}");
        fs::write(&path, good).expect("put back");
    }
    assert_eq!(verify_export(&site, "out").code, 0);
    let key = ["--key", "out/receipt.pub.pem"];
    for (receipt, kit) in [("0", "k2.tar.zst"), ("1", "k1.tar.zst"), ("2", "k3.tar.zst"), ("3", "k2.tar.zst")] {
        let name = format!("out/receipts/{receipt}.dsse.json");
        let ran = node(&site, "verify-receipt.mjs", &[&name, key[0], key[1], "--kit", kit]);
        assert_eq!(ran.code, 0, "{name}: {}", ran.stdout);
        let other = node(&site, "verify-receipt.mjs", &[&name, key[0], key[1], "--kit", "first-checkpoint"]);
        assert_eq!(other.code, 1, "{name} is not about any file");
        spoil(&site.path(&name));
        assert_eq!(node(&site, "verify-receipt.mjs", &[&name, key[0], key[1]]).code, 1, "{name}");
    }
    let summary = node(&site, "verify-receipt.mjs", &["out/receipts/1.vsa.dsse.json", key[0], key[1]]);
    assert!(summary.code == 0 && summary.stdout.contains("\"verificationResult\": \"FAILED\""), "{}", summary.stdout);
}

#[test]
fn import_refusal_and_rollback_are_in_the_log_with_a_checkpoint_to_write_down() {
    let site = Site::new();
    site.vendor();
    site.kit("k1.tar.zst", "dataset", "1");
    site.kit("k2.tar.zst", "dataset", "2");
    let last = |text: &str| text.lines().last().unwrap_or_default().to_owned();
    let first = site.import("k2.tar.zst");
    assert!(last(&first.stdout).starts_with("checkpoint 1 "), "{}", first.stdout);
    let refused = site.import("k1.tar.zst");
    assert!(refused.stderr.contains("checkpoint 2 "), "{}", refused.stderr);
    let again = site.import("k2.tar.zst");
    assert!(last(&again.stdout).starts_with("checkpoint 3 "), "{}", again.stdout);
    let list: serde_json::Value =
        serde_json::from_str(&site.ok(&["admin", "audit", "list", "-f", "json"])).expect("JSON");
    let results: Vec<_> = list.as_array().expect("a list").iter().map(|record| &record["result"]).collect();
    assert_eq!(results, ["activated", "rejected", "noop"]);
    assert!(list[1]["code"].as_str().expect("a code").contains("ROLLBACK"));
    let status: serde_json::Value = serde_json::from_str(&site.ok(&["kit", "status", "-f", "json"])).expect("JSON");
    let checkpoint = format!("checkpoint 3 {}", status["checkpoint"]["root"].as_str().expect("a root"));
    assert_eq!(checkpoint, last(&again.stdout));
    assert_eq!(status["receipts"][0]["floors_after"]["targets"], 2);
    assert_eq!(status["receipts"][1]["log_index"], 1);
}

#[test]
fn a_changed_log_is_told_with_exit_code_3_and_stops_imports_but_not_scans() {
    let site = site();
    let verified = site.ok(&["admin", "audit", "verify", "--against", "first-checkpoint"]);
    assert!(verified.contains("in order: 4 entries and 4 receipts"), "{verified}");
    let tile = site.path("state/log/tile/entries/000.p/4");
    let good = spoil(&tile);
    let ran = site.run(&["admin", "audit", "verify"]);
    assert!(ran.code == 3 && ran.stderr.contains("NOT in order"), "{}", ran.stderr);
    site.kit("k4.tar.zst", "dataset", "4");
    let before = site.fingerprint();
    let ran = site.import("k4.tar.zst");
    assert!(ran.code == 3 && ran.stderr.contains("[E-LOG-TILE]"), "{}", ran.stderr);
    assert_eq!(site.fingerprint(), before);
    let sbom = repository().join("tests/data/demo/app.cdx.json").display().to_string();
    assert_eq!(site.run(&["scan", &sbom]).code, 1, "scans go on");
    fs::write(&tile, good).expect("put back");
    assert_eq!(site.import("k4.tar.zst").code, 0);
    // L01: an older copy of state and log is in order by itself, and the checkpoint in the drawer tells.
    fs::copy(site.path("state/log/checkpoint"), site.path("newest")).expect("a checkpoint");
    let fresh = Site::new();
    let newest = site.path("newest").display().to_string();
    let ran = fresh.run(&["admin", "audit", "verify", "--against", &newest]);
    assert_eq!(ran.code, 5, "there is no log at all");
}

#[test]
fn a_log_that_cannot_be_written_stops_the_import_before_anything_is_active() {
    // L02. Root may write anywhere, so something else takes the place of the temporary file.
    let site = site();
    fs::create_dir(site.path("state/log/partial")).expect("in the way");
    site.kit("k4.tar.zst", "dataset", "4");
    let ran = site.import("k4.tar.zst");
    assert!(ran.code == 3 && ran.stderr.contains("E-AUDIT"), "{}", ran.stderr);
    let status: serde_json::Value = serde_json::from_str(&site.ok(&["kit", "status", "-f", "json"])).expect("JSON");
    assert_eq!((&status["current"], &status["checkpoint"]["size"]), (&1.into(), &4.into()));
    fs::remove_dir(site.path("state/log/partial")).expect("out of the way");
    assert_eq!(site.import("k4.tar.zst").code, 0);
    site.ok(&["admin", "audit", "verify"]);
}

#[test]
fn a_lost_key_is_told_and_not_replaced() {
    let site = site();
    let key = site.path("state/keys/receipt.key.pem");
    let kept = fs::read(&key).expect("a key");
    fs::remove_file(&key).expect("removed");
    let ran = site.import("k3.tar.zst");
    assert!(ran.code == 3 && ran.stderr.contains("restore it from a backup"), "{}", ran.stderr);
    assert!(!key.exists());
    site.ok(&["admin", "audit", "verify"]);
    fs::write(&key, kept).expect("restored");
    assert_eq!(site.import("k3.tar.zst").code, 0);
}

#[test]
fn a_receipt_is_handed_out_by_index_and_by_kit_with_a_proof() {
    let site = site();
    let kit = digest_of(&site.path("k1.tar.zst"));
    site.ok(&["kit", "receipt", "--kit", &kit, "-o", "by-kit.json", "--proof", "by-kit.proof"]);
    let by_index = site.ok(&["kit", "receipt", "1"]);
    assert_eq!(fs::read_to_string(site.path("by-kit.json")).expect("text"), by_index);
    let proof = fs::read_to_string(site.path("by-kit.proof")).expect("text");
    assert!(proof.starts_with("c2sp.org/tlog-proof@v1\nextra ") && proof.contains("\nindex 1\n"), "{proof}");
    let checkpoint = fs::read_to_string(site.path("state/log/checkpoint")).expect("text");
    assert!(proof.ends_with(&checkpoint));
    assert_eq!(site.run(&["kit", "receipt", "3", "--summary"]).code, 3, "a rollback judges no kit");
    assert_eq!(site.run(&["kit", "receipt", "99"]).code, 3);
    assert_eq!(site.run(&["kit", "receipt", "--kit", &"0".repeat(64)]).code, 3);
}

#[test]
fn what_an_operator_types_cannot_forge_a_line_of_the_list() {
    // L04: a name with a line feed, an escape sequence, and what CEF and syslog take for structure.
    let site = site();
    let evil = "ada\n     9  1970-01-01T00:00:00Z  import activated by eve\u{1b}[2J|=<14>";
    site.ok(&["kit", "rollback", "--operator", evil, "--reason", "\r\u{9b}\u{202e}x"]);
    let list = site.ok(&["admin", "audit", "list"]);
    assert_eq!(list.lines().count(), 6, "five records and the checkpoint: {list}");
    let json = site.ok(&["admin", "audit", "list", "-f", "json"]);
    let status = site.ok(&["kit", "status"]);
    for shown in [&list, &json, &status] {
        let raw: Vec<_> = shown.chars().filter(|c| *c != '\n' && (c.is_control() || *c == '\u{202e}')).collect();
        assert!(raw.is_empty(), "{raw:?} in {shown}");
    }
    let list: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(list[4]["actor"], evil, "and nothing is lost");
}

#[test]
fn the_appliance_makes_good_at_its_start_what_a_crash_has_left_unsigned() {
    // C12: the state is that of after the commit, the checkpoint that of before.
    let site = site();
    fs::copy(site.path("first-checkpoint"), site.path("state/log/checkpoint")).expect("put back");
    let ran = site.run(&["admin", "audit", "verify"]);
    assert!(ran.code == 3 && ran.stderr.contains("signs the rest"), "{}", ran.stderr);
    Server::start(&site, &["--plain-http"]).stop();
    let said = site.ok(&["admin", "audit", "verify", "--against", "first-checkpoint"]);
    assert!(said.contains("in order: 4 entries"), "{said}");
}

#[test]
fn o04_no_command_takes_anything_out_of_the_audit_log_and_taking_it_away_is_noticed() {
    let site = Site::new();
    let help = site.ok(&["admin", "audit", "--help"]);
    let (_, list) = help.split_once("Commands:\n").expect("a list of commands");
    let commands: Vec<&str> =
        list.lines().take_while(|line| !line.is_empty()).filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(commands, ["verify", "export", "list", "help"], "each of them only reads");
    // Whoever may change files can, and nothing is signed behind that.
    site.vendor();
    for version in ["1", "2"] {
        site.kit(&format!("{version}.kit"), "dataset", version);
    }
    assert_eq!(site.import("1.kit").code, 0);
    let log = site.state().join("log");
    fs::rename(&log, site.path("taken-away")).expect("moved");
    assert_eq!(site.run(&["admin", "audit", "verify"]).code, 3);
    let ran = site.import("2.kit");
    assert_eq!(ran.code, 3, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("E-LOG-TILE"), "{}", ran.stderr);
    let status: serde_json::Value = serde_json::from_str(&site.ok(&["db", "status", "-f", "json"])).expect("JSON");
    assert_eq!(status["generation"], 1, "nothing becomes active that cannot be written down");
}
