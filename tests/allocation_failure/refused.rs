//! Operations that can refuse: no point at which they end the process, and none that leaves something
//! broken, lost or miscounted.

use std::alloc::Layout;
use std::mem;
use std::thread;

use knhk_pool::spsc::ChannelError;
use knhk_pool::{
    Arena, ArenaConfig, ArenaError, ArenaOverflow, BufferPool, LocalPool, PoolConfig, PoolError,
    PoolStats, ThreadObjectPool, Workload, spsc,
};

use crate::failing::{self, Refusal, at_every_point};

fn config(buffers: usize) -> PoolConfig {
    PoolConfig::from(Workload::Low)
        .with_pool_size(buffers)
        .with_buffer_size(128)
}

fn local(buffers: usize) -> LocalPool {
    LocalPool::new(config(buffers)).expect("nothing is refused here")
}

fn built(buffers: usize) -> BufferPool {
    let builder = BufferPool::builder("allocation-failure").pool_size(buffers);
    let builder = builder.buffer_size(128);
    builder.build().expect("nothing is refused here")
}

fn assert_balanced(stats: &PoolStats, in_use: usize) {
    let gone = stats.released + stats.freed + stats.detached;
    assert_eq!(stats.in_use, in_use, "{stats:?}");
    assert_eq!(stats.hits + stats.misses, gone + in_use as u64, "{stats:?}");
}

#[test]
fn local_pool_is_made_or_refused() {
    let points = at_every_point("LocalPool::new", |run| {
        match run.refusing(|| LocalPool::new(config(3))) {
            Ok(pool) => drop(pool.acquire()),
            Err(error) => assert!(matches!(error, PoolError::OutOfMemory { bytes } if bytes > 384)),
        }
    });
    assert_eq!(points, 2 * 3, "the stack, the slab, the list");
}

#[test]
fn recording_pool_is_made_or_refused() {
    let points = at_every_point("LocalPool::new, recording", |run| {
        match run.refusing(|| LocalPool::new(config(3).with_recording(true))) {
            Ok(pool) => {
                drop(pool.acquire());
                assert_eq!(pool.demand().map(|demand| demand.acquires()), Some(1));
            }
            Err(error) => assert!(matches!(error, PoolError::OutOfMemory { .. })),
        }
    });
    assert_eq!(points, 2 * 4, "the stack, the record, the slab, the list");
}

#[test]
fn local_pool_hands_out_or_refuses() {
    let points = at_every_point("LocalPool::try_acquire", |run| {
        let pool = local(2);
        pool.trim();
        let first = run.refusing(|| pool.try_acquire());
        assert_balanced(&pool.stats(), usize::from(first.is_ok()));
        assert_eq!(pool.stats().exhausted, u64::from(first.is_err()));
        drop(first);
        drop([pool.try_acquire(), pool.try_acquire()].map(|two| two.expect("as before")));
        assert_balanced(&pool.stats(), 0);
    });
    assert!(points > 0);
}

#[test]
fn named_pools_part_of_a_thread_is_made_or_the_thread_is_refused_for_now() {
    let points = at_every_point("BufferPool::try_acquire, a thread's first", |run| {
        let pool = built(2);
        let first = run.refusing(|| pool.try_acquire());
        let refused = u64::from(first.is_err());
        assert_eq!(pool.stats().exhausted, refused);
        assert_balanced(&pool.stats(), usize::from(first.is_ok()));
        drop(first);
        drop(pool.try_acquire().expect("there is memory again"));
        let stats = pool.stats();
        assert_eq!((stats.idle, stats.acquires()), (2, 2), "{stats:?}");
        assert_balanced(&stats, 0);
    });
    assert!(points >= 2 * 3);
}

/// On a thread of its own each time, which has no place for parts yet.
#[test]
fn threads_first_part_of_any_pool_is_made_or_the_thread_is_refused_for_now() {
    let pool = built(2);
    let (mut points, mut refused) = (0, 0);
    for refusal in [Refusal::Once, Refusal::FromThereOn] {
        for served in 0.. {
            let first = || {
                failing::begin(refusal, served);
                let first = pool.try_acquire().is_ok();
                let was_refused = failing::end();
                assert_eq!(first, !was_refused);
                drop(pool.try_acquire().expect("there is memory again"));
                was_refused
            };
            // The slab that the last thread has left is not what is asked for here.
            let left = thread::scope(|threads| threads.spawn(first).join());
            if !left.expect("nothing panics") {
                break;
            }
            (points, refused) = (points + 1, refused + 1);
        }
    }
    println!("{points:4} points at which a thread's first part was refused memory");
    assert!(points > 0);
    let stats = pool.stats();
    assert_eq!(
        (stats.exhausted, stats.in_use, stats.threads),
        (refused, 0, 0)
    );
}

/// Refuses memory at each point of `work`, which says whether it was, on a thread of its own each time; returns the
/// number of points.
fn points_of_threads(work: impl Fn(Refusal, u64) -> bool + Sync) -> u64 {
    let work = &work;
    let was_refused = |refusal, served| {
        let ended = thread::scope(|threads| threads.spawn(move || work(refusal, served)).join());
        ended.expect("nothing panics")
    };
    let points_of = |refusal| {
        (0..)
            .take_while(|&served| was_refused(refusal, served))
            .count()
    };
    [Refusal::Once, Refusal::FromThereOn]
        .map(points_of)
        .iter()
        .sum::<usize>() as u64
}

/// Takes an object that stays out, so that the thread's part is not handed on.
fn stays_out(pool: &ThreadObjectPool<String>) -> Result<(), PoolError> {
    pool.get().map(mem::forget)
}

/// A pool of which one thread, that has ended, had a part: the pool itself has its memory.
fn used_by_a_thread(name: &'static str) -> ThreadObjectPool<String> {
    let pool: ThreadObjectPool<String> = ThreadObjectPool::new(name, 2, String::new);
    thread::scope(|threads| threads.spawn(|| stays_out(&pool)).join())
        .expect("nothing panics")
        .expect("nothing is refused");
    pool
}

#[test]
fn part_of_a_pool_of_objects_is_made_or_the_thread_is_refused_for_now() {
    let pool = used_by_a_thread("refused");
    let points = points_of_threads(|refusal, served| {
        failing::begin(refusal, served);
        let first = stays_out(&pool);
        let was_refused = failing::end();
        let none = PoolError::Exhausted {
            pool: "refused",
            capacity: 0,
        };
        assert_eq!(first, if was_refused { Err(none) } else { Ok(()) });
        stays_out(&pool).expect("there is memory again");
        was_refused
    });
    println!("{points:4} points at which a thread's first part of objects was refused memory");
    assert!(
        points >= 2 * 4,
        "the books, the places, their list, the part: {points}"
    );
    let stats = pool.stats();
    // One before, one of each thread that was refused, two of each of the last two.
    let kept = points as usize + 5;
    assert_eq!((stats.exhausted, stats.in_use), (points, kept), "{stats:?}");
    assert_balanced(&stats, kept);
}

#[test]
fn warm_up_of_objects_makes_a_threads_part_or_leaves_it_to_the_next_use() {
    let pool = used_by_a_thread("refused-warm");
    let points = points_of_threads(|refusal, served| {
        failing::begin(refusal, served);
        pool.warm_up();
        let was_refused = failing::end();
        stays_out(&pool).expect("there is memory again");
        was_refused
    });
    println!("{points:4} points at which ThreadObjectPool::warm_up was refused memory");
    assert!(points >= 2 * 4, "as of a thread's first part: {points}");
    let stats = pool.stats();
    let kept = points as usize + 3;
    assert_eq!((stats.exhausted, stats.in_use), (0, kept), "{stats:?}");
}

#[test]
fn handle_to_no_part_refuses_or_uses_the_heap() {
    let points = at_every_point("BufferPool::handle and try_acquire", |run| {
        let pool = built(2);
        let here = run.refusing(|| {
            let here = pool.handle();
            drop(here.try_acquire());
            here
        });
        drop(here.acquire());
        drop(here);
        assert_balanced(&pool.stats(), 0);
        drop(pool.try_acquire().expect("there is memory again"));
    });
    assert!(points > 0);
}

#[test]
fn warm_up_and_trim_do_what_they_can() {
    let points = at_every_point("BufferPool::warm_up", |run| {
        let pool = built(2);
        run.refusing(|| pool.warm_up());
        run.refusing(|| pool.trim_current_thread());
        run.refusing(|| pool.warm_up());
        drop(pool.try_acquire().expect("there is memory again"));
        assert_eq!(pool.stats().idle, 2);
    });
    assert!(points > 0);
}

#[test]
fn buffer_grows_or_stays_what_it_is() {
    for from_heap in [false, true] {
        let points = at_every_point("Buffer::try_reserve", |run| {
            let pool = local(1);
            let slot = from_heap.then(|| pool.acquire());
            let mut buffer = pool.acquire();
            buffer.extend_from_slice(&[7; 100]);
            match run.refusing(|| buffer.try_reserve(10_000)) {
                Ok(()) => assert!(buffer.capacity() >= 10_100),
                Err(error) => assert_eq!(
                    (error, buffer.capacity()),
                    (PoolError::OutOfMemory { bytes: 10_100 }, 128)
                ),
            }
            assert_eq!(buffer, [7; 100]);
            buffer.resize(128, 8);
            drop((buffer, slot));
            assert_balanced(&pool.stats(), 0);
        });
        assert_eq!(points, 2);
    }
}

#[test]
fn sizes_that_cannot_be_are_refused_without_asking_the_allocator() {
    let pool = local(1);
    let mut buffer = pool.acquire();
    buffer.extend_from_slice(b"kept");
    for bytes in [
        usize::MAX,
        usize::MAX - 4,
        isize::MAX as usize,
        isize::MAX as usize - 200,
    ] {
        let refused = buffer.try_reserve(bytes).expect_err("nothing is so long");
        assert!(matches!(refused, PoolError::OutOfMemory { .. }), "{bytes}");
        // Nobody asked the allocator.
        let said = refused.to_string();
        assert!(said.starts_with("a pool or buffer was refused "), "{said}");
    }
    assert_eq!((&buffer[..], buffer.capacity()), (&b"kept"[..], 128));
}

#[test]
fn channel_is_made_or_refused() {
    let points = at_every_point("spsc::try_channel", |run| {
        match run.refusing(|| spsc::try_channel::<u64>(5)) {
            Ok((mut producer, mut consumer)) => {
                assert_eq!(producer.push_slice(&[1, 2, 3, 4, 5, 6]), 5);
                assert_eq!(consumer.pop_batch(9).sum::<u64>(), 15);
            }
            Err(error @ ChannelError::OutOfMemory { layout }) => {
                assert!(layout.size() >= 8 * 8);
                let said = format!(
                    "the allocator refused {} bytes for a channel",
                    layout.size()
                );
                assert_eq!(error.to_string(), said);
            }
            Err(error) => panic!("{error}"),
        }
    });
    assert_eq!(points, 2 * 2, "the slots, what the halves share");
}

#[test]
fn capacities_that_cannot_be_are_refused_without_asking_the_allocator() {
    for capacity in [
        0,
        usize::MAX / 8,
        usize::MAX / 16 + 1,
        usize::MAX / 2 + 1,
        usize::MAX,
    ] {
        failing::begin(Refusal::FromThereOn, 0);
        let refused = spsc::try_channel::<u64>(capacity).map(drop);
        assert!(!failing::end(), "{capacity}");
        let expected = ChannelError::Capacity { capacity, size: 8 };
        assert_eq!(refused, Err(expected));
    }
}

#[test]
fn arena_is_made_or_refused() {
    let sizes = ArenaConfig::default().with_size(ArenaConfig::SIZE_MIN);
    let points = at_every_point("Arena::try_with_capacity", |run| {
        match run.refusing(|| Arena::try_with_capacity(1000)) {
            Ok(arena) => assert_eq!(arena.alloc_slice::<u8>(1000).len(), 1000),
            Err(error) => assert!(matches!(error, ArenaError::OutOfMemory { .. })),
        }
    });
    assert_eq!(points, 2 * 2, "the chunk, the books");
    let points = at_every_point("Arena::named", |run| {
        if let Err(error) = run.refusing(|| Arena::named("allocation-failure", &sizes)) {
            assert!(matches!(error, ArenaError::OutOfMemory { .. }));
        }
    });
    assert!(points >= 2 * 2);
}

#[test]
fn name_that_is_new_is_kept_or_refused() {
    let sizes = ArenaConfig::default().with_size(ArenaConfig::SIZE_MIN);
    for served in 0.. {
        let name = format!("allocation-failure-{served}");
        failing::begin(Refusal::FromThereOn, served);
        let arena = Arena::named(&name, &sizes);
        let was_refused = failing::end();
        assert_eq!(arena.is_err(), was_refused);
        if let Ok(arena) = arena {
            assert_eq!(arena.name(), Some(&*name));
            assert!(served >= 3, "the chunk, the books, the name");
            break;
        }
    }
}

#[test]
fn arena_allocates_from_the_heap_or_refuses() {
    let points = at_every_point(
        "Arena::try_alloc_layout and the like, from the heap",
        |run| {
            let mut arena = Arena::with_capacity(64).with_overflow(ArenaOverflow::Heap);
            let layout = Layout::from_size_align(500, 64).expect("a layout");
            run.refusing(|| {
                let _ = arena.try_alloc([1_u64; 20]);
                let _ = arena.try_alloc_layout(layout);
                let _ = arena.try_alloc_str(
                    "longer than the chunk, which has only sixty-four bytes of room",
                );
                let _ = arena.try_alloc_from_iter((0..100_u32).filter(|_| true));
                let _ = arena.try_alloc_slice_with(50, |n| n);
            });
            let mine: Vec<u32> = (0..50).collect();
            assert_eq!(arena.alloc_from_iter(0..50_u32), mine);
            run.refusing(|| {
                arena.scope(|scope| {
                    let _ = scope.try_alloc_slice::<u64>(100);
                    let _ = scope.scope(|inner| inner.try_alloc_slice::<u64>(100).is_ok());
                });
            });
            arena.reset();
            assert_eq!((arena.stats().in_use, arena.stats().heap_bytes), (0, 0));
        },
    );
    assert!(points >= 4);
}

#[cfg(feature = "allocator-api2")]
#[test]
fn collections_on_an_arena_grow_or_refuse() {
    let points = at_every_point("allocator_api2::Vec::try_reserve on an arena", |run| {
        let arena = Arena::with_capacity(64).with_overflow(ArenaOverflow::Heap);
        let mut values = allocator_api2::vec::Vec::new_in(&arena);
        values.push(1_u64);
        let refused = run.refusing(|| values.try_reserve(1000)).is_err();
        assert!(refused || values.capacity() >= 1001);
        assert_eq!(values[..], [1]);
    });
    assert!(points > 0);
}
