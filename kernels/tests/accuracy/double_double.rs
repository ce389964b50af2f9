//! Logarithm and exponential in about 100 bits: the judge of the kernels' 53.
//!
//! A number is the unevaluated sum of two doubles. Slow, and by other formulas than the kernels':
//! Taylor's series and one step of Newton's.

use std::ops::{Add, Mul, Neg, Sub};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Dd {
    pub(crate) high: f64,
    pub(crate) low: f64,
}

/// ln 2.
const LN2: Dd = Dd {
    high: std::f64::consts::LN_2,
    low: 2.319_046_813_846_299_6e-17,
};

impl Dd {
    pub(crate) const fn new(high: f64) -> Self {
        Self { high, low: 0.0 }
    }

    /// `high + low`, where `high` is not the smaller.
    fn normal(high: f64, low: f64) -> Self {
        let sum = high + low;
        Self {
            high: sum,
            low: low - (sum - high),
        }
    }

    fn divide(self, other: Self) -> Self {
        let first = self.high / other.high;
        let rest = self - other * Self::new(first);
        let second = rest.high / other.high;
        let rest = rest - other * Self::new(second);
        Self::normal(first, second) + Self::new(rest.high / other.high)
    }

    /// Times a power of two that neither over- nor underflows.
    fn scaled(self, power: f64) -> Self {
        Self {
            high: self.high * power,
            low: self.low * power,
        }
    }
}

impl Add for Dd {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let sum = self.high + other.high;
        let part = sum - self.high;
        let lost = (self.high - (sum - part)) + (other.high - part);
        Self::normal(sum, lost + (self.low + other.low))
    }
}

impl Neg for Dd {
    type Output = Self;

    fn neg(self) -> Self {
        Self {
            high: -self.high,
            low: -self.low,
        }
    }
}

impl Sub for Dd {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Mul for Dd {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        let product = self.high * other.high;
        let lost = self.high.mul_add(other.high, -product);
        let cross = self.high * other.low + self.low * other.high;
        Self::normal(product, lost + cross)
    }
}

/// `e^x` as `y · 2^k`, for `|x|` below 800.
pub(crate) fn exp(x: Dd) -> (Dd, i32) {
    let k = (x.high / LN2.high).round();
    let r = (x - LN2 * Dd::new(k)).scaled(1.0 / 256.0);
    let mut term = Dd::new(1.0);
    let mut sum = Dd::new(1.0);
    for n in 1..=14 {
        term = (term * r).divide(Dd::new(f64::from(n)));
        sum = sum + term;
    }
    for _ in 0..8 {
        sum = sum * sum;
    }
    (sum, k as i32)
}

/// `ln x`, for `x` positive and finite.
pub(crate) fn ln(x: f64) -> Dd {
    let (fraction, exponent) = split(x);
    let k = Dd::new(f64::from(exponent));
    LN2 * k + ln_near_one(fraction)
}

/// `x = fraction · 2^exponent`, the fraction between √½ and √2.
fn split(x: f64) -> (f64, i32) {
    let (x, shift) = if x < f64::MIN_POSITIVE {
        (x * 2_f64.powi(54), -54)
    } else {
        (x, 0)
    };
    let exponent = (x.to_bits() >> 52) as i32 - 1023;
    let fraction = f64::from_bits(x.to_bits() & ((1 << 52) - 1) | 1023 << 52);
    if fraction > std::f64::consts::SQRT_2 {
        (fraction / 2.0, exponent + 1 + shift)
    } else {
        (fraction, exponent + shift)
    }
}

fn ln_near_one(x: f64) -> Dd {
    let f = x - 1.0; // exact
    if f.abs() < 1.0 / 64.0 {
        return two_atanh(Dd::new(f).divide(Dd::new(2.0) + Dd::new(f)));
    }
    // ln x = y + ln(x e^-y), and what is left is below 2^-50.
    let y = x.ln();
    let (inverse, k) = exp(Dd::new(-y));
    let left = Dd::new(x) * inverse.scaled(2_f64.powi(k)) - Dd::new(1.0);
    Dd::new(y) + left - (left * left).scaled(0.5)
}

/// `2 atanh s`, for |s| below 2^-7.
fn two_atanh(s: Dd) -> Dd {
    let z = s * s;
    let series = (0..9).rev().fold(Dd::new(0.0), |sum, n| {
        sum * z + Dd::new(1.0).divide(Dd::new(f64::from(2 * n + 1)))
    });
    (s * series).scaled(2.0)
}
