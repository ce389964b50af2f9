//! Statistics of the last `window` lanes, at every lane.
//!
//! ```text
//!   x      │ block of `window` lanes │ next block            │
//!   window        └────── i ────────────────┘
//!                 suffix of the block + prefix of the next
//! ```
//!
//! A window is the end of one block and the beginning of the next (van Herk 1992; Gil and Werman 1993).
//! Suffixes are worked out once a block, prefixes as the window moves on, so that nothing is ever
//! subtracted again: no error is carried along, and NaN or an infinity is gone when its window is.
//! Variances are merged by the formula of Chan, Golub and LeVeque (1983).

use knhk_pool::hot_path;

use crate::column::Column;
use crate::elementwise::try_column;
use crate::error::KernelError;
use crate::scratch::Scratch;

/// What a rolling kernel does with a null, or with NaN, in a window.
///
/// The first `window − 1` lanes are null in both: they have no whole window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// One null makes the result null; else one NaN makes it NaN.
    Propagate,
    /// Nulls and NaN are left out. The result is null if too few numbers are left: none for a sum and
    /// a mean, one for a variance.
    Skip,
}

/// A part of a window.
trait Part: Copy {
    /// Doubles that hold one.
    const WORDS: usize;
    /// Numbers that a result needs.
    const LEAST: f64;

    fn empty() -> Self;
    fn of(x: f64) -> Self;
    fn merge(self, later: Self) -> Self;
    fn store(self, words: &mut [f64]);
    fn load(words: &[f64]) -> Self;
    fn count(self) -> f64;
    fn result(self) -> f64;
}

/// Count and sum.
#[derive(Clone, Copy)]
struct Total {
    count: f64,
    sum: f64,
}

impl Part for Total {
    const WORDS: usize = 2;
    const LEAST: f64 = 1.0;

    fn empty() -> Self {
        Self {
            count: 0.0,
            sum: 0.0,
        }
    }

    fn of(x: f64) -> Self {
        Self { count: 1.0, sum: x }
    }

    fn merge(self, later: Self) -> Self {
        Self {
            count: self.count + later.count,
            sum: self.sum + later.sum,
        }
    }

    fn store(self, words: &mut [f64]) {
        words.copy_from_slice(&[self.count, self.sum]);
    }

    fn load(words: &[f64]) -> Self {
        Self {
            count: words[0],
            sum: words[1],
        }
    }

    fn count(self) -> f64 {
        self.count
    }

    fn result(self) -> f64 {
        self.sum
    }
}

/// As [`Total`], with the mean for a result.
#[derive(Clone, Copy)]
struct Mean(Total);

impl Part for Mean {
    const WORDS: usize = Total::WORDS;
    const LEAST: f64 = 1.0;

    fn empty() -> Self {
        Self(Total::empty())
    }

    fn of(x: f64) -> Self {
        Self(Total::of(x))
    }

    fn merge(self, later: Self) -> Self {
        Self(self.0.merge(later.0))
    }

    fn store(self, words: &mut [f64]) {
        self.0.store(words);
    }

    fn load(words: &[f64]) -> Self {
        Self(Total::load(words))
    }

    fn count(self) -> f64 {
        self.0.count
    }

    fn result(self) -> f64 {
        self.0.sum / self.0.count
    }
}

/// Count, mean, and the sum of squared distances from it.
#[derive(Clone, Copy)]
struct Spread {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Part for Spread {
    const WORDS: usize = 3;
    const LEAST: f64 = 2.0;

    fn empty() -> Self {
        Self {
            count: 0.0,
            mean: 0.0,
            squares: 0.0,
        }
    }

    fn of(x: f64) -> Self {
        Self {
            count: 1.0,
            mean: x,
            squares: x.abs() * 0.0, // zero; NaN of an infinity, wherever in the window it stands
        }
    }

    fn merge(self, later: Self) -> Self {
        if self.count == 0.0 {
            return later;
        }
        if later.count == 0.0 {
            return self;
        }
        let count = self.count + later.count;
        let distance = later.mean - self.mean;
        let share = later.count / count;
        Self {
            count,
            mean: self.mean + distance * share,
            squares: self.squares + later.squares + distance * distance * self.count * share,
        }
    }

    fn store(self, words: &mut [f64]) {
        words.copy_from_slice(&[self.count, self.mean, self.squares]);
    }

    fn load(words: &[f64]) -> Self {
        Self {
            count: words[0],
            mean: words[1],
            squares: words[2],
        }
    }

    fn count(self) -> f64 {
        self.count
    }

    fn result(self) -> f64 {
        self.squares / (self.count - 1.0)
    }
}

/// One lane as a part; what is missing is empty.
#[inline(always)]
fn part<P: Part>(x: &Column, index: usize, missing: Missing) -> P {
    let value = x.values()[index];
    let is_null = x.validity().is_some_and(|validity| !validity.get(index));
    if is_null || missing == Missing::Skip && value.is_nan() {
        P::empty()
    } else {
        P::of(value)
    }
}

fn rolling_into<P: Part>(
    out: &mut Column,
    x: &Column,
    window: usize,
    missing: Missing,
    scratch: &Scratch,
) -> Result<(), KernelError> {
    let len = x.len();
    if window == 0 || window > len {
        return Err(KernelError::WindowOutOfRange { window, len });
    }
    scratch.shape(out, len, true);
    let mut suffixes = scratch.lend(window * P::WORDS);
    let mut prefix = P::empty();
    for index in 0..len {
        let (value, is_valid) = if index + 1 < window {
            (f64::NAN, false)
        } else {
            let first = index + 1 - window;
            let place = first % window;
            if place == 0 {
                fill_suffixes::<P>(&mut suffixes, x, first, missing);
                prefix = P::empty();
            } else {
                prefix = prefix.merge(part(x, index, missing));
            }
            let whole = P::load(&suffixes[place * P::WORDS..][..P::WORDS]).merge(prefix);
            finish(whole, window, missing)
        };
        write(out, index, value, is_valid);
    }
    Ok(())
}

/// The suffixes of the block that begins at `first`.
fn fill_suffixes<P: Part>(suffixes: &mut [f64], x: &Column, first: usize, missing: Missing) {
    let mut suffix = P::empty();
    for (place, words) in suffixes.chunks_exact_mut(P::WORDS).enumerate().rev() {
        suffix = part::<P>(x, first + place, missing).merge(suffix);
        suffix.store(words);
    }
}

fn finish<P: Part>(whole: P, window: usize, missing: Missing) -> (f64, bool) {
    let least = match missing {
        Missing::Propagate => window as f64,
        Missing::Skip => P::LEAST,
    };
    if whole.count() >= least.max(P::LEAST) {
        (whole.result(), true)
    } else {
        (f64::NAN, false)
    }
}

#[inline(always)]
fn write(out: &mut Column, index: usize, value: f64, is_valid: bool) {
    out.lanes.as_mut_slice()[index] = value;
    if let Some(validity) = &mut out.validity {
        validity.set(index, is_valid);
    }
}

/// `out[i]` = the sum of `x[i − window + 1 ..= i]`; the first `window − 1` are null.
///
/// # Cost
///
/// Two additions a lane, whatever the window; `window` times two doubles of scratch.
///
/// # Errors
///
/// If the window is zero, or longer than the column.
///
/// # Examples
///
/// ```
/// use knhk_kernels::{Column, Missing, rolling_sum_column};
///
/// let x: Column = [Some(1.0), Some(2.0), None, Some(4.0)].into_iter().collect();
/// let sums = rolling_sum_column(&x, 2, Missing::Propagate)?;
/// assert_eq!(sums.iter().collect::<Vec<_>>(), [None, Some(3.0), None, None]);
/// let sums = rolling_sum_column(&x, 2, Missing::Skip)?;
/// assert_eq!(sums.iter().collect::<Vec<_>>(), [None, Some(3.0), Some(2.0), Some(4.0)]);
/// # Ok::<(), knhk_kernels::KernelError>(())
/// ```
#[hot_path]
pub fn rolling_sum_into(
    out: &mut Column,
    x: &Column,
    window: usize,
    missing: Missing,
    scratch: &Scratch,
) -> Result<(), KernelError> {
    rolling_into::<Total>(out, x, window, missing, scratch)
}

/// `out[i]` = the arithmetic mean of `x[i − window + 1 ..= i]`; the first `window − 1` are null.
///
/// # Cost
///
/// As [`rolling_sum_into`], and a division.
///
/// # Errors
///
/// If the window is zero, or longer than the column.
#[hot_path]
pub fn rolling_mean_into(
    out: &mut Column,
    x: &Column,
    window: usize,
    missing: Missing,
    scratch: &Scratch,
) -> Result<(), KernelError> {
    rolling_into::<Mean>(out, x, window, missing, scratch)
}

/// `out[i]` = the sample variance (denominator `n − 1`) of `x[i − window + 1 ..= i]`; the first
/// `window − 1` are null, and all are with a window of one.
///
/// A large mean costs digits, as it does not in [`var`](crate::var): up to a window of 250 the relative error stays
/// below 2^-50 (1 + m/s), with m the window's mean and s its standard deviation. Where s is 1, that is 1e-6 at a mean
/// of 1e9, and 1e-3 at 1e12.
///
/// NaN of a window with an infinity, as by [`var`](crate::var); infinite or NaN where a distance, or the square of
/// one, overflows.
///
/// # Cost
///
/// Two merges of a dozen operations and a division each, whatever the window; `window` times three
/// doubles of scratch.
///
/// # Errors
///
/// If the window is zero, or longer than the column.
///
/// # Examples
///
/// ```
/// use knhk_kernels::{Column, Missing, rolling_var_column};
///
/// let x = Column::from_slice(&[1e9, 1e9 + 2.0, 1e9 + 4.0, 1e9]);
/// let variances = rolling_var_column(&x, 3, Missing::Propagate)?;
/// assert_eq!(variances.get(2), Some(4.0));
/// # Ok::<(), knhk_kernels::KernelError>(())
/// ```
#[hot_path]
pub fn rolling_var_into(
    out: &mut Column,
    x: &Column,
    window: usize,
    missing: Missing,
    scratch: &Scratch,
) -> Result<(), KernelError> {
    rolling_into::<Spread>(out, x, window, missing, scratch)
}

/// [`rolling_sum_into`], into a new column.
///
/// # Errors
///
/// If the window is zero, or longer than the column.
pub fn rolling_sum_column(
    x: &Column,
    window: usize,
    missing: Missing,
) -> Result<Column, KernelError> {
    try_column(x.len(), |out, scratch| {
        rolling_sum_into(out, x, window, missing, scratch)
    })
}

/// [`rolling_mean_into`], into a new column.
///
/// # Errors
///
/// If the window is zero, or longer than the column.
pub fn rolling_mean_column(
    x: &Column,
    window: usize,
    missing: Missing,
) -> Result<Column, KernelError> {
    try_column(x.len(), |out, scratch| {
        rolling_mean_into(out, x, window, missing, scratch)
    })
}

/// [`rolling_var_into`], into a new column.
///
/// # Errors
///
/// If the window is zero, or longer than the column.
pub fn rolling_var_column(
    x: &Column,
    window: usize,
    missing: Missing,
) -> Result<Column, KernelError> {
    try_column(x.len(), |out, scratch| {
        rolling_var_into(out, x, window, missing, scratch)
    })
}
