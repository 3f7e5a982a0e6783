//! Accepting connections.
//!
//! Every wait has a deadline and every count a limit: a client that is slow, silent or
//! many costs a bounded amount.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) connections_max: usize,
    pub(crate) handshake_timeout: Duration,
    pub(crate) header_timeout: Duration,
    pub(crate) drain_timeout: Duration,
    /// Names and values of one request, and how many there may be.
    pub(crate) header_bytes_max: u32,
    pub(crate) headers_max: usize,
    /// What is read of a connection before somebody takes it.
    pub(crate) buffer_bytes_max: usize,
    /// Requests of one connection at a time, over HTTP/2.
    pub(crate) streams_max: u32,
    /// Requests that a client may have taken back before anybody looked at them.
    pub(crate) streams_reset_max: usize,
    /// Requests of one connection that the server has to refuse for their form.
    pub(crate) streams_refused_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 1024,
            handshake_timeout: Duration::from_secs(10),
            header_timeout: Duration::from_secs(10),
            drain_timeout: Duration::from_secs(30),
            header_bytes_max: 16 << 10,
            headers_max: 64,
            buffer_bytes_max: 128 << 10,
            streams_max: 128,
            streams_reset_max: 20,
            streams_refused_max: 64,
        }
    }
}

/// Serves until `stop` ends, then lets requests that run finish.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    router: Router,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    let acceptor = tls.map(TlsAcceptor::from);
    let places = Arc::new(Semaphore::new(limits.connections_max));
    let connections = Arc::new(GracefulShutdown::new());
    tokio::pin!(stop);
    loop {
        let place = tokio::select! {
            () = &mut stop => break,
            place = Arc::clone(&places).acquire_owned() => place,
        };
        let stream = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of file descriptors or an aborted connection: others go on.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::task::yield_now().await;
                    continue;
                }
            },
        };
        let (acceptor, router, connections) = (acceptor.clone(), router.clone(), Arc::clone(&connections));
        tokio::spawn(async move {
            connection(stream, acceptor, router, &connections, limits).await;
            drop(place);
        });
    }
    drop(listener);
    let Ok(connections) = Arc::try_unwrap(connections).map_err(drain_shared) else { return };
    if timeout(limits.drain_timeout, connections.shutdown()).await.is_err() {
        tracing::warn!("some connections were cut off when the time to drain was over");
    }
}

// Connection tasks hold the other references; they end with the runtime.
fn drain_shared(_: Arc<GracefulShutdown>) {
    tracing::info!("stopping while connections are open");
}

async fn connection(
    stream: TcpStream,
    acceptor: Option<TlsAcceptor>,
    router: Router,
    connections: &GracefulShutdown,
    limits: Limits,
) {
    // Small answers must not wait for a full segment.
    let _ = stream.set_nodelay(true);
    match acceptor {
        None => requests(stream, router, connections, limits).await,
        Some(acceptor) => match timeout(limits.handshake_timeout, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => requests(stream, router, connections, limits).await,
            Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
            Err(_) => tracing::debug!("TLS handshake took too long"),
        },
    }
}

async fn requests<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
    stream: S,
    router: Router,
    connections: &GracefulShutdown,
    limits: Limits,
) {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_headers(limits.headers_max)
        .max_buf_size(limits.buffer_bytes_max);
    // A client that only opens and resets, or that never ends its headers, ends its own connection.
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams_max)
        .max_pending_accept_reset_streams(limits.streams_reset_max)
        .max_local_error_reset_streams(limits.streams_refused_max)
        .max_header_list_size(limits.header_bytes_max)
        .max_send_buf_size(limits.buffer_bytes_max)
        .keep_alive_interval(Duration::from_secs(30));
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)).into_owned();
    if let Err(error) = connections.watch(connection).await {
        tracing::debug!(%error, "connection ended");
    }
}
