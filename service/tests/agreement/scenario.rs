//! A real run, with everything that can happen in one: what it emitted.
#![allow(unsafe_code)]

use std::hint::black_box;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, OnceLock, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use knhk_pool::hot_path::{self, Mode as HotPathMode};
use knhk_pool::telemetry::Monitor;
use knhk_pool::telemetry::health::Thresholds;
use knhk_pool::{
    Arena, ArenaConfig, ArenaOverflow, BufferPool, HeapObjectPool, HotPathGuard, Receipt,
};
use knhk_poold::input::Input;
use knhk_poold::pools::PoolChoice;
use knhk_poold::progress::Progress;
use knhk_poold::run::{Mode, Options, run};
use knhk_poold::serve::{Prepared, ServeError, ServeOptions, Sources};
use knhk_poold::telemetry;
use knhk_poold::telemetry::notices::Notices;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::{InMemoryLogExporter, SdkLoggerProvider};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use tokio::sync::oneshot;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::seen::Seen;

static UNCONFIGURED: BufferPool = BufferPool::new("unconfigured");

/// What was emitted; the run is done once.
pub(crate) fn seen() -> &'static Seen {
    static SEEN: OnceLock<Seen> = OnceLock::new();
    SEEN.get_or_init(|| {
        let exporters = Exporters::install();
        let monitor = Monitor::manual(Thresholds {
            acquires_min: 10,
            ..Thresholds::default()
        });
        run_the_pipeline();
        use_pools(&monitor);
        break_the_rules();
        let _arena = use_an_arena();
        exporters.collect(serve_a_request())
    })
}

struct Exporters {
    metrics: InMemoryMetricExporter,
    spans: InMemorySpanExporter,
    logs: InMemoryLogExporter,
    meters: SdkMeterProvider,
    tracers: SdkTracerProvider,
    loggers: SdkLoggerProvider,
}

impl Exporters {
    /// The real SDK with exporters that keep what they get.
    fn install() -> Self {
        let metrics = InMemoryMetricExporter::default();
        let spans = InMemorySpanExporter::default();
        let logs = InMemoryLogExporter::default();
        let nobody = || Resource::builder_empty().build();
        let meters = SdkMeterProvider::builder()
            .with_reader(PeriodicReader::builder(metrics.clone()).build())
            .with_resource(nobody())
            .build();
        let tracers = SdkTracerProvider::builder()
            .with_simple_exporter(spans.clone())
            .with_resource(nobody())
            .build();
        let loggers = SdkLoggerProvider::builder()
            .with_simple_exporter(logs.clone())
            .with_resource(nobody())
            .build();
        // As the service does it; only the exporters are others.
        telemetry::register(&meters, &Arc::default());
        let subscriber = tracing_subscriber::registry()
            .with(telemetry::spans(&tracers))
            .with(telemetry::events(&loggers));
        tracing::subscriber::set_global_default(subscriber).expect("there is no other");
        Self {
            metrics,
            spans,
            logs,
            meters,
            tracers,
            loggers,
        }
    }

    /// The metrics while `service` serves: one of them is there no more when it has ended.
    fn collect(self, service: Serving) -> Seen {
        self.meters.force_flush().expect("the exporter takes all");
        let metrics = self.metrics.get_finished_metrics().expect("no panic");
        service.end();
        self.tracers.force_flush().expect("the exporter takes all");
        self.loggers.force_flush().expect("the exporter takes all");
        let mut seen = Seen::default();
        seen.add_metrics(metrics.last().expect("one export"));
        let spans = self.spans.get_finished_spans().expect("no panic");
        spans.iter().for_each(|span| seen.add_span(span));
        let logs = self.logs.get_emitted_logs().expect("no panic");
        logs.iter().for_each(|log| seen.add_event(log));
        seen
    }
}

/// On pools and on the heap, with a bad line.
fn run_the_pipeline() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let bad = folder.path().join("bad.nt");
    std::fs::write(&bad, "<http://example.org/s> no triple\n").expect("it can be written");
    for mode in [Mode::Pooled, Mode::Heap] {
        let options = Options {
            inputs: vec![Input::Generated(20_000), Input::File(bad.clone())],
            hooks: None,
            out: None,
            delta_len: 8,
            workers: 2,
            repeat: None,
            at_least: None,
            mode,
            pools: PoolChoice::default(),
            spared: Vec::new(),
        };
        let summary = run(&options, &Progress::HIDDEN).expect("the run is good");
        assert_eq!(summary.bad_lines, 1);
    }
}

/// A service that has served.
struct Serving {
    enough: oneshot::Sender<()>,
    thread: JoinHandle<Result<Duration, ServeError>>,
}

impl Serving {
    fn end(self) {
        drop(self.enough);
        self.thread
            .join()
            .expect("no panic")
            .expect("it could begin");
    }
}

/// One batch over HTTP.
fn serve_a_request() -> Serving {
    let (told, heard) = mpsc::channel();
    let options = ServeOptions {
        listen: ([127, 0, 0, 1], 0).into(),
        journal: None,
        sources: Sources::default(),
    };
    let tell = Arc::new(move |line: &str| drop(told.send(line.to_owned())));
    let prepared = Prepared::of(options, tell).expect("the defaults are good");
    let (enough, ended) = oneshot::channel::<()>();
    let thread = thread::spawn(move || {
        let until = async { drop(ended.await) };
        prepared.serve_until(prometheus::Registry::new(), Notices::default(), until)
    });
    let line = heard.recv().expect("it says where it is");
    let address = line.rsplit('/').next().expect("an address");
    let mut stream = TcpStream::connect(address).expect("it listens");
    let body = "<http://example.org/s> <http://example.org/p> \"o\" .\n";
    let head = format!(
        "POST /v1/triples HTTP/1.1\r\nhost: x\r\ncontent-length: {}",
        body.len()
    );
    write!(stream, "{head}\r\nconnection: close\r\n\r\n{body}").expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    Serving { enough, thread }
}

/// Pools that are large enough, too small, and large enough again.
fn use_pools(monitor: &Monitor) {
    let builder = BufferPool::builder("small").pool_size(4);
    let buffers = builder.build().expect("its size is good");
    buffers.warm_up();
    let objects = HeapObjectPool::<Receipt>::named("small", 4, Receipt::default);
    exhaust(&buffers, &objects);
    monitor.tick();
    for _ in 0..100 {
        drop(buffers.acquire());
        drop(objects.get().expect("one is idle"));
    }
    let kept = buffers.acquire().into_vec();
    // Both fell, and both recover.
    monitor.tick();
    exhaust(&buffers, &objects);
    monitor.tick();
    assert!(kept.is_empty());
    // They outlive the collection.
    std::mem::forget((buffers, objects));
}

/// With an allocation that the heap serves.
fn use_an_arena() -> Arena {
    let arena = Arena::named("scenario", &ArenaConfig::default()).expect("its size is good");
    let mut arena = arena.with_overflow(ArenaOverflow::Heap);
    arena.alloc_slice::<u8>(arena.capacity() + 1);
    arena.reset();
    arena.alloc(7_u64);
    arena
}

/// 16 acquires of each, of which 4 are served.
fn exhaust(buffers: &BufferPool, objects: &HeapObjectPool<Receipt>) {
    let _lent: Vec<_> = (0..16).map(|_| buffers.acquire()).collect();
    let _objects: Vec<_> = (0..16).map(|_| objects.get()).collect();
}

/// A bad variable, and an allocation in a section that must not.
fn break_the_rules() {
    // SAFETY: the other threads of this process are the test harness's and the SDK's; none of them
    // reads the environment now.
    unsafe { std::env::set_var("KNHK_POOL_SIZE", "many") };
    drop(UNCONFIGURED.acquire());
    Arena::with_thread(|arena| assert_eq!(arena.alloc(7), &7));
    // SAFETY: as above.
    unsafe { std::env::remove_var("KNHK_POOL_SIZE") };
    hot_path::assert_armed();
    let section = HotPathGuard::enter("scenario").with_mode(HotPathMode::Warn);
    drop(black_box(vec![0_u8; 64]));
    drop(section);
}
