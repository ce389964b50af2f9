//! The structs that C sees, each with the layout that the header's assertions have too.
//!
//! Triples, runs, receipts and scores are laid out as the libraries' own, so that either side may be cast to the
//! other.

use std::mem::offset_of;

/// A buffer that is lent out: bytes `data[0]` to `data[capacity - 1]` are the holder's until it is
/// released. At least 64 readable bytes follow them; `data` is a multiple of 64.
#[derive(Debug)]
#[repr(C)]
pub struct Buffer {
    /// Null once it is released.
    pub data: *mut u8,
    /// Bytes in use, for the holder to write: the library sets it to 0, and reads it in
    /// `knhk_pool_reserve` alone.
    pub len: usize,
    /// Bytes that fit. For the holder to read.
    pub capacity: usize,
    /// The library's.
    pub here: u64,
    /// The library's.
    pub ticket: u64,
}

/// Up to eight triples in columns: one cache line a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct SoaTriples {
    /// Subjects.
    pub s: [u64; 8],
    /// Predicates.
    pub p: [u64; 8],
    /// Objects.
    pub o: [u64; 8],
}

/// A run: lanes `offset` to `offset + len - 1` of the columns share `predicate`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct PredicateRun {
    /// Of every triple in the run.
    pub predicate: u64,
    /// 0 to 8.
    pub offset: u64,
    /// 0 to 8; `offset + len` is at most 8.
    pub len: u64,
}

/// What evaluating one hook on one run gave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Receipt {
    /// The delta's index in the stream.
    pub cycle_id: u64,
    /// The run's index in its delta.
    pub shard_id: u64,
    /// The hook.
    pub hook_id: u64,
    /// The estimate, in core cycles.
    pub ticks: u32,
    /// What was measured, in core cycles; 0 where it was not.
    pub actual_ticks: u32,
    /// Lanes that the hook answered for.
    pub lanes: u32,
    /// The trace span.
    pub span_id: u64,
    /// `knhk_receipt_hash` of what was asked and answered.
    pub a_hash: u64,
}

/// The sum of receipts: the same in any order and grouping. All zero is the empty sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct MergedReceipt {
    /// How many receipts.
    pub count: u64,
    /// The sum of their lanes.
    pub lanes: u64,
    /// The wrapping sum of their hashes.
    pub hash: u64,
}

/// A score and where it stood among the scores.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub struct Scored {
    /// From 0.
    pub index: usize,
    /// Never NaN.
    pub score: f32,
}

impl From<&Receipt> for knhk_pool::Receipt {
    fn from(receipt: &Receipt) -> Self {
        Self {
            cycle: receipt.cycle_id,
            shard: receipt.shard_id,
            hook: receipt.hook_id,
            ticks: receipt.ticks,
            actual_ticks: receipt.actual_ticks,
            lanes: receipt.lanes,
            span_id: receipt.span_id,
            hash: receipt.a_hash,
        }
    }
}

impl From<&knhk_pool::PredicateRun> for PredicateRun {
    fn from(run: &knhk_pool::PredicateRun) -> Self {
        Self {
            predicate: run.predicate(),
            offset: run.offset() as u64,
            len: run.len() as u64,
        }
    }
}

// The library's own layouts.
const _: () = {
    use knhk_pool as own;
    assert!(size_of::<SoaTriples>() == size_of::<own::SoaTriples>());
    assert!(align_of::<SoaTriples>() == align_of::<own::SoaTriples>());
    assert!(offset_of!(SoaTriples, s) == offset_of!(own::SoaTriples, s));
    assert!(offset_of!(SoaTriples, p) == offset_of!(own::SoaTriples, p));
    assert!(offset_of!(SoaTriples, o) == offset_of!(own::SoaTriples, o));
    assert!(size_of::<PredicateRun>() == size_of::<own::PredicateRun>());
    assert!(align_of::<PredicateRun>() == align_of::<own::PredicateRun>());
    assert!(size_of::<Receipt>() == size_of::<own::Receipt>());
    assert!(align_of::<Receipt>() == align_of::<own::Receipt>());
    assert!(offset_of!(Receipt, cycle_id) == offset_of!(own::Receipt, cycle));
    assert!(offset_of!(Receipt, shard_id) == offset_of!(own::Receipt, shard));
    assert!(offset_of!(Receipt, hook_id) == offset_of!(own::Receipt, hook));
    assert!(offset_of!(Receipt, ticks) == offset_of!(own::Receipt, ticks));
    assert!(offset_of!(Receipt, actual_ticks) == offset_of!(own::Receipt, actual_ticks));
    assert!(offset_of!(Receipt, lanes) == offset_of!(own::Receipt, lanes));
    assert!(offset_of!(Receipt, span_id) == offset_of!(own::Receipt, span_id));
    assert!(offset_of!(Receipt, a_hash) == offset_of!(own::Receipt, hash));
};

// The kernels' own.
const _: () = {
    use knhk_kernels as own;
    assert!(size_of::<Scored>() == size_of::<own::Scored>());
    assert!(align_of::<Scored>() == align_of::<own::Scored>());
    assert!(offset_of!(Scored, index) == offset_of!(own::Scored, index));
    assert!(offset_of!(Scored, score) == offset_of!(own::Scored, score));
};

// The header's assertions, in its words: it has the same numbers.
const _: () = {
    assert!(size_of::<SoaTriples>() == 192 && align_of::<SoaTriples>() == 64);
    assert!(offset_of!(SoaTriples, p) == 64 && offset_of!(SoaTriples, o) == 128);
    assert!(size_of::<PredicateRun>() == 24);
    assert!(offset_of!(PredicateRun, offset) == 8 && offset_of!(PredicateRun, len) == 16);
    assert!(size_of::<Receipt>() == 56);
    assert!(offset_of!(Receipt, actual_ticks) == 28 && offset_of!(Receipt, lanes) == 32);
    assert!(offset_of!(Receipt, span_id) == 40 && offset_of!(Receipt, a_hash) == 48);
    assert!(size_of::<MergedReceipt>() == 24);
    assert!(offset_of!(MergedReceipt, lanes) == 8 && offset_of!(MergedReceipt, hash) == 16);
    assert!(size_of::<Buffer>() == 16 + 3 * size_of::<usize>());
    assert!(offset_of!(Buffer, here) == 3 * size_of::<usize>());
    assert!(size_of::<Scored>() == 2 * size_of::<usize>());
    assert!(offset_of!(Scored, score) == size_of::<usize>());
};

#[cfg(test)]
#[allow(unsafe_code)]
mod tests {
    use super::*;

    /// Its fields are private: no assertion can name them.
    #[test]
    fn a_run_has_the_librarys_offsets() {
        let own = knhk_pool::PredicateRun::new(7, 2, 3).expect("five lanes");
        // SAFETY: both are three u64, `repr(C)`, as asserted above.
        let seen: PredicateRun = unsafe { std::mem::transmute(own) };
        assert_eq!(seen, PredicateRun::from(&own));
    }
}
