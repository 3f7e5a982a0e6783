//! The HTTP API, `/api/v1`. A handler parses, makes one call and renders; what an error
//! looks like is said in `problem.rs` alone.

mod feeds;
mod health;
mod problem;
mod sboms;
mod scans;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{delete, get, post};
use policy::vex::Library;
use store::Sboms;
use tokio::sync::Semaphore;

use crate::scan::{Archive, Engine, Integrity};
use crate::telemetry::Metrics;

/// What handlers share.
pub(crate) struct App {
    pub(crate) engine: Arc<Engine>,
    pub(crate) archive: Archive,
    pub(crate) integrity: Integrity,
    pub(crate) sboms: Sboms,
    /// The site's own VEX documents, which count in every scan.
    pub(crate) vex: Arc<Library>,
    pub(crate) metrics: Metrics,
    /// One scan per core: more at once only take turns, and hold memory while they do.
    pub(crate) scan_slots: Arc<Semaphore>,
}

/// All routes, in one table.
pub(crate) fn routes(app: Arc<App>, body_bytes_max: usize) -> Router {
    Router::new()
        .route("/api/v1/scan", post(scans::create).layer(DefaultBodyLimit::max(body_bytes_max)))
        .route("/api/v1/scans/{id}", get(scans::show))
        .route("/api/v1/sboms", post(sboms::create).layer(DefaultBodyLimit::max(body_bytes_max)).get(sboms::list))
        .route("/api/v1/sboms/{digest}", delete(sboms::remove))
        .route("/api/v1/feeds", get(feeds::list))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .with_state(app)
}
