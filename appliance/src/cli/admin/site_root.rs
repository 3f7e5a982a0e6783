//! `stella admin site-root`: the ceremony of a site.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Subcommand;
use ouk::site::{SiteCeremonyConfig, site_ceremony};

use crate::cli::exit::{Exit, UsageError};
use crate::cli::{Global, files, site_keys};
use crate::clock;

const INIT_HELP: &str = "\
Example:
  stella admin site-root init --custodians 3 --threshold 2 -o custodians

Writes a private root key for each custodian (root-N.key.pem, readable by its owner alone) and the
site's first root (1.root.json). Give each custodian one key file on a medium of their own and
remove it here: the appliance needs none of them. The keys of targets, snapshot and timestamp stay
in the state directory. Give 1.root.json to every appliance and build server that is to trust this
site; its digest is printed, to be compared by another way.";

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Make the custodians' keys, the first root, and the keys that stay on this machine
    #[command(after_help = INIT_HELP)]
    Init(InitArgs),
}

#[derive(clap::Args)]
pub(crate) struct InitArgs {
    /// People who get a root key
    #[arg(long, default_value_t = 3, value_name = "N")]
    custodians: usize,
    /// How many of them must sign a root
    #[arg(long, default_value_t = 2, value_name = "M")]
    threshold: usize,
    /// New directory for what the custodians take away
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
}

pub(super) fn run(global: &Global, verb: &Verb) -> Result<Exit> {
    let Verb::Init(args) = verb;
    init(global, args)
}

fn init(global: &Global, args: &InitArgs) -> Result<Exit> {
    global.open_store()?;
    let online = site_keys::directory(global);
    for directory in [&args.output, &online] {
        if !files::is_empty_or_absent(directory)? {
            let message = format!("{} is not empty; keys are never written over", directory.display());
            return Err(UsageError(message).into());
        }
    }
    if !(1..=args.custodians).contains(&args.threshold) || args.custodians > 32 {
        let message = "--threshold is between 1 and --custodians, and there are at most 32 custodians";
        return Err(UsageError(message.to_owned()).into());
    }
    let config = SiteCeremonyConfig {
        custodians: args.custodians,
        threshold: args.threshold,
        ..SiteCeremonyConfig::new(clock::now())
    };
    let mut failure = None;
    let mut rng = |bytes: &mut [u8]| {
        if let Err(error) = getrandom::fill(bytes) {
            failure = Some(error);
        }
    };
    let made = site_ceremony(&config, &mut rng);
    if let Some(error) = failure {
        return Err(error).context("the system gives no random numbers");
    }
    let made = made?;
    files::make_directory(&args.output)?;
    files::make_directory(&online)?;
    for (directory, secrets) in [(&args.output, &made.custodians), (&online, &made.online)] {
        for (name, secret) in secrets {
            files::write_bytes(&directory.join(name), 0o600, secret.expose())?;
        }
        files::write_bytes(&directory.join("1.root.json"), 0o644, &made.root_json)?;
        files::sync_directory(directory)?;
    }
    let root = ouk::site::check_site_root(&made.root_json, &ouk::limits::Limits::default())?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "site root 1: {} of {} custodians, good until {}", args.threshold, args.custodians, root.expires)?;
    writeln!(out, "digest {}", root.sha256)?;
    writeln!(out, "for the custodians to take away: {}", args.output.display())?;
    writeln!(out, "on this machine: targets, snapshot and timestamp keys")?;
    Ok(Exit::Clean)
}
