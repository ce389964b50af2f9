//! What a model checker stands in for: std's types, or loom's in the library's own tests under
//! `--cfg loom`.
//!
//! Apart from the rest of [`sync`](super) because loom's atomics cannot be made in a constant, and
//! the pools' are. Only the tests: a dependent that sets `--cfg loom` for models of its own gets the
//! library that it ships.

#[cfg(all(test, loom))]
pub(crate) use loom::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};
#[cfg(not(all(test, loom)))]
pub(crate) use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

/// Tells the model which slots of a ring are read or written, since it does not see accesses through
/// raw pointers. Without a model it is nothing, and does nothing.
///
/// `index` runs freely; it means the slot at `index` modulo the number of slots.
#[derive(Debug)]
pub(crate) struct Witness {
    #[cfg(all(test, loom))]
    slots: Box<[loom::cell::UnsafeCell<()>]>,
}

#[cfg(not(all(test, loom)))]
impl Witness {
    #[inline(always)]
    pub(crate) fn new(_slots: usize) -> Self {
        Self {}
    }

    /// The slots `index..index + len` are read.
    #[inline(always)]
    pub(crate) fn reads(&self, _index: usize, _len: usize) {}

    /// The slots `index..index + len` are written.
    #[inline(always)]
    pub(crate) fn writes(&self, _index: usize, _len: usize) {}
}

#[cfg(all(test, loom))]
impl Witness {
    pub(crate) fn new(slots: usize) -> Self {
        let slots = (0..slots).map(|_| loom::cell::UnsafeCell::new(()));
        Self {
            slots: slots.collect(),
        }
    }

    pub(crate) fn reads(&self, index: usize, len: usize) {
        self.each(index, len, |slot| slot.with(|_| ()));
    }

    pub(crate) fn writes(&self, index: usize, len: usize) {
        self.each(index, len, |slot| slot.with_mut(|_| ()));
    }

    fn each(&self, index: usize, len: usize, access: impl Fn(&loom::cell::UnsafeCell<()>)) {
        for offset in 0..len {
            access(&self.slots[index.wrapping_add(offset) % self.slots.len()]);
        }
    }
}
