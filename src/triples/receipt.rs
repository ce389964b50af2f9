//! Receipts: the proof that a hook was evaluated on a run, and their sum.

use std::iter::Sum;
use std::mem::offset_of;

use crate::object_pool::Reset;

/// What evaluating one hook on one run gave. Plain data: copying one allocates nothing.
///
/// The layout is that of KNHK's C receipt, whose names stand in brackets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct Receipt {
    /// The delta's index in the stream (`cycle_id`).
    pub cycle: u64,
    /// The run's index in its delta (`shard_id`).
    pub shard: u64,
    /// The hook (`hook_id`).
    pub hook: u64,
    /// The estimate, in core cycles.
    pub ticks: u32,
    /// What was measured, in core cycles; 0 where it was not.
    pub actual_ticks: u32,
    /// Lanes that the hook answered for.
    pub lanes: u32,
    /// The trace span.
    pub span_id: u64,
    /// [`receipt_hash`] of what was asked and answered (`a_hash`).
    pub hash: u64,
}

// C's layout too has a `u64` on four bytes where the machine has (i686).
const _: () = if align_of::<u64>() == 8 {
    assert!(size_of::<Receipt>() == 56);
    assert!(offset_of!(Receipt, cycle) == 0);
    assert!(offset_of!(Receipt, shard) == 8);
    assert!(offset_of!(Receipt, hook) == 16);
    assert!(offset_of!(Receipt, ticks) == 24);
    assert!(offset_of!(Receipt, actual_ticks) == 28);
    assert!(offset_of!(Receipt, lanes) == 32);
    assert!(offset_of!(Receipt, span_id) == 40);
    assert!(offset_of!(Receipt, hash) == 48);
};

/// All fields become zero.
impl Reset for Receipt {
    fn reset(&mut self) {
        *self = Self::default();
    }
}

/// The sum of any number of receipts: KNHK's ⊕, by sums instead of exclusive ors.
///
/// Associative and commutative, with the empty sum ([`Default`]) as identity: the same receipts give
/// the same sum in any order, grouping and number of threads. Equal receipts add up, they do not
/// cancel. Ticks are left out, for they differ from run to run. All sums wrap.
///
/// # Examples
///
/// ```
/// use knhk_pool::{MergedReceipt, Receipt, receipt_hash};
///
/// let receipt = |run| Receipt { lanes: 3, hash: receipt_hash(0, run, 1, 1), ..Receipt::default() };
/// let all: MergedReceipt = [receipt(0), receipt(1), receipt(2)].iter().collect();
/// let mut last = MergedReceipt::from(receipt(2));
/// last.merge(&receipt(1));
/// assert_eq!(last.combine(receipt(0).into()), all);
/// assert_eq!((all.count, all.lanes), (3, 9));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct MergedReceipt {
    /// How many receipts.
    pub count: u64,
    /// The sum of their lanes.
    pub lanes: u64,
    /// The sum of their hashes.
    pub hash: u64,
}

impl MergedReceipt {
    /// Adds one receipt.
    pub const fn merge(&mut self, receipt: &Receipt) {
        *self = self.combine(Self {
            count: 1,
            lanes: receipt.lanes as u64,
            hash: receipt.hash,
        });
    }

    /// The sum of both.
    #[must_use]
    pub const fn combine(self, other: Self) -> Self {
        Self {
            count: self.count.wrapping_add(other.count),
            lanes: self.lanes.wrapping_add(other.lanes),
            hash: self.hash.wrapping_add(other.hash),
        }
    }
}

impl From<Receipt> for MergedReceipt {
    fn from(receipt: Receipt) -> Self {
        let mut merged = Self::default();
        merged.merge(&receipt);
        merged
    }
}

impl<'a> FromIterator<&'a Receipt> for MergedReceipt {
    fn from_iter<I: IntoIterator<Item = &'a Receipt>>(receipts: I) -> Self {
        receipts
            .into_iter()
            .fold(Self::default(), |mut merged, receipt| {
                merged.merge(receipt);
                merged
            })
    }
}

impl FromIterator<Receipt> for MergedReceipt {
    fn from_iter<I: IntoIterator<Item = Receipt>>(receipts: I) -> Self {
        receipts.into_iter().map(Self::from).sum()
    }
}

/// The sum of sums, as of threads.
impl Sum for MergedReceipt {
    fn sum<I: Iterator<Item = Self>>(sums: I) -> Self {
        sums.fold(Self::default(), Self::combine)
    }
}

/// The hash of one evaluation: which delta, run and hook, and what came of it.
///
/// The four words are absorbed in this order, each by xor, an increment of 2⁶⁴/φ, and the 64-bit
/// finaliser of SplitMix64 (Steele, Lea and Flood, *Fast splittable pseudorandom number generators*,
/// OOPSLA 2014, with the constants of Stafford's variant 13). Each is a bijection in its
/// word. It is no defence against someone who looks for collisions.
///
/// The hash is odd, so that no number of equal receipts below 2⁶⁴ sums to zero in a
/// [`MergedReceipt`]. For that, the 2⁶⁴ results of one evaluation share their hashes two by two.
///
/// # Examples
///
/// ```
/// use knhk_pool::receipt_hash;
///
/// assert_ne!(receipt_hash(1, 2, 3, 4), receipt_hash(2, 1, 3, 4));
/// assert_eq!(receipt_hash(0, 0, 0, 0) % 2, 1);
/// ```
pub const fn receipt_hash(delta: u64, run: u64, hook: u64, result: u64) -> u64 {
    absorb(absorb(absorb(absorb(0, delta), run), hook), result) | 1
}

const fn absorb(hash: u64, word: u64) -> u64 {
    let z = (hash ^ word).wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
