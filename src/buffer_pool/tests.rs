//! What a pool does not show: that a hit is one on the hit path.

use super::*;
use crate::workload::Workload;

#[test]
fn what_is_idle_on_this_thread_is_handed_out_on_the_hit_path() {
    let pool = BufferPool::builder("hit-path").workload(Workload::Low);
    let pool = pool.build().expect("sizes are in range");
    assert!(pool.pop().is_none(), "this thread has no part of it yet");
    drop(pool.acquire());
    let handle = pool.handle();
    let by_the_pool = || Some(pool.pop()?.0);
    let by_the_handle = || handle.hit_raw();
    for hit in [&by_the_pool as &dyn Fn() -> _, &by_the_handle] {
        let start = hit().expect("one came back");
        // SAFETY: handed out on the line above by this thread's list.
        unsafe { handle.release_raw(start, Workload::Low.buffer_size()) };
    }
    assert_eq!(pool.stats().in_use, 0);
}

#[test]
fn handle_that_may_refuse_serves_from_the_heap_when_the_pool_is_exhausted() {
    let pool = BufferPool::builder("may-refuse").workload(Workload::Low);
    let pool = pool.pool_size(1).build().expect("sizes are in range");
    let handle = pool.handle();
    let [slot, block] = [(); 2].map(|()| handle.acquire_or_refuse().expect("memory"));
    assert_ne!(slot.as_ptr(), block.as_ptr());
    let stats = pool.stats();
    assert_eq!((stats.hits, stats.misses, stats.in_use), (1, 1, 2));
}

#[test]
fn spread_is_that_of_the_living_threads() {
    let pool = BufferPool::builder("spread").workload(Workload::Low);
    let pool = pool.build().expect("sizes are in range");
    let acquire = |times| (0..times).for_each(|_| drop(pool.acquire()));
    acquire(3);
    std::thread::scope(|scope| {
        let ended = scope.spawn(|| acquire(7));
        ended.join().expect("it only acquires");
    });
    let look = pool.shared().look();
    assert_eq!(look.spread.acquires, Some((3, 3)));
    assert_eq!(look.stats.hits, 10);
}

#[test]
fn demand_counts_what_threads_without_a_part_asked_for() {
    let pool = BufferPool::builder("stray-demand").workload(Workload::Low);
    let pool = pool.recording(true).build().expect("sizes are in range");
    // SAFETY: it lives as long as the pool, and any thread may use it.
    let stray = unsafe { pool.shared().stray.list().as_ref() };
    let buffer = stray.acquire_cold();
    assert!(stray.try_acquire_cold().is_none());
    // SAFETY: handed out above, and given back once.
    unsafe { stray.release(buffer, Workload::Low.buffer_size()) };
    let demand = pool.demand().expect("it records");
    assert_eq!((demand.acquires(), demand.hits(8)), (2, 0));
}

#[test]
fn threads_without_a_part_share_exact_counts() {
    const TIMES: u64 = if cfg!(miri) { 20 } else { 10_000 };
    const THREADS: u64 = 4;
    let pool = BufferPool::builder("stray-threads").workload(Workload::Low);
    let pool = pool.build().expect("sizes are in range");
    // SAFETY: it lives as long as the pool, and any thread may use it.
    let stray = || unsafe { pool.shared().stray.list().as_ref() };
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..TIMES {
                    let buffer = stray().acquire_cold();
                    // SAFETY: handed out on the line above.
                    unsafe { stray().release(buffer, Workload::Low.buffer_size()) };
                }
            });
        }
    });
    let stats = stray().stats();
    let all = THREADS * TIMES;
    assert_eq!((stats.misses, stats.freed, stats.in_use), (all, all, 0));
    assert_eq!((stats.bytes, stats.threads), (0, 0));
}

#[test]
fn what_threads_without_a_part_hold_grow_and_keep_is_told() {
    let pool = BufferPool::builder("stray-told").workload(Workload::Low);
    let pool = pool.build().expect("sizes are in range");
    let size = Workload::Low.buffer_size();
    // SAFETY: it lives as long as the pool, and any thread may use it.
    let stray = unsafe { pool.shared().stray.list().as_ref() };
    let [kept, grown, freed] = [(); 3].map(|()| stray.acquire_cold());
    // SAFETY: handed out above, with nothing initialised.
    let grown = unsafe { stray.grow(grown, 0, size, 2 * size) }.expect("memory");
    // SAFETY: as above, and not used again.
    drop(unsafe { stray.detach(kept, 0, size) });
    // SAFETY: as above.
    unsafe { stray.release(freed, size) };
    let stats = stray.stats();
    assert_eq!((stats.misses, stats.grown, stats.detached), (3, 1, 1));
    assert_eq!((stats.freed, stats.in_use), (1, 1));
    assert!(stats.bytes >= 2 * size);
    // SAFETY: as above, of the capacity that it has grown to.
    unsafe { stray.release(grown, 2 * size) };
    assert_eq!((stray.stats().in_use, stray.stats().bytes), (0, 0));
}
