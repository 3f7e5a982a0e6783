//! The generation that a delta kit applies to, as the worker sees it: read, never changed.

use domain::ecosystem::Ecosystem;
use feeds::dataset::{Delta as Described, MANIFEST_NAME, Manifest, VEX_BYTES_MAX, VEX_DOCUMENTS_MAX};
use ouk::verify::{KitBase, VerifiedKit};
use store::{Blobs, Census, DeltaError, Generation, GenerationRow, Overlay, SegmentId, Workspace};

use crate::error::ImportError;

/// An open base.
pub(super) struct Base {
    pub(super) generation: Generation,
    blobs: Blobs,
    signed: KitBase,
}

impl Base {
    /// The base of a delta kit; None for a full kit.
    pub(super) fn open(
        workspace: &Workspace,
        kit: &VerifiedKit,
        row: Option<&GenerationRow>,
    ) -> Result<Option<Self>, ImportError> {
        let Some(signed) = kit.base() else { return Ok(None) };
        let row = row.filter(|row| row.content_root == signed.content_root).ok_or_else(|| missing(signed))?;
        let (generation, blobs) = workspace.open_base(row)?;
        Ok(Some(Self { generation, blobs, signed }))
    }

    /// Puts the changes on the base.
    pub(super) fn apply(
        &self,
        workspace: &Workspace,
        delta: store::Delta,
        manifest: &Manifest,
        segments: &[(SegmentId, domain::digest::Digest)],
    ) -> Result<Census, ImportError> {
        let ecosystems: Vec<(&Ecosystem, bool)> =
            manifest.coverage.iter().map(|row| (&row.ecosystem, row.complete)).collect();
        let overlay = Overlay::apply(&self.generation, &self.blobs, delta, ecosystems).map_err(refuse)?;
        let found = overlay.content_root();
        if found != manifest.content_root {
            return Err(ImportError::ContentRoot { found, signed: manifest.content_root });
        }
        // The manifest states it of the result, whose other documents are not in the kit.
        if overlay.census().vex > VEX_DOCUMENTS_MAX || overlay.vex_bytes(&self.generation)? > VEX_BYTES_MAX {
            return Err(ImportError::semantic(MANIFEST_NAME, "leads to more VEX documents than a data set may carry"));
        }
        overlay.put_on(workspace.disk(), &workspace.index(), &self.generation, segments)?;
        Ok(overlay.census().clone())
    }

    /// The manifest describes a delta, and one to the base that the targets role signed.
    pub(super) fn check(&self, manifest: &Manifest) -> Result<(), ImportError> {
        match &manifest.delta {
            Some(Described { base, .. }) if *base == self.signed.content_root => Ok(()),
            Some(_) => Err(ImportError::semantic(MANIFEST_NAME, "names another base than the kit signs")),
            None => Err(ImportError::semantic(MANIFEST_NAME, "describes no delta, but the kit has a base")),
        }
    }
}

/// Not the kit's fault: what it builds on is not here.
pub(crate) fn missing(base: KitBase) -> ImportError {
    ImportError::BaseMissing { kit_version: base.kit_version, content_root: base.content_root }
}

fn refuse(error: DeltaError) -> ImportError {
    match error {
        DeltaError::Store(error) => error.into(),
        DeltaError::Base { .. } => ImportError::semantic(MANIFEST_NAME, error),
        DeltaError::Incomplete(digests) => ImportError::BaseIncomplete(digests),
    }
}
