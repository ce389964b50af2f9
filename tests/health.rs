//! The hit rate's warning: once a fall and a size, with hysteresis, only where there is traffic, and with the
//! size that would have held.

mod armed;
mod traffic;

use knhk_pool::telemetry::Monitor;
use knhk_pool::telemetry::health::{Change, Health, Thresholds, recommended_size};
use knhk_pool::{BufferPool, HeapObjectPool, PoolKind, PoolSnapshot, Receipt, Snapshot, snapshot};
use traffic::{at_once, few, hits, pool};

/// What is said of `name` at a tick.
fn said(monitor: &Monitor, name: &str) -> Vec<Change> {
    let changes = monitor.tick().into_iter();
    let is_its = |change: &Change| match change {
        Change::Fell { name: of, .. } | Change::Recovered { name: of, .. } => *of == name,
        _ => false,
    };
    changes.filter(is_its).collect()
}

fn seen(name: &str) -> PoolSnapshot {
    let pools = snapshot().pools.into_iter();
    let mut named = pools.filter(|pool| pool.name == name);
    named.next().expect("it is in the snapshot")
}

#[test]
fn a_fall_warns_once_and_a_recovery_once() {
    let monitor = Monitor::manual(few(10));
    let pool = pool("falls", 8);
    drop(at_once(&pool, 10));
    assert!(matches!(
        said(&monitor, "falls")[..],
        [Change::Fell {
            rate: 0.8,
            threshold: 0.9,
            size: 8,
            recommended_size: 10,
            ..
        }]
    ));
    drop(at_once(&pool, 10));
    assert_eq!(said(&monitor, "falls"), [], "still low: said already");
    hits(&pool, 91);
    drop(at_once(&pool, 9));
    // 99 of 100: healthy.
    assert!(matches!(
        said(&monitor, "falls")[..],
        [Change::Recovered { rate: 0.99, .. }]
    ));
    hits(&pool, 10);
    assert_eq!(said(&monitor, "falls"), [], "still healthy: said already");
    drop(at_once(&pool, 10));
    assert!(
        matches!(said(&monitor, "falls")[..], [Change::Fell { .. }]),
        "it falls again"
    );
}

#[test]
fn a_pool_that_was_given_a_larger_size_in_vain_is_told_again_with_the_size_it_needs() {
    let monitor = Monitor::manual(few(10));
    let name = "grows";
    drop(at_once(&pool(name, 4), 16));
    assert_eq!(said(&monitor, name).len(), 1, "low");
    let larger = pool(name, 8);
    drop(at_once(&larger, 16));
    assert_eq!(said(&monitor, name), [], "some of it was the smaller one's");
    drop(at_once(&larger, 16));
    assert!(matches!(
        said(&monitor, name)[..],
        [Change::Fell {
            rate: 0.5,
            size: 8,
            recommended_size: 16,
            ..
        }]
    ));
    drop(at_once(&larger, 16));
    assert_eq!(said(&monitor, name), [], "said already");
    drop(larger);
    let smaller = pool(name, 6);
    for _ in 0..2 {
        drop(at_once(&smaller, 16));
        assert_eq!(said(&monitor, name), [], "a smaller one is no news");
    }
    let enough = pool(name, 16);
    hits(&enough, 10);
    assert_eq!(said(&monitor, name), [], "not judged yet");
    hits(&enough, 10);
    assert!(matches!(
        said(&monitor, name)[..],
        [Change::Recovered { rate: 1.0, .. }]
    ));
}

#[test]
fn a_larger_pool_of_the_same_name_that_comes_and_goes_is_no_news() {
    let monitor = Monitor::manual(few(10));
    let name = "comes-and-goes";
    let small = pool(name, 4);
    drop(at_once(&small, 16));
    assert_eq!(said(&monitor, name).len(), 1, "low");
    for _ in 0..3 {
        let large = pool(name, 64);
        hits(&large, 10);
        assert_eq!(said(&monitor, name), [], "it has not been judged");
        drop(large);
        drop(at_once(&small, 32));
        assert_eq!(said(&monitor, name), [], "low at 4: said already");
    }
}

#[test]
fn between_the_thresholds_nothing_changes() {
    let monitor = Monitor::manual(few(10));
    let pool = pool("hysteresis", 8);
    // 91 of 100: above 0.90, below 0.92.
    let band = || {
        (0..9).for_each(|_| drop(at_once(&pool, 9)));
        hits(&pool, 19);
    };
    band();
    assert_eq!(said(&monitor, "hysteresis"), [], "not low");
    drop(at_once(&pool, 16));
    assert_eq!(said(&monitor, "hysteresis").len(), 1, "low");
    band();
    assert_eq!(said(&monitor, "hysteresis"), [], "not yet healthy");
    hits(&pool, 10);
    assert_eq!(said(&monitor, "hysteresis").len(), 1, "healthy");
}

#[test]
fn a_rate_at_the_threshold_is_not_below_it() {
    let monitor = Monitor::manual(Thresholds {
        warn_below: Some(0.5),
        ..few(2)
    });
    let pool = pool("at-the-threshold", 1);
    drop(at_once(&pool, 2));
    assert_eq!(said(&monitor, "at-the-threshold"), []);
}

#[test]
fn an_interval_with_little_traffic_is_added_to_the_next() {
    let monitor = Monitor::manual(few(20));
    let pool = pool("quiet", 1);
    drop(at_once(&pool, 10));
    assert_eq!(said(&monitor, "quiet"), [], "10 acquires say nothing");
    drop(at_once(&pool, 10));
    assert!(matches!(
        said(&monitor, "quiet")[..],
        [Change::Fell { rate: 0.1, .. }]
    ));
}

#[test]
fn an_idle_pool_is_not_judged() {
    let monitor = Monitor::manual(few(0));
    let pool = pool("idle", 1);
    drop(at_once(&pool, 2));
    assert_eq!(said(&monitor, "idle").len(), 1);
    assert_eq!(said(&monitor, "idle"), [], "no acquires, no rate");
}

#[test]
fn each_pool_has_its_own_threshold_unless_told_otherwise() {
    let builder = BufferPool::builder("tolerant")
        .pool_size(1)
        .hit_rate_warning(0.4);
    let pool = builder.build().expect("it is good");
    let own = Monitor::manual(few(2));
    let strict = Monitor::manual(Thresholds {
        warn_below: Some(0.6),
        clear_above: Some(0.1),
        acquires_min: 2,
    });
    drop(at_once(&pool, 2));
    assert_eq!(said(&own, "tolerant"), [], "0.5 is above its own 0.4");
    assert!(matches!(
        said(&strict, "tolerant")[..],
        [Change::Fell { threshold: 0.6, .. }]
    ));
    // A threshold to clear below the one to warn counts as equal to it.
    drop(at_once(&pool, 2));
    assert_eq!(said(&strict, "tolerant"), []);
}

#[test]
fn the_recommended_size_would_have_held() {
    let small = pool("as-it-was", 4);
    drop(at_once(&small, 13));
    let seen = seen("as-it-was");
    let recommended = recommended_size(&seen, &seen.stats);
    assert_eq!(recommended, 13);
    let right = pool("as-recommended", recommended);
    drop(at_once(&right, 13));
    assert_eq!(right.stats().hit_rate(), Some(1.0));
}

#[test]
fn of_several_pools_of_one_name_the_largest_counts() {
    let pools = [pool("several", 4), pool("several", 2)];
    pools.iter().for_each(|pool| hits(pool, 1));
    assert_eq!(seen("several").size, 4);
    drop(pools);
    assert_eq!(seen("several").size, 2, "of those that are gone, the last");
}

#[test]
fn misses_of_a_smaller_pool_of_the_same_name_are_answered_by_twice_the_larger_size() {
    let pools = [pool("unlike", 4), pool("unlike", 2)];
    drop(at_once(&pools[1], 4));
    let seen = seen("unlike");
    assert_eq!((seen.size, seen.stats.high_water), (4, 4));
    assert_eq!(recommended_size(&seen, &seen.stats), 8);
}

#[test]
fn what_was_refused_is_answered_by_twice_the_size() {
    let objects = HeapObjectPool::<Receipt>::named("refused", 6, Receipt::default);
    let lent: Vec<_> = (0..9).map(|_| objects.get()).collect();
    let refused = seen("refused");
    assert_eq!(refused.kind, PoolKind::Object);
    assert_eq!(recommended_size(&refused, &refused.stats), 12);
    drop(lent);
    // Nothing missed, nothing to recommend.
    let interval = seen("refused").stats.since(&refused.stats);
    assert_eq!(recommended_size(&refused, &interval), 6);
    // Of objects there may be any number.
    let mut largest = refused;
    (largest.kind, largest.size) = (PoolKind::Object, usize::MAX);
    let refused_once = largest.stats;
    assert_eq!(recommended_size(&largest, &refused_once), usize::MAX);
}

#[test]
fn rates_are_those_of_the_interval() {
    let mut health = Health::new(few(1));
    let pool = pool("rates", 1);
    let rate = |health: &Health| {
        let mut rates = health.rates().iter();
        rates
            .find(|rate| rate.name == "rates")
            .map(|rate| rate.rate)
    };
    drop(at_once(&pool, 4));
    health.observe(&snapshot());
    assert_eq!(rate(&health), Some(0.25));
    hits(&pool, 4);
    health.observe(&snapshot());
    assert_eq!(rate(&health), Some(1.0));
    health.observe(&snapshot());
    assert_eq!(rate(&health), None, "nobody acquired");
    health.observe(&Snapshot::default());
    assert!(health.rates().is_empty());
}
