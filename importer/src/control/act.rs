//! Approving, withdrawing and carrying out what waits.

use attest::dsse;
use attest::keys::{self, SigningKey};
use domain::clock::{Present, TimeFloor};
use domain::time::Timestamp;
use ouk::read::SealedMetadata;
use ouk::verify::{Gates, VerifiedKit};
use store::audit::Logged;
use store::{
    Activation, ApprovalRow, ControlPolicy, Effect, EmergencyRow, GenerationRow, ImportLock, PendingRow, SiteTrustRow,
    Store, StoreError, Task, TrustRow,
};

use super::error::ControlError;
use super::rules::{self, Standing, Tally};
use super::{Acting, ask, describe_rollback, note};
use crate::entitlements::{self, Asked, withdrawn};
use crate::error::ImportError;
use crate::receipt::{Account, versions};
use crate::{plausible, prepare, recheck, site, trust};

/// Where the person is who wants to do without approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// At the machine itself.
    Console,
    /// Somewhere on the network, or nobody at all.
    Elsewhere,
}

/// One person, no approval.
#[derive(Clone, Copy, Debug)]
pub struct BreakGlass<'a> {
    pub reason: &'a str,
    pub presence: Presence,
}

/// What may be done without what is otherwise needed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Waivers<'a> {
    /// Do without approval.
    pub break_glass: Option<BreakGlass<'a>>,
    /// Accept that the data have suspiciously less than before; and why.
    pub accept_loss: Option<&'a str>,
}

/// What was carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    Activated {
        generation: Box<GenerationRow>,
        emergency: Option<EmergencyRow>,
        /// As in the receipt.
        warnings: Vec<String>,
    },
    EmergencyConfirmed(EmergencyRow),
    RolledBack(u64),
    ClockConfirmed(Timestamp),
    PolicyChanged(ControlPolicy),
}

/// An approval that was kept.
#[derive(Debug)]
pub struct Approved {
    pub person: String,
    pub standing: Standing,
    pub tally: Tally,
    pub logged: Logged,
}

/// Signs a request with the key of a person of the policy.
pub fn sign(
    policy: &ControlPolicy,
    row: &PendingRow,
    key: &SigningKey<keys::Approval>,
) -> Result<Vec<u8>, ControlError> {
    let approver = rules::owner(policy, &key.public()).ok_or(ControlError::ForeignKey)?;
    Ok(dsse::sign(&rules::statement(row, approver).to_bytes(), &[key]))
}

/// Keeps an approval, if it counts now.
pub fn approve(store: &Store, number: u64, envelope: &[u8], acting: &Acting<'_>) -> Result<Approved, ImportError> {
    let (row, policy) = (store.pending_row(number)?, store.control_policy()?);
    let now = trust::time(store)?.judge(acting.reading).at;
    let judged = rules::judge(&policy, &row, envelope, now).map_err(ControlError::from);
    let (person, standing) = judged.or_else(|error| refuse(store, acting, "approve", &row, error.into()))?;
    let result = if standing == Standing::Approver { "approved" } else { "signed" };
    let mut account = note(acting, "approve", &row, result, &trust::time(store)?);
    account.import.approvals = rules::made(&policy, &person, envelope).into_iter().collect();
    let envelope = String::from_utf8_lossy(envelope).into_owned();
    let approval = ApprovalRow { person: person.clone(), envelope };
    let (row, logged) = store.add_approval(&row, approval, acting.site, &account.entry())?;
    Ok(Approved { person, standing, tally: rules::tally(&policy, &row, now), logged })
}

/// Takes a request back. What it has staged is removed with it.
pub fn withdraw(
    store: &Store,
    number: u64,
    acting: &Acting<'_>,
    reason: Option<&str>,
) -> Result<(PendingRow, Logged), ImportError> {
    let lock = store.lock_import()?;
    // An approval that comes in between makes the row another one, and is no reason not to take it back.
    // Nobody else ends it while the lock is held.
    loop {
        match withdraw_now(store, number, acting, reason) {
            Err(ImportError::Store(StoreError::PendingChanged(_))) => {}
            Ok(done) => {
                store.sweep(&lock)?;
                return Ok(done);
            }
            Err(error) => return Err(error),
        }
    }
}

fn withdraw_now(
    store: &Store,
    number: u64,
    acting: &Acting<'_>,
    reason: Option<&str>,
) -> Result<(PendingRow, Logged), ImportError> {
    let (row, policy) = (store.pending_row(number)?, store.control_policy()?);
    let action = row.task.action();
    if policy.needed(action) > 0 {
        ask::require_person(&policy, acting.operator)?;
    }
    if let Task::ConfirmEmergency(_) = row.task {
        let why = "cannot be withdrawn: it is confirmed, or another generation is made active";
        return Err(ControlError::Kind { number, action, why }.into());
    }
    let mut account = note(acting, "withdraw", &row, "withdrawn", &trust::time(store)?);
    account.import.reason = reason.map(str::to_owned);
    let logged = store.resolve(&row, &policy, &Effect::Nothing, acting.site, &account.entry())?;
    Ok((row, logged))
}

/// Carries out a request that enough people approve now, or in an emergency without them.
pub fn carry_out(
    store: &Store,
    number: u64,
    acting: &Acting<'_>,
    waivers: Waivers<'_>,
) -> Result<(Done, Logged), ImportError> {
    let lock = store.lock_import()?;
    let (row, policy) = (store.pending_row(number)?, store.control_policy()?);
    let attempt = Attempt { store, lock: &lock, row: &row, policy: &policy, acting };
    match attempt.run(waivers) {
        Ok(done) => {
            // It is done. What cannot be tidied up now is swept by the next import.
            let _ = store.forget_old(&lock);
            Ok(done)
        }
        // Somebody was faster; there is nothing left to refuse.
        Err(error @ ImportError::Store(StoreError::PendingChanged(_) | StoreError::UnknownPending(_))) => Err(error),
        // It is done, or may be.
        Err(ImportError::Store(error)) if error.may_be_in_force() => Err(error.into()),
        Err(error) => attempt.refuse(error),
    }
}

/// A kit that waits, as its request tells.
struct Staged<'a> {
    generation: &'a GenerationRow,
    trust_root: Option<&'a [u8]>,
    site: Option<&'a SiteTrustRow>,
}

struct Attempt<'a> {
    store: &'a Store,
    lock: &'a ImportLock,
    row: &'a PendingRow,
    policy: &'a ControlPolicy,
    acting: &'a Acting<'a>,
}

impl Attempt<'_> {
    fn run(&self, waivers: Waivers<'_>) -> Result<(Done, Logged), ImportError> {
        let (row, acting) = (self.row, self.acting);
        let present = trust::time(self.store)?.judge(acting.reading);
        if self.policy.needed(row.task.action()) > 0 {
            ask::require_person(self.policy, acting.operator)?;
        }
        if present.at >= row.expires_at {
            return Err(ControlError::Expired { number: row.number, at: row.expires_at }.into());
        }
        let tally = rules::tally(self.policy, row, present.at);
        let emergency = match waivers.break_glass.as_ref() {
            _ if tally.suffices() => None,
            Some(asked) => Some(self.emergency(asked, present.at)?),
            None => return Err(missing(row.number, &tally).into()),
        };
        let time = trust::time(self.store)?;
        let mut account = note(acting, row.task.action().as_str(), row, "activated", &time);
        let counted = row.approvals.iter().filter(|approval| tally.approvers.contains(&approval.person));
        let made = |approval: &ApprovalRow| rules::made(self.policy, &approval.person, approval.envelope.as_bytes());
        account.import.approvals = counted.filter_map(made).collect();
        if let Some(mark) = &emergency {
            "break-glass".clone_into(&mut account.import.action);
            account.import.reason = Some(mark.reason.clone());
        }
        match &row.task {
            Task::Activate { generation, trust_root, site, .. } => {
                self.accept_loss(generation, waivers, &mut account)?;
                let staged = Staged { generation, trust_root: trust_root.as_deref(), site: site.as_ref() };
                self.activate(staged, &present, emergency, account)
            }
            _ => self.change(account),
        }
    }

    /// Does the kit have suspiciously less than what is active now? Then somebody must have accepted that: who
    /// approved it, or broke the glass, or else the one who acts.
    fn accept_loss(
        &self,
        generation: &GenerationRow,
        waivers: Waivers<'_>,
        account: &mut Account,
    ) -> Result<(), ImportError> {
        let number = self.row.number;
        let concerns = plausible::concerns(self.store, generation)?;
        let Some(summary) = plausible::summary(&concerns) else { return Ok(()) };
        match waivers {
            Waivers { accept_loss: Some(reason), .. } if reason.trim().is_empty() => {
                return Err(ControlError::Reason.into());
            }
            // What they signed names another loss, or none.
            Waivers { break_glass: None, .. }
                if self.policy.needed(self.row.task.action()) > 0 && concerns != self.row.concerns() =>
            {
                let reason = "it has less than what is active now, which is not what was approved; stage the kit again";
                return Err(ControlError::Stale { number, reason }.into());
            }
            Waivers { break_glass: None, accept_loss: None } if self.policy.needed(self.row.task.action()) == 0 => {
                return Err(ControlError::Loss { number, summary }.into());
            }
            Waivers { accept_loss: Some(reason), .. } => account.import.reason = Some(reason.to_owned()),
            _ => {}
        }
        account.import.warnings.extend(concerns);
        Ok(())
    }

    /// Everything but a kit.
    fn change(&self, mut account: Account) -> Result<(Done, Logged), ImportError> {
        let (done, time) = effect_of(self.store, self.policy, self.row, self.acting)?;
        let effect = match &done {
            Done::RolledBack(to) => {
                describe_rollback(self.store, *to, &mut account)?;
                Effect::Rollback(*to)
            }
            Done::EmergencyConfirmed(mark) => Effect::ConfirmEmergency(mark),
            Done::ClockConfirmed(_) => Effect::Clock(&time),
            Done::PolicyChanged(policy) => Effect::Policy(policy),
            Done::Activated { .. } => Effect::Nothing,
        };
        let (site, entry) = (self.acting.site, account.entry());
        let logged = self.store.resolve(self.row, self.policy, &effect, site, &entry)?;
        Ok((done, logged))
    }

    /// Verifies a staged kit again, under the roots, the floors and the time of now, and activates it.
    fn activate(
        &self,
        staged: Staged<'_>,
        present: &Present,
        emergency: Option<EmergencyRow>,
        mut account: Account,
    ) -> Result<(Done, Logged), ImportError> {
        let (store, reading) = (self.store, self.acting.reading);
        let Staged { generation, trust_root, site } = staged;
        let before = match (store.trust()?, trust_root) {
            // A root that was pinned meanwhile decides, whatever the operator gave then.
            (Some(trust), _) => trust,
            (None, Some(root)) => trust::pin(root),
            (None, None) => return Err(StoreError::NoTrustRoot.into()),
        };
        let kit = self.verify_again(generation, &before, present)?;
        store.check_intact(generation).map_err(|error| self.damaged(error))?;
        let ruling = entitlements::judge(&Asked {
            store,
            site: self.acting.site,
            kit: &kit,
            generation,
            trust: &before,
            now: present.at,
            nonce: self.acting.nonce,
        })?;
        account.rule(&ruling);
        account.import.generation = Some(generation.number);
        account.import.floors_before = versions(&before.floors);
        account.import.floors_after =
            kit.floors().roles.iter().map(|(role, floor)| (role.clone(), floor.version)).collect();
        let mut time = trust::time(store)?;
        time.observe(reading);
        time.prove(kit.signed_at(), present.at);
        let mut trust = trust::after(&before, &kit, ruling.revocations);
        trust.site = site::still_newest(before.site, site).ok_or(ControlError::Stale {
            number: self.row.number,
            reason: "the site that passes kits on has said something newer since, or was pinned since; stage the kit again",
        })?;
        let activation = Activation {
            trust,
            time,
            generation: generation.clone(),
            entitlements: ruling.change,
            entry: account.entry(),
        };
        let confirmation = emergency.as_ref().map(|mark| self.confirmation(mark)).transpose()?;
        let marked = emergency.as_ref().zip(confirmation.as_ref());
        let effect = Effect::Activate { activation: &activation, emergency: marked };
        let logged = store.resolve(self.row, self.policy, &effect, self.acting.site, &activation.entry)?;
        let (generation, warnings) = (Box::new(activation.generation), account.warnings());
        Ok((Done::Activated { generation, emergency, warnings }, logged))
    }

    fn verify_again(
        &self,
        row: &GenerationRow,
        before: &TrustRow,
        present: &Present,
    ) -> Result<VerifiedKit, ImportError> {
        let limits = self.acting.limits;
        let gates = Gates {
            product: row.product.clone(),
            channels: vec![row.channel.clone()],
            appliance_version: self.acting.appliance_version.to_owned(),
            schema_max: feeds::dataset::DELTA_SCHEMA,
        };
        let frame = self.store.blobs().read(&row.metadata_frame, limits.metadata_frame_bytes_max);
        let frame = frame.map_err(|error| self.damaged(error))?;
        let metadata = SealedMetadata::from_frame(&frame, limits)?;
        let kit = ouk::verify::verify(&metadata, &trust::state(before), &gates, present.at, limits)?;
        if !recheck::is_kit_of(row, &kit) {
            return Err(ControlError::Damaged(self.row.number).into());
        }
        prepare::refuse_future(&kit, present)?;
        withdrawn::refuse_kit(&withdrawn::known(before)?, &kit)?;
        Ok(kit)
    }

    /// What is not as it was staged ends the request. What only could not be read now may be read the next time.
    fn damaged(&self, error: StoreError) -> ImportError {
        if error.is_fault_of_disk() { error.into() } else { ControlError::Damaged(self.row.number).into() }
    }

    /// May this person do without approval? The mark that stays when it is done.
    fn emergency(&self, asked: &BreakGlass<'_>, now: Timestamp) -> Result<EmergencyRow, ImportError> {
        let (number, action) = (self.row.number, self.row.task.action());
        let Some(generation) = self.row.staged() else {
            return Err(
                ControlError::Kind { number, action, why: "is no kit: only a kit can be in such a hurry" }.into()
            );
        };
        if asked.presence != Presence::Console {
            return Err(ControlError::Presence.into());
        }
        if asked.reason.trim().is_empty() {
            return Err(ControlError::Reason.into());
        }
        let last = self.store.emergency()?;
        rules::may_break_glass(last.as_ref(), now)
            .map_err(|last| ControlError::Repeated { by: last.by, at: last.at })?;
        Ok(EmergencyRow {
            generation: generation.number,
            kit_sha256: generation.kit_sha256,
            by: self.acting.operator.to_owned(),
            at: now,
            reason: asked.reason.to_owned(),
            confirm_by: now.plus_seconds(rules::CONFIRM_SECONDS),
            confirmed: false,
        })
    }

    /// The request by which others confirm it afterwards. The one who acted alone has asked for it.
    fn confirmation(&self, mark: &EmergencyRow) -> Result<PendingRow, StoreError> {
        let number = self.store.next_generation()?;
        let task = Task::ConfirmEmergency(mark.clone());
        let row = ask::row(number, task, &mark.by, mark.at, self.policy, self.acting.nonce);
        Ok(PendingRow { expires_at: mark.confirm_by, ..row })
    }

    /// Writes the refusal down. A request that can never be carried out any more is removed.
    fn refuse<T>(&self, error: ImportError) -> Result<T, ImportError> {
        let ends = match &error {
            ImportError::Control(error) => error.ends_request(),
            error => error.is_rejection(),
        };
        let step = self.row.task.action().as_str();
        if !ends {
            return refuse(self.store, self.acting, step, self.row, error);
        }
        let refused = || -> Result<u64, StoreError> {
            let account = refusal(self.store, self.acting, step, self.row, &error)?;
            let (site, entry) = (self.acting.site, account.entry());
            let _ = self.store.resolve(self.row, self.policy, &Effect::Nothing, site, &entry)?;
            self.store.sweep(self.lock)
        };
        match refused() {
            Ok(_) | Err(StoreError::InForce(_)) => Err(error),
            Err(failure) => Err(ImportError::Unrecorded { cause: Box::new(error), failure: failure.to_string() }),
        }
    }
}

/// What carrying out a request would do, if that is still possible; and the time to remember.
pub(super) fn effect_of(
    store: &Store,
    policy: &ControlPolicy,
    row: &PendingRow,
    acting: &Acting<'_>,
) -> Result<(Done, TimeFloor), ImportError> {
    let mut time = trust::time(store)?;
    let stale = |reason| ControlError::Stale { number: row.number, reason };
    let done = match &row.task {
        Task::Activate { generation, .. } => {
            Done::Activated { generation: generation.clone(), emergency: None, warnings: Vec::new() }
        }
        Task::ConfirmEmergency(mark) => {
            // Its place is the newer one's, which has to be confirmed by itself and keeps a third one waiting.
            if store.emergency()?.as_ref() != Some(mark) {
                return Err(stale("another kit was activated without approval since").into());
            }
            Done::EmergencyConfirmed(EmergencyRow { confirmed: true, ..mark.clone() })
        }
        Task::Rollback { to, metadata_digest } => {
            // What is not whole is not pointed at.
            let generation = store.open_generation(*to).map_err(|error| match error {
                StoreError::UnknownGeneration(_) => stale("the generation is not kept any more").into(),
                error => ImportError::from(error),
            })?;
            store.check_index(generation.row())?;
            withdrawn::refuse_generation(&withdrawn::in_force(store)?, generation.row())?;
            if generation.row().metadata_digest != *metadata_digest {
                return Err(stale("the generation is another one now").into());
            }
            Done::RolledBack(*to)
        }
        Task::Clock { wall } => {
            // The clock that was vouched for has gone on since; it has not been set again.
            let passed = acting.reading.wall.seconds_since(*wall);
            let asked = time.judge(acting.reading).at.seconds_since(row.requested_at);
            if passed < 0 || passed.abs_diff(asked) > CLOCK_SECONDS_MAX {
                return Err(stale("the clock was set since").into());
            }
            time.confirm(acting.reading);
            Done::ClockConfirmed(acting.reading.wall)
        }
        Task::Policy { replaces, policy: new } => {
            if *replaces != policy.digest() {
                return Err(stale("the control policy was changed since").into());
            }
            rules::check_policy(new).map_err(ControlError::Policy)?;
            Done::PolicyChanged(new.clone())
        }
    };
    Ok((done, time))
}

/// A clock that runs wrong gains or loses some; a clock that was set differs by more.
const CLOCK_SECONDS_MAX: u64 = 3600;

fn missing(number: u64, tally: &Tally) -> ControlError {
    ControlError::Missing {
        number,
        found: tally.approvers.len(),
        needed: tally.needed,
        proven: tally.is_requester_proven,
    }
}

fn refusal(
    store: &Store,
    acting: &Acting<'_>,
    step: &str,
    row: &PendingRow,
    error: &ImportError,
) -> Result<Account, StoreError> {
    let mut account = note(acting, step, row, "rejected", &trust::time(store)?);
    account.import.code = Some(error.code().to_owned());
    account.import.reason = Some(error.to_string());
    Ok(account)
}

fn refuse<T>(
    store: &Store,
    acting: &Acting<'_>,
    step: &str,
    row: &PendingRow,
    error: ImportError,
) -> Result<T, ImportError> {
    let recorded = refusal(store, acting, step, row, &error)
        .and_then(|account| store.append(acting.site, &account.entry()))
        .and_then(|logged| logged.unpublished.map_or(Ok(()), Err));
    match recorded {
        Ok(()) | Err(StoreError::InForce(_)) => Err(error),
        Err(failure) => Err(ImportError::Unrecorded { cause: Box::new(error), failure: failure.to_string() }),
    }
}
