//! Every section of the kernels, on memory that is warm.

use std::fmt::Debug;
use std::hint::black_box;

use knhk_kernels::*;

use crate::{Probe, judged};

/// What kernels read and write.
struct Bench {
    x: Column,
    y: Column,
    out: Column,
    scratch: Scratch,
    vectors: [Vec<f32>; 2],
    scores: Vec<f32>,
    strengths: Vec<f32>,
    ages: Vec<u64>,
    best: [Scored; 4],
    pipeline: Pipeline,
}

const LANES: usize = 1000;

impl Bench {
    fn new() -> Self {
        let lanes = |shift| (0..LANES).map(move |n| (n % 7 != 0).then_some((n + shift) as f64));
        let vector = |shift| (0..LANES).map(|n| (n + shift) as f32).collect();
        Self {
            x: lanes(1).collect(),
            y: lanes(2).collect(),
            out: Column::new(),
            scratch: Scratch::new(),
            vectors: [vector(1), vector(2)],
            scores: vec![0.0; 2],
            strengths: vec![1.0; LANES],
            ages: (0..LANES as u64).collect(),
            best: [Scored::default(); 4],
            pipeline: Pipeline::new().ln().dlog(1).scale_add(100.0, 0.0).diff(2),
        }
    }
}

/// A probe for each kernel, of a call with a bench: once to warm up, then judged.
macro_rules! probes {
    ($bench:ident; $($kernel:ident: $call:expr;)*) => {
        pub(crate) const PROBES: &[Probe] = &[$(Probe {
            name: stringify!($kernel),
            sections: &[stringify!($kernel)],
            run: || {
                let $bench = &mut Bench::new();
                judged_warm(|| _ = black_box($call));
            },
        }),*];
    };
}

fn judged_warm(mut call: impl FnMut()) {
    call();
    judged(call);
}

/// A kernel that refuses has shown nothing.
fn done<T, E: Debug>(result: Result<T, E>) -> T {
    result.expect("what the bench holds fits together")
}

probes! {
    b;
    sum: sum(&b.x);
    sum_skip_nan: sum_skip_nan(&b.x);
    mean: mean(&b.x);
    mean_skip_nan: mean_skip_nan(&b.x);
    var: done(var(&b.x, 1));
    var_skip_nan: done(var_skip_nan(&b.x, 1));
    min: min(&b.x).expect("of some");
    max: max(&b.x).expect("of some");
    min_skip_nan: min_skip_nan(&b.x).expect("of some");
    max_skip_nan: max_skip_nan(&b.x).expect("of some");
    ln_into: ln_into(&mut b.out, &b.x, &b.scratch);
    exp_into: exp_into(&mut b.out, &b.x, &b.scratch);
    abs_into: abs_into(&mut b.out, &b.x, &b.scratch);
    scale_add_into: scale_add_into(&mut b.out, &b.x, 2.0, 1.0, &b.scratch);
    sub_mul_add_into: done(sub_mul_add_into(&mut b.out, &b.x, &b.y, 2.0, 1.0, &b.scratch));
    add_into: done(add_into(&mut b.out, &b.x, &b.y, &b.scratch));
    sub_into: done(sub_into(&mut b.out, &b.x, &b.y, &b.scratch));
    mul_into: done(mul_into(&mut b.out, &b.x, &b.y, &b.scratch));
    div_into: done(div_into(&mut b.out, &b.x, &b.y, &b.scratch));
    add_scalar_into: add_scalar_into(&mut b.out, &b.x, 2.0, &b.scratch);
    sub_scalar_into: sub_scalar_into(&mut b.out, &b.x, 2.0, &b.scratch);
    mul_scalar_into: mul_scalar_into(&mut b.out, &b.x, 2.0, &b.scratch);
    div_scalar_into: div_scalar_into(&mut b.out, &b.x, 2.0, &b.scratch);
    dlog_into: dlog_into(&mut b.out, &b.x, 1, &b.scratch);
    diff_into: diff_into(&mut b.out, &b.x, 1, &b.scratch);
    ratio_into: ratio_into(&mut b.out, &b.x, 1, &b.scratch);
    dlog_scale_add_into: dlog_scale_add_into(&mut b.out, &b.x, 1, 2.0, 1.0, &b.scratch);
    ln_scale_add_into: ln_scale_add_into(&mut b.out, &b.x, 2.0, 1.0, &b.scratch);
    run_into: b.pipeline.run_into(&mut b.out, &b.x, &b.scratch);
    rolling_sum_into: done(rolling_sum_into(&mut b.out, &b.x, 9, Missing::Skip, &b.scratch));
    rolling_mean_into: done(rolling_mean_into(&mut b.out, &b.x, 9, Missing::Skip, &b.scratch));
    rolling_var_into: done(rolling_var_into(&mut b.out, &b.x, 9, Missing::Skip, &b.scratch));
    dot: done(dot(&b.vectors[0], &b.vectors[1]));
    l2: done(l2(&b.vectors[0], &b.vectors[1]));
    cosine_similarity: done(cosine_similarity(&b.vectors[0][..500], &b.vectors[1], &mut b.scores));
    top_k: top_k(&b.vectors[0], &mut b.best);
    decay: done(decay(&mut b.strengths, &b.ages, 10.0));
    decay_half_life: done(decay_half_life(&mut b.strengths, &b.ages, 10.0));
    spread_activation: spreads(&mut b.strengths, &b.scratch);
}

fn spreads(activation: &mut [f32], scratch: &Scratch) -> Reach {
    let graph = done(Csr::new(&[0, 1, 2, 2], &[1, 2], &[1.0, 1.0]));
    let spread = Spread {
        decay: 0.5,
        threshold: 0.1,
        hops_max: 10,
    };
    done(spread_activation(
        &graph,
        &mut activation[..3],
        spread,
        scratch,
    ))
}
