//! The natural logarithm, without a branch.
//!
//! `x = 2^k (1 + f)` with `1 + f` between `√½` and `√2`, and `ln x = k ln 2 + ln(1 + f)`. With
//! `s = f / (2 + f)` and `z = s²`, `ln(1 + f) = 2 atanh(s) = f - f²/2 + s (f²/2 + z P(z))`, where `P`
//! is the minimax polynomial of the series `2/3 + 2/5 z + …` (`minimax.py`; error 2^-59.5). `k ln 2`
//! is added in two parts, and the rounding of the large sum is carried into the small one.

use crate::group::Group;
use crate::map::Transcendental;

const SQRT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
/// `bits(1) - bits(√½)`: what is added before the exponent is read, so that it turns at `√½`.
const TURN: u64 = 0x3ff0_0000_0000_0000 - SQRT_HALF;
const FRACTION: u64 = 0x000f_ffff_ffff_ffff;
/// 2^52: an integer below it, or-ed into its fraction, is a double by one subtraction.
const TWO_52: f64 = 4_503_599_627_370_496.0;
/// 2^54: makes every subnormal normal.
const TWO_54: f64 = 18_014_398_509_481_984.0;
/// The upper 32 bits of ln 2, so that its product with an exponent is exact; and the rest.
pub(crate) const LN2_HIGH: f64 = 0.693_147_180_369_123_8;
pub(crate) const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
const MIN_POSITIVE: u64 = f64::MIN_POSITIVE.to_bits();
const INFINITY: u64 = f64::INFINITY.to_bits();
/// What is taken off an exponent that was made a double by [`TWO_52`].
const BIAS: f64 = TWO_52 + 1023.0;

/// `P`, lowest degree first: what `minimax.py` prints.
const P: [f64; 7] = [
    0.666_666_666_666_673_4,
    0.399_999_999_994_146_8,
    0.285_714_287_423_875_17,
    0.222_221_985_731_903_47,
    0.181_835_643_259_864_93,
    0.153_140_505_524_217_12,
    0.147_959_497_206_292_65,
];

/// `ln x`, within 1 ulp for every double: −∞ for zeros, NaN for
/// negatives and NaN, +∞ for itself.
pub(crate) struct Ln;

impl Transcendental for Ln {
    /// The first difference is negative for zero and subnormals, and for −∞; the second for +∞, and for
    /// what has a sign but −∞.
    #[inline(always)]
    fn stands_out(x: f64) -> u64 {
        let bits = x.to_bits();
        bits.wrapping_sub(MIN_POSITIVE) | (bits ^ INFINITY).wrapping_sub(1)
    }

    #[inline(always)]
    fn plain<const W: usize>(x: Group<W>) -> Group<W> {
        regular(x, Group([BIAS; W]))
    }

    #[inline(always)]
    fn settled(x: f64, y: f64) -> f64 {
        let of_zero = if x < 0.0 { f64::NAN } else { f64::NEG_INFINITY };
        let y = if x < f64::MIN_POSITIVE { of_zero } else { y };
        if x == f64::INFINITY { x } else { y }
    }

    /// Subnormal: below the least normal, and neither zero nor negative.
    #[inline(always)]
    fn is_rare(x: f64) -> u64 {
        let bits = x.to_bits();
        bits.wrapping_sub(MIN_POSITIVE) & !bits.wrapping_sub(1)
    }

    fn rare(x: f64) -> f64 {
        let [ln] = regular(Group([x * TWO_54]), Group([BIAS + 54.0])).0;
        ln
    }
}

/// For `x` positive, normal and finite, or NaN; `bias` is what to take off its exponent.
#[inline(always)]
fn regular<const W: usize>(x: Group<W>, bias: Group<W>) -> Group<W> {
    let turned = x.map(|x| f64::from_bits(x.to_bits().wrapping_add(TURN)));
    let k = turned.map(|t| f64::from_bits((t.to_bits() >> 52) | TWO_52.to_bits())) - bias;
    let f = turned.map(|t| f64::from_bits((t.to_bits() & FRACTION) + SQRT_HALF)) - 1.0;

    // k · LN2_HIGH is exact, and so is what is lost: the product is above |f|, or zero.
    let sum = k.fma_lane(LN2_HIGH, f);
    let lost = k.fma_lane(LN2_HIGH, sum.map(|sum| -sum)) + f;
    let lost = x.fma_lane(0.0, lost); // NaN stays NaN
    let half = f * 0.5;
    let less_square = half.map(|half| -half).fma(f, lost);
    let early = k.fma_lane(LN2_LOW, less_square);

    let s = f / (f + 2.0);
    let z = s * s;
    let tail = z.fma(polynomial(z), half * f);
    sum + s.fma(tail, early)
}

/// `P(z)`, as a tree rather than a chain.
#[inline(always)]
fn polynomial<const W: usize>(z: Group<W>) -> Group<W> {
    let w = z * z;
    let low = w.fma(z.line(P[2], P[3]), z.line(P[0], P[1]));
    let high = w.fma_lane(P[6], z.line(P[4], P[5]));
    (w * w).fma(high, low)
}
