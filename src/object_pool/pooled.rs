//! The guard, and what becomes of an object whose guard is dropped.

use std::fmt;
use std::ops::{Deref, DerefMut};

use super::Reset;
use super::ledger::Ledger;
#[cfg(feature = "allocation-tracking")]
use crate::hot_path::HotPathGuard;
use crate::hot_path::permit_alloc;
use crate::raw::rest;
use crate::raw::slots::{Full, Lease, TakesBack};

/// An object on loan: a guard that derefs to the object in its slot, and gives it back when it is
/// dropped.
///
/// # Examples
///
/// It stays on its thread:
///
/// ```compile_fail,E0277
/// # use knhk_pool::HeapObjectPool;
/// fn send<T: Send>(_: T) {}
/// let pool = HeapObjectPool::new(4, String::new);
/// send(pool.get().unwrap());
/// ```
///
/// What is put into a pooled object must live as long as the pool's objects do:
///
/// ```compile_fail,E0597
/// # use knhk_pool::HeapObjectPool;
/// let pool: HeapObjectPool<Vec<&'static str>> = HeapObjectPool::new(4, Vec::new);
/// let short_lived = String::from("gone soon");
/// pool.get().unwrap().push(&short_lived);
/// ```
pub struct Pooled<'pool, T: Reset>(Lease<'pool, T, Ledger>);

impl<'pool, T: Reset> Pooled<'pool, T> {
    #[inline(always)]
    pub(super) fn new(full: Full<'pool, T, Ledger>) -> Self {
        Self(Lease::new(full))
    }
}

impl<T: Reset> Deref for Pooled<'_, T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Reset> DerefMut for Pooled<'_, T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: Reset + fmt::Debug> fmt::Debug for Pooled<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::fmt(self, f)
    }
}

impl<T: Reset> TakesBack<T> for Ledger {
    #[inline]
    fn take_back(full: Full<'_, T, Self>) {
        let full = reset(full, Self::freed);
        // From here on: what `reset` does is the caller's.
        #[cfg(feature = "allocation-tracking")]
        let _section = HotPathGuard::enter("knhk_pool::Pooled::drop");
        lay_down(full, Full::park);
    }
}

/// Parks or adds an object. Where the build allocates then ([`rest`]), that is no section's affair.
#[inline(always)]
pub(super) fn lay_down<'a, T>(full: Full<'a, T, Ledger>, how: impl FnOnce(Full<'a, T, Ledger>)) {
    if rest::ALLOCATES {
        permit_alloc(|| how(full));
    } else {
        how(full);
    }
}

/// Resets the object behind `full`. If that panics, the object is dropped and leaves the books by
/// `lost`: an object that is not in order is not handed out.
#[inline(always)]
pub(super) fn reset<'a, T: Reset>(
    full: Full<'a, T, Ledger>,
    lost: fn(&Ledger),
) -> Full<'a, T, Ledger> {
    let mut unreset = Unreset {
        full: Some(full),
        lost,
    };
    if let Some(full) = &mut unreset.full {
        full.reset();
    }
    unreset
        .full
        .take()
        .expect("only the line above and the drop take it")
}

struct Unreset<'a, T> {
    full: Option<Full<'a, T, Ledger>>,
    lost: fn(&Ledger),
}

impl<T> Drop for Unreset<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(full) = self.full.take() {
            let ledger = full.owner();
            full.dispose();
            (self.lost)(ledger);
        }
    }
}
