//! Columnar, vector and graph kernels that allocate nothing once they are warm, and give the same bits
//! on every instruction set.
//!
//! ```
//! use knhk_kernels::{Column, Missing, Pipeline, Scratch, rolling_var_into};
//!
//! let prices: Column = [Some(100.0), Some(101.0), None, Some(99.5), Some(100.2)].into_iter().collect();
//! let scratch = Scratch::new(); // one for each worker
//! let (mut returns, mut variance) = (Column::new(), Column::new());
//!
//! let percent = Pipeline::new().dlog(1).scale_add(100.0, 0.0); // no column in between
//! percent.run_into(&mut returns, &prices, &scratch);
//! rolling_var_into(&mut variance, &returns, 2, Missing::Skip, &scratch)?;
//!
//! assert_eq!(returns.null_count(), 3); // the first, and both sides of the missing price
//! # Ok::<(), knhk_kernels::KernelError>(())
//! ```
//!
//! # What is here
//!
//! | you want | take |
//! |---|---|
//! | doubles, some of them null | [`Column`], with a [`Bitmap`] |
//! | one operation on a lane | [`ln_into`], [`exp_into`], [`abs_into`], [`scale_add_into`], [`add_into`] … [`div_into`], [`add_scalar_into`] …, [`sub_mul_add_into`] |
//! | to look back | [`dlog_into`], [`diff_into`], [`ratio_into`] |
//! | several at once | [`Pipeline`]; ready made, [`dlog_scale_add_into`], [`ln_scale_add_into`] |
//! | one number of a column | [`sum`], [`mean`], [`var`], [`min`], [`max`], and each with `_skip_nan` |
//! | a window that moves along | [`rolling_sum_into`], [`rolling_mean_into`], [`rolling_var_into`] |
//! | vectors of `f32` | [`cosine_similarity`], [`dot`], [`l2`], [`top_k`] |
//! | strengths that fade | [`decay`], [`decay_half_life`] |
//! | activation that spreads | [`spread_activation`] on a [`Csr`] |
//! | memory that comes back | [`Scratch`] |
//!
//! Every `_into` has a twin `_column` that returns a new column.
//!
//! # Nulls and NaN
//!
//! They differ: NaN is a value, and arithmetic hands it on; a null is a lane without a value, and stands
//! in the validity alone. A null in gives a null out. What stands under a null is some double, never
//! memory that was not written.
//!
//! # The same bits
//!
//! Loops are compiled for the baseline, for AVX2 with FMA and for AVX-512, and the widest that the
//! machine has is taken ([`Isa`]). They do the same IEEE operations in the same order, so the results are
//! the same bits, subnormals included; nothing depends on the number of workers either. Two things
//! are not promised: the payload of a NaN that arithmetic made, and the same bits from another version of
//! this crate.
//!
//! # Features
//!
//! * `rayon`: parallel forms, with one [`Scratch`] a worker.
//! * `arrow`: zero-copy to and from `arrow-buffer`.
//! * `allocation-tracking`: arms the kernels' hot-path sections in builds without debug assertions too.
//!
//! # Unsafe code
//!
//! In `dispatch` alone: the calls of functions that are compiled for one instruction set.

#[cfg(feature = "arrow")]
mod arrow;
mod bitmap;
mod column;
mod decay;
#[allow(unsafe_code)]
mod dispatch;
mod elementwise;
mod error;
mod exp;
mod graph;
mod group;
mod lag;
mod lanes;
mod ln;
mod map;
#[cfg(feature = "rayon")]
mod parallel;
mod pipeline;
mod reduce;
mod rolling;
mod scratch;
mod variance;
mod vector;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub use crate::bitmap::{Bitmap, Runs};
pub use crate::column::Column;
pub use crate::decay::{decay, decay_half_life};
pub use crate::dispatch::Isa;
pub use crate::elementwise::{
    abs_column, abs_into, add_column, add_into, add_scalar_column, add_scalar_into, div_column,
    div_into, div_scalar_column, div_scalar_into, exp_column, exp_into, ln_column, ln_into,
    mul_column, mul_into, mul_scalar_column, mul_scalar_into, scale_add_column, scale_add_into,
    sub_column, sub_into, sub_mul_add_column, sub_mul_add_into, sub_scalar_column, sub_scalar_into,
};
pub use crate::error::KernelError;
pub use crate::graph::{Csr, GraphError, Reach, Spread, spread_activation};
pub use crate::lag::{
    diff_column, diff_into, dlog_column, dlog_into, dlog_scale_add_column, dlog_scale_add_into,
    ln_scale_add_column, ln_scale_add_into, ratio_column, ratio_into,
};
#[cfg(feature = "rayon")]
pub use crate::parallel::{WorkerScratch, par_cosine_similarity};
pub use crate::pipeline::Pipeline;
pub use crate::reduce::{
    max, max_skip_nan, mean, mean_skip_nan, min, min_skip_nan, sum, sum_skip_nan,
};
pub use crate::rolling::{
    Missing, rolling_mean_column, rolling_mean_into, rolling_sum_column, rolling_sum_into,
    rolling_var_column, rolling_var_into,
};
pub use crate::scratch::{Lent, Scratch, ScratchStats};
pub use crate::variance::{var, var_skip_nan};
pub use crate::vector::{Scored, cosine_similarity, dot, l2, top_k};
