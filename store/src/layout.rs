//! Where things are in the state directory.

use std::io;
use std::path::{Path, PathBuf};

use domain::digest::Digest;

use crate::disk::{Disk, Kind};
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
        let mut made = false;
        for directory in [
            self.root.clone(),
            self.cas(),
            self.generations(),
            self.staging(),
            self.workspace(),
            self.kits(),
            self.sets(),
            self.quarantine(),
            self.keys(),
            self.log(),
        ] {
            if !disk.stat(&directory).is_ok_and(|found| found.kind == Kind::Directory) {
                create_directories(disk, &directory)?;
                made = true;
            }
        }
        if made { sync_directory(disk, &self.root) } else { Ok(()) }
    }

    /// Makes the names in the state directory durable, its own, and those of the directories above
    /// it, any of which may be new. One above that cannot be synced is not ours, so it was there.
    pub(crate) fn sync_names(&self, disk: &dyn Disk) -> Result<(), StoreError> {
        sync_directory(disk, &self.root)?;
        for above in self.root.ancestors().skip(1) {
            // The parent of a relative path.
            let above = if above.as_os_str().is_empty() { Path::new(".") } else { above };
            match disk.sync_dir(above) {
                Err(error) if !is_not_ours(&error) => return Err(StoreError::io(above)(error)),
                _ => {}
            }
        }
        Ok(())
    }

    pub(crate) fn root_path(&self) -> &PathBuf {
        &self.root
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

    /// Private keys of the site, one file for each purpose.
    pub(crate) fn keys(&self) -> PathBuf {
        self.root.join("keys")
    }

    /// The private key for a purpose, which is a word of ours.
    pub(crate) fn key(&self, purpose: &str) -> PathBuf {
        self.keys().join(format!("{purpose}.key.pem"))
    }

    /// The key that is to take the place of that one.
    pub(crate) fn next_key(&self, purpose: &str) -> PathBuf {
        self.keys().join(format!("{purpose}.next.key.pem"))
    }

    /// The audit log as files that anybody can read who knows the format.
    pub fn log(&self) -> PathBuf {
        self.root.join("log")
    }

    pub(crate) fn kits(&self) -> PathBuf {
        self.root.join("kits")
    }

    /// The kit with this digest, kept so that it can be passed on.
    pub(crate) fn kit(&self, sha256: &Digest) -> PathBuf {
        self.kits().join(format!("{sha256}.tar.zst"))
    }

    /// What has come of kits that are not whole yet.
    pub(crate) fn sets(&self) -> PathBuf {
        self.root.join("sets")
    }

    /// A file of the set with this name: a word of ours, or the digest of a frame.
    pub(crate) fn set_file(&self, set: &Digest, part: &str) -> PathBuf {
        self.sets().join(format!("{set}.{part}"))
    }

    pub fn quarantine(&self) -> PathBuf {
        self.root.join("quarantine")
    }
}

fn is_not_ours(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::Unsupported
    )
}
