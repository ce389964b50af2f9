//! An arena that is used by shared reference: whoever comes while it is in use gets what is left.
//!
//! ```text
//!  with ─▶ the whole chunk ─────────────────────────────▶ reset
//!              └─ with ─▶ what is left; the outer scope ─▶ what was left, back
//!                         finds no room meanwhile
//! ```
//!
//! A thread's arena can be reached from anywhere, also from inside its own use, so that the borrow
//! checker cannot keep an outer scope from allocating while an inner one is open. What it allocated
//! then would be given back with the inner one. So an inner use takes *all* that is left out of the
//! outer books, and the outer scope, asked meanwhile, is simply full: no check on the hot path.
//!
//! # Invariants
//!
//! 1. `innermost` is null while nobody uses the arena; else the books of the innermost use, which are
//!    the arena's own or stand in a `Nested` on this thread's stack that is not yet dropped.
//! 2. A use ends before the one that it is nested in: its end is the drop of a local of `with`, which
//!    no caller gets hold of.

use std::cell::Cell;
use std::ptr;

use super::Arena;
use super::region::{Home, Region};
use super::scope::Scope;
use crate::counters::{ArenaCounters, ArenaStats};

/// An arena that lends itself, and then what is left of it.
pub(crate) struct Lender {
    arena: Arena,
    innermost: Cell<*const ArenaCounters>,
}

impl Lender {
    /// Everything in `arena` is the lender's to give back.
    pub(crate) fn new(arena: Arena) -> Self {
        Self {
            arena,
            innermost: Cell::new(ptr::null()),
        }
    }

    /// Whether a use is open.
    #[inline(always)]
    pub(super) fn is_in_use(&self) -> bool {
        !self.innermost.get().is_null()
    }

    pub(crate) fn stats(&self) -> ArenaStats {
        self.arena.stats()
    }

    /// Runs `work` with a scope of what is left; all of it is given back at its end.
    #[inline(always)]
    pub(crate) fn with<R>(&self, work: impl FnOnce(&mut Scope<'_>) -> R) -> R {
        if self.is_in_use() {
            return self.with_nested(work);
        }
        self.innermost.set(ptr::from_ref(&*self.arena.books));
        let outermost = Outermost(self);
        // SAFETY: `outermost` gives back, when it is dropped, after `work`, which can keep nothing:
        // it must do with a scope of any life. Nobody else allocates but nested uses (invariant 2).
        let mut scope = unsafe { Scope::new(outermost.0.arena.region()) };
        work(&mut scope)
    }

    #[cold]
    fn with_nested<R>(&self, work: impl FnOnce(&mut Scope<'_>) -> R) -> R {
        let outer = self.innermost.get();
        // SAFETY: not null, and so the books of a use that is not over (invariant 1).
        let outer = unsafe { &*outer };
        let nested = Nested {
            lender: self,
            outer,
            books: outer.lend(),
            home: Home::new(self.arena.home.overflow, self.arena.home.wipes),
        };
        self.innermost.set(&raw const nested.books);
        // SAFETY: as in `with`; the outer books have nothing left until `nested` is dropped.
        let mut scope = unsafe { Scope::new(nested.region()) };
        work(&mut scope)
    }
}

// SAFETY: a lender that can be moved is not borrowed, so nobody uses it, `innermost` is null, and the
// arena can be sent.
unsafe impl Send for Lender {}

/// The use that found the arena unused.
struct Outermost<'l>(&'l Lender);

impl Drop for Outermost<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: the use is over, all nested ones are (invariant 2), and nobody kept anything.
        unsafe { self.0.arena.region().reset() };
        self.0.innermost.set(ptr::null());
    }
}

/// A use inside of another: books and spills of its own, the same chunk.
struct Nested<'l> {
    lender: &'l Lender,
    outer: &'l ArenaCounters,
    books: ArenaCounters,
    home: Home,
}

impl Nested<'_> {
    fn region(&self) -> Region<'_> {
        // SAFETY: the arena's chunk, and books of what was left in it, taken from the outer books
        // (region's invariant 4).
        unsafe { Region::new(self.lender.arena.chunk.base(), &self.books, &self.home) }
    }
}

impl Drop for Nested<'_> {
    fn drop(&mut self) {
        // SAFETY: as in `Outermost::drop`.
        unsafe { self.region().reset() };
        self.outer.take_back(&self.books);
        self.lender.innermost.set(self.outer);
    }
}
