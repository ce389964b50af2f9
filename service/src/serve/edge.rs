//! Connections: each with deadlines for what the client is to send and to take.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;

use super::limits::Limits;
use super::service::Service;

/// When the service stops, for the rest of a head: what it would ask is refused by then.
const HALF_HEAD_MAX: Duration = Duration::from_millis(250);

/// How many connections are open.
#[derive(Clone, Debug, Default)]
pub(super) struct Open(Arc<AtomicU64>);

/// One of them.
struct Counted(Open);

impl Open {
    pub(super) fn count(&self) -> u64 {
        // Relaxed: a count, which publishes nothing.
        self.0.load(Ordering::Relaxed)
    }

    fn one(&self) -> Counted {
        self.0.fetch_add(1, Ordering::Relaxed);
        Counted(self.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What serves connections.
#[derive(Clone)]
pub(super) struct Edge {
    pub(super) app: Router,
    pub(super) service: Arc<Service>,
    pub(super) tls: Arc<RwLock<Option<TlsAcceptor>>>,
    pub(super) open: Open,
}

impl Edge {
    /// One connection, to its end. What goes wrong in it is the client's.
    pub(super) async fn serve(self, stream: TcpStream) {
        let _counted = self.open.one();
        // An answer is one write; waiting for more would only delay it.
        let _ = stream.set_nodelay(true);
        let limits = self.service.current().limits;
        let tls = self
            .tls
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let Some(tls) = tls else {
            return self.http(stream, limits).await;
        };
        let shaken = tokio::select! {
            shaken = timeout(limits.head_time, tls.accept(stream)) => shaken,
            // It has asked for nothing yet.
            () = self.service.stopping.clone().said() => return,
        };
        if let Ok(Ok(stream)) = shaken {
            self.http(stream, limits).await;
        }
    }

    async fn http<S>(self, stream: S, limits: Limits)
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(limits.body_time));
        let was_asked = Arc::new(AtomicBool::new(false));
        let service = service_fn({
            let (app, was_asked) = (TowerToHyperService::new(self.app), Arc::clone(&was_asked));
            move |request: Request<Incoming>| {
                // Relaxed, here and below: one task stores and loads.
                was_asked.store(true, Ordering::Relaxed);
                app.call(request)
            }
        });
        let mut http = http1::Builder::new();
        let connection = http
            // Without a timer there would be no deadline, and no word about it.
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head_time)
            .max_buf_size(limits.head_bytes_max)
            .serve_connection(TokioIo::new(Box::pin(stream)), service);
        let mut connection = pin!(connection);
        tokio::select! {
            _ = connection.as_mut() => return,
            () = self.service.stopping.clone().said() => {}
        }
        connection.as_mut().graceful_shutdown();
        // Between two requests it ends by itself. Until the first one's head is whole it does not.
        let was_asked = || was_asked.load(Ordering::Relaxed);
        if was_asked() || timeout(HALF_HEAD_MAX, connection.as_mut()).await.is_err() && was_asked()
        {
            let _ = connection.await;
        }
    }
}
