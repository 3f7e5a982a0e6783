//! `stella kit inspect`: what a kit claims.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use domain::time::Timestamp;
use ouk::limits::Limits;

use crate::cli::exit::Exit;

#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  stella kit inspect ouk-stella-stable-7.tar.zst\n\nNothing that it shows has been verified; `stella kit verify` does that."
)]
pub(crate) struct Args {
    #[arg(value_name = "FILE")]
    kit: PathBuf,
    /// List every target
    #[arg(short, long)]
    verbose: bool,
}

pub(super) fn run(args: &Args) -> Result<Exit> {
    let opened = ouk::read::open(importer::open_source(&args.kit)?, &Limits::default())?;
    let found = opened.inspect();
    let mut out = std::io::stdout().lock();
    let unknown = || "not stated".to_owned();
    let version = found.kit_version.map_or_else(unknown, |version| version.to_string());
    let signed_at = found.signed_at.map_or_else(unknown, |at: Timestamp| at.to_string());
    writeln!(out, "UNVERIFIED: this is what the kit says of itself")?;
    writeln!(out, "product   {}", found.product.clone().unwrap_or_else(unknown))?;
    writeln!(out, "channel   {}", found.channel.clone().unwrap_or_else(unknown))?;
    writeln!(out, "version   {version}")?;
    writeln!(out, "signed    {signed_at}")?;
    if let Some((version, root)) = &found.base {
        let version = version.map_or_else(unknown, |version| version.to_string());
        let root = root.clone().unwrap_or_else(unknown);
        writeln!(out, "delta to  kit version {version}, content root {root}")?;
    }
    writeln!(out, "roots     {:?}", found.roots)?;
    for role in &found.roles {
        let version = role.version.map_or_else(unknown, |version| version.to_string());
        let expires = role.expires.map_or_else(unknown, |at| at.to_string());
        let signers = role.signed_by.len();
        writeln!(out, "role      {:<13} version {version:<6} expires {expires}  {signers} signatures", role.role)?;
    }
    let bytes: u64 = found.targets.iter().map(|(_, _, length)| length).sum();
    writeln!(out, "targets   {} with {bytes} bytes", found.targets.len())?;
    for (role, path, length) in found.targets.iter().filter(|_| args.verbose) {
        writeln!(out, "  {role:<13} {length:>12}  {path}")?;
    }
    Ok(Exit::Clean)
}
