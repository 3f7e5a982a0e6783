//! What a state directory says after a reboot, and whether it may.

use std::collections::BTreeSet;
use std::path::Path;

use attest::keys::{Token, VerifyingKey};
use attest::statement::OukImport;
use domain::clock::TimeFloor;
use domain::digest::Digest;
use store::{ControlPolicy, EmergencyRow, GenerationRow, PendingRow, Store, TrustRow};
use tests::simulation::{Image, SimDisk};

use crate::bench::{STATE, open, recheck, site};

/// All that one transaction makes visible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) current: Option<u64>,
    pub(crate) previous: Option<u64>,
    pub(crate) trust: Option<TrustRow>,
    pub(crate) time: Option<TimeFloor>,
    /// What waits, with its approvals.
    pub(crate) pending: Vec<PendingRow>,
    pub(crate) policy: ControlPolicy,
    pub(crate) emergency: Option<EmergencyRow>,
    /// The public half of the key that signs the site's tokens.
    pub(crate) token_key: Option<VerifyingKey<Token>>,
    /// What they say; the keys that sign them are others at every try.
    pub(crate) receipts: Vec<OukImport>,
    /// Older ones are forgotten after an import, in a transaction of its own.
    pub(crate) generations: Vec<GenerationRow>,
}

impl State {
    pub(crate) fn read(store: &Store) -> Result<Self, String> {
        let told = |error: store::StoreError| error.to_string();
        Ok(Self {
            current: store.current().map_err(told)?,
            previous: store.previous().map_err(told)?,
            trust: store.trust().map_err(told)?,
            time: store.time().map_err(told)?,
            pending: store.pending().map_err(told)?,
            policy: store.control_policy().map_err(told)?,
            emergency: store.emergency().map_err(told)?,
            token_key: store.identity().map_err(told)?.map(|identity| identity.token().clone()),
            receipts: receipts(store).map_err(told)?,
            generations: store.generations().map_err(told)?,
        })
    }

    pub(crate) fn active(&self) -> Option<&GenerationRow> {
        self.generations.iter().find(|row| Some(row.number) == self.current)
    }

    /// The same to all who use the site: it may have taken more attempts, and other generations may be kept.
    pub(crate) fn is_as_good_as(&self, goal: &Self) -> bool {
        let kit = |state: &Self| state.active().map(|row| (row.kit_version, row.content_root, row.metadata_digest));
        let requests = |state: &Self| -> Vec<_> {
            state.pending.iter().map(|row| (row.task.action(), row.approvals.len(), row.requested_at)).collect()
        };
        kit(self) == kit(goal)
            && self.trust == goal.trust
            && self.policy == goal.policy
            && self.emergency == goal.emergency
            && requests(self) == requests(goal)
    }

    /// The same but for generations that wait to be forgotten.
    fn is(&self, other: &Self) -> bool {
        let without = |state: &Self| Self { generations: Vec::new(), token_key: None, ..state.clone() };
        without(self) == without(other) && other.generations.iter().all(|row| self.generations.contains(row))
    }
}

/// One reboot (I11): the state opens, and all that it points at is whole (I1).
pub(crate) fn boot(disk: &SimDisk) -> Result<State, String> {
    boot_store(&open(disk).map_err(|error| format!("the state does not open: {error}"))?)
}

/// The same, once it is open.
pub(crate) fn boot_store(store: &Store) -> Result<State, String> {
    check_log(store).map_err(|error| format!("the audit log: {error}"))?;
    let state = State::read(store)?;
    for row in &state.generations {
        let generation = store.open_generation(row.number).map_err(|error| error.to_string())?;
        generation.view().map_err(|error| error.to_string())?;
        if !store.is_intact(row) {
            return Err(format!("generation {} lacks a blob", row.number));
        }
        recheck(store, row).map_err(|error| format!("generation {}: {error}", row.number))?;
    }
    for row in state.pending.iter().filter_map(PendingRow::staged) {
        store.open_staged(row).map_err(|error| error.to_string())?;
        if !store.is_intact(row) {
            return Err(format!("the kit that waits as {} lacks a blob", row.number));
        }
    }
    if state.current.is_some() != state.active().is_some() {
        return Err("the active generation has no row".to_owned());
    }
    let notes = store.quarantined().map_err(|error| error.to_string())?;
    if notes.iter().any(|note| note.code == "E-STATE") {
        return Err("a note in quarantine cannot be read".to_owned());
    }
    Ok(state)
}

/// Oldest first.
fn receipts(store: &Store) -> Result<Vec<OukImport>, store::StoreError> {
    let Some(identity) = store.identity()? else { return Ok(Vec::new()) };
    let said = |envelopes: &store::audit::Envelopes| {
        envelopes.import(&identity).map(|import| OukImport { site: String::new(), ..import })
    };
    store.receipts(usize::MAX)?.iter().rev().map(said).collect()
}

/// The log is published up to its head, extends what was published before, and agrees with every receipt (I4).
fn check_log(store: &Store) -> Result<(), store::StoreError> {
    store.publish(&site(store)?)?;
    store.logbook()?.map_or(Ok(()), |logbook| logbook.verify(None).map(drop))
}

/// Everything is as it was, or as it shall be: pointers, floors, time floor (I2, I12), the token key and receipts,
/// each of them once (I5).
pub(crate) fn check_legal(state: &State, before: &State, after: &State, told: bool) -> Result<(), String> {
    let known = |row: &GenerationRow| before.generations.contains(row) || after.generations.contains(row);
    if !state.generations.iter().all(known) {
        return Err("there is a generation that nobody made".to_owned());
    }
    // A new site makes its keys at its first start. A key that is made is another at every try.
    let has_rotated = |state: &State| before.current.is_some() && state.token_key != before.token_key;
    let fits = |other: &State| state.is(other) && has_rotated(state) == has_rotated(other);
    match (fits(after), fits(before)) {
        (true, _) => Ok(()),
        (false, true) if !told => Ok(()),
        (false, true) => Err("what was reported as done is undone".to_owned()),
        (false, false) => Err(format!(
            "neither the old nor the new state: current {:?}, previous {:?}, {} requests, {} receipts, the last ones {:?}",
            state.current,
            state.previous,
            state.pending.len(),
            state.receipts.len(),
            state
                .receipts
                .iter()
                .rev()
                .take(2)
                .map(|last| (&last.action, &last.result, &last.reason))
                .collect::<Vec<_>>()
        )),
    }
}

/// No file but those of the layout (I3), and each refused kit is whole and has its note.
pub(crate) fn check_files(image: &Image) -> Result<(), String> {
    for path in image.paths() {
        let relative = path.strip_prefix(STATE).map_err(|_| format!("{} is outside", path.display()))?;
        let parts: Vec<&str> = relative.iter().filter_map(|part| part.to_str()).collect();
        let known = match parts.as_slice() {
            ["state.redb" | "import.lock"] => true,
            ["cas", "sha256", folder, hex] => hex.starts_with(folder) && hex.parse::<Digest>().is_ok(),
            ["generations", name] => name.strip_suffix(".redb").is_some_and(|stem| stem.parse::<u64>().is_ok()),
            ["staging", _] | ["staging", "work", _] => true,
            ["keys", _] | ["kits", _] => true,
            ["log", ..] => true,
            ["sets", name] => name.split_once('.').is_some_and(|(set, _)| set.parse::<Digest>().is_ok()),
            ["quarantine", name] => is_explained(image, path, name),
            _ => false,
        };
        if !known {
            return Err(format!("{} does not belong there", path.display()));
        }
    }
    Ok(())
}

fn is_explained(image: &Image, path: &Path, name: &str) -> bool {
    match name.rsplit_once('.') {
        Some((_, "json")) => true,
        Some((hex, "kit")) => {
            image.paths().contains(&path.with_extension("json").as_path())
                && Digest::of(&image.content(path)).to_string() == hex
        }
        _ => false,
    }
}

/// What is kept, and what waits, has all its files.
pub(crate) fn check_needed(image: &Image, state: &State) -> Result<(), String> {
    let (blobs, indexes) = needed(state);
    if !below(image, "cas").is_superset(&blobs) || !below(image, "generations").is_superset(&indexes) {
        return Err("a file that the generations need is missing".to_owned());
    }
    Ok(())
}

/// After an import there is nothing but what the rows name, and blobs of a generation that was just
/// forgotten, which the next import removes.
pub(crate) fn check_swept(image: &Image, state: &State) -> Result<(), String> {
    if below(image, "generations") != needed(state).1 {
        return Err("there is an index that no row names".to_owned());
    }
    if !below(image, "staging").is_empty() {
        return Err("something is left in staging".to_owned());
    }
    Ok(())
}

fn needed(state: &State) -> (BTreeSet<String>, BTreeSet<String>) {
    let staged = state.pending.iter().filter_map(PendingRow::staged);
    let rows: Vec<&GenerationRow> = state.generations.iter().chain(staged).collect();
    let blobs = rows.iter().flat_map(|row| row.blobs.iter().chain([&row.metadata_frame])).map(Digest::to_string);
    let indexes = rows.iter().flat_map(|row| &row.layers).map(|layer| format!("{:08}.redb", layer.file));
    (blobs.collect(), indexes.collect())
}

fn below(image: &Image, folder: &str) -> BTreeSet<String> {
    let folder = Path::new(STATE).join(folder);
    let names = image.paths().into_iter().filter(|path| path.starts_with(&folder));
    names.filter_map(|path| path.file_name()?.to_str().map(str::to_owned)).collect()
}
