//! `stella kit split`: a kit in pieces that fit a medium.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::ValueEnum;
use ouk::limits::Limits;
use ouk::volume::{Assembled, Splitter};

use super::pending::Pending;
use super::volumes::{self, SUFFIX};
use crate::cli::exit::{Exit, UsageError};
use crate::cli::progress::Progress;
use crate::cli::{Global, files};

const AFTER_HELP: &str = "\
Examples:
  stella kit split ouk-stella-stable-7.tar.zst --media cd -o volumes
  stella kit split ouk-stella-stable-7.tar.zst --size 4G -o volumes --trust-root 1.root.json

Sizes: K, M, G (or KiB, MiB, GiB) are powers of 1024; KB, MB, GB are powers of 1000.
Media: the largest file that fits.
  cd      731906048  80-minute disc: 700 MiB, less 2 MiB for the file system
  dvd    4294965248  4 GiB - 2 KiB: the largest file of ISO 9660; a single layer holds one
  fat32  4294967295  4 GiB - 1: the largest file of FAT32

Writes STEM.volNofM.tar.zst, each with a .sha256, and the .sha256 and seal of the whole kit. Each
volume carries the signed metadata. `stella kit join` puts them together, byte for byte.";

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    #[arg(value_name = "KIT")]
    kit: PathBuf,
    /// Largest volume, such as 650M
    #[arg(long, value_name = "SIZE", value_parser = parse_size, required_unless_present = "media", conflicts_with = "media")]
    size: Option<u64>,
    /// Medium that each volume must fit
    #[arg(long, value_enum)]
    media: Option<Media>,
    /// Directory for the volumes; made when it is missing
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// The vendor's root metadata; without it the kit is held against itself only
    #[arg(long, value_name = "FILE", env = "STELLA_TRUST_ROOT")]
    trust_root: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Media {
    Cd,
    Dvd,
    Fat32,
}

impl Media {
    fn bytes_max(self) -> u64 {
        match self {
            // 80 minutes are 360,000 sectors of 2 KiB, 703 MiB. ISO 9660 takes under 1 MiB for
            // itself; the rest is for the digests, and for discs that are a little short.
            Self::Cd => (700 << 20) - (2 << 20),
            // An extent has a 32-bit length and ends at a sector of 2 KiB. A single layer has
            // 4,700,372,992 bytes, so the file system limits the volume and not the disc.
            Self::Dvd => (4 << 30) - (2 << 10),
            // The length of a file is a 32-bit number.
            Self::Fat32 => (4 << 30) - 1,
        }
    }
}

pub(super) fn run(global: &Global, args: &Args) -> Result<Exit> {
    let limits = Limits::default();
    let size_max = args.size.or(args.media.map(Media::bytes_max)).context("neither --size nor --media")?;
    let kit = importer::open_source(&args.kit)?;
    let opened = ouk::read::open(kit, &limits)?;
    let verified = volumes::verify_origin(&opened, args.trust_root.as_deref(), &limits)?;
    let mut splitter = Splitter::new(opened, &verified, size_max).map_err(volumes::refused)?;
    let planned = splitter.volumes().to_vec();
    files::make_directory(&args.output)?;
    let progress = Progress::new(global);
    progress.step("writing volumes", Some(planned.iter().map(|volume| volume.length).sum()));
    let mut pending = Pending::default();
    let mut written = Vec::new();
    let mut before = 0;
    for (at, volume) in planned.iter().enumerate() {
        let path = args.output.join(volume_name(&args.kit, at + 1, planned.len())?);
        let made = pending.write(&path, |file| {
            let mut out = Counted { out: file, progress: &progress, bytes: before };
            splitter.write_next(&mut out).map_err(volumes::refused)
        })?;
        let made = made.context("a planned volume was not written")?;
        before += made.length;
        sidecar(&mut pending, &path, &made)?;
        written.push((path, volume.frames.len(), made));
    }
    let whole = splitter.finish().map_err(volumes::refused)?;
    carry_sidecars(args, &mut pending, &whole)?;
    pending.publish()?;
    progress.finish();
    let mut out = io::stdout().lock();
    writeln!(out, "{} {} kit version {}", verified.product(), verified.channel(), verified.kit_version())?;
    writeln!(out, "the kit is {}", volumes::origin(args.trust_root.as_deref()))?;
    for (path, frames, made) in &written {
        writeln!(out, "{}: {frames} blobs, {} bytes, sha256 {}", path.display(), made.length, made.sha256)?;
    }
    writeln!(out, "all together: {} bytes, sha256 {}", whole.length, whole.sha256)?;
    Ok(Exit::Clean)
}

/// What belongs to the whole kit travels with the volumes, for whoever puts them together.
fn carry_sidecars(args: &Args, pending: &mut Pending, whole: &Assembled) -> Result<()> {
    let Some(name) = args.kit.file_name() else { return Ok(()) };
    let kit = args.output.join(name);
    sidecar(pending, &kit, whole)?;
    if let Some(seal) = volumes::seal(&args.kit)? {
        pending.write(&files::beside(&kit, ".minisig"), |file| Ok(file.write_all(&seal)?))?;
    }
    Ok(())
}

fn sidecar(pending: &mut Pending, path: &Path, made: &Assembled) -> Result<()> {
    let line = volumes::digest_line(&made.sha256, path);
    pending.write(&files::beside(path, ".sha256"), |file| Ok(file.write_all(line.as_bytes())?))
}

fn volume_name(kit: &Path, number: usize, count: usize) -> Result<String> {
    let name = kit.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| UsageError(format!("{} has no name to make others from", kit.display())))?;
    let stem = name.strip_suffix(SUFFIX).unwrap_or(name);
    Ok(format!("{stem}.vol{number}of{count}{SUFFIX}"))
}

fn parse_size(text: &str) -> Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| "not a size such as 650M".to_owned())?;
    let factor = match unit {
        "" => 1,
        "K" | "KiB" => 1 << 10,
        "M" | "MiB" => 1 << 20,
        "G" | "GiB" => 1 << 30,
        "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        _ => return Err(format!("unknown unit {unit:?}; K, M, G, KB, MB and GB are known")),
    };
    number.checked_mul(factor).ok_or_else(|| "too large".to_owned())
}

/// Shows how much was written.
struct Counted<'a, W> {
    out: &'a mut W,
    progress: &'a Progress,
    bytes: u64,
}

impl<W: Write> Write for Counted<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.bytes += written as u64;
        self.progress.at(self.bytes);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_the_common_tools_read_them() {
        for (text, bytes) in [("650M", 681_574_400), ("1KB", 1000), ("4GiB", 1 << 32), ("12", 12), ("2MB", 2_000_000)] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for text in ["", "M", "-1", "1.5G", "1T", "1 M", "99999999999G"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
        assert_eq!(
            [Media::Cd, Media::Dvd, Media::Fat32].map(Media::bytes_max),
            [731_906_048, 4_294_965_248, 4_294_967_295]
        );
    }
}
