//! Threads: each has its own, and ends in good order.

use std::cell::RefCell;
use std::sync::Barrier;
use std::sync::atomic::AtomicBool;

use super::*;

#[test]
fn each_thread_has_its_own_objects() {
    let (pool, census) = pool_of("own", 2);
    let lent = pool.get().expect("two are idle");
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let [one, two] = [pool.get(), pool.get()].map(|got| got.expect("two are idle"));
                assert!(one.number >= 2 && two.number >= 2 && pool.get().is_err());
            });
        }
    });
    assert!(lent.number < 2);
    assert!(census.made() <= 6);
    assert_balanced(&pool.stats());
}

#[test]
fn next_thread_gets_what_an_ended_one_has_left() {
    let (pool, census) = leaked("handed-on", 3);
    for _ in 0..if cfg!(miri) { 5 } else { 10_000 } {
        let thread = thread::spawn(|| drop(pool.get().expect("three are idle")));
        thread.join().expect("no panic");
        // At once: ten thousand parts that wait are looked through by each thread.
        assert_eq!(census.made(), 3);
    }
    let seen = thread::spawn(|| pool.get().map(|_| pool.stats()));
    let seen = seen.join().expect("no panic").expect("three are idle");
    assert_eq!((seen.threads, seen.capacity), (1, 3));
    let stats = pool.stats();
    assert_eq!((census.made(), stats.threads, stats.capacity), (3, 0, 0));
    assert_eq!(stats.hits, if cfg!(miri) { 6 } else { 10_001 });
    assert_balanced(&stats);
}

/// Runs `work` on so many threads that are all there at once.
fn at_once(threads: usize, work: impl Fn() + Send + Sync + Copy + 'static) {
    let barrier = Arc::new(Barrier::new(threads));
    let all: Vec<_> = (0..threads)
        .map(|_| {
            let barrier = Arc::clone(&barrier);
            thread::spawn(move || {
                work();
                barrier.wait();
            })
        })
        .collect();
    for thread in all {
        thread.join().expect("no panic");
    }
}

#[test]
fn four_parts_wait_and_the_rest_is_freed_with_its_totals_kept() {
    let (pool, census) = leaked("waiting", 2);
    let threads = if cfg!(miri) { 6 } else { 10 };
    at_once(threads, || drop(pool.get().expect("two are idle")));
    assert_eq!((census.made(), census.living()), (2 * threads, 8));
    let (stats, threads) = (pool.stats(), threads as u64);
    assert_eq!((stats.hits, stats.released), (threads, threads));
    at_once(4, || drop(pool.get().expect("two are idle")));
    assert_eq!(census.made() as u64, 2 * threads, "four waited");
    assert_eq!(pool.stats().hits, threads + 4);
}

#[test]
fn what_waits_for_a_next_thread_is_neither_idle_nor_capacity_and_is_held() {
    let (pool, _) = leaked("waits", 2);
    let figures = || {
        let stats = pool.stats();
        (stats.threads, stats.capacity, stats.idle)
    };
    let held = thread::spawn(move || {
        pool.warm_up();
        (figures(), pool.stats().bytes)
    });
    let (living, bytes) = held.join().expect("no panic");
    assert_eq!(living, (1, 2, 2));
    assert_eq!((figures(), pool.stats().bytes), ((0, 0, 0), bytes));
    pool.warm_up();
    assert_eq!((figures(), pool.stats().bytes), ((1, 2, 2), bytes));
}

#[test]
fn what_was_taken_and_not_released_is_detached_when_its_thread_ends() {
    let (pool, census) = leaked("taken", 2);
    let taken = thread::spawn(|| pool.acquire().expect("two are idle"));
    let taken = taken.join().expect("no panic");
    let stats = pool.stats();
    assert_eq!((stats.detached, stats.in_use), (1, 0));
    let refilled = thread::spawn(|| [pool.get().is_ok(), pool.acquire().is_some()]);
    assert_eq!(refilled.join().expect("no panic"), [true; 2]);
    assert_eq!(census.made(), 3, "the next thread makes what is missing");
    drop(taken);
    assert_balanced(&pool.stats());
}

thread_local! {
    static LATE: RefCell<Option<Late>> = const { RefCell::new(None) };
}

type Held = Vec<Pooled<'static, Citizen>>;

/// Does `end` when its thread's destructors run.
struct Late {
    held: Held,
    end: Box<dyn FnMut(&mut Held)>,
}

impl Drop for Late {
    fn drop(&mut self) {
        (self.end)(&mut self.held);
    }
}

/// Runs `end` after the pools' own destructor if `LATE` is touched before them, else before it: on
/// this platform's order of destructors, or the other one, and both are run.
fn in_both_orders(
    pool: &'static Pool,
    held: usize,
    end: impl Fn(&mut Held) + Clone + Send + 'static,
) {
    for late_first in [false, true] {
        let end = end.clone();
        let thread = thread::spawn(move || {
            let touch = || LATE.with_borrow_mut(|late| assert!(late.is_none()));
            if late_first {
                touch();
            }
            let held = (0..held).map(|_| pool.get().expect("idle")).collect();
            pool.warm_up();
            let end = Box::new(end);
            LATE.set(Some(Late { held, end }));
        });
        thread.join().expect("no panic leaves a destructor");
    }
}

#[test]
fn guard_that_is_dropped_while_its_thread_ends_gives_its_object_back() {
    let (pool, census) = leaked("late-guard", 2);
    in_both_orders(pool, 2, |held| {
        held[0].dirty = true;
        held.clear();
    });
    let stats = pool.stats();
    assert_eq!((stats.in_use, stats.released), (0, 4));
    assert_eq!(census.made(), 2, "the second thread had the first one's");
    let clean = thread::spawn(|| pool.get().map(|object| object.dirty));
    assert_eq!(clean.join().expect("no panic"), Ok(false));
}

#[test]
fn thread_that_is_ending_is_refused_or_served_and_never_harmed() {
    let (pool, census) = leaked("late-get", 1);
    let answers = Arc::<Mutex<Vec<bool>>>::default();
    let theirs = Arc::clone(&answers);
    in_both_orders(pool, 0, move |_| {
        let served = match pool.get() {
            Ok(object) => !object.dirty,
            Err(refused) => {
                let wanted = PoolError::Exhausted {
                    pool: "late-get",
                    capacity: 0,
                };
                assert_eq!(refused, wanted);
                assert!(pool.acquire().is_none());
                false
            }
        };
        theirs.lock().expect("no panic").push(served);
    });
    let answers = answers.lock().expect("no panic");
    assert_eq!(answers.len(), 2);
    assert!(answers.contains(&false), "one order is after the pools'");
    let stats = pool.stats();
    let refused = answers.iter().filter(|served| !**served).count() as u64;
    assert_eq!((stats.exhausted, census.made()), (2 * refused, 1));
    assert_balanced(&stats);
}

#[test]
fn value_that_an_ending_thread_releases_is_handed_back_or_taken() {
    let (pool, census) = leaked("late-release", 1);
    let value = Arc::new(Mutex::new(pool.acquire()));
    let theirs = Arc::clone(&value);
    in_both_orders(pool, 0, move |_| {
        let mut value = theirs.lock().expect("no panic");
        let back = pool.release(value.take().expect("handed back before"));
        *value = back.err();
        assert!(value.is_some(), "that thread's places are full, or gone");
    });
    let back = value.lock().expect("no panic").take();
    assert!(pool.release(back.expect("still there")).is_ok());
    assert_eq!((census.living(), pool.stats().in_use), (2, 0));
}

#[test]
fn forgotten_guard_keeps_its_part_from_the_next_thread_and_nothing_else() {
    let (pool, census) = leaked("forgotten", 2);
    let thread = thread::spawn(|| std::mem::forget(pool.get()));
    thread.join().expect("no panic");
    assert_eq!((pool.stats().in_use, pool.stats().threads), (1, 0));
    for _ in 0..3 {
        let thread = thread::spawn(|| [pool.get().is_ok(), pool.get().is_ok()]);
        assert_eq!(thread.join().expect("no panic"), [true; 2]);
    }
    assert_eq!((census.made(), pool.stats().in_use), (4, 1));
}

#[test]
fn late_parts_are_used_again_and_not_more_of_them_are_made() {
    let (pool, census) = leaked("late-many", 1);
    for _ in 0..if cfg!(miri) { 2 } else { 200 } {
        in_both_orders(pool, 1, Vec::clear);
    }
    assert_eq!(census.made(), 1);
    assert_balanced(&pool.stats());
}

#[test]
fn late_parts_all_wait_and_none_is_freed_before_the_pool_is() {
    let mut living = Vec::new();
    for late_first in [false, true] {
        let (pool, census) = leaked("late-all", 1);
        at_once(6, move || {
            if late_first {
                LATE.with_borrow(|late| assert!(late.is_none()));
            }
            let held = vec![pool.get().expect("one is idle")];
            let end = Box::new(Held::clear);
            LATE.set(Some(Late { held, end }));
        });
        living.push(census.living());
    }
    living.sort_unstable();
    assert_eq!(
        living,
        [4, 6],
        "what came back in time is freed, but for four"
    );
}

#[test]
fn dropped_pool_drops_the_objects_of_all_threads_living_and_ended() {
    let (pool, census) = pool_of("dropped", 2);
    let pool = Arc::new(pool);
    let (used, dropped) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let living = thread::spawn({
        let (pool, used, dropped) = (Arc::clone(&pool), Arc::clone(&used), Arc::clone(&dropped));
        move || {
            drop(pool.get());
            drop(pool);
            used.wait();
            dropped.wait();
            // The next pool's first use cleans up behind the one that is gone.
            drop(pool_of("after-dropped", 1).0.get());
        }
    });
    used.wait();
    drop(pool.get());
    let ended = thread::spawn({
        let pool = Arc::clone(&pool);
        move || drop(pool.get())
    });
    ended.join().expect("no panic");
    assert_eq!((census.made(), pool.stats().threads), (6, 2));
    drop(pool);
    assert_eq!(census.living(), 0);
    dropped.wait();
    living.join().expect("no panic");
    assert_eq!(census.living(), 0);
}

#[test]
fn pool_dropped_while_its_threads_end_drops_each_object_once() {
    for _ in 0..if cfg!(miri) { 2 } else { 2000 } {
        let (pool, census) = pool_of("racing", 2);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| drop(pool.get()));
            }
        });
        // The threads' destructors may still run.
        drop(pool);
        assert_eq!(census.living(), 0);
    }
}

#[test]
fn totals_never_fall_while_threads_come_and_go() {
    let (pool, _) = leaked("monotone", 2);
    let stop = Arc::new(AtomicBool::new(false));
    let reader = thread::spawn({
        let stop = Arc::clone(&stop);
        move || {
            let (mut before, mut reads) = (PoolStats::default(), 0_u64);
            while !stop.load(Ordering::Relaxed) || reads < 10 {
                let now = pool.stats();
                assert!(now.hits >= before.hits && now.released >= before.released);
                assert!(now.exhausted >= before.exhausted && now.detached >= before.detached);
                assert!(now.high_water >= before.high_water);
                (before, reads) = (now, reads + 1);
            }
        }
    });
    let (rounds, threads) = if cfg!(miri) { (1, 5) } else { (300, 6) };
    for _ in 0..rounds {
        at_once(threads, || {
            let _both = (pool.get(), pool.acquire().is_some());
            assert!(pool.get().is_err());
        });
    }
    stop.store(true, Ordering::Relaxed);
    reader.join().expect("totals only rise");
    let (stats, uses) = (pool.stats(), rounds * threads as u64);
    assert_eq!((stats.hits, stats.exhausted), (2 * uses, uses));
    assert_eq!((stats.detached, stats.in_use), (uses, 0));
}
