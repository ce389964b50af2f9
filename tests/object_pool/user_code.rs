//! `make`, `reset` and `Drop` may panic, and may use the pool that they are called from.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::{Rc, Weak};

use knhk_pool::{HeapObjectPool, Reset};

/// Who was made, and who was dropped how often.
#[derive(Default)]
struct Census {
    drops: RefCell<Vec<usize>>,
}

impl Census {
    fn born(&self) -> Citizen<'_> {
        self.drops.borrow_mut().push(0);
        Citizen {
            number: self.drops.borrow().len() - 1,
            on_reset: None,
            on_drop: None,
            census: self,
        }
    }

    fn each_dropped_once(&self) -> bool {
        self.drops.borrow().iter().all(|drops| *drops == 1)
    }

    fn dropped(&self) -> usize {
        self.drops.borrow().iter().sum()
    }
}

struct Citizen<'a> {
    number: usize,
    on_reset: Option<fn()>,
    on_drop: Option<fn()>,
    census: &'a Census,
}

impl Reset for Citizen<'_> {
    fn reset(&mut self) {
        self.on_reset.into_iter().for_each(|act| act());
    }
}

impl Drop for Citizen<'_> {
    fn drop(&mut self) {
        self.census.drops.borrow_mut()[self.number] += 1;
        self.on_drop.into_iter().for_each(|act| act());
    }
}

/// Unwinds without the panic hook's message.
fn unwind() {
    resume_unwind(Box::new("on purpose"));
}

fn unwinds(work: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(work)).is_err()
}

#[test]
fn make_panicking_at_any_call_drops_what_was_made() {
    for nth in 0..4 {
        let census = Census::default();
        let make = || {
            if census.drops.borrow().len() == nth {
                unwind();
            }
            census.born()
        };
        assert!(unwinds(|| drop(HeapObjectPool::new(4, make))));
        assert_eq!(census.drops.borrow().len(), nth);
        assert!(census.each_dropped_once());
    }
}

#[test]
fn object_whose_reset_panics_is_dropped_and_never_handed_out() {
    let census = Census::default();
    let pool = HeapObjectPool::new(2, || census.born());
    let mut lent = pool.get().unwrap();
    lent.on_reset = Some(unwind);
    let number = lent.number;
    assert!(unwinds(|| drop(lent)));
    assert_eq!(census.drops.borrow()[number], 1);
    let stats = pool.stats();
    assert_eq!(
        (stats.freed, stats.released, stats.in_use, stats.idle),
        (1, 0, 0, 1)
    );
    let other = pool.get().unwrap();
    assert!(other.number != number && pool.get().is_err());
    drop(other);
    drop(pool);
    assert!(census.each_dropped_once());
}

#[test]
fn place_of_a_dropped_object_takes_a_new_one() {
    let census = Census::default();
    let pool = HeapObjectPool::new(1, || census.born());
    let mut lent = pool.get().unwrap();
    lent.on_reset = Some(unwind);
    assert!(unwinds(|| drop(lent)));
    assert!(pool.get().is_err());
    assert!(pool.release(census.born()).is_ok());
    assert!(
        pool.release(census.born()).is_err(),
        "there is one place only"
    );
    assert_eq!(
        (pool.in_use(), pool.available(), pool.stats().idle),
        (0, 1, 1)
    );
    let lent = pool.get().unwrap();
    assert_eq!((pool.in_use(), pool.high_water()), (1, 1));
    drop(lent);
    drop(pool);
    assert!(census.each_dropped_once());
}

#[test]
fn reset_panicking_in_release_by_value_drops_the_object_and_settles_the_count() {
    let census = Census::default();
    let pool = HeapObjectPool::new(2, || census.born());
    let mut taken = pool.acquire().unwrap();
    taken.on_reset = Some(unwind);
    assert!(unwinds(|| drop(pool.release(taken))));
    let stats = pool.stats();
    assert_eq!((stats.freed, stats.in_use, stats.idle), (1, 0, 1));

    let mut foreign = census.born();
    foreign.on_reset = Some(unwind);
    assert!(unwinds(|| drop(pool.release(foreign))));
    assert_eq!(pool.stats(), stats, "a foreign object was never counted");
    drop(pool);
    assert!(census.each_dropped_once());
}

#[test]
fn reset_panicking_in_clear_drops_that_object_alone() {
    let census = Census::default();
    let pool = HeapObjectPool::new(3, || census.born());
    let mut taken = pool.acquire().unwrap();
    let lent = [pool.get().unwrap(), pool.get().unwrap()];
    taken.on_reset = Some(|| {
        PANICKING.with(|panicking| {
            if panicking.get() {
                unwind()
            }
        })
    });
    assert!(pool.release(taken).is_ok());
    drop(lent);
    PANICKING.set(true);
    assert!(unwinds(|| pool.clear()));
    PANICKING.set(false);
    assert_eq!(
        (pool.in_use(), pool.available(), census.dropped()),
        (0, 2, 1)
    );
    assert!(pool.release(census.born()).is_ok());
    drop(pool);
    assert!(census.each_dropped_once());
}

thread_local! { static PANICKING: Cell<bool> = const { Cell::new(false) } }

#[test]
fn drop_panicking_when_the_pool_ends_spares_no_other_object() {
    let census = Census::default();
    let pool = HeapObjectPool::named("last words", 4, || census.born());
    let mut lent = [(); 4].map(|()| pool.get().unwrap());
    lent[1].on_drop = Some(unwind);
    drop(lent);
    assert!(unwinds(|| drop(pool)));
    assert_eq!(census.dropped(), 4);
    assert!(census.each_dropped_once());
    let snapshot = knhk_pool::snapshot();
    let ended = snapshot
        .pools
        .iter()
        .find(|pool| pool.name == "last words")
        .unwrap();
    assert_eq!(
        (ended.stats.hits, ended.stats.threads),
        (4, 0),
        "it left the registry"
    );
}

#[test]
fn panic_while_a_guard_is_held_gives_the_object_back() {
    let census = Census::default();
    let pool = HeapObjectPool::new(1, || census.born());
    assert!(unwinds(|| {
        let _lent = pool.get();
        unwind();
    }));
    assert_eq!(
        (pool.in_use(), pool.available(), census.dropped()),
        (0, 1, 0)
    );
}

type Pool = HeapObjectPool<Meddler>;

/// Does something to its own pool when it is reset and when it is dropped.
struct Meddler {
    pool: Weak<Pool>,
    meddle: Option<fn(&Pool)>,
}

impl Meddler {
    fn meddle(&mut self) {
        if let (Some(pool), Some(meddle)) = (self.pool.upgrade(), self.meddle.take()) {
            meddle(&pool);
        }
    }
}

impl Reset for Meddler {
    fn reset(&mut self) {
        self.meddle();
    }
}

impl Drop for Meddler {
    fn drop(&mut self) {
        self.meddle();
    }
}

fn meddlers(capacity: usize, meddle: Option<fn(&Pool)>) -> Rc<Pool> {
    Rc::new_cyclic(|pool| {
        HeapObjectPool::new(capacity, || Meddler {
            pool: Weak::clone(pool),
            meddle,
        })
    })
}

fn assert_whole(pool: &Pool) {
    let stats = pool.stats();
    assert_eq!((stats.in_use, stats.idle), (0, pool.capacity()));
    assert_eq!((pool.in_use(), pool.available()), (0, pool.capacity()));
    assert_eq!(stats.hits, stats.released + stats.freed + stats.detached);
}

#[test]
fn reset_may_use_its_own_pool() {
    let pool = meddlers(3, None);
    let meddlings: [fn(&Pool); 3] = [
        |pool| {
            let all_others: Vec<_> = std::iter::from_fn(|| pool.get().ok()).collect();
            assert_eq!(
                (all_others.len(), pool.in_use()),
                (2, 3),
                "the one in reset is still out"
            );
        },
        |pool| {
            let taken = pool.acquire().unwrap();
            assert!(pool.release(taken).is_ok());
        },
        |pool| {
            pool.clear();
            pool.get().unwrap().meddle = Some(|pool| drop(pool.get()));
        },
    ];
    for meddle in meddlings {
        pool.get().unwrap().meddle = Some(meddle);
        assert_whole(&pool);
        let mut taken = pool.acquire().unwrap();
        taken.meddle = Some(meddle);
        assert!(pool.release(taken).is_ok());
        assert_whole(&pool);
    }
}

#[test]
fn reset_may_use_its_own_pool_while_that_is_cleared() {
    let pool = meddlers(
        4,
        Some(|pool| {
            let mut rest: Vec<_> = std::iter::from_fn(|| pool.get().ok()).collect();
            assert_eq!(
                pool.in_use(),
                pool.capacity(),
                "each object is out, none twice"
            );
            rest.truncate(1);
            rest.extend(pool.get());
        }),
    );
    pool.clear();
    assert_whole(&pool);
    let all: Vec<_> = (0..4).map(|_| pool.get().unwrap()).collect();
    assert!(all.iter().any(|object| object.meddle.is_none()));
}

#[test]
fn clear_does_not_look_for_what_a_reset_took_away() {
    thread_local! {
        static TAKEN: RefCell<Vec<Meddler>> = const { RefCell::new(Vec::new()) };
    }
    let pool = meddlers(
        3,
        Some(|pool| {
            while let Some(taken) = pool.acquire() {
                TAKEN.with_borrow_mut(|all| all.push(taken));
            }
        }),
    );
    pool.clear();
    let stats = pool.stats();
    assert_eq!((stats.in_use, stats.idle, stats.detached), (0, 1, 2));
    drop(pool);
    assert_eq!(TAKEN.take().len(), 2);
}

#[test]
fn drop_after_a_panicking_reset_may_use_the_pool() {
    struct Last(Weak<HeapObjectPool<Last>>, bool);
    impl Reset for Last {
        fn reset(&mut self) {
            if self.1 {
                unwind();
            }
        }
    }
    impl Drop for Last {
        fn drop(&mut self) {
            if let Some(pool) = self.0.upgrade() {
                let other = pool.get().expect("the other one is idle");
                assert!(
                    pool.get().is_err(),
                    "the place of this one is not handed out"
                );
                let spare = Last(Weak::new(), false);
                assert!(
                    pool.release(spare).is_err(),
                    "nor is it filled while it is in use"
                );
                drop(other);
            }
        }
    }
    let pool = Rc::new_cyclic(|pool| HeapObjectPool::new(2, || Last(Weak::clone(pool), false)));
    let mut lent = pool.get().unwrap();
    lent.1 = true;
    assert!(unwinds(|| drop(lent)));
    assert_eq!((pool.in_use(), pool.available()), (0, 1));
    assert!(pool.release(Last(Weak::new(), false)).is_ok());
    assert_eq!((pool.in_use(), pool.available()), (0, 2));
}
