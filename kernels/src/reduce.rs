//! Columns to one number.
//!
//! Lanes are taken in turns into 32 accumulators, which are then folded pairwise, always in the same
//! order: the same bits on every instruction set, and an error that grows with a thirty-second of the
//! length. A masked column takes the same turns as one without a validity.

use knhk_pool::hot_path;

use crate::bitmap::WORD;
use crate::column::Column;
use crate::dispatch::{Kernel, dispatch};

/// Accumulators: enough chains of additions to keep two adders of eight lanes busy.
pub(crate) const WAYS: usize = 32;

/// How lanes become one.
trait Fold: Copy {
    /// Folded with anything, gives that.
    const IDENTITY: f64;

    fn lane(self, sum: f64, x: f64) -> f64;

    /// Two accumulators.
    fn merge(self, a: f64, b: f64) -> f64;
}

#[derive(Clone, Copy)]
struct Sum;

impl Fold for Sum {
    const IDENTITY: f64 = -0.0;

    #[inline(always)]
    fn lane(self, sum: f64, x: f64) -> f64 {
        sum + x
    }

    #[inline(always)]
    fn merge(self, a: f64, b: f64) -> f64 {
        a + b
    }
}

/// The number of lanes that are not NaN: exact up to 2^53.
#[derive(Clone, Copy)]
struct CountNumbers;

impl Fold for CountNumbers {
    const IDENTITY: f64 = 0.0;

    #[inline(always)]
    fn lane(self, sum: f64, x: f64) -> f64 {
        sum + if x.is_nan() { 0.0 } else { 1.0 }
    }

    #[inline(always)]
    fn merge(self, a: f64, b: f64) -> f64 {
        a + b
    }
}

#[derive(Clone, Copy)]
struct Least;

impl Fold for Least {
    const IDENTITY: f64 = f64::INFINITY;

    /// NaN wins, and stays: nothing is less than it.
    #[inline(always)]
    fn lane(self, least: f64, x: f64) -> f64 {
        if x < least || x.is_nan() { x } else { least }
    }

    #[inline(always)]
    fn merge(self, a: f64, b: f64) -> f64 {
        self.lane(a, b)
    }
}

#[derive(Clone, Copy)]
struct Greatest;

impl Fold for Greatest {
    const IDENTITY: f64 = f64::NEG_INFINITY;

    #[inline(always)]
    fn lane(self, greatest: f64, x: f64) -> f64 {
        if x > greatest || x.is_nan() {
            x
        } else {
            greatest
        }
    }

    #[inline(always)]
    fn merge(self, a: f64, b: f64) -> f64 {
        self.lane(a, b)
    }
}

/// Another fold, of the lanes that are not NaN.
#[derive(Clone, Copy)]
struct Numbers<F>(F);

impl<F: Fold> Fold for Numbers<F> {
    const IDENTITY: f64 = F::IDENTITY;

    #[inline(always)]
    fn lane(self, sum: f64, x: f64) -> f64 {
        if x.is_nan() { sum } else { self.0.lane(sum, x) }
    }

    #[inline(always)]
    fn merge(self, a: f64, b: f64) -> f64 {
        self.0.merge(a, b)
    }
}

/// What takes blocks of lanes, and is a result when the last is in. A trait and not closures, which the compiler
/// does not always inline.
pub(crate) trait Taker {
    type Result;

    fn whole(&mut self, block: &[f64; WORD]);

    /// The lanes of the bits that are set.
    fn masked(&mut self, block: &[f64; WORD], word: u64);

    fn result(self) -> Self::Result;
}

/// Accumulators, each of every 32nd lane.
struct Taken<F> {
    sums: [f64; WAYS],
    fold: F,
}

impl<F: Fold> Taken<F> {
    fn by(fold: F) -> Self {
        let sums = [F::IDENTITY; WAYS];
        Self { sums, fold }
    }
}

impl<F: Fold> Taker for Taken<F> {
    type Result = f64;

    #[inline(always)]
    fn whole(&mut self, block: &[f64; WORD]) {
        whole(&mut self.sums, block, self.fold);
    }

    #[inline(always)]
    fn masked(&mut self, block: &[f64; WORD], word: u64) {
        masked(&mut self.sums, block, word, self.fold);
    }

    #[inline(always)]
    fn result(self) -> f64 {
        fold_pairs(self.sums, self.fold)
    }
}

struct Reduce<'a, T> {
    x: &'a [f64],
    /// A word for every 64 lanes; none if all are valid.
    words: Option<&'a [u64]>,
    taker: T,
}

impl<T: Taker> Kernel for Reduce<'_, T> {
    type Output = T::Result;

    #[inline(always)]
    fn run(self) -> T::Result {
        let mut taker = self.taker;
        let (blocks, rest) = self.x.as_chunks::<WORD>();
        match self.words {
            None => blocks.iter().for_each(|block| taker.whole(block)),
            Some(words) => {
                for (block, &word) in blocks.iter().zip(words) {
                    if word == u64::MAX {
                        taker.whole(block);
                    } else if word != 0 {
                        taker.masked(block, word);
                    }
                }
            }
        }
        if !rest.is_empty() {
            let mut block = [0.0; WORD];
            block[..rest.len()].copy_from_slice(rest);
            let there = (1 << rest.len()) - 1;
            let word = self.words.map_or(there, |words| words[words.len() - 1]);
            taker.masked(&block, word);
        }
        taker.result()
    }
}

#[inline(always)]
fn whole<F: Fold>(sums: &mut [f64; WAYS], block: &[f64; WORD], fold: F) {
    for half in block.as_chunks::<WAYS>().0 {
        for lane in 0..WAYS {
            sums[lane] = fold.lane(sums[lane], half[lane]);
        }
    }
}

#[inline(always)]
fn masked<F: Fold>(sums: &mut [f64; WAYS], block: &[f64; WORD], word: u64, fold: F) {
    for (place, half) in block.as_chunks::<WAYS>().0.iter().enumerate() {
        let bits = word >> (place * WAYS);
        for lane in 0..WAYS {
            let next = fold.lane(sums[lane], half[lane]);
            sums[lane] = if bits & 1 << lane != 0 {
                next
            } else {
                sums[lane]
            };
        }
    }
}

/// The sum of 32 accumulators.
#[inline(always)]
pub(crate) fn sum_pairs(sums: [f64; WAYS]) -> f64 {
    fold_pairs(sums, Sum)
}

#[inline(always)]
fn fold_pairs<F: Fold>(sums: [f64; WAYS], fold: F) -> f64 {
    let sums: [f64; 16] = halved(&sums, fold);
    let sums: [f64; 8] = halved(&sums, fold);
    let sums: [f64; 4] = halved(&sums, fold);
    let [first, second]: [f64; 2] = halved(&sums, fold);
    fold.merge(first, second)
}

#[inline(always)]
fn halved<const HALF: usize, F: Fold>(sums: &[f64], fold: F) -> [f64; HALF] {
    let mut halves = [0.0; HALF];
    for (lane, half) in halves.iter_mut().enumerate() {
        *half = fold.merge(sums[lane], sums[lane + HALF]);
    }
    halves
}

#[inline]
pub(crate) fn taken_by<T: Taker>(x: &Column, taker: T) -> T::Result {
    dispatch(Reduce {
        x: x.values(),
        words: x.validity().map(|validity| validity.words()),
        taker,
    })
}

#[inline]
fn reduce<F: Fold>(x: &Column, fold: F) -> f64 {
    taken_by(x, Taken::by(fold))
}

/// The sum of the valid lanes; NaN if one of them is. Zero of none.
///
/// A sum on the way that no double holds is infinite, and so is the result, though the whole may be within
/// range: large lanes of both signs may make +∞ or −∞, or NaN of both.
///
/// # Examples
///
/// ```
/// use knhk_kernels::{Column, sum, sum_skip_nan};
///
/// let x: Column = [Some(1.0), None, Some(2.0)].into_iter().collect();
/// assert_eq!(sum(&x), 3.0);
/// let x = Column::from_slice(&[1.0, f64::NAN]);
/// assert!(sum(&x).is_nan());
/// assert_eq!(sum_skip_nan(&x), 1.0);
/// ```
#[hot_path]
pub fn sum(x: &Column) -> f64 {
    reduce(x, Sum) + 0.0 // the sum of nothing is +0
}

/// The sum of the valid lanes that are not NaN. Zero of none. It overflows as [`sum`].
#[hot_path]
pub fn sum_skip_nan(x: &Column) -> f64 {
    reduce(x, Numbers(Sum)) + 0.0
}

/// The arithmetic mean of the valid lanes; NaN if one of them is, or if there is none.
///
/// It is their [`sum`], divided: where that overflows, so has the mean.
#[hot_path]
pub fn mean(x: &Column) -> f64 {
    reduce(x, Sum) / (x.len() - x.null_count()) as f64
}

/// The arithmetic mean of the valid lanes that are not NaN; NaN if there is none. It overflows as [`mean`].
#[hot_path]
pub fn mean_skip_nan(x: &Column) -> f64 {
    reduce(x, Numbers(Sum)) / count_numbers(x)
}

/// The number of the valid lanes that are not NaN.
#[inline]
pub(crate) fn count_numbers(x: &Column) -> f64 {
    reduce(x, CountNumbers)
}

/// The least of the valid lanes; NaN if one of them is, `None` if there is none. Zeros of both signs are
/// equal, and either may be the answer.
///
/// # Examples
///
/// ```
/// use knhk_kernels::{Column, max, min};
///
/// let x: Column = [Some(2.0), None, Some(-1.0)].into_iter().collect();
/// assert_eq!((min(&x), max(&x)), (Some(-1.0), Some(2.0)));
/// ```
#[hot_path]
pub fn min(x: &Column) -> Option<f64> {
    (x.null_count() < x.len()).then(|| reduce(x, Least))
}

/// The greatest of the valid lanes, as [`min`].
#[hot_path]
pub fn max(x: &Column) -> Option<f64> {
    (x.null_count() < x.len()).then(|| reduce(x, Greatest))
}

/// The least of the valid lanes that are not NaN; `None` if there is none.
#[hot_path]
pub fn min_skip_nan(x: &Column) -> Option<f64> {
    (count_numbers(x) > 0.0).then(|| reduce(x, Numbers(Least)))
}

/// The greatest of the valid lanes that are not NaN; `None` if there is none.
#[hot_path]
pub fn max_skip_nan(x: &Column) -> Option<f64> {
    (count_numbers(x) > 0.0).then(|| reduce(x, Numbers(Greatest)))
}
