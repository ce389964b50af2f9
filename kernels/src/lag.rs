//! Kernels that look back `lag` lanes, and the two fused ones that begin with a logarithm.
//!
//! The first `lag` lanes have nothing to look back at: they are null, with NaN in the data. A lag of
//! zero, or of the column's length and more, makes all null.

use knhk_pool::hot_path;

use crate::column::Column;
use crate::elementwise::column;
use crate::pipeline::{Step, run};
use crate::scratch::Scratch;

/// `out[i] = ln x[i] − ln x[i − lag]`, the log return over `lag` steps; null where either is.
///
/// −∞, +∞ and NaN are values, as IEEE arithmetic has them: the return from zero is +∞, to zero −∞, from
/// zero to zero NaN, as with a negative on either side.
///
/// # Cost
///
/// One logarithm a lane.
///
/// # Examples
///
/// ```
/// use knhk_kernels::{Column, dlog_column};
///
/// let prices = Column::from_slice(&[1.0, 2.0, 4.0]);
/// let returns = dlog_column(&prices, 1);
/// assert_eq!(returns.get(0), None);
/// assert_eq!(returns.get(2), Some(4_f64.ln() - 2_f64.ln()));
/// assert_eq!(dlog_column(&prices, 3).null_count(), 3);
/// ```
#[hot_path]
pub fn dlog_into(out: &mut Column, x: &Column, lag: usize, scratch: &Scratch) {
    run(&[Step::Dlog(lag)], out, x, scratch);
}

/// [`dlog_into`], into a new column.
pub fn dlog_column(x: &Column, lag: usize) -> Column {
    column(x.len(), |out, scratch| dlog_into(out, x, lag, scratch))
}

/// `out[i] = x[i] − x[i − lag]`; null where either is.
///
/// # Examples
///
/// ```
/// use knhk_kernels::{Column, diff_column};
///
/// let diff = diff_column(&Column::from_slice(&[1.0, 4.0, 9.0]), 2);
/// assert_eq!(diff.iter().collect::<Vec<_>>(), [None, None, Some(8.0)]);
/// ```
#[hot_path]
pub fn diff_into(out: &mut Column, x: &Column, lag: usize, scratch: &Scratch) {
    run(&[Step::Diff(lag)], out, x, scratch);
}

/// [`diff_into`], into a new column.
pub fn diff_column(x: &Column, lag: usize) -> Column {
    column(x.len(), |out, scratch| diff_into(out, x, lag, scratch))
}

/// `out[i] = x[i] / x[i − lag]`; null where either is.
///
/// # Examples
///
/// ```
/// use knhk_kernels::{Column, ratio_column};
///
/// let ratio = ratio_column(&Column::from_slice(&[2.0, 4.0, 10.0]), 1);
/// assert_eq!(ratio.iter().collect::<Vec<_>>(), [None, Some(2.0), Some(2.5)]);
/// ```
#[hot_path]
pub fn ratio_into(out: &mut Column, x: &Column, lag: usize, scratch: &Scratch) {
    run(&[Step::Ratio(lag)], out, x, scratch);
}

/// [`ratio_into`], into a new column.
pub fn ratio_column(x: &Column, lag: usize) -> Column {
    column(x.len(), |out, scratch| ratio_into(out, x, lag, scratch))
}

/// `out[i] = a (ln x[i] − ln x[i − lag]) + b`: [`dlog_into`] and
/// [`scale_add_into`](crate::scale_add_into) without a column in between, and the same bits.
#[hot_path]
pub fn dlog_scale_add_into(
    out: &mut Column,
    x: &Column,
    lag: usize,
    a: f64,
    b: f64,
    scratch: &Scratch,
) {
    run(&[Step::DlogScaleAdd(lag, a, b)], out, x, scratch);
}

/// [`dlog_scale_add_into`], into a new column.
pub fn dlog_scale_add_column(x: &Column, lag: usize, a: f64, b: f64) -> Column {
    column(x.len(), |out, scratch| {
        dlog_scale_add_into(out, x, lag, a, b, scratch)
    })
}

/// `out[i] = a ln x[i] + b`: [`ln_into`](crate::ln_into) and
/// [`scale_add_into`](crate::scale_add_into) without a column in between, and the same bits.
#[hot_path]
pub fn ln_scale_add_into(out: &mut Column, x: &Column, a: f64, b: f64, scratch: &Scratch) {
    run(&[Step::Ln, Step::ScaleAdd(a, b)], out, x, scratch);
}

/// [`ln_scale_add_into`], into a new column.
pub fn ln_scale_add_column(x: &Column, a: f64, b: f64) -> Column {
    column(x.len(), |out, scratch| {
        ln_scale_add_into(out, x, a, b, scratch)
    })
}
