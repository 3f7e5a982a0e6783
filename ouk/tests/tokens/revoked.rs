//! J09, J11, M14: withdrawn tokens, keys and kits; key lists that open a door.

use domain::digest::Digest;
use ouk::tokens::{Jwks, Revocations, TokenLimits};
use serde_json::{Value, json};

use crate::support::*;

fn parse(text: &str) -> Result<Revocations, ouk::tokens::TokenError> {
    Revocations::parse(text.as_bytes(), &TokenLimits::default())
}

fn jwks_code(list: &Value) -> &'static str {
    code(Jwks::parse(list.to_string().as_bytes(), &TokenLimits::default()))
}

fn jwk() -> Value {
    let list: Value = serde_json::from_slice(&jwks().to_json()).expect("JSON");
    list["keys"][0].clone()
}

#[test]
fn j09_a_withdrawn_token_or_key_is_refused_and_takes_what_was_made_of_it_along() {
    let (vendor_kid, site_kid) = (public(&vendor()).kid().to_owned(), public(&site_key()).kid().to_owned());
    let (vendor, site) = (vendor_token(&vendor_claims()), site_token(&site_claims()));
    for members in [json!({ "jti": ["token-0001"] }), json!({ "kid": [vendor_kid] })] {
        let list = revocations(&members);
        assert_eq!(code(verify_at(&vendor, NOW, &list)), "E-JWT-REVOKED", "{members}");
        assert_eq!(code(verify_site_at(&site, NOW, &list)), "E-JWT-REVOKED", "{members}");
    }
    let kit = "ab".repeat(32);
    for members in [json!({ "jti": ["site-token-0001"] }), json!({ "kid": [site_kid] }), json!({ "kits": [kit] })] {
        let list = revocations(&members);
        assert_eq!(code(verify_site_at(&site, NOW, &list)), "E-JWT-REVOKED", "{members}");
        assert!(verify_at(&vendor, NOW, &list).is_ok(), "{members}");
    }
    let other = revocations(&json!({ "jti": ["token-0002"], "kid": ["other"], "kits": ["cd".repeat(32)] }));
    assert!(verify_at(&vendor, NOW, &other).is_ok());
    assert!(verify_site_at(&site, NOW, &other).is_ok());
}

#[test]
fn m14_a_serial_does_not_go_back_and_stands_for_one_list() {
    let list = |serial: u64, jti: &str| revocations(&json!({ "serial": serial, "jti": [jti] }));
    let known = list(5, "a");
    assert!(known.check_successor(&Revocations::none()).is_ok());
    assert!(known.check_successor(&known).is_ok());
    assert!(list(6, "b").check_successor(&known).is_ok());
    assert_eq!(code(list(4, "a").check_successor(&known)), "E-REVOCATIONS-ROLLBACK");
    assert_eq!(code(list(5, "b").check_successor(&known)), "E-REVOCATIONS-EQUIVOCATION");
    assert_eq!(code(Revocations::none().check_successor(&known)), "E-REVOCATIONS-ROLLBACK");
}

#[test]
fn m14_what_is_listed_is_withdrawn_and_nothing_else() {
    let (blob, kit) = (Digest::of(b"blob"), Digest::of(b"kit"));
    let key = std::iter::once("RWQ").chain(std::iter::once(&*"A".repeat(53))).collect::<String>();
    let list = revocations(&json!({ "blobs": [blob], "kits": [kit], "kit_versions": [7], "minisign_keys": [key] }));
    assert!(list.withdraws_blob(&blob) && !list.withdraws_blob(&kit));
    assert!(list.withdraws_kit(&kit, 1) && list.withdraws_kit(&blob, 7) && !list.withdraws_kit(&blob, 8));
    assert!(list.withdraws_minisign_key(&format!("{key}\n")) && !list.withdraws_minisign_key("RWQ"));
    assert_eq!(list.serial(), 1);
}

#[test]
fn a_list_of_revocations_has_one_spelling() {
    let draft = json!({ "schema": 1, "serial": 3, "issued_at": "2026-11-24T00:00:00Z", "jti": ["b", "a", "b"] });
    let list = Revocations::from_draft(format!("{draft:#}\n").as_bytes(), &TokenLimits::default()).expect("a draft");
    let text = String::from_utf8(list.to_json()).expect("text");
    let want = r#"{"blobs":[],"issued_at":"2026-11-24T00:00:00Z","jti":["a","b"],"kid":[],"kit_versions":[],"kits":[],"minisign_keys":[],"schema":1,"serial":3}"#;
    assert_eq!(text, want);
    assert_eq!(parse(&text).expect("canonical"), list);
    for (from, to) in [
        (r#"["a","b"]"#, r#"["b","a"]"#),
        (r#"["a","b"]"#, r#"["a","a","b"]"#),
        (r#"["a","b"]"#, r#"["a", "b"]"#),
        (r#"["a","b"]"#, r#"["a","b/"]"#),
        (r#""kid":[],"#, ""),
        (r#""kid":[],"#, r#""kid":[],"kid":[],"#),
        (r#""kid":[],"#, r#""kid":[],"kin":[],"#),
        (r#""kid":[],"#, r#""kid":null,"#),
        (r#""schema":1"#, r#""schema":2"#),
        (r#""serial":3"#, r#""serial":0"#),
        (r#""serial":3"#, r#""serial":3.0"#),
        (r#""serial":3"#, r#""serial":-3"#),
        (r#""serial":3"#, r#""serial":1000000000000"#),
        (r#""minisign_keys":[]"#, r#""minisign_keys":["E7620F1842B4E81F"]"#),
        (r#""kits":[]"#, r#""kits":["7"]"#),
        ("00Z", "00+00:00"),
        ("}", "}\n"),
    ] {
        let changed = text.replace(from, to);
        assert_ne!(changed, text, "{from}");
        assert_eq!(code(parse(&changed)), "E-REVOCATIONS", "{to}");
    }
    assert_eq!(code(parse("[1,3]")), "E-REVOCATIONS");
    let limits = TokenLimits { revocations_bytes_max: 10, ..TokenLimits::default() };
    assert_eq!(code(Revocations::parse(text.as_bytes(), &limits)), "E-JWT-LIMIT");
}

#[test]
fn j11_a_key_of_small_order_or_of_another_spelling_never_enters_a_list() {
    // Points of order 1, 2, 4 and 8, and the identity spelt with the field's prime added.
    let mut identity = [0; 32];
    identity[0] = 1;
    let mut two = [0xff; 32];
    (two[0], two[31]) = (0xec, 0x7f);
    let four = [0; 32];
    let eight: [u8; 32] = [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20,
        0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ];
    let mut misspelt = [0xff; 32];
    (misspelt[0], misspelt[31]) = (0xee, 0x7f);
    for bytes in [identity, two, four, eight, misspelt] {
        let key = with(jwk(), "x", json!(b64(bytes)));
        assert_eq!(jwks_code(&json!({ "keys": [key] })), "E-JWKS-WEAK", "{bytes:02x?}");
    }
}

#[test]
fn a_key_list_has_one_spelling_and_one_kind_of_key() {
    let good = json!({ "keys": [jwk()] });
    assert!(Jwks::parse(good.to_string().as_bytes(), &TokenLimits::default()).is_ok());
    for (name, value) in [
        ("kty", json!("oct")),
        ("kty", json!("RSA")),
        ("crv", json!("Ed448")),
        ("crv", json!("X25519")),
        ("alg", json!("HS256")),
        ("alg", Value::Null),
        ("use", json!("enc")),
        ("use", Value::Null),
        ("kid", json!("mine")),
        ("kid", json!(public(&site_key()).kid())),
        ("kid", Value::Null),
        ("x", json!("AQ")),
        ("x", json!(format!("{}=", b64([7; 32])))),
        ("x", Value::Null),
        ("d", json!(b64([7; 32]))),
        ("k", json!("AQ")),
        ("exp", json!(-1)),
        ("key_ops", json!(["verify"])),
    ] {
        let list = json!({ "keys": [with(jwk(), name, value.clone())] });
        assert_eq!(jwks_code(&list), "E-JWKS", "{name}: {value}");
    }
    for list in [
        json!({}),
        json!({ "keys": [] }),
        json!({ "keys": {} }),
        json!({ "keys": [jwk(), jwk()] }),
        json!({ "keys": [1] }),
    ] {
        assert_eq!(jwks_code(&list), "E-JWKS", "{list}");
    }
    assert_eq!(jwks_code(&json!({ "keys": [jwk()], "more": 1 })), "E-JWKS");
    let mut reversed: Value =
        serde_json::from_slice(&Jwks::of([(public(&vendor()), None), (public(&site_key()), None)]).to_json())
            .expect("JSON");
    reversed["keys"].as_array_mut().expect("a list").reverse();
    assert_eq!(jwks_code(&reversed), "E-JWKS");
    let spaced = good.to_string().replace(':', ": ");
    assert_eq!(code(Jwks::parse(spaced.as_bytes(), &TokenLimits::default())), "E-JWKS");
    let limits = TokenLimits { jwks_bytes_max: 10, ..TokenLimits::default() };
    assert_eq!(code(Jwks::parse(good.to_string().as_bytes(), &limits)), "E-JWT-LIMIT");
}
