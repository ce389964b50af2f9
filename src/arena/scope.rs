//! Scopes: who may allocate, and when what they have allocated is given back.

use std::alloc::Layout;
use std::fmt;
use std::mem::{self, ManuallyDrop, MaybeUninit};
use std::ptr::{self, NonNull};
use std::{slice, str};

use super::error::ArenaError;
use super::filling::Filling;
use super::region::{Home, Place, Region};
use crate::counters::ArenaCounters;

/// Allocates from an arena; what it hands out lives as long as the scope, `'s`.
///
/// A scope comes from [`Arena::scope`](crate::Arena::scope), [`Mark::scope`],
/// [`Arena::with_thread`](crate::Arena::with_thread) or [`scratch::with`](crate::scratch::with).
/// While a scope inside it is open, it is borrowed and cannot allocate; what it has handed out before
/// stays valid.
///
/// Every method has a `try_` form that returns an [`ArenaError`] where the other one panics. With
/// [`ArenaOverflow::Heap`](crate::ArenaOverflow::Heap) both fall back to the heap;
/// with [`ArenaOverflow::Panic`](crate::ArenaOverflow::Panic) both panic.
///
/// Values are never dropped. A type that has something to drop is refused at compile time: it would
/// leak. Put a `Vec` or `Box` *on* the arena instead (feature `allocator-api2`), which drops what it
/// holds.
///
/// # Cost
///
/// An allocation is a subtraction, a mask, a compare, two stores of books, and what it takes to write
/// the value. `benches/README.md` has the figures.
///
/// # Examples
///
/// ```
/// use knhk_pool::Arena;
///
/// let mut arena = Arena::with_capacity(4096);
/// let longest = arena.scope(|outer| {
///     let words = outer.alloc_from_iter("to be or not".split(' '));
///     outer.scope(|inner| {
///         let lengths = inner.alloc_slice::<usize>(words.len());
///         for (length, word) in lengths.iter_mut().zip(&*words) {
///             *length = word.len();
///         }
///         lengths.iter().copied().max()
///     }) // the lengths are given back, the words are still there
/// });
/// assert_eq!(longest, Some(3));
/// assert_eq!(arena.stats().in_use, 0);
/// ```
///
/// Nothing outlives its scope:
///
/// ```compile_fail
/// # let mut arena = knhk_pool::Arena::with_capacity(4096);
/// let escaped = arena.scope(|scope| scope.alloc(7));
/// ```
///
/// and a type that needs `Drop` is refused:
///
/// ```compile_fail,E0080
/// # let arena = knhk_pool::Arena::with_capacity(4096);
/// arena.alloc(String::from("would leak"));
/// ```
pub struct Scope<'s> {
    region: Region<'s>,
}

impl<'s> Scope<'s> {
    /// # Safety
    ///
    /// * Until 's ends, nothing that this scope allocates is given back, but by marks that the scope
    ///   itself hands out; and by those only if the region's borrower is borrowed mutably for 's.
    #[inline(always)]
    pub(super) unsafe fn new(region: Region<'s>) -> Self {
        Self { region }
    }

    /// Moves `value` into the arena.
    ///
    /// # Panics
    ///
    /// If there is no room (see the [type](Self)).
    #[inline(always)]
    #[track_caller]
    #[allow(clippy::mut_from_ref, reason = "each call hands out other memory")]
    pub fn alloc<T>(&self, value: T) -> &'s mut T {
        granted(self.try_alloc(value))
    }

    /// As [`alloc`](Self::alloc).
    ///
    /// # Errors
    ///
    /// If there is no room.
    #[inline(always)]
    pub fn try_alloc<T>(&self, value: T) -> Result<&'s mut T, ArenaError> {
        const {
            assert!(
                !mem::needs_drop::<T>(),
                "an arena never drops: T must not need it"
            )
        };
        let start = self.region.alloc_value(value)?;
        // SAFETY: just written, and not given back before 's ends: a scope is given back by one who
        // has it borrowed for all of its life.
        Ok(unsafe { &mut *start.as_ptr() })
    }

    /// Puts what `make` returns into the arena, without a copy where the compiler can do without.
    ///
    /// The place is taken before `make` runs, which may allocate from this scope itself.
    ///
    /// # Panics
    ///
    /// If there is no room, or `make` panics: then its place comes back with the scope.
    #[inline(always)]
    #[track_caller]
    #[allow(clippy::mut_from_ref, reason = "each call hands out other memory")]
    pub fn alloc_with<T>(&self, make: impl FnOnce() -> T) -> &'s mut T {
        granted(self.try_alloc_with(make))
    }

    /// As [`alloc_with`](Self::alloc_with).
    ///
    /// # Errors
    ///
    /// If there is no room; `make` is not called then.
    #[inline(always)]
    pub fn try_alloc_with<T>(&self, make: impl FnOnce() -> T) -> Result<&'s mut T, ArenaError> {
        const {
            assert!(
                !mem::needs_drop::<T>(),
                "an arena never drops: T must not need it"
            )
        };
        let start = self.region.alloc(Layout::new::<T>())?.cast::<T>();
        let value = make();
        // SAFETY: memory for a T, nobody else's (region's invariant 2).
        unsafe { start.write(value) };
        // SAFETY: just written, and not given back before 's ends: a scope is given back by one who
        // has it borrowed for all of its life.
        Ok(unsafe { &mut *start.as_ptr() })
    }

    /// A slice of `len` default values: zeros, for numbers.
    ///
    /// # Cost
    ///
    /// Writes all of it; [`alloc_slice_uninit`](Self::alloc_slice_uninit) does not.
    ///
    /// # Panics
    ///
    /// If there is no room, or `T::default` panics.
    ///
    /// # Examples
    ///
    /// ```
    /// # let arena = knhk_pool::Arena::with_capacity(4096);
    /// let sums = arena.alloc_slice::<f64>(128);
    /// assert_eq!((sums.len(), sums[127]), (128, 0.0));
    /// ```
    #[inline(always)]
    #[track_caller]
    #[allow(clippy::mut_from_ref, reason = "each call hands out other memory")]
    pub fn alloc_slice<T: Default>(&self, len: usize) -> &'s mut [T] {
        granted(self.try_alloc_slice(len))
    }

    /// As [`alloc_slice`](Self::alloc_slice).
    ///
    /// # Errors
    ///
    /// If there is no room, or a slice of this size cannot be.
    #[inline(always)]
    pub fn try_alloc_slice<T: Default>(&self, len: usize) -> Result<&'s mut [T], ArenaError> {
        self.try_alloc_slice_with(len, |_| T::default())
    }

    /// A slice of `len` values, each made by `make` from its index.
    ///
    /// # Panics
    ///
    /// If there is no room, or `make` panics: then its place comes back with the scope.
    #[inline(always)]
    #[track_caller]
    #[allow(clippy::mut_from_ref, reason = "each call hands out other memory")]
    pub fn alloc_slice_with<T>(&self, len: usize, make: impl FnMut(usize) -> T) -> &'s mut [T] {
        granted(self.try_alloc_slice_with(len, make))
    }

    /// As [`alloc_slice_with`](Self::alloc_slice_with).
    ///
    /// # Errors
    ///
    /// If there is no room, or a slice of this size cannot be.
    #[inline(always)]
    pub fn try_alloc_slice_with<T>(
        &self,
        len: usize,
        mut make: impl FnMut(usize) -> T,
    ) -> Result<&'s mut [T], ArenaError> {
        const {
            assert!(
                !mem::needs_drop::<T>(),
                "an arena never drops: T must not need it"
            )
        };
        let slice = self.try_alloc_slice_uninit(len)?;
        for (index, place) in slice.iter_mut().enumerate() {
            place.write(make(index));
        }
        let start: *mut T = slice.as_mut_ptr().cast();
        // SAFETY: every place was written just above; the memory is `slice`'s own.
        Ok(unsafe { slice::from_raw_parts_mut(start, len) })
    }

    /// A copy of `values`.
    ///
    /// # Panics
    ///
    /// If there is no room.
    #[inline(always)]
    #[track_caller]
    #[allow(clippy::mut_from_ref, reason = "each call hands out other memory")]
    pub fn alloc_slice_copy<T: Copy>(&self, values: &[T]) -> &'s mut [T] {
        granted(self.try_alloc_slice_copy(values))
    }

    /// As [`alloc_slice_copy`](Self::alloc_slice_copy).
    ///
    /// # Errors
    ///
    /// If there is no room.
    #[inline(always)]
    pub fn try_alloc_slice_copy<T: Copy>(&self, values: &[T]) -> Result<&'s mut [T], ArenaError> {
        let start = self.region.alloc_array::<T>(values.len())?.as_ptr();
        // SAFETY: memory for as many values, and nobody else's (region's invariant 2).
        unsafe { ptr::copy_nonoverlapping(values.as_ptr(), start, values.len()) };
        // SAFETY: just written, and nobody else's until 's ends.
        Ok(unsafe { slice::from_raw_parts_mut(start, values.len()) })
    }

    /// A copy of `text`.
    ///
    /// # Panics
    ///
    /// If there is no room.
    ///
    /// # Examples
    ///
    /// ```
    /// # let arena = knhk_pool::Arena::with_capacity(4096);
    /// let word = arena.alloc_str("iri");
    /// word.make_ascii_uppercase();
    /// assert_eq!(word, "IRI");
    /// ```
    #[inline(always)]
    #[track_caller]
    #[allow(clippy::mut_from_ref, reason = "each call hands out other memory")]
    pub fn alloc_str(&self, text: &str) -> &'s mut str {
        granted(self.try_alloc_str(text))
    }

    /// As [`alloc_str`](Self::alloc_str).
    ///
    /// # Errors
    ///
    /// If there is no room.
    #[inline(always)]
    pub fn try_alloc_str(&self, text: &str) -> Result<&'s mut str, ArenaError> {
        let bytes = self.try_alloc_slice_copy(text.as_bytes())?;
        // SAFETY: the bytes are those of a str.
        Ok(unsafe { str::from_utf8_unchecked_mut(bytes) })
    }

    /// A slice of what `values` yields, however much that is. The iterator may allocate from this
    /// scope itself.
    ///
    /// # Cost
    ///
    /// As for a `Vec`: room for the lower bound of its size at first, twice as much when that is
    /// full, or all that is left where that is less. A slice that is the arena's last allocation grows
    /// where it is; else its old place comes back with the scope.
    ///
    /// # Panics
    ///
    /// If there is no room, or the iterator panics: then as in the error of the `try_` form.
    ///
    /// # Examples
    ///
    /// ```
    /// # let arena = knhk_pool::Arena::with_capacity(4096);
    /// let odd = arena.alloc_from_iter((0..10).filter(|n| n % 2 == 1));
    /// assert_eq!(odd, [1, 3, 5, 7, 9]);
    /// ```
    #[inline]
    #[track_caller]
    #[allow(clippy::mut_from_ref, reason = "each call hands out other memory")]
    pub fn alloc_from_iter<T>(&self, values: impl IntoIterator<Item = T>) -> &'s mut [T] {
        granted(self.try_alloc_from_iter(values))
    }

    /// As [`alloc_from_iter`](Self::alloc_from_iter).
    ///
    /// # Errors
    ///
    /// If there is no room. What the iterator has yielded until then is lost; its place is given back
    /// if it is the arena's last allocation.
    #[inline]
    pub fn try_alloc_from_iter<T>(
        &self,
        values: impl IntoIterator<Item = T>,
    ) -> Result<&'s mut [T], ArenaError> {
        const {
            assert!(
                !mem::needs_drop::<T>(),
                "an arena never drops: T must not need it"
            )
        };
        let values = values.into_iter();
        let mut filling = Filling::new(self.region, values.size_hint().0)?;
        for value in values {
            filling.push(value)?;
        }
        filling.finish()
    }

    /// A slice of `len` values, uninitialised. Its values are never dropped, whatever they are.
    ///
    /// # Cost
    ///
    /// Writes nothing: the way to large temporaries that are written before they are read.
    ///
    /// # Panics
    ///
    /// If there is no room.
    ///
    /// # Examples
    ///
    /// ```
    /// # let arena = knhk_pool::Arena::with_capacity(4096);
    /// let vector = arena.alloc_slice_uninit::<f32>(768);
    /// let mut sum = 0.0;
    /// for place in vector.iter_mut() {
    ///     sum += *place.write(0.5);
    /// }
    /// assert_eq!(sum, 384.0);
    /// ```
    #[inline(always)]
    #[track_caller]
    #[allow(clippy::mut_from_ref, reason = "each call hands out other memory")]
    pub fn alloc_slice_uninit<T>(&self, len: usize) -> &'s mut [MaybeUninit<T>] {
        granted(self.try_alloc_slice_uninit(len))
    }

    /// As [`alloc_slice_uninit`](Self::alloc_slice_uninit).
    ///
    /// # Errors
    ///
    /// If there is no room, or a slice of this size cannot be.
    #[inline(always)]
    pub fn try_alloc_slice_uninit<T>(
        &self,
        len: usize,
    ) -> Result<&'s mut [MaybeUninit<T>], ArenaError> {
        let start = self.region.alloc_array::<MaybeUninit<T>>(len)?;
        // SAFETY: memory for `len`, nobody else's (region's invariant 2) until 's ends; as
        // MaybeUninit it needs no initialisation.
        Ok(unsafe { slice::from_raw_parts_mut(start.as_ptr(), len) })
    }

    /// Bytes for `layout`, uninitialised, at its alignment.
    ///
    /// # Panics
    ///
    /// If there is no room.
    #[inline(always)]
    #[track_caller]
    #[allow(clippy::mut_from_ref, reason = "each call hands out other memory")]
    pub fn alloc_layout(&self, layout: Layout) -> &'s mut [MaybeUninit<u8>] {
        granted(self.try_alloc_layout(layout))
    }

    /// As [`alloc_layout`](Self::alloc_layout).
    ///
    /// # Errors
    ///
    /// If there is no room.
    #[inline(always)]
    pub fn try_alloc_layout(
        &self,
        layout: Layout,
    ) -> Result<&'s mut [MaybeUninit<u8>], ArenaError> {
        let start = self.region.alloc(layout)?.cast::<MaybeUninit<u8>>();
        // SAFETY: as in `try_alloc_slice_uninit`; bytes are aligned anywhere.
        Ok(unsafe { slice::from_raw_parts_mut(start.as_ptr(), layout.size()) })
    }

    /// Runs `work` with a scope inside this one; what it allocates is given back at its end, also when
    /// it panics.
    #[inline(always)]
    pub fn scope<R>(&mut self, work: impl FnOnce(&mut Scope<'_>) -> R) -> R {
        self.mark().run(work)
    }

    /// Marks the place; what is allocated from the mark's scopes is given back when it is dropped.
    #[inline(always)]
    pub fn mark(&mut self) -> Mark<'_> {
        // SAFETY: this scope is borrowed mutably for the mark's life, so that nothing else allocates
        // from the region meanwhile.
        unsafe { Mark::new(self.region) }
    }

    #[cfg(feature = "allocator-api2")]
    pub(super) fn region(&self) -> Region<'s> {
        self.region
    }
}

impl fmt::Debug for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").finish_non_exhaustive()
    }
}

/// A place in an arena, to which it is rewound when this guard is dropped.
///
/// A mark that is forgotten (`mem::forget`) gives nothing back; what it should have given back comes
/// with the scope around it.
///
/// # Examples
///
/// ```
/// use knhk_pool::Arena;
///
/// let mut arena = Arena::with_capacity(1000);
/// let mut mark = arena.mark();
/// for line in ["a b", "c d e"] {
///     let scope = mark.scope();
///     assert!(scope.alloc_from_iter(line.split(' ')).len() >= 2);
///     mark.rewind();
/// }
/// drop(mark);
/// assert_eq!(arena.stats().in_use, 0);
/// ```
///
/// While something of it is in use, it can be neither dropped nor rewound:
///
/// ```compile_fail,E0505
/// # let mut arena = knhk_pool::Arena::with_capacity(1000);
/// let mut mark = arena.mark();
/// let number = mark.scope().alloc(7);
/// drop(mark);
/// *number += 1;
/// ```
#[must_use = "dropping the mark rewinds the arena"]
pub struct Mark<'m> {
    region: Region<'m>,
    place: Place,
}

impl<'m> Mark<'m> {
    /// # Safety
    ///
    /// * Whoever could allocate from the region is borrowed mutably for 'm.
    #[inline(always)]
    pub(super) unsafe fn new(region: Region<'m>) -> Self {
        Self {
            place: region.place(),
            region,
        }
    }

    /// Runs `work` with a scope, and rewinds, also when it panics.
    #[inline(always)]
    pub(super) fn run<R>(self, work: impl FnOnce(&mut Scope<'_>) -> R) -> R {
        let mut mark = ManuallyDrop::new(self);
        let (base, books, home) = mark.region.parts();
        let unwinding = Unwinding {
            base,
            books,
            home,
            place: mark.place,
        };
        let result = work(&mut mark.scope());
        mem::forget(unwinding);
        drop(ManuallyDrop::into_inner(mark));
        result
    }

    /// A scope, whose allocations live until this mark is used again.
    #[inline(always)]
    pub fn scope(&mut self) -> Scope<'_> {
        // SAFETY: the mark is borrowed mutably for the scope's life: it is not rewound before.
        unsafe { Scope::new(self.region) }
    }

    /// Gives back what was allocated since the mark, and keeps the mark.
    #[inline(always)]
    pub fn rewind(&mut self) {
        // SAFETY: the place is this region's, and before it is what the region's borrower has, who
        // is borrowed for 'm. What was allocated since came from scopes that borrow this mark
        // mutably, or from marks inside of them; that it is borrowed here ends them all.
        unsafe { self.region.rewind(self.place) };
    }
}

/// What a mark whose scope unwinds is rewound by.
///
/// Its drop hands its parts on by value, so that they are kept in registers while all goes well: a mark
/// that is dropped on both ways is written to memory for the sake of the other one.
struct Unwinding<'m> {
    base: NonNull<u8>,
    books: &'m ArenaCounters,
    home: &'m Home,
    place: Place,
}

impl Drop for Unwinding<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: the parts of a mark's region, and its place; `run` forgets the mark, or this.
        unsafe { unwound(self.base, self.books, self.home, self.place) };
    }
}

/// # Safety
///
/// * As [`Region::rewind`], of the region that has these parts.
#[cold]
#[inline(never)]
unsafe fn unwound(base: NonNull<u8>, books: &ArenaCounters, home: &Home, place: Place) {
    // SAFETY: the caller's bullet.
    let region = unsafe { Region::new(base, books, home) };
    // SAFETY: as above.
    unsafe { region.rewind(place) };
}

impl Drop for Mark<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.rewind();
    }
}

impl fmt::Debug for Mark<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mark").finish_non_exhaustive()
    }
}

#[inline(always)]
#[track_caller]
pub(super) fn granted<T>(result: Result<T, ArenaError>) -> T {
    match result {
        Ok(granted) => granted,
        Err(error) => refused(&error),
    }
}

#[cold]
#[inline(never)]
#[track_caller]
fn refused(error: &ArenaError) -> ! {
    panic!("{error}")
}
