//! What the threads of one pool share: its configuration, and the lists that they open and close.

use std::ptr::NonNull;

use super::seats::{self, Key};
use crate::config::{ConfigError, PoolConfig};
use crate::counters::PoolStats;
use crate::free_list::{FreeList, Sizes};
use crate::registry::{PoolKind, Source};
use crate::sync::{AtomicBool, AtomicUsize, Mutex, Ordering, lock};

/// Idle slabs of ended threads that wait for the next thread; more are freed.
const WAITING_SLABS: usize = 4;

/// A pool's part that does not belong to one thread.
#[derive(Debug)]
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

/// Every list that the pool has made, and those of them that no thread has now.
#[derive(Debug, Default)]
struct Lists {
    all: Vec<ListRef>,
    /// Drained, with a slab: at most `WAITING_SLABS`.
    waiting: Vec<ListRef>,
    /// Drained, without.
    bare: Vec<ListRef>,
    /// Closed, with something out.
    draining: Vec<ListRef>,
}

/// A list of this pool, from a `Box`; freed with [`Shared`].
#[derive(Clone, Copy, Debug)]
struct ListRef(NonNull<FreeList>);

// SAFETY: behind the pool's lock it is only asked for `stats`, which any thread may; or, where it
// is drained or the pool has ended, used by the one thread that holds the lock (free list's
// invariant 1).
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
        let stray = Stray(FreeList::stray(Sizes::from(&config)));
        let lists = Mutex::default();
        let has_ended = AtomicBool::new(false);
        Self {
            key: next_key(),
            name,
            config,
            config_error,
            stray,
            lists,
            has_ended,
        }
    }

    /// A list for the calling thread: one that an ended thread has left, or a new one.
    pub(super) fn open_list(&self) -> NonNull<FreeList> {
        if let Some(left) = lock(&self.lists).take_drained() {
            left.get().reopen();
            return left.0;
        }
        let new = Box::new(FreeList::new(Sizes::from(&self.config)));
        let new = NonNull::from(Box::leak(new));
        lock(&self.lists).all.push(ListRef(new));
        new
    }

    /// Ends the calling thread's use of `list`.
    ///
    /// # Safety
    ///
    /// * `list` came from [`open_list`](Self::open_list) on this thread, and was not closed since.
    /// * From now on this thread uses it only to give back what is out.
    pub(super) unsafe fn close_list(&self, list: NonNull<FreeList>) {
        let mut lists = lock(&self.lists);
        if self.has_ended() {
            return;
        }
        let list = ListRef(list);
        if list.get().close() {
            lists.keep(list);
        } else {
            lists.draining.push(list);
        }
    }

    /// Frees the memory of every list, whatever thread has it. The counters stay.
    ///
    /// # Safety
    ///
    /// * No thread uses a list of this pool again, nor a buffer of one.
    pub(super) unsafe fn end(&self) {
        let lists = lock(&self.lists);
        // Relaxed: read under the lock, or as a hint.
        self.has_ended.store(true, Ordering::Relaxed);
        for list in &lists.all {
            list.get().close();
            list.get().drop_slab();
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Relaxed)
    }
}

impl Source for Shared {
    fn kind(&self) -> PoolKind {
        PoolKind::Buffer
    }

    fn name(&self) -> &'static str {
        self.name
    }

    fn stats(&self) -> PoolStats {
        let lists = lock(&self.lists);
        let mut sum = self.stray.0.stats();
        for list in &lists.all {
            // One reader at a time: the lock is held.
            sum += list.get().stats();
        }
        sum
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        for list in lock(&self.lists).all.drain(..) {
            // SAFETY: from `Box::leak` in `open_list`. The pool is gone, and so are the seats, which
            // hold this Shared: nobody refers to the list.
            drop(unsafe { Box::from_raw(list.0.as_ptr()) });
        }
    }
}

impl Lists {
    fn take_drained(&mut self) -> Option<ListRef> {
        self.collect_drained();
        self.waiting.pop().or_else(|| self.bare.pop())
    }

    /// Takes over what the last late releases have drained.
    fn collect_drained(&mut self) {
        let mut index = 0;
        while let Some(list) = self.draining.get(index).copied() {
            if list.get().is_drained() {
                self.draining.swap_remove(index);
                self.keep(list);
            } else {
                index += 1;
            }
        }
    }

    /// Keeps a drained list for the next thread, its slab only while few wait.
    fn keep(&mut self, list: ListRef) {
        if list.get().has_slab() && self.waiting.len() < WAITING_SLABS {
            self.waiting.push(list);
        } else {
            list.get().drop_slab();
            self.bare.push(list);
        }
    }
}

/// A list that no thread owns, for threads that can have none.
#[derive(Debug)]
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

fn next_key() -> Key {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    let more = |nth: usize| nth.checked_add(1);
    let nth = NEXT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    // Once they have run out, 0: the key of a pool that is set up but in no cache, which works.
    nth.ok().and_then(seats::key).unwrap_or(0)
}
