//! The Trivy DB of a kit: read to its end before the kit can become active (docs/adr/0013-trivy-db.md).

use domain::digest::Digest;
use feeds::trivydb::bolt::{BoltError, Limits, Source};
use feeds::trivydb::{self, Contents, DB_NAME, FOLDER, METADATA_NAME, Metadata, TrivyDbError};
use ouk::verify::{VerifiedKit, VerifiedTarget};
use store::{Blobs, Pieces, StoreError, TrivyDbRow, Workspace};

use crate::error::ImportError;

/// Under its folder nothing but a database and its metadata has a place: what is not known is not checked,
/// and somebody would use it all the same.
pub(super) fn check_paths(kit: &VerifiedKit) -> Result<(), ImportError> {
    let is_known = |path: &str| !path.starts_with(FOLDER) || path == DB_NAME || path == METADATA_NAME;
    if let Some(target) = kit.targets().iter().find(|target| !is_known(&target.path)) {
        return Err(ImportError::semantic(
            &target.path,
            format!("only {DB_NAME} and {METADATA_NAME} have a place there"),
        ));
    }
    targets(kit).map(drop)
}

/// Checks the database of a kit that carries one. Its blobs lie in the workspace.
pub(super) fn check(workspace: &Workspace, kit: &VerifiedKit) -> Result<Option<Contents>, ImportError> {
    let Some((database, metadata)) = targets(kit)? else { return Ok(None) };
    let metadata = workspace.read_blob(&metadata.sha256, metadata.length)?;
    let metadata = Metadata::parse(&metadata).map_err(|error| ImportError::semantic(METADATA_NAME, error))?;
    let blobs: Vec<(Digest, u64)> = database.chunks.iter().map(|chunk| (chunk.sha256, chunk.len)).collect();
    let database = Target(workspace.pieces(&blobs));
    let found = trivydb::check(database, Limits::default(), &metadata, kit.signed_at());
    found.map(Some).map_err(|error| refuse(workspace, error))
}

/// What is remembered of it. The metadata are read again, from the bytes that the signatures cover.
pub(crate) fn row(
    kit: &VerifiedKit,
    blobs: &Blobs,
    contents: Option<Contents>,
) -> Result<Option<TrivyDbRow>, ImportError> {
    let Some((_, metadata)) = targets(kit)? else { return Ok(None) };
    let contents = contents.ok_or_else(|| ImportError::worker("it has not looked at the Trivy DB"))?;
    let metadata = blobs.read(&metadata.sha256, metadata.length)?;
    let metadata = Metadata::parse(&metadata).map_err(|error| ImportError::semantic(METADATA_NAME, error))?;
    Ok(Some(TrivyDbRow {
        schema: metadata.schema,
        updated_at: metadata.updated_at,
        next_update: metadata.next_update,
        platforms: contents.platforms,
        advisories: contents.advisories,
        vulnerabilities: contents.vulnerabilities,
        bytes: contents.bytes,
    }))
}

/// Both, or neither. The metadata are one chunk and so one blob.
fn targets(kit: &VerifiedKit) -> Result<Option<(&VerifiedTarget, &VerifiedTarget)>, ImportError> {
    match (kit.target(DB_NAME), kit.target(METADATA_NAME)) {
        (Some(_), Some(metadata)) if metadata.chunks.len() != 1 => {
            Err(ImportError::semantic(METADATA_NAME, "is not one chunk"))
        }
        (Some(database), Some(metadata)) => Ok(Some((database, metadata))),
        (None, None) => Ok(None),
        (Some(_), None) => Err(ImportError::semantic(DB_NAME, format!("comes without {METADATA_NAME}"))),
        (None, Some(_)) => Err(ImportError::semantic(METADATA_NAME, format!("comes without {DB_NAME}"))),
    }
}

/// A workspace that cannot be read is not the kit's fault.
fn refuse(workspace: &Workspace, error: TrivyDbError) -> ImportError {
    match error {
        TrivyDbError::Bolt(BoltError::Read(source)) => {
            StoreError::Io { path: workspace.directory().clone(), source }.into()
        }
        TrivyDbError::Schema(_) | TrivyDbError::Age(_) => ImportError::semantic(METADATA_NAME, error),
        error => ImportError::semantic(DB_NAME, error),
    }
}

/// The chunks of a target as the reader wants them.
struct Target(Pieces);

impl Source for Target {
    fn length(&self) -> u64 {
        self.0.length()
    }

    fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> std::io::Result<()> {
        self.0.read_exact_at(bytes, offset)
    }
}
