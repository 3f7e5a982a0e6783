//! `stella admin keys`: who this site is, and the public keys that others check it by.

use std::io::Write;

use anyhow::Result;
use clap::Subcommand;
use importer::Rotation;
use store::{Identity, Store};

use super::entropy;
use crate::cli::Global;
use crate::cli::control::{At, Operator, warn};
use crate::cli::db::Format;
use crate::cli::exit::Exit;

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Make the keys of this site, under a name instead of a random one
    #[command(after_help = "Without this, keys are made at the first import and the site is named at random.")]
    Init {
        /// Lower-case letters, digits, dots and hyphens
        #[arg(long)]
        name: String,
    },
    /// Give the site another key for its tokens, and mint the tokens anew
    #[command(
        after_help = "The key before verifies until the last token that it signed has ended, at most 30 days. Clients should fetch the\nnew tokens until then (stella token show)."
    )]
    RotateToken {
        /// Somebody else has the key: end every token that it signed now
        #[arg(long)]
        compromised: bool,
        #[command(flatten)]
        who: Operator,
    },
    /// Show the site's name and public keys
    Show {
        #[arg(short, long, value_enum, default_value = "table")]
        format: Format,
    },
}

pub(super) fn run(global: &Global, verb: &Verb) -> Result<Exit> {
    let store = global.open_store()?;
    match verb {
        Verb::Init { name } => show(store.site_named(name, &mut entropy)?.identity(), Format::Table),
        Verb::RotateToken { compromised, who } => rotate(&store, *compromised, &who.operator),
        Verb::Show { format } => match store.identity()? {
            Some(identity) => show(&identity, *format),
            None => {
                let mut out = std::io::stdout().lock();
                writeln!(
                    out,
                    "this site has no keys yet; they are made at the first import, or by `stella admin keys init`"
                )?;
                Ok(Exit::Data)
            }
        },
    }
}

fn rotate(store: &Store, compromised: bool, operator: &str) -> Result<Exit> {
    let at = At::now(store)?;
    let rotation = if compromised { Rotation::Compromised } else { Rotation::Overlap };
    let rotated = importer::rotate(store, &at.acting(operator), rotation, &mut entropy)?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} tokens minted under the new key, {} ended", rotated.minted, rotated.ended)?;
    warn(&mut out, &rotated.warnings)?;
    super::write_checkpoint(&mut out, rotated.logged)?;
    Ok(Exit::Clean)
}

fn show(identity: &Identity, format: Format) -> Result<Exit> {
    let mut out = std::io::stdout().lock();
    let keys = [
        ("receipt", identity.receipt().to_base64()),
        ("token", identity.token().to_base64()),
        ("site-targets", identity.targets().to_base64()),
    ];
    let vkey = identity.log().to_vkey();
    if format == Format::Json {
        let keys: std::collections::BTreeMap<_, _> = keys.into_iter().collect();
        let document = serde_json::json!({ "site": identity.id(), "log": vkey, "keys": keys });
        writeln!(out, "{document:#}")?;
        return Ok(Exit::Clean);
    }
    writeln!(out, "site          {}", identity.id())?;
    writeln!(out, "log           {vkey}")?;
    for (purpose, key) in keys {
        writeln!(out, "{purpose:<13} {key}")?;
    }
    Ok(Exit::Clean)
}
