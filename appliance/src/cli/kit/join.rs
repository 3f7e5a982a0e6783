//! `stella kit join`: the kit from its volumes, from broken copies, or from both.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use domain::digest::Digest;
use importer::ImportError;
use ouk::error::KitError;
use ouk::limits::Limits;
use ouk::read::OpenKit;
use ouk::verify::Chunk;
use ouk::volume::{Assembled, Ended, FoundFrame, FrameSet, Harvest, Outline, assemble, harvest};

use super::volumes;
use crate::cli::exit::Exit;
use crate::cli::progress::Progress;
use crate::cli::{Global, files};

const SHOWN_MAX: usize = 5;

const AFTER_HELP: &str = "\
Examples:
  stella kit join kit.vol*of3.tar.zst -o kit.tar.zst --trust-root 1.root.json
  stella kit join first-stick/kit.tar.zst second-stick/kit.tar.zst -o kit.tar.zst   (broken copies)

Order, names and duplicates do not matter: the signed metadata in each volume says which blobs
belong to the kit. A volume or kit that is cut short or damaged gives what is good in it, so a
second copy with other damage completes it. There is no output until every blob is there; then it
is the kit byte for byte. A .sha256 or .minisig of the kit beside the output or the volumes must
fit. How old the kit is, and whether it is for a site, is for the import to judge.";

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// Volumes, kits or broken copies of them, in any order
    #[arg(value_name = "VOL", required = true)]
    volumes: Vec<PathBuf>,
    /// The kit to write
    #[arg(short, long, value_name = "KIT")]
    output: PathBuf,
    /// The vendor's root metadata; without it the kit is held against itself only
    #[arg(long, value_name = "FILE", env = "STELLA_TRUST_ROOT")]
    trust_root: Option<PathBuf>,
    /// Leave out a site's frame that travels with the kit: gives the vendor's own file
    #[arg(long)]
    without_site: bool,
}

pub(super) fn run(global: &Global, args: &Args) -> Result<Exit> {
    let limits = Limits::default();
    let progress = Progress::new(global);
    let (index, mut opened) = metadata(args, &limits)?;
    let named = || args.volumes.get(index).map(|path| path.display().to_string()).unwrap_or_default();
    let kit = volumes::verify_origin(&opened, args.trust_root.as_deref(), &limits).with_context(named)?;
    let site = opened.site(&kit).with_context(named)?.cloned().filter(|_| !args.without_site);
    let outline = Outline::new(&opened.metadata, &kit).with_site(site.as_ref());
    drop(opened);
    let mut set = Places { files: &args.volumes, places: BTreeMap::new(), reading: 0, open: None };
    progress.step("reading volumes", None);
    let mut bytes = 0;
    let mut lines = Vec::new();
    for (reading, path) in args.volumes.iter().enumerate() {
        set.reading = reading;
        let source = Counted { source: importer::open_source(path)?, progress: &progress, bytes };
        let found = harvest(source, &outline, &limits, &mut set).map_err(volumes::refused);
        let found = found.with_context(|| path.display().to_string())?;
        bytes += found.length;
        lines.push(format!("{}: {}", path.display(), tell(&found)));
        lines.extend(found.damaged.iter().take(SHOWN_MAX).map(|damage| {
            let blobs: Vec<String> = damage.chunks.iter().map(|chunk| chunk.sha256.to_string()).collect();
            let blobs = if blobs.is_empty() { String::new() } else { format!(": blob {}", blobs.join(", ")) };
            format!("  damaged: {} bytes at byte {}{blobs}", damage.length, damage.offset)
        }));
    }
    progress.finish();
    let mut out = io::stdout().lock();
    for line in lines {
        writeln!(out, "{line}")?;
    }
    let missing = outline.missing(&set);
    for chunk in missing.iter().take(SHOWN_MAX) {
        writeln!(out, "missing: blob {}", chunk.sha256)?;
    }
    if missing.len() > SHOWN_MAX {
        writeln!(out, "missing: {} more", missing.len() - SHOWN_MAX)?;
    }
    if missing.is_empty() {
        progress.step("writing the kit", Some(outline.length()));
    }
    let (made, checked) = write(args, &outline, &mut set)?;
    progress.finish();
    writeln!(out, "{}: kit version {}, {} bytes", args.output.display(), kit.kit_version(), made.length)?;
    writeln!(out, "sha256 {}", made.sha256)?;
    writeln!(out, "the kit is {}", volumes::origin(args.trust_root.as_deref()))?;
    for path in checked {
        writeln!(out, "the digest is that of {}", path.display())?;
    }
    Ok(Exit::Clean)
}

/// The metadata frame that most inputs have, and the input that it is read from. A frame can
/// be bent in a bit without effect; the original is more likely what several inputs agree on.
fn metadata(args: &Args, limits: &Limits) -> Result<(usize, OpenKit<File>)> {
    let mut votes: BTreeMap<Digest, usize> = BTreeMap::new();
    let mut readable = Vec::new();
    let mut first_error = None;
    for (index, path) in args.volumes.iter().enumerate() {
        match ouk::read::open(importer::open_source(path)?, limits) {
            Ok(opened) => {
                let frame = Digest::of(opened.metadata.frame());
                *votes.entry(frame).or_default() += 1;
                readable.push((index, frame));
            }
            // Other inputs may have what is broken in this one.
            Err(error) => {
                first_error.get_or_insert((path, error));
            }
        }
    }
    let most = readable.iter().rev().max_by_key(|(_, frame)| votes.get(frame));
    match (most, first_error) {
        (Some(&(index, _)), _) => {
            let path = args.volumes.get(index).context("no such input")?;
            Ok((index, ouk::read::open(importer::open_source(path)?, limits)?))
        }
        (None, Some((path, error))) => Err(anyhow::Error::from(error).context(path.display().to_string())),
        (None, None) => Err(KitError::Caller("there is no input").into()),
    }
}

/// Writes the kit and its sidecars. Says which files beside it named the same digest.
fn write(args: &Args, outline: &Outline, set: &mut Places<'_>) -> Result<(Assembled, Vec<PathBuf>)> {
    let mut kits = vec![args.output.clone()];
    kits.extend(args.volumes.iter().filter_map(|path| volumes::kit_beside(path)));
    kits.sort();
    kits.dedup();
    let mut hints = Vec::new();
    for kit in &kits {
        hints.extend(volumes::hints(kit)?);
    }
    let mut made = None;
    files::write(&args.output, 0o644, |file| {
        let mut out = io::BufWriter::new(&mut *file);
        let whole = assemble(outline, set, &mut out).map_err(volumes::refused)?;
        out.flush()?;
        if let Some((path, expected)) = hints.iter().find(|(_, digest)| *digest != whole.sha256) {
            let error = ImportError::Unexpected { expected: *expected, found: whole.sha256 };
            return Err(anyhow::Error::from(error).context(path.display().to_string()));
        }
        made = Some(whole);
        Ok(())
    })?;
    let made = made.context("the kit was not written")?;
    let line = volumes::digest_line(&made.sha256, &args.output);
    files::write_bytes(&files::beside(&args.output, ".sha256"), 0o644, line.as_bytes())?;
    if volumes::seal(&args.output)?.is_none() {
        for kit in &kits {
            if let Some(seal) = volumes::seal(kit)? {
                files::write_bytes(&files::beside(&args.output, ".minisig"), 0o644, &seal)?;
                break;
            }
        }
    }
    Ok((made, hints.into_iter().map(|(path, _)| path).collect()))
}

fn tell(found: &Harvest) -> String {
    let Harvest { frames, new, .. } = found;
    let ended = match &found.ended {
        Ended::Complete => "the whole kit".to_owned(),
        Ended::Volume if found.damaged.is_empty() => "a volume".to_owned(),
        Ended::Volume => "damaged".to_owned(),
        Ended::Truncated if *frames == 0 && found.length == 0 => "nothing of this kit is in it".to_owned(),
        Ended::Truncated => format!("ends too early, good up to byte {}", found.length),
        Ended::ReadError(error) => format!("cannot be read on from byte {}: {error}", found.length),
    };
    format!("{frames} blobs, {new} of them new; {ended}")
}

/// Where each frame stands in the inputs. Nothing is copied until the kit is written.
struct Places<'a> {
    files: &'a [PathBuf],
    places: BTreeMap<Digest, (usize, u64)>,
    /// The input that is being read.
    reading: usize,
    open: Option<(usize, File)>,
}

impl FrameSet for Places<'_> {
    fn has(&self, csha256: &Digest) -> bool {
        self.places.contains_key(csha256)
    }

    fn put(&mut self, found: &FoundFrame<'_>) -> io::Result<()> {
        self.places.insert(found.chunk().csha256, (self.reading, found.offset()));
        Ok(())
    }

    fn read(&mut self, chunk: &Chunk) -> io::Result<Vec<u8>> {
        let &(input, offset) = self.places.get(&chunk.csha256).ok_or(io::ErrorKind::NotFound)?;
        if self.open.as_ref().is_none_or(|(open, _)| *open != input) {
            let path = self.files.get(input).ok_or(io::ErrorKind::NotFound)?;
            let file = importer::open_source(path).map_err(io::Error::other)?;
            self.open = Some((input, file));
        }
        let (_, file) = self.open.as_mut().ok_or(io::ErrorKind::NotFound)?;
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        file.take(chunk.clen).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// Shows how much was read.
struct Counted<'a> {
    source: File,
    progress: &'a Progress,
    bytes: u64,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.bytes += read as u64;
        self.progress.at(self.bytes);
        Ok(read)
    }
}
