//! `stella tuf-client`: reads a TUF repository, such as a site's own.
//!
//! Hidden from the help, because its options are not ours: they are those that the public
//! suite tuf-conformance drives a client with (docs/reliability.md).

mod http;
mod memory;

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Subcommand;
use ouk::client::{ClientLimits, Repository, Target, init, quote, refresh};

use super::exit::{self, Exit};
use super::files;
use crate::clock;
use http::Http;
use memory::Directory;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where accepted metadata and the record of floors are kept
    #[arg(long, value_name = "DIR")]
    metadata_dir: PathBuf,
    /// Where the repository's metadata is, as http://HOST:PORT/PATH on this machine
    #[arg(long, value_name = "URL")]
    metadata_url: Option<String>,
    /// Path of a target; may be repeated
    #[arg(long, value_name = "PATH", allow_hyphen_values = true)]
    target_name: Vec<String>,
    /// Where the repository's targets are
    #[arg(long, value_name = "URL")]
    target_base_url: Option<String>,
    /// Where downloaded targets are put
    #[arg(long, value_name = "DIR")]
    target_dir: Option<PathBuf>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Pin a root, once
    Init {
        #[arg(value_name = "FILE")]
        trusted_root: PathBuf,
    },
    /// Bring the metadata up to date
    Refresh,
    /// Bring the metadata up to date and download targets
    Download,
}

/// The suite asks for 1 on every failure, so the codes of the other verbs do not apply.
pub(crate) fn run(args: &Args) -> Result<Exit> {
    let failed = match attempt(args) {
        Ok(()) => return Ok(Exit::Clean),
        Err(error) => error,
    };
    exit::explain(&failed);
    Ok(Exit::Chosen(1))
}

fn attempt(args: &Args) -> Result<()> {
    let limits = ClientLimits::default();
    let mut memory = Directory::new(&args.metadata_dir);
    if let Verb::Init { trusted_root } = &args.verb {
        let root = files::read(trusted_root, limits.root_bytes_max)?;
        return Ok(init(&root, &mut memory, &limits)?);
    }
    let metadata = args.metadata_url.as_deref().context("--metadata-url is needed")?;
    let mut http = Http::new(metadata, args.target_base_url.as_deref())?;
    let mut repository = refresh(&mut http, &mut memory, clock::now(), &limits)?;
    for warning in repository.warnings() {
        writeln!(std::io::stderr(), "warning: {warning}")?;
    }
    if matches!(args.verb, Verb::Download) {
        let directory = args.target_dir.as_deref().context("--target-dir is needed")?;
        for name in &args.target_name {
            let target = repository.target(name)?;
            download(&mut repository, &target, directory)?;
        }
    }
    Ok(())
}

/// Puts a target into its file, unless it is there already.
fn download(repository: &mut Repository<'_>, target: &Target, directory: &Path) -> Result<()> {
    let path = directory.join(file_name(target.path()));
    if path.is_file() && target.is(files::open(&path)?)? {
        return Ok(());
    }
    files::write(&path, 0o644, |file| Ok(repository.download(target, file)?))
}

/// One file name for a target path: no slash, and never `.` or `..`.
fn file_name(path: &str) -> String {
    let quoted = quote(path);
    match quoted.strip_prefix('.') {
        Some(rest) => format!("%2E{rest}"),
        None => quoted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_path_cannot_leave_its_directory() {
        assert_eq!(file_name("../../etc/passwd"), "%2E.%2F..%2Fetc%2Fpasswd");
        assert_eq!(file_name(".."), "%2E.");
        assert_eq!(file_name("feeds/manifest.json"), "feeds%2Fmanifest.json");
    }
}
