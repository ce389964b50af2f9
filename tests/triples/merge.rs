//! The sum of receipts, and the hash that it sums.

use std::collections::HashSet;

use knhk_pool::{MergedReceipt, Receipt, receipt_hash};
use proptest::prelude::*;

fn receipt() -> impl Strategy<Value = Receipt> {
    // Few values, so that equal receipts are common; and large ones, so that sums wrap.
    let word = || prop_oneof![0_u64..3, any::<u64>()];
    (word(), word(), word(), any::<u32>(), word()).prop_map(|(cycle, shard, hook, lanes, hash)| {
        let ticks = hash as u32;
        Receipt {
            cycle,
            shard,
            hook,
            ticks,
            actual_ticks: ticks,
            lanes,
            span_id: hash,
            hash,
        }
    })
}

fn merged() -> impl Strategy<Value = MergedReceipt> {
    [any::<u64>(), any::<u64>(), any::<u64>()].prop_map(|[count, lanes, hash]| MergedReceipt {
        count,
        lanes,
        hash,
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 3 } else { 1000 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn combine_is_associative_and_commutative(a in merged(), b in merged(), c in merged()) {
        prop_assert_eq!(a.combine(b).combine(c), a.combine(b.combine(c)));
        prop_assert_eq!(a.combine(b), b.combine(a));
    }

    #[test]
    fn empty_sum_is_the_identity(a in merged()) {
        prop_assert_eq!(a.combine(MergedReceipt::default()), a);
        prop_assert_eq!(MergedReceipt::default().combine(a), a);
    }

    #[test]
    fn sum_is_the_same_in_any_order_and_any_split(
        (receipts, shuffled) in prop::collection::vec(receipt(), 0..20)
            .prop_flat_map(|receipts| (Just(receipts.clone()), Just(receipts).prop_shuffle())),
        workers in 1_usize..8,
    ) {
        let all: MergedReceipt = receipts.iter().collect();
        let split = shuffled
            .chunks(shuffled.len().div_ceil(workers).max(1))
            .map(|part| part.iter().collect())
            .fold(MergedReceipt::default(), MergedReceipt::combine);
        prop_assert_eq!(split, all);
        prop_assert_eq!(all.count, receipts.len() as u64);
    }

    #[test]
    fn merge_adds_what_is_the_same_on_every_run(receipt in receipt(), before in merged()) {
        let mut after = before;
        after.merge(&receipt);
        prop_assert_eq!(after, before.combine(receipt.into()));
        let remeasured = Receipt { ticks: 1, actual_ticks: 2, span_id: 3, ..receipt };
        prop_assert_eq!(MergedReceipt::from(remeasured), MergedReceipt::from(receipt));
    }

    #[test]
    fn equal_receipts_do_not_cancel(words in any::<[u64; 4]>(), copies in 1_u64..) {
        let [delta, run, hook, result] = words;
        let hash = receipt_hash(delta, run, hook, result);
        prop_assert_ne!(hash.wrapping_mul(copies), 0, "the sum of {} equal hashes", copies);
        let one = MergedReceipt::from(Receipt { hash, ..Receipt::default() });
        let doublings = (0..63).try_fold(one, |sum, _| {
            let sum = sum.combine(sum);
            (sum.hash != 0).then_some(sum)
        });
        prop_assert!(doublings.is_some(), "up to 2^63 equal receipts");
    }

    #[test]
    fn flipping_any_bit_of_any_word_flips_about_half_of_the_hash(words in any::<[u64; 4]>()) {
        let hash = |[delta, run, hook, result]: [u64; 4]| receipt_hash(delta, run, hook, result);
        let mut flipped = 0;
        for bit in 0..256 {
            let mut other = words;
            other[bit / 64] ^= 1 << (bit % 64);
            let changed = (hash(words) ^ hash(other)).count_ones();
            prop_assert!(changed >= 8, "bit {} changes {} bits", bit, changed);
            flipped += changed;
        }
        // Of 63 bits, for the lowest is fixed: 31.5 on average, with a deviation of the mean of 0.25.
        prop_assert!((30 * 256..33 * 256).contains(&flipped), "{} bits of 256 hashes", flipped);
    }
}

#[test]
fn hash_is_the_stated_one() {
    // SplitMix64 seeded with 0 gives 0xe220a8397b1dcdaf first: that is one word absorbed. The rest
    // is a second implementation of the documented formula, in 128-bit arithmetic.
    let absorb = |hash: u64, word: u64| {
        let multiply = |z: u64, by: u128| (u128::from(z) * by % (1 << 64)) as u64;
        let z = ((u128::from(hash ^ word) + 0x9e37_79b9_7f4a_7c15) % (1 << 64)) as u64;
        let z = multiply(z ^ (z / (1 << 30)), 0xbf58_476d_1ce4_e5b9);
        let z = multiply(z ^ (z / (1 << 27)), 0x94d0_49bb_1331_11eb);
        z ^ (z / (1 << 31))
    };
    assert_eq!(absorb(0, 0), 0xe220_a839_7b1d_cdaf);
    for words in [[0; 4], [1, 2, 3, 4], [u64::MAX; 4], [7, 0, 1 << 63, 0]] {
        let [delta, run, hook, result] = words;
        let expected = words.into_iter().fold(0, absorb) | 1;
        assert_eq!(
            receipt_hash(delta, run, hook, result),
            expected,
            "{words:?}"
        );
    }
}

#[test]
fn small_words_in_any_place_give_different_hashes() {
    let side = if cfg!(miri) { 3_u64 } else { 12 };
    let mut seen = HashSet::new();
    for index in 0..side.pow(4) {
        let word = |place: u32| index / side.pow(place) % side;
        assert!(
            seen.insert(receipt_hash(word(0), word(1), word(2), word(3))),
            "index {index}"
        );
    }
}

proptest! {
    #[test]
    fn sums_of_sums_are_the_sum_of_all(receipts in prop::collection::vec(receipt(), 0..9)) {
        let all: MergedReceipt = receipts.iter().collect();
        let owned: MergedReceipt = receipts.iter().copied().collect();
        let parts = receipts.chunks(2).map(|part| part.iter().collect());
        prop_assert_eq!((owned, parts.sum::<MergedReceipt>()), (all, all));
    }
}
