//! `stella kit receipt`: the signed document about one import.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use domain::digest::Digest;
use store::Store;
use store::audit::Envelopes;

use crate::cli::exit::Exit;
use crate::cli::{Global, files};

const AFTER_HELP: &str = "\
Examples:
  stella kit receipt -o receipt.dsse.json                      of the newest import or refusal
  stella kit receipt 12 -o receipt.dsse.json --proof receipt.tlog-proof
  stella kit receipt --kit 4f0c… --summary -o vsa.dsse.json

A receipt is a DSSE envelope with an in-toto statement; docs/receipts.md says how to check it with tools that
are not ours. The proof shows that it is in the audit log.";

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// Index in the audit log; the newest receipt by default
    index: Option<u64>,
    /// The newest receipt about the kit with this SHA-256
    #[arg(long, value_name = "HEX", conflicts_with = "index")]
    kit: Option<Digest>,
    /// The SLSA verification summary instead of the receipt
    #[arg(long)]
    summary: bool,
    /// File for the envelope; - is standard output
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// File for a transparency log proof of the record that names the receipt
    #[arg(long, value_name = "FILE")]
    proof: Option<PathBuf>,
}

pub(super) fn run(global: &Global, args: &Args) -> Result<Exit> {
    let store = global.open_store()?;
    let log = store.logbook()?.context("nothing was ever imported here, so there is no receipt")?;
    let found = find(&store, args)?;
    // What is handed out is first read as its receiver will read it.
    found.import(log.identity())?;
    let index = found.index;
    let envelope = if args.summary {
        found.summary.with_context(|| format!("entry {index} has no verification summary: no kit was judged"))?
    } else {
        found.receipt
    };
    if let Some(path) = &args.proof {
        files::write_bytes(path, 0o644, log.prove(index)?.to_text().as_bytes())?;
    }
    if args.output == Path::new("-") {
        std::io::stdout().lock().write_all(&envelope)?;
    } else {
        files::write_bytes(&args.output, 0o644, &envelope)?;
    }
    Ok(Exit::Clean)
}

fn find(store: &Store, args: &Args) -> Result<Envelopes> {
    if let Some(index) = args.index {
        let found = store.envelopes(index)?;
        return found.with_context(|| format!("entry {index} of the audit log has no receipt"));
    }
    let identity = store.identity()?;
    for found in store.receipts(usize::MAX)? {
        let about = identity.as_ref().map(|identity| found.import(identity)).transpose()?;
        if args.kit.is_none() || about.and_then(|import| import.kit_sha256) == args.kit {
            return Ok(found);
        }
    }
    bail!("there is no receipt about this kit; `stella admin audit list` shows what there is")
}
