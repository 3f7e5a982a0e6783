//! `stella feeds export --format trivy-db`.

use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use feeds::dataset::{Manifest, parse_advisory};
use feeds::trivydb::export::{Export, Exported, metadata};
use store::StoreError;

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

pub(super) fn run(global: &Global, output: &Path) -> Result<Exit> {
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
    let exported = write(export, output)?;
    files::write_bytes(&output.join(METADATA), 0o644, &metadata(updated_at))?;
    progress.finish();
    report(&exported, output)
}

/// Beside its place first, so that no scanner opens half of it.
fn write(export: Export, output: &Path) -> Result<Exported> {
    let mut exported = Exported::default();
    files::write(&output.join(DB), 0o644, |file| {
        let (mut out, written) = export.write(BufWriter::new(file))?;
        exported = written;
        Ok(out.flush()?)
    })?;
    Ok(exported)
}

fn report(exported: &Exported, output: &Path) -> Result<Exit> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{}: {} statements about packages, {} vulnerabilities, {} bytes",
        output.join(DB).display(),
        exported.advisories,
        exported.vulnerabilities,
        exported.bytes
    )?;
    for ((ecosystem, reason), count) in &exported.left_out {
        writeln!(out, "left out: {count} of {}: {reason}", ecosystem.name())?;
    }
    Ok(Exit::Clean)
}
