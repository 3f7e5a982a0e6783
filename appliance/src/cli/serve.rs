//! `stella serve`: the appliance.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use policy::vex::Library;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;

use super::Global;
use super::admin;
use super::exit::{Exit, UsageError};
use super::vex;
use crate::api::{self, App};
use crate::scan::{Archive, Engine, Integrity};
use crate::telemetry::{self, Metrics};
use crate::{http, tls};

const AFTER_HELP: &str = "\
Examples:
  stella serve
  stella serve --listen 0.0.0.0:8443 --tls-cert site.crt.pem --tls-key site.key.pem
  curl --cacert ~/.local/state/stella/keys/tls.crt.pem --data-binary @bom.json https://localhost:8443/api/v1/scan

Without --tls-cert a self-signed certificate is made at the first start; compare the
fingerprint that is printed with what the client shows.";

#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// Address and port; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8443", env = "STELLA_LISTEN")]
    listen: SocketAddr,
    /// The site's certificate chain, PEM
    #[arg(long, value_name = "FILE", requires = "tls_key", env = "STELLA_TLS_CERT")]
    tls_cert: Option<PathBuf>,
    /// Its private key, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert", env = "STELLA_TLS_KEY")]
    tls_key: Option<PathBuf>,
    /// Name for the self-signed certificate, beside localhost (may be repeated)
    #[arg(long, value_name = "NAME")]
    tls_name: Vec<String>,
    /// Speak HTTP without TLS; for a proxy on this machine only, so a loopback address is required
    #[arg(long)]
    plain_http: bool,
    /// Largest document accepted, in bytes
    #[arg(long, default_value_t = 64 << 20, value_name = "BYTES")]
    document_bytes_max: usize,
    /// VEX documents that count in every scan: files, or directories of them (may be repeated). Read at the start
    #[arg(long, value_name = "FILE|DIR", env = "STELLA_VEX")]
    vex: Vec<PathBuf>,
    /// Log JSON lines
    #[arg(long, env = "STELLA_LOG_JSON")]
    log_json: bool,
}

pub(crate) fn run(global: &Global, args: &Args) -> Result<Exit> {
    if args.plain_http && !args.listen.ip().is_loopback() {
        return Err(UsageError("--plain-http needs a loopback address in --listen".to_owned()).into());
    }
    telemetry::start_logging(args.log_json);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")?;
    runtime.block_on(serve(global, args))?;
    Ok(Exit::Clean)
}

async fn serve(global: &Global, args: &Args) -> Result<()> {
    let documents = vex::load(&args.vex)?;
    for note in &documents.notes {
        tracing::warn!("{note}");
    }
    let store = global.open_store()?;
    // Also signs what a crash has left unsigned. Scans do not wait for it; whatever is written down does.
    if let Err(error) = admin::site(&store) {
        tracing::error!("keys or audit log are not in order, imports will be refused: {error:#}");
    }
    let limits = sbom::Limits { bytes_max: args.document_bytes_max, ..sbom::Limits::default() };
    let (integrity, opened) = Integrity::start(Arc::clone(&store)).context("cannot start the integrity thread")?;
    let engine = Arc::new(Engine::new(Arc::clone(&store), limits).telling(opened));
    match engine.generation() {
        Ok(generation) => {
            // Nothing is served that the vendor's signatures do not cover.
            importer::recheck(&store, generation.row(), env!("CARGO_PKG_VERSION"), &ouk::limits::Limits::default())?;
            tracing::info!(generation = generation.row().number, "data is loaded and its signatures verified");
        }
        Err(error) => tracing::warn!("not ready: {error}"),
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let app = Arc::new(App {
        engine,
        archive: Archive::start(Arc::clone(&store)).context("cannot start the archive thread")?,
        integrity,
        sboms: store.sboms()?,
        vex: Arc::new(Library::of(documents.documents)),
        metrics: Metrics::new(),
        scan_slots: Arc::new(Semaphore::new(cores)),
    });
    let tls = if args.plain_http { None } else { Some(load_tls(global, args)?) };
    let listener = TcpListener::bind(args.listen).await.with_context(|| format!("cannot listen on {}", args.listen))?;
    let address = listener.local_addr().context("the listener has no address")?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    tracing::info!("listening on {scheme}://{address}");
    let stop = stop_signal()?;
    let router = api::routes(app, args.document_bytes_max);
    http::serve(listener, tls.map(|tls| tls.config), router, http::Limits::default(), stop).await;
    tracing::info!("stopped");
    Ok(())
}

fn load_tls(global: &Global, args: &Args) -> Result<tls::Tls> {
    let identity = match (&args.tls_cert, &args.tls_key) {
        (Some(certificate), Some(key)) => tls::Identity::Files { certificate: certificate.clone(), key: key.clone() },
        _ => {
            let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
            names.extend(args.tls_name.iter().cloned());
            tls::Identity::SelfSigned { directory: global.state_dir.join("keys"), names }
        }
    };
    let tls = tls::load(&identity)?;
    let origin = if tls.made_now { "made a self-signed certificate" } else { "certificate" };
    tracing::info!("{origin}, SHA-256 fingerprint {}", tls.fingerprint);
    Ok(tls)
}

/// Ends at SIGTERM or SIGINT.
fn stop_signal() -> Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for SIGINT")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
