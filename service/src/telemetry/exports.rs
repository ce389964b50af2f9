//! What is exported, where to, and how: decided from the command line and the environment.
//!
//! | signal | goes to the collector when |
//! |---|---|
//! | metrics, traces, logs | `--otlp-endpoint`, `OTEL_EXPORTER_OTLP_ENDPOINT` or its own `OTEL_EXPORTER_OTLP_…_ENDPOINT` is there, or `OTEL_…_EXPORTER` is `otlp` |
//! | | and `OTEL_…_EXPORTER` is not `none`, and `OTEL_SDK_DISABLED` is not `true` |
//!
//! The specification's default for `OTEL_…_EXPORTER` is `otlp`; a command-line program that called
//! out to a port that nobody named would be a surprise, so here it is `none` without an endpoint.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs as _};
use std::time::Duration;

use knhk_pool::telemetry::semconv::KnhkTelemetrySignal as Signal;
use opentelemetry_sdk::Resource;
use tracing_subscriber::filter::LevelFilter;

use super::TelemetryError;
use super::environment::Variables;
use super::resource::resource;
use super::route::Route;
use super::sdk_variables;

/// The port of the specification for a Prometheus endpoint.
const SCRAPE_PORT: u16 = 9464;

/// A day: no interval or timeout may be longer. In milliseconds.
pub(super) const MS_MAX: u64 = 24 * 60 * 60 * 1000;

/// Spans or log records that may wait: more would not be a bound on memory.
const QUEUE_MAX: u64 = 1 << 20;

/// What the command line says about telemetry; it wins over the environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TelemetryChoice {
    /// The collector's base URL.
    pub otlp_endpoint: Option<String>,
    /// `http/protobuf` or `grpc`.
    pub otlp_protocol: Option<String>,
    /// Where `/metrics` is served.
    pub metrics_addr: Option<SocketAddr>,
    /// Whether metrics are gathered for a server of the program's own, too.
    pub gather: bool,
}

/// `PORT` on the loopback interface, or `ADDRESS:PORT`.
///
/// # Errors
///
/// What would have done.
pub fn address(text: &str) -> Result<SocketAddr, &'static str> {
    let loopback = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let port = text.parse().map(loopback);
    port.or_else(|_| text.parse())
        .map_err(|_| "expected PORT, 127.0.0.1:PORT or [::1]:PORT, with a port from 0 to 65535")
}

/// How spans or log records are gathered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Batches {
    pub(super) queue: usize,
    pub(super) batch: usize,
    pub(super) delay: Duration,
}

/// Everything that is to be exported.
#[derive(Clone, Debug)]
pub(super) struct Exports {
    pub(super) metrics: Option<Route>,
    pub(super) traces: Option<Route>,
    pub(super) logs: Option<Route>,
    /// Where `/metrics` is served.
    pub(super) scrape: Option<SocketAddr>,
    /// Whether [`Telemetry::registry`](super::Telemetry::registry) has anything.
    pub(super) gather: bool,
    /// Between two exports of metrics.
    pub(super) interval: Duration,
    pub(super) spans: Batches,
    pub(super) records: Batches,
    pub(super) resource: Resource,
    /// The SDK's own messages that go to standard error.
    pub(super) log_level: LevelFilter,
}

impl Exports {
    pub(super) fn of(
        choice: &TelemetryChoice,
        variables: &Variables<'_>,
    ) -> Result<Self, TelemetryError> {
        let is_disabled = variables.is_true("OTEL_SDK_DISABLED");
        let is_asked =
            choice.gather || choice.otlp_endpoint.is_some() || choice.metrics_addr.is_some();
        if is_disabled && is_asked {
            variables.tell("OTEL_SDK_DISABLED is true: nothing is exported".to_owned());
        }
        let asked = Asked { choice, variables };
        let [metrics, traces, logs] = [Signal::Metrics, Signal::Traces, Signal::Logs].map(|it| {
            let wanted = asked.wanted(it);
            let route = || Route::of(it, choice, variables);
            (!is_disabled && wanted.otlp).then(route).transpose()
        });
        let scrape = (!is_disabled)
            .then(|| asked.scrape())
            .transpose()?
            .flatten();
        sdk_variables::check(variables);
        Ok(Self {
            metrics: metrics?,
            traces: traces?,
            logs: logs?,
            scrape,
            gather: !is_disabled && (choice.gather || scrape.is_some()),
            interval: asked.ms("OTEL_METRIC_EXPORT_INTERVAL", 60_000),
            spans: asked.batches("OTEL_BSP", 5000),
            records: asked.batches("OTEL_BLRP", 1000),
            resource: resource(variables),
            log_level: log_level(variables),
        })
    }
}

/// What one signal's `OTEL_…_EXPORTER` comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Wanted {
    otlp: bool,
    prometheus: bool,
}

struct Asked<'a> {
    choice: &'a TelemetryChoice,
    variables: &'a Variables<'a>,
}

impl Asked<'_> {
    /// A list of names; those that are unknown are ignored, and if nothing is left, the variable.
    fn wanted(&self, signal: Signal) -> Wanted {
        let name = format!("OTEL_{}_EXPORTER", signal.as_str().to_ascii_uppercase());
        let (known, expected): (&[&str], _) = match signal {
            Signal::Metrics => (&["otlp", "prometheus", "none"], "otlp, prometheus or none"),
            Signal::Traces | Signal::Logs => (&["otlp", "none"], "otlp or none"),
        };
        let list = self.variables.text(&name).unwrap_or_default();
        let mut found = Vec::new();
        for part in list
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            match known.iter().find(|word| part.eq_ignore_ascii_case(word)) {
                Some(word) => found.push(*word),
                None => self.variables.ignore(&name, part, expected),
            }
        }
        let has = |word| found.contains(&word);
        let is_implied = found.is_empty() && Route::is_given(signal, self.choice, self.variables);
        Wanted {
            otlp: !has("none") && (has("otlp") || is_implied),
            prometheus: !has("none") && has("prometheus"),
        }
    }

    fn ms(&self, name: &str, default: u64) -> Duration {
        let given = self.variables.number(name, 1..=MS_MAX);
        Duration::from_millis(given.unwrap_or(default))
    }

    fn batches(&self, prefix: &str, delay_ms: u64) -> Batches {
        let of = |what: &str, default| {
            let given = self
                .variables
                .number(&format!("{prefix}_{what}"), 1..=QUEUE_MAX);
            given.unwrap_or(default) as usize
        };
        let queue = of("MAX_QUEUE_SIZE", 2048);
        Batches {
            queue,
            batch: of("MAX_EXPORT_BATCH_SIZE", 512).min(queue),
            delay: self.ms(&format!("{prefix}_SCHEDULE_DELAY"), delay_ms),
        }
    }

    fn scrape(&self) -> Result<Option<SocketAddr>, TelemetryError> {
        if self.choice.metrics_addr.is_some() || !self.wanted(Signal::Metrics).prometheus {
            return Ok(self.choice.metrics_addr);
        }
        let name = "OTEL_EXPORTER_PROMETHEUS_HOST";
        let host = self.variables.text(name);
        let host = host.unwrap_or_else(|| "localhost".to_owned());
        let ports = 0..=u64::from(u16::MAX);
        let port = self
            .variables
            .number("OTEL_EXPORTER_PROMETHEUS_PORT", ports);
        let port = port.map_or(SCRAPE_PORT, |port| port as u16);
        if host == "localhost" {
            return Ok(Some((IpAddr::V4(Ipv4Addr::LOCALHOST), port).into()));
        }
        let found = (host.as_str(), port).to_socket_addrs();
        let found = found.ok().and_then(|mut all| all.next());
        found.map(Some).ok_or_else(|| TelemetryError::Value {
            name: name.to_owned(),
            value: host,
            expected: "the name or address of this machine",
        })
    }
}

/// The SDK's own messages are silent unless asked for: an outage would fill the screen.
fn log_level(variables: &Variables<'_>) -> LevelFilter {
    let known = ["none", "error", "warn", "info", "debug", "trace"];
    match variables.one_of("OTEL_LOG_LEVEL", &known) {
        Some("error") => LevelFilter::ERROR,
        Some("warn") => LevelFilter::WARN,
        Some("info") => LevelFilter::INFO,
        Some("debug") => LevelFilter::DEBUG,
        Some("trace") => LevelFilter::TRACE,
        _ => LevelFilter::OFF,
    }
}

#[cfg(test)]
mod tests;
