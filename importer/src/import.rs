//! The import: prepare, then one transaction, or a refusal that is written down.

use domain::clock::Reading;
use domain::digest::Digest;
use ouk::limits::Limits;
use store::{Activation, GenerationRow, Quarantined, Site, Staged, Store, StoreError};

use crate::error::ImportError;
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
    pub progress: &'a (dyn Fn(Progress) + Sync),
}

/// Imports a kit. On an error the active generation is what it was before.
pub fn import(store: &Store, request: &Request<'_>, means: &Means<'_>) -> Result<Imported, ImportError> {
    let lock = store.lock_import()?;
    store.sweep(&lock)?;
    let Means { site, worker, reading, limits, progress } = *means;
    let preparing = Preparing { store, lock: &lock, worker, reading, limits, progress };
    // When the state cannot tell the time the import will fail on that, and must be able to say so.
    let time = trust::time(store).unwrap_or_else(|_| trust::program_time());
    let by = Circumstances { site, time: &time, reading, operator: &request.operator, engine: &request.engine };
    let mut account = Account::new("import", &request.given_as, &by);
    let pinned = store.trust().ok().flatten().map(|trust| Digest::of(&trust.root));
    account.judged_by(pinned.or(request.trust_root.map(Digest::of)));
    let attempt = Attempt { preparing, request, site };
    let staged = match attempt.preparing.copy(request) {
        Ok(staged) => staged,
        Err(error) => return Err(attempt.refuse(None, account, error)),
    };
    account.import.kit_sha256 = Some(staged.sha256());
    account.import.bytes = staged.length();
    match attempt.run(&staged, &mut account) {
        Ok(imported) => {
            // The kit is active. What cannot be tidied up now is swept by the next import, and is
            // no reason to call this one failed.
            let _ = staged.remove();
            let _ = store.workspace(&lock);
            let _ = store.forget_old(&lock);
            progress(Progress::Done);
            Ok(imported)
        }
        Err(error) => Err(attempt.refuse(Some(staged), account, error)),
    }
}

struct Attempt<'a> {
    preparing: Preparing<'a>,
    request: &'a Request<'a>,
    site: &'a Site,
}

impl Attempt<'_> {
    fn store(&self) -> &Store {
        self.preparing.store
    }

    fn run(&self, staged: &Staged, account: &mut Account) -> Result<Imported, ImportError> {
        let workspace = self.store().workspace(self.preparing.lock)?;
        let verified = self.preparing.verify(self.request, staged, &workspace)?;
        account.describe(&verified);
        let clock = verified.present.state;
        if let Some(current) = self.preparing.active_as(&verified.kit)? {
            account.import.result = "noop".to_owned();
            account.import.generation = Some(current);
            let logged = self.store().append(self.site, &account.entry())?;
            return Ok(Imported { outcome: Outcome::AlreadyCurrent(current), clock, logged });
        }
        let generation = self.preparing.load(staged, &workspace, &verified)?;
        self.activate(account, &verified, generation)
    }

    /// Step 12.
    fn activate(
        &self,
        account: &mut Account,
        verified: &Verified,
        generation: GenerationRow,
    ) -> Result<Imported, ImportError> {
        let (kit, import) = (&verified.kit, &mut account.import);
        import.floors_after = kit.floors().roles.iter().map(|(role, floor)| (role.clone(), floor.version)).collect();
        import.result = "activated".to_owned();
        import.generation = Some(generation.number);
        import.content_root = Some(generation.content_root);
        (self.preparing.progress)(Progress::Activating);
        let mut time = verified.time.clone();
        time.observe(self.preparing.reading);
        time.prove(kit.signed_at(), verified.present.at);
        let trust = trust::after(&verified.trust, kit);
        let activation = Activation { trust, time, generation, entry: account.entry() };
        let logged = self.store().activate(self.site, &activation)?;
        let outcome = Outcome::Activated(Box::new(activation.generation));
        Ok(Imported { outcome, clock: verified.present.state, logged })
    }

    /// Keeps the receipt, puts a refused kit aside with its reason, and removes what the import has
    /// written. When the fault is ours or the machine's, the kit is not to blame and is
    /// not kept. Returns the reason of the refusal, whatever else fails.
    fn refuse(&self, staged: Option<Staged>, mut account: Account, error: ImportError) -> ImportError {
        if let Some(number) = account.import.generation.filter(|_| account.import.result == "activated") {
            match self.store().is_in_force(number) {
                Ok(false) => {}
                // The commit reached the disk although it reported a fault, with its own record: a failure
                // must not be added to it. The fault is reported all the same.
                Ok(true) => return error,
                // Only a later import can tell, so nothing is swept.
                Err(failure) => {
                    return ImportError::Unrecorded { cause: Box::new(error), failure: failure.to_string() };
                }
            }
        }
        // What an activation that failed has announced did not come true.
        account.import.floors_after.clear();
        account.import.generation = None;
        account.import.result = if error.is_rejection() { "rejected" } else { "failed" }.to_owned();
        account.import.code = Some(error.code().to_owned());
        account.import.reason = Some(error.to_string());
        let recorded = self.store().append(self.site, &account.entry());
        let recorded = recorded.and_then(|logged| logged.unpublished.map_or(Ok(()), Err));
        let aside = match staged {
            Some(staged) if error.is_rejection() => self.set_aside(&staged, &error),
            _ => Ok(()),
        };
        // Blobs and index files of the refused kit go at once, so that a full disk is not full any more.
        let swept = self.store().sweep(self.preparing.lock).map(drop);
        match recorded.and(aside).and(swept) {
            Ok(()) => error,
            Err(failure) => ImportError::Unrecorded { cause: Box::new(error), failure: failure.to_string() },
        }
    }

    fn set_aside(&self, staged: &Staged, error: &ImportError) -> Result<(), StoreError> {
        let reason = Quarantined {
            sha256: staged.sha256(),
            length: staged.length(),
            code: error.code().to_owned(),
            reason: error.to_string(),
            at: self.preparing.reading.wall,
            given_as: self.request.given_as.clone(),
        };
        self.store().quarantine(staged.path(), &reason)
    }
}
