//! What a free list holds and has done, kept so that another thread can read it while its owner
//! works.
//!
//! Hits are counted on the hit path. Releases are not: they follow from what is idle. For that sum
//! to be right, several fields have to be seen together; the cold paths change them inside a
//! [`Change`], and a reader that meets one tries again (a seqlock).

use super::{CLOSED, EMPTY, FreeList};
use crate::counters::{Counter, PoolStats};
use crate::raw::block;
use crate::sync::modelled::{AtomicU64, AtomicUsize, Ordering, fence, spin_loop, yield_now};

/// The figures that only cold paths change.
#[derive(Debug)]
pub(super) struct Books {
    /// Odd while a change is under way.
    epoch: AtomicUsize,
    /// Buffers in existence: idle, and handed out.
    total: AtomicUsize,
    /// The most that was out before `total` changed last.
    high_water: AtomicUsize,
    pub(super) slab_bytes: AtomicUsize,
    heap_bytes: AtomicUsize,
    /// The largest number of releases that `stats` has told; written by the one reader.
    released_told: AtomicU64,
}

impl Books {
    pub(super) fn new() -> Self {
        Self {
            epoch: AtomicUsize::new(0),
            total: AtomicUsize::new(0),
            high_water: AtomicUsize::new(0),
            slab_bytes: AtomicUsize::new(0),
            heap_bytes: AtomicUsize::new(0),
            released_told: AtomicU64::new(0),
        }
    }

    pub(super) fn total(&self) -> usize {
        self.total.load(Ordering::Relaxed)
    }

    pub(super) fn add_total(&self, more: usize) {
        self.total.store(self.total() + more, Ordering::Relaxed);
    }

    pub(super) fn bytes(&self) -> usize {
        self.slab_bytes.load(Ordering::Relaxed) + self.heap_bytes.load(Ordering::Relaxed)
    }
}

impl FreeList {
    /// What this list has done, from any thread, but by one reader at a time.
    ///
    /// The rising counters never fall from one call to the next, and are exact when the owner is
    /// between two operations.
    pub(crate) fn stats(&self) -> PoolStats {
        if self.state.is_stray() {
            return self.read_stray();
        }
        let mut stats = self.read();
        let told = self
            .books
            .released_told
            .load(Ordering::Relaxed)
            .max(stats.released);
        self.books.released_told.store(told, Ordering::Relaxed);
        stats.released = told;
        // Derived last, so that the sum holds whatever was in flight while the rest was read.
        let gone = stats.freed + stats.detached + told;
        stats.in_use = (stats.hits + stats.misses).saturating_sub(gone) as usize;
        stats
    }

    /// Reads until no change came between.
    fn read(&self) -> PoolStats {
        for tries in 1_u32.. {
            // Acquire, for the Release in `Change::drop`.
            let epoch = self.books.epoch.load(Ordering::Acquire);
            let stats = self.read_once();
            // Acquire, for the Release fence in `change`.
            fence(Ordering::Acquire);
            if epoch.is_multiple_of(2) && self.books.epoch.load(Ordering::Relaxed) == epoch {
                return stats;
            }
            // A change is a few stores; one that lasts belongs to a thread that was interrupted.
            if tries.is_multiple_of(64) {
                yield_now();
            } else {
                spin_loop();
            }
        }
        unreachable!(
            "an owner changed its books {} times during one look",
            u32::MAX
        )
    }

    /// Hits are read before what is idle: a hit in between makes `released` too small by one. (On
    /// machines that reorder stores a release may be seen before what its owner did earlier.)
    fn read_once(&self) -> PoolStats {
        let hits = self.counters.get(Counter::Hits);
        let misses = self.counters.get(Counter::Misses);
        let freed = self.counters.get(Counter::Freed);
        let detached = self.counters.get(Counter::Detached);
        let (total, idle) = (self.books.total(), self.idle());
        let out = total.saturating_sub(idle) as u64;
        let owned = self.state.is_owned();
        PoolStats {
            hits,
            misses,
            exhausted: self.counters.get(Counter::Exhausted),
            released: (hits + misses).saturating_sub(freed + detached + out),
            freed,
            grown: self.counters.get(Counter::Grown),
            detached,
            in_use: 0,
            idle,
            capacity: if owned { self.capacity } else { 0 },
            high_water: self
                .reached()
                .max(self.books.high_water.load(Ordering::Relaxed)),
            bytes: self.books.bytes(),
            threads: usize::from(owned),
        }
    }

    /// A stray list has no owner and so no changes to wait for; nothing is ever idle in it.
    fn read_stray(&self) -> PoolStats {
        let freed = self.counters.get(Counter::Freed);
        let detached = self.counters.get(Counter::Detached);
        let misses = self.counters.get(Counter::Misses);
        PoolStats {
            misses,
            exhausted: self.counters.get(Counter::Exhausted),
            freed,
            grown: self.counters.get(Counter::Grown),
            detached,
            in_use: misses.saturating_sub(freed + detached) as usize,
            high_water: self.books.high_water.load(Ordering::Relaxed),
            bytes: self.books.bytes(),
            ..PoolStats::default()
        }
    }

    pub(super) fn idle(&self) -> usize {
        let hot = self.slot.load(Ordering::Relaxed).addr() > CLOSED.addr();
        usize::from(hot) + self.len.load(Ordering::Relaxed)
    }

    pub(super) fn count(&self, counter: Counter) {
        if self.state.is_stray() {
            self.counters.bump_shared(counter);
        } else {
            self.counters.bump(counter);
        }
    }

    /// Takes a new block into the books.
    pub(super) fn admit_block(&self, capacity: usize) {
        let books = &self.books;
        if self.state.is_stray() {
            let total = books.total.fetch_add(1, Ordering::Relaxed) + 1;
            books.high_water.fetch_max(total, Ordering::Relaxed);
            books
                .heap_bytes
                .fetch_add(block::bytes(capacity), Ordering::Relaxed);
            return;
        }
        self.fold_high_water();
        self.restart_low();
        books.add_total(1);
        let heap = books.heap_bytes.load(Ordering::Relaxed) + block::bytes(capacity);
        books.heap_bytes.store(heap, Ordering::Relaxed);
    }

    /// Takes a block out of the books.
    pub(super) fn forget_block(&self, capacity: usize) {
        let books = &self.books;
        if self.state.is_stray() {
            books.total.fetch_sub(1, Ordering::Relaxed);
            books
                .heap_bytes
                .fetch_sub(block::bytes(capacity), Ordering::Relaxed);
            return;
        }
        self.sub_total(1);
        let heap = books.heap_bytes.load(Ordering::Relaxed) - block::bytes(capacity);
        books.heap_bytes.store(heap, Ordering::Relaxed);
    }

    /// Before `low` is lowered for any other reason than a pop.
    pub(super) fn sub_total(&self, fewer: usize) {
        self.fold_high_water();
        self.books
            .total
            .store(self.books.total() - fewer, Ordering::Relaxed);
    }

    /// Notes the most that was out since `total` changed last, before it changes again.
    pub(super) fn fold_high_water(&self) {
        let highest = self
            .books
            .high_water
            .load(Ordering::Relaxed)
            .max(self.reached());
        self.books.high_water.store(highest, Ordering::Relaxed);
    }

    fn reached(&self) -> usize {
        self.books
            .total()
            .saturating_sub(self.low.load(Ordering::Relaxed))
    }

    /// Starts `low` anew at what is idle now. For that the slot is emptied into the stack, since a
    /// buffer in it would count as out; a slot that is empty over a full stack is closed until the
    /// next cold path, since a release would find room there that is none.
    fn restart_low(&self) {
        self.empty_slot_into_stack();
        self.low
            .store(self.len.load(Ordering::Relaxed), Ordering::Relaxed);
        self.unseal();
    }

    /// Moves what is in the slot to the stack, and closes the slot.
    pub(super) fn empty_slot_into_stack(&self) {
        let hot = self.slot.load(Ordering::Relaxed);
        if hot.addr() > CLOSED.addr() {
            // There is a place: at most `capacity` buffers are idle, and there are as many places.
            let len = self.len.load(Ordering::Relaxed);
            self.place(len).store(hot, Ordering::Relaxed);
            self.len.store(len + 1, Ordering::Relaxed);
        }
        self.slot.store(CLOSED, Ordering::Relaxed);
    }

    /// Opens the slot again, if the list has room for one more and an owner, and does not record.
    pub(super) fn unseal(&self) {
        let is_closed = self.slot.load(Ordering::Relaxed) == CLOSED && self.state.is_owned();
        if is_closed && self.recorder.is_none() && self.len.load(Ordering::Relaxed) < self.capacity
        {
            self.slot.store(EMPTY, Ordering::Relaxed);
        }
    }

    /// Marks what follows, until the guard is dropped, as one change to a reader. Does not nest, and
    /// holds no foreign code: a reader on this thread would wait for ever.
    pub(super) fn change(&self) -> Change<'_> {
        if self.state.is_stray() {
            return Change { epoch: None };
        }
        let epoch = &self.books.epoch;
        let even = epoch.load(Ordering::Relaxed);
        debug_assert!(even.is_multiple_of(2), "a change inside a change");
        epoch.store(even.wrapping_add(1), Ordering::Relaxed);
        // Release, for the Acquire fence in `read`: who sees a store below sees the odd epoch.
        fence(Ordering::Release);
        Change { epoch: Some(epoch) }
    }
}

/// A change of several fields that a reader takes as one.
#[must_use]
pub(super) struct Change<'list> {
    epoch: Option<&'list AtomicUsize>,
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        if let Some(epoch) = self.epoch {
            // Release, for the first Acquire in `read`.
            epoch.store(
                epoch.load(Ordering::Relaxed).wrapping_add(1),
                Ordering::Release,
            );
        }
    }
}
