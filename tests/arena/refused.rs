//! An allocator that refuses: every point at which an arena asks for memory, once.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use knhk_pool::{Arena, ArenaError, ArenaOverflow};

/// The system's allocator, which refuses what this thread tells it to.
struct Refusing;

thread_local! {
    // Without destructor, so that it is there whenever the allocator is called.
    static REFUSES_FROM: Cell<usize> = const { Cell::new(usize::MAX) };
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
        // SAFETY: the caller keeps `dealloc`'s contract, and the memory is the system's.
        unsafe { System.dealloc(start, layout) }
    }
}

#[global_allocator]
static REFUSING: Refusing = Refusing;

/// Runs `work` while requests of `bytes` and more are refused.
fn refusing_from<R>(bytes: usize, work: impl FnOnce() -> R) -> R {
    REFUSES_FROM.set(bytes);
    let result = work();
    REFUSES_FROM.set(usize::MAX);
    result
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
