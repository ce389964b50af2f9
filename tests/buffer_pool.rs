//! `BufferPool`: per thread, named, counted across threads living and ended.

use std::cell::RefCell;
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use knhk_pool::{Buffer, BufferPool, PoolError, PoolStats, Workload, snapshot};

fn pool_of(name: &'static str, buffers: usize) -> BufferPool {
    let builder = BufferPool::builder(name).workload(Workload::Low);
    builder
        .pool_size(buffers)
        .buffer_size(256)
        .build()
        .expect("sizes are in range")
}

/// A pool for threads that are not scoped: their handles can be joined, destructors included. It
/// stays reachable, so that it is no leak.
fn leaked(name: &'static str, buffers: usize) -> &'static BufferPool {
    static KEPT: Mutex<Vec<&'static BufferPool>> = Mutex::new(Vec::new());
    let pool: &'static BufferPool = Box::leak(Box::new(pool_of(name, buffers)));
    KEPT.lock()
        .expect("no test panics while it holds this")
        .push(pool);
    pool
}

fn assert_balanced(stats: &PoolStats) {
    let served = stats.hits + stats.misses;
    let gone = stats.released + stats.freed + stats.detached;
    assert_eq!(served, gone + stats.in_use as u64, "{stats:?}");
}

#[test]
fn first_acquire_is_a_hit_and_stats_are_none_before() {
    static POOL: BufferPool = BufferPool::new("first-acquire");
    assert_eq!(POOL.stats(), PoolStats::default());
    assert_eq!(POOL.stats().hit_rate(), None);
    let buffer: Buffer<'static> = POOL.acquire();
    assert_eq!(buffer.capacity(), Workload::Medium.buffer_size());
    let stats = POOL.stats();
    assert_eq!(
        (stats.hits, stats.misses, stats.in_use, stats.threads),
        (1, 0, 1, 1)
    );
    assert_eq!(stats.idle, Workload::Medium.pool_size() - 1);
}

#[test]
fn warm_up_prepares_without_counting() {
    let pool = pool_of("warm-up", 4);
    pool.warm_up();
    let stats = pool.stats();
    assert_eq!(
        (
            stats.acquires(),
            stats.idle,
            stats.capacity,
            stats.high_water
        ),
        (0, 4, 4, 0)
    );
    assert!(stats.bytes >= 4 * 256);
}

#[test]
fn trim_current_thread_gives_idle_memory_back() {
    let pool = pool_of("trim", 4);
    assert_eq!(pool.trim_current_thread(), 0);
    drop(pool.acquire());
    let bytes = pool.stats().bytes;
    assert_eq!(pool.trim_current_thread(), bytes);
    assert_eq!(pool.stats().bytes, 0);
    drop(pool.acquire());
    assert_eq!(pool.stats().hits, 2);
}

#[test]
fn each_thread_has_its_own_buffers() {
    let pool = pool_of("own", 2);
    let held = [pool.acquire(), pool.acquire()];
    thread::scope(|scope| {
        scope.spawn(|| {
            assert!(pool.try_acquire().is_ok(), "this thread's are idle");
        });
    });
    let refused = pool.try_acquire().expect_err("this thread's are in use");
    assert_eq!(
        refused,
        PoolError::Exhausted {
            pool: "own",
            capacity: 2
        }
    );
    drop(held);
}

#[test]
fn counts_of_ended_threads_stay_in_the_totals() {
    let pool = leaked("ended", 4);
    for round in 1..=20 {
        let worker = thread::spawn(|| {
            let held: Vec<_> = (0..6).map(|_| pool.acquire()).collect();
            drop(held);
        });
        worker.join().expect("the worker ends well");
        let stats = pool.stats();
        assert_eq!((stats.hits, stats.misses), (4 * round, 2 * round));
        assert_eq!((stats.threads, stats.capacity, stats.in_use), (0, 0, 0));
        assert_eq!(stats.high_water, 6);
        assert_balanced(&stats);
    }
}

#[test]
fn memory_is_handed_from_ended_threads_to_new_ones() {
    let pool = leaked("handed-on", 4);
    let place = || pool.acquire().as_ptr().addr();
    let first = thread::spawn(place).join().expect("the thread ends well");
    let kept = pool.stats().bytes;
    assert!(kept >= 4 * 256, "one slab waits");
    for _ in 0..50 {
        assert_eq!(
            thread::spawn(place).join().expect("the thread ends well"),
            first
        );
    }
    assert_eq!(pool.stats().bytes, kept, "fifty threads, one slab");
}

#[test]
fn at_most_four_idle_slabs_wait_after_a_burst_of_threads() {
    let pool = leaked("burst", 4);
    let all_here = Arc::new(Barrier::new(12));
    let burst = (0..12).map(|_| {
        let all_here = Arc::clone(&all_here);
        thread::spawn(move || {
            let held = pool.acquire();
            all_here.wait();
            drop(held);
        })
    });
    burst
        .collect::<Vec<_>>()
        .into_iter()
        .for_each(|one| one.join().expect("it ends well"));
    let one_slab = pool_of("burst-one", 4);
    one_slab.warm_up();
    let stats = pool.stats();
    assert_eq!(stats.bytes, 4 * one_slab.stats().bytes);
    assert_eq!((stats.hits, stats.threads), (12, 0));
}

thread_local! {
    static HELD: RefCell<Vec<Buffer<'static>>> = const { RefCell::new(Vec::new()) };
}

/// Runs on drop, in the thread-local's destructor.
struct AtExit(fn());

impl Drop for AtExit {
    fn drop(&mut self) {
        (self.0)();
    }
}

thread_local! {
    static AT_EXIT: RefCell<Option<AtExit>> = const { RefCell::new(None) };
}

static LATE: BufferPool = BufferPool::new("late");

/// Buffers that are dropped before, and after, the thread's part of the pool is closed: whichever
/// destructor std runs first, both orders are here.
#[test]
fn drop_after_the_threads_part_is_gone_frees() {
    for held_first in [true, false] {
        let before = LATE.stats();
        let worker = thread::spawn(move || {
            if held_first {
                HELD.with_borrow(Vec::len);
            }
            let mut slots: Vec<_> = (0..LATE.config().pool_size())
                .map(|_| LATE.acquire())
                .collect();
            // A miss; when it grows, its first block joins the pool and serves the last acquire.
            let mut grown = LATE.acquire();
            grown.resize(100_000, 1);
            slots.extend([grown, LATE.acquire()]);
            HELD.with_borrow_mut(|held| held.extend(slots));
        });
        worker.join().expect("no destructor panics");
        let since = LATE.stats().since(&before);
        assert_eq!(since.in_use, 0, "{since:?}");
        assert_eq!((since.hits, since.misses, since.grown), (17, 1, 1));
        assert_balanced(&since);
    }
}

#[test]
fn list_of_late_buffers_is_handed_on_once_the_last_is_back() {
    static POOL: BufferPool = BufferPool::new("late-handed-on");
    for _ in 0..20 {
        let worker = thread::spawn(|| {
            HELD.with_borrow_mut(|held| held.push(POOL.acquire()));
        });
        worker.join().expect("no destructor panics");
    }
    let stats = POOL.stats();
    assert_eq!((stats.hits, stats.in_use), (20, 0));
    let one = POOL.config().pool_size() * POOL.config().buffer_size();
    assert!(
        stats.bytes < 3 * one,
        "twenty threads, one or two slabs: {}",
        stats.bytes
    );
}

#[test]
fn acquire_on_an_ending_thread_is_served_and_counted() {
    static POOL: BufferPool = BufferPool::new("ending");
    for touch_first in [true, false] {
        let before = POOL.stats();
        let worker = thread::spawn(move || {
            if touch_first {
                drop(POOL.acquire());
            }
            AT_EXIT.with_borrow_mut(|at_exit| {
                *at_exit = Some(AtExit(|| {
                    let mut buffer = POOL.acquire();
                    buffer.resize(10_000, 3);
                    assert_eq!(buffer.into_vec(), [3; 10_000]);
                    drop(POOL.acquire());
                    let _ = POOL.try_acquire();
                    POOL.warm_up();
                    POOL.trim_current_thread();
                    drop(POOL.handle().acquire());
                }));
            });
            if !touch_first {
                drop(POOL.acquire());
            }
        });
        worker.join().expect("no destructor panics");
        let since = POOL.stats().since(&before);
        let answered = since.hits + since.misses + since.exhausted;
        assert_eq!(answered, 5, "{since:?}");
        assert_eq!(since.in_use, 0);
        assert_balanced(&since);
    }
}

#[test]
fn built_pool_may_be_dropped_while_a_scoped_threads_destructors_run() {
    let rounds = if cfg!(miri) { 5 } else { 500 };
    for _ in 0..rounds {
        let pool = pool_of("scoped", 2);
        thread::scope(|scope| {
            scope.spawn(|| drop(pool.acquire()));
            scope.spawn(|| drop((pool.acquire(), pool.acquire(), pool.acquire())));
        });
        // The scope is over; the threads' destructors may not be.
        drop(pool);
    }
    let seen = snapshot();
    let totals = seen
        .pools
        .iter()
        .find(|pool| pool.name == "scoped")
        .expect("totals stay");
    assert_eq!(totals.stats.hits + totals.stats.misses, 4 * rounds);
    assert_eq!(
        (
            totals.stats.threads,
            totals.stats.bytes,
            totals.stats.in_use
        ),
        (0, 0, 0)
    );
}

#[test]
fn ten_thousand_short_threads_neither_leak_nor_lose_a_count() {
    let pool = leaked("churn", 16);
    let (rounds, at_once) = if cfg!(miri) { (3, 4) } else { (157, 64) };
    for _ in 0..rounds {
        let threads: Vec<_> = (0..at_once)
            .map(|_| thread::spawn(|| drop(pool.acquire())))
            .collect();
        threads
            .into_iter()
            .for_each(|thread| thread.join().expect("it ends well"));
    }
    let stats = pool.stats();
    assert_eq!(stats.hits, rounds * at_once);
    assert_eq!((stats.misses, stats.in_use, stats.threads), (0, 0, 0));
    assert!(
        stats.bytes <= 4 * 16 * (256 + 128),
        "{} bytes wait",
        stats.bytes
    );
}

#[test]
fn totals_never_fall_and_always_add_up_while_threads_come_and_go() {
    let pool = leaked("monotone", 4);
    let reads = if cfg!(miri) { 30 } else { 20_000 };
    let stop = std::sync::atomic::AtomicBool::new(false);
    let (stop, pool) = (&stop, pool);
    thread::scope(|scope| {
        let churn = move || {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let worker = thread::spawn(|| {
                    for most in [1, 3, 6] {
                        let mut held: Vec<_> = (0..most).map(|_| pool.acquire()).collect();
                        held[0].resize(if most == 6 { 300 } else { 3 }, 0);
                        drop(held.pop().map(Buffer::into_vec));
                    }
                    let _ = pool.try_acquire();
                });
                worker.join().expect("the worker ends well");
            }
        };
        scope.spawn(churn);
        scope.spawn(churn);
        let mut last = PoolStats::default();
        for _ in 0..reads {
            let now = pool.stats();
            assert_balanced(&now);
            for (now, last) in [
                (now.hits, last.hits),
                (now.misses, last.misses),
                (now.released, last.released),
                (now.freed, last.freed),
                (now.grown, last.grown),
                (now.detached, last.detached),
                (now.high_water as u64, last.high_water as u64),
            ] {
                assert!(now >= last, "{now:?} after {last:?}");
            }
            last = now;
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

#[test]
fn more_pools_than_the_cache_has_entries_all_work() {
    let pools: Vec<_> = (0..40).map(|_| pool_of("many", 2)).collect();
    for round in 1..=3 {
        for pool in &pools {
            drop(pool.acquire());
            assert_eq!((pool.stats().hits, pool.stats().misses), (round, 0));
        }
    }
    drop(pools);
    let seen = snapshot();
    let many = seen
        .pools
        .iter()
        .find(|pool| pool.name == "many")
        .expect("totals stay");
    assert_eq!(
        many.stats.hits, 120,
        "pools of one name are summed, and outlive the pools"
    );
}

#[test]
fn handle_serves_from_its_threads_part() {
    let pool = pool_of("handle", 2);
    let here = pool.handle();
    let (first, second) = (here.acquire(), pool.acquire());
    assert!(here.try_acquire().is_err());
    assert_eq!(here.acquire().capacity(), 256);
    drop((first, second));
    let stats = pool.stats();
    assert_eq!((stats.hits, stats.misses, stats.exhausted), (2, 1, 1));
}

thread_local! {
    static HANDLE: RefCell<Option<knhk_pool::PoolHandle<'static>>> = const { RefCell::new(None) };
}

#[test]
fn handle_that_outlives_its_threads_part_keeps_it_from_being_handed_on() {
    static POOL: BufferPool = BufferPool::new("late-handle");
    for handle_first in [true, false] {
        let worker = thread::spawn(move || {
            if handle_first {
                HANDLE.with_borrow(Option::is_some);
            }
            HANDLE.set(Some(POOL.handle()));
        });
        worker.join().expect("no destructor panics");
    }
    drop(POOL.acquire());
    assert_eq!((POOL.stats().threads, POOL.stats().in_use), (1, 0));
}

#[test]
fn forgotten_buffer_pins_its_slab_and_nothing_else() {
    static POOL: BufferPool = BufferPool::new("forgotten");
    let worker = thread::spawn(|| std::mem::forget(POOL.acquire()));
    worker.join().expect("the worker ends well");
    let pinned = POOL.stats();
    assert_eq!((pinned.in_use, pinned.threads), (1, 0));
    let worker = thread::spawn(|| drop(POOL.acquire()));
    worker.join().expect("the worker ends well");
    assert_eq!(
        POOL.stats().bytes,
        2 * pinned.bytes,
        "the next thread has a slab of its own"
    );
}

#[test]
fn joined_blocks_go_when_their_thread_ends() {
    let pool = leaked("joined", 2);
    let worker = thread::spawn(|| {
        let slots = [pool.acquire(), pool.acquire()];
        drop(pool.acquire());
        assert_eq!(pool.stats().idle, 1);
        std::mem::forget(slots);
    });
    worker.join().expect("the worker ends well");
    let other = pool_of("joined-other", 2);
    other.warm_up();
    assert_eq!(pool.stats().bytes, other.stats().bytes);
}

#[test]
fn next_thread_takes_a_list_with_a_slab_before_one_without() {
    let pool = leaked("slab-first", 4);
    let all_here = Arc::new(Barrier::new(6));
    let burst = (0..6).map(|_| {
        let all_here = Arc::clone(&all_here);
        thread::spawn(move || {
            drop(pool.acquire());
            all_here.wait();
        })
    });
    burst
        .collect::<Vec<_>>()
        .into_iter()
        .for_each(|one| one.join().expect("it ends well"));
    let waiting = pool.stats().bytes;
    let next = thread::spawn(|| {
        drop(pool.acquire());
        pool.stats().bytes
    });
    assert_eq!(next.join().expect("it ends well"), waiting);
}

#[test]
fn totals_of_a_dropped_pool_balance_even_if_a_buffer_was_forgotten() {
    let pool = pool_of("forgotten-and-dropped", 2);
    std::mem::forget(pool.acquire());
    drop(pool);
    let seen = snapshot();
    let gone = seen
        .pools
        .iter()
        .find(|pool| pool.name == "forgotten-and-dropped");
    let stats = gone.expect("totals stay").stats;
    assert_eq!((stats.hits, stats.detached, stats.in_use), (1, 1, 0));
    assert_balanced(&stats);
}

#[test]
fn acquire_can_be_tried_behind_catch_unwind() {
    let pool = pool_of("catch-unwind", 2);
    let len = std::panic::catch_unwind(|| pool.acquire().len());
    assert_eq!(len.expect("nothing panics"), 0);
}

#[test]
fn panic_while_a_buffer_is_held_gives_it_back() {
    let pool = leaked("panic", 2);
    let worker = thread::spawn(|| {
        let _held = pool.acquire();
        std::panic::resume_unwind(Box::new("on purpose"));
    });
    assert!(worker.join().is_err());
    assert_eq!((pool.stats().in_use, pool.stats().released), (0, 1));
}

#[cfg(all(feature = "toml", not(miri)))]
#[test]
fn builder_reads_the_file_it_is_given() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/config/high.toml");
    let pool = BufferPool::builder("from-file")
        .config_file(path)
        .pool_size(3);
    let pool = pool.build().expect("the shipped file is valid");
    assert_eq!(
        (pool.config().pool_size(), pool.config().buffer_size()),
        (3, 8192)
    );
    let missing = BufferPool::builder("from-file")
        .config_file("no-such.toml")
        .build();
    assert!(
        missing
            .expect_err("there is no such file")
            .to_string()
            .contains("no-such.toml")
    );
}
