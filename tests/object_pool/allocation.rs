//! After it was made, a pool neither allocates nor frees.

// Elsewhere there is nothing to count with.
#![cfg(any(debug_assertions, feature = "allocation-tracking"))]

use std::panic::{self, AssertUnwindSafe};

use knhk_pool::hot_path::{allocations, assert_no_alloc};
use knhk_pool::{
    HotPathGuard, KnhkPool, ObjectPool, Reset, RunList, RunPacker, TriplesError, load_into,
};

use crate::reuse::memory_is_reused;

#[cfg(not(feature = "allocation-tracking"))]
#[global_allocator]
static ALLOCATOR: knhk_pool::HotPathAlloc = knhk_pool::HotPathAlloc::new(std::alloc::System);

/// Calls of the allocator while `work` runs on this thread. Fails where nothing would be seen.
fn calls(work: impl FnOnce()) -> u64 {
    allocations(work).calls()
}

#[test]
fn lending_taking_refusing_and_clearing_do_not_allocate() {
    if !memory_is_reused() {
        return;
    }
    let pool: ObjectPool<Vec<u8>, 2> = ObjectPool::named("frugal", || Vec::with_capacity(64));
    let work = || {
        let mut lent = pool.get().unwrap();
        lent.extend_from_slice(&[1; 64]);
        let taken = pool.acquire().unwrap();
        assert!(pool.get().is_err() && pool.acquire().is_none());
        assert!(pool.release(taken).is_ok());
        drop(lent);
        pool.clear();
        assert_eq!(pool.stats().in_use, 0);
    };
    assert_eq!(calls(|| (0..10).for_each(|_| work())), 0);
}

#[test]
fn loading_and_receipts_do_not_allocate_and_neither_do_their_errors() {
    if !memory_is_reused() {
        return;
    }
    let pool = KnhkPool::new();
    let work = || -> Result<(), TriplesError> {
        let mut soa = pool.get_soa(2)?;
        let mut runs = RunList::default();
        load_into(&[[1, 7, 2], [2, 8, 3]], &mut soa, &mut runs)?;
        let receipt = pool.get_receipt()?;
        assert_eq!((runs.len(), receipt.hash), (2, 0));
        pool.get_soa(9).map(drop)
    };
    assert_eq!(calls(|| (0..32).for_each(|_| assert!(work().is_err()))), 0);
}

#[test]
fn the_very_first_use_of_a_pool_allocates_nothing() {
    let (plain, knhk) = (ObjectPool::<String, 1>::with_default(), KnhkPool::new());
    assert_no_alloc(|| {
        let text = plain.get();
        assert!(text.is_ok() && plain.get().is_err());
        drop(text);
        let text = plain.acquire().expect("it is back");
        assert!(plain.acquire().is_none() && plain.release(text).is_ok());
        drop((knhk.get_soa(1), knhk.get_receipt()));
    });
    assert_eq!(plain.stats().hits, 2);
}

#[test]
fn packing_runs_allocates_nothing() {
    if !memory_is_reused() {
        return;
    }
    let pool = KnhkPool::new();
    assert_no_alloc(|| {
        let mut packer = RunPacker::new(pool.get_soa(2)?);
        packer.push_run(&[[1, 7, 2], [2, 7, 3]])?;
        packer.push_run(&[[1, 8, 2], [2, 7, 3]]).unwrap_err();
        assert_eq!(packer.into_inner().p[..2], [7, 7]);
        Ok::<(), TriplesError>(())
    })
    .expect("two lanes are free");
}

/// Gives its text away when it is reset.
#[derive(Default)]
struct Extravagant(String);

impl Reset for Extravagant {
    fn reset(&mut self) {
        self.0 = String::from("new");
    }
}

#[test]
fn reset_that_allocates_is_its_callers_affair_and_seen_in_the_callers_section_alone() {
    let pool: ObjectPool<Extravagant, 1> = ObjectPool::with_default();
    if memory_is_reused() {
        assert_eq!(calls(|| drop(pool.get())), 1);
    }
    let seen = panic::catch_unwind(AssertUnwindSafe(|| {
        let _section = HotPathGuard::enter("the-callers");
        drop(pool.get());
    }));
    let message = *seen.unwrap_err().downcast::<String>().expect("a report");
    assert!(message.contains("in section `the-callers`"), "{message}");
}
