//! Logs and metrics. One named field per metric; no metric names at call sites.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct OutcomeLabel {
    pub(crate) outcome: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct SourceLabel {
    pub(crate) source: String,
}

/// All metrics of the process.
pub(crate) struct Metrics {
    registry: Registry,
    /// Scans by outcome: pass, fail, indeterminate, error.
    pub(crate) scans: Family<OutcomeLabel, Counter>,
    pub(crate) scan_duration: Histogram,
    pub(crate) components: Counter,
    pub(crate) findings: Counter,
    pub(crate) generation: Gauge,
    /// Age of each source's data; a source without a date is left out here and named by /api/v1/feeds.
    pub(crate) source_age: Family<SourceLabel, Gauge<f64, AtomicU64>>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("stella");
        let scans = Family::<OutcomeLabel, Counter>::default();
        registry.register("scans", "Scans by outcome", scans.clone());
        // From 0.5 ms to about 2 s, doubling.
        let buckets = std::iter::successors(Some(0.0005), |edge| Some(edge * 2.0)).take(13);
        let scan_duration = Histogram::new(buckets);
        registry.register_with_unit("scan_duration", "Time per scan", Unit::Seconds, scan_duration.clone());
        let components = Counter::default();
        registry.register("components", "Components seen in scans", components.clone());
        let findings = Counter::default();
        registry.register("findings", "Findings made", findings.clone());
        let generation = Gauge::default();
        registry.register("generation", "Number of the active generation, 0 for none", generation.clone());
        let source_age = Family::<SourceLabel, Gauge<f64, AtomicU64>>::default();
        registry.register_with_unit("source_age", "Age of the data of a source", Unit::Seconds, source_age.clone());
        Self { registry, scans, scan_duration, components, findings, generation, source_age }
    }

    /// The text that Prometheus reads.
    pub(crate) fn encode(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// Starts logging to stderr; JSON lines when asked, plain text otherwise.
pub(crate) fn start_logging(json: bool) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("STELLA_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Err means that logging has been started already (in tests).
    let _ = if json { builder.json().try_init() } else { builder.with_target(false).try_init() };
}
