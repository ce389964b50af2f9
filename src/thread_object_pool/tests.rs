//! What a pool does not show: that a thread finds its objects without a search.

use super::*;

#[test]
fn objects_of_a_thread_that_has_used_the_pool_are_found_at_once() {
    let pool = ThreadObjectPool::new("found-at-once", 2, Vec::<u8>::new);
    assert_eq!((pool.name(), pool.capacity()), ("found-at-once", 2));
    assert!(pool.here().is_none() && pool.ready().is_none());
    let first = pool.get().expect("two are made");
    assert!(pool.here().is_some() && pool.ready().is_some());
    let second = pool.get().expect("one is idle");
    assert!(pool.ready().is_none(), "all are in use");
    drop((first, second));
    assert!(pool.ready().is_some());
}
