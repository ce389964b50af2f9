//! Owned, aligned memory, and nothing that knows what it is for.
//!
//! # Invariants
//!
//! 1. A buffer's memory starts at a multiple of [`ALIGN`] and is followed by [`PADDING`] bytes that
//!    are part of the same allocation and initialised.
//! 2. Every slot of a [`Slab`](slab::Slab) and every [block](block) is at least `capacity +
//!    PADDING` bytes long, and no two of them overlap.
//! 3. A slab, a [chunk](chunk) and a [spill](spill) free their memory with the layout that it was
//!    allocated with; a block is freed with the capacity that it was allocated for, from which its
//!    layout follows.

#[cfg(not(knhk_pool = "passthrough"))]
pub(crate) mod block;
#[cfg(knhk_pool = "passthrough")]
#[path = "raw/passthrough/block.rs"]
pub(crate) mod block;
pub(crate) mod chunk;
pub(crate) mod memory;
pub(crate) mod owned;
#[cfg(not(knhk_pool = "passthrough"))]
mod places;
#[cfg(knhk_pool = "passthrough")]
#[path = "raw/passthrough/places.rs"]
mod places;
pub(crate) mod rest;
pub(crate) mod ring_slots;
#[cfg(not(knhk_pool = "passthrough"))]
pub(crate) mod slab;
#[cfg(knhk_pool = "passthrough")]
#[path = "raw/passthrough/slab.rs"]
pub(crate) mod slab;
pub(crate) mod slots;
pub(crate) mod spill;
pub(crate) mod tally;
pub(crate) mod untouched;

use std::ptr::{self, NonNull};

/// Where buffers start: a cache line, and the widest vector register (512 bits).
pub(crate) const ALIGN: usize = 64;

/// Readable bytes behind a buffer's capacity: one full-width vector load (ADR-002).
pub(crate) const PADDING: usize = 64;

const _: () = assert!(ALIGN.is_power_of_two() && PADDING.is_multiple_of(ALIGN));

/// An address at `align`, a power of two, for what has no bytes.
#[inline(always)]
pub(crate) fn nowhere(align: usize) -> NonNull<u8> {
    // No power of two is null.
    NonNull::new(ptr::without_provenance_mut(align)).unwrap_or(NonNull::dangling())
}

/// Overwrites `len` bytes with zeros, and keeps the compiler from leaving it out where the memory
/// is freed next.
///
/// # Safety
///
/// * `len` bytes from `start` on are writable and nobody else looks at them.
pub(crate) unsafe fn wipe(start: NonNull<u8>, len: usize) {
    // SAFETY: the caller's bullet is write_bytes' own condition; bytes need no alignment.
    unsafe { ptr::write_bytes(start.as_ptr(), 0, len) };
    std::hint::black_box(start.as_ptr());
}

/// Bytes from one slot to the next: the buffer, its padding, and whatever makes it an odd number of
/// cache lines, so that the slots' first lines spread over all sets of a cache (ADR-002).
pub(crate) const fn stride(buffer_size: usize) -> Option<usize> {
    let Some(padded) = buffer_size.checked_add(PADDING) else {
        return None;
    };
    let Some(lines) = padded.checked_next_multiple_of(ALIGN) else {
        return None;
    };
    if (lines / ALIGN).is_multiple_of(2) {
        lines.checked_add(ALIGN)
    } else {
        Some(lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slot_that_no_address_space_holds_has_no_stride() {
        assert_eq!(stride(usize::MAX), None);
        assert_eq!(stride(usize::MAX - PADDING), None);
        assert_eq!(stride(100), Some(192));
    }

    #[test]
    fn stride_is_an_odd_number_of_lines_with_room_for_the_padding() {
        for size in (1..20_000).chain([65_536, 16 << 20]) {
            let stride = stride(size).unwrap();
            assert_eq!(stride / ALIGN % 2, 1, "size {size}");
            assert_eq!(stride % ALIGN, 0, "size {size}");
            assert!(
                (size + PADDING..size + PADDING + 2 * ALIGN).contains(&stride),
                "size {size}"
            );
        }
        assert_eq!(stride(4096), Some(4096 + 64));
        assert_eq!(stride(usize::MAX - 64), None);
    }
}
