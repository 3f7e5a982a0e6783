//! Asking for something: it is done at once when nobody needs to agree, and waits otherwise.

use domain::clock::TimeFloor;
use domain::digest::Digest;
use domain::time::Timestamp;
use store::audit::Logged;
use store::{ControlPolicy, Effect, ImportLock, PendingRow, Store, StoreError, Task};

use super::act::{Done, effect_of};
use super::error::ControlError;
use super::{Acting, describe_rollback, note, rules};
use crate::entitlements::withdrawn;
use crate::error::ImportError;
use crate::receipt::Account;
use crate::trust;

/// What asking came to.
#[derive(Debug)]
pub enum Asked {
    Done(Done, Logged),
    /// Others must approve first.
    Held(Box<PendingRow>, Logged),
}

/// The task of going back to a generation, to the one before when none is named.
pub fn rollback(store: &Store, to: Option<u64>) -> Result<Task, ImportError> {
    let to = store.rollback_target(to)?;
    withdrawn::refuse_generation(&withdrawn::in_force(store)?, &to)?;
    let to = to.number;
    // What cannot be opened is not asked for.
    let metadata_digest = store.open_generation(to)?.row().metadata_digest;
    Ok(Task::Rollback { to, metadata_digest })
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
    let mut account = note(acting, "ask", &row, "held", &time);
    account.import.reason = reason.map(str::to_owned);
    if policy.needed(row.task.action()) == 0 {
        let (done, logged) = at_once(store, &policy, &row, acting, account)?;
        return Ok(Asked::Done(done, logged));
    }
    require_person(&policy, acting.operator)?;
    forget_expired(store, &lock, now, acting)?;
    let logged = hold(store, &lock, &row, time, acting, &account)?;
    Ok(Asked::Held(Box::new(row), logged))
}

fn at_once(
    store: &Store,
    policy: &ControlPolicy,
    row: &PendingRow,
    acting: &Acting<'_>,
    mut account: Account,
) -> Result<(Done, Logged), ImportError> {
    let task = &row.task;
    let (done, time) = effect_of(store, policy, row, acting)?;
    row.task.action().as_str().clone_into(&mut account.import.action);
    account.import.given_as.clear();
    let result = match task {
        Task::Clock { .. } => "confirmed",
        Task::Policy { .. } => "changed",
        _ => "activated",
    };
    result.clone_into(&mut account.import.result);
    let logged = match task {
        Task::Rollback { to, .. } => {
            let target = describe_rollback(store, *to, &mut account)?;
            store.roll_back(acting.site, &target, &account.entry())?
        }
        Task::Clock { .. } => store.confirm_time(&time, acting.site, &account.entry())?,
        Task::Policy { policy: new, .. } => store.replace_policy(policy, new, acting.site, &account.entry())?,
        Task::Activate { .. } | Task::ConfirmEmergency(_) => {
            return Err(
                ControlError::Kind { number: row.number, action: task.action(), why: "is not asked for so" }.into()
            );
        }
    };
    Ok((done, logged))
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
    account: &Account,
) -> Result<Logged, StoreError> {
    time.observe(acting.reading);
    store.hold(lock, row, &time, acting.site, &account.entry())
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
        let account = note(acting, "expire", &row, "expired", &trust::time(store)?);
        let (policy, entry) = (store.control_policy()?, account.entry());
        let _ = store.resolve(&row, &policy, &Effect::Nothing, acting.site, &entry)?;
    }
    Ok(())
}
