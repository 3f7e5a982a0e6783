//! The files that a command line names: the one part of the program, beside the store,
//! that touches them.

#![expect(clippy::disallowed_methods, reason = "the operator's own file arguments")]

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use domain::digest::{Digest, Hasher};

/// Reads a file, or standard input for `-`, up to a limit.
pub(crate) fn read(path: &Path, bytes_max: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = |reader: &mut dyn Read, bytes: &mut Vec<u8>| reader.take(bytes_max + 1).read_to_end(bytes);
    if path == Path::new("-") {
        read(&mut io::stdin().lock(), &mut bytes).context("cannot read standard input")?;
    } else {
        read(&mut open(path)?, &mut bytes).with_context(|| format!("cannot read {}", path.display()))?;
    }
    if bytes.len() as u64 > bytes_max {
        anyhow::bail!("{} is larger than the limit of {bytes_max} bytes", path.display());
    }
    Ok(bytes)
}

pub(crate) fn open(path: &Path) -> Result<File> {
    File::open(path).with_context(|| format!("cannot open {}", path.display()))
}

/// A file beside another one: `kit.tar.zst` and `kit.tar.zst.minisig`.
pub(crate) fn beside(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(extension);
    name.into()
}

/// Reads a file that may be absent.
pub(crate) fn read_optional(path: &Path, bytes_max: u64) -> Result<Option<Vec<u8>>> {
    // One that cannot be looked at is not absent.
    let exists = path.try_exists().with_context(|| format!("cannot look for {}", path.display()))?;
    if exists { read(path, bytes_max).map(Some) } else { Ok(None) }
}

/// Writes a new file by way of a temporary one in the same directory, so that nobody ever
/// sees half of it.
pub(crate) fn write(path: &Path, mode: u32, fill: impl FnOnce(&mut File) -> Result<()>) -> Result<()> {
    // A device or a pipe is written to, not replaced; a link is followed, not replaced.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let path = target.as_path();
    if fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        let file = fs::OpenOptions::new().write(true).open(path);
        return fill(&mut file.with_context(|| format!("cannot write {}", path.display()))?);
    }
    let temporary = beside(path, ".partial");
    let write = || -> Result<()> {
        let mut file = fs::OpenOptions::new()
            .create(true)
            .truncate(true)
            .read(true)
            .write(true)
            .mode(mode)
            .open(&temporary)
            .with_context(|| format!("cannot write {}", temporary.display()))?;
        fill(&mut file)?;
        file.sync_all().with_context(|| format!("cannot write {}", temporary.display()))?;
        fs::rename(&temporary, path).with_context(|| format!("cannot write {}", path.display()))
    };
    write().inspect_err(|_| {
        // The first error is the one to report.
        let _ = fs::remove_file(&temporary);
    })
}

pub(crate) fn write_bytes(path: &Path, mode: u32, bytes: &[u8]) -> Result<()> {
    write(path, mode, |file| Ok(file.write_all(bytes)?))
}

/// Makes the names in a directory outlive a loss of power.
pub(crate) fn sync_directory(path: &Path) -> Result<()> {
    let synced = File::open(path).and_then(|directory| directory.sync_all());
    synced.with_context(|| format!("cannot write {}", path.display()))
}

/// A scratch file beside `path`, without a name once it is open.
pub(crate) fn scratch(path: &Path) -> Result<File> {
    let temporary = beside(path, ".spool");
    let file = fs::OpenOptions::new()
        .create(true)
        .truncate(true)
        .read(true)
        .write(true)
        .mode(0o600)
        .open(&temporary)
        .with_context(|| format!("cannot write {}", temporary.display()))?;
    fs::remove_file(&temporary).with_context(|| format!("cannot remove {}", temporary.display()))?;
    Ok(file)
}

/// The digest of a whole file.
pub(crate) fn digest(file: &mut File) -> Result<Digest> {
    file.rewind().context("cannot read it again")?;
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer).context("cannot read it again")?;
        if read == 0 {
            return Ok(hasher.finish());
        }
        hasher.update(buffer.get(..read).unwrap_or_default());
    }
}

pub(crate) fn make_directory(path: &Path) -> Result<()> {
    fs::create_dir_all(path).with_context(|| format!("cannot make the directory {}", path.display()))
}

pub(crate) fn is_empty_or_absent(path: &Path) -> Result<bool> {
    match fs::read_dir(path) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error).with_context(|| format!("cannot list {}", path.display())),
    }
}

/// All regular files below the paths given, sorted, so that order never depends on the disk.
pub(crate) fn walk(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        let found = fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
        if found.is_dir() {
            let entries = fs::read_dir(path).with_context(|| format!("cannot list {}", path.display()))?;
            let mut below = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
            below.sort_unstable();
            files.extend(walk(&below)?);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}
