//! A ring's values one by one, by reference and by value.

use std::fmt;
use std::iter::FusedIterator;
use std::{iter, slice};

use super::EventRingBuffer;

/// The values of a ring by reference: made by [`EventRingBuffer::iter`].
#[derive(Clone, Debug)]
pub struct Iter<'a, T>(iter::Chain<slice::Iter<'a, T>, slice::Iter<'a, T>>);

impl<'a, T> Iter<'a, T> {
    pub(super) fn new((first, second): (&'a [T], &'a [T])) -> Self {
        Self(first.iter().chain(second))
    }
}

impl<'a, T> Iterator for Iter<'a, T> {
    type Item = &'a T;

    #[inline]
    fn next(&mut self) -> Option<&'a T> {
        self.0.next()
    }

    /// Exact: a ring's length is a `usize`, so that the sum of the two slices' is.
    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }

    fn fold<B, F: FnMut(B, &'a T) -> B>(self, start: B, each: F) -> B {
        self.0.fold(start, each)
    }
}

impl<T> DoubleEndedIterator for Iter<'_, T> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back()
    }
}

impl<T> ExactSizeIterator for Iter<'_, T> {}
impl<T> FusedIterator for Iter<'_, T> {}

/// The values of a ring by value: made by [`EventRingBuffer::drain`].
pub struct Drain<'a, T, const N: usize>(&'a mut EventRingBuffer<T, N>);

impl<'a, T, const N: usize> Drain<'a, T, N> {
    pub(super) fn new(ring: &'a mut EventRingBuffer<T, N>) -> Self {
        Self(ring)
    }
}

impl<T, const N: usize> Iterator for Drain<'_, T, N> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.0.pop()
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.0.len(), Some(self.0.len()))
    }
}

impl<T, const N: usize> ExactSizeIterator for Drain<'_, T, N> {}
impl<T, const N: usize> FusedIterator for Drain<'_, T, N> {}

impl<T, const N: usize> Drop for Drain<'_, T, N> {
    fn drop(&mut self) {
        self.0.clear();
    }
}

impl<T: fmt::Debug, const N: usize> fmt::Debug for Drain<'_, T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Drain").field(&self.0).finish()
    }
}
