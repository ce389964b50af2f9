//! Arrays that C hands in: an address and a length, checked before they are slices.
//!
//! # Invariants
//!
//! 1. An [`Array`] with elements begins at an address that is not null and is a multiple of what `T` needs, and its
//!    bytes are no more than a slice may have and do not wrap around the address space. One without
//!    elements begins at an aligned address that is not C's.

use std::mem::MaybeUninit;
use std::ops::Range;
use std::ptr::NonNull;
use std::slice;

use crate::status::Status;

/// As many `T` as its length says, from an address on.
#[derive(Debug)]
pub(crate) struct Array<T> {
    first: NonNull<T>,
    len: usize,
}

impl<T> Clone for Array<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Array<T> {}

impl<T> Array<T> {
    /// Of none, the address is not looked at.
    pub(crate) fn new(first: *const T, len: usize) -> Result<Self, Status> {
        if len == 0 {
            let first = NonNull::dangling();
            return Ok(Self { first, len });
        }
        let first = NonNull::new(first.cast_mut()).ok_or(Status::NullPointer)?;
        let bytes = len.checked_mul(size_of::<T>());
        let bytes = bytes.filter(|&bytes| isize::try_from(bytes).is_ok());
        let end = bytes.and_then(|bytes| first.addr().get().checked_add(bytes));
        if first.is_aligned() && end.is_some() {
            Ok(Self { first, len })
        } else {
            Err(Status::Invalid)
        }
    }

    /// Refuses one that shares bytes with `other`: where one of them is written, that would be no slice.
    pub(crate) fn apart_from<U>(self, other: Array<U>) -> Result<(), Status> {
        let (own, others) = (self.addresses(), other.addresses());
        let shared = own.start.max(others.start)..own.end.min(others.end);
        if shared.is_empty() {
            Ok(())
        } else {
            Err(Status::Invalid)
        }
    }

    fn addresses(self) -> Range<usize> {
        let start = self.first.addr().get();
        start..start + self.len * size_of::<T>()
    }

    /// # Safety
    ///
    /// * There are as many initialised elements as the length says, and for `'a` nothing writes them.
    pub(crate) unsafe fn read<'a>(self) -> &'a [T] {
        // SAFETY: an address and a length that can be a slice's (invariant 1), with elements that
        // nothing writes (the caller's bullet).
        unsafe { slice::from_raw_parts(self.first.as_ptr(), self.len) }
    }

    /// As [`write`](Self::write), of places that C need not have initialised: `value` is in each.
    ///
    /// # Safety
    ///
    /// * There are as many places as the length says, and for `'a` nothing else reads or writes them.
    pub(crate) unsafe fn filled<'a>(self, value: T) -> &'a mut [T]
    where
        T: Copy,
    {
        let places = self.first.cast::<MaybeUninit<T>>();
        // SAFETY: an address and a length that can be a slice's (invariant 1), of places that nothing
        // else uses (the caller's bullet) and that may be uninitialised.
        let places = unsafe { slice::from_raw_parts_mut(places.as_ptr(), self.len) };
        places.fill(MaybeUninit::new(value));
        // SAFETY: the same places, initialised by the line above.
        unsafe { self.write() }
    }

    /// # Safety
    ///
    /// * There are as many initialised elements as the length says, and for `'a` nothing else reads or
    ///   writes them.
    pub(crate) unsafe fn write<'a>(self) -> &'a mut [T] {
        // SAFETY: an address and a length that can be a slice's (invariant 1), with elements that
        // nothing else uses (the caller's bullet).
        unsafe { slice::from_raw_parts_mut(self.first.as_ptr(), self.len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_no_slice_is_refused() {
        let numbers = [1_u32; 4];
        let first = numbers.as_ptr();
        let status = |first, len| Array::<u32>::new(first, len).map(|_| ());
        assert_eq!(status(first, 4), Ok(()));
        assert_eq!(status(std::ptr::null(), 0), Ok(()));
        assert_eq!(status(std::ptr::null(), 1), Err(Status::NullPointer));
        assert_eq!(status(first.wrapping_byte_add(1), 1), Err(Status::Invalid));
        assert_eq!(status(first, usize::MAX), Err(Status::Invalid));
        assert_eq!(
            status(first, isize::MAX as usize / 4 + 1),
            Err(Status::Invalid)
        );
        let last = std::ptr::without_provenance(usize::MAX - 3);
        assert_eq!(status(last, 1), Err(Status::Invalid));
    }

    #[test]
    fn places_that_are_filled_need_not_be_initialised() {
        let mut places = [const { MaybeUninit::<u32>::uninit() }; 3];
        let array = Array::<u32>::new(places.as_mut_ptr().cast(), 3).expect("a slice");
        // SAFETY: three places that nothing else uses.
        let filled = unsafe { array.filled(7) };
        assert_eq!(*filled, [7; 3]);
        let none = Array::<u32>::new(std::ptr::null(), 0).expect("none");
        // SAFETY: no place.
        assert_eq!(unsafe { none.filled(7) }.len(), 0);
    }

    #[test]
    fn arrays_that_share_a_byte_are_not_apart() {
        let numbers = [1_u32; 4];
        let part = |range: Range<usize>| {
            let part = &numbers[range];
            Array::new(part.as_ptr(), part.len()).expect("a slice")
        };
        assert_eq!(part(0..2).apart_from(part(2..4)), Ok(()));
        assert_eq!(part(2..4).apart_from(part(0..2)), Ok(()));
        assert_eq!(part(0..3).apart_from(part(2..4)), Err(Status::Invalid));
        assert_eq!(part(0..4).apart_from(part(1..2)), Err(Status::Invalid));
        assert_eq!(part(1..1).apart_from(part(0..4)), Ok(()));
    }
}
