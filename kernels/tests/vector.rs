//! Vector kernels against naive sums in `f64`.

use knhk_kernels::*;
use proptest::prelude::*;

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: if cfg!(miri) { 1 } else { 128 },
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn dimension() -> impl Strategy<Value = usize> {
    let most: usize = if cfg!(miri) { 70 } else { 300 };
    prop_oneof![
        prop::sample::select(vec![0_usize, 1, 31, 32, 33, 63, 64, 65]),
        0..most
    ]
}

fn vector(len: usize) -> impl Strategy<Value = Vec<f32>> {
    prop::collection::vec(-2.0_f32..2.0, len)
}

fn products(a: &[f32], b: &[f32]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(&a, &b)| f64::from(a) * f64::from(b))
        .sum()
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let cosine = products(a, b) / (products(a, a).sqrt() * products(b, b).sqrt());
    if cosine.is_finite() { cosine } else { 0.0 }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn dot_and_l2_are_their_definitions((a, b) in dimension().prop_flat_map(|n| (vector(n), vector(n)))) {
        let distances: Vec<f32> = a.iter().zip(&b).map(|(a, b)| a - b).collect();
        prop_assert!((f64::from(dot(&a, &b).unwrap()) - products(&a, &b)).abs() < 1e-3);
        let distance = products(&distances, &distances).sqrt();
        prop_assert!((f64::from(l2(&a, &b).unwrap()) - distance).abs() < 1e-3);
    }

    #[test]
    fn a_distance_is_its_definition_at_any_scale(
        (a, b) in dimension().prop_flat_map(|n| (vector(n), vector(n))),
        exponent in -149..127_i32,
    ) {
        let scaled = |v: &[f32]| v.iter().map(|&x| (f64::from(x) * 2_f64.powi(exponent)) as f32).collect::<Vec<_>>();
        let (a, b) = (scaled(&a), scaled(&b));
        let squares = a.iter().zip(&b).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2));
        let exact = squares.sum::<f64>().sqrt();
        let distance = f64::from(l2(&a, &b).unwrap());
        if exact <= f64::from(f32::MAX) {
            prop_assert!((distance - exact).abs() <= exact * 1e-5 + 1e-45, "{distance:e}, not {exact:e}");
        }
    }

    /// Slices that begin anywhere, as rows in a matrix do.
    #[test]
    fn each_row_gets_its_cosine((query, rows, skip) in dimension().prop_flat_map(|n| {
        (vector(n), 0..9_usize, 0..4_usize).prop_flat_map(move |(query, rows, skip)| {
            (Just(query), vector(rows * n + skip), Just(skip))
        })
    })) {
        let candidates = &rows[skip..];
        let mut scores = vec![7.0; candidates.len().checked_div(query.len()).unwrap_or(3)];
        cosine_similarity(&query, candidates, &mut scores).unwrap();
        for (row, score) in scores.iter().enumerate() {
            let row = candidates.get(row * query.len()..(row + 1) * query.len()).unwrap_or(&[]);
            prop_assert!((f64::from(*score) - cosine(&query, row)).abs() < 1e-5);
        }
    }

    #[test]
    fn the_best_are_those_of_a_sort(scores in prop::collection::vec(prop_oneof![9 => (0..20).prop_map(|s| s as f32), 1 => Just(f32::NAN)], 0..60), k in 0..9_usize) {
        let mut all: Vec<Scored> = scores
            .iter()
            .enumerate()
            .filter(|(_, score)| !score.is_nan())
            .map(|(index, &score)| Scored { index, score })
            .collect();
        all.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.index.cmp(&b.index)));
        all.truncate(k);
        let mut best = vec![Scored::default(); k];
        let found = top_k(&scores, &mut best);
        prop_assert_eq!(&best[..found], &all[..]);
    }

    #[test]
    fn decays_are_their_definitions(
        lanes in prop::collection::vec((-1e30_f32..1e30, age()), 0..100),
        period in prop_oneof![1.0..1e6, 1e6..1e20],
    ) {
        let (strengths, ages): (Vec<f32>, Vec<u64>) = lanes.into_iter().unzip();
        let (mut constant, mut half) = (strengths.clone(), strengths.clone());
        decay(&mut constant, &ages, period).unwrap();
        decay_half_life(&mut half, &ages, period).unwrap();
        for (lane, (&strength, &age)) in strengths.iter().zip(&ages).enumerate() {
            let age = age as f64;
            let exact = |factor: f64| (f64::from(strength) * factor) as f32;
            prop_assert!(within_one_ulp(constant[lane], exact((-age / period).exp())));
            prop_assert!(within_one_ulp(half[lane], exact((-age / period).exp2())));
        }
    }
}

/// Of every magnitude.
fn age() -> impl Strategy<Value = u64> {
    prop_oneof![
        0..100_000_u64,
        (any::<u64>(), 0..64_u32).prop_map(|(age, shift)| age >> shift)
    ]
}

/// A year is more than 2^54 of them.
#[test]
fn a_year_in_nanoseconds_is_an_age() {
    const YEAR: u64 = 365 * 86_400 * 1_000_000_000;
    let ages = [0, 1, YEAR, 2 * YEAR, 100 * YEAR];
    let (mut half, mut constant) = ([1.0; 5], [1.0; 5]);
    decay_half_life(&mut half, &ages, YEAR as f64).unwrap();
    // Two to the power of -100, by its bits: Miri's power function is off by some, on purpose.
    let hundredth = f32::from_bits((127 - 100) << 23);
    assert_eq!(half, [1.0, 1.0, 0.5, 0.25, hundredth]);
    decay(&mut constant, &ages, YEAR as f64).unwrap();
    for (strength, years) in constant.into_iter().zip([0.0_f64, 0.0, 1.0, 2.0, 100.0]) {
        assert!(
            within_one_ulp(strength, (-years).exp() as f32),
            "{years} years"
        );
    }
}

fn within_one_ulp(a: f32, b: f32) -> bool {
    a == b || a.to_bits().abs_diff(b.to_bits()) <= 1
}

#[test]
fn shapes_that_do_not_fit_are_refused_with_all_numbers() {
    let error = cosine_similarity(&[1.0; 3], &[1.0; 7], &mut [0.0; 2]).unwrap_err();
    assert_eq!(error.to_string(), "2 rows of 3 are not 7 numbers");
    let error = cosine_similarity(&[], &[1.0], &mut [0.0; 2]).unwrap_err();
    assert_eq!(error.to_string(), "2 rows of 0 are not 1 numbers");
    assert!(dot(&[1.0], &[]).is_err() && l2(&[1.0], &[]).is_err());
    let error = decay(&mut [1.0], &[0], f64::NAN).unwrap_err();
    assert_eq!(
        error.to_string(),
        "time constant is NaN, allowed is zero or more"
    );
    assert!(decay_half_life(&mut [1.0], &[0], -1.0).is_err());
}

#[test]
fn a_cosine_of_extremes_is_exact_and_of_nonsense_zero() {
    let query = [3e38_f32, 0.0];
    let rows = [
        3e38,
        0.0, // squares overflow
        1e-42,
        0.0, // squares vanish
        0.0,
        0.0, // all zeros
        f32::NAN,
        1.0,
        f32::INFINITY,
        1.0, //
        -1.0,
        0.0,
    ];
    let mut scores = [7.0; 6];
    cosine_similarity(&query, &rows, &mut scores).unwrap();
    assert_eq!(scores, [1.0, 1.0, 0.0, 0.0, 0.0, -1.0]);
    cosine_similarity(&[], &[], &mut scores).unwrap();
    assert_eq!(scores, [0.0; 6]);
}

#[test]
fn a_distance_is_infinite_or_zero_only_if_it_is() {
    let least = f32::from_bits(1);
    for x in [1e20, -3e38, 1e-30, least] {
        assert_eq!(l2(&[x, 0.0], &[0.0, 0.0]).unwrap(), x.abs());
        assert_eq!(l2(&[x; 70], &[x; 70]).unwrap(), 0.0);
    }
    assert_eq!(l2(&[3e38], &[-3e38]).unwrap(), f32::INFINITY); // more than an `f32` holds
    assert_eq!(l2(&[f32::INFINITY], &[1.0]).unwrap(), f32::INFINITY);
    assert!(l2(&[f32::NAN], &[1.0]).unwrap().is_nan());
    assert_eq!(l2(&[], &[]).unwrap().to_bits(), 0);
}

#[test]
fn a_cosine_never_leaves_minus_one_to_one() {
    for len in (1..100).step_by(if cfg!(miri) { 40 } else { 1 }) {
        let row: Vec<f32> = (0..len).map(|i| (i as f32 * 0.37).sin() + 0.1).collect();
        let mut scores = [0.0];
        cosine_similarity(&row, &row, &mut scores).unwrap();
        assert!(scores[0] <= 1.0 && scores[0] > 0.999_99);
    }
}

#[test]
fn age_zero_and_strength_zero_stay_and_a_period_of_zero_ends_all_else() {
    for nothing in [0.0, -0.0, f64::from_bits(1)] {
        for decay in [decay, decay_half_life] {
            let mut strengths = [0.1, 0.0, -0.0, f32::INFINITY, 1.0, -1.0];
            decay(&mut strengths, &[0, 5, 5, 5, 5, u64::MAX], nothing).unwrap();
            let mut nan = [f32::NAN];
            decay(&mut nan, &[5], nothing).unwrap();
            assert!(nan[0].is_nan());
            assert_eq!(
                strengths.map(f32::to_bits),
                [0.1, 0.0, -0.0, f32::INFINITY, 0.0, -0.0].map(f32::to_bits),
                "{nothing:e}"
            );
        }
    }
    let mut strengths = [0.1, 7.0];
    decay_half_life(&mut strengths, &[0, u64::MAX], f64::INFINITY).unwrap();
    assert_eq!(strengths, [0.1, 7.0]);
    let mut nan = [f32::NAN];
    decay(&mut nan, &[1], 1.0).unwrap();
    assert!(nan[0].is_nan());
}

#[test]
fn every_instruction_set_gives_the_same_bits() {
    let a: Vec<f32> = (0..333).map(|i| (i as f32 * 0.7).sin()).collect();
    let b: Vec<f32> = (0..333).map(|i| (i as f32 * 1.3).cos()).collect();
    let x: Column = a
        .iter()
        .map(|&x| (x < 0.9).then_some(f64::from(x)))
        .collect();
    let results: Vec<Vec<u64>> = Isa::available()
        .iter()
        .map(|isa| {
            isa.limit();
            let mut scores = [0.0; 3];
            cosine_similarity(&b[..111], &a, &mut scores).unwrap();
            let mut faded = a.clone();
            decay(&mut faded, &[12_345; 333], 1e4).unwrap();
            let singles = [dot(&a, &b).unwrap(), l2(&a, &b).unwrap()];
            let floats = scores.iter().chain(&singles).chain(&faded);
            let doubles = [sum(&x), mean(&x), var(&x, 1).unwrap()];
            let floats = floats.map(|value| u64::from(value.to_bits()));
            floats.chain(doubles.map(f64::to_bits)).collect()
        })
        .collect();
    Isa::Avx512.limit(); // back to the widest
    assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
}
