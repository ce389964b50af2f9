//! Bitmaps against vectors of `bool`.

use knhk_kernels::Bitmap;
use proptest::prelude::*;

fn bits() -> impl Strategy<Value = Vec<bool>> {
    let len = prop_oneof![
        prop::sample::select(vec![0, 1, 63, 64, 65, 128]),
        0..300_usize
    ];
    (len, 0.0..=1.0)
        .prop_flat_map(|(len, share)| prop::collection::vec(prop::bool::weighted(share), len))
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: if cfg!(miri) { 2 } else { 256 },
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn reads_and_counts_what_was_put_in(bits in bits()) {
        let bitmap: Bitmap = bits.iter().copied().collect();
        prop_assert_eq!(bitmap.len(), bits.len());
        prop_assert_eq!(bitmap.count_ones(), bits.iter().filter(|bit| **bit).count());
        prop_assert!(bits.iter().enumerate().all(|(index, bit)| bitmap.get(index) == *bit));
        let mut set = Bitmap::filled(bits.len(), false);
        bits.iter().enumerate().for_each(|(index, bit)| set.set(index, *bit));
        prop_assert_eq!(&set, &bitmap);
        let words = Bitmap::from_words(bitmap.words().to_vec(), bits.len());
        prop_assert_eq!(words.unwrap(), bitmap);
    }

    #[test]
    fn runs_are_the_set_bits(bits in bits()) {
        let bitmap: Bitmap = bits.iter().copied().collect();
        let mut seen = vec![false; bits.len()];
        let mut last = None;
        for run in bitmap.runs() {
            prop_assert!(!run.is_empty() && last.is_none_or(|end| end < run.start));
            last = Some(run.end);
            seen[run].fill(true);
        }
        prop_assert_eq!(seen, bits);
    }

    #[test]
    fn and_lagged_needs_both(bits in bits(), lag in 0..300_usize) {
        let mut bitmap: Bitmap = bits.iter().copied().collect();
        bitmap.and_lagged(lag);
        for index in 0..bits.len() {
            let before = index.checked_sub(lag).filter(|_| lag > 0);
            prop_assert_eq!(bitmap.get(index), bits[index] && before.is_some_and(|before| bits[before]));
        }
    }

    #[test]
    fn and_needs_both_and_one_length((a, b) in bits().prop_flat_map(|a| {
        let len = a.len();
        (Just(a), prop::collection::vec(any::<bool>(), len))
    })) {
        let mut bitmap: Bitmap = a.iter().copied().collect();
        bitmap.and(&b.iter().copied().collect()).unwrap();
        prop_assert!((0..a.len()).all(|index| bitmap.get(index) == (a[index] && b[index])));
        prop_assert!(bitmap.and(&Bitmap::filled(a.len() + 1, true)).is_err());
    }
}

#[test]
fn bits_behind_the_last_are_zero() {
    assert_eq!(Bitmap::filled(65, true).words(), [u64::MAX, 1]);
    assert_eq!(Bitmap::from_words(vec![u64::MAX], 3).unwrap().words(), [7]);
    assert!(Bitmap::from_words(vec![0, 0], 64).is_err());
}
