//! `stella admin`: the site itself: its keys, its audit log, who approves what, and the clock.

mod approver;
mod audit;
mod clock;
mod dual_control;
mod keys;
mod site_root;

use std::io::{self, Write};

use anyhow::{Context, Result};
use attest::tlog::TreeHead;
use clap::Subcommand;
use store::audit::Logged;
use store::{ControlPolicy, Site, Store, Task};

use super::Global;
use super::control::{Asking, ask};
use super::exit::Exit;

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Read, verify and export the audit log
    #[command(subcommand)]
    Audit(audit::Verb),
    /// The keys that this site signs with
    #[command(subcommand)]
    Keys(keys::Verb),
    /// The people who approve, and their keys
    #[command(subcommand)]
    Approver(approver::Verb),
    /// How many people must approve what; shows it when nothing is given
    DualControl(dual_control::Args),
    /// What this machine believes of the time
    #[command(subcommand)]
    Clock(clock::Verb),
    /// The root under which this site vouches for kits
    #[command(subcommand)]
    SiteRoot(site_root::Verb),
}

pub(super) fn run(global: &Global, verb: &Verb) -> Result<Exit> {
    match verb {
        Verb::Audit(verb) => audit::run(global, verb),
        Verb::Keys(verb) => keys::run(global, verb),
        Verb::Approver(verb) => approver::run(global, verb),
        Verb::DualControl(args) => dual_control::run(global, args),
        Verb::Clock(verb) => clock::run(global, verb),
        Verb::SiteRoot(verb) => site_root::run(global, verb),
    }
}

/// Asks for another policy in place of the present one.
fn replace(store: &Store, present: &ControlPolicy, policy: ControlPolicy, asking: &Asking) -> Result<Exit> {
    let task = Task::Policy { replaces: present.digest(), policy };
    ask(store, task, asking, None)
}

/// The site's keys, made at the first call.
pub(super) fn site(store: &Store) -> Result<Site> {
    Ok(store.site(&mut entropy)?)
}

fn entropy(bytes: &mut [u8]) -> io::Result<()> {
    getrandom::fill(bytes).map_err(io::Error::other)
}

/// The line that an operator writes down: whoever has it can tell later whether the log was cut or
/// rewritten. Fails when the log could not be published, which must not go unseen.
pub(super) fn write_checkpoint(out: &mut impl Write, logged: Logged) -> Result<()> {
    writeln!(out, "{}", checkpoint_line(&logged.head))?;
    logged.unpublished.map_or(Ok(()), Err).context(
        "this was done and is in the log, but the log's checkpoint cannot be written; nothing more will be done before it can",
    )
}

/// The same after a refusal, as far as there is one to show.
pub(super) fn show_checkpoint(store: &Store) {
    if let Ok(Some(log)) = store.logbook() {
        // Standard error may be closed; the refusal itself is told by the exit code.
        let _ = writeln!(io::stderr().lock(), "{}", checkpoint_line(log.head()));
    }
}

fn checkpoint_line(head: &TreeHead) -> String {
    format!("checkpoint {} {}", head.size, head.root_base64())
}
