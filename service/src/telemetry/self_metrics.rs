//! Metrics of the service itself: when it started, and how its exports end.

use std::sync::Arc;

use knhk_pool::telemetry::semconv::{
    KnhkTelemetryOutcome as Outcome, KnhkTelemetrySignal as Signal, attribute, metric,
};
use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

use super::deliveries::Deliveries;
use crate::wall_clock::now_ms;

/// Installs them on `meter`. Their callbacks load atomics, and do nothing else.
pub(super) fn register(meter: &Meter, deliveries: &Arc<Deliveries>) {
    let started = now_ms() as f64 / 1000.0;
    let start_time = &metric::KNHK_SERVICE_START_TIME;
    meter
        .f64_observable_gauge(start_time.name)
        .with_unit(start_time.unit)
        .with_description(start_time.brief)
        .with_callback(move |to| to.observe(started, &[]))
        .build();

    let deliveries = Arc::clone(deliveries);
    let points = points();
    let export = &metric::KNHK_TELEMETRY_EXPORT;
    meter
        .u64_observable_counter(export.name)
        .with_unit(export.unit)
        .with_description(export.brief)
        .with_callback(move |to| {
            for (signal, outcome, attributes) in &points {
                to.observe(deliveries.count(*signal, *outcome), attributes);
            }
        })
        .build();
}

/// Every combination: those at zero too, so that a rate has a start.
fn points() -> Vec<(Signal, Outcome, [KeyValue; 2])> {
    let mut points = Vec::new();
    for signal in Signal::ALL {
        for outcome in Outcome::ALL {
            let attributes = [
                KeyValue::new(attribute::KNHK_TELEMETRY_SIGNAL, signal.as_str()),
                KeyValue::new(attribute::KNHK_TELEMETRY_OUTCOME, outcome.as_str()),
            ];
            points.push((*signal, *outcome, attributes));
        }
    }
    points
}
