//! A base with its delta on top answers every question as the full data set does.

use std::collections::BTreeMap;
use std::fs;

use domain::advisory::{Advisory, Affected, Interval, Member, PackageKey};
use domain::clock::TimeFloor;
use domain::digest::Digest;
use domain::ecosystem::Ecosystem;
use domain::exploitation::{Epss, KnownExploited};
use domain::matching::AdvisoryIndex;
use domain::root::ContentRoot;
use domain::severity::{Rating, RatingScheme, Severity};
use domain::source::SourceId;
use domain::time::Timestamp;
use proptest::prelude::{Strategy, prop};
use proptest::test_runner::{Config, TestRunner};
use store::audit::{Entry, Event};
use store::{
    Activation, Census, Delta, DeltaError, Generation, GenerationBuilder, GenerationRow, LAYERS_MAX, LayerRef, Located,
    Overlay, Store, StoreError, TrustRow, stands_on,
};

const PACKAGES: [&str; 3] = ["foo", "bar", "baz"];

/// What an advisory is made of: alias, packages, version.
type Facts = (Option<u8>, Vec<usize>, u8);

/// A small data set by key.
#[derive(Clone, Debug, Default)]
struct Set {
    advisories: BTreeMap<u8, Facts>,
    kev: BTreeMap<u8, u8>,
    epss: BTreeMap<u8, u8>,
}

fn npm() -> Ecosystem {
    "npm".parse().expect("an ecosystem")
}

fn cve(number: u8) -> String {
    format!("CVE-{number:03}")
}

/// Some advisories have no severity, some one that says nothing, some one or two that do.
fn ratings(version: u8) -> Vec<Rating> {
    let of = |severity| Rating {
        source: SourceId::new("ghsa"),
        scheme: RatingScheme::Vendor,
        vector: None,
        score_tenths: None,
        severity,
    };
    [Severity::Unknown, Severity::High, Severity::Low].map(of).into_iter().take(usize::from(version % 4)).collect()
}

fn advisory(number: u8, (alias, packages, version): &Facts) -> Advisory {
    let (id, source) = (cve(number), SourceId::new("ghsa"));
    let affected = packages.iter().map(|at| {
        let mut affected = Affected::new(source.clone(), &id, PackageKey::new(npm(), PACKAGES[*at]));
        affected.ranges.push(Interval::below(version.to_string()));
        affected
    });
    Advisory {
        id: id.clone(),
        aliases: alias.iter().map(|alias| cve(*alias)).collect(),
        related: Default::default(),
        title: None,
        description: None,
        published: Some(Timestamp::UNIX_EPOCH.plus_days(i64::from(*version))),
        modified: None,
        withdrawn: None,
        ratings: ratings(*version),
        cwes: Default::default(),
        references: Vec::new(),
        affected: affected.collect(),
        members: vec![Member { source: source.clone(), id: format!("GHSA-{number}"), modified: None, withdrawn: None }],
    }
}

fn kev(number: u8, day: u8) -> KnownExploited {
    KnownExploited {
        cve: cve(number),
        date_added: Timestamp::UNIX_EPOCH.plus_days(i64::from(day)),
        due_date: None,
        name: "x".into(),
        required_action: "y".into(),
        ransomware: false,
    }
}

fn epss(number: u8, value: u8) -> Epss {
    Epss { cve: cve(number), probability_e5: u32::from(value), percentile_e5: 7 }
}

/// A segment that is being filled.
struct Segment {
    number: u32,
    bytes: Vec<u8>,
}

impl Segment {
    fn push(&mut self, kind: &str, key: &str, line: &[u8]) -> (u16, Located) {
        let (bucket, leaf) = ContentRoot::leaf(kind, key, line);
        let [offset, length] = [self.bytes.len(), line.len()].map(|size| u32::try_from(size).expect("small"));
        self.bytes.extend_from_slice(line);
        self.bytes.push(b'\n');
        (bucket, Located { segment: self.number, offset, length, leaf: *leaf.as_bytes() })
    }

    fn put(self, store: &Store) -> (u32, Digest) {
        let digest = Digest::of(&self.bytes);
        store.blobs().put(&digest, &self.bytes).expect("a blob");
        (self.number, digest)
    }
}

fn json<T: serde::Serialize>(row: &T) -> Vec<u8> {
    serde_json::to_vec(row).expect("plain data")
}

/// Imports a whole set.
fn full(store: &Store, set: &Set) -> Generation {
    let mut builder = GenerationBuilder::new();
    let mut segment = Segment { number: 0, bytes: Vec::new() };
    for (number, facts) in &set.advisories {
        let advisory = advisory(*number, facts);
        let (bucket, located) = segment.push("advisory", &advisory.id, &advisory.to_canonical_json());
        builder.add_leaf(bucket, Digest::from_bytes(located.leaf));
        builder.add_advisory(&advisory, located);
    }
    for (number, day) in &set.kev {
        let fact = kev(*number, *day);
        let (bucket, located) = segment.push("kev", &fact.cve, &json(&fact));
        builder.add_leaf(bucket, Digest::from_bytes(located.leaf));
        builder.add_known_exploited(&fact, located);
    }
    for (number, value) in &set.epss {
        let fact = epss(*number, *value);
        let (bucket, leaf) = ContentRoot::leaf("epss", &fact.cve, &json(&fact));
        builder.add_leaf(bucket, leaf);
        builder.add_epss(&fact);
    }
    builder.declare_complete(&npm());
    let number = store.next_generation().expect("a number");
    let (root, census) = (builder.content_root().expect("a root"), builder.census());
    let segments = [segment.put(store)];
    let path = store.generation_path(number);
    builder.write(store.disk(), &path, &segments).expect("an index");
    let layer = LayerRef::seal(store.disk(), number, &path).expect("an index");
    activate(store, number, vec![layer], root, vec![segments[0].1], census)
}

fn delta(base: &Set, new: &Set, first: u32) -> (Delta, Segment) {
    let (mut delta, mut segment) = (Delta::new(), Segment { number: first, bytes: Vec::new() });
    for (number, facts) in new.advisories.iter().filter(|(key, facts)| base.advisories.get(key) != Some(facts)) {
        let advisory = advisory(*number, facts);
        let located = segment.push("advisory", &advisory.id, &advisory.to_canonical_json()).1;
        delta.upsert_advisory(advisory, located);
    }
    for (number, day) in new.kev.iter().filter(|(key, day)| base.kev.get(key) != Some(day)) {
        let fact = kev(*number, *day);
        let located = segment.push("kev", &fact.cve, &json(&fact)).1;
        delta.upsert_known_exploited(&fact, located);
    }
    for (number, value) in new.epss.iter().filter(|(key, value)| base.epss.get(key) != Some(value)) {
        delta.upsert_epss(&epss(*number, *value));
    }
    base.advisories
        .keys()
        .filter(|key| !new.advisories.contains_key(key))
        .for_each(|key| delta.remove_advisory(&cve(*key)));
    base.kev.keys().filter(|key| !new.kev.contains_key(key)).for_each(|key| delta.remove_known_exploited(&cve(*key)));
    base.epss.keys().filter(|key| !new.epss.contains_key(key)).for_each(|key| delta.remove_epss(&cve(*key)));
    (delta, segment)
}

/// Imports the difference of two sets on top of a generation.
fn on_top(store: &Store, base: &Generation, before: &Set, after: &Set) -> Result<Generation, DeltaError> {
    let (delta, segment) = delta(before, after, base.next_segment());
    let npm = npm();
    let has_packages = after.advisories.values().any(|(_, packages, _)| !packages.is_empty());
    let overlay = Overlay::apply(base, store.blobs(), delta, has_packages.then_some((&npm, true)))?;
    let number = store.next_generation()?;
    let segments = [segment.put(store)];
    let path = store.generation_path(number);
    overlay.put_on(store.disk(), &path, base, &segments)?;
    let mut layers = vec![LayerRef::seal(store.disk(), number, &path)?];
    layers.extend(stands_on(base.row()));
    let blobs = base.row().blobs.iter().copied().chain([segments[0].1]).collect();
    Ok(activate(store, number, layers, overlay.content_root(), blobs, overlay.census().clone()))
}

fn activate(
    store: &Store,
    number: u64,
    layers: Vec<LayerRef>,
    content_root: Digest,
    blobs: Vec<Digest>,
    census: Census,
) -> Generation {
    let digest = Digest::of(b"x");
    let generation = GenerationRow {
        number,
        kit_sha256: digest,
        kit_version: number,
        metadata_digest: digest,
        content_root,
        signed_at: Timestamp::UNIX_EPOCH,
        imported_at: Timestamp::UNIX_EPOCH,
        product: "stella".into(),
        channel: "stable".into(),
        sources: Vec::new(),
        advisories: 0,
        layers,
        blobs,
        manifest: digest,
        metadata_frame: digest,
        trivy_db: None,
        derived: None,
        census: Some(census),
    };
    let trust = TrustRow { factory_root: vec![1], root: vec![1], floors: Vec::new(), site: None, revocations: None };
    let mut seed = 0;
    let mut entropy = |bytes: &mut [u8]| {
        seed += 1;
        bytes.fill(seed);
        Ok(())
    };
    let site = store.site(&mut entropy).expect("a site");
    let entry = Entry::from(Event {
        at: Timestamp::UNIX_EPOCH,
        action: "import".to_owned(),
        actor: "ada".to_owned(),
        result: "activated".to_owned(),
        code: None,
        subjects: Vec::new(),
        details: Default::default(),
    });
    let time = TimeFloor::new(Timestamp::UNIX_EPOCH);
    let logged = store
        .activate(&site, &Activation { trust, time, generation, entitlements: Default::default(), entry })
        .expect("activated");
    assert!(logged.unpublished.is_none());
    let generation = store.open_generation(number).expect("open");
    let counted = generation.count().expect("counted");
    assert_eq!(generation.census().expect("known"), counted, "what was counted on the way is what there is");
    generation
}

/// Everything that can be asked, as text.
fn answers(store: &Store, generation: &Generation) -> Vec<String> {
    let view = generation.view().expect("a view");
    let mut answers = vec![generation.row().content_root.to_string(), format!("{:?}", generation.ecosystems())];
    for package in PACKAGES {
        answers.push(format!("{:?}", view.assertions(&PackageKey::new(npm(), package)).expect("read")));
    }
    for number in 0..=12 {
        let id = cve(number);
        answers.push(format!("{:?}", view.summary(&id).expect("read")));
        answers.push(format!("{:?}", view.advisory(&id, store.blobs()).expect("read")));
        answers.push(format!("{:?}", view.resolve(&id).expect("read")));
        answers.push(format!("{:?}", view.resolve(&format!("GHSA-{number}")).expect("read")));
    }
    answers.push(format!("{:?}", view.coverage(&npm())));
    for (prefix, count) in [("CVE-0", 4), ("G", 99), ("", 99)] {
        answers.push(format!("{:?}", view.search_ids(prefix, count).expect("read")));
    }
    answers.push(format!("{:?}", view.search_packages("ba", 9).expect("read")));
    let mut keep = |key: &str, line: &[u8]| {
        answers.push(format!("{key} {}", String::from_utf8_lossy(line)));
        Ok::<_, StoreError>(())
    };
    view.advisory_lines(store.blobs(), &mut keep).expect("read");
    view.known_exploited_lines(store.blobs(), &mut keep).expect("read");
    view.epss_lines(&mut keep).expect("read");
    answers
}

fn sets() -> impl Strategy<Value = Set> {
    let facts = (prop::option::of(0_u8..12), prop::collection::btree_set(0_usize..3, 0..3), 0_u8..3);
    let facts = facts.prop_map(|(alias, packages, version)| (alias, packages.into_iter().collect(), version));
    let advisories = prop::collection::btree_map(0_u8..12, facts, 0..8);
    let numbers = || prop::collection::btree_map(0_u8..12, 0_u8..3, 0..6);
    (advisories, numbers(), numbers()).prop_map(|(advisories, kev, epss)| Set { advisories, kev, epss })
}

fn new_store() -> (tempfile::TempDir, Store) {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open(directory.path().join("state")).expect("a store");
    (directory, store)
}

#[test]
fn a_chain_of_deltas_answers_as_the_full_data_sets_do() {
    let chains = prop::collection::vec(sets(), 2..5);
    let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
    let result = runner.run(&chains, |chain| {
        let (_directory, store) = new_store();
        let mut layered = full(&store, &chain[0]);
        for pair in chain.windows(2) {
            layered = on_top(&store, &layered, &pair[0], &pair[1]).expect("applied");
            let whole = full(&store, &pair[1]);
            assert_eq!(answers(&store, &layered), answers(&store, &whole));
        }
        Ok(())
    });
    result.expect("equal");
}

/// Sets that differ in a few records each.
fn walk(step: u8) -> Set {
    let advisories = (0..12).filter(|key| !(key + step).is_multiple_of(5));
    Set {
        advisories: advisories.map(|key| (key, (Some(key / 2), vec![usize::from(key % 3)], step % 3))).collect(),
        kev: (0..step % 7).map(|key| (key, step)).collect(),
        epss: (0..12).map(|key| (key, if key == step % 12 { 9 } else { 1 })).collect(),
    }
}

#[test]
fn a_stack_that_is_full_becomes_one_whole_file_that_answers_the_same() {
    let (_directory, store) = new_store();
    let mut layered = full(&store, &walk(0));
    for step in 1..=LAYERS_MAX as u8 + 1 {
        layered = on_top(&store, &layered, &walk(step - 1), &walk(step)).expect("applied");
        let want =
            if usize::from(step) < LAYERS_MAX { usize::from(step) + 1 } else { usize::from(step) - LAYERS_MAX + 1 };
        assert_eq!(layered.row().layers.len(), want, "step {step}");
    }
    let whole = full(&store, &walk(LAYERS_MAX as u8 + 1));
    assert_eq!(answers(&store, &layered), answers(&store, &whole));
}

#[test]
fn files_stay_while_a_generation_rests_on_them() {
    let (_directory, store) = new_store();
    let mut layered = full(&store, &walk(0));
    for step in 1..=5 {
        layered = on_top(&store, &layered, &walk(step - 1), &walk(step)).expect("applied");
        let lock = store.lock_import().expect("free");
        store.forget_old(&lock).expect("forgotten");
        store.sweep(&lock).expect("swept");
    }
    assert_eq!(store.generations().expect("read").len(), 3);
    drop(layered);
    let again = store.open_current().expect("all layers are there");
    assert_eq!(again.row().layers.len(), 6);
    answers(&store, &again);
}

#[test]
fn a_delta_for_another_base_is_refused() {
    let (_directory, store) = new_store();
    let base = full(&store, &walk(1));
    // Removes what is not there, or gives what is there already.
    let error = on_top(&store, &base, &walk(2), &walk(3)).map(drop).expect_err("another base");
    assert!(matches!(error, DeltaError::Base { .. }), "{error}");
    let error = on_top(&store, &base, &Set::default(), &walk(1)).map(drop).expect_err("nothing is new");
    assert!(error.to_string().contains("was there already"), "{error}");
    let error = on_top(&store, &base, &walk(1), &Set::default())
        .and_then(|empty| on_top(&store, &empty, &walk(1), &Set::default()));
    assert!(error.map(drop).expect_err("nothing is left").to_string().contains("was not there"));
}

#[test]
fn a_base_with_a_lost_or_damaged_segment_is_incomplete_and_says_which() {
    // D01.
    for damage in [true, false] {
        let (directory, store) = new_store();
        let base = full(&store, &walk(1));
        let lost = base.row().blobs[0];
        let hex = lost.to_string();
        let path = directory.path().join("state/cas/sha256").join(&hex[..2]).join(&hex);
        if damage {
            let length = fs::read(&path).expect("a segment").len();
            fs::write(&path, vec![b'x'; length]).expect("damaged");
        } else {
            fs::remove_file(&path).expect("removed");
        }
        match on_top(&store, &base, &walk(1), &walk(2)).map(drop) {
            Err(DeltaError::Incomplete(digests)) => assert_eq!(digests, [lost]),
            other => panic!("{other:?}"),
        }
    }
}
