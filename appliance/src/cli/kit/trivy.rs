//! The Trivy DB that goes into a kit: checked here as a site will check it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use domain::time::Timestamp;
use feeds::trivydb::bolt::{Limits, Source};
use feeds::trivydb::{DB_NAME, METADATA_NAME, Metadata, check};
use ouk::build::KitTarget;

use crate::cli::files;

const DB_MEDIA_TYPE: &str = "application/vnd.stella.trivydb.v2+bolt";
const METADATA_MEDIA_TYPE: &str = "application/vnd.stella.trivydb.metadata.v2+json";
const METADATA_BYTES_MAX: u64 = 64 << 10;

#[derive(clap::Args)]
pub(super) struct Args {
    /// Directory with trivy.db and metadata.json of a Trivy DB that the kit carries, too
    #[arg(long, value_name = "DIR")]
    trivy_db: Option<PathBuf>,
}

impl Args {
    /// Both targets, or none when no directory was given.
    pub(super) fn targets(&self, schema: u32, signed_at: Timestamp) -> Result<Vec<KitTarget<'static>>> {
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
