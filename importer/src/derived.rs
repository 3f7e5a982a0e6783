//! The Trivy DB that a kit signs without carrying it: made of the records here, and held against what was signed.
//!
//! It is done when the generation lies ready beside the active one, so that the records of a full kit and of a delta are read in
//! the same way, and in this process: the worker has read each of them to its end before.

use std::io::BufWriter;

use feeds::dataset::{MANIFEST_NAME, parse_advisory};
use feeds::trivydb::bolt::WriteError;
use feeds::trivydb::export::Export;
use feeds::trivydb::{DB_NAME, DERIVED_NAME, Derived, FORM};
use ouk::verify::VerifiedKit;
use store::{Blobs, DerivedRow, GenerationRow, StoreError, Workspace};

use crate::error::ImportError;

/// None when the kit signs none.
pub(crate) fn check(
    workspace: &Workspace,
    kit: &VerifiedKit,
    blobs: &Blobs,
    row: &GenerationRow,
) -> Result<Option<DerivedRow>, ImportError> {
    let Some(signed) = signed(kit, blobs)? else { return Ok(None) };
    // A kit may carry it as well, and then it is this one.
    if let Some(carried) = kit.target(DB_NAME) {
        require(Derived::of(carried.length, carried.sha256), signed)?;
    }
    require(make(workspace, row)?, signed)?;
    Ok(Some(DerivedRow { form: signed.form, length: signed.length, sha256: signed.sha256 }))
}

fn require(found: Derived, signed: Derived) -> Result<(), ImportError> {
    if found == signed { Ok(()) } else { Err(ImportError::TrivyDb { found: found.sha256, signed: signed.sha256 }) }
}

fn signed(kit: &VerifiedKit, blobs: &Blobs) -> Result<Option<Derived>, ImportError> {
    let Some(target) = kit.target(DERIVED_NAME) else { return Ok(None) };
    if target.chunks.len() != 1 {
        return Err(ImportError::semantic(DERIVED_NAME, "is not one chunk"));
    }
    let bytes = blobs.read(&target.sha256, target.length)?;
    let signed = Derived::parse(&bytes).map_err(|error| ImportError::semantic(DERIVED_NAME, error))?;
    if signed.form != FORM {
        return Err(ImportError::TrivyForm { signed: signed.form, ours: FORM });
    }
    Ok(Some(signed))
}

/// Makes the database, and keeps of it what it is.
fn make(workspace: &Workspace, row: &GenerationRow) -> Result<Derived, ImportError> {
    let (generation, blobs) = workspace.open_base(row)?;
    let mut export = Export::new();
    let mut take = |_: &str, raw: &[u8]| -> Result<(), ImportError> {
        export.add(&parse_advisory(raw).map_err(|error| ImportError::semantic(MANIFEST_NAME, error))?);
        Ok(())
    };
    generation.view()?.advisory_lines(&blobs, &mut take)?;
    let written = export.write(BufWriter::new(workspace.scratch()?)).map_err(|error| refuse(workspace, error));
    let (out, exported) = written?;
    let out = out.into_inner().map_err(|error| refuse(workspace, error.into_error().into()))?;
    Ok(Derived::of(exported.bytes, out.digest(workspace.disk())?))
}

fn refuse(workspace: &Workspace, error: WriteError) -> ImportError {
    match error {
        WriteError::Write(source) => StoreError::Io { path: workspace.directory().clone(), source }.into(),
        error => ImportError::worker(error),
    }
}
