//! What does it cost to pass a value on, on one thread and between two, beside every peer?
//!
//! Prints tables of its own first, from short samples of all by turns: nanoseconds on one thread, and
//! values a second from one thread to another. On a busy machine those of the fastest tenth are the ones
//! to compare.

use std::hint::spin_loop;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group};
use knhk_pool::ring::spsc::{Consumer, Producer};
use knhk_pool_benches::{
    Inside, Pop, Push, RingCase, array_queue, heapless_channel, ring_cases, ringbuf_channel,
    rtrb_channel, spsc_channel,
};

fn main() {
    // `cargo test --benches` leaves it out.
    if std::env::args().any(|argument| argument == "--bench") {
        print_one_thread();
        print_threads();
    }
    benches();
    Criterion::default().configure_from_args().final_summary();
}

/// Pairs of one sample on one thread: some 20 µs, too short to be interrupted every time.
const PAIRS: u64 = 8_000;
const SAMPLES: usize = 2_000;

fn print_one_thread() {
    println!("| on one thread, fastest tenth | ns, 1 in, 1 out | ns, 16 in, 16 out |");
    println!("|---|---|---|");
    let mut cases = ring_cases();
    let mut samples = vec![[const { Vec::new() }; 2]; cases.len()];
    for _ in 0..SAMPLES {
        for (case, samples) in cases.iter_mut().zip(&mut samples) {
            for (inside, samples) in Inside::ALL.into_iter().zip(samples) {
                samples.push(nanoseconds(case, inside));
            }
        }
    }
    for (case, samples) in cases.iter().zip(samples) {
        let [one, burst] = samples.map(|mut samples: Vec<f64>| {
            samples.sort_by(f64::total_cmp);
            samples[samples.len() / 10]
        });
        println!("| {} | {one:.2} | {burst:.2} |", case.name);
    }
    println!();
}

fn nanoseconds(case: &mut RingCase, inside: Inside) -> f64 {
    let start = Instant::now();
    let done = case.run(inside, PAIRS);
    start.elapsed().as_nanos() as f64 / done as f64
}

/// Values of one sample: some milliseconds.
const VALUES: u64 = 500_000;
const ROUNDS: usize = 60;
/// Values at a time, where they go in batches.
const BATCH: usize = 32;

/// A name, what takes a sample, and the samples.
type Row = (&'static str, fn() -> f64, Vec<f64>);

fn print_threads() {
    if core_affinity::get_core_ids().is_none_or(|cores| cores.len() < 2) {
        println!("two threads: needs two cores that threads can be pinned to");
        return;
    }
    let mut rows: Vec<Row> = vec![
        ("spsc", || single(spsc_channel()), Vec::new()),
        ("rtrb", || single(rtrb_channel()), Vec::new()),
        ("ringbuf", || single(ringbuf_channel()), Vec::new()),
        ("heapless spsc", || single(heapless_channel()), Vec::new()),
        ("crossbeam ArrayQueue", || single(array_queue()), Vec::new()),
        (
            "spsc, batches of 32",
            || ours_in_batches(spsc_channel()),
            Vec::new(),
        ),
        (
            "rtrb, chunks of 32",
            || rtrb_in_chunks(rtrb_channel()),
            Vec::new(),
        ),
    ];
    for _ in 0..ROUNDS {
        for (_, sample, values) in &mut rows {
            values.push(sample());
        }
    }
    println!("| from one thread to another | million values a second, median | fastest tenth |");
    println!("|---|---|---|");
    for (name, _, mut values) in rows {
        values.sort_by(f64::total_cmp);
        let at = |part: usize| values[values.len() * part / 10] / 1e6;
        println!("| {name} | {:.1} | {:.1} |", at(5), at(9));
    }
    println!();
}

/// Values a second, where `push` passes on all of them and `pop` takes them.
fn throughput(push: impl FnOnce() + Send, pop: impl FnOnce() + Send) -> f64 {
    let begin = Barrier::new(2);
    let pinned = |core: usize, work: &mut dyn FnMut()| {
        if let Some(cores) = core_affinity::get_core_ids() {
            core_affinity::set_for_current(cores[core]);
        }
        begin.wait();
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64()
    };
    let (mut push, mut pop) = (Some(push), Some(pop));
    let seconds = thread::scope(|scope| {
        scope.spawn(|| pinned(0, &mut || push.take().into_iter().for_each(|push| push())));
        let popping =
            scope.spawn(|| pinned(1, &mut || pop.take().into_iter().for_each(|pop| pop())));
        popping.join().expect("the values arrive in order")
    });
    VALUES as f64 / seconds
}

fn single<A: Push, B: Pop>((mut producer, mut consumer): (A, B)) -> f64 {
    let push = move || {
        for value in 0..VALUES {
            while !producer.push(value) {
                spin_loop();
            }
        }
    };
    let pop = move || {
        for value in 0..VALUES {
            let popped = loop {
                match consumer.pop() {
                    Some(popped) => break popped,
                    None => spin_loop(),
                }
            };
            assert_eq!(popped, value);
        }
    };
    throughput(push, pop)
}

fn ours_in_batches((mut producer, mut consumer): (Producer<u64>, Consumer<u64>)) -> f64 {
    let push = move || {
        let mut next = 0;
        while next < VALUES {
            let mut batch = producer.push_batch(BATCH);
            while next < VALUES && batch.push(next).is_ok() {
                next += 1;
            }
        }
    };
    let pop = move || {
        let mut next = 0;
        while next < VALUES {
            for value in consumer.pop_batch(BATCH) {
                assert_eq!(value, next);
                next += 1;
            }
        }
    };
    throughput(push, pop)
}

fn rtrb_in_chunks((mut producer, mut consumer): (rtrb::Producer<u64>, rtrb::Consumer<u64>)) -> f64 {
    let push = move || {
        let mut next = 0;
        while next < VALUES {
            let room = producer.slots().min(BATCH);
            if let Ok(chunk) = producer.write_chunk_uninit(room) {
                next += chunk.fill_from_iter(next..VALUES) as u64;
            }
        }
    };
    let pop = move || {
        let mut next = 0;
        while next < VALUES {
            let held = consumer.slots().min(BATCH);
            if let Ok(chunk) = consumer.read_chunk(held) {
                for value in chunk {
                    assert_eq!(value, next);
                    next += 1;
                }
            }
        }
    };
    throughput(push, pop)
}

fn one_thread(criterion: &mut Criterion) {
    let mut cases = ring_cases();
    for inside in Inside::ALL {
        let mut group = criterion.benchmark_group(inside.name());
        group.warm_up_time(Duration::from_millis(200));
        group.measurement_time(Duration::from_millis(600));
        for case in &mut cases {
            group.bench_function(case.name, |bencher| {
                bencher.iter_custom(|pairs| {
                    let start = Instant::now();
                    let done = case.run(inside, pairs);
                    start.elapsed().mul_f64(pairs as f64 / done as f64)
                });
            });
        }
    }
}

criterion_group!(benches, one_thread);
