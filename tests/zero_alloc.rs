//! A hit allocates nothing and frees nothing, over a million pairs, or as many as `KNHK_PAIRS` says:
//! counted on the thread that asks.

// Elsewhere there is nothing to count with.
#![cfg(any(debug_assertions, feature = "allocation-tracking"))]

mod pairs;
mod reuse;

use std::alloc::System;

use knhk_pool::hot_path::allocations;
use knhk_pool::{BufferPool, HotPathAlloc, LocalPool, PoolConfig, Workload};
use pairs::pairs;
use reuse::memory_is_reused;

#[global_allocator]
static ALLOCATOR: HotPathAlloc = HotPathAlloc::new(System);

/// Calls of the allocator, on this thread, while `work` ran. Fails where nothing would be seen.
fn calls_in(work: impl FnOnce()) -> u64 {
    allocations(work).calls()
}

#[test]
fn hits_of_a_static_pool_allocate_and_free_nothing() {
    if !memory_is_reused() {
        return;
    }
    static POOL: BufferPool = BufferPool::new("zero-alloc");
    POOL.warm_up();
    let (size, pairs) = (POOL.config().buffer_size(), pairs());
    let calls = calls_in(|| {
        for round in 0..pairs {
            let mut outer = POOL.acquire();
            outer.extend_from_slice(&round.to_ne_bytes());
            let mut inner = POOL.try_acquire().expect("one of sixteen is out");
            inner.resize(size, 1);
            assert_eq!(inner.padded().len(), size + 64);
        }
    });
    assert_eq!(calls, 0);
    assert_eq!(POOL.stats().hits, 2 * u64::from(pairs));
}

#[test]
fn all_of_a_pools_buffers_at_once_allocate_nothing() {
    if !memory_is_reused() {
        return;
    }
    let pool = LocalPool::new(PoolConfig::from(Workload::High)).expect("a profile is in range");
    let rounds = pairs().div_ceil(32);
    let calls = calls_in(|| {
        for _ in 0..rounds {
            let held: [_; 32] = std::array::from_fn(|_| pool.acquire());
            drop(held);
        }
    });
    assert_eq!((calls, pool.stats().misses), (0, 0));
}

#[test]
fn refusal_allocates_nothing() {
    let pool = BufferPool::builder("zero-alloc-refused")
        .pool_size(1)
        .build();
    let pool = pool.expect("one is in range");
    let held = pool.acquire();
    let refusals = pairs().div_ceil(100);
    let calls = calls_in(|| {
        for _ in 0..refusals {
            assert!(pool.try_acquire().is_err());
        }
    });
    drop(held);
    assert_eq!(calls, 0);
}

#[test]
fn miss_costs_one_allocation_and_its_release_at_most_one_free() {
    if !memory_is_reused() {
        return;
    }
    let pool = BufferPool::builder("zero-alloc-miss").pool_size(0).build();
    let pool = pool.expect("none is in range");
    drop(pool.acquire());
    assert_eq!(calls_in(|| drop(pool.acquire())), 2);
}
