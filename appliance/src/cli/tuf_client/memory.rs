//! Accepted metadata as files of one directory.

use std::io;
use std::path::PathBuf;

use ouk::client::Remember;

use crate::cli::files;

pub(super) struct Directory(PathBuf);

impl Directory {
    pub(super) fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }
}

impl Remember for Directory {
    fn load(&mut self, name: &str, length_max: u64) -> io::Result<Option<Vec<u8>>> {
        files::read_optional(&self.0.join(name), length_max).map_err(io::Error::other)
    }

    fn save(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let save = || -> anyhow::Result<()> {
            files::write_bytes(&self.0.join(name), 0o600, bytes)?;
            files::sync_directory(&self.0)
        };
        save().map_err(io::Error::other)
    }
}
