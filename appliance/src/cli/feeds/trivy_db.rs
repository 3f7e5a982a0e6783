//! `stella feeds export --format trivy-db`.

use std::fs::File;
use std::io::{BufWriter, IntoInnerError};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use feeds::dataset::{Manifest, parse_advisory};
use feeds::trivydb::FORM;
use feeds::trivydb::archive::{self, ARCHIVE_NAME};
use feeds::trivydb::export::{Export, Exported, metadata};
use store::{DerivedRow, StoreError};

use crate::cli::Global;
use crate::cli::exit::Exit;
use crate::cli::files;
use crate::cli::progress::Progress;

const DB: &str = "trivy.db";
const METADATA: &str = "metadata.json";

/// Why a record could not be taken.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Record(#[from] feeds::dataset::DatasetError),
}

pub(super) fn run(global: &Global, output: &Path, with_archive: bool) -> Result<Exit> {
    let store = global.open_store()?;
    let generation = store.open_current()?;
    let progress = Progress::new(global);
    progress.step("reading records", None);
    let manifest = generation.manifest(store.blobs()).context("cannot read the manifest of the active generation")?;
    let manifest = Manifest::parse(&manifest, manifest.len())?;
    let mut export = Export::new();
    let mut take = |_: &str, raw: &[u8]| -> Result<(), Refused> {
        export.add(&parse_advisory(raw)?);
        Ok(())
    };
    generation.view()?.advisory_lines(store.blobs(), &mut take)?;
    progress.step("writing", None);
    files::make_directory(output)?;
    let updated_at = manifest.generated_at;
    // The database is put in place first: metadata of today beside a database of yesterday would say that it is fresh.
    let exported = write(export, output, generation.row().derived)?;
    let metadata = metadata(updated_at);
    files::write_bytes(&output.join(METADATA), 0o644, &metadata)?;
    if with_archive {
        progress.step("packing", None);
        pack(output, exported.bytes, &metadata)?;
    }
    progress.finish();
    let Exported { advisories, vulnerabilities, bytes, left_out } = exported;
    super::tell_exported(&output.join(DB), [advisories, vulnerabilities, bytes], &left_out)
}

/// Beside its place first, so that no scanner opens half of it.
fn write(export: Export, output: &Path, signed: Option<DerivedRow>) -> Result<Exported> {
    let mut exported = Exported::default();
    files::write(&output.join(DB), 0o644, |file| {
        let (out, written) = export.write(BufWriter::new(file))?;
        exported = written;
        let file = out.into_inner().map_err(IntoInnerError::into_error)?;
        signed.map_or(Ok(()), |signed| require(&signed, file))
    })?;
    Ok(exported)
}

/// The archive beside the database, and a layout that has it as its layer.
fn pack(output: &Path, length: u64, metadata: &[u8]) -> Result<()> {
    let path = output.join(ARCHIVE_NAME);
    let mut digest = None;
    files::write(&path, 0o644, |file| {
        let database = files::open(&output.join(DB))?;
        let out = archive::write(BufWriter::new(&mut *file), database, length, metadata)?;
        out.into_inner().map_err(IntoInnerError::into_error)?;
        digest = Some((files::digest(file)?, file.metadata()?.len()));
        Ok(())
    })?;
    let (digest, length) = digest.context("the archive was not written")?;
    let layout = output.join("oci");
    let layer = layout.join(archive::blob_path(&digest));
    files::make_directory(layer.parent().unwrap_or(&layout))?;
    files::write(&layer, 0o644, |file| {
        std::io::copy(&mut files::open(&path)?, file)?;
        Ok(())
    })?;
    for (name, content) in archive::layout(&digest, length) {
        files::write_bytes(&layout.join(name), 0o644, &content)?;
    }
    Ok(())
}

/// The database that the vendor signed, or none. One of a later form this program cannot make.
fn require(signed: &DerivedRow, file: &mut File) -> Result<()> {
    let found = files::digest(file)?;
    ensure!(
        signed.form != FORM || found == signed.sha256,
        "E-SEM-TRIVY: the database is {found}, but the vendor signed {}: the records were changed, or this program has a defect; \
         import the kit again",
        signed.sha256
    );
    Ok(())
}
