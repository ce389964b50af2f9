//! Memory that keeps what it has initialised: a vector of which the first `len` elements are lent.
//!
//! Shrinking and growing again within what was ever in use writes nothing, where `Vec::resize` would
//! fill the difference each time. What stands behind `len` is old, but it is initialised and cannot
//! be reached.

/// Elements of `T`, `len` of them in use.
#[derive(Debug, Default)]
pub(crate) struct Lanes<T> {
    /// All that is initialised; at least `len` elements.
    memory: Vec<T>,
    len: usize,
}

impl<T: Copy + Default> Lanes<T> {
    pub(crate) const fn new() -> Self {
        Self {
            memory: Vec::new(),
            len: 0,
        }
    }

    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self::from(Vec::with_capacity(capacity))
    }

    /// `None` if the allocator refuses.
    pub(crate) fn try_with_capacity(capacity: usize) -> Option<Self> {
        let mut memory = Vec::new();
        memory.try_reserve_exact(capacity).ok()?;
        Some(Self::from(memory))
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn capacity(&self) -> usize {
        self.memory.capacity()
    }

    pub(crate) fn as_slice(&self) -> &[T] {
        &self.memory[..self.len]
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.memory[..self.len]
    }

    /// Makes it `len` long. Elements that were never in use are zero, others are what they were; it
    /// allocates only when `len` is above the capacity.
    pub(crate) fn set_len(&mut self, len: usize) {
        if len > self.memory.len() {
            self.memory.resize(len, T::default());
        }
        self.len = len;
    }

    pub(crate) fn into_vec(mut self) -> Vec<T> {
        self.memory.truncate(self.len);
        self.memory
    }
}

/// Of what is in use alone: what stands behind it may be of any size.
impl<T: Copy + Default> Clone for Lanes<T> {
    fn clone(&self) -> Self {
        Self::from(self.as_slice().to_vec())
    }
}

impl<T> From<Vec<T>> for Lanes<T> {
    fn from(memory: Vec<T>) -> Self {
        let len = memory.len();
        Self { memory, len }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growing_within_what_was_in_use_writes_nothing() {
        let mut lanes = Lanes::from(vec![1_u64, 2, 3]);
        lanes.set_len(1);
        assert_eq!(lanes.as_slice(), [1]);
        lanes.set_len(3);
        assert_eq!(lanes.as_slice(), [1, 2, 3]);
        lanes.set_len(5);
        assert_eq!(lanes.as_slice(), [1, 2, 3, 0, 0]);
        lanes.set_len(2);
        assert_eq!(lanes.into_vec(), [1, 2]);
    }

    #[test]
    fn a_clone_has_only_what_is_in_use() {
        let mut lanes = Lanes::from(vec![7_u64; 100_000]);
        lanes.set_len(2);
        let mut clone = lanes.clone();
        assert_eq!(clone.as_slice(), [7, 7]);
        assert!(clone.capacity() < 100, "{}", clone.capacity());
        clone.set_len(4);
        assert_eq!(clone.as_slice(), [7, 7, 0, 0]);
    }
}
