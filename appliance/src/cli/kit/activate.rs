//! `stella kit activate`.

use anyhow::Result;
use importer::control::{self, BreakGlass, Waivers};

use crate::cli::control::{At, Operator, presence, report};
use crate::cli::exit::Exit;
use crate::cli::{Global, admin};

const AFTER_HELP: &str = "\
Examples:
  stella kit activate 2
  stella kit activate 2 --accept-loss 'the vendor dropped npm, see ticket 4711'
  stella kit activate 2 --break-glass --reason 'log4j is being exploited, bob is on a plane'

A kit is verified again, against the roots, the floors and the time of now; then it becomes
active by one atomic step. Requests of other kinds (rollback, clock, policy) are carried out.

A kit with suspiciously less in it than the active data (stella kit impact) needs --accept-loss,
unless others have approved it, who saw that.

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
    /// Accept that the data have suspiciously less than the active ones, and why
    #[arg(long, value_name = "WHY")]
    accept_loss: Option<String>,
    #[command(flatten)]
    who: Operator,
}

pub(super) fn run(global: &Global, args: &Args) -> Result<Exit> {
    let store = global.open_store()?;
    let at = At::now(&store)?;
    let reason = args.reason.as_deref().filter(|_| args.break_glass);
    let break_glass = reason.map(|reason| BreakGlass { reason, presence: presence() });
    let waivers = Waivers { break_glass, accept_loss: args.accept_loss.as_deref() };
    let (done, logged) = control::carry_out(&store, args.number, &at.acting(&args.who.operator), waivers)?;
    report(&store, &done)?;
    admin::write_checkpoint(&mut std::io::stdout().lock(), logged)?;
    Ok(Exit::Clean)
}
