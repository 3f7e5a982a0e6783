//! `/api/v1/sboms`: the SBOMs that the site keeps an eye on.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::digest::Digest;
use policy::{Gate, OnUnevaluated};
use serde::{Deserialize, Serialize};
use store::{Added, SbomRow};

use super::App;
use super::problem::Problem;
use super::scans::fail_on;
use crate::clock;
use crate::scan::ScanError;

const PAGE: usize = 100;
const PAGE_MAX: usize = 1_000;

/// The name and the policy to keep with a document; the same names as the command line's flags.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    name: Option<String>,
    fail_on: Option<String>,
    #[serde(default)]
    ignore_unfixed: bool,
    #[serde(default)]
    on_unevaluated: OnUnevaluated,
    #[serde(default)]
    allow_empty: bool,
    data_age_days_max: Option<u32>,
}

/// Which part of the list.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Part {
    after: Option<Digest>,
    limit: Option<usize>,
}

#[derive(Serialize)]
pub(super) struct List {
    stored: u64,
    sboms: Vec<SbomRow>,
    /// What to give as `after` for the next part; null at the end.
    next: Option<Digest>,
}

pub(super) async fn create(
    State(app): State<Arc<App>>,
    kept: Result<Query<Kept>, QueryRejection>,
    document: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let Query(kept) = kept.map_err(|rejection| Problem::invalid_parameter(rejection.body_text()))?;
    let gate = Gate {
        fail_on: fail_on(kept.fail_on.as_deref())?,
        ignore_unfixed: kept.ignore_unfixed,
        on_unevaluated: kept.on_unevaluated,
        allow_empty: kept.allow_empty,
        data_age_days_max: kept.data_age_days_max,
    };
    let document = document.map_err(|rejection| Problem::body(rejection.status(), rejection.body_text()))?;
    let slot = Arc::clone(&app.scan_slots).acquire_owned().await.map_err(Problem::internal)?;
    let work = move || -> Result<(SbomRow, Added), Problem> {
        let _slot = slot;
        let inventory = app.engine.read(&document).map_err(ScanError::from)?;
        let digest = Digest::of(&document);
        let name = kept.name.or_else(|| inventory.subject.clone()).unwrap_or_else(|| digest.to_string());
        let row = SbomRow::new(digest, name, &inventory, gate, clock::now());
        let added = app.sboms.add([(&row, &inventory)])?;
        Ok((row, added.first().copied().unwrap_or(Added::New)))
    };
    let (row, added) = tokio::task::spawn_blocking(work).await.map_err(Problem::internal)??;
    let status = match added {
        Added::New => StatusCode::CREATED,
        Added::Replaced => StatusCode::OK,
    };
    Ok((status, [(header::LOCATION, format!("/api/v1/sboms/{}", row.digest))], Json(row)).into_response())
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    part: Result<Query<Part>, QueryRejection>,
) -> Result<Json<List>, Problem> {
    let Query(part) = part.map_err(|rejection| Problem::invalid_parameter(rejection.body_text()))?;
    let limit = part.limit.unwrap_or(PAGE).clamp(1, PAGE_MAX);
    let sboms = app.sboms.list(part.after.as_ref(), limit)?;
    let next = if sboms.len() == limit { sboms.last().map(|row| row.digest) } else { None };
    Ok(Json(List { stored: app.sboms.count()?, sboms, next }))
}

pub(super) async fn remove(State(app): State<Arc<App>>, Path(digest): Path<String>) -> Result<StatusCode, Problem> {
    let digest = digest.parse().map_err(|_| Problem::unknown_sbom())?;
    let removed = tokio::task::spawn_blocking(move || app.sboms.remove(&digest)).await.map_err(Problem::internal)??;
    if removed { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::unknown_sbom()) }
}
