//! One look a tick: what changed since the one before becomes a point, what is becomes the state.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use knhk_pool::{PoolStats, Snapshot, snapshot};
use serde::Serialize;

use super::feed::Feed;
use super::figures::{Figures, Key, Rates, key};
use super::pipeline::{PipelineSource, Stages, WorkerFigures};
use crate::telemetry::notices::Notices;

/// What it has seen, and whom it asks.
pub(super) struct Sampler {
    pipeline: Arc<dyn PipelineSource>,
    notices: Notices,
    notices_seen: u64,
    looked: Instant,
    /// When it looks, by the wall clock: for viewers.
    now_ms: fn() -> u64,
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
    pub(super) fn new(
        pipeline: Arc<dyn PipelineSource>,
        notices: Notices,
        now_ms: fn() -> u64,
    ) -> Self {
        let seen = snapshot();
        Self {
            total: pipeline.pipeline().total(),
            pipeline,
            notices,
            notices_seen: 0,
            looked: Instant::now(),
            now_ms,
            pools: seen
                .pools
                .iter()
                .map(|pool| (key(pool), pool.stats))
                .collect(),
        }
    }

    /// Looks, and tells `feed`. Gives the interval's hit rates.
    pub(super) fn tick(&mut self, feed: &Feed) -> Rates {
        let (at_ms, seen, pipeline) = ((self.now_ms)(), snapshot(), self.pipeline.pipeline());
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use futures_util::FutureExt as _;
    use knhk_pool::BufferPool;
    use serde_json::Value;

    use super::*;
    use crate::serve::live::pipeline::Pipeline;

    const HOUR_MS: u64 = 3_600_000;

    /// Set by the test, as a wall clock is.
    static CLOCK_MS: AtomicU64 = AtomicU64::new(0);

    struct Idle;

    impl PipelineSource for Idle {
        fn pipeline(&self) -> Pipeline {
            Pipeline::default()
        }
    }

    /// All that a viewer who comes now is told: the events' names, numbers and data.
    fn told(feed: &Arc<Feed>) -> Vec<(String, u64, Value)> {
        let mut viewer = feed.viewer(None);
        let frames = std::iter::from_fn(|| viewer.next().now_or_never().flatten());
        let events = frames.filter_map(|frame| {
            let text = String::from_utf8(frame.to_vec()).expect("it is text");
            let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
            let number = field("id: ")?.rsplit('-').next()?.parse().ok()?;
            let data = serde_json::from_str(field("data: ")?).ok()?;
            Some((field("event: ")?.to_owned(), number, data))
        });
        events.collect()
    }

    #[test]
    fn a_wall_clock_that_jumps_changes_when_something_was_and_nothing_else() {
        let pool = BufferPool::builder("wall-clock").build().expect("a pool");
        let feed = Arc::new(Feed::new(1));
        let now_ms = || CLOCK_MS.load(Ordering::Relaxed);
        let mut sampler = Sampler::new(Arc::new(Idle), Notices::default(), now_ms);
        // An hour on, two back, to 1970 and to the end of time.
        let times = [5 * HOUR_MS, 6 * HOUR_MS, 4 * HOUR_MS, 0, u64::MAX];
        for time in times {
            CLOCK_MS.store(time, Ordering::Relaxed);
            drop(pool.acquire());
            let rates = sampler.tick(&feed);
            assert_eq!(rates.get(&("buffer", "wall-clock")), Some(&1.0));
        }
        let told = told(&feed);
        let points: Vec<_> = told.iter().filter(|it| it.0 == "point").collect();
        assert_eq!(points.len(), times.len());
        assert!(points.is_sorted_by_key(|it| it.1), "in their order");
        for ((_, _, point), time) in points.into_iter().zip(times) {
            assert_eq!(point["at_ms"], time);
            let span_ms = point["span_ms"].as_f64().expect("a number");
            assert!((0.0..HOUR_MS as f64).contains(&span_ms), "{span_ms}");
            let mut pools = point["pools"].as_array().expect("a list").iter();
            let used = pools.find(|it| it["name"] == "wall-clock");
            assert_eq!(used.expect("it was used")["hits"], 1);
        }
        let (name, _, state) = told.last().expect("it was told");
        assert_eq!((&**name, &state["at_ms"]), ("state", &u64::MAX.into()));
    }
}
