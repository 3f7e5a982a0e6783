//! `stella token`: the site's own tokens, minted from what the vendor's kits entitle it to.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Subcommand;
use importer::ImportError;
use importer::control::Acting;
use serde_json::json;
use store::audit::{Entry, Event};
use store::{SiteTokenRow, Store};

use super::control::{At, Operator, warn};
use super::db::Format;
use super::exit::{Exit, UsageError, explain};
use super::{Global, admin, files};

const TOKEN_BYTES_MAX: u64 = 8 << 10;

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// List the tokens, without the tokens themselves
    List {
        #[arg(short, long, value_enum, default_value = "table")]
        format: Format,
    },
    /// Write a token to standard output, for the client who may use it
    #[command(after_help = "Examples:
  stella token list
  stella token show 3q2-7wAB… > client.jwt

Whoever has the token may use it. That it was shown, and by whom, is written into the audit log.")]
    Show {
        /// The token's id, as in `stella token list`
        #[arg(value_name = "ID")]
        jti: String,
        #[command(flatten)]
        who: Operator,
    },
    /// Say what a token grants, or why it is not good here
    #[command(after_help = "Examples:
  stella token verify client.jwt
  stella token verify - < client.jwt

Exit code 0: good here and now; 7: not. A token is never given as an argument, where others could read it.")]
    Verify {
        /// File with the token; - is standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[arg(short, long, value_enum, default_value = "table")]
        format: Format,
    },
    /// Mint anew what the kept vendor tokens still give
    #[command(
        after_help = "A site token is good for 30 days at most, a vendor token for 45. Every import renews by itself."
    )]
    Renew {
        #[command(flatten)]
        who: Operator,
    },
}

pub(super) fn run(global: &Global, verb: &Verb) -> Result<Exit> {
    let store = global.open_store()?;
    match verb {
        Verb::List { format } => list(&store, *format),
        Verb::Show { jti, who } => show(&store, jti, &who.operator),
        Verb::Verify { file, format } => verify(&store, file, *format),
        Verb::Renew { who } => renew(&store, &who.operator),
    }
}

fn list(store: &Store, format: Format) -> Result<Exit> {
    let tokens = store.site_tokens()?;
    let mut out = std::io::stdout().lock();
    if format == Format::Json {
        let tokens: Vec<_> = tokens.iter().map(describe).collect();
        writeln!(out, "{:#}", json!({ "tokens": tokens }))?;
    } else if tokens.is_empty() {
        writeln!(out, "no tokens: no kit that carries one for this site was imported yet")?;
    } else {
        for row in &tokens {
            writeln!(
                out,
                "{}  {:<20} {:<12} {:>7} scans a day  until {}",
                row.jti, row.subject, row.tier, row.scans_per_day_max, row.expires
            )?;
        }
    }
    Ok(if tokens.is_empty() { Exit::Data } else { Exit::Clean })
}

fn describe(row: &SiteTokenRow) -> serde_json::Value {
    json!({
        "jti": row.jti, "sub": row.subject, "tier": row.tier, "max_scans_per_day": row.scans_per_day_max,
        "not_before": row.not_before, "expires": row.expires,
        "source": { "jti": row.source_jti, "kid": row.source_kid, "kit": row.source_kit },
    })
}

/// The record comes first: a token that nobody could be held to is not shown.
fn show(store: &Store, jti: &str, operator: &str) -> Result<Exit> {
    let found = store.site_tokens()?.into_iter().find(|row| row.jti == jti);
    let row = found.ok_or_else(|| UsageError("there is no such token; see `stella token list`".to_owned()))?;
    let at = At::now(store)?;
    importer::verify_token(store, at.site.identity(), row.compact.expose(), at.present(store)?)?;
    let Acting { site, reading, .. } = at.acting(operator);
    let event = Event {
        at: reading.wall,
        action: "token-show".to_owned(),
        actor: operator.to_owned(),
        result: "shown".to_owned(),
        code: None,
        subjects: Vec::new(),
        details: [("jti".to_owned(), row.jti.clone()), ("sub".to_owned(), row.subject.clone())].into(),
    };
    let _logged = store.append(site, &Entry::from(event))?;
    writeln!(std::io::stdout().lock(), "{}", row.compact.expose())?;
    Ok(Exit::Clean)
}

fn verify(store: &Store, file: &Path, format: Format) -> Result<Exit> {
    let bytes = if file == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().lock().take(TOKEN_BYTES_MAX).read_to_end(&mut bytes)?;
        bytes
    } else {
        files::read(file, TOKEN_BYTES_MAX)?
    };
    let compact = String::from_utf8(bytes).context("a token is text")?;
    let at = At::now(store)?;
    let token = match importer::verify_token(store, at.site.identity(), compact.trim_end(), at.present(store)?) {
        Err(error @ ImportError::Token(_)) => {
            explain(&error.into());
            return Ok(Exit::Approval);
        }
        token => token?,
    };
    let grant = token.grant();
    let mut out = std::io::stdout().lock();
    if format == Format::Json {
        let document = json!({
            "jti": token.jti(), "sub": grant.subject, "tier": grant.tier, "max_scans_per_day": grant.scans_per_day_max,
            "not_before": token.not_before(), "expires": token.expires(),
        });
        writeln!(out, "{document:#}")?;
    } else {
        let (subject, tier, scans) = (&grant.subject, &grant.tier, grant.scans_per_day_max);
        writeln!(out, "good: {subject}, tier {tier}, {scans} scans a day, until {}", token.expires())?;
    }
    Ok(Exit::Clean)
}

fn renew(store: &Store, operator: &str) -> Result<Exit> {
    let at = At::now(store)?;
    let renewed = importer::renew(store, &at.acting(operator))?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} tokens minted, {} ended", renewed.minted, renewed.ended)?;
    warn(&mut out, &renewed.warnings)?;
    admin::write_checkpoint(&mut out, renewed.logged)?;
    Ok(Exit::Clean)
}
