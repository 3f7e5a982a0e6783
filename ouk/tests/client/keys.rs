//! Keys that the library counts and that prove nothing.

use ouk::client::{ClientLimits, init};
use serde_json::json;

use crate::support::{Memory, Plan, key, now, root, sign, visit_site};

fn pin(root: &[u8]) -> String {
    match init(root, &mut Memory::default(), &ClientLimits::default()) {
        Ok(()) => "accepted".to_owned(),
        Err(error) => error.code().to_owned(),
    }
}

#[test]
fn a_root_that_nobody_signed_is_not_pinned() {
    // S01, S02.
    assert_eq!(pin(&sign(&root(1, &[]), &[&key("root")])), "accepted");
    assert_eq!(pin(&sign(&root(1, &[]), &[&key("stranger")])), "E-THRESHOLD");
    assert_eq!(pin(b"{}"), "E-SCHEMA");
}

#[test]
fn a_key_of_small_order_is_refused() {
    // S13: with the identity point as key, anyone's signature is valid.
    let mut weak = root(1, &[]);
    let identity = format!("01{}", "00".repeat(31));
    weak["keys"]["aa"] = json!({ "keytype": "ed25519", "scheme": "ed25519", "keyval": { "public": identity } });
    weak["roles"]["timestamp"] = json!({ "keyids": ["aa"], "threshold": 1 });
    assert_eq!(pin(&sign(&weak, &[&key("root")])), "E-ALG");
    let mut site = Plan::all(5).site();
    weak["version"] = 2.into();
    site.metadata.insert("2.root.json".to_owned(), sign(&weak, &[&key("root")]));
    assert_eq!(visit_site(&mut Memory::pinned(), site, now()), "E-ALG");
}

#[test]
fn one_key_under_two_ids_is_not_two_keys() {
    let mut twice = root(1, &[]);
    let mut same = key("targets").public().to_value();
    same["note"] = "the same key again".into();
    twice["keys"]["aa"] = same;
    twice["roles"]["targets"] = json!({ "keyids": [key("targets").public().id(), "aa"], "threshold": 2 });
    assert_eq!(pin(&sign(&twice, &[&key("root")])), "E-ALG");
}
