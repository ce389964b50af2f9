//! As shipped: nothing is done to memory at rest.

use std::cell::RefCell;
use std::ptr::NonNull;

use crate::raw::slab::Slab;

/// Bytes in front of each buffer.
pub(crate) const FRONT: usize = 0;

/// Bytes behind each buffer's padding.
pub(crate) const BACK: usize = 0;

/// Whether [`lay_down`] does something.
pub(crate) const LAYS: bool = false;

/// Whether [`lay_down`] allocates.
pub(crate) const ALLOCATES: bool = false;

/// Whether [`hide`] does something.
pub(crate) const HIDES: bool = false;

/// A buffer of `capacity` bytes is new, and in use.
///
/// # Safety
///
/// * `FRONT` bytes in front, the buffer, its padding, and `BACK` bytes behind are writable, and
///   nobody else's.
#[inline(always)]
pub(crate) unsafe fn begin(_start: NonNull<u8>, _capacity: usize) {}

/// A buffer of `capacity` bytes is new, and waits.
///
/// # Safety
///
/// * As for [`begin`].
#[inline(always)]
pub(crate) unsafe fn begin_at_rest(_start: NonNull<u8>, _capacity: usize) {}

/// A buffer came back; returns what is to wait in its place.
///
/// # Safety
///
/// * `start` is in use, of `capacity` bytes: a slot of `slab`, or a block.
/// * Nobody uses it again, unless it is returned.
#[inline(always)]
pub(crate) unsafe fn lay_down(
    _slab: &RefCell<Option<Slab>>,
    start: NonNull<u8>,
    _capacity: usize,
) -> NonNull<u8> {
    start
}

/// A buffer that was laid down is handed out.
///
/// # Safety
///
/// * `start` was laid down, with `capacity` bytes.
#[inline(always)]
pub(crate) unsafe fn take_up(_start: NonNull<u8>, _capacity: usize) {}

/// A buffer is about to be freed, or to become a `Vec`.
///
/// # Safety
///
/// * As for [`begin`], which was told of it.
#[inline(always)]
pub(crate) unsafe fn end(_start: NonNull<u8>, _capacity: usize) {}

/// `len` bytes are nobody's; what they held may go.
///
/// # Safety
///
/// * They are writable, and nobody reads or writes them before they are [shown](show).
#[inline(always)]
pub(crate) unsafe fn hide(_start: NonNull<u8>, _len: usize) {}

/// `len` bytes that were hidden are somebody's.
///
/// # Safety
///
/// * They were hidden.
#[inline(always)]
pub(crate) unsafe fn show(_start: NonNull<u8>, _len: usize) {}

/// `len` bytes are nobody's until they are written to; what they held may go.
///
/// # Safety
///
/// * They are writable, and nobody else's.
#[inline(always)]
pub(crate) unsafe fn scrub(_start: NonNull<u8>, _len: usize) {}

/// `len` bytes are nobody's, and keep what they hold.
///
/// # Safety
///
/// * Nobody reads or writes them before they are [uncovered](uncover).
#[inline(always)]
pub(crate) unsafe fn cover(_start: NonNull<u8>, _len: usize) {}

/// `len` bytes that were covered or hidden are somebody's, or about to be freed.
///
/// # Safety
///
/// * They are of one allocation.
#[inline(always)]
pub(crate) unsafe fn uncover(_start: NonNull<u8>, _len: usize) {}
