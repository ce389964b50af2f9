//! `ln` and `exp` are within 1 ulp of the correctly rounded result, and exact where there is one.
//!
//! With debug assertions 20,000 random arguments each; without, ten million
//! (`cargo test --release -p knhk-kernels --test accuracy`).

mod double_double;

use double_double::Dd;
use knhk_kernels::{Column, Isa, exp_column, ln_column};

const RANDOM: u64 = if cfg!(miri) {
    64
} else if cfg!(debug_assertions) {
    20_000
} else {
    10_000_000
};

/// The largest error that is allowed, in units of the last place of the exact result: below one, a
/// result is one of the two doubles next to it, so at most 1 ulp from the one correctly rounded.
const ULP_MAX: f64 = 0.9;

/// Steele, Lea and Flood's SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// Between 0 and 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Distance of `y` from `exact · 2^k` in ulps of the latter.
fn ulps(y: f64, exact: Dd, k: i32) -> f64 {
    let exponent = (exact.high.abs().to_bits() >> 52) as i32 - 1023 + k;
    let ulp = (exponent - 52).max(-1074);
    // y and the exact value, both over the ulp; first what brings the exponent near to zero.
    let y = times_power(y, -ulp);
    let high = times_power(exact.high, k - ulp);
    let low = times_power(exact.low, k - ulp);
    ((y - high) - low).abs()
}

/// `x · 2^k`, exact as long as the result is a normal number.
fn times_power(x: f64, k: i32) -> f64 {
    let half = k / 2;
    let rest = k - half;
    let (first, second) = (half / 2, half - half / 2);
    let (third, fourth) = (rest / 2, rest - rest / 2);
    [first, second, third, fourth]
        .iter()
        .fold(x, |x, &k| x * 2_f64.powi(k))
}

fn check(name: &str, arguments: &[f64], results: &Column, exact: impl Fn(f64) -> (Dd, i32)) -> f64 {
    let mut worst = 0.0_f64;
    for (&x, &y) in arguments.iter().zip(results.values()) {
        let (reference, k) = exact(x);
        let error = ulps(y, reference, k);
        assert!(
            error < ULP_MAX,
            "{name}({x:e} = {:#x}) = {y:e} is off by {error} ulp",
            x.to_bits()
        );
        worst = worst.max(error);
    }
    worst
}

fn ln_exact(x: f64) -> (Dd, i32) {
    (double_double::ln(x), 0)
}

fn exp_exact(x: f64) -> (Dd, i32) {
    double_double::exp(Dd::new(x))
}

/// Checks in portions, so that ten million need no memory.
fn sweep(
    name: &str,
    kernel: impl Fn(&Column) -> Column,
    exact: impl Fn(f64) -> (Dd, i32),
    mut argument: impl FnMut() -> f64,
) {
    let mut worst = 0.0_f64;
    let mut left = RANDOM;
    while left > 0 {
        let portion = left.min(10_000);
        let x: Vec<f64> = (0..portion).map(|_| argument()).collect();
        let results = kernel(&Column::from_slice(&x));
        worst = worst.max(check(name, &x, &results, &exact));
        left -= portion;
    }
    println!("{name}: {RANDOM} arguments, largest error {worst:.4} ulp");
}

#[test]
fn ln_is_within_one_ulp_over_all_positive_doubles() {
    let mut random = Random(1);
    let largest = f64::INFINITY.to_bits();
    sweep("ln", ln_column, ln_exact, || {
        f64::from_bits(random.next() % (largest - 1) + 1)
    });
}

#[test]
fn ln_is_within_one_ulp_near_one() {
    let mut random = Random(2);
    sweep("ln", ln_column, ln_exact, || {
        let scale = 2_f64.powi(-((random.next() % 54) as i32));
        let x = 1.0 + (random.unit() - 0.5) * scale;
        if x == 1.0 { 1.5 } else { x } // ln 1 = 0 has no ulp, and is tested as a boundary
    });
}

#[test]
fn exp_is_within_one_ulp_over_all_finite_results() {
    let mut random = Random(3);
    sweep("exp", exp_column, exp_exact, || {
        random.unit() * (709.78 + 745.13) - 745.13
    });
}

#[test]
fn exp_is_within_one_ulp_for_small_arguments() {
    let mut random = Random(4);
    sweep("exp", exp_column, exp_exact, || {
        let scale = 2_f64.powi(-((random.next() % 60) as i32));
        (random.unit() - 0.5) * scale
    });
}

#[test]
fn what_mpmath_rounds_from_200_digits_is_at_most_one_ulp_away() {
    for line in include_str!("../data/ln_exp.csv").lines() {
        let fields: Vec<&str> = line.split(',').collect();
        let double = |hex| f64::from_bits(u64::from_str_radix(hex, 16).unwrap());
        let [function, x, expected] = fields[..] else {
            panic!("{line}")
        };
        let (x, expected) = (double(x), double(expected));
        let column = Column::from_slice(&[x]);
        let result = match function {
            "ln" => ln_column(&column).values()[0],
            _ => exp_column(&column).values()[0],
        };
        let apart = result.to_bits().abs_diff(expected.to_bits());
        assert!(
            apart <= 1,
            "{function}({x:e}) = {result:e}, correctly rounded {expected:e}"
        );
    }
}

#[test]
fn the_judge_agrees_with_mpmath() {
    for line in include_str!("../data/ln_exp.csv").lines() {
        let fields: Vec<&str> = line.split(',').collect();
        let double = |hex| f64::from_bits(u64::from_str_radix(hex, 16).unwrap());
        let (x, expected) = (double(fields[1]), double(fields[2]));
        if expected == 0.0 || expected.is_infinite() {
            continue;
        }
        let (exact, k) = if fields[0] == "ln" {
            ln_exact(x)
        } else {
            exp_exact(x)
        };
        let error = ulps(expected, exact, k);
        assert!(error <= 0.5 + 1e-9, "{line}: the judge says {error} ulp");
    }
}

fn bits_of(column: &Column) -> Vec<u64> {
    column
        .values()
        .iter()
        .map(|value| value.to_bits())
        .collect()
}

#[test]
fn special_values_of_ln_are_exact() {
    let payload = f64::from_bits(0xfff8_0000_dead_beef);
    let x = [0.0, -0.0, 1.0, f64::INFINITY, payload];
    let expected = [
        f64::NEG_INFINITY,
        f64::NEG_INFINITY,
        0.0,
        f64::INFINITY,
        payload,
    ];
    let expected = Column::from_slice(&expected);
    assert_eq!(
        bits_of(&ln_column(&Column::from_slice(&x))),
        bits_of(&expected)
    );

    let negatives = [
        -f64::from_bits(1),
        -f64::MIN_POSITIVE,
        -1.0,
        f64::MIN,
        f64::NEG_INFINITY,
    ];
    let results = ln_column(&Column::from_slice(&negatives));
    assert!(results.values().iter().all(|value| value.is_nan()));
}

#[test]
fn special_values_of_exp_are_exact() {
    let payload = f64::from_bits(0x7ff8_0000_dead_beef);
    let next_above = |x: f64| f64::from_bits(x.to_bits() + 1);
    let cases = [
        (0.0, 1.0),
        (-0.0, 1.0),
        (f64::from_bits(1), 1.0),
        (f64::INFINITY, f64::INFINITY),
        (f64::NEG_INFINITY, 0.0),
        (next_above(709.782_712_893_384), f64::INFINITY),
        (f64::MAX, f64::INFINITY),
        (next_above(-745.133_219_101_941_2), 0.0),
        (-745.133_219_101_941_1, f64::from_bits(1)),
        (f64::MIN, 0.0),
        (payload, payload),
    ];
    let x: Vec<f64> = cases.iter().map(|case| case.0).collect();
    let expected: Vec<f64> = cases.iter().map(|case| case.1).collect();
    let result = exp_column(&Column::from_slice(&x));
    assert_eq!(bits_of(&result), bits_of(&Column::from_slice(&expected)));
}

/// Two steps around every power of two, where exponents and fractions turn.
fn boundaries() -> Vec<f64> {
    let mut x = Vec::new();
    for exponent in 0..2047_u64 {
        for turn in [0, 0x0006_a09e_667f_3bcd] {
            let bits = exponent << 52 | turn;
            x.extend((0..5).map(|step| f64::from_bits((bits + step).saturating_sub(2))));
        }
    }
    x
}

#[test]
fn ln_is_within_one_ulp_at_every_boundary() {
    let x: Vec<f64> = boundaries()
        .into_iter()
        .filter(|&x| x > 0.0 && x != 1.0 && x.is_finite())
        .step_by(if cfg!(miri) { 997 } else { 1 })
        .collect();
    check("ln", &x, &ln_column(&Column::from_slice(&x)), ln_exact);
}

#[test]
fn exp_is_within_one_ulp_at_every_boundary() {
    let turns = (-2150..=2048).map(|halves| f64::from(halves) * (std::f64::consts::LN_2 / 2.0));
    let x: Vec<f64> = turns
        .flat_map(|x| {
            (0..5).map(move |step| f64::from_bits((x.to_bits() + step).saturating_sub(2)))
        })
        .filter(|x| (-745.13..709.78).contains(x))
        .step_by(if cfg!(miri) { 997 } else { 1 })
        .collect();
    check("exp", &x, &exp_column(&Column::from_slice(&x)), exp_exact);
}

#[test]
fn every_instruction_set_gives_the_same_bits() {
    let mut random = Random(5);
    let x: Vec<f64> = (0..if cfg!(miri) { 130 } else { 20_000 })
        .map(|_| f64::from_bits(random.next()))
        .chain((0..200).map(|i| f64::from(i) * 0.37))
        .collect();
    let x = Column::from_slice(&x);
    let results: Vec<(Vec<u64>, Vec<u64>)> = Isa::available()
        .iter()
        .map(|isa| {
            assert_eq!(isa.limit(), *isa);
            (bits_of(&ln_column(&x)), bits_of(&exp_column(&x)))
        })
        .collect();
    Isa::Avx512.limit(); // back to the widest
    assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
}
