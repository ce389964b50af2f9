//! KNHK's pool: 16 columns, 1024 receipts, by guard.

use knhk_pool::{KnhkPool, Receipt, SoaTriples, TriplesError, snapshot};

use crate::reuse::memory_is_reused;

#[test]
fn size_must_be_one_to_eight_and_a_wrong_one_takes_nothing() {
    let pool = KnhkPool::default();
    for size in [0, 9, usize::MAX] {
        let refused = TriplesError::InvalidSize { size, max: 8 };
        assert_eq!(pool.get_soa(size).map(drop), Err(refused));
    }
    assert_eq!(
        (
            pool.soa().stats().acquires(),
            pool.capacity_usage().soa_in_use
        ),
        (0, 0)
    );
    for size in 1..=8 {
        assert!(pool.get_soa(size).is_ok());
    }
}

#[test]
fn seventeenth_columns_are_refused_by_name() {
    let pool = KnhkPool::named("full");
    let all: Vec<_> = (0..16).map(|_| pool.get_soa(8).unwrap()).collect();
    let refused = TriplesError::Exhausted {
        pool: "full.soa",
        capacity: 16,
    };
    assert_eq!(pool.get_soa(8).map(drop), Err(refused));
    drop(all);
    assert!(pool.get_soa(8).is_ok());
}

#[test]
fn receipt_1025_is_refused_by_name() {
    let pool = KnhkPool::named("many");
    let all: Vec<_> = (0..1024).map(|_| pool.get_receipt().unwrap()).collect();
    let refused = TriplesError::Exhausted {
        pool: "many.receipts",
        capacity: 1024,
    };
    assert_eq!(pool.get_receipt().map(drop), Err(refused));
    assert_eq!(pool.capacity_usage().receipts_in_use, 1024);
    drop(all);
    assert_eq!(pool.capacity_usage().receipts_in_use, 0);
}

#[test]
fn failing_early_again_and_again_loses_nothing() {
    fn fails(pool: &KnhkPool) -> Result<(), TriplesError> {
        let mut soa = pool.get_soa(8)?;
        let mut receipt = pool.get_receipt()?;
        (soa.s, receipt.hash) = ([7; 8], 7);
        pool.get_soa(9).map(drop)
    }
    let pool = KnhkPool::new();
    for _ in 0..if cfg!(miri) { 20 } else { 1000 } {
        assert_eq!(
            fails(&pool),
            Err(TriplesError::InvalidSize { size: 9, max: 8 })
        );
    }
    let usage = pool.capacity_usage();
    assert_eq!((usage.soa_in_use, usage.receipts_in_use), (0, 0));
}

#[test]
fn what_is_lent_is_zero_whatever_the_last_owner_left() {
    let pool = KnhkPool::new();
    let mut soa = pool.get_soa(1).unwrap();
    let mut receipt = pool.get_receipt().unwrap();
    *soa = SoaTriples {
        s: [1; 8],
        p: [2; 8],
        o: [3; 8],
    };
    *receipt = Receipt {
        cycle: 1,
        lanes: 2,
        hash: 3,
        ..Receipt::default()
    };
    let address = &raw const *soa;
    drop((soa, receipt));
    let soa = pool.get_soa(1).unwrap();
    assert_eq!(*soa, SoaTriples::default());
    if memory_is_reused() {
        assert_eq!(&raw const *soa, address);
    }
    assert_eq!(address.addr() % 64, 0);
    assert_eq!(*pool.get_receipt().unwrap(), Receipt::default());
}

#[test]
fn usage_tells_what_is_lent_and_clearing_does_not_forget_it() {
    let pool = KnhkPool::new();
    let usage = || {
        let usage = pool.capacity_usage();
        assert_eq!((usage.soa_capacity, usage.receipts_capacity), (16, 1024));
        (usage.soa_in_use, usage.receipts_in_use)
    };
    assert_eq!(usage(), (0, 0));
    let soa = (pool.get_soa(1), pool.get_soa(8));
    let receipts: Vec<_> = (0..3).map(|_| pool.get_receipt()).collect();
    assert_eq!(usage(), (2, 3));
    pool.clear();
    pool.reset_receipt_pool();
    assert_eq!(usage(), (2, 3));
    drop(soa);
    assert_eq!(usage(), (0, 3));
    drop(receipts);
    assert_eq!(usage(), (0, 0));
}

#[test]
fn clearing_writes_off_what_left_by_value() {
    let pool = KnhkPool::new();
    let _soa = pool.soa().acquire();
    let _receipts = [pool.receipts().acquire(), pool.receipts().acquire()];
    pool.reset_receipt_pool();
    let usage = pool.capacity_usage();
    assert_eq!((usage.soa_in_use, usage.receipts_in_use), (1, 0));
    pool.clear();
    assert_eq!(pool.capacity_usage().soa_in_use, 0);
}

#[test]
fn named_pool_lists_both_of_its_parts() {
    let pool = KnhkPool::named("etl");
    drop(pool.get_soa(3));
    drop((pool.get_receipt(), pool.get_receipt()));
    let hits = |name: &str| {
        let snapshot = snapshot();
        let pool = snapshot
            .pools
            .iter()
            .find(|pool| pool.name == name)
            .expect("listed");
        (pool.stats.hits, pool.stats.capacity)
    };
    assert_eq!(
        (hits("etl.soa"), hits("etl.receipts")),
        ((1, 16), (2, 1024))
    );
}
