//! `stella kit discard`: giving up a kit of which some parts have come.

use std::io::Write;

use anyhow::Result;

use super::incomplete;
use crate::cli::control::{At, Operator};
use crate::cli::exit::Exit;
use crate::cli::{Global, admin};

const AFTER_HELP: &str = "\
Example:
  stella kit status                  (which sets wait, and until when)
  stella kit discard 4f0c2a91b3d7

What has come of the kit is removed. It is of no other use: when the kit is wanted after all, all of its
volumes have to come again.";

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The set, as `stella kit status` shows it; the beginning of its name will do
    #[arg(value_name = "SET")]
    set: String,
    #[command(flatten)]
    who: Operator,
}

pub(super) fn run(global: &Global, args: &Args) -> Result<Exit> {
    let store = global.open_store()?;
    let at = At::now(&store)?;
    let id = incomplete::find(&store, &args.set)?;
    let (set, freed, logged) = importer::discard(&store, &id, &at.acting(&args.who.operator))?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "given up: {}; {freed} bytes are free again", incomplete::describe(&set))?;
    admin::write_checkpoint(&mut out, logged)?;
    Ok(Exit::Clean)
}
