//! Doubles with an optional validity: what kernels read and write.

use std::fmt;

use crate::bitmap::Bitmap;
use crate::error::{KernelError, same_length};
use crate::lanes::Lanes;

/// A column of doubles, some of which may be null.
///
/// Without a validity every lane is valid. NaN is a value, not a null. Under a null stands some
/// double: NaN in what the constructors here and a lag make; elsewhere what the kernel makes of
/// what stood under the null before. It is always initialised, and never what a buffer held before.
///
/// # Examples
///
/// ```
/// use knhk_kernels::Column;
///
/// let column: Column = [Some(1.5), None, Some(f64::NAN)].into_iter().collect();
/// assert_eq!((column.len(), column.null_count()), (3, 1));
/// assert_eq!(column.get(0), Some(1.5));
/// assert_eq!(column.get(1), None);
/// assert!(column.get(2).unwrap().is_nan());
/// ```
#[derive(Clone, Default)]
pub struct Column {
    pub(crate) lanes: Lanes<f64>,
    /// As long as `lanes`.
    pub(crate) validity: Option<Bitmap>,
}

impl Column {
    /// An empty column, without memory.
    pub const fn new() -> Self {
        Self {
            lanes: Lanes::new(),
            validity: None,
        }
    }

    /// An empty column that kernels can write `capacity` lanes into without asking for memory.
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            lanes: Lanes::with_capacity(capacity),
            validity: None,
        }
    }

    /// A copy of `values`, all valid.
    pub fn from_slice(values: &[f64]) -> Self {
        Self::from(values.to_vec())
    }

    /// `values`, of which those are valid whose bit in `validity` is set.
    ///
    /// # Errors
    ///
    /// If the lengths differ.
    pub fn from_parts(values: Vec<f64>, validity: Option<Bitmap>) -> Result<Self, KernelError> {
        if let Some(validity) = &validity {
            same_length(values.len(), validity.len())?;
        }
        Ok(Self {
            lanes: Lanes::from(values),
            validity,
        })
    }

    /// Values and validity, in the memory that they have.
    pub fn into_parts(self) -> (Vec<f64>, Option<Bitmap>) {
        (self.lanes.into_vec(), self.validity)
    }

    /// Lanes.
    pub fn len(&self) -> usize {
        self.lanes.len()
    }

    /// Whether there is no lane.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All lanes, those under nulls too.
    pub fn values(&self) -> &[f64] {
        self.lanes.as_slice()
    }

    /// Which lanes are valid; all without one.
    pub fn validity(&self) -> Option<&Bitmap> {
        self.validity.as_ref()
    }

    /// Whether the lane at `index` is not null.
    ///
    /// # Panics
    ///
    /// If `index` is not below [`Self::len`].
    #[track_caller]
    pub fn is_valid(&self, index: usize) -> bool {
        assert!(index < self.len(), "lane {index} of {}", self.len());
        self.validity
            .as_ref()
            .is_none_or(|validity| validity.get(index))
    }

    /// The value at `index`, or `None` for a null.
    ///
    /// # Panics
    ///
    /// If `index` is not below [`Self::len`].
    #[track_caller]
    pub fn get(&self, index: usize) -> Option<f64> {
        self.is_valid(index).then(|| self.values()[index])
    }

    /// Each lane's value, or `None` for a null.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Option<f64>> {
        (0..self.len()).map(|index| self.get(index))
    }

    /// Nulls.
    pub fn null_count(&self) -> usize {
        let valid = self.validity.as_ref().map(Bitmap::count_ones);
        valid.map_or(0, |valid| self.len() - valid)
    }
}

impl From<Vec<f64>> for Column {
    /// The vector's own memory, all valid.
    fn from(values: Vec<f64>) -> Self {
        Self {
            lanes: Lanes::from(values),
            validity: None,
        }
    }
}

impl FromIterator<Option<f64>> for Column {
    /// A validity only if there is a null; NaN under nulls.
    fn from_iter<I: IntoIterator<Item = Option<f64>>>(values: I) -> Self {
        let mut lanes = Vec::new();
        let validity: Bitmap = values
            .into_iter()
            .inspect(|value| lanes.push(value.unwrap_or(f64::NAN)))
            .map(|value| value.is_some())
            .collect();
        let all_valid = validity.count_ones() == validity.len();
        Self {
            lanes: Lanes::from(lanes),
            validity: (!all_valid).then_some(validity),
        }
    }
}

impl PartialEq for Column {
    /// Same length, nulls at the same lanes, equal values at the others: as with `f64`, a column that
    /// holds a NaN is not equal to itself.
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl fmt::Debug for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
