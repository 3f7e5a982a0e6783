//! From a kit on a medium to a generation that lies ready beside the active one.
//!
//! ```text
//! copy once -> [worker: seal, metadata frame, roles, gates] -> verified again here
//!   -> [worker: blobs, records, content root] -> blobs hashed again, index kept
//! ```
//!
//! What the worker says decides nothing by itself: the signatures are checked in this process
//! too, on the bytes that the worker expanded, a blob is kept only under the digest that
//! those signatures cover, and what the data set is, its signed manifest tells.

use std::fs::File;

use domain::clock::{ClockState, Present, Reading, TimeFloor};
use domain::digest::Digest;
use ouk::limits::Limits;
use ouk::read::SealedMetadata;
use ouk::site::SiteMetadata;
use ouk::verify::VerifiedKit;
use ouk::volume::Outline;
use store::{GenerationRow, ImportLock, Staged, Store, StoreError, TrustRow, Workspace, stands_on};

use crate::derived;
use crate::entitlements::withdrawn;
use crate::error::ImportError;
use crate::request::{Progress, Request, SealPolicy, SiteWord};
use crate::work::base::missing;
use crate::work::trivy;
use crate::work::{Check, LoadJob, Loaded, OpenJob, Opened, Seal, Worker};
use crate::{manifest, site, trust};

/// A kit signed further in the future than this is not believed.
const FUTURE_SECONDS_MAX: i64 = 48 * 3600;

/// What an import works with.
pub(crate) struct Preparing<'a> {
    pub(crate) store: &'a Store,
    pub(crate) lock: &'a ImportLock,
    pub(crate) worker: &'a dyn Worker,
    pub(crate) reading: &'a Reading,
    pub(crate) limits: &'a Limits,
    pub(crate) progress: &'a (dyn Fn(Progress) + Sync),
}

/// A kit whose metadata is verified, and what it was verified against.
pub(crate) struct Verified {
    pub(crate) kit: VerifiedKit,
    pub(crate) trust: TrustRow,
    pub(crate) word: SiteWord,
    pub(crate) time: TimeFloor,
    pub(crate) present: Present,
    pub(crate) metadata: SealedMetadata,
    /// A site's frame behind the vendor's.
    pub(crate) travels: Option<SiteMetadata>,
    pub(crate) check: Check,
}

impl Verified {
    /// How long the kit is, all of it.
    pub(crate) fn kit_length(&self) -> u64 {
        Outline::new(&self.metadata, &self.kit).with_site(self.travels.as_ref()).length()
    }

    /// Where its first blob stands.
    pub(crate) fn blobs_offset(&self) -> u64 {
        (self.metadata.frame().len() + self.travels.as_ref().map_or(0, |site| site.frame().len())) as u64
    }
}

/// What a kit is held against.
pub(crate) struct Standard {
    trust: TrustRow,
    time: TimeFloor,
    present: Present,
    check: Check,
}

impl Preparing<'_> {
    /// Step 1: copy once. Whatever the medium answers later does not matter any more. When it fails on the
    /// way, what was read of it is there, and why it is not all.
    pub(crate) fn copy(&self, mut source: &File, given_as: &str) -> Result<(Staged, Option<ImportError>), ImportError> {
        let copying = |bytes| (self.progress)(Progress::Copying { bytes });
        let unread = |source| ImportError::SourceRead { path: given_as.to_owned(), source };
        // A block device says 0; it is cut off by the limit or by the disk.
        let length = source.metadata().map_err(unread)?.len();
        let bytes_max = self.limits.kit_bytes_max;
        let staged = self.store.stage(self.lock, &mut source, length, bytes_max, &copying);
        let (staged, failed) = staged.map_err(|error| match error {
            store::StageError::TooLarge { length_max } => ImportError::TooLarge { length: length_max + 1, length_max },
            store::StageError::Store(error) => error.into(),
        })?;
        Ok((staged, failed.map(unread)))
    }

    /// Steps 2 to 8.
    pub(crate) fn verify(
        &self,
        request: &Request<'_>,
        staged: &Staged,
        workspace: &Workspace,
    ) -> Result<Verified, ImportError> {
        if let Some(expected) = request.expected.filter(|expected| *expected != staged.sha256()) {
            return Err(ImportError::Unexpected { found: staged.sha256(), expected });
        }
        self.open(request, staged, workspace, seal(request, staged.sha256())?)
    }

    /// The same for what may be a part of a kit: seal and expected digest are those of the whole one.
    pub(crate) fn verify_part(
        &self,
        request: &Request<'_>,
        staged: &Staged,
        workspace: &Workspace,
    ) -> Result<Verified, ImportError> {
        self.open(request, staged, workspace, None)
    }

    fn open(
        &self,
        request: &Request<'_>,
        staged: &Staged,
        workspace: &Workspace,
        seal: Option<Seal>,
    ) -> Result<Verified, ImportError> {
        let standard = self.standard(request)?;
        let job = OpenJob { check: standard.check.clone(), seal };
        let opened = self.worker.open(workspace, &job)?;
        (self.progress)(Progress::Sealed);
        let (metadata, travels) = self.hand_over(staged, workspace, opened)?;
        self.judge(standard, metadata, travels)
    }

    /// What this request is judged by.
    pub(crate) fn standard(&self, request: &Request<'_>) -> Result<Standard, ImportError> {
        let (mut trust, time) = self.remembered(request)?;
        withdrawn::refuse_seal_key(&withdrawn::known(&trust)?, request.seal_key)?;
        trust.site = site::remembered(trust.site, request.site_root, self.limits)?;
        let present = time.judge(self.reading);
        let check = Check {
            trust: trust::state(&trust),
            gates: request.gates.clone(),
            present: present.at,
            limits: self.limits.clone(),
        };
        Ok(Standard { trust, time, present, check })
    }

    /// Steps 4 to 9, in this process.
    pub(crate) fn judge(
        &self,
        standard: Standard,
        metadata: SealedMetadata,
        travels: Option<SiteMetadata>,
    ) -> Result<Verified, ImportError> {
        let Standard { mut trust, time, present, check } = standard;
        let kit = ouk::verify::verify(&metadata, &check.trust, &check.gates, check.present, self.limits)?;
        refuse_future(&kit, &present)?;
        withdrawn::refuse_kit(&withdrawn::known(&trust)?, &kit)?;
        let (site, word) = site::after(trust.site, travels.as_ref(), &kit, &check)?;
        trust.site = site;
        Ok(Verified { kit, trust, word, time, present, metadata, travels, check })
    }

    /// What the worker has expanded. A site's frame that it keeps back is missed where one is wanted.
    fn hand_over(
        &self,
        staged: &Staged,
        workspace: &Workspace,
        opened: Opened,
    ) -> Result<(SealedMetadata, Option<SiteMetadata>), ImportError> {
        let (bytes_max, lengths) = (self.limits.metadata_frame_bytes_max, [opened.frame_length, opened.site_length]);
        let total = lengths[0].saturating_add(lengths[1]);
        if total > staged.length() || lengths.iter().any(|&length| length > bytes_max) {
            return Err(ImportError::worker("it reports a metadata frame that the kit does not have"));
        }
        let [frame, total] = [lengths[0], total].map(|length| usize::try_from(length).unwrap_or(usize::MAX));
        let mut head = workspace.kit_head(total)?;
        let site = head.split_off(frame);
        let metadata = SealedMetadata::from_expanded(head, &workspace.read_metadata(bytes_max)?, self.limits)?;
        if site.is_empty() {
            return Ok((metadata, None));
        }
        let site = SiteMetadata::from_expanded(site, &workspace.read_site(bytes_max)?, self.limits)?;
        Ok((metadata, Some(site)))
    }

    /// The generation that is active already, when it is this kit's and whole. A damaged one is
    /// imported again, which repairs it; one that was rolled back becomes active again. So is one whose
    /// site has something new to say, which must be remembered.
    pub(crate) fn active_as(&self, verified: &Verified) -> Result<Option<u64>, ImportError> {
        let kit = &verified.kit;
        if self.store.trust()?.is_some_and(|known| known.site != verified.trust.site) {
            return Ok(None);
        }
        let Some(current) = self.store.current()? else { return Ok(None) };
        let rows = self.store.generations()?;
        let same = |row: &&GenerationRow| row.number == current && row.metadata_digest == kit.metadata_digest();
        // Most kits are others, and hashing the index of the active one takes as long as importing a delta.
        let Some(row) = rows.iter().find(same).filter(|_| kit.is_current()) else { return Ok(None) };
        Ok(self.store.is_intact(row).then_some(current))
    }

    /// Steps 10 and 11, and everything on disk that step 12 will point at.
    pub(crate) fn load(
        &self,
        staged: &Staged,
        workspace: &Workspace,
        verified: &Verified,
    ) -> Result<GenerationRow, ImportError> {
        let kit = &verified.kit;
        self.require_space(kit)?;
        (self.progress)(Progress::Verified {
            blobs: kit.chunks().len() as u64,
            bytes: kit.chunks().iter().map(|chunk| chunk.len).sum(),
        });
        let base = self.base(kit)?;
        let number = self.store.next_generation()?;
        let job = LoadJob { check: verified.check.clone(), base };
        let loaded = self.load_on_its_base(workspace, &job)?;
        (self.progress)(Progress::Keeping);
        let blobs: Vec<(Digest, u64)> = kit.chunks().iter().map(|chunk| (chunk.sha256, chunk.len)).collect();
        let below = job.base.as_ref().map(stands_on).unwrap_or_default();
        let layers = self.store.adopt(workspace, &blobs, number, below)?;
        let (manifest_digest, manifest) = manifest::signed(kit, self.store.blobs())?;
        let frame = verified.metadata.frame();
        let metadata_frame = Digest::of(frame);
        self.store.blobs().put(&metadata_frame, frame)?;
        self.store.blobs().sync()?;
        let below = job.base.iter().flat_map(|base| &base.blobs).copied();
        let mut needed: Vec<Digest> = blobs.iter().map(|(digest, _)| *digest).chain(below).collect();
        needed.sort_unstable();
        needed.dedup();
        let mut row = GenerationRow {
            number,
            kit_sha256: staged.sha256(),
            kit_version: kit.kit_version(),
            metadata_digest: kit.metadata_digest(),
            content_root: manifest.content_root,
            signed_at: kit.signed_at(),
            imported_at: verified.present.at,
            product: kit.product().to_owned(),
            channel: kit.channel().to_owned(),
            sources: manifest.sources,
            advisories: manifest.counts.advisories,
            layers,
            blobs: needed,
            manifest: manifest_digest,
            metadata_frame,
            trivy_db: trivy::row(kit, self.store.blobs(), loaded.trivy_db)?,
            derived: None,
            census: Some(loaded.census),
        };
        row.derived = derived::check(workspace, kit, self.store.blobs(), &row)?;
        Ok(row)
    }

    /// The worker reads of a delta's base what it needs, block by block as it was written. Damage of the base explains
    /// whatever the worker says of it, so when it fails the base is looked at first.
    fn load_on_its_base(&self, workspace: &Workspace, job: &LoadJob) -> Result<Loaded, ImportError> {
        let loaded = self.worker.load(workspace, job, self.progress);
        if let (Err(_), Some(base)) = (&loaded, &job.base) {
            self.store.check_index(base)?;
        }
        loaded
    }

    /// The generation that a delta kit builds on: any that is kept and has its content, the active one first.
    fn base(&self, kit: &VerifiedKit) -> Result<Option<GenerationRow>, ImportError> {
        let Some(base) = kit.base() else { return Ok(None) };
        let current = self.store.current()?;
        let mut rows = self.store.generations()?;
        rows.sort_by_key(|row| Some(row.number) != current);
        let list = withdrawn::in_force(self.store)?;
        let (withdrawn, good): (Vec<_>, Vec<_>) = rows
            .into_iter()
            .filter(|row| row.content_root == base.content_root)
            .partition(|row| withdrawn::of_generation(&list, row).is_some());
        match (good.into_iter().next(), withdrawn.first()) {
            (Some(row), _) => Ok(Some(row)),
            (None, Some(row)) => withdrawn::refuse_generation(&list, row).map(|()| None),
            (None, None) => Err(missing(base)),
        }
    }

    /// Room for the blobs that are not here yet, for the index, and for the rows that it is sorted from:
    /// measured, these take up to two thirds of what is signed each.
    fn require_space(&self, kit: &VerifiedKit) -> Result<(), ImportError> {
        let signed: u64 = kit.chunks().iter().map(|chunk| chunk.len).sum();
        let missing = kit.chunks().iter().filter(|chunk| !self.store.blobs().holds(&chunk.sha256, chunk.len));
        let missing: u64 = missing.map(|chunk| chunk.len).sum();
        Ok(self.store.require_space(missing.saturating_add(signed.saturating_add(signed / 3)))?)
    }

    fn remembered(&self, request: &Request<'_>) -> Result<(TrustRow, TimeFloor), ImportError> {
        match (self.store.trust()?, request.trust_root) {
            (Some(row), None) => Ok((row, trust::time(self.store)?)),
            (Some(row), Some(root)) if row.factory_root == root || row.root == root => {
                Ok((row, trust::time(self.store)?))
            }
            (Some(_), Some(_)) => Err(StoreError::TrustRootPinned.into()),
            (None, Some(root)) => {
                ouk::verify::check_root(root, self.limits).map_err(ImportError::TrustRoot)?;
                Ok((trust::pin(root), trust::time(self.store)?))
            }
            (None, None) => Err(StoreError::NoTrustRoot.into()),
        }
    }
}

pub(crate) fn refuse_future(kit: &VerifiedKit, present: &Present) -> Result<(), ImportError> {
    // A clock that is behind cannot tell what lies in the future; that it is behind is reported.
    if present.state != ClockState::Behind && kit.signed_at().seconds_since(present.at) > FUTURE_SECONDS_MAX {
        return Err(ImportError::Future { signed_at: kit.signed_at().to_string(), now: present.at.to_string() });
    }
    Ok(())
}

/// The seal that is to be checked, if there is one and a key to check it with.
fn seal(request: &Request<'_>, kit_sha256: Digest) -> Result<Option<Seal>, ImportError> {
    match (request.seal, request.seal_key, request.seal_policy) {
        (None, _, SealPolicy::Required) => Err(ImportError::SealMissing),
        (Some(_), None, SealPolicy::Required) => Err(ImportError::SealKeyMissing),
        // The seal is for people; without a key it proves nothing and decides nothing.
        (None, _, SealPolicy::Optional) | (Some(_), None, SealPolicy::Optional) => Ok(None),
        (Some(text), Some(key), _) => Ok(Some(Seal { text: text.to_owned(), key: key.to_owned(), kit_sha256 })),
    }
}
