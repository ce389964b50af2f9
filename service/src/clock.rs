//! What the stages took: sampled, and turned into ticks by a calibrated core clock.
//!
//! A tick is one cycle of the CPU core. Reading a clock costs more than a whole evaluation, so
//! nothing is ever timed by itself: of every [`SAMPLE_EVERY`] batches (each up to 16 `SoaTriples`)
//! one is timed, with one reading between two stages, and the time is divided by what the stage did.
//! What is reported is the median batch: one in which the thread lost its core does not count for
//! more than another.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// One batch in so many is timed, the first included.
pub const SAMPLE_EVERY: u64 = 8;

/// Samples that a worker keeps; further ones take the place of the oldest.
const SAMPLES_MAX: usize = 4096;

/// What the stages took for one batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// Filling `SoaTriples`.
    pub load: Duration,
    /// Evaluating hooks.
    pub reflex: Duration,
    /// Formatting receipts and triples; waiting for a turn and writing are not in it.
    pub emit: Duration,
    /// Runs in the batch.
    pub runs: u64,
    /// Evaluations in the batch.
    pub evaluations: u64,
}

/// The last samples of one worker, or all of several.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    kept: Vec<Sample>,
    next: usize,
}

impl Samples {
    /// Of several workers and passes, no more are kept.
    pub const ALL_MAX: usize = 1 << 16;

    /// None yet, and room for as many as are kept: [`push`](Self::push) does not allocate.
    pub fn with_room() -> Self {
        Self {
            kept: Vec::with_capacity(SAMPLES_MAX),
            next: 0,
        }
    }

    /// Keeps `sample`.
    pub fn push(&mut self, sample: Sample) {
        self.keep(sample, SAMPLES_MAX);
    }

    /// Adds all of `others`; of more than [`ALL_MAX`](Self::ALL_MAX) the newest are kept.
    pub fn extend(&mut self, others: &Self) {
        for sample in &others.kept {
            self.keep(*sample, Self::ALL_MAX);
        }
    }

    /// Keeps none any more; the room stays.
    pub fn clear(&mut self) {
        self.kept.clear();
        self.next = 0;
    }

    /// Those that are kept.
    pub fn iter(&self) -> impl Iterator<Item = &Sample> {
        self.kept.iter()
    }

    fn keep(&mut self, sample: Sample, max: usize) {
        if self.kept.len() < max {
            self.kept.push(sample);
        } else {
            self.kept[self.next] = sample;
            self.next = (self.next + 1) % max;
        }
    }

    /// Nanoseconds for one of what `count` counts, in the median sample that has any (of an even number, the lower
    /// middle one); 0 if none has.
    pub fn median_ns(
        &self,
        time: impl Fn(&Sample) -> Duration,
        count: impl Fn(&Sample) -> u64,
    ) -> f64 {
        let counted = self.kept.iter().filter(|sample| count(sample) > 0);
        let mut each: Vec<f64> = counted
            .map(|sample| time(sample).as_nanos() as f64 / count(sample) as f64)
            .collect();
        each.sort_by(f64::total_cmp);
        each.get(each.len().saturating_sub(1) / 2)
            .copied()
            .unwrap_or_default()
    }
}

/// Times the laps of one batch; stands still when the batch is not sampled.
#[derive(Debug)]
pub struct Stopwatch(Option<Instant>);

impl Stopwatch {
    /// Starts, if `batch` is one of those that are timed.
    pub fn start(batch: u64) -> Self {
        Self(batch.is_multiple_of(SAMPLE_EVERY).then(Instant::now))
    }

    /// Whether this batch is timed.
    pub fn is_running(&self) -> bool {
        self.0.is_some()
    }

    /// The time since the last lap, or zero.
    pub fn lap(&mut self) -> Duration {
        let Some(last) = &mut self.0 else {
            return Duration::ZERO;
        };
        let now = Instant::now();
        now - std::mem::replace(last, now)
    }
}

const CHAIN_STEPS: u32 = 20_000;
const CYCLES_A_STEP: u32 = 2;
const CHAINS: usize = 32;

/// The core's clock in GHz, which is ticks per nanosecond: the fastest of 32 chains of 40,000
/// dependent one-cycle operations. Takes about a millisecond. In a debug build it means nothing.
pub fn core_ghz() -> f64 {
    let fastest = (0..CHAINS).map(|_| time_chain()).min().unwrap_or_default();
    f64::from(CHAIN_STEPS * CYCLES_A_STEP) / fastest.as_nanos().max(1) as f64
}

/// Each step is an exclusive or, and an addition that needs its result: two cycles on any core, and
/// nothing that a compiler can shorten, as both operands are unknown to it.
fn time_chain() -> Duration {
    let (flip, step) = (black_box(0x5555_u64), black_box(3_u64));
    let start = Instant::now();
    let mut word = black_box(1_u64);
    for _ in 0..CHAIN_STEPS {
        word = (word ^ flip).wrapping_add(step);
    }
    black_box(word);
    start.elapsed()
}
