//! What `split` and `join` share: whom they believe, what they say beside the files, and names.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Result;
use domain::digest::Digest;
use domain::time::Timestamp;
use importer::ImportError;
use ouk::limits::Limits;
use ouk::read::OpenKit;
use ouk::seal::TrustedComment;
use ouk::verify::{Floors, Gates, TrustState, VerifiedKit, check_root, verify};
use ouk::volume::VolumeError;

use super::PRODUCT;
use super::import::read_root;
use crate::cli::exit::UsageError;
use crate::cli::files;

pub(super) const SUFFIX: &str = ".tar.zst";
const FIRST_ROOT: &str = "META/root/1.root.json";
const SIDECAR_BYTES_MAX: u64 = 16 << 10;

/// Verifies the metadata at the time of its own signing. Whether it is too old, and meant
/// for a site, is for the import there to judge: a volume must not be refused because of the
/// clock of the machine that puts it together.
pub(super) fn verify_origin(open: &OpenKit<File>, trust_root: Option<&Path>, limits: &Limits) -> Result<VerifiedKit> {
    let root = match trust_root {
        Some(path) => {
            let root = read_root(path)?;
            check_root(&root, limits).map_err(ImportError::TrustRoot)?;
            root
        }
        None => open.metadata.files().get(FIRST_ROOT).cloned().unwrap_or_default(),
    };
    let said = open.inspect();
    let gates = Gates {
        product: PRODUCT.to_owned(),
        channels: said.channel.into_iter().collect(),
        appliance_version: said.min_appliance_version.unwrap_or_else(|| env!("CARGO_PKG_VERSION").to_owned()),
        schema_max: u32::MAX,
    };
    let trust = TrustState { root, floors: Floors::default() };
    let signed_at = said.signed_at.unwrap_or(Timestamp::UNIX_EPOCH);
    Ok(verify(&open.metadata, &trust, &gates, signed_at, limits)?)
}

/// How far the verification went, in words.
pub(super) fn origin(trust_root: Option<&Path>) -> &'static str {
    match trust_root {
        Some(_) => "signed under the given root",
        None => "consistent in itself; give --trust-root to check whose it is",
    }
}

/// An error of ouk with its exit code.
pub(super) fn refused(error: VolumeError) -> anyhow::Error {
    match error {
        VolumeError::Kit(error) => error.into(),
        VolumeError::TooSmall { .. } | VolumeError::TooMany { .. } => UsageError(error.to_string()).into(),
        VolumeError::Set(_) | VolumeError::Write(_) => error.into(),
    }
}

/// The line of a `.sha256` file.
pub(super) fn digest_line(sha256: &Digest, path: &Path) -> String {
    format!("{sha256}  {}\n", path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default())
}

/// The digests that the files beside a kit name, and which file does. Hints: nobody signed
/// the one, and nobody checked the signature of the other.
pub(super) fn hints(kit: &Path) -> Result<Vec<(PathBuf, Digest)>> {
    let mut found = Vec::new();
    for (extension, read) in [(".sha256", listed as fn(&str) -> Option<Digest>), (".minisig", sealed)] {
        let path = files::beside(kit, extension);
        let bytes = files::read_optional(&path, SIDECAR_BYTES_MAX)?.unwrap_or_default();
        let digest = String::from_utf8(bytes).ok().and_then(|text| read(&text));
        found.extend(digest.map(|digest| (path, digest)));
    }
    Ok(found)
}

/// The seal beside a kit, to be carried along.
pub(super) fn seal(kit: &Path) -> Result<Option<Vec<u8>>> {
    files::read_optional(&files::beside(kit, ".minisig"), SIDECAR_BYTES_MAX)
}

fn listed(text: &str) -> Option<Digest> {
    text.split_whitespace().next()?.parse().ok()
}

fn sealed(text: &str) -> Option<Digest> {
    let comment = text.lines().find_map(|line| line.strip_prefix("trusted comment: "))?;
    Some(comment.parse::<TrustedComment>().ok()?.sha256)
}

/// `x/kit.vol2of3.tar.zst` was made of a `kit.tar.zst`, by its own word.
pub(super) fn kit_beside(volume: &Path) -> Option<PathBuf> {
    let name = volume.file_name()?.to_str()?;
    let (stem, label) = name.strip_suffix(SUFFIX)?.rsplit_once(".vol")?;
    let (number, count) = label.split_once("of")?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (digits(number) && digits(count)).then(|| volume.with_file_name(format!("{stem}{SUFFIX}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volumes_name_leads_to_its_kit_and_other_names_lead_nowhere() {
        let kit = |name: &str| kit_beside(Path::new(name)).map(|path| path.display().to_string());
        assert_eq!(kit("a/ouk-7.vol2of13.tar.zst").as_deref(), Some("a/ouk-7.tar.zst"));
        for name in ["a/ouk-7.tar.zst", "a.vol2of.tar.zst", "a.vol2of3.zst", "a.vol-1of3.tar.zst", ""] {
            assert_eq!(kit(name), None, "{name}");
        }
    }
}
