//! Strengths that fade with age: by a time constant (a factor of 1/e in each), or by a half-life (a
//! factor of 1/2 in each).
//!
//! Both are `2^u`, with `u` the age times a factor, and `2^u = 2^k (1 + v R(v))` with `k` a whole number
//! and `v` within ±½; `R` is the minimax polynomial (`minimax.py`; error 2^-28.9). All of it is done in
//! `f64`, so that great ages keep their digits, and rounded to `f32` once, at the end.

use std::f64::consts::LOG2_E;

use knhk_pool::hot_path;

use crate::dispatch::{Kernel, dispatch};
use crate::error::{KernelError, same_length};

/// `R`, lowest degree first: what `minimax.py` prints.
const R: [f64; 6] = [
    0.693_147_182_464_599_6,
    0.240_226_477_384_567_26,
    0.055_503_323_674_201_965,
    0.009_618_436_917_662_62,
    0.001_339_887_385_256_588_5,
    0.000_153_533_619_595_691_56,
];
/// 1.5 · 2^52: a sum with it is rounded to an integer, which stands in the low bits.
const ROUNDER: f64 = 6_755_399_441_055_744.0;
/// 2^52: an integer below it, or-ed into its fraction, is a double by one subtraction.
const TWO_52: f64 = 4_503_599_627_370_496.0;
/// Up to it an age has a place in the fraction.
const NARROW_MAX: u64 = (1 << 52) - 1;
/// `2^u` times any `f32` rounds to zero below it.
const U_MIN: f64 = -290.0;

/// `strengths[i] · e^(−ages[i] / time_constant)`, in place: after one time constant 37 % is left.
///
/// Ages and time constant are in the same unit. Age 0 leaves a strength as it is. A time constant of
/// zero leaves nothing of what is finite and has an age; infinities and NaN stay.
///
/// Within 1 ulp of the correctly rounded result.
///
/// # Cost
///
/// Two passes, the first over the ages alone; some 20 operations of four or eight lanes, and a few more if one of
/// the ages is above 2^52 − 1. Allocates nothing.
///
/// # Errors
///
/// If the lengths differ; if the time constant is negative or NaN.
///
/// # Examples
///
/// ```
/// use knhk_kernels::decay;
///
/// let mut strengths = [1.0, 1.0];
/// decay(&mut strengths, &[0, 3600], 3600.0)?;
/// assert_eq!(strengths, [1.0, (-1_f32).exp()]);
/// # Ok::<(), knhk_kernels::KernelError>(())
/// ```
#[hot_path]
pub fn decay(strengths: &mut [f32], ages: &[u64], time_constant: f64) -> Result<(), KernelError> {
    same_length(strengths.len(), ages.len())?;
    fade(
        strengths,
        ages,
        not_negative("time constant", time_constant)?,
        LOG2_E,
    );
    Ok(())
}

/// `strengths[i] · 2^(−ages[i] / half_life)`, in place: after one half-life half is left. All else
/// as [`decay`].
///
/// # Errors
///
/// If the lengths differ; if the half-life is negative or NaN.
///
/// # Examples
///
/// ```
/// use knhk_kernels::decay_half_life;
///
/// let mut strengths = [1.0, 1.0, 1.0];
/// decay_half_life(&mut strengths, &[0, 3600, 7200], 3600.0)?;
/// assert_eq!(strengths, [1.0, 0.5, 0.25]);
/// # Ok::<(), knhk_kernels::KernelError>(())
/// ```
#[hot_path]
pub fn decay_half_life(
    strengths: &mut [f32],
    ages: &[u64],
    half_life: f64,
) -> Result<(), KernelError> {
    same_length(strengths.len(), ages.len())?;
    fade(strengths, ages, not_negative("half-life", half_life)?, 1.0);
    Ok(())
}

fn not_negative(name: &'static str, value: f64) -> Result<f64, KernelError> {
    if value >= 0.0 {
        // `-0.0` is zero or more as well, and what is divided by it has the other sign.
        Ok(value.abs())
    } else {
        let allowed = "zero or more";
        Err(KernelError::ParameterOutOfRange {
            name,
            value,
            allowed,
        })
    }
}

/// `2^(−age · log2_base / period)`.
fn fade(strengths: &mut [f32], ages: &[u64], period: f64, log2_base: f64) {
    // A period so short that one unit of age leaves nothing: finite, so that age 0 is no NaN.
    let factor = (-log2_base / period).max(-1e300);
    dispatch(Fade {
        strengths,
        ages,
        factor,
    });
}

struct Fade<'a> {
    strengths: &'a mut [f32],
    ages: &'a [u64],
    /// Negative or zero, finite.
    factor: f64,
}

impl Kernel for Fade<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let seen = self.ages.iter().fold(0, |seen, &age| seen | age);
        if seen <= NARROW_MAX {
            for (strength, &age) in self.strengths.iter_mut().zip(self.ages) {
                *strength = faded(*strength, narrow(age), self.factor);
            }
        } else {
            for (strength, &age) in self.strengths.iter_mut().zip(self.ages) {
                *strength = faded(*strength, age as f64, self.factor);
            }
        }
    }
}

/// `age as f64`, for ages up to [`NARROW_MAX`], in two operations that every instruction set has.
#[inline(always)]
fn narrow(age: u64) -> f64 {
    f64::from_bits(age | TWO_52.to_bits()) - TWO_52
}

#[inline(always)]
fn faded(strength: f32, age: f64, factor: f64) -> f32 {
    let product = age * factor;
    let u = if product > U_MIN { product } else { U_MIN };
    let rounded = u + ROUNDER;
    let v = u - (rounded - ROUNDER);

    let w = v * v;
    let low = w.mul_add(v.mul_add(R[3], R[2]), v.mul_add(R[1], R[0]));
    let high = v.mul_add(R[5], R[4]);
    let tail = (w * w).mul_add(high, low);
    let power = v.mul_add(tail, 1.0);
    (f64::from(strength) * whole_power(rounded) * power) as f32
}

/// `2^k`, where `rounded` is `k + ROUNDER`, for `k` above −1023.
#[inline(always)]
fn whole_power(rounded: f64) -> f64 {
    let k = rounded.to_bits().wrapping_sub(ROUNDER.to_bits());
    f64::from_bits(k.wrapping_add(1023) << 52)
}
