//! The pools of `knhk-pool`.

use std::mem::{ManuallyDrop, MaybeUninit};

use knhk_pool::{Buffer, BufferPool, LocalPool, PoolConfig, PoolHandle, Workload};

use crate::peer::{BUFFER_SIZE, POOL_SIZE, Peer};
use crate::touch::escape;

static STATIC: BufferPool = BufferPool::new("bench-static");

/// A static [`BufferPool`].
#[derive(Clone, Copy, Debug)]
pub struct StaticPool;

impl StaticPool {
    #[inline(always)]
    fn acquire(&self) -> Buffer<'static> {
        STATIC.acquire()
    }
}

/// A [`BufferPool`] from the builder.
pub fn built_pool(name: &'static str) -> BufferPool {
    let builder = BufferPool::builder(name)
        .pool_size(POOL_SIZE)
        .buffer_size(BUFFER_SIZE);
    builder.build().expect("the sizes are in range")
}

/// What the benches' [`LocalPool`]s are made with.
pub fn config() -> PoolConfig {
    PoolConfig::from(Workload::Medium)
        .with_pool_size(POOL_SIZE)
        .with_buffer_size(BUFFER_SIZE)
}

/// A [`LocalPool`] with [`config`].
pub fn local_pool() -> LocalPool {
    LocalPool::new(config()).expect("the sizes are in range")
}

/// A pool whose buffers are stored away, and so live in memory and not in registers.
#[derive(Debug)]
pub struct Stored<P>(
    /// The pool.
    pub P,
);

macro_rules! hand_out_buffers {
    ($($pool:ty),*) => {$(
        // SAFETY: an empty buffer of BUFFER_SIZE bytes.
        unsafe impl Peer for $pool {
            type Buffer<'a> = Buffer<'a>;

            #[inline(always)]
            fn acquire(&self) -> Buffer<'_> {
                <$pool>::acquire(self)
            }

            #[inline(always)]
            fn memory<'m>(buffer: &'m mut Buffer<'_>) -> &'m mut [MaybeUninit<u8>] {
                buffer.spare_capacity_mut()
            }
        }
    )*};
}

hand_out_buffers!(LocalPool, BufferPool, PoolHandle<'static>, StaticPool);

// SAFETY: as the pool inside.
unsafe impl<P: Peer> Peer for Stored<P> {
    type Buffer<'a>
        = P::Buffer<'a>
    where
        P: 'a;

    #[inline(always)]
    fn acquire(&self) -> P::Buffer<'_> {
        self.0.acquire()
    }

    #[inline(always)]
    fn memory<'m>(buffer: &'m mut P::Buffer<'_>) -> &'m mut [MaybeUninit<u8>] {
        P::memory(buffer)
    }

    #[inline(always)]
    fn keep(buffer: &mut P::Buffer<'_>) {
        escape(buffer);
    }

    #[inline(always)]
    unsafe fn release(&self, buffer: &mut ManuallyDrop<P::Buffer<'_>>) {
        // SAFETY: the caller's bullet.
        unsafe { self.0.release(buffer) };
    }
}
