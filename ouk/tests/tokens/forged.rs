//! J01 to J07 and J10: tokens that are not what they claim.

use serde_json::{Value, json};

use crate::support::*;

fn vendor_header_code(header: &str) -> &'static str {
    code(verify(&token(header, &vendor_claims().to_string(), &vendor())))
}

#[test]
fn honest_tokens_are_accepted() {
    let found = verify(&vendor_token(&vendor_claims())).expect("accepted");
    assert_eq!(
        (found.jti(), found.grant().tier.as_str(), found.grant().scans_per_day_max),
        ("token-0001", "Free", 333)
    );
    assert_eq!(found.good_until().unix(), NOW + 29 * DAY);
    assert_eq!(verify_site(&site_token(&site_claims())).expect("accepted").jti(), "site-token-0001");
}

#[test]
fn j01_no_algorithm_but_eddsa_counts() {
    let algorithms =
        ["none", "None", "NONE", "HS256", "RS256", "ES256", "eddsa", "EdDSA ", "Ed25519", "EdDSA\u{0}", ""];
    for algorithm in algorithms {
        assert_eq!(
            vendor_header_code(&with(vendor_header(), "alg", json!(algorithm)).to_string()),
            "E-JWT-ALG",
            "{algorithm}"
        );
    }
    for odd in [json!(null), json!(["EdDSA"]), json!(1)] {
        assert_eq!(vendor_header_code(&with(vendor_header(), "alg", odd).to_string()), "E-JWT-ALG");
    }
    // The classical forms: no signature at all, and a header that is `none` and nothing else.
    let unsigned = format!("{}.{}.", b64(r#"{"alg":"none"}"#), b64(vendor_claims().to_string()));
    assert_eq!(code(verify(&unsigned)), "E-JWT-ALG");
    let unsigned = format!("{}.{}.", b64(vendor_header().to_string()), b64(vendor_claims().to_string()));
    assert_eq!(code(verify(&unsigned)), "E-JWT-SIG");
}

#[test]
fn j02_a_key_id_is_looked_up_and_nothing_else() {
    let kid = public(&vendor()).kid().to_owned();
    let site_kid = public(&site_key()).kid().to_owned();
    let odd = ["../../etc/passwd", "' OR 1=1 --", "https://example.org/jwks", "", "\u{0}", &site_kid, &kid[1..]];
    for kid in odd {
        assert_eq!(vendor_header_code(&with(vendor_header(), "kid", json!(kid)).to_string()), "E-JWT-KID", "{kid}");
    }
    for odd in [json!(null), json!([kid]), json!(7)] {
        assert_eq!(vendor_header_code(&with(vendor_header(), "kid", odd).to_string()), "E-JWT-HEADER");
    }
    let huge = with(vendor_header(), "kid", json!("k".repeat(1 << 20))).to_string();
    assert_eq!(vendor_header_code(&huge), "E-JWT-LIMIT");
    // The right id over another key's signature.
    let forged = token(&vendor_header().to_string(), &vendor_claims().to_string(), &site_key());
    assert_eq!(code(verify(&forged)), "E-JWT-SIG");
}

#[test]
fn j03_a_token_does_not_say_how_it_wants_to_be_verified() {
    let attacker = site_key();
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": b64(attacker.verifying_key().as_bytes()) });
    for (name, value) in [
        ("jwk", jwk),
        ("jku", json!("https://example.org/jwks")),
        ("x5u", json!("https://example.org/cert")),
        ("x5c", json!(["MIIB"])),
        ("x5t", json!("a")),
        ("crit", json!([])),
        ("crit", json!(["exp"])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("cty", json!("JWT")),
        ("Alg", json!("none")),
    ] {
        let header = with(vendor_header(), name, value).to_string();
        assert_eq!(vendor_header_code(&header), "E-JWT-HEADER", "{name}");
        assert_eq!(code(verify(&token(&header, &vendor_claims().to_string(), &attacker))), "E-JWT-HEADER", "{name}");
    }
}

#[test]
fn j04_every_claim_is_there_and_is_of_its_kind() {
    for name in ["iss", "aud", "sub", "jti", "iat", "nbf", "exp", "tier", "maxScansPerDay"] {
        assert_eq!(code(verify(&vendor_token(&with(vendor_claims(), name, Value::Null)))), "E-JWT-CLAIM", "{name}");
        assert_eq!(code(verify_site(&site_token(&with(site_claims(), name, Value::Null)))), "E-JWT-CLAIM", "{name}");
        for odd in [json!([]), json!({}), json!(true), json!(["urn:stella:site"])] {
            assert_eq!(code(verify(&vendor_token(&with(vendor_claims(), name, odd)))), "E-JWT-CLAIM", "{name}");
        }
    }
    for issuer in ["urn:stella:vendor:x", "urn:stella:site:a", "URN:stella:vendor", "", "urn:stella:vendor "] {
        assert_eq!(code(verify(&vendor_token(&with(vendor_claims(), "iss", json!(issuer))))), "E-JWT-ISS", "{issuer}");
    }
    for audience in
        ["urn:stella:site:b", "urn:stella:site:", "urn:stella:sitea", "urn:stella:api:a", "", "urn:stella:site:a:b"]
    {
        assert_eq!(
            code(verify(&vendor_token(&with(vendor_claims(), "aud", json!(audience))))),
            "E-JWT-AUD",
            "{audience}"
        );
    }
    let bound = with(vendor_claims(), "aud", json!("urn:stella:site:a"));
    assert_eq!(verify(&vendor_token(&bound)).expect("accepted").bound_to(), Some(&site("a")));
    for (name, odd) in
        [("sub", ""), ("sub", "a b"), ("jti", "a/b"), ("jti", "é"), ("tier", "a\nb"), ("tier", &"t".repeat(33))]
    {
        assert_eq!(code(verify(&vendor_token(&with(vendor_claims(), name, json!(odd))))), "E-JWT-CLAIM", "{name}");
    }
    // What an old version does not know could be a restriction.
    assert_eq!(code(verify(&vendor_token(&with(vendor_claims(), "onlyOn", json!("Sunday"))))), "E-JWT-CLAIM");
    assert_eq!(code(verify_site(&site_token(&with(site_claims(), "src", Value::Null)))), "E-JWT-CLAIM");
    assert_eq!(
        code(verify_site(&site_token(&with(site_claims(), "src", json!(["urn:stella:vendor"]))))),
        "E-JWT-CLAIM"
    );
}

#[test]
fn j05_time_has_no_leeway() {
    let changed = |name: &str, value: Value| code(verify(&vendor_token(&with(vendor_claims(), name, value))));
    assert_eq!(changed("exp", json!(NOW - 1)), "E-JWT-EXPIRED");
    assert_eq!(changed("exp", json!(NOW)), "E-JWT-EXPIRED");
    assert!(verify(&vendor_token(&with(vendor_claims(), "exp", json!(NOW + 1)))).is_ok());
    for name in ["nbf", "iat"] {
        assert_eq!(changed(name, json!(NOW + 1)), "E-JWT-NOT-YET");
        assert!(verify(&vendor_token(&with(vendor_claims(), name, json!(NOW)))).is_ok());
    }
    assert_eq!(changed("exp", json!(NOW - DAY + 45 * DAY + 1)), "E-JWT-LIFETIME");
    assert!(verify(&vendor_token(&with(vendor_claims(), "exp", json!(NOW - DAY + 45 * DAY)))).is_ok());
    assert_eq!(changed("exp", json!(NOW - DAY)), "E-JWT-CLAIM");
    assert_eq!(changed("exp", json!(NOW as f64 + 0.5)), "E-JWT-JSON");
    assert_eq!(changed("exp", json!(1e99)), "E-JWT-JSON");
    assert_eq!(changed("exp", json!((NOW + DAY).to_string())), "E-JWT-CLAIM");
    for odd in [json!(-1), json!(i64::MAX), json!(u64::MAX)] {
        assert_eq!(changed("exp", odd.clone()), "E-JWT-CLAIM");
        assert_eq!(changed("iat", odd), "E-JWT-CLAIM");
    }
    let long = with(site_claims(), "exp", json!(NOW + 29 * DAY + 1));
    assert_eq!(code(verify_site(&site_token(&long))), "E-JWT-LIFETIME");
}

#[test]
fn j06_a_time_that_never_goes_back_revives_nothing() {
    let (vendor, site) = (vendor_token(&vendor_claims()), site_token(&site_claims()));
    let none = ouk::tokens::Revocations::none();
    // The caller's lower bound stays behind the end, whatever the wall clock says.
    for at in [NOW + 29 * DAY, NOW + 29 * DAY + 1, i64::MAX] {
        assert_eq!(code(verify_at(&vendor, at, &none)), "E-JWT-EXPIRED");
        assert_eq!(code(verify_site_at(&site, at, &none)), "E-JWT-EXPIRED");
    }
    // And a present before the token is no present in which it is good.
    for at in [NOW - DAY - 1, 0, i64::MIN] {
        assert_eq!(code(verify_at(&vendor, at, &none)), "E-JWT-NOT-YET");
        assert_eq!(code(verify_site_at(&site, at, &none)), "E-JWT-NOT-YET");
    }
}

#[test]
fn j07_a_token_is_good_in_its_own_place_only() {
    // A vendor token at the API, as it is and with each of its barriers taken away.
    assert_eq!(code(verify_site(&vendor_token(&vendor_claims()))), "E-JWT-TYP");
    let retyped = with(vendor_header(), "typ", json!("stella-offline+jwt")).to_string();
    assert_eq!(code(verify_site(&token(&retyped, &vendor_claims().to_string(), &vendor()))), "E-JWT-KID");
    assert_eq!(code(verify_site(&site_token(&vendor_claims()))), "E-JWT-ISS");
    let reissued = with(vendor_claims(), "iss", json!("urn:stella:site:a"));
    assert_eq!(code(verify_site(&site_token(&reissued))), "E-JWT-AUD");
    let readdressed = with(reissued, "aud", json!("urn:stella:api:a"));
    assert_eq!(code(verify_site(&site_token(&readdressed))), "E-JWT-CLAIM");
    // Another site's token, even if it shares the key.
    let other = with(site_claims(), "iss", json!("urn:stella:site:b"));
    assert_eq!(code(verify_site(&site_token(&other))), "E-JWT-ISS");
    let other = with(site_claims(), "aud", json!("urn:stella:api:b"));
    assert_eq!(code(verify_site(&site_token(&other))), "E-JWT-AUD");
    // An access token of this very site, and a site token as a vendor's.
    for typ in ["at+jwt", "JWT", "stella-access+jwt", "application/stella-offline+jwt", "STELLA-OFFLINE+JWT", ""] {
        let header = with(site_header(), "typ", json!(typ)).to_string();
        assert_eq!(code(verify_site(&token(&header, &site_claims().to_string(), &site_key()))), "E-JWT-TYP", "{typ}");
    }
    assert_eq!(vendor_header_code(&with(vendor_header(), "typ", Value::Null).to_string()), "E-JWT-HEADER");
    assert_eq!(code(verify(&site_token(&site_claims()))), "E-JWT-TYP");
}

#[test]
fn j08_a_changed_claim_breaks_the_signature() {
    let honest = vendor_token(&vendor_claims());
    let parts: Vec<&str> = honest.split('.').collect();
    for (name, value) in
        [("maxScansPerDay", json!(1_000_000)), ("tier", json!("Enterprise")), ("exp", json!(NOW + 44 * DAY))]
    {
        let forged = format!("{}.{}.{}", parts[0], b64(with(vendor_claims(), name, value).to_string()), parts[2]);
        assert_eq!(code(verify(&forged)), "E-JWT-SIG", "{name}");
    }
}

#[test]
fn j08_a_quota_is_a_number_that_makes_sense() {
    for odd in [json!(0), json!(-1), json!(1_000_001), json!(u64::MAX), json!(4_294_967_296_u64 + 333), json!("333")] {
        assert_eq!(
            code(verify(&vendor_token(&with(vendor_claims(), "maxScansPerDay", odd.clone())))),
            "E-JWT-CLAIM",
            "{odd}"
        );
        assert_eq!(
            code(verify_site(&site_token(&with(site_claims(), "maxScansPerDay", odd.clone())))),
            "E-JWT-CLAIM",
            "{odd}"
        );
    }
    let payload = vendor_claims().to_string();
    for odd in ["18446744073709551616", "333.0", "3.33e2", "1e99", "-0"] {
        let payload = payload.replace(":333", &format!(":{odd}"));
        assert_eq!(code(verify(&token(&vendor_header().to_string(), &payload, &vendor()))), "E-JWT-JSON", "{odd}");
    }
}

#[test]
fn j10_a_token_can_be_read_in_one_way_only() {
    let (header, payload) = (vendor_header().to_string(), vendor_claims().to_string());
    let twice = |text: &str, member: &str| format!("{{{member},{}", &text[1..]);
    for header in
        [twice(&header, r#""alg":"none""#), twice(&header, r#""\u0061lg":"EdDSA""#), twice(&header, r#""kid":"x""#)]
    {
        assert_eq!(vendor_header_code(&header), "E-JWT-JSON", "{header}");
    }
    for member in [r#""exp":1"#, r#""maxScansPerDay":1000000"#, r#""\u006aaxScansPerDay":1,"\u006aaxScansPerDay":2"#] {
        let payload = twice(&payload, member);
        assert_eq!(code(verify(&token(&header, &payload, &vendor()))), "E-JWT-JSON", "{member}");
    }
    let deep = format!(r#""x":{}{}"#, "[".repeat(900), "]".repeat(900));
    assert_eq!(code(verify(&token(&header, &twice(&payload, &deep), &vendor()))), "E-JWT-JSON");
    for payload in ["", "null", "[]", "\"\"", "{}{}", &format!("{payload}x"), &format!("[{payload}]")] {
        assert_eq!(code(verify(&token(&header, payload, &vendor()))), "E-JWT-JSON", "{payload}");
    }
    let huge = twice(&payload, &format!(r#""x":"{}""#, "x".repeat(4096)));
    assert_eq!(code(verify(&token(&header, &huge, &vendor()))), "E-JWT-LIMIT");
}

#[test]
fn j10_the_compact_form_has_one_spelling() {
    let honest = vendor_token(&vendor_claims());
    let parts: Vec<&str> = honest.split('.').collect();
    for form in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        parts[..2].join("."),
        format!("{honest}."),
        format!("{honest}.{}", parts[2]),
        format!(" {honest}"),
        format!("{honest}\n"),
        format!("{honest}=="),
        format!("{}=.{}.{}", parts[0], parts[1], parts[2]),
        format!("{}.{}\n.{}", parts[0], parts[1], parts[2]),
        honest.replace('_', "/").replace('-', "+"),
    ] {
        let found = code(verify(&form));
        // An empty header is no JSON; the rest is no token.
        assert!(["E-JWT-FORM", "E-JWT-JSON", "E-JWT-SIG"].contains(&found), "{found}: {form}");
        assert!(found != "E-JWT-SIG" || form.contains('\n') || form.contains('+') || form.contains('/'), "{form}");
    }
    // 64 bytes fill 85 characters and 2 bits of the 86th: four bits must be zero.
    let last = honest.chars().last().expect("a character");
    assert!("AQgw".contains(last));
    for other in
        "BCDEFGHIJKLMNOP".chars().filter(|_| last == 'A').chain("RSTUVWXYZabcdef".chars().filter(|_| last == 'Q'))
    {
        assert_eq!(code(verify(&format!("{}{other}", &honest[..honest.len() - 1]))), "E-JWT-FORM");
    }
}

#[test]
fn one_changed_bit_anywhere_is_a_refusal() {
    let honest = vendor_token(&vendor_claims());
    for at in 0..honest.len() {
        for bit in 0..7 {
            let mut bytes = honest.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            let changed = String::from_utf8(bytes).expect("ASCII");
            assert!(verify(&changed).is_err(), "byte {at}, bit {bit}");
        }
    }
}

#[test]
fn j15_no_message_and_no_debug_form_shows_a_token() {
    let honest = vendor_token(&vendor_claims());
    let parts: Vec<&str> = honest.split('.').collect();
    let hidden = |text: String| parts.iter().all(|part| !text.contains(&part[..20.min(part.len())]));
    assert!(hidden(format!("{:?}", verify(&honest).expect("accepted"))));
    let site = site_token(&site_claims());
    assert!(!format!("{:?}", verify_site(&site).expect("accepted")).contains(&site[site.len() - 20..]));
    for compact in [format!("{honest}="), format!("{honest}."), honest.replace('.', ":"), honest[1..].to_owned()] {
        let error = verify(&compact).expect_err("refused");
        assert!(hidden(format!("{error} {error:?}")), "{error}");
    }
}
