//! M: attacks on versions, floors, pins and gates.

use std::fs;

use domain::digest::Digest;
use forge::{Draft, compress, now, pin, sign, tar};
use importer::SealPolicy;
use importer::control::{self, Acting, Asked, Done};
use ouk::keys::Role;
use ouk::limits::Limits;
use ouk::verify::Gates;
use serde_json::{Value, json};
use store::Store;

use super::bench::HELD;
use super::{Bench, Elsewhere, Letter, Open, attacks};

attacks! {
    m01_an_older_role_is_refused_alone_and_with_others "M01"
        ["E-TS-ROLLBACK", "E-SNAP-ROLLBACK", "E-TGT-ROLLBACK", "accepted"];
    m02_a_rollback_split_over_refusals_finds_no_floor_half_moved "M02" ["E-SNAP-ROLLBACK", "RES", "accepted"];
    m03_one_version_with_two_contents_is_refused "M03" ["E-TS-EQUIVOCATION", "E-SNAP-EQUIVOCATION", "E-TGT-EQUIVOCATION"];
    m04_the_same_kit_again_changes_nothing "M04" ["accepted", "IGN"];
    m05_parts_of_two_kits_are_not_mixed "M05" ["E-MIX", "E-INCOMPLETE", "RES"];
    m06_a_snapshot_cannot_drop_a_role "M06" ["E-SNAP-REMOVED", "E-TGT-DELEGATION", "accepted"];
    m07_versions_are_capped_and_a_fast_forward_can_be_undone "M07" ["E-LIMIT", "E-TS-ROLLBACK", "E-SNAP-ROLLBACK", "accepted"];
    m08_an_intermediate_root_may_be_expired "M08" ["accepted"];
    m09_what_is_expired_at_the_start_is_refused "M09" ["E-TS-EXPIRED", "E-EXPIRED", "accepted"];
    m11_a_kit_for_another_site_is_refused "M11"
        ["E-GATE-PRODUCT", "E-GATE-CHANNEL", "E-GATE-VERSION", "E-GATE-SCHEMA", "accepted"];
    m12_a_damaged_trust_state_is_never_a_first_use "M12" ["E-STATE"];
    m12_an_older_trust_state_beside_newer_generations_is_found_by_what_it_signs "M12" ["accepted", "E-STATE", "E-STATE-ROLLED-BACK"];
    m15_the_digest_that_the_operator_typed_decides "M15" ["E-EXPECT", "accepted"];
    m16_pins_and_lengths_are_complete_and_true "M16" ["E-SCHEMA"];
    m17_chunk_lists_add_up "M17" ["E-SCHEMA", "E-LIMIT"];
}

pub(crate) const LETTER: Letter = Letter {
    cases: CASES,
    elsewhere: &[
        Elsewhere {
            id: "M10",
            tests: &[
                "policy/tests/verdict.rs::old_data_is_a_doubt_from_the_first_day_over_the_limit",
                "policy/tests/verdict.rs::data_of_unknown_age_is_a_doubt_when_the_age_matters",
            ],
        },
        Elsewhere { id: "M13", tests: &["store/tests/audit.rs::a_tail_that_was_cut_off_is_found"] },
        Elsewhere {
            id: "M14",
            tests: &[
                "ouk/tests/tokens/revoked.rs::m14_a_serial_does_not_go_back_and_stands_for_one_list",
                "ouk/tests/tokens/revoked.rs::m14_what_is_listed_is_withdrawn_and_nothing_else",
            ],
        },
        Elsewhere {
            id: "M02",
            tests: &["tests/tests/refusals.rs::a_kill_at_any_step_leaves_the_old_or_the_new_generation"],
        },
        Elsewhere { id: "M12", tests: &["ouk/tests/kit/metadata.rs::damaged_remembered_state_is_never_a_first_use"] },
    ],
    open: &[Open {
        id: "M13",
        reason: "a state older than its own log is found; a whole disk that was set back is not",
    }],
};

fn m01_an_older_role_is_refused_alone_and_with_others(bench: &mut Bench) {
    let older = bench.draft_of(HELD - 1, 2).kit();
    bench.refuse("all together", &older, "E-TS-ROLLBACK");
    for (role, expected) in [
        ("timestamp", "E-TS-ROLLBACK"),
        ("snapshot", "E-SNAP-ROLLBACK"),
        ("targets", "E-TGT-ROLLBACK"),
        ("feeds", "E-TGT-ROLLBACK"),
        ("trivydb", "E-TGT-ROLLBACK"),
        ("entitlements", "E-TGT-ROLLBACK"),
    ] {
        let mut draft = bench.draft();
        draft.role(role)["version"] = (HELD - 1).into();
        bench.refuse(role, &draft.kit(), expected);
    }
    // After a rollback of the pointer the floors stand where they were.
    let next = bench.draft().kit();
    bench.accept("the next kit", &next);
    let task = control::rollback(&bench.store, None).expect("a generation before");
    let acting = Acting {
        site: &bench.site().expect("a site"),
        operator: "a test",
        engine: "tests",
        appliance_version: env!("CARGO_PKG_VERSION"),
        reading: &bench.reading,
        limits: &Limits::default(),
        nonce: Digest::of(b"nonce"),
    };
    let asked = control::ask(&bench.store, task, &acting, None).expect("rolled back");
    assert!(matches!(asked, Asked::Done(Done::RolledBack(_), logged) if logged.unpublished.is_none()));
    let between = bench.draft_of(HELD, 3).kit();
    bench.refuse("after the site went back to an earlier generation", &between, "E-TS-ROLLBACK");
}

fn m02_a_rollback_split_over_refusals_finds_no_floor_half_moved(bench: &mut Bench) {
    // The timestamp of kit 9 is seen, and the rest of the kit does not come: no floor has moved.
    let mut later = bench.draft_of(9, 2);
    later.frames.pop_last();
    bench.resume("kit 9 without its last blob", &later.kit());
    let mut split = bench.draft_of(9, 2);
    split.role("snapshot")["version"] = (HELD - 1).into();
    bench.refuse("timestamp 9 with snapshot 4", &split.kit(), "E-SNAP-ROLLBACK");
    let kit = bench.draft().kit();
    bench.accept("kit 6, which a floor of 9 would refuse", &kit);
}

fn m03_one_version_with_two_contents_is_refused(bench: &mut Bench) {
    for (role, expected) in [
        ("timestamp", "E-TS-EQUIVOCATION"),
        ("snapshot", "E-SNAP-EQUIVOCATION"),
        ("targets", "E-TGT-EQUIVOCATION"),
        ("feeds", "E-TGT-EQUIVOCATION"),
        ("entitlements", "E-TGT-EQUIVOCATION"),
    ] {
        let mut draft = bench.draft();
        draft.role(role)["version"] = HELD.into();
        draft.role(role)["x-other"] = 1.into();
        bench.refuse(role, &draft.kit(), expected);
    }
    let other = bench.draft_of(HELD, 2).kit();
    bench.refuse("a whole other kit 5", &other, "E-TS-EQUIVOCATION");
    assert!(bench.store.quarantined().expect("readable").len() >= 3, "the newest are kept as evidence");
}

fn m04_the_same_kit_again_changes_nothing(bench: &mut Bench) {
    let kit = bench.draft().kit();
    bench.accept("once", &kit);
    bench.ignore("twice", &kit);
    bench.ignore("three times", &kit);
}

fn m05_parts_of_two_kits_are_not_mixed(bench: &mut Bench) {
    let (six, seven) = (bench.draft_of(6, 2).files(), bench.draft_of(7, 3));
    for role in ["snapshot", "targets", "feeds", "trivydb", "entitlements"] {
        let (old, new) = (format!("META/6.{role}.json"), format!("META/7.{role}.json"));
        let mut files = seven.files();
        files.remove(&new);
        files.insert(old.clone(), six[&old].clone());
        bench.refuse(&format!("{role} of kit 6"), &seven.kit_of(&compress(&tar(&files))), "E-MIX");
        files.remove(&old);
        files.insert(new.clone(), six[&old].clone());
        bench.refuse(&format!("{role} of kit 6, renamed"), &seven.kit_of(&compress(&tar(&files))), "E-MIX");
        files.remove(&new);
        bench.refuse(&format!("no {role}"), &seven.kit_of(&compress(&tar(&files))), "E-INCOMPLETE");
    }
    let mut files = seven.files();
    files.insert("META/timestamp.json".to_owned(), six["META/timestamp.json"].clone());
    bench.refuse("the timestamp of kit 6", &seven.kit_of(&compress(&tar(&files))), "E-MIX");
    let mut blobs = bench.draft_of(7, 3);
    let mut other = bench.draft_of(7, 3);
    other.put("os/more", b"hullo");
    let strange = other.frames[&Digest::of(b"hullo").to_string()].clone();
    *blobs.frames.values_mut().next().expect("a frame") = strange;
    // Of the same length as a signed one it could be a damaged blob: it is not taken, and another copy awaited.
    let incomplete = bench.resume("a blob of another kit", &blobs.kit());
    assert_eq!(incomplete.set.missing_frames(), 1);
}

fn m06_a_snapshot_cannot_drop_a_role(bench: &mut Bench) {
    let mut draft = bench.draft();
    draft.role("snapshot")["meta"] = json!({ "entitlements.json": false });
    bench.refuse("a pin is left out", &draft.kit(), "E-SNAP-REMOVED");
    let drop_delegation =
        |draft: &mut Draft| draft.role("targets")["delegations"]["roles"].as_array_mut().expect("roles").pop();
    drop_delegation(&mut draft);
    bench.refuse("a pin and its delegation", &draft.kit(), "E-SNAP-REMOVED");
    let mut draft = bench.draft();
    drop_delegation(&mut draft);
    bench.refuse("a delegation", &draft.kit(), "E-TGT-DELEGATION");
    let kit = bench.draft().kit();
    bench.accept("nothing", &kit);
}

fn m07_versions_are_capped_and_a_fast_forward_can_be_undone(bench: &mut Bench) {
    for role in ["timestamp", "snapshot", "targets", "feeds"] {
        for version in [1_u64 << 63, u64::MAX, 1_000_000_000_000] {
            let mut draft = bench.draft();
            draft.role(role)["version"] = version.into();
            bench.refuse(&format!("{role} {version}"), &draft.kit(), "E-LIMIT");
        }
    }
    let mut forward = bench.draft();
    forward.role("timestamp")["version"] = (1_u64 << 31).into();
    bench.accept("a stolen timestamp key pushes its version to 2^31", &forward.kit());
    let kit = bench.draft_of(7, 2).kit();
    bench.refuse("the next honest kit", &kit, "E-TS-ROLLBACK");
    bench.vendor.rotate(Role::Timestamp, 1);
    let mut old = bench.draft_of(7, 2);
    old.role("snapshot")["version"] = (HELD - 1).into();
    bench.refuse("a new root lowers no other floor", &old.kit(), "E-SNAP-ROLLBACK");
    let kit = bench.draft_of(7, 2).kit();
    bench.accept("the root took the stolen key away", &kit);
    let old = bench.draft_of(6, 2).kit();
    bench.refuse("and the floor holds anew", &old, "E-TS-ROLLBACK");
}

/// A root signed again by the vendor's root keys, with another date of expiry.
fn expired(bench: &Bench, root: &[u8]) -> Vec<u8> {
    let mut value: Value = serde_json::from_slice(root).expect("JSON");
    value["signed"]["expires"] = "2026-11-01T00:00:00Z".into();
    sign(&value["signed"], &bench.vendor.pairs("root").iter().collect::<Vec<_>>())
}

fn m08_an_intermediate_root_may_be_expired(bench: &mut Bench) {
    bench.vendor.rotate(Role::Root, 5);
    bench.vendor.rotate(Role::Root, 5);
    let mut draft = bench.draft();
    draft.roots[1] = expired(bench, &draft.roots[1]);
    bench.accept("root 2 of 3", &draft.kit());
    // The chain goes on from the root that was pinned, whatever root 2 the next kit carries.
    bench.vendor.roots[1] = draft.roots[1].clone();
}

fn m09_what_is_expired_at_the_start_is_refused(bench: &mut Bench) {
    for (role, expected) in [
        ("timestamp", "E-TS-EXPIRED"),
        ("snapshot", "E-EXPIRED"),
        ("targets", "E-EXPIRED"),
        ("feeds", "E-EXPIRED"),
        ("entitlements", "E-EXPIRED"),
    ] {
        for seconds in [-1, 0] {
            let mut draft = bench.draft();
            draft.role(role)["expires"] = now().plus_seconds(seconds).to_string().into();
            draft.role("targets")["ouk"]["signed_at"] = now().plus_days(-1).to_string().into();
            bench.refuse(&format!("{role}, {seconds} s"), &draft.kit(), expected);
        }
    }
    let mut rotated = bench.draft();
    let next = forge::bend_root(&bench.vendor, |signed| {
        signed["version"] = 2.into();
        signed["expires"] = "2026-11-01T00:00:00Z".into();
    });
    rotated.roots.push(next);
    bench.refuse("the last root", &rotated.kit(), "E-EXPIRED");
    // One second is left at the start. The import is judged by that one reading, however long it takes.
    let mut last = bench.draft();
    last.role("timestamp")["expires"] = now().plus_seconds(1).to_string().into();
    bench.accept("one second before", &last.kit());
}

fn m11_a_kit_for_another_site_is_refused(bench: &mut Bench) {
    type Bend = fn(&mut Gates);
    let kit = bench.draft().kit();
    for (what, bend, expected) in [
        ("product", (|gates| gates.product = "other".to_owned()) as Bend, "E-GATE-PRODUCT"),
        ("channel", |gates| gates.channels = vec!["beta".to_owned()], "E-GATE-CHANNEL"),
        ("no channel", |gates| gates.channels = vec![], "E-GATE-CHANNEL"),
        ("an appliance too old", |gates| gates.appliance_version = "0.0.9".to_owned(), "E-GATE-VERSION"),
        ("a schema too new", |gates| gates.schema_max = 0, "E-GATE-SCHEMA"),
    ] {
        bench.gates = forge::gates();
        bend(&mut bench.gates);
        bench.refuse(what, &kit, expected);
    }
    bench.gates = Gates { appliance_version: "0.10.0".to_owned(), ..forge::gates() };
    bench.accept("a newer appliance", &kit);
}

/// Changes the database file while nobody has it open.
fn edit_database(bench: &mut Bench, edit: impl Fn(&mut Vec<u8>)) {
    bench.close();
    let path = bench.state("state.redb");
    let mut bytes = fs::read(&path).expect("there");
    edit(&mut bytes);
    fs::write(&path, bytes).expect("written");
    bench.store = Store::open(bench.state("")).expect("the database still opens");
}

/// Flips a bit in the trust row, in each copy of its page that the file holds.
fn flip_trust(bytes: &mut [u8]) {
    let word = b"\"factory_root\"";
    let places: Vec<usize> =
        bytes.windows(word.len()).enumerate().filter(|(_, window)| window == word).map(|(at, _)| at).collect();
    assert!(!places.is_empty(), "the row was not found");
    places.into_iter().for_each(|at| bytes[at + word.len() + 4] ^= 1);
}

fn m12_a_damaged_trust_state_is_never_a_first_use(bench: &mut Bench) {
    edit_database(bench, |bytes| flip_trust(bytes));
    let kit = bench.draft().kit();
    bench.refuse("a bit of the row", &kit, "E-STATE");
    bench.trust_root = Some(bench.vendor.roots[0].clone());
    bench.refuse("and a root on the command line does not pin anew", &kit, "E-STATE");
    bench.ends_here = Some("the floors are gone; recovery is by hand");
}

fn m12_an_older_trust_state_beside_newer_generations_is_found_by_what_it_signs(bench: &mut Bench) {
    // A whole older database: the site believes to be at kit 5, and finds files of generation 2.
    bench.close();
    let older = fs::read(bench.state("state.redb")).expect("there");
    bench.store = Store::open(bench.state("")).expect("opens");
    let six = bench.draft().kit();
    bench.accept("kit 6", &six);
    bench.close();
    let newer = fs::read(bench.state("state.redb")).expect("there");
    fs::write(bench.state("state.redb"), older).expect("written");
    bench.store = Store::open(bench.state("")).expect("opens");
    bench.check_serves("with an older database");
    assert_eq!(bench.store.current().expect("readable"), Some(1));
    // The log that is published beside it is longer: what it signs is not undone in silence.
    let source = bench.medium(&six);
    let error = bench.import_changing(source).expect_err("refused");
    assert_eq!(error.code(), "E-STATE-ROLLED-BACK", "{error}");
    bench.note("an older database beside the newer log", "E-STATE-ROLLED-BACK");
    bench.close();
    fs::write(bench.state("state.redb"), newer).expect("written");
    bench.store = Store::open(bench.state("")).expect("opens");
    // A database that was cut off does not open, and is not made anew.
    bench.close();
    let whole = fs::read(bench.state("state.redb")).expect("there");
    for length in [1, 100, whole.len() / 2] {
        fs::write(bench.state("state.redb"), &whole[..length]).expect("written");
        assert!(Store::open(bench.state("")).is_err(), "{length} of {} bytes were taken for a database", whole.len());
        assert_eq!(fs::metadata(bench.state("state.redb")).expect("there").len(), length as u64);
    }
    fs::write(bench.state("state.redb"), whole).expect("written");
    bench.store = Store::open(bench.state("")).expect("opens");
    bench.note("a database that was cut off", "E-STATE");
}

fn m15_the_digest_that_the_operator_typed_decides(bench: &mut Bench) {
    let kit = bench.draft().kit();
    bench.expected = Some(Digest::of(b"another kit"));
    bench.refuse("another digest", &kit, "E-EXPECT");
    bench.seal_policy = SealPolicy::Optional;
    bench.expected = Some(Digest::of(&kit));
    bench.accept("the right one", &kit);
}

fn m16_pins_and_lengths_are_complete_and_true(bench: &mut Bench) {
    for meta in [
        json!({ "version": 6 }),
        json!({ "version": 6, "length": 10 }),
        json!({ "version": 6, "length": 10, "hashes": {} }),
        json!({ "version": 6, "length": 10, "hashes": { "sha512": "00".repeat(64) } }),
        json!({ "version": 6, "length": 10, "hashes": { "sha256": "00" } }),
        json!({ "length": 10, "hashes": { "sha256": "00".repeat(32) } }),
    ] {
        let mut draft = bench.draft();
        draft.role("timestamp")["meta"] = json!({ "snapshot.json": meta });
        bench.refuse(&format!("timestamp: {meta}"), &draft.kit(), "E-SCHEMA");
        let mut draft = bench.draft();
        draft.role("snapshot")["meta"] = json!({ "feeds.json": meta });
        bench.refuse(&format!("snapshot: {meta}"), &draft.kit(), "E-SCHEMA");
    }
    let mut draft = bench.draft();
    draft.role("timestamp")["meta"] =
        json!({ "snapshot.json": pin(&json!(6), b"x"), "more.json": pin(&json!(1), b"") });
    bench.refuse("a timestamp that pins two files", &draft.kit(), "E-SCHEMA");
    for hashes in [json!({}), json!({ "sha512": "00".repeat(64) })] {
        let mut draft = bench.draft();
        draft.role("feeds")["targets"]["feeds/manifest.json"]["hashes"] = hashes.clone();
        bench.refuse(&format!("a target with {hashes}"), &draft.kit(), "E-SCHEMA");
    }
}

fn m17_chunk_lists_add_up(bench: &mut Bench) {
    let digest = Digest::of(b"hello");
    let chunk = |len: u64, clen: u64| json!({ "sha256": digest, "len": len, "csha256": digest, "clen": clen });
    let target = |length: u64, chunks: Value| {
        json!({
            "length": length, "hashes": { "sha256": digest },
            "custom": { "ouk": { "media": "text/plain", "schema": 1, "chunks": chunks } },
        })
    };
    for (what, bad, expected) in [
        ("more than the sum", target(6, json!([chunk(5, 9)])), "E-SCHEMA"),
        ("less than the sum", target(4, json!([chunk(5, 9)])), "E-SCHEMA"),
        ("an empty chunk", target(5, json!([chunk(5, 9), chunk(0, 9)])), "E-SCHEMA"),
        ("a sum that overflows", target(4, json!([chunk(5, 9), chunk(u64::MAX, 9)])), "E-SCHEMA"),
        ("one chunk of two kinds", target(10, json!([chunk(5, 9), chunk(5, 8)])), "E-SCHEMA"),
        ("no chunk", target(0, json!([])), "E-SCHEMA"),
        ("no list", target(5, Value::Null), "E-SCHEMA"),
        ("a chunk over the limit", target(17 << 20, json!([chunk(17 << 20, 9)])), "E-LIMIT"),
        ("a frame over the limit", target(5, json!([chunk(5, 1 << 40)])), "E-LIMIT"),
    ] {
        let mut draft = bench.draft();
        draft.role("feeds")["targets"]["feeds/a"] = bad;
        bench.refuse(what, &draft.kit(), expected);
    }
    let mut empty = bench.draft();
    empty.put("os/empty", b"");
    bench.refuse("a chunk that is empty and has its frame", &empty.kit(), "E-SCHEMA");
    let kit = bench.draft().kit();
    for limits in [
        Limits { content_bytes_max: 5, ..Limits::default() },
        Limits { kit_bytes_max: 20, ..Limits::default() },
        Limits { chunks_max: 1, ..Limits::default() },
    ] {
        bench.limits = limits;
        bench.refuse("totals over a limit", &kit, "E-LIMIT");
    }
}
