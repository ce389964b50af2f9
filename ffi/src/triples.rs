//! Triples in columns, and receipts.
//!
//! # Invariants
//!
//! 1. No other symbol of the process has the name of one exported here: all begin with `knhk_`.

use std::slice;

use knhk_pool::RunList;

use crate::layout::{MergedReceipt, PredicateRun, Receipt, SoaTriples};
use crate::place::Place;
use crate::status::{Status, guarded};

/// Groups 1 to 8 triples, `{s, p, o}` each, by predicate into columns, and describes the groups in `runs`,
/// in the order in which their predicates first appear. Lanes behind the last triple become zero, and so
/// do runs behind the last one. `triples` may lie in `columns` or `runs`.
///
/// `INVALID` for another `count`.
///
/// # Safety
///
/// * `triples` is null or `3 * count` numbers, `columns` null or a place, `runs` null or 8 places,
///   `run_count` null or a place.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn knhk_triples_load(
    triples: *const u64,
    count: usize,
    columns: Place<'_, SoaTriples>,
    runs: Place<'_, [PredicateRun; 8]>,
    run_count: Place<'_, usize>,
) -> Status {
    guarded(|| {
        let (columns, runs) = (columns.not_null()?, runs.not_null()?);
        let run_count = run_count.not_null()?;
        if triples.is_null() {
            return Err(Status::NullPointer);
        }
        if !(1..=knhk_pool::RUN_LEN_MAX).contains(&count) || !triples.is_aligned() {
            return Err(Status::Invalid);
        }
        // SAFETY: not null and aligned (just checked), and as many (the caller's bullet).
        let triples = unsafe { slice::from_raw_parts(triples.cast::<[u64; 3]>(), count) };
        let (mut loaded, mut list) = (knhk_pool::SoaTriples::default(), RunList::default());
        knhk_pool::load_into(triples, &mut loaded, &mut list).map_err(|_| Status::Invalid)?;
        let knhk_pool::SoaTriples { s, p, o } = loaded;
        let mut described = [PredicateRun::default(); 8];
        for (place, run) in described.iter_mut().zip(&*list) {
            *place = PredicateRun::from(run);
        }
        // The triples may lie in what is written from here on.
        columns.write(SoaTriples { s, p, o });
        runs.write(described);
        run_count.write(list.len());
        Ok(())
    })
}

/// The hash of one evaluation: which delta, run and hook, and what came of it. Odd.
#[unsafe(no_mangle)]
pub extern "C" fn knhk_receipt_hash(delta: u64, run: u64, hook: u64, result: u64) -> u64 {
    knhk_pool::receipt_hash(delta, run, hook, result)
}

/// Adds a receipt to a sum.
///
/// # Safety
///
/// * `sum` and `receipt` are null or such, apart from each other.
#[unsafe(no_mangle)]
pub extern "C" fn knhk_receipt_merge(
    sum: Option<&mut MergedReceipt>,
    receipt: Option<&Receipt>,
) -> Status {
    let (Some(sum), Some(receipt)) = (sum, receipt) else {
        return Status::NullPointer;
    };
    let mut merged = knhk_pool::MergedReceipt {
        count: sum.count,
        lanes: sum.lanes,
        hash: sum.hash,
    };
    merged.merge(&receipt.into());
    let knhk_pool::MergedReceipt { count, lanes, hash } = merged;
    *sum = MergedReceipt { count, lanes, hash };
    Status::Ok
}
