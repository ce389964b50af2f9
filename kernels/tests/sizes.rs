//! Every kernel once for each awkward length, from memory that begins anywhere: small enough for Miri.
//! Whether the values are right for all inputs is the property tests' affair.

use knhk_kernels::*;

/// Of blocks of 64 and of 512; Miri takes the first five.
const ALL: [usize; 7] = [0, 1, 63, 64, 65, 130, 515];
const LENGTHS: &[usize] = if cfg!(miri) { ALL.split_at(5).0 } else { &ALL };

fn values(len: usize) -> Vec<f64> {
    (0..len).map(|i| 0.25 + i as f64 * 0.5).collect()
}

fn forms(len: usize) -> [Column; 3] {
    let nulls = Bitmap::filled(len, false);
    [
        Column::from(values(len)),
        values(len)
            .into_iter()
            .enumerate()
            .map(|(i, x)| (i % 5 != 1).then_some(x))
            .collect(),
        Column::from_parts(
            vec![f64::from_bits(0x7ff8_0000_0000_0bad); len],
            Some(nulls),
        )
        .unwrap(),
    ]
}

#[test]
fn nulls_stay_where_they_are_in_every_unary_kernel() {
    for x in LENGTHS.iter().flat_map(|&len| forms(len)) {
        let expected: Vec<bool> = x.iter().map(|lane| lane.is_some()).collect();
        for out in [
            ln_column(&x),
            exp_column(&x),
            abs_column(&x),
            scale_add_column(&x, 2.0, 1.0),
        ] {
            assert!(
                out.iter()
                    .map(|lane| lane.is_some())
                    .eq(expected.iter().copied())
            );
        }
        let sum = add_column(&x, &x).unwrap();
        assert!(sum.iter().eq(mul_scalar_column(&x, 2.0).iter()));
        let difference = sub_mul_add_column(&x, &x, 9.0, 7.0).unwrap();
        assert!(difference.iter().flatten().all(|value| value == 7.0));
    }
}

#[test]
fn a_lag_of_any_size_has_its_prefix_and_its_differences() {
    for x in LENGTHS.iter().flat_map(|&len| forms(len)) {
        for lag in [0, 1, 64, 514] {
            let out = diff_column(&x, lag);
            for i in 0..x.len() {
                let before = i
                    .checked_sub(lag)
                    .filter(|_| lag > 0)
                    .and_then(|before| x.get(before));
                assert_eq!(
                    out.get(i),
                    before.and_then(|before| Some(x.get(i)? - before))
                );
            }
        }
    }
}

#[test]
fn a_fused_chain_is_its_kernels() {
    for x in LENGTHS.iter().flat_map(|&len| forms(len)) {
        let fused = Pipeline::new()
            .ln()
            .diff(3)
            .abs()
            .dlog(65)
            .exp()
            .run_column(&x);
        let apart = abs_column(&diff_column(&ln_column(&x), 3));
        let apart = exp_column(&dlog_column(&apart, 65));
        assert_eq!(fused.validity(), apart.validity());
        for (fused, apart) in fused.values().iter().zip(apart.values()) {
            assert!(fused == apart || fused.is_nan() && apart.is_nan());
        }
    }
}

#[test]
fn reductions_and_windows_see_valid_lanes_alone() {
    for x in LENGTHS.iter().flat_map(|&len| forms(len)) {
        let valid: Vec<f64> = x.iter().flatten().collect();
        assert_eq!(sum(&x), valid.iter().sum::<f64>()); // exact: quarters
        assert_eq!(min(&x), valid.first().copied());
        assert_eq!(max(&x), valid.last().copied());
        if x.len() > 3 {
            let sums = rolling_sum_column(&x, 3, Missing::Skip).unwrap();
            let last: Vec<f64> = (x.len() - 3..x.len()).filter_map(|i| x.get(i)).collect();
            let expected = (!last.is_empty()).then(|| last.iter().sum());
            assert_eq!(sums.get(x.len() - 1), expected);
        }
    }
}

#[test]
fn vectors_may_begin_anywhere() {
    let memory: Vec<f32> = (0..200).map(|i| i as f32 * 0.25).collect();
    for start in 0..4 {
        for len in [0, 1, 31, 32, 33, 65] {
            let (a, b) = (
                &memory[start..start + len],
                &memory[start + 3..start + 3 + len],
            );
            let expected: f32 = a.iter().zip(b).map(|(a, b)| a * b).sum();
            assert!((dot(a, b).unwrap() - expected).abs() <= expected * 1e-5);
            let mut scores = [7.0; 1];
            cosine_similarity(a, b, &mut scores).unwrap();
            assert!((0.0..=1.0).contains(&scores[0]));
        }
    }
    let mut best = [Scored::default(); 2];
    assert_eq!(top_k(&memory[1..9], &mut best), 2);
    assert_eq!(best.map(|scored| scored.index), [7, 6]);
}

#[test]
fn strengths_fade_and_activation_spreads() {
    for len in [0, 1, 7, 8, 9] {
        let mut strengths = vec![4.0; len];
        let ages: Vec<u64> = (0..len as u64).collect();
        decay_half_life(&mut strengths, &ages, 1.0).unwrap();
        assert!(
            strengths
                .iter()
                .enumerate()
                .all(|(age, &left)| left == 4.0 / (1 << age) as f32)
        );
    }
    let graph = Csr::new(&[0, 2, 3, 3], &[1, 2, 2], &[0.5, 0.25, 1.0]).unwrap();
    let mut activation = [1.0, 0.0, 0.0];
    let spread = Spread {
        decay: 1.0,
        threshold: 0.3,
        hops_max: 5,
    };
    spread_activation(&graph, &mut activation, spread, &Scratch::new()).unwrap();
    assert_eq!(activation, [1.0, 0.5, 0.75]);
}
