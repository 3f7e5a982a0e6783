//! The stored SBOMs, cut off and disturbed as everything else is.

use std::path::Path;

use domain::component::{Component, Inventory};
use domain::digest::Digest;
use domain::purl::Purl;
use domain::time::Timestamp;
use policy::Gate;
use store::{SHARDS, SbomRow, Sboms, StoreError};
use tests::simulation::{Fault, FaultKind, Image, Power, Random, SimDisk};

use crate::bench::{BENCH, Kit, STATE, open};
use crate::cut::{Tally, cut_everywhere};

/// What is done when the power goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    /// The first look at them makes the file.
    Open,
    Add(&'static [&'static str]),
    /// The same document under another policy.
    Judge(&'static str),
    Remove(&'static str),
}

use Act::{Add, Judge, Open, Remove};

/// What was done before, and what is cut off.
const WORKLOADS: [(&str, &[Act], Act); 4] = [
    ("the first look at stored SBOMs", &[], Open),
    ("storing SBOMs", &[Open, Add(&["a"])], Add(&["b", "c"])),
    ("judging a stored SBOM anew", &[Add(&["a", "b"])], Judge("a")),
    ("removing a stored SBOM", &[Add(&["a", "b", "c"])], Remove("b")),
];

/// Large enough for several pages.
fn inventory(name: &str) -> Inventory {
    let component = |number: u64| {
        let purl = Purl::parse(&format!("pkg:cargo/{name}-{number}@1.{number}.0")).expect("a purl");
        let salt = Digest::of(&number.to_le_bytes()).to_string();
        Component { name: purl.name.clone(), purl: Some(purl), locations: vec![salt], ..Component::default() }
    };
    Inventory {
        format: "CycloneDX".into(),
        spec_version: "1.6".into(),
        components: (0..150).map(component).collect(),
        ..Inventory::default()
    }
}

fn row(name: &str, gate: Gate) -> SbomRow {
    SbomRow::new(Digest::of(name.as_bytes()), name.to_owned(), &inventory(name), gate, Timestamp::UNIX_EPOCH)
}

fn strict() -> Gate {
    Gate { data_age_days_max: Some(7), ..Gate::default() }
}

impl Act {
    fn run(self, sboms: &Sboms) -> Result<(), StoreError> {
        match self {
            Open => Ok(()),
            Add(names) => {
                let documents: Vec<_> =
                    names.iter().map(|name| (row(name, Gate::default()), inventory(name))).collect();
                sboms.add(documents.iter().map(|(row, inventory)| (row, inventory))).map(drop)
            }
            Judge(name) => sboms.add([(&row(name, strict()), &inventory(name))]).map(drop),
            Remove(name) => sboms.remove(&Digest::of(name.as_bytes())).map(drop),
        }
    }
}

/// All that is stored: rows, and as many inventories and footprints as rows.
type State = Vec<SbomRow>;

fn read(sboms: &Sboms) -> Result<State, String> {
    let told = |error: StoreError| error.to_string();
    let rows = sboms.list(None, 100).map_err(told)?;
    let snapshot = sboms.snapshot().map_err(told)?;
    let mut footprints = 0;
    for shard in 0..SHARDS {
        footprints += snapshot.footprints(shard, |_, _| Ok(())).map_err(told)?;
    }
    if footprints != rows.len() as u64 || snapshot.count().map_err(told)? != footprints {
        return Err(format!("{} rows have {footprints} footprints", rows.len()));
    }
    for row in &rows {
        let (found, stored) = snapshot.read(&row.digest).map_err(told)?;
        if found != *row || stored != inventory(&row.name) {
            return Err(format!("{} is another document", row.name));
        }
    }
    Ok(rows)
}

fn boot(image: &Image) -> Result<State, String> {
    let store = open(&SimDisk::new(image)).map_err(|error| format!("the state does not open: {error}"))?;
    read(&store.sboms().map_err(|error| format!("the SBOMs do not open: {error}"))?)
}

fn start(history: &[Act]) -> Image {
    let disk = SimDisk::new(&BENCH.site_with(&[Kit::Version(1)]));
    for act in history {
        act.run(&open(&disk).expect("a state").sboms().expect("a file")).expect("done");
    }
    disk.image()
}

fn run(act: Act, disk: &SimDisk) -> Result<(), StoreError> {
    let store = open(disk)?;
    store.sboms().and_then(|sboms| {
        let result = act.run(&sboms);
        disk.mark();
        result
    })
}

/// Every image has the documents of before or of after, and takes another one.
pub(crate) fn explore(number: usize, count: usize, seed: u64) -> (&'static str, Tally) {
    let (name, history, act) = WORKLOADS[number];
    let start = start(history);
    let disk = SimDisk::new(&start);
    run(act, &disk).expect("done");
    let (before, after) = (boot(&start).expect("whole"), boot(&disk.image()).expect("whole"));
    assert_eq!(before != after, act != Open, "{name}");
    let mut tally = Tally::default();
    let mut random = Random::new(seed);
    let power = Power::new(&start, &disk);
    cut_everywhere(name, power, count, &mut random, &mut tally, &mut |image, told, _| {
        let found = boot(image)?;
        if found != after && (told || found != before) {
            return Err(format!("neither what was stored before nor after: {found:?}"));
        }
        let disk = SimDisk::new(image);
        run(Add(&["later"]), &disk).map_err(|error| format!("nothing more can be stored: {error}"))?;
        let mut power = Power::new(image, &disk);
        while power.advance() {}
        let lasting = boot(&power.image(&power.nothing_pending()))?;
        if lasting.len() != found.len() + 1 { Err("what was stored later is gone".to_owned()) } else { Ok(()) }
    });
    (name, tally)
}

/// Fails every `stride`-th operation. The appliance, which has the file open, goes on reading and storing.
pub(crate) fn sweep(number: usize, first: usize, stride: usize) -> (&'static str, usize) {
    let (name, history, act) = WORKLOADS[number];
    let start = start(history);
    let disk = SimDisk::new(&start);
    run(act, &disk).expect("done");
    let (before, after) = (boot(&start).expect("whole"), boot(&disk.image()).expect("whole"));
    let is_new = !start.paths().contains(&Path::new(STATE).join("sboms.redb").as_path());
    let mut count = 0;
    for (kind, persistent) in FaultKind::once_and_for_good() {
        for at in (first as u64..).step_by(stride) {
            let fault = Fault { kind, at, persistent };
            match fail_once(&start, act, is_new, fault, (&before, &after)) {
                Ok(true) => count += 1,
                Ok(false) => break,
                Err(error) => panic!("{name}: {fault:?}: {error}"),
            }
        }
    }
    (name, count)
}

fn fail_once(
    start: &Image,
    act: Act,
    is_new: bool,
    fault: Fault,
    (before, after): (&State, &State),
) -> Result<bool, String> {
    let disk = SimDisk::new(start);
    let store = (!is_new).then(|| open(&disk).expect("a state"));
    let server = store.as_ref().map(|store| store.sboms().expect("a file"));
    disk.arm(Some(fault));
    let result = match &server {
        Some(server) => act.run(server),
        None => run(act, &disk),
    };
    let struck = disk.hits() > 0;
    if !fault.persistent {
        disk.arm(None);
    }
    if let Some(server) = &server {
        let served = read(server);
        let unreadable = fault.kind == FaultKind::Read && fault.persistent;
        served.or_else(|error| if unreadable { Ok(Vec::new()) } else { Err(format!("reading stopped: {error}")) })?;
        disk.arm(None);
        let found = read(server).map_err(|error| format!("reading did not come back: {error}"))?;
        if found != *after && (result.is_ok() || found != *before) {
            return Err("neither what was stored before nor after".to_owned());
        }
        Add(&["later"]).run(server).map_err(|error| format!("nothing more can be stored: {error}"))?;
    }
    disk.arm(None);
    drop(server);
    let mut power = Power::new(start, &disk);
    while power.advance() {}
    let lasting =
        boot(&power.image(&power.nothing_pending())).map_err(|error| format!("after a power cut: {error}"))?;
    let is_kept = lasting.iter().any(|row| row.name == "later");
    if is_kept == is_new { Err("what was stored later is gone".to_owned()) } else { Ok(struck) }
}
