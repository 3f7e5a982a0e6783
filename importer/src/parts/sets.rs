//! When a set ends: with its kit, by its date, when the site has gone on, or because somebody gives it up.

use domain::digest::Digest;
use domain::time::Timestamp;
use ouk::limits::Limits;
use ouk::read::SealedMetadata;
use ouk::verify::Gates;
use store::audit::{Entry, Event, Logged, Subject};
use store::{ImportLock, SetRow, Store, StoreError, TrustRow, Waiting};

use crate::control::{self, Acting};
use crate::error::ImportError;
use crate::request::Outcome;
use crate::trust;
use attest::approval::Action;

/// Removes the sets that nobody can finish any more, each with a line in the log.
pub(crate) fn tidy(store: &Store, lock: &ImportLock, now: Timestamp, acting: &Acting<'_>) -> Result<(), StoreError> {
    for id in store.sweep_sets(lock)? {
        let _ = store.append(acting.site, &entry(acting, "expire", "rotten", &id, None))?;
    }
    let trust = store.trust()?;
    for Waiting { row, .. } in store.sets()? {
        let result = if row.is_expired(now) {
            "expired"
        } else if trust.as_ref().is_some_and(|trust| is_overtaken(store, trust, &row, acting.limits)) {
            "overtaken"
        } else {
            continue;
        };
        let _ = store.append(acting.site, &entry(acting, "expire", result, &row.id, Some(&row)))?;
        store.drop_set(lock, &row.id)?;
    }
    Ok(())
}

/// Has the site accepted something since that rules this kit out? Its floors and its root are asked, and
/// nothing that another request may judge otherwise: neither the channel nor the date.
fn is_overtaken(store: &Store, trust: &TrustRow, row: &SetRow, limits: &Limits) -> bool {
    let Ok(Some(metadata)) = store.set_metadata(&row.id) else { return true };
    let [frame, entries] = metadata.vendor;
    let gates = Gates {
        product: row.product.clone(),
        channels: vec![row.channel.clone()],
        appliance_version: format!("{0}.{0}.{0}", u32::MAX),
        schema_max: u32::MAX,
    };
    let verified = SealedMetadata::from_expanded(frame, &entries, limits)
        .and_then(|metadata| ouk::verify::verify(&metadata, &trust::state(trust), &gates, row.signed_at, limits));
    verified.is_err()
}

/// The kit is active or waits for approval: its parts are not needed any more.
pub(crate) fn end(store: &Store, lock: &ImportLock, outcome: &Outcome) -> Result<(), StoreError> {
    let frame = match outcome {
        Outcome::Activated(row) => Some(row.metadata_frame),
        Outcome::Held(row) => row.staged().map(|staged| staged.metadata_frame),
        Outcome::AlreadyCurrent(number) => {
            store.generations()?.into_iter().find(|row| row.number == *number).map(|row| row.metadata_frame)
        }
        Outcome::Incomplete(_) => None,
    };
    // The metadata frame's digest is the set's name.
    frame.map_or(Ok(()), |id| store.drop_set(lock, &id).map(drop))
}

/// Gives a set up. Says what it was, and how many bytes that freed.
pub fn discard(store: &Store, id: &Digest, acting: &Acting<'_>) -> Result<(Waiting, u64, Logged), ImportError> {
    let lock = store.lock_import()?;
    let policy = store.control_policy()?;
    if policy.needed(Action::Activate) > 0 {
        control::require_person(&policy, acting.operator)?;
    }
    let waiting = store.sets()?.into_iter().find(|waiting| waiting.row.id == *id);
    let waiting = waiting.ok_or(StoreError::UnknownSet(*id))?;
    let logged = store.append(acting.site, &entry(acting, "discard", "discarded", id, Some(&waiting.row)))?;
    let freed = store.drop_set(&lock, id)?;
    Ok((waiting, freed, logged))
}

fn entry(acting: &Acting<'_>, action: &str, result: &str, id: &Digest, row: Option<&SetRow>) -> Entry {
    let details = row.map(|row| ("kit_version".to_owned(), row.kit_version.to_string()));
    Entry::from(Event {
        at: acting.reading.wall,
        action: action.to_owned(),
        actor: acting.operator.to_owned(),
        result: result.to_owned(),
        code: None,
        subjects: vec![Subject { name: "set".to_owned(), sha256: *id }],
        details: details.into_iter().collect(),
    })
}
