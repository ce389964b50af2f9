//! Why a kernel refused its arguments.

use std::error::Error;
use std::fmt;

/// Arguments that do not fit each other. Nothing was written when a kernel returns one.
///
/// # Examples
///
/// ```
/// use knhk_kernels::{Column, Scratch, add_into};
///
/// let error = add_into(
///     &mut Column::new(),
///     &Column::from_slice(&[1.0, 2.0]),
///     &Column::from_slice(&[1.0]),
///     &Scratch::new(),
/// )
/// .unwrap_err();
/// assert_eq!(error.to_string(), "lengths differ: 2 and 1 lanes");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum KernelError {
    /// Two columns, or a column and its validity, are not equally long.
    LengthMismatch {
        /// Lanes of the first.
        left: usize,
        /// Lanes of the second.
        right: usize,
    },
    /// A rolling window is zero, or longer than the column.
    WindowOutOfRange {
        /// Lanes of the window.
        window: usize,
        /// Lanes of the column, the longest window.
        len: usize,
    },
    /// A row-major matrix has not `rows · columns` numbers.
    ShapeMismatch {
        /// Rows asked for.
        rows: usize,
        /// Numbers a row.
        columns: usize,
        /// Numbers there are.
        len: usize,
    },
    /// A parameter is outside of its range.
    ParameterOutOfRange {
        /// Its name.
        name: &'static str,
        /// What it was.
        value: f64,
        /// What is allowed.
        allowed: &'static str,
    },
    /// The allocator refuses what the kernel works in.
    OutOfMemory {
        /// Bytes asked for.
        bytes: usize,
    },
}

impl fmt::Display for KernelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LengthMismatch { left, right } => {
                write!(f, "lengths differ: {left} and {right} lanes")
            }
            Self::WindowOutOfRange { window, len } => {
                write!(
                    f,
                    "window of {window} lanes is not within 1 to the column's {len}"
                )
            }
            Self::ShapeMismatch { rows, columns, len } => {
                write!(f, "{rows} rows of {columns} are not {len} numbers")
            }
            Self::ParameterOutOfRange {
                name,
                value,
                allowed,
            } => {
                write!(f, "{name} is {value}, allowed is {allowed}")
            }
            Self::OutOfMemory { bytes } => {
                write!(f, "the allocator refuses {bytes} bytes to work in")
            }
        }
    }
}

impl Error for KernelError {}

/// Refuses lengths that differ.
pub(crate) fn same_length(left: usize, right: usize) -> Result<(), KernelError> {
    if left == right {
        Ok(())
    } else {
        Err(KernelError::LengthMismatch { left, right })
    }
}
