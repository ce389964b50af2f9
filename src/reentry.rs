//! A mark on the thread that is inside this crate's cold paths, for allocators that call a pool.
//!
//! A cold path allocates. A global allocator that itself acquires from a pool would come back into
//! the same cold path, and into the same lock. While the mark is set, pools serve from the heap and
//! take no lock.

use std::cell::Cell;

#[cfg(not(all(test, loom)))]
thread_local! {
    // No destructor: it is there until the thread's last instant.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

// A model's threads share one of the system's.
#[cfg(all(test, loom))]
loom::thread_local! {
    static INSIDE: Cell<bool> = Cell::new(false);
}

/// Whether this thread is inside a cold path.
pub fn is_inside() -> bool {
    INSIDE.with(Cell::get)
}

/// Marks this thread until the guard is dropped. Nests.
pub(crate) fn enter() -> Inside {
    Inside {
        outer: INSIDE.with(|inside| inside.replace(true)),
    }
}

/// Restores the mark as it was.
#[derive(Debug)]
pub(crate) struct Inside {
    outer: bool,
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.with(|inside| inside.set(self.outer));
    }
}
