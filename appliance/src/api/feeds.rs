//! `GET /api/v1/feeds`: the sources of the active generation and how old each is.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use domain::digest::Digest;
use domain::source::SourceStatus;
use domain::time::Timestamp;
use serde::Serialize;

use super::App;
use super::problem::Problem;
use crate::clock;

#[derive(Serialize)]
pub(super) struct Feeds {
    generation: u64,
    kit: Digest,
    kit_version: u64,
    content_root: Digest,
    signed_at: Timestamp,
    imported_at: Timestamp,
    advisories: u64,
    /// Each ecosystem (with release) that has advisories, and whether they are complete.
    ecosystems: BTreeMap<String, bool>,
    sources: Vec<Feed>,
}

#[derive(Serialize)]
struct Feed {
    #[serde(flatten)]
    status: SourceStatus,
    /// Null when the source states no date: then its age is unknown.
    age_days: Option<i64>,
}

pub(super) async fn list(State(app): State<Arc<App>>) -> Result<Json<Feeds>, Problem> {
    let generation = app.engine.generation()?;
    let row = generation.row();
    let now = clock::now();
    let feed = |status: &SourceStatus| Feed {
        age_days: match policy::source_age(status, now).age {
            policy::DataAge::Days(days) => Some(days),
            policy::DataAge::Unknown => None,
        },
        status: status.clone(),
    };
    Ok(Json(Feeds {
        generation: row.number,
        kit: row.kit_sha256,
        kit_version: row.kit_version,
        content_root: row.content_root,
        signed_at: row.signed_at,
        imported_at: row.imported_at,
        advisories: row.advisories,
        ecosystems: generation.ecosystems().clone(),
        sources: row.sources.iter().map(feed).collect(),
    }))
}
