//! The metrics of the library through the `metrics` facade, to whatever recorder the program has
//! installed. The recorder has to be of `metrics` 0.24: another version has a recorder of its own, and nothing
//! arrives.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::time::Duration;

use metrics::{Counter, Gauge, Label, Unit};

use super::readings::{self, Reading, Value};
use super::semconv::{Instrument, Metric};
use super::ticker::Ticker;

/// Publishes what the pools have done, each time that it is told to.
///
/// Handles are made once for each series and held. Install the recorder first: a handle belongs to
/// the recorder that was there when it was made.
///
/// # Cost
///
/// A [`snapshot`](crate::snapshot) and a store for each series, on the calling thread; nothing on a
/// thread that acquires.
///
/// # Examples
///
/// ```
/// use knhk_pool::telemetry::facade::Publisher;
///
/// let mut publisher = Publisher::new();
/// publisher.publish(); // at an interval, or when somebody asks
/// ```
#[derive(Default)]
pub struct Publisher {
    handles: HashMap<Series, Handle>,
}

type Series = (&'static str, Vec<(&'static str, &'static str)>);

enum Handle {
    Counter(Counter),
    Gauge(Gauge),
}

impl Publisher {
    /// Tells the recorder units and descriptions; publishes nothing yet.
    pub fn new() -> Self {
        readings::metrics().for_each(describe);
        Self::default()
    }

    /// Publishes every figure as it is now. Gauges whose pool has no figure now keep their last.
    pub fn publish(&mut self) {
        for reading in readings::take() {
            let series = (reading.metric.name, reading.attributes.clone());
            let handle = self
                .handles
                .entry(series)
                .or_insert_with(|| Handle::of(&reading));
            handle.set(reading.value);
        }
    }

    /// Publishes every `interval` on a helper thread named `knhk-pool-metrics`, until the returned
    /// guard is dropped.
    ///
    /// # Errors
    ///
    /// When the thread cannot be started, or `interval` is zero.
    pub fn start(mut self, interval: Duration) -> io::Result<Publishing> {
        let publish = move || self.publish();
        let ticker = Ticker::start("knhk-pool-metrics", interval, publish)?;
        Ok(Publishing { _ticker: ticker })
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut publisher = f.debug_struct("Publisher");
        publisher.field("series", &self.handles.len()).finish()
    }
}

/// Ends the publishing when it is dropped.
#[derive(Debug)]
#[must_use = "dropping it ends the publishing"]
pub struct Publishing {
    _ticker: Ticker,
}

impl Handle {
    fn of(reading: &Reading) -> Self {
        let labels = reading.attributes.iter();
        let labels: Vec<Label> = labels
            .map(|(key, value)| Label::from_static_parts(key, value))
            .collect();
        match reading.metric.instrument {
            Instrument::Counter => Self::Counter(metrics::counter!(reading.metric.name, labels)),
            _ => Self::Gauge(metrics::gauge!(reading.metric.name, labels)),
        }
    }

    fn set(&self, value: Value) {
        match (self, value) {
            (Self::Counter(counter), Value::Int(total)) => counter.absolute(total),
            (Self::Gauge(gauge), Value::Int(int)) => gauge.set(int as f64),
            (Self::Gauge(gauge), Value::Double(double)) => gauge.set(double),
            // Counters are whole numbers.
            (Self::Counter(_), Value::Double(_)) => {}
        }
    }
}

fn describe(metric: &'static Metric) {
    let unit = match metric.unit {
        "By" => Unit::Bytes,
        // The facade has no unit for a share; exporters name this one `_ratio`.
        "1" => Unit::Percent,
        _ => Unit::Count,
    };
    match metric.instrument {
        Instrument::Counter => metrics::describe_counter!(metric.name, unit, metric.brief),
        _ => metrics::describe_gauge!(metric.name, unit, metric.brief),
    }
}
