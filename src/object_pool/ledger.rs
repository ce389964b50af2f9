//! What an object pool has done and holds: written by the pool's owner alone, readable from any
//! thread.

use std::cell::OnceCell;

use crate::config::PoolConfig;
use crate::counters::{Counter, Counters, PoolStats};
use crate::raw::owned::Counted;
use crate::registry::{self, Look, PoolKind, Source, ThreadSpread};
use crate::sync::Arc;
use crate::sync::modelled::{AtomicUsize, Cell, Ordering};

/// The owner's side. Tells the registry on drop, if the pool is listed there.
pub(super) struct Ledger {
    shared: Counted<Shared>,
    /// With fewer idle than this, more are in use than ever: `owned - high_water`, or 0.
    fewest_idle: Cell<usize>,
    /// Objects that were taken by value and not given back.
    taken: Cell<usize>,
    /// What `hits + idle - released` comes to: objects that are owned, freed or detached, but for the one
    /// that [`clear`](super::HeapObjectPool::clear) has at hand. It changes where those do, never on a hit or
    /// a release.
    accounted: Cell<u64>,
    /// As it stands in the registry.
    listed: OnceCell<Arc<dyn Source>>,
}

/// What a snapshot reads.
struct Listed(Counted<Shared>);

/// The readers' side. All orderings are Relaxed but the counters' own: a figure publishes nothing
/// but itself.
#[derive(Debug)]
struct Shared {
    name: &'static str,
    capacity: usize,
    bytes: usize,
    counters: Counters,
    /// Objects that are the pool's: idle, lent, or taken by value.
    owned: AtomicUsize,
    high_water: AtomicUsize,
}

impl Ledger {
    /// Books of a pool that owns nothing yet; `None` if the allocator refuses.
    pub(super) fn try_new(name: &'static str, capacity: usize, bytes: usize) -> Option<Self> {
        let shared = Shared {
            name,
            capacity,
            bytes,
            counters: Counters::new(),
            owned: AtomicUsize::new(0),
            high_water: AtomicUsize::new(0),
        };
        Some(Self {
            shared: Counted::try_new(shared)?,
            fewest_idle: Cell::new(0),
            taken: Cell::new(0),
            accounted: Cell::new(0),
            listed: OnceCell::new(),
        })
    }

    /// Makes the pool visible in snapshots.
    pub(super) fn list(&self) {
        let listed = || Arc::new(Listed(self.shared.clone())) as Arc<dyn Source>;
        registry::register(Arc::clone(self.listed.get_or_init(listed)));
    }

    pub(super) fn name(&self) -> &'static str {
        self.shared.name
    }

    pub(super) fn stats(&self) -> PoolStats {
        self.shared.stats()
    }

    pub(super) fn high_water(&self) -> usize {
        self.shared.high_water.load(Ordering::Relaxed)
    }

    /// Whether all that was handed out has come back.
    ///
    /// Acquire, in the counters' `get`: a release counts last of all that it does, so who sees all
    /// of them counted sees all that they did.
    pub(super) fn is_settled(&self) -> bool {
        let count = |counter| self.shared.counters.get(counter);
        let gone = [Counter::Released, Counter::Freed, Counter::Detached].map(count);
        count(Counter::Hits) == gone.iter().sum()
    }

    /// Objects that are out, when `idle` are not.
    #[inline(always)]
    pub(super) fn in_use(&self, idle: usize) -> usize {
        self.owned() - idle
    }

    /// An object was handed out, and `idle` are left.
    #[inline(always)]
    pub(super) fn hit(&self, idle: usize) {
        self.shared.counters.bump(Counter::Hits);
        if idle < self.fewest_idle.get() {
            self.raise_high_water(idle);
        }
    }

    #[cold]
    #[inline(never)]
    fn raise_high_water(&self, idle: usize) {
        self.fewest_idle.set(idle);
        let in_use = self.in_use(idle);
        self.shared.high_water.store(in_use, Ordering::Relaxed);
    }

    /// An acquire found nothing idle.
    pub(super) fn exhausted(&self) {
        self.shared.counters.bump(Counter::Exhausted);
    }

    /// An object that was handed out came back, and is one of `idle`. The last thing that a release does.
    // Not one more than the count was: a release would wait for the store of the one before it. Figured from
    // what is at hand it waits for nobody: a fifth of a pair sixteen deep.
    #[inline(always)]
    pub(super) fn released(&self, idle: usize) {
        let hits = self.shared.counters.own(Counter::Hits);
        let released = (hits + idle as u64).wrapping_sub(self.accounted.get());
        self.shared.counters.set(Counter::Released, released);
    }

    /// An object that was handed out came back and had to be dropped, which was done. The last thing
    /// that such a release does.
    pub(super) fn freed(&self) {
        self.disown(1);
        self.shared.counters.bump(Counter::Freed);
    }

    /// An object was taken by value.
    pub(super) fn taken(&self) {
        self.taken.set(self.taken.get() + 1);
    }

    /// An object came by value: whether it stands for one that was taken.
    pub(super) fn settle_taken(&self) -> bool {
        let left = self.taken.get().checked_sub(1);
        self.taken.set(left.unwrap_or(0));
        left.is_some()
    }

    /// Counts what was taken by value as gone for good.
    pub(super) fn write_off_taken(&self) {
        let taken = self.taken.take();
        self.disown(taken);
        (0..taken).for_each(|_| self.shared.counters.bump(Counter::Detached));
    }

    /// The pool has one object more, which is to become idle, and is accounted for then.
    pub(super) fn own(&self) {
        self.set_owned(self.owned() + 1);
    }

    /// An object became idle that was not handed out.
    pub(super) fn account(&self) {
        self.accounted.set(self.accounted.get() + 1);
    }

    /// An object is idle no more, and is not handed out.
    pub(super) fn set_aside(&self) {
        self.accounted.set(self.accounted.get() - 1);
    }

    /// The pool has lost objects.
    pub(super) fn disown(&self, objects: usize) {
        self.set_owned(self.owned() - objects);
    }

    fn set_owned(&self, owned: usize) {
        self.shared.owned.store(owned, Ordering::Relaxed);
        let fewest_idle = owned.saturating_sub(self.high_water());
        self.fewest_idle.set(fewest_idle);
    }

    #[inline(always)]
    fn owned(&self) -> usize {
        self.shared.owned.load(Ordering::Relaxed)
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        if let Some(listed) = self.listed.get() {
            registry::unregister(listed);
        }
    }
}

impl Source for Listed {
    fn kind(&self) -> PoolKind {
        PoolKind::Object
    }

    fn name(&self) -> &'static str {
        self.0.name
    }

    fn look(&self) -> Look {
        let stats = self.0.stats();
        Look {
            stats,
            size: self.0.capacity,
            hit_rate_warning: PoolConfig::HIT_RATE_WARNING_DEFAULT,
            spread: ThreadSpread::of(&stats),
            demand: None,
        }
    }
}

impl Shared {
    fn stats(&self) -> PoolStats {
        // What left is read before what was handed out, and hits are the older of the two in any
        // operation, so that the difference is never negative.
        let released = self.counters.get(Counter::Released);
        let freed = self.counters.get(Counter::Freed);
        let detached = self.counters.get(Counter::Detached);
        let hits = self.counters.get(Counter::Hits);
        let owned = self.owned.load(Ordering::Relaxed);
        // The owner may have gone on between two reads: never tell more than there is.
        let in_use =
            usize::try_from(hits - released - freed - detached).map_or(owned, |n| n.min(owned));
        PoolStats {
            hits,
            exhausted: self.counters.get(Counter::Exhausted),
            released,
            freed,
            detached,
            in_use,
            idle: owned - in_use,
            capacity: self.capacity,
            high_water: self.high_water.load(Ordering::Relaxed),
            bytes: self.bytes,
            threads: 1,
            ..PoolStats::default()
        }
    }
}
