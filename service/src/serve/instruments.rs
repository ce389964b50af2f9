//! What the service tells of itself: requests, the queue, the journal.
//!
//! Counts are of the process, as the pipeline's are; the queue and the connections are asked for when
//! metrics are collected.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use knhk_pool::telemetry::semconv::{
    KnhkServiceReason as Reason, KnhkServiceReloadOutcome as Reload,
    KnhkServiceStatusClass as Class, Metric, attribute, metric,
};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Histogram, Meter};

use crate::instruments::boundaries;

/// Relaxed throughout: figures publish nothing but themselves.
static REQUESTS: [AtomicU64; Class::ALL.len()] = [const { AtomicU64::new(0) }; Class::ALL.len()];
static REJECTED: [AtomicU64; Reason::ALL.len()] = [const { AtomicU64::new(0) }; Reason::ALL.len()];
static RELOADS: [AtomicU64; Reload::ALL.len()] = [const { AtomicU64::new(0) }; Reload::ALL.len()];
static JOURNAL_BYTES: AtomicU64 = AtomicU64::new(0);
static MISSED: AtomicU64 = AtomicU64::new(0);
static DURATION: OnceLock<Histogram<f64>> = OnceLock::new();
static LOAD: OnceLock<Box<dyn Fn() -> Load + Send + Sync>> = OnceLock::new();

/// How busy the service is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Load {
    /// Whether it takes triples; nothing where none is served, or no more.
    pub(super) is_ready: Option<bool>,
    pub(super) connections: u64,
    pub(super) queue_len: u64,
    pub(super) queue_capacity: u64,
}

/// Installs the metrics on `meter`.
pub(crate) fn register(meter: &Meter) {
    counter(
        meter,
        &metric::KNHK_SERVICE_REQUESTS,
        points(
            &REQUESTS,
            Class::ALL.iter().map(|it| it.as_str()),
            attribute::KNHK_SERVICE_STATUS_CLASS,
        ),
    );
    counter(
        meter,
        &metric::KNHK_SERVICE_REJECTED,
        points(
            &REJECTED,
            Reason::ALL.iter().map(|it| it.as_str()),
            attribute::KNHK_SERVICE_REASON,
        ),
    );
    counter(
        meter,
        &metric::KNHK_SERVICE_RELOAD,
        points(
            &RELOADS,
            Reload::ALL.iter().map(|it| it.as_str()),
            attribute::KNHK_SERVICE_RELOAD_OUTCOME,
        ),
    );
    counter(
        meter,
        &metric::KNHK_SERVICE_JOURNAL_WRITTEN,
        vec![(&JOURNAL_BYTES, vec![])],
    );
    counter(
        meter,
        &metric::KNHK_SERVICE_RECEIPTS_MISSED,
        vec![(&MISSED, vec![])],
    );
    gauge(meter, &metric::KNHK_SERVICE_READY, |it| {
        it.is_ready.map(u64::from)
    });
    gauge(meter, &metric::KNHK_SERVICE_CONNECTIONS, |it| {
        Some(it.connections)
    });
    gauge(meter, &metric::KNHK_SERVICE_QUEUE_LENGTH, |it| {
        Some(it.queue_len)
    });
    gauge(meter, &metric::KNHK_SERVICE_QUEUE_CAPACITY, |it| {
        Some(it.queue_capacity)
    });
    let duration = &metric::KNHK_SERVICE_REQUEST_DURATION;
    DURATION.get_or_init(|| {
        meter
            .f64_histogram(duration.name)
            .with_unit(duration.unit)
            .with_description(duration.brief)
            .with_boundaries(boundaries())
            .build()
    });
}

type Points = Vec<(&'static AtomicU64, Vec<KeyValue>)>;

/// One point for each of `values`: those at zero too, so that a rate has a start.
fn points(
    counts: &'static [AtomicU64],
    values: impl Iterator<Item = &'static str>,
    key: &'static str,
) -> Points {
    let pairs = counts.iter().zip(values);
    pairs
        .map(|(count, value)| (count, vec![KeyValue::new(key, value)]))
        .collect()
}

fn counter(meter: &Meter, metric: &Metric, points: Points) {
    meter
        .u64_observable_counter(metric.name)
        .with_unit(metric.unit)
        .with_description(metric.brief)
        .with_callback(move |to| {
            for (count, attributes) in &points {
                to.observe(count.load(Ordering::Relaxed), attributes);
            }
        })
        .build();
}

fn gauge(meter: &Meter, metric: &Metric, of: fn(Load) -> Option<u64>) {
    meter
        .u64_observable_gauge(metric.name)
        .with_unit(metric.unit)
        .with_description(metric.brief)
        .with_callback(move |to| {
            let load = LOAD.get().map_or_else(Load::default, |load| load());
            if let Some(value) = of(load) {
                to.observe(value, &[]);
            }
        })
        .build();
}

/// Asks `load` from now on; of several services in a process the first.
pub(super) fn watch(load: impl Fn() -> Load + Send + Sync + 'static) {
    let _ = LOAD.set(Box::new(load));
}

/// A request was answered with this status.
pub(super) fn count_answer(status: u16) {
    let class = match status {
        400..500 => Class::ClientError,
        500.. => Class::ServerError,
        _ => Class::Success,
    };
    REQUESTS[class as usize].fetch_add(1, Ordering::Relaxed);
}

/// A request was turned away.
pub(super) fn count_rejected(reason: Reason) {
    REJECTED[reason as usize].fetch_add(1, Ordering::Relaxed);
}

/// Requests that were turned away so far.
pub(super) fn rejected() -> u64 {
    REJECTED.iter().map(|it| it.load(Ordering::Relaxed)).sum()
}

/// The configuration was read again.
pub(super) fn count_reload(outcome: Reload) {
    RELOADS[outcome as usize].fetch_add(1, Ordering::Relaxed);
}

/// So many bytes more are in the journal.
pub(super) fn count_journal_bytes(bytes: u64) {
    JOURNAL_BYTES.fetch_add(bytes, Ordering::Relaxed);
}

/// A slow reader was not told of so many batches.
pub(super) fn count_missed(batches: u64) {
    MISSED.fetch_add(batches, Ordering::Relaxed);
}

/// A worker is done with a request that was whole for so long.
pub(super) fn record_duration(duration: Duration) {
    if let Some(histogram) = DURATION.get() {
        histogram.record(duration.as_secs_f64(), &[]);
    }
}
