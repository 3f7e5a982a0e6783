//! S: attacks on signatures, keys and delegations.

use attest::statement::OukImport;
use domain::digest::Digest;
use forge::{
    Draft, Vendor, bend_json, bend_root, canonical, compress, relabelled, replace_entitlement_key, rng, sign, tar,
    with_file,
};
use importer::SealPolicy;
use ouk::keys::{KeyPair, Role, RootRoles};
use ouk::seal::{TrustedComment, sign_minisign};
use serde_json::{Value, json};

use super::bench::HELD;
use super::{Bench, Elsewhere, Letter, attacks};

attacks! {
    s01_a_role_without_its_keys_signature_is_refused "S01" ["E-TS-SIG", "E-SNAP-SIG", "E-TGT-SIG", "E-ROOT-SIG"];
    s02_signatures_are_counted_by_distinct_keys "S02" ["E-THRESHOLD", "E-SCHEMA", "accepted"];
    s03_thresholds_are_between_one_and_the_number_of_keys "S03" ["E-SCHEMA"];
    s04_an_invalid_signature_beside_enough_valid_ones_is_written_down "S04" ["WARN"];
    s05_a_key_that_a_newer_root_took_away_does_not_count "S05" ["E-TS-SIG", "E-SNAP-SIG", "E-TGT-SIG", "accepted"];
    s06_keys_of_another_scheme_do_not_count "S06" ["E-ALG"];
    s07_weak_keys_and_malleated_signatures_are_refused "S07" ["E-ALG", "E-TS-SIG"];
    s08_signed_bytes_have_one_spelling "S08" ["E-JSON", "E-SCHEMA"];
    s09_unknown_signed_fields_are_accepted "S09" ["accepted"];
    s10_what_cannot_be_parsed_is_refused_and_never_skipped "S10" ["E-SCHEMA", "E-JSON"];
    s11_a_seal_that_is_there_must_be_right "S11" ["E-SEAL", "accepted"];
    s12_a_seal_counts_once_and_replaces_no_signature "S12" ["E-SEAL", "E-THRESHOLD"];
    s13_roots_follow_each_other_under_both_thresholds "S13"
        ["E-ROOT-SIG", "E-THRESHOLD", "E-ROOT-GAP", "E-ROOT-OLD", "E-ROOT-VERSION", "E-SCHEMA", "E-LIMIT", "accepted"];
    s14_a_kit_that_ends_at_an_older_root_is_refused "S14" ["E-ROOT-OLD", "accepted"];
    s15_a_bad_root_is_not_remembered "S15" ["E-ROOT-SIG", "accepted"];
    s16_delegations_stay_in_the_profile "S16" ["E-TGT-DELEGATION", "E-TGT-SCOPE", "E-LIMIT"];
    s17_floods_are_refused_at_once "S17" ["E-LIMIT"];
}

pub(crate) const LETTER: Letter = Letter {
    cases: CASES,
    elsewhere: &[
        Elsewhere {
            id: "S18",
            tests: &[
                "attest/src/dsse.rs::a_signature_for_another_purpose_is_worth_nothing",
                "attest/src/keys.rs::one_key_for_two_purposes_is_found",
                "ouk/tests/kit/site.rs::the_word_of_another_site_or_of_the_vendor_is_none",
                "store/tests/audit.rs::a_receipt_is_signed_for_its_place_in_the_log_and_the_proof_can_be_checked_alone",
            ],
        },
        Elsewhere { id: "S19", tests: &["attest/src/checkpoint.rs::witnesses_are_counted_by_operator"] },
        Elsewhere {
            id: "S07",
            tests: &[
                "ouk/tests/kit/signatures.rs::keys_of_small_order_and_keys_with_two_spellings_are_refused",
                "ouk/tests/kit/signatures.rs::the_tuf_library_alone_would_take_that_forgery",
            ],
        },
        Elsewhere {
            id: "S11",
            tests: &[
                "ouk/tests/kit/seal.rs::a_seal_has_exactly_one_spelling",
                "ouk/tests/kit/seal.rs::a_legacy_seal_is_refused",
                "ouk/tests/kit/seal.rs::a_lying_untrusted_comment_changes_nothing",
            ],
        },
    ],
    open: &[],
};

const ROLES: [(&str, &str); 6] = [
    ("timestamp", "E-TS-SIG"),
    ("snapshot", "E-SNAP-SIG"),
    ("targets", "E-TGT-SIG"),
    ("feeds", "E-TGT-SIG"),
    ("trivydb", "E-TGT-SIG"),
    ("entitlements", "E-TGT-SIG"),
];

/// The good kit with the timestamp's document bent after it was signed.
fn timestamp_bent(bench: &Bench, bend: impl Fn(&mut Value)) -> Vec<u8> {
    with_file(&bench.draft(), "META/timestamp.json", |bytes| bend_json(&bytes, &bend))
}

fn s01_a_role_without_its_keys_signature_is_refused(bench: &mut Bench) {
    let stranger = Vendor::new(2);
    for (role, expected) in ROLES {
        let others = if role == "targets" { "feeds" } else { "targets" };
        let (own, root) = (bench.vendor.pairs(others), bench.vendor.pairs("root"));
        for (who, signers) in
            [("nobody", vec![]), ("a stranger", stranger.pairs(role)), ("another role", own), ("the root", root)]
        {
            let mut draft = bench.draft();
            draft.sign_with(role, signers);
            bench.refuse(&format!("{role} signed by {who}"), &draft.kit(), expected);
        }
    }
    let mut strange = super::bench::good_draft(&stranger, HELD + 1, 2);
    bench.refuse("a kit all of a stranger's keys", &strange.kit(), "E-ROOT-SIG");
    strange.roots = bench.vendor.roots.clone();
    bench.refuse("the same with our root", &strange.kit(), "E-TS-SIG");
}

fn s02_signatures_are_counted_by_distinct_keys(bench: &mut Bench) {
    for role in ["targets", "feeds", "trivydb"] {
        let key = bench.vendor.pairs(role)[0].clone();
        let mut draft = bench.draft();
        draft.sign_with(role, vec![key.clone()]);
        bench.refuse(&format!("{role}: one of two"), &draft.kit(), "E-THRESHOLD");
        draft.sign_with(role, vec![key.clone(), key]);
        bench.refuse(&format!("{role}: one key twice"), &draft.kit(), "E-THRESHOLD");
    }
    let mut draft = bench.draft();
    let delegations = &mut draft.role("targets")["delegations"];
    let id = delegations["roles"][0]["keyids"][0].as_str().expect("an id").to_owned();
    let mut twin = delegations["keys"][&id].clone();
    twin["x-owner"] = "twin".into();
    let twin_id = "ab".repeat(32);
    delegations["keys"][&twin_id] = twin;
    delegations["roles"][0]["keyids"] = json!([id, twin_id]);
    bench.refuse("one key under two names", &draft.kit(), "E-SCHEMA");
    let mut enough = bench.draft();
    enough.sign_with("feeds", bench.vendor.pairs("feeds")[1..].to_vec());
    bench.accept("two of three", &enough.kit());
}

fn s03_thresholds_are_between_one_and_the_number_of_keys(bench: &mut Bench) {
    for threshold in [json!(0), json!(-1), json!(4), json!("2"), json!(1_u64 << 63), Value::Null] {
        let mut draft = bench.draft();
        draft.role("targets")["delegations"]["roles"][0]["threshold"] = threshold.clone();
        bench.refuse(&format!("a delegation with threshold {threshold}"), &draft.kit(), "E-SCHEMA");
    }
    for threshold in [0, 3] {
        let mut draft = bench.draft();
        let next = bend_root(&bench.vendor, |signed| {
            signed["version"] = 2.into();
            signed["roles"]["timestamp"]["threshold"] = threshold.into();
        });
        draft.roots.push(next);
        bench.refuse(&format!("a root that gives the timestamp threshold {threshold}"), &draft.kit(), "E-SCHEMA");
    }
}

fn s04_an_invalid_signature_beside_enough_valid_ones_is_written_down(bench: &mut Bench) {
    let kit = timestamp_bent(bench, |value| value["signatures"][0]["sig"] = "00".repeat(64).into());
    let source = bench.medium(&kit);
    bench.import_changing(source).unwrap_or_else(|error| panic!("{error}"));
    let receipt = bench.receipts().pop().expect("one");
    assert_eq!((receipt.result.as_str(), about_signatures(&receipt)), ("activated", 1), "{:?}", receipt.warnings);
    bench.note("an invalid one", "WARN");
    let mut foreign = bench.draft_of(HELD + 2, 2);
    let mut signers = bench.vendor.pairs("timestamp");
    signers.extend(Vendor::new(2).pairs("timestamp"));
    foreign.sign_with("timestamp", signers);
    let source = bench.medium(&foreign.kit());
    bench.import_changing(source).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(about_signatures(&bench.receipts().pop().expect("one")), 2);
    bench.note("two foreign ones", "WARN");
}

fn about_signatures(receipt: &OukImport) -> usize {
    receipt.warnings.iter().filter(|warning| warning.starts_with("META/timestamp.json")).count()
}

fn s05_a_key_that_a_newer_root_took_away_does_not_count(bench: &mut Bench) {
    for (role, expected) in
        [(Role::Timestamp, "E-TS-SIG"), (Role::Snapshot, "E-SNAP-SIG"), (Role::Targets, "E-TGT-SIG")]
    {
        let old = bench.vendor.pairs(role.as_str());
        bench.vendor.rotate(role, 0);
        let mut stolen = bench.draft();
        stolen.sign_with(role.as_str(), old);
        bench.refuse(&format!("{role} signed by its old keys"), &stolen.kit(), expected);
    }
    let kit = bench.draft().kit();
    bench.accept("all signed by the new keys", &kit);
}

fn s06_keys_of_another_scheme_do_not_count(bench: &mut Bench) {
    for (keytype, scheme) in [
        ("ed25519", "ecdsa-sha2-nistp256"),
        ("rsa", "ed25519"),
        ("ecdsa", "ecdsa-sha2-nistp256"),
        ("rsa", "rsassa-pss-sha256"),
        ("hmac", "hmac-sha256"),
        ("ml-dsa", "ml-dsa-65/1"),
        ("none", "none"),
    ] {
        let kit = relabelled(bench.draft(), |key| {
            key["keytype"] = keytype.into();
            key["scheme"] = scheme.into();
        });
        bench.refuse(&format!("{keytype}, {scheme}"), &kit, "E-ALG");
    }
}

/// s + L, the same number to a verifier that does not look.
fn malleated(signature: &str) -> String {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let hex = |at: usize| u8::from_str_radix(&signature[2 * at..2 * at + 2], 16).expect("hex");
    let mut raw: Vec<u8> = (0..64).map(hex).collect();
    let mut carry = 0;
    for (byte, order) in raw[32..].iter_mut().zip(ORDER) {
        carry += u16::from(*byte) + u16::from(order);
        *byte = carry as u8;
        carry >>= 8;
    }
    raw.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn s07_weak_keys_and_malleated_signatures_are_refused(bench: &mut Bench) {
    // The identity, points of order 2, 4 and 8, a sound point in a second spelling, no point at all.
    for public in [
        format!("01{}", "00".repeat(31)),
        format!("ec{}7f", "ff".repeat(30)),
        "00".repeat(32),
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05".to_owned(),
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a".to_owned(),
        format!("ee{}7f", "ff".repeat(30)),
        format!("02{}", "00".repeat(31)),
    ] {
        let kit = relabelled(bench.draft(), |key| key["keyval"]["public"] = public.clone().into());
        bench.refuse(&public, &kit, "E-ALG");
    }
    let identity = format!("01{}", "00".repeat(31));
    let mut draft = bench.draft();
    let id = replace_entitlement_key(&mut draft, |key| key["keyval"]["public"] = identity.clone().into());
    draft.sign_with("entitlements", vec![]);
    let forged = json!([{ "keyid": id, "sig": format!("01{}", "00".repeat(63)) }]);
    let files = draft.files_with(&|role, bytes| match role {
        "entitlements" => bend_json(&bytes, |value| value["signatures"] = forged.clone()),
        _ => bytes,
    });
    bench.refuse("a forgery under the identity", &draft.kit_of(&compress(&tar(&files))), "E-ALG");
    let mut draft = bench.draft();
    draft.sign_with("timestamp", vec![bench.vendor.pairs("timestamp")[0].clone()]);
    let kit = with_file(&draft, "META/timestamp.json", |bytes| {
        bend_json(&bytes, |value| {
            let signature = value["signatures"][0]["sig"].as_str().expect("a signature").to_owned();
            value["signatures"][0]["sig"] = malleated(&signature).into();
        })
    });
    bench.refuse("s + L for s", &kit, "E-TS-SIG");
}

fn s08_signed_bytes_have_one_spelling(bench: &mut Bench) {
    type Bend = fn(String) -> Vec<u8>;
    let bends: [(&str, Bend); 14] = [
        ("white space", |text| text.replacen(':', ": ", 1).into_bytes()),
        ("a newline at the end", |text| format!("{text}\n").into_bytes()),
        ("reordered keys", |text| {
            let value: Value = serde_json::from_str(&text).expect("JSON");
            format!("{{\"signed\":{},\"signatures\":{}}}", value["signed"], value["signatures"]).into_bytes()
        }),
        ("1.0 for 1", |text| text.replacen("\"version\":6", "\"version\":6.0", 1).into_bytes()),
        ("an exponent", |text| text.replacen("\"version\":6", "\"version\":6e0", 1).into_bytes()),
        ("a leading zero", |text| text.replacen("\"version\":6", "\"version\":06", 1).into_bytes()),
        ("an overflow", |text| text.replacen("\"version\":6", "\"version\":1e400", 1).into_bytes()),
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
        let kit =
            with_file(&bench.draft(), "META/timestamp.json", |bytes| bend(String::from_utf8(bytes).expect("text")));
        bench.refuse(what, &kit, "E-JSON");
    }
    let kit = timestamp_bent(bench, |value| value["note"] = "hi".into());
    bench.refuse("a field beside what is signed", &kit, "E-SCHEMA");
}

fn s09_unknown_signed_fields_are_accepted(bench: &mut Bench) {
    let mut draft = bench.draft();
    for role in ["targets", "feeds", "snapshot", "timestamp"] {
        draft.role(role)["x-future"] = json!({ "a": [1, 2] });
    }
    draft.role("targets")["ouk"]["x-future"] = 1.into();
    bench.accept("in every role", &draft.kit());
}

fn s10_what_cannot_be_parsed_is_refused_and_never_skipped(bench: &mut Bench) {
    type Bend = fn(&mut Value);
    for (what, bend) in [
        ("no signatures", (|value| value["signatures"] = Value::Null) as Bend),
        ("a list for the signed part", |value| value["signed"] = json!([])),
        ("a list", |value| *value = json!([1])),
        ("the signed part alone", |value| *value = json!({ "signed": value["signed"].clone() })),
        ("a number for a key's id", |value| value["signatures"][0] = json!({ "keyid": 7, "sig": "00" })),
        ("a second copy of the signed part", |value| value["signed2"] = value["signed"].clone()),
    ] {
        let kit = timestamp_bent(bench, bend);
        bench.refuse(what, &kit, "E-SCHEMA");
    }
    for role in ["timestamp", "snapshot", "targets", "feeds", "entitlements"] {
        let draft = bench.draft();
        let files = draft.files_with(&|bent, bytes| if bent == role { b"}".to_vec() } else { bytes });
        bench.refuse(&format!("{role} is no JSON"), &draft.kit_of(&compress(&tar(&files))), "E-JSON");
    }
}

/// A seal for a kit, by a release manager who says what they are told to.
fn seal(vendor: &Vendor, kit: &[u8], bend: impl Fn(&mut TrustedComment)) -> String {
    let mut comment = TrustedComment { kit: HELD + 1, root: 1, targets: HELD + 1, sha256: Digest::of(kit) };
    bend(&mut comment);
    sign_minisign(kit, &vendor.seal_key.0, None, &comment).expect("signs")
}

fn s11_a_seal_that_is_there_must_be_right(bench: &mut Bench) {
    let kit = bench.draft().kit();
    let key = bench.vendor.seal_key.1.clone();
    let good = seal(&bench.vendor, &kit, |_| {});
    let stranger = Vendor::new(2);
    for (what, text) in [
        ("empty", String::new()),
        ("of another key", seal(&stranger, &kit, |_| {})),
        ("of another file", seal(&bench.vendor, b"another file", |comment| comment.sha256 = Digest::of(&kit))),
        ("for another kit", seal(&bench.vendor, &kit, |comment| comment.kit = 99)),
        ("for another root", seal(&bench.vendor, &kit, |comment| comment.root = 9)),
        ("for another digest", seal(&bench.vendor, &kit, |comment| comment.sha256 = Digest::of(b""))),
        ("legacy", good.replacen("\nRU", "\nRW", 1)),
        ("with CRLF", good.replace('\n', "\r\n")),
        ("with lines behind it", format!("{good}trailing\n")),
        ("with a bent trusted comment", good.replace("kit=6", "kit=7")),
        ("with an escape code", good.replacen("untrusted comment: ", "untrusted comment: \u{1b}[2J", 1)),
    ] {
        bench.seal = Some((text, key.clone()));
        bench.refuse(what, &kit, "E-SEAL");
    }
    bench.seal_policy = SealPolicy::Required;
    bench.seal = None;
    bench.refuse("required and absent", &kit, "E-SEAL");
    bench.seal = Some((good.clone(), String::new()));
    bench.refuse("required and no key to check it", &kit, "E-SEAL");
    bench.seal = Some((good, key));
    bench.accept("right", &kit);
}

fn s12_a_seal_counts_once_and_replaces_no_signature(bench: &mut Bench) {
    let mut draft = bench.draft();
    draft.sign_with("targets", bench.vendor.pairs("targets")[..1].to_vec());
    let kit = draft.kit();
    let good = seal(&bench.vendor, &kit, |_| {});
    let key = bench.vendor.seal_key.1.clone();
    bench.seal = Some((good.clone(), key.clone()));
    bench.refuse("a right seal on a kit with one signature less", &kit, "E-THRESHOLD");
    bench.seal = Some((format!("{good}{good}"), key));
    bench.refuse("two seals of one key", &kit, "E-SEAL");
}

fn s13_roots_follow_each_other_under_both_thresholds(bench: &mut Bench) {
    let mut rng = rng(77);
    let fresh: Vec<KeyPair> = (0..5).map(|_| KeyPair::generate(&mut rng)).collect();
    let old = bench.vendor.pairs("root");
    let signed = next_root_signed(&bench.vendor, &fresh);
    for (what, signers, expected) in [
        ("signed only by the new keys", fresh.iter().collect::<Vec<_>>(), "E-ROOT-SIG"),
        ("signed only by the old keys", old.iter().collect(), "E-ROOT-SIG"),
        ("one old key too few", old.iter().take(2).chain(&fresh).collect(), "E-THRESHOLD"),
        ("one new key too few", old.iter().chain(fresh.iter().take(2)).collect(), "E-THRESHOLD"),
    ] {
        let mut draft = bench.draft();
        draft.roots.push(sign(&signed, &signers));
        bench.refuse(what, &draft.kit(), expected);
    }
    bench.vendor.rotate(Role::Root, 5);
    bench.vendor.rotate(Role::Root, 5);
    let draft = bench.draft();
    for (what, dropped, expected) in [("a gap", vec![2], "E-ROOT-GAP"), ("no root at all", vec![1, 2, 3], "E-ROOT-OLD")]
    {
        let mut files = draft.files();
        dropped.iter().for_each(|version| drop(files.remove(&format!("META/root/{version}.root.json"))));
        bench.refuse(what, &draft.kit_of(&compress(&tar(&files))), expected);
    }
    let mut repeated = bench.draft();
    repeated.roots[2] = repeated.roots[1].clone();
    bench.refuse("one version twice", &repeated.kit(), "E-ROOT-VERSION");
    for (version, expected) in [(0_u64, "E-SCHEMA"), (1 << 63, "E-LIMIT")] {
        let mut odd = bench.draft();
        odd.roots[1] = bend_root(&bench.vendor, |signed| signed["version"] = version.into());
        bench.refuse(&format!("version {version}"), &odd.kit(), expected);
    }
    let mut many = draft.files();
    (4..=1100).for_each(|version| drop(many.insert(format!("META/root/{version}.root.json"), b"{}".to_vec())));
    bench.refuse("1100 roots", &draft.kit_of(&compress(&tar(&many))), "E-LIMIT");
    bench.accept("two roots further", &draft.kit());
}

/// What the next root says when the root's keys are replaced by these.
fn next_root_signed(vendor: &Vendor, fresh: &[KeyPair]) -> Value {
    let mut roles = RootRoles::of(&vendor.roots[0]).expect("roles");
    roles.roles.get_mut(&Role::Root).expect("root").0 = fresh.iter().map(|pair| pair.public().clone()).collect();
    let signers: Vec<KeyPair> = vendor.pairs("root").iter().chain(fresh).cloned().collect();
    let next = ouk::keys::NextRoot {
        current: &vendor.roots[0],
        roles,
        expires: forge::now().plus_days(700),
        signers: &signers,
    };
    let next = ouk::keys::sign_next_root(&next).expect("both thresholds");
    serde_json::from_slice::<Value>(&next).expect("JSON")["signed"].clone()
}

fn s14_a_kit_that_ends_at_an_older_root_is_refused(bench: &mut Bench) {
    let old = bench.draft_of(HELD + 9, 2).kit();
    bench.vendor.rotate(Role::Root, 5);
    let kit = bench.draft().kit();
    bench.accept("a kit with root 2", &kit);
    bench.refuse("a later kit that knows root 1 only", &old, "E-ROOT-OLD");
}

fn s15_a_bad_root_is_not_remembered(bench: &mut Bench) {
    bench.vendor.rotate(Role::Root, 5);
    let mut bad = bench.draft();
    let third = bend_root(&bench.vendor, |signed| signed["version"] = 3.into());
    bad.roots.push(sign(&serde_json::from_slice::<Value>(&third).expect("JSON")["signed"], &[]));
    bench.refuse("root 2 is good, root 3 is signed by nobody", &bad.kit(), "E-ROOT-SIG");
    let trust = bench.store.trust().expect("readable").expect("pinned");
    assert_eq!(trust.root, bench.vendor.roots[0], "not even the good root 2 is remembered");
    let kit = bench.draft().kit();
    bench.accept("the good kit, from root 1 on", &kit);
}

fn s16_delegations_stay_in_the_profile(bench: &mut Bench) {
    type Bend = fn(&mut Value);
    for (what, bend) in [
        ("not terminating", (|role| role["terminating"] = false.into()) as Bend),
        ("hash prefixes", |role| role["path_hash_prefixes"] = json!(["00"])),
        ("no paths", |role| role["paths"] = json!([])),
        ("a broken pattern", |role| role["paths"] = json!(["feeds/[a"])),
        ("named like a top-level role", |role| role["name"] = "root".into()),
        ("a climbing name", |role| role["name"] = "../../x".into()),
        ("a dotted name", |role| role["name"] = "1.root".into()),
        ("another role's name", |role| role["name"] = "trivydb".into()),
        ("a name that nothing pins", |role| role["name"] = "feeds2".into()),
    ] {
        let mut draft = bench.draft();
        bend(&mut draft.role("targets")["delegations"]["roles"][0]);
        bench.refuse(what, &draft.kit(), "E-TGT-DELEGATION");
    }
    for name in ["Feeds2", "1.root", "root", "feeds.v2", "x-0123456789-0123456789-0123456789"] {
        // One more role, signed, pinned and in the kit: nothing is wrong but its name.
        let mut more = bench.draft();
        let mut signed = more.roles["feeds"].clone();
        signed["targets"] = json!({});
        let signers = more.signers["feeds"].clone();
        let roles = more.role("targets")["delegations"]["roles"].as_array_mut().expect("roles");
        let mut role = roles[0].clone();
        role["name"] = name.into();
        role["paths"] = json!(["extra/*"]);
        roles.push(role);
        more.roles.insert(name.to_owned(), signed);
        more.sign_with(name, signers);
        bench.refuse(&format!("one more role, named {name}"), &more.kit(), "E-TGT-DELEGATION");
    }
    let mut cyclic = bench.draft();
    let delegations = cyclic.role("targets")["delegations"].clone();
    cyclic.role("feeds")["delegations"] = delegations;
    bench.refuse("a cycle", &cyclic.kit(), "E-TGT-DELEGATION");
    let mut many = bench.draft();
    let roles = many.role("targets")["delegations"]["roles"].as_array_mut().expect("roles");
    let first = roles[0].clone();
    roles.extend((0..1000).map(|number| {
        let mut role = first.clone();
        role["name"] = format!("r{number}").into();
        role
    }));
    bench.refuse("1000 roles", &many.kit(), "E-LIMIT");
    let empty = Digest::of(b"");
    let scoped = |bench: &Bench, role: &str, path: &str, bend: &dyn Fn(&mut Draft)| {
        let mut draft = bench.draft();
        bend(&mut draft);
        draft.target(role, path, 0, &empty, json!([]));
        draft.kit()
    };
    for path in ["os/image.raw", "feeds", "feeds/a/b/c", "trivy/trivy.db", "jwt/x"] {
        let kit = scoped(bench, "feeds", path, &|_| {});
        bench.refuse(&format!("feeds signs {path}"), &kit, "E-TGT-SCOPE");
    }
    let kit = scoped(bench, "targets", "feeds/manifest.json", &|_| {});
    bench.refuse("two roles sign one path", &kit, "E-TGT-SCOPE");
    let kit = scoped(bench, "trivydb", "feeds/z", &|draft| {
        draft.role("targets")["delegations"]["roles"][1]["paths"] = json!(["feeds/*"]);
    });
    bench.refuse("a later role shadows an earlier one", &kit, "E-TGT-SCOPE");
}

fn s17_floods_are_refused_at_once(bench: &mut Bench) {
    let kit = timestamp_bent(bench, |value| {
        let one = value["signatures"][0].clone();
        value["signatures"] = vec![one; 10_000].into();
    });
    bench.refuse("10000 signatures", &kit, "E-LIMIT");
    let mut draft = bench.draft();
    draft.role("targets")["x"] = "x".repeat(7 << 20).into();
    bench.refuse("7 MiB of one role", &draft.kit(), "E-LIMIT");
    let mut draft = bench.draft();
    let mut rng = rng(3);
    let keys = draft.role("targets")["delegations"]["keys"].as_object_mut().expect("keys");
    keys.extend((0..300).map(|_| {
        let key = KeyPair::generate(&mut rng);
        (Digest::of(&canonical(&key.public().to_value())).to_string(), key.public().to_value())
    }));
    bench.refuse("300 keys", &draft.kit(), "E-LIMIT");
}
