//! `stella kit withdraw`.

use std::io::Write;

use anyhow::Result;
use importer::control;

use crate::cli::control::{At, Operator, describe};
use crate::cli::exit::Exit;
use crate::cli::{Global, admin};

const AFTER_HELP: &str = "\
Example:
  stella kit withdraw 2 --reason 'the vendor has announced a corrected kit'

What the request has staged is removed. Its approvals are worth nothing for a later request.";

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The request
    #[arg(value_name = "NUMBER")]
    number: u64,
    /// Why, for the receipt
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    who: Operator,
}

pub(super) fn run(global: &Global, args: &Args) -> Result<Exit> {
    let store = global.open_store()?;
    let at = At::now(&store)?;
    let (row, logged) = control::withdraw(&store, args.number, &at.acting(&args.who.operator), args.reason.as_deref())?;
    writeln!(std::io::stdout().lock(), "request {} is withdrawn: {}", row.number, describe(&row))?;
    admin::write_checkpoint(&mut std::io::stdout().lock(), logged)?;
    Ok(Exit::Clean)
}
