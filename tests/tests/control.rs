//! Dual control as people at a site type it.

use std::fs;

use tests::{Ran, Site};

/// A site with one kit active, a second one at hand, and three people of whom two must approve what one asks for.
fn site() -> Site {
    let site = Site::new();
    site.ok(&["kit", "keys", "--out", "keys"]);
    site.dataset("dataset", &["rustsec.jsonl"]);
    site.dataset("newer", &["rustsec.jsonl", "kev.json"]);
    site.kit("one.tar.zst", "dataset", "1");
    site.kit("two.tar.zst", "newer", "2");
    assert_eq!(site.import("one.tar.zst").code, 0);
    for name in ["alice", "bob", "carol"] {
        let public = site.ok(&["admin", "approver", "key", "-o", &key(name)]);
        site.ok(&["admin", "approver", "add", name, "--key", public.trim()]);
    }
    site.ok(&["admin", "dual-control", "--approvals", "2"]);
    site
}

fn key(name: &str) -> String {
    format!("{name}.key.pem")
}

/// Imports the second kit in somebody's name.
fn import(site: &Site, name: &str) -> Ran {
    site.run(&["kit", "import", "two.tar.zst", "--no-seal", "--operator", name, "--sign-with", &key(name)])
}

/// Runs, and expects that the site says no for want of approval.
fn refused(site: &Site, code: &str, arguments: &[&str]) {
    let before = site.fingerprint();
    let ran = site.run(arguments);
    assert_eq!(ran.code, 7, "{arguments:?}: {}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains(code) && ran.stderr.contains("next: "), "{arguments:?}: {}", ran.stderr);
    assert_eq!(site.fingerprint(), before);
}

fn active(site: &Site) -> u64 {
    let status: serde_json::Value = serde_json::from_str(&site.ok(&["db", "status", "-f", "json"])).expect("JSON");
    status["generation"].as_u64().expect("a number")
}

fn pending(site: &Site) -> Vec<serde_json::Value> {
    serde_json::from_str(&site.ok(&["kit", "pending", "-f", "json"])).expect("JSON")
}

#[test]
fn an_approved_kit_becomes_active_and_every_step_around_the_approvals_is_refused() {
    let site = site();
    refused(&site, "E-CONTROL-STRANGER", &["kit", "import", "two.tar.zst", "--no-seal", "--operator", "mallory"]);
    let held = import(&site, "alice");
    assert_eq!(held.code, 7, "a script must see that it is not active: {}{}", held.stdout, held.stderr);
    assert!(held.stdout.contains("request 2"), "{}", held.stdout);
    assert_eq!(active(&site), 1);

    let activate = ["kit", "activate", "2", "--operator", "alice"];
    refused(&site, "E-APPROVAL-MISSING", &activate);
    let own = site.ok(&["kit", "approve", "2", "--key", &key("alice")]);
    assert!(own.contains("no approval"), "{own}");
    site.ok(&["kit", "approve", "2", "--key", &key("bob")]);
    site.ok(&["kit", "approve", "2", "--key", &key("bob")]);
    refused(&site, "E-APPROVAL-MISSING", &activate);
    site.ok(&["admin", "approver", "key", "-o", "mallory.key.pem"]);
    refused(&site, "E-APPROVAL-KEY", &["kit", "approve", "2", "--key", "mallory.key.pem"]);
    refused(
        &site,
        "E-CONTROL-PRESENCE",
        &["kit", "activate", "2", "--operator", "alice", "--break-glass", "--reason", "hurry"],
    );

    // Carol signs on a machine of her own, which has no state.
    let statement = site.ok(&["kit", "approve", "2", "--request", "--as", "carol"]);
    fs::write(site.path("statement.json"), &statement).expect("written");
    let forged = statement.replace("\"kit-version\":\"2\"", "\"kit-version\":\"9\"");
    assert_ne!(forged, statement);
    fs::write(site.path("forged.json"), &forged).expect("written");
    for name in ["statement", "forged"] {
        let (from, to) = (format!("{name}.json"), format!("{name}.dsse"));
        site.ok(&["admin", "approver", "sign", &from, "--key", &key("carol"), "-o", &to]);
    }
    refused(&site, "E-APPROVAL-SUBJECT", &["kit", "approve", "2", "--approval", "forged.dsse"]);
    assert_eq!(pending(&site)[0]["ready"], false);
    site.ok(&["kit", "approve", "2", "--approval", "statement.dsse"]);
    assert_eq!(pending(&site)[0]["approvers"], serde_json::json!(["bob", "carol"]));
    assert_eq!(pending(&site)[0]["ready"], true);

    site.ok(&activate);
    assert_eq!(active(&site), 2);
    assert!(pending(&site).is_empty());
    let again = site.run(&activate);
    assert!(again.code == 3 && again.stderr.contains("E-CONTROL-UNKNOWN"), "{}", again.stderr);
    let status: serde_json::Value = serde_json::from_str(&site.ok(&["kit", "status", "-f", "json"])).expect("JSON");
    let receipts = status["receipts"].as_array().expect("a list");
    let done = receipts.iter().find(|receipt| receipt["action"] == "activate" && receipt["result"] == "activated");
    let approvals = done.expect("a receipt")["approvals"].as_array().expect("a list");
    assert_eq!(approvals.iter().map(|made| made["by"].clone()).collect::<Vec<_>>(), ["bob", "carol"]);
}

#[test]
fn nobody_switches_it_off_or_goes_back_or_sets_the_clock_alone() {
    let site = site();
    for arguments in [
        ["admin", "dual-control", "--approvals", "0", "--operator", "alice"].as_slice(),
        &["admin", "approver", "remove", "bob", "--operator", "alice"],
        &["admin", "clock", "confirm", "--operator", "alice"],
    ] {
        let ran = site.run(arguments);
        // Removing Bob would leave too few people for two approvals: that is not even asked for.
        assert_eq!(ran.code, 7, "{arguments:?}: {}{}", ran.stdout, ran.stderr);
    }
    let policy: serde_json::Value =
        serde_json::from_str(&site.ok(&["admin", "dual-control", "-f", "json"])).expect("JSON");
    assert_eq!((&policy["needed"]["policy"], policy["people"].as_array().expect("a list").len()), (&2.into(), 3));
    let actions: Vec<_> = pending(&site).iter().map(|row| row["action"].clone()).collect();
    assert_eq!(actions, ["policy", "clock"]);
    site.ok(&["kit", "withdraw", &pending(&site)[0]["number"].to_string(), "--operator", "bob"]);
    assert_eq!(pending(&site).len(), 1);
}

#[test]
fn without_dual_control_a_staged_kit_waits_for_whoever_activates_it() {
    let site = Site::new();
    site.vendor();
    site.kit("kit.tar.zst", "dataset", "1");
    let staged = site.ok(&["kit", "stage", "kit.tar.zst", "--no-seal", "--trust-root", "keys/1.root.json"]);
    assert!(staged.contains("next: stella kit activate 1"), "{staged}");
    assert_eq!(site.run(&["db", "status"]).code, 5, "nothing is served");
    assert!(site.ok(&["kit", "status"]).contains("request 1"));
    site.ok(&["kit", "activate", "1"]);
    assert_eq!(active(&site), 1);
    // A second one, which is withdrawn: the active one is what it was.
    site.kit("next.tar.zst", "dataset", "2");
    let before = site.fingerprint();
    site.ok(&["kit", "stage", "next.tar.zst", "--no-seal"]);
    site.ok(&["kit", "withdraw", "2"]);
    assert_eq!(site.fingerprint(), before);
}

#[test]
fn a_key_is_never_written_over_and_is_readable_by_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let site = Site::new();
    site.ok(&["admin", "approver", "key", "-o", "key.pem"]);
    let before = fs::read(site.path("key.pem")).expect("a key");
    assert_eq!(fs::metadata(site.path("key.pem")).expect("a key").permissions().mode() & 0o777, 0o600);
    assert_eq!(site.run(&["admin", "approver", "key", "-o", "key.pem"]).code, 2);
    assert_eq!(fs::read(site.path("key.pem")).expect("a key"), before);
}
