//! Blocks: buffers that come from the heap one at a time.
//!
//! A block asks the allocator for plain bytes and aligns itself, because an aligned request takes a
//! slow path in common allocators (glibc: 28 ns plain, 94 ns aligned to 64, for 4 KiB; EPYC Zen 4,
//! 2026-11-21). How far it moved stands in one byte behind the padding.
//!
//! ```text
//!  base        start (64-byte aligned)
//!  │ 0 to 63 B │ capacity       │ padding, 64 B, zero │ shift, 1 B │ rest │
//! ```
//!
//! Where the build asks for it, [cookies](rest) stand in front of the start and behind the padding;
//! they are not in the books.

use std::alloc::{self, Layout};
use std::ptr::{self, NonNull};

use super::{ALIGN, PADDING, rest};

/// Bytes that a block takes beside its capacity: the shift (at most `ALIGN - 1`), the padding, and
/// the byte that remembers the shift.
pub(crate) const OVERHEAD: usize = ALIGN + PADDING;

/// Behind the capacity.
const SHIFT_AT: usize = PADDING + rest::BACK;

/// Allocates a block of `capacity` bytes, uninitialised, with zeroed padding.
///
/// `None` if the size overflows or the allocator refuses.
pub(crate) fn alloc(capacity: usize) -> Option<NonNull<u8>> {
    let layout = layout(capacity)?;
    // SAFETY: the layout's size is at least OVERHEAD.
    let base = NonNull::new(unsafe { alloc::alloc(layout) })?;
    let shift = base.addr().get().wrapping_neg() % ALIGN;
    // SAFETY: shift < ALIGN, so `capacity + PADDING + 1` bytes from `start` on are inside, and so are
    // the cookies, if there are any.
    let start = unsafe { base.add(shift + rest::FRONT) };
    // SAFETY: as the line above says.
    let behind = unsafe { start.add(capacity) };
    // SAFETY: PADDING bytes behind the capacity are inside, and nobody else knows of them yet.
    unsafe { ptr::write_bytes(behind.as_ptr(), 0, PADDING) };
    // SAFETY: the byte behind the padding, and behind the cookies, is inside as well.
    let remembered = unsafe { behind.add(SHIFT_AT) };
    // SAFETY: as the line above says; `shift` is below 64.
    unsafe { remembered.write(shift as u8) };
    // SAFETY: all of it is inside, and nobody else's.
    unsafe { rest::begin(start, capacity) };
    Some(start)
}

/// Frees a block.
///
/// # Safety
///
/// * `start` came from [`alloc`] with this very `capacity`, and was not freed or taken since.
/// * Nobody uses it again.
pub(crate) unsafe fn free(start: NonNull<u8>, capacity: usize) {
    // SAFETY: `alloc` told of it, with this capacity.
    unsafe { rest::end(start, capacity) };
    // SAFETY: the caller's first bullet.
    let base = unsafe { base(start, capacity) };
    // SAFETY: `alloc` computed the same layout from the same capacity (raw invariant 3).
    unsafe { alloc::dealloc(base.as_ptr(), layout_of(capacity)) };
}

/// Makes a block a `Vec` of its first `len` bytes, without allocating: they move to the block's
/// start.
///
/// # Safety
///
/// * As for [`free`].
/// * The first `len <= capacity` bytes are initialised.
pub(crate) unsafe fn into_vec(start: NonNull<u8>, len: usize, capacity: usize) -> Vec<u8> {
    // SAFETY: `alloc` told of it, with this capacity.
    unsafe { rest::end(start, capacity) };
    // SAFETY: the caller's first bullet.
    let base = unsafe { base(start, capacity) };
    // SAFETY: both ranges are inside the block; `copy` allows them to overlap.
    unsafe { ptr::copy(start.as_ptr(), base.as_ptr(), len) };
    // SAFETY: allocated by the global allocator with align 1 and this size; `len` bytes were just
    // written.
    unsafe { Vec::from_raw_parts(base.as_ptr(), len, layout_of(capacity).size()) }
}

/// The bytes that a block of `capacity` takes from the allocator, without cookies.
pub(crate) const fn bytes(capacity: usize) -> usize {
    capacity.saturating_add(OVERHEAD)
}

/// # Safety
///
/// * `start` came from [`alloc`] with this very `capacity` and is not freed.
unsafe fn base(start: NonNull<u8>, capacity: usize) -> NonNull<u8> {
    // SAFETY: inside the block: `alloc` put the shift there.
    let remembered = unsafe { start.add(capacity + SHIFT_AT) };
    // SAFETY: `alloc` wrote it, and no buffer reaches behind its padding.
    let shift = unsafe { remembered.read() };
    // SAFETY: `alloc` moved forward by that much from the block's base.
    unsafe { start.sub(usize::from(shift) + rest::FRONT) }
}

fn layout(capacity: usize) -> Option<Layout> {
    const ALL: usize = OVERHEAD + rest::FRONT + rest::BACK;
    Layout::from_size_align(capacity.checked_add(ALL)?, 1).ok()
}

fn layout_of(capacity: usize) -> Layout {
    layout(capacity).expect("a block of this capacity was allocated")
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

    #[test]
    fn block_takes_two_lines_beside_its_capacity_and_the_cookies() {
        for capacity in [0, 1, 100, 4096] {
            let layout = layout(capacity).expect("small");
            assert_eq!(bytes(capacity), capacity + 128);
            assert_eq!(layout.size(), capacity + 128 + rest::FRONT + rest::BACK);
        }
    }

    #[test]
    fn blocks_are_freed() {
        let start = alloc(100).unwrap();
        // SAFETY: allocated on the line above, not used again. Miri and LeakSanitizer judge.
        unsafe { free(start, 100) };
    }
}
