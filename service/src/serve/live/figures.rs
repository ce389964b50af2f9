//! `/v1/pools`: everything that a snapshot has, and the pipeline, as JSON.

use std::collections::BTreeMap;

use knhk_pool::{ArenaSnapshot, ArenaStats, PoolKind, PoolSnapshot, PoolStats, Snapshot};
use serde::Serialize;

use super::pipeline::Pipeline;
use crate::tune::wire::DemandFigures;

/// What identifies a pool: its kind as text, and its name.
pub(super) type Key = (&'static str, &'static str);

/// The hit rates of the last interval, of the pools that were acquired from.
pub(super) type Rates = BTreeMap<Key, f64>;

/// All pools, arenas and workers at one moment.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    at_ms: u64,
    pools: Vec<PoolFigures>,
    arenas: Vec<ArenaFigures>,
    pipeline: Pipeline,
}

#[derive(Debug, Serialize)]
struct PoolFigures {
    name: &'static str,
    kind: &'static str,
    hits: u64,
    misses: u64,
    exhausted: u64,
    released: u64,
    freed: u64,
    grown: u64,
    detached: u64,
    /// Of the process's life; null before the first acquire.
    hit_rate: Option<f64>,
    /// Of the last second; null if nobody acquired in it.
    interval_hit_rate: Option<f64>,
    hit_rate_warning: f64,
    in_use: usize,
    idle: usize,
    capacity: usize,
    high_water: usize,
    bytes: usize,
    threads: usize,
    /// Buffers for each thread, or objects.
    size: usize,
    spread: Spread,
    /// What was asked of it, if it records.
    #[serde(skip_serializing_if = "Option::is_none")]
    demand: Option<DemandFigures>,
}

/// The fewest and the most over the living threads; null if none has acquired.
#[derive(Debug, Serialize)]
struct Spread {
    acquires: Option<(u64, u64)>,
    hit_rate: Option<(f64, f64)>,
}

#[derive(Debug, Serialize)]
struct ArenaFigures {
    name: &'static str,
    allocations: u64,
    overflows: u64,
    resets: u64,
    in_use: usize,
    capacity: usize,
    high_water: usize,
    heap_bytes: usize,
    arenas: usize,
    utilization: Option<f64>,
}

impl Figures {
    pub(super) fn new(at_ms: u64, seen: &Snapshot, rates: &Rates, pipeline: Pipeline) -> Self {
        let pool = |pool| PoolFigures::new(pool, rates.get(&key(pool)).copied());
        Self {
            at_ms,
            pools: seen.pools.iter().map(pool).collect(),
            arenas: seen.arenas.iter().map(ArenaFigures::new).collect(),
            pipeline,
        }
    }
}

pub(super) fn key(pool: &PoolSnapshot) -> Key {
    let kind = match pool.kind {
        PoolKind::Object => "object",
        _ => "buffer",
    };
    (kind, pool.name)
}

impl PoolFigures {
    fn new(pool: &PoolSnapshot, interval_hit_rate: Option<f64>) -> Self {
        let (kind, name) = key(pool);
        let stats: &PoolStats = &pool.stats;
        Self {
            name,
            kind,
            hits: stats.hits,
            misses: stats.misses,
            exhausted: stats.exhausted,
            released: stats.released,
            freed: stats.freed,
            grown: stats.grown,
            detached: stats.detached,
            hit_rate: stats.hit_rate(),
            interval_hit_rate,
            hit_rate_warning: pool.hit_rate_warning,
            in_use: stats.in_use,
            idle: stats.idle,
            capacity: stats.capacity,
            high_water: stats.high_water,
            bytes: stats.bytes,
            threads: stats.threads,
            size: pool.size,
            spread: Spread {
                acquires: pool.spread.acquires,
                hit_rate: pool.spread.hit_rate,
            },
            demand: pool.demand.as_ref().map(DemandFigures::from),
        }
    }
}

impl ArenaFigures {
    fn new(arena: &ArenaSnapshot) -> Self {
        let stats: &ArenaStats = &arena.stats;
        Self {
            name: arena.name,
            allocations: stats.allocations,
            overflows: stats.overflows,
            resets: stats.resets,
            in_use: stats.in_use,
            capacity: stats.capacity,
            high_water: stats.high_water,
            heap_bytes: stats.heap_bytes,
            arenas: stats.arenas,
            utilization: stats.utilization(),
        }
    }
}
