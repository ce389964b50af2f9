//! Places for values of one type, side by side.

use std::mem::MaybeUninit;
use std::ptr::NonNull;

/// Places for values: a boxed slice behind a raw pointer, for pointers into it must survive moves of
/// its owner, which a `Box` would not allow.
pub(crate) struct Memory<T>(NonNull<[MaybeUninit<T>]>);

impl<T> Memory<T> {
    /// Places for `capacity` values, uninitialised; `None` if the allocator refuses, or nothing can be so
    /// large.
    pub(crate) fn try_new(capacity: usize) -> Option<Self> {
        let mut places = Vec::<MaybeUninit<T>>::new();
        places.try_reserve_exact(capacity).ok()?;
        // SAFETY: so many places were reserved on the line above, and an uninitialised one is a `MaybeUninit`.
        unsafe { places.set_len(capacity) };
        // As long as its capacity: nothing is moved.
        Some(Self(NonNull::from(Box::leak(places.into_boxed_slice()))))
    }

    /// The first place; the others follow, and may be reached from it.
    pub(crate) fn start(&self) -> NonNull<T> {
        self.0.cast()
    }

    #[cfg(not(knhk_pool = "passthrough"))]
    pub(super) fn bytes(&self) -> usize {
        self.0.len() * size_of::<T>()
    }

    #[cfg(not(knhk_pool = "passthrough"))]
    pub(super) fn slot(&self, index: usize) -> NonNull<T> {
        assert!(index < self.0.len(), "slot {index} of {}", self.0.len());
        // SAFETY: the index is inside the slice, asserted above.
        unsafe { self.0.cast().add(index) }
    }
}

/// Frees the places; what they hold is not dropped.
impl<T> Drop for Memory<T> {
    fn drop(&mut self) {
        // SAFETY: the pointer is that of the box that `try_new` leaked, and a drop runs once. No pointer
        // into it is used after this: none outlives the owner (of Slots, Fulls borrow it).
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

#[cfg(test)]
#[cfg(not(knhk_pool = "passthrough"))]
mod tests {
    use super::*;

    #[test]
    fn places_lie_side_by_side_from_the_start_on() {
        let memory = Memory::<u64>::try_new(3).expect("memory");
        assert_eq!(memory.bytes(), 24);
        let start = memory.start().addr().get();
        let places = [0, 1, 2].map(|index| memory.slot(index).addr().get() - start);
        assert_eq!(places, [0, 8, 16]);
    }

    #[test]
    #[should_panic(expected = "slot 3 of 3")]
    fn place_behind_the_last_is_refused() {
        Memory::<u64>::try_new(3).expect("memory").slot(3);
    }
}
