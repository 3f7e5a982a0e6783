//! `stella kit import`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use domain::clock::ClockState;
use domain::digest::Digest;
use importer::isolated::Isolated;
use importer::{ImportError, Imported, Means, Outcome, Part, Progress as Step, Request, SealPolicy, SiteWord};
use ouk::verify::Gates;
use sandbox::Level;
use store::{PendingRow, Store, StoreError};

use super::{PRODUCT, incomplete, volumes};
use crate::cli::control::{self, Asking};
use crate::cli::db::{self, Format};
use crate::cli::exit::Exit;
use crate::cli::progress::Progress;
use crate::cli::{Global, admin, files};
use crate::scan::ENGINE;

const ROOT_BYTES_MAX: u64 = 64 << 10;
const SEAL_BYTES_MAX: u64 = 16 << 10;

const AFTER_HELP: &str = "\
Examples:
  stella kit import /media/usb/ouk-stella-stable-7.tar.zst --trust-root 1.root.json    (first time)
  stella kit import ouk-stella-stable-8.tar.zst --seal-key minisign.pub
  stella kit import ouk-stella-stable-8.tar.zst --expect-sha256 4f0c…
  stella kit import /media/usb/*.vol*.tar.zst                                          (volumes, all here)
  stella kit import /media/usb/ouk-stella-stable-8.vol2of3.tar.zst                     (one by one)

The kit is copied once, verified, and made active by one atomic step. When it is refused the
active data stays as it was, the kit goes to quarantine, and the exit code is 6. Where others must
approve (stella admin dual-control) the kit is staged instead, and the exit code is 7. A kit that has
suspiciously less than the active data is staged, too, and the exit code is 9: see stella kit activate.

A volume, or a copy that ends too early or is damaged, gives what is good in it; that is kept for 14
days, and the exit code is 5. Further volumes or copies may come in any order, from other media, in
other runs; with the last one the kit becomes active. A seal and --expect-sha256 are of the whole kit.
stella kit status shows what is missing.";

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The kit: a file or a block device; or files with parts of it, in any order
    #[arg(value_name = "FILE", required = true, num_args = 1..)]
    files: Vec<PathBuf>,
    /// The vendor's root metadata; pinned at the first import, checked to be the pinned one later
    #[arg(long, value_name = "FILE", env = "STELLA_TRUST_ROOT")]
    trust_root: Option<PathBuf>,
    /// The root of the site that passes kits on; pinned once, and from then on its word is wanted, too
    #[arg(long, value_name = "FILE", env = "STELLA_SITE_ROOT")]
    site_root: Option<PathBuf>,
    #[command(flatten)]
    seal: SealArgs,
    /// Refuse the kit unless it has this SHA-256
    #[arg(long, value_name = "HEX")]
    expect_sha256: Option<Digest>,
    /// Channel that kits must belong to
    #[arg(long, default_value = "stable", env = "STELLA_CHANNEL")]
    channel: String,
    #[command(flatten)]
    worker: WorkerArgs,
    #[command(flatten)]
    asking: Asking,
}

const STAGE_HELP: &str = "\
Examples:
  stella kit stage /media/usb/ouk-stella-stable-8.tar.zst --operator alice --sign-with alice.key.pem
  stella kit pending
  stella kit activate 2

The kit is verified as by an import and its data are kept, but nothing serves them. Neither the
active generation nor the version floors move before it is activated. It is verified again then.";

/// `stella kit stage`: the same arguments, another end.
#[derive(clap::Args)]
#[command(after_help = STAGE_HELP)]
pub(crate) struct StageArgs {
    #[command(flatten)]
    import: Args,
}

/// How the process that verifies the kit is confined.
#[derive(clap::Args)]
pub(crate) struct WorkerArgs {
    /// What happens when this kernel cannot confine the process that reads the kit
    #[arg(long, value_enum, default_value = "best-effort", env = "STELLA_SANDBOX")]
    sandbox: SandboxLevel,
    /// Seconds that it may take, beside one for each MiB of the kit
    #[arg(long, hide = true, default_value_t = 300)]
    worker_patience: u64,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum SandboxLevel {
    /// Refuse to import
    Required,
    /// Use what there is
    BestEffort,
}

impl WorkerArgs {
    pub(crate) fn isolated(&self) -> Isolated {
        let level = match self.sandbox {
            SandboxLevel::Required => Level::Required,
            SandboxLevel::BestEffort => Level::BestEffort,
        };
        Isolated { level, patience: Duration::from_secs(self.worker_patience) }
    }
}

/// How the minisign seal beside a kit is treated.
#[derive(clap::Args)]
pub(crate) struct SealArgs {
    /// The vendor's minisign public key
    #[arg(long, value_name = "FILE", env = "STELLA_SEAL_KEY")]
    seal_key: Option<PathBuf>,
    /// Refuse a kit without a seal
    #[arg(long, requires = "seal_key")]
    seal_required: bool,
    /// Do not look for a seal
    #[arg(long, conflicts_with_all = ["seal_key", "seal_required"])]
    no_seal: bool,
}

/// A seal and the key to check it with, as far as they are there.
pub(crate) struct Seal {
    pub(crate) text: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) policy: SealPolicy,
}

impl SealArgs {
    /// The seal of the kit that these files are, or that they are parts of.
    fn read_of(&self, files: &[PathBuf]) -> Result<Seal> {
        let whole = |path: &PathBuf| volumes::kit_beside(path).unwrap_or_else(|| path.clone());
        let mut kits: Vec<PathBuf> = files.iter().map(whole).collect();
        kits.dedup();
        let mut none = None;
        for kit in &kits {
            let seal = self.read(kit)?;
            if seal.text.is_some() {
                return Ok(seal);
            }
            none.get_or_insert(seal);
        }
        none.context("no file was given")
    }

    pub(crate) fn read(&self, kit: &Path) -> Result<Seal> {
        let policy = if self.seal_required { SealPolicy::Required } else { SealPolicy::Optional };
        if self.no_seal {
            return Ok(Seal { text: None, key: None, policy });
        }
        let text = files::read_optional(&files::beside(kit, ".minisig"), SEAL_BYTES_MAX)?;
        let key = self.seal_key.as_deref().map(|path| files::read(path, SEAL_BYTES_MAX)).transpose()?;
        let utf8 = |bytes: Option<Vec<u8>>, what| {
            bytes.map(String::from_utf8).transpose().with_context(|| format!("the {what} is not text"))
        };
        Ok(Seal { text: utf8(text, "seal")?, key: utf8(key, "public key")?, policy })
    }
}

/// What this appliance takes kits for.
pub(crate) fn gates(channel: &str) -> Gates {
    Gates {
        product: PRODUCT.to_owned(),
        channels: vec![channel.to_owned()],
        appliance_version: env!("CARGO_PKG_VERSION").to_owned(),
        schema_max: feeds::dataset::DELTA_SCHEMA,
    }
}

pub(crate) fn read_root(path: &Path) -> Result<Vec<u8>> {
    files::read(path, ROOT_BYTES_MAX)
}

pub(super) fn run(global: &Global, args: &Args) -> Result<Exit> {
    import(global, args, importer::import_parts, Exit::Approval)
}

pub(super) fn stage(global: &Global, args: &StageArgs) -> Result<Exit> {
    import(global, &args.import, importer::stage_parts, Exit::Clean)
}

/// An import or what else is made of a kit; `held` is how it ends when the kit waits.
fn import(
    global: &Global,
    args: &Args,
    make: fn(&Store, &Request<'_>, &[Part], &Means<'_>) -> Result<Imported, ImportError>,
    held: Exit,
) -> Result<Exit> {
    sandbox::yield_to_others()?;
    let store = global.open_store()?;
    let mut parts = args.files.iter().map(|path| open(path));
    let kit = parts.next().context("no file was given")??;
    let others: Vec<Part> = parts.collect::<Result<_, ImportError>>()?;
    let root = args.trust_root.as_deref().map(read_root).transpose()?;
    let site_root = args.site_root.as_deref().map(read_root).transpose()?;
    let seal = args.seal.read_of(&args.files)?;
    let progress = Progress::new(global);
    let request = Request {
        kit: kit.file,
        given_as: kit.given_as,
        trust_root: root.as_deref(),
        site_root: site_root.as_deref(),
        seal: seal.text.as_deref(),
        seal_key: seal.key.as_deref(),
        seal_policy: seal.policy,
        expected: args.expect_sha256,
        gates: gates(&args.channel),
        operator: args.asking.operator.clone(),
        engine: ENGINE.to_owned(),
    };
    let (at, worker) = (control::At::now(&store)?, args.worker.isolated());
    let show = |step| show(&progress, step);
    let means = Means {
        site: &at.site,
        worker: &worker,
        reading: &at.reading,
        limits: &at.limits,
        nonce: at.nonce,
        progress: &show,
    };
    let imported = make(&store, &request, &others, &means);
    progress.finish();
    let seal = match (&seal.text, &seal.key) {
        (Some(_), Some(_)) => "verified",
        (None, _) => "not checked: there is none beside the kit",
        (Some(_), None) => "not checked: no --seal-key was given",
    };
    let imported = match imported {
        Ok(imported) => imported,
        Err(error) => {
            // A refusal is written down too, and its checkpoint is worth as much.
            admin::show_checkpoint(&store);
            return Err(error.into());
        }
    };
    let outcome = imported.outcome.clone();
    report(imported, seal)?;
    match outcome {
        Outcome::Held(row) => {
            control::held(&store, &row, &args.asking, &at)?;
            preview(global, &store, &row)?;
            // Staged it would have waited in any case.
            let must_look = held == Exit::Approval && must_look(&store, &row)?;
            Ok(if must_look { Exit::Held } else { held })
        }
        Outcome::Incomplete(_) => Ok(Exit::Data),
        Outcome::Activated(_) | Outcome::AlreadyCurrent(_) => {
            super::status::entitlements(&store, &mut std::io::stdout().lock())?;
            Ok(Exit::Clean)
        }
    }
}

fn open(path: &Path) -> Result<Part, ImportError> {
    Ok(Part { file: importer::open_source(path)?, given_as: path.display().to_string() })
}

/// Does it wait for nothing but somebody who accepts that it has less?
fn must_look(store: &Store, row: &PendingRow) -> Result<bool> {
    Ok(!row.concerns().is_empty() && store.control_policy()?.needed(row.task.action()) == 0)
}

/// What the kit that waits would change for the stored SBOMs. The first kit of a site changes nothing.
fn preview(global: &Global, store: &Store, row: &PendingRow) -> Result<()> {
    match (store.current()?, row.staged()) {
        (Some(current), Some(staged)) => match super::impact::preview(global, store, staged.number, current) {
            Ok(impact) => super::impact::write(&impact, Format::Table),
            // The kit waits all the same, and is what replaces the damaged data.
            Err(error) if is_about_damage(&error) => {
                let warning = format!("what it changes cannot be shown: {error}");
                Ok(control::warn(&mut std::io::stdout().lock(), &[warning])?)
            }
            Err(error) => Err(error),
        },
        _ => Ok(()),
    }
}

/// Is it the index that was read, whoever read it?
fn is_about_damage(error: &anyhow::Error) -> bool {
    let store = match error.downcast_ref() {
        Some(ImportError::Store(error)) => Some(error),
        _ => error.downcast_ref(),
    };
    matches!(store, Some(StoreError::DamagedGeneration(_)))
}

fn show(progress: &Progress, step: Step) {
    match step {
        Step::Copying { bytes } => {
            progress.step("copying into staging", None);
            progress.at(bytes);
        }
        Step::Sealed => progress.step("verifying metadata", None),
        Step::Verified { bytes, .. } => progress.step("verifying and storing blobs", Some(bytes)),
        Step::Loading { bytes } => progress.at(bytes),
        Step::Indexing => progress.step("writing the generation", None),
        Step::Keeping => progress.step("storing blobs", None),
        Step::Searching => progress.step("looking for parts of a kit", None),
        Step::Assembling { bytes } => {
            progress.step("putting the kit together", None);
            progress.at(bytes);
        }
        Step::Activating => progress.step("activating", None),
        Step::Done => progress.step("done", None),
    }
}

fn report(imported: Imported, seal: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match &imported.outcome {
        Outcome::AlreadyCurrent(number) => {
            writeln!(out, "this kit is active already, as generation {number}; nothing was changed")?;
        }
        Outcome::Activated(row) => {
            writeln!(
                out,
                "generation {} is active: kit version {}, signed {}",
                row.number, row.kit_version, row.signed_at
            )?;
            writeln!(out, "{} advisories from {} sources", row.advisories, row.sources.len())?;
            if let Some(trivy_db) = &row.trivy_db {
                writeln!(out, "{}", db::describe_trivy_db(trivy_db))?;
            }
            writeln!(out, "kit sha256:{}", row.kit_sha256)?;
            writeln!(out, "content root {}", row.content_root)?;
            writeln!(out, "seal {seal}")?;
        }
        Outcome::Incomplete(incomplete) => incomplete::report(incomplete, &mut out)?,
        Outcome::Held(_) => writeln!(out, "the kit is verified and staged; seal {seal}")?,
    }
    match imported.site {
        SiteWord::Absent => {}
        SiteWord::NotEvaluated => {
            writeln!(out, "site signatures travel with the kit and were not evaluated: no --site-root is pinned")?;
        }
        SiteWord::Verified { publication } => writeln!(out, "site signatures verified, publication {publication}")?,
    }
    control::warn(&mut out, &imported.warnings)?;
    match imported.clock {
        ClockState::Ok => {}
        ClockState::Behind => {
            writeln!(out, "warning: this machine's clock is behind what signed data proves; set it right")?;
        }
        ClockState::Ahead => writeln!(
            out,
            "warning: this machine's clock is more than 400 days ahead of what signed data proves and is not believed; \
             set it right, or confirm it with `stella admin clock confirm`"
        )?,
    }
    admin::write_checkpoint(&mut out, imported.logged)
}
