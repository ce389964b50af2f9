//! Arenas: bump allocation in one fixed chunk, given back all at once.
//!
//! ```text
//!  alloc ─▶ room in the chunk? ─▶ subtract, mask, done
//!                └─no─▶ an error, the heap (counted), or a panic: as configured
//!  rewind, reset ─▶ the bump pointer moves back; nothing is dropped, nothing is freed
//! ```
//!
//! A chunk never grows: the size is chosen. With the overflow rule `heap` the high-water mark tells which
//! one would have held; what was refused is not in it, and stands in the count of overflows alone.
//! Who may allocate when is the borrow checker's: [`Scope`] says how.

#[cfg(feature = "allocator-api2")]
mod allocator;
mod error;
mod filling;
mod lender;
mod region;
mod scope;
mod thread;

use std::alloc::Layout;
use std::fmt;
use std::mem::MaybeUninit;
use std::panic::{RefUnwindSafe, UnwindSafe};

pub use self::error::ArenaError;
pub(crate) use self::lender::Lender;
use self::region::{Home, Region};
use self::scope::granted;
pub use self::scope::{Mark, Scope};
pub(crate) use self::thread::{Local, Owner};
use crate::config::{ArenaConfig, ArenaOverflow};
use crate::counters::{ArenaCounters, ArenaStats, CAPACITY_MAX};
use crate::raw::chunk::Chunk;
use crate::raw::owned::Counted;
use crate::registry;

/// Bump allocation in a fixed chunk: temporaries and batches that end together.
///
/// What [`alloc`](Self::alloc) and its kin hand out borrows the arena; [`reset`](Self::reset) takes it
/// mutably and gives everything back in one step. For temporaries inside of temporaries there are
/// scopes: by closure ([`scope`](Self::scope)) or by guard ([`mark`](Self::mark)). [`Scope`] has all
/// that an arena can allocate, documented, and says what holds for values that need `Drop`.
///
/// Allocations are exact: there is no header, and padding only where alignment asks for it. Memory
/// that was never written cannot be read through this interface; what is given back is overwritten
/// with zeros only if asked for ([`with_zero`](Self::with_zero)).
///
/// An arena can be sent to another thread and not shared by two. Each thread has one of its own:
/// [`with_thread`](Self::with_thread).
///
/// # Cost
///
/// An allocation is a handful of instructions, counting included (`benches/README.md`); a reset is a
/// few more, whatever was allocated, plus a write of every used byte if `zero` is set. The chunk is
/// allocated once, and its pages are the kernel's to give when they are first written.
///
/// # Examples
///
/// ```
/// use knhk_pool::Arena;
///
/// let mut arena = Arena::new(); // 1 MiB
/// for batch in 0..3 {
///     let subjects = arena.alloc_slice::<u64>(1000);
///     subjects[0] = batch;
///     let graph = arena.alloc_str("urn:graph");
///     assert_eq!((subjects.len(), &*graph), (1000, "urn:graph"));
///     arena.reset();
/// }
/// assert_eq!(arena.stats().high_water, 8 * 1000 + 9);
/// ```
///
/// Nothing survives a reset:
///
/// ```compile_fail,E0502
/// # let mut arena = knhk_pool::Arena::with_capacity(100);
/// let number = arena.alloc(7);
/// arena.reset();
/// *number += 1;
/// ```
pub struct Arena {
    chunk: Chunk,
    books: Counted<ArenaCounters>,
    home: Home,
    /// The name under which it is listed.
    name: Option<&'static str>,
    is_huge: bool,
}

/// Making one.
impl Arena {
    /// The most bytes that an arena can have: one less than 2 GiB.
    pub const CAPACITY_MAX: usize = CAPACITY_MAX;

    /// An arena of [`ArenaConfig::SIZE_DEFAULT`], 1 MiB, that reads no environment.
    ///
    /// # Panics
    ///
    /// If the allocator refuses the memory.
    pub fn new() -> Self {
        Self::with_capacity(ArenaConfig::SIZE_DEFAULT)
    }

    /// An arena of exactly `bytes`: any size up to [`CAPACITY_MAX`](Self::CAPACITY_MAX), also 0, from
    /// which only what has no bytes can be allocated. The range of [`ArenaConfig`] is for values from
    /// outside the program.
    ///
    /// # Panics
    ///
    /// If the size is above the maximum, or the allocator refuses the memory.
    ///
    /// # Examples
    ///
    /// ```
    /// use knhk_pool::{Arena, ArenaError};
    ///
    /// let arena = Arena::with_capacity(100);
    /// arena.alloc_slice::<u8>(95);
    /// let refused = arena.try_alloc_slice::<u64>(1).unwrap_err();
    /// assert_eq!(refused, ArenaError::Full { bytes: 8, align: 8, left: 5 });
    /// ```
    #[track_caller]
    pub fn with_capacity(bytes: usize) -> Self {
        granted(Self::try_with_capacity(bytes))
    }

    /// As [`with_capacity`](Self::with_capacity).
    ///
    /// # Errors
    ///
    /// [`ArenaError::Capacity`] if the size is above the maximum, [`ArenaError::OutOfMemory`] if the
    /// allocator refuses.
    pub fn try_with_capacity(bytes: usize) -> Result<Self, ArenaError> {
        let (chunk, _) = chunk(bytes, false)?;
        Self::of(chunk, Home::new(ArenaOverflow::Error, false))
    }

    /// An arena as `config` says.
    ///
    /// # Errors
    ///
    /// [`ArenaError::Config`] if a value is out of range, [`ArenaError::OutOfMemory`] if the allocator
    /// refuses.
    ///
    /// # Examples
    ///
    /// ```
    /// use knhk_pool::{Arena, ArenaConfig, ArenaOverflow};
    ///
    /// let config = ArenaConfig::default().with_size(100 << 20).with_overflow(ArenaOverflow::Heap);
    /// let batch = Arena::from_config(&config)?;
    /// assert_eq!(batch.capacity(), 100 << 20);
    /// # Ok::<(), knhk_pool::ArenaError>(())
    /// ```
    pub fn from_config(config: &ArenaConfig) -> Result<Self, ArenaError> {
        config.validate()?;
        let bytes = config.size();
        let home = Home::new(config.overflow(), config.zero());
        let (chunk, is_huge) = chunk(bytes, config.huge_pages())?;
        let mut arena = Self::of(chunk, home)?;
        arena.is_huge = is_huge;
        Ok(arena)
    }

    /// As [`from_config`](Self::from_config), and listed under `name` in
    /// [`snapshot`](crate::snapshot()), where its totals stay when the arena is gone.
    ///
    /// A name is kept as long as the process lives: give arenas of one purpose one name; they are summed.
    ///
    /// # Errors
    ///
    /// As [`from_config`](Self::from_config).
    pub fn named(name: &str, config: &ArenaConfig) -> Result<Self, ArenaError> {
        let arena = Self::from_config(config)?;
        let bytes = name.len();
        let name = registry::try_intern(name).ok_or(ArenaError::OutOfMemory { bytes })?;
        arena.listed(name)
    }

    fn of(chunk: Chunk, home: Home) -> Result<Self, ArenaError> {
        let books = Counted::try_new(ArenaCounters::new(chunk.bytes()));
        let bytes = size_of::<ArenaCounters>();
        Ok(Self {
            books: books.ok_or(ArenaError::OutOfMemory { bytes })?,
            chunk,
            home,
            name: None,
            is_huge: false,
        })
    }

    fn listed(mut self, name: &'static str) -> Result<Self, ArenaError> {
        let bytes = size_of::<(&str, ArenaStats)>();
        registry::register_arena(name, self.books.clone())
            .ok_or(ArenaError::OutOfMemory { bytes })?;
        self.name = Some(name);
        Ok(self)
    }

    /// Sets what happens when there is no room; [`ArenaOverflow::Error`] unless set.
    #[must_use]
    pub fn with_overflow(mut self, overflow: ArenaOverflow) -> Self {
        self.home.overflow = overflow;
        self
    }

    /// Sets whether bytes that are given back are overwritten with zeros: by a reset, the end of a
    /// scope, and the arena's own.
    #[must_use]
    pub fn with_zero(mut self, zero: bool) -> Self {
        self.home.wipes = zero;
        self
    }
}

fn chunk(bytes: usize, huge: bool) -> Result<(Chunk, bool), ArenaError> {
    if bytes > CAPACITY_MAX {
        return Err(ArenaError::Capacity { bytes });
    }
    let out_of_memory = ArenaError::OutOfMemory { bytes };
    #[cfg(all(feature = "huge-pages", target_os = "linux"))]
    if huge {
        let chunk = Chunk::for_huge_pages(bytes).ok_or(out_of_memory)?;
        let is_huge = chunk.advise_huge_pages();
        return Ok((chunk, is_huge));
    }
    debug_assert!(
        !huge,
        "the configuration's check lets no build without them ask for huge pages"
    );
    Ok((Chunk::new(bytes).ok_or(out_of_memory)?, false))
}

/// Giving back.
impl Arena {
    /// Gives everything back. The counts and the high-water mark stay.
    ///
    /// # Cost
    ///
    /// A few instructions, whatever was allocated. If the heap had to help, one `free` for each of
    /// its blocks; if `zero` is set, a write of every byte that was used.
    #[inline(always)]
    pub fn reset(&mut self) {
        // SAFETY: all that this arena has handed out borrows it, and it is borrowed mutably.
        unsafe { self.region().reset() };
    }

    /// Runs `work` with a scope; what it allocates is given back at its end, also when it panics. See
    /// [`Scope`].
    #[inline(always)]
    pub fn scope<R>(&mut self, work: impl FnOnce(&mut Scope<'_>) -> R) -> R {
        self.mark().run(work)
    }

    /// Marks the place; what is allocated from the mark's scopes is given back when it is dropped. See
    /// [`Mark`].
    #[inline(always)]
    pub fn mark(&mut self) -> Mark<'_> {
        // SAFETY: the arena is borrowed mutably for the mark's life.
        unsafe { Mark::new(self.region()) }
    }

    #[inline(always)]
    fn region(&self) -> Region<'_> {
        // SAFETY: the chunk's base and the books of its size (region's invariants 1 and 4); a lender
        // makes a second region only of what it takes out of these books.
        unsafe { Region::new(self.chunk.base(), &self.books, &self.home) }
    }

    #[inline(always)]
    fn here(&self) -> Scope<'_> {
        // SAFETY: while the arena is borrowed nothing is given back, and no mark is made of this.
        unsafe { Scope::new(self.region()) }
    }
}

/// What it is doing.
impl Arena {
    /// Bytes of the chunk.
    pub fn capacity(&self) -> usize {
        self.books.capacity()
    }

    /// Bytes that are left, before alignment.
    pub fn remaining(&self) -> usize {
        self.books.left()
    }

    /// Counts, and bytes in use now and at most.
    pub fn stats(&self) -> ArenaStats {
        self.books.stats()
    }

    /// The name in snapshots; `None` for an arena that is not listed.
    pub fn name(&self) -> Option<&'static str> {
        self.name
    }

    /// Whether the kernel has agreed to back the chunk by huge pages.
    pub fn has_huge_pages(&self) -> bool {
        self.is_huge
    }
}

/// Allocating: for each method, [`Scope`]'s of the same name says what it does.
#[allow(clippy::mut_from_ref, reason = "each call hands out other memory")]
impl Arena {
    /// As [`Scope::alloc`].
    #[inline(always)]
    #[track_caller]
    pub fn alloc<T>(&self, value: T) -> &mut T {
        self.here().alloc(value)
    }

    /// As [`Scope::try_alloc`].
    #[inline(always)]
    pub fn try_alloc<T>(&self, value: T) -> Result<&mut T, ArenaError> {
        self.here().try_alloc(value)
    }

    /// As [`Scope::alloc_with`].
    #[inline(always)]
    #[track_caller]
    pub fn alloc_with<T>(&self, make: impl FnOnce() -> T) -> &mut T {
        self.here().alloc_with(make)
    }

    /// As [`Scope::try_alloc_with`].
    #[inline(always)]
    pub fn try_alloc_with<T>(&self, make: impl FnOnce() -> T) -> Result<&mut T, ArenaError> {
        self.here().try_alloc_with(make)
    }

    /// As [`Scope::alloc_slice`].
    #[inline(always)]
    #[track_caller]
    pub fn alloc_slice<T: Default>(&self, len: usize) -> &mut [T] {
        self.here().alloc_slice(len)
    }

    /// As [`Scope::try_alloc_slice`].
    #[inline(always)]
    pub fn try_alloc_slice<T: Default>(&self, len: usize) -> Result<&mut [T], ArenaError> {
        self.here().try_alloc_slice(len)
    }

    /// As [`Scope::alloc_slice_with`].
    #[inline(always)]
    #[track_caller]
    pub fn alloc_slice_with<T>(&self, len: usize, make: impl FnMut(usize) -> T) -> &mut [T] {
        self.here().alloc_slice_with(len, make)
    }

    /// As [`Scope::try_alloc_slice_with`].
    #[inline(always)]
    pub fn try_alloc_slice_with<T>(
        &self,
        len: usize,
        make: impl FnMut(usize) -> T,
    ) -> Result<&mut [T], ArenaError> {
        self.here().try_alloc_slice_with(len, make)
    }

    /// As [`Scope::alloc_slice_copy`].
    #[inline(always)]
    #[track_caller]
    pub fn alloc_slice_copy<T: Copy>(&self, values: &[T]) -> &mut [T] {
        self.here().alloc_slice_copy(values)
    }

    /// As [`Scope::try_alloc_slice_copy`].
    #[inline(always)]
    pub fn try_alloc_slice_copy<T: Copy>(&self, values: &[T]) -> Result<&mut [T], ArenaError> {
        self.here().try_alloc_slice_copy(values)
    }

    /// As [`Scope::alloc_str`].
    #[inline(always)]
    #[track_caller]
    pub fn alloc_str(&self, text: &str) -> &mut str {
        self.here().alloc_str(text)
    }

    /// As [`Scope::try_alloc_str`].
    #[inline(always)]
    pub fn try_alloc_str(&self, text: &str) -> Result<&mut str, ArenaError> {
        self.here().try_alloc_str(text)
    }

    /// As [`Scope::alloc_from_iter`].
    #[inline]
    #[track_caller]
    pub fn alloc_from_iter<T>(&self, values: impl IntoIterator<Item = T>) -> &mut [T] {
        self.here().alloc_from_iter(values)
    }

    /// As [`Scope::try_alloc_from_iter`].
    #[inline]
    pub fn try_alloc_from_iter<T>(
        &self,
        values: impl IntoIterator<Item = T>,
    ) -> Result<&mut [T], ArenaError> {
        self.here().try_alloc_from_iter(values)
    }

    /// As [`Scope::alloc_slice_uninit`].
    #[inline(always)]
    #[track_caller]
    pub fn alloc_slice_uninit<T>(&self, len: usize) -> &mut [MaybeUninit<T>] {
        self.here().alloc_slice_uninit(len)
    }

    /// As [`Scope::try_alloc_slice_uninit`].
    #[inline(always)]
    pub fn try_alloc_slice_uninit<T>(
        &self,
        len: usize,
    ) -> Result<&mut [MaybeUninit<T>], ArenaError> {
        self.here().try_alloc_slice_uninit(len)
    }

    /// As [`Scope::alloc_layout`].
    #[inline(always)]
    #[track_caller]
    pub fn alloc_layout(&self, layout: Layout) -> &mut [MaybeUninit<u8>] {
        self.here().alloc_layout(layout)
    }

    /// As [`Scope::try_alloc_layout`].
    #[inline(always)]
    pub fn try_alloc_layout(&self, layout: Layout) -> Result<&mut [MaybeUninit<u8>], ArenaError> {
        self.here().try_alloc_layout(layout)
    }
}

impl Default for Arena {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        if self.home.wipes {
            // SAFETY: as in `reset`; the arena's end is none.
            unsafe { self.region().empty() };
        }
        if let Some(name) = self.name {
            registry::unregister_arena(name, &self.books);
        }
    }
}

// A panic leaves the books whole: they are written before and after user code runs.
impl UnwindSafe for Arena {}
impl RefUnwindSafe for Arena {}

impl fmt::Debug for Arena {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arena")
            .field("name", &self.name)
            .field("capacity", &self.capacity())
            .field("remaining", &self.remaining())
            .finish_non_exhaustive()
    }
}
