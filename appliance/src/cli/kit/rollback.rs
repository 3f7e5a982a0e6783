//! `stella kit rollback`.

use std::io::Write;

use anyhow::Result;
use importer::Rollback;

use crate::cli::Global;
use crate::cli::admin;
use crate::cli::exit::Exit;
use crate::clock;
use crate::scan::ENGINE;

const AFTER_HELP: &str = "\
Examples:
  stella kit rollback                 back to the generation that was active before
  stella kit rollback --to 3

The version floors stay where they are: a rollback opens no door for older kits.";

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The generation to make active; the one before by default
    #[arg(long, value_name = "NUMBER")]
    to: Option<u64>,
    /// Why, for the receipt
    #[arg(long)]
    reason: Option<String>,
    /// Who, for the receipt
    #[arg(long, env = "STELLA_OPERATOR", default_value = "unknown")]
    operator: String,
}

pub(super) fn run(global: &Global, args: &Args) -> Result<Exit> {
    let store = global.open_store()?;
    let site = admin::site(&store)?;
    let rollback = Rollback {
        to: args.to,
        reason: args.reason.clone(),
        operator: args.operator.clone(),
        engine: ENGINE.to_owned(),
    };
    let (row, logged) = importer::roll_back(&store, &site, &rollback, &clock::reading())?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "generation {} is active: kit version {}, signed {}", row.number, row.kit_version, row.signed_at)?;
    admin::write_checkpoint(&mut out, logged)?;
    Ok(Exit::Clean)
}
