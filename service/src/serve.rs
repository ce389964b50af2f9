//! `knhk-poold serve`: triples over HTTP, through the pipeline on pooled memory, answered with receipts.
//!
//! ```text
//!  connections ─▸ limits, deadlines ─▸ whole bodies ─▸ one queue ─▸ N workers ─▸ journal ─▸ answers
//!  (a few threads that never wait)     (bounded)       (bounded)    (a core and its     └─▸ receipts
//!                                                                    pools each)
//! ```
//!
//! What cannot be taken is refused at once, with the time to come back; what was accepted is
//! answered, also while the service is stopping or its pools are replaced.

mod answer;
mod batch;
mod configuration;
mod cores;
mod counts;
mod crew;
mod edge;
mod held;
mod hook_sets;
mod host;
pub(crate) mod instruments;
mod journal;
mod limits;
pub mod live;
mod numbers;
pub mod page;
mod pending;
mod queue;
mod receipts;
mod refusal;
mod reload;
mod routes;
mod seats;
mod service;
mod signals;
mod station;
mod stop;
mod tls;
mod token;
mod triples;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use knhk_pool::ConfigError;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use self::configuration::Configuration;
use self::crew::{Crew, Equipment};
use self::edge::{Edge, Open};
use self::journal::Journal;
use self::live::{Live, PipelineSource, VIEWERS_MAX};
use self::numbers::Numbers;
use self::queue::Queue;
use self::receipts::Receipts;
use self::reload::Running;
use self::service::Service;
use self::signals::{Reloads, Signals, Wish};
use self::station::Outlets;
use self::stop::Stop;
use crate::hooks::HooksError;
use crate::listen::accept;
use crate::settings::Settings;
use crate::telemetry::notices::Notices;
use crate::toml_error::TomlError;

pub use self::configuration::Sources;
pub(crate) use self::configuration::check_sum;
pub use self::hook_sets::HookFile;
pub use self::journal::{JournalChoice, JournalError};
pub use self::routes::OPENAPI;
pub use self::tls::{TlsChoice, TlsError};
pub use self::token::TokenError;

/// The end of the service takes no longer; telemetry has what is left of it.
const STOP_MAX: Duration = Duration::from_millis(4500);

/// Of this, for what was accepted.
const DRAIN_MAX: Duration = Duration::from_millis(3000);

/// Of this, for a worker to begin with it: what none has begun with is refused then, and that is told.
const QUEUE_DRAIN_MAX: Duration = Duration::from_millis(2000);

/// Threads for the edge at most: it copies bytes, and never waits.
const EDGE_THREADS_MAX: usize = 4;

/// Gets a line for the operator.
pub type Tell = Arc<dyn Fn(&str) + Send + Sync>;

/// What is to be served, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServeOptions {
    /// Port 0 is any that is free.
    pub listen: SocketAddr,
    /// Where batches are written before they are acknowledged.
    pub journal: Option<JournalChoice>,
    /// Where the configuration comes from.
    pub sources: Sources,
}

/// Why the service does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The service's own settings are wrong.
    #[error(transparent)]
    Settings(#[from] TomlError),
    /// A pool's configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The hooks are wrong.
    #[error(transparent)]
    Hooks(#[from] HooksError),
    /// The token cannot be used.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The certificate or its key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The journal cannot be opened.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// All sizes together.
    #[error(
        "workers x pool_size x buffer_size is {workers} x {pool_size} x {buffer_size} bytes, expected at most 17179869184 (16 GiB) in all"
    )]
    PoolBytes {
        /// Threads.
        workers: usize,
        /// Buffers a thread.
        pool_size: usize,
        /// Bytes a buffer.
        buffer_size: usize,
    },
    /// Anyone in the network could use it.
    #[error("--listen is {0}, which is not only this machine's: that needs --token-file")]
    Open(SocketAddr),
    /// Nothing can listen there.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// As asked for.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// A thread cannot be started.
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
}

/// Everything that was checked and made, before the port is opened.
pub struct Prepared {
    runtime: Runtime,
    checked: Checked,
}

/// All of it but what it runs on.
struct Checked {
    options: ServeOptions,
    configuration: Configuration,
    journal: Option<Journal>,
    reloads: Reloads,
    tell: Tell,
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared")
            .field("options", &self.checked.options)
            .finish_non_exhaustive()
    }
}

impl Prepared {
    /// Reads and checks all that `options` name. A SIGHUP that comes meanwhile, or later, ends nothing:
    /// it is obeyed as soon as the service serves.
    ///
    /// # Errors
    ///
    /// [`ServeError`] for the first thing that is wrong.
    pub fn of(options: ServeOptions, tell: Tell) -> Result<Self, ServeError> {
        let runtime = runtime().map_err(ServeError::Thread)?;
        let reloads = Reloads::listen(&runtime).map_err(ServeError::Thread)?;
        let checked = Checked::of(options, reloads, tell)?;
        Ok(Self { runtime, checked })
    }

    /// The settings that hold.
    pub fn settings(&self) -> &Settings {
        &self.checked.configuration.settings
    }

    /// Serves until a signal ends it, and finishes what was accepted; metrics are those that
    /// `registry` gathers, warnings those that `notices` keep. What is left is the time until the process should have ended.
    ///
    /// # Errors
    ///
    /// [`ServeError`] when it cannot begin.
    pub fn serve(
        self,
        registry: prometheus::Registry,
        notices: Notices,
    ) -> Result<Duration, ServeError> {
        self.serve_until(registry, notices, std::future::pending())
    }

    /// The same, but `enough` ends it, too.
    ///
    /// # Errors
    ///
    /// As those of [`serve`](Self::serve).
    pub fn serve_until(
        self,
        registry: prometheus::Registry,
        notices: Notices,
        enough: impl Future<Output = ()>,
    ) -> Result<Duration, ServeError> {
        let Self { runtime, checked } = self;
        let left = runtime.block_on(checked.run(registry, notices, enough));
        // A worker that is not done by now is left to the end of the process.
        runtime.shutdown_background();
        left
    }
}

impl Checked {
    fn of(options: ServeOptions, reloads: Reloads, tell: Tell) -> Result<Self, ServeError> {
        for line in options.sources.pools.unused_tables()? {
            tell(&format!("warning: {line}"));
        }
        let is_local = options.listen.ip().is_loopback();
        if !is_local && options.sources.token_file.is_none() {
            return Err(ServeError::Open(options.listen));
        }
        let configuration = Configuration::load(&options.sources, None)?;
        if !is_local && configuration.tls.is_none() {
            tell(
                "warning: the token crosses the network unencrypted: --tls-cert and --tls-key are not given",
            );
        }
        let journal = options.journal.clone();
        let journal = journal.map(|choice| Journal::open(choice, Arc::clone(&tell)));
        Ok(Self {
            journal: journal.transpose()?,
            configuration,
            options,
            reloads,
            tell,
        })
    }

    async fn run(
        self,
        registry: prometheus::Registry,
        notices: Notices,
        enough: impl Future<Output = ()>,
    ) -> Result<Duration, ServeError> {
        let Self {
            options,
            configuration,
            journal,
            reloads,
            tell,
        } = self;
        let Configuration {
            settings,
            buffers,
            tls,
            current,
        } = configuration;
        let mut signals = Signals::listen(reloads).map_err(ServeError::Thread)?;
        let (stop, stopping) = Stop::new(QUEUE_DRAIN_MAX);
        let outlets = Outlets {
            journal,
            numbers: Numbers::default(),
            receipts: Receipts::new(),
        };
        let queue = Queue::new(settings.queue_len.value);
        let service = Service::new(current, queue, outlets, registry, stopping);
        let service = Arc::new(service);
        let equipment = Equipment::of(&settings, buffers, &service.outlets);
        let crew = Crew::start(&equipment, &service.queue, &service.ledger);
        let crew = crew.map_err(ServeError::Thread)?;
        drop(equipment);

        let source: Arc<dyn PipelineSource> = Arc::clone(&service) as _;
        // Whoever watches keeps out nobody who sends.
        let viewers_max = VIEWERS_MAX.min(settings.connections_max.value / 2);
        let live = Live::start_for(source, notices, viewers_max).map_err(ServeError::Thread)?;
        let (listener, address) = listen(options.listen).await?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let tls = Arc::new(RwLock::new(tls));
        let edge = Edge {
            app: routes::router(Arc::clone(&service), live.clone()),
            service: Arc::clone(&service),
            tls: Arc::clone(&tls),
            open: Open::default(),
        };
        watch(&service, edge.open.clone());
        let slots = Arc::new(Semaphore::new(settings.connections_max.value));
        let accepting = tokio::spawn({
            let slots = Arc::clone(&slots);
            async move { accept(&listener, &slots, |stream| edge.clone().serve(stream)).await }
        });
        tell(&format!("serving on {scheme}://{address}"));

        let connections_max = settings.connections_max.value as u32;
        let running = Running::new(service, tls, options.sources, tell, settings, crew);
        let running = Arc::new(running);
        tokio::select! {
            () = obey(&mut signals, &running) => {}
            () = enough => {}
        }
        let until = Instant::now() + STOP_MAX;
        accepting.abort();
        stop.say();
        live.stop();
        // Each connection ends with the answer that it waits for.
        let ended = timeout(DRAIN_MAX, slots.acquire_many(connections_max)).await;
        let left = until.saturating_duration_since(Instant::now()) / 2;
        if ended.is_err() || !running.dismiss(left).await {
            (running.tell)("stopped before every connection had ended");
        }
        Ok(until.saturating_duration_since(Instant::now()))
    }
}

/// What the edge runs on.
fn runtime() -> io::Result<Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads((cores / 2).clamp(1, EDGE_THREADS_MAX))
        .thread_name("knhk-edge")
        .enable_all()
        .build()
}

/// Reloads as often as it is asked to, until it is asked to stop.
async fn obey(signals: &mut Signals, running: &Arc<Running>) {
    while signals.next().await == Wish::Reload {
        // One after the other, and the signals of meanwhile are one.
        tokio::select! {
            _ = running.reload() => {}
            // A file that does not come to its end holds up no stop.
            () = signals.stop() => return,
        }
    }
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServeError> {
    let refused = |error| ServeError::Listen { address, error };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let bound = listener.local_addr().map_err(refused)?;
    Ok((listener, bound))
}

fn watch(service: &Arc<Service>, open: Open) {
    let service = Arc::clone(service);
    instruments::watch(move || instruments::Load {
        is_ready: service.is_ready(),
        connections: open.count(),
        queue_len: service.queue.len() as u64,
        queue_capacity: service.queue.capacity() as u64,
    });
}
