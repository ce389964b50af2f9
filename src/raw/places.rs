//! Where the objects of [slots](super::slots) are, and what becomes of a place at [rest](super::rest).

use std::ptr::NonNull;

use super::memory::Memory;
use super::rest;

/// Places for objects. A place that holds nothing may be overwritten; one that holds an object keeps
/// it.
pub(super) struct Places<T>(Memory<T>);

impl<T> Places<T> {
    /// `capacity` of them, laid down, holding nothing; `None` if the allocator refuses, or they would be
    /// more than `isize::MAX` bytes.
    pub(super) fn try_new(capacity: usize) -> Option<Self> {
        let memory = Memory::try_new(capacity)?;
        for index in 0..capacity {
            // SAFETY: a place of new memory, which is this function's alone.
            unsafe { rest::hide(memory.slot(index).cast(), size_of::<T>()) };
        }
        Some(Self(memory))
    }

    pub(super) fn slot(&self, index: usize) -> NonNull<T> {
        self.0.slot(index)
    }

    /// A place that holds an object is nobody's; returns the place where the object is now.
    ///
    /// # Safety
    ///
    /// * `slot` is one of these, taken up, and nobody uses it before it is taken up again.
    #[inline(always)]
    pub(super) unsafe fn lay_down_full(&self, slot: NonNull<T>) -> NonNull<T> {
        // SAFETY: the caller's bullet.
        unsafe { rest::cover(slot.cast(), size_of::<T>()) };
        slot
    }

    /// # Safety
    ///
    /// * `slot` was laid down with an object in it.
    #[inline(always)]
    pub(super) unsafe fn take_up_full(&self, slot: NonNull<T>) {
        // SAFETY: a place is of one allocation.
        unsafe { rest::uncover(slot.cast(), size_of::<T>()) };
    }

    /// A place that holds nothing is nobody's; returns the place that is there in its stead.
    ///
    /// # Safety
    ///
    /// * As for [`lay_down_full`](Self::lay_down_full).
    #[inline(always)]
    pub(super) unsafe fn lay_down_vacant(&self, slot: NonNull<T>) -> NonNull<T> {
        // SAFETY: the caller's bullet.
        unsafe { rest::hide(slot.cast(), size_of::<T>()) };
        slot
    }

    /// # Safety
    ///
    /// * `slot` was laid down holding nothing.
    #[inline(always)]
    pub(super) unsafe fn take_up_vacant(&self, slot: NonNull<T>) {
        // SAFETY: the caller's bullet.
        unsafe { rest::show(slot.cast(), size_of::<T>()) };
    }
}

impl<T> Drop for Places<T> {
    fn drop(&mut self) {
        // SAFETY: all of one allocation, which is freed next.
        unsafe { rest::uncover(self.0.start().cast(), self.0.bytes()) };
    }
}
