//! Instruction counts of kernels on record. Counted under valgrind, which has AVX2 and no AVX-512: the
//! AVX2 form, wherever it runs.

use std::fmt;

use knhk_kernels::{
    Column, Csr, Scratch, Spread, cosine_similarity, decay, dlog_into, exp_into, ln_into,
    spread_activation, sub_mul_add_into, sum,
};

/// Elements in one count: lanes, numbers of rows, or edges.
const ELEMENTS: usize = 16_384;
const DIMENSION: usize = 512;
const EDGES_A_NODE: usize = 8;

/// What is counted, each on 16,384 elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KernelCounted {
    /// `ln_into`, all lanes plain.
    Ln,
    /// `exp_into`, all lanes plain.
    Exp,
    /// `dlog_into` of lag 1, every tenth lane null.
    DlogNulls,
    /// `sum`, every tenth lane null.
    SumNulls,
    /// `sub_mul_add_into`.
    SubMulAdd,
    /// `cosine_similarity`, rows of 512.
    Cosine,
    /// `decay`.
    Decay,
    /// `spread_activation`, one hop from all nodes, eight edges each.
    Spread,
}

impl KernelCounted {
    /// Instructions, as counted when this was last renewed.
    pub const fn recorded(self) -> u64 {
        match self {
            Self::Ln => 230_550,
            Self::Exp => 199_835,
            Self::DlogNulls => 265_473,
            Self::SumNulls => 21_645,
            Self::SubMulAdd => 26_785,
            Self::Cosine => 14_372,
            Self::Decay => 138_366,
            Self::Spread => 250_110,
        }
    }

    /// What the check allows: 2 % above what is on record.
    pub const fn limit(self) -> u64 {
        self.recorded() + self.recorded() / 50
    }

    /// The kernel, run once.
    pub fn prepare(self) -> WarmKernel {
        let mut warm = WarmKernel(self.kernel());
        warm.run();
        warm
    }

    fn kernel(self) -> Box<dyn FnMut()> {
        match self {
            Self::Ln => column(plain(), ln_into),
            Self::Exp => column(small(), exp_into),
            Self::DlogNulls => column(nulls(), |out, x, scratch| dlog_into(out, x, 1, scratch)),
            Self::SumNulls => column(nulls(), |_, x, _| {
                std::hint::black_box(sum(x));
            }),
            Self::SubMulAdd => column(plain(), |out, x, scratch| {
                sub_mul_add_into(out, x, x, 2.0, 3.0, scratch).expect("one length");
            }),
            Self::Cosine => cosine(),
            Self::Decay => fading(),
            Self::Spread => spreading(),
        }
    }
}

fn plain() -> Column {
    (0..ELEMENTS).map(|i| Some(1.0 + i as f64)).collect()
}

fn small() -> Column {
    (0..ELEMENTS)
        .map(|i| Some((i % 1000) as f64 * 0.01))
        .collect()
}

fn nulls() -> Column {
    (0..ELEMENTS)
        .map(|i| (i % 10 != 3).then_some(1.0 + i as f64))
        .collect()
}

fn column(
    x: Column,
    kernel: impl Fn(&mut Column, &Column, &Scratch) + 'static,
) -> Box<dyn FnMut()> {
    let (mut out, scratch) = (Column::new(), Scratch::new());
    Box::new(move || kernel(&mut out, &x, &scratch))
}

fn cosine() -> Box<dyn FnMut()> {
    let rows: Vec<f32> = (0..ELEMENTS).map(|i| (i as f32).sin()).collect();
    let mut scores = vec![0.0; ELEMENTS / DIMENSION];
    Box::new(move || {
        cosine_similarity(&rows[..DIMENSION], &rows, &mut scores).expect("whole rows");
    })
}

fn fading() -> Box<dyn FnMut()> {
    let (mut strengths, ages) = (vec![1.0; ELEMENTS], vec![1; ELEMENTS]);
    Box::new(move || decay(&mut strengths, &ages, 1e9).expect("one length"))
}

fn spreading() -> Box<dyn FnMut()> {
    let nodes = ELEMENTS / EDGES_A_NODE;
    let offsets: Vec<u32> = (0..=nodes)
        .map(|node| (node * EDGES_A_NODE) as u32)
        .collect();
    let targets: Vec<u32> = (0..ELEMENTS)
        .map(|edge| (edge * 37 % nodes) as u32)
        .collect();
    let weights = vec![0.1; ELEMENTS];
    let (mut activation, scratch) = (vec![1.0; nodes], Scratch::new());
    let spread = Spread {
        decay: 0.9,
        threshold: 0.0,
        hops_max: 1,
    };
    Box::new(move || {
        let graph = Csr::new(&offsets, &targets, &weights).expect("a graph");
        activation.fill(1.0);
        spread_activation(&graph, &mut activation, spread, &scratch).expect("in range");
    })
}

/// A kernel that is ready to be counted.
pub struct WarmKernel(Box<dyn FnMut()>);

impl WarmKernel {
    /// Runs it on its elements.
    pub fn run(&mut self) {
        (self.0)();
    }
}

impl fmt::Debug for WarmKernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WarmKernel").finish_non_exhaustive()
    }
}
