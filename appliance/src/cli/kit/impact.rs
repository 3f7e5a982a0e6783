//! `stella kit impact`: what another generation changes, before it is active.

use std::io::{BufWriter, IsTerminal, Write};
use std::num::NonZeroUsize;

use anyhow::Result;
use importer::impact::{Impact, Progress as Step, Terms, impact};
use store::{Generation, Store, StoreError};

use crate::cli::Global;
use crate::cli::db::Format;
use crate::cli::exit::{Exit, UsageError};
use crate::cli::progress::Progress;
use crate::clock;
use crate::report::{self, Style};
use crate::scan::ENGINE;

const AFTER_HELP: &str = "\
Examples:
  stella kit impact                   the newest generation against the active one
  stella kit impact 8 --against 7 -f json
  stella kit impact --exit-code       1 when a verdict gets worse, or the data looks wrong

Only SBOMs that were stored are looked at: `stella sbom add`, `stella scan --store`.";

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The generation to look at, staged or kept; the newest one by default
    #[arg(value_name = "NUMBER")]
    generation: Option<u64>,
    /// The generation to compare with; the active one by default, or the one before when that is looked at
    #[arg(long, value_name = "NUMBER")]
    against: Option<u64>,
    #[arg(short, long, value_enum, default_value = "table")]
    format: Format,
    /// Exit with this code (1 by default) when a verdict gets worse or there is a reason to hold
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, default_missing_value = "1")]
    exit_code: Option<u8>,
}

pub(super) fn run(global: &Global, args: &Args) -> Result<Exit> {
    let store = global.open_store()?;
    let (number, against) = choose(&store, args)?;
    let impact = preview(global, &store, number, against)?;
    write(&impact, args.format)?;
    Ok(match args.exit_code {
        Some(code) if impact.is_cause_to_hold() => Exit::Chosen(code),
        _ => Exit::Clean,
    })
}

/// Compares two generations of the store, and shows how far it is. `kit stage` shows the same.
pub(crate) fn preview(global: &Global, store: &Store, number: u64, against: u64) -> Result<Impact> {
    let (old, new) = (open(store, against)?, open(store, number)?);
    let progress = Progress::new(global);
    let show = |step| match step {
        Step::Renewing => progress.step("reading stored SBOMs", None),
        Step::Comparing => progress.step("comparing generations", None),
        Step::Evaluating { looked_at, stored, .. } => {
            progress.count("evaluating SBOMs", stored);
            progress.at(looked_at);
        }
    };
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let terms = Terms { blobs: store.blobs(), now: clock::now(), engine: ENGINE, threads, progress: &show };
    let impact = impact(&store.sboms()?, &old, &new, &terms);
    progress.finish();
    Ok(impact?)
}

/// A generation, also one that is staged and waits.
fn open(store: &Store, number: u64) -> Result<Generation, StoreError> {
    match store.open_generation(number) {
        Err(error @ StoreError::UnknownGeneration(_)) => {
            let waiting = store.pending()?.into_iter().find(|row| row.number == number);
            waiting.as_ref().and_then(|row| row.staged()).map_or(Err(error), |row| store.open_staged(row))
        }
        opened => opened,
    }
}

/// Writes a preview to standard output.
pub(crate) fn write(impact: &Impact, format: Format) -> Result<()> {
    let terminal = std::io::stdout().is_terminal();
    let style = Style { colour: terminal && std::env::var_os("NO_COLOR").is_none(), width: None, suppressed: false };
    let mut out = BufWriter::new(std::io::stdout().lock());
    match format {
        Format::Table => report::impact_table(impact, &style, &mut out)?,
        Format::Json => report::impact_json(impact, &mut out)?,
    }
    Ok(out.flush()?)
}

fn choose(store: &Store, args: &Args) -> Result<(u64, u64)> {
    let staged = store.pending()?.into_iter().filter_map(|row| row.staged().map(|staged| staged.number)).max();
    let kept = store.generations()?.last().map(|row| row.number);
    let newest = staged.max(kept).ok_or(StoreError::NoGeneration)?;
    let number = args.generation.unwrap_or(newest);
    let current = store.current()?.ok_or(StoreError::NoGeneration)?;
    let against = match args.against {
        Some(against) => against,
        None if number != current => current,
        None => store.previous()?.ok_or_else(|| {
            let what = "there is one generation only: nothing to compare it with, before the next kit";
            UsageError(what.to_owned())
        })?,
    };
    Ok((number, against))
}
