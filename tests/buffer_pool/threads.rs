//! Threads come and go: what they held is given back, handed on, and counted.

use super::*;
use crate::reuse::memory_is_reused;

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
    if !memory_is_reused() {
        return;
    }
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
fn part_whose_handle_was_dropped_goes_to_the_next_thread() {
    let pool = leaked("handle-dropped", 4);
    let use_a_handle = || {
        let thread = thread::spawn(|| drop(pool.handle().acquire()));
        thread.join().expect("it only acquires");
        pool.stats().bytes
    };
    let one_part = use_a_handle();
    assert!(one_part >= 4 * 256);
    assert_eq!(use_a_handle(), one_part);
}

#[test]
fn thread_that_ends_closes_its_part_of_every_pool_that_it_used() {
    let pools = ["every-one", "every-other", "every-third"].map(|name| leaked(name, 2));
    let use_all = move || pools.iter().for_each(|pool| drop(pool.acquire()));
    thread::spawn(use_all).join().expect("it only acquires");
    assert_eq!(pools.map(|pool| pool.stats().threads), [0; 3]);
}
