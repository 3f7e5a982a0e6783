//! The import: prepare, then one transaction, or a refusal that is written down.

use attest::approval::Action;
use domain::clock::Reading;
use domain::digest::Digest;
use ouk::limits::Limits;
use store::{Activation, ControlPolicy, GenerationRow, PendingRow, Quarantined, Site, Staged, Store, StoreError, Task};

use crate::control::{self, Acting, ControlError};
use crate::entitlements::{self, Asked, Ruling};
use crate::error::ImportError;
use crate::parts::{self, Part, sets};
use crate::plausible;
use crate::prepare::{Preparing, Verified};
use crate::receipt::{Account, Circumstances};
use crate::request::{Imported, Outcome, Progress, Request};
use crate::trust;
use crate::work::Worker;

/// What an import runs with, beside what the operator asks for.
pub struct Means<'a> {
    /// Signs what is written down of the import.
    pub site: &'a Site,
    /// Expands, verifies and parses.
    pub worker: &'a dyn Worker,
    /// The machine's clocks at the start. All of the import is judged by this one reading.
    pub reading: &'a Reading,
    pub limits: &'a Limits,
    /// 32 random bytes, for the approvals of this kit, should it need any.
    pub nonce: Digest,
    pub progress: &'a (dyn Fn(Progress) + Sync),
}

/// What is done with a kit once it is verified and lies ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// Make it active, unless others must approve first.
    Activate,
    /// Let it wait in any case.
    Hold,
}

/// Imports a kit. On an error the active generation is what it was before.
pub fn import(store: &Store, request: &Request<'_>, means: &Means<'_>) -> Result<Imported, ImportError> {
    run(store, request, &[], means, Then::Activate)
}

/// Imports a kit from several files: volumes, or copies of which none is whole.
pub fn import_parts(
    store: &Store,
    request: &Request<'_>,
    others: &[Part],
    means: &Means<'_>,
) -> Result<Imported, ImportError> {
    run(store, request, others, means, Then::Activate)
}

/// Verifies a kit and lays it ready, to be activated later by [`crate::control::carry_out`].
pub fn stage(store: &Store, request: &Request<'_>, means: &Means<'_>) -> Result<Imported, ImportError> {
    run(store, request, &[], means, Then::Hold)
}

/// The same from several files.
pub fn stage_parts(
    store: &Store,
    request: &Request<'_>,
    others: &[Part],
    means: &Means<'_>,
) -> Result<Imported, ImportError> {
    run(store, request, others, means, Then::Hold)
}

fn run(
    store: &Store,
    request: &Request<'_>,
    others: &[Part],
    means: &Means<'_>,
    then: Then,
) -> Result<Imported, ImportError> {
    let lock = store.lock_import()?;
    let Means { site, worker, reading, limits, nonce, progress } = *means;
    // When the state cannot tell the time the import will fail on that, and must be able to say so.
    let time = trust::time(store).unwrap_or_else(|_| trust::program_time());
    let acting = Acting {
        site,
        operator: &request.operator,
        engine: &request.engine,
        appliance_version: &request.gates.appliance_version,
        reading,
        limits,
        nonce,
    };
    control::forget_expired(store, &lock, time.judge(reading).at, &acting)?;
    let preparing = Preparing { store, lock: &lock, worker, reading, limits, progress };
    let by = Circumstances { site, time: &time, reading, operator: &request.operator, engine: &request.engine };
    let action = if then == Then::Hold { "stage" } else { "import" };
    let mut account = Account::new(action, &parts::named(request, others), &by);
    let pinned = store.trust().ok().flatten().map(|trust| Digest::of(&trust.root));
    account.judged_by(pinned.or(request.trust_root.map(Digest::of)));
    let attempt = Attempt { preparing, request, acting, then, policy: store.control_policy()? };
    if let Err(error) = store.sweep(&lock) {
        // What could not be removed now cannot be removed after the refusal either.
        return Err(attempt.write_down(&mut account, error.into()));
    }
    if let Err(error) = sets::tidy(store, &lock, time.judge(reading).at, &attempt.acting) {
        return Err(attempt.write_down(&mut account, error.into()));
    }
    if let Err(error) = attempt.require_operator() {
        return Err(attempt.refuse(None, account, error.into()));
    }
    match attempt.take(others, &mut account) {
        Ok((imported, staged)) => {
            // The kit is active, or waits. What cannot be tidied up now is swept by the next import, and is
            // no reason to call this one failed.
            let _ = match imported.outcome {
                Outcome::Activated(_) | Outcome::Held(_) => staged.map(|staged| store.keep_kit(&lock, staged)),
                Outcome::AlreadyCurrent(_) | Outcome::Incomplete(_) => staged.map(Staged::remove),
            };
            let _ = sets::end(store, &lock, &imported.outcome);
            // An empty one in the place of this one.
            let _ = store.workspace(&lock);
            let _ = store.forget_old(&lock);
            progress(Progress::Done);
            Ok(imported)
        }
        Err(failed) => Err(attempt.refuse(failed.blamed, account, failed.error)),
    }
}

pub(crate) struct Attempt<'a> {
    pub(crate) preparing: Preparing<'a>,
    pub(crate) request: &'a Request<'a>,
    pub(crate) acting: Acting<'a>,
    then: Then,
    policy: ControlPolicy,
}

impl Attempt<'_> {
    pub(crate) fn store(&self) -> &Store {
        self.preparing.store
    }

    /// Imports a kit that lies in staging. None when it is shorter than its metadata says: a part, at best.
    pub(crate) fn run(&self, staged: &Staged, account: &mut Account) -> Result<Option<Imported>, ImportError> {
        let workspace = self.store().workspace(self.preparing.lock)?;
        let verified = self.preparing.verify(self.request, staged, &workspace)?;
        account.describe(&verified);
        if let Some(imported) = self.already(account, &verified)? {
            return Ok(Some(imported));
        }
        if staged.length() < verified.kit_length() {
            return Ok(None);
        }
        let generation = self.preparing.load(staged, &workspace, &verified)?;
        let ruling = self.rule(&verified, &generation)?;
        account.rule(&ruling);
        let concerns = plausible::concerns(self.store(), &generation)?;
        if self.is_held() || !concerns.is_empty() {
            return self.hold(account, &verified, generation, concerns).map(Some);
        }
        self.activate(account, &verified, generation, ruling).map(Some)
    }

    /// The end, when this very kit is active already, or waits.
    pub(crate) fn already(&self, account: &mut Account, verified: &Verified) -> Result<Option<Imported>, ImportError> {
        let (clock, site) = (verified.present.state, verified.word);
        if let Some(current) = self.preparing.active_as(verified)? {
            account.import.result = "noop".to_owned();
            account.import.generation = Some(current);
            let logged = self.store().append(self.acting.site, &account.entry())?;
            let warnings = account.warnings();
            let outcome = Outcome::AlreadyCurrent(current);
            return Ok(Some(Imported { outcome, clock, site, logged, warnings }));
        }
        if let Some(waiting) = self.waiting_as(verified)? {
            account.import.result = "noop".to_owned();
            let logged = self.store().append(self.acting.site, &account.entry())?;
            let (warnings, outcome) = (account.warnings(), Outcome::Held(Box::new(waiting)));
            return Ok(Some(Imported { outcome, clock, site, logged, warnings }));
        }
        Ok(None)
    }

    /// Tokens and revocations. Of a kit that waits they are judged once more when it is activated.
    fn rule(&self, verified: &Verified, generation: &GenerationRow) -> Result<Ruling, ImportError> {
        entitlements::judge(&Asked {
            store: self.store(),
            site: self.acting.site,
            kit: &verified.kit,
            generation,
            trust: &verified.trust,
            now: verified.present.at,
            nonce: self.acting.nonce,
        })
    }

    fn is_held(&self) -> bool {
        self.then == Then::Hold || self.policy.needed(Action::Activate) > 0
    }

    /// Who acts under dual control is somebody whom the policy knows.
    fn require_operator(&self) -> Result<(), ControlError> {
        if self.policy.needed(Action::Activate) == 0 {
            return Ok(());
        }
        control::require_person(&self.policy, &self.request.operator)
    }

    /// The request by which this very kit waits already. Handing it in again starts nothing anew.
    fn waiting_as(&self, verified: &Verified) -> Result<Option<PendingRow>, StoreError> {
        let digest = verified.kit.metadata_digest();
        let must_wait = |row: &PendingRow| self.is_held() || !row.concerns().is_empty();
        let same =
            |row: &PendingRow| must_wait(row) && row.staged().is_some_and(|staged| staged.metadata_digest == digest);
        Ok(self.store().pending()?.into_iter().find(same))
    }

    /// Step 9: the kit waits. Neither floors nor pointer move.
    fn hold(
        &self,
        account: &mut Account,
        verified: &Verified,
        generation: GenerationRow,
        concerns: Vec<String>,
    ) -> Result<Imported, ImportError> {
        account.import.result = "held".to_owned();
        account.import.warnings.extend(concerns.iter().cloned());
        account.import.reason = plausible::summary(&concerns);
        account.import.content_root = Some(generation.content_root);
        let number = generation.number;
        let trust_root = self.store().trust()?.is_none().then(|| verified.trust.factory_root.clone());
        let site = verified.trust.site.clone();
        let task = Task::Activate { generation: Box::new(generation), trust_root, site, concerns };
        let now = verified.present.at;
        let row = control::row(number, task, self.acting.operator, now, &self.policy, self.acting.nonce);
        let mut time = verified.time.clone();
        time.observe(self.acting.reading);
        let logged = self.store().hold(self.preparing.lock, &row, &time, self.acting.site, &account.entry())?;
        let (clock, site) = (verified.present.state, verified.word);
        let warnings = account.warnings();
        Ok(Imported { outcome: Outcome::Held(Box::new(row)), clock, site, logged, warnings })
    }

    /// Step 12.
    fn activate(
        &self,
        account: &mut Account,
        verified: &Verified,
        generation: GenerationRow,
        ruling: Ruling,
    ) -> Result<Imported, ImportError> {
        let (kit, import) = (&verified.kit, &mut account.import);
        import.floors_after = kit.floors().roles.iter().map(|(role, floor)| (role.clone(), floor.version)).collect();
        import.result = "activated".to_owned();
        import.generation = Some(generation.number);
        import.content_root = Some(generation.content_root);
        (self.preparing.progress)(Progress::Activating);
        let mut time = verified.time.clone();
        time.observe(self.preparing.reading);
        if !time.prove(kit.signed_at(), verified.present.at) {
            let warning = format!("signed at {}: too far ahead to be believed wholly", kit.signed_at());
            account.import.warnings.push(warning);
        }
        let Ruling { revocations, change: entitlements, .. } = ruling;
        let trust = trust::after(&verified.trust, kit, revocations);
        let activation = Activation { trust, time, generation, entitlements, entry: account.entry() };
        let logged = self.store().activate(self.acting.site, &activation)?;
        let outcome = Outcome::Activated(Box::new(activation.generation));
        let (clock, site, warnings) = (verified.present.state, verified.word, account.warnings());
        Ok(Imported { outcome, clock, site, logged, warnings })
    }

    /// Keeps the receipt, puts a refused kit aside with its reason, and removes what the import has
    /// written. When the fault is ours or the machine's, the kit is not to blame and is
    /// not kept. Returns the reason of the refusal, whatever else fails.
    fn refuse(&self, blamed: Option<(Staged, String)>, mut account: Account, error: ImportError) -> ImportError {
        // It reached the disk although a fault is reported, with its own record; or only a later import can tell, so
        // nothing is swept. A failure must not be added to it.
        if matches!(&error, ImportError::Store(error) if error.may_be_in_force()) {
            return error;
        }
        let error = self.write_down(&mut account, error);
        let aside = match blamed {
            Some((staged, given_as)) if error.is_rejection() => self.set_aside(&staged, given_as, &error),
            _ => Ok(()),
        };
        // Blobs and index files of the refused kit go at once, so that a full disk is not full any more.
        let swept = self.store().sweep(self.preparing.lock).map(drop);
        match aside.and(swept) {
            Ok(()) => error,
            Err(failure) => unrecorded(error, &failure),
        }
    }

    /// Keeps the receipt of a refusal.
    fn write_down(&self, account: &mut Account, error: ImportError) -> ImportError {
        // What an activation that failed has announced did not come true.
        account.import.floors_after.clear();
        account.import.generation = None;
        account.import.result = if error.is_rejection() { "rejected" } else { "failed" }.to_owned();
        account.import.code = Some(error.code().to_owned());
        account.import.reason = Some(error.to_string());
        let recorded = self.store().append(self.acting.site, &account.entry());
        match recorded.and_then(|logged| logged.unpublished.map_or(Ok(()), Err)) {
            Ok(()) | Err(StoreError::InForce(_)) => error,
            Err(failure) => unrecorded(error, &failure),
        }
    }

    fn set_aside(&self, staged: &Staged, given_as: String, error: &ImportError) -> Result<(), StoreError> {
        let reason = Quarantined {
            sha256: staged.sha256(),
            length: staged.length(),
            code: error.code().to_owned(),
            reason: error.to_string(),
            at: self.preparing.reading.wall,
            given_as,
        };
        self.store().quarantine(staged.path(), &reason)
    }
}

/// The refusal stands; what could not be done about it is added to it.
fn unrecorded(error: ImportError, failure: &StoreError) -> ImportError {
    ImportError::Unrecorded { cause: Box::new(error), failure: failure.to_string() }
}
