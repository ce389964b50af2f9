//! Variances where a lane, a sum or a mean is far out: of a whole column and of windows.

use knhk_kernels::*;

#[test]
fn sums_that_overflow_on_the_way_are_infinite_and_mean_and_variance_with_them() {
    let same = Column::from_slice(&[f64::MAX; 100]);
    for value in [
        sum(&same),
        sum_skip_nan(&same),
        mean(&same),
        mean_skip_nan(&same),
    ] {
        assert_eq!(value, f64::INFINITY);
    }
    assert_eq!(var(&same, 1).unwrap(), f64::INFINITY);
    assert_eq!(var_skip_nan(&same, 1).unwrap(), f64::INFINITY);
    let far = Column::from_slice(&[1e155, -1e155]);
    assert_eq!((mean(&far), var(&far, 1).unwrap()), (0.0, f64::INFINITY));
    let infinite = Column::from_slice(&[f64::INFINITY, 1.0]);
    assert!(var(&infinite, 1).unwrap().is_nan());
}

/// Whole numbers below 2^51: their variance is worked out in integers.
#[test]
fn a_mean_however_large_costs_the_variance_no_precision() {
    const LEN: u64 = if cfg!(miri) { 200 } else { 20_000 };
    for base in [0, 1_000_000_000, 1_700_000_000_000_000] {
        for len in [3, 63, 65, 1001, LEN] {
            let parts: Vec<u64> = (0..len).map(|i| i * i % 11).collect();
            let (sum, squares) = (
                parts.iter().sum::<u64>(),
                parts.iter().map(|part| part * part).sum::<u64>(),
            );
            let exact = (len * squares - sum * sum) as f64 / (len * len) as f64;
            let lanes = parts.iter().map(|&part| Some((base + part) as f64));
            let plain: Column = lanes.clone().collect();
            let masked: Column = lanes.clone().flat_map(|lane| [lane, None]).collect();
            let with_nan: Column = lanes.flat_map(|lane| [lane, Some(f64::NAN)]).collect();
            for variance in [
                var(&plain, 0),
                var(&masked, 0),
                var_skip_nan(&plain, 0),
                var_skip_nan(&with_nan, 0),
            ] {
                let error = (variance.unwrap() / exact - 1.0).abs();
                assert!(error < 1e-13, "{error:e}, {len} lanes above {base}");
            }
        }
    }
}

/// Against variances in integers.
#[test]
#[cfg(not(miri))]
fn a_rolling_variance_loses_to_a_large_mean_what_its_document_says() {
    for base in [0, 1_000_000_000, 1_000_000_000_000, 1_000_000_000_000_000] {
        for (range, window) in [(8, 2), (8, 20), (8, 250), (1000, 20), (1000, 250)] {
            let parts: Vec<i64> = (0..5000_i64)
                .map(|i| i * i * 7919 % 10_007 % range)
                .collect();
            let x: Column = parts
                .iter()
                .map(|part| Some((base + part) as f64))
                .collect();
            let variances = rolling_var_column(&x, window, Missing::Propagate).unwrap();
            for (first, parts) in parts.windows(window).enumerate() {
                let (n, sum) = (window as i64, parts.iter().sum::<i64>());
                let squares: i64 = parts.iter().map(|part| part * part).sum();
                let exact = (n * squares - sum * sum) as f64 / (n * (n - 1)) as f64;
                let mean = base as f64 + sum as f64 / n as f64;
                let variance = variances.get(first + window - 1).unwrap();
                let allowed = exact * 2_f64.powi(-50) * (1.0 + mean / exact.sqrt());
                assert!(
                    (variance - exact).abs() <= allowed || exact == 0.0,
                    "{variance}, not {exact}, of {window} lanes above {base}"
                );
            }
        }
    }
}

/// As its variance is by [`var`]: an infinite lane has no distance from the mean.
#[test]
fn a_window_with_an_infinity_has_no_variance_wherever_it_stands() {
    for infinity in [f64::INFINITY, f64::NEG_INFINITY] {
        for place in 0..12 {
            let mut lanes = [1.0, 2.0, 4.0, 8.0].repeat(3);
            lanes[place] = infinity;
            let x = Column::from_slice(&lanes);
            for window in 2..=lanes.len() {
                for missing in [Missing::Propagate, Missing::Skip] {
                    let variances = rolling_var_column(&x, window, missing).unwrap();
                    for end in window..=lanes.len() {
                        let has_it = (end - window..end).contains(&place);
                        let variance = variances.get(end - 1).unwrap();
                        let whole = var(&Column::from_slice(&lanes[end - window..end]), 1).unwrap();
                        assert_eq!(
                            (variance.is_nan(), whole.is_nan()),
                            (has_it, has_it),
                            "{infinity} at {place}, {window} lanes up to {end}: {variance}, {whole}"
                        );
                    }
                }
            }
        }
    }
}
