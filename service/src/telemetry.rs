//! What the service tells the world: OTLP to a collector, Prometheus text to a scraper, and a line on
//! standard error when a pool is too small.
//!
//! ```text
//!  library's instruments ─┐                     ┌─▸ periodic reader ─▸ OTLP ─┐
//!  service's instruments ─┴─▸ meter provider ───┴─▸ /metrics                 ├─▸ collector
//!  spans, declared events ──▸ tracing layers ────▸ batches ─▸ OTLP ──────────┘
//!                                   │
//!                                   └─▸ standard error (warnings), notices (the live page)
//! ```
//!
//! Each signal is exported by a thread of its own; a thread that works on triples never waits for a
//! collector. What cannot be delivered is dropped, within the bounds of the SDK's queues: totals are
//! cumulative, and so are right again with the first export after an outage.
//!
//! Without a flag or a variable that asks for it nothing is exported, no thread but the monitor's is
//! started, and spans are disabled at their call sites.

mod deliveries;
mod environment;
mod exporters;
mod exports;
mod labels;
pub mod notices;
mod providers;
mod resource;
mod route;
mod scrape;
mod sdk_variables;
mod self_metrics;
mod subscriber;
mod transport;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use knhk_pool::telemetry::Monitor;
use opentelemetry_otlp::ExporterBuildError;
use prometheus::Registry;

pub use self::deliveries::Deliveries;
pub use self::exports::{TelemetryChoice, address};
pub use self::providers::register;
pub(crate) use self::scrape::metrics;
pub use self::subscriber::{events, spans, warnings_only};

use self::environment::Variables;
use self::exports::Exports;
use self::notices::Notices;
use self::providers::Providers;
use self::scrape::Scrape;

/// The end of telemetry takes no longer, whatever the collector does. The contract is 5 s; the rest
/// is for everything else that a program does at its end.
const SHUTDOWN_MAX: Duration = Duration::from_millis(4500);

/// Why telemetry cannot start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// A flag or a variable holds what cannot be used.
    #[error("{name} is {value:?}, expected {expected}")]
    Value {
        /// Of the flag or the variable.
        name: String,
        /// As given.
        value: String,
        /// What would do.
        expected: &'static str,
    },
    /// The SDK refused a setting.
    #[error(transparent)]
    Exporter(#[from] ExporterBuildError),
    /// Nothing can listen there.
    #[error("cannot serve metrics on {address}: {error}")]
    Listen {
        /// As asked for.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// A thread or a runtime cannot be started.
    #[error("cannot start a telemetry thread: {0}")]
    Thread(#[from] io::Error),
}

/// Telemetry that runs, until it is [finished](Self::finish).
#[derive(Debug)]
pub struct Telemetry {
    monitor: Monitor,
    scrape: Option<Scrape>,
    providers: Providers,
    deliveries: Arc<Deliveries>,
    notices: Notices,
}

impl Telemetry {
    /// Starts what the command line and the environment ask for, installs the process's `tracing`
    /// subscriber, and watches the pools every `monitor_interval`. To be called once in a process.
    ///
    /// `tell` gets one line for each variable that is ignored, and one with the address that metrics
    /// are served on.
    ///
    /// # Errors
    ///
    /// [`TelemetryError`], before anything is exported.
    pub fn start(
        choice: &TelemetryChoice,
        monitor_interval: Duration,
        mut tell: impl FnMut(&str),
    ) -> Result<Self, TelemetryError> {
        let variables = Variables::of_process();
        let exports = Exports::of(choice, &variables);
        let notes = variables.notes();
        let warn = |note: &String| tell(&format!("warning: {note}"));
        notes.iter().for_each(warn);
        let exports = exports?;
        let deliveries = Arc::new(Deliveries::default());
        let listener = exports.scrape.map(scrape::listen).transpose()?;
        let providers = Providers::build(&exports, &deliveries)?;
        let notices = Notices::default();
        subscriber::install(&providers, exports.log_level, notices.clone());
        let scrape = match listener {
            Some(listener) => Some(Scrape::start(listener, providers.registry.clone())?),
            None => None,
        };
        if let Some(scrape) = &scrape {
            tell(&format!("metrics are on http://{}/metrics", scrape.address));
        }
        Ok(Self {
            monitor: Monitor::start(monitor_interval)?,
            scrape,
            providers,
            deliveries,
            notices,
        })
    }

    /// The declared events of the process, from now on and of late.
    pub fn notices(&self) -> Notices {
        self.notices.clone()
    }

    /// What a scraper is given: empty unless [`TelemetryChoice::gather`] asked for it.
    pub fn registry(&self) -> Registry {
        self.providers.registry.clone()
    }

    /// Judges the last interval, exports what is left, and ends every thread; within 5 s.
    pub fn finish(self) {
        self.finish_within(SHUTDOWN_MAX);
    }

    /// [`finish`](Self::finish), but within `limit`.
    pub fn finish_within(self, limit: Duration) {
        let deadline = Instant::now() + limit;
        // Its events belong to what is left, and the rates that it keeps to the last collection.
        self.monitor.tick();
        let deliveries = self.deliveries;
        let late = || deliveries.gave_up(limit);
        self.providers.shutdown(deadline, late);
        drop(self.scrape);
    }
}
