//! How much of a buffer was ever written: what is not, still holds a mark.
//!
//! A buffer's length is in its guard, and the hit path does not hand it over: that costs an
//! instruction where the guard lies in memory. A recording pool, which has time, looks at the bytes.

use std::ptr::{self, NonNull};
use std::slice;

use crate::register::settled;

/// In no UTF-8 text.
const MARK: u8 = 0xf9;

/// Bytes that are compared at once.
const CHUNK: [u8; 64] = [MARK; 64];

/// Marks the bytes from `from` on, up to `capacity`.
///
/// # Safety
///
/// * `from <= capacity`; `capacity` bytes from `start` on are writable, and nobody looks at those from
///   `from` on.
pub(crate) unsafe fn mark(start: NonNull<u8>, from: usize, capacity: usize) {
    // SAFETY: the caller's bullet: inside of the buffer, or one past its end.
    let first = unsafe { start.add(from) };
    // SAFETY: the caller's bullet.
    unsafe { ptr::write_bytes(first.as_ptr(), MARK, capacity - from) };
}

/// The bytes up to the last that was written since they were marked; fewer, where what was written ends like a
/// mark; all of them, where a build cannot look.
///
/// # Safety
///
/// * `capacity` bytes from `start` on are readable and writable, and nobody else uses them now. They need not be
///   initialised.
pub(crate) unsafe fn len_before(start: NonNull<u8>, capacity: usize) -> usize {
    // A user may have written `MaybeUninit::uninit()` over the mark.
    let Some(start) = settled(start.as_ptr()) else {
        return capacity;
    };
    // SAFETY: the caller's bullet, and `settled` makes each byte one that the machine holds.
    let bytes = unsafe { slice::from_raw_parts(start, capacity) };
    let chunks = bytes.rchunks_exact(CHUNK.len());
    let untouched = chunks.take_while(|chunk| **chunk == CHUNK).count() * CHUNK.len();
    let rest = &bytes[..capacity - untouched];
    rest.iter()
        .rposition(|byte| *byte != MARK)
        .map_or(0, |last| last + 1)
}
