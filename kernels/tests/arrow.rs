//! Arrow's buffers come and go without a copy; what cannot is copied.

#![cfg(feature = "arrow")]

use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};
use knhk_kernels::Column;

fn column(len: usize) -> Column {
    (0..len).map(|i| (i % 3 != 0).then_some(i as f64)).collect()
}

#[test]
fn a_round_trip_keeps_values_nulls_and_memory() {
    for len in [0, 1, 63, 64, 65, 1000] {
        let original = column(len);
        let column = original.clone();
        let places = (
            column.values().as_ptr(),
            column.validity().map(|v| v.words().as_ptr()),
        );
        let (values, nulls): (ScalarBuffer<f64>, Option<NullBuffer>) = column.into();
        assert_eq!(
            nulls.as_ref().map_or(0, NullBuffer::null_count),
            original.null_count()
        );
        let back = Column::from((values, nulls));
        assert_eq!(back, original);
        if len > 0 {
            let back = (
                back.values().as_ptr(),
                back.validity().map(|v| v.words().as_ptr()),
            );
            assert_eq!(back, places);
        }
    }
}

#[test]
fn slices_and_shared_buffers_are_copied() {
    let (values, nulls): (ScalarBuffer<f64>, Option<NullBuffer>) = column(200).into();
    let nulls = nulls.unwrap();
    let sliced = Column::from((values.slice(65, 100), Some(nulls.slice(65, 100))));
    let expected: Column = (65..165)
        .map(|i| (i % 3 != 0).then_some(i as f64))
        .collect();
    assert_eq!(sliced, expected);
    let shared = Column::from((values.clone(), Some(nulls.clone())));
    assert_eq!(shared, column(200));
    assert_eq!(values.len(), 200);
    let bytes: BooleanBuffer = (0..70).map(|i| i % 2 == 0).collect(); // not made of words
    let values: ScalarBuffer<f64> = (0..70).map(f64::from).collect();
    let from_bytes = Column::from((values, Some(NullBuffer::new(bytes))));
    assert_eq!(from_bytes.null_count(), 35);
}

/// Arrow's slices end at the byte: words that are no longer shared may be cut short, as may doubles.
#[test]
fn buffers_that_end_within_a_word_are_copied() {
    for len in [3, 63, 70, 200] {
        let (values, nulls): (ScalarBuffer<f64>, Option<NullBuffer>) = column(len).into();
        let cut = nulls.unwrap().inner().sliced(); // alone now, and still laid out as words
        assert!(cut.len() == len.div_ceil(8));
        let nulls = NullBuffer::new(BooleanBuffer::new(cut, 0, len));
        assert_eq!(Column::from((values, Some(nulls))), column(len), "{len}");
    }
    let bytes = Buffer::from_vec(vec![1.5, 2.5, 3.5]);
    for len in [16, 17, 23] {
        let shared = ScalarBuffer::from(bytes.slice_with_length(0, len));
        let expected = Column::from_slice(&[1.5, 2.5]);
        assert_eq!(Column::from((shared, None)), expected, "{len} bytes");
    }
    let alone = ScalarBuffer::from(Buffer::from_vec(vec![1.5, 2.5, 3.5]).slice_with_length(0, 17));
    assert_eq!(Column::from((alone, None)), Column::from_slice(&[1.5, 2.5]));
}
