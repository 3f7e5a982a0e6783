//! Taking the frames of one kit out of files.

use std::collections::BTreeSet;

use domain::digest::Digest;
use ouk::error::KitError;
use ouk::read::SealedMetadata;
use ouk::site::SiteMetadata;
use ouk::verify::Chunk;
use ouk::volume::{FrameSet, Outline};
use store::{KeptSet, SET_DAYS, SetMetadata, SetRow, Staged, StoreError, VolumeRow, Workspace};

use super::{Came, Given, is_unreadable};
use crate::error::ImportError;
use crate::import::Attempt;
use crate::prepare::Verified;
use crate::receipt::Account;
use crate::request::{Imported, Progress};
use crate::work::{HarvestJob, Harvested};

/// What the files of one run add up to.
pub(super) struct Gathering<'a> {
    attempt: &'a Attempt<'a>,
    /// The kit whose parts they are, as soon as one of them has told.
    known: Option<Known>,
    /// The file that told it.
    told_by: String,
    pub(super) files: Vec<Came>,
    /// Why the first of those that did not tell did not; or why no part can be taken out of the only one.
    cause: Option<ImportError>,
}

/// A kit whose metadata is verified, and what is here of it.
pub(super) struct Known {
    pub(super) verified: Verified,
    pub(super) outline: Outline,
    pub(super) set: KeptSet,
    /// None before the first frame came: until then there is no set.
    pub(super) row: Option<SetRow>,
}

impl<'a> Gathering<'a> {
    pub(super) fn new(attempt: &'a Attempt<'a>) -> Self {
        Self { attempt, known: None, told_by: String::new(), files: Vec::new(), cause: None }
    }

    /// A single file, which was refused as a kit or is too short for one. None when it has nothing to keep, or no
    /// other copy could make it better: then that refusal stands.
    pub(super) fn add_only(
        &mut self,
        given: Given<'_>,
        staged: &Staged,
        failed: Option<String>,
    ) -> Result<Option<Known>, ImportError> {
        let learnt = self.known.is_some();
        if !learnt && !self.recognize(staged)? {
            return Ok(None);
        }
        let Some(mut known) = self.known.take() else { return Ok(None) };
        let harvested = match self.search(&known) {
            Ok(harvested) => harvested,
            Err(error) => {
                self.cause = Some(error);
                return Ok(None);
            }
        };
        let count = harvested.found.len();
        let nothing = count == 0 && known.row.is_none();
        // Of a medium that failed behind the last frame nothing is missing.
        let all = learnt && failed.is_none() && !lacks_any(&known, staged, &harvested)?;
        if nothing || all {
            return Ok(None);
        }
        let came = self.keep(&mut known, given, staged, &harvested, failed)?;
        self.files.push(came);
        Ok(Some(known))
    }

    /// A file that did not tell, once it is known by others which kit this is.
    pub(super) fn add_unnamed(
        &mut self,
        given: Given<'_>,
        staged: &Staged,
        failed: Option<String>,
    ) -> Result<(), ImportError> {
        if self.known.is_none() && !self.recognize(staged)? {
            return Ok(());
        }
        self.harvest(given, staged, failed)
    }

    /// The kit, when something of it is or was here.
    pub(super) fn take_known(&mut self) -> Option<Known> {
        self.known.take()
    }

    /// Why there is nothing.
    pub(super) fn cause(self) -> Option<ImportError> {
        self.cause
    }

    /// Is it shorter than the kit that it tells of?
    pub(super) fn is_part(&self, staged: &Staged) -> bool {
        self.known.as_ref().is_some_and(|known| staged.length() < known.verified.kit_length())
    }

    /// The end, when this very kit is active or waits for approval already.
    pub(super) fn already(&self, account: &mut Account) -> Result<Option<Imported>, ImportError> {
        match &self.known {
            Some(known) => {
                account.describe(&known.verified);
                self.attempt.already(account, &known.verified)
            }
            None => Ok(None),
        }
    }

    /// Verifies the metadata that the file carries. False when it cannot be read at all.
    pub(super) fn learn(&mut self, given: Given<'_>, staged: &Staged) -> Result<bool, ImportError> {
        let workspace = self.workspace()?;
        match self.attempt.preparing.verify_part(self.attempt.request, staged, &workspace) {
            Ok(verified) => {
                let known = self.know(verified)?;
                match &mut self.known {
                    Some(first) if first.outline.id() != known.outline.id() => {
                        let reason = format!("its metadata is not that of {}", self.told_by);
                        return Err(KitError::Mix { file: given.name.to_owned(), reason }.into());
                    }
                    // A site's word may travel with the later file only.
                    Some(first) if first.verified.travels.is_none() => {
                        first.outline = known.outline;
                        first.verified = known.verified;
                    }
                    Some(_) => {}
                    None => {
                        given.name.clone_into(&mut self.told_by);
                        self.known = Some(known);
                    }
                }
                Ok(true)
            }
            Err(error) if is_unreadable(&error) => {
                self.cause.get_or_insert(error);
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Asks the sets that wait whether a file that does not tell is one of theirs.
    fn recognize(&mut self, staged: &Staged) -> Result<bool, ImportError> {
        if staged.length() == 0 {
            return Ok(false);
        }
        for waiting in self.attempt.store().sets()? {
            let Some(metadata) = self.attempt.store().set_metadata(&waiting.row.id)? else { continue };
            // One that is not accepted (any more) is not what this run is about.
            let Ok(verified) = self.verify_kept(metadata) else { continue };
            let known = self.know(verified)?;
            if self.search(&known).is_ok_and(|harvested| !harvested.found.is_empty()) {
                self.known = Some(known);
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn verify_kept(&self, metadata: SetMetadata) -> Result<Verified, ImportError> {
        let preparing = &self.attempt.preparing;
        let [frame, entries] = metadata.vendor;
        let sealed = SealedMetadata::from_expanded(frame, &entries, preparing.limits)?;
        let site = metadata.site;
        let site = site.map(|[frame, entries]| SiteMetadata::from_expanded(frame, &entries, preparing.limits));
        preparing.judge(preparing.standard(self.attempt.request)?, sealed, site.transpose()?)
    }

    fn know(&self, verified: Verified) -> Result<Known, ImportError> {
        let store = self.attempt.store();
        let outline = Outline::new(&verified.metadata, &verified.kit);
        let kept = match &verified.travels {
            Some(_) => None,
            None => self.kept_site(&outline)?,
        };
        let outline = outline.with_site(verified.travels.as_ref().or(kept.as_ref()));
        let set = store.open_set(self.attempt.preparing.lock, &outline)?;
        let row = store.sets()?.into_iter().map(|waiting| waiting.row).find(|row| row.id == outline.id());
        Ok(Known { verified, outline, set, row })
    }

    /// What another part has brought of a site's word. The whole kit is judged with it.
    fn kept_site(&self, outline: &Outline) -> Result<Option<SiteMetadata>, ImportError> {
        let kept = self.attempt.store().set_metadata(&outline.id())?.and_then(|metadata| metadata.site);
        let read = |[frame, entries]: [Vec<u8>; 2]| {
            SiteMetadata::from_expanded(frame, &entries, self.attempt.preparing.limits)
        };
        Ok(kept.map(read).transpose()?)
    }

    /// Where frames of the kit stand in the staged file.
    fn search(&self, known: &Known) -> Result<Harvested, ImportError> {
        (self.attempt.preparing.progress)(Progress::Searching);
        let workspace = self.workspace()?;
        workspace.write_frame(known.verified.metadata.frame())?;
        let job = HarvestJob { check: known.verified.check.clone() };
        self.attempt.preparing.worker.harvest(&workspace, &job)
    }

    /// Searches the file for what it has, and keeps that.
    pub(super) fn harvest(
        &mut self,
        given: Given<'_>,
        staged: &Staged,
        failed: Option<String>,
    ) -> Result<(), ImportError> {
        let Some(mut known) = self.known.take() else { return Ok(()) };
        let harvested = self.search(&known)?;
        let came = self.keep(&mut known, given, staged, &harvested, failed)?;
        self.known = Some(known);
        self.files.push(came);
        Ok(())
    }

    /// Takes over what the set does not have. Where the worker says that a frame stands one is read, and hashed.
    fn keep(
        &self,
        known: &mut Known,
        given: Given<'_>,
        staged: &Staged,
        harvested: &Harvested,
        failed: Option<String>,
    ) -> Result<Came, ImportError> {
        let store = self.attempt.store();
        let lied = || ImportError::worker("it found frames that the kit does not have");
        let chunk =
            |&(place, offset): &(usize, u64)| Ok((*known.outline.chunks().get(place).ok_or_else(lied)?, offset));
        let found: Vec<(Chunk, u64)> = harvested.found.iter().map(chunk).collect::<Result<_, ImportError>>()?;
        let fresh: Vec<_> = found.iter().filter(|(chunk, _)| !known.set.has(&chunk.csha256)).collect();
        if !found.is_empty() {
            store.require_space(fresh.iter().map(|(chunk, _)| chunk.clen).sum())?;
            // A set that is there goes on, with what a site says now.
            let mut row = known.row.take().map(|_| self.begin(known)).transpose()?;
            let file = staged.open()?;
            for (chunk, offset) in &fresh {
                let length = usize::try_from(chunk.clen).map_err(|_| lied())?;
                let bytes = file.range(*offset, length).map_err(|_| lied())?;
                // Another begins with its first frame, and not with a worker's word for one.
                if row.is_none() && Digest::of(&bytes) == chunk.csha256 {
                    row = Some(self.begin(known)?);
                }
                known.set.keep(chunk, &bytes).map_err(|error| match error {
                    StoreError::CorruptBlob(_) => lied(),
                    error => error.into(),
                })?;
            }
            known.set.sync()?;
            let mut row = row.ok_or_else(lied)?;
            let volume = self.volume(known, given, staged, found.len());
            store.add_volume(self.attempt.preparing.lock, &mut row, volume)?;
            known.row = Some(row);
        }
        Ok(Came {
            given_as: given.name.to_owned(),
            sha256: staged.sha256(),
            length: staged.length(),
            frames: found.len() as u64,
            new: fresh.len() as u64,
            damaged: harvested.damaged.clone(),
            ending: harvested.ending,
            failed,
        })
    }

    /// From here on something is kept, so the metadata comes first.
    fn begin(&self, known: &Known) -> Result<SetRow, ImportError> {
        let Known { verified, outline, .. } = known;
        let now = verified.present.at;
        let row = SetRow {
            id: outline.id(),
            product: verified.kit.product().to_owned(),
            channel: verified.kit.channel().to_owned(),
            kit_version: verified.kit.kit_version(),
            signed_at: verified.kit.signed_at(),
            metadata_digest: verified.kit.metadata_digest(),
            frames: outline.chunks().len() as u64,
            bytes: outline.chunks().iter().map(|chunk| chunk.clen).sum(),
            began_at: now,
            expires_at: now.plus_days(SET_DAYS),
            volumes: Vec::new(),
        };
        let metadata = SetMetadata {
            vendor: [verified.metadata.frame().to_vec(), verified.metadata.expanded()],
            site: verified.travels.as_ref().map(|site| [site.frame().to_vec(), site.expanded()]),
        };
        let bytes_max = self.attempt.preparing.limits.kit_bytes_max;
        Ok(self.attempt.store().begin_set(self.attempt.preparing.lock, row, &metadata, bytes_max)?)
    }

    fn volume(&self, known: &Known, given: Given<'_>, staged: &Staged, frames: usize) -> VolumeRow {
        VolumeRow {
            given_as: given.name.to_owned(),
            sha256: staged.sha256(),
            length: staged.length(),
            frames: frames as u64,
            at: known.verified.present.at,
        }
    }

    /// An empty one.
    fn workspace(&self) -> Result<Workspace, StoreError> {
        self.attempt.store().workspace(self.attempt.preparing.lock)
    }
}

/// Is a frame missing that another copy could have? A signed frame that stands where it belongs and that the
/// search passed over is not: it is what was signed, and no frame.
fn lacks_any(known: &Known, staged: &Staged, harvested: &Harvested) -> Result<bool, ImportError> {
    let found: BTreeSet<usize> = harvested.found.iter().map(|&(place, _)| place).collect();
    let file = staged.open()?;
    let mut offset = known.verified.blobs_offset();
    for (place, chunk) in known.outline.chunks().iter().enumerate() {
        if !found.contains(&place) {
            let stands = usize::try_from(chunk.clen).ok().and_then(|length| file.range(offset, length).ok());
            if stands.is_none_or(|bytes| Digest::of(&bytes) != chunk.csha256) {
                return Ok(true);
            }
        }
        offset += chunk.clen;
    }
    Ok(false)
}
