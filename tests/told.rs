//! What pools and monitors tell through `tracing`.
//!
//! One test at a time: a thread that meets an event first, where nobody listens, while another begins to listen, may
//! leave it disabled for good. And a monitor judges the pools of all tests.

mod armed;
mod recorder;
mod traffic;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use knhk_pool::ThreadObjectPool;
use knhk_pool::telemetry::Monitor;
use recorder::Recorder;
use traffic::{at_once, few, hits, pool};

/// After which a helper thread that has said nothing never will.
const PATIENCE: Duration = Duration::from_secs(if cfg!(miri) { 600 } else { 45 });

static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is told on this thread while `work` runs.
fn told(work: impl FnOnce()) -> Vec<String> {
    let recorder = Recorder::default();
    tracing::subscriber::with_default(recorder.clone(), work);
    recorder.events()
}

#[test]
fn warming_up_is_a_span_that_names_the_pool_and_its_sizes() {
    let _alone = alone();
    let pool = pool("prepared", 3);
    assert_eq!(
        told(|| pool.warm_up()),
        [
            "SPAN knhk.buffer_pool.prepare knhk.buffer_pool.name=\"prepared\" \
          knhk.buffer_pool.size=3 knhk.buffer_pool.buffer_size=64"
        ]
    );
}

#[test]
fn a_recovery_is_told_with_the_rate_and_the_threshold_that_it_is_above() {
    let _alone = alone();
    static OBJECTS: ThreadObjectPool<String> =
        ThreadObjectPool::new("objects-rise", 1, String::new);
    let monitor = Monitor::manual(few(10));
    let buffers = pool("buffers-rise", 1);
    let low = || {
        drop(at_once(&buffers, 10));
        let _held = OBJECTS.get();
        (0..9).for_each(|_| assert!(OBJECTS.get().is_err()));
        monitor.tick();
    };
    let high = || {
        hits(&buffers, 100);
        (0..100).for_each(|_| drop(OBJECTS.get().expect("idle")));
        monitor.tick();
    };
    let warned = told(low);
    let named = |events: &[String], start: &str, name: &str| {
        let is_it = |event: &&String| event.starts_with(start) && event.contains(name);
        events.iter().find(is_it).cloned().unwrap_or_default()
    };
    let object = named(
        &warned,
        "WARN knhk.object_pool.low_hit_rate",
        "objects-rise",
    );
    for part in [
        "knhk.hit_rate.value=0.1 ",
        "knhk.hit_rate.exhausted=9 ",
        "is 10.0 %, below 90.0 %: 9 acquires were refused, and how many objects would have held them \
         is not known; it has 1, the next to try is 2",
    ] {
        assert!(object.contains(part), "{part} is not in {warned:#?}");
    }
    let risen = told(high);
    for (event, pool, text) in [
        (
            "INFO knhk.buffer_pool.hit_rate_recovered",
            "knhk.buffer_pool.name=\"buffers-rise\"",
            "hit rate of buffer pool \"buffers-rise\" is 100.0 % again",
        ),
        (
            "INFO knhk.object_pool.hit_rate_recovered",
            "knhk.object_pool.name=\"objects-rise\"",
            "hit rate of object pool \"objects-rise\" is 100.0 % again",
        ),
    ] {
        let event = named(&risen, event, pool);
        for part in [text, "knhk.hit_rate.value=1", "knhk.hit_rate.threshold=0.9"] {
            assert!(event.contains(part), "{part} is not in {risen:#?}");
        }
    }
}

#[test]
fn the_helper_thread_warns_through_tracing_and_ends_with_its_guard() {
    let _alone = alone();
    let recorder = Recorder::default();
    tracing::subscriber::set_global_default(recorder.clone()).expect("there is no other");
    let pool = pool("watched-by-a-thread", 1);
    let monitor = Monitor::start_with(Duration::from_millis(2), few(4));
    let monitor = monitor.expect("a thread can be started");
    drop(at_once(&pool, 4));
    let started = Instant::now();
    let event = loop {
        let mut told = recorder.events().into_iter();
        if let Some(event) = told.find(|event| event.contains("watched-by-a-thread")) {
            break event;
        }
        assert!(started.elapsed() < PATIENCE, "nobody was told");
        thread::yield_now();
    };
    drop(monitor);
    assert!(
        event.starts_with("WARN knhk.buffer_pool.low_hit_rate"),
        "{event}"
    );
    for part in [
        "knhk.buffer_pool.name=\"watched-by-a-thread\"",
        "knhk.hit_rate.value=0.25",
        "knhk.hit_rate.threshold=0.9",
        "knhk.hit_rate.exhausted=0",
        "knhk.buffer_pool.size=1",
        "knhk.buffer_pool.recommended_size=4",
        "is 25.0 %, below 90.0 %: 4 buffers a thread would have held it, it has 1",
    ] {
        assert!(event.contains(part), "{part} is not in {event}");
    }
}
