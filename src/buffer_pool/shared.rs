//! What the threads of one pool share: its configuration, and the lists that they open and close.

#[cfg(all(test, loom))]
mod model;

use std::ptr::NonNull;

use crate::config::{ConfigError, PoolConfig};
use crate::counters::{Demand, PoolStats, merge};
use crate::free_list::{FreeList, Sizes};
use crate::raw::owned;
use crate::reentry;
use crate::registry::{Look, PoolKind, Source, ThreadSpread};
use crate::seats::{self, Key, Part};
use crate::sync::modelled::{AtomicBool, Mutex, Ordering, lock};

/// Idle slabs of ended threads that wait for the next thread; more are freed.
const WAITING_SLABS: usize = 4;

/// A pool's part that does not belong to one thread.
pub(super) struct Shared {
    /// Never used twice.
    pub(super) key: Key,
    name: &'static str,
    pub(super) config: PoolConfig,
    /// Why the pool runs on the default profile.
    pub(super) config_error: Option<ConfigError>,
    pub(super) stray: Stray,
    lists: Mutex<Lists>,
    has_ended: AtomicBool,
}

/// Every list that the pool has made, and those of them that no thread has now. Chained through the
/// lists themselves, so that nothing is allocated under the lock.
#[derive(Debug, Default)]
struct Lists {
    all: Option<ListRef>,
    /// Drained, with a slab: at most `WAITING_SLABS`.
    waiting: Chain,
    /// Drained, without.
    bare: Chain,
    /// Closed, with something out.
    draining: Chain,
}

/// A list of this pool, from a `Box`; freed with [`Shared`].
#[derive(Clone, Copy, Debug)]
struct ListRef(NonNull<FreeList>);

// SAFETY: behind the pool's lock it is asked for `stats`, which any thread may, and for its links, which
// the lock guards. Outside of it any thread asks for `demand`, and follows the links to the next, which
// never change. All else does the one thread that took it, where it is drained or the pool has ended
// (free list's invariant 1).
unsafe impl Send for ListRef {}

impl ListRef {
    fn get(&self) -> &FreeList {
        // SAFETY: freed only when Shared is dropped, and all ListRefs with it.
        unsafe { self.0.as_ref() }
    }
}

impl Shared {
    pub(super) fn new(
        name: &'static str,
        config: PoolConfig,
        config_error: Option<ConfigError>,
    ) -> Self {
        Self {
            key: seats::next_key(),
            name,
            stray: Stray(FreeList::stray(Sizes::from(&config))),
            config,
            config_error,
            lists: Mutex::default(),
            has_ended: AtomicBool::new(false),
        }
    }

    /// A list for the calling thread: one that an ended thread has left, or a new one. `None` if the
    /// allocator refuses.
    fn open_list(&self) -> Option<NonNull<FreeList>> {
        let mut lists = lock(&self.lists);
        let surplus = lists.collect_drained();
        let left = lists.waiting.pop().or_else(|| lists.bare.pop());
        drop(lists);
        self.free_slabs(surplus);
        if let Some(left) = left {
            left.get().reopen();
            return Some(left.0);
        }
        let new = FreeList::new(Sizes::from(&self.config)).and_then(owned::try_box)?;
        let new = ListRef(NonNull::from(Box::leak(new)));
        let mut lists = lock(&self.lists);
        new.get().links.next.set(lists.all.map(|first| first.0));
        lists.all = Some(new);
        Some(new.0)
    }

    /// Ends the calling thread's use of `list`.
    ///
    /// # Safety
    ///
    /// * `list` came from [`open_list`](Self::open_list) on this thread, and was not closed since.
    /// * From now on this thread uses it only to give back what is out.
    unsafe fn close_list(&self, list: NonNull<FreeList>) {
        let list = ListRef(list);
        if !list.get().close() {
            // The pool was dropped, and has closed it.
            return;
        }
        let mut lists = lock(&self.lists);
        if self.has_ended() {
            drop(lists);
            drop(list.get().take_slab());
            return;
        }
        lists.draining.push(list);
        let surplus = lists.collect_drained();
        drop(lists);
        self.free_slabs(surplus);
    }

    /// Frees the slabs of drained lists that stand in no chain, and lets the lists wait without.
    fn free_slabs(&self, mut surplus: Chain) {
        while let Some(list) = surplus.pop() {
            drop(list.get().take_slab());
            lock(&self.lists).bare.push(list);
        }
    }

    /// Frees the memory of every list, whatever thread has it. The counters stay.
    ///
    /// # Safety
    ///
    /// * No thread uses a list of this pool again, nor a buffer of one, but to close it.
    pub(super) unsafe fn end(&self) {
        let mut lists = lock(&self.lists);
        // Relaxed: read under the lock, or as a hint.
        self.has_ended.store(true, Ordering::Relaxed);
        let left = std::mem::take(&mut *lists);
        lists.all = left.all;
        drop(lists);
        let chains = [left.waiting, left.bare, left.draining];
        for mut chain in chains {
            while let Some(list) = chain.pop() {
                drop(list.get().take_slab());
            }
        }
        // Of the rest each belongs to a thread. One that is ending closes its own, if it is first.
        // The chain of all lists does not change: no thread opens one any more.
        for list in all_from(left.all) {
            if list.get().close() {
                drop(list.get().take_slab());
            }
        }
    }

    pub(super) fn stats(&self) -> PoolStats {
        self.sum(|_| ())
    }

    /// What all lists have done; `each_living` sees those that a thread has now.
    fn sum(&self, mut each_living: impl FnMut(&PoolStats)) -> PoolStats {
        let _inside = reentry::enter();
        let surplus = lock(&self.lists).collect_drained();
        self.free_slabs(surplus);
        let lists = lock(&self.lists);
        let mut sum = self.stray.0.stats();
        for list in all_from(lists.all) {
            // One reader at a time: the lock is held.
            let stats = list.get().stats();
            if stats.threads != 0 {
                each_living(&stats);
            }
            sum += stats;
        }
        sum
    }

    /// What was asked of all lists. What the stray one serves no size would have saved.
    pub(super) fn demand(&self) -> Option<Demand> {
        if !self.config.recording() {
            return None;
        }
        let _inside = reentry::enter();
        let mut sum = Some(Demand::default());
        let first = lock(&self.lists).all;
        // A list is freed with `self`, and its link to the next never changes.
        for list in all_from(first) {
            merge(&mut sum, list.get().demand().as_ref());
        }
        let stray = self.stray.0.stats();
        sum.map(|sum| sum.with_beyond(stray.misses + stray.exhausted))
    }

    fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Relaxed)
    }
}

impl seats::Shared for Shared {
    fn key(&self) -> Key {
        self.key
    }

    fn open(&self) -> Option<Part> {
        self.open_list().map(NonNull::cast)
    }

    unsafe fn close(&self, part: Part) {
        // SAFETY: the caller's bullets; what `open` gave is a list.
        unsafe { self.close_list(part.cast()) };
    }

    fn has_ended(&self) -> bool {
        self.has_ended()
    }
}

impl Source for Shared {
    fn kind(&self) -> PoolKind {
        PoolKind::Buffer
    }

    fn name(&self) -> &'static str {
        self.name
    }

    fn look(&self) -> Look {
        let mut spread = ThreadSpread::default();
        let stats = self.sum(|thread| spread.merge(ThreadSpread::of(thread)));
        Look {
            stats,
            size: self.config.pool_size(),
            hit_rate_warning: self.config.hit_rate_warning(),
            spread,
            demand: self.demand(),
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        for list in all_from(lock(&self.lists).all) {
            // SAFETY: from `Box::leak` in `open_list`. The pool is gone, and so are the seats, which
            // hold this Shared: nobody refers to the list. The iterator is past it.
            drop(unsafe { Box::from_raw(list.0.as_ptr()) });
        }
    }
}

/// Every list of the chain of all that begins at `first`.
fn all_from(first: Option<ListRef>) -> impl Iterator<Item = ListRef> {
    let mut next = first;
    std::iter::from_fn(move || {
        let list = next?;
        // Before the list is handed out: it may be freed.
        next = list.get().links.next.get().map(ListRef);
        Some(list)
    })
}

/// Lists that no thread has, last in, first out. A list stands in one chain at most.
#[derive(Debug, Default)]
struct Chain {
    first: Option<ListRef>,
    len: usize,
}

impl Chain {
    fn push(&mut self, list: ListRef) {
        let next = self.first.map(|first| first.0);
        list.get().links.next_left.set(next);
        self.first = Some(list);
        self.len += 1;
    }

    fn pop(&mut self) -> Option<ListRef> {
        let list = self.first?;
        self.first = list.get().links.next_left.take().map(ListRef);
        self.len -= 1;
        Some(list)
    }
}

impl Lists {
    /// Takes over what late releases have drained, with its slab while few wait. Returns the lists
    /// whose slabs are too many: memory is freed outside of the lock.
    #[must_use]
    fn collect_drained(&mut self) -> Chain {
        let mut surplus = Chain::default();
        let mut draining = std::mem::take(&mut self.draining);
        while let Some(list) = draining.pop() {
            let chain = if !list.get().is_drained() {
                &mut self.draining
            } else if !list.get().has_slab() {
                &mut self.bare
            } else if self.waiting.len < WAITING_SLABS {
                &mut self.waiting
            } else {
                &mut surplus
            };
            chain.push(list);
        }
        surplus
    }
}

/// A list that no thread owns, for threads that can have none.
pub(super) struct Stray(FreeList);

// SAFETY: a stray list keeps nothing, its slot and stack stay closed and empty, and its books are
// changed by read-modify-write alone; it may be used by any number of threads.
unsafe impl Sync for Stray {}
// SAFETY: as above.
unsafe impl Send for Stray {}

impl Stray {
    pub(super) fn list(&self) -> NonNull<FreeList> {
        NonNull::from(&self.0)
    }

    /// A stray list of no pool, for an allocator that acquires while the pool is being set up. What
    /// it hands out is counted nowhere.
    pub(super) fn nowhere() -> NonNull<FreeList> {
        static NOWHERE: std::sync::LazyLock<Stray> = std::sync::LazyLock::new(|| {
            Stray(FreeList::stray(Sizes::from(&PoolConfig::default())))
        });
        NOWHERE.list()
    }
}
