//! What one thread's pool has done, counted by its owner alone and readable from any thread.
//!
//! A counter is an atomic that only its owning thread writes, by a load, an add and a store: the
//! cost of a plain integer, and never a torn or a lost count. The one exception are counters that have
//! no owner (a pool's acquires from threads that are already ending); those are added to by
//! read-modify-write.

mod arena;
mod demand;

use std::fmt;
use std::ops::AddAssign;

use crate::sync::modelled::{AtomicU64, Ordering};

pub use self::arena::ArenaStats;
pub(crate) use self::arena::{ArenaCounters, CAPACITY_MAX, Word};
pub use self::demand::Demand;
pub(crate) use self::demand::{Recorder, merge};

/// What is counted. The discriminant is the place in [`Counters`].
#[derive(Clone, Copy, Debug)]
#[repr(usize)]
pub(crate) enum Counter {
    /// Acquires served from the free list.
    Hits,
    /// Acquires served by the heap.
    Misses,
    /// Acquires refused because the caller did not want the heap.
    Exhausted,
    /// Releases that gave memory back to the allocator.
    Freed,
    /// Buffers that outgrew the pool's size.
    Grown,
    /// Buffers whose bytes left the pool for good.
    Detached,
}

const COUNTERS: usize = Counter::Detached as usize + 1;

/// One thread's counters.
#[derive(Debug)]
pub(crate) struct Counters([AtomicU64; COUNTERS]);

impl Counters {
    pub(crate) fn new() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }

    /// Adds one. To be called by the owner alone: two writers would lose counts.
    #[inline(always)]
    pub(crate) fn bump(&self, counter: Counter) {
        let cell = &self.0[counter as usize];
        // Release, for `get`'s Acquire: who sees this count sees what the owner did before it. On
        // x86-64 it is the same instruction as a relaxed store.
        cell.store(
            cell.load(Ordering::Relaxed).wrapping_add(1),
            Ordering::Release,
        );
    }

    /// Adds one, where there is no owner.
    pub(crate) fn bump_shared(&self, counter: Counter) {
        self.0[counter as usize].fetch_add(1, Ordering::Release);
    }

    /// The count now, from any thread.
    pub(crate) fn get(&self, counter: Counter) -> u64 {
        self.0[counter as usize].load(Ordering::Acquire)
    }
}

/// What a pool has done since it was made, over all its threads, living and ended.
///
/// The first group only rises. At rest, when no acquire or release is under way,
/// `hits + misses == released + freed + detached + in_use`; seen from another thread while the
/// pool works, each counter may lag by the operations in flight, and none ever falls.
///
/// # Examples
///
/// ```
/// use knhk_pool::{BufferPool, Workload};
///
/// let pool = BufferPool::builder("stats-doc").workload(Workload::Low).build()?;
/// assert_eq!(pool.stats().hit_rate(), None);
/// drop(pool.acquire());
/// let stats = pool.stats();
/// assert_eq!((stats.hits, stats.misses, stats.released, stats.in_use), (1, 0, 1, 0));
/// assert_eq!(stats.hit_rate(), Some(1.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStats {
    /// Acquires served from the pool's own idle memory.
    pub hits: u64,
    /// Acquires served by the heap.
    pub misses: u64,
    /// Acquires refused: `try_acquire` with nothing idle.
    pub exhausted: u64,
    /// Releases that put something back into the pool.
    pub released: u64,
    /// Releases that gave memory back to the allocator.
    pub freed: u64,
    /// Buffers that grew past the pool's buffer size and moved to the heap.
    pub grown: u64,
    /// Buffers or objects that left the pool for good (`into_vec`, a by-value acquire that is not
    /// given back).
    pub detached: u64,

    /// Handed out now.
    pub in_use: usize,
    /// Ready to be handed out now, to the living threads. What waits for a next thread stands in `bytes`
    /// alone.
    pub idle: usize,
    /// What the living threads' pools can hold.
    pub capacity: usize,
    /// The most that one thread ever had out at once, heap buffers included. (Threads that are
    /// ending, past the destructor that closes their part, count as one.)
    pub high_water: usize,
    /// Bytes of memory held for this pool: slabs, and heap memory that is out or has joined.
    pub bytes: usize,
    /// Threads with a part of this pool now.
    pub threads: usize,
}

impl PoolStats {
    /// Acquires that asked for memory: served from the pool, by the heap, or refused.
    pub const fn acquires(&self) -> u64 {
        self.hits + self.misses + self.exhausted
    }

    /// Hits as a share of all acquires, from 0 to 1: hits / (hits + misses + exhausted).
    ///
    /// `None` before the first acquire: then there is no rate to speak of.
    pub fn hit_rate(&self) -> Option<f64> {
        let acquires = self.acquires();
        (acquires != 0).then(|| self.hits as f64 / acquires as f64)
    }

    /// What happened since `earlier` was read from the same pool: the rising counters as
    /// differences (0 where `earlier` is ahead), the rest as it is now.
    ///
    /// ```
    /// # use knhk_pool::{BufferPool, Workload};
    /// let pool = BufferPool::builder("since-doc").workload(Workload::Low).build()?;
    /// drop(pool.acquire());
    /// let earlier = pool.stats();
    /// assert_eq!(pool.stats().since(&earlier).hit_rate(), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn since(&self, earlier: &Self) -> Self {
        Self {
            hits: self.hits.saturating_sub(earlier.hits),
            misses: self.misses.saturating_sub(earlier.misses),
            exhausted: self.exhausted.saturating_sub(earlier.exhausted),
            released: self.released.saturating_sub(earlier.released),
            freed: self.freed.saturating_sub(earlier.freed),
            grown: self.grown.saturating_sub(earlier.grown),
            detached: self.detached.saturating_sub(earlier.detached),
            ..*self
        }
    }

    /// The rising counters, with nothing held: what remains of a pool that was dropped. What was
    /// forgotten can never come back, and counts as detached.
    pub(crate) const fn ended(&self) -> Self {
        Self {
            detached: self.detached + self.in_use as u64,
            in_use: 0,
            idle: 0,
            capacity: 0,
            bytes: 0,
            threads: 0,
            ..*self
        }
    }
}

/// Sums two parts of one pool; the high-water mark is the larger of the two.
impl AddAssign for PoolStats {
    fn add_assign(&mut self, other: Self) {
        self.hits += other.hits;
        self.misses += other.misses;
        self.exhausted += other.exhausted;
        self.released += other.released;
        self.freed += other.freed;
        self.grown += other.grown;
        self.detached += other.detached;
        self.in_use += other.in_use;
        self.idle += other.idle;
        self.capacity += other.capacity;
        self.high_water = self.high_water.max(other.high_water);
        self.bytes += other.bytes;
        self.threads += other.threads;
    }
}

/// One line: hit rate, hits, misses, refused, in use, high water.
impl fmt::Display for PoolStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.hit_rate() {
            Some(rate) => write!(f, "hit rate {:.2} %", rate * 100.0)?,
            None => f.write_str("no acquires yet")?,
        }
        write!(
            f,
            ", {} hits, {} misses, {} refused, {} in use, high water {}",
            self.hits, self.misses, self.exhausted, self.in_use, self.high_water
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each field another number.
    const NOW: PoolStats = PoolStats {
        hits: 101,
        misses: 102,
        exhausted: 103,
        released: 104,
        freed: 105,
        grown: 106,
        detached: 107,
        in_use: 8,
        idle: 9,
        capacity: 10,
        high_water: 11,
        bytes: 12,
        threads: 13,
    };

    #[test]
    fn acquires_are_all_that_asked() {
        assert_eq!(NOW.acquires(), 101 + 102 + 103);
    }

    #[test]
    fn sum_is_of_every_field_and_the_larger_high_water_mark() {
        let mut sum = NOW;
        sum += NOW;
        let twice = PoolStats {
            hits: 202,
            misses: 204,
            exhausted: 206,
            released: 208,
            freed: 210,
            grown: 212,
            detached: 214,
            in_use: 16,
            idle: 18,
            capacity: 20,
            high_water: 11,
            bytes: 24,
            threads: 26,
        };
        assert_eq!(sum, twice);
    }

    #[test]
    fn rising_counters_are_told_since_an_earlier_look_and_the_rest_as_it_is() {
        let earlier = PoolStats {
            hits: 1,
            misses: 2,
            exhausted: 3,
            released: 4,
            freed: 5,
            grown: 6,
            detached: 7,
            ..PoolStats::default()
        };
        let since = PoolStats {
            hits: 100,
            misses: 100,
            exhausted: 100,
            released: 100,
            freed: 100,
            grown: 100,
            detached: 100,
            ..NOW
        };
        assert_eq!(NOW.since(&earlier), since);
        assert_eq!(earlier.since(&NOW), PoolStats::default());
    }

    #[test]
    fn what_an_ended_pool_had_out_is_detached_and_nothing_is_held() {
        let ended = PoolStats {
            detached: 107 + 8,
            in_use: 0,
            idle: 0,
            capacity: 0,
            bytes: 0,
            threads: 0,
            ..NOW
        };
        assert_eq!(NOW.ended(), ended);
    }
}
