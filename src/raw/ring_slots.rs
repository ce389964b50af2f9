//! The slots of a ring: a power of two of them, reached by indices that run on for ever.
//!
//! ```text
//!  index   6   7   8   9   10  11        8 slots: index 10 is the slot at 2
//!  slot  │ 6 │ 7 │ 0 │ 1 │ 2 │ 3 │
//!        └ first ┘└── second ────┘       six from index 6 on: two stretches of memory
//! ```
//!
//! An index is a count that wraps at `usize::MAX`, of which the number of slots is a divisor, so that
//! the slot that follows is right across the wrap too. Which slots hold something is the ring's
//! affair.
//!
//! # Invariants
//!
//! 1. `start` points to `mask + 1` places for a `T`, of one allocation, which are there for as long as
//!    the `RingSlots` is used.
//! 2. `mask + 1` is a power of two.

use std::ptr::{self, NonNull};

use super::rest;

/// A pointer to the slots; whoever has it answers for what is in them.
#[derive(Debug)]
pub(crate) struct RingSlots<T> {
    start: NonNull<T>,
    mask: usize,
}

impl<T> Clone for RingSlots<T> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for RingSlots<T> {}

impl<T> RingSlots<T> {
    /// # Safety
    ///
    /// * `start` points to `slots` places for a `T`, of one allocation, and they are there for as long
    ///   as this or a copy of it is used.
    /// * `slots` is a power of two.
    #[inline(always)]
    pub(crate) unsafe fn new(start: NonNull<T>, slots: usize) -> Self {
        debug_assert!(slots.is_power_of_two());
        Self {
            start,
            mask: slots - 1,
        }
    }

    #[inline(always)]
    fn slot(self, index: usize) -> NonNull<T> {
        // SAFETY: masked, the index is at most `mask`, and that many places follow (invariant 1).
        unsafe { self.start.add(index & self.mask) }
    }

    /// Moves `value` into a slot; what the slot held is not dropped.
    ///
    /// # Safety
    ///
    /// * The memory may be written, and nobody else uses the slot meanwhile.
    #[inline(always)]
    pub(crate) unsafe fn write(self, index: usize, value: T) {
        // SAFETY: a place for a T (invariant 1); the caller's bullet is the rest.
        unsafe { self.slot(index).write(value) };
    }

    /// Moves a value out of its slot.
    ///
    /// # Safety
    ///
    /// * The slot holds a value, which is not used again where it is.
    /// * Nobody writes to the slot meanwhile.
    #[inline(always)]
    pub(crate) unsafe fn read(self, index: usize) -> T {
        // SAFETY: a place for a T (invariant 1), which holds one by the caller's first bullet.
        let value = unsafe { self.slot(index).read() };
        // SAFETY: the slot is the caller's, and what it held is not used again there.
        unsafe { rest::scrub(self.slot(index).cast(), size_of::<T>()) };
        value
    }

    /// The slots `index..index + len` in order: up to the last place in memory, and from the first.
    #[inline]
    pub(crate) fn stretches(self, index: usize, len: usize) -> [NonNull<[T]>; 2] {
        debug_assert!(len <= self.mask + 1);
        let first = len.min(self.mask + 1 - (index & self.mask));
        [
            NonNull::slice_from_raw_parts(self.slot(index), first),
            NonNull::slice_from_raw_parts(self.start, len - first),
        ]
    }

    /// Copies `values` into as many slots from `index` on; at most all of them.
    ///
    /// # Safety
    ///
    /// * As for [`write`](Self::write), of each of these slots.
    #[inline]
    pub(crate) unsafe fn copy_in(self, index: usize, values: &[T])
    where
        T: Copy,
    {
        let [first, second] = self.stretches(index, values.len());
        let (front, back) = values.split_at(first.len());
        // SAFETY: the stretch has as many places as `front` has values (its length), and by the
        // caller's bullet nobody else has a reference to them, `values` included.
        unsafe { ptr::copy_nonoverlapping(front.as_ptr(), first.cast().as_ptr(), front.len()) };
        // SAFETY: as above, of the second stretch and `back`: together they are `values.len()`.
        unsafe { ptr::copy_nonoverlapping(back.as_ptr(), second.cast().as_ptr(), back.len()) };
    }

    /// Moves as many slots from `index` on into `values`; at most all of them.
    ///
    /// # Safety
    ///
    /// * As for [`read`](Self::read), of each of these slots.
    #[inline]
    pub(crate) unsafe fn copy_out(self, index: usize, values: &mut [T])
    where
        T: Copy,
    {
        let [first, second] = self.stretches(index, values.len());
        let (front, back) = values.split_at_mut(first.len());
        // SAFETY: the stretch holds as many values as `front` has places (the caller's bullet), and
        // `front` is borrowed mutably, so that it is no part of it.
        unsafe { ptr::copy_nonoverlapping(first.cast().as_ptr(), front.as_mut_ptr(), front.len()) };
        // SAFETY: as above, of the second stretch and `back`.
        unsafe { ptr::copy_nonoverlapping(second.cast().as_ptr(), back.as_mut_ptr(), back.len()) };
        for stretch in [first, second] {
            // SAFETY: as in `read`.
            unsafe { rest::scrub(stretch.cast(), stretch.len() * size_of::<T>()) };
        }
    }

    /// Drops the values in the slots `index..index + len`. When one panics in its drop, the others are
    /// still dropped, as a `Vec` would.
    ///
    /// # Safety
    ///
    /// * These slots hold values, and nobody uses them again, nor while this runs.
    pub(crate) unsafe fn drop_in_place(self, index: usize, len: usize) {
        let [first, second] = self.stretches(index, len);
        let _second = DropStretch(second);
        drop(DropStretch(first));
    }
}

/// Drops the values of a stretch. Made in `drop_in_place` only, whose contract it relies on.
struct DropStretch<T>(NonNull<[T]>);

impl<T> Drop for DropStretch<T> {
    fn drop(&mut self) {
        // SAFETY: the contract of `RingSlots::drop_in_place`; the stretches do not overlap, so that
        // each value is dropped once.
        unsafe { self.0.drop_in_place() };
        // SAFETY: as above: what was there is not used again.
        unsafe { rest::scrub(self.0.cast(), self.0.len() * size_of::<T>()) };
    }
}
