//! A named pool of objects: one part for each thread that uses it.
//!
//! ```text
//!  thread A ─▶ seat ─▶ core: a pool of objects of its own ─┐
//!  thread B ─▶ seat ─▶ core                                ├─ totals, under one name
//!  ended    ───────────▶ core, waits for the next thread ──┘
//! ```
//!
//! A core is a [`HeapObjectPool`](crate::HeapObjectPool) with one owner, found as a buffer pool's
//! part is (`seats`). What is new here is how it changes hands.
//!
//! # Invariants
//!
//! 1. A core lives from `open_core` until it is doomed. It is doomed only under the pool's lock: when
//!    no thread has it and its objects are all back, or when the pool is dropped. A seat's pointer is
//!    followed by its thread while the pool lives, and at its end only if the pool has not ended.
//! 2. A core is used by one thread at a time: the one whose seat has it; after that the same thread,
//!    for guards that are still out; after all are back, the one that adopts or frees it. That they
//!    are back is seen by an acquire of counters that each release writes last. Other threads read
//!    its counters and, under the lock, its links.
//! 3. A doomed core is in no chain of the pool, and is freed once.
//! 4. A core of which something was out when its thread ended is adopted, but not freed before the
//!    pool is dropped: its last release has counted, but may still be on that thread's stack, with a
//!    reference to it.

mod core;
mod shared;
#[cfg(all(test, not(loom)))]
mod tests;

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};

use self::core::Core;
use self::shared::Shared;
use crate::counters::PoolStats;
use crate::hot_path::permit_alloc;
use crate::object_pool::{HeapObjectPool, Pooled, Reset};
use crate::pool_error::PoolError;
use crate::reentry;
use crate::registry::{self, Source};
use crate::seats;
use crate::sync::{Arc, AtomicUsize, OnceLock, Ordering};

/// A named pool of objects, each thread with `capacity` of its own, so that no thread waits for
/// another. What [`BufferPool`](crate::BufferPool) is for bytes.
///
/// A thread's first use makes its objects, by calls of `make` on that thread. What is released is
/// put in order by its [`Reset`]. `make`, `reset` and an object's `Drop` may panic and may use the
/// pool: `make` finds in it what it has made so far.
///
/// # Threads
///
/// An object is given back to the part that it came from: guards stay on their thread, and
/// [`release`](Self::release) fills a place of the calling thread's part. When a thread ends, its
/// counts stay in the pool's totals, and its part is handed to the next thread, objects and all, or
/// freed: at most four a pool wait. Hence objects are `Send`. Guards that are dropped later, by
/// another thread-local's destructor, give their objects back as ever; the part waits for them. What
/// was taken by value and not released then counts as detached.
///
/// A thread that is ending, past the destructor that gives its part away, is refused. So is an
/// allocator that calls a pool from inside this crate; and, until there is memory again, a thread for whose
/// part the allocator has none. What `make` allocates is its own: where that is refused, `make` decides, and
/// a `Vec` ends the process.
///
/// A guard that is forgotten (`mem::forget`) keeps its thread's part from the next thread, for as
/// long as the pool lives. An object whose `Drop` panics while its thread ends aborts the process,
/// as it would in any thread-local. When the pool is dropped, the idle objects of all threads are
/// dropped by the thread that does it.
///
/// # Cost
///
/// `get` and the guard's drop: the look-up that a [`BufferPool`](crate::BufferPool) has too, and what
/// [`HeapObjectPool`] takes. No lock, no read-modify-write, no allocation, no copy of the object.
/// A thread's cache has 8 places, for pools of both kinds together.
///
/// # Examples
///
/// ```
/// use knhk_pool::ThreadObjectPool;
///
/// static NUMBERS: ThreadObjectPool<Vec<u32>> =
///     ThreadObjectPool::new("numbers", 4, || Vec::with_capacity(1024));
///
/// let mut numbers = NUMBERS.get()?;
/// numbers.push(7);
/// drop(numbers);
/// assert!(NUMBERS.get()?.is_empty()); // the same one, its capacity kept
/// std::thread::spawn(|| NUMBERS.get().map(drop)).join().unwrap()?;
/// assert_eq!(NUMBERS.stats().hits, 3);
/// # Ok::<(), knhk_pool::PoolError>(())
/// ```
///
/// A guard stays on its thread:
///
/// ```compile_fail,E0277
/// # use knhk_pool::ThreadObjectPool;
/// static TEXTS: ThreadObjectPool<String> = ThreadObjectPool::new("moved", 4, String::new);
/// let text = TEXTS.get().unwrap();
/// std::thread::spawn(move || drop(text));
/// ```
///
/// and does not outlive a pool that is no `static`:
///
/// ```compile_fail,E0597
/// # use knhk_pool::ThreadObjectPool;
/// let text = {
///     let pool: ThreadObjectPool<String> = ThreadObjectPool::new("short", 4, String::new);
///     pool.get().unwrap()
/// };
/// ```
///
/// An object passes from thread to thread, so it must be able to:
///
/// ```compile_fail,E0277
/// # use knhk_pool::ThreadObjectPool;
/// # use std::rc::Rc;
/// let pool: ThreadObjectPool<Vec<Rc<u8>>> = ThreadObjectPool::new("not-send", 4, Vec::new);
/// let _ = pool.get();
/// ```
pub struct ThreadObjectPool<T, F = fn() -> T> {
    /// What threads find their part by; `NOT_CACHED` until the pool is set up.
    key: AtomicUsize,
    name: &'static str,
    capacity: usize,
    make: F,
    shared: OnceLock<Arc<Shared<T>>>,
    /// Ends what the threads share when the pool is dropped, whatever `T` and `F` are.
    end: fn(&Arc<Shared<T>>),
}

impl<T: Reset + Send + 'static, F: Fn() -> T> ThreadObjectPool<T, F> {
    /// A pool of up to `capacity` objects a thread, listed under `name` in
    /// [`snapshot`](crate::snapshot()) from its first use on. Nothing is made before.
    pub const fn new(name: &'static str, capacity: usize, make: F) -> Self {
        Self {
            key: AtomicUsize::new(seats::NOT_CACHED),
            name,
            capacity,
            make,
            shared: OnceLock::new(),
            end,
        }
    }

    /// Lends one of this thread's objects until the guard is dropped.
    ///
    /// # Errors
    ///
    /// [`PoolError::Exhausted`] when none is idle; of capacity 0, when this thread can have none (see
    /// the type's *Threads*).
    ///
    /// # Panics
    ///
    /// If `make` does, at a thread's first use. The objects that it made are kept, and the next use
    /// goes on from there. A process's first use ends the process if the allocator refuses it what the threads
    /// share; [`warm_up`](Self::warm_up) brings that forward.
    #[inline(always)]
    pub fn get(&self) -> Result<Pooled<'_, T>, PoolError> {
        match self.here().and_then(|core| core.objects.lend_hit()) {
            Some(object) => Ok(object),
            None => self.get_cold(),
        }
    }

    /// Moves one of this thread's objects out of the pool; `None` when none is idle.
    ///
    /// It counts as in use until this thread [releases](Self::release) one in its stead, or ends.
    ///
    /// # Panics
    ///
    /// As [`get`](Self::get).
    #[inline]
    pub fn acquire(&self) -> Option<T> {
        match self.ready() {
            Some(objects) => objects.acquire(),
            None => self.objects()?.acquire(),
        }
    }

    /// Resets `object` and moves it into this thread's part, where an object was taken by value or
    /// where one was lost. It need not be one that the pool has made.
    ///
    /// # Errors
    ///
    /// The object, not reset, when no place of this thread's part wants one.
    ///
    /// # Panics
    ///
    /// If [`Reset::reset`] panics: then the object is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use knhk_pool::ThreadObjectPool;
    ///
    /// let pool: ThreadObjectPool<String> = ThreadObjectPool::new("by-value", 1, String::new);
    /// let text = pool.acquire().expect("idle");
    /// assert_eq!(pool.acquire(), None);
    /// assert_eq!(pool.release(text), Ok(()));
    /// assert_eq!(pool.release("one too many".into()), Err("one too many".into()));
    /// ```
    #[inline]
    pub fn release(&self, object: T) -> Result<(), T> {
        match self.here().or_else(|| self.existing()) {
            Some(core) => core.objects.release(object),
            None => Err(object),
        }
    }

    /// Makes this thread's objects now, so that its first use does not.
    ///
    /// # Panics
    ///
    /// If `make` does.
    pub fn warm_up(&self) {
        if let Some(core) = self.core() {
            core.fill(&self.make);
        }
    }

    /// What this pool has done, over all threads, living and ended.
    ///
    /// # Cost
    ///
    /// One lock, and a walk over the threads' counters. Threads that get and release do not notice.
    pub fn stats(&self) -> PoolStats {
        let shared = self.shared.get();
        shared.map(|shared| shared.stats()).unwrap_or_default()
    }
}

impl<T, F> ThreadObjectPool<T, F> {
    /// The name in errors and snapshots.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// How many objects a thread can have.
    pub const fn capacity(&self) -> usize {
        self.capacity
    }
}

/// What is not the hit path, and the look-up that is.
impl<T: Reset + Send + 'static, F: Fn() -> T> ThreadObjectPool<T, F> {
    /// This thread's core, if it stands in the cache.
    #[inline(always)]
    fn here(&self) -> Option<&Core<T>> {
        // Relaxed: whatever stands in the cache under this id was put there by this thread.
        let part = seats::find(self.key.load(Ordering::Relaxed))?;
        // SAFETY: invariants 1 and 2: a core of this pool, which lives, and this thread's.
        Some(unsafe { part.cast::<Core<T>>().as_ref() })
    }

    #[cold]
    #[inline(never)]
    fn get_cold(&self) -> Result<Pooled<'_, T>, PoolError> {
        let lent = self.objects().and_then(HeapObjectPool::lend);
        lent.ok_or_else(|| self.exhausted())
    }

    /// This thread's objects, if there is an idle one.
    #[inline(always)]
    fn ready(&self) -> Option<&HeapObjectPool<T>> {
        let objects = &self.here()?.objects;
        (!objects.is_empty()).then_some(objects)
    }

    /// This thread's objects, made if they are not; `None` if it can have none.
    #[cold]
    #[inline(never)]
    fn objects(&self) -> Option<&HeapObjectPool<T>> {
        // First use on a thread is the known exception.
        permit_alloc(|| {
            let core = self.core();
            match core {
                Some(core) => core.fill(&self.make),
                None => self.shared.get().into_iter().for_each(|s| s.refuse()),
            }
            core.map(|core| &core.objects)
        })
    }

    /// This thread's core; `None` if it can have none: because it is ending, or because its allocator
    /// calls the pool from inside a cold path.
    fn core(&self) -> Option<&Core<T>> {
        if reentry::is_inside() {
            return None;
        }
        let shared = self.shared();
        let _inside = reentry::enter();
        // SAFETY: as in `here`.
        seats::take(shared).map(|part| unsafe { part.cast::<Core<T>>().as_ref() })
    }

    /// This thread's core, if it has one.
    #[cold]
    #[inline(never)]
    fn existing(&self) -> Option<&Core<T>> {
        if reentry::is_inside() {
            return None;
        }
        let part = seats::existing(self.shared.get()?)?;
        // SAFETY: as in `here`.
        Some(unsafe { part.cast::<Core<T>>().as_ref() })
    }

    #[cold]
    #[inline(never)]
    fn exhausted(&self) -> PoolError {
        PoolError::Exhausted {
            pool: self.name,
            capacity: self.existing().map_or(0, |_| self.capacity),
        }
    }

    fn shared(&self) -> &Arc<Shared<T>> {
        self.shared.get().unwrap_or_else(|| self.set_up())
    }

    #[cold]
    fn set_up(&self) -> &Arc<Shared<T>> {
        let _inside = reentry::enter();
        let mut is_first = false;
        let shared = self.shared.get_or_init(|| {
            is_first = true;
            Arc::new(Shared::new(self.name, self.capacity))
        });
        if is_first {
            registry::register(Arc::clone(shared) as Arc<dyn Source>);
            self.key.store(shared.key, Ordering::Relaxed);
        }
        shared
    }
}

/// What a pool's drop does, where it was used.
fn end<T: Reset + Send + 'static>(shared: &Arc<Shared<T>>) {
    let inside = reentry::enter();
    registry::unregister(&(Arc::clone(shared) as Arc<dyn Source>));
    // Objects have drops of their own, which may use other pools.
    drop(inside);
    // SAFETY: guards borrow the pool, which is being dropped, so no thread uses a core of it again.
    unsafe { shared.end() };
}

impl<T, F> Drop for ThreadObjectPool<T, F> {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.get() {
            (self.end)(shared);
        }
    }
}

// A panic leaves a pool's cores whole.
impl<T, F: UnwindSafe> UnwindSafe for ThreadObjectPool<T, F> {}
impl<T, F: RefUnwindSafe> RefUnwindSafe for ThreadObjectPool<T, F> {}

impl<T, F> fmt::Debug for ThreadObjectPool<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadObjectPool")
            .field("name", &self.name)
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}
