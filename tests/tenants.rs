//! Two tenants by turns: whatever one leaves in what it was lent, the other never sees.
//!
//! By what may be read safely, in every structure; and where a structure was told to wipe, in all of
//! the memory, padding included, whoever could read it.

#![allow(unsafe_code)]

mod armed;
mod reuse;

use std::collections::{HashMap, VecDeque};

use knhk_pool::{
    Arena, ArenaOverflow, Assertion, Buffer, BufferPool, Delta, EventRingBuffer, HeapObjectPool,
    KnhkPool, KnhkRings, LocalPool, PoolConfig, Receipt, RunList, ScratchBuffer, SoaTriples,
    ThreadObjectPool, Workload, load_into, scratch, spsc,
};

use reuse::memory_is_reused;

/// What tenant A writes everywhere: no byte of it is zero, and nobody else writes it.
const SECRET: u8 = 0xA5;
const SECRET_WORD: u64 = 0xA5A5_A5A5_A5A5_A5A5;

const TURNS: usize = if cfg!(miri) { 3 } else { 100_000 };
const BYTES: usize = 192;

#[track_caller]
fn assert_clean(bytes: &[u8]) {
    let found = bytes.iter().position(|byte| *byte == SECRET);
    assert_eq!(found, None, "tenant A's bytes");
}

/// Writes the secret into all that a buffer has, padding included.
fn soil(buffer: &mut Buffer<'_>) {
    buffer.resize(buffer.capacity(), SECRET);
    if cfg!(knhk_pool = "poison") {
        // There it is an overrun, and is found.
        return;
    }
    let padding = buffer.as_mut_ptr().wrapping_add(buffer.capacity());
    // SAFETY: 64 bytes behind the capacity are the buffer's too.
    unsafe { padding.write_bytes(SECRET, 64) };
}

fn config(buffers: usize, wipes: bool) -> PoolConfig {
    let sizes = PoolConfig::from(Workload::Low).with_pool_size(buffers);
    sizes.with_buffer_size(BYTES).with_zero_on_release(wipes)
}

/// What tenant B can read: nothing at first, then what it wrote, and zeros behind.
fn look(mut buffer: Buffer<'_>) {
    assert!(buffer.is_empty());
    assert_clean(&buffer);
    assert_clean(buffer.padded());
    buffer.extend_from_slice(&[1; 10]);
    assert_clean(buffer.padded());
    buffer.resize(buffer.capacity(), 2);
    assert_clean(&buffer);
    assert_clean(buffer.padded());
    assert_clean(&buffer.into_vec());
}

#[test]
fn buffers_of_all_kinds_by_safe_means() {
    let local = LocalPool::new(config(2, false)).expect("in range");
    let named = BufferPool::builder("tenants").pool_size(2);
    let named = named.buffer_size(BYTES).build().expect("in range");
    for _ in 0..TURNS {
        // Two slots and a block each, of which some join.
        let mut all: Vec<_> = (0..3)
            .flat_map(|_| [local.acquire(), named.acquire()])
            .collect();
        all.iter_mut().for_each(soil);
        all.iter_mut()
            .step_by(2)
            .for_each(|buffer| buffer.push(SECRET));
        drop(all);
        let all: Vec<_> = (0..3)
            .flat_map(|_| [local.acquire(), named.acquire()])
            .collect();
        all.into_iter().for_each(look);
    }
}

/// Of a slot, and of a block that has joined, all of it: a block from the heap is not initialised.
#[test]
fn wiped_memory_has_nothing_left_padding_included() {
    if !memory_is_reused() {
        return;
    }
    let local = LocalPool::new(config(1, true)).expect("in range");
    let named = BufferPool::builder("tenants-wiped")
        .pool_size(1)
        .zero_on_release(true);
    let named = named.buffer_size(BYTES).build().expect("in range");
    for turn in 0..TURNS {
        for mut buffer in [local.acquire(), named.acquire()] {
            soil(&mut buffer);
            if turn.is_multiple_of(3) {
                buffer.push(SECRET);
            }
            if turn.is_multiple_of(4) {
                drop(buffer.into_vec());
            }
        }
        for buffer in [local.acquire(), named.acquire()] {
            // SAFETY: the pool's only slot, initialised since the slab was made, padding included.
            assert_clean(unsafe { std::slice::from_raw_parts(buffer.as_ptr(), BYTES + 64) });
        }
    }
    assert_eq!((local.stats().misses, named.stats().misses), (0, 0));
}

#[test]
fn arenas_and_scratch_by_safe_means() {
    let mut arena = Arena::with_capacity(1000).with_overflow(ArenaOverflow::Heap);
    for _ in 0..TURNS {
        arena.alloc_slice_with(1000, |_| SECRET);
        arena.alloc_slice_with(500, |_| SECRET);
        arena.reset();
        arena.scope(|scope| {
            scope.alloc_slice_with(700, |_| SECRET);
        });
        assert_clean(arena.alloc_slice::<u8>(1000));
        assert_clean(arena.alloc_slice::<u8>(500));
        arena.reset();
        scratch::with(|a| a.alloc_slice_with(2000, |_| SECRET).len());
        scratch::with(|b| assert_clean(b.alloc_slice::<u8>(2000)));
    }
}

/// All of the chunk, read by a slice that was not written.
#[test]
fn wiped_arena_and_scratch_have_nothing_left() {
    let mut arena = Arena::with_capacity(1000).with_zero(true);
    let scratch = ScratchBuffer::from(Arena::with_capacity(1000).with_zero(true));
    // Once written, so that all of it is initialised.
    arena.alloc_slice_with(1000, |_| 1_u8);
    arena.reset();
    scratch.with(|s| s.alloc_slice_with(1000, |_| 1_u8).len());
    let all = |place: &mut [std::mem::MaybeUninit<u8>]| {
        // SAFETY: initialised above, and since.
        let bytes = unsafe { std::slice::from_raw_parts(place.as_ptr().cast::<u8>(), place.len()) };
        assert_clean(bytes);
    };
    for turn in 0..TURNS {
        let len = 1 + turn % 1000;
        arena.alloc_slice_with(len, |_| SECRET);
        arena.reset();
        all(arena.alloc_slice_uninit(1000));
        arena.reset();
        scratch.with(|s| {
            s.alloc_slice_with(len / 2, |_| SECRET);
            scratch.with(|nested| nested.alloc_slice_with(len / 3, |_| SECRET).len());
        });
        scratch.with(|s| all(s.alloc_slice_uninit(1000)));
    }
}

#[test]
fn pooled_collections_come_empty() {
    static THREAD: ThreadObjectPool<Vec<u8>> = ThreadObjectPool::new("tenants", 1, Vec::new);
    let vecs = HeapObjectPool::new(1, Vec::<u8>::new);
    let strings = HeapObjectPool::new(1, String::new);
    let queues = HeapObjectPool::new(1, VecDeque::<u8>::new);
    let maps = HeapObjectPool::new(1, HashMap::<u8, u8>::new);
    for _ in 0..TURNS {
        THREAD.get().expect("one").resize(100, SECRET);
        vecs.get().expect("one").resize(100, SECRET);
        strings.get().expect("one").push_str("tenant A");
        queues.get().expect("one").resize(10, SECRET);
        maps.get().expect("one").insert(SECRET, SECRET);
        assert!(THREAD.get().expect("one").is_empty());
        assert!(vecs.get().expect("one").is_empty() && queues.get().expect("one").is_empty());
        assert!(strings.get().expect("one").is_empty() && maps.get().expect("one").is_empty());
    }
}

#[test]
fn triples_receipts_and_rings_come_as_new() {
    let (pool, rings) = (KnhkPool::new(), KnhkRings::<8>::new());
    let soiled = SoaTriples {
        s: [SECRET_WORD; 8],
        p: [SECRET_WORD; 8],
        o: [SECRET_WORD; 8],
    };
    for _ in 0..TURNS {
        *pool.get_soa(8).expect("one") = soiled;
        let mut receipt = pool.get_receipt().expect("one");
        (receipt.cycle, receipt.hook, receipt.hash) = (SECRET_WORD, SECRET_WORD, SECRET_WORD);
        drop(receipt);
        let mut deltas = rings.get_delta_ring().expect("one");
        while deltas.push(Delta::default()).is_ok() {}
        let mut assertions = rings.get_assertion_ring().expect("one");
        while assertions.push(Assertion::default()).is_ok() {}
        drop((deltas, assertions));

        assert_eq!(*pool.get_soa(1).expect("one"), SoaTriples::default());
        assert_eq!(*pool.get_receipt().expect("one"), Receipt::default());
        assert!(rings.get_delta_ring().expect("one").is_empty());
        assert!(rings.get_assertion_ring().expect("one").is_empty());
    }
}

/// Lanes past the last triple, which a kernel reads with the others, in columns that are pooled.
#[test]
fn lanes_past_the_last_triple_are_zero() {
    let pool = KnhkPool::new();
    let mut runs = RunList::default();
    for len in (1..=8).cycle().take(TURNS) {
        let mut columns = pool.get_soa(len).expect("one");
        let triples: Vec<[u64; 3]> = (1..=len as u64).map(|n| [n, 7, n]).collect();
        load_into(&triples, &mut columns, &mut runs).expect("1 to 8");
        for lane in [columns.s, columns.p, columns.o] {
            assert!(lane[..len].iter().all(|word| *word != 0));
            assert_eq!(lane[len..], [0; 8][len..]);
        }
        // For the next one, who has fewer.
        (columns.s, columns.p, columns.o) = ([SECRET_WORD; 8], [SECRET_WORD; 8], [SECRET_WORD; 8]);
    }
}

/// What was popped, and what a batch dropped, is in the slots, and nothing shows it.
#[test]
fn rings_show_only_what_they_hold() {
    let mut ring = EventRingBuffer::<u64, 8>::new();
    let (mut producer, mut consumer) = spsc::channel::<u64>(8);
    for turn in 0..TURNS {
        ring.push_slice(&[SECRET_WORD; 8]);
        ring.clear();
        assert_eq!((ring.peek(), ring.iter().count()), (None, 0));
        producer.push_slice(&[SECRET_WORD; 8]);
        drop(consumer.pop_batch(8));
        let mut out = [0; 8];
        assert_eq!(
            (ring.pop_slice(&mut out), consumer.pop_slice(&mut out)),
            (0, 0)
        );
        let own = vec![1; turn % 8];
        assert_eq!(
            (ring.push_slice(&own), producer.push_slice(&own)),
            (turn % 8, turn % 8)
        );
        assert!(ring.iter().all(|word| *word == 1));
        let mut batch = consumer.pop_batch(8);
        assert_eq!(
            batch.as_slices().0.len() + batch.as_slices().1.len(),
            turn % 8
        );
        assert!(batch.all(|word| word == 1));
        ring.clear();
    }
}
