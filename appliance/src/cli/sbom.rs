//! `stella sbom`: the documents that the site keeps an eye on.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Subcommand;
use domain::digest::Digest;
use policy::Gate;
use store::{Added, SbomRow, Sboms};

use super::db::Format;
use super::exit::{Exit, UsageError};
use super::gate::GateArgs;
use super::scan::artifact_name;
use super::{Global, files};
use crate::clock;
use crate::report::escape;

/// Documents that one commit keeps.
const ADDED_AT_ONCE: usize = 256;
/// Rows read at once.
const PAGE: usize = 1_000;
/// Enough digits of a digest to name a document.
const DIGITS: usize = 12;

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Keep SBOMs: files, or directories of them
    #[command(
        after_help = "Examples:\n  stella sbom add bom.json --name registry/app:1.4 --fail-on high\n  stella sbom add sboms/\n\nThe policy is kept with the document: `stella kit impact` judges by it. Adding a document\nagain replaces its name and its policy."
    )]
    Add {
        #[arg(required = true, value_name = "FILE|DIR")]
        documents: Vec<PathBuf>,
        /// What the document is called; what it says that it describes by default
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        gate: GateArgs,
        /// Largest document read, in bytes
        #[arg(long, default_value_t = 256 << 20, value_name = "BYTES")]
        document_bytes_max: usize,
    },
    /// List the stored SBOMs
    List {
        #[arg(short, long, value_enum, default_value = "table")]
        format: Format,
    },
    /// Forget SBOMs, by digest (or its first digits) or by name
    Remove {
        #[arg(required = true, value_name = "DIGEST|NAME")]
        documents: Vec<String>,
    },
}

pub(crate) fn run(global: &Global, verb: &Verb) -> Result<Exit> {
    let sboms = global.open_store()?.sboms()?;
    match verb {
        Verb::Add { documents, name, gate, document_bytes_max } => {
            add(&sboms, documents, name.as_deref(), &gate.into(), *document_bytes_max)
        }
        Verb::List { format } => list(&sboms, *format),
        Verb::Remove { documents } => remove(&sboms, documents),
    }
}

fn add(sboms: &Sboms, documents: &[PathBuf], name: Option<&str>, gate: &Gate, bytes_max: usize) -> Result<Exit> {
    let paths = match documents {
        [pipe] if pipe == Path::new("-") => documents.to_vec(),
        documents => files::walk(documents)?,
    };
    if name.is_some() && paths.len() > 1 {
        return Err(UsageError("--name can name one document only".to_owned()).into());
    }
    let limits = sbom::Limits { bytes_max, ..sbom::Limits::default() };
    let (mut new, mut replaced) = (0, 0);
    for paths in paths.chunks(ADDED_AT_ONCE) {
        let mut read = Vec::with_capacity(paths.len());
        for path in paths {
            let document = files::read(path, bytes_max as u64)?;
            let shown = path.display().to_string();
            let inventory = sbom::read(&document, &limits).with_context(|| format!("cannot read {shown}"))?;
            let name = name.map_or_else(|| artifact_name(&shown, &inventory), str::to_owned);
            read.push((SbomRow::new(Digest::of(&document), name, &inventory, gate.clone(), clock::now()), inventory));
        }
        for added in sboms.add(read.iter().map(|(row, inventory)| (row, inventory)))? {
            match added {
                Added::New => new += 1,
                Added::Replaced => replaced += 1,
            }
        }
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "{new} stored, {replaced} replaced; {} SBOMs are stored now", sboms.count()?)?;
    Ok(Exit::Clean)
}

/// Shows every row, page by page.
fn each(sboms: &Sboms, mut show: impl FnMut(SbomRow) -> Result<()>) -> Result<()> {
    let mut after = None;
    loop {
        let rows = sboms.list(after.as_ref(), PAGE)?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = Some(last.digest);
        rows.into_iter().try_for_each(&mut show)?;
    }
}

fn list(sboms: &Sboms, format: Format) -> Result<Exit> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    if format == Format::Json {
        // One document per line: there may be a hundred thousand.
        each(sboms, |row| Ok(writeln!(out, "{}", serde_json::to_string(&row)?)?))?;
        return Ok(Exit::Clean);
    }
    let mut count = 0;
    each(sboms, |row| {
        count += 1;
        let (digest, level) = (row.digest.to_string(), row.gate.fail_on.map_or("never", |level| level.as_str()));
        writeln!(
            out,
            "{}  {}  {:>6} components  {:<14} fail on {level:<10} {}",
            digest.get(..DIGITS).unwrap_or(&digest),
            row.received_at,
            row.components,
            escape(&row.format),
            escape(&row.name)
        )?;
        Ok(())
    })?;
    if count == 0 {
        writeln!(out, "no SBOM is stored: `stella sbom add FILE`, or `stella scan FILE --store`")?;
    }
    Ok(Exit::Clean)
}

fn remove(sboms: &Sboms, documents: &[String]) -> Result<Exit> {
    let mut digests = Vec::new();
    for given in documents {
        let mut found = Vec::new();
        each(sboms, |row| {
            if row.name == *given || (given.len() >= DIGITS && row.digest.to_string().starts_with(given)) {
                found.push(row.digest);
            }
            Ok(())
        })?;
        match found.as_slice() {
            [digest] => digests.push(*digest),
            [] => return Err(UsageError(format!("no stored SBOM goes by {given:?}: `stella sbom list`")).into()),
            several => {
                let count = several.len();
                return Err(UsageError(format!("{count} SBOMs go by {given:?}: give a digest")).into());
            }
        }
    }
    for digest in &digests {
        sboms.remove(digest)?;
    }
    writeln!(std::io::stdout().lock(), "{} removed; {} SBOMs are stored now", digests.len(), sboms.count()?)?;
    Ok(Exit::Clean)
}
