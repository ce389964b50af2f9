//! Owned memory that may be refused: what `Box` and `Arc` would abort for.
//!
//! # Invariants
//!
//! 1. The pointer of a [`Counted`] is from [`try_box`], and its box is freed by the one that takes
//!    the count from 1 to 0. Each `Counted` stands for 1 of the count.

use std::alloc::{self, Layout};
use std::ops::Deref;
use std::ptr::NonNull;

use crate::sync::modelled::{AtomicUsize, Ordering};

/// A `Box` of `value`; `None`, and `value` is dropped, if the allocator refuses.
pub(crate) fn try_box<T>(value: T) -> Option<Box<T>> {
    const { assert!(size_of::<T>() > 0, "nothing is boxed that has no size") };
    // SAFETY: the size is not zero, asserted above.
    let place = NonNull::new(unsafe { alloc::alloc(Layout::new::<T>()) })?.cast::<T>();
    // SAFETY: allocated on the line above, for a T.
    unsafe { place.write(value) };
    // SAFETY: from the global allocator with T's layout, and written.
    Some(unsafe { Box::from_raw(place.as_ptr()) })
}

/// `len` values in a box; `None` if the allocator refuses.
pub(crate) fn try_boxed_slice<T>(len: usize, make: impl FnMut(usize) -> T) -> Option<Box<[T]>> {
    let mut values = Vec::new();
    values.try_reserve_exact(len).ok()?;
    values.extend((0..len).map(make));
    // As long as its capacity: nothing is moved.
    Some(values.into_boxed_slice())
}

/// One of several owners of a `T`, as an `Arc` is.
pub(crate) struct Counted<T>(NonNull<Shared<T>>);

struct Shared<T> {
    owners: AtomicUsize,
    value: T,
}

// SAFETY: owners on several threads see `&T`, and the last one, on any thread, drops the T.
unsafe impl<T: Send + Sync> Send for Counted<T> {}
// SAFETY: as above; a `&Counted` can be cloned into an owner.
unsafe impl<T: Send + Sync> Sync for Counted<T> {}

impl<T> Counted<T> {
    /// The first owner; `None`, and `value` is dropped, if the allocator refuses.
    pub(crate) fn try_new(value: T) -> Option<Self> {
        let owners = AtomicUsize::new(1);
        let shared = try_box(Shared { owners, value })?;
        Some(Self(NonNull::from(Box::leak(shared))))
    }

    /// Whether both own the same.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    #[inline(always)]
    fn shared(&self) -> &Shared<T> {
        // SAFETY: freed when the last owner is dropped (1), and this is one.
        unsafe { self.0.as_ref() }
    }
}

impl<T> Clone for Counted<T> {
    fn clone(&self) -> Self {
        // Relaxed: whoever clones has the value already.
        let owners = self.shared().owners.fetch_add(1, Ordering::Relaxed);
        assert!(owners < usize::MAX / 2, "so many owners were forgotten");
        Self(self.0)
    }
}

impl<T> Deref for Counted<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        &self.shared().value
    }
}

impl<T> Drop for Counted<T> {
    fn drop(&mut self) {
        // Release and Acquire, of one another: what each owner did comes before the value's drop.
        if self.shared().owners.fetch_sub(1, Ordering::AcqRel) == 1 {
            // SAFETY: leaked by `try_new`; the count has gone from 1 to 0 (1).
            drop(unsafe { Box::from_raw(self.0.as_ptr()) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_owner_drops_the_value_whichever_thread_it_is_on() {
        let dropped = std::sync::Arc::new(());
        let first = Counted::try_new(dropped.clone()).expect("memory");
        let second = first.clone();
        assert!(first.is_same(&second));
        std::thread::spawn(move || drop(second))
            .join()
            .expect("it only drops");
        assert_eq!(std::sync::Arc::strong_count(&dropped), 2);
        drop(first);
        assert_eq!(std::sync::Arc::strong_count(&dropped), 1);
    }

    #[test]
    fn slices_that_cannot_be_are_refused() {
        assert!(try_boxed_slice(usize::MAX / 8, |_| 0_u64).is_none());
        assert_eq!(*try_boxed_slice(3, |n| n).expect("memory"), [0, 1, 2]);
    }
}
