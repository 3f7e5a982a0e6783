//! `stella db check`: are the data still what was imported?

use std::io::Write;

use anyhow::Result;
use store::{GenerationRow, Store};

use super::Format;
use crate::cli::Global;
use crate::cli::exit::Exit;
use crate::cli::progress::Progress;

/// What reading all of a generation has found.
struct Checked {
    row: GenerationRow,
    is_active: bool,
    damage: Option<String>,
}

/// Reads every byte of each generation that is kept. What is damaged is told, and the others are read all the same.
pub(super) fn check(global: &Global, store: &Store, format: Format, out: &mut impl Write) -> Result<Exit> {
    let active = store.current()?.ok_or(store::StoreError::NoGeneration)?;
    let progress = Progress::new(global);
    let checked: Vec<Checked> = store
        .generations()?
        .into_iter()
        .map(|row| {
            progress.step(&format!("reading generation {}", row.number), None);
            let damage = store.check_intact(&row).err().map(|error| error.to_string());
            Checked { is_active: row.number == active, row, damage }
        })
        .collect();
    progress.finish();
    match format {
        Format::Json => writeln!(out, "{:#}", serde_json::Value::from_iter(checked.iter().map(as_json)))?,
        Format::Table => checked.iter().try_for_each(|one| write(one, out))?,
    }
    Ok(if checked.iter().any(|one| one.damage.is_some()) { Exit::Data } else { Exit::Clean })
}

fn as_json(one: &Checked) -> serde_json::Value {
    let Checked { row, is_active, damage } = one;
    serde_json::json!({
        "generation": row.number, "kit_version": row.kit_version, "active": is_active,
        "index_files": row.layers.len(), "blobs": row.blobs.len(), "damage": damage,
    })
}

fn write(one: &Checked, out: &mut impl Write) -> Result<()> {
    let Checked { row, is_active, damage } = one;
    let found = damage
        .clone()
        .unwrap_or_else(|| format!("whole ({} index files, {} blobs)", row.layers.len(), row.blobs.len()));
    let active = if *is_active { " (active)" } else { "" };
    Ok(writeln!(out, "generation {}{active}: {found}", row.number)?)
}
