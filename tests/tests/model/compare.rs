//! What the site knows, held against what the reference knows.

use std::collections::{BTreeMap, BTreeSet};

use domain::time::Timestamp;
use forge::now;
use ouk::limits::Limits;
use store::{GenerationRow, PendingRow, Store, StoreError, Task as Asked};

use super::clock::Remembered;
use super::kits::{KITS, SHELF, records};
use super::reference::{Emergency, RULES, Reference, Task, Waiting};
use super::step::NAMES;
use super::world::{World, nonce, policy};

/// All that decides, or is told, as both sides have it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    current: Option<u64>,
    previous: Option<u64>,
    /// The version of every role but the root.
    floors: BTreeSet<u64>,
    generations: BTreeMap<u64, usize>,
    pending: BTreeMap<u64, Waiting>,
    policy: Option<usize>,
    emergency: Option<Emergency>,
    time: Remembered,
    log: Vec<(String, Option<String>)>,
}

pub(crate) fn expected(reference: &Reference) -> Seen {
    Seen {
        current: reference.current,
        previous: reference.previous,
        floors: reference.floor.map(|floor| KITS[floor].version).into_iter().collect(),
        generations: reference.generations.clone(),
        pending: reference.pending.clone(),
        policy: Some(reference.policy),
        emergency: reference.emergency,
        time: reference.time,
        log: reference.log.iter().map(|(result, code)| ((*result).to_owned(), code.clone())).collect(),
    }
}

fn seconds(time: Timestamp) -> i64 {
    time.seconds_since(now())
}

fn name(text: &str) -> usize {
    NAMES.iter().position(|name| *name == text).expect("a person of the model")
}

/// Reads all of it by the handle of the appliance, which did not write it. `steps` says how many steps there were.
pub(crate) fn found(world: &World, steps: u64) -> Result<Seen, StoreError> {
    let store = &world.server;
    let of_kit = |row: &GenerationRow| SHELF.find(&row.kit_sha256).expect("a kit of the shelf");
    let floors = store.trust()?.map(|trust| trust.floors).unwrap_or_default();
    let policies = (0..RULES.len()).filter(|number| store.control_policy().is_ok_and(|found| found == policy(*number)));
    let mark = store.emergency()?.map(|mark| Emergency {
        generation: mark.generation,
        by: name(&mark.by),
        at: seconds(mark.at),
        confirmed: mark.confirmed,
    });
    let time = store.time()?.map(|time| Remembered {
        proven: seconds(time.proven),
        observed: seconds(time.observed),
        confirmed: seconds(time.confirmed),
        anchor: time.anchor.map(|it| (seconds(it.at), it.since_boot_seconds, it.boot_id.parse().expect("a number"))),
    });
    let logbook = store.logbook()?.expect("a log");
    let records = logbook.records(0..u64::MAX)?;
    Ok(Seen {
        current: store.current()?,
        previous: store.previous()?,
        floors: floors.iter().filter(|floor| floor.role != "root").map(|floor| floor.version).collect(),
        generations: store.generations()?.iter().map(|row| (row.number, of_kit(row))).collect(),
        pending: store.pending()?.iter().map(|row| (row.number, waiting(row, steps))).collect(),
        policy: policies.last(),
        emergency: mark,
        time: time.unwrap_or_default(),
        log: records.into_iter().map(|record| (record.result, record.code)).collect(),
    })
}

fn waiting(row: &PendingRow, steps: u64) -> Waiting {
    let place = |digest| (0..RULES.len()).find(|number| policy(*number).digest() == digest).expect("one of the model");
    let of_kit = |sha256| SHELF.find(sha256).expect("a kit of the shelf");
    let task = match &row.task {
        Asked::Activate { generation, trust_root, .. } => {
            Task::Activate { kit: of_kit(&generation.kit_sha256), first: trust_root.is_some() }
        }
        Asked::ConfirmEmergency(mark) => {
            Task::ConfirmEmergency { generation: mark.generation, kit: of_kit(&mark.kit_sha256) }
        }
        Asked::Rollback { to, metadata_digest } => {
            Task::RollBack { to: *to, kit: SHELF.signed_as(metadata_digest).expect("a kit of the shelf") }
        }
        Asked::Clock { wall } => Task::Clock { wall: seconds(*wall) },
        Asked::Policy { replaces, policy } => Task::Policy { replaces: place(*replaces), to: place(policy.digest()) },
    };
    Waiting {
        task,
        by: name(&row.requested_by),
        at: seconds(row.requested_at),
        until: seconds(row.expires_at),
        nonce: (0..steps).find(|step| nonce(*step) == row.nonce).expect("the number of a step"),
        signed: row.approvals.iter().map(|approval| name(&approval.person)).collect(),
    }
}

/// What must hold whatever the reference says: the log extends what was given out, each record has its receipt,
/// every generation that is kept is whole, and serves just the records of its kit.
pub(crate) fn check_whole(world: &mut World, reference: &Reference) -> Result<(), String> {
    let told = |error: StoreError| error.to_string();
    let logbook = world.server.logbook().map_err(told)?.ok_or("there is no log")?;
    let oldest = world.checkpoints.first().map(String::as_bytes);
    let verified = logbook.verify(oldest).map_err(|error| format!("the log: {error}"))?;
    if let Some(newest) = world.checkpoints.last() {
        logbook.verify(Some(newest.as_bytes())).map_err(|error| format!("the log: {error}"))?;
    }
    if verified.receipts != verified.head.size {
        return Err(format!("{} records have {} receipts", verified.head.size, verified.receipts));
    }
    let checkpoint = logbook.checkpoint().map_err(told)?;
    for (number, kit) in &reference.generations {
        let served = served(&world.server, *number).map_err(|error| format!("generation {number}: {error}"))?;
        if served != records(KITS[*kit].content) {
            return Err(format!("generation {number} of kit {kit} serves {served:?}"));
        }
    }
    let active = reference.current.map(|_| world.server.open_current().map_err(told)).transpose()?;
    let root = active.map(|generation| generation.row().content_root);
    if root != reference.content().map(|content| SHELF.content_root(content)) {
        return Err("another content is served".to_owned());
    }
    world.checkpoints.push(checkpoint);
    Ok(())
}

fn served(store: &Store, number: u64) -> Result<BTreeSet<String>, String> {
    let told = |error: StoreError| error.to_string();
    let generation = store.open_generation(number).map_err(told)?;
    if !store.is_intact(generation.row()) {
        return Err("a blob is missing or changed".to_owned());
    }
    importer::recheck(store, generation.row(), "0.1.0", &Limits::default()).map_err(|error| error.to_string())?;
    let view = generation.view().map_err(told)?;
    let ids = view.search_ids("", 100).map_err(told)?;
    let mut found = BTreeSet::new();
    for (_, id) in ids {
        let advisory = view.advisory(&id, store.blobs()).map_err(told)?.ok_or("a record is missing")?;
        found.insert(advisory.id);
    }
    Ok(found)
}
