//! `stella admin`: what concerns the site and no kit.

mod approver;
mod clock;
mod dual_control;

use anyhow::Result;
use clap::Subcommand;
use store::{ControlPolicy, Store, Task};

use super::Global;
use super::control::{Asking, ask};
use super::exit::Exit;

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// The people who approve, and their keys
    #[command(subcommand)]
    Approver(approver::Verb),
    /// How many people must approve what; shows it when nothing is given
    DualControl(dual_control::Args),
    /// What this machine believes of the time
    #[command(subcommand)]
    Clock(clock::Verb),
}

pub(super) fn run(global: &Global, verb: &Verb) -> Result<Exit> {
    match verb {
        Verb::Approver(verb) => approver::run(global, verb),
        Verb::DualControl(args) => dual_control::run(global, args),
        Verb::Clock(verb) => clock::run(global, verb),
    }
}

/// Asks for another policy in place of the present one.
fn replace(store: &Store, present: &ControlPolicy, policy: ControlPolicy, asking: &Asking) -> Result<Exit> {
    let task = Task::Policy { replaces: present.digest(), policy };
    ask(store, task, asking, None)
}
