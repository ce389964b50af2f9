//! The library's own promises: hits are silent, first use is permitted, a miss is a violation.

use super::*;

#[test]
fn first_use_of_a_pool_inside_a_section_is_permitted() {
    static POOL: BufferPool = BufferPool::new("hot-path-first");
    assert_eq!(report("first-use", || drop(POOL.acquire())), None);
    let pool = BufferPool::builder("hot-path-built").pool_size(4).build();
    let pool = pool.expect("four are in range");
    assert_eq!(report("first-use", || drop(pool.try_acquire())), None);
    assert_eq!(snapshot().pools.len().min(2), 2);
}

#[test]
fn miss_inside_a_section_is_a_violation() {
    let pool = BufferPool::builder("hot-path-miss").pool_size(1).build();
    let pool = pool.expect("one is in range");
    let held = pool.acquire();
    assert_reports("miss", "alloc", || pool.acquire());
    drop(held);
}

#[test]
fn hits_are_silent_a_hundred_thousand_times() {
    let rounds = if cfg!(miri) { 100 } else { 100_000 };
    static POOL: BufferPool = BufferPool::new("hot-path-hits");
    let local = LocalPool::new(PoolConfig::from(Workload::Low)).expect("a profile is in range");
    let silent = report("hits", || {
        for _ in 0..rounds {
            let mut buffer = POOL.acquire();
            buffer.extend_from_slice(b"<s> <p> <o> .");
            let _second = POOL.try_acquire();
            drop(local.acquire());
        }
    });
    assert_eq!(silent, None);
    assert_eq!(POOL.stats().misses, 0);
}
