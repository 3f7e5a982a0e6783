//! `POST /api/v1/scan` and `GET /api/v1/scans/{id}`.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use domain::severity::Severity;
use policy::vex::Library;
use policy::{Gate, OnUnevaluated};
use serde::Deserialize;

use super::App;
use super::problem::Problem;
use crate::clock;
use crate::report::{self, Format, Report, Style};
use crate::scan::{ScanOptions, Scanned, VexOptions, scan_id};
use crate::telemetry::OutcomeLabel;

/// The query of a scan; the same names as the command line's flags.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parameters {
    artifact: Option<String>,
    fail_on: Option<String>,
    #[serde(default)]
    ignore_unfixed: bool,
    #[serde(default)]
    on_unevaluated: OnUnevaluated,
    #[serde(default)]
    allow_empty: bool,
    data_age_days_max: Option<u32>,
    generation: Option<u64>,
    /// `sbom`: what the SBOM says of itself counts.
    vex: Option<VexParameter>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum VexParameter {
    Sbom,
}

impl Parameters {
    fn options(&self, site: &Arc<Library>) -> Result<ScanOptions, Problem> {
        let gate = Gate {
            fail_on: fail_on(self.fail_on.as_deref())?,
            ignore_unfixed: self.ignore_unfixed,
            on_unevaluated: self.on_unevaluated,
            allow_empty: self.allow_empty,
            data_age_days_max: self.data_age_days_max,
        };
        let embedded = self.vex == Some(VexParameter::Sbom);
        let vex = VexOptions { site: Arc::clone(site), embedded };
        Ok(ScanOptions { gate, generation: self.generation, vex })
    }
}

/// A severity, `never`, or nothing for the default.
pub(super) fn fail_on(text: Option<&str>) -> Result<Option<Severity>, Problem> {
    match text {
        None => Ok(Gate::default().fail_on),
        Some("never") => Ok(None),
        Some(level) => level.parse().map(Some).map_err(Problem::invalid_parameter),
    }
}

pub(super) async fn create(
    State(app): State<Arc<App>>,
    parameters: Result<Query<Parameters>, QueryRejection>,
    document: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let Query(parameters) = parameters.map_err(|rejection| Problem::invalid_parameter(rejection.body_text()))?;
    let options = parameters.options(&app.vex)?;
    let document = document.map_err(|rejection| Problem::body(rejection.status(), rejection.body_text()))?;
    let id = scan_id().map_err(Problem::internal)?;
    let artifact = parameters.artifact.unwrap_or_else(|| "-".to_owned());
    let body = run(&app, id.clone(), artifact, document, options).await?;
    app.archive.keep(id.clone(), body.clone()).await.map_err(Problem::internal)?;
    Ok(json(body, [(header::LOCATION, format!("/api/v1/scans/{id}"))]))
}

/// Scans on a thread that may compute for long, as many at once as there are cores.
async fn run(
    app: &Arc<App>,
    id: String,
    artifact: String,
    document: Bytes,
    options: ScanOptions,
) -> Result<Vec<u8>, Problem> {
    let slot = Arc::clone(&app.scan_slots).acquire_owned().await.map_err(Problem::internal)?;
    let app = Arc::clone(app);
    let work = move || -> Result<Vec<u8>, Problem> {
        let _slot = slot;
        let watch = clock::Stopwatch::start();
        let result = app.engine.scan(&document, &options, clock::now());
        count(&app, result.as_ref().ok(), watch.seconds());
        let Scanned { inventory, evaluation, verdict, vex } = result?;
        let report = Report { vex, ..Report::new(id, &artifact, inventory, evaluation, verdict) };
        let mut body = Vec::with_capacity(4096);
        report::render(&report, Format::Json, &Style { colour: false, width: None, suppressed: false }, &mut body)
            .map_err(Problem::internal)?;
        Ok(body)
    };
    tokio::task::spawn_blocking(work).await.map_err(Problem::internal)?
}

fn count(app: &App, scanned: Option<&Scanned>, seconds: f64) {
    let outcome = scanned.map_or("error", |scanned| scanned.verdict.outcome.as_str()).to_owned();
    app.metrics.scans.get_or_create(&OutcomeLabel { outcome }).inc();
    app.metrics.scan_duration.observe(seconds);
    if let Some(scanned) = scanned {
        app.metrics.components.inc_by(scanned.evaluation.coverage.components);
        app.metrics.findings.inc_by(scanned.evaluation.findings.len() as u64);
    }
}

pub(super) async fn show(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Response, Problem> {
    let report = app.engine.store().scan(&id)?.ok_or_else(Problem::unknown_scan)?;
    Ok(json(report, []))
}

fn json<const N: usize>(body: Vec<u8>, headers: [(HeaderName, String); N]) -> Response {
    (headers, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
