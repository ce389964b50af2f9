//! `BufferPool`: per thread, named, counted across threads living and ended.

#[path = "../armed/mod.rs"]
mod armed;
#[path = "../reuse/mod.rs"]
mod reuse;
mod threads;

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
    assert_eq!(POOL.name(), "first-acquire");
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
fn function_acquires_from_the_default_pool() {
    let before = knhk_pool::default_pool().stats().acquires();
    let buffer: Buffer<'static> = knhk_pool::acquire();
    assert!(buffer.is_empty());
    assert_eq!(knhk_pool::default_pool().stats().acquires(), before + 1);
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
    assert_eq!(BufferPool::new("never-used").trim_current_thread(), 0);
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
fn a_dropped_pool_keeps_its_settings_until_one_of_its_name_lives() {
    let seen = || {
        let pools = snapshot().pools.into_iter();
        let mut named = pools.filter(|pool| pool.name == "settings");
        let seen = named.next().expect("it was there");
        (seen.size, seen.hit_rate_warning)
    };
    let builder = || BufferPool::builder("settings").workload(Workload::Low);
    let first = builder().pool_size(9).hit_rate_warning(0.5).build();
    drop(first.expect("sizes are in range"));
    assert_eq!(seen(), (9, 0.5));
    let second = builder().pool_size(2).hit_rate_warning(0.25).build();
    assert_eq!(seen(), (2, 0.25));
    drop(second);
    assert_eq!(seen(), (2, 0.25));
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
