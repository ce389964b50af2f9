//! The library's metrics through the `metrics` facade.
#![cfg(feature = "metrics")]

mod armed;

use std::thread;
use std::time::Duration;

use knhk_pool::BufferPool;
use knhk_pool::telemetry::facade::Publisher;
use knhk_pool::telemetry::semconv::metric;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

/// What the recorder has of `metric`, where a label holds each of `labels`.
fn recorded(snapshotter: &Snapshotter, metric: &str, labels: &[&str]) -> Option<DebugValue> {
    let all = snapshotter.snapshot().into_vec().into_iter();
    let mut its = all.filter(|(key, ..)| {
        let of: Vec<&str> = key.key().labels().map(|label| label.value()).collect();
        key.key().name() == metric && labels.iter().all(|label| of.contains(label))
    });
    its.next().map(|(.., value)| value)
}

fn gauge(value: Option<DebugValue>) -> Option<f64> {
    match value {
        Some(DebugValue::Gauge(gauge)) => Some(gauge.into_inner()),
        _ => None,
    }
}

#[test]
fn what_is_published_is_what_the_pools_have_done() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || {
        let pool = BufferPool::builder("published").pool_size(1).build();
        let pool = pool.expect("its size is good");
        let mut publisher = Publisher::new();
        let _both = (pool.acquire(), pool.acquire());
        publisher.publish();
        publisher.publish();
        let acquires = |of| {
            recorded(
                &snapshotter,
                metric::KNHK_BUFFER_POOL_ACQUIRE.name,
                &["published", of],
            )
        };
        // A total, not a sum of totals. (A debugging snapshot takes what it shows.)
        assert_eq!(acquires("hit"), Some(DebugValue::Counter(1)));
        publisher.publish();
        assert_eq!(
            acquires("miss"),
            Some(DebugValue::Counter(1)),
            "a total, not a sum of totals"
        );
        publisher.publish();
        let level = |metric| gauge(recorded(&snapshotter, metric, &["published"]));
        assert_eq!(level(metric::KNHK_BUFFER_POOL_IN_USE.name), Some(2.0));
        publisher.publish();
        assert_eq!(
            level(metric::KNHK_BUFFER_POOL_LIFETIME_HIT_RATE.name),
            Some(0.5)
        );
    });
}

#[test]
fn the_helper_thread_publishes_and_ends_with_its_guard() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    recorder.install().expect("there is no other");
    let pool = BufferPool::builder("by-a-thread").pool_size(1).build();
    let pool = pool.expect("its size is good");
    drop(pool.acquire());
    let publishing = Publisher::new().start(Duration::from_millis(2));
    let publishing = publishing.expect("a thread can be started");
    let name = metric::KNHK_BUFFER_POOL_ACQUIRE.name;
    while recorded(&snapshotter, name, &["by-a-thread", "hit"]).is_none() {
        thread::yield_now();
    }
    drop(publishing);
}
