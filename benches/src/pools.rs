//! Other people's pools, each used as its documentation says.

use std::cell::RefCell;
use std::mem::{ManuallyDrop, MaybeUninit};

use bytes::BytesMut;
use object_pool::Reusable;
use opool::{PoolAllocator, RefLocalGuard};
use sharded_slab::Clear;
use sharded_slab::pool::RefMut;
use vecpool::PoolVec;
use zeropool::{Buf, BufUninit, ZeroPool};

use crate::peer::{BUFFER_SIZE, POOL_SIZE, Peer};

/// opool's `LocalPool`: a queue of vectors with one owner.
#[derive(Debug)]
pub struct Opool(opool::LocalPool<Vectors, Vec<u8>>);

/// How opool makes vectors and puts them back in order.
#[derive(Debug)]
pub struct Vectors;

impl PoolAllocator<Vec<u8>> for Vectors {
    #[inline(always)]
    fn reset(&self, buffer: &mut Vec<u8>) {
        buffer.clear();
    }

    fn allocate(&self) -> Vec<u8> {
        Vec::with_capacity(BUFFER_SIZE)
    }
}

impl Opool {
    /// A pool of [`POOL_SIZE`] vectors.
    pub fn new() -> Self {
        Self(opool::LocalPool::new_prefilled(POOL_SIZE, Vectors))
    }
}

impl Default for Opool {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: vectors of BUFFER_SIZE bytes.
unsafe impl Peer for Opool {
    type Buffer<'a> = RefLocalGuard<'a, Vectors, Vec<u8>>;

    #[inline(always)]
    fn acquire(&self) -> Self::Buffer<'_> {
        self.0.get()
    }

    #[inline(always)]
    fn memory<'m>(buffer: &'m mut Self::Buffer<'_>) -> &'m mut [MaybeUninit<u8>] {
        buffer.spare_capacity_mut()
    }
}

/// vecpool: a thread-local stack without a bound.
#[derive(Clone, Copy, Debug)]
pub struct Vecpool;

// SAFETY: vectors of at least BUFFER_SIZE bytes.
unsafe impl Peer for Vecpool {
    type Buffer<'a> = PoolVec<u8>;

    #[inline(always)]
    fn acquire(&self) -> PoolVec<u8> {
        vecpool::with_capacity(BUFFER_SIZE)
    }

    #[inline(always)]
    fn memory(buffer: &mut PoolVec<u8>) -> &mut [MaybeUninit<u8>] {
        buffer.spare_capacity_mut()
    }
}

/// object-pool: a stack behind a lock, for any number of threads.
pub struct ObjectPool(object_pool::Pool<Vec<u8>>);

impl ObjectPool {
    /// A pool of [`POOL_SIZE`] vectors.
    pub fn new() -> Self {
        Self(object_pool::Pool::new(POOL_SIZE, || {
            Vec::with_capacity(BUFFER_SIZE)
        }))
    }
}

impl Default for ObjectPool {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for ObjectPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ObjectPool").finish_non_exhaustive()
    }
}

// SAFETY: vectors of BUFFER_SIZE bytes.
unsafe impl Peer for ObjectPool {
    type Buffer<'a> = Reusable<'a, Vec<u8>>;

    #[inline(always)]
    fn acquire(&self) -> Self::Buffer<'_> {
        let mut buffer = self.0.pull(|| Vec::with_capacity(BUFFER_SIZE));
        buffer.clear();
        buffer
    }

    #[inline(always)]
    fn memory<'m>(buffer: &'m mut Self::Buffer<'_>) -> &'m mut [MaybeUninit<u8>] {
        buffer.spare_capacity_mut()
    }
}

/// zeropool: size classes, a cache for each thread, shared queues behind it.
#[derive(Debug)]
pub struct Zeropool(ZeroPool);

impl Zeropool {
    /// A pool that keeps [`POOL_SIZE`] buffers a thread, and counts if asked to.
    pub fn new(counting: bool) -> Self {
        let pool = ZeroPool::new()
            .tls_cache_size(POOL_SIZE)
            .max_buffers_per_class(POOL_SIZE);
        Self(pool.track_stats(counting))
    }

    /// A buffer that is all zeros.
    pub fn zeroed(&self) -> Buf<'_> {
        self.0.alloc(BUFFER_SIZE)
    }
}

// SAFETY: BUFFER_SIZE bytes were asked for.
unsafe impl Peer for Zeropool {
    type Buffer<'a> = BufUninit<'a>;

    #[inline(always)]
    fn acquire(&self) -> BufUninit<'_> {
        self.0.alloc_uninit(BUFFER_SIZE)
    }

    #[inline(always)]
    fn memory<'m>(buffer: &'m mut BufUninit<'_>) -> &'m mut [MaybeUninit<u8>] {
        buffer.as_uninit_mut()
    }
}

/// sharded-slab's `Pool`: objects that are cleared in place, found by key from any thread.
pub struct ShardedSlab(sharded_slab::Pool<Page>);

/// A vector that is made with its full size.
#[derive(Debug)]
pub struct Page(Vec<u8>);

impl Default for Page {
    fn default() -> Self {
        Self(Vec::with_capacity(BUFFER_SIZE))
    }
}

impl Clear for Page {
    #[inline(always)]
    fn clear(&mut self) {
        self.0.clear();
    }
}

impl ShardedSlab {
    /// An empty pool: it grows as it is used.
    pub fn new() -> Self {
        Self(sharded_slab::Pool::new())
    }
}

impl Default for ShardedSlab {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for ShardedSlab {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShardedSlab").finish_non_exhaustive()
    }
}

// SAFETY: pages of BUFFER_SIZE bytes.
unsafe impl Peer for ShardedSlab {
    type Buffer<'a> = RefMut<'a, Page>;

    #[inline(always)]
    fn acquire(&self) -> Self::Buffer<'_> {
        self.0.create().expect("room for millions of pages")
    }

    #[inline(always)]
    fn memory<'m>(buffer: &'m mut Self::Buffer<'_>) -> &'m mut [MaybeUninit<u8>] {
        buffer.0.spare_capacity_mut()
    }

    #[inline(always)]
    unsafe fn release(&self, buffer: &mut ManuallyDrop<Self::Buffer<'_>>) {
        let key = buffer.key();
        // SAFETY: the caller does not use it again.
        unsafe { ManuallyDrop::drop(buffer) };
        self.0.clear(key);
    }
}

/// `BytesMut` in place of a pool: a buffer is split off, and `reserve` takes its memory back when it
/// is gone. With more than one out it allocates.
#[derive(Debug, Default)]
pub struct LastSplit(RefCell<BytesMut>);

// SAFETY: BUFFER_SIZE bytes were reserved.
unsafe impl Peer for LastSplit {
    type Buffer<'a> = BytesMut;

    #[inline(always)]
    fn acquire(&self) -> BytesMut {
        let mut rest = self.0.borrow_mut();
        rest.reserve(BUFFER_SIZE);
        rest.split_off(0)
    }

    #[inline(always)]
    fn memory(buffer: &mut BytesMut) -> &mut [MaybeUninit<u8>] {
        buffer.spare_capacity_mut()
    }
}
