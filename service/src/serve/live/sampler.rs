//! One look a tick: what changed since the one before becomes a point, what is becomes the state.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use knhk_pool::{PoolStats, Snapshot, snapshot};
use serde::Serialize;

use super::feed::Feed;
use super::figures::{Figures, Key, Rates, key};
use super::pipeline::{PipelineSource, Stages, WorkerFigures};
use crate::telemetry::notices::{Notices, now_ms};

/// What it has seen, and whom it asks.
pub(super) struct Sampler {
    pipeline: Arc<dyn PipelineSource>,
    notices: Notices,
    notices_seen: u64,
    looked: Instant,
    pools: BTreeMap<Key, PoolStats>,
    total: WorkerFigures,
}

/// What happened in one interval. A pool that did nothing is left out.
#[derive(Serialize)]
struct Point {
    at_ms: u64,
    /// How long the interval was: a busy machine makes them uneven.
    span_ms: f64,
    pools: Vec<PoolPoint>,
    triples: u64,
    evaluations: u64,
    stages: Stages,
}

#[derive(Serialize)]
struct PoolPoint {
    kind: &'static str,
    name: &'static str,
    hits: u64,
    misses: u64,
    exhausted: u64,
    grown: u64,
}

impl Sampler {
    /// Looks for the first time: what was before belongs to no interval.
    pub(super) fn new(pipeline: Arc<dyn PipelineSource>, notices: Notices) -> Self {
        let seen = snapshot();
        Self {
            total: pipeline.pipeline().total(),
            pipeline,
            notices,
            notices_seen: 0,
            looked: Instant::now(),
            pools: seen
                .pools
                .iter()
                .map(|pool| (key(pool), pool.stats))
                .collect(),
        }
    }

    /// Looks, and tells `feed`. Gives the interval's hit rates.
    pub(super) fn tick(&mut self, feed: &Feed) -> Rates {
        let (at_ms, seen, pipeline) = (now_ms(), snapshot(), self.pipeline.pipeline());
        let total = pipeline.total();
        let worked = total.since(&self.total);
        self.total = total;
        let (pools, rates) = self.pools(&seen);
        let looked = std::mem::replace(&mut self.looked, Instant::now());
        feed.point(&Point {
            at_ms,
            span_ms: (self.looked - looked).as_secs_f64() * 1000.0,
            pools,
            triples: worked.triples,
            evaluations: worked.evaluations,
            stages: worked.stages,
        });
        let (notices, notices_seen) = self.notices.after(self.notices_seen);
        self.notices_seen = notices_seen;
        notices.iter().for_each(|notice| feed.notice(notice));
        feed.state(&Figures::new(at_ms, &seen, &rates, pipeline));
        rates
    }

    fn pools(&mut self, seen: &Snapshot) -> (Vec<PoolPoint>, Rates) {
        let mut rates = Rates::new();
        let mut points = Vec::new();
        for pool in &seen.pools {
            let (kind, name) = key(pool);
            let before = self.pools.insert((kind, name), pool.stats);
            let interval = pool.stats.since(&before.unwrap_or_default());
            rates.extend(interval.hit_rate().map(|rate| ((kind, name), rate)));
            if interval.acquires() + interval.grown > 0 {
                points.push(PoolPoint {
                    kind,
                    name,
                    hits: interval.hits,
                    misses: interval.misses,
                    exhausted: interval.exhausted,
                    grown: interval.grown,
                });
            }
        }
        (points, rates)
    }
}

impl std::fmt::Debug for Sampler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sampler").finish_non_exhaustive()
    }
}
