//! A hit allocates nothing: counted by this binary's global allocator, on the thread that asks.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use knhk_pool::{BufferPool, LocalPool, PoolConfig, Workload};

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

/// Counts every call of this thread, and leaves the work to the system's allocator.
struct Counting;

fn count() {
    CALLS.with(|calls| calls.set(calls.get() + 1));
}

// SAFETY: every call goes to `System` as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(start, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, start: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.realloc(start, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Calls of the allocator, on this thread, while `work` ran.
fn calls_in(work: impl FnOnce()) -> u64 {
    let before = CALLS.get();
    work();
    CALLS.get() - before
}

const PAIRS: usize = if cfg!(miri) { 100 } else { 1_000_000 };

#[test]
fn allocator_counts_or_the_zeros_below_show_nothing() {
    assert_eq!(calls_in(|| drop(std::hint::black_box(Box::new(1)))), 2);
    assert_eq!(calls_in(|| drop(std::hint::black_box(vec![0_u8; 64]))), 2);
}

#[test]
fn hits_of_a_static_pool_allocate_and_free_nothing() {
    static POOL: BufferPool = BufferPool::new("zero-alloc");
    POOL.warm_up();
    let size = POOL.config().buffer_size();
    let calls = calls_in(|| {
        for round in 0..PAIRS {
            let mut outer = POOL.acquire();
            outer.extend_from_slice(&round.to_ne_bytes());
            let mut inner = POOL.try_acquire().expect("one of sixteen is out");
            inner.resize(size, 1);
            assert_eq!(inner.padded().len(), size + 64);
        }
    });
    assert_eq!(calls, 0);
    assert_eq!(POOL.stats().hits, 2 * PAIRS as u64);
}

#[test]
fn all_of_a_pools_buffers_at_once_allocate_nothing() {
    let pool = LocalPool::new(PoolConfig::from(Workload::High)).expect("a profile is in range");
    let calls = calls_in(|| {
        for _ in 0..PAIRS / 100 {
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
    let calls = calls_in(|| {
        for _ in 0..PAIRS / 100 {
            assert!(pool.try_acquire().is_err());
        }
    });
    drop(held);
    assert_eq!(calls, 0);
}

#[test]
fn miss_costs_one_allocation_and_its_release_at_most_one_free() {
    let pool = BufferPool::builder("zero-alloc-miss").pool_size(0).build();
    let pool = pool.expect("none is in range");
    drop(pool.acquire());
    assert_eq!(calls_in(|| drop(pool.acquire())), 2);
}
