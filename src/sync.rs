//! Atomics and locks, from one place, so that a model checker can stand in for them.

pub(crate) mod modelled;

pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
pub(crate) use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, TryLockError};

/// Locks, ignoring poison: under this crate's locks no foreign code runs but the allocator, and what
/// it interrupts is whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}
