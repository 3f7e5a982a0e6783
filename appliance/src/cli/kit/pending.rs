//! Several new files that appear together or not at all.

#![expect(clippy::disallowed_methods, reason = "the operator's own file arguments")]

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::cli::files;

/// Files under temporary names. Dropped before [`Self::publish`], they are removed.
#[derive(Default)]
pub(super) struct Pending {
    /// Temporary and final name.
    files: Vec<(PathBuf, PathBuf)>,
}

impl Pending {
    /// Writes a file that will be `path`.
    pub(super) fn write<T>(&mut self, path: &Path, fill: impl FnOnce(&mut BufWriter<File>) -> Result<T>) -> Result<T> {
        let temporary = files::beside(path, ".partial");
        let cannot = || format!("cannot write {}", temporary.display());
        let mut options = fs::OpenOptions::new();
        let file = options.create(true).truncate(true).write(true).mode(0o644).open(&temporary);
        let mut out = BufWriter::new(file.with_context(cannot)?);
        self.files.push((temporary.clone(), path.to_owned()));
        let filled = fill(&mut out)?;
        out.flush().with_context(cannot)?;
        out.get_ref().sync_all().with_context(cannot)?;
        Ok(filled)
    }

    /// Gives all files their final names.
    pub(super) fn publish(mut self) -> Result<()> {
        for (temporary, path) in std::mem::take(&mut self.files) {
            fs::rename(&temporary, &path).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        for (temporary, _) in &self.files {
            // The error that led here is the one to report.
            let _ = fs::remove_file(temporary);
        }
    }
}
