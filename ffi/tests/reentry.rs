//! An allocator that calls the C ABI while the C ABI calls it: what it is handed is its own.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::mem::MaybeUninit;
use std::ptr;

use knhk_pool_ffi::*;

thread_local! {
    /// What the next allocation does first.
    static ASK: Cell<Option<Ask>> = const { Cell::new(None) };
    static BUFFER: Cell<Option<Buffer>> = const { Cell::new(None) };
    static MARK: Cell<u64> = const { Cell::new(0) };
}

#[derive(Clone, Copy)]
enum Ask {
    Acquire(Pool),
    Mark(Arena),
}

struct Asking;

// SAFETY: every call goes to `System` as it came.
unsafe impl GlobalAlloc for Asking {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match ASK.take() {
            Some(Ask::Acquire(pool)) => BUFFER.set(acquire(pool)),
            Some(Ask::Mark(arena)) => MARK.set(mark(arena)),
            None => {}
        }
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(start, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Asking = Asking;

fn acquire(pool: Pool) -> Option<Buffer> {
    let mut buffer = MaybeUninit::uninit();
    (knhk_pool_acquire(pool, Some(&mut buffer)) == Status::Ok)
        // SAFETY: filled.
        .then(|| unsafe { buffer.assume_init() })
}

fn mark(arena: Arena) -> u64 {
    let mut mark = 0;
    assert_eq!(knhk_arena_mark(arena, Some(&mut mark)), Status::Ok);
    mark
}

fn open(name: &std::ffi::CStr) -> Pool {
    let config = PoolConfig {
        pool_size: 1,
        buffer_size: 64,
        zero_on_release: 0,
    };
    let mut pool = 0;
    // SAFETY: a C string, a config, a place.
    let opened = unsafe { knhk_pool_open(name.as_ptr(), Some(&config), Some(&mut pool)) };
    assert_eq!(opened, Status::Ok);
    pool
}

fn release(buffer: &mut Buffer) {
    assert_eq!(knhk_pool_release(Some(buffer)), Status::Ok);
}

/// `held` = 0: asked where the pool makes its slab. 1: where the desk grows. 2: where a miss takes a block
/// from the heap.
#[test]
fn allocator_that_acquires_at_the_same_desk_gets_a_buffer_of_its_own() {
    for (held, name) in [(0, c"in-prepare"), (1, c"in-grow"), (2, c"in-miss")] {
        let pool = open(name);
        let mut here = 0;
        assert_eq!(knhk_pool_here(pool, Some(&mut here)), Status::Ok);
        let _before: Vec<_> = (0..held).map(|_| acquire(pool).expect("memory")).collect();
        ASK.set(Some(Ask::Acquire(pool)));
        let mut outer = acquire(pool).expect("memory");
        let mut inner = BUFFER.take().expect("the allocator was asked");
        assert_ne!(inner.ticket, outer.ticket);
        assert!(!ptr::eq(inner.data, outer.data));
        release(&mut inner);
        release(&mut outer);
        let mut all: Vec<_> = (0..40).map(|_| acquire(pool).expect("memory")).collect();
        all.iter_mut().for_each(release);
    }
}

#[test]
fn allocator_that_acquires_while_the_thread_enters_its_desk_is_served() {
    let pool = open(c"in-enter");
    ASK.set(Some(Ask::Acquire(pool)));
    let mut outer = acquire(pool).expect("memory");
    let mut inner = BUFFER.take().expect("the allocator was asked");
    // Each by a desk of its own: that of the allocator was there first.
    assert!(!ptr::eq(inner.data, outer.data));
    release(&mut inner);
    release(&mut outer);
}

/// `below` = 0: of the hot slot's buffer. 1: of another.
#[test]
fn allocator_that_acquires_while_a_buffer_is_moved_does_not_get_its_slot() {
    for (below, name) in [(0, c"in-reserve-hot"), (1, c"in-reserve")] {
        let pool = open(name);
        let _below: Vec<_> = (0..below).map(|_| acquire(pool).expect("memory")).collect();
        let mut moved = acquire(pool).expect("memory");
        ASK.set(Some(Ask::Acquire(pool)));
        // SAFETY: acquired above; nothing was written.
        let reserved = unsafe { knhk_pool_reserve(Some(&mut moved), 1000) };
        assert_eq!((reserved, moved.capacity >= 1000), (Status::Ok, true));
        let mut inner = BUFFER.take().expect("the allocator was asked");
        assert_ne!(inner.ticket, moved.ticket);
        release(&mut moved);
        release(&mut inner);
        assert_eq!(knhk_pool_release(Some(&mut moved)), Status::Stale);
    }
}

#[test]
fn allocator_that_marks_the_same_arena_gets_a_mark_of_its_own() {
    let mut arena = 0;
    // SAFETY: no name, no config, a place.
    let created = unsafe { knhk_arena_create(ptr::null(), None, Some(&mut arena)) };
    assert_eq!(created, Status::Ok);
    ASK.set(Some(Ask::Mark(arena)));
    let outer = mark(arena);
    assert_ne!(MARK.get(), outer);
    assert_eq!(knhk_arena_rewind(arena, MARK.get()), Status::Ok);
    assert_eq!(
        knhk_arena_rewind(arena, outer),
        Status::Stale,
        "it was above"
    );
}
