//! The promises of `ThreadObjectPool`.

#[path = "../armed/mod.rs"]
mod armed;
mod threads;
mod user_code;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use knhk_pool::{BufferPool, PoolError, PoolKind, PoolStats, Pooled};
use knhk_pool::{Reset, ThreadObjectPool, snapshot};

/// How many objects there are: made, and dropped.
#[derive(Default)]
struct Census {
    made: AtomicUsize,
    dropped: AtomicUsize,
}

impl Census {
    fn made(&self) -> usize {
        self.made.load(Ordering::Relaxed)
    }

    fn living(&self) -> usize {
        self.made() - self.dropped.load(Ordering::Relaxed)
    }
}

/// A counted object.
struct Citizen {
    number: usize,
    dirty: bool,
    /// What its next reset does besides.
    on_reset: Option<fn()>,
    on_drop: Option<fn()>,
    census: Arc<Census>,
}

impl Reset for Citizen {
    fn reset(&mut self) {
        self.dirty = false;
        self.on_reset.take().into_iter().for_each(|act| act());
    }
}

impl Drop for Citizen {
    fn drop(&mut self) {
        self.census.dropped.fetch_add(1, Ordering::Relaxed);
        self.on_drop.into_iter().for_each(|act| act());
    }
}

type Make = Box<dyn Fn() -> Citizen + Send + Sync>;
type Pool = ThreadObjectPool<Citizen, Make>;

fn pool_of(name: &'static str, capacity: usize) -> (Pool, Arc<Census>) {
    let census = Arc::<Census>::default();
    let theirs = Arc::clone(&census);
    let make = move || Citizen {
        number: theirs.made.fetch_add(1, Ordering::Relaxed),
        dirty: false,
        on_reset: None,
        on_drop: None,
        census: Arc::clone(&theirs),
    };
    (
        ThreadObjectPool::new(name, capacity, Box::new(make)),
        census,
    )
}

/// A pool for threads that are not scoped: their handles can be joined, destructors included. It
/// stays reachable, so that it is no leak.
fn leaked(name: &'static str, capacity: usize) -> (&'static Pool, Arc<Census>) {
    static KEPT: Mutex<Vec<&'static Pool>> = Mutex::new(Vec::new());
    let (pool, census) = pool_of(name, capacity);
    let pool: &'static Pool = Box::leak(Box::new(pool));
    let mut kept = KEPT.lock().expect("no test panics while it holds this");
    kept.push(pool);
    (pool, census)
}

fn assert_balanced(stats: &PoolStats) {
    let gone = stats.released + stats.freed + stats.detached;
    assert_eq!(stats.hits, gone + stats.in_use as u64, "{stats:?}");
}

#[test]
fn nothing_is_made_before_the_first_use_and_then_all_of_this_threads() {
    let (pool, census) = pool_of("first-use", 3);
    assert_eq!((pool.stats(), census.made()), (PoolStats::default(), 0));
    drop(pool.get());
    assert_eq!(census.made(), 3);
    let stats = pool.stats();
    assert_eq!((stats.hits, stats.released, stats.idle), (1, 1, 3));
    assert_eq!((stats.capacity, stats.threads, stats.in_use), (3, 1, 0));
    assert!(stats.bytes >= 3 * size_of::<Citizen>());
}

#[test]
fn warm_up_makes_them_earlier() {
    let (pool, census) = pool_of("warm-up", 3);
    pool.warm_up();
    pool.warm_up();
    assert_eq!((census.made(), pool.stats().hits), (3, 0));
}

#[test]
fn what_was_released_last_is_handed_out_first_and_in_order() {
    let (pool, _) = pool_of("order", 3);
    let mut first = pool.get().expect("three are idle");
    let _second = pool.get().expect("two are idle");
    first.dirty = true;
    let number = first.number;
    drop(first);
    let again = pool.get().expect("two are idle");
    assert_eq!((again.number, again.dirty), (number, false));
}

#[test]
fn exhausted_pool_refuses_says_how_many_and_counts() {
    let (pool, _) = pool_of("refusing", 2);
    let _both = (pool.get().expect("idle"), pool.get().expect("idle"));
    let refused = pool.get().err();
    let wanted = PoolError::Exhausted {
        pool: "refusing",
        capacity: 2,
    };
    assert_eq!(refused, Some(wanted));
    assert!(pool.acquire().is_none());
    let stats = pool.stats();
    assert_eq!((stats.hits, stats.exhausted, stats.high_water), (2, 2, 2));
}

#[test]
fn pool_without_places_refuses_and_makes_nothing() {
    let (pool, census) = pool_of("no-places", 0);
    assert!(pool.get().is_err() && pool.acquire().is_none());
    assert_eq!((census.made(), pool.stats().exhausted), (0, 2));
}

#[test]
fn zero_sized_objects_are_counted_as_any_other() {
    #[derive(Debug, PartialEq)]
    struct Nothing;
    impl Reset for Nothing {
        fn reset(&mut self) {}
    }
    static POOL: ThreadObjectPool<Nothing> = ThreadObjectPool::new("nothing", 2, || Nothing);
    let (one, two) = (POOL.get(), POOL.acquire());
    assert!(one.is_ok() && POOL.get().is_err());
    assert_eq!(POOL.release(two.expect("two are idle")), Ok(()));
    assert_eq!(POOL.stats().in_use, 1);
}

#[test]
fn value_is_taken_and_given_back_and_a_surplus_one_is_handed_back() {
    let (pool, census) = pool_of("by-value", 1);
    assert!(
        pool.release(Pool::acquire(&pool_of("foreign", 1).0).expect("idle"))
            .is_err()
    );
    let mut value = pool.acquire().expect("one is idle");
    value.dirty = true;
    assert_eq!((pool.stats().in_use, pool.stats().idle), (1, 0));
    assert!(pool.release(value).is_ok());
    assert!(!pool.get().expect("it is back").dirty);
    let (other, _) = pool_of("other", 1);
    let foreign = other.acquire().expect("one is idle");
    let foreign = pool.release(foreign).expect_err("no place wants it");
    assert!(other.release(foreign).is_ok());
    assert_eq!(census.living(), 1);
    assert_balanced(&pool.stats());
}

#[test]
fn release_on_a_thread_that_never_asked_makes_nothing() {
    let (pool, census) = pool_of("never-asked", 2);
    let value = pool.acquire().expect("two are idle");
    let back = thread::scope(|scope| {
        let thread = scope.spawn(|| pool.release(value).err());
        thread.join().expect("no panic")
    });
    assert_eq!(census.made(), 2);
    assert!(pool.release(back.expect("handed back")).is_ok());
    assert_eq!((pool.stats().threads, pool.stats().in_use), (1, 0));
}

#[test]
fn pool_is_listed_from_its_first_use_on_and_its_totals_outlive_it() {
    let listed = || {
        let pools = snapshot().pools.into_iter();
        let mut named = pools.filter(|pool| pool.name == "listed-by-thread");
        named.next().map(|pool| (pool.kind, pool.stats))
    };
    let pool: ThreadObjectPool<Vec<u8>> = ThreadObjectPool::new("listed-by-thread", 2, Vec::new);
    assert!(listed().is_none());
    drop(pool.get());
    let (kind, stats) = listed().expect("it was used");
    assert_eq!((kind, stats), (PoolKind::Object, pool.stats()));
    std::mem::forget(pool.get());
    drop(pool);
    let (_, stats) = listed().expect("totals stay");
    assert_eq!((stats.hits, stats.released, stats.detached), (2, 1, 1));
    assert_eq!((stats.idle, stats.bytes, stats.threads), (0, 0, 0));
}

#[test]
fn many_pools_of_both_kinds_keep_their_own() {
    const POOLS: usize = if cfg!(miri) { 9 } else { 20 };
    let objects: Vec<_> = (0..POOLS).map(|_| pool_of("many-objects", 2)).collect();
    let build = |_| {
        let builder = BufferPool::builder("many-buffers").pool_size(2);
        builder.buffer_size(256).build().expect("in range")
    };
    let buffers: Vec<_> = (0..POOLS).map(build).collect();
    for _ in 0..3 {
        for ((pool, census), buffers) in objects.iter().zip(&buffers) {
            let mut buffer = buffers.acquire();
            let citizen = pool.get().expect("two are idle");
            buffer.extend_from_slice(&[7; 64]);
            assert!(Arc::ptr_eq(&citizen.census, census));
            assert_eq!(buffer[..], [7; 64]);
        }
    }
    for ((pool, census), buffers) in objects.iter().zip(&buffers) {
        assert_eq!((pool.stats().hits, census.made()), (3, 2));
        assert_eq!((buffers.stats().hits, buffers.stats().misses), (3, 0));
    }
}

#[test]
#[cfg(any(debug_assertions, feature = "allocation-tracking"))]
fn first_use_in_a_section_is_permitted() {
    let (pool, census) = pool_of("in-a-section", 4);
    let section = knhk_pool::HotPathGuard::enter("first use of objects");
    drop(pool.get());
    drop(section);
    assert_eq!(census.made(), 4);
}

#[test]
#[cfg(feature = "allocation-tracking")]
fn after_that_nothing_is_allocated_whatever_is_asked() {
    let (pool, _) = pool_of("frugal-objects", 2);
    pool.warm_up();
    knhk_pool::hot_path::assert_no_alloc(|| {
        for _ in 0..if cfg!(miri) { 10 } else { 100_000 } {
            let lent = pool.get();
            let value = pool.acquire();
            assert!(pool.get().is_err());
            assert!(value.is_some_and(|value| pool.release(value).is_ok()));
            drop(lent);
        }
    });
    assert_eq!(pool.stats().idle, 2);
}
