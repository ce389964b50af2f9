//! The parallel forms give the bits of the serial ones.

#![cfg(feature = "rayon")]

use knhk_kernels::*;

fn bits(column: &Column) -> Vec<u64> {
    column
        .values()
        .iter()
        .map(|value| value.to_bits())
        .collect()
}

#[test]
fn a_chain_on_all_workers_gives_the_same_bits() {
    let workers = WorkerScratch::new();
    let mut out = Column::new();
    let lens = if cfg!(miri) {
        vec![100]
    } else {
        vec![0, 1, 511, 32_768, 32_769, 150_001]
    };
    for len in lens {
        let x: Column = (0..len)
            .map(|i| (i % 11 != 0).then_some(1.0 + f64::from(i)))
            .collect();
        for lag in [1, 63, 600, 40_000] {
            let chain = Pipeline::new()
                .ln()
                .diff(lag)
                .dlog(1)
                .abs()
                .ratio(7)
                .scale_add(2.0, 1.0);
            chain.par_run_into(&mut out, &x, &workers);
            let serial = chain.run_column(&x);
            assert_eq!(out.validity(), serial.validity(), "{len} lanes, lag {lag}");
            let (out, serial) = (bits(&out), bits(&serial));
            // NaN under nulls: the payload is not promised.
            let same = |(a, b): (&u64, &u64)| a == b || f64::from_bits(a & b).is_nan();
            assert!(out.iter().zip(&serial).all(same), "{len} lanes, lag {lag}");
        }
    }
}

#[test]
fn cosines_on_all_workers_give_the_same_bits() {
    let query: Vec<f32> = (0..65).map(|i| (i as f32).sin()).collect();
    let rows = if cfg!(miri) { 3 } else { 2000 };
    let candidates: Vec<f32> = (0..65 * rows).map(|i| (i as f32 * 0.3).cos()).collect();
    let (mut serial, mut parallel) = (vec![0.0; rows], vec![0.0; rows]);
    cosine_similarity(&query, &candidates, &mut serial).unwrap();
    par_cosine_similarity(&query, &candidates, &mut parallel).unwrap();
    assert_eq!(serial, parallel);
    assert!(par_cosine_similarity(&query, &candidates[1..], &mut parallel).is_err());
    par_cosine_similarity(&[], &[], &mut parallel).unwrap();
    assert!(parallel.iter().all(|&score| score == 0.0));
}

#[test]
fn a_warm_parallel_chain_takes_nothing_new() {
    let workers = WorkerScratch::new();
    let x: Column = (0..1000).map(|i| Some(1.0 + f64::from(i))).collect();
    let mut out = Column::new();
    let chain = Pipeline::new().dlog(1);
    chain.par_run_into(&mut out, &x, &workers);
    let place = out.values().as_ptr();
    chain.par_run_into(&mut out, &x, &workers);
    assert_eq!(out.values().as_ptr(), place);
}
