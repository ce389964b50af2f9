//! What a model checker stands in for: std's types, or loom's in the library's own tests under
//! `--cfg loom`.
//!
//! Apart from the rest of [`sync`](super) because loom's atomics cannot be made in a constant, and
//! the pools' are. Only the tests: a dependent that sets `--cfg loom` for models of its own gets the
//! library that it ships.

#[cfg(all(test, loom))]
pub(crate) use loom::{
    cell::Cell,
    hint::spin_loop,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU64, AtomicUsize, Ordering, fence},
    },
    thread::yield_now,
};
#[cfg(not(all(test, loom)))]
pub(crate) use std::{
    cell::Cell,
    hint::spin_loop,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU64, AtomicUsize, Ordering, fence},
    },
    thread::yield_now,
};

#[cfg(not(all(test, loom)))]
pub(crate) use super::lock;

/// As [`lock`](super::lock), of the model's mutex.
#[cfg(all(test, loom))]
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Runs `work` in every order that loom finds, and says how many executions that were: few of them
/// mean that the threads of a model do not meet.
#[cfg(all(test, loom))]
pub(crate) fn explore(work: impl Fn() + Send + Sync + 'static) {
    // Std's: of the model itself, and no part of what it explores.
    let executions = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = std::sync::Arc::clone(&executions);
    loom::model(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        work();
    });
    println!("{executions:?} executions");
}

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
