//! Where things are in the state directory.

use std::path::{Path, PathBuf};

use domain::digest::Digest;

use crate::disk::Disk;
use crate::durable::{create_directories, sync_directory};
use crate::error::StoreError;

/// The paths below one state directory. No name from outside ever becomes part of one.
#[derive(Clone, Debug)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Makes the directories that are missing, readable by their owner alone.
    pub(crate) fn create(&self, disk: &dyn Disk) -> Result<(), StoreError> {
        for directory in
            [self.root.clone(), self.cas(), self.generations(), self.staging(), self.workspace(), self.quarantine()]
        {
            create_directories(disk, &directory)?;
        }
        sync_directory(disk, &self.root)
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.root.join("state.redb")
    }

    pub(crate) fn sboms(&self) -> PathBuf {
        self.root.join("sboms.redb")
    }

    pub(crate) fn import_lock(&self) -> PathBuf {
        self.root.join("import.lock")
    }

    pub(crate) fn cas(&self) -> PathBuf {
        self.root.join("cas")
    }

    pub(crate) fn blob(&self, digest: &Digest) -> PathBuf {
        let hex = digest.to_string();
        self.cas().join("sha256").join(&hex[..2]).join(hex)
    }

    pub(crate) fn generations(&self) -> PathBuf {
        self.root.join("generations")
    }

    pub(crate) fn generation(&self, number: u64) -> PathBuf {
        self.generations().join(format!("{number:08}.redb"))
    }

    pub fn staging(&self) -> PathBuf {
        self.root.join("staging")
    }

    /// The copy of the kit that is being imported.
    pub(crate) fn staged_kit(&self) -> PathBuf {
        self.staging().join("kit")
    }

    /// Where it is taken apart.
    pub(crate) fn workspace(&self) -> PathBuf {
        self.staging().join("work")
    }

    pub fn quarantine(&self) -> PathBuf {
        self.root.join("quarantine")
    }
}
