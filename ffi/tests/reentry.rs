//! An allocator that calls the C ABI while the C ABI calls it: what it is handed is its own.
#![allow(unsafe_code)]

mod opened;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr;
use std::sync::mpsc;
use std::thread;

use knhk_pool_ffi::*;
use opened::{filled, in_use};

thread_local! {
    /// What the next allocation does first.
    static ASK: Cell<Option<Ask>> = const { Cell::new(None) };
    /// Done before the next free of [`LARGE`] bytes or more.
    static AT_FREE: Cell<Option<AtFree>> = const { Cell::new(None) };
    static BUFFER: Cell<Option<Buffer>> = const { Cell::new(None) };
}

#[derive(Clone, Copy)]
enum Ask {
    Acquire(Pool),
}

/// Acquires from the pool, and releases by a buffer that was given back long ago.
struct AtFree {
    pool: Pool,
    stale: Buffer,
    /// Borrowed: what has a destructor would be gone before the thread's desks.
    answers: &'static mpsc::Sender<(bool, Status)>,
}

impl AtFree {
    fn ask(mut self) {
        let acquired = acquire(self.pool).is_some();
        let released = knhk_pool_release(Some(&mut self.stale));
        self.answers
            .send((acquired, released))
            .expect("somebody listens");
    }
}

const LARGE: usize = 1 << 20;

struct Asking;

// SAFETY: every call goes to `System` as it came.
unsafe impl GlobalAlloc for Asking {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match ASK.take() {
            Some(Ask::Acquire(pool)) => BUFFER.set(acquire(pool)),
            None => {}
        }
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        if layout.size() >= LARGE
            && let Ok(Some(at_free)) = AT_FREE.try_with(Cell::take)
        {
            at_free.ask();
        }
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(start, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Asking = Asking;

fn acquire(pool: Pool) -> Option<Buffer> {
    filled(|place| knhk_pool_acquire(pool, place)).ok()
}

fn release(buffer: &mut Buffer) {
    assert_eq!(knhk_pool_release(Some(buffer)), Status::Ok);
}

/// `held` = 0: asked where the pool makes its slab. 1: where the desk grows. 2: where a miss takes a block
/// from the heap.
#[test]
fn allocator_that_acquires_at_the_same_desk_gets_a_buffer_of_its_own() {
    for (held, name) in [(0, c"in-prepare"), (1, c"in-grow"), (2, c"in-miss")] {
        let pool = opened::pool(name, 1);
        let mut here = 0;
        assert_eq!(knhk_pool_here(pool, (&mut here).into()), Status::Ok);
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
    let pool = opened::pool(c"in-enter", 1);
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
        let pool = opened::pool(name, 1);
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

/// `held` = 0: the hot slot's buffer is on the heap when the thread ends. 1: another's.
#[test]
fn allocator_that_comes_back_while_a_thread_ends_gets_no_buffer_and_releases_none() {
    for (held, name) in [(0, c"in-end-hot"), (1, c"in-end")] {
        let pool = opened::pool(name, 1);
        let (answers, heard) = mpsc::channel();
        let answers = Box::leak(Box::new(answers));
        thread::spawn(move || {
            let below = (0..held).map(|_| acquire(pool).expect("memory"));
            let below: Vec<_> = below.collect();
            let mut first = acquire(pool).expect("memory");
            let stale = Buffer { ..first };
            release(&mut first);
            let mut grown = acquire(pool).expect("memory");
            // SAFETY: acquired above; nothing was written.
            let reserved = unsafe { knhk_pool_reserve(Some(&mut grown), LARGE) };
            assert_eq!((below.len(), reserved), (held, Status::Ok));
            AT_FREE.set(Some(AtFree {
                pool,
                stale,
                answers,
            }));
        })
        .join()
        .expect("it ends well");
        assert_eq!(heard.try_recv(), Ok((false, Status::Stale)));
        assert_eq!(in_use(pool), 0);
    }
}
