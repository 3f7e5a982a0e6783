//! `stella admin dual-control`.

use std::io::Write;

use anyhow::Result;
use attest::approval::Action;
use clap::ValueEnum;

use super::replace;
use crate::cli::Global;
use crate::cli::control::{Asking, describe_policy};
use crate::cli::db::Format;
use crate::cli::exit::Exit;

const AFTER_HELP: &str = "\
Examples:
  stella admin dual-control                                   what is in force
  stella admin dual-control --approvals 1                     one other person approves everything
  stella admin dual-control --approvals 2 --only activate     two approve kits; nobody a rollback or the clock
  stella admin dual-control --approvals 0                     off

A change of the policy always needs as many approvals as the action that needs most. When the
present policy needs any, the change itself waits for them, and the exit code is 7.";

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// How many people, beside the one who asks, must approve
    #[arg(long, value_name = "K")]
    approvals: Option<u32>,
    /// The actions that need approval; all of them by default
    #[arg(long, value_enum, value_delimiter = ',', requires = "approvals")]
    only: Vec<Approved>,
    /// How long a request waits
    #[arg(long, value_name = "HOURS")]
    hours: Option<u32>,
    /// How to show what is in force
    #[arg(short, long, value_enum, default_value = "table")]
    format: Format,
    #[command(flatten)]
    asking: Asking,
}

/// An action that may need approval.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Approved {
    /// Making a kit active
    Activate,
    /// Going back to an earlier generation
    Rollback,
    /// Vouching for the clock
    Clock,
}

impl Approved {
    fn action(self) -> Action {
        match self {
            Self::Activate => Action::Activate,
            Self::Rollback => Action::Rollback,
            Self::Clock => Action::Clock,
        }
    }
}

pub(super) fn run(global: &Global, args: &Args) -> Result<Exit> {
    let store = global.open_store()?;
    let present = store.control_policy()?;
    if args.approvals.is_none() && args.hours.is_none() {
        let mut out = std::io::stdout().lock();
        match args.format {
            Format::Json => writeln!(out, "{:#}", serde_json::to_value(&present)?)?,
            Format::Table => writeln!(out, "{}", describe_policy(&present))?,
        }
        return Ok(Exit::Clean);
    }
    let mut policy = present.clone();
    policy.hours = args.hours.unwrap_or(policy.hours);
    if let Some(needed) = args.approvals {
        let only = if args.only.is_empty() { Approved::value_variants() } else { &args.only };
        let actions = only.iter().map(|only| only.action()).chain([Action::Policy]);
        policy.needed = actions.filter(|_| needed > 0).map(|action| (action, needed)).collect();
    }
    replace(&store, &present, policy, &args.asking)
}
