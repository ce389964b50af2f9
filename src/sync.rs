//! Atomics and locks, from one place, so that a model checker can stand in for them.

pub(crate) mod modelled;

pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
pub(crate) use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock};
use std::sync::{TryLockError, TryLockResult};

/// Locks, ignoring poison: under this crate's locks no foreign code runs but the allocator, and what
/// it interrupts is whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// What trying to lock has given, ignoring poison as [`lock`] does; `None` if another holds the lock.
///
/// The guard comes out of the error, since the error holds the lock too: who would lock again beside it
/// waits for itself.
pub(crate) fn unless_held<G>(tried: TryLockResult<G>) -> Option<G> {
    match tried {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lock_that_a_panic_has_poisoned_is_taken_and_one_that_is_held_is_not() {
        let number = Mutex::new(7);
        let panics = || {
            let _held = lock(&number);
            panic!("while it is held");
        };
        assert!(std::panic::catch_unwind(panics).is_err());
        assert!(number.is_poisoned());
        assert_eq!(*lock(&number), 7);
        let first = unless_held(number.try_lock()).expect("nobody holds it");
        assert!(unless_held(number.try_lock()).is_none());
        drop(first);
        assert!(unless_held(number.try_lock()).is_some());
    }
}
