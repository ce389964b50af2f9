//! The kernels of *Reflex*: one hook's question, asked of one run, over all 8 lanes at once.
//!
//! Every kernel looks at all 8 lanes whatever the run's place and length, and then keeps the run's
//! own lanes by a mask: no branch depends on the data, and another run's lanes never count.
//! Comparisons are unsigned; zero is an ordinary id.
//!
//! A comparison of a column is one loop over `[u64; 8]` with no exit but its end, which the compiler
//! turns into vectors where the target has 64-bit comparisons: 25 instructions for x86-64-v4, 30 to
//! 33 for v3 (v2 for equality). For plain x86-64 it finds 31 scalar ones, without a branch, cheaper
//! than SSE2's detour (rustc 1.95).

use std::array;

use knhk_pool::{PredicateRun, RUN_LEN_MAX, SoaTriples};

use crate::hooks::{Bound, Order, Test};

type Lanes = [u64; 8];

/// What a hook found in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The lanes of the run that match, bit i for lane i; for CONSTRUCT8 the lanes emitted.
    pub lanes: u8,
    /// 0 or 1; for CONSTRUCT8 the number of triples emitted.
    pub answer: u8,
}

/// Asks `test` of the lanes of `run` in `soa`.
///
/// # Cost
///
/// One or two passes over 64 bytes. No branch on data, no allocation.
///
/// # Examples
///
/// ```
/// use knhk_pool::{PredicateRun, SoaTriples};
/// use knhk_poold::hooks::Test;
/// use knhk_poold::reflex::{Verdict, evaluate};
///
/// let soa = SoaTriples { s: [5, 6, 5, 0, 0, 0, 0, 0], ..SoaTriples::default() };
/// let run = PredicateRun::new(9, 0, 3)?;
/// assert_eq!(evaluate(Test::AskSp { s: 5 }, &soa, &run), Verdict { lanes: 0b101, answer: 1 });
/// // Lanes 3 to 7 hold zeros, and are not the run's.
/// assert_eq!(evaluate(Test::AskSp { s: 0 }, &soa, &run), Verdict { lanes: 0, answer: 0 });
/// # Ok::<(), knhk_pool::TriplesError>(())
/// ```
#[inline]
pub fn evaluate(test: Test, soa: &SoaTriples, run: &PredicateRun) -> Verdict {
    let own = run.lanes();
    match test {
        Test::AskFirst => any(own & equal(&soa.s, soa.s[run.offset() % RUN_LEN_MAX])),
        Test::AskSp { s } => any(own & equal(&soa.s, s)),
        Test::AskSpo { s, o } => any(own & equal(&soa.s, s) & equal(&soa.o, o)),
        Test::AskOp { o } => any(own & equal(&soa.o, o)),
        Test::CountSp { s, bound, k } => counted(own & equal(&soa.s, s), bound, k),
        Test::CountOp { o, bound, k } => counted(own & equal(&soa.o, o), bound, k),
        Test::UniqueSp { s } => counted(own & equal(&soa.s, s), Bound::Exactly, 1),
        Test::CompareO { order, o } => any(own & compare(&soa.o, order, o)),
        Test::Construct8 { .. } => Verdict {
            lanes: own,
            answer: own.count_ones() as u8,
        },
    }
}

fn any(lanes: u8) -> Verdict {
    Verdict {
        lanes,
        answer: u8::from(lanes != 0),
    }
}

fn counted(lanes: u8, bound: Bound, k: u64) -> Verdict {
    let count = u64::from(lanes.count_ones());
    let holds = match bound {
        Bound::AtLeast => count >= k,
        Bound::AtMost => count <= k,
        Bound::Exactly => count == k,
    };
    Verdict {
        lanes,
        answer: u8::from(holds),
    }
}

fn compare(values: &Lanes, order: Order, bound: u64) -> u8 {
    match order {
        Order::Equal => equal(values, bound),
        Order::Less => below(values, bound),
        Order::Greater => !at_most(values, bound),
        Order::LessOrEqual => at_most(values, bound),
        Order::GreaterOrEqual => !below(values, bound),
    }
}

fn equal(values: &Lanes, key: u64) -> u8 {
    mask(values, |value| value == key)
}

fn below(values: &Lanes, bound: u64) -> u8 {
    mask(values, |value| value < bound)
}

fn at_most(values: &Lanes, bound: u64) -> u8 {
    mask(values, |value| value <= bound)
}

const LANE_BITS: Lanes = [1, 2, 4, 8, 16, 32, 64, 128];

/// Bit i is lane i.
#[inline(always)]
fn mask(values: &Lanes, holds: impl Fn(u64) -> bool) -> u8 {
    // All ones or none, and a constant: the form that vectors are found in; a shift by the lane's
    // number is not.
    let bits: Lanes =
        array::from_fn(|lane| u64::from(holds(values[lane])).wrapping_neg() & LANE_BITS[lane]);
    bits.into_iter().fold(0, |mask, bit| mask | bit) as u8
}
