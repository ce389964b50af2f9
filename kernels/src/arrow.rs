//! To and from arrow's buffers, without a copy.
//!
//! Both sides keep doubles in a vector and validity in words, lowest bit first, so that only ownership
//! passes. `Float64Array::new(values, nulls)` and `Float64Array::into_parts` of `arrow-array` are the
//! other half of the way.

use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};

use crate::bitmap::{Bitmap, WORD};
use crate::column::Column;
use crate::lanes::Lanes;

/// A column's memory, as arrow has it. Nothing is copied.
///
/// # Examples
///
/// ```
/// use arrow_buffer::{NullBuffer, ScalarBuffer};
/// use knhk_kernels::Column;
///
/// let column: Column = [Some(1.0), None].into_iter().collect();
/// let place = column.values().as_ptr();
/// let (values, nulls): (ScalarBuffer<f64>, Option<NullBuffer>) = column.into();
/// assert_eq!(values.as_ptr(), place);
/// assert_eq!(nulls.as_ref().map(NullBuffer::null_count), Some(1));
///
/// let column = Column::from((values, nulls));
/// assert_eq!(column.values().as_ptr(), place);
/// assert_eq!(column.get(1), None);
/// ```
impl From<Column> for (ScalarBuffer<f64>, Option<NullBuffer>) {
    fn from(column: Column) -> Self {
        let (values, validity) = column.into_parts();
        let nulls = validity.map(|validity| {
            let len = validity.len();
            let words = Buffer::from_vec(validity.into_words());
            NullBuffer::new(BooleanBuffer::new(words, 0, len))
        });
        (ScalarBuffer::from(values), nulls)
    }
}

/// Arrow's memory as a column.
///
/// Nothing is copied if the buffers came from a vector of doubles and one of words, belong to nobody
/// else, begin at their memory's beginning, and hold the last word whole; what does not is copied.
///
/// # Panics
///
/// If values and nulls are not of one length, which a `Float64Array` never is.
impl From<(ScalarBuffer<f64>, Option<NullBuffer>)> for Column {
    fn from((values, nulls): (ScalarBuffer<f64>, Option<NullBuffer>)) -> Self {
        let len = values.len();
        if let Some(nulls) = &nulls {
            assert_eq!(len, nulls.len(), "values and nulls differ in length");
        }
        let lanes = values.into_inner().into_vec::<f64>();
        let lanes = lanes.unwrap_or_else(|shared| ScalarBuffer::<f64>::from(shared).to_vec());
        Self {
            lanes: Lanes::from(lanes),
            validity: nulls.map(|nulls| bitmap(nulls.into_inner(), len)),
        }
    }
}

fn bitmap(bits: BooleanBuffer, len: usize) -> Bitmap {
    let count = len.div_ceil(WORD);
    // A slice may end at any byte: its last word would be lost.
    let has_all_words = bits.inner().len() >= count * size_of::<u64>();
    if bits.offset() != 0 || !has_all_words {
        return bits.iter().collect();
    }
    match bits.into_inner().into_vec::<u64>() {
        Ok(mut words) => {
            words.truncate(count);
            Bitmap::from_words(words, len).expect("as many words as the bits need")
        }
        Err(shared) => BooleanBuffer::new(shared, 0, len).iter().collect(),
    }
}
