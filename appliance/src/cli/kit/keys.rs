//! `stella kit keys`: a root ceremony.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use ouk::keys::{CeremonyConfig, Role, ceremony};
use ouk::tokens::TokenKeyPair;

use super::tokens;
use crate::cli::exit::{Exit, UsageError};
use crate::cli::progress::Progress;
use crate::cli::{Global, files};
use crate::clock;

const AFTER_HELP: &str = "\
Example:
  stella kit keys --out keys

Writes a private key file per key (NAME.key.pem, readable by its owner alone), the first root
metadata (1.root.json), the delegations, a minisign pair for the seal, and the pair that issues
tokens (jwt.key, jwks.json). In a real ceremony
each private file goes to another person's offline medium: no single one can sign a root.";

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// New directory for the files
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub(super) fn run(global: &Global, args: &Args) -> Result<Exit> {
    if args.out.exists() {
        let message = format!("{} exists already; keys are never written over", args.out.display());
        return Err(UsageError(message).into());
    }
    let progress = Progress::new(global);
    progress.step("making keys", None);
    let config = CeremonyConfig::new(clock::now());
    let mut failure = None;
    let mut rng = |bytes: &mut [u8]| {
        if let Err(error) = getrandom::fill(bytes) {
            failure = Some(error);
        }
    };
    let made = ceremony(&config, &mut rng);
    let token_pair = TokenKeyPair::generate(&mut rng);
    if let Some(error) = failure {
        return Err(error).context("the system gives no random numbers");
    }
    let made = made?;
    files::make_directory(&args.out)?;
    for (name, secret) in &made.files {
        files::write_bytes(&args.out.join(name), 0o600, secret.expose())?;
    }
    for (name, public) in &made.public_files {
        files::write_bytes(&args.out.join(name), 0o644, public)?;
    }
    files::write_bytes(&args.out.join("1.root.json"), 0o644, &made.root_json)?;
    tokens::write_key_pair(&args.out, &token_pair)?;
    progress.finish();
    let mut out = std::io::stdout().lock();
    for role in Role::ALL {
        let role_config = config.role(role);
        writeln!(
            out,
            "{:<13} {} of {} keys, good for {} days",
            role.as_str(),
            role_config.threshold,
            role_config.keys,
            role_config.expiry_days
        )?;
    }
    writeln!(out, "written to {}; give 1.root.json and minisign.pub to every site", args.out.display())?;
    Ok(Exit::Clean)
}
