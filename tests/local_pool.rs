//! `LocalPool`: hits, misses, joining, evicting, trimming, and the high-water mark.

mod armed;
mod reuse;

use std::error::Error;
use std::iter;

use knhk_pool::{LocalPool, PoolConfig, PoolError, Workload};
use reuse::memory_is_reused;

fn pool_of(buffers: usize, bytes: usize) -> LocalPool {
    let config = PoolConfig::from(Workload::Low)
        .with_pool_size(buffers)
        .with_buffer_size(bytes);
    LocalPool::new(config).expect("a pool of this size can be made")
}

#[test]
fn last_released_is_first_acquired() {
    if !memory_is_reused() {
        return;
    }
    let pool = pool_of(4, 256);
    let (a, b) = (pool.acquire(), pool.acquire());
    let (a_at, b_at) = (a.as_ptr(), b.as_ptr());
    drop(a);
    assert_eq!(pool.acquire().as_ptr(), a_at);
    drop(b);
    // `a` went to the hot slot when it was dropped, so it comes first; `b` is next.
    let (first, second) = (pool.acquire(), pool.acquire());
    assert_eq!([first.as_ptr(), second.as_ptr()], [a_at, b_at]);
}

#[test]
fn pool_tells_the_sizes_that_it_was_made_with() {
    let pool = pool_of(3, 300);
    let config = pool.config();
    assert_eq!((config.pool_size(), config.buffer_size()), (3, 300));
}

#[test]
fn sizes_that_cannot_be_are_an_error_that_a_chain_tells_once() {
    let config = PoolConfig::from(Workload::Low).with_pool_size(usize::MAX);
    let wrong = config.validate().unwrap_err();
    let error = LocalPool::new(config).unwrap_err();
    assert_eq!(error, PoolError::Config(wrong.clone()));
    let chain = iter::successors(Some(&error as &dyn Error), |error| (*error).source());
    let told: Vec<_> = chain.map(ToString::to_string).collect();
    assert_eq!(told, [wrong.to_string()]);
}

#[test]
fn exhausted_pool_serves_from_the_heap_and_counts_a_miss() {
    let pool = pool_of(2, 256);
    let held: Vec<_> = (0..5).map(|_| pool.acquire()).collect();
    let stats = pool.stats();
    assert_eq!(
        (stats.hits, stats.misses, stats.in_use, stats.idle),
        (2, 3, 5, 0)
    );
    assert!(held.iter().all(|buffer| buffer.capacity() == 256));
    assert!(held.iter().all(|buffer| buffer.as_ptr().addr() % 64 == 0));
}

#[test]
fn try_acquire_refuses_instead_of_using_the_heap() {
    let pool = pool_of(2, 256);
    let held = [(); 2].map(|()| pool.try_acquire().expect("two are idle"));
    let refused = pool.try_acquire().expect_err("none is idle");
    assert_eq!(
        refused,
        PoolError::Exhausted {
            pool: "local",
            capacity: 2
        }
    );
    assert_eq!(
        refused.to_string(),
        "pool \"local\" is exhausted: none of its 2 is idle"
    );
    drop(held);
    assert!(pool.try_acquire().is_ok());
    let stats = pool.stats();
    assert_eq!((stats.hits, stats.misses, stats.exhausted), (3, 0, 1));
    assert_eq!(stats.hit_rate(), Some(3.0 / 4.0));
}

#[test]
fn pool_of_no_buffers_always_misses_and_keeps_nothing() {
    let pool = pool_of(0, 256);
    for _ in 0..3 {
        drop(pool.acquire());
    }
    assert!(pool.try_acquire().is_err());
    let stats = pool.stats();
    assert_eq!(
        (stats.misses, stats.freed, stats.idle, stats.bytes),
        (3, 3, 0, 0)
    );
    assert_eq!(stats.threads, 1, "its owner has it still");
}

#[test]
fn heap_buffer_joins_while_there_is_room_and_slots_take_its_place() {
    if !memory_is_reused() {
        return;
    }
    let pool = pool_of(2, 256);
    let (a, b, heap) = (pool.acquire(), pool.acquire(), pool.acquire());
    let heap_at = heap.as_ptr();
    drop(heap);
    assert_eq!(pool.stats().idle, 1);
    let joined = pool.acquire();
    assert_eq!(joined.as_ptr(), heap_at, "the heap buffer joined");
    assert_eq!(pool.stats().hits, 3);
    drop((joined, a));
    assert_eq!(pool.stats().idle, 2);
    let bytes = pool.stats().bytes;
    drop(b);
    let stats = pool.stats();
    assert_eq!(
        (stats.idle, stats.in_use),
        (2, 0),
        "idle never exceeds the capacity"
    );
    assert!(
        stats.bytes < bytes,
        "the joined buffer was freed when its room was needed"
    );
}

#[test]
fn grown_buffer_is_freed_and_its_slot_goes_back_at_once() {
    let pool = pool_of(2, 256);
    let mut buffer = pool.acquire();
    let before = buffer.as_ptr();
    buffer.extend_from_slice(&[7; 256]);
    assert_eq!(buffer.as_ptr(), before);
    buffer.push(8);
    assert_ne!(buffer.as_ptr(), before);
    assert_eq!(buffer.as_ptr().addr() % 64, 0);
    assert_eq!((&buffer[..256], buffer[256]), (&[7; 256][..], 8));
    let stats = pool.stats();
    assert_eq!((stats.grown, stats.idle, stats.in_use), (1, 2, 1));
    buffer.reserve(100_000);
    assert_eq!(
        pool.stats().grown,
        1,
        "a buffer is counted once, however often it grows"
    );
    drop(buffer);
    let stats = pool.stats();
    assert_eq!(
        (stats.freed, stats.released, stats.idle, stats.in_use),
        (1, 0, 2, 0)
    );
    assert_eq!(
        stats.bytes,
        pool_of(2, 256).stats().bytes,
        "nothing of it is kept"
    );
}

#[test]
fn high_water_is_the_most_that_was_ever_out() {
    for capacity in [0, 1, 2, 3, 8] {
        let pool = pool_of(capacity, 64);
        assert_eq!(pool.stats().high_water, 0);
        for most in [1, 2, 1, 5, 3, 9, 4] {
            let held: Vec<_> = (0..most).map(|_| pool.acquire()).collect();
            let so_far = pool.stats().high_water;
            assert!(so_far >= most, "{capacity}: {so_far} < {most}");
            drop(held);
            assert_eq!(pool.stats().high_water, so_far, "{capacity}");
        }
        assert_eq!(pool.stats().high_water, 9, "{capacity}");
    }
}

#[test]
fn growing_does_not_raise_the_high_water_mark() {
    let pool = pool_of(4, 64);
    for most in [1, 2, 2] {
        let mut one = pool.acquire();
        one.resize(65, 0);
        assert_eq!(pool.stats().high_water, most);
        drop(pool.acquire());
        assert_eq!(pool.stats().high_water, 2);
        drop(one);
    }
}

#[test]
fn trim_gives_the_slab_back_when_all_is_idle_and_never_before() {
    let pool = pool_of(4, 4096);
    let held = pool.acquire();
    assert_eq!(pool.trim(), 0, "a slot is out");
    drop(held);
    let bytes = pool.stats().bytes;
    assert!(bytes >= 4 * 4096);
    assert_eq!(pool.trim(), bytes);
    let stats = pool.stats();
    assert_eq!((stats.bytes, stats.idle, stats.in_use), (0, 0, 0));
    drop(pool.acquire());
    let stats = pool.stats();
    assert_eq!(
        (stats.hits, stats.misses, stats.bytes),
        (2, 0, bytes),
        "prepared again, as a hit"
    );
}

#[test]
fn slot_that_comes_back_after_a_trim_of_a_full_list_is_kept() {
    let pool = pool_of(2, 64);
    let (mut a, b, c, d) = (
        pool.acquire(),
        pool.acquire(),
        pool.acquire(),
        pool.acquire(),
    );
    drop((c, d));
    // Its slot evicts `d`, and the hot slot is closed over a full stack.
    a.resize(65, 0);
    assert_eq!(pool.stats().idle, 2);
    // `c` goes.
    pool.trim();
    drop(b);
    assert_eq!((pool.stats().idle, pool.stats().in_use), (2, 1));
}

#[test]
fn into_vec_detaches_from_pool_heap_and_grown() {
    let pool = pool_of(1, 64);
    let mut slot = pool.acquire();
    slot.extend_from_slice(b"slot");
    let mut heap = pool.acquire();
    heap.extend_from_slice(b"heap");
    let mut grown = pool.acquire();
    grown.resize(1000, 9);
    assert_eq!(slot.into_vec(), b"slot");
    assert_eq!(pool.stats().idle, 1, "the slot itself stays with the pool");
    assert_eq!(heap.into_vec(), b"heap");
    let grown = grown.into_vec();
    assert_eq!(grown, [9; 1000]);
    drop(grown);
    let stats = pool.stats();
    assert_eq!(
        (stats.detached, stats.in_use, stats.freed, stats.released),
        (3, 0, 0, 0)
    );
}

#[test]
fn forgotten_buffers_leave_the_pool_sound() {
    let pool = pool_of(2, 64);
    for _ in 0..2 {
        std::mem::forget(pool.acquire());
    }
    let next = pool.acquire();
    assert_eq!(pool.stats().misses, 1);
    drop(next);
    assert_eq!(
        pool.stats().idle,
        1,
        "a heap buffer takes the place of what was forgotten"
    );
    assert_eq!(
        pool.trim(),
        64 + 128,
        "the joined buffer goes, the slab stays pinned"
    );
    assert_eq!(pool.stats().in_use, 2);
}

#[test]
fn buffer_held_in_a_panic_comes_back() {
    let pool = pool_of(2, 64);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut held = pool.acquire();
        held.push(1);
        std::panic::resume_unwind(Box::new("on purpose"));
    }));
    assert!(panicked.is_err());
    assert_eq!((pool.stats().idle, pool.stats().in_use), (2, 0));
}

#[test]
fn pool_moves_to_another_thread_with_its_counts() {
    let pool = pool_of(2, 64);
    drop(pool.acquire());
    let pool = std::thread::spawn(move || {
        drop(pool.acquire());
        pool
    });
    assert_eq!(pool.join().expect("the thread ends well").stats().hits, 2);
}
