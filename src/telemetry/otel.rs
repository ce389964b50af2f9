//! The metrics of the library on an OpenTelemetry meter.
//!
//! Depends on the API alone: the program brings the SDK, the exporter and the reader. They have to be of
//! `opentelemetry` 0.33: a meter of another version is another type.
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
use crate::sync::{Arc, Mutex, lock};

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
/// # Names
///
/// The SDK keeps 2000 attribute sets a metric unless a view of the program says otherwise
/// (`Stream::builder().with_cardinality_limit`). A pool has three in each of the metrics that count acquires
/// and releases, and so up to 666 names of one kind are told apart. What comes above is folded into one
/// series, `otel.metric.overflow`, which for observed instruments is no sum: it has the value that was
/// observed last, and the rest is lost to the export. `snapshot` still has all of it. Give pools of one
/// purpose one name.
///
/// # Cost
///
/// One [`snapshot`](crate::snapshot) for each collection, on the reader's thread; a thread that
/// acquires does not notice. Callbacks never panic: that would end the reader's thread for good.
pub fn register(meter: &Meter) {
    let cycle = Arc::new(Cycle::default());
    for (place, metric) in readings::metrics().enumerate() {
        install(meter, metric, Observer::new(metric, place, &cycle));
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
/// A callback cannot know to which collection it belongs. But callbacks are called in the order in
/// which they were installed: one that does not come behind the one before begins a collection, and
/// takes new readings. In any other order they would be as right, and cost more.
#[derive(Debug)]
struct Cycle {
    newest: Mutex<Generation>,
}

#[derive(Debug)]
struct Generation {
    /// The place behind that of the instrument that told these readings last.
    told: usize,
    readings: Arc<Vec<Reading>>,
}

/// No readings yet, so that every instrument comes too late for them.
impl Default for Cycle {
    fn default() -> Self {
        Self {
            newest: Mutex::new(Generation {
                told: usize::MAX,
                readings: Arc::default(),
            }),
        }
    }
}

/// One instrument's side of the cycle.
struct Observer {
    metric: &'static Metric,
    /// Among the instruments of the cycle.
    place: usize,
    cycle: Arc<Cycle>,
}

impl Observer {
    fn new(metric: &'static Metric, place: usize, cycle: &Arc<Cycle>) -> Self {
        Self {
            metric,
            place,
            cycle: Arc::clone(cycle),
        }
    }

    fn readings(&self) -> Arc<Vec<Reading>> {
        let mut newest = lock(&self.cycle.newest);
        if self.place < newest.told {
            let taken = catch_unwind(readings::take).unwrap_or_default();
            newest.readings = Arc::new(taken);
        }
        newest.told = self.place + 1;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Two observers of one cycle.
    fn observers() -> [Observer; 2] {
        let cycle = Arc::new(Cycle::default());
        let mut metrics = readings::metrics();
        [0, 1].map(|place| {
            let metric = metrics.next().expect("there are more than two");
            Observer::new(metric, place, &cycle)
        })
    }

    #[test]
    fn collection_after_two_that_were_interleaved_is_of_new_readings() {
        let [first, second] = observers();
        // Of one reader, and of another at the same time.
        let old = [&first, &first, &second, &second].map(Observer::readings);
        let new = [&first, &second].map(Observer::readings);
        assert!(old.iter().all(|old| !Arc::ptr_eq(old, &new[0])));
        assert!(Arc::ptr_eq(&new[0], &new[1]));
    }

    #[test]
    fn collection_that_lacks_the_first_instrument_has_readings_of_its_own() {
        let pool = crate::BufferPool::builder("viewed")
            .build()
            .expect("in range");
        let [_dropped_by_a_view, second] = observers();
        let [one, other] = [&second, &second].map(Observer::readings);
        assert!(!one.is_empty() && !Arc::ptr_eq(&one, &other));
        drop(pool);
    }
}
