//! What was accepted binds.

use ouk::client::{ClientLimits, init, refresh};

use crate::support::{Memory, Plan, RECORD, content, key, now, root, sign, visit, visit_site};

#[test]
fn a_repository_is_read_and_what_is_kept_are_the_signed_bytes() {
    let plan = Plan { extra: Some(1), ..Plan::all(3) };
    let mut memory = Memory::pinned();
    let mut site = plan.site();
    let limits = ClientLimits::default();
    assert_eq!(content(&mut memory, &mut site, "feeds/a", now(), &limits).expect("reads"), b"content 3");
    assert_eq!(content(&mut memory, &mut site, "extra/b", now(), &limits).expect("reads"), b"b");
    for (kept, served) in [
        ("root.json", "1.root.json"),
        ("timestamp.json", "timestamp.json"),
        ("snapshot.json", "3.snapshot.json"),
        ("targets.json", "3.targets.json"),
        ("extra.json", "1.extra.json"),
    ] {
        assert_eq!(memory.files[kept], site.metadata[served], "{kept}");
    }
    assert_eq!(content(&mut memory, &mut site, "feeds/z", now(), &limits).expect_err("absent").code(), "E-INCOMPLETE");
}

#[test]
fn an_older_repository_is_refused_even_when_the_cache_is_gone() {
    // M01, with the cached metadata deleted.
    for cache in [true, false] {
        for (older, code) in [
            (Plan { timestamp: 4, ..Plan::all(5) }, "E-TS-ROLLBACK"),
            (Plan { timestamp: 6, snapshot: 4, ..Plan::all(5) }, "E-SNAP-ROLLBACK"),
            (Plan { timestamp: 6, snapshot: 6, targets: 4, ..Plan::all(5) }, "E-TGT-ROLLBACK"),
        ] {
            let mut memory = Memory::with(&Plan::all(5));
            if !cache {
                memory.forget_cache();
            }
            let found = visit(&mut memory, &older);
            // With a cache the library speaks first, and names the file that pins the older one.
            assert!(found == code || cache && found.ends_with("-ROLLBACK"), "{code}, cache {cache}: {found}");
            assert_eq!(visit(&mut memory, &Plan::all(7)), "accepted", "the refusal must not lock the client out");
        }
    }
}

#[test]
fn one_version_has_one_content() {
    // M03. Another timestamp under an old version is dropped, as TUF says, and told.
    let accepted = Plan::all(5);
    let mut memory = Memory::with(&accepted);
    let other = Plan { snapshot: 9, targets: 9, ..accepted.clone() };
    let mut site = other.site();
    site.metadata.extend(accepted.site().metadata.into_iter().filter(|(name, _)| name.starts_with("5.")));
    let limits = ClientLimits::default();
    let repository = refresh(&mut site, &mut memory, now(), &limits).expect("keeps what it has");
    assert_eq!(repository.warnings().len(), 1);
    // Without the old one at hand nothing can be kept, and nothing is believed.
    memory.forget_cache();
    assert_eq!(visit(&mut memory, &other), "E-TS-EQUIVOCATION");
    for (other, code) in [
        (Plan { timestamp: 6, targets: 6, ..Plan::all(5) }, "E-SNAP-EQUIVOCATION"),
        (Plan { timestamp: 6, snapshot: 6, content: b"other".to_vec(), ..Plan::all(5) }, "E-TGT-EQUIVOCATION"),
    ] {
        for cache in [true, false] {
            let mut memory = Memory::with(&Plan::all(5));
            if !cache {
                memory.forget_cache();
            }
            assert_eq!(visit(&mut memory, &other), code, "cache {cache}");
        }
    }
}

#[test]
fn a_damaged_or_missing_record_refuses_and_is_never_a_first_use() {
    let plan = Plan::all(5);
    let good = Memory::with(&plan);
    let mut gone = good.clone();
    gone.files.remove(RECORD);
    let mut unreadable = good.clone();
    unreadable.unreadable = Some(RECORD);
    let mut memories = vec![gone, unreadable];
    for at in [0, 64, 65, 100] {
        let mut damaged = good.clone();
        damaged.files.get_mut(RECORD).expect("a record")[at] ^= 0x01;
        memories.push(damaged);
    }
    for mut memory in memories {
        let before = memory.files.clone();
        assert_eq!(visit(&mut memory, &Plan::all(6)), "E-STATE");
        assert_eq!(memory.files, before, "a refusal changes nothing");
    }
    let root = plan.site().metadata["1.root.json"].clone();
    for unreadable in [None, Some(RECORD)] {
        let mut memory = Memory { unreadable, ..good.clone() };
        assert_eq!(init(&root, &mut memory, &ClientLimits::default()).expect_err("no second use").code(), "E-STATE");
    }
}

#[test]
fn the_remembered_root_is_the_one_that_was_accepted() {
    let mut memory = Memory::with(&Plan::all(5));
    memory.files.remove("root.json");
    assert_eq!(visit(&mut memory, &Plan::all(6)), "E-STATE");
    let stranger = sign(&root(1, &[("root", "stranger")]), &[&key("stranger")]);
    memory.files.insert("root.json".to_owned(), stranger);
    assert_eq!(visit(&mut memory, &Plan::all(6)), "E-STATE");
}

#[test]
fn a_repository_that_hides_a_newer_root_is_refused() {
    // M05's sibling: the root too has a floor, and an older root.json on disk does not lower it.
    let rotated = Plan { timestamp_keys: vec!["timestamp", "timestamp 2"], ..Plan::all(5) };
    let mut memory = Memory::with(&rotated);
    memory.files.insert("root.json".to_owned(), rotated.site().metadata["1.root.json"].clone());
    assert_eq!(visit(&mut memory, &Plan::all(6)), "E-ROOT-OLD");
    assert_eq!(visit(&mut memory, &rotated), "accepted", "the walk makes good what a crash left");
}

#[test]
fn a_floor_falls_only_when_a_root_takes_the_key_away() {
    // TUF 5.3.11, fast-forward: a thief pushed the timestamp to 900.
    let mut memory = Memory::with(&Plan { timestamp: 900, ..Plan::all(5) });
    memory.forget_cache();
    assert_eq!(visit(&mut memory, &Plan::all(6)), "E-TS-ROLLBACK");
    let recovered = Plan { timestamp_keys: vec!["timestamp", "timestamp 2"], ..Plan::all(6) };
    let older = Plan { timestamp_keys: recovered.timestamp_keys.clone(), snapshot: 4, targets: 4, ..Plan::all(7) };
    assert_eq!(visit(&mut memory.clone(), &older), "E-SNAP-ROLLBACK", "the other floors stay");
    assert_eq!(visit(&mut memory, &recovered), "accepted");
}

#[test]
fn a_role_cannot_vanish_even_when_the_cache_is_gone() {
    // M10: it was listed, whether or not it was ever loaded.
    let mut memory = Memory::with(&Plan { extra: Some(2), ..Plan::all(5) });
    memory.forget_cache();
    assert_eq!(visit(&mut memory.clone(), &Plan::all(6)), "E-SNAP-REMOVED");
    assert_eq!(visit(&mut memory, &Plan { extra: Some(1), ..Plan::all(6) }), "E-TGT-ROLLBACK");
}

#[test]
fn no_crash_between_two_saves_lowers_a_floor_or_locks_the_client_out() {
    let newer = Plan { timestamp_keys: vec!["timestamp", "timestamp 2"], ..Plan::all(6) };
    let mut crashes = 0;
    loop {
        let mut memory = Memory::with(&Plan::all(5));
        memory.saves_left = Some(crashes);
        if visit(&mut memory, &newer) == "accepted" {
            break;
        }
        memory.saves_left = None;
        assert_ne!(visit(&mut memory.clone(), &Plan::all(4)), "accepted", "after {crashes} saves");
        assert_eq!(visit(&mut memory, &newer), "accepted", "after {crashes} saves");
        crashes += 1;
    }
    assert_eq!(crashes, 8, "root, timestamp, snapshot and targets, each record and file");
}

#[test]
fn time_is_an_argument_and_decides_expiry() {
    // T01, M04: the same repository, and a month later nothing newer.
    let mut memory = Memory::with(&Plan::all(5));
    let later = now().plus_days(31);
    let found = visit_site(&mut memory, Plan::all(5).site(), later);
    assert!(found.ends_with("EXPIRED"), "{found}");
}
