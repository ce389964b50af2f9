//! Names as Prometheus has them, on every path: scrape and OTLP.
//!
//! The rules are those of the OpenTelemetry specification, "Prometheus and OpenMetrics
//! Compatibility": dots become underscores, a unit becomes a suffix, a counter ends in `_total`, a
//! gauge of unit `1` in `_ratio`; a unit in braces is left out.

use crate::registry::{Instrument, Metric};

/// The series of a metric; of a histogram its base, to which `_bucket`, `_sum` and `_count` are added.
///
/// # Examples
///
/// ```
/// use knhk_semconv::Registry;
/// use knhk_semconv::prometheus::series;
///
/// let registry = Registry::of_this_project()?;
/// let acquire = registry.metric("knhk.buffer_pool.acquire").expect("it is defined");
/// assert_eq!(series(acquire), "knhk_buffer_pool_acquire_total");
/// # Ok::<(), knhk_semconv::RegistryError>(())
/// ```
pub fn series(metric: &Metric) -> String {
    let mut name = label(&metric.name);
    name.push_str(match (&*metric.unit, metric.instrument) {
        ("By", _) => "_bytes",
        ("s", _) => "_seconds",
        ("1", Instrument::Gauge) => "_ratio",
        _ => "",
    });
    if metric.instrument == Instrument::Counter {
        name.push_str("_total");
    }
    name
}

/// The label of an attribute.
pub fn label(key: &str) -> String {
    key.replace('.', "_")
}

/// Every name that a query may use.
pub fn all_series(metric: &Metric) -> Vec<String> {
    let base = series(metric);
    match metric.instrument {
        Instrument::Histogram => ["_bucket", "_sum", "_count"]
            .map(|part| format!("{base}{part}"))
            .into(),
        _ => vec![base],
    }
}
