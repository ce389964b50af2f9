//! `knhk-poold tune`: which pool size a workload needs, from what a recording pool was asked for.
//!
//! ```text
//!  files ─▸ the pipeline, recording ─┐
//!                                    ├─▸ demand ─▸ forecast ─▸ table, JSON, SVG, TOML
//!  a running service, /v1/pools ─────┘
//! ```
//!
//! What a [`Demand`] foretells, and how exactly, stands there; here it is only laid out.

pub mod plot;
pub mod recommendation;
pub mod remote;
pub mod report;
pub mod wire;

use knhk_pool::{Demand, Workload};

/// The hit rates that a size is named for, from 0 to 1.
pub const TARGETS: [f64; 3] = [0.95, 0.99, 0.999];

/// Sizes that are all shown; of more, some.
const ALL_SHOWN: usize = 24;

/// Digits of a percentage behind its point.
const DIGITS: usize = 2;

/// Of more, a ratio of two counts knows nothing.
const DIGITS_MAX: usize = 12;

/// Acquires below which a forecast says little about the next day.
const ACQUIRES_FEW: u64 = 1000;

/// A percentage as it was asked for, above 0 and at most 100.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Percent(pub f64);

impl Percent {
    /// From 0 to 1.
    pub fn ratio(self) -> f64 {
        self.0 / 100.0
    }

    /// `ratio`, from 0 to 1, in as many digits as this has, and two at least. Rounded down: what is
    /// not all must not read as all.
    pub fn beside(self, ratio: f64) -> String {
        let asked = self.0.to_string();
        let digits = asked.split_once('.').map_or(0, |(_, digits)| digits.len());
        report::percent(ratio, digits.clamp(DIGITS, DIGITS_MAX))
    }
}

/// One pool size, and what it would do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forecast {
    /// Buffers a thread.
    pub pool_size: usize,
    /// Acquires that it would serve.
    pub hits: u64,
    /// From 0 to 1.
    pub hit_rate: f64,
    /// Buffers × buffer size.
    pub bytes_per_thread: usize,
}

/// What was asked of one pool, and what follows.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// Where it was recorded: the inputs, or an address.
    pub source: String,
    /// The pool's name.
    pub pool: String,
    /// At least one acquire.
    pub demand: Demand,
    /// What a configuration is written for, and a profile named for.
    pub target: Percent,
}

impl Tuning {
    /// What a pool of `pool_size` buffers a thread would do.
    pub fn forecast(&self, pool_size: usize) -> Forecast {
        Forecast {
            pool_size,
            hits: self.demand.hits(pool_size),
            hit_rate: self.demand.hit_rate(pool_size).unwrap_or_default(),
            bytes_per_thread: pool_size * self.demand.buffer_size,
        }
    }

    /// The smallest size with at least `hit_rate`, from 0 to 1.
    pub fn smallest(&self, hit_rate: f64) -> Option<Forecast> {
        let size = self.demand.smallest_size(hit_rate)?;
        Some(self.forecast(size))
    }

    /// The smallest size with the rate that was asked for.
    pub fn wanted(&self) -> Option<Forecast> {
        self.smallest(self.target.ratio())
    }

    /// The smallest profile whose pool size reaches the rate that was asked for.
    pub fn profile(&self) -> Option<Workload> {
        let wanted = self.wanted()?.pool_size;
        let mut profiles = Workload::ALL.into_iter();
        profiles.find(|profile| profile.pool_size() >= wanted)
    }

    /// Every size up to the largest that any acquire needed.
    pub fn all(&self) -> impl Iterator<Item = Forecast> {
        (1..=self.demand.needed.len().max(1)).map(|size| self.forecast(size))
    }

    /// The sizes to be shown: all, or of many the powers of two, the profiles', those that were
    /// named, and the largest.
    pub fn shown(&self) -> Vec<Forecast> {
        let largest = self.demand.needed.len().max(1);
        if largest <= ALL_SHOWN {
            return self.all().collect();
        }
        let powers = (0..usize::BITS).map(|power| 1 << power);
        let profiles = Workload::ALL.map(Workload::pool_size);
        let named = TARGETS
            .into_iter()
            .chain([self.target.ratio()])
            .filter_map(|rate| self.demand.smallest_size(rate));
        let mut sizes: Vec<usize> = powers
            .take_while(|size| *size < largest)
            .chain(profiles)
            .chain(named)
            .chain([largest])
            .filter(|size| (1..=largest).contains(size))
            .collect();
        sizes.sort_unstable();
        sizes.dedup();
        sizes.into_iter().map(|size| self.forecast(size)).collect()
    }

    /// The smallest power of two that held this share of the buffers that came back, in bytes.
    pub fn length_within(&self, share: f64) -> Option<usize> {
        let powers = 0..self.demand.lengths.len() as u32;
        powers
            .filter_map(|power| 1_usize.checked_shl(power))
            .find(|bytes| {
                self.demand
                    .share_within(*bytes)
                    .is_some_and(|within| within >= share)
            })
    }

    /// What a reader should know before acting on the table, a sentence each.
    pub fn notes(&self) -> Vec<String> {
        [
            self.note_of_depth(),
            self.note_of_few(),
            self.note_of_beyond(),
            self.note_of_length(),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn note_of_depth(&self) -> Option<String> {
        (self.demand.most_out()? <= 1).then(|| {
            "no thread ever had more than one buffer out: a pool of 1 serves all of it, and there is \
             nothing to tune"
                .to_owned()
        })
    }

    fn note_of_few(&self) -> Option<String> {
        let acquires = self.demand.acquires();
        (acquires < ACQUIRES_FEW).then(|| {
            format!("{acquires} acquires are few: record a longer stretch of the workload")
        })
    }

    fn note_of_beyond(&self) -> Option<String> {
        let beyond = self.demand.beyond;
        (beyond > 0).then(|| {
            format!(
                "{beyond} acquires are served by no pool of up to {} buffers",
                Demand::SIZE_MAX
            )
        })
    }

    fn note_of_length(&self) -> Option<String> {
        let within = self
            .demand
            .share_within(self.demand.buffer_size.next_power_of_two())?;
        let outgrown = 1.0 - within;
        (outgrown > 0.01).then(|| {
            format!(
                "{:.1} % of the buffers outgrew {} bytes: a hit that grows is served by the heap \
                 all the same; record once more with larger buffers",
                100.0 * outgrown,
                self.demand.buffer_size
            )
        })
    }
}
