//! J08, J09, J12: what a site makes of a vendor's token, and of a list of them.

use domain::digest::Digest;
use domain::time::Timestamp;
use ouk::tokens::{
    Audience, Entitlements, Grant, Jwks, KnownJti, Revocations, SiteKeys, TokenError, TokenLimits, VendorToken,
    issue_vendor_token, mint, reconcile, verify_bundle, verify_site_token, verify_vendor_token, write_bundle,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::*;

fn kit() -> Digest {
    Digest::of(b"a kit")
}

fn grant(scans_per_day_max: u32) -> Grant {
    Grant { subject: "customer-7".to_owned(), tier: "Free".to_owned(), scans_per_day_max }
}

fn issue(scans: u32, days: i64, number: u8) -> Result<VendorToken, TokenError> {
    signing(&vendor(), |signer| issue_vendor_token(&grant(scans), None, now(), days, [number; 16], signer))
}

#[test]
fn a_token_goes_from_the_vendor_to_a_client() {
    let issued = issue(333, 30, 7).expect("issued");
    let at_site = verify(issued.expose()).expect("verified");
    let minted =
        signing(&site_key(), |signer| mint(signer, &at_site, &site("a"), kit(), now(), [9; 16])).expect("minted");
    let shown = verify_site(minted.expose()).expect("verified");
    assert_eq!(shown, minted);
    assert_eq!(shown.grant(), &grant(333));
    assert_eq!((shown.not_before().unix(), shown.expires().unix()), (NOW, NOW + 30 * DAY));
    let source = shown.source();
    assert_eq!((source.jti.as_str(), source.kid.as_str(), source.kit), (issued.jti(), issued.kid(), kit()));
    assert_ne!(shown.jti(), issued.jti());
}

#[test]
fn minting_is_deterministic_and_each_random_argument_gives_another_id() {
    let issued = issue(333, 30, 7).expect("issued");
    let minted = |random| {
        signing(&site_key(), |signer| mint(signer, &issued, &site("a"), kit(), now(), random)).expect("minted")
    };
    assert_eq!(minted([1; 16]).expose(), minted([1; 16]).expose());
    assert_ne!(minted([1; 16]).jti(), minted([2; 16]).jti());
}

#[test]
fn the_vendor_issues_nothing_that_a_site_would_refuse() {
    assert_eq!(code(issue(0, 30, 1)), "E-JWT-CLAIM");
    assert_eq!(code(issue(1_000_001, 30, 1)), "E-JWT-CLAIM");
    assert_eq!(code(issue(333, 46, 1)), "E-JWT-LIFETIME");
    assert_eq!(code(issue(333, 0, 1)), "E-JWT-CLAIM");
    assert!(issue(1_000_000, 45, 1).is_ok());
    let odd = Grant { subject: "a b".to_owned(), ..grant(1) };
    let issued = signing(&vendor(), |signer| issue_vendor_token(&odd, None, now(), 30, [1; 16], signer));
    assert_eq!(code(issued), "E-JWT-CLAIM");
}

#[test]
fn a_signer_that_does_not_sign_is_found() {
    let key = public(&vendor());
    let signer = ouk::tokens::TokenSigner { key: &key, sign: &|_| [0; 64] };
    assert_eq!(code(issue_vendor_token(&grant(1), None, now(), 30, [1; 16], &signer)), "E-JWT-SIGNER");
}

#[test]
fn a_bound_token_mints_where_it_is_bound_to_and_nowhere_else() {
    let compact = vendor_token(&with(vendor_claims(), "aud", json!("urn:stella:site:a")));
    let limits = TokenLimits::default();
    // As the vendor verifies it, who builds kits for every site.
    let token = verify_vendor_token(&compact, &jwks(), Audience::AnySite, now(), &Revocations::none(), &limits)
        .expect("verified");
    let at = |id: &str| signing(&site_key(), |signer| mint(signer, &token, &site(id), kit(), now(), [9; 16]));
    assert!(at("a").is_ok());
    assert_eq!(code(at("b")), "E-JWT-AUD");
}

#[test]
fn an_expired_vendor_token_mints_nothing() {
    let token = verify(&vendor_token(&vendor_claims())).expect("verified while it was good");
    let at = |at: i64| {
        signing(&site_key(), |signer| mint(signer, &token, &site("a"), kit(), Timestamp::from_unix(at), [9; 16]))
    };
    assert_eq!(at(NOW + 29 * DAY - 1).expect("one second").expires().unix(), NOW + 29 * DAY);
    assert_eq!(code(at(NOW + 29 * DAY)), "E-JWT-EXPIRED");
}

proptest! {
    #[test]
    fn j08_i6_a_site_token_never_grants_more_nor_outlives_its_source(
        scans in 1_u32..=1_000_000, lifetime in 1_i64..=45 * DAY, age in 0_i64..50 * DAY, grace in proptest::option::of(0_i64..60 * DAY),
    ) {
        let claims = with(with(vendor_claims(), "maxScansPerDay", json!(scans)), "iat", json!(NOW));
        let claims = with(with(claims, "nbf", json!(NOW)), "exp", json!(NOW + lifetime));
        let retires = grace.map(|grace| Timestamp::from_unix(NOW + 1 + grace));
        let keys = Jwks::of([(public(&vendor()), retires)]);
        let limits = TokenLimits::default();
        let token = verify_vendor_token(&vendor_token(&claims), &keys, Audience::AnySite, now(), &Revocations::none(), &limits).expect("good now");
        let later = Timestamp::from_unix(NOW + age);
        let minted = signing(&site_key(), |signer| mint(signer, &token, &site("a"), kit(), later, [9; 16]));
        let end = retires.map_or(NOW + lifetime, |retires| retires.unix().min(NOW + lifetime));
        match minted {
            Ok(minted) => {
                prop_assert_eq!(minted.grant(), token.grant());
                prop_assert_eq!(minted.grant().scans_per_day_max, scans);
                prop_assert!(minted.expires().unix() <= end);
                prop_assert!(minted.expires() <= later.plus_days(30));
                prop_assert!(minted.not_before() == later && later < minted.expires());
                prop_assert_eq!(verify_site_at(minted.expose(), later.unix(), &Revocations::none()).expect("good"), minted);
            }
            Err(error) => {
                prop_assert_eq!(error.code(), "E-JWT-EXPIRED");
                prop_assert!(later.unix() >= end);
            }
        }
    }
}

#[test]
fn j08_a_known_id_with_other_claims_is_refused_whatever_they_are() {
    let known = [KnownJti::from(&verify(&vendor_token(&vendor_claims())).expect("verified"))];
    let again = |claims: Value| reconcile(&known, &verify(&vendor_token(&claims)).expect("verified"));
    again(vendor_claims()).expect("the same token in the next kit");
    again(with(vendor_claims(), "jti", json!("token-0002"))).expect("another token");
    for (name, value) in [
        ("maxScansPerDay", json!(334)),
        ("maxScansPerDay", json!(1)),
        ("tier", json!("Pro")),
        ("exp", json!(NOW + DAY)),
    ] {
        assert_eq!(code(again(with(vendor_claims(), name, value))), "E-JWT-REPLAY", "{name}");
    }
}

#[test]
fn j09_a_key_on_its_way_out_is_good_until_the_end_of_its_grace() {
    let retires = Timestamp::from_unix(NOW + 10 * DAY);
    let fresh = ed25519_dalek::SigningKey::from_bytes(&[3; 32]);
    let limits = TokenLimits::default();
    let during = Jwks::of([(public(&vendor()), Some(retires)), (public(&fresh), None)]);
    let during = Jwks::parse(&during.to_json(), &limits).expect("a key list");
    let compact = vendor_token(&vendor_claims());
    let at = |keys: &Jwks, at: i64| {
        verify_vendor_token(&compact, keys, Audience::AnySite, Timestamp::from_unix(at), &Revocations::none(), &limits)
    };
    let token = at(&during, NOW).expect("within the grace");
    assert_eq!(token.good_until(), retires);
    let minted =
        signing(&site_key(), |signer| mint(signer, &token, &site("a"), kit(), now(), [9; 16])).expect("minted");
    assert_eq!(minted.expires(), retires);
    assert_eq!(code(at(&during, NOW + 10 * DAY)), "E-JWT-EXPIRED");
    assert_eq!(code(at(&Jwks::of([(public(&fresh), None)]), NOW)), "E-JWT-KID");
}

#[test]
fn j13_two_site_keys_verify_while_a_rotation_lasts() {
    let old = site_token(&site_claims());
    let fresh = ed25519_dalek::SigningKey::from_bytes(&[4; 32]);
    let verify = |keys: SiteKeys| {
        verify_site_token(&old, &keys, &site("a"), now(), &Revocations::none(), &TokenLimits::default())
    };
    assert!(verify(SiteKeys::of([public(&site_key()), public(&fresh)])).is_ok());
    assert_eq!(code(verify(SiteKeys::of([public(&fresh)]))), "E-JWT-KID");
}

fn bundle(bytes: &[u8], known: &[KnownJti]) -> Result<Entitlements, TokenError> {
    let limits = TokenLimits::default();
    verify_bundle(bytes, &jwks(), Audience::Site(&site("a")), now(), &Revocations::none(), known, &limits)
}

fn line(claims: &Value) -> String {
    format!("{{\"jwt\":\"{}\"}}\n", vendor_token(claims))
}

fn numbered(number: u32) -> Value {
    with(vendor_claims(), "jti", json!(format!("token-{number:04}")))
}

#[test]
fn a_list_of_tokens_is_read_as_written() {
    let tokens: Vec<VendorToken> = [3, 1, 2].iter().map(|number| issue(333, 30, *number).expect("issued")).collect();
    let bytes = write_bundle(&tokens).expect("a list");
    let found = bundle(&bytes, &[]).expect("read");
    assert_eq!(found.tokens.len(), 3);
    assert!(found.refused.is_empty());
    assert_eq!(write_bundle(&found.tokens).expect("a list"), bytes);
    let twice = [tokens[0].clone(), tokens[0].clone()];
    assert_eq!(code(write_bundle(&twice)), "E-JWT-REPLAY");
}

#[test]
fn j12_a_list_without_a_good_token_is_no_defect_of_the_kit() {
    assert!(bundle(b"", &[]).expect("read").tokens.is_empty());
    let expired = with(numbered(1), "exp", json!(NOW));
    let elsewhere = with(numbered(2), "aud", json!("urn:stella:site:b"));
    let list = [line(&expired), line(&elsewhere), line(&numbered(3))].concat();
    let found = bundle(list.as_bytes(), &[]).expect("read");
    assert_eq!(found.tokens.iter().map(VendorToken::jti).collect::<Vec<_>>(), ["token-0003"]);
    assert_eq!(found.elsewhere, 1);
    assert_eq!(
        found.refused.iter().map(|(line, error)| (*line, error.code())).collect::<Vec<_>>(),
        [(1, "E-JWT-EXPIRED")]
    );
}

#[test]
fn j08_a_list_may_not_give_a_known_id_to_another_token() {
    let known = [KnownJti::from(&verify(&vendor_token(&numbered(1))).expect("verified"))];
    let raised = with(numbered(1), "maxScansPerDay", json!(1_000_000));
    let found = bundle(line(&raised).as_bytes(), &known).expect("read");
    assert!(found.tokens.is_empty());
    assert_eq!(
        found.refused.iter().map(|(line, error)| (*line, error.code())).collect::<Vec<_>>(),
        [(1, "E-JWT-REPLAY")]
    );
    // Nor may one list do so by itself.
    let list = [line(&numbered(1)), line(&raised)].concat();
    assert_eq!(code(bundle(list.as_bytes(), &[])), "E-JWT-BUNDLE");
}

#[test]
fn a_list_of_tokens_has_one_spelling() {
    let good = line(&numbered(1));
    let unsorted = [line(&numbered(2)), good.clone()].concat();
    for text in [
        good.trim_end().to_owned(),
        format!("\n{good}"),
        format!("{good}\n"),
        format!(" {good}"),
        good.replace(':', ": "),
        good.replace('\n', "\r\n"),
        good.replace("jwt", "JWT"),
        good.replace("\"}", "\",\"x\":1}"),
        unsorted,
    ] {
        assert_eq!(code(bundle(text.as_bytes(), &[])), "E-JWT-BUNDLE", "{text}");
    }
    assert_eq!(code(bundle(b"\xff\n", &[])), "E-JWT-BUNDLE");
    let limits = TokenLimits { bundle_tokens_max: 1, ..TokenLimits::default() };
    let list = [good, line(&numbered(2))].concat();
    let found = verify_bundle(list.as_bytes(), &jwks(), Audience::AnySite, now(), &Revocations::none(), &[], &limits);
    assert_eq!(code(found), "E-JWT-LIMIT");
}
