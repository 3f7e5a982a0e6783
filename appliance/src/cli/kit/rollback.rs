//! `stella kit rollback`.

use anyhow::Result;

use crate::cli::Global;
use crate::cli::control::{Asking, ask};
use crate::cli::exit::Exit;

const AFTER_HELP: &str = "\
Examples:
  stella kit rollback                 back to the generation that was active before
  stella kit rollback --to 3

The version floors stay where they are: a rollback opens no door for older kits. Where others must
approve (stella admin dual-control) it waits, and the exit code is 7.";

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The generation to make active; the one before by default
    #[arg(long, value_name = "NUMBER")]
    to: Option<u64>,
    /// Why, for the receipt
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    asking: Asking,
}

pub(super) fn run(global: &Global, args: &Args) -> Result<Exit> {
    let store = global.open_store()?;
    let task = importer::control::rollback(&store, args.to)?;
    ask(&store, task, &args.asking, args.reason.as_deref())
}
