//! `/metrics` for a scraper: Prometheus text over HTTP/1.1, on a thread of its own.
//!
//! What a client may cost is bounded: so many connections at once, one request each, and so long for
//! all of it, from the first byte of its head to the last of the answer.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use prometheus::{Encoder as _, Registry, TextEncoder};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

use super::{TelemetryError, labels};
use crate::listen::accept;

/// Clients that are served at once; more wait.
const CONNECTIONS_MAX: usize = 32;

/// For one connection; a scraper's own timeout is 10 s.
const CONNECTION_TIME_MAX: Duration = Duration::from_secs(10);

/// A server, until it is dropped.
#[derive(Debug)]
pub(super) struct Scrape {
    /// As bound: never port 0.
    pub(super) address: SocketAddr,
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

/// Takes the address, before anything else is started.
pub(super) fn listen(address: SocketAddr) -> Result<TcpListener, TelemetryError> {
    let listener = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    listener.map_err(|error| TelemetryError::Listen { address, error })
}

impl Scrape {
    /// Serves what `registry` gathers.
    pub(super) fn start(listener: TcpListener, registry: Registry) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new()
            .name("knhk-metrics".to_owned())
            .spawn(move || runtime.block_on(serve(listener, registry, stopped)))?;
        Ok(Self {
            address,
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Scrape {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of its own has been told by the panic hook.
            let _ = thread.join();
        }
    }
}

async fn serve(
    listener: TcpListener,
    registry: Registry,
    mut stopped: oneshot::Receiver<Infallible>,
) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("it does not block");
    let app = Router::new()
        .route("/metrics", get(metrics))
        .with_state(registry);
    let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    tokio::select! {
        () = accept(&listener, &slots, |stream| connection(stream, app.clone())) => {}
        _ = &mut stopped => {}
    }
}

/// One request and its answer. What goes wrong in it is the client's.
async fn connection(stream: TcpStream, app: Router) {
    let mut http = http1::Builder::new();
    let service = TowerToHyperService::new(app);
    let connection = http
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    let _ = timeout(CONNECTION_TIME_MAX, connection).await;
}

/// What `registry` gathers, as Prometheus text.
pub(crate) async fn metrics(State(registry): State<Registry>) -> impl IntoResponse {
    let mut text = Vec::new();
    let encoder = TextEncoder::new();
    let headers = [(CONTENT_TYPE, encoder.format_type().to_owned())];
    let mut families = registry.gather();
    labels::rename_invalid(&mut families);
    match encoder.encode(&families, &mut text) {
        Ok(()) => (StatusCode::OK, headers, text),
        Err(error) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            headers,
            format!("# {error}\n").into_bytes(),
        ),
    }
}
