//! Every kernel against a naive reference, for lengths around words and blocks, with nulls, NaN,
//! infinities, zeros and subnormals.

use knhk_kernels::*;
use proptest::prelude::*;

/// Bits, with all NaN as one: arithmetic's payloads are not promised.
fn bits(value: Option<f64>) -> Option<u64> {
    value.map(|value| if value.is_nan() { f64::NAN } else { value }.to_bits())
}

#[track_caller]
fn assert_same(column: &Column, expected: &[Option<f64>]) {
    assert_eq!(column.len(), expected.len());
    for (index, (lane, expected)) in column.iter().zip(expected).enumerate() {
        assert_eq!(
            bits(lane),
            bits(*expected),
            "lane {index}: {lane:?}, expected {expected:?}"
        );
    }
}

fn lane() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        2 => Just(None),
        8 => (0.001_f64..1000.0).prop_map(Some),
        3 => (-1000.0_f64..1000.0).prop_map(Some),
        1 => any::<f64>().prop_map(Some),
        1 => prop::sample::select(vec![0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 5e-324, -1e-310])
            .prop_map(Some),
    ]
}

/// Lengths 0, 1, 63, 64, 65, and around blocks of 512.
fn length() -> impl Strategy<Value = usize> {
    let most: usize = if cfg!(miri) { 70 } else { 1100 };
    prop_oneof![prop::sample::select(vec![0_usize, 1, 63, 64, 65]), 0..most]
}

fn lanes() -> impl Strategy<Value = Vec<Option<f64>>> {
    length().prop_flat_map(|len| {
        prop_oneof![
            4 => prop::collection::vec(lane(), len),
            1 => prop::collection::vec((0.1_f64..10.0).prop_map(Some), len),
            1 => Just(vec![None; len]),
        ]
    })
}

fn two() -> impl Strategy<Value = (Vec<Option<f64>>, Vec<Option<f64>>)> {
    length().prop_flat_map(|len| {
        let side = || prop::collection::vec(lane(), len);
        let full = || prop::collection::vec((-9.0_f64..9.0).prop_map(Some), len);
        (prop_oneof![side(), full()], prop_oneof![side(), full()])
    })
}

fn map(x: &[Option<f64>], f: impl Fn(f64) -> f64) -> Vec<Option<f64>> {
    x.iter().map(|value| value.map(&f)).collect()
}

fn zip(x: &[Option<f64>], y: &[Option<f64>], f: impl Fn(f64, f64) -> f64) -> Vec<Option<f64>> {
    x.iter()
        .zip(y)
        .map(|(x, y)| Some(f((*x)?, (*y)?)))
        .collect()
}

fn lagged(x: &[Option<f64>], lag: usize, f: impl Fn(f64, f64) -> f64) -> Vec<Option<f64>> {
    (0..x.len())
        .map(|i| {
            let before = i.checked_sub(lag).filter(|_| lag > 0)?;
            Some(f(x[i]?, x[before]?))
        })
        .collect()
}

/// Our own logarithm of one value, which `accuracy.rs` has judged.
fn ln(x: f64) -> f64 {
    ln_column(&Column::from_slice(&[x])).values()[0]
}

fn exp(x: f64) -> f64 {
    exp_column(&Column::from_slice(&[x])).values()[0]
}

fn column(x: &[Option<f64>]) -> Column {
    x.iter().copied().collect()
}

fn lag() -> impl Strategy<Value = usize> {
    prop_oneof![
        0..4_usize,
        prop::sample::select(vec![63, 64, 65, 511, 512, 513, 1024]),
        0..1200_usize
    ]
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: if cfg!(miri) { 1 } else { 64 },
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn unary_kernels_are_their_definitions(x in lanes(), a in -9.0..9.0, b in -9.0..9.0) {
        let c = column(&x);
        assert_same(&ln_column(&c), &map(&x, ln));
        assert_same(&exp_column(&c), &map(&x, exp));
        assert_same(&abs_column(&c), &map(&x, f64::abs));
        assert_same(&scale_add_column(&c, a, b), &map(&x, |x| a * x + b));
        assert_same(&add_scalar_column(&c, a), &map(&x, |x| x + a));
        assert_same(&sub_scalar_column(&c, a), &map(&x, |x| x - a));
        assert_same(&mul_scalar_column(&c, a), &map(&x, |x| x * a));
        assert_same(&div_scalar_column(&c, a), &map(&x, |x| x / a));
        assert_same(&ln_scale_add_column(&c, a, b), &map(&x, |x| a * ln(x) + b));
    }

    #[test]
    fn binary_kernels_are_their_definitions((x, y) in two(), a in -9.0..9.0, b in -9.0..9.0) {
        let (c, d) = (column(&x), column(&y));
        assert_same(&add_column(&c, &d).unwrap(), &zip(&x, &y, |x, y| x + y));
        assert_same(&sub_column(&c, &d).unwrap(), &zip(&x, &y, |x, y| x - y));
        assert_same(&mul_column(&c, &d).unwrap(), &zip(&x, &y, |x, y| x * y));
        assert_same(&div_column(&c, &d).unwrap(), &zip(&x, &y, |x, y| x / y));
        let expected = zip(&x, &y, |x, y| (x - y) * a + b);
        assert_same(&sub_mul_add_column(&c, &d, a, b).unwrap(), &expected);
    }

    #[test]
    fn lagged_kernels_are_their_definitions(x in lanes(), lag in lag(), a in -9.0..9.0) {
        let c = column(&x);
        let dlog = lagged(&x, lag, |now, before| ln(now) - ln(before));
        assert_same(&dlog_column(&c, lag), &dlog);
        assert_same(&diff_column(&c, lag), &lagged(&x, lag, |now, before| now - before));
        assert_same(&ratio_column(&c, lag), &lagged(&x, lag, |now, before| now / before));
        assert_same(&dlog_scale_add_column(&c, lag, a, 1.0), &map(&dlog, |x| a * x + 1.0));
    }

    #[test]
    fn a_pipeline_gives_the_bits_of_its_kernels(x in lanes(), chain in prop::collection::vec(step(), 0..7)) {
        let c = column(&x);
        let mut pipeline = Pipeline::new();
        let mut apart = column(&x);
        for step in &chain {
            pipeline = step.then(pipeline);
            apart = step.alone(&apart);
        }
        let fused = pipeline.run_column(&c);
        prop_assert_eq!(fused.validity().is_some(), apart.validity().is_some());
        assert_same(&fused, &apart.iter().collect::<Vec<_>>());
        // Data under nulls too.
        for (fused, apart) in fused.values().iter().zip(apart.values()) {
            prop_assert_eq!(bits(Some(*fused)), bits(Some(*apart)));
        }
    }

    #[test]
    fn reductions_are_their_definitions(x in prop::collection::vec(prop::option::weighted(0.8, -9.0_f64..9.0), 0..300)) {
        let c = column(&x);
        let valid: Vec<f64> = x.iter().flatten().copied().collect();
        let n = valid.len() as f64;
        let total: f64 = valid.iter().sum();
        prop_assert!((sum(&c) - total).abs() < 1e-9);
        prop_assert_eq!(sum(&c).to_bits(), sum_skip_nan(&c).to_bits());
        prop_assert_eq!(min(&c), valid.iter().copied().reduce(f64::min));
        prop_assert_eq!(max(&c), valid.iter().copied().reduce(f64::max));
        prop_assert_eq!(min(&c), min_skip_nan(&c));
        prop_assert_eq!(max(&c), max_skip_nan(&c));
        if valid.is_empty() {
            prop_assert!(mean(&c).is_nan() && mean_skip_nan(&c).is_nan());
            prop_assert_eq!(sum(&c).to_bits(), 0);
        } else {
            prop_assert!((mean(&c) - total / n).abs() < 1e-9);
            let squares: f64 = valid.iter().map(|x| (x - total / n).powi(2)).sum();
            prop_assert!((var(&c, 0).unwrap() - squares / n).abs() < 1e-9);
            prop_assert_eq!(var(&c, 1).unwrap().is_nan(), valid.len() == 1);
        }
    }

    #[test]
    fn one_nan_is_skipped_or_wins(x in prop::collection::vec(-9.0_f64..9.0, 1..200), place in any::<prop::sample::Index>()) {
        let place = place.index(x.len());
        let mut with = x.clone();
        with.insert(place, f64::NAN);
        let (x, with) = (Column::from(x), Column::from(with));
        prop_assert!(sum(&with).is_nan() && mean(&with).is_nan() && var(&with, 0).unwrap().is_nan());
        prop_assert!(min(&with).unwrap().is_nan() && max(&with).unwrap().is_nan());
        prop_assert!((sum_skip_nan(&with) - sum(&x)).abs() < 1e-9);
        prop_assert!((mean_skip_nan(&with) - mean(&x)).abs() < 1e-9);
        prop_assert!((var_skip_nan(&with, 0).unwrap() - var(&x, 0).unwrap()).abs() < 1e-9);
        prop_assert_eq!((min_skip_nan(&with), max_skip_nan(&with)), (min(&x), max(&x)));
    }

    #[test]
    fn rolling_kernels_are_their_definitions(
        x in prop::collection::vec(prop_oneof![1 => Just(None), 1 => Just(Some(f64::NAN)), 12 => (-9.0_f64..9.0).prop_map(Some)], 1..200),
        window in any::<prop::sample::Index>(),
    ) {
        let window = window.index(x.len()) + 1;
        let c = column(&x);
        for missing in [Missing::Propagate, Missing::Skip] {
            let sums = rolling_sum_column(&c, window, missing).unwrap();
            let means = rolling_mean_column(&c, window, missing).unwrap();
            let variances = rolling_var_column(&c, window, missing).unwrap();
            for i in 0..x.len() {
                let expected = (i + 1 >= window).then(|| &x[i + 1 - window..=i]).and_then(|w| statistics(w, missing));
                close(sums.get(i), expected.map(|s| s.0))?;
                close(means.get(i), expected.map(|s| s.1))?;
                close(variances.get(i), expected.and_then(|s| s.2))?;
            }
        }
    }
}

/// Sum, mean and variance of a window, if it has enough.
fn statistics(window: &[Option<f64>], missing: Missing) -> Option<(f64, f64, Option<f64>)> {
    let valid: Vec<f64> = match missing {
        Missing::Propagate => window.iter().copied().collect::<Option<_>>()?,
        Missing::Skip => window
            .iter()
            .flatten()
            .copied()
            .filter(|x| !x.is_nan())
            .collect(),
    };
    let n = valid.len() as f64;
    let sum: f64 = valid.iter().sum();
    let squares: f64 = valid.iter().map(|x| (x - sum / n).powi(2)).sum();
    let variance = (valid.len() > 1).then(|| squares / (n - 1.0));
    (!valid.is_empty()).then_some((sum, sum / n, variance))
}

fn close(lane: Option<f64>, expected: Option<f64>) -> Result<(), TestCaseError> {
    match (lane, expected) {
        (Some(a), Some(b)) if a.is_nan() || b.is_nan() => prop_assert!(a.is_nan() && b.is_nan()),
        (Some(a), Some(b)) => prop_assert!((a - b).abs() < 1e-9, "{a} {b}"),
        _ => prop_assert_eq!(lane, expected),
    }
    Ok(())
}

/// One kernel, in a chain and by itself.
#[derive(Clone, Copy, Debug)]
enum Step {
    Ln,
    Exp,
    Abs,
    Dlog(usize),
    Diff(usize),
    Ratio(usize),
    ScaleAdd(f64, f64),
    Scalars(f64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        Just(Step::Ln),
        Just(Step::Exp),
        Just(Step::Abs),
        lag().prop_map(Step::Dlog),
        lag().prop_map(Step::Diff),
        lag().prop_map(Step::Ratio),
        (-9.0..9.0, -9.0..9.0).prop_map(|(a, b)| Step::ScaleAdd(a, b)),
        (-9.0..9.0).prop_map(Step::Scalars),
    ]
}

impl Step {
    fn then(self, pipeline: Pipeline) -> Pipeline {
        match self {
            Self::Ln => pipeline.ln(),
            Self::Exp => pipeline.exp(),
            Self::Abs => pipeline.abs(),
            Self::Dlog(lag) => pipeline.dlog(lag),
            Self::Diff(lag) => pipeline.diff(lag),
            Self::Ratio(lag) => pipeline.ratio(lag),
            Self::ScaleAdd(a, b) => pipeline.scale_add(a, b),
            Self::Scalars(a) => pipeline
                .add_scalar(a)
                .sub_scalar(2.0)
                .mul_scalar(a)
                .div_scalar(3.0),
        }
    }

    fn alone(self, x: &Column) -> Column {
        match self {
            Self::Ln => ln_column(x),
            Self::Exp => exp_column(x),
            Self::Abs => abs_column(x),
            Self::Dlog(lag) => dlog_column(x, lag),
            Self::Diff(lag) => diff_column(x, lag),
            Self::Ratio(lag) => ratio_column(x, lag),
            Self::ScaleAdd(a, b) => scale_add_column(x, a, b),
            Self::Scalars(a) => {
                let sum = sub_scalar_column(&add_scalar_column(x, a), 2.0);
                div_scalar_column(&mul_scalar_column(&sum, a), 3.0)
            }
        }
    }
}

#[test]
fn the_first_lanes_of_a_lag_are_null_with_nan_in_the_data() {
    let x = Column::from_slice(&[1.0, 2.0, 4.0, 8.0]);
    for lag in 0..6 {
        let out = dlog_column(&x, lag);
        let nulls = if lag == 0 { 4 } else { lag.min(4) };
        assert_eq!(out.null_count(), nulls, "lag {lag}");
        assert!(out.values()[..nulls].iter().all(|value| value.is_nan()));
    }
}

#[test]
fn what_is_invalid_is_never_stale() {
    let scratch = Scratch::new();
    scratch.return_f64(vec![1_234_567.0; 5000]);
    let mut out = Column::new();
    let nulls: Column = std::iter::repeat_n(None, 2000).collect();
    for lag in [0, 1, 600, 1999, 5000] {
        dlog_into(&mut out, &nulls, lag, &scratch);
        assert!(out.values().iter().all(|value| value.is_nan()), "lag {lag}");
        scratch.return_column(std::mem::take(&mut out));
        scratch.return_f64(vec![1_234_567.0; 5000]);
    }
}

#[test]
fn returns_from_and_to_zero_are_those_of_ieee_arithmetic() {
    let returns = dlog_column(&Column::from_slice(&[1.0, 0.0, 0.0, 1.0, -1.0, 1.0]), 1);
    assert_eq!(
        (returns.get(1), returns.get(3)),
        (Some(f64::NEG_INFINITY), Some(f64::INFINITY))
    );
    for of_nothing in [2, 4, 5] {
        assert!(returns.get(of_nothing).unwrap().is_nan());
    }
}

#[test]
fn refusals_say_both_numbers() {
    let (two, one) = (Column::from_slice(&[1.0, 2.0]), Column::from_slice(&[1.0]));
    let message = |error: KernelError| error.to_string();
    let error = sub_mul_add_column(&two, &one, 1.0, 0.0).map_err(message);
    assert_eq!(error, Err("lengths differ: 2 and 1 lanes".into()));
    let error = rolling_sum_column(&two, 3, Missing::Skip).map_err(message);
    assert_eq!(
        error,
        Err("window of 3 lanes is not within 1 to the column's 2".into())
    );
    let error = rolling_var_column(&two, 0, Missing::Skip).map_err(message);
    assert_eq!(
        error,
        Err("window of 0 lanes is not within 1 to the column's 2".into())
    );
    let error = Column::from_parts(vec![1.0], Some(Bitmap::filled(2, true))).map_err(message);
    assert_eq!(error, Err("lengths differ: 1 and 2 lanes".into()));
    let error = var(&two, 2).map_err(message);
    assert_eq!(error, Err("ddof is 2, allowed is 0 or 1".into()));
}

#[test]
fn abs_ln_and_exp_hand_a_payload_through() {
    let payload = f64::from_bits(0x7ff8_0000_0123_4567);
    for len in [1, 63, 64, 65, 130] {
        let x = Column::from(vec![payload; len]);
        for out in [ln_column(&x), exp_column(&x), abs_column(&x)] {
            assert!(
                out.values()
                    .iter()
                    .all(|value| value.to_bits() == payload.to_bits())
            );
        }
    }
}
