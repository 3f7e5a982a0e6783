//! `/healthz` (the process answers), `/readyz` (it can give verdicts) and `/metrics`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::App;
use super::problem::Problem;
use crate::clock;
use crate::telemetry::SourceLabel;

pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// Ready is the truth: a generation is open and can be read, and nothing of it was found damaged.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Result<String, Problem> {
    let generation = app.engine.generation()?;
    generation.view()?;
    if let Some(damage) = app.integrity.damage(generation.row().number) {
        return Err(Problem::damaged_data(damage));
    }
    Ok(format!("ready: generation {}\n", generation.row().number))
}

pub(super) async fn metrics(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    observe_generation(&app);
    let text = app.metrics.encode().map_err(Problem::internal)?;
    let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, media_type)], text).into_response())
}

// Ages change by themselves, so they are computed when asked for.
fn observe_generation(app: &App) {
    let Ok(generation) = app.engine.generation() else {
        app.metrics.generation.set(0);
        return;
    };
    let row = generation.row();
    app.metrics.generation.set(i64::try_from(row.number).unwrap_or(i64::MAX));
    let now = clock::now();
    for source in &row.sources {
        if let Some(as_of) = source.as_of {
            let label = SourceLabel { source: source.source.to_string() };
            app.metrics.source_age.get_or_create(&label).set(now.seconds_since(as_of).max(0) as f64);
        }
    }
}
