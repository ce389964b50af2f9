//! Watches every pool of the process at an interval, and warns.

use std::io;
use std::time::Duration;

use super::events;
use super::health::{Change, Health, IntervalRate, Thresholds};
use super::ticker::Ticker;
use crate::registry::snapshot;
use crate::sync::{Arc, Mutex, lock};

/// The rates of the last interval, as the last monitor that ticked has seen them.
static RATES: Mutex<Vec<IntervalRate>> = Mutex::new(Vec::new());

/// Watches the hit rate of every pool of the process, until it is dropped.
///
/// At each tick it compares a [`snapshot`] with the one before, emits the events
/// `knhk.buffer_pool.low_hit_rate` (WARN, once for each fall, and once more for each larger size that
/// does not hold either) and `knhk.buffer_pool.hit_rate_recovered` (INFO) and their like for object
/// pools through `tracing`, and keeps the interval's rates for the gauge `knhk.buffer_pool.hit_rate`.
///
/// One monitor a process: the gauge shows what the last tick of any has seen, and is absent when one
/// is dropped.
///
/// # Cost
///
/// A snapshot an interval, on the monitor's own thread; nothing on a thread that acquires.
///
/// # Examples
///
/// On a thread of its own, in one line: see the [module](super). For those who own their threads:
///
/// ```
/// use knhk_pool::BufferPool;
/// use knhk_pool::telemetry::Monitor;
/// use knhk_pool::telemetry::health::{Change, Thresholds};
///
/// let monitor = Monitor::manual(Thresholds { acquires_min: 2, ..Thresholds::default() });
/// let pool = BufferPool::builder("watched").pool_size(1).build()?;
/// let (_pooled, _from_the_heap) = (pool.acquire(), pool.acquire());
/// let changes = monitor.tick();
/// assert!(matches!(changes[..], [Change::Fell { name: "watched", recommended_size: 2, .. }]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Monitor {
    health: Arc<Mutex<Health>>,
    // Dropped first: no tick comes after the rates are cleared.
    ticker: Option<Ticker>,
}

impl Monitor {
    /// Ticks every `interval` on a helper thread named `knhk-pool-monitor`, with default thresholds.
    ///
    /// # Errors
    ///
    /// When the thread cannot be started, or `interval` is zero.
    pub fn start(interval: Duration) -> io::Result<Self> {
        Self::start_with(interval, Thresholds::default())
    }

    /// As [`start`](Self::start), with other thresholds.
    ///
    /// # Errors
    ///
    /// When the thread cannot be started, or `interval` is zero.
    pub fn start_with(interval: Duration, thresholds: Thresholds) -> io::Result<Self> {
        let mut monitor = Self::manual(thresholds);
        let health = Arc::clone(&monitor.health);
        let tick = move || {
            tick(&health);
        };
        monitor.ticker = Some(Ticker::start("knhk-pool-monitor", interval, tick)?);
        Ok(monitor)
    }

    /// Ticks only when told to.
    pub fn manual(thresholds: Thresholds) -> Self {
        Self {
            health: Arc::new(Mutex::new(Health::new(thresholds))),
            ticker: None,
        }
    }

    /// Ends an interval now: emits what has changed, and returns it.
    pub fn tick(&self) -> Vec<Change> {
        tick(&self.health)
    }
}

fn tick(health: &Mutex<Health>) -> Vec<Change> {
    let changes = {
        let mut health = lock(health);
        let changes = health.observe(&snapshot());
        *lock(&RATES) = health.rates().to_vec();
        changes
    };
    // Outside of the locks: a subscriber may look at pools, or at a monitor.
    changes.iter().for_each(events::emit);
    changes
}

impl Drop for Monitor {
    fn drop(&mut self) {
        drop(self.ticker.take());
        lock(&RATES).clear();
    }
}

/// The rates of the last interval; none where no monitor runs.
#[cfg(any(feature = "otel", feature = "metrics"))]
pub(super) fn interval_rates() -> Vec<IntervalRate> {
    lock(&RATES).clone()
}
