//! What became of exports: a counter, and one line for each outage.
//!
//! ```text
//!  all signals pass ──a signal fails──▸ outage: one line ──every signal passes──▸ one line
//! ```
//!
//! A signal that has nothing to export cannot pass by itself: it counts as passing again when another
//! one has been delivered twice since its last failure.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use knhk_pool::telemetry::semconv::{
    KnhkTelemetryOutcome as Outcome, KnhkTelemetrySignal as Signal,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{LogBatch, LogExporter};
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use std::sync::Arc;

const SIGNALS: usize = Signal::ALL.len();
const OUTCOMES: usize = Outcome::ALL.len();

/// Deliveries of another signal after which a silent one counts as passing again.
const OTHERS_MIN: u32 = 2;

/// Counts exports, and tells of the first failure and of the recovery.
#[derive(Debug, Default)]
pub struct Deliveries {
    counts: [[AtomicU64; OUTCOMES]; SIGNALS],
    outage: Mutex<Outage>,
    /// Why the last request of a signal failed: the SDK does not hand it on.
    reasons: [Mutex<Option<String>>; SIGNALS],
}

impl Deliveries {
    /// Exports of `signal` that ended in `outcome`.
    pub(super) fn count(&self, signal: Signal, outcome: Outcome) -> u64 {
        // Relaxed: a count, which publishes nothing.
        self.counts[signal as usize][outcome as usize].load(Ordering::Relaxed)
    }

    /// Keeps why a request of `signal` failed, for the line that may follow.
    pub(super) fn explain(&self, signal: Signal, reason: String) {
        *lock(&self.reasons[signal as usize]) = Some(reason);
    }

    /// Tells that the end did not wait for the collector any longer, unless an outage has been told;
    /// then what the threads that were left behind run into is part of it.
    pub(super) fn gave_up(&self, waited: Duration) {
        if lock(&self.outage).failed(Signal::Metrics) {
            tracing::warn!(
                "telemetry ends without its last export: no answer from the collector for {waited:?}"
            );
        }
    }

    fn note(&self, signal: Signal, endpoint: &str, result: &OTelSdkResult) {
        let outcome = match result {
            Ok(()) => Outcome::Ok,
            Err(_) => Outcome::Failed,
        };
        self.counts[signal as usize][outcome as usize].fetch_add(1, Ordering::Relaxed);
        let reason = lock(&self.reasons[signal as usize]).take();
        match result {
            Ok(()) if lock(&self.outage).passed(signal) => {
                tracing::info!("telemetry is exported to {endpoint} again");
            }
            Err(error) if lock(&self.outage).failed(signal) => {
                let reason = reason.unwrap_or_else(|| error.to_string());
                let signal = signal.as_str();
                tracing::warn!(
                    "cannot export {signal} to {endpoint}: {reason}; spans and logs are dropped, \
                     totals are kept until it answers"
                );
            }
            _ => {}
        }
    }
}

/// Nothing that is done under these locks can leave them half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Which signals fail: for each that does, how often others have been delivered since.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Outage([Option<[u32; SIGNALS]>; SIGNALS]);

impl Outage {
    fn is_on(&self) -> bool {
        self.0.iter().any(Option::is_some)
    }

    /// Whether an outage begins.
    fn failed(&mut self, signal: Signal) -> bool {
        let begins = !self.is_on();
        self.0[signal as usize] = Some([0; SIGNALS]);
        begins
    }

    /// Whether an outage ends.
    fn passed(&mut self, signal: Signal) -> bool {
        let was_on = self.is_on();
        self.0[signal as usize] = None;
        for silent in &mut self.0 {
            let Some(others) = silent else { continue };
            others[signal as usize] += 1;
            if others[signal as usize] == OTHERS_MIN {
                *silent = None;
            }
        }
        was_on && !self.is_on()
    }
}

/// An exporter whose results are noted.
pub(super) struct Noted<E> {
    pub(super) exporter: E,
    pub(super) signal: Signal,
    /// As it may be shown.
    pub(super) endpoint: String,
    pub(super) deliveries: Arc<Deliveries>,
}

impl<E> fmt::Debug for Noted<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Noted")
            .field("signal", &self.signal)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

impl<E> Noted<E> {
    fn note(&self, result: OTelSdkResult) -> OTelSdkResult {
        self.deliveries.note(self.signal, &self.endpoint, &result);
        result
    }
}

impl<E: PushMetricExporter> PushMetricExporter for Noted<E> {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        self.note(self.exporter.export(metrics).await)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.exporter.temporality()
    }
}

impl<E: SpanExporter> SpanExporter for Noted<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.note(self.exporter.export(batch).await)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl<E: LogExporter> LogExporter for Noted<E> {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        self.note(self.exporter.export(batch).await)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use super::Signal::{Logs, Metrics, Traces};
    use super::*;

    #[test]
    fn an_outage_begins_once_and_ends_once_however_many_signals_fail() {
        let mut outage = Outage::default();
        assert!(!outage.passed(Metrics), "there was none");
        assert!(outage.failed(Traces));
        assert!(
            ![Metrics, Traces, Logs, Metrics]
                .map(|it| outage.failed(it))
                .contains(&true)
        );
        assert_eq!(
            [Logs, Traces, Metrics].map(|it| outage.passed(it)),
            [false, false, true]
        );
        assert!(outage.failed(Metrics), "the next one is told again");
    }

    #[test]
    fn a_signal_that_has_nothing_to_send_does_not_hold_up_the_end() {
        let mut outage = Outage::default();
        outage.failed(Logs);
        outage.failed(Metrics);
        assert_eq!(
            [Metrics, Metrics].map(|it| outage.passed(it)),
            [false, true]
        );
    }

    #[test]
    fn a_signal_that_goes_on_failing_is_told_once_though_others_pass() {
        let mut outage = Outage::default();
        assert!(outage.failed(Traces));
        for _ in 0..5 {
            assert!(!outage.passed(Metrics));
            assert!(!outage.failed(Traces));
        }
    }
}
