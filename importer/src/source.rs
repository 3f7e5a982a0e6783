//! Opening what the operator names: read-only, never through a link, never a pipe.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

use crate::error::ImportError;

/// Opens a kit. The checks are made on the open file, so that nobody can swap it in between.
pub fn open(path: &Path) -> Result<File, ImportError> {
    let shown = || path.display().to_string();
    // NONBLOCK: opening a FIFO must not wait for its writer.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    #[expect(clippy::disallowed_methods, reason = "the operator's own file, opened read-only")]
    let file = OpenOptions::new().read(true).custom_flags(flags.cast_signed()).open(path).map_err(|source| {
        match rustix::io::Errno::from_io_error(&source) {
            Some(rustix::io::Errno::LOOP) => {
                ImportError::SourceKind { path: shown(), reason: "is a symbolic link, not a kit file" }
            }
            _ => ImportError::SourceRead { path: shown(), source },
        }
    })?;
    let kind = file.metadata().map_err(|source| ImportError::SourceRead { path: shown(), source })?.file_type();
    if kind.is_file() || kind.is_block_device() {
        Ok(file)
    } else {
        Err(ImportError::SourceKind { path: shown(), reason: "is neither a regular file nor a block device" })
    }
}
