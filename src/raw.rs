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

pub(crate) mod block;
pub(crate) mod chunk;
pub(crate) mod owned;
pub(crate) mod ring_slots;
pub(crate) mod slab;
pub(crate) mod slots;
pub(crate) mod spill;
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
