//! Asking for something: it is done at once when nobody needs to agree, and waits otherwise.

use domain::clock::TimeFloor;
use domain::digest::Digest;
use domain::time::Timestamp;
use store::{ControlPolicy, Effect, ImportLock, PendingRow, Store, StoreError, Task};

use super::act::{Done, effect_of};
use super::error::ControlError;
use super::{Acting, note, rules};
use crate::error::ImportError;
use crate::receipt::Receipt;
use crate::trust;

/// What asking came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    Done(Done),
    /// Others must approve first.
    Held(Box<PendingRow>),
}

/// Asks for a rollback, for a confirmation of the clock or for another policy. A kit is asked for by
/// [`crate::import`] and [`crate::stage`].
pub fn ask(store: &Store, task: Task, acting: &Acting<'_>, reason: Option<&str>) -> Result<Asked, ImportError> {
    let lock = store.lock_import()?;
    if let Task::Policy { policy, .. } = &task {
        rules::check_policy(policy).map_err(ControlError::Policy)?;
    }
    let policy = store.control_policy()?;
    let time = trust::time(store)?;
    let now = time.judge(acting.reading).at;
    let row = row(store.next_generation()?, task, acting.operator, now, &policy, acting.nonce);
    let mut receipt = note(acting, "ask", &row, "held");
    receipt.reason = reason.map(str::to_owned);
    if policy.needed(row.task.action()) == 0 {
        return at_once(store, &policy, &row, acting, receipt).map(Asked::Done);
    }
    require_person(&policy, acting.operator)?;
    forget_expired(store, &lock, now, acting)?;
    hold(store, &lock, &row, time, acting, &receipt)?;
    Ok(Asked::Held(Box::new(row)))
}

fn at_once(
    store: &Store,
    policy: &ControlPolicy,
    row: &PendingRow,
    acting: &Acting<'_>,
    mut receipt: Receipt,
) -> Result<Done, ImportError> {
    let task = &row.task;
    let (done, time) = effect_of(store, policy, row, acting)?;
    row.task.action().as_str().clone_into(&mut receipt.action);
    receipt.given_as.clear();
    "activated".clone_into(&mut receipt.result);
    match task {
        Task::Rollback { to, .. } => {
            receipt.generation = Some(*to);
            store.roll_back(Some(*to), &receipt.to_json())?;
        }
        Task::Clock { .. } => {
            "confirmed".clone_into(&mut receipt.result);
            store.confirm_time(&time, &receipt.to_json())?;
        }
        Task::Policy { policy: new, .. } => {
            "changed".clone_into(&mut receipt.result);
            store.replace_policy(policy, new, &receipt.to_json())?;
        }
        Task::Activate { .. } | Task::ConfirmEmergency(_) => {
            return Err(
                ControlError::Kind { number: row.number, action: task.action(), why: "is not asked for so" }.into()
            );
        }
    }
    Ok(done)
}

/// A request that waits from now on.
pub(crate) fn row(
    number: u64,
    task: Task,
    operator: &str,
    now: Timestamp,
    policy: &ControlPolicy,
    nonce: Digest,
) -> PendingRow {
    PendingRow {
        number,
        task,
        requested_by: operator.to_owned(),
        requested_at: now,
        expires_at: now.plus_seconds(i64::from(policy.hours) * 3600),
        nonce,
        approvals: Vec::new(),
    }
}

fn hold(
    store: &Store,
    lock: &ImportLock,
    row: &PendingRow,
    mut time: TimeFloor,
    acting: &Acting<'_>,
    receipt: &Receipt,
) -> Result<(), StoreError> {
    time.observe(acting.reading);
    store.hold(lock, row, &time, &receipt.to_json())
}

/// Under dual control nobody acts without a name that the policy knows.
pub(crate) fn require_person(policy: &ControlPolicy, operator: &str) -> Result<(), ControlError> {
    match policy.person(operator) {
        Some(_) => Ok(()),
        None => Err(ControlError::Stranger(operator.to_owned())),
    }
}

/// Lets nothing wait beyond its end, so that what is forgotten does not keep others out.
pub(crate) fn forget_expired(
    store: &Store,
    _lock: &ImportLock,
    now: Timestamp,
    acting: &Acting<'_>,
) -> Result<(), StoreError> {
    for row in store.pending()?.into_iter().filter(|row| now >= row.expires_at) {
        let receipt = note(acting, "expire", &row, "expired");
        store.resolve(&row, &store.control_policy()?, &Effect::Nothing, &receipt.to_json())?;
    }
    Ok(())
}
