//! A slab in the mode *passthrough*: as many blocks as it has slots, each an allocation of its own.

use std::cell::{Cell, RefCell};
use std::ptr::NonNull;

use crate::raw::block;
pub(crate) use crate::raw::stride;

/// One thread's slots; freed on drop, those that were forgotten too.
#[derive(Debug)]
pub(crate) struct Slab {
    slots: RefCell<Vec<NonNull<u8>>>,
    buffer_size: usize,
    /// In the books: what a slab as shipped would take.
    bytes: usize,
    /// The slot that a look-up has found last, since the next one often is for the same.
    found: Cell<usize>,
}

impl Slab {
    /// Allocates `slots` slots for buffers of `buffer_size` bytes.
    ///
    /// `None` if `slots` is zero, the size overflows, or the allocator refuses.
    pub(crate) fn new(slots: usize, buffer_size: usize) -> Option<Self> {
        let bytes = stride(buffer_size)?.checked_mul(slots)?;
        let possible = (1..=isize::MAX as usize).contains(&bytes);
        let slab = possible.then(|| Self {
            slots: RefCell::default(),
            buffer_size,
            bytes,
            found: Cell::new(0),
        })?;
        slab.slots.borrow_mut().try_reserve_exact(slots).ok()?;
        for _ in 0..slots {
            let slot = block::alloc(buffer_size)?;
            slab.slots.borrow_mut().push(slot);
        }
        Some(slab)
    }

    /// The start of slot `index`.
    ///
    /// # Panics
    ///
    /// If there is no such slot.
    pub(crate) fn slot(&self, index: usize) -> NonNull<u8> {
        self.slots.borrow()[index]
    }

    /// Whether `start` is a slot of this slab.
    pub(crate) fn contains(&self, start: NonNull<u8>) -> bool {
        self.index_of(start).is_some()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Makes `fresh` the slot that `start` was, if it was one.
    pub(super) fn replace(&self, start: NonNull<u8>, fresh: NonNull<u8>) {
        if let Some(index) = self.index_of(start) {
            self.slots.borrow_mut()[index] = fresh;
        }
    }

    fn index_of(&self, start: NonNull<u8>) -> Option<usize> {
        let slots = self.slots.borrow();
        let again = self.found.get();
        if slots.get(again) == Some(&start) {
            return Some(again);
        }
        let index = slots.iter().position(|slot| *slot == start)?;
        self.found.set(index);
        Some(index)
    }
}

impl Drop for Slab {
    fn drop(&mut self) {
        for slot in self.slots.take() {
            // SAFETY: allocated for this size, by `new` or as a fresh one, and freed nowhere else
            // while it stands in the list; nobody uses it, as nobody uses the slab.
            unsafe { block::free(slot, self.buffer_size) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw::ALIGN;

    #[test]
    fn impossible_slabs_are_refused() {
        assert!(Slab::new(0, 4096).is_none());
        assert!(Slab::new(usize::MAX / 8, 4096).is_none());
        assert!(Slab::new(2, isize::MAX as usize).is_none());
    }

    #[test]
    fn slots_are_aligned_and_allocations_of_their_own() {
        let slab = Slab::new(5, 100).unwrap();
        assert_eq!(slab.bytes(), 5 * stride(100).unwrap());
        let slot = slab.slot(4);
        assert_eq!(slot.addr().get() % ALIGN, 0);
        let fresh = block::alloc(100).unwrap();
        assert!(slab.contains(slot) && !slab.contains(fresh));
        slab.replace(slot, fresh);
        assert!(slab.contains(fresh) && !slab.contains(slot));
        // SAFETY: not the slab's any more, and not used again.
        unsafe { block::free(slot, 100) };
    }
}
