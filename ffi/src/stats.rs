//! What pools, arenas and rings have done.
//!
//! # Invariants
//!
//! 1. No other symbol of the process has the name of one exported here: all begin with `knhk_`.

use crate::arena::{Arena, lent};
use crate::place::Place;
use crate::pool::{Pool, find};
use crate::ring::{Half, look};
use crate::status::{Status, guarded};

/// What a pool has done, over all threads, living and ended.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub struct PoolStats {
    /// Acquires that the pool served.
    pub hits: u64,
    /// Acquires that the heap served.
    pub misses: u64,
    /// Acquires that were refused.
    pub exhausted: u64,
    /// Buffers that went back to the pool.
    pub released: u64,
    /// Buffers that went back to the heap.
    pub freed: u64,
    /// Times that a buffer grew past the pool's size.
    pub grown: u64,
    /// Buffers in use now.
    pub in_use: u64,
    /// Buffers idle now.
    pub idle: u64,
    /// The most that were in use at once on one thread.
    pub high_water: u64,
    /// Bytes of the pool's memory now.
    pub bytes: u64,
    /// Threads that have a part now.
    pub threads: u64,
    /// Hits as a share of all acquires, 0 to 1; -1 before the first.
    pub hit_rate: f64,
}

/// What an arena has done, and what it holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct ArenaStats {
    /// Allocations served.
    pub allocations: u64,
    /// Requests that the chunk had no room for.
    pub overflows: u64,
    /// Times that everything was given back.
    pub resets: u64,
    /// Bytes of the chunk in use now, padding included.
    pub in_use: u64,
    /// Bytes of the chunk.
    pub capacity: u64,
    /// The most bytes in use at once, heap included.
    pub high_water: u64,
    /// Bytes that the heap has lent now.
    pub heap_bytes: u64,
}

/// What a half sees of its ring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct RingStats {
    /// Records that it holds.
    pub len: u64,
    /// Records that it can hold.
    pub capacity: u64,
    /// Bytes of a record.
    pub record_size: u64,
    /// 1 if the other half is gone. To a consumer, `len` then has all that was ever pushed.
    pub is_abandoned: u64,
}

/// What a pool has done. On any thread.
///
/// # Safety
///
/// * `stats` is null or a place for them.
#[unsafe(no_mangle)]
pub extern "C" fn knhk_stats_pool(pool: Pool, stats: Place<'_, PoolStats>) -> Status {
    guarded(|| {
        let stats = stats.not_null()?;
        stats.write(PoolStats::from(&find(pool)?.stats()));
        Ok(())
    })
}

/// What an arena has done. On the arena's thread.
///
/// # Safety
///
/// * `stats` is null or a place for them.
#[unsafe(no_mangle)]
pub extern "C" fn knhk_stats_arena(arena: Arena, stats: Place<'_, ArenaStats>) -> Status {
    guarded(|| {
        let stats = stats.not_null()?;
        stats.write(ArenaStats::from(&lent(arena)?.stats()?));
        Ok(())
    })
}

/// How full a ring is. To ask is to use the half.
///
/// # Safety
///
/// * `stats` is null or a place for them.
#[unsafe(no_mangle)]
pub extern "C" fn knhk_stats_ring(half: Half, stats: Place<'_, RingStats>) -> Status {
    guarded(|| {
        let stats = stats.not_null()?;
        let look = look(half)?;
        stats.write(RingStats {
            len: look.len as u64,
            capacity: look.capacity as u64,
            record_size: look.record_size as u64,
            is_abandoned: look.is_abandoned.into(),
        });
        Ok(())
    })
}

impl From<&knhk_pool::PoolStats> for PoolStats {
    fn from(stats: &knhk_pool::PoolStats) -> Self {
        Self {
            hits: stats.hits,
            misses: stats.misses,
            exhausted: stats.exhausted,
            released: stats.released,
            freed: stats.freed,
            grown: stats.grown,
            in_use: stats.in_use as u64,
            idle: stats.idle as u64,
            high_water: stats.high_water as u64,
            bytes: stats.bytes as u64,
            threads: stats.threads as u64,
            hit_rate: stats.hit_rate().unwrap_or(-1.0),
        }
    }
}

impl From<&knhk_pool::ArenaStats> for ArenaStats {
    fn from(stats: &knhk_pool::ArenaStats) -> Self {
        Self {
            allocations: stats.allocations,
            overflows: stats.overflows,
            resets: stats.resets,
            in_use: stats.in_use as u64,
            capacity: stats.capacity as u64,
            high_water: stats.high_water as u64,
            heap_bytes: stats.heap_bytes as u64,
        }
    }
}
