//! `stella feeds`: the connected side's ingest, and the export of canonical records.

mod grype_db;
mod trivy_db;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Subcommand;
use domain::ecosystem::{Ecosystem, EcosystemKind};
use domain::source::{Redistribution, SourceId};
use domain::time::Timestamp;
use feeds::dataset::{MANIFEST_NAME, Manifest, Segment};
use feeds::ingest::{Ingested, Options};

use super::Global;
use super::exit::{Exit, UsageError};
use super::files;
use super::progress::Progress;
use crate::feedser::{self, Intake, export};

/// Problems that are printed one by one before the rest is only counted.
const SHOWN_PROBLEMS: usize = 20;

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Read feed files and merge them into a data set
    #[command(
        after_help = "Examples:\n  stella feeds ingest downloads/ --into dataset\n  stella feeds ingest rustsec-osv.tar.zst kev.json epss.csv.gz --into dataset\n  stella feeds ingest secdb/ --into dataset --as-of alpine=2026-11-01\n\nOSV (JSON, YAML, JSON lines), Alpine secdb, Wolfi and Chainguard security.json, the Debian\ntracker, RubySec, CISA KEV and EPSS are recognised by content, packed as .zst, .gz, .zip\nor .tar in any nesting. What cannot be used is listed, and counted in the data set."
    )]
    Ingest {
        /// Feed files or directories of them
        #[arg(required = true, value_name = "FILE|DIR")]
        inputs: Vec<PathBuf>,
        /// Directory for the data set (made new; replaced when it is one)
        #[arg(long, value_name = "DIR")]
        into: PathBuf,
        /// The date that a source's data speaks for, where the feed states none
        #[arg(long, value_name = "SOURCE=DATE", value_parser = parse_as_of)]
        as_of: Vec<(SourceId, Timestamp)>,
        /// Vouch that the feeds given are complete for this ecosystem or release (may be repeated);
        /// by default a release counts as complete from 25 packages and advisories on,
        /// and an ecosystem without releases from 200
        #[arg(long, value_name = "ECOSYSTEM")]
        complete: Vec<Ecosystem>,
        /// Date for the manifest, in Unix seconds; the newest date in the data by default
        #[arg(long, env = "SOURCE_DATE_EPOCH", value_name = "SECONDS")]
        source_date_epoch: Option<i64>,
        /// List every record and every part that could not be used
        #[arg(short, long)]
        verbose: bool,
    },
    /// Write the active generation for other programs: canonical records, a Trivy DB or a Grype DB
    #[command(after_help = EXPORT_HELP)]
    Export {
        /// Directory for what is written
        #[arg(short, long, value_name = "DIR")]
        output: PathBuf,
        #[arg(short, long, value_enum, default_value = "ndjson")]
        format: ExportFormat,
        /// Of a database, also its archive and an OCI image layout with it, as registries hand it out
        #[arg(long)]
        archive: bool,
    },
}

const EXPORT_HELP: &str = "\
Examples:
  stella feeds export -o records
  stella feeds export --format trivy-db -o ~/.cache/trivy/db
  trivy sbom --cache-dir ~/.cache/trivy --skip-db-update --offline-scan bom.json
  stella feeds export --format trivy-db --archive -o trivy-db
  stella feeds export --format grype-db --archive -o grype-db && grype db import grype-db/vulnerability-db_*.tar.gz
  oras cp --from-oci-layout trivy-db/oci:2 registry.example/trivy-db:2

ndjson     the manifest and the segments as the vendor signed them
trivy-db   trivy.db and metadata.json, schema 2; the same records give the same bytes. What that form cannot
           say is left out and counted by ecosystem and reason.
grype-db   vulnerability.db, schema 6.1, likewise; --archive writes what `grype db import` takes, and latest.json.";

/// What the records are written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ExportFormat {
    Ndjson,
    TrivyDb,
    GrypeDb,
}

fn parse_as_of(text: &str) -> Result<(SourceId, Timestamp), String> {
    let (source, date) = text.split_once('=').ok_or("write SOURCE=DATE, such as alpine=2026-11-01")?;
    let date = Timestamp::parse_lenient(date).map_err(|_| format!("{date} is not a date such as 2026-11-01"))?;
    Ok((SourceId::new(source), date))
}

pub(crate) fn run(global: &Global, verb: &Verb) -> Result<Exit> {
    match verb {
        Verb::Ingest { inputs, into, as_of, complete, source_date_epoch, verbose } => {
            let options = Options { as_of: as_of.iter().cloned().collect::<BTreeMap<_, _>>(), ..Options::default() };
            let complete = complete.iter().cloned().collect();
            let choices =
                Choices { complete, generated_at: source_date_epoch.map(Timestamp::from_unix), verbose: *verbose };
            ingest(global, inputs, into, options, &choices)
        }
        Verb::Export { format: ExportFormat::Ndjson, archive: true, .. } => {
            Err(UsageError("--archive is for databases: add --format trivy-db or grype-db".to_owned()).into())
        }
        Verb::Export { output, format: ExportFormat::Ndjson, archive: false } => run_export(global, output),
        Verb::Export { output, format: ExportFormat::GrypeDb, archive } => grype_db::run(global, output, *archive),
        Verb::Export { output, format: ExportFormat::TrivyDb, archive } => trivy_db::run(global, output, *archive),
    }
}

/// What a database of another scanner holds (statements, vulnerabilities, bytes), and what it does not.
fn tell_exported<R: std::fmt::Display>(
    path: &Path,
    [statements, vulnerabilities, bytes]: [u64; 3],
    left_out: &BTreeMap<(EcosystemKind, R), u64>,
) -> Result<Exit> {
    let mut out = std::io::stdout().lock();
    let path = path.display();
    writeln!(out, "{path}: {statements} statements about packages, {vulnerabilities} vulnerabilities, {bytes} bytes")?;
    for ((ecosystem, reason), count) in left_out {
        writeln!(out, "left out: {count} of {}: {reason}", ecosystem.name())?;
    }
    Ok(Exit::Clean)
}

struct Choices {
    complete: BTreeSet<Ecosystem>,
    generated_at: Option<Timestamp>,
    verbose: bool,
}

fn ingest(global: &Global, inputs: &[PathBuf], into: &Path, options: Options, choices: &Choices) -> Result<Exit> {
    let inputs = files::walk(inputs)?;
    if inputs.is_empty() {
        return Err(UsageError("there is no file to ingest".to_owned()).into());
    }
    check_target(into)?;
    let dated: Vec<SourceId> = options.as_of.keys().cloned().collect();
    let progress = Progress::new(global);
    let mut intake = Intake::new(options);
    for input in &inputs {
        let name = input.display().to_string();
        progress.step(&format!("reading {}", file_name(input)), None);
        intake.read(&name, files::open(input)?, &|at| progress.at(at.bytes))?;
    }
    let mut stderr = std::io::stderr().lock();
    if !global.quiet {
        report(intake.ingested(), choices.verbose, &mut stderr)?;
        for name in intake.not_feeds() {
            writeln!(stderr, "no feed document in {name}")?;
        }
    }
    let read = intake.ingested();
    if let Some(source) = dated.iter().find(|source| !read.tallies.contains_key(source)) {
        return Err(UsageError(format!("--as-of {source}: nothing of this source was read")).into());
    }
    if read.records.is_empty() && read.kev.is_empty() && read.epss.is_empty() {
        return Err(UsageError("nothing usable was found in the files given".to_owned()).into());
    }
    progress.step("merging", None);
    let merged = intake.merge(&choices.complete);
    let known: BTreeSet<_> = merged.dataset.coverage.iter().map(|row| &row.ecosystem).collect();
    if let Some(ecosystem) = choices.complete.iter().find(|ecosystem| !known.contains(ecosystem)) {
        return Err(
            UsageError(format!("--complete {ecosystem}: there is no advisory for it in the files given")).into()
        );
    }
    progress.step("writing", None);
    files::make_directory(into)?;
    let manifest = feedser::write(&merged.dataset, choices.generated_at, |segment, bytes| {
        let path = into.join(&segment.name);
        files::make_directory(path.parent().unwrap_or(into))?;
        files::write_bytes(&path, 0o644, &bytes)
    })?;
    // The manifest is last: a directory without one is no data set.
    files::write_bytes(&into.join(MANIFEST_NAME), 0o644, &manifest.to_canonical_json())?;
    progress.finish();
    if !global.quiet {
        for conflict in merged.conflicts.iter().take(if choices.verbose { usize::MAX } else { 0 }) {
            writeln!(stderr, "conflict: {conflict}")?;
        }
        writeln!(stderr, "{} conflicts between sources were resolved by rule", merged.conflicts.len())?;
    }
    summarise(&manifest, into)
}

/// A data set replaces a data set, and nothing else that may lie there.
fn check_target(into: &Path) -> Result<()> {
    if files::is_empty_or_absent(into)? || into.join(MANIFEST_NAME).is_file() {
        return Ok(());
    }
    let message = format!("--into {}: the directory holds other things; name a new one", into.display());
    Err(UsageError(message).into())
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

fn summarise(manifest: &Manifest, directory: &Path) -> Result<Exit> {
    let mut stdout = std::io::stdout().lock();
    let counts = manifest.counts;
    writeln!(
        stdout,
        "{}: {} advisories from {} sources",
        directory.display(),
        counts.advisories,
        manifest.sources.len()
    )?;
    writeln!(stdout, "known exploited: {}   EPSS: {}", counts.kev, counts.epss)?;
    let partial: Vec<_> = manifest.coverage.iter().filter(|row| !row.complete).collect();
    let complete: Vec<_> =
        manifest.coverage.iter().filter(|row| row.complete).map(|row| row.ecosystem.to_string()).collect();
    writeln!(
        stdout,
        "taken for complete: {}",
        if complete.is_empty() { "nothing".to_owned() } else { complete.join(", ") }
    )?;
    if !partial.is_empty() {
        let names: Vec<_> = partial.iter().map(|row| format!("{} ({})", row.ecosystem, row.packages)).collect();
        writeln!(stdout, "not complete, with their packages: {}", names.join(", "))?;
    }
    let internal = manifest.sources.iter().filter(|source| source.redistribution == Redistribution::InternalOnly);
    let internal: Vec<_> = internal.map(|source| source.source.as_str()).collect();
    if !internal.is_empty() {
        writeln!(stdout, "for use inside the house only (no licence to pass on is known): {}", internal.join(", "))?;
    }
    writeln!(stdout, "content root: {}", manifest.content_root)?;
    Ok(Exit::Clean)
}

/// Says what was taken in, and above all what was not.
fn report(ingested: &Ingested, verbose: bool, out: &mut impl Write) -> Result<()> {
    for status in ingested.statuses() {
        let as_of = status.as_of.map_or_else(|| "date not stated".to_owned(), Timestamp::date);
        let rejected = if status.rejected > 0 { format!(", {} rejected", status.rejected) } else { String::new() };
        writeln!(out, "  {:<20} {:>7} records{rejected}  ({as_of})", status.source, status.records)?;
    }
    let shown = if verbose { usize::MAX } else { SHOWN_PROBLEMS };
    for problem in ingested.problems.iter().take(shown) {
        let record = problem.record.as_deref().unwrap_or("-");
        writeln!(out, "rejected: {} {record}: {}", problem.document, problem.reason)?;
    }
    if ingested.problems.len() > shown {
        writeln!(out, "… and {} more rejected (--verbose lists all)", ingested.problems.len() - shown)?;
    }
    for ((source, reason), note) in &ingested.notes {
        writeln!(out, "note: {source}: {reason}: {} times, first {}", note.count, note.example)?;
    }
    for (format, unsupported) in &ingested.unsupported {
        writeln!(
            out,
            "no parser for {format}: {} documents left out, first {}",
            unsupported.count, unsupported.example
        )?;
    }
    Ok(())
}

fn run_export(global: &Global, output: &Path) -> Result<Exit> {
    let store = global.open_store()?;
    let generation = store.open_current()?;
    let progress = Progress::new(global);
    progress.step("exporting", None);
    files::make_directory(output)?;
    let manifest = generation.manifest(store.blobs()).context("cannot read the manifest of the active generation")?;
    let manifest = Manifest::parse(&manifest, manifest.len())?.into_full();
    let write = |segment: &Segment, bytes: &[u8]| {
        let path = output.join(&segment.name);
        files::make_directory(path.parent().unwrap_or(output))?;
        files::write_bytes(&path, 0o644, bytes)
    };
    export::segments(&generation, store.blobs(), &manifest, &write)?;
    files::write_bytes(&output.join(MANIFEST_NAME), 0o644, &manifest.to_canonical_json())?;
    progress.finish();
    summarise(&manifest, output)
}
