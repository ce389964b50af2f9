//! Do threads stand in each other's way, and what does a thread's first use cost?
//!
//! Prints a table of its own first: pairs a second of two threads to those of one, interleaved.

use std::alloc::System;
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group};
use knhk_pool_benches::{
    Allocator, BUFFER_SIZE, Depth, ObjectPool, POOL_SIZE, Peer, StaticPool, Vecpool, Zeropool,
    built_pool, local_pool,
};

fn main() {
    knhk_pool_benches::assert_proved();
    // `cargo test --benches` leaves it out.
    if std::env::args().any(|argument| argument == "--bench") {
        print_scaling();
    }
    benches();
    Criterion::default().configure_from_args().final_summary();
}

/// Pairs of one sample: about a millisecond, so that the start of two threads, some hundred
/// nanoseconds apart, does not count.
const PAIRS: u64 = 400_000;
const ROUNDS: usize = 200;

fn print_scaling() {
    if core_affinity::get_core_ids().is_none_or(|cores| cores.len() < 2) {
        println!("two threads: needs two cores that threads can be pinned to");
        return;
    }
    println!("| two threads | ns a pair alone | ns a pair, both | pairs a second, two to one |");
    println!("|---|---|---|---|");
    print_row("LocalPool, one each", local_pool);
    print_row("BufferPool, static", || StaticPool);
    let built = built_pool("threads-built");
    print_row("BufferPool, built", || &built);
    print_row("vecpool", || Vecpool);
    let zeropool = Zeropool::new(false);
    print_row("zeropool", || &zeropool);
    let counting = Zeropool::new(true);
    print_row("zeropool, counting", || &counting);
    let object_pool = ObjectPool::new();
    print_row("object-pool", || &object_pool);
    print_row("malloc", || Allocator(System));
    println!();
}

fn print_row<P: Peer>(name: &str, for_this_thread: impl Fn() -> P + Sync) {
    let (alone, both) = scaling(for_this_thread);
    println!(
        "| {name} | {alone:.2} | {both:.2} | {:.2} |",
        2.0 * alone / both
    );
}

/// Nanoseconds a pair on one thread while the other waits, and on the slower of two at once, by
/// turns; of each the fastest tenth, since a core that is shared with another process slows the
/// waiting thread and the measured one alike.
fn scaling<P: Peer>(for_this_thread: impl Fn() -> P + Sync) -> (f64, f64) {
    let gate = Gate::default();
    let warm = |core: usize| {
        if let Some(cores) = core_affinity::get_core_ids() {
            core_affinity::set_for_current(cores[core]);
        }
        let peer = for_this_thread();
        Depth::One.run(&peer, PAIRS);
        peer
    };
    thread::scope(|scope| {
        let one = scope.spawn(|| {
            let peer = warm(0);
            let sample = |_| {
                gate.pass();
                let alone = time(&peer);
                gate.pass();
                (alone, time(&peer))
            };
            (0..ROUNDS).map(sample).unzip()
        });
        let other = scope.spawn(|| {
            let peer = warm(1);
            let sample = |_| {
                gate.pass();
                gate.pass();
                time(&peer)
            };
            (0..ROUNDS).map(sample).collect::<Vec<f64>>()
        });
        let (alone, one): (Vec<f64>, Vec<f64>) = one.join().expect("the loop does not panic");
        let other = other.join().expect("the loop does not panic");
        let slower = one
            .into_iter()
            .zip(other)
            .map(|(one, other)| one.max(other));
        (fastest_tenth(alone), fastest_tenth(slower.collect()))
    })
}

fn time<P: Peer>(peer: &P) -> f64 {
    let start = Instant::now();
    Depth::One.run(peer, PAIRS);
    start.elapsed().as_nanos() as f64 / PAIRS as f64
}

/// Where two threads wait for each other. They spin: to be woken takes longer than a sample may be
/// off.
#[derive(Default)]
struct Gate {
    arrived: AtomicUsize,
}

impl Gate {
    fn pass(&self) {
        // AcqRel: what is measured afterwards comes after the other has arrived.
        let arrival = self.arrived.fetch_add(1, Ordering::AcqRel);
        let complete = arrival / 2 * 2 + 2;
        while self.arrived.load(Ordering::Acquire) < complete {
            std::hint::spin_loop();
        }
    }
}

fn fastest_tenth(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 10]
}

/// A thread's first acquire, in the thread: what is made then, and what an ended thread has left.
fn first_use(criterion: &mut Criterion) {
    let mut group = group(criterion, "first use");
    group.bench_function("BufferPool, new slab", |bencher| {
        bencher.iter_custom(|times| {
            let pools = (0..times).map(|_| built_pool("first-use"));
            pools.map(|pool| time_once(|| drop(pool.acquire()))).sum()
        });
    });
    group.bench_function("BufferPool, an ended thread's slab", |bencher| {
        let pool = built_pool("handed-on");
        bencher.iter_custom(|times| (0..times).map(|_| first_pair(&pool)).sum());
    });
    group.bench_function("LocalPool::new and drop", |bencher| {
        bencher.iter(|| black_box(local_pool()));
    });
    group.bench_function("vecpool", |bencher| {
        bencher.iter_custom(|times| (0..times).map(|_| first_pair(&Vecpool)).sum());
    });
    group.bench_function("naive, 16 vectors made and touched", |bencher| {
        bencher.iter(|| {
            (0..POOL_SIZE)
                .map(|_| vec![1_u8; BUFFER_SIZE])
                .collect::<Vec<_>>()
        });
    });
    group.finish();
}

/// What a pair on a new thread adds to the thread.
fn churn(criterion: &mut Criterion) {
    let mut group = group(criterion, "thread churn");
    group.bench_function("a thread that does nothing", |bencher| {
        bencher.iter(|| on_a_thread(|| ()));
    });
    group.bench_function("BufferPool, a pair on a new thread", |bencher| {
        bencher.iter(|| on_a_thread(|| Depth::One.run(&StaticPool, 1)));
    });
    group.bench_function("LocalPool, a new one on a new thread", |bencher| {
        bencher.iter(|| on_a_thread(|| Depth::One.run(&local_pool(), 1)));
    });
    group.bench_function("vecpool, a pair on a new thread", |bencher| {
        bencher.iter(|| on_a_thread(|| Depth::One.run(&Vecpool, 1)));
    });
    group.finish();
}

fn first_pair<P: Peer + Sync>(peer: &P) -> Duration {
    on_a_thread(|| time_once(|| Depth::One.run(peer, 1)))
}

/// Includes the two readings of the clock, some 50 ns, which is little beside what is timed here.
fn time_once<T>(once: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    black_box(once());
    start.elapsed()
}

fn on_a_thread<T: Send>(body: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| scope.spawn(body).join().expect("the body does not panic"))
}

fn group<'a>(criterion: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(30);
    group.warm_up_time(Duration::from_millis(300));
    group.measurement_time(Duration::from_secs(2));
    group
}

criterion_group!(benches, first_use, churn);
