//! Where an allocation comes from: a chunk's bytes below the bump pointer, and the heap when they do
//! not do.
//!
//! ```text
//!  base (page-aligned)                 bump pointer = base + left
//!  │ free: `left` bytes                │ last allocation │ … │ first allocation │
//!  └───────────────────────────────────┴─────────────────┴───┴──────────────────┘
//!                       ◀── allocations go this way                      capacity
//! ```
//!
//! Downwards, since then one subtraction finds the place and one mask aligns it, and whether there is
//! room is the subtraction's own carry. The mask is of the offset, and serves the address: the base
//! is aligned to more.
//!
//! # Invariants
//!
//! 1. `base` is at a multiple of `CHUNK_ALIGN`, and `capacity` bytes from it on are the chunk's, for
//!    as long as the region is borrowed.
//! 2. What is allocated from the chunk lies in `left .. capacity` of the books at hand; `left` falls,
//!    but for [`rewind`](Region::rewind), [`reset`](Region::reset) and the last allocation's own
//!    shrinking and end. So no two live allocations overlap.
//! 3. One thread at a time uses a region and the books and spills behind it: both are reached through
//!    `Home`, which is not `Sync`.
//! 4. `left` and `capacity` are the chunk's alone, or those of a nested use; then the outer books'
//!    `left` is 0 until that use is over, also if the outer region is rewound meanwhile, and the
//!    capacity of the nested ones is what the outer `left` was.
//! 5. Bytes of the chunk that nothing was allocated from are [hidden](rest::hide); an allocation's are
//!    shown.

use std::alloc::Layout;
use std::ptr::{self, NonNull};

use super::error::ArenaError;
use crate::config::ArenaOverflow;
use crate::counters::{ArenaCounters, Word};
#[cfg(feature = "allocation-tracking")]
use crate::hot_path::HotPathGuard;
use crate::raw::chunk::CHUNK_ALIGN;
use crate::raw::spill::{SpillMark, Spills};
use crate::raw::{nowhere, rest, wipe};

/// What goes with a chunk: the heap's part, and the rules.
#[derive(Debug)]
pub(super) struct Home {
    pub(super) spills: Spills,
    pub(super) overflow: ArenaOverflow,
    /// Whether bytes that are given back are overwritten with zeros.
    pub(super) wipes: bool,
}

impl Home {
    pub(super) const fn new(overflow: ArenaOverflow, wipes: bool) -> Self {
        Self {
            spills: Spills::new(),
            overflow,
            wipes,
        }
    }

    fn refuse<T>(&self, error: ArenaError) -> Result<T, ArenaError> {
        if self.overflow == ArenaOverflow::Panic {
            panic!("{error}");
        }
        Err(error)
    }
}

/// A chunk, its books and its home: all that an allocation needs, in registers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Region<'r> {
    base: NonNull<u8>,
    books: &'r ArenaCounters,
    home: &'r Home,
}

/// How far a region was filled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    left: usize,
    spill: SpillMark,
}

impl<'r> Region<'r> {
    /// # Safety
    ///
    /// * `base` and `books` are a chunk's and what keeps count of it, or of its part below the outer
    ///   `left` (invariants 1 and 4), and no other region allocates by other books from that part.
    #[inline(always)]
    pub(super) unsafe fn new(base: NonNull<u8>, books: &'r ArenaCounters, home: &'r Home) -> Self {
        Self { base, books, home }
    }

    /// What [`new`](Self::new) made it of.
    #[inline(always)]
    pub(super) fn parts(self) -> (NonNull<u8>, &'r ArenaCounters, &'r Home) {
        (self.base, self.books, self.home)
    }

    /// Memory for `layout`, uninitialised. For no bytes an aligned address, which takes nothing.
    #[inline(always)]
    pub(super) fn alloc(self, layout: Layout) -> Result<NonNull<u8>, ArenaError> {
        if layout.size() == 0 {
            return Ok(nowhere(layout.align()));
        }
        match self.carve(layout) {
            Some(start) => Ok(start),
            None => overflow(self.books, self.home, layout),
        }
    }

    /// Memory for `len` values.
    #[inline(always)]
    pub(super) fn alloc_array<T>(self, len: usize) -> Result<NonNull<T>, ArenaError> {
        match Layout::array::<T>(len) {
            Ok(layout) => self.alloc(layout).map(NonNull::cast),
            Err(_) => too_large(self.books, self.home),
        }
    }

    /// Memory for `value`, with it in it. For one of no bytes an aligned address, which takes nothing.
    #[inline(always)]
    pub(super) fn alloc_value<T>(self, value: T) -> Result<NonNull<T>, ArenaError> {
        let layout = Layout::new::<T>();
        let is_plain = layout.size() > 0 && layout.align() <= CHUNK_ALIGN;
        let start = if !is_plain {
            self.alloc(layout)?.cast()
        } else if let Some((start, next)) = self.next(layout) {
            // Before the books, for the reason that `word` has.
            // SAFETY: room for a T that nobody has.
            unsafe { start.cast().write(value) };
            self.books.take(next);
            return Ok(start.cast());
        } else {
            overflow(self.books, self.home, layout)?.cast()
        };
        // SAFETY: memory for a T, nobody else's (2).
        unsafe { start.write(value) };
        Ok(start)
    }

    /// The hot path: room in the chunk.
    #[inline(always)]
    fn carve(self, layout: Layout) -> Option<NonNull<u8>> {
        if layout.align() > CHUNK_ALIGN {
            return self.carve_aligned(layout);
        }
        let (start, next) = self.next(layout)?;
        self.books.take(next);
        Some(start)
    }

    /// Room in the chunk, shown, and what the books have when it is taken.
    #[inline(always)]
    fn next(self, layout: Layout) -> Option<(NonNull<u8>, Word)> {
        #[cfg(feature = "allocation-tracking")]
        let _section = HotPathGuard::enter("knhk_pool::Arena::alloc");
        let next = ArenaCounters::next(self.word(), layout.size(), layout.align())?;
        Some((self.shown(next.left(), layout), next))
    }

    /// The books' word, by a plain load: around an atomic one the compiler keeps no value in registers, and
    /// writes one that is to be moved into the arena to the stack first.
    #[inline(always)]
    fn word(self) -> Word {
        // SAFETY: this thread alone stores it (3).
        let word = unsafe { *self.books.word().as_ptr() };
        Word(word)
    }

    /// The place of an allocation that leaves `left`.
    #[inline(always)]
    fn shown(self, left: usize, layout: Layout) -> NonNull<u8> {
        // SAFETY: left <= capacity, and `capacity` bytes from `base` on are the chunk's (1).
        let start = unsafe { self.base.add(left) };
        // SAFETY: below the old `left`, and so hidden (5).
        unsafe { rest::show(start, layout.size()) };
        start
    }

    /// As [`carve`](Self::carve), for alignments that the base does not have.
    #[cold]
    #[inline(never)]
    fn carve_aligned(self, layout: Layout) -> Option<NonNull<u8>> {
        #[cfg(feature = "allocation-tracking")]
        let _section = HotPathGuard::enter("knhk_pool::Arena::alloc");
        let left = self.below(self.books.left(), layout)?;
        self.books.allocated(left);
        Some(self.shown(left, layout))
    }

    /// Where `layout` begins if it ends at `end` or before, as an offset from the base.
    fn below(self, end: usize, layout: Layout) -> Option<usize> {
        let start = end.checked_sub(layout.size())?;
        if layout.align() <= CHUNK_ALIGN {
            Some(start & !(layout.align() - 1))
        } else {
            self.below_aligned(start, layout.align())
        }
    }

    /// As [`below`](Self::below), for alignments that the base does not have: by the address.
    fn below_aligned(self, start: usize, align: usize) -> Option<usize> {
        let base = self.base.addr().get();
        let aligned = base.checked_add(start)? & !(align - 1);
        aligned.checked_sub(base)
    }

    /// Refuses a size that cannot be.
    pub(super) fn too_large<T>(self) -> Result<T, ArenaError> {
        too_large(self.books, self.home)
    }
}

/// The chunk has no room: what the arena's rule says.
// Not a method: a region is three words, which would be handed over in memory, on the hot path too.
#[cold]
#[inline(never)]
fn overflow(books: &ArenaCounters, home: &Home, layout: Layout) -> Result<NonNull<u8>, ArenaError> {
    books.overflowed();
    let bytes = layout.size();
    if home.overflow == ArenaOverflow::Heap {
        let spilled = home.spills.alloc(layout);
        let (start, held) = spilled.ok_or(ArenaError::OutOfMemory { bytes })?;
        books.heap_allocated(held);
        return Ok(start);
    }
    let error = if books.is_lent() {
        ArenaError::Lent { bytes }
    } else {
        ArenaError::Full {
            bytes,
            align: layout.align(),
            left: books.left(),
        }
    };
    home.refuse(error)
}

#[cold]
#[inline(never)]
fn too_large<T>(books: &ArenaCounters, home: &Home) -> Result<T, ArenaError> {
    books.overflowed();
    home.refuse(ArenaError::TooLarge)
}

/// Giving back, all at once.
impl Region<'_> {
    #[inline(always)]
    pub(super) fn place(self) -> Place {
        let left = self.books.left();
        Place {
            // What a nested use has comes back with its end, which this place may outlive.
            left: if left == 0 { self.books.unused() } else { left },
            spill: self.home.spills.mark(),
        }
    }

    /// Gives back what was allocated since `place`.
    ///
    /// # Safety
    ///
    /// * `place` was taken from this region, and what was allocated before it was not given back
    ///   since.
    /// * Nobody uses what was allocated since.
    #[inline(always)]
    pub(super) unsafe fn rewind(self, place: Place) {
        // SAFETY: the caller's bullets.
        unsafe { self.clear(place) };
        // SAFETY: the caller's second bullet.
        unsafe { self.hide_to(place.left) };
        self.books.rewind(place.left);
    }

    /// Gives everything back.
    ///
    /// # Safety
    ///
    /// * Nobody uses anything that was allocated from this region.
    #[inline(always)]
    pub(super) unsafe fn reset(self) {
        // SAFETY: the caller's bullet.
        unsafe { self.empty() };
        self.books.count_reset();
    }

    /// As [`reset`](Self::reset), and not counted as one.
    ///
    /// # Safety
    ///
    /// * As [`reset`](Self::reset).
    #[inline(always)]
    pub(super) unsafe fn empty(self) {
        let empty = Place {
            left: self.books.capacity(),
            spill: SpillMark::EMPTY,
        };
        // SAFETY: the place that every region begins at, and the caller's bullet for all since.
        unsafe { self.rewind(empty) };
    }

    /// Hides what was allocated since `left` bytes remained, where the build asks for it.
    ///
    /// # Safety
    ///
    /// * Nobody uses what was allocated since.
    #[inline(always)]
    unsafe fn hide_to(self, left: usize) {
        if rest::HIDES {
            // SAFETY: the caller's bullet.
            unsafe { self.hide(self.books.unused(), left) };
        }
    }

    /// # Safety
    ///
    /// * `from <= to <= capacity`, and nobody uses the bytes between.
    unsafe fn hide(self, from: usize, to: usize) {
        // SAFETY: from <= capacity (1).
        let start = unsafe { self.base.add(from) };
        // SAFETY: the bytes are the chunk's (1), and nobody's, says the caller.
        unsafe { rest::hide(start, to.saturating_sub(from)) };
    }

    /// What a rewind to `place` does beside moving the pointer.
    ///
    /// # Safety
    ///
    /// * As [`rewind`](Self::rewind).
    #[inline(always)]
    unsafe fn clear(self, place: Place) {
        if self.home.wipes || self.home.spills.mark() != place.spill {
            // SAFETY: the caller's bullets.
            unsafe { clear_cold(self.base, self.books, self.home, place.left, place.spill) };
        }
    }

    /// # Safety
    ///
    /// * `from <= to <= capacity`, and nobody uses the bytes between.
    unsafe fn wipe(self, from: usize, to: usize) {
        // SAFETY: from <= capacity (1).
        let start = unsafe { self.base.add(from) };
        // SAFETY: as the caller says; what alignment left out is still hidden.
        unsafe { rest::uncover(start, to.saturating_sub(from)) };
        // SAFETY: the bytes are the chunk's (1) and nobody else looks at them, says the caller.
        unsafe { wipe(start, to.saturating_sub(from)) };
    }
}

/// # Safety
///
/// * As [`Region::rewind`], for the region and the place of these parts.
// In parts, as `overflow`.
#[cold]
#[inline(never)]
unsafe fn clear_cold(
    base: NonNull<u8>,
    books: &ArenaCounters,
    home: &Home,
    left: usize,
    spill: SpillMark,
) {
    if home.wipes {
        let region = Region { base, books, home };
        // SAFETY: nobody uses what lies between: the caller's second bullet.
        unsafe { region.wipe(books.unused(), left) };
    }
    // SAFETY: both bullets are the caller's.
    let freed = unsafe { home.spills.free_to(spill, home.wipes) };
    books.heap_freed(freed);
}

/// The last allocation may change its size, and go.
impl Region<'_> {
    /// Makes a block larger, where it is if it is the last one. What it held is kept; the block's
    /// start may move.
    ///
    /// # Safety
    ///
    /// * `start` was allocated from this region for `old` and not given back, and is used no more
    ///   unless an error comes back.
    /// * `new.size() >= old.size()`.
    pub(super) unsafe fn grow(
        self,
        start: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<u8>, ArenaError> {
        if let Some(left) = self
            .end_of_last(start, old)
            .and_then(|end| self.below(end, new))
        {
            // SAFETY: `left ..` is free up to the block's own end (2).
            return Ok(unsafe { self.move_last(start, left, old.size()) });
        }
        let grown = self.alloc(new)?;
        // SAFETY: `grown` is as long as the old block at least, and another one (2).
        unsafe { grown.copy_from_nonoverlapping(start, old.size()) };
        Ok(grown)
    }

    /// Makes a block smaller. Its first bytes are kept; its start may move.
    ///
    /// # Safety
    ///
    /// * As [`grow`](Self::grow), with `new.size() <= old.size()`.
    pub(super) unsafe fn shrink(
        self,
        start: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<u8>, ArenaError> {
        if let Some(left) = self
            .end_of_last(start, old)
            .and_then(|end| self.below(end, new))
        {
            let from = self.books.left();
            // SAFETY: inside the old block, unless the alignment rose; then below it, where all is
            // free (2).
            let moved = unsafe { self.move_last(start, left, new.size()) };
            if self.home.wipes && left > from {
                // SAFETY: what the block has left behind is nobody's.
                unsafe { self.wipe(from, left) };
            }
            if rest::HIDES && left > from {
                // SAFETY: as above.
                unsafe { self.hide(from, left) };
            }
            return Ok(moved);
        }
        if start.addr().get().is_multiple_of(new.align()) {
            return Ok(start);
        }
        let moved = self.alloc(new)?;
        // SAFETY: another block (2), and both are as long as that.
        unsafe { moved.copy_from_nonoverlapping(start, new.size()) };
        Ok(moved)
    }

    /// Gives a block back, if it is the last one; else its place comes back with the rest.
    ///
    /// # Safety
    ///
    /// * `start` was allocated from this region for `layout`, not given back, and nobody uses it.
    pub(super) unsafe fn free(self, start: NonNull<u8>, layout: Layout) {
        if let Some(end) = self.end_of_last(start, layout) {
            if self.home.wipes {
                // SAFETY: the block is nobody's from now on.
                unsafe { self.wipe(self.books.left(), end) };
            }
            // SAFETY: as above: it is the last block.
            unsafe { self.hide_to(end) };
            self.books.rewind(end);
        // SAFETY: the caller's bullet.
        } else if let Some(bytes) = unsafe { self.home.spills.free_last(start, self.home.wipes) } {
            self.books.heap_freed(bytes);
        }
    }

    /// Bytes of the chunk that a block which grows may have: its own among them if it is the last one.
    /// Alignment may take some of the others.
    pub(super) fn room(self, start: NonNull<u8>, layout: Layout) -> usize {
        let end = self.end_of_last(start, layout);
        end.unwrap_or_else(|| self.books.left())
    }

    /// Where a block ends, as an offset, if it is the chunk's last.
    #[inline(always)]
    fn end_of_last(self, start: NonNull<u8>, layout: Layout) -> Option<usize> {
        let left = self.books.left();
        // A spill may lie right behind the chunk's end, or what has no bytes at its bump pointer.
        let is_last = self.base.addr().get() + left == start.addr().get()
            && left < self.books.capacity()
            && layout.size() != 0;
        is_last.then(|| left + layout.size())
    }

    /// Makes `left` the bump pointer and moves the last block's first `bytes` there.
    ///
    /// # Safety
    ///
    /// * `bytes` from `start` on are the last block's, and so are the same from `left` on, or free.
    unsafe fn move_last(self, start: NonNull<u8>, left: usize, bytes: usize) -> NonNull<u8> {
        // SAFETY: left <= capacity (1).
        let moved = unsafe { self.base.add(left) };
        if rest::HIDES {
            // SAFETY: below the last block all is hidden (5).
            unsafe { rest::show(moved, self.books.left().saturating_sub(left)) };
        }
        // SAFETY: both ranges are inside the chunk, says the caller; `copy` lets them overlap.
        unsafe { ptr::copy(start.as_ptr(), moved.as_ptr(), bytes) };
        // A shrinking gives back, too.
        self.books.rewind(left);
        moved
    }
}
