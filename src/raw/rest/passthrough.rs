//! Passthrough: what comes back is freed, and fresh memory waits in its place.
//!
//! So each buffer that is handed out is an allocation that nobody has used before, of its capacity
//! and padding and nothing more, and Miri, AddressSanitizer and valgrind see its bounds and its end.

use std::cell::RefCell;
use std::ptr::NonNull;

use crate::raw::block;
use crate::raw::slab::Slab;

/// Whether [`lay_down`] does something.
pub(crate) const LAYS: bool = true;

/// Whether [`lay_down`] allocates.
pub(crate) const ALLOCATES: bool = true;

/// Whether [`hide`] does something.
pub(crate) const HIDES: bool = false;

/// Frees a buffer that came back; returns a fresh one, or the same if the allocator has none.
///
/// # Safety
///
/// * `start` is in use, of `capacity` bytes: a slot of `slab`, or a block.
/// * Nobody uses it again, unless it is returned.
pub(crate) unsafe fn lay_down(
    slab: &RefCell<Option<Slab>>,
    start: NonNull<u8>,
    capacity: usize,
) -> NonNull<u8> {
    let Some(fresh) = block::alloc(capacity) else {
        return start;
    };
    if let Some(slab) = &*slab.borrow() {
        slab.replace(start, fresh);
    }
    // SAFETY: slots and blocks are alike here: allocated for this capacity; nobody uses it again.
    unsafe { block::free(start, capacity) };
    fresh
}

/// The fresh buffer is handed out as it is.
///
/// # Safety
///
/// * `start` was laid down, with `capacity` bytes.
#[inline(always)]
pub(crate) unsafe fn take_up(_start: NonNull<u8>, _capacity: usize) {}

/// Bytes of a chunk or of a ring are not allocated one by one, and stay as they are.
///
/// # Safety
///
/// * None: it does nothing.
#[inline(always)]
pub(crate) unsafe fn hide(_start: NonNull<u8>, _len: usize) {}

/// As [`hide`].
///
/// # Safety
///
/// * None: it does nothing.
#[inline(always)]
pub(crate) unsafe fn scrub(_start: NonNull<u8>, _len: usize) {}

/// As [`hide`].
///
/// # Safety
///
/// * None: it does nothing.
#[inline(always)]
pub(crate) unsafe fn show(_start: NonNull<u8>, _len: usize) {}

/// As [`hide`].
///
/// # Safety
///
/// * None: it does nothing.
#[inline(always)]
pub(crate) unsafe fn uncover(_start: NonNull<u8>, _len: usize) {}
