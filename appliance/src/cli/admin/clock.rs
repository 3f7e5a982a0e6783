//! `stella admin clock`.

use std::io::Write;

use anyhow::Result;
use clap::Subcommand;
use domain::clock::ClockState;
use store::Task;

use crate::cli::Global;
use crate::cli::control::{Asking, ask};
use crate::cli::exit::Exit;
use crate::clock;

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Show the wall clock, and the time that expiry is judged by
    Show,
    /// Vouch for the wall clock, after having compared it with a source that you trust
    #[command(
        after_help = "Example:\n  date; stella admin clock confirm --reason 'compared with the GPS clock in the rack'\n\n\
        The time that expiry is judged by moves forward to it and never back. Confirm nothing that you have\n\
        not compared: a time in the future makes every present kit expire. Where others must approve, it\n\
        waits; it is void when the clock is set meanwhile."
    )]
    Confirm {
        /// Why, for the receipt
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        #[command(flatten)]
        asking: Asking,
    },
}

pub(super) fn run(global: &Global, verb: &Verb) -> Result<Exit> {
    let store = global.open_store()?;
    match verb {
        Verb::Show => {
            let (time, reading) = (importer::time(&store)?, clock::reading());
            let present = time.judge(&reading);
            let state = match present.state {
                ClockState::Ok => "ok",
                ClockState::Behind => "BEHIND: it is not believed; set it right",
                ClockState::Ahead => "AHEAD: it is not believed; set it right, or confirm it",
            };
            let mut out = std::io::stdout().lock();
            writeln!(out, "wall clock   {} ({state})", reading.wall)?;
            writeln!(out, "judged by    {}", present.at)?;
            writeln!(out, "proven       {} by signed data", time.proven)?;
            writeln!(out, "confirmed    {} by an operator", time.confirmed)?;
            Ok(Exit::Clean)
        }
        Verb::Confirm { reason, asking } => {
            let task = Task::Clock { wall: clock::reading().wall };
            ask(&store, task, asking, reason.as_deref())
        }
    }
}
