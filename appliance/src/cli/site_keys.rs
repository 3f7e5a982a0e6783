//! The keys by which this site vouches for kits, and its roots: `<state>/keys/site/`.

use std::path::PathBuf;

use anyhow::{Context, Result};
use ouk::keys::KeySet;

use super::exit::UsageError;
use super::{Global, files};

const FILE_BYTES_MAX: u64 = 64 << 10;
const ROLES: [&str; 3] = ["targets", "snapshot", "timestamp"];

/// What an export signs with.
pub(crate) struct SiteKeys {
    pub(crate) keys: KeySet,
    /// Every root since the first, in order.
    pub(crate) roots: Vec<Vec<u8>>,
}

pub(crate) fn directory(global: &Global) -> PathBuf {
    global.state_dir.join("keys").join("site")
}

pub(crate) fn read(global: &Global) -> Result<SiteKeys> {
    let directory = directory(global);
    let mut roots = Vec::new();
    while let Some(root) =
        files::read_optional(&directory.join(format!("{}.root.json", roots.len() + 1)), FILE_BYTES_MAX)?
    {
        roots.push(root);
    }
    if roots.is_empty() {
        let message = "this site has no root yet; `stella admin site-root init` makes one";
        return Err(UsageError(message.to_owned()).into());
    }
    let mut secrets = Vec::new();
    for role in ROLES {
        let name = format!("{role}-1.key.pem");
        let pem = files::read(&directory.join(&name), FILE_BYTES_MAX).context("a key of this site")?;
        secrets.push((name, ouk::keys::SecretBytes::new(pem)));
    }
    let keys = KeySet::from_files(secrets.iter().map(|(name, pem)| (name.as_str(), pem.expose())))?;
    Ok(SiteKeys { keys, roots })
}
