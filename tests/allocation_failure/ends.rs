//! What ends, or gives back, asks the allocator for nothing: it goes on when there is no memory. (But for
//! a named pool that records: `aborts`.)

use std::thread;

use knhk_pool::{
    Arena, ArenaConfig, ArenaOverflow, BufferPool, HeapObjectPool, LocalPool, PoolConfig,
    ThreadObjectPool, Workload, spsc,
};

use crate::failing::{self, Refusal};

/// Runs `work` while every request is refused; fails if there was one.
#[track_caller]
fn without_memory<R>(work: impl FnOnce() -> R) -> R {
    failing::begin(Refusal::FromThereOn, 0);
    let result = work();
    assert!(!failing::end(), "it asked for memory");
    result
}

fn sizes() -> PoolConfig {
    PoolConfig::from(Workload::Low)
        .with_pool_size(2)
        .with_buffer_size(128)
}

#[test]
fn releases_of_all_kinds() {
    let pool = LocalPool::new(sizes()).expect("in range");
    let held: [_; 4] = std::array::from_fn(|_| pool.acquire());
    let mut grown = pool.acquire();
    grown.resize(1000, 1);
    let block = pool.acquire();
    without_memory(|| {
        drop(held);
        drop(grown);
        assert_eq!(block.into_vec(), []);
        pool.trim();
    });
    assert_eq!((pool.stats().in_use, pool.stats().idle), (0, 0));
}

#[test]
fn acquires_of_what_is_idle() {
    static OBJECTS: ThreadObjectPool<Vec<u8>> =
        ThreadObjectPool::new("without-memory", 2, Vec::new);
    OBJECTS.warm_up();
    let heap = HeapObjectPool::new(2, String::new);
    let buffers = BufferPool::builder("without-memory").build();
    let buffers = buffers.expect("in range");
    buffers.warm_up();
    let (mut producer, mut consumer) = spsc::channel(2);
    without_memory(|| {
        drop((OBJECTS.get(), OBJECTS.get(), OBJECTS.get()));
        drop((heap.acquire(), heap.release(String::new())));
        heap.clear();
        drop((buffers.acquire(), buffers.try_acquire()));
        assert_eq!((producer.push(1), consumer.pop()), (Ok(()), Some(1)));
    });
}

#[test]
fn readings_of_what_was_counted() {
    static OBJECTS: ThreadObjectPool<String> =
        ThreadObjectPool::new("without-memory-read", 2, String::new);
    let built = BufferPool::builder("without-memory-read").build();
    let built = built.expect("in range");
    let local = LocalPool::new(sizes()).expect("in range");
    let heap = HeapObjectPool::new(2, String::new);
    let arena = Arena::with_capacity(64);
    drop((built.acquire(), local.acquire(), heap.get(), OBJECTS.get()));
    assert_eq!(*arena.alloc(1_u8), 1);
    without_memory(|| {
        let acquired = [built.stats(), local.stats(), heap.stats(), OBJECTS.stats()];
        assert_eq!(acquired.map(|stats| stats.acquires()), [1; 4]);
        assert_eq!(arena.stats().in_use, 1);
        assert!(built.demand().is_none() && local.demand().is_none());
        assert_eq!(
            built.config().pool_size(),
            PoolConfig::default().pool_size()
        );
    });
}

/// With totals that stay behind under the names.
#[test]
fn ends_of_pools_arenas_and_channels() {
    let built = BufferPool::builder("without-memory-end").build();
    let built = built.expect("in range");
    drop([built.acquire(), built.acquire()]);
    let objects = HeapObjectPool::named("without-memory-end", 2, String::new);
    let threads = ThreadObjectPool::new("without-memory-threads", 2, String::new);
    drop(threads.get());
    let config = ArenaConfig::default().with_overflow(ArenaOverflow::Heap);
    let arena = Arena::named("without-memory-end", &config).expect("in range");
    arena.alloc_slice::<u8>(config.size() + 1);
    let (producer, consumer) = spsc::channel::<u64>(4);
    without_memory(|| {
        drop(built);
        drop(objects);
        drop(threads);
        drop(arena);
        drop((producer, consumer));
    });
}

/// So many names that a list of them has to grow.
#[test]
fn ends_of_pools_and_arenas_of_many_names() {
    let config = ArenaConfig::default().with_size(ArenaConfig::SIZE_MIN);
    let names: Vec<String> = (0..40).map(|n| format!("many-{n}")).collect();
    let all: Vec<_> = names
        .iter()
        .map(|name| {
            (
                HeapObjectPool::named(name, 1, String::new),
                BufferPool::builder(name.clone()).build().expect("in range"),
                Arena::named(name, &config).expect("in range"),
            )
        })
        .collect();
    without_memory(|| drop(all));
}

#[test]
fn end_of_a_thread_that_used_all_of_them() {
    static BUFFERS: BufferPool = BufferPool::new("without-memory-thread");
    static OBJECTS: ThreadObjectPool<String> =
        ThreadObjectPool::new("without-memory-thread", 2, String::new);
    let worker = thread::spawn(|| {
        drop((BUFFERS.acquire(), OBJECTS.get()));
        Arena::with_thread(|arena| assert_eq!(*arena.alloc(1), 1));
        knhk_pool::scratch::with(|scratch| assert_eq!(*scratch.alloc(1), 1));
        // Until the thread is gone, its destructors included.
        failing::begin(Refusal::FromThereOn, 0);
    });
    worker.join().expect("it ends");
    assert_eq!((BUFFERS.stats().in_use, BUFFERS.stats().threads), (0, 0));
    assert_eq!((OBJECTS.stats().in_use, OBJECTS.stats().threads), (0, 0));
}
