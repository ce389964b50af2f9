//! What the library promises of its hot paths: each of its sections, and what stands around them.

use std::hint::black_box;

use knhk_pool::{
    Arena, BufferPool, EventRingBuffer, HeapObjectPool, KnhkPool, KnhkRings, LocalPool, ObjectPool,
    PoolConfig, RunList, RunPacker, ScratchBuffer, SoaTriples, ThreadObjectPool, Workload,
    load_into, scratch, spsc,
};

use crate::{Probe, judged};

/// A probe of the function that is named as it is.
macro_rules! probes {
    ($($run:ident: $($section:literal),*;)*) => {
        pub(crate) const PROBES: &[Probe] = &[$(Probe {
            name: stringify!($run),
            sections: &[$(concat!("knhk_pool::", $section)),*],
            run: $run,
        }),*];
    };
}

probes! {
    local_pool: "FreeList::pop", "FreeList::push";
    buffer_pool: "FreeList::pop", "FreeList::push";
    handle: "FreeList::pop", "FreeList::push";
    thread_object_pool: "HeapObjectPool::take_hit", "HeapObjectPool::acquire",
        "HeapObjectPool::put", "Pooled::drop";
    heap_object_pool: "HeapObjectPool::take_hit", "HeapObjectPool::acquire",
        "HeapObjectPool::put", "Pooled::drop";
    object_pool: "HeapObjectPool::take_hit", "Pooled::drop";
    ring: "EventRingBuffer::push", "EventRingBuffer::pop";
    channel: "Producer::push", "Consumer::pop";
    arena: "Arena::alloc";
    threads_arena: "Arena::alloc";
    threads_scratch: "Arena::alloc";
    triples: "load_into", "RunPacker::push_run";
    knhk: "HeapObjectPool::take_hit", "Pooled::drop";
}

const LINE: &[u8] = b"<s> <p> <o> .";

fn local_pool() {
    let pool = LocalPool::new(PoolConfig::from(Workload::Low)).expect("a profile is in range");
    judged(|| {
        let mut buffer = pool.acquire();
        buffer.extend_from_slice(black_box(LINE));
        drop((pool.acquire(), pool.try_acquire().expect("idle")));
    });
}

static BUFFERS: BufferPool = BufferPool::new("rtsan");

fn buffer_pool() {
    BUFFERS.warm_up();
    judged(|| {
        let mut buffer = BUFFERS.acquire();
        buffer.extend_from_slice(black_box(LINE));
        drop((BUFFERS.acquire(), BUFFERS.try_acquire().expect("idle")));
    });
    assert_eq!(BUFFERS.stats().misses, 0);
}

fn handle() {
    BUFFERS.warm_up();
    judged(|| {
        let handle = BUFFERS.handle();
        let mut buffer = handle.acquire();
        buffer.extend_from_slice(black_box(LINE));
        drop((handle.acquire(), handle.try_acquire().expect("idle")));
    });
    assert_eq!(BUFFERS.stats().misses, 0);
}

fn thread_object_pool() {
    static OBJECTS: ThreadObjectPool<Vec<u8>> =
        ThreadObjectPool::new("rtsan", 2, || Vec::with_capacity(64));
    OBJECTS.warm_up();
    judged(|| {
        let mut lent = OBJECTS.get().expect("idle");
        lent.extend_from_slice(black_box(LINE));
        let mut taken = OBJECTS.acquire().expect("idle");
        taken.push(1);
        OBJECTS.get().expect_err("none is idle");
        OBJECTS.release(taken).expect("one is out");
    });
}

fn heap_object_pool() {
    let pool = HeapObjectPool::new(2, || Vec::<u8>::with_capacity(64));
    judged(|| {
        let mut lent = pool.get().expect("idle");
        lent.extend_from_slice(black_box(LINE));
        let taken = pool.acquire().expect("idle");
        pool.release(taken).expect("one is out");
        pool.clear();
    });
}

fn object_pool() {
    let pool: ObjectPool<Vec<u8>, 2> = ObjectPool::new(|| Vec::with_capacity(64));
    judged(|| {
        let mut lent = pool.get().expect("idle");
        lent.extend_from_slice(black_box(LINE));
        drop(pool.get().expect("idle"));
    });
}

fn ring() {
    let mut ring = EventRingBuffer::<u64, 4>::boxed();
    judged(|| {
        ring.push(black_box(1)).expect("room");
        assert_eq!(ring.push_slice(&[2, 3, 4, 5]), 3);
        assert_eq!(ring.push_overwriting(6), Some(1));
        assert_eq!((ring.pop(), ring.pop_slice(&mut [0; 2])), (Some(2), 2));
        assert_eq!(ring.drain().sum::<u64>(), 6);
    });
}

fn channel() {
    let (mut producer, mut consumer) = spsc::channel::<u64>(4);
    judged(|| {
        producer.push(black_box(1)).expect("room");
        assert_eq!(producer.push_slice(&[2, 3, 4, 5]), 3);
        producer.push(6).expect_err("full");
        assert_eq!(
            (consumer.pop(), consumer.pop_slice(&mut [0; 2])),
            (Some(1), 2)
        );
        let mut batch = producer.push_batch(2);
        batch.push(7).expect("room");
        drop(batch);
        assert_eq!(consumer.pop_batch(4).sum::<u64>(), 11);
    });
}

fn arena() {
    let mut arena = Arena::with_capacity(4096);
    judged(|| {
        *arena.alloc(black_box(1_u64)) += 1;
        arena
            .alloc_str("kept until the reset")
            .make_ascii_uppercase();
        arena.scope(|scope| {
            let squares = scope.alloc_slice_with(10, |n| n * n);
            assert_eq!(squares.iter().sum::<usize>(), 285);
            scope.try_alloc_slice::<u64>(4096).expect_err("too large");
        });
        arena.reset();
    });
}

fn threads_arena() {
    let use_it = || Arena::with_thread(|arena| *arena.alloc(black_box(1_u64)));
    use_it();
    judged(|| assert_eq!(use_it(), 1));
}

fn threads_scratch() {
    let own = ScratchBuffer::new();
    let use_them = || {
        scratch::with(|scratch| scratch.alloc_slice_copy(black_box(LINE)).len())
            + own.with(|scratch| scratch.alloc_slice_copy(black_box(LINE)).len())
    };
    use_them();
    judged(|| assert_eq!(use_them(), 2 * LINE.len()));
}

fn triples() {
    let mut runs = RunList::default();
    let mut soa = SoaTriples::default();
    judged(|| {
        let triples = black_box([[12, 7, 3], [15, 9, 0], [12, 7, 8]]);
        load_into(&triples, &mut soa, &mut runs).expect("at most eight");
        let mut packer = RunPacker::new(&mut soa);
        packer.push_run(&triples[..1]).expect("there is room");
        packer.push_run(&triples).expect_err("of two predicates");
    });
}

fn knhk() {
    let (pool, rings) = (KnhkPool::new(), KnhkRings::<8>::new());
    judged(|| {
        let soa = pool.get_soa(8).expect("idle");
        let mut receipt = pool.get_receipt().expect("idle");
        receipt.lanes = black_box(soa.s[0] as u32);
        drop(rings.get_delta_ring().expect("idle"));
        drop(rings.get_assertion_ring().expect("idle"));
    });
}
