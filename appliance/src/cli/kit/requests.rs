//! `stella kit pending`: what waits for approval.

use std::io::Write;

use anyhow::Result;
use importer::control::rules::{self, Alarm};
use store::{ControlPolicy, PendingRow, Store, Task};

use crate::cli::Global;
use crate::cli::control::{At, describe, standing, write_concerns};
use crate::cli::db::Format;
use crate::cli::exit::Exit;
use crate::report::escape;

const AFTER_HELP: &str = "\
Examples:
  stella kit pending
  stella kit pending -f json | jq '.[] | select(.ready)'";

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    #[arg(short, long, value_enum, default_value = "table")]
    format: Format,
}

pub(super) fn run(global: &Global, args: &Args) -> Result<Exit> {
    let store = global.open_store()?;
    let mut out = std::io::stdout().lock();
    match args.format {
        Format::Json => writeln!(out, "{:#}", json(&store)?)?,
        Format::Table => {
            let rows = store.pending()?;
            if rows.is_empty() {
                writeln!(out, "nothing waits for approval")?;
            }
            table(&store, &rows, &mut out)?;
        }
    }
    Ok(Exit::Clean)
}

pub(super) fn json(store: &Store) -> Result<serde_json::Value> {
    let (policy, now) = (store.control_policy()?, At::now(store)?.present(store)?);
    let show = |row: &PendingRow| {
        let tally = rules::tally(&policy, row, now);
        let void: Vec<_> = tally
            .void
            .iter()
            .map(
                |(person, void)| serde_json::json!({"person": person, "code": void.code(), "reason": void.to_string()}),
            )
            .collect();
        serde_json::json!({
            "number": row.number, "action": row.task.action(), "subject": row.task.subject(), "policy": new_policy(row),
            "requested_by": row.requested_by, "requested_at": row.requested_at, "expires_at": row.expires_at,
            "nonce": row.nonce, "needed": tally.needed, "approvers": tally.approvers,
            "requester_proven": tally.is_requester_proven, "void": void,
            "ready": tally.suffices() && now < row.expires_at,
        })
    };
    Ok(store.pending()?.iter().map(show).collect())
}

/// What the policy would be, for a request to change it: approvers must see more of it than its digest.
fn new_policy(row: &PendingRow) -> Option<&ControlPolicy> {
    match &row.task {
        Task::Policy { policy, .. } => Some(policy),
        _ => None,
    }
}

/// Also a part of `stella kit status`.
pub(super) fn table(store: &Store, rows: &[PendingRow], out: &mut impl Write) -> Result<()> {
    let (policy, now) = (store.control_policy()?, At::now(store)?.present(store)?);
    for row in rows {
        let tally = rules::tally(&policy, row, now);
        writeln!(out, "request {:<4} {}", row.number, describe(row))?;
        writeln!(out, "  asked by {} at {}", escape(&row.requested_by), row.requested_at)?;
        write_concerns(row, out)?;
        writeln!(out, "  {}", standing(row, &tally))?;
        for (person, void) in &tally.void {
            writeln!(out, "  void: that of {} [{}]: {void}", escape(person), void.code())?;
        }
    }
    Ok(())
}

/// What one person made active without the others, as long as it is active and unconfirmed.
pub(super) fn alarm(store: &Store) -> Result<Option<String>> {
    let now = At::now(store)?.present(store)?;
    let says = |mark: &store::EmergencyRow, end: &str| {
        let (by, reason) = (escape(&mark.by), escape(&mark.reason));
        format!(
            "ALARM        generation {} was activated by {by} alone at {}: {reason}; {end}",
            mark.generation, mark.at
        )
    };
    Ok(rules::alarm(store.emergency()?, store.current()?, now).map(|alarm| match &alarm {
        Alarm::Unconfirmed(mark) => says(mark, &format!("others must confirm it until {}", mark.confirm_by)),
        Alarm::Overdue(mark) => says(mark, "nobody confirmed it in time: activate another generation"),
    }))
}
