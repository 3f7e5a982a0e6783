//! Programs at the same time: every order in which they may use the disk, up to two changes from one to the other.
//!
//! The real store and the real importer, each program with handles of its own, as a server and a command line have
//! them. An order is: the first one does `i` operations, the other one `j`, then each goes on to its end; for
//! all `i` and `j`, and with either of them as the first. Operations that the other one cannot notice are not counted.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};

use attest::AttestError;
use attest::tlog::{Tile, TileReader, TreeHead, append, entries};
use store::disk::Disk;
use store::{Generation, Store, StoreError};
use tests::simulation::{Image, Program, Shared, SimDisk, Turn, Turns};

use crate::act::Act;
use crate::bench::{Kit, STATE, fill_log, open};
use crate::state::{State, boot};

use Act::{Approve, CarryOut, Import, Policy, RollBack, Stage, Withdraw};
use Kit::Version;

/// What is staged, and the import's own lock and copies, are nobody else's. All other files but the database are written
/// before they have their names, and never after.
fn shared(path: &Path) -> Shared {
    let own = ["staging", "kits", "keys", "quarantine", "import.lock"];
    if own.iter().any(|own| path.starts_with(Path::new(STATE).join(own))) {
        Shared::Nothing
    } else if path == Path::new(STATE).join("state.redb") {
        Shared::Content
    } else {
        Shared::Name
    }
}

fn after(acts: &[Act]) -> Image {
    let disk = SimDisk::new(&Image::empty());
    for act in acts {
        act.run(&disk).unwrap_or_else(|error| panic!("{act:?}: {error}"));
    }
    disk.image()
}

/// What a program does with its handle; tells what came of it.
type Deed<'a> = &'a (dyn Fn(&Store) -> Result<(), String> + Sync);

/// How the two ended, and what they left.
type Ends = ([Result<(), String>; 2], State);

/// Runs two programs in one order. Also says how many operations counted.
fn run(start: &Image, turns: &[Turn], deeds: [Deed<'_>; 2]) -> (Ends, Vec<usize>) {
    let disk = SimDisk::new(start);
    let order = Turns::new(2, turns, shared);
    let stores = [0, 1].map(|number| {
        let own: Arc<dyn Disk> = order.disk(&disk, number);
        Store::open_on(own, STATE).expect("a state")
    });
    let ends = [const { Mutex::new(Ok(())) }; 2];
    let programs = (0..2).map(|number| -> Program<'_> {
        let (store, deed, end) = (&stores[number], deeds[number], &ends[number]);
        Box::new(move || *end.lock().expect("nobody else's") = deed(store))
    });
    let done = order.run(programs.collect());
    drop(stores);
    let state = boot(&SimDisk::new(&disk.image())).unwrap_or_else(|error| panic!("{turns:?}: {error}"));
    ((ends.map(|end| end.into_inner().expect("over")), state), done)
}

/// Tries every order, or one of `stride` beginning with number `offset`; says how many.
fn every_order(
    start: &Image,
    deeds: [Deed<'_>; 2],
    (offset, stride): (usize, usize),
    check: &dyn Fn(&Ends) -> Result<(), String>,
) -> usize {
    let (_, counts) = run(start, &[(0, usize::MAX)], deeds);
    let mut tried = 0;
    for first in 0..2 {
        let other = 1 - first;
        let (most, least) = (counts[first] + 1, counts[other] + 1);
        for number in (offset..most * least).step_by(stride) {
            let turns = [(first, number / least), (other, number % least), (first, usize::MAX), (other, usize::MAX)];
            let (ends, _) = run(start, &turns, deeds);
            check(&ends).unwrap_or_else(|error| panic!("{turns:?}: {error}"));
            tried += 1;
        }
    }
    tried
}

fn act(act: Act) -> impl Fn(&Store) -> Result<(), String> + Sync {
    move |store| act.run_on(store).map_err(|error| error.code().to_owned())
}

/// The names of all records of the active generation, after reading some of them from their blobs.
fn served(store: &Store) -> Result<BTreeSet<String>, StoreError> {
    read_held(store, &store.open_current()?)
}

fn read_held(store: &Store, generation: &Generation) -> Result<BTreeSet<String>, StoreError> {
    let view = generation.view()?;
    let ids: Vec<String> = view.search_ids("", usize::MAX)?.into_iter().map(|(_, id)| id).collect();
    let mut found: BTreeSet<String> = ids.iter().cloned().collect();
    for id in ids.iter().step_by(ids.len().div_ceil(2).max(1)) {
        if view.advisory(id, store.blobs())?.is_none_or(|record| record.id != *id) {
            found.insert(format!("{id} is missing"));
        }
    }
    Ok(found)
}

fn tell(what: &str, tried: usize) {
    #[expect(clippy::print_stdout, reason = "the figures are the result")]
    {
        println!("{what}: {tried} orders tried, all as if one came after the other");
    }
}

pub(crate) fn a_reader_beside_two_imports(stride: (usize, usize)) {
    // Two activations after a rollback to the oldest one forget what was active.
    let start = after(&[Import(Version(1)), Import(Version(2)), RollBack]);
    let whole: Vec<BTreeSet<String>> = [None, Some(3), Some(4)]
        .map(|last| {
            let acts: Vec<Act> = last.into_iter().flat_map(|last| (3..=last).map(|kit| Import(Version(kit)))).collect();
            let disk = SimDisk::new(&start);
            acts.iter().for_each(|act| act.run(&disk).expect("imported"));
            served(&open(&disk).expect("a state")).expect("readable")
        })
        .into();
    assert!(whole[0] != whole[1] && whole[1] != whole[2], "they can be told apart");
    let reader = |store: &Store| {
        let found = served(store).map_err(|error| error.to_string())?;
        if whole.contains(&found) { Ok(()) } else { Err(format!("a mixture is served: {found:?}")) }
    };
    let importer = |store: &Store| [3, 4].into_iter().try_for_each(|kit| act(Import(Version(kit)))(store));
    let tried = every_order(&start, [&reader, &importer], stride, &|(ends, state)| {
        ends.iter().cloned().collect::<Result<(), String>>()?;
        if state.generations.iter().any(|row| row.number == 1) {
            Err("nothing was forgotten".to_owned())
        } else {
            Ok(())
        }
    });
    tell("a scan beside two imports", tried);
}

/// A generation that is held open is read whole, whatever is activated and swept meanwhile.
pub(crate) fn a_held_generation_beside_an_import_that_sweeps(stride: (usize, usize)) {
    let start = after(&[Import(Version(1)), Import(Version(2)), Import(Version(3))]);
    let expected = served(&open(&SimDisk::new(&start)).expect("a state")).expect("readable");
    let reader = |store: &Store| {
        let told = |error: StoreError| error.to_string();
        let generation = store.open_current().map_err(told)?;
        let found = read_held(store, &generation).map_err(told)?;
        if generation.row().number == 4 || found == expected { Ok(()) } else { Err(format!("a mixture: {found:?}")) }
    };
    let tried =
        every_order(&start, [&reader, &act(Import(Version(4)))], stride, &|(ends, _)| ends.iter().cloned().collect());
    tell("a scan beside an import that forgets and sweeps", tried);
}

pub(crate) fn two_approvals(stride: (usize, usize)) {
    let start = after(&[Import(Version(1)), Policy(2), Stage(Version(2))]);
    let deeds: [Deed<'_>; 2] = [&act(Approve(2, "bob")), &act(Approve(2, "carol"))];
    let tried = every_order(&start, deeds, stride, &|(ends, state)| {
        ends.iter().cloned().collect::<Result<(), String>>()?;
        let people: BTreeSet<&str> = state.pending[0].approvals.iter().map(|made| made.person.as_str()).collect();
        if people == ["bob", "carol"].into() { Ok(()) } else { Err(format!("only {people:?} count")) }
    });
    tell("two approvals", tried);
}

pub(crate) fn an_approval_and_a_withdrawal(stride: (usize, usize)) {
    let start = after(&[Import(Version(1)), Policy(1), Stage(Version(2))]);
    let receipts = boot(&SimDisk::new(&start)).expect("whole").receipts.len();
    let tried = every_order(&start, [&act(Approve(2, "bob")), &act(Withdraw(2))], stride, &|(ends, state)| {
        let late = ["E-CONTROL-UNKNOWN", "E-CONTROL-CHANGED"];
        let records = match ends {
            [Ok(()), Ok(())] => 2,
            [Err(code), Ok(())] if late.contains(&code.as_str()) => 1,
            ends => return Err(format!("{ends:?}")),
        };
        let as_told = state.pending.is_empty() && state.receipts.len() == receipts + records;
        if as_told { Ok(()) } else { Err(format!("{ends:?} left {} requests", state.pending.len())) }
    });
    tell("an approval and a withdrawal", tried);
}

pub(crate) fn an_activation_and_a_withdrawal(stride: (usize, usize)) {
    let history = [Import(Version(1)), Policy(1), Stage(Version(2)), Approve(2, "alice"), Approve(2, "bob")];
    let start = after(&history);
    let tried = every_order(&start, [&act(CarryOut(2)), &act(Withdraw(2))], stride, &|(ends, state)| {
        let active = match ends {
            [Ok(()), Err(code)] if code == "E-BUSY" || code == "E-CONTROL-UNKNOWN" => 2,
            [Err(code), Ok(())] if code == "E-BUSY" || code == "E-CONTROL-UNKNOWN" => 1,
            ends => return Err(format!("exactly one happens, and not {ends:?}")),
        };
        let as_told = state.current == Some(active) && state.pending.is_empty();
        if as_told { Ok(()) } else { Err(format!("{ends:?} left {:?} active", state.current)) }
    });
    tell("an activation and a withdrawal", tried);
}

/// K03: what is exported is the log of one moment, also when a tile is filled meanwhile.
pub(crate) fn an_export_beside_an_activation(stride: (usize, usize)) {
    let start = {
        let disk = SimDisk::new(&after(&[Import(Version(1)), Import(Version(2))]));
        fill_log(&disk, 255);
        disk.image()
    };
    let export = |store: &Store| {
        let logbook = store.logbook().map_err(|error| error.to_string())?.ok_or("there is no log")?;
        match logbook.files().collect::<Result<Vec<_>, _>>() {
            Ok(files) => check_export(&files, logbook.head()),
            // Between the commit and the signature; the next try succeeds.
            Err(StoreError::NotYetSigned { published: 255, size: 256 }) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    };
    let tried = every_order(&start, [&export, &act(RollBack)], stride, &|(ends, _)| ends.iter().cloned().collect());
    tell("an export beside an activation", tried);
}

/// The tiles are those of the exported entries, and these are what the exported checkpoint signs.
fn check_export(files: &[(String, Vec<u8>)], head: &TreeHead) -> Result<(), String> {
    let told = |error: AttestError| error.to_string();
    let find = |name: &str| files.iter().find(|(found, _)| found.starts_with(name)).ok_or(format!("{name} is missing"));
    let (name, bundle) = find("tile/entries")?;
    let tile = Tile::parse(name).ok_or("no name of a tile")?;
    let entries = entries(tile, bundle).map_err(told)?;
    let grown = append(&Nothing, &TreeHead::empty(), &entries).map_err(told)?;
    if grown.head != *head {
        return Err(format!("{} entries do not make the head of {}", entries.len(), head.size));
    }
    if grown.files.iter().any(|(tile, bytes)| files.iter().all(|file| *file != (tile.to_string(), bytes.clone()))) {
        return Err("a tile is missing, or another one".to_owned());
    }
    let signed = String::from_utf8_lossy(&find("checkpoint")?.1).lines().nth(1).map(str::to_owned);
    if signed == Some(head.size.to_string()) { Ok(()) } else { Err(format!("the checkpoint is of {signed:?}")) }
}

/// The tiles of an empty log.
struct Nothing;

impl TileReader for Nothing {
    type Error = AttestError;

    fn tile(&self, tile: Tile) -> Result<Vec<u8>, AttestError> {
        Err(AttestError::Tile { path: tile.to_string(), reason: "an empty log has none" })
    }
}
