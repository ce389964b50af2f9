//! Buffers beside buffers, ordered and hashed as the bytes that they hold, and equal to what holds the same.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use super::Buffer;

impl Eq for Buffer<'_> {}

impl PartialEq<Buffer<'_>> for [u8] {
    fn eq(&self, other: &Buffer<'_>) -> bool {
        self == other.as_slice()
    }
}

impl<const N: usize> PartialEq<Buffer<'_>> for [u8; N] {
    fn eq(&self, other: &Buffer<'_>) -> bool {
        self == other.as_slice()
    }
}

impl PartialEq<Buffer<'_>> for Vec<u8> {
    fn eq(&self, other: &Buffer<'_>) -> bool {
        self == other.as_slice()
    }
}

impl<T: AsRef<[u8]> + ?Sized> PartialEq<T> for Buffer<'_> {
    fn eq(&self, other: &T) -> bool {
        self.as_slice() == other.as_ref()
    }
}

impl PartialEq<Buffer<'_>> for &[u8] {
    fn eq(&self, other: &Buffer<'_>) -> bool {
        *self == other.as_slice()
    }
}

impl<const N: usize> PartialEq<Buffer<'_>> for &[u8; N] {
    fn eq(&self, other: &Buffer<'_>) -> bool {
        *self == other.as_slice()
    }
}

impl PartialEq<Buffer<'_>> for str {
    fn eq(&self, other: &Buffer<'_>) -> bool {
        self.as_bytes() == other.as_slice()
    }
}

impl PartialEq<Buffer<'_>> for &str {
    fn eq(&self, other: &Buffer<'_>) -> bool {
        self.as_bytes() == other.as_slice()
    }
}

impl PartialEq<Buffer<'_>> for String {
    fn eq(&self, other: &Buffer<'_>) -> bool {
        self.as_bytes() == other.as_slice()
    }
}

impl Ord for Buffer<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_slice().cmp(other.as_slice())
    }
}

impl PartialOrd for Buffer<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// As the slice of its bytes.
impl Hash for Buffer<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_slice().hash(state);
    }
}

/// A map whose keys are buffers is asked by bytes.
impl Borrow<[u8]> for Buffer<'_> {
    fn borrow(&self) -> &[u8] {
        self
    }
}
