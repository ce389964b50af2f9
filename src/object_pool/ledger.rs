//! What an object pool has done and holds: written by the pool's owner alone, readable from any
//! thread.

use std::cell::OnceCell;

use crate::config::PoolConfig;
use crate::counters::{Counter, Counters, PoolStats};
use crate::raw::owned::Counted;
use crate::raw::slots::{self, Books};
use crate::raw::tally::Counts;
use crate::registry::{self, Look, PoolKind, Source, ThreadSpread};
use crate::sync::Arc;
use crate::sync::modelled::{AtomicUsize, Cell, Ordering};

/// The owner's side. Tells the registry on drop, if the pool is listed there.
pub(super) struct Ledger {
    books: Counted<Books<Shared>>,
    /// With fewer idle than this, more are in use than ever: `owned - high_water`, or 0.
    fewest_idle: Cell<usize>,
    /// Objects that were taken by value and not given back.
    taken: Cell<usize>,
    /// As it stands in the registry.
    listed: OnceCell<Arc<dyn Source>>,
}

/// What a snapshot reads.
struct Listed(Counted<Books<Shared>>);

/// The readers' side, beside the slots' tally: an object is taken by a hit, and returned by a release. All orderings are
/// Relaxed but the tally's and the counters' own: a figure publishes nothing but itself.
#[derive(Debug)]
pub(super) struct Shared {
    name: &'static str,
    capacity: usize,
    bytes: usize,
    counters: Counters,
    /// Objects that are the pool's: idle, lent, or taken by value.
    owned: AtomicUsize,
    high_water: AtomicUsize,
}

impl Ledger {
    /// Books of a pool that owns nothing yet.
    pub(super) fn new(books: Counted<Books<Shared>>) -> Self {
        Self {
            books,
            fewest_idle: Cell::new(0),
            taken: Cell::new(0),
            listed: OnceCell::new(),
        }
    }

    /// Makes the pool visible in snapshots.
    pub(super) fn list(&self) {
        let listed = || Arc::new(Listed(self.books.clone())) as Arc<dyn Source>;
        registry::register(Arc::clone(self.listed.get_or_init(listed)));
    }

    pub(super) fn name(&self) -> &'static str {
        self.books.shared.name
    }

    pub(super) fn stats(&self) -> PoolStats {
        self.books.stats()
    }

    pub(super) fn high_water(&self) -> usize {
        self.books.shared.high_water.load(Ordering::Relaxed)
    }

    /// Whether all that was handed out has come back.
    ///
    /// Acquire, in the tally and the counters' `get`: a release counts last of all that it does, so who sees
    /// all of them counted sees all that they did.
    pub(super) fn is_settled(&self) -> bool {
        let Books { tally, shared } = &*self.books;
        let lost = [Counter::Freed, Counter::Detached].map(|counter| shared.counters.get(counter));
        let counts = tally.counts();
        counts.taken == counts.returned + lost.iter().sum::<u64>()
    }

    /// Objects that are out, when `idle` are not.
    #[inline(always)]
    pub(super) fn in_use(&self, idle: usize) -> usize {
        self.owned() - idle
    }

    /// With so few idle, one taken is more in use than ever, or none is left.
    #[inline(always)]
    pub(super) fn fewest_idle(&self) -> usize {
        self.fewest_idle.get()
    }

    /// `idle` are left.
    pub(super) fn raise_high_water(&self, idle: usize) {
        if idle < self.fewest_idle.get() {
            self.fewest_idle.set(idle);
            let in_use = self.in_use(idle);
            self.books
                .shared
                .high_water
                .store(in_use, Ordering::Relaxed);
        }
    }

    /// An acquire found nothing idle.
    pub(super) fn exhausted(&self) {
        self.books.shared.counters.bump(Counter::Exhausted);
    }

    /// An object that was handed out came back and had to be dropped, which was done. The last thing
    /// that such a release does.
    pub(super) fn freed(&self) {
        self.disown(1);
        self.books.shared.counters.bump(Counter::Freed);
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
        (0..taken).for_each(|_| self.books.shared.counters.bump(Counter::Detached));
    }

    /// The pool has one object more, which is to become idle.
    pub(super) fn own(&self) {
        self.set_owned(self.owned() + 1);
    }

    /// The pool has lost objects.
    pub(super) fn disown(&self, objects: usize) {
        self.set_owned(self.owned() - objects);
    }

    fn set_owned(&self, owned: usize) {
        self.books.shared.owned.store(owned, Ordering::Relaxed);
        let fewest_idle = owned.saturating_sub(self.high_water());
        self.fewest_idle.set(fewest_idle);
    }

    #[inline(always)]
    fn owned(&self) -> usize {
        self.books.shared.owned.load(Ordering::Relaxed)
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
        self.0.shared.name
    }

    fn look(&self) -> Look {
        let stats = self.0.stats();
        Look {
            stats,
            size: self.0.shared.capacity,
            hit_rate_warning: PoolConfig::HIT_RATE_WARNING_DEFAULT,
            spread: ThreadSpread::of(&stats),
            demand: None,
        }
    }
}

impl slots::Owner for Ledger {
    type Shared = Shared;
}

impl Shared {
    /// Of a pool that owns nothing yet.
    pub(super) fn new(name: &'static str, capacity: usize, bytes: usize) -> Self {
        Self {
            name,
            capacity,
            bytes,
            counters: Counters::new(),
            owned: AtomicUsize::new(0),
            high_water: AtomicUsize::new(0),
        }
    }
}

impl Books<Shared> {
    fn stats(&self) -> PoolStats {
        let Self { tally, shared } = self;
        // What was lost is read before what was handed out, and hits are the older of the two in any
        // operation, so that the difference is never negative.
        let freed = shared.counters.get(Counter::Freed);
        let detached = shared.counters.get(Counter::Detached);
        let Counts {
            taken: hits,
            returned: released,
        } = tally.counts();
        let owned = shared.owned.load(Ordering::Relaxed);
        // The owner may have gone on between two reads: never tell more than there is.
        let in_use =
            usize::try_from(hits - released - freed - detached).map_or(owned, |n| n.min(owned));
        PoolStats {
            hits,
            exhausted: shared.counters.get(Counter::Exhausted),
            released,
            freed,
            detached,
            in_use,
            idle: owned - in_use,
            capacity: shared.capacity,
            high_water: shared.high_water.load(Ordering::Relaxed),
            bytes: shared.bytes,
            threads: 1,
            ..PoolStats::default()
        }
    }
}
