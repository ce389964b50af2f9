//! All memory goes back, with the layout it came with; and pools that the allocator refuses, or
//! that it uses itself in the middle of a cold path, stay whole.

#![allow(unsafe_code, clippy::multiple_unsafe_ops_per_block)]

mod reuse;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use knhk_pool::{
    Arena, ArenaOverflow, Buffer, BufferPool, HeapObjectPool, HotPathAlloc, LocalPool, PoolConfig,
    Workload,
};
use reuse::memory_is_reused;

thread_local! {
    /// Bytes that this thread has allocated and not freed.
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static REFUSE_SLABS: Cell<bool> = const { Cell::new(false) };
    /// Called once, from inside the next allocation of a slab.
    static IN_SLAB_ALLOC: Cell<Option<fn()>> = const { Cell::new(None) };
    /// Called once, from inside the next free of a block.
    static IN_BLOCK_FREE: Cell<Option<fn()>> = const { Cell::new(None) };
}

/// Writes each layout in front of the memory, and compares it when the memory comes back.
struct Checking;

type Record = [usize; 2];

/// Not under Miri: it compares layouts itself, and to reach in front of what was handed out is
/// against its rules.
const RECORDS: bool = !cfg!(miri);

/// The layout with room for a record in front, and how far the memory is from its start.
fn with_record(layout: Layout) -> (Layout, usize) {
    if !RECORDS {
        return (layout, 0);
    }
    let front = layout.align().max(size_of::<Record>());
    let whole = Layout::from_size_align(layout.size() + front, front);
    (whole.expect("the sizes here are small"), front)
}

// SAFETY: memory comes from `System`, with the layout that it goes back with; what is handed out is
// `front` bytes behind its start, which is a multiple of the alignment.
unsafe impl GlobalAlloc for Checking {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() == 64 {
            if REFUSE_SLABS.get() {
                return std::ptr::null_mut();
            }
            IN_SLAB_ALLOC.take().into_iter().for_each(|call| call());
        }
        let (whole, front) = with_record(layout);
        // SAFETY: the size is not zero: the record is in it.
        let start = unsafe { System.alloc(whole) };
        if start.is_null() {
            return start;
        }
        // SAFETY: inside the memory.
        let memory = unsafe { start.add(front) };
        if RECORDS {
            let record = memory.cast::<Record>().wrapping_sub(1);
            // SAFETY: the record lies in front of the memory, and is aligned as the front is.
            unsafe { record.write([layout.size(), layout.align()]) };
        }
        LIVE.set(LIVE.get() + layout.size() as isize);
        memory
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        if layout.align() == 1 && layout.size() > 128 {
            IN_BLOCK_FREE.take().into_iter().for_each(|call| call());
        }
        let (whole, front) = with_record(layout);
        if RECORDS {
            // SAFETY: `alloc` wrote it there.
            let record = unsafe { memory.cast::<Record>().wrapping_sub(1).read() };
            if record != [layout.size(), layout.align()] {
                eprintln!("allocated as {record:?}, freed as {layout:?}");
                std::process::abort();
            }
        }
        LIVE.set(LIVE.get() - layout.size() as isize);
        // SAFETY: where `alloc` got it, with the same layout.
        unsafe { System.dealloc(memory.sub(front), whole) };
    }
}

#[global_allocator]
static ALLOCATOR: HotPathAlloc<Checking> = HotPathAlloc::new(Checking);

fn growth_in(work: impl FnOnce()) -> isize {
    let before = LIVE.get();
    work();
    LIVE.get() - before
}

fn local_pool(buffers: usize) -> LocalPool {
    let config = PoolConfig::from(Workload::Low).with_pool_size(buffers);
    LocalPool::new(config.with_buffer_size(256)).expect("sizes are in range")
}

fn built_pool(name: &'static str, buffers: usize) -> BufferPool {
    let builder = BufferPool::builder(name)
        .pool_size(buffers)
        .buffer_size(256);
    builder.build().expect("sizes are in range")
}

#[test]
fn local_pool_frees_all_it_had() {
    #[cfg(feature = "allocation-tracking")]
    knhk_pool::hot_path::assert_armed();
    let grown = growth_in(|| {
        let pool = local_pool(2);
        let slots = [pool.acquire(), pool.acquire()];
        let joins = pool.acquire();
        drop(pool.acquire().into_vec());
        drop(joins);
        // Slots that are forgotten go with the slab.
        std::mem::forget(slots);
    });
    assert_eq!(grown, 0);
}

#[test]
fn object_pool_frees_all_it_had() {
    let use_one = || {
        let pool = HeapObjectPool::new(3, Vec::<u8>::new);
        drop(pool.get().expect("three are made"));
    };
    // Where a build mode allocates, the detector notes that it was permitted, once.
    use_one();
    assert_eq!(growth_in(use_one), 0);
}

#[test]
fn arena_that_took_from_the_heap_frees_all_of_it() {
    let grown = growth_in(|| {
        let arena = Arena::with_capacity(100).with_overflow(ArenaOverflow::Heap);
        for _ in 0..3 {
            arena.alloc_slice::<u8>(1000);
        }
    });
    assert_eq!(grown, 0);
}

#[test]
#[cfg(feature = "allocation-tracking")]
fn probe_of_the_detector_is_freed() {
    assert_eq!(growth_in(knhk_pool::hot_path::assert_armed), 0);
}

#[test]
fn dropped_pools_memory_is_gone_at_once() {
    let grown = growth_in(|| {
        let pool = BufferPool::builder("gone").pool_size(64).buffer_size(16384);
        drop(pool.build().expect("sizes are in range").acquire());
    });
    assert!(grown < 16384, "{grown}");
}

#[test]
fn pools_made_and_dropped_leave_nothing_on_their_thread() {
    let one = |_| drop(built_pool("made-and-dropped", 2).acquire());
    (0..10).for_each(one);
    let grown = growth_in(|| (0..if cfg!(miri) { 10 } else { 1000 }).for_each(one));
    assert!(grown < 10_000, "{grown}");
}

#[test]
fn slab_that_was_refused_is_made_later_and_joined_blocks_make_room() {
    if !memory_is_reused() {
        return;
    }
    let pool = built_pool("refused", 2);
    REFUSE_SLABS.set(true);
    let (kept, joins) = (pool.acquire(), pool.acquire());
    drop(joins);
    assert_eq!((pool.stats().idle, pool.stats().misses), (1, 2));
    REFUSE_SLABS.set(false);
    pool.warm_up();
    let stats = pool.stats();
    assert_eq!(
        (stats.idle, stats.in_use, stats.high_water),
        (2, 1, 2),
        "{stats:?}"
    );
    drop(kept);
    let stats = pool.stats();
    assert_eq!((stats.idle, stats.in_use), (2, 0), "{stats:?}");
    let other = built_pool("refused-other", 2);
    other.warm_up();
    assert_eq!(stats.bytes, other.stats().bytes);
}

#[test]
fn refused_slab_is_an_error_of_a_local_pool() {
    REFUSE_SLABS.set(true);
    let refused = LocalPool::new(PoolConfig::from(Workload::Low));
    REFUSE_SLABS.set(false);
    let refused = refused.expect_err("the allocator refuses").to_string();
    assert_eq!(refused, "a pool or buffer was refused 16896 bytes");
}

thread_local! {
    static POOL: Cell<Option<&'static LocalPool>> = const { Cell::new(None) };
    static THEIRS: Cell<Option<Buffer<'static>>> = const { Cell::new(None) };
}

/// Runs `test` with a pool that the allocator can reach too.
fn with_reachable_pool(test: impl FnOnce(&'static LocalPool)) {
    let owned = Box::into_raw(Box::new(local_pool(2)));
    // SAFETY: from a box, and freed below, when nothing refers to it any more.
    let pool: &'static LocalPool = unsafe { &*owned };
    POOL.set(Some(pool));
    test(pool);
    assert!(THEIRS.take().is_none() && POOL.take().is_some());
    // SAFETY: from `Box::into_raw`; its buffers are dropped, and the allocator has it no more.
    drop(unsafe { Box::from_raw(owned) });
}

fn acquire_theirs() {
    THEIRS.set(POOL.get().map(LocalPool::acquire));
}

#[test]
fn allocator_that_prepares_the_very_list_does_not_do_so_twice() {
    if !memory_is_reused() {
        return;
    }
    with_reachable_pool(|pool| {
        pool.trim();
        IN_SLAB_ALLOC.set(Some(acquire_theirs));
        let mine = pool.acquire();
        let theirs = THEIRS.take().expect("the allocator was called");
        assert_ne!(mine.as_ptr(), theirs.as_ptr());
        assert_eq!((pool.stats().idle, pool.stats().in_use), (0, 2));
    });
}

#[test]
fn allocator_that_prepares_the_list_while_a_block_is_freed_gives_no_slot_two_owners() {
    if !memory_is_reused() {
        return;
    }
    with_reachable_pool(|pool| {
        pool.trim();
        REFUSE_SLABS.set(true);
        let block = pool.acquire();
        REFUSE_SLABS.set(false);
        // The block joins while the slab is made, and is freed before the slab's slots go in.
        THEIRS.set(Some(block));
        IN_SLAB_ALLOC.set(Some(|| drop(THEIRS.take())));
        IN_BLOCK_FREE.set(Some(acquire_theirs));
        let mine = pool.acquire();
        let theirs = THEIRS
            .take()
            .expect("the block was freed, and the allocator called");
        assert_ne!(mine.as_ptr(), theirs.as_ptr());
        assert_eq!((pool.stats().idle, pool.stats().in_use), (0, 2));
    });
}
