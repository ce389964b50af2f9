//! `make`, `reset` and `Drop` may panic, and may use the pool that they are called from.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::*;

/// Unwinds without the panic hook's message.
fn unwind() {
    resume_unwind(Box::new("on purpose"));
}

fn unwinds(work: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(work)).is_err()
}

#[test]
fn make_that_panics_is_gone_on_with_at_the_next_use() {
    for nth in 0..3 {
        let calls = Arc::new(AtomicUsize::new(0));
        let theirs = Arc::clone(&calls);
        let pool = ThreadObjectPool::new("make-panics", 3, move || {
            if theirs.fetch_add(1, Ordering::Relaxed) == nth {
                unwind();
            }
            String::from("made")
        });
        assert!(unwinds(|| drop(pool.get())));
        assert_eq!(pool.stats().idle, nth);
        pool.warm_up();
        assert_eq!(pool.stats().idle, 3);
        assert_eq!((calls.load(Ordering::Relaxed), pool.stats().hits), (4, 0));
    }
}

#[test]
fn make_that_uses_its_pool_finds_what_it_has_made_so_far() {
    static SEEN: Mutex<Vec<bool>> = Mutex::new(Vec::new());
    static POOL: ThreadObjectPool<String> = ThreadObjectPool::new("make-uses", 3, || {
        let mut seen = SEEN.lock().expect("no panic");
        seen.push(POOL.get().is_ok());
        String::new()
    });
    assert!(POOL.get().is_ok());
    assert_eq!(*SEEN.lock().expect("no panic"), [false, true, true]);
    assert_balanced(&POOL.stats());
    assert_eq!(POOL.stats().idle, 3);
}

#[test]
fn make_that_uses_a_buffer_pool_is_served_from_it() {
    static BUFFERS: BufferPool = BufferPool::new("make-buffers");
    static POOL: ThreadObjectPool<Vec<u8>> =
        ThreadObjectPool::new("make-from-buffers", 2, || BUFFERS.acquire().into_vec());
    POOL.warm_up();
    assert_eq!((BUFFERS.stats().hits, BUFFERS.stats().misses), (2, 0));
}

#[test]
fn object_whose_reset_panics_is_dropped_and_its_place_takes_a_new_one() {
    let (pool, census) = pool_of("reset-panics", 1);
    let unwound = unwinds(|| pool.get().expect("one is idle").on_reset = Some(unwind));
    assert!(unwound, "by the guard's drop");
    let stats = pool.stats();
    assert_eq!((stats.freed, stats.in_use, stats.idle), (1, 0, 0));
    assert!(census.living() == 0 && pool.get().is_err());
    let (other, _) = pool_of("reset-panics-other", 1);
    assert!(pool.release(other.acquire().expect("idle")).is_ok());
    assert!(pool.get().is_ok());
    assert_balanced(&pool.stats());
}

#[test]
fn objects_are_dropped_once_when_one_of_them_panics_in_its_drop() {
    let (pool, census) = pool_of("drop-panics", 3);
    pool.get().expect("three are idle").on_drop = Some(unwind);
    assert!(unwinds(|| drop(pool)));
    assert_eq!((census.made(), census.living()), (3, 0));
}

#[test]
fn reset_that_uses_the_pool_finds_it_in_order() {
    static POOL: Mutex<Option<&'static Pool>> = Mutex::new(None);
    let (pool, _) = leaked("reset-uses", 2);
    *POOL.lock().expect("no panic") = Some(pool);
    let mut lent = pool.get().expect("two are idle");
    lent.on_reset = Some(|| {
        let pool = POOL.lock().expect("no panic").expect("set above");
        assert_eq!(pool.stats().in_use, 1);
        drop(pool.get().expect("the other one is idle"));
    });
    drop(lent);
    let stats = pool.stats();
    assert_eq!((stats.hits, stats.released, stats.high_water), (2, 2, 2));
}

#[test]
fn part_in_which_a_reset_panicked_is_handed_on_and_made_whole() {
    let (pool, census) = leaked("panicked-and-ended", 2);
    let thread = thread::spawn(|| {
        assert!(unwinds(
            || pool.get().expect("two are idle").on_reset = Some(unwind)
        ));
    });
    thread.join().expect("it was caught");
    let next = thread::spawn(|| [pool.get().is_ok(), pool.acquire().is_some()]);
    assert_eq!(next.join().expect("no panic"), [true; 2]);
    assert_eq!(census.made(), 3, "one in place of the lost one");
}

#[test]
fn object_that_its_reset_lost_counts_as_out_until_its_drop_has_run() {
    static POOL: Mutex<Option<&'static Pool>> = Mutex::new(None);
    static SEEN: Mutex<Vec<PoolStats>> = Mutex::new(Vec::new());
    let (pool, _) = leaked("lost-drop", 1);
    *POOL.lock().expect("no panic") = Some(pool);
    assert!(unwinds(|| {
        let mut lent = pool.get().expect("one is idle");
        lent.on_reset = Some(unwind);
        lent.on_drop = Some(|| {
            let pool = POOL.lock().expect("no panic").expect("set above");
            SEEN.lock().expect("no panic").push(pool.stats());
        });
    }));
    let seen = SEEN.lock().expect("no panic")[0];
    // Another thread that saw it as back could take the part while this one still drops.
    assert_eq!((seen.freed, seen.in_use), (0, 1));
    assert_eq!((pool.stats().freed, pool.stats().in_use), (1, 0));
}
