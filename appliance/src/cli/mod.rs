//! The command line: one file per verb, each with its `Args` and its `run`.

mod admin;
mod control;
mod db;
mod exit;
mod feeds;
mod files;
mod gate;
mod kit;
mod progress;
mod sbom;
mod scan;
mod serve;
mod site_keys;
mod token;
mod tuf_client;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use clap::{Parser, Subcommand};
use store::Store;

const AFTER_HELP: &str = "\
Examples:
  stella kit import ouk-stella-stable-7.tar.zst --trust-root 1.root.json
  stella scan bom.json --fail-on high
  syft dir:. -o cyclonedx-json | stella scan - --format sarif
  stella db status
  stella serve --listen 127.0.0.1:8443

Exit codes:
  0 clean   1 findings over the gate   2 usage      3 runtime error
  4 indeterminate   5 data missing     6 kit rejected
  7 approval of others is missing   9 kit held: it has much less than before";

/// Offline-first vulnerability scanner: verified data in, verdicts out, no network.
#[derive(Parser)]
#[command(name = "stella", version, after_help = AFTER_HELP, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Verb,
}

/// Options of every verb.
#[derive(clap::Args)]
pub(crate) struct Global {
    /// Directory that holds all state
    #[arg(long, global = true, env = "STELLA_STATE_DIR", value_name = "DIR", default_value_os_t = default_state())]
    state_dir: PathBuf,
    /// Say only what was asked for
    #[arg(short, long, global = true, env = "STELLA_QUIET")]
    quiet: bool,
    /// Show no progress bars
    #[arg(long, global = true, env = "STELLA_NO_PROGRESS")]
    no_progress: bool,
}

#[derive(Subcommand)]
enum Verb {
    /// Scan an SBOM (CycloneDX, SPDX or Syft JSON) from a file or standard input
    Scan(scan::Args),
    /// Keep SBOMs, to learn what a new kit changes for them before it is active
    #[command(subcommand)]
    Sbom(sbom::Verb),
    /// Build, check and import Offline Update Kits
    #[command(subcommand)]
    Kit(kit::Verb),
    /// Read vulnerability feeds and export canonical advisories
    #[command(subcommand)]
    Feeds(feeds::Verb),
    /// Ask the active data: what is in it, and why something matches
    #[command(subcommand)]
    Db(db::Verb),
    /// The site itself: its keys, its audit log, who approves what, and the clock
    #[command(subcommand)]
    Admin(admin::Verb),
    /// The site's own tokens, which clients show
    #[command(subcommand)]
    Token(token::Verb),
    /// Run the appliance: the HTTP API over TLS
    Serve(serve::Args),
    /// Read a TUF repository
    #[command(hide = true)]
    TufClient(tuf_client::Args),
}

impl Global {
    /// Opens the state directory, making it when it is missing.
    fn open_store(&self) -> Result<Arc<Store>> {
        Ok(Arc::new(Store::open(&self.state_dir)?))
    }
}

/// `$XDG_STATE_HOME/stella`, `~/.local/state/stella`, or the appliance's own place.
fn default_state() -> PathBuf {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    match std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).or_else(home) {
        Some(base) => base.join("stella"),
        None => PathBuf::from("/var/lib/stella"),
    }
}

/// The other end of an import: what runs in the confined process.
pub(crate) fn import_worker() -> ExitCode {
    match importer::isolated::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "the parent reports what its worker said")]
            {
                eprintln!("{error}");
            }
            ExitCode::FAILURE
        }
    }
}

/// Runs the command that was typed.
pub(crate) fn run() -> ExitCode {
    let Cli { global, verb } = Cli::parse();
    let result = match verb {
        Verb::Scan(args) => scan::run(&global, &args),
        Verb::Sbom(verb) => sbom::run(&global, &verb),
        Verb::Kit(verb) => kit::run(&global, verb),
        Verb::Feeds(verb) => feeds::run(&global, &verb),
        Verb::Db(verb) => db::run(&global, &verb),
        Verb::Serve(args) => serve::run(&global, &args),
        Verb::Admin(verb) => admin::run(&global, &verb),
        Verb::Token(verb) => token::run(&global, &verb),
        Verb::TufClient(args) => tuf_client::run(&args),
    };
    result.unwrap_or_else(|error| exit::explain(&error)).into()
}
