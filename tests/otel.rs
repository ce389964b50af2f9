//! The library's metrics on an OpenTelemetry meter: right for several readers, from one snapshot a
//! collection, and at no cost to who acquires.
#![cfg(feature = "otel")]

use std::alloc::System;
use std::sync::mpsc::{self, TryRecvError};
use std::thread;

use knhk_pool::hot_path::{self, Mode};
use knhk_pool::telemetry::health::Thresholds;
use knhk_pool::telemetry::semconv::SCHEMA_URL;
use knhk_pool::telemetry::{Monitor, otel};
use knhk_pool::{BufferPool, HotPathAlloc, HotPathGuard};
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData, ResourceMetrics};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};

#[global_allocator]
static ALLOCATOR: HotPathAlloc = HotPathAlloc::new(System);

fn pool(name: &'static str, size: usize) -> BufferPool {
    let builder = BufferPool::builder(name).pool_size(size).buffer_size(64);
    builder.build().expect("its size is good")
}

/// A provider with so many readers, and what each has exported.
struct Readers {
    provider: SdkMeterProvider,
    exporters: Vec<InMemoryMetricExporter>,
}

impl Readers {
    fn new(readers: usize) -> Self {
        let exporters: Vec<_> = (0..readers)
            .map(|_| InMemoryMetricExporter::default())
            .collect();
        let mut builder = SdkMeterProvider::builder();
        for exporter in &exporters {
            builder = builder.with_reader(PeriodicReader::builder(exporter.clone()).build());
        }
        let provider = builder.build();
        otel::register(&provider.meter_with_scope(otel::scope()));
        Self {
            provider,
            exporters,
        }
    }

    /// One collection; what each reader got.
    fn collect(&self) -> Vec<ResourceMetrics> {
        self.exporters
            .iter()
            .for_each(InMemoryMetricExporter::reset);
        self.provider.force_flush().expect("the exporters take all");
        let last = |exporter: &InMemoryMetricExporter| {
            let mut finished = exporter.get_finished_metrics().expect("no panic");
            finished.pop().expect("there was one export")
        };
        self.exporters.iter().map(last).collect()
    }
}

/// The value of the point that has all of `attributes`.
fn value(exported: &ResourceMetrics, metric: &str, attributes: &[&str]) -> Option<f64> {
    let scopes = exported.scope_metrics();
    let mut metrics = scopes
        .flat_map(|scope| scope.metrics())
        .filter(|it| it.name() == metric);
    let metric = metrics.next()?;
    assert!(metrics.next().is_none(), "the metric is there twice");
    let points = match metric.data() {
        AggregatedMetrics::U64(data) => points(data, |value| value as f64),
        AggregatedMetrics::I64(data) => points(data, |value| value as f64),
        AggregatedMetrics::F64(data) => points(data, |value| value),
    };
    let has_all = |of: &[String]| {
        attributes
            .iter()
            .all(|it| of.iter().any(|value| value == it))
    };
    points
        .into_iter()
        .find(|(of, _)| has_all(of))
        .map(|(_, value)| value)
}

fn points<T: Copy>(data: &MetricData<T>, convert: impl Fn(T) -> f64) -> Vec<(Vec<String>, f64)> {
    let values = |attributes: &mut dyn Iterator<Item = &opentelemetry::KeyValue>| {
        attributes
            .map(|pair| pair.value.to_string())
            .collect::<Vec<_>>()
    };
    match data {
        MetricData::Sum(sum) => {
            let points = sum.data_points();
            points
                .map(|it| (values(&mut it.attributes()), convert(it.value())))
                .collect()
        }
        MetricData::Gauge(gauge) => {
            let points = gauge.data_points();
            points
                .map(|it| (values(&mut it.attributes()), convert(it.value())))
                .collect()
        }
        _ => panic!("the library has sums and gauges alone"),
    }
}

#[test]
fn every_reader_gets_the_same_totals() {
    let pool = pool("readers", 2);
    let _three = [pool.acquire(), pool.acquire(), pool.acquire()];
    let readers = Readers::new(2);
    for _ in 0..3 {
        for exported in readers.collect() {
            let acquires = |of| value(&exported, "knhk.buffer_pool.acquire", &["readers", of]);
            assert_eq!(acquires("hit"), Some(2.0));
            assert_eq!(acquires("miss"), Some(1.0));
            assert_eq!(acquires("exhausted"), Some(0.0), "a series from the start");
            let level = |metric| value(&exported, metric, &["readers"]);
            assert_eq!(level("knhk.buffer_pool.in_use"), Some(3.0));
            assert_eq!(level("knhk.buffer_pool.idle"), Some(0.0));
            assert_eq!(level("knhk.buffer_pool.capacity"), Some(2.0));
            assert_eq!(level("knhk.buffer_pool.high_water"), Some(3.0));
            assert_eq!(level("knhk.buffer_pool.thread.count"), Some(1.0));
        }
    }
}

#[test]
fn everything_is_told_in_the_librarys_scope() {
    let _pool = pool("scoped", 1);
    for exported in Readers::new(1).collect() {
        let scopes: Vec<_> = exported.scope_metrics().map(|it| it.scope()).collect();
        assert_eq!(scopes.len(), 1);
        assert_eq!(scopes[0].name(), "knhk-pool");
        assert_eq!(scopes[0].version(), Some(env!("CARGO_PKG_VERSION")));
        assert_eq!(scopes[0].schema_url(), Some(SCHEMA_URL));
    }
}

#[test]
fn registering_twice_doubles_nothing() {
    let pool = pool("twice", 2);
    drop(pool.acquire());
    let readers = Readers::new(1);
    otel::register(&readers.provider.meter_with_scope(otel::scope()));
    let exported = &readers.collect()[0];
    assert_eq!(
        value(exported, "knhk.buffer_pool.acquire", &["twice", "hit"]),
        Some(1.0)
    );
}

#[test]
fn allocations_in_hot_paths_are_told_by_section_and_sections_of_a_name_are_summed() {
    let allocate = || drop(std::hint::black_box(vec![1_u8; 9]));
    for times in 1..=2 {
        let _section = HotPathGuard::enter("otel-summed").with_mode(Mode::Count);
        (0..times).for_each(|_| allocate());
    }
    {
        let _elsewhere = HotPathGuard::enter("otel-summed").with_mode(Mode::Count);
        allocate();
    }
    let readers = Readers::new(1);
    let told = value(
        &readers.collect()[0],
        "knhk.hot_path.allocation",
        &["otel-summed"],
    );
    // Each is made and freed: two calls of the allocator.
    assert_eq!(told, hot_path::is_armed().then_some(8.0));
}

#[test]
fn what_is_no_number_is_left_out() {
    let pool = pool("unused", 1);
    pool.warm_up();
    let readers = Readers::new(1);
    let exported = &readers.collect()[0];
    assert_eq!(
        value(exported, "knhk.buffer_pool.acquire", &["unused", "hit"]),
        Some(0.0)
    );
    assert_eq!(
        value(exported, "knhk.buffer_pool.lifetime_hit_rate", &["unused"]),
        None
    );
    assert_eq!(
        value(
            exported,
            "knhk.buffer_pool.thread.hit_rate.min",
            &["unused"]
        ),
        None
    );
    drop(pool.acquire());
    let exported = &readers.collect()[0];
    assert_eq!(
        value(exported, "knhk.buffer_pool.lifetime_hit_rate", &["unused"]),
        Some(1.0)
    );
    assert_eq!(
        value(exported, "knhk.buffer_pool.hit_rate", &["unused"]),
        None,
        "no monitor runs"
    );
    let monitor = Monitor::manual(Thresholds::default());
    monitor.tick();
    let exported = &readers.collect()[0];
    let interval = || value(exported, "knhk.buffer_pool.hit_rate", &["unused"]);
    assert_eq!(interval(), Some(1.0));
    drop(monitor);
    let exported = &readers.collect()[0];
    assert_eq!(
        value(exported, "knhk.buffer_pool.hit_rate", &["unused"]),
        None,
        "it is gone"
    );
}

#[test]
fn totals_never_fall_when_threads_and_pools_end() {
    let pool = pool("ends", 4);
    let readers = Readers::new(1);
    let mut last = 0.0;
    for nth in 1..=10_u64 {
        thread::scope(|scope| {
            scope.spawn(|| (0..100).for_each(|_| drop(pool.acquire())));
        });
        let exported = &readers.collect()[0];
        let hits =
            value(exported, "knhk.buffer_pool.acquire", &["ends", "hit"]).expect("it is there");
        assert!(hits >= last);
        last = hits;
        assert_eq!(hits, (nth * 100) as f64);
    }
    drop(pool);
    let exported = &readers.collect()[0];
    assert_eq!(
        value(exported, "knhk.buffer_pool.acquire", &["ends", "hit"]),
        Some(1000.0)
    );
    // The instruments keep no pool alive.
    assert_eq!(
        value(exported, "knhk.buffer_pool.retained", &["ends"]),
        Some(0.0)
    );
}

#[test]
fn one_collection_is_one_snapshot() {
    let pool = pool("churned", 4);
    let readers = Readers::new(2);
    thread::scope(|scope| {
        // Dropped at the test's end, also where that is a panic.
        let (_go, stop) = mpsc::channel::<()>();
        let pool = &pool;
        scope.spawn(move || {
            while stop.try_recv() == Err(TryRecvError::Empty) {
                let _lent: Vec<_> = (0..6).map(|_| pool.acquire()).collect();
            }
        });
        for _ in 0..200 {
            let exported = &readers.collect()[0];
            let part = |metric, of: &[&str]| value(exported, metric, of).unwrap_or_default();
            let acquires =
                ["hit", "miss"].map(|of| part("knhk.buffer_pool.acquire", &["churned", of]));
            let releases = ["pool", "heap", "caller"]
                .map(|to| part("knhk.buffer_pool.release", &["churned", to]));
            let in_use = part("knhk.buffer_pool.in_use", &["churned"]);
            // Of two snapshots, a pool at work, the sums would differ.
            assert_eq!(
                acquires.iter().sum::<f64>(),
                releases.iter().sum::<f64>() + in_use
            );
        }
    });
}

#[test]
fn the_spread_of_the_threads_is_told_without_naming_one() {
    let pool = pool("uneven", 1);
    let readers = Readers::new(1);
    thread::scope(|scope| {
        let (told, ready) = mpsc::channel();
        let (_go, stop) = mpsc::channel::<()>();
        let pool = &pool;
        scope.spawn(move || {
            (0..30).for_each(|_| drop(pool.acquire()));
            told.send(()).expect("the test listens");
            // Until the test ends.
            let _ = stop.recv();
        });
        ready.recv().expect("the thread is alive");
        let _both = (pool.acquire(), pool.acquire());
        let exported = &readers.collect()[0];
        let of = |metric| value(exported, metric, &["uneven"]);
        assert_eq!(of("knhk.buffer_pool.thread.acquire.min"), Some(2.0));
        assert_eq!(of("knhk.buffer_pool.thread.acquire.max"), Some(30.0));
        assert_eq!(of("knhk.buffer_pool.thread.hit_rate.min"), Some(0.5));
        assert_eq!(of("knhk.buffer_pool.thread.hit_rate.max"), Some(1.0));
        assert_eq!(of("knhk.buffer_pool.thread.count"), Some(2.0));
        drop(_go);
    });
}

#[test]
fn acquiring_allocates_nothing_while_telemetry_is_exported() {
    if !hot_path::is_armed() {
        return;
    }
    let pool = pool("counted", 2);
    let readers = Readers::new(1);
    pool.warm_up();
    readers.collect();
    let stats = hot_path::allocations(|| {
        (0..1000).for_each(|_| drop(pool.acquire()));
    });
    assert_eq!(stats.calls(), 0, "{stats:?}");
    readers.collect();
}

#[test]
fn documentation_names_the_versions_of_the_interfaces() {
    let manifest = include_str!("../Cargo.toml");
    let documented = [
        ("opentelemetry", include_str!("../src/telemetry/otel.rs")),
        ("metrics", include_str!("../src/telemetry/facade.rs")),
    ];
    for (package, text) in documented {
        let line = format!("\n{package} = {{ version = \"");
        let version = manifest.split(&line).nth(1).expect("it is a dependency");
        let version: Vec<&str> = version.split('.').take(2).collect();
        let named = format!("`{package}` {}:", version.join("."));
        assert!(text.contains(&named), "{named}");
    }
}
