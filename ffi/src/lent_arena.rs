//! An arena, and the marks that are open on it.
//!
//! In Rust the borrow checker knows which marks end with which. Here they are a stack: to rewind to one
//! ends those that were made after it.
//!
//! # Invariants
//!
//! 1. A lent arena is used by one thread (`table`'s invariant 3), whose calls are not inside each other:
//!    one that comes out of the allocator while another has called it is refused, by `is_busy`, which is set
//!    by all that may call it: not by an allocation from an arena that takes nothing from the heap. The
//!    arena is not dropped meanwhile either (`arena`).
//! 2. `arena` is owned, and used by reference only while `levels` is empty or for reading its books.
//! 3. Of `levels`, only the last one's scope is used; a level's mark and scope were made of the scope
//!    below, or of the arena. Levels end from the last one on, and all before the arena does. A mark
//!    and a scope point into the arena, not to each other, so that they may be moved.

use std::alloc::Layout;
use std::cell::{Cell, UnsafeCell};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU64, Ordering};

use knhk_pool::{ArenaError, ArenaStats, Mark, Scope};

use crate::config_error::config_error;
use crate::status::Status;

pub(crate) struct LentArena {
    arena: NonNull<knhk_pool::Arena>,
    levels: UnsafeCell<Vec<Level>>,
    /// The last one's number; 0 before the first.
    marks: Cell<u64>,
    /// Whether a call is under way.
    is_busy: Cell<bool>,
    /// Whether an allocation may take from the heap.
    spills: bool,
    /// Neither of the two: an allocation calls nobody, and need not be a [`Call`].
    is_plain: Cell<bool>,
}

/// Numbers of marks that an arena takes at once: they share no word for each.
const NUMBERS: u64 = 1 << 20;

/// The number of an arena's mark after that of number `last`. No two marks of the process have one number:
/// one of another arena, or of an arena that is gone, is none of this one's.
fn number_after(last: u64) -> u64 {
    static TAKEN: AtomicU64 = AtomicU64::new(0);
    if last.is_multiple_of(NUMBERS) {
        // Relaxed: a number, which publishes nothing.
        TAKEN.fetch_add(NUMBERS, Ordering::Relaxed) + 1
    } else {
        last + 1
    }
}

/// A call, until it is dropped.
struct Call<'a>(&'a LentArena);

/// In the order in which they end.
struct Level {
    scope: Scope<'static>,
    /// Rewinds when dropped.
    _mark: Mark<'static>,
    number: u64,
}

impl LentArena {
    /// `spills`: as `arena` is configured.
    pub(crate) fn new(arena: knhk_pool::Arena, spills: bool) -> Self {
        Self {
            arena: NonNull::from(Box::leak(Box::new(arena))),
            levels: UnsafeCell::new(Vec::new()),
            marks: Cell::new(0),
            is_busy: Cell::new(false),
            spills,
            is_plain: Cell::new(!spills),
        }
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.is_busy.get()
    }

    #[inline(always)]
    pub(crate) fn alloc(&self, layout: Layout) -> Result<NonNull<u8>, Status> {
        if self.is_plain.get() {
            self.carve(layout)
        } else {
            self.alloc_entering(layout)
        }
    }

    #[inline(never)]
    fn alloc_entering(&self, layout: Layout) -> Result<NonNull<u8>, Status> {
        let _call = self.enter()?;
        self.carve(layout)
    }

    #[inline(always)]
    fn carve(&self, layout: Layout) -> Result<NonNull<u8>, Status> {
        let bytes = match self.levels().last() {
            Some(level) => level.scope.try_alloc_layout(layout),
            None => self.arena().try_alloc_layout(layout),
        };
        match bytes {
            Ok(bytes) => Ok(NonNull::from(bytes).cast()),
            Err(error) => Err(refusal(&error)),
        }
    }

    /// Opens a mark; returns its number, which is not 0.
    pub(crate) fn mark(&self) -> Result<u64, Status> {
        let _call = self.enter()?;
        let levels = self.levels();
        make_room(levels)?;
        let mut mark = match levels.last_mut() {
            // SAFETY: the scope is not used while this level is above it (invariant 3).
            Some(level) => unsafe { &mut *ptr::from_mut(&mut level.scope) }.mark(),
            // SAFETY: there is no level, so nothing else refers to the arena (invariant 2).
            None => unsafe { &mut *self.arena.as_ptr() }.mark(),
        };
        // SAFETY: the scope ends before the mark does, and does not point to it (invariant 3).
        let scope = unsafe { &mut *ptr::from_mut(&mut mark) }.scope();
        let number = number_after(self.marks.get());
        self.marks.set(number);
        levels.push(Level {
            scope,
            _mark: mark,
            number,
        });
        Ok(number)
    }

    /// Gives back what was allocated since the mark, and ends it and those after it.
    pub(crate) fn rewind(&self, number: u64) -> Result<(), Status> {
        let _call = self.enter()?;
        let levels = self.levels();
        let level = levels.iter().rposition(|level| level.number == number);
        end_from(levels, level.ok_or(Status::Stale)?);
        Ok(())
    }

    pub(crate) fn reset(&self) -> Result<(), Status> {
        let _call = self.enter()?;
        end_from(self.levels(), 0);
        // SAFETY: no level is left, so nothing else refers to the arena (invariant 2).
        unsafe { &mut *self.arena.as_ptr() }.reset();
        Ok(())
    }

    pub(crate) fn stats(&self) -> Result<ArenaStats, Status> {
        let _call = self.enter()?;
        Ok(self.arena().stats())
    }

    #[inline(always)]
    fn enter(&self) -> Result<Call<'_>, Status> {
        if self.is_busy.replace(true) {
            return Err(Status::Busy);
        }
        self.is_plain.set(false);
        Ok(Call(self))
    }

    #[inline(always)]
    fn arena(&self) -> &knhk_pool::Arena {
        // SAFETY: owned; nobody has it mutably beyond one of these methods (invariant 2).
        unsafe { self.arena.as_ref() }
    }

    #[inline(always)]
    #[allow(clippy::mut_from_ref, reason = "one at a time: invariant 1")]
    fn levels(&self) -> &mut Vec<Level> {
        // SAFETY: one thread, and no call inside another (invariant 1).
        unsafe { &mut *self.levels.get() }
    }
}

impl Drop for Call<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.0.is_busy.set(false);
        self.0.is_plain.set(!self.0.spills);
    }
}

impl Drop for LentArena {
    fn drop(&mut self) {
        end_from(self.levels.get_mut(), 0);
        // SAFETY: leaked by `new`; no level refers to it any more (invariant 3).
        drop(unsafe { Box::from_raw(self.arena.as_ptr()) });
    }
}

/// A place for one level more.
fn make_room(levels: &mut Vec<Level>) -> Result<(), Status> {
    if levels.len() < levels.capacity() {
        return Ok(());
    }
    let reserved = levels.try_reserve(1);
    reserved.map_err(|_| Status::OutOfMemory)
}

/// `Vec::truncate` would end the first one first.
fn end_from(levels: &mut Vec<Level>, level: usize) {
    while levels.len() > level {
        levels.pop();
    }
}

#[cold]
fn refusal(error: &ArenaError) -> Status {
    match error {
        ArenaError::Full { .. } | ArenaError::Lent { .. } => Status::Full,
        ArenaError::TooLarge => Status::Invalid,
        ArenaError::Config(error) => config_error(error),
        // Out of memory, and what later versions may add.
        _ => Status::OutOfMemory,
    }
}

impl From<ArenaError> for Status {
    fn from(error: ArenaError) -> Self {
        refusal(&error)
    }
}
