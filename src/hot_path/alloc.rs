//! The allocator that notes what sections do.

use std::alloc::{GlobalAlloc, Layout, System};

use super::detector;
use super::operation::{Call, Operation};

/// A global allocator that passes every call on to `A`, and notes those inside a section.
///
/// Any allocator can be wrapped. It must be the program's `#[global_allocator]`: a library installs
/// none.
///
/// # Cost
///
/// A load and a branch for each call; nothing in a build that is not armed (see the
/// [module](super)).
///
/// # Examples
///
/// ```
/// use std::alloc::System;
/// use knhk_pool::HotPathAlloc;
///
/// #[global_allocator]
/// static ALLOCATOR: HotPathAlloc = HotPathAlloc::new(System);
///
/// # if !knhk_pool::hot_path::is_armed() { return } // a release build
/// knhk_pool::hot_path::assert_armed();
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct HotPathAlloc<A = System>(A);

impl<A> HotPathAlloc<A> {
    /// Wraps `allocator`.
    pub const fn new(allocator: A) -> Self {
        Self(allocator)
    }
}

// SAFETY: every call goes to `A` as it came, and what `A` answers is returned. The look aside does
// not unwind and does not call the allocator: it writes to thread-locals that have no destructor and
// need no initialisation.
unsafe impl<A: GlobalAlloc> GlobalAlloc for HotPathAlloc<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        look(Call::Alloc, layout, layout.size());
        // SAFETY: the caller's promise.
        unsafe { self.0.alloc(layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        look(Call::AllocZeroed, layout, layout.size());
        // SAFETY: the caller's promise.
        unsafe { self.0.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn realloc(&self, start: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        look(Call::Realloc, layout, new_size);
        // SAFETY: the caller's promise.
        unsafe { self.0.realloc(start, layout, new_size) }
    }

    #[inline]
    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        look(Call::Dealloc, layout, layout.size());
        // SAFETY: the caller's promise.
        unsafe { self.0.dealloc(start, layout) }
    }
}

#[inline(always)]
fn look(call: Call, layout: Layout, new_bytes: usize) {
    if detector::is_watching() {
        detector::note(Operation {
            new_bytes,
            ..Operation::new(call, layout)
        });
    }
}
