//! The import, step by step.

use std::fs::File;

use domain::digest::Digest;
use domain::time::Timestamp;
use ouk::limits::Limits;
use ouk::seal::TrustedComment;
use ouk::verify::{Gates, VerifiedKit};
use store::{Activation, GenerationRow, ImportLock, Quarantined, Staged, Store, StoreError, TrustRow};

use crate::error::ImportError;
use crate::load::{self, Loaded};
use crate::receipt::Receipt;
use crate::trust;

/// A kit signed further in the future than this is not believed.
const FUTURE_SECONDS_MAX: i64 = 48 * 3600;
/// A clock this far behind the floor is reported.
const BEHIND_SECONDS: i64 = 3600;

/// What the operator asks for.
pub struct Request<'a> {
    /// The kit, opened by [`crate::open_source`].
    pub kit: File,
    /// Its name, for receipts and messages only.
    pub given_as: String,
    /// Pinned when the state has no root yet.
    pub trust_root: Option<&'a [u8]>,
    /// The content of the `.minisig` file beside the kit.
    pub seal: Option<&'a str>,
    pub seal_key: Option<&'a str>,
    pub seal_policy: SealPolicy,
    /// What the operator read in the release note.
    pub expected: Option<Digest>,
    pub gates: Gates,
    pub operator: String,
    pub engine: String,
}

/// Must a kit carry a seal? One that is there is always checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealPolicy {
    Required,
    Optional,
}

/// How far the import is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    Copying { bytes: u64 },
    Sealed,
    Verified { blobs: u64, bytes: u64 },
    Loading { bytes: u64 },
    Indexing,
    Activating,
    Done,
}

/// What this machine's clock says, against the floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockState {
    Ok,
    /// The clock is behind what signed data proves; the floor was used instead.
    Behind,
}

/// What the import came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Activated(Box<GenerationRow>),
    /// This very kit is active already.
    AlreadyCurrent(u64),
}

/// A finished import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    pub outcome: Outcome,
    pub clock: ClockState,
}

/// Imports a kit. On an error the active generation is what it was before.
pub fn import(
    store: &Store,
    request: Request<'_>,
    wall: Timestamp,
    limits: &Limits,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Imported, ImportError> {
    let lock = store.lock_import()?;
    store.sweep(&lock)?;
    let mut receipt = Receipt::new("import", wall, &request.operator, &request.given_as, &request.engine);
    let import = Import { store, lock: &lock, limits, progress, wall };
    let staged = match import.stage(&request) {
        Ok(staged) => staged,
        Err(error) => return Err(import.refuse(&request, None, receipt, error)),
    };
    receipt.kit_sha256 = Some(staged.sha256());
    match import.run(&request, &staged, &mut receipt) {
        Ok(imported) => {
            // The kit is active. What cannot be tidied up now is swept by the next import, and is
            // no reason to call this one failed.
            let _ = staged.remove();
            let _ = store.forget_old(&lock);
            progress(Progress::Done);
            Ok(imported)
        }
        Err(error) => Err(import.refuse(&request, Some(staged), receipt, error)),
    }
}

struct Import<'a> {
    store: &'a Store,
    lock: &'a ImportLock,
    limits: &'a Limits,
    progress: &'a (dyn Fn(Progress) + Sync),
    wall: Timestamp,
}

impl Import<'_> {
    /// Step 1: copy once. Whatever the medium answers later does not matter any more.
    fn stage(&self, request: &Request<'_>) -> Result<Staged, ImportError> {
        let copying = |bytes| (self.progress)(Progress::Copying { bytes });
        self.store.stage(self.lock, &request.kit, self.limits.kit_bytes_max, &copying).map_err(|error| match error {
            store::StageError::Read(source) => ImportError::SourceRead { path: request.given_as.clone(), source },
            store::StageError::TooLarge { length_max } => ImportError::TooLarge { length: length_max + 1, length_max },
            store::StageError::Store(error) => error.into(),
        })
    }

    fn run(&self, request: &Request<'_>, staged: &Staged, receipt: &mut Receipt) -> Result<Imported, ImportError> {
        if let Some(expected) = request.expected.filter(|expected| *expected != staged.sha256()) {
            return Err(ImportError::Unexpected { found: staged.sha256(), expected });
        }
        // Step 2.
        let seal = check_seal(request, staged)?;
        (self.progress)(Progress::Sealed);
        // Steps 3 to 8.
        let trust_row = self.trust(request)?;
        let present = trust::present(&trust_row, self.wall);
        let clock = if trust::floor(&trust_row).seconds_since(self.wall) > BEHIND_SECONDS {
            ClockState::Behind
        } else {
            ClockState::Ok
        };
        let opened = ouk::read::open(staged.open()?, self.limits)?;
        let kit =
            ouk::verify::verify(&opened.metadata, &trust::state(&trust_row), &request.gates, present, self.limits)?;
        if let Some(comment) = &seal {
            ouk::seal::check_kit(comment, &kit)?;
        }
        // A clock that is behind cannot tell what lies in the future; that it is behind is reported.
        if clock == ClockState::Ok && kit.signed_at().seconds_since(present) > FUTURE_SECONDS_MAX {
            return Err(ImportError::Future { signed_at: kit.signed_at().to_string(), now: present.to_string() });
        }
        describe(receipt, &trust_row, &kit);
        if let Some(current) = self.active_as(&kit)? {
            return self.already_current(receipt, current, clock);
        }
        (self.progress)(Progress::Verified {
            blobs: kit.targets().iter().map(|target| target.chunks.len() as u64).sum(),
            bytes: kit.targets().iter().map(|target| target.length).sum(),
        });
        self.require_space(&kit)?;
        // Steps 10 and 11.
        let loaded = load::load(self.store, opened, &kit, self.progress)?;
        // Step 12.
        let outcome = self.activate(receipt, &trust_row, &kit, staged, loaded)?;
        Ok(Imported { outcome, clock })
    }

    /// Room for the blobs that are not here yet, and for the index: measured, it takes a third of
    /// what is signed, so half is enough.
    fn require_space(&self, kit: &VerifiedKit) -> Result<(), ImportError> {
        let chunks = || kit.targets().iter().flat_map(|target| &target.chunks);
        let signed: u64 = chunks().map(|chunk| chunk.len).sum();
        let missing: u64 =
            chunks().filter(|c| !self.store.blobs().holds(&c.sha256, c.len)).map(|chunk| chunk.len).sum();
        Ok(self.store.require_space(missing.saturating_add(signed / 2))?)
    }

    fn trust(&self, request: &Request<'_>) -> Result<TrustRow, ImportError> {
        match (self.store.trust()?, request.trust_root) {
            (Some(row), None) => Ok(row),
            (Some(row), Some(root)) if row.factory_root == root || row.root == root => Ok(row),
            (Some(_), Some(_)) => Err(StoreError::TrustRootPinned.into()),
            (None, Some(root)) => {
                ouk::verify::check_root(root, self.limits).map_err(ImportError::TrustRoot)?;
                Ok(trust::pin(root))
            }
            (None, None) => Err(StoreError::NoTrustRoot.into()),
        }
    }

    /// The active generation, when it is this kit's and whole. A damaged one is imported again,
    /// which repairs it; one that was rolled back becomes active again.
    fn active_as(&self, kit: &VerifiedKit) -> Result<Option<u64>, ImportError> {
        let Some(current) = self.store.current()? else { return Ok(None) };
        let Ok(generation) = self.store.open_generation(current) else { return Ok(None) };
        let row = generation.row();
        let same = kit.is_current() && row.metadata_digest == kit.metadata_digest();
        Ok((same && self.store.is_intact(row)).then_some(current))
    }

    fn already_current(&self, receipt: &mut Receipt, current: u64, clock: ClockState) -> Result<Imported, ImportError> {
        receipt.result = "noop".to_owned();
        receipt.generation = Some(current);
        self.store.record(&receipt.to_json())?;
        Ok(Imported { outcome: Outcome::AlreadyCurrent(current), clock })
    }

    fn activate(
        &self,
        receipt: &mut Receipt,
        trust_row: &TrustRow,
        kit: &VerifiedKit,
        staged: &Staged,
        loaded: Loaded,
    ) -> Result<Outcome, ImportError> {
        let number = self.store.next_generation()?;
        (self.progress)(Progress::Indexing);
        let path = self.store.generation_path(number);
        let advisories = loaded.builder.advisories();
        let index_sha256 = loaded.builder.write(self.store.disk(), &path, &loaded.segments)?;
        self.store.blobs().sync()?;
        let generation = GenerationRow {
            number,
            kit_sha256: staged.sha256(),
            kit_version: kit.kit_version(),
            metadata_digest: kit.metadata_digest(),
            content_root: loaded.content_root,
            signed_at: kit.signed_at(),
            imported_at: self.wall,
            product: kit.product().to_owned(),
            channel: kit.channel().to_owned(),
            sources: loaded.sources,
            advisories,
            index_sha256,
            blobs: loaded.blobs,
            manifest: loaded.manifest,
            metadata_frame: loaded.metadata_frame,
        };
        receipt.floors_after = kit.floors().roles.iter().map(|(role, floor)| (role.clone(), floor.version)).collect();
        receipt.result = "activated".to_owned();
        receipt.generation = Some(number);
        receipt.content_root = Some(generation.content_root);
        (self.progress)(Progress::Activating);
        let trust = trust::after(trust_row, kit);
        let activation = Activation { trust, generation, receipt: receipt.to_json() };
        self.store.activate(&activation)?;
        Ok(Outcome::Activated(Box::new(activation.generation)))
    }

    /// Keeps the receipt, puts a refused kit aside with its reason, and removes what the import has
    /// written. When the fault is ours or the machine's, the kit is not to blame and is
    /// not kept. Returns the reason of the refusal, whatever else fails.
    fn refuse(
        &self,
        request: &Request<'_>,
        staged: Option<Staged>,
        mut receipt: Receipt,
        error: ImportError,
    ) -> ImportError {
        let attempted = receipt.to_json();
        let activating = receipt.result == "activated";
        receipt.result = if error.is_rejection() { "rejected" } else { "failed" }.to_owned();
        receipt.code = Some(error.code().to_owned());
        receipt.reason = Some(error.to_string());
        let recorded = self.store.record_failure(&attempted, &receipt.to_json());
        let aside = match staged {
            Some(staged) if error.is_rejection() => self.set_aside(request, &staged, &error),
            _ => Ok(()),
        };
        // Blobs and index files of the refused kit go at once, so that a full disk is not full any more. But
        // not while it is open whether they became active: then only a later import knows.
        let open = activating && !matches!(recorded, Ok(true));
        let swept = if open { Ok(()) } else { self.store.sweep(self.lock).map(drop) };
        let recorded = recorded.map(drop);
        match recorded.and(aside).and(swept) {
            Ok(()) => error,
            Err(failure) => ImportError::Unrecorded { cause: Box::new(error), failure: failure.to_string() },
        }
    }

    fn set_aside(&self, request: &Request<'_>, staged: &Staged, error: &ImportError) -> Result<(), StoreError> {
        let reason = Quarantined {
            sha256: staged.sha256(),
            length: staged.length(),
            code: error.code().to_owned(),
            reason: error.to_string(),
            at: self.wall,
            given_as: request.given_as.clone(),
        };
        self.store.quarantine(staged.path(), &reason)
    }
}

fn describe(receipt: &mut Receipt, before: &TrustRow, kit: &VerifiedKit) {
    receipt.kit_version = Some(kit.kit_version());
    receipt.floors_before = before.floors.iter().map(|floor| (floor.role.clone(), floor.version)).collect();
}

/// Checks the seal, if there is one and a key to check it with, and returns what it says.
fn check_seal(request: &Request<'_>, staged: &Staged) -> Result<Option<TrustedComment>, ImportError> {
    match (request.seal, request.seal_key, request.seal_policy) {
        (None, _, SealPolicy::Required) => Err(ImportError::SealMissing),
        (Some(_), None, SealPolicy::Required) => Err(ImportError::SealKeyMissing),
        // The seal is for people; without a key it proves nothing and decides nothing.
        (None, _, SealPolicy::Optional) | (Some(_), None, SealPolicy::Optional) => Ok(None),
        (Some(seal), Some(key), _) => {
            let comment = ouk::seal::verify_minisign(staged.open()?, seal, key)?;
            ouk::seal::check_comment(&comment, &staged.sha256())?;
            Ok(Some(comment))
        }
    }
}
