//! `stella kit build`: a signed kit from a data set.

use std::io::{BufWriter, Cursor, Read, Seek, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use domain::time::Timestamp;
use feeds::dataset::{MANIFEST_NAME, Manifest, Segment};
use ouk::build::{BuildInput, BuiltKit, Expiries, KitTarget, Progress as Step, build};
use ouk::keys::KeySet;
use ouk::seal::{TrustedComment, sign_minisign};

use super::dataset::DataSet;
use super::{PRODUCT, delta, tokens, trivy, vex};
use crate::cli::exit::{Exit, UsageError};
use crate::cli::progress::Progress;
use crate::cli::{Global, files};
use crate::clock;

const KEY_BYTES_MAX: u64 = 1 << 20;
const MANIFEST_BYTES_MAX: u64 = 8 << 20;
const MANIFEST_MEDIA_TYPE: &str = "application/vnd.stella.dataset.manifest.v1+json";
const SEGMENT_MEDIA_TYPE: &str = "application/vnd.stella.dataset.segment.v1+ndjson";

const AFTER_HELP: &str = "\
Examples:
  stella kit build --keys keys --dataset dataset --kit-version 7 -o ouk-stella-stable-7.tar.zst
  stella kit build --keys keys --dataset dataset --kit-version 8 --base ouk-stella-stable-7.tar.zst -o delta-8.tar.zst
  stella kit build --keys keys --dataset dataset --kit-version 9 --vex vex/ -o ouk-stella-stable-9.tar.zst
  SOURCE_DATE_EPOCH=1790000000 stella kit build …      (same input, same bytes)

Writes the kit, FILE.sha256 and, when the keys directory holds minisign.key, FILE.minisig. The kit
lists with `tar --zstd -tvf`, and the seal verifies with `minisign -Vm`. With --base it carries only
what changed since the base, for sites that have exactly that data; they end up with the full data set.";

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// Directory with the private key files of a ceremony and all N.root.json
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    /// Data set made by `stella feeds ingest`
    #[arg(long, value_name = "DIR")]
    dataset: PathBuf,
    /// Serial number of the kit; must grow from kit to kit
    #[arg(long, value_name = "N")]
    kit_version: u64,
    /// The kit to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[arg(long, default_value = "stable")]
    channel: String,
    /// Time of signing, in Unix seconds; the present by default
    #[arg(long, env = "SOURCE_DATE_EPOCH", value_name = "SECONDS")]
    source_date_epoch: Option<i64>,
    /// Oldest appliance that may import the kit
    #[arg(long, default_value = "0.1.0", value_name = "VERSION")]
    min_appliance_version: String,
    /// zstd level, 1 to 19
    #[arg(long, default_value_t = 12, value_name = "LEVEL")]
    compression_level: i32,
    /// A line for people, signed with the kit
    #[arg(long, default_value = "")]
    notes: String,
    #[command(flatten)]
    entitlements: tokens::KitArgs,
    #[command(flatten)]
    trivy: trivy::Args,
    #[command(flatten)]
    vex: vex::Args,
    /// Write a delta to this full kit, or to this data set
    #[arg(long, value_name = "FILE|DIR")]
    base: Option<PathBuf>,
    /// Serial number of the kit that carried the base; only with a data set as the base
    #[arg(long, value_name = "N", requires = "base")]
    base_version: Option<u64>,
}

pub(super) fn run(global: &Global, args: &Args) -> Result<Exit> {
    let keys = read_keys(&args.keys)?;
    let signed_at = args.source_date_epoch.map_or_else(clock::now, Timestamp::from_unix);
    let roots = read_roots(&args.keys)?;
    let progress = Progress::new(global);
    let set = args.vex.add_to(DataSet::open(&args.dataset)?)?;
    let delta = match &args.base {
        Some(base) => {
            progress.step("comparing", None);
            let base = delta::read_base(base, args.base_version, &roots)?;
            Some(delta::make(&base, &set)?)
        }
        None => None,
    };
    let input = BuildInput {
        product: PRODUCT.to_owned(),
        channel: args.channel.clone(),
        version: args.kit_version,
        roots,
        keys: &keys,
        expiries: Expiries::default(),
        signed_at,
        min_appliance_version: args.min_appliance_version.clone(),
        compression_level: args.compression_level,
        notes: args.notes.clone(),
        base: delta.as_ref().map(|delta| delta.base),
    };
    let (mut targets, summary) = match delta {
        Some(delta) => (delta.targets, delta.summary),
        None => (targets(&set)?, String::new()),
    };
    targets.extend(args.entitlements.targets(&args.keys, signed_at)?);
    let scratch = files::scratch(&args.output)?;
    targets.extend(args.trivy.targets(&args.dataset, scratch, feeds::dataset::SCHEMA, signed_at)?);
    let mut spool = files::scratch(&args.output)?;
    let mut built = None;
    files::write(&args.output, 0o644, |file| {
        let mut out = BufWriter::new(&mut *file);
        built = Some(build(input, targets, &mut spool, &mut out, &mut |step| show(&progress, step))?);
        Ok(out.flush()?)
    })?;
    let built = built.context("the kit was not built")?;
    let sealed = write_sidecars(args, &built)?;
    progress.finish();
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}: kit version {}, {} bytes", args.output.display(), built.kit_version, built.length)?;
    write!(out, "{summary}")?;
    writeln!(out, "sha256 {}", built.sha256)?;
    writeln!(out, "signed {signed_at}, root version {}, {} targets", built.root_version, built.targets.len())?;
    writeln!(out, "seal {}", if sealed { "written" } else { "not written: the keys directory has no minisign.key" })?;
    Ok(Exit::Clean)
}

fn show(progress: &Progress, step: Step) {
    match step {
        Step::Compressing { bytes, .. } => {
            progress.step("compressing", None);
            progress.at(bytes);
        }
        Step::Signing => progress.step("signing", None),
        Step::Writing { bytes } => {
            progress.step("writing", None);
            progress.at(bytes);
        }
    }
}

fn read_keys(directory: &Path) -> Result<KeySet> {
    let mut read = Vec::new();
    for path in files::walk(&[directory.to_owned()])? {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        read.push((name, files::read(&path, KEY_BYTES_MAX)?));
    }
    Ok(KeySet::from_files(read.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())))?)
}

/// `1.root.json`, `2.root.json`, … without a gap.
fn read_roots(directory: &Path) -> Result<Vec<Vec<u8>>> {
    let mut roots = Vec::new();
    while let Some(root) =
        files::read_optional(&directory.join(format!("{}.root.json", roots.len() + 1)), KEY_BYTES_MAX)?
    {
        roots.push(root);
    }
    if roots.is_empty() {
        return Err(UsageError(format!("{} has no 1.root.json", directory.display())).into());
    }
    Ok(roots)
}

/// The manifest and the segments that it lists, and nothing else that may lie there.
fn targets(set: &DataSet) -> Result<Vec<KitTarget<'static>>> {
    let mut targets = vec![manifest_target(&set.manifest)];
    for segment in &set.manifest.segments {
        targets.push(target(segment, feeds::dataset::SCHEMA, set.content(segment)?));
    }
    Ok(targets)
}

pub(super) fn read_manifest(dataset: &Path) -> Result<Manifest> {
    let bytes = files::read(&dataset.join(MANIFEST_NAME), MANIFEST_BYTES_MAX)
        .with_context(|| format!("{} is no data set; make one with `stella feeds ingest`", dataset.display()))?;
    let manifest = Manifest::parse(&bytes, bytes.len())?;
    if manifest.delta.is_some() {
        let message = format!("{} is a delta; a kit is built from a whole data set", dataset.display());
        return Err(UsageError(message).into());
    }
    Ok(manifest)
}

pub(super) fn manifest_target(manifest: &Manifest) -> KitTarget<'static> {
    let bytes = manifest.to_canonical_json();
    KitTarget {
        path: MANIFEST_NAME.to_owned(),
        media_type: MANIFEST_MEDIA_TYPE.to_owned(),
        schema: manifest.schema,
        length_hint: Some(bytes.len() as u64),
        content: Box::new(Cursor::new(bytes)),
    }
}

pub(super) fn target(segment: &Segment, schema: u32, content: Box<dyn Read>) -> KitTarget<'static> {
    KitTarget {
        path: segment.name.clone(),
        media_type: SEGMENT_MEDIA_TYPE.to_owned(),
        schema,
        content,
        length_hint: Some(segment.length),
    }
}

/// The digest for people, and the minisign seal. Says whether there is a seal.
fn write_sidecars(args: &Args, built: &BuiltKit) -> Result<bool> {
    let name = args.output.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let digest = format!("{}  {name}\n", built.sha256);
    files::write_bytes(&files::beside(&args.output, ".sha256"), 0o644, digest.as_bytes())?;
    let Some(key) = files::read_optional(&args.keys.join("minisign.key"), KEY_BYTES_MAX)? else { return Ok(false) };
    let key = String::from_utf8(key).context("minisign.key is not text")?;
    let comment = TrustedComment {
        kit: built.kit_version,
        root: built.root_version,
        targets: built.targets_version,
        sha256: built.sha256,
    };
    let mut kit = files::open(&args.output)?;
    kit.rewind().context("cannot read the kit again")?;
    let password = std::env::var("STELLA_MINISIGN_PASSWORD").ok();
    let seal = sign_minisign(kit, &key, password.as_deref(), &comment)?;
    files::write_bytes(&files::beside(&args.output, ".minisig"), 0o644, seal.as_bytes())?;
    Ok(true)
}
