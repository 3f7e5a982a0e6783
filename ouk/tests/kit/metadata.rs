//! M and T: attacks on versions, floors, pins, gates and time.

use std::io::Cursor;

use domain::digest::Digest;
use domain::time::Timestamp;
use ouk::build::{BuildInput, build};
use ouk::keys::Role;
use ouk::limits::Limits;
use ouk::read::open;
use ouk::verify::{Floor, Gates, KitBase, TrustState};
use serde_json::{Value, json};

use crate::support::{Draft, Vendor, after, canonical, code, compress, gates, import, import_at, now, pin, sign, tar};

const TARGETS: &[(&str, &[u8])] = &[("feeds/a", b"hello"), ("os/b", b"b")];

/// The trust after kit 5 was activated.
fn at_kit_5(vendor: &Vendor) -> TrustState {
    after(&import(&Draft::new(vendor, 5, TARGETS).kit(), &vendor.trust()).expect("imports").0)
}

fn code_at(kit: &[u8], trust: &TrustState, now: Timestamp) -> String {
    let result = import_at(kit, trust, &gates(), now, &Limits::default());
    result.map_or_else(|error| error.code().to_owned(), |_| "accepted".to_owned())
}

#[test]
fn an_older_kit_is_refused() {
    // M01, all roles together: the timestamp is the first to be seen.
    let vendor = Vendor::new(1);
    let trust = at_kit_5(&vendor);
    assert_eq!(code(&Draft::new(&vendor, 4, TARGETS).kit(), &trust), "E-TS-ROLLBACK");
    assert_eq!(code(&Draft::new(&vendor, 6, TARGETS).kit(), &trust), "accepted");
}

#[test]
fn each_single_role_that_goes_back_is_refused() {
    // M01.
    let vendor = Vendor::new(1);
    let trust = at_kit_5(&vendor);
    for (role, expected) in [
        ("timestamp", "E-TS-ROLLBACK"),
        ("snapshot", "E-SNAP-ROLLBACK"),
        ("targets", "E-TGT-ROLLBACK"),
        ("feeds", "E-TGT-ROLLBACK"),
        ("trivydb", "E-TGT-ROLLBACK"),
        ("entitlements", "E-TGT-ROLLBACK"),
    ] {
        let mut draft = Draft::new(&vendor, 6, TARGETS);
        draft.role(role)["version"] = 4.into();
        assert_eq!(code(&draft.kit(), &trust), expected, "{role}");
    }
}

#[test]
fn the_same_version_with_other_content_is_refused() {
    // M03: what one library accepts.
    let vendor = Vendor::new(1);
    let trust = at_kit_5(&vendor);
    for (role, expected) in [
        ("timestamp", "E-TS-EQUIVOCATION"),
        ("snapshot", "E-SNAP-EQUIVOCATION"),
        ("targets", "E-TGT-EQUIVOCATION"),
        ("feeds", "E-TGT-EQUIVOCATION"),
        ("entitlements", "E-TGT-EQUIVOCATION"),
    ] {
        let mut draft = Draft::new(&vendor, 6, TARGETS);
        draft.role(role)["version"] = 5.into();
        draft.role(role)["x-other"] = 1.into();
        assert_eq!(code(&draft.kit(), &trust), expected, "{role}");
    }
    assert_eq!(code(&Draft::new(&vendor, 5, &[("feeds/a", b"other")]).kit(), &trust), "E-TS-EQUIVOCATION");
}

#[test]
fn metadata_of_two_kits_cannot_be_mixed() {
    // M05: each file of kit 6 put into kit 7, under its own name and under the expected one.
    let vendor = Vendor::new(1);
    let (six, seven) = (Draft::new(&vendor, 6, TARGETS).files(), Draft::new(&vendor, 7, &[("feeds/a", b"new")]));
    for role in ["snapshot", "targets", "feeds", "trivydb", "entitlements"] {
        let (old, new) = (format!("META/6.{role}.json"), format!("META/7.{role}.json"));
        let mut files = seven.files();
        files.remove(&new);
        files.insert(old.clone(), six[&old].clone());
        assert_eq!(code(&seven.kit_of(&compress(&tar(&files))), &vendor.trust()), "E-MIX", "{role}");
        files.remove(&old);
        files.insert(new.clone(), six[&old].clone());
        assert_eq!(code(&seven.kit_of(&compress(&tar(&files))), &vendor.trust()), "E-MIX", "{role}");
        files.remove(&new);
        assert_eq!(code(&seven.kit_of(&compress(&tar(&files))), &vendor.trust()), "E-INCOMPLETE", "{role}");
    }
    let mut files = seven.files();
    files.insert("META/timestamp.json".to_owned(), six["META/timestamp.json"].clone());
    assert_eq!(code(&seven.kit_of(&compress(&tar(&files))), &vendor.trust()), "E-MIX");
}

#[test]
fn blobs_of_another_kit_are_refused() {
    // M05.
    let vendor = Vendor::new(1);
    let mut draft = Draft::new(&vendor, 6, &[("feeds/a", b"hello")]);
    draft.frames = Draft::new(&vendor, 6, &[("feeds/a", b"hullo")]).frames;
    assert_eq!(code(&draft.kit(), &vendor.trust()), "E-DIGEST");
}

#[test]
fn a_pinned_version_must_be_the_documents() {
    // M05: digest and length fit, the version does not.
    let vendor = Vendor::new(1);
    let mut draft = Draft::new(&vendor, 6, TARGETS);
    let feeds = draft.files()["META/6.feeds.json"].clone();
    draft.role("snapshot")["meta"] = json!({ "feeds.json": pin(&json!(7), &feeds) });
    let mut files = draft.files();
    let bytes = files.remove("META/6.feeds.json").expect("feeds");
    files.insert("META/7.feeds.json".to_owned(), bytes);
    assert_eq!(code(&draft.kit_of(&compress(&tar(&files))), &vendor.trust()), "E-MIX");
}

#[test]
fn a_snapshot_cannot_drop_a_role_and_may_add_one() {
    // M06.
    let vendor = Vendor::new(1);
    let trust = at_kit_5(&vendor);
    let mut draft = Draft::new(&vendor, 6, TARGETS);
    draft.role("snapshot")["meta"] = json!({ "entitlements.json": false });
    assert_eq!(code(&draft.kit(), &trust), "E-SNAP-REMOVED");
    // Nor can the delegation and the pin go together.
    draft.role("targets")["delegations"]["roles"].as_array_mut().expect("roles").pop();
    assert_eq!(code(&draft.kit(), &trust), "E-SNAP-REMOVED");
    // A pin without a delegation is not taken either.
    let mut draft = Draft::new(&vendor, 6, TARGETS);
    draft.role("targets")["delegations"]["roles"].as_array_mut().expect("roles").pop();
    assert_eq!(code(&draft.kit(), &vendor.trust()), "E-TGT-DELEGATION");
    // A site that never saw the role may meet it.
    let mut narrow = trust.clone();
    narrow.floors.roles.remove("entitlements");
    assert_eq!(code(&Draft::new(&vendor, 6, TARGETS).kit(), &narrow), "accepted");
}

#[test]
fn a_version_beyond_the_cap_is_refused() {
    // M07.
    let vendor = Vendor::new(1);
    for role in ["timestamp", "snapshot", "targets", "feeds"] {
        for version in [1_u64 << 63, u64::MAX, 1_000_000_000_000] {
            let mut draft = Draft::new(&vendor, 6, TARGETS);
            draft.role(role)["version"] = version.into();
            assert_eq!(code(&draft.kit(), &vendor.trust()), "E-LIMIT", "{role} {version}");
        }
    }
}

#[test]
fn a_stolen_timestamp_key_can_lock_a_site_until_the_root_takes_it_away() {
    // M07: fast-forward, then recovery.
    let mut vendor = Vendor::new(1);
    let mut forward = Draft::new(&vendor, 5, TARGETS);
    forward.role("timestamp")["version"] = (1_u64 << 31).into();
    let locked = after(&import(&forward.kit(), &vendor.trust()).expect("imports").0);
    assert_eq!(code(&Draft::new(&vendor, 6, TARGETS).kit(), &locked), "E-TS-ROLLBACK");
    vendor.rotate(Role::Timestamp, 1);
    let (verified, _) = import(&Draft::new(&vendor, 6, TARGETS).kit(), &locked).expect("recovers");
    assert_eq!(verified.floors().roles["timestamp"].version, 6);
    // The other floors held: with the same new root an older snapshot is still refused.
    let mut old = Draft::new(&vendor, 6, TARGETS);
    old.role("snapshot")["version"] = 4.into();
    assert_eq!(code(&old.kit(), &locked), "E-SNAP-ROLLBACK");
    // And once recovered, the floor holds anew.
    assert_eq!(code(&Draft::new(&vendor, 5, TARGETS).kit(), &after(&verified)), "E-TS-ROLLBACK");
}

#[test]
fn a_rotation_that_only_adds_or_keeps_keys_lowers_no_floor() {
    let mut vendor = Vendor::new(1);
    let trust = at_kit_5(&vendor);
    vendor.rotate(Role::Root, 2);
    vendor.rotate(Role::Timestamp, 2);
    assert_eq!(code(&Draft::new(&vendor, 4, TARGETS).kit(), &trust), "E-TS-ROLLBACK");
}

#[test]
fn targets_keys_that_are_taken_away_reset_targets_and_delegated_floors() {
    // M07, 2.14: the targets key was stolen and its versions pushed up.
    let mut vendor = Vendor::new(1);
    let mut forward = Draft::new(&vendor, 5, TARGETS);
    for role in ["targets", "feeds"] {
        forward.role(role)["version"] = 900_000.into();
    }
    let locked = after(&import(&forward.kit(), &vendor.trust()).expect("imports").0);
    assert_eq!(code(&Draft::new(&vendor, 6, TARGETS).kit(), &locked), "E-TGT-ROLLBACK");
    vendor.rotate(Role::Targets, 2);
    assert_eq!(code(&Draft::new(&vendor, 6, TARGETS).kit(), &locked), "accepted");
}

#[test]
fn an_intermediate_root_may_be_expired_and_the_last_may_not() {
    // M08, M09.
    let mut vendor = Vendor::new(1);
    let trust = vendor.trust();
    vendor.rotate(Role::Root, 5);
    let expire = |root: &[u8]| {
        let mut value: Value = serde_json::from_slice(root).expect("JSON");
        value["signed"]["expires"] = "2020-01-01T00:00:00Z".into();
        sign(&value["signed"], &vendor.pairs("root").iter().collect::<Vec<_>>())
    };
    let mut draft = Draft::new(&vendor, 6, TARGETS);
    draft.roots[1] = expire(&draft.roots[1]);
    assert_eq!(code(&draft.kit(), &trust), "E-EXPIRED");
    let mut draft = Draft::new(&vendor, 6, TARGETS);
    let expired_first = expire(&draft.roots[0]);
    draft.roots[0] = expired_first.clone();
    let trust = TrustState { root: expired_first, ..trust };
    assert_eq!(code(&draft.kit(), &trust), "accepted");
}

#[test]
fn an_expired_role_is_refused() {
    // M09. The end itself is already too late.
    let vendor = Vendor::new(1);
    for (role, expected) in [
        ("timestamp", "E-TS-EXPIRED"),
        ("snapshot", "E-EXPIRED"),
        ("targets", "E-EXPIRED"),
        ("feeds", "E-EXPIRED"),
        ("entitlements", "E-EXPIRED"),
    ] {
        for (seconds, expected) in [(-1, expected), (0, expected), (1, "accepted")] {
            let mut draft = Draft::new(&vendor, 6, TARGETS);
            draft.role(role)["expires"] = now().plus_seconds(seconds).to_string().into();
            // The kit must not claim to be signed after it expires.
            draft.role("targets")["ouk"]["signed_at"] = now().plus_days(-1).to_string().into();
            assert_eq!(code(&draft.kit(), &vendor.trust()), expected, "{role} {seconds}");
        }
    }
    let kit = Draft::new(&vendor, 6, TARGETS).kit();
    assert_eq!(code_at(&kit, &vendor.trust(), now().plus_days(44)), "accepted");
    assert_eq!(code_at(&kit, &vendor.trust(), now().plus_days(45)), "E-TS-EXPIRED");
    assert_eq!(code_at(&kit, &vendor.trust(), now().plus_days(3000)), "E-EXPIRED");
}

#[test]
fn a_clock_that_stands_far_back_does_not_stop_an_import() {
    // T01, T02: expiry is the only use of the time here; floors do the rest.
    let vendor = Vendor::new(1);
    let kit = Draft::new(&vendor, 6, TARGETS).kit();
    assert_eq!(code_at(&kit, &vendor.trust(), Timestamp::UNIX_EPOCH), "accepted");
}

#[test]
fn times_have_one_spelling() {
    // T06.
    let vendor = Vendor::new(1);
    for expires in [
        "2027-01-01T00:00:00.5Z",
        "2027-01-01T00:00:00+00:00",
        "2027-01-01 00:00:00Z",
        "2027-01-01",
        "2027-06-30T23:59:60Z",
        "2027-01-01T00:00:00z",
        "+002027-01-01T00:00:00Z",
        "",
        "never",
    ] {
        for role in ["timestamp", "targets"] {
            let mut draft = Draft::new(&vendor, 6, TARGETS);
            draft.role(role)["expires"] = expires.into();
            assert_eq!(code(&draft.kit(), &vendor.trust()), "E-SCHEMA", "{role} {expires:?}");
        }
    }
    for expires in ["2038-01-19T03:14:08Z", "2106-02-07T06:28:16Z", "9999-12-30T21:59:59Z"] {
        let mut draft = Draft::new(&vendor, 6, TARGETS);
        draft.role("timestamp")["expires"] = expires.into();
        assert_eq!(code(&draft.kit(), &vendor.trust()), "accepted", "{expires}");
    }
    let mut draft = Draft::new(&vendor, 6, TARGETS);
    draft.role("targets")["ouk"]["signed_at"] = now().plus_days(180).to_string().into();
    assert_eq!(code(&draft.kit(), &vendor.trust()), "E-SCHEMA");
}

#[test]
fn a_kit_for_another_product_channel_version_or_schema_is_refused() {
    // M11.
    let vendor = Vendor::new(1);
    let kit = Draft::new(&vendor, 6, TARGETS).kit();
    let code = |bend: fn(&mut Gates)| {
        let mut gates = gates();
        bend(&mut gates);
        let result = import_at(&kit, &vendor.trust(), &gates, now(), &Limits::default());
        result.map_or_else(|error| error.code(), |_| "accepted")
    };
    assert_eq!(code(|gates| gates.product = "other".to_owned()), "E-GATE-PRODUCT");
    assert_eq!(code(|gates| gates.channels = vec!["beta".to_owned()]), "E-GATE-CHANNEL");
    assert_eq!(code(|gates| gates.channels = vec![]), "E-GATE-CHANNEL");
    assert_eq!(code(|gates| gates.channels.push("beta".to_owned())), "accepted");
    assert_eq!(code(|gates| gates.appliance_version = "0.0.9".to_owned()), "E-GATE-VERSION");
    assert_eq!(code(|gates| gates.appliance_version = "0.10.0".to_owned()), "accepted");
    assert_eq!(code(|gates| gates.appliance_version = "unknown".to_owned()), "E-CALLER");
    assert_eq!(code(|gates| gates.schema_max = 0), "E-GATE-SCHEMA");
}

#[test]
fn damaged_remembered_state_is_never_a_first_use() {
    // M12.
    let vendor = Vendor::new(1);
    let kit = Draft::new(&vendor, 6, TARGETS).kit();
    let good = vendor.trust();
    for root in [vec![], b"{}".to_vec(), good.root[..good.root.len() - 1].to_vec(), vec![0; 70_000]] {
        let trust = TrustState { root, ..good.clone() };
        assert_eq!(code(&kit, &trust), "E-STATE");
    }
    let signed = good.root.windows(8).position(|bytes| bytes == b"\"signed\"").expect("a signed part");
    for bit in (0..good.root.len() * 8).step_by(97) {
        let mut trust = good.clone();
        trust.root[bit / 8] ^= 1 << (bit % 8);
        let refused = code(&kit, &trust);
        // A changed signature leaves four good ones, where three are needed.
        assert!(refused == "E-STATE" || refused == "accepted" && bit / 8 < signed, "bit {bit}: {refused}");
    }
    // The root went back, the floors did not: an older copy was restored in part.
    let mut older = at_kit_5(&vendor);
    older.floors.roles.insert("root".to_owned(), Floor { version: 2, sha256: Digest::of(b"") });
    assert_eq!(code(&kit, &older), "E-STATE");
    let mut other = at_kit_5(&vendor);
    other.floors.roles.insert("root".to_owned(), Floor { version: 1, sha256: Digest::of(b"") });
    assert_eq!(code(&kit, &other), "E-STATE");
}

#[test]
fn pins_without_length_or_digest_are_refused() {
    // M16: TUF allows them to be left out.
    let vendor = Vendor::new(1);
    for meta in [
        json!({ "version": 6 }),
        json!({ "version": 6, "length": 10 }),
        json!({ "version": 6, "length": 10, "hashes": {} }),
        json!({ "version": 6, "length": 10, "hashes": { "sha512": "00".repeat(64) } }),
        json!({ "version": 6, "length": 10, "hashes": { "sha256": "00" } }),
        json!({ "length": 10, "hashes": { "sha256": "00".repeat(32) } }),
    ] {
        let mut draft = Draft::new(&vendor, 6, TARGETS);
        draft.role("timestamp")["meta"] = json!({ "snapshot.json": meta });
        assert_eq!(code(&draft.kit(), &vendor.trust()), "E-SCHEMA", "{meta}");
        let mut draft = Draft::new(&vendor, 6, TARGETS);
        draft.role("snapshot")["meta"] = json!({ "feeds.json": meta });
        assert_eq!(code(&draft.kit(), &vendor.trust()), "E-SCHEMA", "{meta}");
    }
    let mut draft = Draft::new(&vendor, 6, TARGETS);
    draft.role("timestamp")["meta"] =
        json!({ "snapshot.json": pin(&json!(6), b"x"), "more.json": pin(&json!(1), b"") });
    assert_eq!(code(&draft.kit(), &vendor.trust()), "E-SCHEMA");
}

#[test]
fn targets_that_do_not_fit_their_chunks_are_refused() {
    // M16, M17.
    let vendor = Vendor::new(1);
    let digest = Digest::of(b"hello");
    let chunk = |len: u64, clen: u64| json!({ "sha256": digest, "len": len, "csha256": digest, "clen": clen });
    let code = |target: Value| {
        let mut draft = Draft::new(&vendor, 6, &[]);
        draft.role("feeds")["targets"]["feeds/a"] = target;
        code(&draft.kit(), &vendor.trust())
    };
    let target = |length: u64, chunks: Value| {
        json!({
            "length": length, "hashes": { "sha256": digest },
            "custom": { "ouk": { "media": "text/plain", "schema": 1, "chunks": chunks } },
        })
    };
    for (what, bad) in [
        ("a length that is too large", target(6, json!([chunk(5, 9)]))),
        ("a length that is too small", target(4, json!([chunk(5, 9)]))),
        ("an empty chunk", target(5, json!([chunk(5, 9), chunk(0, 9)]))),
        ("sums that overflow", target(4, json!([chunk(5, 9), chunk(u64::MAX, 9)]))),
        ("one chunk of two kinds", target(10, json!([chunk(5, 9), chunk(5, 8)]))),
        ("an empty target of something", target(0, json!([]))),
        ("no chunk list", target(5, Value::Null)),
        ("a negative length", target(5, json!([{ "sha256": digest, "len": -5, "csha256": digest, "clen": 9 }]))),
        ("an upper-case digest", {
            target(5, json!([{ "sha256": digest.to_string().to_uppercase(), "len": 5, "csha256": digest, "clen": 9 }]))
        }),
        ("no custom", json!({ "length": 5, "hashes": { "sha256": digest } })),
        ("no digest", json!({ "length": 5, "hashes": { "sha512": "00" }, "custom": target(5, json!([]))["custom"] })),
    ] {
        assert_eq!(code(bad), "E-SCHEMA", "{what}");
    }
    assert_eq!(code(target(17 << 20, json!([chunk(17 << 20, 9)]))), "E-LIMIT");
    assert_eq!(code(target(5, json!([chunk(5, 1 << 40)]))), "E-LIMIT");
    let mut other = target(5, json!([chunk(5, 9)]));
    other["hashes"]["sha256"] = Digest::of(b"other").to_string().into();
    assert_eq!(code(other), "E-SCHEMA");
    let mut media = target(5, json!([chunk(5, 9)]));
    media["custom"]["ouk"]["media"] = "text/html; <script>".into();
    assert_eq!(code(media), "E-SCHEMA");
}

#[test]
fn totals_are_limited_before_a_blob_is_read() {
    // M17, R05.
    let vendor = Vendor::new(1);
    let kit = Draft::new(&vendor, 6, TARGETS).kit();
    for limits in [
        Limits { content_bytes_max: 5, ..Limits::default() },
        Limits { kit_bytes_max: 20, ..Limits::default() },
        Limits { chunks_max: 1, ..Limits::default() },
        Limits { chunk_bytes_max: 4, ..Limits::default() },
        Limits { metadata_file_bytes_max: 100, ..Limits::default() },
        Limits { delegation_visits_max: 2, ..Limits::default() },
    ] {
        let refused = import_at(&kit, &vendor.trust(), &gates(), now(), &limits).expect_err("over a limit");
        assert_eq!(refused.code(), "E-LIMIT", "{limits:?}");
    }
}

#[test]
fn target_paths_that_climb_or_hide_are_refused() {
    // R09 (CVE-2026-40090): signed by the targets role, and refused all the same.
    let vendor = Vendor::new(1);
    for path in ["../x", "/etc/x", "a//b", "os/..", "os/\u{202e}x", "os/a b", "", "C:\\x", "a/b/c/d/e"] {
        let mut draft = Draft::new(&vendor, 6, &[]);
        draft.target("targets", path, 0, &Digest::of(b""), json!([]));
        assert_eq!(code(&draft.kit(), &vendor.trust()), "E-NAME", "{path:?}");
    }
}

#[test]
fn the_description_of_the_kit_is_required_and_checked() {
    let vendor = Vendor::new(1);
    for bend in [
        (|targets: &mut Value| targets["ouk"] = Value::Null) as fn(&mut Value),
        |targets| targets["ouk"]["spec"] = "OUK/2".into(),
        |targets| targets["ouk"]["product"] = "".into(),
        |targets| targets["ouk"]["product"] = "Stella Ops".into(),
        |targets| targets["ouk"]["channel"] = "a/b".into(),
        |targets| targets["ouk"]["min_appliance_version"] = "1".into(),
        |targets| targets["ouk"]["signed_at"] = "yesterday".into(),
        |targets| targets["ouk"]["kit_version"] = (-1).into(),
        |targets| targets["ouk"]["readme"] = Value::Null,
        |targets| targets["delegations"]["roles"] = json!({}),
        |targets| targets["targets"] = json!([]),
    ] {
        let mut draft = Draft::new(&vendor, 6, TARGETS);
        bend(draft.role("targets"));
        assert_eq!(code(&draft.kit(), &vendor.trust()), "E-SCHEMA");
    }
    // Only the top level describes the kit.
    let mut draft = Draft::new(&vendor, 6, TARGETS);
    draft.role("feeds")["ouk"] = draft.roles["targets"]["ouk"].clone();
    assert_eq!(code(&draft.kit(), &vendor.trust()), "E-SCHEMA");
}

#[test]
fn a_document_of_another_type_is_refused() {
    // A snapshot in the timestamp's place, signed by the timestamp's keys.
    let vendor = Vendor::new(1);
    for (role, kind) in [("timestamp", "snapshot"), ("snapshot", "targets"), ("targets", "snapshot"), ("feeds", "root")]
    {
        let mut draft = Draft::new(&vendor, 6, TARGETS);
        draft.role(role)["_type"] = kind.into();
        assert_eq!(code(&draft.kit(), &vendor.trust()), "E-SCHEMA", "{role}");
    }
    let mut draft = Draft::new(&vendor, 6, TARGETS);
    draft.role("timestamp").as_object_mut().expect("an object").remove("_type");
    assert_eq!(code(&draft.kit(), &vendor.trust()), "E-SCHEMA");
}

#[test]
fn the_digest_of_the_metadata_can_be_computed_by_hand() {
    let vendor = Vendor::new(1);
    let draft = Draft::new(&vendor, 6, TARGETS);
    let (verified, _) = import(&draft.kit(), &vendor.trust()).expect("imports");
    let mut lines = String::new();
    let files = draft.files();
    for (role, name, version) in [
        ("entitlements", "META/6.entitlements.json", 6),
        ("feeds", "META/6.feeds.json", 6),
        ("root", "META/root/1.root.json", 1),
        ("snapshot", "META/6.snapshot.json", 6),
        ("targets", "META/6.targets.json", 6),
        ("timestamp", "META/timestamp.json", 6),
        ("trivydb", "META/6.trivydb.json", 6),
    ] {
        let value: Value = serde_json::from_slice(&files[name]).expect("JSON");
        lines.push_str(&format!("{role} {version} {}\n", Digest::of(&canonical(&value["signed"]))));
    }
    assert_eq!(verified.metadata_digest(), Digest::of(lines.as_bytes()));
}

#[test]
fn a_delta_names_its_base_under_the_signature_and_a_full_kit_has_none() {
    let vendor = Vendor::new(1);
    let base = KitBase { kit_version: 6, content_root: Digest::of(b"root") };
    let (mut spool, mut kit) = (Cursor::new(Vec::new()), Vec::new());
    let input = BuildInput { base: Some(base), ..vendor.input(7) };
    build(input, Vec::new(), &mut spool, &mut kit, &mut |_| {}).expect("a kit");
    assert_eq!(import(&kit, &vendor.trust()).expect("accepted").0.base(), Some(base));
    let inspected = open(kit.as_slice(), &Limits::default()).expect("opens").inspect().base;
    assert_eq!(inspected, Some((Some(6), Some(base.content_root.to_string()))));
    let (full, _) = vendor.build(7, TARGETS);
    assert_eq!(import(&full, &vendor.trust()).expect("accepted").0.base(), None);
    // A delta goes forward.
    let mut draft = Draft::new(&vendor, 6, TARGETS);
    draft.role("targets")["ouk"]["base"] = serde_json::to_value(base).expect("plain data");
    assert_eq!(code(&draft.kit(), &vendor.trust()), "E-SCHEMA");
}
