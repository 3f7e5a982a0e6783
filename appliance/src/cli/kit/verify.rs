//! `stella kit verify`: every check of an import that needs no state, and nothing else.

use std::io::{Seek, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use domain::digest::Hasher;
use importer::{ImportError, SealPolicy};
use ouk::limits::Limits;
use ouk::verify::{Floors, TrustState};

use super::import::{SealArgs, gates, read_root};
use crate::cli::Global;
use crate::cli::exit::Exit;
use crate::cli::progress::Progress;
use crate::clock;

const AFTER_HELP: &str = "\
Example:
  stella kit verify ouk-stella-stable-7.tar.zst --trust-root 1.root.json --seal-key minisign.pub

Checks signatures, thresholds, expiry, every blob and the seal. It knows no floors: only an
import can tell that a kit is older than what a site has.";

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    #[arg(value_name = "FILE")]
    kit: PathBuf,
    /// The vendor's root metadata
    #[arg(long, value_name = "FILE", env = "STELLA_TRUST_ROOT")]
    trust_root: PathBuf,
    #[command(flatten)]
    seal: SealArgs,
    /// Channel that the kit must belong to
    #[arg(long, default_value = "stable", env = "STELLA_CHANNEL")]
    channel: String,
}

pub(super) fn run(global: &Global, args: &Args) -> Result<Exit> {
    let limits = Limits::default();
    let root = read_root(&args.trust_root)?;
    ouk::verify::check_root(&root, &limits).map_err(ImportError::TrustRoot)?;
    let seal = args.seal.read(&args.kit)?;
    let mut file = importer::open_source(&args.kit)?;
    let progress = Progress::new(global);
    progress.step("hashing", None);
    let mut hasher = Hasher::new();
    std::io::copy(&mut file, &mut HashWriter(&mut hasher)).context("cannot read the kit")?;
    let sha256 = hasher.finish();
    file.rewind().context("cannot read the kit again")?;
    let comment = match (&seal.text, &seal.key, seal.policy) {
        (Some(text), Some(key), _) => {
            let comment = ouk::seal::verify_minisign(&file, text, key)?;
            ouk::seal::check_comment(&comment, &sha256)?;
            file.rewind().context("cannot read the kit again")?;
            Some(comment)
        }
        (None, _, SealPolicy::Required) => return Err(ImportError::SealMissing.into()),
        _ => None,
    };
    let mut opened = ouk::read::open(file, &limits)?;
    let trust = TrustState { root, floors: Floors::default() };
    let kit = ouk::verify::verify(&opened.metadata, &trust, &gates(&args.channel), clock::now(), &limits)?;
    if let Some(comment) = &comment {
        ouk::seal::check_kit(comment, &kit)?;
    }
    let site = opened.site(&kit)?.is_some();
    progress.step("verifying blobs", Some(kit.targets().iter().map(|target| target.length).sum()));
    let mut blobs = ouk::blobs::blobs(opened, &kit);
    let mut bytes = 0;
    while let Some(frame) = blobs.next_frame()? {
        bytes += frame.open()?.bytes.len() as u64;
        progress.at(bytes);
    }
    blobs.finish()?;
    progress.finish();
    let mut out = std::io::stdout().lock();
    writeln!(out, "verified: {} {} kit version {}", kit.product(), kit.channel(), kit.kit_version())?;
    writeln!(out, "signed {}, root version {}", kit.signed_at(), kit.root_version())?;
    if let Some(base) = kit.base() {
        writeln!(out, "delta to the data of kit version {}, content root {}", base.kit_version, base.content_root)?;
    }
    writeln!(out, "{} targets, {bytes} bytes, kit sha256:{sha256}", kit.targets().len())?;
    let several = kit.targets().iter().filter(|target| target.chunks.len() > 1).count();
    if several > 0 {
        writeln!(out, "{several} large targets were verified chunk by chunk; an import checks them as a whole too")?;
    }
    writeln!(out, "seal {}", if comment.is_some() { "verified" } else { "not checked" })?;
    if site {
        writeln!(out, "site signatures travel with the kit and were not evaluated; an import does that")?;
    }
    for warning in kit.warnings() {
        writeln!(out, "warning: {warning}")?;
    }
    Ok(Exit::Clean)
}

struct HashWriter<'a>(&'a mut Hasher);

impl Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
