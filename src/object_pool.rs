//! Pools of typed objects: made once, lent by guard or by value, put in order on release.
//!
//! ```text
//!            get ─▶ Pooled (guard) ─ drop ─▶ reset ─┐
//!  idle ──┤                                         ├──▶ idle
//!            acquire ─▶ T (by value) ─ release ─────┘
//! ```
//!
//! An object that is lent by guard stays in its slot: a guard is two pointers, and nothing is
//! copied. An object that is acquired by value is moved out and in, which for large objects costs
//! more than the pool saves. What was released last is handed out first, while it is in cache.
//!
//! A pool has one owner. It can be sent to another thread, but not shared by two; for that, give
//! each thread its own. [`ObjectPool`] has its capacity in its type, [`HeapObjectPool`] is told at
//! run time; they are one pool.
//!
//! What is the caller's may do as it likes: `make`, [`Reset`] and the object's `Drop` may panic, or
//! use the pool that they are called from. The pool's books are in order before any of them runs.

mod ledger;
mod pooled;
mod reset;

use std::alloc::{self, Layout};
use std::any;
use std::fmt;
use std::ops::Deref;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::ptr::NonNull;

use crate::counters::PoolStats;
#[cfg(feature = "allocation-tracking")]
use crate::hot_path::HotPathGuard;
use crate::hot_path::permit_alloc;
use crate::pool_error::PoolError;
use crate::raw::rest;
use crate::raw::slots::{self, Full, Slots, TakesBack};
use crate::raw::tally;
use crate::registry;

use ledger::{Ledger, Shared};
pub use pooled::Pooled;
use pooled::{lay_down, reset};
pub use reset::Reset;

/// A pool of up to `N` objects; all else it has from [`HeapObjectPool`].
///
/// # Cost
///
/// One allocation each for the slots, the list of them, and the counters, when it is made; none
/// afterwards. Moving a pool moves a few words, whatever `N` and `T` are.
///
/// # Examples
///
/// ```
/// use knhk_pool::ObjectPool;
///
/// let pool: ObjectPool<Vec<u32>, 4> = ObjectPool::new(|| Vec::with_capacity(1024));
/// let mut numbers = pool.get()?;
/// numbers.push(7);
/// assert_eq!((pool.in_use(), pool.available()), (1, 3));
/// drop(numbers);
///
/// let numbers = pool.get()?; // the same one: empty again, its capacity kept
/// assert!(numbers.is_empty() && numbers.capacity() >= 1024);
/// # Ok::<(), knhk_pool::PoolError>(())
/// ```
///
/// A guard does not outlive its pool:
///
/// ```compile_fail,E0505
/// # use knhk_pool::ObjectPool;
/// let pool: ObjectPool<String, 4> = ObjectPool::with_default();
/// let text = pool.get().unwrap();
/// drop(pool);
/// drop(text);
/// ```
pub struct ObjectPool<T, const N: usize>(HeapObjectPool<T>);

impl<T: Reset, const N: usize> ObjectPool<T, N> {
    /// Makes the pool and, by `N` calls of `make`, its objects.
    ///
    /// # Panics
    ///
    /// If `make` panics: then what it has made is dropped. If the memory would be more than
    /// `isize::MAX` bytes, or the objects more than 2^31 - 1.
    pub fn new(make: impl FnMut() -> T) -> Self {
        Self(HeapObjectPool::new(N, make))
    }

    /// Like [`new`](Self::new), and listed under `name` in [`snapshot`](crate::snapshot()).
    ///
    /// A name is kept as long as the process lives: give pools of one purpose one name; they are summed.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    pub fn named(name: &str, make: impl FnMut() -> T) -> Self {
        Self(HeapObjectPool::named(name, N, make))
    }

    /// A pool of `T::default()`s.
    pub fn with_default() -> Self
    where
        T: Default,
    {
        Self::new(T::default)
    }
}

impl<T, const N: usize> Deref for ObjectPool<T, N> {
    type Target = HeapObjectPool<T>;

    #[inline(always)]
    fn deref(&self) -> &HeapObjectPool<T> {
        &self.0
    }
}

impl<T, const N: usize> fmt::Debug for ObjectPool<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt_as("ObjectPool", f)
    }
}

/// A pool of objects whose capacity is given at run time.
///
/// A *place* in the pool is idle (its object waits), in use (its object is lent, taken by value, or
/// behind a forgotten guard), or empty (its object was dropped because its [`Reset`] panicked, or
/// [written off](Self::clear)). [`release`](Self::release) fills a place whose object was taken or
/// that is empty.
///
/// # Cost
///
/// `get` and the guard's drop are each a few instructions and one [`Reset::reset`]: no allocation,
/// no lock, no read-modify-write, no copy of the object. A guard that is forgotten
/// ([`mem::forget`](std::mem::forget)) costs its place: it counts as in use, and the object is never
/// dropped.
///
/// # Examples
///
/// ```
/// use knhk_pool::{HeapObjectPool, PoolError};
///
/// let pool = HeapObjectPool::named("lines", 1, String::new);
/// let line = pool.get()?;
/// let refused = pool.get().expect_err("the only one is lent");
/// assert_eq!(refused, PoolError::Exhausted { pool: "lines", capacity: 1 });
/// drop(line);
/// let stats = pool.stats();
/// assert_eq!((stats.hits, stats.exhausted, stats.released, stats.in_use), (1, 1, 1, 0));
/// # Ok::<(), PoolError>(())
/// ```
///
/// A pool is not shared by threads:
///
/// ```compile_fail,E0277
/// # use knhk_pool::HeapObjectPool;
/// let pool = HeapObjectPool::new(4, String::new);
/// std::thread::scope(|scope| {
///     scope.spawn(|| pool.available());
/// });
/// ```
pub struct HeapObjectPool<T> {
    slots: Slots<T, Ledger>,
}

impl<T: Reset> HeapObjectPool<T> {
    /// Makes the pool and, by `capacity` calls of `make`, its objects.
    ///
    /// The pool is not listed in [`snapshot`](crate::snapshot()); errors name it by the type of its
    /// objects.
    ///
    /// # Panics
    ///
    /// If `make` panics: then what it has made is dropped. If the memory would be more than
    /// `isize::MAX` bytes, or the objects more than 2^31 - 1.
    #[track_caller]
    pub fn new(capacity: usize, make: impl FnMut() -> T) -> Self {
        Self::build(any::type_name::<T>(), capacity, make)
    }

    /// Like [`new`](Self::new), and listed under `name` in [`snapshot`](crate::snapshot()), where
    /// its totals stay when the pool is gone.
    ///
    /// A name is kept as long as the process lives: give pools of one purpose one name; they are summed.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    pub fn named(name: &str, capacity: usize, make: impl FnMut() -> T) -> Self {
        let pool = Self::build(registry::intern(name), capacity, make);
        pool.ledger().list();
        pool
    }

    /// A pool of `T::default()`s.
    #[track_caller]
    pub fn with_default(capacity: usize) -> Self
    where
        T: Default,
    {
        Self::new(capacity, T::default)
    }

    #[track_caller]
    fn build(name: &'static str, capacity: usize, mut make: impl FnMut() -> T) -> Self {
        let Some(pool) = Self::vacant(name, capacity) else {
            no_memory::<T>(capacity);
        };
        while pool.places_left() > 0 {
            pool.add(make());
        }
        pool
    }

    /// A pool that is not listed, and whose objects are still to be [added](Self::add); `None` if the
    /// allocator refuses, or the memory would be more than `isize::MAX` bytes.
    pub(crate) fn vacant(name: &'static str, capacity: usize) -> Option<Self> {
        let shared = Shared::new(name, capacity, slots::bytes::<T>(capacity));
        let slots = Slots::try_new(capacity, shared, Ledger::new)?;
        Some(Self { slots })
    }

    /// Places that hold nothing.
    pub(crate) fn places_left(&self) -> usize {
        self.slots.vacant()
    }

    /// Adds an object that was just made; drops it if no place is left.
    pub(crate) fn add(&self, object: T) {
        if let Ok(full) = self.slots.put(object) {
            self.add_to_idle(full);
        }
    }

    fn add_to_idle(&self, full: Full<'_, T, Ledger>) {
        self.ledger().own();
        lay_down(full, Full::add);
    }

    /// Lends an object until the guard is dropped.
    ///
    /// # Errors
    ///
    /// [`PoolError::Exhausted`] when no object is idle.
    #[inline]
    pub fn get(&self) -> Result<Pooled<'_, T>, PoolError> {
        match self.lend() {
            Some(object) => Ok(object),
            None => Err(PoolError::Exhausted {
                pool: self.name(),
                capacity: self.capacity(),
            }),
        }
    }

    /// As [`get`](Self::get), for callers with an error of their own.
    #[inline]
    pub(crate) fn lend(&self) -> Option<Pooled<'_, T>> {
        self.take_idle().map(Pooled::new)
    }

    /// The hit path of [`lend`](Self::lend), which is to be asked if this lends nothing.
    #[inline(always)]
    pub(crate) fn lend_hit(&self) -> Option<Pooled<'_, T>> {
        self.take_hit().map(Pooled::new)
    }

    /// Moves an object out of the pool; `None` when none is idle.
    ///
    /// It counts as in use until an object is [released](Self::release) in its stead.
    ///
    /// # Examples
    ///
    /// ```
    /// use knhk_pool::HeapObjectPool;
    ///
    /// let pool = HeapObjectPool::new(1, String::new);
    /// let text = pool.acquire().expect("idle");
    /// assert_eq!((pool.acquire(), pool.in_use()), (None, 1));
    /// assert_eq!(pool.release(text), Ok(()));
    /// assert_eq!(pool.release("one too many".into()), Err("one too many".into()));
    /// ```
    pub fn acquire(&self) -> Option<T> {
        #[cfg(feature = "allocation-tracking")]
        let _section = HotPathGuard::enter("knhk_pool::HeapObjectPool::acquire");
        let full = self.take_idle()?;
        self.ledger().taken();
        if rest::ALLOCATES {
            return Some(permit_alloc(|| full.take()));
        }
        Some(full.take())
    }

    /// Resets `object` and moves it into the pool, where an object was taken by value or where one
    /// was lost. It need not be one that the pool has made.
    ///
    /// # Errors
    ///
    /// The object, not reset, when no place wants one.
    ///
    /// # Panics
    ///
    /// If [`Reset::reset`] panics: then the object is dropped.
    pub fn release(&self, object: T) -> Result<(), T> {
        let full = self.put(object)?;
        if self.ledger().settle_taken() {
            Ledger::take_back(full);
        } else {
            self.add_to_idle(reset(full, |_never_owned| ()));
        }
        Ok(())
    }

    /// Resets every idle object, and writes off what was taken by value and not released: it counts
    /// as detached, no longer as in use. What guards hold is left alone.
    ///
    /// Which object is handed out next is not defined after this.
    ///
    /// # Panics
    ///
    /// If [`Reset::reset`] panics: then that object is dropped, and the rest is left as it was.
    pub fn clear(&self) {
        // From the top down: what is added again lies above `index`, so that each is met once.
        for index in (0..self.slots.idle()).rev() {
            if let Some(full) = self.slots.set_aside(index) {
                lay_down(reset(full, |ledger| ledger.disown(1)), Full::add);
            }
        }
        self.write_off_taken();
    }

    /// Counts what was taken by value and not released as gone for good.
    pub(crate) fn write_off_taken(&self) {
        self.ledger().write_off_taken();
    }

    #[inline(always)]
    fn take_idle(&self) -> Option<Full<'_, T, Ledger>> {
        self.take_hit().or_else(|| self.take_cold())
    }

    #[inline(always)]
    fn take_hit(&self) -> Option<Full<'_, T, Ledger>> {
        #[cfg(feature = "allocation-tracking")]
        let _section = HotPathGuard::enter("knhk_pool::HeapObjectPool::take_hit");
        self.slots.take_idle(self.ledger().fewest_idle())
    }

    /// Takes more than were ever in use, or refuses.
    #[cold]
    #[inline(never)]
    fn take_cold(&self) -> Option<Full<'_, T, Ledger>> {
        let full = self.slots.take_idle(0);
        match &full {
            Some(_) => self.ledger().raise_high_water(self.slots.idle()),
            None => self.ledger().exhausted(),
        }
        full
    }

    #[inline(always)]
    fn put(&self, object: T) -> Result<Full<'_, T, Ledger>, T> {
        #[cfg(feature = "allocation-tracking")]
        let _section = HotPathGuard::enter("knhk_pool::HeapObjectPool::put");
        self.slots.put(object)
    }
}

// What lists the pool is no reason against it: counters, which a panic leaves in order.
impl<T: RefUnwindSafe> UnwindSafe for HeapObjectPool<T> {}

/// The end of a pool that has no way to refuse.
#[cold]
#[track_caller]
fn no_memory<T>(capacity: usize) -> ! {
    assert!(
        capacity <= tally::IDLE_MAX,
        "capacity overflow: {capacity} objects, of at most {}",
        tally::IDLE_MAX
    );
    // The list has a pointer for each object, however small that is.
    let list = Layout::array::<NonNull<T>>(capacity);
    match Layout::array::<T>(capacity).and_then(|layout| list.map(|_| layout)) {
        Ok(layout) => alloc::handle_alloc_error(layout),
        Err(_) => panic!(
            "capacity overflow: {capacity} objects of {} bytes",
            size_of::<T>()
        ),
    }
}

impl<T> HeapObjectPool<T> {
    /// Objects that wait to be handed out.
    pub fn available(&self) -> usize {
        self.slots.idle()
    }

    /// Whether nothing waits to be handed out, so that the next [`get`](Self::get) is refused.
    pub fn is_empty(&self) -> bool {
        self.available() == 0
    }

    /// Objects that are lent, taken by value, or behind a forgotten guard.
    pub fn in_use(&self) -> usize {
        self.ledger().in_use(self.slots.idle())
    }

    /// The most objects that were ever in use at once.
    pub fn high_water(&self) -> usize {
        self.ledger().high_water()
    }

    /// How many objects the pool can hold.
    pub fn capacity(&self) -> usize {
        self.slots.capacity()
    }

    /// Whether nothing is out, asked by another thread than the one that last handed objects out and
    /// hands out none any more. If so, that thread does nothing more to this pool, and all that it did
    /// is visible to the caller.
    pub(crate) fn is_settled(&self) -> bool {
        self.ledger().is_settled()
    }

    /// The name in errors and snapshots.
    pub fn name(&self) -> &'static str {
        self.ledger().name()
    }

    /// What the pool has done: `hits` were handed out, `exhausted` refused, `freed` dropped because
    /// their [`Reset`] panicked, `detached` [written off](Self::clear).
    pub fn stats(&self) -> PoolStats {
        self.ledger().stats()
    }

    #[inline(always)]
    fn ledger(&self) -> &Ledger {
        self.slots.owner()
    }

    fn fmt_as(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("name", &self.name())
            .field("capacity", &self.capacity())
            .field("available", &self.available())
            .field("in_use", &self.in_use())
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for HeapObjectPool<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_as("HeapObjectPool", f)
    }
}
