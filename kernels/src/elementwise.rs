//! Kernels on one lane at a time: of a column, of two, of a column and a number.
//!
//! Each comes in two forms. `x_into` writes into a column that it reuses, takes what memory it is
//! short of from a [`Scratch`], and is a hot path: once warm it never calls the allocator, whatever
//! the lengths up to the largest seen, with validities, without, or by turns. `x_column` makes a
//! column.
//!
//! A null in gives a null out.

use knhk_pool::hot_path;

use crate::column::Column;
use crate::error::{KernelError, same_length};
use crate::exp::Exp;
use crate::ln::Ln;
use crate::map::{self, Binary, Light, Transcendental};
use crate::scratch::Scratch;

/// `|x|`.
#[derive(Clone, Copy)]
pub(crate) struct Abs;

impl Light for Abs {
    #[inline(always)]
    fn lane(self, x: f64) -> f64 {
        x.abs()
    }
}

/// `a x + b`: a product, rounded, then a sum.
#[derive(Clone, Copy)]
pub(crate) struct ScaleAdd {
    pub(crate) a: f64,
    pub(crate) b: f64,
}

impl Light for ScaleAdd {
    #[inline(always)]
    fn lane(self, x: f64) -> f64 {
        self.a * x + self.b
    }
}

/// `(x − y) a + b`, rounded after each operation.
#[derive(Clone, Copy)]
pub(crate) struct SubMulAdd {
    pub(crate) a: f64,
    pub(crate) b: f64,
}

impl Binary for SubMulAdd {
    #[inline(always)]
    fn lanes(self, x: f64, y: f64) -> f64 {
        (x - y) * self.a + self.b
    }
}

/// `x + y`.
#[derive(Clone, Copy)]
pub(crate) struct Add;

/// `x − y`.
#[derive(Clone, Copy)]
pub(crate) struct Sub;

/// `x · y`.
#[derive(Clone, Copy)]
pub(crate) struct Mul;

/// `x / y`.
#[derive(Clone, Copy)]
pub(crate) struct Div;

impl Binary for Add {
    #[inline(always)]
    fn lanes(self, x: f64, y: f64) -> f64 {
        x + y
    }
}

impl Binary for Sub {
    #[inline(always)]
    fn lanes(self, x: f64, y: f64) -> f64 {
        x - y
    }
}

impl Binary for Mul {
    #[inline(always)]
    fn lanes(self, x: f64, y: f64) -> f64 {
        x * y
    }
}

impl Binary for Div {
    #[inline(always)]
    fn lanes(self, x: f64, y: f64) -> f64 {
        x / y
    }
}

/// A binary operation whose right side is one number.
#[derive(Clone, Copy)]
pub(crate) struct With<O> {
    pub(crate) op: O,
    pub(crate) number: f64,
}

impl<O: Binary> Light for With<O> {
    #[inline(always)]
    fn lane(self, x: f64) -> f64 {
        self.op.lanes(x, self.number)
    }
}

/// Makes `out` as long as `x`, with a copy of its validity.
fn shape_like(out: &mut Column, x: &Column, scratch: &Scratch) {
    scratch.shape(out, x.len(), x.validity.is_some());
    if let (Some(out), Some(x)) = (&mut out.validity, &x.validity) {
        out.copy_from(x);
    }
}

pub(crate) fn light_into<O: Light>(out: &mut Column, x: &Column, op: O, scratch: &Scratch) {
    shape_like(out, x, scratch);
    map::light(out.lanes.as_mut_slice(), x.values(), op);
}

fn transcendental_into<O: Transcendental>(out: &mut Column, x: &Column, scratch: &Scratch) {
    shape_like(out, x, scratch);
    map::transcendental::<O>(out.lanes.as_mut_slice(), x.values());
}

fn binary_into<O: Binary>(
    out: &mut Column,
    x: &Column,
    y: &Column,
    op: O,
    scratch: &Scratch,
) -> Result<(), KernelError> {
    same_length(x.len(), y.len())?;
    scratch.shape(out, x.len(), x.validity.is_some() || y.validity.is_some());
    if let Some(out) = &mut out.validity {
        match (&x.validity, &y.validity) {
            (Some(x), Some(y)) => {
                out.copy_from(x);
                out.and(y)?;
            }
            (Some(one), None) | (None, Some(one)) => out.copy_from(one),
            (None, None) => {}
        }
    }
    map::binary(out.lanes.as_mut_slice(), x.values(), y.values(), op);
    Ok(())
}

/// A new column that `kernel` writes.
pub(crate) fn column(len: usize, kernel: impl FnOnce(&mut Column, &Scratch)) -> Column {
    let mut out = Column::with_capacity(len);
    kernel(&mut out, &Scratch::new());
    out
}

pub(crate) fn try_column(
    len: usize,
    kernel: impl FnOnce(&mut Column, &Scratch) -> Result<(), KernelError>,
) -> Result<Column, KernelError> {
    let mut out = Column::with_capacity(len);
    kernel(&mut out, &Scratch::new())?;
    Ok(out)
}

/// `out[i] = ln x[i]`, natural, within 1 ulp of the correctly rounded result for every double.
///
/// −∞ for both zeros, NaN for negatives; +∞ and NaN are handed on. Subnormals are
/// taken at their value. The same bits on every instruction set (ADR-012).
///
/// # Cost
///
/// A block of 64 lanes that holds a zero, an infinity, or what has a sign, costs a quarter more; one with a
/// subnormal is worked out lane by lane for those. NaN without a sign, which is what stands under most nulls,
/// costs nothing.
///
/// # Examples
///
/// ```
/// use knhk_kernels::{Column, Scratch, ln_into};
///
/// let scratch = Scratch::new();
/// let x: Column = [Some(1.0), None, Some(0.0)].into_iter().collect();
/// let mut out = Column::new();
/// ln_into(&mut out, &x, &scratch);
/// let expected: Column = [Some(0.0), None, Some(f64::NEG_INFINITY)].into_iter().collect();
/// assert_eq!(out, expected);
/// ```
#[hot_path]
pub fn ln_into(out: &mut Column, x: &Column, scratch: &Scratch) {
    transcendental_into::<Ln>(out, x, scratch);
}

/// [`ln_into`], into a new column.
pub fn ln_column(x: &Column) -> Column {
    column(x.len(), |out, scratch| ln_into(out, x, scratch))
}

/// `out[i] = e^x[i]`, within 1 ulp of the correctly rounded result for every double.
///
/// +∞ above 709.78, zero below −745.13; NaN is handed on. Subnormal results are rounded,
/// not flushed. The same bits on every instruction set (ADR-012).
///
/// # Cost
///
/// A block of 64 lanes with one beyond ±708 costs up to half more; results near the largest and below
/// the smallest normal double are worked out lane by lane.
///
/// # Examples
///
/// ```
/// use knhk_kernels::{Column, exp_column};
///
/// assert_eq!(exp_column(&Column::from_slice(&[0.0, 1.0])).values(), [1.0, std::f64::consts::E]);
/// ```
#[hot_path]
pub fn exp_into(out: &mut Column, x: &Column, scratch: &Scratch) {
    transcendental_into::<Exp>(out, x, scratch);
}

/// [`exp_into`], into a new column.
pub fn exp_column(x: &Column) -> Column {
    column(x.len(), |out, scratch| exp_into(out, x, scratch))
}

/// `out[i] = |x[i]|`: the sign bit cleared, of NaN too.
///
/// # Examples
///
/// ```
/// use knhk_kernels::{Column, abs_column};
///
/// assert_eq!(abs_column(&Column::from_slice(&[-2.0, 3.0])).values(), [2.0, 3.0]);
/// ```
#[hot_path]
pub fn abs_into(out: &mut Column, x: &Column, scratch: &Scratch) {
    light_into(out, x, Abs, scratch);
}

/// [`abs_into`], into a new column.
pub fn abs_column(x: &Column) -> Column {
    column(x.len(), |out, scratch| abs_into(out, x, scratch))
}

/// `out[i] = a x[i] + b`: a product, rounded, then a sum, rounded.
///
/// # Examples
///
/// ```
/// use knhk_kernels::{Column, scale_add_column};
///
/// assert_eq!(scale_add_column(&Column::from_slice(&[1.0, 2.0]), 10.0, 1.0).values(), [11.0, 21.0]);
/// ```
#[hot_path]
pub fn scale_add_into(out: &mut Column, x: &Column, a: f64, b: f64, scratch: &Scratch) {
    light_into(out, x, ScaleAdd { a, b }, scratch);
}

/// [`scale_add_into`], into a new column.
pub fn scale_add_column(x: &Column, a: f64, b: f64) -> Column {
    column(x.len(), |out, scratch| {
        scale_add_into(out, x, a, b, scratch)
    })
}

/// `out[i] = (x[i] − y[i]) a + b`, rounded after each operation; null where either is.
///
/// # Errors
///
/// If the lengths differ.
///
/// # Examples
///
/// ```
/// use knhk_kernels::{Column, sub_mul_add_column};
///
/// let (bid, ask) = (Column::from_slice(&[9.0, 19.0]), Column::from_slice(&[11.0, 20.0]));
/// assert_eq!(sub_mul_add_column(&ask, &bid, 10.0, 0.5)?.values(), [20.5, 10.5]);
/// # Ok::<(), knhk_kernels::KernelError>(())
/// ```
#[hot_path]
pub fn sub_mul_add_into(
    out: &mut Column,
    x: &Column,
    y: &Column,
    a: f64,
    b: f64,
    scratch: &Scratch,
) -> Result<(), KernelError> {
    binary_into(out, x, y, SubMulAdd { a, b }, scratch)
}

/// [`sub_mul_add_into`], into a new column.
///
/// # Errors
///
/// If the lengths differ.
pub fn sub_mul_add_column(x: &Column, y: &Column, a: f64, b: f64) -> Result<Column, KernelError> {
    try_column(x.len(), |out, scratch| {
        sub_mul_add_into(out, x, y, a, b, scratch)
    })
}

/// The four forms of one arithmetic operation: into and new, with a column and with a number.
macro_rules! arithmetic {
    ($op:ident, $sign:literal, $into:ident, $column:ident, $scalar_into:ident, $scalar_column:ident) => {
        #[doc = concat!("`out[i] = x[i] ", $sign, " y[i]`; null where either is.")]
        ///
        /// # Errors
        ///
        /// If the lengths differ.
        #[hot_path]
        pub fn $into(
            out: &mut Column,
            x: &Column,
            y: &Column,
            scratch: &Scratch,
        ) -> Result<(), KernelError> {
            binary_into(out, x, y, $op, scratch)
        }

        #[doc = concat!("[`", stringify!($into), "`], into a new column.")]
        ///
        /// # Errors
        ///
        /// If the lengths differ.
        pub fn $column(x: &Column, y: &Column) -> Result<Column, KernelError> {
            try_column(x.len(), |out, scratch| $into(out, x, y, scratch))
        }

        #[doc = concat!("`out[i] = x[i] ", $sign, " number`.")]
        #[hot_path]
        pub fn $scalar_into(out: &mut Column, x: &Column, number: f64, scratch: &Scratch) {
            light_into(out, x, With { op: $op, number }, scratch);
        }

        #[doc = concat!("[`", stringify!($scalar_into), "`], into a new column.")]
        pub fn $scalar_column(x: &Column, number: f64) -> Column {
            column(x.len(), |out, scratch| {
                $scalar_into(out, x, number, scratch)
            })
        }
    };
}

arithmetic!(
    Add,
    "+",
    add_into,
    add_column,
    add_scalar_into,
    add_scalar_column
);
arithmetic!(
    Sub,
    "−",
    sub_into,
    sub_column,
    sub_scalar_into,
    sub_scalar_column
);
arithmetic!(
    Mul,
    "·",
    mul_into,
    mul_column,
    mul_scalar_into,
    mul_scalar_column
);
arithmetic!(
    Div,
    "/",
    div_into,
    div_column,
    div_scalar_into,
    div_scalar_column
);
