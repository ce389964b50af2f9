//! Blocks in the mode *passthrough*: allocations of their own, to the byte.

use std::alloc::{self, Layout};
use std::ptr::NonNull;

use crate::raw::{ALIGN, PADDING};

/// Bytes that a block takes beside its capacity in the books, which are the same in every mode.
pub(crate) const OVERHEAD: usize = ALIGN + PADDING;

/// Allocates a block of `capacity` bytes, uninitialised, with zeroed padding.
///
/// `None` if the size overflows or the allocator refuses.
pub(crate) fn alloc(capacity: usize) -> Option<NonNull<u8>> {
    // As large as it is as shipped, so that the same sizes are refused.
    capacity.checked_add(OVERHEAD)?;
    let layout = layout(capacity)?;
    // SAFETY: the padding makes the layout's size more than zero.
    let start = NonNull::new(unsafe { alloc::alloc(layout) })?;
    // SAFETY: `capacity` bytes on is inside.
    let behind = unsafe { start.add(capacity) };
    // SAFETY: PADDING bytes are left there, and nobody else knows of them yet.
    unsafe { behind.write_bytes(0, PADDING) };
    Some(start)
}

/// Frees a block.
///
/// # Safety
///
/// * `start` came from [`alloc`] with this very `capacity`, and was not freed or taken since.
/// * Nobody uses it again.
pub(crate) unsafe fn free(start: NonNull<u8>, capacity: usize) {
    let layout = layout(capacity).expect("a block of this capacity was allocated");
    // SAFETY: the caller's first bullet: `alloc` computed the same layout (raw invariant 3).
    unsafe { alloc::dealloc(start.as_ptr(), layout) };
}

/// Makes a block a `Vec` of its first `len` bytes: by a copy, since a `Vec` has no alignment.
///
/// # Safety
///
/// * As for [`free`].
/// * The first `len <= capacity` bytes are initialised.
pub(crate) unsafe fn into_vec(start: NonNull<u8>, len: usize, capacity: usize) -> Vec<u8> {
    // SAFETY: the caller's second bullet.
    let vec = unsafe { std::slice::from_raw_parts(start.as_ptr(), len) }.to_vec();
    // SAFETY: the caller's first bullet.
    unsafe { free(start, capacity) };
    vec
}

/// The bytes that a block of `capacity` takes from the allocator as shipped.
pub(crate) const fn bytes(capacity: usize) -> usize {
    capacity.saturating_add(OVERHEAD)
}

fn layout(capacity: usize) -> Option<Layout> {
    Layout::from_size_align(capacity.checked_add(PADDING)?, ALIGN).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_cannot_be_are_refused() {
        for capacity in (0..=128)
            .map(|less| usize::MAX - less)
            .chain([isize::MAX as usize])
        {
            assert!(alloc(capacity).is_none(), "{capacity}");
        }
    }

    #[test]
    fn block_is_aligned_padded_and_becomes_a_vec() {
        for capacity in [1, 7, 63, 64, 65, 4096] {
            let start = alloc(capacity).unwrap();
            assert_eq!(start.addr().get() % ALIGN, 0);
            // SAFETY: `capacity` writable bytes.
            unsafe { start.write_bytes(7, capacity) };
            // SAFETY: just written, and the padding is initialised (raw invariant 1).
            let bytes = unsafe { std::slice::from_raw_parts(start.as_ptr(), capacity + PADDING) };
            assert_eq!(bytes[capacity..], [0; PADDING]);
            // SAFETY: allocated above with this capacity, all of it written, not used again.
            let vec = unsafe { into_vec(start, capacity, capacity) };
            assert_eq!(vec, vec![7; capacity]);
        }
    }
}
