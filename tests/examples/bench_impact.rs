//! What a preview costs: many stored SBOMs, of which a change of the data touches some.
//!
//! `bench_impact STATE_DIR COUNT SBOM...` takes real inventories, stores COUNT documents made of them (each leaves
//! out a tenth of its packages), and makes generations of the imported one: one with all advisories, one
//! without every hundredth, and one without so many that a hundredth of the documents is touched. Then it
//! measures the preview of what is left out against evaluating every document. Seconds of processor time are
//! shown beside those of the clock, because other work on the machine does not change them.

#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "a measuring program")]

use std::collections::{BTreeSet, HashMap};
use std::num::NonZeroUsize;
use std::time::Instant;

use domain::advisory::{Advisory, PackageKey};
use domain::component::Inventory;
use domain::digest::Digest;
use domain::matching::{Plan, SourceNames, evaluate, plan};
use domain::time::Timestamp;
use importer::impact::{Terms, impact};
use policy::Gate;
use store::audit::{Entry, Event};
use store::{Activation, Generation, GenerationBuilder, LayerRef, Located, SbomRow, Sboms, Store};

const AT_ONCE: usize = 1_000;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let usage = "bench_impact STATE_DIR COUNT SBOM...";
    let store = Store::open(arguments.next().expect(usage)).expect("a state directory");
    let count: usize = arguments.next().expect(usage).parse().expect("a number");
    let read = |path: String| sbom::read(&std::fs::read(path).expect("a file"), &sbom::Limits::default()).ok();
    let pool: Vec<Inventory> = arguments.filter_map(read).filter(|inventory| inventory.components.len() > 20).collect();
    let sboms = store.sboms().expect("stored SBOMs");
    if sboms.count().expect("a count") < count as u64 {
        let watch = Instant::now();
        fill(&sboms, &pool, count);
        println!("stored {count} documents of {} real ones in {:.1} s", pool.len(), watch.elapsed().as_secs_f64());
    }
    let full = store.open_generation(1).expect("an imported kit");
    let all = advisories(&store, &full);
    let hundredth: BTreeSet<usize> = (0..all.len()).step_by(100).collect();
    let base = generation(&store, &all, &BTreeSet::new());
    for (name, without) in [
        ("nothing", BTreeSet::new()),
        ("what touches 1 % of the documents", touching(&all, &pool, pool.len().div_ceil(100))),
        ("1 % of the advisories", hundredth),
    ] {
        let old = generation(&store, &all, &without);
        println!("{name}: {} advisories", without.len());
        measure(&sboms, &old, &base);
    }
    scan_all(&sboms, &base, (count / 20).max(1));
}

/// Documents like real ones: each leaves out every tenth component, from a place of its own on.
fn fill(sboms: &Sboms, pool: &[Inventory], count: usize) {
    for first in (0..count).step_by(AT_ONCE) {
        let documents: Vec<_> = (first..count.min(first + AT_ONCE))
            .map(|number| {
                let mut inventory = pool[number % pool.len()].clone();
                let mut index = number / pool.len();
                inventory.components.retain(|_| {
                    index = index.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    !(index >> 33).is_multiple_of(10)
                });
                let name = format!("image-{number}");
                let gate = Gate::default();
                (SbomRow::new(Digest::of(name.as_bytes()), name, &inventory, gate, Timestamp::UNIX_EPOCH), inventory)
            })
            .collect();
        sboms.add(documents.iter().map(|(row, inventory)| (row, inventory))).expect("kept");
    }
}

fn advisories(store: &Store, generation: &Generation) -> Vec<Advisory> {
    let view = generation.view().expect("a view");
    let ids: Vec<String> = view.summaries().expect("rows").map(|row| row.expect("a row").0).collect();
    ids.iter().map(|id| view.advisory(id, store.blobs()).expect("readable").expect("there")).collect()
}

/// Advisories that together are asked about by at most so many inventories of the pool, and by some.
fn touching(all: &[Advisory], pool: &[Inventory], count_max: usize) -> BTreeSet<usize> {
    let mut users: HashMap<PackageKey, BTreeSet<usize>> = HashMap::new();
    for (number, inventory) in pool.iter().enumerate() {
        let names = SourceNames::of(inventory);
        for component in &inventory.components {
            if let Plan::Lookups(lookups) = plan(component, inventory.distribution.as_ref(), names) {
                lookups.into_iter().for_each(|lookup| users.entry(lookup.package).or_default().extend([number]));
            }
        }
    }
    let (mut touched, mut chosen) = (BTreeSet::new(), BTreeSet::new());
    for (index, advisory) in all.iter().enumerate() {
        let its = advisory.affected.iter().filter_map(|affected| users.get(&affected.package)).flatten();
        let more: BTreeSet<usize> = its.copied().chain(touched.iter().copied()).collect();
        if more.len() <= count_max {
            touched = more;
            chosen.insert(index);
        }
        if chosen.len() == all.len() / 100 && touched.len() == count_max {
            break;
        }
    }
    // Most advisories concern nobody: a hundredth of all is as many as a day brings.
    let used = |index: &usize| all[*index].affected.iter().any(|affected| users.contains_key(&affected.package));
    let mut kept: BTreeSet<usize> = chosen.iter().copied().filter(used).collect();
    kept.extend(chosen.iter().copied().filter(|index| !used(index)).take((all.len() / 100).saturating_sub(kept.len())));
    kept
}

/// What a transaction writes down.
fn entry() -> Entry {
    Entry::from(Event {
        at: Timestamp::UNIX_EPOCH,
        action: "import".to_owned(),
        actor: "ada".to_owned(),
        result: "activated".to_owned(),
        code: None,
        subjects: Vec::new(),
        details: Default::default(),
    })
}

fn site(store: &Store) -> store::Site {
    let mut next = 0;
    let mut entropy = |bytes: &mut [u8]| {
        next += 1;
        bytes.fill(next);
        Ok(())
    };
    store.site(&mut entropy).expect("a site")
}

/// One more generation in the store, made active.
fn generation(store: &Store, all: &[Advisory], without: &BTreeSet<usize>) -> Generation {
    let mut builder = GenerationBuilder::new();
    let located = Located { segment: 0, offset: 0, length: 0, leaf: [0; 32] };
    let kept = all.iter().enumerate().filter(|(index, _)| !without.contains(index));
    kept.for_each(|(_, advisory)| builder.add_advisory(advisory, located));
    let base = store.open_generation(1).expect("an imported kit");
    for (name, complete) in base.ecosystems() {
        if *complete {
            builder.declare_complete(&name.parse().expect("known"));
        }
    }
    let number = store.next_generation().expect("a number");
    let segment = base.row().manifest;
    let path = store.generation_path(number);
    builder.write(store.disk(), &path, &[(0, segment)]).expect("an index");
    let layer = LayerRef::seal(store.disk(), number, &path).expect("an index");
    let mut generation = base.row().clone();
    (generation.number, generation.layers) = (number, vec![layer]);
    let (trust, time) = (store.trust().expect("trust").expect("pinned"), store.time().expect("time").expect("known"));
    let activation = Activation { trust, time, generation, entitlements: Default::default(), entry: entry() };
    let logged = store.activate(&site(store), &activation).expect("activated");
    assert!(logged.unpublished.is_none());
    store.open_generation(number).expect("open")
}

fn measure(sboms: &Sboms, old: &Generation, new: &Generation) {
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let terms = Terms { now: Timestamp::UNIX_EPOCH, engine: "stella bench", threads, progress: &|_| {} };
    let watch = Watch::start();
    let comparison = importer::impact::compare(old, new).expect("compared");
    println!("  comparing: {}; {} packages differ", watch.read(), comparison.packages.len());
    let watch = Watch::start();
    let report = impact(sboms, old, new, &terms).expect("a report");
    let counts = report.sboms;
    println!(
        "  in all: {}; {} of {} documents touched, {} changed, {} findings appear",
        watch.read(),
        counts.touched,
        counts.stored,
        counts.changed,
        report.totals.by_kind[&importer::impact::ChangeKind::Appeared],
    );
}

/// What evaluating `count` of the documents once costs, on one thread; the whole is that by proportion.
fn scan_all(sboms: &Sboms, generation: &Generation, count: usize) {
    let snapshot = sboms.snapshot().expect("a snapshot");
    let rows = sboms.list(None, count).expect("a list");
    let view = generation.view().expect("a view");
    let (mut components, mut findings) = (0, 0);
    let watch = Watch::start();
    rows.iter().for_each(|row| drop(snapshot.read(&row.digest).expect("readable")));
    println!("reading {} documents: {}", rows.len(), watch.read());
    let watch = Watch::start();
    for row in &rows {
        let (_, inventory) = snapshot.read(&row.digest).expect("readable");
        components += inventory.components.len();
        findings += evaluate(&inventory, &view).expect("evaluated").findings.len();
    }
    println!(
        "evaluating {} documents: {}; {} components and {} findings each",
        rows.len(),
        watch.read(),
        components / rows.len(),
        findings / rows.len(),
    );
}

/// Seconds by the clock, and of the processors.
struct Watch(Instant, f64);

impl Watch {
    fn start() -> Self {
        Self(Instant::now(), processor_seconds())
    }

    fn read(&self) -> String {
        format!("{:.2} s, {:.2} s of processor", self.0.elapsed().as_secs_f64(), processor_seconds() - self.1)
    }
}

/// Fields 14 and 15 of `/proc/self/stat`, in hundredths of a second.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / 100.0
}
