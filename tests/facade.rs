//! The library's metrics through the `metrics` facade.
#![cfg(feature = "metrics")]

mod armed;

use std::collections::HashMap;
use std::thread;
use std::time::{Duration, Instant};

use knhk_pool::telemetry::facade::Publisher;
use knhk_pool::telemetry::semconv::metric;
use knhk_pool::{Arena, ArenaConfig, BufferPool};
use metrics::Unit;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

/// After which a helper thread that has said nothing never will.
const PATIENCE: Duration = Duration::from_secs(if cfg!(miri) { 600 } else { 45 });

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
fn recorder_is_told_the_registrys_words_and_units_for_every_series() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _arena = Arena::named("described", &ArenaConfig::default()).expect("memory");
    metrics::with_local_recorder(&recorder, || {
        let pool = BufferPool::builder("described").pool_size(1).build();
        drop(pool.expect("its size is good").acquire());
        Publisher::new().publish();
    });
    let series = snapshotter.snapshot().into_vec().into_iter();
    let told: HashMap<_, _> = series
        .map(|(key, unit, words, _)| (key.key().name().to_owned(), (unit, words)))
        .collect();
    for (metric, unit) in [
        (metric::KNHK_BUFFER_POOL_ACQUIRE, Unit::Count),
        (metric::KNHK_BUFFER_POOL_LIFETIME_HIT_RATE, Unit::Percent),
        (metric::KNHK_BUFFER_POOL_RETAINED, Unit::Bytes),
        (metric::KNHK_ARENA_UTILIZATION, Unit::Percent),
        (metric::KNHK_ARENA_IN_USE, Unit::Bytes),
    ] {
        assert_eq!(told[metric.name].0, Some(unit), "{}", metric.name);
    }
    for (name, (unit, words)) in &told {
        let metric = metric::ALL.iter().find(|metric| metric.name == name);
        let brief = metric.expect("the registry has it").brief;
        assert_eq!(words.as_deref(), Some(brief), "{name}");
        assert!(unit.is_some(), "{name}");
    }
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
    let started = Instant::now();
    while recorded(&snapshotter, name, &["by-a-thread", "hit"]).is_none() {
        assert!(started.elapsed() < PATIENCE, "nothing is published");
        thread::yield_now();
    }
    drop(publishing);
}
