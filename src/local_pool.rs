//! A pool with one owner: a free list without a thread-local in front of it.

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::ptr::NonNull;

use crate::buffer::Buffer;
use crate::config::PoolConfig;
use crate::counters::{Demand, PoolStats};
use crate::free_list::{FreeList, Sizes};
use crate::pool_error::PoolError;
use crate::raw::{owned, slab};

/// A buffer pool with one owner, for code that has a place to keep it: a worker's state, a
/// connection, a parser.
///
/// It is the part that a [`BufferPool`](crate::BufferPool) keeps for each thread, without the
/// look-up. It reads no environment and no file, is in no [`snapshot`](crate::snapshot), and may
/// move to another thread while nothing is borrowed from it; it is not `Sync`.
///
/// # Cost
///
/// Acquire and release together: 3 to 4 core cycles on a hit (`benches/README.md`). Making one
/// allocates and touches all of its memory.
///
/// # Examples
///
/// ```
/// use knhk_pool::{LocalPool, PoolConfig, Workload};
///
/// let pool = LocalPool::new(PoolConfig::from(Workload::Medium))?;
/// {
///     let mut line = pool.acquire();
///     line.extend_from_slice(b"GET / HTTP/1.1");
///     assert_eq!(pool.stats().in_use, 1);
/// }
/// assert_eq!(pool.stats().in_use, 0);
/// # Ok::<(), knhk_pool::PoolError>(())
/// ```
///
/// A buffer does not outlive its pool:
///
/// ```compile_fail,E0505
/// # use knhk_pool::{LocalPool, PoolConfig, Workload};
/// let pool = LocalPool::new(PoolConfig::from(Workload::Low)).unwrap();
/// let line = pool.acquire();
/// drop(pool);
/// drop(line);
/// ```
pub struct LocalPool {
    /// From a `Box`; freed when the pool is dropped. The pointer makes the pool `!Sync`.
    list: NonNull<FreeList>,
    config: PoolConfig,
}

// SAFETY: a free list is used by one thread at a time (its invariant 1); moving the pool hands it
// on, and only while no buffer is out that this thread could still use: buffers borrow the pool.
unsafe impl Send for LocalPool {}

// A panic leaves a list whole.
impl UnwindSafe for LocalPool {}
impl RefUnwindSafe for LocalPool {}

const NAME: &str = "local";

impl LocalPool {
    /// Makes a pool of `config.pool_size()` buffers of `config.buffer_size()` bytes, and touches all
    /// of its memory.
    ///
    /// # Errors
    ///
    /// [`PoolError::Config`] if a size is out of range, [`PoolError::OutOfMemory`] if the allocator
    /// refuses.
    pub fn new(config: PoolConfig) -> Result<Self, PoolError> {
        config.validate()?;
        let stride = slab::stride(config.buffer_size()).unwrap_or(usize::MAX);
        let bytes = stride.saturating_mul(config.pool_size());
        let list = FreeList::new(Sizes::from(&config))
            .filter(|list| list.prepare() || config.pool_size() == 0)
            .and_then(owned::try_box)
            .ok_or(PoolError::OutOfMemory { bytes })?;
        let list = NonNull::from(Box::leak(list));
        Ok(Self { list, config })
    }

    /// Hands out an empty buffer; from the heap when all of the pool's are in use.
    #[inline(always)]
    pub fn acquire(&self) -> Buffer<'_> {
        let list = self.list();
        let start = list.pop().unwrap_or_else(|| list.acquire_cold());
        // SAFETY: just handed out by the list, which lives as long as `self` is borrowed and, since
        // `LocalPool` is not `Sync`, is used by this thread alone for that time.
        unsafe { Buffer::new(start, self.list) }
    }

    /// Hands out an empty buffer of the pool's own.
    ///
    /// # Errors
    ///
    /// [`PoolError::Exhausted`] when none is idle.
    #[inline(always)]
    pub fn try_acquire(&self) -> Result<Buffer<'_>, PoolError> {
        let list = self.list();
        match list.pop().or_else(|| list.try_acquire_cold()) {
            // SAFETY: as in `acquire`.
            Some(start) => Ok(unsafe { Buffer::new(start, self.list) }),
            None => Err(PoolError::Exhausted {
                pool: NAME,
                capacity: list.capacity(),
            }),
        }
    }

    /// What this pool has done.
    pub fn stats(&self) -> PoolStats {
        self.list().stats()
    }

    /// What was asked of this pool, if its configuration says [recording](PoolConfig::recording).
    pub fn demand(&self) -> Option<Demand> {
        self.list().demand()
    }

    /// The sizes it was made with.
    pub fn config(&self) -> &PoolConfig {
        &self.config
    }

    /// Gives idle memory back to the allocator; returns the bytes given back. The pool's slab goes
    /// only when all of its buffers are idle, and is made again at the next acquire.
    pub fn trim(&self) -> usize {
        self.list().trim()
    }

    #[inline(always)]
    fn list(&self) -> &FreeList {
        // SAFETY: from a box that this pool owns.
        unsafe { self.list.as_ref() }
    }
}

impl From<&PoolConfig> for Sizes {
    fn from(config: &PoolConfig) -> Self {
        Self {
            capacity: config.pool_size(),
            buffer_size: config.buffer_size(),
            wipes: config.zero_on_release(),
            records: config.recording(),
        }
    }
}

impl Drop for LocalPool {
    fn drop(&mut self) {
        // SAFETY: from `Box::leak` in `new`; no buffer refers to the list any more, for all borrow
        // the pool.
        drop(unsafe { Box::from_raw(self.list.as_ptr()) });
    }
}

impl fmt::Debug for LocalPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalPool")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
