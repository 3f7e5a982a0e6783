//! `stella scan`: a document in, a report and an exit code out.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use domain::component::Inventory;
use domain::digest::Digest;
use domain::severity::Severity;
use store::SbomRow;

use super::exit::{Exit, UsageError};
use super::gate::GateArgs;
use super::{Global, files};
use crate::clock;
use crate::report::{self, Format, Report, Style};
use crate::scan::{Engine, ScanOptions, scan_id};

const AFTER_HELP: &str = "\
Examples:
  stella scan bom.json
  stella scan bom.json --fail-on high --ignore-unfixed
  stella scan - -f json < bom.spdx
  stella scan bom.xml -f table -o sarif=out.sarif -o cyclonedx=out.cdx.json

A component that cannot be evaluated (no purl, unknown distribution, no data for it)
makes the verdict indeterminate, exit code 4, unless a finding fails it anyway.";

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The SBOM: CycloneDX (JSON, XML, protobuf), SPDX (JSON, tag-value, 3.0 JSON-LD) or Syft JSON, also inside of an
    /// in-toto attestation; `-` reads standard input
    #[arg(value_name = "FILE")]
    document: PathBuf,
    /// Format of the report: table, json, sarif, cyclonedx
    #[arg(short, long, default_value = "table", env = "STELLA_FORMAT")]
    format: Format,
    /// Write to FILE, or write a further report: FORMAT=FILE (may be repeated)
    #[arg(short, long, value_name = "FILE|FORMAT=FILE")]
    output: Vec<String>,
    #[command(flatten)]
    gate: GateArgs,
    /// Exit code for findings over the gate
    #[arg(long, env = "STELLA_EXIT_CODE", value_name = "N")]
    exit_code: Option<u8>,
    /// Show only these severities (the verdict counts all): HIGH,CRITICAL
    #[arg(short, long, value_delimiter = ',', env = "STELLA_SEVERITY")]
    severity: Vec<Severity>,
    /// Scan against this generation instead of the active one
    #[arg(long, value_name = "NUMBER")]
    generation: Option<u64>,
    /// Keep the SBOM too, under this policy: `stella kit impact` then says what a new kit changes for it
    #[arg(long, env = "STELLA_STORE")]
    store: bool,
    /// Largest document read, in bytes
    #[arg(long, default_value_t = 256 << 20, value_name = "BYTES")]
    document_bytes_max: usize,
}

pub(crate) fn run(global: &Global, args: &Args) -> Result<Exit> {
    let outputs = outputs(args)?;
    let limits = sbom::Limits { bytes_max: args.document_bytes_max, ..sbom::Limits::default() };
    let engine = Engine::new(global.open_store()?, limits);
    // Without data there is no answer, so that is said before the document is read.
    engine.generation()?;
    let document = files::read(&args.document, args.document_bytes_max as u64)?;
    let options = ScanOptions { gate: (&args.gate).into(), generation: args.generation };
    let artifact = args.document.display().to_string();
    let id = scan_id().context("the system gives no random numbers")?;
    let scanned = engine.scan(&document, &options, clock::now()).with_context(|| format!("cannot scan {artifact}"))?;
    if args.store {
        let (digest, gate, inventory) = (Digest::of(&document), options.gate, &scanned.inventory);
        let row = SbomRow::new(digest, artifact_name(&artifact, inventory), inventory, gate, clock::now());
        engine.store().sboms()?.add([(&row, inventory)])?;
    }
    let mut report = Report::new(id, &artifact, scanned.inventory, scanned.evaluation, scanned.verdict);
    let outcome = report.verdict.outcome;
    if !args.severity.is_empty() {
        let all = report.evaluation.findings.len();
        report.evaluation.findings.retain(|finding| args.severity.contains(&finding.severity));
        let hidden = all - report.evaluation.findings.len();
        if hidden > 0 {
            // A filtered report must not be taken for the whole.
            report.inventory.warnings.push(format!("{hidden} findings of other severities are not shown (--severity)"));
        }
    }
    for output in &outputs {
        write(&report, output)?;
    }
    Ok(match (outcome, args.exit_code) {
        (policy::Outcome::Fail, Some(code)) => Exit::Chosen(code),
        (outcome, _) => outcome.into(),
    })
}

/// What a document is called where nobody names it.
pub(crate) fn artifact_name(given: &str, inventory: &Inventory) -> String {
    inventory.subject.clone().unwrap_or_else(|| given.to_owned())
}

/// Where a report goes. None is standard output.
struct Output {
    format: Format,
    file: Option<PathBuf>,
}

/// `-o FILE` redirects the main report; `-o FORMAT=FILE` adds one.
fn outputs(args: &Args) -> Result<Vec<Output>> {
    let mut main = Output { format: args.format, file: None };
    let mut more = Vec::new();
    for output in &args.output {
        match output.split_once('=') {
            Some((format, file)) => {
                let format = format.parse().map_err(|error| UsageError(format!("--output {output}: {error}")))?;
                more.push(Output { format, file: Some(file.into()) });
            }
            None if main.file.is_some() => {
                return Err(UsageError("--output FILE is given twice; use FORMAT=FILE".to_owned()).into());
            }
            None if output == "-" => {}
            None => main.file = Some(output.into()),
        }
    }
    more.insert(0, main);
    Ok(more)
}

/// How wide the terminal is.
fn columns() -> Option<u16> {
    rustix::termios::tcgetwinsize(std::io::stdout()).ok().map(|size| size.ws_col).filter(|columns| *columns > 0)
}

fn write(report: &Report, output: &Output) -> Result<()> {
    match &output.file {
        Some(path) => files::write(path, 0o644, |file| {
            let mut buffered = std::io::BufWriter::new(file);
            report::render(report, output.format, &Style { colour: false, width: Some(160) }, &mut buffered)?;
            Ok(buffered.flush()?)
        }),
        None => {
            let terminal = std::io::stdout().is_terminal();
            let colour = terminal && std::env::var_os("NO_COLOR").is_none();
            let mut stdout = std::io::BufWriter::new(std::io::stdout().lock());
            let width = terminal.then(columns).flatten();
            report::render(report, output.format, &Style { colour, width }, &mut stdout)?;
            Ok(stdout.flush()?)
        }
    }
}
