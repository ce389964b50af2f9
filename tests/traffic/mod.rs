//! Pools that a monitor looks at, and what is acquired from them.

use knhk_pool::telemetry::health::Thresholds;
use knhk_pool::{Buffer, BufferPool};

pub(crate) fn pool(name: &'static str, size: usize) -> BufferPool {
    let builder = BufferPool::builder(name).pool_size(size).buffer_size(64);
    builder.build().expect("its size is good")
}

/// `acquires` at once, of which as many as the pool has are hits.
pub(crate) fn at_once(pool: &BufferPool, acquires: usize) -> Vec<Buffer<'_>> {
    (0..acquires).map(|_| pool.acquire()).collect()
}

pub(crate) fn hits(pool: &BufferPool, acquires: usize) {
    (0..acquires).for_each(|_| drop(pool.acquire()));
}

pub(crate) fn few(acquires_min: u64) -> Thresholds {
    Thresholds {
        acquires_min,
        ..Thresholds::default()
    }
}
