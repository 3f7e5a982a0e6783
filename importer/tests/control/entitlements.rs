//! Tokens and revocations of kits that wait, and of none at all.

use domain::time::Timestamp;
use importer::{Rotation, control};
use ouk::tokens::{
    Grant, JWKS_PATH, Jwks, REVOCATIONS_PATH, TOKENS_PATH, TokenKeyPair, TokenSigner, VendorToken, issue_vendor_token,
    write_bundle,
};

use crate::bench::{SIGNED, Site, code, site as keys};

/// A token key, and a token for a month and a half.
fn issuer() -> TokenKeyPair {
    TokenKeyPair::generate(&mut |bytes: &mut [u8]| bytes.fill(9))
}

fn token(number: u8) -> VendorToken {
    let pair = issuer();
    let signer = TokenSigner { key: pair.public(), sign: &|message| pair.sign(message) };
    let grant = Grant { subject: "ci".to_owned(), tier: "Free".to_owned(), scans_per_day_max: 333 };
    issue_vendor_token(&grant, None, Timestamp::from_unix(SIGNED), 45, [number; 16], &signer).expect("a token")
}

fn offer(site: &Site, tokens: &[VendorToken], revocations: Option<&str>) {
    let mut more = site.more.borrow_mut();
    more.clear();
    if !tokens.is_empty() {
        more.push((JWKS_PATH.to_owned(), Jwks::of([(issuer().public().clone(), None)]).to_json()));
        more.push((TOKENS_PATH.to_owned(), write_bundle(tokens).expect("a list")));
    }
    if let Some(list) = revocations {
        more.push((REVOCATIONS_PATH.to_owned(), list.as_bytes().to_vec()));
    }
}

/// A list that withdraws these token ids and kit versions.
fn list(serial: u64, jti: &[&str], kit_versions: &[u64]) -> String {
    let jti: Vec<_> = jti.iter().map(|jti| format!("\"{jti}\"")).collect();
    let versions: Vec<_> = kit_versions.iter().map(ToString::to_string).collect();
    format!(
        "{{\"blobs\":[],\"issued_at\":\"2026-11-24T00:00:00Z\",\"jti\":[{}],\"kid\":[],\"kit_versions\":[{}],\"kits\":[],\
         \"minisign_keys\":[],\"schema\":1,\"serial\":{serial}}}",
        jti.join(","),
        versions.join(",")
    )
}

#[test]
fn a_kit_that_waits_mints_and_withdraws_nothing_before_it_is_activated() {
    let site = Site::controlled(1);
    offer(&site, &[token(1)], Some(&list(1, &[], &[1])));
    let held = site.held(2, "alice", 2);
    assert_eq!(site.store.site_tokens().expect("readable"), []);
    assert!(importer::revocations(&site.store).expect("readable").is_none());
    site.approve(held.number, "bob", 3).expect("approved");
    let done = site.activate(held.number, "alice", 4).expect("activated");
    let minted = site.store.site_tokens().expect("readable");
    assert_eq!((minted.len(), minted[0].not_before), (1, Timestamp::from_unix(SIGNED + 4 * 3600)));
    let control::Done::Activated { warnings, .. } = done else { panic!("a kit") };
    assert!(warnings.iter().any(|warning| warning.contains("generation 1 can never be active again")), "{warnings:?}");
    assert_eq!(site.last_receipt().entitlements.expect("judged").minted, 1);
}

#[test]
fn a_kit_that_was_withdrawn_while_it_waited_is_never_activated() {
    let site = Site::controlled(1);
    offer(&site, &[], None);
    let (two, four) = (site.held(2, "alice", 2), {
        offer(&site, &[], Some(&list(1, &[], &[5])));
        site.held(4, "alice", 2)
    });
    offer(&site, &[], None);
    let five = site.held(5, "alice", 2);
    for row in [&two, &four, &five] {
        site.approve(row.number, "bob", 3).expect("approved");
    }
    site.activate(four.number, "alice", 4).expect("activated");
    assert_eq!(code(site.activate(five.number, "alice", 4)), "E-GATE-REVOKED");
    assert_eq!(site.last_receipt().code.as_deref(), Some("E-GATE-REVOKED"));
    assert!(!site.numbers().contains(&five.number), "what is withdrawn waits no longer");
    assert_eq!(site.store.current().expect("readable"), Some(four.number));
}

#[test]
fn a_rollback_that_waits_does_not_lead_to_what_was_withdrawn_since() {
    let site = Site::controlled(1);
    let two = site.held(2, "alice", 2);
    site.approve(two.number, "bob", 2).expect("approved");
    site.activate(two.number, "alice", 2).expect("activated");
    let back = site.asked(control::rollback(&site.store, None).expect("a generation before"), "alice", 3);
    site.approve(back.number, "bob", 3).expect("approved");
    offer(&site, &[], Some(&list(1, &[], &[1])));
    let three = site.held(3, "alice", 3);
    site.approve(three.number, "bob", 3).expect("approved");
    site.activate(three.number, "alice", 3).expect("activated");
    assert_eq!(code(site.activate(back.number, "alice", 4)), "E-GATE-REVOKED");
    assert_eq!(site.store.current().expect("readable"), Some(three.number));
}

#[test]
fn tokens_are_renewed_from_the_evidence_that_is_kept_until_that_ends_or_is_withdrawn() {
    let day = 24;
    let site = Site::new();
    offer(&site, &[token(1), token(2)], None);
    site.hand_in(1, "root", 1).expect("imported");
    let first = site.store.site_tokens().expect("readable");
    let ends = Timestamp::from_unix(SIGNED + 3600).plus_days(30);
    assert_eq!((first.len(), first[0].expires), (2, ends));
    let renew = |at| site.acting("root", at, |acting| importer::renew(&site.store, acting)).expect("renewed");
    assert_eq!(renew(1).minted, 0, "nothing that would be good for longer");
    // A day on, the same evidence gives a day more; the token that clients hold stays good.
    assert_eq!((renew(1 + day).minted, site.store.site_tokens().expect("readable").len()), (2, 4));
    offer(&site, &[], Some(&list(1, &[token(1).jti()], &[])));
    site.hand_in(2, "root", 2 * day).expect("imported");
    let renewed = renew(40 * day);
    assert_eq!((renewed.minted, renewed.warnings.len()), (1, 1), "{:?}", renewed.warnings);
    assert!(renewed.warnings[0].contains("E-JWT-REVOKED"), "{:?}", renewed.warnings);
    let last = site.store.site_tokens().expect("readable");
    let vendor_ends = Timestamp::from_unix(SIGNED).plus_days(45);
    assert_eq!(last.iter().map(|row| row.expires).collect::<Vec<_>>(), [vendor_ends], "never beyond the vendor's");
    let site_keys = keys(&site.store);
    let verified = importer::verify_token(
        &site.store,
        site_keys.identity(),
        last[0].compact.expose(),
        Timestamp::from_unix(SIGNED).plus_days(44),
    );
    assert_eq!(verified.expect("good").grant().scans_per_day_max, 333);
    let ended = renew(46 * day);
    assert_eq!((ended.minted, ended.ended), (0, 1));
    assert_eq!(site.last_receipt().action, "renew");
}

#[test]
fn j13_a_rotated_key_overlaps_with_the_next_and_a_compromised_one_ends_at_once() {
    let site = Site::new();
    offer(&site, &[token(1)], None);
    site.hand_in(1, "root", 1).expect("imported");
    let first = site.store.site_tokens().expect("readable").remove(0);
    let mut seeds = 100;
    let mut rotate = |rotation, at| {
        let mut entropy = |bytes: &mut [u8]| {
            seeds += 1;
            bytes.fill(seeds);
            Ok(())
        };
        site.acting("root", at, |acting| importer::rotate(&site.store, acting, rotation, &mut entropy))
    };
    let good = |row: &store::SiteTokenRow, store: &store::Store, at: i64| {
        let now = Timestamp::from_unix(SIGNED + at * 3600);
        importer::verify_token(store, keys(store).identity(), row.compact.expose(), now).map(drop)
    };
    let rotated = rotate(Rotation::Overlap, 2).expect("rotated");
    assert_eq!((rotated.minted, rotated.ended), (1, 0));
    let rows = site.store.site_tokens().expect("readable");
    let second = rows.iter().find(|row| row.kid != first.kid).expect("minted under the other key").clone();
    // A process that starts now finds the same keys.
    let reopened = site.reopen();
    for row in [&first, &second] {
        good(row, &reopened, 3).unwrap_or_else(|error| panic!("{error}"));
    }
    let rotated = rotate(Rotation::Compromised, 4).expect("rotated");
    assert_eq!((rotated.minted, rotated.ended), (1, 1), "what the compromised key has signed");
    assert_eq!(code(good(&second, &site.store, 5)), "E-JWT-KID");
    good(&first, &site.store, 5).expect("its key was not the compromised one");
    let third = site.store.site_tokens().expect("readable").into_iter().find(|row| row.kid != first.kid);
    good(&third.expect("minted"), &site.store, 5).expect("good");
    assert_eq!(site.last_receipt().action, "rotate-token-key");
    // Beyond the end of the tokens that it signed, a key verifies nothing.
    assert!(keys(&site.store).identity().retired().iter().all(|retired| retired.until == first.expires));
}

#[test]
fn evidence_that_was_changed_on_disk_mints_nothing() {
    let site = Site::new();
    offer(&site, &[token(1)], None);
    site.hand_in(1, "root", 1).expect("imported");
    let row = site.store.vendor_tokens().expect("readable").remove(0);
    let forged = store::VendorTokenRow { claims: domain::digest::Digest::of(b"other"), ..row };
    let change = store::EntitlementChange { seen: vec![forged], ..Default::default() };
    let lock = site.store.lock_import().expect("free");
    let entry = store::audit::Entry::from(store::audit::Event {
        at: Timestamp::UNIX_EPOCH,
        action: "test".to_owned(),
        actor: "test".to_owned(),
        result: "changed".to_owned(),
        code: None,
        subjects: Vec::new(),
        details: std::collections::BTreeMap::default(),
    });
    let _logged = site.store.renew_tokens(&lock, &change, &keys(&site.store), &entry).expect("written");
    drop(lock);
    assert_eq!(code(site.acting("root", 48, |acting| importer::renew(&site.store, acting))), "E-STATE");
}
