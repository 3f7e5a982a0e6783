//! `stella feeds export --format grype-db`.

use std::io::{BufWriter, IntoInnerError, Write};
use std::path::Path;

use anyhow::{Context, Result};
use domain::time::Timestamp;
use feeds::dataset::{DatasetError, Manifest, parse_advisory, parse_epss, parse_kev};
use feeds::grypedb::{Export, Exported, VERSION};
use feeds::sqlite::SqliteError;
use feeds::trivydb::archive;
use store::{Generation, Store, StoreError};

use crate::cli::Global;
use crate::cli::exit::Exit;
use crate::cli::files;
use crate::cli::progress::Progress;

const DB: &str = "vulnerability.db";
const LATEST: &str = "latest.json";

/// Why a record could not be taken.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Record(#[from] DatasetError),
    #[error(transparent)]
    Write(#[from] SqliteError),
}

pub(super) fn run(global: &Global, output: &Path, with_archive: bool) -> Result<Exit> {
    let store = global.open_store()?;
    let generation = store.open_current()?;
    let progress = Progress::new(global);
    progress.step("writing", None);
    let manifest = generation.manifest(store.blobs()).context("cannot read the manifest of the active generation")?;
    let built_at = Manifest::parse(&manifest, manifest.len())?.generated_at;
    files::make_directory(output)?;
    let mut exported = Exported::default();
    files::write(&output.join(DB), 0o644, |file| {
        let export = fill(&store, &generation, Export::new(BufWriter::new(file))?)?;
        let (mut out, written) = export.finish(built_at)?;
        exported = written;
        Ok(out.flush()?)
    })?;
    if with_archive {
        progress.step("packing", None);
        pack(output, exported.bytes, built_at)?;
    }
    progress.finish();
    let Exported { advisories, vulnerabilities, bytes, left_out } = exported;
    super::tell_exported(&output.join(DB), [advisories, vulnerabilities, bytes], &left_out)
}

fn fill<W: Write + std::io::Seek>(
    store: &Store,
    generation: &Generation,
    mut export: Export<W>,
) -> Result<Export<W>, Refused> {
    let view = generation.view()?;
    view.advisory_lines(store.blobs(), &mut |_, raw| Ok::<_, Refused>(export.add(&parse_advisory(raw)?)?))?;
    view.known_exploited_lines(store.blobs(), &mut |_, raw| {
        Ok::<_, Refused>(export.add_known_exploited(&parse_kev(raw)?)?)
    })?;
    view.epss_lines(&mut |_, raw| Ok::<_, Refused>(export.add_epss(&parse_epss(raw)?)?))?;
    Ok(export)
}

/// The archive that `grype db import` takes, and the listing by which a server of a site tells of it.
fn pack(output: &Path, length: u64, built_at: Timestamp) -> Result<()> {
    let (model, revision, addition) = VERSION;
    let version = format!("v{model}.{revision}.{addition}");
    let name = format!("vulnerability-db_{version}_{built_at}_{}.tar.gz", built_at.unix());
    let mut digest = None;
    files::write(&output.join(&name), 0o644, |file| {
        let database = files::open(&output.join(DB))?;
        let out = archive::pack(BufWriter::new(&mut *file), vec![(DB, Box::new(database), length)])?;
        out.into_inner().map_err(IntoInnerError::into_error)?;
        digest = Some(files::digest(file)?);
        Ok(())
    })?;
    let digest = digest.context("the archive was not written")?;
    // Last: a listing of what is not there would be asked for in vain.
    let latest = serde_json::json!({
        "status": "active",
        "schemaVersion": version,
        "built": built_at.to_string(),
        "path": name,
        "checksum": format!("sha256:{digest}"),
    });
    files::write_bytes(&output.join(LATEST), 0o644, format!("{latest}\n").as_bytes())
}
