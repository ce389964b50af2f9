//! `knhk-poold bench`: what a buffer costs on this machine, from the pools and from malloc.
//!
//! One pair is: acquire 4 KiB, write the first byte, release. Every round times each case once, in a
//! new random order, so that a machine that is shared is shared by all cases alike. Nothing is timed
//! by itself: a sample is as many pairs as take 200 µs, after a quarter of as many that do not
//! count.

pub mod report;

use std::alloc::System;
use std::array;
use std::hint::black_box;
use std::time::{Duration, Instant};

use allocator_api2::vec::Vec as VecIn;
use knhk_pool::{BufferPool, ConfigError, LocalPool, PoolConfig, PoolError};
use serde::Serialize;

use crate::clock::core_ghz;
use crate::generate::SplitMix64;

/// Bytes a buffer: the profile medium's.
pub const BUFFER_SIZE: usize = 4096;

/// Buffers that are out at once in the deep loop, and that the pools have.
pub const DEEP: usize = 16;

const SAMPLE: Duration = Duration::from_micros(200);

/// Samples of a case that are kept; further ones take the place of the oldest.
const SAMPLES_MAX: usize = 1 << 16;

/// The pools cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The environment or the file that it names is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// No memory.
    #[error(transparent)]
    Pool(#[from] PoolError),
}

/// What one case came to.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// Where buffers come from.
    pub name: &'static str,
    /// Buffers out at once.
    pub depth: usize,
    /// Core cycles a pair: the fastest tenth.
    pub ticks_fastest_tenth: f64,
    /// Core cycles a pair: the median.
    pub ticks_median: f64,
    /// Nanoseconds a pair: the fastest tenth.
    pub ns_fastest_tenth: f64,
    /// Nanoseconds a pair: the median.
    pub ns_median: f64,
}

/// What all cases came to.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    /// Seconds of all of it.
    pub seconds: f64,
    /// Samples of each case.
    pub rounds: u64,
    /// Ticks a nanosecond: the median of the rounds.
    pub core_ghz: f64,
    /// Bytes a buffer.
    pub buffer_size: usize,
    /// Whether the program was built without optimisation, so that its figures mean nothing.
    pub is_debug_build: bool,
    /// In the order of the tables.
    pub cases: Vec<Line>,
}

/// Measures for `time`, and at least one round; `tick` is called after each round, with the time gone by.
///
/// # Errors
///
/// [`BenchError`].
pub fn measure(time: Duration, mut tick: impl FnMut(Duration)) -> Result<Measured, BenchError> {
    let start = Instant::now();
    let shared = BufferPool::builder("bench")
        .pool_size(DEEP)
        .buffer_size(BUFFER_SIZE)
        .zero_on_release(false)
        .recording(false)
        .build()?;
    let config = PoolConfig::default()
        .with_pool_size(DEEP)
        .with_buffer_size(BUFFER_SIZE);
    let local = LocalPool::new(config)?;
    let mut samplers: Vec<Sampler<'_>> = cases(&shared, &local)
        .into_iter()
        .map(Sampler::new)
        .collect();
    let mut order: Vec<usize> = (0..samplers.len()).collect();
    let mut clock = Samples::default();
    let mut random = SplitMix64(u64::from(std::process::id()));
    let mut rounds = 0;
    while rounds == 0 || start.elapsed() < time {
        shuffle(&mut order, &mut random);
        for &index in &order {
            samplers[index].sample();
        }
        clock.push(core_ghz());
        rounds += 1;
        tick(start.elapsed());
    }
    let ghz = clock.quantile(0.5);
    Ok(Measured {
        seconds: start.elapsed().as_secs_f64(),
        rounds,
        core_ghz: ghz,
        buffer_size: BUFFER_SIZE,
        is_debug_build: cfg!(debug_assertions),
        cases: samplers
            .into_iter()
            .map(|sampler| sampler.finish(ghz))
            .collect(),
    })
}

/// The process's allocator, as `Vec` asks it.
pub const AT_HAND: &str = "the allocator at hand";

/// The system's allocator, past the one at hand.
pub const MALLOC: &str = "the system's malloc";

/// Runs so many pairs, or a few more.
type Pairs<'p> = Box<dyn Fn(u64) + 'p>;

struct Case<'p> {
    name: &'static str,
    depth: usize,
    pairs: Pairs<'p>,
}

fn cases<'p>(shared: &'p BufferPool, local: &'p LocalPool) -> Vec<Case<'p>> {
    let mut cases = Vec::new();
    let mut add = |name, one: Pairs<'p>, deep: Pairs<'p>| {
        cases.extend([(1, one), (DEEP, deep)].map(|(depth, pairs)| Case { name, depth, pairs }));
    };
    macro_rules! add_case {
        ($name:expr, $acquire:expr) => {
            let (one, deep) = loops($acquire, |buffer| {
                buffer.push(1);
                black_box(buffer.as_ptr());
            });
            add($name, one, deep);
        };
    }
    add_case!("LocalPool", || local.acquire());
    add_case!("BufferPool", || shared.acquire());
    add_case!(AT_HAND, || Vec::<u8>::with_capacity(BUFFER_SIZE));
    add_case!(MALLOC, || VecIn::<u8, _>::with_capacity_in(
        BUFFER_SIZE,
        System
    ));
    cases.sort_by_key(|case| case.depth);
    cases
}

/// One out at a time, and [`DEEP`] out at once; `touch` writes the first byte and shows the buffer's address to the
/// world, so that nothing is optimised away.
fn loops<'p, B>(
    acquire: impl Fn() -> B + Copy + 'p,
    touch: impl Fn(&mut B) + Copy + 'p,
) -> (Pairs<'p>, Pairs<'p>) {
    let one = move |pairs| {
        for _ in 0..pairs {
            let mut buffer = acquire();
            touch(&mut buffer);
        }
    };
    let deep = move |pairs: u64| {
        for _ in 0..pairs / DEEP as u64 {
            let mut held: [B; DEEP] = array::from_fn(|_| acquire());
            held.iter_mut().for_each(touch);
        }
    };
    (Box::new(one), Box::new(deep))
}

struct Sampler<'p> {
    case: Case<'p>,
    /// A multiple of `DEEP`.
    pairs: u64,
    samples: Samples,
}

impl<'p> Sampler<'p> {
    fn new(case: Case<'p>) -> Self {
        let mut sampler = Self {
            case,
            pairs: 4 * DEEP as u64,
            samples: Samples::default(),
        };
        while sampler.time() < SAMPLE {
            sampler.pairs *= 2;
        }
        sampler
    }

    fn sample(&mut self) {
        (self.case.pairs)(self.pairs / 4);
        let nanoseconds = self.time().as_nanos() as f64;
        self.samples.push(nanoseconds / self.pairs as f64);
    }

    fn time(&self) -> Duration {
        let start = Instant::now();
        (self.case.pairs)(self.pairs);
        start.elapsed()
    }

    fn finish(mut self, ghz: f64) -> Line {
        let [fastest_tenth, median] = [0.1, 0.5].map(|share| self.samples.quantile(share));
        Line {
            name: self.case.name,
            depth: self.case.depth,
            ticks_fastest_tenth: fastest_tenth * ghz,
            ticks_median: median * ghz,
            ns_fastest_tenth: fastest_tenth,
            ns_median: median,
        }
    }
}

/// The newest samples.
#[derive(Default)]
struct Samples {
    kept: Vec<f64>,
    pushed: usize,
}

impl Samples {
    fn push(&mut self, sample: f64) {
        if self.kept.len() < SAMPLES_MAX {
            self.kept.push(sample);
        } else {
            self.kept[self.pushed % SAMPLES_MAX] = sample;
        }
        self.pushed += 1;
    }

    /// The value below which `share` of the samples lie; there is at least one.
    fn quantile(&mut self, share: f64) -> f64 {
        self.kept.sort_by(f64::total_cmp);
        self.kept[((self.kept.len() - 1) as f64 * share) as usize]
    }
}

fn shuffle(values: &mut [usize], random: &mut SplitMix64) {
    for last in (1..values.len()).rev() {
        values.swap(last, random.below(last as u64 + 1) as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_the_newest_samples() {
        let mut samples = Samples::default();
        (0..SAMPLES_MAX).for_each(|_| samples.push(1.0));
        (0..SAMPLES_MAX).for_each(|_| samples.push(2.0));
        assert_eq!(
            (samples.kept.len(), samples.quantile(0.0)),
            (SAMPLES_MAX, 2.0)
        );
        let mut few = Samples::default();
        (1..=11).for_each(|sample| few.push(f64::from(sample)));
        assert_eq!((few.quantile(0.1), few.quantile(0.5)), (2.0, 6.0));
    }

    #[test]
    fn the_pools_serve_every_pair_and_a_loop_runs_as_many_as_it_is_told() {
        let shared = BufferPool::builder("bench-hits")
            .pool_size(DEEP)
            .recording(false)
            .build()
            .expect("the sizes are fine");
        let local = LocalPool::new(PoolConfig::default()).expect("there is memory");
        let cases = cases(&shared, &local);
        assert_eq!(cases.len(), 8);
        for case in &cases {
            (case.pairs)(10 * DEEP as u64);
        }
        for stats in [shared.stats(), local.stats()] {
            assert_eq!((stats.hits, stats.misses), (20 * DEEP as u64, 0));
            assert_eq!(stats.high_water, DEEP);
        }
    }
}
