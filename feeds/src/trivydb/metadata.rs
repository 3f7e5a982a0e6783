//! `metadata.json`, which travels beside a Trivy DB.

use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::TrivyDbError;

const BYTES_MAX: usize = 64 << 10;
const SCHEMA: u32 = 2;
/// Upstream asks for the next one after a day. A vendor may leave more time to a courier; a date behind
/// which no scanner ever asks again would keep it at old data for good.
const NEXT_UPDATE_DAYS_MAX: i64 = 31;
/// How far the clocks of those who built the database and the kit may be apart.
const AHEAD_DAYS_MAX: i64 = 2;

/// What is known of a Trivy DB without opening it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    pub schema: u32,
    pub updated_at: Timestamp,
    /// When Trivy looks for a newer one.
    pub next_update: Timestamp,
}

/// The document as Go writes it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    #[serde(default)]
    version: u32,
    updated_at: String,
    next_update: String,
}

impl Metadata {
    pub fn parse(bytes: &[u8]) -> Result<Self, TrivyDbError> {
        if bytes.len() > BYTES_MAX {
            return Err(TrivyDbError::MetadataTooLong { limit: BYTES_MAX });
        }
        let document: Document = serde_json::from_slice(bytes).map_err(TrivyDbError::Metadata)?;
        if document.version != SCHEMA {
            return Err(TrivyDbError::Schema(document.version));
        }
        let time = |field, text: String| {
            Timestamp::parse_lenient(&text)
                .map_err(|_| TrivyDbError::Time { field, text: text.chars().take(64).collect() })
        };
        Ok(Self {
            schema: document.version,
            updated_at: time("UpdatedAt", document.updated_at)?,
            next_update: time("NextUpdate", document.next_update)?,
        })
    }

    /// Can these dates be those of a database in a kit that was signed then?
    pub(super) fn check(&self, signed_at: Timestamp) -> Result<(), TrivyDbError> {
        let Self { updated_at, next_update, .. } = self;
        if *updated_at > signed_at.plus_days(AHEAD_DAYS_MAX) {
            return Err(TrivyDbError::Age(format!("it was updated at {updated_at}, after the kit was signed")));
        }
        if next_update <= updated_at || *next_update > updated_at.plus_days(NEXT_UPDATE_DAYS_MAX) {
            let text = format!(
                "updated at {updated_at}, it asks for no other before {next_update}: up to {NEXT_UPDATE_DAYS_MAX} days are taken"
            );
            return Err(TrivyDbError::Age(text));
        }
        Ok(())
    }
}
