//! The scripts: one for each structure that calls the user's code.

use knhk_pool::{
    Arena, ArenaOverflow, EventRingBuffer, HeapObjectPool, ObjectPool, Reset, ThreadObjectPool,
    spsc,
};

use crate::{CALLS_LEFT, Census, Value, at_every_call, call, step};

/// What all pools of objects go through.
fn use_pool(pool: &HeapObjectPool<Value>, census: &Census) {
    step(|| drop((pool.get(), pool.get())));
    step(|| {
        let mut two = pool.get().expect("three are there, or two if one was lost");
        *two = two.clone();
    });
    step(|| {
        let taken = pool.acquire();
        drop(taken.map(|object| pool.release(object)));
    });
    step(|| drop(pool.release(census.make())));
    step(|| drop(pool.acquire()));
    // A clear that a panic has ended is gone on with by the next.
    step(|| pool.clear());
    step(|| pool.clear());
    assert_eq!(pool.in_use(), 0);
    // As many as it has places: what was lost left its place free.
    step(|| while pool.release(census.make()).is_ok() {});
}

fn assert_usable(pool: &HeapObjectPool<Value>, census: &Census) {
    CALLS_LEFT.with(|left| {
        let pending = left.take();
        while pool.release(census.make()).is_ok() {}
        assert_eq!((pool.available(), pool.in_use()), (pool.capacity(), 0));
        let all: Vec<_> = std::iter::from_fn(|| pool.get().ok()).collect();
        assert_eq!(all.len(), pool.capacity());
        drop(all);
        left.set(pending);
    });
}

#[test]
fn heap_object_pool() {
    at_every_call("HeapObjectPool", |census| {
        let pool = HeapObjectPool::new(3, || census.make());
        use_pool(&pool, census);
        assert_usable(&pool, census);
        step(|| drop(pool));
    });
}

#[test]
fn object_pool() {
    at_every_call("ObjectPool", |census| {
        let pool = ObjectPool::<_, 3>::named("user-panics", || census.make());
        use_pool(&pool, census);
        assert_usable(&pool, census);
        step(|| drop(pool));
    });
}

/// `Default` of a type that has no census to be made from.
#[test]
fn pool_of_defaults() {
    thread_local! {
        static CENSUS: Census = Census::default();
    }
    struct Defaulted(#[expect(dead_code, reason = "dropped")] Value);
    impl Default for Defaulted {
        fn default() -> Self {
            Self(CENSUS.with(Census::make))
        }
    }
    impl Reset for Defaulted {
        fn reset(&mut self) {
            call();
        }
    }
    at_every_call("ObjectPool::with_default", |_| {
        let pool = ObjectPool::<Defaulted, 3>::with_default();
        step(|| drop((pool.get(), pool.get(), pool.get(), pool.get())));
        step(|| pool.clear());
        step(|| drop(pool));
    });
    CENSUS.with(|census| assert!(census.drops().iter().all(|drops| *drops == 1)));
}

/// Counts for a thread's objects, which must be `Send`; the pool and its only thread are this one.
#[test]
fn thread_object_pool() {
    /// Never leaves the thread: the pool has one, and is dropped on it.
    struct Kept(Value);
    // SAFETY: as the line above says.
    #[allow(unsafe_code)]
    unsafe impl Send for Kept {}
    impl Reset for Kept {
        fn reset(&mut self) {
            self.0.reset();
        }
    }
    at_every_call("ThreadObjectPool", |census| {
        let pool = ThreadObjectPool::new("user-panics", 3, || Kept(census.make()));
        step(|| pool.warm_up());
        step(|| drop((pool.get(), pool.get())));
        step(|| drop(pool.acquire().map(|object| pool.release(object))));
        step(|| drop(pool.release(Kept(census.make()))));
        step(|| drop(pool.acquire()));
        step(|| drop((pool.get(), pool.get(), pool.get(), pool.get())));
        let stats = pool.stats();
        assert!(stats.in_use <= 1, "one was taken by value: {stats:?}");
        step(|| drop(pool));
    });
}

#[test]
fn event_ring_buffer() {
    at_every_call("EventRingBuffer", |census| {
        let mut ring = EventRingBuffer::<Value, 4>::new();
        for _ in 0..5 {
            step(|| drop(ring.push(census.make())));
        }
        step(|| drop(ring.push_overwriting(census.make())));
        step(|| {
            drop(ring.pop_if(|_| {
                call();
                true
            }));
        });
        step(|| {
            if let Some(front) = ring.front_mut() {
                *front = front.clone();
            }
        });
        step(|| drop(ring.pop()));
        step(|| drop(ring.push(census.make())));
        step(|| drop(ring.drain().take(1)));
        assert!(ring.is_empty(), "a drain empties it");
        for _ in 0..3 {
            step(|| drop(ring.push(census.make())));
        }
        step(|| ring.clear());
        assert!(ring.is_empty(), "and so does clear");
        for _ in 0..3 {
            step(|| drop(ring.push(census.make())));
        }
        step(|| ring.reset());
        step(|| drop(ring.push(census.make())));
        step(|| drop(ring));
    });
}

#[test]
fn channel() {
    for producer_goes_first in [true, false] {
        at_every_call("spsc::channel", |census| {
            let (mut producer, mut consumer) = spsc::channel(3);
            for _ in 0..4 {
                step(|| drop(producer.push(census.make())));
            }
            step(|| drop(consumer.pop()));
            step(|| drop(consumer.pop_batch(2).next()));
            assert!(consumer.len() <= 1, "a batch gives its slots back");
            step(|| {
                let mut batch = producer.push_batch(3);
                while batch.push(census.make()).is_ok() {}
            });
            step(|| {
                if let Some(front) = consumer.front_mut() {
                    *front = front.clone();
                }
            });
            if producer_goes_first {
                step(|| drop(producer));
                step(|| drop(consumer));
            } else {
                step(|| drop(consumer));
                step(|| drop(producer));
            }
        });
    }
}

/// More than the arena has room for.
const EVENS: usize = if cfg!(miri) { 20 } else { 150 };

/// An arena takes only what needs no drop. What was made before a panic stays as it is, and the books
/// are those of what was allocated.
#[test]
fn arena() {
    let made = |n: usize| {
        call();
        n as u32
    };
    at_every_call("Arena", |_| {
        let mut arena = Arena::with_capacity(120).with_overflow(ArenaOverflow::Heap);
        let before = arena.alloc_slice_copy(&[7_u32; 10]);
        step(|| assert_eq!(*arena.alloc_with(|| made(3)), 3));
        step(|| assert_eq!(arena.alloc_slice_with(5, made), [0, 1, 2, 3, 4]));
        step(|| {
            let some = |n: &usize| made(*n).is_multiple_of(2);
            let evens = arena.alloc_from_iter((0..2 * EVENS).filter(some));
            assert_eq!((evens.len(), evens[EVENS - 1]), (EVENS, 2 * EVENS - 2));
        });
        step(|| assert_eq!(arena.alloc_from_iter((0..4).map(made)), [0, 1, 2, 3]));
        assert_eq!(before, [7; 10]);
        step(|| arena.scope(|scope| assert_eq!(scope.alloc_slice_with(3, made), [0, 1, 2])));
        arena.reset();
        assert_eq!((arena.stats().in_use, arena.stats().heap_bytes), (0, 0));
        assert_eq!(arena.alloc_slice::<u8>(120).len(), arena.capacity());
    });
}

/// The scripts' judge: it tells a value that is kept from one that is dropped, and that from one that is
/// dropped twice.
#[test]
fn census_notices_what_is_lost_and_what_is_dropped_twice() {
    let census = Census::default();
    let kept = census.make();
    drop(census.make());
    assert_eq!(census.drops(), [0, 1]);
    let again = Value {
        number: 1,
        census: census.clone(),
    };
    drop(again);
    assert_eq!(census.drops(), [0, 2]);
    drop(kept);
    assert_eq!(census.drops(), [1, 2]);
}
