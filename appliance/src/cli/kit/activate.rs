//! `stella kit activate`.

use anyhow::Result;
use importer::control::{self, BreakGlass};

use crate::cli::control::{At, Operator, presence, report};
use crate::cli::exit::Exit;
use crate::cli::{Global, admin};

const AFTER_HELP: &str = "\
Examples:
  stella kit activate 2
  stella kit activate 2 --break-glass --reason 'log4j is being exploited, bob is on a plane'

A kit is verified again, against the roots, the floors and the time of now; then it becomes
active by one atomic step. Requests of other kinds (rollback, clock, policy) are carried out.

Break-glass is for one person, typing at the console of this machine, once in 24 hours, for a
kit. Others must confirm it within 72 hours; until then `stella kit status` shows an alarm.";

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The request
    #[arg(value_name = "NUMBER")]
    number: u64,
    /// Do without approval, in an emergency
    #[arg(long, requires = "reason")]
    break_glass: bool,
    /// Why there was no time to ask others
    #[arg(long, value_name = "TEXT", requires = "break_glass")]
    reason: Option<String>,
    #[command(flatten)]
    who: Operator,
}

pub(super) fn run(global: &Global, args: &Args) -> Result<Exit> {
    let store = global.open_store()?;
    let at = At::now(&store)?;
    let reason = args.reason.as_deref().filter(|_| args.break_glass);
    let break_glass = reason.map(|reason| BreakGlass { reason, presence: presence() });
    let (done, logged) = control::carry_out(&store, args.number, &at.acting(&args.who.operator), break_glass.as_ref())?;
    report(&store, &done)?;
    admin::write_checkpoint(&mut std::io::stdout().lock(), logged)?;
    Ok(Exit::Clean)
}
