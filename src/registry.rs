//! Every pool and named arena of the process: the living ones, and the totals of those that are gone.
//!
//! One lock, taken when one is made, dropped or read; never by an acquire, a release or an
//! allocation.
//! Lock order: the registry's before a pool's own.

use std::alloc::{Layout, handle_alloc_error};
use std::collections::BTreeMap;
use std::ops::AddAssign;

use crate::counters::{ArenaCounters, ArenaStats, Demand, PoolStats, merge};
use crate::raw::owned::Counted;
use crate::sync::modelled::{Mutex, lock};
use crate::sync::{Arc, unless_held};

/// What a pool hands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum PoolKind {
    /// Byte buffers.
    Buffer,
    /// Typed objects.
    Object,
}

/// A pool that can be asked what it has done, from any thread.
pub(crate) trait Source: Send + Sync {
    fn kind(&self) -> PoolKind;
    fn name(&self) -> &'static str;
    fn look(&self) -> Look;
}

/// What one pool says of itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Look {
    pub(crate) stats: PoolStats,
    pub(crate) size: usize,
    pub(crate) hit_rate_warning: f64,
    pub(crate) spread: ThreadSpread,
    pub(crate) demand: Option<Demand>,
}

impl Look {
    /// Adds a pool that is dropped: of its stats what remains, and its settings in place of those of
    /// the one before.
    fn end(&mut self, last: &Self) {
        self.stats += last.stats.ended();
        merge(&mut self.demand, last.demand.as_ref());
        self.size = last.size;
        self.hit_rate_warning = last.hit_rate_warning;
    }

    /// Adds what remains of those that are gone.
    fn add_ended(&mut self, ended: &Self) {
        self.stats += ended.stats;
        merge(&mut self.demand, ended.demand.as_ref());
    }
}

impl AddAssign for Look {
    fn add_assign(&mut self, other: Self) {
        self.stats += other.stats;
        self.size = self.size.max(other.size);
        self.hit_rate_warning = self.hit_rate_warning.max(other.hit_rate_warning);
        self.spread.merge(other.spread);
        merge(&mut self.demand, other.demand.as_ref());
    }
}

type Key = (PoolKind, &'static str);

struct Registry {
    living: Vec<Arc<dyn Source>>,
    /// Of each kind and name that was ever registered.
    ended: BTreeMap<Key, Look>,
    living_arenas: Vec<(&'static str, Counted<ArenaCounters>)>,
    /// Of each name that was ever registered, in their order.
    ended_arenas: Vec<(&'static str, ArenaStats)>,
    /// In order.
    names: Vec<&'static str>,
}

#[cfg(not(all(test, loom)))]
static REGISTRY: Mutex<Registry> = Mutex::new(Registry::new());
#[cfg(all(test, loom))]
loom::lazy_static! {
    static ref REGISTRY: Mutex<Registry> = Mutex::new(Registry::new());
}

impl Registry {
    const fn new() -> Self {
        Self {
            living: Vec::new(),
            ended: BTreeMap::new(),
            living_arenas: Vec::new(),
            ended_arenas: Vec::new(),
            names: Vec::new(),
        }
    }
}

/// Makes `source` visible in every later [`snapshot`].
pub(crate) fn register(source: Arc<dyn Source>) {
    let _no_pools = crate::reentry::enter();
    let mut registry = lock(&REGISTRY);
    // Now, so that its end has nothing to allocate.
    let key = (source.kind(), source.name());
    registry.ended.entry(key).or_default();
    registry.living.push(source);
}

/// Takes `source` out and keeps its totals. In one step: no snapshot sees a total fall.
pub(crate) fn unregister(source: &Arc<dyn Source>) {
    let _no_pools = crate::reentry::enter();
    let mut registry = lock(&REGISTRY);
    let registry = &mut *registry;
    registry.living.retain(|other| !Arc::ptr_eq(other, source));
    let ended = registry.ended.entry((source.kind(), source.name()));
    ended.or_default().end(&source.look());
}

/// Makes the arena with these books visible in every later [`snapshot`]. `None`, and it is not, if the
/// allocator refuses.
pub(crate) fn register_arena(name: &'static str, counters: Counted<ArenaCounters>) -> Option<()> {
    let _no_pools = crate::reentry::enter();
    let mut registry = lock(&REGISTRY);
    registry.living_arenas.try_reserve(1).ok()?;
    // Now, so that its end has nothing to allocate.
    let ended = &mut registry.ended_arenas;
    if let Err(place) = ended.binary_search_by_key(&name, |(ended, _)| ended) {
        ended.try_reserve(1).ok()?;
        ended.insert(place, (name, ArenaStats::default()));
    }
    registry.living_arenas.push((name, counters));
    Some(())
}

/// Takes the arena with these books out and keeps its totals, in one step.
pub(crate) fn unregister_arena(name: &'static str, counters: &Counted<ArenaCounters>) {
    let _no_pools = crate::reentry::enter();
    let mut registry = lock(&REGISTRY);
    let registry = &mut *registry;
    registry
        .living_arenas
        .retain(|(_, other)| !other.is_same(counters));
    let ended = &mut registry.ended_arenas;
    if let Ok(place) = ended.binary_search_by_key(&name, |(ended, _)| ended) {
        ended[place].1 += counters.stats().ended();
    }
}

/// The one copy of `name`. It is never freed: its pool's totals outlive the pool.
pub(crate) fn intern(name: &str) -> &'static str {
    try_intern(name).unwrap_or_else(|| handle_alloc_error(Layout::for_value(name)))
}

/// As [`intern`]; `None` if the allocator refuses.
pub(crate) fn try_intern(name: &str) -> Option<&'static str> {
    let _no_pools = crate::reentry::enter();
    let names = &mut lock(&REGISTRY).names;
    let place = match names.binary_search(&name) {
        Ok(known) => return Some(names[known]),
        Err(place) => place,
    };
    names.try_reserve(1).ok()?;
    let mut kept = String::new();
    kept.try_reserve_exact(name.len()).ok()?;
    kept.push_str(name);
    let kept: &'static str = kept.leak();
    names.insert(place, kept);
    Some(kept)
}

/// All pools and named arenas of the process as they are now; pools of one name and kind are summed,
/// and so are arenas of one name. The threads' own arenas are named `thread` and `scratch`.
///
/// # Cost
///
/// One lock, and a walk over every thread's counters: microseconds. The threads that acquire and
/// release are not disturbed. It allocates; from inside an allocator that was called by this crate
/// it may be empty, rather than wait for its own thread.
///
/// # Examples
///
/// ```
/// use knhk_pool::{BufferPool, Workload, snapshot};
///
/// let pool = BufferPool::builder("snapshot-doc").workload(Workload::Low).build()?;
/// drop(pool.acquire());
/// drop(pool);
/// let seen = snapshot();
/// let gone = seen.pools.iter().find(|p| p.name == "snapshot-doc").expect("totals outlive the pool");
/// assert_eq!(gone.stats.hits, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn snapshot() -> Snapshot {
    let is_nested = crate::reentry::is_inside();
    let _no_pools = crate::reentry::enter();
    let registry = match unless_held(REGISTRY.try_lock()) {
        Some(registry) => registry,
        None if is_nested => return Snapshot::default(),
        None => lock(&REGISTRY),
    };
    let mut sums = BTreeMap::<Key, Look>::new();
    for source in &registry.living {
        *sums.entry((source.kind(), source.name())).or_default() += source.look();
    }
    for (key, ended) in &registry.ended {
        // Settings are those of the living, where there are any.
        let sum = sums.entry(*key);
        sum.and_modify(|living| living.add_ended(ended))
            .or_insert_with(|| ended.clone());
    }
    let mut arena_sums: BTreeMap<_, _> = registry.ended_arenas.iter().copied().collect();
    for (name, counters) in &registry.living_arenas {
        *arena_sums.entry(name).or_default() += counters.stats();
    }
    drop(registry);
    let pools = sums
        .into_iter()
        .map(|((kind, name), look)| PoolSnapshot {
            kind,
            name,
            stats: look.stats,
            size: look.size,
            hit_rate_warning: look.hit_rate_warning,
            spread: look.spread,
            demand: look.demand,
        })
        .collect();
    let arenas = arena_sums
        .into_iter()
        .map(|(name, stats)| ArenaSnapshot { name, stats })
        .collect();
    Snapshot { pools, arenas }
}

/// Every pool and named arena of the process at one moment.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Snapshot {
    /// One entry a name and kind, in the order of kind, then name.
    pub pools: Vec<PoolSnapshot>,
    /// One entry a name, in the order of names.
    pub arenas: Vec<ArenaSnapshot>,
}

/// One pool in a [`Snapshot`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PoolSnapshot {
    /// What the pool hands out.
    pub kind: PoolKind,
    /// The pool's name, as given when it was made.
    pub name: &'static str,
    /// What all pools of that name and kind have done.
    pub stats: PoolStats,
    /// Buffers that the pool has for each thread, or objects that it can hold; of several the
    /// largest, of those that are gone the last.
    pub size: usize,
    /// The hit rate below which a telemetry monitor warns, from 0 to 1; of
    /// several the highest, of those that are gone the last.
    pub hit_rate_warning: f64,
    /// How far apart the living threads are.
    pub spread: ThreadSpread,
    /// What was asked of those of them that record; `None` if none does.
    pub demand: Option<Demand>,
}

/// The extremes over the living threads that have acquired from a pool: how evenly they use it,
/// without naming one. A thread that takes over an ended thread's part takes over its counts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ThreadSpread {
    /// Acquires of the thread with the fewest and of the one with the most; `None` if no living
    /// thread has acquired.
    pub acquires: Option<(u64, u64)>,
    /// The lowest and the highest hit rate, from 0 to 1.
    pub hit_rate: Option<(f64, f64)>,
}

impl ThreadSpread {
    /// Of one thread.
    pub(crate) fn of(thread: &PoolStats) -> Self {
        let acquires = thread.acquires();
        Self {
            acquires: (acquires != 0).then_some((acquires, acquires)),
            hit_rate: thread.hit_rate().map(|rate| (rate, rate)),
        }
    }

    /// Takes in the threads of `other`.
    pub(crate) fn merge(&mut self, other: Self) {
        self.acquires = widest(self.acquires, other.acquires, u64::min, u64::max);
        self.hit_rate = widest(self.hit_rate, other.hit_rate, f64::min, f64::max);
    }
}

fn widest<T: Copy>(
    a: Option<(T, T)>,
    b: Option<(T, T)>,
    min: fn(T, T) -> T,
    max: fn(T, T) -> T,
) -> Option<(T, T)> {
    match (a, b) {
        (Some(a), Some(b)) => Some((min(a.0, b.0), max(a.1, b.1))),
        (one, other) => one.or(other),
    }
}

/// The arenas of one name in a [`Snapshot`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ArenaSnapshot {
    /// The name, as given when the arena was made; `thread` and `scratch` are the threads' own.
    pub name: &'static str,
    /// What all arenas of that name have done and hold.
    pub stats: ArenaStats,
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::thread;

    use super::*;

    /// A pool that lets another thread come by while the registry is locked.
    struct Yielding;

    impl Source for Yielding {
        fn kind(&self) -> PoolKind {
            PoolKind::Object
        }

        fn name(&self) -> &'static str {
            "yielding"
        }

        fn look(&self) -> Look {
            thread::yield_now();
            Look::default()
        }
    }

    #[test]
    fn a_name_is_kept_once_in_whatever_order_names_come() {
        let names = ["order-c", "order-a", "order-d", "order-b", "order"];
        let first = names.map(intern);
        assert_eq!(first, names);
        let again = names.map(|name| intern(&String::from(name)));
        assert!(first.iter().zip(again).all(|(a, b)| std::ptr::eq(*a, b)));
    }

    #[test]
    fn snapshots_that_are_taken_at_once_wait_for_each_other_and_are_whole() {
        let pool: Arc<dyn Source> = Arc::new(Yielding);
        register(Arc::clone(&pool));
        let is_there = || snapshot().pools.iter().any(|pool| pool.name == "yielding");
        let snapshots = if cfg!(miri) { 5 } else { 500 };
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..snapshots).for_each(|_| assert!(is_there())));
            }
        });
        unregister(&pool);
    }
}
