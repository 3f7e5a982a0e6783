//! The Trivy DB that goes into a kit: checked here as a site will check it.

use std::fs::File;
use std::io::{self, BufWriter, IntoInnerError};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use domain::time::Timestamp;
use feeds::dataset::{Limits as LineLimits, SegmentKind, lines, parse_advisory};
use feeds::trivydb::bolt::{Limits, Source};
use feeds::trivydb::export::Export;
use feeds::trivydb::{DB_NAME, DERIVED_NAME, Derived, METADATA_NAME, Metadata, check};
use ouk::build::KitTarget;

use super::build::read_manifest;
use crate::cli::exit::UsageError;
use crate::cli::files;

const DB_MEDIA_TYPE: &str = "application/vnd.stella.trivydb.v2+bolt";
const METADATA_MEDIA_TYPE: &str = "application/vnd.stella.trivydb.metadata.v2+json";
const DERIVED_MEDIA_TYPE: &str = "application/vnd.stella.trivydb.derived.v1+json";
const METADATA_BYTES_MAX: u64 = 64 << 10;

#[derive(clap::Args)]
pub(super) struct Args {
    /// Directory with trivy.db and metadata.json of a Trivy DB that the kit carries, too
    #[arg(long, value_name = "DIR")]
    trivy_db: Option<PathBuf>,
    /// Sign the digest of the Trivy DB that the records give; a site makes it itself and must get the same bytes
    #[arg(long)]
    derive_trivy_db: bool,
}

impl Args {
    /// What there is of three targets. `scratch` is for the database that is made to be signed.
    pub(super) fn targets(
        &self,
        dataset: &Path,
        scratch: File,
        schema: u32,
        signed_at: Timestamp,
    ) -> Result<Vec<KitTarget<'static>>> {
        let mut targets = self.carried(schema, signed_at)?;
        if self.derive_trivy_db {
            let derived = derive(dataset, scratch)?;
            if let Some(directory) = &self.trivy_db {
                require_same(&directory.join("trivy.db"), &derived)?;
            }
            let bytes = derived.to_canonical_json();
            targets.push(KitTarget {
                path: DERIVED_NAME.to_owned(),
                media_type: DERIVED_MEDIA_TYPE.to_owned(),
                schema,
                length_hint: Some(bytes.len() as u64),
                content: Box::new(io::Cursor::new(bytes)),
            });
        }
        Ok(targets)
    }

    /// The database and its metadata, or none when no directory was given.
    fn carried(&self, schema: u32, signed_at: Timestamp) -> Result<Vec<KitTarget<'static>>> {
        let Some(directory) = &self.trivy_db else { return Ok(Vec::new()) };
        let path = directory.join("trivy.db");
        let bytes = files::read(&directory.join("metadata.json"), METADATA_BYTES_MAX)?;
        judge(&path, &bytes, signed_at).with_context(|| format!("{} is no Trivy DB for a kit", directory.display()))?;
        let file = files::open(&path)?;
        let length = file.metadata().context("cannot tell its length")?.len();
        Ok(vec![
            KitTarget {
                path: METADATA_NAME.to_owned(),
                media_type: METADATA_MEDIA_TYPE.to_owned(),
                schema,
                length_hint: Some(bytes.len() as u64),
                content: Box::new(io::Cursor::new(bytes)),
            },
            KitTarget {
                path: DB_NAME.to_owned(),
                media_type: DB_MEDIA_TYPE.to_owned(),
                schema,
                length_hint: Some(length),
                content: Box::new(file),
            },
        ])
    }
}

/// Makes the database of a whole data set, as a site will make it of its generation.
fn derive(dataset: &Path, scratch: File) -> Result<Derived> {
    let manifest = read_manifest(dataset)?;
    let mut export = Export::new();
    for segment in manifest.segments.iter().filter(|segment| segment.kind == SegmentKind::Advisory) {
        let bytes = files::read(&dataset.join(&segment.name), segment.length)?;
        for line in lines(SegmentKind::Advisory, &bytes, LineLimits::default()) {
            export.add(&parse_advisory(line.with_context(|| segment.name.clone())?.raw)?);
        }
    }
    let (out, exported) = export.write(BufWriter::new(scratch))?;
    let mut file = out.into_inner().map_err(IntoInnerError::into_error)?;
    Ok(Derived::of(exported.bytes, files::digest(&mut file)?))
}

/// A kit that carries another one would be refused everywhere.
fn require_same(path: &Path, derived: &Derived) -> Result<()> {
    let mut file = files::open(path)?;
    let found = files::digest(&mut file)?;
    if found != derived.sha256 {
        let message = format!("{} is not what the records give: {found}, not {}", path.display(), derived.sha256);
        return Err(UsageError(message).into());
    }
    Ok(())
}

fn judge(path: &Path, metadata: &[u8], signed_at: Timestamp) -> Result<()> {
    let file = files::open(path)?;
    let length = file.metadata().context("cannot tell its length")?.len();
    check(Database { file, length }, Limits::default(), &Metadata::parse(metadata)?, signed_at)?;
    Ok(())
}

struct Database {
    file: File,
    length: u64,
}

impl Source for Database {
    fn length(&self) -> u64 {
        self.length
    }

    fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(bytes, offset)
    }
}
