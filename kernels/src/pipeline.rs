//! Chains of kernels, run block by block, without a column between two.
//!
//! ```text
//!   x ──512 lanes──▶ step ──▶ block ──▶ step ──▶ block ──▶ step ──512 lanes──▶ out
//!                             (in L1)     │
//!                                         └─ a step that looks back keeps its own last lanes
//! ```
//!
//! Each step does to a block what its kernel does to a column, in the same order, so that the result is
//! the same bits. Validity is worked out a word at a time, for the column as a whole.

mod delay;

use std::ops::Range;

use knhk_pool::hot_path;

use crate::column::Column;
use crate::elementwise::{Abs, Add, Div, Mul, ScaleAdd, Sub, SubMulAdd, With};
use crate::exp::Exp;
use crate::ln::Ln;
use crate::map;
use crate::scratch::Scratch;
use delay::{BLOCK, Delay};

/// A chain of kernels on one column.
///
/// # Examples
///
/// ```
/// use knhk_kernels::{Column, Pipeline, Scratch, abs_column, dlog_column, scale_add_column};
///
/// let prices = Column::from_slice(&[10.0, 11.0, 10.5, 10.6]);
/// let scratch = Scratch::new();
/// let mut fused = Column::new();
/// let percent = Pipeline::new().dlog(1).abs().scale_add(100.0, 0.0);
/// percent.run_into(&mut fused, &prices, &scratch);
///
/// let apart = scale_add_column(&abs_column(&dlog_column(&prices, 1)), 100.0, 0.0);
/// assert_eq!(fused, apart);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pipeline {
    steps: Vec<Step>,
}

/// One kernel of a chain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Step {
    Ln,
    Exp,
    Abs,
    Dlog(usize),
    /// [`Self::Dlog`] and [`Self::ScaleAdd`] in one pass over the block: the same operations.
    DlogScaleAdd(usize, f64, f64),
    Diff(usize),
    Ratio(usize),
    ScaleAdd(f64, f64),
    Add(f64),
    Sub(f64),
    Mul(f64),
    Div(f64),
}

impl Pipeline {
    /// A chain of no kernels, which copies.
    pub const fn new() -> Self {
        Self { steps: Vec::new() }
    }

    fn then(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Then [`ln_into`](crate::ln_into).
    pub fn ln(self) -> Self {
        self.then(Step::Ln)
    }

    /// Then [`exp_into`](crate::exp_into).
    pub fn exp(self) -> Self {
        self.then(Step::Exp)
    }

    /// Then [`abs_into`](crate::abs_into).
    pub fn abs(self) -> Self {
        self.then(Step::Abs)
    }

    /// Then [`dlog_into`](crate::dlog_into).
    pub fn dlog(self, lag: usize) -> Self {
        self.then(Step::Dlog(lag))
    }

    /// Then [`diff_into`](crate::diff_into).
    pub fn diff(self, lag: usize) -> Self {
        self.then(Step::Diff(lag))
    }

    /// Then [`ratio_into`](crate::ratio_into).
    pub fn ratio(self, lag: usize) -> Self {
        self.then(Step::Ratio(lag))
    }

    /// Then [`scale_add_into`](crate::scale_add_into).
    pub fn scale_add(mut self, a: f64, b: f64) -> Self {
        match self.steps.last_mut() {
            Some(last @ &mut Step::Dlog(lag)) => {
                *last = Step::DlogScaleAdd(lag, a, b);
                self
            }
            _ => self.then(Step::ScaleAdd(a, b)),
        }
    }

    /// Then [`add_scalar_into`](crate::add_scalar_into).
    pub fn add_scalar(self, number: f64) -> Self {
        self.then(Step::Add(number))
    }

    /// Then [`sub_scalar_into`](crate::sub_scalar_into).
    pub fn sub_scalar(self, number: f64) -> Self {
        self.then(Step::Sub(number))
    }

    /// Then [`mul_scalar_into`](crate::mul_scalar_into).
    pub fn mul_scalar(self, number: f64) -> Self {
        self.then(Step::Mul(number))
    }

    /// Then [`div_scalar_into`](crate::div_scalar_into).
    pub fn div_scalar(self, number: f64) -> Self {
        self.then(Step::Div(number))
    }

    /// Runs the chain on `x`, into `out`.
    ///
    /// Bit for bit what its kernels give one after the other. Of a NaN that two NaNs were the
    /// operands of, the payload is not promised, here as there: Rust does not promise it.
    ///
    /// # Cost
    ///
    /// Reads `x` once and writes `out` once. Takes from `scratch` two blocks of 512 lanes, and for each
    /// step that looks back its lag and two blocks.
    #[hot_path]
    pub fn run_into(&self, out: &mut Column, x: &Column, scratch: &Scratch) {
        run(&self.steps, out, x, scratch);
    }

    /// [`Self::run_into`], into a new column.
    pub fn run_column(&self, x: &Column) -> Column {
        crate::elementwise::column(x.len(), |out, scratch| self.run_into(out, x, scratch))
    }

    #[cfg(feature = "rayon")]
    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }
}

impl Step {
    fn lag(self) -> Option<usize> {
        match self {
            Self::Dlog(lag) | Self::DlogScaleAdd(lag, ..) | Self::Diff(lag) | Self::Ratio(lag) => {
                Some(lag)
            }
            _ => None,
        }
    }

    /// Of a column of `len` lanes, whether it leaves none valid.
    fn leaves_nothing(self, len: usize) -> bool {
        self.lag().is_some_and(|lag| lag == 0 || lag >= len)
    }
}

/// Runs `steps` on the whole of `x`.
pub(crate) fn run(steps: &[Step], out: &mut Column, x: &Column, scratch: &Scratch) {
    shape(steps, out, x, scratch);
    lanes(steps, out.lanes.as_mut_slice(), x.values(), 0, scratch);
}

/// Gives `out` its length and its validity.
pub(crate) fn shape(steps: &[Step], out: &mut Column, x: &Column, scratch: &Scratch) {
    let lags = || steps.iter().filter_map(|step| step.lag());
    scratch.shape(
        out,
        x.len(),
        x.validity.is_some() || lags().next().is_some(),
    );
    if let Some(validity) = &mut out.validity {
        match &x.validity {
            Some(x) => validity.copy_from(x),
            None => validity.fill(true),
        }
        lags().for_each(|lag| validity.and_lagged(lag));
    }
}

/// Writes lanes `start .. start + out.len()` of the result.
///
/// Begins as many lanes earlier as the steps look back in all: what they make of lanes before that is
/// wrong, and by then has been left behind.
pub(crate) fn lanes(steps: &[Step], out: &mut [f64], x: &[f64], start: usize, scratch: &Scratch) {
    let end = start + out.len();
    let halo = look_back(steps, x.len());
    let memory: usize = steps
        .iter()
        .map(|step| Delay::memory(step.lag(), x.len()))
        .sum();
    let mut delays = scratch.lend(memory);
    let mut blocks = scratch.lend(2 * BLOCK);
    let (first, second) = blocks.split_at_mut(BLOCK);
    let mut block = Blocks {
        lanes: 0..0,
        len: x.len(),
        from: first,
        to: second,
    };

    let first_block = start.saturating_sub(halo) / BLOCK;
    for index in first_block..end.div_ceil(BLOCK) {
        block.lanes = index * BLOCK..x.len().min((index + 1) * BLOCK);
        if start <= block.lanes.start && block.lanes.end <= end {
            let wanted = block.lanes.start - start..block.lanes.end - start;
            block.run(steps, &mut out[wanted], x, &mut delays);
        } else {
            block.run_partly(steps, out, start, x, &mut delays);
        }
    }
}

/// How far back the chain looks, up to `len`.
fn look_back(steps: &[Step], len: usize) -> usize {
    let lags = steps.iter().filter_map(|step| step.lag());
    lags.fold(0, |sum: usize, lag| sum.saturating_add(lag))
        .min(len)
}

/// The block that is under way.
struct Blocks<'a> {
    /// Which lanes of the column.
    lanes: Range<usize>,
    /// Lanes of the column.
    len: usize,
    /// What the last step has written, and where the next one writes.
    from: &'a mut [f64],
    to: &'a mut [f64],
}

impl Blocks<'_> {
    /// Takes a block through all steps of which `out`, which begins at lane `start`, has a part or
    /// nothing.
    fn run_partly(
        &mut self,
        steps: &[Step],
        out: &mut [f64],
        start: usize,
        x: &[f64],
        delays: &mut [f64],
    ) {
        let lanes = self.lanes.clone();
        let mut whole = [0.0; BLOCK];
        self.run(steps, &mut whole[..lanes.len()], x, delays);
        let wanted = lanes.start.max(start)..lanes.end.min(start + out.len());
        if !wanted.is_empty() {
            let place = wanted.start - start..wanted.end - start;
            out[place]
                .copy_from_slice(&whole[wanted.start - lanes.start..wanted.end - lanes.start]);
        }
    }

    /// Takes a block of `x` through all steps; the last one writes to `out`.
    fn run(&mut self, steps: &[Step], out: &mut [f64], x: &[f64], delays: &mut [f64]) {
        let x = &x[self.lanes.clone()];
        let Some((last, before)) = steps.split_last() else {
            return out.copy_from_slice(x);
        };
        let mut delays = delays;
        for (place, &step) in before.iter().enumerate() {
            let (own, others) = delays.split_at_mut(Delay::memory(step.lag(), self.len));
            delays = others;
            let from = if place == 0 { x } else { &self.from[..x.len()] };
            apply(
                step,
                &mut self.to[..x.len()],
                from,
                self.lanes.start,
                self.len,
                own,
            );
            std::mem::swap(&mut self.from, &mut self.to);
        }
        let from = if before.is_empty() {
            x
        } else {
            &self.from[..x.len()]
        };
        apply(*last, out, from, self.lanes.start, self.len, delays);
    }
}

/// One step on one block, which begins at lane `start` of a column of `len`.
fn apply(step: Step, out: &mut [f64], x: &[f64], start: usize, len: usize, memory: &mut [f64]) {
    if step.leaves_nothing(len) {
        return out.fill(f64::NAN);
    }
    match step {
        Step::Ln => map::transcendental::<Ln>(out, x),
        Step::Exp => map::transcendental::<Exp>(out, x),
        Step::Abs => map::light(out, x, Abs),
        Step::ScaleAdd(a, b) => map::light(out, x, ScaleAdd { a, b }),
        Step::Add(number) => map::light(out, x, With { op: Add, number }),
        Step::Sub(number) => map::light(out, x, With { op: Sub, number }),
        Step::Mul(number) => map::light(out, x, With { op: Mul, number }),
        Step::Div(number) => map::light(out, x, With { op: Div, number }),
        Step::Dlog(lag) => {
            let mut delay = Delay::new(memory, lag, start);
            map::transcendental::<Ln>(delay.block(x.len()), x);
            delay.combine(out, Sub);
        }
        Step::DlogScaleAdd(lag, a, b) => {
            let mut delay = Delay::new(memory, lag, start);
            map::transcendental::<Ln>(delay.block(x.len()), x);
            delay.combine(out, SubMulAdd { a, b });
        }
        Step::Diff(lag) => {
            let mut delay = Delay::new(memory, lag, start);
            delay.block(x.len()).copy_from_slice(x);
            delay.combine(out, Sub);
        }
        Step::Ratio(lag) => {
            let mut delay = Delay::new(memory, lag, start);
            delay.block(x.len()).copy_from_slice(x);
            delay.combine(out, Div);
        }
    }
}
