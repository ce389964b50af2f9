//! An allocator that refuses: every point at which an arena asks for memory, once.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use knhk_pool::{Arena, ArenaError, ArenaOverflow};

use crate::stale::memory_given_back_stays;

/// The system's allocator, which refuses what this thread tells it to.
pub(crate) struct Refusing;

thread_local! {
    // Without destructor, so that it is there whenever the allocator is called.
    static REFUSES_FROM: Cell<usize> = const { Cell::new(usize::MAX) };
    /// Of freed memory of this size it notes whether all bytes are zero, from the `LOOKS_FROM`th on.
    static WATCHED: Cell<usize> = const { Cell::new(usize::MAX) };
    static LOOKS_FROM: Cell<usize> = const { Cell::new(0) };
    static ALL_ZERO: Cell<Option<bool>> = const { Cell::new(None) };
}

// SAFETY: null, or what the system's allocator answers.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Refusing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() >= REFUSES_FROM.get() {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller keeps `alloc`'s contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        if layout.size() == WATCHED.get() {
            let skipped = LOOKS_FROM.get();
            // SAFETY: the test that watches skips no more than there is.
            let start = unsafe { start.add(skipped) };
            // SAFETY: still the caller's memory, and the test that watches has written all of this.
            let bytes = unsafe { std::slice::from_raw_parts(start, layout.size() - skipped) };
            ALL_ZERO.set(Some(bytes.iter().all(|byte| *byte == 0)));
        }
        // SAFETY: the caller keeps `dealloc`'s contract, and the memory is the system's.
        unsafe { System.dealloc(start, layout) }
    }
}

/// Runs `work` while requests of `bytes` and more are refused.
fn refusing_from<R>(bytes: usize, work: impl FnOnce() -> R) -> R {
    REFUSES_FROM.set(bytes);
    let result = work();
    REFUSES_FROM.set(usize::MAX);
    result
}

#[test]
fn arena_that_is_dropped_is_wiped_if_it_was_told_to() {
    if !memory_given_back_stays() {
        return;
    }
    for zero in [true, false] {
        let arena = Arena::with_capacity(12_347).with_zero(zero);
        arena.alloc_slice_with(12_347, |_| 0xAA_u8);
        WATCHED.set(12_347);
        drop(arena);
        WATCHED.set(usize::MAX);
        assert_eq!(ALL_ZERO.take(), Some(zero));
    }
}

#[test]
fn chunk_that_is_refused_is_an_error() {
    let error = refusing_from(100_000, || Arena::try_with_capacity(100_000).unwrap_err());
    assert_eq!(error, ArenaError::OutOfMemory { bytes: 100_000 });
}

#[test]
fn heap_that_is_refused_is_an_error_and_leaves_the_arena_usable() {
    let mut arena = Arena::with_capacity(100).with_overflow(ArenaOverflow::Heap);
    let error = refusing_from(5000, || arena.try_alloc_slice::<u8>(5000).unwrap_err());
    assert_eq!(error, ArenaError::OutOfMemory { bytes: 5000 });
    let stats = arena.stats();
    assert_eq!(
        (stats.overflows, stats.allocations, stats.heap_bytes),
        (1, 0, 0)
    );
    assert_eq!(arena.alloc_slice::<u8>(5000).len(), 5000);
    arena.reset();
    assert_eq!(arena.stats().heap_bytes, 0);
}

#[test]
fn what_the_heap_has_lent_is_wiped_too_if_it_was_told_to() {
    for zero in [true, false] {
        let mut arena = Arena::with_capacity(0)
            .with_overflow(ArenaOverflow::Heap)
            .with_zero(zero);
        // Aligned so that it begins at a known place behind what the arena keeps in front of it.
        let page = Layout::from_size_align(4096, 4096).expect("a layout");
        for byte in arena.alloc_layout(page) {
            byte.write(0xAA);
        }
        WATCHED.set(2 * 4096);
        LOOKS_FROM.set(4096);
        arena.reset();
        WATCHED.set(usize::MAX);
        LOOKS_FROM.set(0);
        assert_eq!(ALL_ZERO.take(), Some(zero));
    }
}
