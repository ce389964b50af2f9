//! A borrowed handle to one thread's part of a pool.

use std::fmt;
use std::ptr::NonNull;

use super::BufferPool;
use crate::buffer::Buffer;
use crate::free_list::FreeList;
use crate::pool_error::PoolError;
use crate::reentry;

/// The current thread's part of a [`BufferPool`](crate::BufferPool), looked up once.
///
/// In a shared library each look-up of a thread-local is a call. Code that acquires in a loop
/// borrows a handle outside of it. The handle stays on its thread.
///
/// # Examples
///
/// ```
/// use knhk_pool::{BufferPool, Workload};
///
/// let pool = BufferPool::builder("handle-doc").workload(Workload::Low).build()?;
/// let here = pool.handle();
/// for _ in 0..100 {
///     here.acquire().push(1);
/// }
/// assert_eq!(pool.stats().hits, 100);
/// # Ok::<(), knhk_pool::ConfigError>(())
/// ```
pub struct PoolHandle<'pool> {
    /// Outlives `'pool`; pinned, so it stays this thread's. The pointer makes the handle `!Send`.
    list: NonNull<FreeList>,
    pool: &'pool BufferPool,
}

impl<'pool> PoolHandle<'pool> {
    /// # Safety
    ///
    /// * `list` is one of `pool`'s, and is stray or used by this thread alone.
    pub(super) unsafe fn new(list: NonNull<FreeList>, pool: &'pool BufferPool) -> Self {
        // SAFETY: the caller's bullet.
        unsafe { list.as_ref() }.pin();
        Self { list, pool }
    }

    /// As [`BufferPool::acquire`](crate::BufferPool::acquire).
    // The buffer's lifetime is that of `self`, not 'pool: while one is out the handle keeps the list
    // this thread's.
    #[inline(always)]
    pub fn acquire(&self) -> Buffer<'_> {
        let list = self.list();
        let start = list.pop().unwrap_or_else(|| self.acquire_cold());
        // SAFETY: just handed out by the list, which is stray or this thread's.
        unsafe { Buffer::new(start, self.list) }
    }

    /// As [`BufferPool::try_acquire`](crate::BufferPool::try_acquire).
    ///
    /// # Errors
    ///
    /// [`PoolError::Exhausted`] when none of this thread's is idle.
    #[inline(always)]
    pub fn try_acquire(&self) -> Result<Buffer<'_>, PoolError> {
        let list = self.list();
        match list.pop().or_else(|| self.try_acquire_cold()) {
            // SAFETY: as in `acquire`.
            Some(start) => Ok(unsafe { Buffer::new(start, self.list) }),
            None => Err(self.pool.exhausted()),
        }
    }

    /// The hit path alone, for callers with a cold path of their own: the start of a buffer of the pool's
    /// size, or `None`, and nothing is counted, where [`acquire`](Self::acquire) would do more than that.
    ///
    /// It is for [`release_raw`](Self::release_raw) to take back.
    #[doc(hidden)]
    #[inline(always)]
    pub fn hit_raw(&self) -> Option<NonNull<u8>> {
        self.list().pop()
    }

    /// Takes a buffer back, as its drop would.
    ///
    /// # Safety
    ///
    /// * `start` and `capacity` are what [`hit_raw`](Self::hit_raw) or [`Buffer::into_raw`] gave, of this
    ///   handle, and not taken back since; nobody uses the bytes again.
    #[doc(hidden)]
    #[inline(always)]
    pub unsafe fn release_raw(&self, start: NonNull<u8>, capacity: usize) {
        // SAFETY: the caller's bullet.
        unsafe { self.list().release(start, capacity) };
    }

    /// The hit path of [`release_raw`](Self::release_raw), for callers with a cold path of their own, which
    /// calls that: whether the buffer was taken back. If so, `capacity` is the pool's buffer size.
    ///
    /// # Safety
    ///
    /// * As for [`release_raw`](Self::release_raw), if it returns true.
    #[doc(hidden)]
    #[inline(always)]
    pub unsafe fn release_hit_raw(&self, start: NonNull<u8>, capacity: usize) -> bool {
        self.list().release_hit(start, capacity)
    }

    /// Makes a buffer again of what [`release_raw`](Self::release_raw) could take back.
    ///
    /// # Safety
    ///
    /// * As for [`release_raw`](Self::release_raw), but that the bytes are the buffer's.
    #[doc(hidden)]
    pub unsafe fn from_raw(&self, start: NonNull<u8>, capacity: usize) -> Buffer<'_> {
        // SAFETY: handed out by the list to nobody else, says the caller; the list is stray or this
        // thread's.
        unsafe { Buffer::from_raw(start, capacity, self.list) }
    }

    /// As [`acquire`](Self::acquire); `None` where that would abort the process because the heap is
    /// exhausted too.
    #[doc(hidden)]
    #[inline(always)]
    pub fn acquire_or_refuse(&self) -> Option<Buffer<'_>> {
        let start = self
            .list()
            .pop()
            .or_else(|| self.acquire_or_refuse_cold())?;
        // SAFETY: as in `acquire`.
        Some(unsafe { Buffer::new(start, self.list) })
    }

    #[cold]
    #[inline(never)]
    fn acquire_or_refuse_cold(&self) -> Option<NonNull<u8>> {
        let _inside = reentry::enter();
        self.list().acquire_or_refuse_cold()
    }

    #[cold]
    #[inline(never)]
    fn acquire_cold(&self) -> NonNull<u8> {
        let _inside = reentry::enter();
        self.list().acquire_cold()
    }

    #[cold]
    #[inline(never)]
    fn try_acquire_cold(&self) -> Option<NonNull<u8>> {
        let _inside = reentry::enter();
        self.list().try_acquire_cold()
    }

    #[inline(always)]
    fn list(&self) -> &FreeList {
        // SAFETY: lives for 'pool; stray, or pinned to this thread.
        unsafe { self.list.as_ref() }
    }
}

impl Drop for PoolHandle<'_> {
    fn drop(&mut self) {
        self.list().unpin();
    }
}

impl fmt::Debug for PoolHandle<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolHandle")
            .field("pool", &self.pool.name)
            .finish_non_exhaustive()
    }
}
