//! `stella kit status`.

use std::io::Write;

use anyhow::Result;
use attest::statement::OukImport;
use domain::clock::ClockState;
use store::Store;

use crate::cli::Global;
use crate::cli::db::Format;
use crate::cli::exit::Exit;
use crate::clock;
use crate::report::escape;

const RECEIPTS_SHOWN: usize = 5;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(short, long, value_enum, default_value = "table")]
    format: Format,
}

pub(super) fn run(global: &Global, args: &Args) -> Result<Exit> {
    let store = global.open_store()?;
    match args.format {
        Format::Json => json(&store)?,
        Format::Table => table(&store)?,
    }
    Ok(Exit::Clean)
}

/// What the newest receipts say, newest first. One that is not signed by this site is an error, not a gap.
fn receipts(store: &Store, count: usize) -> Result<Vec<OukImport>> {
    let Some(identity) = store.identity()? else { return Ok(Vec::new()) };
    Ok(store.receipts(count)?.iter().map(|envelopes| envelopes.import(&identity)).collect::<Result<_, _>>()?)
}

fn json(store: &Store) -> Result<()> {
    let trust = store.trust()?;
    let floors = trust.as_ref().map(|trust| {
        trust
            .floors
            .iter()
            .map(|floor| (floor.role.clone(), floor.version))
            .collect::<std::collections::BTreeMap<_, _>>()
    });
    let mut oldest_first = receipts(store, usize::MAX)?;
    oldest_first.reverse();
    let document = serde_json::json!({
        "current": store.current()?,
        "previous": store.previous()?,
        "generations": store.generations()?,
        "root_pinned": trust.is_some(),
        "floors": floors,
        "time": store.time()?,
        "site": store.identity()?.map(|identity| identity.id().to_owned()),
        "checkpoint": store.logbook()?.map(|log| serde_json::json!({"size": log.head().size, "root": log.head().root_base64()})),
        "pending": super::requests::json(store)?,
        "emergency": store.emergency()?,
        "revocations": importer::revocations(store)?.map(|(serial, withdrawn)| serde_json::json!({"serial": serial, "withdrawn_generations": withdrawn})),
        "tokens": store.site_tokens()?.len(),
        "sets": super::incomplete::json(&store.sets()?),
        "receipts": oldest_first,
        "quarantine": store.quarantined()?,
        "disk_bytes": store.disk_usage_bytes()?,
    });
    writeln!(std::io::stdout().lock(), "{document:#}")?;
    Ok(())
}

/// What the site is entitled to, and what is withdrawn.
pub(super) fn entitlements(store: &Store, out: &mut impl Write) -> Result<()> {
    if let Some((serial, _)) = importer::revocations(store)? {
        writeln!(out, "revocations  list {serial}")?;
    }
    let tokens = store.site_tokens()?;
    if let Some(first) = tokens.iter().map(|row| row.expires).min() {
        writeln!(out, "tokens       {}, the first ends {first}; see stella token list", tokens.len())?;
    }
    Ok(())
}

fn table(store: &Store) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let current = store.current()?;
    let generations = store.generations()?;
    if generations.is_empty() {
        writeln!(out, "no generation yet: import a kit with `stella kit import FILE --trust-root 1.root.json`")?;
    }
    let revocations = importer::revocations(store)?;
    let withdrawn = revocations.as_ref().map(|(_, withdrawn)| withdrawn.as_slice()).unwrap_or_default();
    for row in &generations {
        let mark = match row.number {
            number if withdrawn.contains(&number) => "WITHDRAWN",
            number if current == Some(number) => "active",
            _ => "",
        };
        writeln!(
            out,
            "generation {:<4} {mark:<9} kit {:<5} signed {}  imported {}  {} advisories",
            row.number, row.kit_version, row.signed_at, row.imported_at, row.advisories
        )?;
    }
    if let Some(alarm) = super::requests::alarm(store)? {
        writeln!(out, "{alarm}")?;
    }
    super::requests::table(store, &store.pending()?, &mut out)?;
    match store.trust()? {
        None => writeln!(out, "trust        no root is pinned")?,
        Some(trust) => {
            let floors: Vec<_> = trust.floors.iter().map(|floor| format!("{} {}", floor.role, floor.version)).collect();
            writeln!(out, "floors       {}", floors.join(", "))?;
        }
    }
    entitlements(store, &mut out)?;
    let (time, reading) = (importer::time(store)?, clock::reading());
    let present = time.judge(&reading);
    let state = match present.state {
        ClockState::Ok => "ok",
        ClockState::Behind => "BEHIND: set it right",
        ClockState::Ahead => "AHEAD: set it right, or confirm it with `stella admin clock confirm`",
    };
    writeln!(out, "clock        {} ({state}), floor {}", reading.wall, time.floor(&reading))?;
    super::incomplete::table(&store.sets()?, present.at, &mut out)?;
    writeln!(out, "disk         {} MiB", store.disk_usage_bytes()? >> 20)?;
    if let Some(log) = store.logbook()? {
        writeln!(out, "site         {}", log.identity().id())?;
        writeln!(out, "checkpoint   {} {}", log.head().size, log.head().root_base64())?;
    }
    for receipt in receipts(store, RECEIPTS_SHOWN)? {
        let reason = receipt.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
        let code = receipt.code.as_deref().map(|code| format!(" [{code}]")).unwrap_or_default();
        let (action, result) = (&receipt.action, &receipt.result);
        let line = format!("{action} {result}{code} {} by {}{reason}", receipt.given_as, receipt.operator);
        writeln!(out, "{}  {}", receipt.at, escape(&line))?;
    }
    for refused in store.quarantined()? {
        writeln!(out, "quarantine   {} [{}] {}", refused.sha256, refused.code, escape(&refused.given_as))?;
    }
    Ok(())
}
