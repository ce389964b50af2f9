//! What a recording pool foretells for every size is what pools of these sizes count.

mod armed;

use std::cell::Cell;
use std::mem::MaybeUninit;
use std::sync::{Arc, OnceLock};
use std::thread;

use knhk_pool::{
    Buffer, BufferPool, Demand, LocalPool, PoolConfig, PoolHandle, PoolStats, Workload, snapshot,
};

const BUFFER_SIZE: usize = 64;
/// Above what is out at most in the random patterns, so that the largest size serves all.
const SIZES: usize = 40;
const STEPS: usize = if cfg!(miri) { 60 } else { 3_000 };
const PATTERNS: u64 = if cfg!(miri) { 1 } else { 12 };
/// From one size that is tried to the next.
const SIZE_STEP: usize = if cfg!(miri) { 20 } else { 1 };
const THREADS: u64 = 3;

/// SplitMix64 (Steele, Lea, Flood 2014): the same sequence in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

/// What one thread does, the same whatever the pool.
#[derive(Clone, Copy, Debug)]
enum Step {
    Acquire,
    /// Of those that are out, the one at this index, modulo their number.
    Release(usize),
    Grow(usize),
    Detach(usize),
    TryAcquire,
}

/// A walk: for some steps the thread rather acquires, for some it rather releases; now in the order
/// of a stack, now in any.
fn walk(seed: u64) -> Vec<Step> {
    let mut random = Random(seed);
    let (mut out, mut steps) = (0, Vec::new());
    while steps.len() < STEPS {
        let (acquires_of_8, is_stack) = (random.below(9), random.below(2) == 0);
        for _ in 0..random.below(30) {
            if out == 0 || (out < SIZES && random.below(8) < acquires_of_8) {
                steps.push(Step::Acquire);
                out += 1;
            } else if random.below(16) == 0 {
                steps.push(Step::Grow(random.below(out)));
            } else {
                let index = if is_stack { out - 1 } else { random.below(out) };
                steps.push(Step::Release(index));
                out -= 1;
            }
        }
    }
    steps
}

fn follow<'pool>(
    steps: &[Step],
    acquire: impl Fn() -> Buffer<'pool>,
    try_acquire: impl Fn() -> Option<Buffer<'pool>>,
) {
    let mut held = Vec::new();
    for step in steps {
        match *step {
            Step::Acquire => held.push(acquire()),
            Step::TryAcquire => held.extend(try_acquire()),
            Step::Grow(index) if !held.is_empty() => {
                let index = index % held.len();
                held[index].resize(BUFFER_SIZE + 1, 0);
            }
            Step::Release(index) if !held.is_empty() => drop(held.remove(index % held.len())),
            Step::Detach(index) if !held.is_empty() => {
                drop(held.remove(index % held.len()).into_vec());
            }
            _ => {}
        }
    }
}

fn pool(name: &'static str, size: usize, records: bool) -> BufferPool {
    BufferPool::builder(name)
        .pool_size(size)
        .buffer_size(BUFFER_SIZE)
        .recording(records)
        .build()
        .expect("the sizes are fine")
}

/// All walks, each on a thread of its own, at the same time; then once more, on threads that take over.
fn run(pool: &BufferPool, walks: &[Vec<Step>]) {
    for _ in 0..2 {
        thread::scope(|scope| {
            let threads: Vec<_> = walks
                .iter()
                .map(|steps| {
                    scope.spawn(|| {
                        follow(steps, || pool.acquire(), || pool.try_acquire().ok());
                    })
                })
                .collect();
            threads
                .into_iter()
                .for_each(|thread| thread.join().expect("it does not panic"));
        });
    }
}

fn demand(pool: &BufferPool) -> Demand {
    pool.demand().expect("it records")
}

#[test]
fn each_size_has_the_hits_that_were_foretold_whatever_size_recorded() {
    for pattern in 0..PATTERNS {
        let walks: Vec<_> = (0..THREADS)
            .map(|thread| walk(100 * pattern + thread))
            .collect();
        let recording = pool("demand-random", (pattern as usize * 5) % 24, true);
        run(&recording, &walks);
        let foretold = demand(&recording);
        assert_eq!(foretold.beyond, 0);
        for size in (0..=SIZES).step_by(SIZE_STEP) {
            let real = pool("demand-real", size, false);
            run(&real, &walks);
            let stats = real.stats();
            assert_eq!(
                (foretold.hits(size), foretold.acquires()),
                (stats.hits, stats.acquires()),
                "pattern {pattern}, size {size}, recorded {foretold:?}"
            );
        }
        assert_eq!(foretold.hit_rate(SIZES), Some(1.0));
    }
}

#[test]
fn how_many_are_out_alone_would_have_foretold_less() {
    let pool = pool("demand-base", 1, true);
    let base: Vec<_> = (0..10).map(|_| pool.acquire()).collect();
    for _ in 0..90 {
        drop(pool.acquire());
    }
    drop(base);
    let demand = demand(&pool);
    assert_eq!(demand.depths[10], 90, "all but the base found ten out");
    // The first of the base, and all of the rest but the first: its block joins.
    assert_eq!(demand.hits(1), 1 + 89);
    assert_eq!(pool.stats().hits, 90);
    assert_eq!(demand.most_out(), Some(11));
}

/// Everything, refused acquires included; `with_detach`, buffers leave for good, too.
fn mixture(with_detach: bool) -> Vec<Step> {
    let mut random = Random(7);
    let step = |random: &mut Random| match random.below(9) {
        0..3 => Step::Acquire,
        3 => Step::TryAcquire,
        4 => Step::Grow(random.below(64)),
        5 if with_detach => Step::Detach(random.below(64)),
        _ => Step::Release(random.below(64)),
    };
    (0..STEPS).map(|_| step(&mut random)).collect()
}

fn local(size: usize, records: bool, steps: &[Step]) -> (PoolStats, Option<Demand>) {
    let config = PoolConfig::from(Workload::Low)
        .with_pool_size(size)
        .with_buffer_size(BUFFER_SIZE)
        .with_recording(records);
    let pool = LocalPool::new(config).expect("the sizes are fine");
    follow(steps, || pool.acquire(), || pool.try_acquire().ok());
    (pool.stats(), pool.demand())
}

#[test]
fn a_recording_pool_counts_as_one_that_does_not() {
    let steps = mixture(false);
    for size in [0, 1, 2, 7, 30] {
        let (silent, nothing) = local(size, false, &steps);
        let (recorded, _) = local(size, true, &steps);
        let counts = |stats: PoolStats| {
            let gone = stats.released + stats.freed;
            let acquires = (stats.hits, stats.misses, stats.exhausted);
            (acquires, gone, stats.grown, stats.idle, stats.high_water)
        };
        assert_eq!(counts(silent), counts(recorded), "size {size}");
        assert_eq!(nothing, None);
    }
}

#[test]
fn of_its_own_size_the_record_is_what_was_counted_whatever_was_done() {
    let steps = mixture(true);
    for size in [0, 1, 2, 7, 30] {
        let (stats, demand) = local(size, true, &steps);
        let demand = demand.expect("it records");
        assert_eq!(demand.hits(size), stats.hits, "size {size}");
        assert_eq!(demand.acquires(), stats.acquires());
        let answered = stats.hits + stats.misses;
        assert_eq!(demand.depths.iter().sum::<u64>(), answered);
        assert_eq!(demand.most_out(), Some(stats.high_water));
        assert_eq!(
            demand.lengths.iter().sum::<u64>(),
            answered,
            "all came back or left"
        );
    }
}

#[test]
fn a_trim_with_nothing_out_changes_no_prediction() {
    let recording = pool("demand-trim", 2, true);
    for _ in 0..3 {
        let held = [(); 4].map(|()| recording.acquire());
        drop(held);
        assert!(recording.trim_current_thread() > 0);
    }
    assert_eq!(demand(&recording).needed, [3, 3, 3, 3]);
    assert_eq!(recording.stats().hits, demand(&recording).hits(2));
}

/// Whether this build can look how far a buffer was written.
const LOOKS: bool = cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) && !cfg!(miri);

#[test]
fn where_the_bytes_cannot_be_looked_at_a_buffer_counts_with_its_capacity() {
    let pool = pool("demand-whole", 4, true);
    drop(pool.acquire());
    pool.acquire().resize(100, 1);
    let lengths = demand(&pool).lengths;
    let whole = |power: usize| lengths.get(power).copied();
    let wanted = if LOOKS {
        [Some(1), Some(0), Some(1)]
    } else {
        [Some(0), Some(1), Some(1)]
    };
    assert_eq!([0, 6, 7].map(whole), wanted);
}

#[test]
fn lengths_are_told_by_the_power_of_two_that_holds_them() {
    let pool = pool("demand-lengths", 4, true);
    for len in [0, 1, 2, 3, 4, 5, 64, 65, 4096] {
        pool.acquire().resize(len, 1);
    }
    pool.acquire().into_vec();
    let mut used_and_cleared = pool.acquire();
    used_and_cleared.extend_from_slice(&[0; 33]);
    used_and_cleared.clear();
    drop(used_and_cleared);
    // In the room that a buffer of 4,096 bytes had before.
    pool.acquire().push(0);
    if !LOOKS {
        eprintln!("skipped: this build cannot look how far a buffer was written");
        return;
    }
    let demand = demand(&pool);
    assert_eq!(demand.lengths, [4, 1, 2, 1, 0, 0, 2, 1, 0, 0, 0, 0, 1]);
    assert_eq!(demand.share_within(64), Some(10.0 / 12.0));
    assert_eq!(demand.share_within(127), Some(10.0 / 12.0));
    assert_eq!(demand.share_within(128), Some(11.0 / 12.0));
    assert_eq!(demand.buffer_size, BUFFER_SIZE);
}

// Miri tells if bytes are read that the user has made uninitialised.
#[test]
fn room_that_is_overwritten_with_nothing_comes_back_like_any_other() {
    let pool = pool("demand-uninit", 4, true);
    let mut buffer = pool.acquire();
    buffer.spare_capacity_mut().fill(MaybeUninit::uninit());
    drop(buffer);
    assert_eq!(demand(&pool).lengths.iter().sum::<u64>(), 1);
}

// More buffers than the record has places: minutes of Miri, and no memory that the others do not touch.
#[cfg(not(miri))]
#[test]
fn what_is_deeper_than_the_record_is_told_as_such() {
    let pool = pool("demand-deep", 4, true);
    let held: Vec<_> = (0..Demand::SIZE_MAX + 5).map(|_| pool.acquire()).collect();
    drop(held);
    let demand = demand(&pool);
    assert_eq!((demand.needed.len(), demand.beyond), (Demand::SIZE_MAX, 5));
    assert_eq!((demand.depths.len(), demand.deeper), (Demand::SIZE_MAX, 5));
    assert_eq!(demand.most_out(), None);
    assert_eq!(demand.smallest_size(1.0), None);
    assert_eq!(
        demand.smallest_size(0.5),
        Some((Demand::SIZE_MAX + 5).div_ceil(2))
    );
}

#[test]
fn a_refused_acquire_counts_as_one_that_needs_more() {
    let pool = pool("demand-refused", 1, true);
    let held = pool.acquire();
    for _ in 0..3 {
        pool.try_acquire().expect_err("one is out already");
    }
    drop(held);
    assert_eq!(demand(&pool).needed, [1, 3]);
    assert_eq!(pool.stats().acquires(), demand(&pool).acquires());
}

#[test]
fn acquires_of_an_ending_thread_are_served_by_no_size() {
    thread_local!(static LATE: Cell<Option<Late>> = const { Cell::new(None) });
    struct Late(Arc<BufferPool>);
    impl Drop for Late {
        fn drop(&mut self) {
            drop(self.0.acquire());
        }
    }
    let pool = Arc::new(pool("demand-late", 4, true));
    let of_thread = Arc::clone(&pool);
    let thread = thread::spawn(move || {
        // Begun before the pool's own thread-local, so it ends after it.
        LATE.set(Some(Late(Arc::clone(&of_thread))));
        drop(of_thread.acquire());
    });
    thread.join().expect("it does not panic");
    let demand = demand(&pool);
    assert_eq!((demand.needed, demand.beyond), (vec![1], 1));
    assert_eq!(pool.stats().acquires(), 2);
}

#[test]
fn acquires_by_a_handle_that_outlives_its_threads_part_are_served_by_no_size() {
    thread_local!(static LATE: Cell<Option<Late>> = const { Cell::new(None) });
    struct Late(PoolHandle<'static>);
    impl Drop for Late {
        fn drop(&mut self) {
            drop(self.0.acquire());
        }
    }
    static POOL: OnceLock<BufferPool> = OnceLock::new();
    let pool = POOL.get_or_init(|| pool("demand-handle", 4, true));
    let thread = thread::spawn(|| {
        // Begun before the pool's own thread-local, so it ends after it.
        LATE.set(None);
        let handle = pool.handle();
        drop(handle.acquire());
        LATE.set(Some(Late(handle)));
    });
    thread.join().expect("it does not panic");
    let demand = demand(pool);
    assert_eq!((demand.needed, demand.beyond), (vec![1], 1));
    assert_eq!(demand.depths, [2]);
}

#[test]
fn the_snapshot_keeps_the_demand_of_pools_that_are_gone() {
    let seen = |name: &str| {
        let pools = snapshot().pools;
        pools.into_iter().find(|pool| pool.name == name)
    };
    for _ in 0..2 {
        let pool = pool("demand-gone", 4, true);
        let (a, b) = (pool.acquire(), pool.acquire());
        drop((a, b));
    }
    let gone = seen("demand-gone").expect("totals outlive the pool");
    assert_eq!(gone.demand.expect("both recorded").needed, [2, 2]);
    let living = pool("demand-gone", 4, true);
    drop(living.acquire());
    let all = seen("demand-gone").expect("it lives");
    assert_eq!(all.demand.expect("all recorded").needed, [3, 2]);
    let silent = pool("demand-silent", 4, false);
    drop(silent.acquire());
    assert_eq!(seen("demand-silent").expect("it lives").demand, None);
}

#[test]
fn nothing_acquired_has_no_rate() {
    let demand = demand(&pool("demand-none", 4, true));
    assert_eq!((demand.acquires(), demand.hit_rate(4)), (0, None));
    assert_eq!(
        (demand.smallest_size(0.9), demand.share_within(64)),
        (None, None)
    );
}
