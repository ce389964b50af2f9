//! The pools' life, for whoever looks: `GET /v1/pools` once, `GET /v1/live` as it goes on.
//!
//! ```text
//!  snapshot() ─┐                                    ┌─▸ viewer
//!  workers ────┼─▸ sampler, once a second ─▸ feed ──┼─▸ viewer
//!  notices ────┘   (a thread of its own)            └─▸ viewer
//! ```
//!
//! Workers are not asked to do anything: what they count anyway is read. A frame is encoded once,
//! whatever the number of viewers, and a viewer that does not read holds back nobody and no memory.
//!
//! `/v1/live` sends server-sent events:
//!
//! | event | holds |
//! |---|---|
//! | `hello` | the run's `epoch`, the program's version; first of all |
//! | `point` | what happened in one second: acquires by outcome, triples, nanoseconds by stage; of the last ten minutes first |
//! | `notice` | a warning, or that its reason is gone: a declared event of the process |
//! | `state` | what `/v1/pools` answers, each second |
//!
//! With `Last-Event-ID` a viewer goes on where it was.

mod feed;
mod figures;
mod pipeline;
mod sampler;

use std::convert::Infallible;
use std::io;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use futures_util::stream;

use self::feed::Feed;
use self::figures::{Figures, Rates};
use self::sampler::Sampler;
use super::refusal::Refusal;
use super::seats::Seats;
use crate::telemetry::notices::Notices;
use crate::wall_clock::now_ms;

pub use self::pipeline::{
    Pipeline, PipelineSource, QueueFigures, StageFigures, Stages, WorkerFigures,
};

/// From one look to the next.
const INTERVAL: Duration = Duration::from_secs(1);

/// Viewers at once, unless fewer are asked for; more are asked to come back later.
pub const VIEWERS_MAX: usize = 512;

/// The sampler, its feed and its viewers. A clone is the same.
#[derive(Clone, Debug)]
pub struct Live(Arc<Shared>);

struct Shared {
    pipeline: Arc<dyn PipelineSource>,
    feed: Arc<Feed>,
    sampler: Mutex<Sampler>,
    rates: Mutex<Rates>,
    seats: Seats,
    ticker: Mutex<Option<Ticker>>,
}

/// The thread ends when its sender is dropped.
struct Ticker {
    stop: Sender<Infallible>,
    thread: JoinHandle<()>,
}

impl Live {
    /// Looks at the pools and at `pipeline` once a second, on a thread named `knhk-live`, until it is
    /// [stopped](Self::stop) or its last clone is gone.
    ///
    /// # Errors
    ///
    /// When the thread cannot be started.
    pub fn start(pipeline: Arc<dyn PipelineSource>, notices: Notices) -> io::Result<Self> {
        Self::start_for(pipeline, notices, VIEWERS_MAX)
    }

    /// The same, for so many viewers at once.
    ///
    /// # Errors
    ///
    /// As those of [`start`](Self::start).
    pub fn start_for(
        pipeline: Arc<dyn PipelineSource>,
        notices: Notices,
        viewers_max: usize,
    ) -> io::Result<Self> {
        let live = Self::of(pipeline, notices, viewers_max);
        let (stop, stopped) = channel();
        let shared = Arc::downgrade(&live.0);
        let thread = thread::Builder::new()
            .name("knhk-live".to_owned())
            .spawn(move || {
                let mut next = Instant::now() + INTERVAL;
                let wait = |next: Instant| next.saturating_duration_since(Instant::now());
                while stopped.recv_timeout(wait(next)) == Err(RecvTimeoutError::Timeout) {
                    let Some(live) = Weak::upgrade(&shared).map(Self) else {
                        return;
                    };
                    live.tick();
                    next = (next + INTERVAL).max(Instant::now());
                }
            })?;
        *lock(&live.0.ticker) = Some(Ticker { stop, thread });
        Ok(live)
    }

    /// Looks only when told to.
    pub fn manual(pipeline: Arc<dyn PipelineSource>, notices: Notices) -> Self {
        Self::of(pipeline, notices, VIEWERS_MAX)
    }

    fn of(pipeline: Arc<dyn PipelineSource>, notices: Notices, viewers_max: usize) -> Self {
        Self(Arc::new(Shared {
            sampler: Mutex::new(Sampler::new(Arc::clone(&pipeline), notices, now_ms)),
            pipeline,
            feed: Arc::new(Feed::new(now_ms())),
            rates: Mutex::default(),
            seats: Seats::new(viewers_max),
            ticker: Mutex::default(),
        }))
    }

    /// Ends an interval now.
    pub fn tick(&self) {
        let rates = lock(&self.0.sampler).tick(&self.0.feed);
        *lock(&self.0.rates) = rates;
    }

    /// Ends the thread, and every viewer's stream: a server that waits for its connections can go.
    pub fn stop(&self) {
        if let Some(Ticker { stop, thread }) = lock(&self.0.ticker).take() {
            drop(stop);
            // A panic of its own has been told by the panic hook.
            let _ = thread.join();
        }
        self.0.feed.close();
    }

    /// What its viewers sit on, for others that watch.
    pub(super) fn seats(&self) -> &Seats {
        &self.0.seats
    }

    fn figures(&self) -> Figures {
        let pipeline = self.0.pipeline.pipeline();
        Figures::new(
            now_ms(),
            &knhk_pool::snapshot(),
            &lock(&self.0.rates),
            pipeline,
        )
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `GET /v1/pools` and `GET /v1/live`.
pub fn router(live: Live) -> Router {
    Router::new()
        .route("/v1/pools", get(pools))
        .route("/v1/live", get(events))
        .with_state(live)
}

async fn pools(State(live): State<Live>) -> impl IntoResponse {
    ([(CACHE_CONTROL, "no-store")], Json(live.figures()))
}

async fn events(
    State(live): State<Live>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Refusal> {
    let seat = live.0.seats.take()?;
    let last_event_id = headers.get("last-event-id");
    let last_event_id = last_event_id.and_then(|id| id.to_str().ok());
    let viewer = live.0.feed.viewer(last_event_id);
    let frames = stream::unfold((viewer, seat), |(mut viewer, seat)| async move {
        let frame = viewer.next().await?;
        Some((Ok::<_, Infallible>(frame), (viewer, seat)))
    });
    let headers = [
        (CONTENT_TYPE, "text/event-stream"),
        (CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, Body::from_stream(frames)))
}
