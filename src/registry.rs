//! Every pool of the process: the living ones, and the totals of those that are gone.
//!
//! One lock, taken when a pool is made, dropped or read; never by an acquire or a release.
//! Lock order: the registry's before a pool's own.

use std::collections::BTreeMap;

use crate::counters::PoolStats;
use crate::sync::{Arc, Mutex, TryLockError, lock};

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
    fn stats(&self) -> PoolStats;
}

type Key = (PoolKind, &'static str);

#[derive(Default)]
struct Registry {
    living: Vec<Arc<dyn Source>>,
    ended: BTreeMap<Key, PoolStats>,
    names: Vec<&'static str>,
}

static REGISTRY: Mutex<Registry> = Mutex::new(Registry {
    living: Vec::new(),
    ended: BTreeMap::new(),
    names: Vec::new(),
});

/// Makes `source` visible in every later [`snapshot`].
pub(crate) fn register(source: Arc<dyn Source>) {
    let _no_pools = crate::reentry::enter();
    lock(&REGISTRY).living.push(source);
}

/// Takes `source` out and keeps its totals. In one step: no snapshot sees a total fall.
pub(crate) fn unregister(source: &Arc<dyn Source>) {
    let _no_pools = crate::reentry::enter();
    let mut registry = lock(&REGISTRY);
    let registry = &mut *registry;
    registry.living.retain(|other| !Arc::ptr_eq(other, source));
    *registry
        .ended
        .entry((source.kind(), source.name()))
        .or_default() += source.stats().ended();
}

/// The one copy of `name`. It is never freed: its pool's totals outlive the pool.
pub(crate) fn intern(name: &str) -> &'static str {
    let _no_pools = crate::reentry::enter();
    let names = &mut lock(&REGISTRY).names;
    if let Some(known) = names.iter().find(|known| **known == name) {
        return known;
    }
    let kept: &'static str = Box::leak(name.into());
    names.push(kept);
    kept
}

/// All pools of the process as they are now; pools of one name and kind are summed.
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
    let registry = match REGISTRY.try_lock() {
        Err(TryLockError::WouldBlock) if is_nested => return Snapshot::default(),
        Ok(registry) => registry,
        Err(_) => lock(&REGISTRY),
    };
    let mut sums = registry.ended.clone();
    for source in &registry.living {
        *sums.entry((source.kind(), source.name())).or_default() += source.stats();
    }
    drop(registry);
    let pools = sums
        .into_iter()
        .map(|((kind, name), stats)| PoolSnapshot { kind, name, stats })
        .collect();
    Snapshot { pools }
}

/// Every pool of the process at one moment.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Snapshot {
    /// One entry a name and kind, in the order of kind, then name.
    pub pools: Vec<PoolSnapshot>,
}

/// One pool in a [`Snapshot`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct PoolSnapshot {
    /// What the pool hands out.
    pub kind: PoolKind,
    /// The pool's name, as given when it was made.
    pub name: &'static str,
    /// What all pools of that name and kind have done.
    pub stats: PoolStats,
}
