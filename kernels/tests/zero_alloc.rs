//! Once warm, no kernel calls the allocator: plain, masked, mixed, and with changing lengths.

use std::alloc::System;

use knhk_kernels::*;
use knhk_pool::{HotPathAlloc, hot_path};

#[global_allocator]
static ALLOCATOR: HotPathAlloc = HotPathAlloc::new(System);

const LENGTHS: [usize; 8] = [1000, 999, 1, 64, 65, 0, 1000, 513];

fn columns(len: usize) -> [Column; 2] {
    let plain: Vec<f64> = (0..len).map(|i| 1.0 + i as f64).collect();
    let masked = plain
        .iter()
        .enumerate()
        .map(|(i, &x)| (i % 7 != 0).then_some(x));
    let masked = masked.collect();
    [Column::from(plain), masked]
}

type Kernel = fn(&mut Column, &Column, &Column, &Scratch);

const KERNELS: [(&str, Kernel); 22] = [
    ("ln", |out, x, _, s| ln_into(out, x, s)),
    ("exp", |out, x, _, s| exp_into(out, x, s)),
    ("abs", |out, x, _, s| abs_into(out, x, s)),
    ("scale_add", |out, x, _, s| {
        scale_add_into(out, x, 2.0, 1.0, s)
    }),
    ("dlog", |out, x, _, s| dlog_into(out, x, 1, s)),
    ("dlog, long lag", |out, x, _, s| dlog_into(out, x, 600, s)),
    ("diff", |out, x, _, s| diff_into(out, x, 3, s)),
    ("ratio", |out, x, _, s| ratio_into(out, x, 3, s)),
    ("dlog_scale_add", |out, x, _, s| {
        dlog_scale_add_into(out, x, 1, 2.0, 1.0, s)
    }),
    ("ln_scale_add", |out, x, _, s| {
        ln_scale_add_into(out, x, 2.0, 1.0, s)
    }),
    ("sub_mul_add", |out, x, y, s| {
        sub_mul_add_into(out, x, y, 2.0, 1.0, s).unwrap()
    }),
    ("add", |out, x, y, s| add_into(out, x, y, s).unwrap()),
    ("sub", |out, x, y, s| sub_into(out, x, y, s).unwrap()),
    ("mul", |out, x, y, s| mul_into(out, x, y, s).unwrap()),
    ("div", |out, x, y, s| div_into(out, x, y, s).unwrap()),
    ("add_scalar", |out, x, _, s| add_scalar_into(out, x, 2.0, s)),
    ("sub_scalar", |out, x, _, s| sub_scalar_into(out, x, 2.0, s)),
    ("mul_scalar", |out, x, _, s| mul_scalar_into(out, x, 2.0, s)),
    ("div_scalar", |out, x, _, s| div_scalar_into(out, x, 2.0, s)),
    ("rolling_sum", |out, x, _, s| {
        let _ = rolling_sum_into(out, x, 20, Missing::Propagate, s);
    }),
    ("rolling_mean", |out, x, _, s| {
        let _ = rolling_mean_into(out, x, 20, Missing::Skip, s);
    }),
    ("rolling_var", |out, x, _, s| {
        let _ = rolling_var_into(out, x, 20, Missing::Skip, s);
    }),
];

#[test]
fn sections_are_armed() {
    hot_path::assert_armed();
}

#[test]
fn a_warm_kernel_allocates_nothing() {
    let inputs: Vec<[Column; 2]> = LENGTHS.iter().map(|&len| columns(len)).collect();
    for (name, kernel) in KERNELS {
        let scratch = Scratch::new();
        let mut out = Column::new();
        let mut run = || {
            for [plain, masked] in &inputs {
                kernel(&mut out, plain, plain, &scratch);
                kernel(&mut out, masked, plain, &scratch);
                kernel(&mut out, plain, masked, &scratch);
                kernel(&mut out, masked, masked, &scratch);
            }
        };
        run();
        let misses = scratch.stats().misses;
        let stats = hot_path::allocations(&mut run);
        assert_eq!((stats.allocations, stats.frees), (0, 0), "{name}");
        assert_eq!(scratch.stats().misses, misses, "{name}");
    }
}

#[test]
fn one_call_warms_up_for_the_next() {
    let [plain, masked] = columns(1000);
    for (name, kernel) in KERNELS {
        let scratch = Scratch::new();
        let mut out = Column::new();
        kernel(&mut out, &masked, &plain, &scratch);
        let next = || kernel(&mut out, &masked, &plain, &scratch);
        let stats = hot_path::allocations(next);
        assert_eq!((stats.allocations, stats.frees), (0, 0), "{name}");
    }
}

/// Memory that comes back is kept without a call either, whether it was taken here or came with the output.
#[test]
fn a_warm_kernel_keeps_what_comes_back_without_the_allocator() {
    let [plain, masked] = columns(1000);
    for (name, kernel) in KERNELS {
        for with_output in [false, true] {
            let scratch = Scratch::new();
            let mut out = Column::new();
            if with_output {
                out = masked.clone();
            }
            for _ in 0..3 {
                kernel(&mut out, &masked, &masked, &scratch);
            }
            let stats = hot_path::allocations(|| kernel(&mut out, &plain, &plain, &scratch));
            assert_eq!((stats.allocations, stats.frees), (0, 0), "{name}");
        }
    }
}

/// Values as bits, those under nulls too, and the validity's words, with what stands behind the last bit.
fn memory(column: &Column) -> (Vec<u64>, Option<&[u64]>) {
    let values = column.values().iter().map(|value| value.to_bits());
    (values.collect(), column.validity().map(Bitmap::words))
}

#[test]
fn every_kernel_gives_into_a_reused_output_what_it_gives_into_a_new_one() {
    let [plain, masked] = columns(70);
    for (name, kernel) in KERNELS {
        for x in [&plain, &masked] {
            let mut fresh = Column::new();
            kernel(&mut fresh, x, &plain, &Scratch::new());
            for earlier in [1000, 100, 71, 70, 69, 20] {
                let [_, earlier_x] = columns(earlier);
                let scratch = Scratch::new();
                let mut out = Column::new();
                kernel(&mut out, &earlier_x, &earlier_x, &scratch);
                kernel(&mut out, x, &plain, &scratch);
                assert_eq!(memory(&out), memory(&fresh), "{name} after {earlier}");
            }
            let scratch = Scratch::new();
            scratch.return_f64(vec![7.0; 1000]);
            scratch.return_bitmap(Bitmap::filled(1000, true));
            let mut out = Column::new();
            kernel(&mut out, x, &plain, &scratch);
            assert_eq!(memory(&out), memory(&fresh), "{name} in what was returned");
        }
    }
}

/// Statistics count set bits by words: a bit behind the last would be a lane that is not there.
#[test]
fn a_reused_output_has_no_valid_lanes_behind_its_last() {
    let scratch = Scratch::new();
    let mut out = Column::new();
    for x in [&[1.0; 64][..], &[5.0, 6.0, 7.0]] {
        let x = Column::from_slice(x);
        rolling_sum_into(&mut out, &x, 1, Missing::Skip, &scratch).unwrap();
    }
    assert_eq!(
        (out.null_count(), mean(&out), min(&out), max(&out)),
        (0, 6.0, Some(5.0), Some(7.0))
    );
}

#[test]
fn a_warm_pipeline_allocates_nothing() {
    let chain = Pipeline::new()
        .ln()
        .dlog(1)
        .abs()
        .diff(600)
        .ratio(2)
        .exp()
        .scale_add(2.0, 1.0);
    let inputs: Vec<[Column; 2]> = LENGTHS.iter().map(|&len| columns(len)).collect();
    let scratch = Scratch::new();
    let mut out = Column::new();
    let mut run = || {
        for column in inputs.iter().flatten() {
            chain.run_into(&mut out, column, &scratch);
        }
    };
    run();
    hot_path::assert_no_alloc(run);
}

#[test]
fn results_that_go_back_are_used_again() {
    let [plain, masked] = columns(1000);
    let scratch = Scratch::new();
    let run = || {
        let (mut first, mut second) = (Column::new(), Column::new());
        ln_into(&mut first, &masked, &scratch);
        add_into(&mut second, &first, &plain, &scratch).unwrap();
        scratch.return_column(first);
        scratch.return_column(second);
    };
    run();
    hot_path::assert_no_alloc(run);
}

#[test]
fn reductions_vectors_decay_and_graphs_allocate_nothing() {
    let inputs = columns(1000);
    let query = [1.0_f32; 70];
    let candidates = [0.5_f32; 700];
    let (mut scores, mut best) = ([0.0; 10], [Scored::default(); 3]);
    let (mut strengths, ages) = ([1.0; 100], [7; 100]);
    let offsets: Vec<u32> = (0..=200).map(|node| node * 2).collect();
    let targets: Vec<u32> = (0..400).map(|edge| edge * 7 % 200).collect();
    let weights = [0.5; 400];
    let graph = Csr::new(&offsets, &targets, &weights).unwrap();
    let mut activation = [0.0; 200];
    let scratch = Scratch::new();
    let mut run = || {
        for x in &inputs {
            let _ = (
                sum(x),
                sum_skip_nan(x),
                mean(x),
                mean_skip_nan(x),
                var(x, 1),
            );
            let _ = (
                var_skip_nan(x, 0),
                min(x),
                max(x),
                min_skip_nan(x),
                max_skip_nan(x),
            );
        }
        let _ = (dot(&query, &query), l2(&query, &query));
        cosine_similarity(&query, &candidates, &mut scores).unwrap();
        top_k(&scores, &mut best);
        decay(&mut strengths, &ages, 100.0).unwrap();
        decay_half_life(&mut strengths, &ages, 100.0).unwrap();
        activation[7] = 1.0;
        let spread = Spread {
            decay: 0.9,
            threshold: 0.0001,
            hops_max: 9,
        };
        spread_activation(&graph, &mut activation, spread, &scratch).unwrap();
    };
    run();
    hot_path::assert_no_alloc(run);
}

#[test]
fn a_scratch_keeps_a_bounded_number_and_the_largest() {
    let scratch = Scratch::new();
    for len in 1..=100 {
        scratch.return_f64(vec![0.0; len]);
    }
    let stats = scratch.stats();
    assert_eq!((stats.idle, stats.freed), (16, 84));
    assert_eq!(stats.idle_bytes, (85..=100).sum::<usize>() * 8);
    assert_eq!(scratch.get_f64(86).len(), 86);
    assert_eq!((scratch.stats().hits, scratch.stats().misses), (1, 0));
}

#[test]
fn a_buffer_that_is_too_small_stays_for_the_next() {
    let scratch = Scratch::new();
    scratch.return_f64(vec![1.0; 10]);
    let large = scratch.get_f64(100);
    let small = scratch.get_f64(10);
    assert_eq!((scratch.stats().hits, scratch.stats().misses), (1, 1));
    assert!(large.iter().chain(&small).all(|&value| value == 0.0));
}

#[test]
fn bitmaps_fit_whatever_their_exact_length() {
    let scratch = Scratch::new();
    scratch.return_bitmap(Bitmap::filled(1000, true));
    let bitmap = scratch.get_bitmap(961);
    assert_eq!((bitmap.len(), bitmap.count_ones()), (961, 0));
    assert_eq!(scratch.stats().misses, 0);
}

#[test]
fn a_request_for_nothing_is_neither_a_hit_nor_a_miss() {
    let scratch = Scratch::new();
    for idle in [0, 10] {
        scratch.return_f64(vec![1.0; idle]);
        assert!(scratch.get_f64(0).is_empty() && scratch.f64s(0).is_empty());
        assert!(scratch.get_bitmap(0).is_empty());
        assert_eq!((scratch.stats().hits, scratch.stats().misses), (0, 0));
    }
    assert_eq!((scratch.stats().idle, scratch.stats().freed), (1, 0));
}
