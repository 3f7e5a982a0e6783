//! S: attacks on signatures, keys and delegations.

use ed25519_dalek::{Signer, SigningKey};
use ouk::keys::Role;
use ouk::limits::Limits;
use ouk::verify::check_root;
use serde_json::{Value, json};

use forge::{
    Draft, Vendor, after, bend_json, bend_root, canonical, code, compress, draft, import, relabelled,
    replace_entitlement_key, tar, with_file,
};

const ROLES: [(&str, &str); 6] = [
    ("timestamp", "E-TS-SIG"),
    ("snapshot", "E-SNAP-SIG"),
    ("targets", "E-TGT-SIG"),
    ("feeds", "E-TGT-SIG"),
    ("trivydb", "E-TGT-SIG"),
    ("entitlements", "E-TGT-SIG"),
];

#[test]
fn a_role_without_its_keys_signature_is_refused() {
    // S01: nobody signed; a stranger signed; the right keys of another role signed.
    let (vendor, stranger) = (Vendor::new(1), Vendor::new(2));
    for (role, expected) in ROLES {
        let others = if role == "targets" { "feeds" } else { "targets" };
        for signers in [vec![], stranger.pairs(role), vendor.pairs(others), vendor.pairs("root")] {
            let mut draft = draft(&vendor);
            draft.sign_with(role, signers);
            assert_eq!(code(&draft.kit(), &vendor.trust()), expected, "{role}");
        }
    }
}

#[test]
fn a_whole_kit_of_a_strangers_keys_is_refused_at_its_root() {
    // S01.
    let (vendor, stranger) = (Vendor::new(1), Vendor::new(2));
    assert_eq!(code(&draft(&stranger).kit(), &stranger.trust()), "accepted");
    assert_eq!(code(&draft(&stranger).kit(), &vendor.trust()), "E-ROOT-SIG");
    // The stranger carries our root along: then his roles do not match it.
    let mut mixed = draft(&stranger);
    mixed.roots = vendor.roots.clone();
    assert_eq!(code(&mixed.kit(), &vendor.trust()), "E-TS-SIG");
}

#[test]
fn one_signature_less_than_the_threshold_is_refused() {
    // S02.
    let vendor = Vendor::new(1);
    for role in ["targets", "feeds", "trivydb"] {
        for first in 0..3 {
            let mut draft = draft(&vendor);
            draft.sign_with(role, vec![vendor.pairs(role)[first].clone()]);
            assert_eq!(code(&draft.kit(), &vendor.trust()), "E-THRESHOLD", "{role}");
        }
        for left_out in 0..3 {
            let mut draft = draft(&vendor);
            let mut signers = vendor.pairs(role);
            signers.remove(left_out);
            draft.sign_with(role, signers);
            assert_eq!(code(&draft.kit(), &vendor.trust()), "accepted", "{role}");
        }
    }
}

#[test]
fn one_key_that_signs_twice_counts_once() {
    // S02 (CVE-2020-15093).
    let vendor = Vendor::new(1);
    for role in ["targets", "feeds"] {
        let key = vendor.pairs(role)[0].clone();
        let mut draft = draft(&vendor);
        draft.sign_with(role, vec![key.clone(), key]);
        assert_eq!(code(&draft.kit(), &vendor.trust()), "E-THRESHOLD", "{role}");
    }
}

#[test]
fn one_key_under_two_names_is_refused() {
    // S02: the second id is not the digest of the key, whatever is hashed into it.
    let vendor = Vendor::new(1);
    let mut draft = draft(&vendor);
    let delegations = &mut draft.role("targets")["delegations"];
    let id = delegations["roles"][0]["keyids"][0].as_str().expect("an id").to_owned();
    let mut twin = delegations["keys"][&id].clone();
    twin["x-owner"] = "twin".into();
    let twin_id = "ab".repeat(32);
    delegations["keys"][&twin_id] = twin;
    delegations["roles"][0]["keyids"] = json!([id, twin_id]);
    assert_eq!(code(&draft.kit(), &vendor.trust()), "E-SCHEMA");
}

#[test]
fn thresholds_are_between_one_and_the_number_of_keys() {
    // S03 (CVE-2026-23992).
    let vendor = Vendor::new(1);
    for threshold in [json!(0), json!(-1), json!(4), json!("2"), json!(1_u64 << 63), Value::Null] {
        let mut draft = draft(&vendor);
        draft.role("targets")["delegations"]["roles"][0]["threshold"] = threshold.clone();
        assert_eq!(code(&draft.kit(), &vendor.trust()), "E-SCHEMA", "{threshold}");
    }
    for threshold in [json!(0), json!(3)] {
        let root = bend_root(&vendor, |signed| signed["roles"]["timestamp"]["threshold"] = threshold.clone());
        assert_eq!(check_root(&root, &Limits::default()).expect_err("refused").code(), "E-SCHEMA");
    }
}

#[test]
fn an_invalid_signature_beside_enough_valid_ones_is_reported() {
    // S04.
    let vendor = Vendor::new(1);
    let draft = draft(&vendor);
    let kit = with_file(&draft, "META/timestamp.json", |bytes| {
        bend_json(&bytes, |value| value["signatures"][0]["sig"] = "00".repeat(64).into())
    });
    let (verified, _) = import(&kit, &vendor.trust()).expect("one valid signature is enough");
    assert_eq!(verified.warnings().len(), 1, "{:?}", verified.warnings());
    // A foreign signature is reported too, and neither changes what is remembered.
    let mut foreign = Draft::new(&vendor, 4, &[("feeds/a", b"hello"), ("os/b", b"b")]);
    let mut signers = vendor.pairs("timestamp");
    signers.extend(Vendor::new(2).pairs("timestamp"));
    foreign.sign_with("timestamp", signers);
    let (other, _) = import(&foreign.kit(), &after(&verified)).expect("the same content");
    assert_eq!(other.warnings().len(), 2);
    assert!(other.is_current());
}

#[test]
fn a_key_that_a_newer_root_took_away_does_not_count() {
    // S05.
    for role in [Role::Timestamp, Role::Snapshot, Role::Targets] {
        let mut vendor = Vendor::new(1);
        let trust = vendor.trust();
        let old = vendor.pairs(role.as_str());
        vendor.rotate(role, 0);
        assert_eq!(code(&draft(&vendor).kit(), &trust), "accepted");
        let mut stolen = draft(&vendor);
        stolen.sign_with(role.as_str(), old);
        let refused = code(&stolen.kit(), &trust);
        assert!(["E-TS-SIG", "E-SNAP-SIG", "E-TGT-SIG"].contains(&refused.as_str()), "{role}: {refused}");
    }
}

#[test]
fn keys_of_another_scheme_do_not_count() {
    // S06: labelled as another scheme, unknown schemes, and ML-DSA, which this verifier does not count.
    let vendor = Vendor::new(1);
    for (keytype, scheme, expected) in [
        ("ed25519", "ecdsa-sha2-nistp256", "E-ALG"),
        ("rsa", "ed25519", "E-ALG"),
        ("ecdsa", "ecdsa-sha2-nistp256", "E-ALG"),
        ("rsa", "rsassa-pss-sha256", "E-ALG"),
        ("hmac", "hmac-sha256", "E-ALG"),
        ("ml-dsa", "ml-dsa-65/1", "E-ALG"),
    ] {
        let relabelled = relabelled(draft(&vendor), |key| {
            key["keytype"] = keytype.into();
            key["scheme"] = scheme.into();
        });
        assert_eq!(code(&relabelled, &vendor.trust()), expected, "{keytype} {scheme}");
    }
}

#[test]
fn keys_of_small_order_and_keys_with_two_spellings_are_refused() {
    // S07: identity, order 2, order 4, order 8, non-canonical y, upper case, too short, no point.
    let vendor = Vendor::new(1);
    for public in [
        format!("01{}", "00".repeat(31)),
        format!("01{}80", "00".repeat(30)),
        format!("ec{}7f", "ff".repeat(30)),
        "00".repeat(32),
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05".to_owned(),
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a".to_owned(),
        format!("ee{}7f", "ff".repeat(30)),
        format!("ed{}ff", "ff".repeat(30)),
        "D75A980182B10AB7D54BFED3C964073A0EE172F3DAA62325AF021A68F707511A".to_owned(),
        "d75a98".to_owned(),
        format!("02{}", "00".repeat(31)),
    ] {
        let kit = relabelled(draft(&vendor), |key| key["keyval"]["public"] = public.clone().into());
        assert_eq!(code(&kit, &vendor.trust()), "E-ALG", "{public}");
    }
    // Every y from the field's prime up, with either sign: some are sound points in a second spelling.
    for low in 0xed..=0xff_u8 {
        for high in ["7f", "ff"] {
            let public = format!("{low:02x}{}{high}", "ff".repeat(30));
            let kit = relabelled(draft(&vendor), |key| key["keyval"]["public"] = public.clone().into());
            assert_eq!(code(&kit, &vendor.trust()), "E-ALG", "{public}");
        }
    }
}

#[test]
fn a_forgery_under_the_identity_key_is_refused() {
    // S07: R = identity, s = 0 verifies every message under the identity key in a lax verifier.
    let vendor = Vendor::new(1);
    let identity = format!("01{}", "00".repeat(31));
    let forged = format!("01{}", "00".repeat(63));
    let mut draft = draft(&vendor);
    let id = replace_entitlement_key(&mut draft, |key| key["keyval"]["public"] = identity.clone().into());
    draft.sign_with("entitlements", vec![]);
    let files = draft.files_with(&|role, bytes| match role {
        "entitlements" => bend_json(&bytes, |value| value["signatures"] = json!([{ "keyid": id, "sig": forged }])),
        _ => bytes,
    });
    assert_eq!(code(&draft.kit_of(&compress(&tar(&files))), &vendor.trust()), "E-ALG");
}

#[test]
fn the_tuf_library_alone_would_take_that_forgery() {
    // Why our own check stands before it. Should this fail one day, the library has learnt it.
    let public = format!("01{}", "00".repeat(31));
    let key = json!({ "keytype": "ed25519", "scheme": "ed25519", "keyval": { "public": public } });
    let keys = serde_json::from_value([("id", key)].into_iter().collect()).expect("keys");
    let role = serde_json::from_value(json!({ "keyids": ["id"], "threshold": 1 })).expect("a role");
    let document = canonical(&json!({
        "signatures": [{ "keyid": "id", "sig": format!("01{}", "00".repeat(63)) }],
        "signed": Draft::new(&Vendor::new(1), 4, &[]).roles["feeds"],
    }));
    let metadata = sigstore_tuf::Metadata::<sigstore_tuf::Targets>::from_slice(&document).expect("parses");
    assert!(metadata.verify_threshold(&keys, &role, "feeds").is_ok());
}

#[test]
fn a_malleated_signature_is_refused() {
    // S07: s + L is the same number to a verifier that does not look.
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let vendor = Vendor::new(1);
    let mut draft = draft(&vendor);
    draft.sign_with("timestamp", vec![vendor.pairs("timestamp")[0].clone()]);
    assert_eq!(code(&draft.kit(), &vendor.trust()), "accepted");
    let kit = with_file(&draft, "META/timestamp.json", |bytes| {
        bend_json(&bytes, |value| {
            let sig = value["signatures"][0]["sig"].as_str().expect("a signature").to_owned();
            let mut raw: Vec<u8> =
                (0..64).map(|at| u8::from_str_radix(&sig[2 * at..2 * at + 2], 16).expect("hex")).collect();
            let mut carry = 0;
            for (byte, order) in raw[32..].iter_mut().zip(ORDER) {
                carry += u16::from(*byte) + u16::from(order);
                *byte = carry as u8;
                carry >>= 8;
            }
            let malleated: String = raw.iter().map(|byte| format!("{byte:02x}")).collect();
            value["signatures"][0]["sig"] = malleated.into();
        })
    });
    assert_eq!(code(&kit, &vendor.trust()), "E-TS-SIG");
}

#[test]
fn signed_bytes_have_one_spelling() {
    // S08.
    let vendor = Vendor::new(1);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    type Bend = fn(String) -> Vec<u8>;
    let bends: [(&str, Bend); 16] = [
        ("white space", |text| text.replacen(':', ": ", 1).into_bytes()),
        ("a newline at the end", |text| format!("{text}\n").into_bytes()),
        ("reordered keys", |text| {
            let value: Value = serde_json::from_str(&text).expect("JSON");
            format!("{{\"signed\":{},\"signatures\":{}}}", value["signed"], value["signatures"]).into_bytes()
        }),
        ("1.0 for 1", |text| text.replacen("\"version\":4", "\"version\":4.0", 1).into_bytes()),
        ("an exponent", |text| text.replacen("\"version\":4", "\"version\":4e0", 1).into_bytes()),
        ("a leading zero", |text| text.replacen("\"version\":4", "\"version\":04", 1).into_bytes()),
        ("minus zero", |text| text.replacen("\"version\":4", "\"version\":-0", 1).into_bytes()),
        ("an overflow", |text| text.replacen("\"version\":4", "\"version\":1e400", 1).into_bytes()),
        ("a huge integer", |text| {
            text.replacen("\"version\":4", "\"version\":99999999999999999999999", 1).into_bytes()
        }),
        ("an escaped letter", |text| text.replacen("timestamp", "\\u0074imestamp", 1).into_bytes()),
        ("a duplicate key", |text| text.replacen("{\"_type\"", "{\"_type\":\"x\",\"_type\"", 1).into_bytes()),
        ("a lone surrogate", |text| text.replacen("timestamp", "\\ud800", 1).into_bytes()),
        ("a byte order mark", |text| format!("\u{feff}{text}").into_bytes()),
        ("nesting", |text| {
            let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
            text.replacen("{\"_type\"", &format!("{{\"0\":{deep},\"_type\""), 1).into_bytes()
        }),
        ("invalid UTF-8", |text| [text.as_bytes(), &[0xff]].concat()),
        ("nothing", |_| Vec::new()),
    ];
    for (what, bend) in bends {
        let kit = with_file(&draft(&vendor), "META/timestamp.json", |bytes| bend(text(bytes)));
        assert_eq!(code(&kit, &vendor.trust()), "E-JSON", "{what}");
    }
}

#[test]
fn the_envelope_is_signed_and_signatures_and_nothing_else() {
    // S08, S10.
    let vendor = Vendor::new(1);
    for bend in [
        (|value: &mut Value| value["note"] = "hi".into()) as fn(&mut Value),
        |value| value["signatures"] = Value::Null,
        |value| value["signed"] = json!([]),
        |value| *value = json!([1]),
        |value| *value = json!({ "signed": value["signed"].clone() }),
        |value| value["signatures"][0] = json!({ "keyid": 7, "sig": "00" }),
    ] {
        let kit = with_file(&draft(&vendor), "META/timestamp.json", |bytes| bend_json(&bytes, bend));
        assert_eq!(code(&kit, &vendor.trust()), "E-SCHEMA");
    }
}

#[test]
fn unknown_signed_fields_are_accepted() {
    // S09.
    let vendor = Vendor::new(1);
    let mut draft = draft(&vendor);
    for role in ["targets", "feeds", "snapshot", "timestamp"] {
        draft.role(role)["x-future"] = json!({ "a": [1, 2] });
    }
    draft.role("targets")["ouk"]["x-future"] = 1.into();
    draft.role("feeds")["targets"]["feeds/a"]["custom"]["ouk"]["x-future"] = 1.into();
    assert_eq!(code(&draft.kit(), &vendor.trust()), "accepted");
}

#[test]
fn floods_of_signatures_are_refused_at_once() {
    // S17 (CVE-2023-33957, CVE-2024-45395).
    let vendor = Vendor::new(1);
    let kit = with_file(&draft(&vendor), "META/timestamp.json", |bytes| {
        bend_json(&bytes, |value| {
            let one = value["signatures"][0].clone();
            value["signatures"] = vec![one; 10_000].into();
        })
    });
    assert_eq!(code(&kit, &vendor.trust()), "E-LIMIT");
}

#[test]
fn the_signature_covers_the_signed_part_and_no_prefix_of_it() {
    let vendor = Vendor::new(1);
    let key = SigningKey::from_bytes(&[7; 32]);
    assert_ne!(key.sign(b"a").to_bytes(), key.sign(b"ab").to_bytes());
    for field in ["version", "expires", "meta"] {
        let kit = with_file(&draft(&vendor), "META/timestamp.json", |bytes| {
            bend_json(&bytes, |value| match field {
                "version" => value["signed"]["version"] = 5.into(),
                "expires" => value["signed"]["expires"] = "2030-01-01T00:00:00Z".into(),
                _ => value["signed"]["meta"]["snapshot.json"]["length"] = 5.into(),
            })
        });
        assert_eq!(code(&kit, &vendor.trust()), "E-TS-SIG", "{field}");
    }
}
