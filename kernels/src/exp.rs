//! The exponential, without a branch.
//!
//! `e^x = 2^k e^r` with `k` the integer nearest to `x / ln 2` and `r = x - k ln 2`, in two parts.
//! `e^r = 1 + r + r² Q(r)`, `Q` the minimax polynomial (`minimax.py`; error 2^-57.9). The rounding of
//! `1 + r` is carried into the small sum. `2^k` is multiplied in two steps, the second of which
//! rounds where the result is subnormal.

use std::f64::consts::LOG2_E;

use crate::group::Group;
use crate::ln::{LN2_HIGH, LN2_LOW};
use crate::map::Transcendental;

/// 1.5 · 2^52: a sum with it is rounded to an integer, which stands in the low bits.
const ROUNDER: f64 = 6_755_399_441_055_744.0;
/// e^x is +∞ above it: the largest double whose exponential is finite.
const X_MAX: f64 = 709.782_712_893_384;
/// e^x rounds to zero below it.
const X_MIN: f64 = -745.133_219_101_941_2;
/// Up to here, on both sides, 2^k is a normal number.
const X_PLAIN: f64 = 708.0;

/// `Q`, lowest degree first: what `minimax.py` prints.
const Q: [f64; 10] = [
    0.500_000_000_000_001_1,
    0.166_666_666_666_664_13,
    0.041_666_666_666_530_267,
    0.008_333_333_333_494_336,
    0.001_388_888_894_359_810_4,
    0.000_198_412_695_067_737_8,
    2.480_149_313_572_15e-5,
    2.755_758_627_185_882_6e-6,
    2.763_023_409_773_745e-7,
    2.500_007_063_906_124e-8,
];

/// `e^x`, within 1 ulp for every double: +∞ above 709.78, zero below −745.13, NaN for NaN; subnormal results are rounded, not flushed.
pub(crate) struct Exp;

impl Transcendental for Exp {
    #[inline(always)]
    fn stands_out(x: f64) -> u64 {
        (X_PLAIN - x.abs()).to_bits()
    }

    #[inline(always)]
    fn plain<const W: usize>(x: Group<W>) -> Group<W> {
        let (near_one, rounded) = regular(x);
        near_one.zip(rounded, |y, rounded| {
            let k = rounded.to_bits().wrapping_sub(ROUNDER.to_bits());
            y * power(k.wrapping_add(1024))
        })
    }

    #[inline(always)]
    fn settled(x: f64, y: f64) -> f64 {
        let y = if x < -X_PLAIN { 0.0 } else { y };
        if x > X_PLAIN { f64::INFINITY } else { y }
    }

    /// The power of two is not a normal number, or is not one in one step.
    #[inline(always)]
    fn is_rare(x: f64) -> u64 {
        Self::stands_out(x) & !(X_MAX - x).to_bits() & !(x - X_MIN).to_bits()
    }

    fn rare(x: f64) -> f64 {
        let (Group([near_one]), Group([rounded])) = regular(Group([x]));
        scale(near_one, rounded)
    }
}

/// e^r, and `k + ROUNDER`, for `x` between [`X_MIN`] and [`X_MAX`].
#[inline(always)]
fn regular<const W: usize>(x: Group<W>) -> (Group<W>, Group<W>) {
    let rounded = x.line(ROUNDER, LOG2_E);
    let k = rounded - ROUNDER;
    // The constants are negative, and not k: of NaN a sign would be turned.
    let high = k.fma_lane(-LN2_HIGH, x);
    let r = k.fma_lane(-LN2_LOW, high);

    let sum = high + 1.0;
    let lost = sum.zip(high, |sum, high| (1.0 - sum) + high); // exact: |high| < 1
    let early = k.fma_lane(-LN2_LOW, lost);
    let near_one = sum + (r * r).fma(polynomial(r), early);
    (near_one, rounded)
}

/// `Q(r)`, as a tree rather than a chain.
#[inline(always)]
fn polynomial<const W: usize>(r: Group<W>) -> Group<W> {
    let t = r * r;
    let u = t * t;
    let low = t.fma(r.line(Q[2], Q[3]), r.line(Q[0], Q[1]));
    let middle = t.fma(r.line(Q[6], Q[7]), r.line(Q[4], Q[5]));
    u.fma(u.fma(r.line(Q[8], Q[9]), middle), low)
}

/// `y · 2^k`, where `rounded` is `k + ROUNDER`, by two powers that are normal numbers.
#[inline(always)]
fn scale(y: f64, rounded: f64) -> f64 {
    // k + 2048 > 0, so that halving is a logical shift.
    let k = rounded
        .to_bits()
        .wrapping_sub(ROUNDER.to_bits())
        .wrapping_add(2048);
    let first = k >> 1;
    y * power(first) * power(k.wrapping_sub(first))
}

/// 2^(k − 1024), for `k` from 2 to 2047.
#[inline(always)]
fn power(k: u64) -> f64 {
    f64::from_bits(k.wrapping_sub(1) << 52)
}
