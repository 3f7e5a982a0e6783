//! What is shown of a kit that came in part.

use std::io::Write;

use anyhow::Result;
use domain::digest::Digest;
use domain::time::Timestamp;
use importer::Incomplete;
use store::{Store, Waiting};

use crate::cli::exit::UsageError;
use crate::report::escape;

/// So much of a set's name as nobody else's begins with.
const SHOWN_DIGITS: usize = 12;

/// Says what each file had and what is missing still, and on standard error what to do.
pub(super) fn report(incomplete: &Incomplete, out: &mut impl Write) -> Result<()> {
    for file in &incomplete.files {
        let name = escape(&file.given_as);
        writeln!(out, "{name}: {} frames of the kit are sound in it, {} of them new", file.frames, file.new)?;
        for warning in file.warnings() {
            writeln!(out, "  {}", escape(&warning))?;
        }
    }
    let set = &incomplete.set;
    writeln!(out, "{}", describe(set))?;
    for blob in &incomplete.missing {
        writeln!(out, "missing: blob {blob}")?;
    }
    let more = set.missing_frames().saturating_sub(incomplete.missing.len() as u64);
    if more > 0 {
        writeln!(out, "missing: {more} more")?;
    }
    let mut stderr = std::io::stderr().lock();
    // Standard error may be closed; the exit code says it, too.
    let _ = writeln!(stderr, "incomplete [E-INCOMPLETE]: {incomplete}");
    let _ = writeln!(stderr, "  next: {}", incomplete.advice());
    Ok(())
}

/// A set in one line.
pub(super) fn describe(set: &Waiting) -> String {
    let row = &set.row;
    format!(
        "set {}: kit version {}, signed {}: {} of {} frames are here, {} of {} bytes",
        short(&row.id),
        row.kit_version,
        row.signed_at,
        set.kept_frames,
        row.frames,
        set.kept_bytes,
        row.bytes
    )
}

/// The sets that wait, for `stella kit status`.
pub(super) fn table(sets: &[Waiting], now: Timestamp, out: &mut impl Write) -> Result<()> {
    for set in sets {
        writeln!(out, "{}", describe(set))?;
        let expired = if set.row.is_expired(now) { ": over, and removed by the next import" } else { "" };
        writeln!(
            out,
            "  missing {} frames, {} bytes; kept until {}{expired}",
            set.missing_frames(),
            set.missing_bytes(),
            set.row.expires_at
        )?;
        for volume in &set.row.volumes {
            writeln!(out, "  {} {} had {} frames", volume.at, escape(&volume.given_as), volume.frames)?;
        }
        writeln!(out, "  next: stella kit import FILE, or stella kit discard {}", short(&set.row.id))?;
    }
    Ok(())
}

pub(super) fn json(sets: &[Waiting]) -> serde_json::Value {
    let show = |set: &Waiting| {
        let mut shown = serde_json::json!(set);
        shown["missing_frames"] = set.missing_frames().into();
        shown["missing_bytes"] = set.missing_bytes().into();
        shown
    };
    sets.iter().map(show).collect()
}

fn short(id: &Digest) -> String {
    id.to_string().chars().take(SHOWN_DIGITS).collect()
}

/// The set whose name begins so.
pub(super) fn find(store: &Store, name: &str) -> Result<Digest> {
    let sets = store.sets()?;
    let mut found = sets.iter().filter(|set| set.row.id.to_string().starts_with(name));
    match (found.next(), found.next()) {
        (Some(set), None) if !name.is_empty() => Ok(set.row.id),
        (Some(_), _) => Err(UsageError(format!("{name:?} is the beginning of several sets: give more of it")).into()),
        (None, _) => {
            Err(UsageError(format!("no set is called {name:?}; `stella kit status` lists those that wait")).into())
        }
    }
}
