//! The VEX documents that go into a kit: read here as every site will read them.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use domain::vex::CarriedVex;
use feeds::dataset::{Manifest, Row, VEX_BYTES_MAX, VEX_DOCUMENTS_MAX, VEX_LINE_BYTES_MAX};
use feeds::export::{ExportOptions, with_vex};
use policy::vex::{Document, Limits, VexError};

use super::dataset::DataSet;
use crate::cli::exit::UsageError;
use crate::cli::files;
use crate::cli::vex::is_stranger;

#[derive(clap::Args)]
pub(super) struct Args {
    /// VEX documents that the kit carries and every scan applies: files, or directories of them (may be repeated)
    #[arg(long = "vex", value_name = "FILE|DIR")]
    documents: Vec<PathBuf>,
}

impl Args {
    /// The data set with the documents; those that it had before give way.
    pub(super) fn add_to(&self, set: DataSet) -> Result<DataSet> {
        if self.documents.is_empty() {
            return Ok(set);
        }
        let vex: Vec<CarriedVex> = read(&self.documents)?.into_values().collect();
        require_small(&vex)?;
        let mut made = BTreeMap::new();
        let root = set.content_root_without_vex()?;
        let options = ExportOptions::default();
        let manifest: Manifest = with_vex(&set.manifest, root, &vex, &options, &mut |segment, bytes| {
            made.insert(segment.sha256, bytes);
            Ok::<(), std::convert::Infallible>(())
        })?;
        Ok(set.with(manifest, made))
    }
}

/// What a site would refuse is not signed.
fn require_small(vex: &[CarriedVex]) -> Result<()> {
    let length = vex.iter().fold(0, |sum, carried| sum + carried.to_line().len() as u64 + 1);
    if vex.len() as u64 > VEX_DOCUMENTS_MAX || length > VEX_BYTES_MAX {
        let count = vex.len();
        let message = format!("--vex: {count} documents of {length} bytes as lines, and a kit carries at most");
        return Err(UsageError(format!("{message} {VEX_DOCUMENTS_MAX} of {VEX_BYTES_MAX} bytes together")).into());
    }
    Ok(())
}

/// By name: that of the file, in a directory with its path in there.
fn read(paths: &[PathBuf]) -> Result<BTreeMap<String, CarriedVex>> {
    let mut vex = BTreeMap::new();
    for path in paths {
        let found = vex.len();
        for file in files::walk(std::slice::from_ref(path))? {
            let inside = if path.is_dir() { file.strip_prefix(path).ok() } else { file.file_name().map(Path::new) };
            let name = inside.and_then(Path::to_str).with_context(|| format!("{}: no name", file.display()))?;
            let Some(carried) = document(&file, name, path.is_dir())? else { continue };
            if vex.insert(name.to_owned(), carried).is_some() {
                return Err(UsageError(format!("--vex: two documents have the name {name}")).into());
            }
        }
        if vex.len() == found {
            return Err(UsageError(format!("--vex {}: there is no VEX document in it", path.display())).into());
        }
    }
    Ok(vex)
}

/// None for what lies in a directory and is no VEX.
fn document(file: &Path, name: &str, may_be_other: bool) -> Result<Option<CarriedVex>> {
    let limits = Limits::default();
    let bytes = files::read(file, limits.bytes_max as u64)?;
    let read = match String::from_utf8(bytes) {
        Ok(document) => {
            let carried = CarriedVex { name: name.to_owned(), document };
            policy::vex::read_carried(&carried, &limits).map(|documents| (carried, documents))
        }
        Err(_) => Err(VexError::NotUtf8),
    };
    match read {
        Ok((carried, documents)) => {
            require_line(&carried, file)?;
            documents.iter().try_for_each(|document| tell(file, document))?;
            Ok(Some(carried))
        }
        Err(error) if may_be_other && is_stranger(file, &error) => {
            writeln!(std::io::stderr(), "{} is not carried: {error}", file.display())?;
            Ok(None)
        }
        Err(error) => Err(error).with_context(|| format!("a kit cannot carry the VEX document {}", file.display())),
    }
}

fn require_line(carried: &CarriedVex, file: &Path) -> Result<()> {
    let length = carried.to_line().len();
    if length > VEX_LINE_BYTES_MAX {
        let message = format!("{} is too large for a kit: {length} bytes as a line,", file.display());
        return Err(UsageError(format!("{message} at most {VEX_LINE_BYTES_MAX}: give it in parts")).into());
    }
    Ok(())
}

/// Whoever makes the kit can mend the document; at a site nobody can.
fn tell(file: &Path, document: &Document) -> Result<()> {
    for problem in &document.problems {
        writeln!(std::io::stderr(), "{}: does not count: {problem}", file.display())?;
    }
    Ok(())
}
