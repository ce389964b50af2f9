//! A slice that grows while an iterator fills it.
//!
//! # Invariants
//!
//! 1. `start` is a block of the region for `capacity` values that nobody else knows of, and the first
//!    `len` of them are written.

use std::alloc::Layout;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::slice;

use super::error::ArenaError;
use super::region::Region;

/// A slice in the making; given back if it is dropped unfinished. Its values need no drop.
pub(super) struct Filling<'s, T> {
    region: Region<'s>,
    start: NonNull<T>,
    len: usize,
    capacity: usize,
}

impl<'s, T> Filling<'s, T> {
    /// Room for `capacity` values at first.
    pub(super) fn new(region: Region<'s>, capacity: usize) -> Result<Self, ArenaError> {
        Ok(Self {
            start: region.alloc_array(capacity)?,
            region,
            len: 0,
            capacity,
        })
    }

    #[inline(always)]
    pub(super) fn push(&mut self, value: T) -> Result<(), ArenaError> {
        if self.len == self.capacity {
            self.grow()?;
        }
        // SAFETY: len < capacity (1).
        let place = unsafe { self.start.add(self.len) };
        // SAFETY: as the line above says; nobody else knows of the place (1).
        unsafe { place.write(value) };
        self.len += 1;
        Ok(())
    }

    #[cold]
    fn grow(&mut self) -> Result<(), ArenaError> {
        let capacity = self.next_capacity();
        let Ok(new) = Layout::array::<T>(capacity) else {
            return self.region.too_large();
        };
        // SAFETY: the block is one of this layout (1), and `new` is as large or larger.
        let grown = unsafe { self.region.grow(self.start.cast(), self.layout(), new) }?;
        self.start = grown.cast();
        self.capacity = capacity;
        Ok(())
    }

    /// Twice as many; or as many as fit into the chunk, where that is fewer and more than there are.
    fn next_capacity(&self) -> usize {
        let doubled = self.capacity.saturating_mul(2).max(4);
        let room = self.region.room(self.start.cast(), self.layout());
        match room.checked_div(size_of::<T>()) {
            Some(fitting) if fitting > self.capacity => doubled.min(fitting),
            _ => doubled,
        }
    }

    /// The slice, without the room that was not used if it is the arena's last allocation.
    pub(super) fn finish(self) -> Result<&'s mut [T], ArenaError> {
        let this = ManuallyDrop::new(self);
        let mut start = this.start;
        if this.len < this.capacity
            && let Ok(new) = Layout::array::<T>(this.len)
        {
            // SAFETY: the block is one of this layout (1), and `new` is smaller, of the same alignment.
            start = unsafe { this.region.shrink(start.cast(), this.layout(), new) }?.cast();
        }
        // SAFETY: `len` values are written (1), and nobody else's until 's ends.
        Ok(unsafe { slice::from_raw_parts_mut(start.as_ptr(), this.len) })
    }

    fn layout(&self) -> Layout {
        Layout::array::<T>(self.capacity).expect("an array of this size was allocated")
    }
}

impl<T> Drop for Filling<'_, T> {
    fn drop(&mut self) {
        // SAFETY: the block is one of this layout, and nobody else knows of it (1).
        unsafe { self.region.free(self.start.cast(), self.layout()) };
    }
}
