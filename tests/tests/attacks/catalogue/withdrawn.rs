//! M14 and J09: what the vendor has withdrawn.

use domain::digest::Digest;
use forge::{Issuer, advisories, dataset, now, revocations};
use importer::control;
use ouk::limits::Limits;
use ouk::tokens::REVOCATIONS_PATH;
use serde_json::{Value, json};

use super::bench::HELD;
use super::{Bench, Letter, attacks};

attacks! {
    m14_a_revocation_list_neither_goes_back_nor_changes_under_its_serial "M14"
        ["E-REVOCATIONS-ROLLBACK", "E-REVOCATIONS-EQUIVOCATION", "E-REVOCATIONS", "accepted"];
    m14_a_withdrawn_generation_is_never_active_again "M14" ["accepted", "E-GATE-REVOKED", "WARN"];
    m14_a_kit_that_carries_what_is_withdrawn_is_refused "M14" ["E-GATE-REVOKED", "accepted"];
    j09_a_withdrawn_token_or_key_ends_what_was_minted_of_it "J09" ["accepted", "E-JWT-REVOKED"];
}

pub(crate) const LETTER: Letter = Letter { cases: CASES, elsewhere: &[], open: &[] };

fn kit_with(bench: &Bench, version: u64, serial: u64, more: &Value) -> Vec<u8> {
    let mut draft = bench.draft_of(version, 2);
    draft.put(REVOCATIONS_PATH, &revocations(serial, more));
    draft.kit()
}

/// A blob of the kit that every bench begins with, and of no later one.
fn held_blob() -> Digest {
    let (_, content) = &dataset(advisories(1))[0];
    Digest::of(content)
}

fn m14_a_revocation_list_neither_goes_back_nor_changes_under_its_serial(bench: &mut Bench) {
    let two = kit_with(bench, 6, 2, &json!({ "kit_versions": [3] }));
    bench.accept("list 2", &two);
    let in_force = bench.store.trust().expect("readable").expect("pinned").revocations;
    assert!(in_force.as_ref().is_some_and(|list| list.contains("\"serial\":2")), "{in_force:?}");
    let back = kit_with(bench, 7, 1, &json!({}));
    bench.refuse("list 1", &back, "E-REVOCATIONS-ROLLBACK");
    let other = kit_with(bench, 7, 2, &json!({ "kit_versions": [4] }));
    bench.refuse("another list 2", &other, "E-REVOCATIONS-EQUIVOCATION");
    let mut draft = bench.draft_of(7, 2);
    draft.put(REVOCATIONS_PATH, b"{}");
    bench.refuse("no list at all", &draft.kit(), "E-REVOCATIONS");
    let without = bench.draft_of(7, 2).kit();
    bench.accept("a kit without a list", &without);
    assert_eq!(bench.store.trust().expect("readable").expect("pinned").revocations, in_force, "it stays in force");
    let same = kit_with(bench, 8, 2, &json!({ "kit_versions": [3] }));
    bench.accept("the same list again", &same);
}

fn m14_a_withdrawn_generation_is_never_active_again(bench: &mut Bench) {
    let held = bench.store.open_current().expect("active").row().clone();
    let kit = kit_with(bench, 6, 1, &json!({ "blobs": [held_blob()] }));
    bench.accept("a list with a blob of the active kit", &kit);
    let receipt = bench.receipts().pop().expect("one");
    assert_eq!(receipt.entitlements.expect("judged").withdrawn_generations, [held.number]);
    assert!(receipt.warnings.iter().any(|warning| warning.contains("can never be active again")));
    bench.note("whoever imports is told", "WARN");
    for to in [None, Some(held.number)] {
        let error = control::rollback(&bench.store, to).expect_err("it is withdrawn");
        assert_eq!(error.code(), "E-GATE-REVOKED");
        bench.note(&format!("a rollback to {to:?}"), "E-GATE-REVOKED");
    }
    let error = importer::recheck(&bench.store, &held, env!("CARGO_PKG_VERSION"), &Limits::default());
    assert_eq!(error.expect_err("it is not served either").code(), "E-GATE-REVOKED");
    let (_, withdrawn) = importer::revocations(&bench.store).expect("readable").expect("a list");
    assert_eq!(withdrawn, [held.number]);
}

fn m14_a_kit_that_carries_what_is_withdrawn_is_refused(bench: &mut Bench) {
    let notes = Digest::of(b"notes");
    for (what, more) in [
        ("a list that withdraws its own kit", json!({ "kit_versions": [6] })),
        ("a list that withdraws a blob of its own kit", json!({ "blobs": [notes] })),
    ] {
        let kit = kit_with(bench, 6, 1, &more);
        bench.refuse(what, &kit, "E-GATE-REVOKED");
    }
    // The list of kit 6 speaks of kit 8, and of a blob that kit 7 brings.
    let content = b"withdrawn before it came";
    let more = json!({ "kit_versions": [8], "blobs": [Digest::of(content)] });
    let kit = kit_with(bench, 6, 1, &more);
    bench.accept("a list about later kits", &kit);
    let mut draft = bench.draft_of(7, 2);
    draft.put("os/more.txt", content);
    bench.refuse("a kit with a withdrawn blob", &draft.kit(), "E-GATE-REVOKED");
    let eight = bench.draft_of(8, 2).kit();
    bench.refuse("a withdrawn kit", &eight, "E-GATE-REVOKED");
    let nine = bench.draft_of(HELD + 4, 2).kit();
    bench.accept("a kit that is not withdrawn", &nine);
}

fn j09_a_withdrawn_token_or_key_ends_what_was_minted_of_it(bench: &mut Bench) {
    let issuers = [Issuer::new(7), Issuer::new(8)];
    let tokens = [issuers[0].issue(1, 333, now(), 30, None), issuers[0].issue(2, 333, now(), 30, None)];
    let mut draft = bench.draft();
    issuers[0].put(&mut draft, &[tokens[0].expose(), tokens[1].expose()]);
    bench.accept("a kit with two tokens", &draft.kit());
    let minted = bench.store.site_tokens().expect("readable");
    assert_eq!(minted.len(), 2);
    let still = |bench: &Bench| -> Vec<String> {
        bench.store.site_tokens().expect("readable").into_iter().map(|row| row.source_jti).collect()
    };
    let mut draft = bench.draft_of(7, 2);
    issuers[0].put(&mut draft, &[tokens[0].expose(), tokens[1].expose()]);
    draft.put(REVOCATIONS_PATH, &revocations(1, &json!({ "jti": [tokens[0].jti()] })));
    bench.accept("one token is withdrawn, and offered again", &draft.kit());
    assert_eq!(still(bench), [tokens[1].jti()]);
    let site = bench.site().expect("a site");
    for row in &minted {
        let verified = importer::verify_token(&bench.store, site.identity(), row.compact.expose(), now());
        if row.source_jti == tokens[0].jti() {
            assert_eq!(verified.expect_err("withdrawn").code(), "E-JWT-REVOKED");
            bench.note("the token that a client still holds", "E-JWT-REVOKED");
        } else {
            verified.unwrap_or_else(|error| panic!("{error}"));
        }
    }
    let mut draft = bench.draft_of(8, 2);
    let fresh = issuers[1].issue(3, 333, now(), 30, None);
    issuers[1].put(&mut draft, &[fresh.expose()]);
    draft.put(REVOCATIONS_PATH, &revocations(2, &json!({ "jti": [tokens[0].jti()], "kid": [issuers[0].kid()] })));
    bench.accept("the key is withdrawn, and another one comes", &draft.kit());
    assert_eq!(still(bench), [fresh.jti()]);
    assert_eq!(bench.receipts().pop().expect("one").entitlements.expect("judged").ended, 1);
}
