//! Steps 2 to 8.

use ouk::verify::VerifiedKit;
use store::Workspace;

use super::{OpenJob, Opened, Seal};
use crate::error::ImportError;

pub(super) fn open(workspace: &Workspace, job: &OpenJob) -> Result<Opened, ImportError> {
    let comment = job.seal.as_ref().map(|seal| check_seal(workspace, seal)).transpose()?;
    let check = &job.check;
    let mut opened = ouk::read::open(workspace.kit()?, &check.limits)?;
    let kit = ouk::verify::verify(&opened.metadata, &check.trust, &check.gates, check.present, &check.limits)?;
    if let Some(comment) = &comment {
        ouk::seal::check_kit(comment, &kit)?;
    }
    workspace.write_metadata(&opened.metadata.expanded())?;
    check_paths(&kit)?;
    let mut site_length = 0;
    if let Some(site) = opened.site(&kit)? {
        workspace.write_site(&site.expanded())?;
        site_length = site.frame().len() as u64;
    }
    Ok(Opened { frame_length: opened.metadata.frame().len() as u64, site_length })
}

fn check_seal(workspace: &Workspace, seal: &Seal) -> Result<ouk::seal::TrustedComment, ImportError> {
    let comment = ouk::seal::verify_minisign(workspace.kit()?, &seal.text, &seal.key)?;
    ouk::seal::check_comment(&comment, &seal.kit_sha256)?;
    Ok(comment)
}

/// A kit that signs something the loader has no place for is refused before a blob is read.
fn check_paths(kit: &VerifiedKit) -> Result<(), ImportError> {
    super::trivy::check_paths(kit)?;
    super::shard::purposes(kit, 0).map(drop)
}
