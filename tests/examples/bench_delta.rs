//! What a delta costs against a full import, in one process and one run.
//!
//! `bench_delta DATASET STATE_DIR` builds the index of a data set, changes one record in a hundred of each
//! kind (a new title, another score; one in a thousand is deleted), applies that on top, and holds the
//! answers against those of the whole changed set. STATE_DIR must not exist.

#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "a measuring program")]

use std::path::{Path, PathBuf};
use std::time::Instant;

use domain::advisory::{Advisory, PackageKey};
use domain::clock::TimeFloor;
use domain::digest::Digest;
use domain::exploitation::{Epss, KnownExploited};
use domain::matching::AdvisoryIndex;
use domain::root::ContentRoot;
use domain::time::Timestamp;
use feeds::dataset::{Limits, MANIFEST_NAME, Manifest, Row, SegmentKind, lines};
use store::audit::{Entry, Event};
use store::{
    Activation, Delta, Generation, GenerationBuilder, GenerationRow, LayerRef, Located, Overlay, Store, TrustRow,
};

/// A kind, a key and a line; None is a tombstone.
type Change = (SegmentKind, String, Option<Vec<u8>>);

fn main() {
    let mut arguments = std::env::args().skip(1).map(PathBuf::from);
    let usage = "bench_delta DATASET STATE_DIR";
    let (dataset, state) = (arguments.next().expect(usage), arguments.next().expect(usage));
    let store = Store::open(state).expect("a state directory");
    let (manifest, segments) = read(&dataset);
    let start = Instant::now();
    let base = full(&store, &segments);
    let full_ms = start.elapsed().as_secs_f64() * 1e3;
    assert_eq!(base.row().content_root, manifest.content_root);

    let (changes, changed) = change(&segments);
    let start = Instant::now();
    let number = store.next_generation().expect("a number");
    let (delta, blob, digest) = delta(&changes, base.next_segment());
    store.blobs().put(&digest, &blob).expect("a blob");
    let parsed_ms = start.elapsed().as_secs_f64() * 1e3;
    let ecosystems = manifest.coverage.iter().map(|row| (&row.ecosystem, row.complete));
    let overlay = Overlay::apply(&base, store.blobs(), delta, ecosystems).expect("applied");
    let applied_ms = start.elapsed().as_secs_f64() * 1e3;
    let path = store.generation_path(number);
    overlay.put_on(store.disk(), &path, &base, &[(base.next_segment(), digest)]).expect("written");
    let layers = vec![LayerRef::seal(store.disk(), number, &path).expect("an index"), base.row().layers[0]];
    let delta_ms = start.elapsed().as_secs_f64() * 1e3;
    let layered = activate(&store, number, layers, overlay.content_root());
    println!(
        "full build {full_ms:.0} ms, {} changes: {delta_ms:.1} ms = {:.1} %",
        changes.len(),
        100.0 * delta_ms / full_ms
    );
    println!(
        "  parse {parsed_ms:.1} ms, apply {:.1} ms, write {:.1} ms",
        applied_ms - parsed_ms,
        delta_ms - applied_ms
    );
    for layer in &layered.row().layers {
        let length = std::fs::metadata(store.generation_path(layer.file)).expect("a file").len();
        println!("  layer {}: {length} bytes", layer.file);
    }
    let whole = full(&store, &changed);
    assert_eq!(layered.row().content_root, whole.row().content_root, "the content roots differ");
    compare(&layered, &whole, &changed);
}

/// A kind and the bytes of a segment.
type Segments = Vec<(SegmentKind, Vec<u8>)>;

fn read(dataset: &Path) -> (Manifest, Segments) {
    let bytes = std::fs::read(dataset.join(MANIFEST_NAME)).expect("a data set");
    let manifest = Manifest::parse(&bytes, bytes.len()).expect("a manifest");
    let read = |name: &str| std::fs::read(dataset.join(name)).expect("a segment");
    let segments = manifest.segments.iter().map(|segment| (segment.kind, read(&segment.name))).collect();
    (manifest, segments)
}

fn located(segment: u32, offset: usize, kind: SegmentKind, key: &str, raw: &[u8]) -> (u16, Located) {
    let (bucket, leaf) = ContentRoot::leaf(kind.as_str(), key, raw);
    let [offset, length] = [offset, raw.len()].map(|size| u32::try_from(size).expect("below 4 GiB"));
    (bucket, Located { segment, offset, length, leaf: *leaf.as_bytes() })
}

/// As an import does: blobs and records on two threads, then the index.
fn full(store: &Store, segments: &Segments) -> Generation {
    let halves = segments.len().div_ceil(2);
    let mut builder = GenerationBuilder::new();
    std::thread::scope(|scope| {
        let worker = |at: usize, half: &'_ [(SegmentKind, Vec<u8>)]| {
            let mut builder = GenerationBuilder::new();
            for (number, (kind, bytes)) in half.iter().enumerate() {
                let number = u32::try_from(at * halves + number).expect("few");
                store.blobs().put(&Digest::of(bytes), bytes).expect("a blob");
                let mut offset = 0;
                for line in lines(*kind, bytes, Limits::default()) {
                    let line = line.expect("a line");
                    let (bucket, located) = located(number, offset, *kind, line.key, line.raw);
                    builder.add_leaf(bucket, Digest::from_bytes(located.leaf));
                    match kind {
                        SegmentKind::Advisory => {
                            builder.add_advisory(&Advisory::parse(line.raw).expect("one"), located)
                        }
                        SegmentKind::Kev => {
                            builder.add_known_exploited(&KnownExploited::parse(line.raw).expect("one"), located);
                        }
                        SegmentKind::Epss => builder.add_epss(&Epss::parse_canonical(line.raw).expect("one")),
                    }
                    offset += line.raw.len() + 1;
                }
            }
            builder.sort().expect("sorted");
            builder
        };
        let handles: Vec<_> =
            segments.chunks(halves).enumerate().map(|(at, half)| scope.spawn(move || worker(at, half))).collect();
        handles.into_iter().for_each(|handle| builder.join(handle.join().expect("no panic")));
    });
    let root = builder.content_root().expect("a root");
    let number = store.next_generation().expect("a number");
    let numbered: Vec<_> = (0..).zip(segments.iter().map(|(_, bytes)| Digest::of(bytes))).collect();
    let path = store.generation_path(number);
    builder.write(store.disk(), &path, &numbered).expect("an index");
    let layer = LayerRef::seal(store.disk(), number, &path).expect("an index");
    store.blobs().sync().expect("synced");
    activate(store, number, vec![layer], root)
}

fn change(segments: &Segments) -> (Vec<Change>, Segments) {
    let mut changes = Vec::new();
    let mut number = 0_u32;
    let mut changed = Vec::new();
    for (kind, bytes) in segments {
        let mut new = Vec::new();
        for line in lines(*kind, bytes, Limits::default()) {
            let line = line.expect("a line");
            number += 1;
            let raw = match (number % 100, number % 1000) {
                (7, 7) => None,
                (7, _) => Some(bent(*kind, line.raw)),
                _ => {
                    new.extend_from_slice(line.raw);
                    new.push(b'\n');
                    continue;
                }
            };
            if let Some(raw) = &raw {
                new.extend_from_slice(raw);
                new.push(b'\n');
            }
            changes.push((*kind, line.key.to_owned(), raw));
        }
        changed.push((*kind, new));
    }
    (changes, changed)
}

fn bent(kind: SegmentKind, raw: &[u8]) -> Vec<u8> {
    match kind {
        SegmentKind::Advisory => {
            let mut advisory = Advisory::parse(raw).expect("one");
            advisory.cwes.insert("CWE-0".to_owned());
            advisory.affected.truncate(advisory.affected.len().div_ceil(2));
            advisory.to_line()
        }
        SegmentKind::Kev => {
            let fact = KnownExploited::parse(raw).expect("one");
            KnownExploited { date_added: fact.date_added.plus_days(1), ..fact }.to_line()
        }
        SegmentKind::Epss => {
            let fact = Epss::parse(raw).expect("one");
            Epss { probability_e5: fact.probability_e5 + 1, ..fact }.to_line()
        }
    }
}

fn delta(changes: &[Change], segment: u32) -> (Delta, Vec<u8>, Digest) {
    let (mut delta, mut blob) = (Delta::new(), Vec::new());
    for (kind, key, raw) in changes {
        let Some(raw) = raw else {
            match kind {
                SegmentKind::Advisory => delta.remove_advisory(key),
                SegmentKind::Kev => delta.remove_known_exploited(key),
                SegmentKind::Epss => delta.remove_epss(key),
            }
            continue;
        };
        let located = located(segment, blob.len(), *kind, key, raw).1;
        match kind {
            SegmentKind::Advisory => delta.upsert_advisory(Advisory::parse(raw).expect("one"), located),
            SegmentKind::Kev => delta.upsert_known_exploited(&KnownExploited::parse(raw).expect("one"), located),
            SegmentKind::Epss => delta.upsert_epss(&Epss::parse_canonical(raw).expect("one")),
        }
        blob.extend_from_slice(raw);
        blob.push(b'\n');
    }
    let digest = Digest::of(&blob);
    (delta, blob, digest)
}

fn activate(store: &Store, number: u64, layers: Vec<LayerRef>, content_root: Digest) -> Generation {
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
        blobs: Vec::new(),
        manifest: digest,
        metadata_frame: digest,
        trivy_db: None,
        derived: None,
        census: None,
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
    store.open_generation(number).expect("open")
}

/// Every package and every advisory has the same answer in both.
fn compare(layered: &Generation, whole: &Generation, changed: &Segments) {
    let (one, other) = (layered.view().expect("a view"), whole.view().expect("a view"));
    let mut packages = std::collections::BTreeMap::new();
    let mut advisories = 0;
    for (_, bytes) in changed.iter().filter(|(kind, _)| *kind == SegmentKind::Advisory) {
        for line in lines(SegmentKind::Advisory, bytes, Limits::default()) {
            let line = line.expect("a line");
            assert_eq!(one.summary(line.key).expect("read"), other.summary(line.key).expect("read"), "{}", line.key);
            advisories += 1;
            for affected in Advisory::parse(line.raw).expect("one").affected {
                packages
                    .insert((affected.package.ecosystem.to_string(), affected.package.name.clone()), affected.package);
            }
        }
    }
    let same = |package: &PackageKey| {
        assert_eq!(one.assertions(package).expect("read"), other.assertions(package).expect("read"), "{package:?}");
    };
    packages.values().for_each(same);
    println!("equal: content root, {advisories} summaries, assertions of {} packages", packages.len());
}
