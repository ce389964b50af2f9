//! Variance in two passes: the mean, then the distances from it.
//!
//! The mean is rounded, and each distance is off by as much. Their sum, which were zero, tells by how much, and the
//! squares are corrected by it (Chan, Golub and LeVeque, *Algorithms for computing the sample variance*, 1983).

use knhk_pool::hot_path;

use crate::bitmap::WORD;
use crate::column::Column;
use crate::error::KernelError;
use crate::reduce::{Taker, WAYS, count_numbers, mean, mean_skip_nan, sum_pairs, taken_by};

/// Sums of squared distances from a mean and of the distances, in one pass. Those of NaN are left out with
/// `SKIP_NAN`.
struct Distances<const SKIP_NAN: bool> {
    mean: f64,
    squares: [f64; WAYS],
    sums: [f64; WAYS],
}

impl<const SKIP_NAN: bool> Distances<SKIP_NAN> {
    fn of(mean: f64) -> Self {
        Self {
            mean,
            squares: [0.0; WAYS],
            sums: [0.0; WAYS],
        }
    }

    #[inline(always)]
    fn is_taken(x: f64) -> bool {
        !(SKIP_NAN && x.is_nan())
    }
}

impl<const SKIP_NAN: bool> Taker for Distances<SKIP_NAN> {
    /// Of the squares, and of the distances.
    type Result = (f64, f64);

    // Neither loop has a branch; each is written as the compiler makes vectors of it.
    #[inline(always)]
    fn whole(&mut self, block: &[f64; WORD]) {
        for half in block.as_chunks::<WAYS>().0 {
            for (lane, &x) in half.iter().enumerate() {
                let distance = if Self::is_taken(x) {
                    x - self.mean
                } else {
                    0.0
                };
                self.squares[lane] += distance * distance;
                self.sums[lane] += distance;
            }
        }
    }

    #[inline(always)]
    fn masked(&mut self, block: &[f64; WORD], word: u64) {
        for (place, half) in block.as_chunks::<WAYS>().0.iter().enumerate() {
            let bits = word >> (place * WAYS);
            for (lane, &x) in half.iter().enumerate() {
                let is_taken = bits & 1 << lane != 0 && Self::is_taken(x);
                let distance = x - self.mean;
                let square = self.squares[lane] + distance * distance;
                let sum = self.sums[lane] + distance;
                self.squares[lane] = if is_taken { square } else { self.squares[lane] };
                self.sums[lane] = if is_taken { sum } else { self.sums[lane] };
            }
        }
    }

    #[inline(always)]
    fn result(self) -> (f64, f64) {
        (sum_pairs(self.squares), sum_pairs(self.sums))
    }
}

/// The variance of the valid lanes, with `n − ddof` in the denominator: 1 for a sample, 0 for a
/// population. NaN if one of the lanes is, or if there are not more than `ddof`.
///
/// In two passes, the second over distances from the mean and their squares, so that a large mean costs no
/// precision: what the mean has lost in rounding is made good (Chan, Golub and LeVeque 1983). It is
/// infinite where the [`mean`] is, or where the squares of the distances overflow (above some 1e154), and NaN
/// where an infinite lane has no distance from the mean.
///
/// # Errors
///
/// If `ddof` is above 1.
///
/// # Examples
///
/// ```
/// use knhk_kernels::{Column, var};
///
/// let x = Column::from_slice(&[1e9 + 1.0, 1e9 + 2.0, 1e9 + 3.0]);
/// assert_eq!(var(&x, 1)?, 1.0);
/// # Ok::<(), knhk_kernels::KernelError>(())
/// ```
#[hot_path]
pub fn var(x: &Column, ddof: u32) -> Result<f64, KernelError> {
    let mean = mean(x);
    let count = (x.len() - x.null_count()) as f64;
    let (squares, rest) = taken_by(x, Distances::<false>::of(mean));
    variance(corrected(squares, rest, count), count, ddof)
}

/// [`var`], of the valid lanes that are not NaN.
///
/// # Errors
///
/// If `ddof` is above 1.
#[hot_path]
pub fn var_skip_nan(x: &Column, ddof: u32) -> Result<f64, KernelError> {
    let mean = mean_skip_nan(x);
    let count = count_numbers(x);
    let (squares, rest) = taken_by(x, Distances::<true>::of(mean));
    variance(corrected(squares, rest, count), count, ddof)
}

/// Squared distances from the mean, of those from what it was rounded to and of the sum of these distances.
fn corrected(squares: f64, rest: f64, count: f64) -> f64 {
    let less = squares - rest * (rest / count);
    if less.is_finite() {
        less.max(0.0)
    } else {
        squares // infinite or NaN, and so it stays
    }
}

fn variance(squares: f64, count: f64, ddof: u32) -> Result<f64, KernelError> {
    if ddof > 1 {
        return Err(KernelError::ParameterOutOfRange {
            name: "ddof",
            value: f64::from(ddof),
            allowed: "0 or 1",
        });
    }
    let freedom = count - f64::from(ddof);
    Ok(if freedom > 0.0 {
        squares / freedom
    } else {
        f64::NAN
    })
}
