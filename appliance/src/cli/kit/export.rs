//! `stella kit export`: passes a verified kit on, with this site's word beside the vendor's.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use domain::digest::{Digest, Hasher};
use ouk::limits::Limits;
use ouk::read::OpenKit;
use ouk::site::{Publication, SiteExpiries, SiteMetadata, content_name, endorse, publish};
use ouk::verify::{VerifiedKit, VerifiedTarget};
use store::{GenerationRow, Store};

use super::volumes;
use crate::cli::exit::{Exit, UsageError};
use crate::cli::progress::Progress;
use crate::cli::{Global, files, site_keys};
use crate::clock;

const RECEIPT_BYTES_MAX: u64 = 1 << 20;

const AFTER_HELP: &str = "\
Examples:
  stella kit export --receipt receipt.dsse.json -o ouk-stella-stable-7.site.tar.zst
  stella kit export --receipt receipt.dsse.json -o kit.tar.zst --repository /srv/tuf

The vendor's kit, untouched, with one frame more: this site's signatures on the same targets. Whoever
pins this site's root can demand both; whoever does not reads the kit as before. A kit that has
expired is not exported: this site's word must not make it look fresh.

--repository writes the same as a TUF repository for clients that pin this site alone. It may be
served while it is written: clients see the old or the new state.";

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The generation whose kit is exported; the active one by default
    #[arg(long, value_name = "N")]
    generation: Option<u64>,
    /// The kit file, when the state directory does not keep it
    #[arg(long, value_name = "FILE")]
    kit: Option<PathBuf>,
    /// The signed receipt of the import (DSSE)
    #[arg(long, value_name = "FILE")]
    receipt: PathBuf,
    /// The kit to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Directory of a TUF repository to write or to bring up to date
    #[arg(long, value_name = "DIR")]
    repository: Option<PathBuf>,
}

pub(super) fn run(global: &Global, args: &Args) -> Result<Exit> {
    let limits = Limits::default();
    let store = global.open_store()?;
    let row = generation(&store, args.generation)?;
    let site = site_keys::read(global)?;
    let receipt = files::read(&args.receipt, RECEIPT_BYTES_MAX)?;
    let now = importer::time(&store)?.judge(&clock::reading()).at;
    let kit = importer::reverify(&store, &row, env!("CARGO_PKG_VERSION"), now, &limits)?;
    let opened = open(&store, args, &row, &limits)?;
    // Taken before it is used: a number that two publications bear is worse than one that none does.
    let version = store.next_publication()?;
    let expiries = SiteExpiries::default();
    let publication = Publication { roots: &site.roots, keys: &site.keys, version, now, expiries, receipt: &receipt };
    let word = publish(&kit, &publication)?;
    let progress = Progress::new(global);
    progress.step("writing the kit", None);
    let mut written = None;
    files::write(&args.output, 0o644, |file| {
        let mut out = BufWriter::new(&mut *file);
        written = Some(endorse(opened, &kit, &word, &mut out).map_err(volumes::refused)?);
        Ok(out.flush()?)
    })?;
    let written = written.context("the kit was not written")?;
    let line = volumes::digest_line(&written.sha256, &args.output);
    files::write_bytes(&files::beside(&args.output, ".sha256"), 0o644, line.as_bytes())?;
    if let Some(directory) = &args.repository {
        write_repository(&store, &kit, &word, directory, &progress)?;
    }
    progress.finish();
    let mut out = io::stdout().lock();
    writeln!(out, "{}: kit version {}, {} bytes", args.output.display(), kit.kit_version(), written.length)?;
    writeln!(out, "sha256 {}", written.sha256)?;
    writeln!(out, "publication {version} of this site, site root {}", site.roots.len())?;
    if let Some(directory) = &args.repository {
        writeln!(out, "repository {}: {} targets", directory.display(), kit.targets().len())?;
    }
    Ok(Exit::Clean)
}

fn generation(store: &Store, asked: Option<u64>) -> Result<GenerationRow> {
    let number = match asked {
        Some(number) => number,
        None => store.current()?.ok_or(store::StoreError::NoGeneration)?,
    };
    let row = store.generations()?.into_iter().find(|row| row.number == number);
    Ok(row.ok_or(store::StoreError::UnknownGeneration(number))?)
}

/// The file that the generation came from. That it has the same metadata is what makes it this kit.
fn open(store: &Store, args: &Args, row: &GenerationRow, limits: &Limits) -> Result<OpenKit<File>> {
    let kept = store.kit_file(&row.kit_sha256);
    let path = args.kit.as_deref().unwrap_or(&kept);
    if args.kit.is_none() && !path.is_file() {
        let message = format!("the kit of generation {} is not kept here; give its file with --kit", row.number);
        return Err(UsageError(message).into());
    }
    let opened = ouk::read::open(importer::open_source(path)?, limits)?;
    if Digest::of(opened.metadata.frame()) != row.metadata_frame {
        let message = format!("{} is not the kit of generation {}", path.display(), row.number);
        return Err(UsageError(message).into());
    }
    Ok(opened)
}

/// Contents first, then what pins them, the timestamp last.
fn write_repository(
    store: &Store,
    kit: &VerifiedKit,
    word: &SiteMetadata,
    directory: &Path,
    progress: &Progress,
) -> Result<()> {
    progress.step("writing the repository", Some(kit.targets().iter().map(|target| target.length).sum()));
    let (metadata, targets) = (directory.join("metadata"), directory.join("targets"));
    let mut bytes = 0;
    for target in kit.targets() {
        let path = targets.join(content_name(target));
        if let Some(folder) = path.parent() {
            files::make_directory(folder)?;
        }
        if !is_there(&path, target)? {
            files::write(&path, 0o644, |file| write_content(store, target, file))?;
        }
        bytes += target.length;
        progress.at(bytes);
    }
    if let Some(receipt) = word.receipt() {
        files::write_bytes(&directory.join("receipt.dsse.json"), 0o644, receipt)?;
    }
    files::make_directory(&metadata)?;
    for (name, document) in word.repository() {
        files::write_bytes(&metadata.join(name), 0o644, document)?;
    }
    files::sync_directory(&metadata)
}

/// The content from the store's blobs, checked as a whole.
fn write_content(store: &Store, target: &VerifiedTarget, file: &mut File) -> Result<()> {
    let mut whole = target.assembly();
    let mut out = BufWriter::new(&mut *file);
    for chunk in &target.chunks {
        let bytes = store.blobs().read(&chunk.sha256, chunk.len)?;
        whole.push(&bytes);
        out.write_all(&bytes)?;
    }
    whole.finish()?;
    Ok(out.flush()?)
}

fn is_there(path: &Path, target: &VerifiedTarget) -> Result<bool> {
    if !path.is_file() {
        return Ok(false);
    }
    let mut hasher = HashWriter(Hasher::new());
    io::copy(&mut files::open(path)?, &mut hasher).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(hasher.0.finish() == target.sha256)
}

struct HashWriter(Hasher);

impl Write for HashWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
