//! What other threads see of a pool.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use knhk_pool::{HeapObjectPool, PoolKind, PoolStats, snapshot};

fn seen(name: &str) -> Option<PoolStats> {
    let snapshot = snapshot();
    let pool = snapshot.pools.iter().find(|pool| pool.name == name)?;
    assert_eq!(pool.kind, PoolKind::Object);
    Some(pool.stats)
}

#[test]
fn named_pool_is_seen_from_another_thread_and_its_totals_stay() {
    let pool = HeapObjectPool::named("seen", 2, String::new);
    drop(pool.get());
    let _lent = pool.get();
    let elsewhere = || thread::scope(|scope| scope.spawn(|| seen("seen")).join().unwrap());
    assert_eq!(elsewhere(), Some(pool.stats()));
    let stats = pool.stats();
    assert_eq!(
        (stats.hits, stats.released, stats.in_use, stats.idle),
        (2, 1, 1, 1)
    );
    assert_eq!((stats.capacity, stats.threads), (2, 1));
    assert!(stats.bytes >= 2 * size_of::<String>());
    drop(_lent);
    drop(pool);
    let stats = elsewhere().unwrap();
    assert_eq!((stats.hits, stats.released, stats.high_water), (2, 2, 1));
    assert_eq!(
        (
            stats.in_use,
            stats.idle,
            stats.capacity,
            stats.bytes,
            stats.threads
        ),
        (0, 0, 0, 0, 0)
    );
}

#[test]
fn pools_of_one_name_are_summed() {
    let pools = [3, 4].map(|capacity| HeapObjectPool::named("twins", capacity, String::new));
    pools.iter().for_each(|pool| drop(pool.get()));
    let stats = seen("twins").unwrap();
    assert_eq!((stats.hits, stats.capacity, stats.threads), (2, 7, 2));
}

#[test]
fn pool_whose_making_panicked_is_not_listed() {
    let made = std::panic::catch_unwind(|| {
        HeapObjectPool::<String>::named("stillborn", 2, || panic!("no object"))
    });
    assert!(made.is_err() && seen("stillborn").is_none());
}

#[test]
fn pool_without_a_name_is_not_listed() {
    struct Unlisted;
    impl knhk_pool::Reset for Unlisted {
        fn reset(&mut self) {}
    }
    let pool = HeapObjectPool::new(1, || Unlisted);
    assert!(pool.name().contains("Unlisted"));
    assert_eq!(seen(pool.name()), None);
}

#[test]
fn reader_never_sees_a_count_fall_or_more_in_use_than_there_are() {
    let pool = HeapObjectPool::named("watched", 3, String::new);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut earlier = PoolStats::default();
            while !done.load(Ordering::Relaxed) {
                let now = seen("watched").unwrap();
                assert!(now.hits >= earlier.hits && now.released >= earlier.released);
                assert!(now.hits >= now.released && now.in_use + now.idle == 3);
                earlier = now;
            }
        });
        for _ in 0..if cfg!(miri) { 100 } else { 100_000 } {
            let _two = (pool.get(), pool.get());
        }
        done.store(true, Ordering::Relaxed);
        reader.join().unwrap();
    });
}

#[test]
fn a_pool_can_be_given_to_what_may_panic() {
    let pool = HeapObjectPool::<String>::new(2, String::new);
    let panicked = std::panic::catch_unwind(move || {
        let _object = pool.get().expect("one of two");
        panic!("on purpose");
    });
    assert!(panicked.is_err());
}
