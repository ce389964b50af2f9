//! The metrics of the library on an OpenTelemetry meter.
//!
//! Depends on the API alone: the program brings the SDK, the exporter and the reader.
//!
//! ```
//! use knhk_pool::telemetry::otel;
//! use opentelemetry::metrics::MeterProvider as _;
//! # fn provider() -> opentelemetry_sdk::metrics::SdkMeterProvider {
//! #     opentelemetry_sdk::metrics::SdkMeterProvider::builder().build()
//! # }
//!
//! let provider = provider(); // the program's own
//! otel::register(&provider.meter_with_scope(otel::scope()));
//! ```

use std::panic::catch_unwind;

use opentelemetry::metrics::{AsyncInstrument, Meter};
use opentelemetry::{InstrumentationScope, KeyValue};

use super::readings::{self, Reading, Value};
use super::semconv::{Instrument, Metric, SCHEMA_URL, ValueType};
use crate::sync::{Arc, AtomicU64, Mutex, Ordering, lock};

/// The scope that the library's telemetry belongs to: name, version and schema.
pub fn scope() -> InstrumentationScope {
    InstrumentationScope::builder(env!("CARGO_PKG_NAME"))
        .with_version(env!("CARGO_PKG_VERSION"))
        .with_schema_url(SCHEMA_URL)
        .build()
}

/// Installs an observable instrument for each metric of the library on `meter`.
///
/// Call it once for each meter provider. The instruments live as long as the provider, whatever
/// becomes of the pools; they observe every pool of the process, those too that are made later.
/// Several readers are served independently, and a second call changes nothing but its cost.
///
/// # Cost
///
/// One [`snapshot`](crate::snapshot) for each collection, on the reader's thread; a thread that
/// acquires does not notice. Callbacks never panic: that would end the reader's thread for good.
pub fn register(meter: &Meter) {
    let cycle = Arc::new(Cycle::default());
    for metric in readings::metrics() {
        install(meter, metric, Observer::new(metric, &cycle));
    }
}

fn install(meter: &Meter, metric: &'static Metric, observer: Observer) {
    let (name, unit, brief) = (metric.name, metric.unit, metric.brief);
    // The handle is useless: the meter keeps the callback.
    match (metric.instrument, metric.value_type) {
        (Instrument::Counter, _) => {
            let builder = meter.u64_observable_counter(name);
            let builder = builder.with_unit(unit).with_description(brief);
            builder
                .with_callback(move |to| observer.ints(to, |int| int))
                .build();
        }
        (Instrument::UpDownCounter, _) => {
            let builder = meter.i64_observable_up_down_counter(name);
            let builder = builder.with_unit(unit).with_description(brief);
            let signed = |int| i64::try_from(int).unwrap_or(i64::MAX);
            builder
                .with_callback(move |to| observer.ints(to, signed))
                .build();
        }
        (Instrument::Gauge, ValueType::Int) => {
            let builder = meter.u64_observable_gauge(name);
            let builder = builder.with_unit(unit).with_description(brief);
            builder
                .with_callback(move |to| observer.ints(to, |int| int))
                .build();
        }
        (Instrument::Gauge, ValueType::Double) => {
            let builder = meter.f64_observable_gauge(name);
            let builder = builder.with_unit(unit).with_description(brief);
            builder
                .with_callback(move |to| observer.doubles(to))
                .build();
        }
        // The library has none: a histogram cannot be observed.
        (Instrument::Histogram, _) => {}
    }
}

/// The readings that the callbacks of one collection share.
///
/// A callback cannot know to which collection it belongs. But it can know what it has told: if that
/// is the newest there is, a collection is beginning, and it takes new readings; if not, another
/// callback of its collection has taken them.
#[derive(Debug, Default)]
struct Cycle {
    newest: Mutex<Generation>,
}

#[derive(Clone, Debug, Default)]
struct Generation {
    nth: u64,
    readings: Arc<Vec<Reading>>,
}

/// One instrument's side of the cycle.
struct Observer {
    metric: &'static Metric,
    cycle: Arc<Cycle>,
    /// The newest generation that this instrument has told. Relaxed: guarded by the cycle's lock.
    told: AtomicU64,
}

impl Observer {
    fn new(metric: &'static Metric, cycle: &Arc<Cycle>) -> Self {
        Self {
            metric,
            cycle: Arc::clone(cycle),
            told: AtomicU64::new(0),
        }
    }

    fn readings(&self) -> Arc<Vec<Reading>> {
        let mut newest = lock(&self.cycle.newest);
        if self.told.load(Ordering::Relaxed) == newest.nth {
            let taken = catch_unwind(readings::take).unwrap_or_default();
            *newest = Generation {
                nth: newest.nth + 1,
                readings: Arc::new(taken),
            };
        }
        self.told.store(newest.nth, Ordering::Relaxed);
        Arc::clone(&newest.readings)
    }

    fn ints<T>(&self, to: &dyn AsyncInstrument<T>, convert: impl Fn(u64) -> T) {
        for reading in self.readings().iter().filter(|it| it.metric == self.metric) {
            if let Value::Int(value) = reading.value {
                to.observe(convert(value), &key_values(reading));
            }
        }
    }

    fn doubles(&self, to: &dyn AsyncInstrument<f64>) {
        for reading in self.readings().iter().filter(|it| it.metric == self.metric) {
            if let Value::Double(value) = reading.value {
                to.observe(value, &key_values(reading));
            }
        }
    }
}

fn key_values(reading: &Reading) -> Vec<KeyValue> {
    let pairs = reading.attributes.iter();
    pairs
        .map(|(key, value)| KeyValue::new(*key, *value))
        .collect()
}
