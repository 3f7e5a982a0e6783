//! The import: prepare, then one transaction, or a refusal that is written down.

use domain::clock::Reading;
use ouk::limits::Limits;
use store::{Activation, GenerationRow, Quarantined, Staged, Store, StoreError, TrustRow};

use crate::error::ImportError;
use crate::prepare::{Preparing, Verified};
use crate::receipt::Receipt;
use crate::request::{Imported, Outcome, Progress, Request};
use crate::trust;
use crate::work::Worker;

/// What an import runs with, beside what the operator asks for.
pub struct Means<'a> {
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
    let Means { worker, reading, limits, progress } = *means;
    let preparing = Preparing { store, lock: &lock, worker, reading, limits, progress };
    let mut receipt = Receipt::new("import", reading.wall, &request.operator, &request.given_as, &request.engine);
    let attempt = Attempt { preparing, request };
    let staged = match attempt.preparing.copy(request) {
        Ok(staged) => staged,
        Err(error) => return Err(attempt.refuse(None, receipt, error)),
    };
    receipt.kit_sha256 = Some(staged.sha256());
    match attempt.run(&staged, &mut receipt) {
        Ok(imported) => {
            // The kit is active. What cannot be tidied up now is swept by the next import, and is
            // no reason to call this one failed.
            let _ = staged.remove();
            let _ = store.workspace(&lock);
            let _ = store.forget_old(&lock);
            progress(Progress::Done);
            Ok(imported)
        }
        Err(error) => Err(attempt.refuse(Some(staged), receipt, error)),
    }
}

struct Attempt<'a> {
    preparing: Preparing<'a>,
    request: &'a Request<'a>,
}

impl Attempt<'_> {
    fn store(&self) -> &Store {
        self.preparing.store
    }

    fn run(&self, staged: &Staged, receipt: &mut Receipt) -> Result<Imported, ImportError> {
        let workspace = self.store().workspace(self.preparing.lock)?;
        let verified = self.preparing.verify(self.request, staged, &workspace)?;
        describe(receipt, &verified.trust, &verified);
        let (clock, site) = (verified.present.state, verified.word);
        if let Some(current) = self.preparing.active_as(&verified)? {
            receipt.result = "noop".to_owned();
            receipt.generation = Some(current);
            self.store().record(&receipt.to_json())?;
            return Ok(Imported { outcome: Outcome::AlreadyCurrent(current), clock, site });
        }
        let generation = self.preparing.load(staged, &workspace, &verified)?;
        let outcome = self.activate(receipt, &verified, generation)?;
        Ok(Imported { outcome, clock, site })
    }

    /// Step 12.
    fn activate(
        &self,
        receipt: &mut Receipt,
        verified: &Verified,
        generation: GenerationRow,
    ) -> Result<Outcome, ImportError> {
        let kit = &verified.kit;
        receipt.floors_after = kit.floors().roles.iter().map(|(role, floor)| (role.clone(), floor.version)).collect();
        receipt.result = "activated".to_owned();
        receipt.generation = Some(generation.number);
        receipt.content_root = Some(generation.content_root);
        (self.preparing.progress)(Progress::Activating);
        let mut time = verified.time.clone();
        time.observe(self.preparing.reading);
        time.prove(kit.signed_at(), verified.present.at);
        let trust = trust::after(&verified.trust, kit);
        let activation = Activation { trust, time, generation, receipt: receipt.to_json() };
        self.store().activate(&activation)?;
        Ok(Outcome::Activated(Box::new(activation.generation)))
    }

    /// Keeps the receipt, puts a refused kit aside with its reason, and removes what the import has
    /// written. When the fault is ours or the machine's, the kit is not to blame and is
    /// not kept. Returns the reason of the refusal, whatever else fails.
    fn refuse(&self, staged: Option<Staged>, mut receipt: Receipt, error: ImportError) -> ImportError {
        receipt.result = if error.is_rejection() { "rejected" } else { "failed" }.to_owned();
        receipt.code = Some(error.code().to_owned());
        receipt.reason = Some(error.to_string());
        let recorded = self.store().record(&receipt.to_json());
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

fn describe(receipt: &mut Receipt, before: &TrustRow, verified: &Verified) {
    receipt.kit_version = Some(verified.kit.kit_version());
    receipt.floors_before = before.floors.iter().map(|floor| (floor.role.clone(), floor.version)).collect();
}
