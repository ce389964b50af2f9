//! The promises of `ObjectPool` and `HeapObjectPool`.

mod allocation;
#[path = "../armed/mod.rs"]
mod armed;
mod listed;
mod model;
#[path = "../reuse/mod.rs"]
mod reuse;
mod user_code;

use std::collections::HashSet;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::fmt;
use std::mem;

use knhk_pool::{HeapObjectPool, ObjectPool, PoolError, Pooled, Reset};

/// Shows whether it was reset, and which one it is.
#[derive(Debug, Default, PartialEq)]
struct Numbered {
    number: usize,
    resets: usize,
    dirty: bool,
}

impl Reset for Numbered {
    fn reset(&mut self) {
        self.resets += 1;
        self.dirty = false;
    }
}

fn numbered(capacity: usize) -> HeapObjectPool<Numbered> {
    let mut numbers = 0..;
    HeapObjectPool::new(capacity, || {
        let number = numbers.next().expect("endless");
        Numbered {
            number,
            ..Numbered::default()
        }
    })
}

#[test]
fn exhausted_pool_refuses_and_says_which_and_how_many() {
    let pool: ObjectPool<String, 2> = ObjectPool::named("refusing", String::new);
    let _both = (pool.get().unwrap(), pool.get().unwrap());
    assert!(pool.is_empty());
    let refused = pool.get().expect_err("both are lent");
    assert_eq!(
        refused,
        PoolError::Exhausted {
            pool: "refusing",
            capacity: 2
        }
    );
    assert_eq!(pool.acquire(), None);
    assert_eq!((pool.stats().hits, pool.stats().exhausted), (2, 2));
    assert_eq!(pool.stats().hit_rate(), Some(0.5));
}

#[test]
fn early_return_gives_the_slot_back() {
    fn fails(pool: &HeapObjectPool<Numbered>) -> Result<(), std::num::ParseIntError> {
        let mut object = pool
            .get()
            .expect("never exhausted: each failure gives it back");
        object.dirty = true;
        object.number = "not a number".parse()?;
        Ok(())
    }
    let pool = numbered(1);
    for _ in 0..16 {
        fails(&pool).unwrap_err();
    }
    assert_eq!((pool.available(), pool.in_use()), (1, 0));
    assert!(!pool.get().unwrap().dirty);
}

#[test]
fn last_released_is_handed_out_first() {
    let pool = numbered(3);
    let [a, b, c] = [(); 3].map(|()| pool.get().unwrap());
    let order = [b.number, c.number, a.number];
    drop(a);
    drop(c);
    drop(b);
    let again = [(); 3].map(|()| pool.get().unwrap());
    assert_eq!(again.map(|object| object.number), order);
}

#[test]
fn release_resets_and_keeps_what_was_allocated() {
    let pool: ObjectPool<Vec<u8>, 1> = ObjectPool::with_default();
    pool.get().unwrap().extend_from_slice(&[7; 100]);
    let bytes = pool.get().unwrap();
    assert!(bytes.is_empty() && bytes.capacity() >= 100);
}

#[test]
fn collections_and_options_come_back_empty() {
    fn assert_emptied<T: Default + Reset + PartialEq + fmt::Debug>(full: T) {
        let pool: HeapObjectPool<T> = HeapObjectPool::with_default(1);
        *pool.get().unwrap() = full;
        assert_eq!(*pool.get().unwrap(), T::default());
    }
    assert_emptied(BTreeMap::from([(1, 2)]));
    assert_emptied(BTreeSet::from([1]));
    assert_emptied(Some(1));
    let heaps: HeapObjectPool<BinaryHeap<u8>> = HeapObjectPool::with_default(1);
    heaps.get().unwrap().extend([3; 100]);
    let heap = heaps.get().unwrap();
    assert!(heap.is_empty() && heap.capacity() >= 100);
}

#[test]
fn objects_lent_stay_where_they_are_and_never_overlap() {
    #[repr(align(128))]
    struct Wide([u8; 256]);
    impl Reset for Wide {
        fn reset(&mut self) {}
    }
    let pool = HeapObjectPool::new(4, || Wide([0; 256]));
    let lent: Vec<_> = (0..4).map(|_| pool.get().unwrap()).collect();
    let address = |object: &Pooled<'_, Wide>| object.0.as_ptr().addr();
    let mut first: Vec<usize> = lent.iter().map(address).collect();
    drop(lent);
    let lent: Vec<_> = (0..4).map(|_| pool.get().unwrap()).collect();
    let mut second: Vec<usize> = lent.iter().map(address).collect();
    first.sort_unstable();
    second.sort_unstable();
    if reuse::memory_is_reused() {
        assert_eq!(first, second);
    }
    assert!(first.iter().all(|start| start % 128 == 0));
    assert!(first.windows(2).all(|pair| pair[1] - pair[0] >= 256));
}

#[test]
fn guards_can_all_be_written_through_at_once() {
    let pool = numbered(3);
    let mut lent = [(); 3].map(|()| pool.get().unwrap());
    for (index, object) in lent.iter_mut().enumerate() {
        object.number = 100 + index;
    }
    drop(pool.get());
    assert_eq!(lent.each_ref().map(|object| object.number), [100, 101, 102]);
}

#[test]
fn object_taken_by_value_is_in_use_until_one_is_released() {
    let pool = numbered(2);
    let mut taken = pool.acquire().unwrap();
    taken.dirty = true;
    assert_eq!((pool.in_use(), pool.available()), (1, 1));
    assert_eq!(pool.release(taken), Ok(()));
    assert_eq!((pool.in_use(), pool.available()), (0, 2));
    let object = pool.get().unwrap();
    assert_eq!((object.dirty, object.resets), (false, 1));
}

#[test]
fn surplus_object_is_handed_back_untouched() {
    let pool = numbered(1);
    let surplus = || Numbered {
        dirty: true,
        ..Numbered::default()
    };
    assert_eq!(
        pool.release(surplus()),
        Err(surplus()),
        "the only place is idle"
    );
    let lent = pool.get().unwrap();
    assert_eq!(
        pool.release(surplus()),
        Err(surplus()),
        "the only place is lent"
    );
    drop(lent);
    assert_eq!((pool.in_use(), pool.available()), (0, 1));
}

#[test]
fn foreign_object_takes_one_place_and_the_count_never_underflows() {
    let pool = numbered(2);
    let own = pool.acquire().unwrap();
    assert_eq!(
        pool.release(Numbered {
            number: 99,
            ..Numbered::default()
        }),
        Ok(())
    );
    assert_eq!(pool.in_use(), 0);
    assert_eq!(
        pool.release(own).map_err(|own| own.number),
        Err(1),
        "its place is filled"
    );
    assert_eq!((pool.in_use(), pool.available()), (0, 2));
    assert_eq!(pool.get().unwrap().number, 99);
}

#[test]
fn high_water_is_the_most_that_was_in_use_at_once() {
    let pool = numbered(4);
    assert_eq!(pool.high_water(), 0);
    let two = (pool.get(), pool.acquire());
    assert_eq!(pool.high_water(), 2);
    drop(two.0);
    drop(pool.get());
    assert_eq!((pool.high_water(), pool.stats().high_water), (2, 2));
    let _three = (pool.get(), pool.get());
    assert_eq!(pool.high_water(), 3);
}

#[test]
fn clear_resets_every_idle_object_once_and_leaves_lent_ones_alone() {
    let pool = numbered(5);
    let mut lent = pool.get().unwrap();
    lent.dirty = true;
    pool.clear();
    assert!(lent.dirty);
    assert_eq!((pool.in_use(), pool.available()), (1, 4));
    let mut idle: Vec<_> = (0..4).map(|_| pool.get().unwrap()).collect();
    idle.sort_by_key(|object| object.number);
    assert!(idle.iter().all(|object| object.resets == 1));
    assert!(idle.windows(2).all(|pair| pair[0].number < pair[1].number));
}

#[test]
fn clear_writes_off_what_was_taken_by_value() {
    let pool = numbered(2);
    let taken = pool.acquire().unwrap();
    pool.clear();
    let stats = pool.stats();
    assert_eq!((stats.detached, stats.in_use, stats.idle), (1, 0, 1));
    assert_eq!(pool.release(taken), Ok(()), "its place is still empty");
    let stats = pool.stats();
    assert_eq!(
        (stats.detached, stats.released, stats.in_use, stats.idle),
        (1, 0, 0, 2)
    );
}

#[test]
fn pool_without_places_is_always_exhausted() {
    let typed: ObjectPool<Numbered, 0> = ObjectPool::new(|| unreachable!("nothing to make"));
    let told = HeapObjectPool::<Numbered>::new(0, || unreachable!("nothing to make"));
    for pool in [&*typed, &told] {
        assert!(pool.get().is_err() && pool.acquire().is_none() && pool.is_empty());
        assert_eq!(pool.release(Numbered::default()), Err(Numbered::default()));
        pool.clear();
        assert_eq!(
            (pool.capacity(), pool.in_use(), pool.stats().exhausted),
            (0, 0, 2)
        );
    }
}

#[test]
fn zero_sized_objects_are_made_reset_and_dropped_one_by_one() {
    use std::cell::Cell;
    thread_local! { static DROPPED: Cell<usize> = const { Cell::new(0) } }
    struct Token;
    impl Reset for Token {
        fn reset(&mut self) {}
    }
    impl Drop for Token {
        fn drop(&mut self) {
            DROPPED.set(DROPPED.get() + 1);
        }
    }
    let pool: ObjectPool<Token, 3> = ObjectPool::new(|| Token);
    let held = [(); 3].map(|()| pool.get().unwrap());
    assert!(pool.get().is_err());
    drop(held);
    drop(pool.acquire());
    assert_eq!(DROPPED.get(), 1);
    drop(pool);
    assert_eq!(DROPPED.get(), 3);
}

#[test]
fn pool_works_on_after_it_was_moved() {
    let pool = numbered(2);
    drop(pool.get());
    let boxed = Box::new(pool);
    let first = boxed.get().unwrap().number;
    let pool = *boxed;
    assert_eq!(pool.get().unwrap().number, first);
    let moved = std::thread::spawn(move || {
        drop(pool.get());
        pool
    });
    let pool = moved.join().unwrap();
    assert_eq!((pool.stats().hits, pool.stats().released), (4, 4));
}

#[test]
fn forgotten_guard_costs_its_place_and_nothing_else() {
    let pool = numbered(2);
    mem::forget(pool.get().unwrap());
    for _ in 0..3 {
        let _other = pool.get().unwrap();
        assert!(pool.get().is_err());
    }
    let pool = Box::new(pool); // the forgotten object moves nowhere
    assert_eq!((pool.in_use(), pool.available()), (1, 1));
    pool.clear();
    assert_eq!(pool.in_use(), 1);
    let stats = pool.stats();
    assert_eq!(stats.hits, stats.released + stats.in_use as u64);
}

#[test]
fn guard_is_two_words() {
    assert_eq!(size_of::<Pooled<'_, Numbered>>(), 2 * size_of::<usize>());
    assert_eq!(
        size_of::<Option<Pooled<'_, Numbered>>>(),
        2 * size_of::<usize>()
    );
}

#[test]
fn pool_debug_shows_the_figures_and_a_guard_its_object() {
    let pool: ObjectPool<String, 2> = ObjectPool::named("shown", || "text".into());
    let text = pool.get().unwrap();
    assert_eq!(format!("{text:?}"), "\"text\"");
    assert_eq!(
        format!("{pool:?}"),
        "ObjectPool { name: \"shown\", capacity: 2, available: 1, in_use: 1, .. }"
    );
}

#[test]
fn pool_of_defaults_hands_out_defaults() {
    let pool = HeapObjectPool::<Vec<u8>>::with_default(1);
    assert_eq!(pool.get().map(|object| object.len()), Ok(0));
}

#[test]
fn collections_are_emptied_and_keep_their_capacity() {
    let pool = HeapObjectPool::new(1, || Box::new(HashSet::with_capacity(9)));
    let capacity = {
        let mut words = pool.get().expect("idle");
        words.insert("stale");
        words.capacity()
    };
    let words = pool.get().expect("idle");
    assert_eq!((words.len(), words.capacity()), (0, capacity));
}

#[test]
#[should_panic(expected = "capacity overflow: 18446744073709551615 objects, of at most")]
#[cfg(target_pointer_width = "64")]
fn more_objects_than_can_be_counted_are_refused_with_their_number() {
    let _ = HeapObjectPool::new(usize::MAX, String::new);
}
