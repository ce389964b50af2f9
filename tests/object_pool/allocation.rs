//! After it was made, a pool neither allocates nor frees.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use knhk_pool::{KnhkPool, ObjectPool, RunList, TriplesError, load_into};

struct Counting;

thread_local! {
    // Without destructor, so that it is there whenever the allocator is called.
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

fn count() {
    CALLS.set(CALLS.get() + 1);
}

// SAFETY: every call is passed on to the system's allocator as it came.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps `alloc`'s contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        count();
        // SAFETY: the caller keeps `dealloc`'s contract, and the memory is the system's.
        unsafe { System.dealloc(start, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Calls of the allocator while `work` runs on this thread.
fn calls(work: impl FnOnce()) -> usize {
    let before = CALLS.get();
    work();
    CALLS.get() - before
}

#[test]
fn counter_counts() {
    assert_eq!(calls(|| drop(std::hint::black_box(Box::new(1)))), 2);
}

#[test]
fn lending_taking_refusing_and_clearing_do_not_allocate() {
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
