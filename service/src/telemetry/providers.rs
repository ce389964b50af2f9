//! The SDK's three providers: made together, and ended together under one deadline.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Instant;

use knhk_pool::telemetry::otel;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::logs::{self, BatchLogProcessor, SdkLoggerProvider};
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{self, BatchSpanProcessor, SdkTracerProvider};

use super::TelemetryError;
use super::deliveries::Deliveries;
use super::exporters::Workshop;
use super::exports::Exports;
use super::route::Route;
use super::self_metrics;
use crate::{instruments, serve};

/// The providers of what is exported; none where nothing is.
#[derive(Debug)]
pub(super) struct Providers {
    pub(super) metrics: Option<SdkMeterProvider>,
    pub(super) traces: Option<SdkTracerProvider>,
    pub(super) logs: Option<SdkLoggerProvider>,
    /// What a scraper is given.
    pub(super) registry: prometheus::Registry,
    /// Outlives the exporters, which run on it.
    #[cfg(feature = "grpc")]
    runtime: Option<tokio::runtime::Runtime>,
}

impl Providers {
    pub(super) fn build(
        exports: &Exports,
        deliveries: &Arc<Deliveries>,
    ) -> Result<Self, TelemetryError> {
        #[cfg(feature = "grpc")]
        let runtime = grpc_runtime(exports)?;
        #[cfg(feature = "grpc")]
        let _inside = runtime.as_ref().map(tokio::runtime::Runtime::enter);
        let workshop = Workshop { deliveries };
        let registry = prometheus::Registry::new();
        let metrics = meter_provider(exports, workshop, &registry)?;
        if let Some(provider) = &metrics {
            register(provider, deliveries);
        }
        let traces = exports.traces.as_ref();
        let traces = traces.map(|route| tracer_provider(exports, route, workshop));
        let logs = exports.logs.as_ref();
        let logs = logs.map(|route| logger_provider(exports, route, workshop));
        Ok(Self {
            metrics,
            traces: traces.transpose()?,
            logs: logs.transpose()?,
            registry,
            #[cfg(feature = "grpc")]
            runtime,
        })
    }

    /// Exports what is left and ends the providers' threads. If that is not done by `deadline`, it is
    /// `late`, and threads that wait for the collector are left to the end of the process.
    pub(super) fn shutdown(self, deadline: Instant, late: impl FnOnce()) {
        let left = deadline.saturating_duration_since(Instant::now());
        // One by one they could take three times as long.
        let mut ends: Vec<Box<dyn FnOnce() + Send>> = Vec::new();
        if let Some(it) = self.metrics {
            ends.push(Box::new(move || drop(it.shutdown_with_timeout(left))));
        }
        if let Some(it) = self.traces {
            ends.push(Box::new(move || drop(it.shutdown_with_timeout(left))));
        }
        if let Some(it) = self.logs {
            ends.push(Box::new(move || drop(it.shutdown_with_timeout(left))));
        }
        if !all_by(ends, deadline) {
            late();
        }
        #[cfg(feature = "grpc")]
        if let Some(runtime) = self.runtime {
            runtime.shutdown_background();
        }
    }
}

/// Does each of `ends` on a thread of its own; whether all were done by `deadline`.
fn all_by(ends: Vec<Box<dyn FnOnce() + Send>>, deadline: Instant) -> bool {
    let (done, ended) = mpsc::channel::<()>();
    for end in ends {
        let done = done.clone();
        let started = thread::Builder::new().spawn(move || {
            end();
            drop(done);
        });
        // Without a thread there is no end in time: what is left is lost, the program still ends.
        drop(started);
    }
    drop(done);
    // Nobody sends: the channel closes when the last has dropped its half.
    let left = deadline.saturating_duration_since(Instant::now());
    ended.recv_timeout(left) == Err(RecvTimeoutError::Disconnected)
}

/// Installs every metric of the library and the service on `provider`.
pub fn register(provider: &SdkMeterProvider, deliveries: &Arc<Deliveries>) {
    otel::register(&provider.meter_with_scope(otel::scope()));
    let meter = provider.meter_with_scope(instruments::scope());
    self_metrics::register(&meter, deliveries);
    instruments::register(&meter);
    serve::instruments::register(&meter);
}

fn meter_provider(
    exports: &Exports,
    workshop: Workshop<'_>,
    registry: &prometheus::Registry,
) -> Result<Option<SdkMeterProvider>, TelemetryError> {
    if exports.metrics.is_none() && !exports.gather {
        return Ok(None);
    }
    let mut builder = SdkMeterProvider::builder().with_resource(exports.resource.clone());
    if let Some(route) = &exports.metrics {
        let reader = PeriodicReader::builder(workshop.metrics(route)?);
        builder = builder.with_reader(reader.with_interval(exports.interval).build());
    }
    if exports.gather {
        let reader = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            // Labels that other ways to Prometheus do not have, and that nobody may group by.
            .scope_info_enabled(false)
            .build()
            .expect("the registry is new");
        builder = builder.with_reader(reader);
    }
    Ok(Some(builder.build()))
}

fn tracer_provider(
    exports: &Exports,
    route: &Route,
    workshop: Workshop<'_>,
) -> Result<SdkTracerProvider, TelemetryError> {
    let batches = trace::BatchConfigBuilder::default()
        .with_max_queue_size(exports.spans.queue)
        .with_max_export_batch_size(exports.spans.batch)
        .with_scheduled_delay(exports.spans.delay)
        .build();
    let processor = BatchSpanProcessor::builder(workshop.spans(route)?).with_batch_config(batches);
    Ok(SdkTracerProvider::builder()
        .with_resource(exports.resource.clone())
        .with_span_processor(processor.build())
        .build())
}

fn logger_provider(
    exports: &Exports,
    route: &Route,
    workshop: Workshop<'_>,
) -> Result<SdkLoggerProvider, TelemetryError> {
    let batches = logs::BatchConfigBuilder::default()
        .with_max_queue_size(exports.records.queue)
        .with_max_export_batch_size(exports.records.batch)
        .with_scheduled_delay(exports.records.delay)
        .build();
    let processor = BatchLogProcessor::builder(workshop.logs(route)?).with_batch_config(batches);
    Ok(SdkLoggerProvider::builder()
        .with_resource(exports.resource.clone())
        .with_log_processor(processor.build())
        .build())
}

/// The SDK's threads wait for it; it is not theirs, so that none of them drives it.
#[cfg(feature = "grpc")]
fn grpc_runtime(exports: &Exports) -> std::io::Result<Option<tokio::runtime::Runtime>> {
    use super::route::Protocol;

    let routes = [&exports.metrics, &exports.traces, &exports.logs];
    let mut routes = routes.into_iter().flatten();
    if !routes.any(|route| route.protocol == Protocol::Grpc) {
        return Ok(None);
    }
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("knhk-otlp-grpc")
        .enable_all()
        .build()
        .map(Some)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn one_end_that_hangs_does_not_hold_up_the_others_nor_the_deadline() {
        let (told, heard) = mpsc::channel();
        let (keep, never) = mpsc::channel::<()>();
        let ends: Vec<Box<dyn FnOnce() + Send>> = vec![
            Box::new(move || never.recv().unwrap_or_default()),
            Box::new(move || told.send(()).expect("the test listens")),
        ];
        assert!(!all_by(ends, Instant::now() + Duration::from_millis(50)));
        heard.recv().expect("the other end is done");
        drop(keep);
        assert!(all_by(Vec::new(), Instant::now()));
    }
}
