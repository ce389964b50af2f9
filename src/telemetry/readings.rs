//! One snapshot as the points of metrics: the only place where figures get their names.

use super::health::IntervalRate;
use super::monitor::interval_rates;
use super::semconv::{
    KnhkBufferPoolDestination as BufferTo, KnhkBufferPoolOutcome as BufferFrom,
    KnhkObjectPoolDestination as ObjectTo, KnhkObjectPoolOutcome as ObjectFrom, Metric, attribute,
    metric,
};
use crate::hot_path;
use crate::registry::{ArenaSnapshot, PoolKind, PoolSnapshot, snapshot};

/// The metrics that the library emits: those of the registry that are not the service's.
pub(super) fn metrics() -> impl Iterator<Item = &'static Metric> {
    let services = ["knhk.pipeline.", "knhk.service.", "knhk.telemetry."];
    let is_ours = move |metric: &&Metric| !services.iter().any(|it| metric.name.starts_with(it));
    metric::ALL.iter().filter(is_ours)
}

/// One point of one metric.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) metric: &'static Metric,
    pub(super) attributes: Vec<(&'static str, &'static str)>,
    pub(super) value: Value,
}

/// As the metric's value type says.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value {
    Int(u64),
    Double(f64),
}

/// Every point now, from one snapshot.
pub(super) fn take() -> Vec<Reading> {
    let mut readings = Readings::default();
    let rates = interval_rates();
    let seen = snapshot();
    for pool in &seen.pools {
        readings.pool(pool, &rates);
    }
    for arena in &seen.arenas {
        readings.arena(arena);
    }
    readings.violations();
    readings.0
}

/// The names of one kind of pool.
struct PoolNames {
    name: &'static str,
    outcome: &'static str,
    outcomes: [&'static str; 3],
    destination: &'static str,
    destinations: [&'static str; 3],
    acquire: &'static Metric,
    release: &'static Metric,
    grow: Option<&'static Metric>,
    hit_rate: &'static Metric,
    lifetime_hit_rate: &'static Metric,
    in_use: &'static Metric,
    idle: &'static Metric,
    capacity: &'static Metric,
    high_water: &'static Metric,
    retained: &'static Metric,
    threads: &'static Metric,
    acquires: [&'static Metric; 2],
    hit_rates: [&'static Metric; 2],
}

const BUFFER: PoolNames = PoolNames {
    name: attribute::KNHK_BUFFER_POOL_NAME,
    outcome: attribute::KNHK_BUFFER_POOL_OUTCOME,
    outcomes: [
        BufferFrom::Hit.as_str(),
        BufferFrom::Miss.as_str(),
        BufferFrom::Exhausted.as_str(),
    ],
    destination: attribute::KNHK_BUFFER_POOL_DESTINATION,
    destinations: [
        BufferTo::Pool.as_str(),
        BufferTo::Heap.as_str(),
        BufferTo::Caller.as_str(),
    ],
    acquire: &metric::KNHK_BUFFER_POOL_ACQUIRE,
    release: &metric::KNHK_BUFFER_POOL_RELEASE,
    grow: Some(&metric::KNHK_BUFFER_POOL_GROW),
    hit_rate: &metric::KNHK_BUFFER_POOL_HIT_RATE,
    lifetime_hit_rate: &metric::KNHK_BUFFER_POOL_LIFETIME_HIT_RATE,
    in_use: &metric::KNHK_BUFFER_POOL_IN_USE,
    idle: &metric::KNHK_BUFFER_POOL_IDLE,
    capacity: &metric::KNHK_BUFFER_POOL_CAPACITY,
    high_water: &metric::KNHK_BUFFER_POOL_HIGH_WATER,
    retained: &metric::KNHK_BUFFER_POOL_RETAINED,
    threads: &metric::KNHK_BUFFER_POOL_THREAD_COUNT,
    acquires: [
        &metric::KNHK_BUFFER_POOL_THREAD_ACQUIRE_MIN,
        &metric::KNHK_BUFFER_POOL_THREAD_ACQUIRE_MAX,
    ],
    hit_rates: [
        &metric::KNHK_BUFFER_POOL_THREAD_HIT_RATE_MIN,
        &metric::KNHK_BUFFER_POOL_THREAD_HIT_RATE_MAX,
    ],
};

const OBJECT: PoolNames = PoolNames {
    name: attribute::KNHK_OBJECT_POOL_NAME,
    outcome: attribute::KNHK_OBJECT_POOL_OUTCOME,
    outcomes: [
        ObjectFrom::Hit.as_str(),
        ObjectFrom::Miss.as_str(),
        ObjectFrom::Exhausted.as_str(),
    ],
    destination: attribute::KNHK_OBJECT_POOL_DESTINATION,
    destinations: [
        ObjectTo::Pool.as_str(),
        ObjectTo::Heap.as_str(),
        ObjectTo::Caller.as_str(),
    ],
    acquire: &metric::KNHK_OBJECT_POOL_ACQUIRE,
    release: &metric::KNHK_OBJECT_POOL_RELEASE,
    grow: None,
    hit_rate: &metric::KNHK_OBJECT_POOL_HIT_RATE,
    lifetime_hit_rate: &metric::KNHK_OBJECT_POOL_LIFETIME_HIT_RATE,
    in_use: &metric::KNHK_OBJECT_POOL_IN_USE,
    idle: &metric::KNHK_OBJECT_POOL_IDLE,
    capacity: &metric::KNHK_OBJECT_POOL_CAPACITY,
    high_water: &metric::KNHK_OBJECT_POOL_HIGH_WATER,
    retained: &metric::KNHK_OBJECT_POOL_RETAINED,
    threads: &metric::KNHK_OBJECT_POOL_THREAD_COUNT,
    acquires: [
        &metric::KNHK_OBJECT_POOL_THREAD_ACQUIRE_MIN,
        &metric::KNHK_OBJECT_POOL_THREAD_ACQUIRE_MAX,
    ],
    hit_rates: [
        &metric::KNHK_OBJECT_POOL_THREAD_HIT_RATE_MIN,
        &metric::KNHK_OBJECT_POOL_THREAD_HIT_RATE_MAX,
    ],
};

#[derive(Default)]
struct Readings(Vec<Reading>);

impl Readings {
    fn pool(&mut self, pool: &PoolSnapshot, rates: &[IntervalRate]) {
        let names = match pool.kind {
            PoolKind::Buffer => &BUFFER,
            PoolKind::Object => &OBJECT,
        };
        let stats = &pool.stats;
        let owner = [(names.name, pool.name)];
        let came = [stats.hits, stats.misses, stats.exhausted];
        self.split(names.acquire, owner[0], names.outcome, names.outcomes, came);
        let went = [stats.released, stats.freed, stats.detached];
        self.split(
            names.release,
            owner[0],
            names.destination,
            names.destinations,
            went,
        );
        for (metric, value) in [
            (names.in_use, stats.in_use),
            (names.idle, stats.idle),
            (names.capacity, stats.capacity),
            (names.high_water, stats.high_water),
            (names.retained, stats.bytes),
            (names.threads, stats.threads),
        ] {
            self.int(metric, &owner, value as u64);
        }
        if let Some(grow) = names.grow {
            self.int(grow, &owner, stats.grown);
        }
        self.rates(names, pool, rates);
    }

    /// A rate without an acquire is no number, and is left out.
    fn rates(&mut self, names: &PoolNames, pool: &PoolSnapshot, rates: &[IntervalRate]) {
        let owner = [(names.name, pool.name)];
        let is_its = |rate: &&IntervalRate| (rate.kind, rate.name) == (pool.kind, pool.name);
        if let Some(interval) = rates.iter().find(is_its) {
            self.double(names.hit_rate, &owner, interval.rate);
        }
        if let Some(rate) = pool.stats.hit_rate() {
            self.double(names.lifetime_hit_rate, &owner, rate);
        }
        if let Some((fewest, most)) = pool.spread.acquires {
            self.int(names.acquires[0], &owner, fewest);
            self.int(names.acquires[1], &owner, most);
        }
        if let Some((lowest, highest)) = pool.spread.hit_rate {
            self.double(names.hit_rates[0], &owner, lowest);
            self.double(names.hit_rates[1], &owner, highest);
        }
    }

    fn arena(&mut self, arena: &ArenaSnapshot) {
        let owner = [(attribute::KNHK_ARENA_NAME, arena.name)];
        let stats = &arena.stats;
        for (metric, value) in [
            (&metric::KNHK_ARENA_ALLOCATE, stats.allocations),
            (&metric::KNHK_ARENA_OVERFLOW, stats.overflows),
            (&metric::KNHK_ARENA_RESET, stats.resets),
            (&metric::KNHK_ARENA_IN_USE, stats.in_use as u64),
            (&metric::KNHK_ARENA_CAPACITY, stats.capacity as u64),
            (&metric::KNHK_ARENA_HIGH_WATER, stats.high_water as u64),
            (&metric::KNHK_ARENA_HEAP, stats.heap_bytes as u64),
            (&metric::KNHK_ARENA_COUNT, stats.arenas as u64),
        ] {
            self.int(metric, &owner, value);
        }
        if let Some(share) = stats.utilization() {
            self.double(&metric::KNHK_ARENA_UTILIZATION, &owner, share);
        }
    }

    /// Calls of the allocator by section; sections of one name are summed.
    fn violations(&mut self) {
        let mut sections: Vec<(&'static str, u64)> = Vec::new();
        for violations in hot_path::violations() {
            let (section, count) = (violations.section, violations.count);
            match sections.iter_mut().find(|(known, _)| *known == section) {
                Some((_, sum)) => *sum += count,
                None => sections.push((section, count)),
            }
        }
        for (section, count) in sections {
            let owner = [(attribute::KNHK_HOT_PATH_SECTION, section)];
            self.int(&metric::KNHK_HOT_PATH_ALLOCATION, &owner, count);
        }
    }

    /// One point for each part; those that are zero too, so that the series is there from the start.
    fn split(
        &mut self,
        metric: &'static Metric,
        owner: (&'static str, &'static str),
        key: &'static str,
        parts: [&'static str; 3],
        values: [u64; 3],
    ) {
        for (part, value) in parts.into_iter().zip(values) {
            self.int(metric, &[owner, (key, part)], value);
        }
    }

    fn int(
        &mut self,
        metric: &'static Metric,
        attributes: &[(&'static str, &'static str)],
        value: u64,
    ) {
        self.push(metric, attributes, Value::Int(value));
    }

    fn double(
        &mut self,
        metric: &'static Metric,
        attributes: &[(&'static str, &'static str)],
        value: f64,
    ) {
        self.push(metric, attributes, Value::Double(value));
    }

    fn push(
        &mut self,
        metric: &'static Metric,
        attributes: &[(&'static str, &'static str)],
        value: Value,
    ) {
        self.0.push(Reading {
            metric,
            attributes: attributes.to_vec(),
            value,
        });
    }
}
