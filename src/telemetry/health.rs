//! Whether the pools' hit rates are as they should be, judged from snapshots.
//!
//! ```text
//!            rate < warn_below                     Change::Fell, once a size
//!  healthy ────────────────────▸ warned ─┐
//!     ▴                          ▴  │    │ below clear_above: silence
//!     │         rate < warn_below│  │    │
//!     │                         grown ◂──┤ the pool was given a larger size
//!     └──── rate ≥ clear_above ─────┴────┘         Change::Recovered
//! ```
//!
//! A rate is that of an interval, hits / (hits + misses + exhausted), and is judged only where the
//! interval had enough traffic. An interval with less is added to the next.

use std::collections::BTreeMap;

use crate::config::PoolConfig;
use crate::counters::PoolStats;
use crate::registry::{PoolKind, PoolSnapshot, Snapshot};

/// Above the warning threshold, what a rate must reach to be healthy again.
const CLEAR_MARGIN: f64 = 0.02;

/// When a pool is unhealthy, and when it is healthy again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Warn below this rate, from 0 to 1. `None`: each pool's own, `hit_rate_warning` in its
    /// configuration, 0.90 by default (ADR-007).
    pub warn_below: Option<f64>,
    /// Healthy again from this rate on, from 0 to 1. `None`: 0.02 above the former, at most 1. Lower
    /// than the former counts as equal to it.
    pub clear_above: Option<f64>,
    /// Acquires that an interval must have to be judged.
    pub acquires_min: u64,
}

impl Default for Thresholds {
    /// Each pool's own threshold, 0.02 of hysteresis, 100 acquires.
    fn default() -> Self {
        Self {
            warn_below: None,
            clear_above: None,
            acquires_min: 100,
        }
    }
}

impl Thresholds {
    fn warn_below(&self, pool: &PoolSnapshot) -> f64 {
        self.warn_below.unwrap_or(pool.hit_rate_warning)
    }

    fn clear_above(&self, pool: &PoolSnapshot) -> f64 {
        let warn_below = self.warn_below(pool);
        let clear_above = self.clear_above.unwrap_or(warn_below + CLEAR_MARGIN);
        clear_above.min(1.0).max(warn_below)
    }
}

/// What became of a pool's health.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Change {
    /// The rate fell below the threshold, or is below it still with a larger size than at the last such
    /// change.
    Fell {
        /// The pool's kind.
        kind: PoolKind,
        /// The pool's name.
        name: &'static str,
        /// Of the interval, from 0 to 1.
        rate: f64,
        /// That it fell below.
        threshold: f64,
        /// Acquires of the interval that were refused: with any, the recommended size is a guess.
        exhausted: u64,
        /// Buffers for each thread, or objects, that the pool has.
        size: usize,
        /// As many as would have held, or twice the size where acquires were refused: see
        /// [`recommended_size`].
        recommended_size: usize,
    },
    /// The rate is healthy again.
    Recovered {
        /// The pool's kind.
        kind: PoolKind,
        /// The pool's name.
        name: &'static str,
        /// Of the interval, from 0 to 1.
        rate: f64,
        /// That it reached.
        threshold: f64,
    },
}

/// The size that would have served every acquire of `interval` from the pool, as far as the counters
/// know.
///
/// Misses that went to the heap were out, and so the high-water mark has counted them: it is the
/// answer. Acquires that were refused were never out; how many there would have been is unknown, and
/// the answer is twice the size. Without a miss it is the size.
///
/// # Examples
///
/// ```
/// use knhk_pool::telemetry::health::recommended_size;
/// use knhk_pool::{BufferPool, snapshot};
///
/// let pool = BufferPool::builder("too-small").pool_size(2).build()?;
/// let five: Vec<_> = (0..5).map(|_| pool.acquire()).collect();
/// let seen = snapshot();
/// let seen = seen.pools.iter().find(|pool| pool.name == "too-small").expect("it lives");
/// assert_eq!(recommended_size(seen, &seen.stats), 5);
/// # drop(five);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn recommended_size(pool: &PoolSnapshot, interval: &PoolStats) -> usize {
    if interval.misses + interval.exhausted == 0 {
        return pool.size;
    }
    if interval.exhausted == 0 && pool.stats.high_water > pool.size {
        return pool.stats.high_water.min(size_max(pool.kind));
    }
    let doubled = pool.size.saturating_mul(2).max(1);
    doubled.max(pool.stats.high_water).min(size_max(pool.kind))
}

fn size_max(kind: PoolKind) -> usize {
    match kind {
        PoolKind::Buffer => PoolConfig::POOL_SIZE_MAX,
        PoolKind::Object => usize::MAX,
    }
}

/// One pool's rate in the last interval.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct IntervalRate {
    /// The pool's kind.
    pub kind: PoolKind,
    /// The pool's name.
    pub name: &'static str,
    /// From 0 to 1. Pools that nobody acquired from have none, and are not listed.
    pub rate: f64,
}

/// Compares each snapshot with the one before.
///
/// # Examples
///
/// ```
/// use knhk_pool::telemetry::health::{Change, Health, Thresholds};
/// use knhk_pool::{BufferPool, snapshot};
///
/// let mut health = Health::new(Thresholds { acquires_min: 4, ..Thresholds::default() });
/// let pool = BufferPool::builder("judged").pool_size(1).build()?;
/// health.observe(&snapshot());
/// let both = (pool.acquire(), pool.acquire());
/// let more = (pool.acquire(), pool.acquire());
/// let changes = health.observe(&snapshot());
/// let fell = |change: &Change| matches!(change, Change::Fell { name: "judged", rate: 0.25, .. });
/// assert!(changes.iter().any(fell));
/// # drop((both, more));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Health {
    thresholds: Thresholds,
    pools: BTreeMap<(PoolKind, &'static str), Watched>,
    rates: Vec<IntervalRate>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Watched {
    /// At the last snapshot.
    last: PoolStats,
    /// When it was judged last.
    judged: PoolStats,
    state: State,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    Healthy,
    /// At this size: the largest that was told.
    Warned { size: usize },
    /// Warned at the size `told`, and of a larger one now, which has not been judged.
    Grown { told: usize },
}

impl Health {
    /// Nothing seen yet: the first snapshot is compared with a pool that has done nothing.
    pub fn new(thresholds: Thresholds) -> Self {
        Self {
            thresholds,
            ..Self::default()
        }
    }

    /// What has changed since the snapshot before.
    pub fn observe(&mut self, now: &Snapshot) -> Vec<Change> {
        self.rates.clear();
        let mut changes = Vec::new();
        for pool in &now.pools {
            let watched = self.pools.entry((pool.kind, pool.name)).or_default();
            let interval = pool.stats.since(&watched.last);
            watched.last = pool.stats;
            self.rates
                .extend(interval.hit_rate().map(|rate| IntervalRate {
                    kind: pool.kind,
                    name: pool.name,
                    rate,
                }));
            changes.extend(watched.judge(pool, &self.thresholds));
        }
        changes
    }

    /// The rates of the last interval: of the pools that were acquired from.
    pub fn rates(&self) -> &[IntervalRate] {
        &self.rates
    }
}

impl Watched {
    fn judge(&mut self, pool: &PoolSnapshot, thresholds: &Thresholds) -> Option<Change> {
        match self.state {
            State::Warned { size } if pool.size > size => {
                // What has been counted so far is the smaller size's.
                self.state = State::Grown { told: size };
                self.judged = pool.stats;
            }
            // A larger pool of the same name has come and gone.
            State::Grown { told } if pool.size <= told => self.state = State::Warned { size: told },
            _ => {}
        }
        let interval = pool.stats.since(&self.judged);
        let rate = interval.hit_rate()?;
        if interval.acquires() < thresholds.acquires_min {
            return None;
        }
        self.judged = pool.stats;
        let (kind, name) = (pool.kind, pool.name);
        let threshold = thresholds.warn_below(pool);
        let is_told = matches!(self.state, State::Warned { .. });
        if !is_told && rate < threshold {
            self.state = State::Warned { size: pool.size };
            return Some(Change::Fell {
                kind,
                name,
                rate,
                threshold,
                exhausted: interval.exhausted,
                size: pool.size,
                recommended_size: recommended_size(pool, &interval),
            });
        }
        let threshold = thresholds.clear_above(pool);
        let is_healthy = matches!(self.state, State::Healthy);
        if !is_healthy && rate >= threshold {
            self.state = State::Healthy;
            return Some(Change::Recovered {
                kind,
                name,
                rate,
                threshold,
            });
        }
        None
    }
}
