//! Where the objects of [slots](super::slots) are in the mode *passthrough*: allocations of their own,
//! and another one whenever an object comes back.

use std::cell::RefCell;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

/// Places for objects.
pub(super) struct Places<T>(RefCell<Vec<NonNull<MaybeUninit<T>>>>);

impl<T> Places<T> {
    /// `capacity` of them, holding nothing; `None` if as many side by side would be more than
    /// `isize::MAX` bytes.
    pub(super) fn try_new(capacity: usize) -> Option<Self> {
        std::alloc::Layout::array::<T>(capacity).ok()?;
        Some(Self(RefCell::new((0..capacity).map(|_| place()).collect())))
    }

    pub(super) fn slot(&self, index: usize) -> NonNull<T> {
        self.0.borrow()[index].cast()
    }

    /// Moves an object to a fresh place, and frees its old one.
    ///
    /// # Safety
    ///
    /// * `slot` is one of these and holds an object, which nobody uses where it was.
    pub(super) unsafe fn lay_down_full(&self, slot: NonNull<T>) -> NonNull<T> {
        let fresh = place::<T>();
        // SAFETY: a new place does not overlap, and the object is not used where it was.
        unsafe { fresh.cast().copy_from_nonoverlapping(slot, 1) };
        // SAFETY: the caller's bullet; what it held was moved.
        unsafe { self.replace(slot, fresh) }
    }

    /// # Safety
    ///
    /// * None: a fresh place is used as it is.
    pub(super) unsafe fn take_up_full(&self, _slot: NonNull<T>) {}

    /// Makes a fresh place, and frees the old one.
    ///
    /// # Safety
    ///
    /// * `slot` is one of these, holds nothing, and nobody uses it again.
    pub(super) unsafe fn lay_down_vacant(&self, slot: NonNull<T>) -> NonNull<T> {
        // SAFETY: the caller's bullet.
        unsafe { self.replace(slot, place()) }
    }

    /// # Safety
    ///
    /// * None: a fresh place is used as it is.
    pub(super) unsafe fn take_up_vacant(&self, _slot: NonNull<T>) {}

    /// # Safety
    ///
    /// * `slot` is one of these, and nobody uses it again.
    unsafe fn replace(&self, slot: NonNull<T>, fresh: NonNull<MaybeUninit<T>>) -> NonNull<T> {
        let mut places = self.0.borrow_mut();
        let index = places.iter().position(|place| place.cast() == slot);
        let old = std::mem::replace(&mut places[index.expect("one of these")], fresh);
        drop(places);
        // SAFETY: from `place`, in the list no more, and nobody uses it again, says the caller.
        unsafe { free(old) };
        fresh.cast()
    }
}

/// Frees the places; what they hold is not dropped.
impl<T> Drop for Places<T> {
    fn drop(&mut self) {
        for place in self.0.take() {
            // SAFETY: from `place`; as for all of the slots' memory, nobody outlives its owner.
            unsafe { free(place) };
        }
    }
}

fn place<T>() -> NonNull<MaybeUninit<T>> {
    NonNull::from(Box::leak(Box::<T>::new_uninit()))
}

/// # Safety
///
/// * `place` came from [`place`], is not freed, and nobody uses it.
unsafe fn free<T>(place: NonNull<MaybeUninit<T>>) {
    // SAFETY: the caller's bullet.
    drop(unsafe { Box::from_raw(place.as_ptr()) });
}
