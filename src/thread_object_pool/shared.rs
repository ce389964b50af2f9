//! What the threads of one pool of objects share: the cores that they open and close.

#[cfg(all(test, loom))]
mod model;

use std::ptr::NonNull;

use super::core::Core;
use crate::config::PoolConfig;
use crate::counters::{Counter, Counters, PoolStats};
use crate::object_pool::Reset;
use crate::raw::owned;
use crate::reentry;
use crate::registry::{Look, PoolKind, Source, ThreadSpread};
use crate::seats::{self, Key, Part};
use crate::sync::modelled::{AtomicBool, Mutex, Ordering, lock};

/// Cores of ended threads that wait, with their objects, for the next thread; more are freed.
const WAITING_MAX: usize = 4;

/// A pool's part that does not belong to one thread.
pub(super) struct Shared<T> {
    /// Never used twice.
    pub(super) key: Key,
    name: &'static str,
    capacity: usize,
    /// What was refused to threads that have no core: they are ending, or inside the allocator.
    refused: Counters,
    cores: Mutex<Cores<T>>,
    has_ended: AtomicBool,
}

/// Chained through the cores themselves, so that nothing is allocated or freed under the lock, and
/// no foreign code runs under it.
struct Cores<T> {
    all: Option<CoreRef<T>>,
    /// Those that no thread has: with all objects back, or waiting for them.
    left: Chain<T>,
    /// Totals of those that were freed.
    ended: PoolStats,
}

/// A core of this pool, from a `Box`.
struct CoreRef<T>(NonNull<Core<T>>);

impl<T> Clone for CoreRef<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for CoreRef<T> {}

// SAFETY: invariant 2 says which thread uses a core; an object that passes from one thread to the
// next with it is `Send`.
unsafe impl<T: Send> Send for CoreRef<T> {}

impl<T> CoreRef<T> {
    fn get(&self) -> &Core<T> {
        // SAFETY: invariant 1: whoever reaches this found it in a chain, or opened it.
        unsafe { self.0.as_ref() }
    }
}

impl<T: Reset> Shared<T> {
    pub(super) fn new(name: &'static str, capacity: usize) -> Self {
        Self {
            key: seats::next_key(),
            name,
            capacity,
            refused: Counters::new(),
            cores: Mutex::new(Cores {
                all: None,
                left: Chain(None),
                ended: PoolStats::default(),
            }),
            has_ended: AtomicBool::new(false),
        }
    }

    /// A thread that has no core was refused an object.
    pub(super) fn refuse(&self) {
        self.refused.bump_shared(Counter::Exhausted);
    }

    /// A core for the calling thread: one that an ended thread has left, or a new one. `None` if the
    /// allocator refuses.
    fn open_core(&self) -> Option<NonNull<Core<T>>> {
        let mut cores = lock(&self.cores);
        if let Some(left) = cores.left.take_settled() {
            left.get().adopt();
            return Some(left.0);
        }
        drop(cores);
        let new = owned::try_box(Core::try_new(self.name, self.capacity)?)?;
        let new = CoreRef(NonNull::from(Box::leak(new)));
        lock(&self.cores).link(new);
        Some(new.0)
    }

    /// Frees every core, whatever thread has it, and drops the objects. The counts stay.
    ///
    /// # Safety
    ///
    /// * No thread uses a core of this pool again, nor an object of one, but to close it.
    pub(super) unsafe fn end(&self) {
        let mut cores = lock(&self.cores);
        // Relaxed: read under the lock, or as a hint.
        self.has_ended.store(true, Ordering::Relaxed);
        cores.left = Chain(None);
        let mut doomed = Doomed(Chain(None));
        while let Some(core) = cores.all {
            cores.doom(core, &mut doomed);
        }
        // Outside the lock: objects have drops of their own.
        drop(cores);
        drop(doomed);
    }

    /// What all cores have done; `each_living` sees those that a thread has now.
    fn sum(&self, mut each_living: impl FnMut(&PoolStats)) -> PoolStats {
        let _inside = reentry::enter();
        let cores = lock(&self.cores);
        let mut sum = cores.ended;
        sum.exhausted += self.refused.get(Counter::Exhausted);
        let mut next = cores.all;
        while let Some(core) = next {
            let core = core.get();
            let mut stats = core.objects.stats();
            if core.links.is_owned.get() {
                each_living(&stats);
            } else {
                // Not ready for any thread before one has adopted them.
                (stats.threads, stats.capacity, stats.idle) = (0, 0, 0);
            }
            sum += stats;
            next = core.links.after.get().map(CoreRef);
        }
        sum
    }

    pub(super) fn stats(&self) -> PoolStats {
        self.sum(|_| ())
    }
}

impl<T: Reset + Send> seats::Shared for Shared<T> {
    fn key(&self) -> Key {
        self.key
    }

    fn open(&self) -> Option<Part> {
        Some(self.open_core()?.cast())
    }

    unsafe fn close(&self, part: Part) {
        let core = CoreRef(part.cast::<Core<T>>());
        let mut cores = lock(&self.cores);
        if self.has_ended() {
            // The pool was dropped, and the core with it.
            return;
        }
        core.get().abandon();
        cores.left.push(core);
        let surplus = cores.take_surplus();
        // Outside the lock: objects have drops of their own.
        drop(cores);
        drop(surplus);
    }

    fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Relaxed)
    }
}

impl<T: Reset + Send> Source for Shared<T> {
    fn kind(&self) -> PoolKind {
        PoolKind::Object
    }

    fn name(&self) -> &'static str {
        self.name
    }

    fn look(&self) -> Look {
        let mut spread = ThreadSpread::default();
        let stats = self.sum(|thread| spread.merge(ThreadSpread::of(thread)));
        Look {
            stats,
            size: self.capacity,
            hit_rate_warning: PoolConfig::HIT_RATE_WARNING_DEFAULT,
            spread,
            demand: None,
        }
    }
}

impl<T: Reset> Cores<T> {
    fn link(&mut self, new: CoreRef<T>) {
        if let Some(first) = self.all {
            first.get().links.before.set(Some(new.0));
        }
        new.get().links.after.set(self.all.map(|first| first.0));
        self.all = Some(new);
    }

    /// Takes `core`, which nobody uses any more, out of the chain of all, and keeps its totals. In one
    /// step, under the lock: no reader sees a total fall.
    fn doom(&mut self, core: CoreRef<T>, doomed: &mut Doomed<T>) {
        let links = &core.get().links;
        let (before, after) = (links.before.get(), links.after.get());
        match before.map(CoreRef) {
            Some(before) => before.get().links.after.set(after),
            None => self.all = after.map(CoreRef),
        }
        if let Some(after) = after.map(CoreRef) {
            after.get().links.before.set(before);
        }
        self.ended += core.get().objects.stats().ended();
        doomed.0.push(core);
    }

    /// Takes out the cores that are too many to wait.
    #[must_use]
    fn take_surplus(&mut self) -> Doomed<T> {
        let mut surplus = Doomed(Chain(None));
        let mut waiting = 0;
        let mut left = std::mem::replace(&mut self.left, Chain(None));
        while let Some(core) = left.pop() {
            let is_settled = core.get().objects.is_settled();
            let may_go = is_settled && !core.get().links.was_late.get();
            if may_go && waiting >= WAITING_MAX {
                self.doom(core, &mut surplus);
            } else {
                waiting += usize::from(is_settled);
                self.left.push(core);
            }
        }
        surplus
    }
}

/// Cores, last in, first out, chained by `next_left`. A core stands in one such chain at most.
struct Chain<T>(Option<CoreRef<T>>);

impl<T> Chain<T> {
    fn push(&mut self, core: CoreRef<T>) {
        let next = self.0.map(|first| first.0);
        core.get().links.next_left.set(next);
        self.0 = Some(core);
    }

    fn pop(&mut self) -> Option<CoreRef<T>> {
        let core = self.0?;
        self.0 = core.get().links.next_left.take().map(CoreRef);
        Some(core)
    }
}

impl<T: Reset> Chain<T> {
    /// Takes out the first core whose objects are all back.
    fn take_settled(&mut self) -> Option<CoreRef<T>> {
        let mut passed = Self(None);
        let mut found = None;
        while found.is_none()
            && let Some(core) = self.pop()
        {
            if core.get().objects.is_settled() {
                found = Some(core);
            } else {
                passed.push(core);
            }
        }
        while let Some(core) = passed.pop() {
            self.push(core);
        }
        found
    }
}

/// Cores that nobody reaches any more. If an object's drop panics, the cores behind its own leak.
struct Doomed<T>(Chain<T>);

impl<T> Drop for Doomed<T> {
    fn drop(&mut self) {
        while let Some(core) = self.0.pop() {
            // SAFETY: invariant 3: from `Box::leak` in `open_core`, and in no chain any more.
            drop(unsafe { Box::from_raw(core.0.as_ptr()) });
        }
    }
}
