//! A named pool: one free list for each thread that uses it.

mod builder;
mod handle;
mod shared;
#[cfg(all(test, not(loom)))]
mod tests;

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::ptr::NonNull;

pub use self::builder::BufferPoolBuilder;
pub use self::handle::PoolHandle;
use self::shared::{Shared, Stray};
use crate::buffer::Buffer;
use crate::config::{ConfigError, Overrides, PoolConfig};
use crate::counters::{Demand, PoolStats};
use crate::free_list::FreeList;
use crate::hot_path::permit_alloc;
use crate::pool_error::PoolError;
use crate::reentry;
use crate::registry::{self, Source};
use crate::seats;
use crate::sync::{Arc, AtomicUsize, OnceLock, Ordering};
use crate::telemetry::semconv;

/// A named pool of equal buffers, each thread with its own part, so that no thread waits for
/// another.
///
/// As a `static` it is configured at first use, from the environment and the file named by
/// `KNHK_POOL_CONFIG` (see [`PoolConfig::load`]); [`builder`](Self::builder) sets sizes in the
/// program. When all of a thread's buffers are in use, the heap serves: [`acquire`](Self::acquire)
/// never fails, and such a *miss* is counted. A heap buffer of the pool's size that is released
/// while there is room joins the pool.
///
/// # Threads
///
/// A thread's first acquire makes its part: one block of memory for all buffers, touched page by
/// page. When the thread ends, its counts stay in the pool's totals, and its memory is handed to the
/// next thread or freed: at most four idle blocks a pool wait. A buffer that is dropped after its
/// thread's part is gone (from another thread-local's destructor) is freed. ADR-005 tells how.
///
/// A process's first use of the pool reads the environment and the file, which no allocator can refuse
/// it without ending the process, whichever function it is: [`try_init`](Self::try_init) brings it
/// forward, to where a start may fail. What [`builder`](Self::builder) builds has had it.
///
/// A buffer that is forgotten (`mem::forget`) keeps its thread's block from being freed while the
/// pool lives.
///
/// After a `fork` while another thread was inside a cold path, the child may wait for ever at its own
/// first use of a thread's part, and in `stats` and `snapshot`; fork before the threads are started.
/// Nothing here may be called from a signal handler.
///
/// # Cost
///
/// A hit takes no lock, no read-modify-write, no clock and no allocation: about 4 core cycles for
/// acquire and release together, more when many are out at once (`benches/README.md`). A thread's
/// cache has 8 places, and pools made one after the other fall on different ones; two pools that
/// share a place and are used by turns pay, for each turn, a search through the pools that the
/// thread uses.
///
/// # Examples
///
/// ```
/// use knhk_pool::BufferPool;
///
/// static INGEST: BufferPool = BufferPool::new("ingest");
///
/// let mut line = INGEST.acquire();
/// line.extend_from_slice(b"<s> <p> <o> .");
/// drop(line);
/// assert_eq!(INGEST.stats().hit_rate(), Some(1.0));
/// ```
///
/// A buffer does not outlive a pool that was built:
///
/// ```compile_fail,E0597
/// use knhk_pool::BufferPool;
///
/// let line = {
///     let pool = BufferPool::builder("short").build().unwrap();
///     pool.acquire()
/// };
/// ```
pub struct BufferPool {
    /// What threads find their part by; `NOT_CACHED` until the pool is set up.
    key: AtomicUsize,
    name: &'static str,
    overrides: Overrides,
    shared: OnceLock<Arc<Shared>>,
}

/// A buffer's memory, and the list that handed it out and takes it back.
type Handout = (NonNull<u8>, NonNull<FreeList>);

impl BufferPool {
    /// A pool that is configured at first use. Meant for a `static`.
    ///
    /// If the configuration is bad then, a warning is emitted once (through `tracing`) and the pool
    /// runs on the default profile; [`try_init`](Self::try_init) tells beforehand.
    pub const fn new(name: &'static str) -> Self {
        Self::unset(name, Overrides::NONE)
    }

    const fn unset(name: &'static str, overrides: Overrides) -> Self {
        Self {
            key: AtomicUsize::new(seats::NOT_CACHED),
            name,
            overrides,
            shared: OnceLock::new(),
        }
    }

    /// Hands out an empty buffer: the pool's own, else one from the heap.
    ///
    /// # Cost
    ///
    /// On a hit, a look-up in this thread's cache and a load and a store: see the type's cost.
    ///
    /// # Panics
    ///
    /// Never. When the heap is exhausted too, the process aborts, as it does for a `Vec`.
    #[inline(always)]
    pub fn acquire(&self) -> Buffer<'_> {
        let (start, list) = self.pop().unwrap_or_else(|| self.acquire_cold());
        // SAFETY: just handed out by that list of this pool, which is stray or this thread's.
        unsafe { Buffer::new(start, list) }
    }

    /// Hands out an empty buffer of the pool's own.
    ///
    /// # Errors
    ///
    /// [`PoolError::Exhausted`] when none of this thread's is idle, and when the allocator refuses
    /// the memory of its part; the next acquire asks again. But for a process's first use of the pool,
    /// which reads the environment: where the allocator refuses what that takes, the process aborts.
    ///
    /// # Examples
    ///
    /// ```
    /// use knhk_pool::{BufferPool, PoolError};
    ///
    /// let pool = BufferPool::builder("one").pool_size(1).build()?;
    /// let first = pool.try_acquire()?;
    /// let refused = pool.try_acquire().unwrap_err();
    /// assert_eq!(refused, PoolError::Exhausted { pool: "one", capacity: 1 });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline(always)]
    pub fn try_acquire(&self) -> Result<Buffer<'_>, PoolError> {
        match self.pop().or_else(|| self.try_acquire_cold()) {
            // SAFETY: as in `acquire`.
            Some((start, list)) => Ok(unsafe { Buffer::new(start, list) }),
            None => Err(self.exhausted()),
        }
    }

    /// Prepares this thread's part now, so that its first acquire does not. A `tracing` span,
    /// `knhk.buffer_pool.prepare`, is around it.
    pub fn warm_up(&self) {
        let config = self.config();
        let span = tracing::info_span!(
            target: "knhk_pool",
            semconv::span::KNHK_BUFFER_POOL_PREPARE,
            "knhk.buffer_pool.name" = self.name,
            "knhk.buffer_pool.size" = config.pool_size() as i64,
            "knhk.buffer_pool.buffer_size" = config.buffer_size() as i64,
        );
        let _prepare = span.enter();
        self.with_list(|list| {
            list.prepare();
        });
    }

    /// Gives this thread's idle memory back to the allocator; returns the bytes given back. The
    /// block goes only if all of its buffers are idle, and is made again at the next acquire.
    pub fn trim_current_thread(&self) -> usize {
        if self.shared.get().is_none() {
            0
        } else {
            self.with_list(FreeList::trim)
        }
    }

    /// A handle to this thread's part, for tight loops in shared libraries, where finding a
    /// thread-local costs a call.
    pub fn handle(&self) -> PoolHandle<'_> {
        let list = self.list();
        // SAFETY: `list` gives a list of this pool that lives as long as the pool, and that is
        // stray or used by this thread alone.
        unsafe { PoolHandle::new(list, self) }
    }

    /// What this pool has done, over all threads, living and ended.
    ///
    /// # Cost
    ///
    /// One lock, and a walk over the threads' counters. Threads that acquire and release on the hit
    /// path do not notice.
    pub fn stats(&self) -> PoolStats {
        self.shared
            .get()
            .map(|shared| shared.stats())
            .unwrap_or_default()
    }

    /// What was asked of this pool, over all threads, living and ended; `None` if it does not
    /// [record](BufferPoolBuilder::recording), or was not used yet.
    ///
    /// # Cost
    ///
    /// One lock, a walk over the threads' records, and allocations.
    pub fn demand(&self) -> Option<Demand> {
        self.shared.get()?.demand()
    }

    /// The pool's name.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The sizes that the pool runs on. Configures it, if this is its first use.
    pub fn config(&self) -> &PoolConfig {
        &self.shared().config
    }

    /// Configures the pool now and tells what is wrong, before the first acquire would have to run
    /// on the default profile.
    ///
    /// # Errors
    ///
    /// What is wrong with the environment or the file. A pool that has not been used yet stays
    /// unconfigured then; one that runs on the default profile because of the error goes on so.
    ///
    /// Refused memory is no such error: where the allocator has none for what is read, or for what the
    /// threads share, the process aborts.
    pub fn try_init(&self) -> Result<(), ConfigError> {
        if self.shared.get().is_none() {
            let config = crate::config::resolve(self.name, &self.overrides, None)?;
            self.set_up(|| (config, None));
        }
        self.shared().config_error.clone().map_or(Ok(()), Err)
    }
}

/// What is not the hit path.
impl BufferPool {
    /// The hit path: an idle buffer, and the list that handed it out.
    #[inline(always)]
    fn pop(&self) -> Option<Handout> {
        // Relaxed: whatever stands in the cache under this id was put there by this thread.
        let list: NonNull<FreeList> = seats::find(self.key.load(Ordering::Relaxed))?.cast();
        // SAFETY: a list of this pool, which lives as long as the pool, and which this thread alone
        // uses (seats' invariants).
        let start = unsafe { list.as_ref() }.pop()?;
        Some((start, list))
    }

    // Returns two words, not a `Buffer`: that would be handed over in memory, on the hit path too.
    #[cold]
    #[inline(never)]
    fn acquire_cold(&self) -> Handout {
        // First use on a thread is the known exception; a miss, below, is none.
        let list = permit_alloc(|| self.list());
        let _inside = reentry::enter();
        // SAFETY: a list of this pool, stray or used by this thread alone.
        (unsafe { list.as_ref() }.acquire_cold(), list)
    }

    #[cold]
    #[inline(never)]
    fn try_acquire_cold(&self) -> Option<Handout> {
        let list = permit_alloc(|| self.list());
        let _inside = reentry::enter();
        // SAFETY: as in `acquire_cold`.
        let start = unsafe { list.as_ref() }.try_acquire_cold()?;
        Some((start, list))
    }

    #[cold]
    #[inline(never)]
    fn exhausted(&self) -> PoolError {
        PoolError::Exhausted {
            pool: self.name,
            capacity: self.config().pool_size(),
        }
    }

    fn with_list<T>(&self, use_list: impl FnOnce(&FreeList) -> T) -> T {
        let list = self.list();
        let _inside = reentry::enter();
        // SAFETY: as in `acquire_cold`.
        use_list(unsafe { list.as_ref() })
    }

    /// This thread's list; a stray one where the thread can have none: because it is ending, because
    /// its allocator calls the pool from inside a cold path, or because there is no memory for one
    /// now.
    fn list(&self) -> NonNull<FreeList> {
        if reentry::is_inside() {
            return self
                .shared
                .get()
                .map_or_else(Stray::nowhere, |shared| shared.stray.list());
        }
        let shared = self.shared();
        let _inside = reentry::enter();
        seats::take(shared).map_or_else(|| shared.stray.list(), NonNull::cast)
    }

    fn shared(&self) -> &Arc<Shared> {
        self.shared
            .get()
            .unwrap_or_else(|| self.set_up(|| self.configure()))
    }

    /// The configuration; the default profile and the error if there is one.
    fn configure(&self) -> (PoolConfig, Option<ConfigError>) {
        match crate::config::resolve(self.name, &self.overrides, None) {
            Ok(config) => (config, None),
            Err(error) => (PoolConfig::default(), Some(error)),
        }
    }

    #[cold]
    fn set_up(
        &self,
        configure: impl FnOnce() -> (PoolConfig, Option<ConfigError>),
    ) -> &Arc<Shared> {
        let inside = reentry::enter();
        let mut is_first = false;
        let shared = self.shared.get_or_init(|| {
            is_first = true;
            let (config, config_error) = configure();
            Arc::new(Shared::new(self.name, config, config_error))
        });
        if is_first {
            registry::register(Arc::clone(shared) as Arc<dyn Source>);
            self.key.store(shared.key, Ordering::Relaxed);
        }
        // Outside the lock and the mark: a subscriber may use pools itself.
        drop(inside);
        if is_first && let Some(error) = &shared.config_error {
            tracing::warn!(
                name: semconv::event::KNHK_BUFFER_POOL_BAD_CONFIG,
                target: "knhk_pool",
                {
                    "knhk.buffer_pool.name" = self.name,
                    "knhk.config.error" = %error,
                },
                "buffer pool {:?} runs on the default profile: {error}",
                self.name,
            );
        }
        shared
    }
}

impl Drop for BufferPool {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.get() {
            let _inside = reentry::enter();
            registry::unregister(&(Arc::clone(shared) as Arc<dyn Source>));
            // SAFETY: buffers and handles borrow the pool, so no thread uses one of its lists again.
            unsafe { shared.end() };
        }
    }
}

// A panic leaves a pool's lists whole.
impl UnwindSafe for BufferPool {}
impl RefUnwindSafe for BufferPool {}

impl fmt::Debug for BufferPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufferPool")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

static DEFAULT: BufferPool = BufferPool::new("default");

/// The pool that [`acquire`] hands out from. Its name is `default`.
pub fn default_pool() -> &'static BufferPool {
    &DEFAULT
}

/// Hands out an empty buffer of the default pool; see [`BufferPool::acquire`].
///
/// # Examples
///
/// ```
/// let mut buffer = knhk_pool::acquire();
/// buffer.push(1);
/// assert_eq!(buffer.len(), 1);
/// assert!(knhk_pool::default_pool().stats().acquires() >= 1);
/// ```
#[inline(always)]
pub fn acquire() -> Buffer<'static> {
    DEFAULT.acquire()
}
