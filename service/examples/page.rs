//! A program that embeds the live page for pools of its own: one that is large enough, one that is too
//! small, one that nobody uses, and one whose name is an attack on the page. `service/page/check` looks
//! at it with a browser.
//!
//! ```sh
//! cargo run -p knhk-poold --example page -- 127.0.0.1:8090
//! ```

use std::collections::hash_map::DefaultHasher;
use std::error::Error;
use std::hash::Hasher as _;
use std::hint::black_box;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{env, thread};

use axum::Router;
use axum::routing::get;
use knhk_pool::{Arena, ArenaConfig, ArenaOverflow, BufferPool};
use knhk_poold::serve::live::{self, Live, Pipeline, PipelineSource, StageFigures, WorkerFigures};
use knhk_poold::serve::page;
use knhk_poold::telemetry::{Telemetry, TelemetryChoice, address};
use serde_json::{Value, json};

const HOSTILE: &str =
    "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>";

/// Buffers that a turn has out at once; now and then it wants more.
const OUT: usize = 3;
const OUT_RARELY: usize = 6;

/// What one worker did.
#[derive(Debug, Default)]
struct Worker {
    triples: AtomicU64,
    batches: AtomicU64,
    ns: [AtomicU64; 3],
}

#[derive(Debug)]
struct Workers(Vec<Worker>);

impl PipelineSource for Workers {
    fn pipeline(&self) -> Pipeline {
        Pipeline {
            workers: self.0.iter().map(Worker::figures).collect(),
            ..Pipeline::default()
        }
    }
}

impl Worker {
    fn figures(&self) -> WorkerFigures {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let (triples, batches) = (read(&self.triples), read(&self.batches));
        let mut figures = WorkerFigures {
            triples,
            batches,
            evaluations: triples,
            ..WorkerFigures::default()
        };
        let stage = |at: usize| StageFigures {
            ns: read(&self.ns[at]),
            runs: triples,
        };
        figures.stages.load = stage(0);
        figures.stages.reflex = stage(1);
        figures.stages.emit = stage(2);
        figures
    }
}

struct Pools {
    roomy: BufferPool,
    narrow: BufferPool,
    hostile: BufferPool,
    unused: BufferPool,
}

fn main() -> Result<(), Box<dyn Error>> {
    let to = address(&env::args().nth(1).unwrap_or_else(|| "8090".to_owned()))?;
    let choice = TelemetryChoice::default();
    let telemetry = Telemetry::start(&choice, Duration::from_secs(1), |line| eprintln!("{line}"))?;
    let pools = Arc::new(Pools {
        roomy: BufferPool::builder("requests").pool_size(32).build()?,
        narrow: BufferPool::builder("answers").pool_size(2).build()?,
        hostile: BufferPool::builder(HOSTILE).pool_size(4).build()?,
        unused: BufferPool::builder("spare").build()?,
    });
    let workers = Arc::new(Workers(vec![Worker::default(), Worker::default()]));
    for index in 0..workers.0.len() {
        let (workers, pools) = (Arc::clone(&workers), Arc::clone(&pools));
        thread::spawn(move || work(&workers.0[index], index, &pools));
    }
    let live = Live::start(workers, telemetry.notices())?;
    let configuration = configuration(&pools).to_string();
    let app = page::router()
        .merge(live::router(live))
        .merge(Router::new().route("/v1/config", get(async || configuration)));
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let listener = tokio::net::TcpListener::bind(to).await?;
            println!("http://{}/", listener.local_addr()?);
            axum::serve(listener, app).await
        })?;
    Ok(())
}

/// Turns for ever; a worker of a higher index rests longer.
fn work(worker: &Worker, index: usize, pools: &Pools) {
    let config = ArenaConfig::default()
        .with_size(64 << 10)
        .with_overflow(ArenaOverflow::Heap);
    let mut arena = Arena::named("turn", &config).expect("the heap has room for it");
    for number in 0_u64.. {
        let out = if number % 16 == 0 { OUT_RARELY } else { OUT };
        turn(worker, pools, out);
        let is_large = number % 64 == 0;
        black_box(arena.alloc_slice::<u64>(if is_large { 16_384 } else { 4096 }));
        arena.reset();
        thread::sleep(Duration::from_millis(2 + index as u64));
    }
}

fn turn(worker: &Worker, pools: &Pools, out: usize) {
    let began = Instant::now();
    let mut requests: Vec<_> = (0..out).map(|_| pools.roomy.acquire()).collect();
    for (index, request) in requests.iter_mut().enumerate() {
        write!(request, "<s{index}> <p> <o{index}> .").expect("a buffer grows");
    }
    let loaded = Instant::now();
    let hashes = requests.iter().map(|request| {
        let mut hasher = DefaultHasher::new();
        hasher.write(request);
        hasher.finish()
    });
    let hashes: Vec<u64> = hashes.collect();
    let judged = Instant::now();
    let mut answers: Vec<_> = (0..out).map(|_| pools.narrow.acquire()).collect();
    for (answer, hash) in answers.iter_mut().zip(hashes) {
        write!(answer, "{hash:016x}").expect("a buffer grows");
    }
    drop(pools.hostile.acquire());
    let laps = [loaded - began, judged - loaded, judged.elapsed()];
    for (count, lap) in worker.ns.iter().zip(laps) {
        count.fetch_add(lap.as_nanos() as u64, Ordering::Relaxed);
    }
    worker.triples.fetch_add(out as u64, Ordering::Relaxed);
    worker.batches.fetch_add(1, Ordering::Relaxed);
}

fn configuration(pools: &Pools) -> Value {
    let each = [&pools.roomy, &pools.narrow, &pools.hostile, &pools.unused];
    let pools = each.map(|pool| {
        let explanation = pool.config().explain();
        let settings = explanation.entries().iter().map(|entry| {
            let value = serde_json::from_str(&entry.value).unwrap_or(Value::Null);
            json!({ "key": entry.key, "value": value, "source": entry.source.to_string(), "adr": entry.adr })
        });
        json!({ "name": pool.name(), "settings": settings.collect::<Vec<_>>() })
    });
    json!({ "poold": [], "pools": pools })
}
