//! What does it cost to pass a value on, on one thread and between two, beside every peer?
//!
//! Prints tables of its own first, from short samples of all by turns: nanoseconds on one thread, and
//! values a second from one thread to another, pinned; samples in which a thread lost its core are left
//! out.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use core_affinity::CoreId;
use criterion::{Criterion, criterion_group};
use knhk_pool::ring::spsc::{Consumer, Producer};
use knhk_pool_benches::{
    Inside, Pop, Push, RingCase, ring_cases, ringbuf_channel, rtrb_channel, spsc_channel,
};
use rtrb::chunks::ChunkError;

fn main() {
    // `cargo test --benches` leaves it out.
    if std::env::args().any(|argument| argument == "--bench") {
        print_one_thread();
        // Asked before a thread is pinned: afterwards there is one.
        match core_affinity::get_core_ids().as_deref() {
            Some([first, second, ..]) => {
                print_threads([*first, *second]);
                print_round_trips([*first, *second]);
            }
            _ => println!("two threads: needs two cores that threads can be pinned to"),
        }
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

/// Values of one sample: some tens of microseconds, short enough to end before either thread is
/// interrupted, most times.
const VALUES: u64 = 20_000;
const ROUNDS: usize = 600;
/// Values at a time, where they go in batches.
const BATCH: usize = 32;

/// One half of a channel at work: passes on, or takes, so many values.
type Half = Box<dyn FnMut(u64) + Send>;

fn print_threads([first, second]: [CoreId; 2]) {
    let cases: Vec<(&str, (Half, Half))> = vec![
        ("spsc", single(spsc_channel())),
        ("rtrb", single(rtrb_channel())),
        ("ringbuf", single(ringbuf_channel())),
        ("spsc, batches of 32", ours_in_batches(spsc_channel())),
        ("rtrb, chunks of 32", rtrb_in_chunks(rtrb_channel())),
    ];
    let (names, halves): (Vec<_>, Vec<_>) = cases.into_iter().unzip();
    let (pushes, pops) = halves.into_iter().unzip();
    let meeting = Meeting::default();
    let (pushing, popping) = thread::scope(|scope| {
        let pushing = scope.spawn(|| samples(first, pushes, &meeting));
        let popping = samples(second, pops, &meeting);
        (pushing.join().expect("the values are taken"), popping)
    });
    println!(
        "| from one thread to another | samples | million values a second, median | fastest tenth |"
    );
    println!("|---|---|---|---|");
    for (index, name) in names.iter().enumerate() {
        let both = pushing[index].iter().zip(&popping[index]);
        let whole = both.filter_map(|(a, b)| Some(a.as_ref()?.max(*b.as_ref()?)));
        let mut rates: Vec<f64> = whole.map(|seconds| VALUES as f64 / seconds / 1e6).collect();
        rates.sort_by(f64::total_cmp);
        let at = |part: usize| rates.get(rates.len() * part / 10).unwrap_or(&f64::NAN);
        println!("| {name} | {} | {:.0} | {:.0} |", rates.len(), at(5), at(9));
    }
    println!();
}

/// Seconds of each round, by case; `None` where the thread was interrupted.
fn samples(core: CoreId, mut halves: Vec<Half>, meeting: &Meeting) -> Vec<Vec<Option<f64>>> {
    core_affinity::set_for_current(core);
    let mut seconds = vec![Vec::with_capacity(ROUNDS); halves.len()];
    for _ in 0..ROUNDS {
        for (half, seconds) in halves.iter_mut().zip(&mut seconds) {
            let before = interruptions();
            meeting.wait();
            let start = Instant::now();
            half(VALUES);
            let elapsed = start.elapsed().as_secs_f64();
            seconds.push((interruptions() == before).then_some(elapsed));
        }
    }
    seconds
}

/// Where two threads begin a sample together: a barrier that does not sleep, so that both are awake.
#[derive(Default)]
struct Meeting(AtomicUsize);

impl Meeting {
    fn wait(&self) {
        let both = (self.0.fetch_add(1, Ordering::AcqRel) / 2 + 1) * 2;
        while self.0.load(Ordering::Acquire) < both {
            thread::yield_now();
        }
    }
}

/// How often this thread has lost its core; always 0 where that cannot be asked.
fn interruptions() -> i64 {
    #[cfg(target_os = "linux")]
    {
        let status = std::fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("nonvoluntary_ctxt_switches:"));
        line.and_then(|count| count.trim().parse().ok())
            .unwrap_or(0)
    }
    #[cfg(not(target_os = "linux"))]
    0
}

/// There and back of one value over two channels, which shows a wait that throughput was bought with.
fn print_round_trips(cores: [CoreId; 2]) {
    println!("| there and back, one value | ns, median | 99 of 100 within | 999 of 1000 within |");
    println!("|---|---|---|---|");
    let mut cases = [
        ("spsc", Vec::new()),
        ("rtrb", Vec::new()),
        ("ringbuf", Vec::new()),
    ];
    for _ in 0..TRIP_ROUNDS {
        let [ours, rtrb, ringbuf] = &mut cases;
        ours.1
            .extend(round_trips(cores, spsc_channel(), spsc_channel()));
        rtrb.1
            .extend(round_trips(cores, rtrb_channel(), rtrb_channel()));
        ringbuf
            .1
            .extend(round_trips(cores, ringbuf_channel(), ringbuf_channel()));
    }
    for (name, mut trips) in cases {
        trips.sort_unstable();
        let within = |thousandths: usize| trips[trips.len() * thousandths / 1000].as_nanos();
        println!(
            "| {name} | {} | {} | {} |",
            within(500),
            within(990),
            within(999)
        );
    }
    println!();
}

const TRIPS: u64 = 20_000;
const TRIP_ROUNDS: usize = 10;

fn round_trips<A: Push, B: Pop>(
    [here, yonder]: [CoreId; 2],
    (mut there, mut arriving): (A, B),
    (mut back, mut returning): (A, B),
) -> Vec<Duration> {
    thread::scope(|scope| {
        scope.spawn(move || {
            core_affinity::set_for_current(yonder);
            for _ in 0..TRIPS {
                assert!(back.push(wait_for(&mut arriving)));
            }
        });
        core_affinity::set_for_current(here);
        let mut trips = Vec::with_capacity(TRIPS as usize);
        for value in 0..TRIPS {
            let start = Instant::now();
            assert!(there.push(value));
            assert_eq!(wait_for(&mut returning), value);
            trips.push(start.elapsed());
        }
        trips
    })
}

fn wait_for(consumer: &mut impl Pop) -> u64 {
    loop {
        match consumer.pop() {
            Some(popped) => return popped,
            None => spin_loop(),
        }
    }
}

fn single<A: Push + 'static, B: Pop + 'static>(
    (mut producer, mut consumer): (A, B),
) -> (Half, Half) {
    let push = move |values| {
        for value in 0..values {
            while !producer.push(value) {
                spin_loop();
            }
        }
    };
    let pop = move |values| {
        for value in 0..values {
            assert_eq!(wait_for(&mut consumer), value);
        }
    };
    (Box::new(push), Box::new(pop))
}

fn ours_in_batches((mut producer, mut consumer): (Producer<u64>, Consumer<u64>)) -> (Half, Half) {
    let push = move |values| {
        let mut next = 0;
        while next < values {
            let mut batch = producer.push_batch(BATCH);
            while next < values && batch.push(next).is_ok() {
                next += 1;
            }
        }
    };
    let pop = move |values| {
        let mut next = 0;
        while next < values {
            for value in consumer.pop_batch(BATCH) {
                assert_eq!(value, next);
                next += 1;
            }
        }
    };
    (Box::new(push), Box::new(pop))
}

fn rtrb_in_chunks(
    (mut producer, mut consumer): (rtrb::Producer<u64>, rtrb::Consumer<u64>),
) -> (Half, Half) {
    let push = move |values| {
        let mut next = 0;
        while next < values {
            // Not `slots()` first: it reads the other thread's index each time, which this does when in doubt.
            let chunk = match producer.write_chunk_uninit(BATCH) {
                Ok(chunk) => chunk,
                Err(ChunkError::TooFewSlots(0)) => continue,
                Err(ChunkError::TooFewSlots(room)) => {
                    producer.write_chunk_uninit(room).expect("it said so")
                }
            };
            next += chunk.fill_from_iter(next..values) as u64;
        }
    };
    let pop = move |values| {
        let mut next = 0;
        while next < values {
            let chunk = match consumer.read_chunk(BATCH) {
                Ok(chunk) => chunk,
                Err(ChunkError::TooFewSlots(0)) => continue,
                Err(ChunkError::TooFewSlots(held)) => {
                    consumer.read_chunk(held).expect("it said so")
                }
            };
            for value in chunk {
                assert_eq!(value, next);
                next += 1;
            }
        }
    };
    (Box::new(push), Box::new(pop))
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
