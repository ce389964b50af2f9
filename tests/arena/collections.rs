//! `Vec` and hashbrown's maps on an arena.

use allocator_api2::boxed::Box;
use allocator_api2::vec::Vec;
use hashbrown::{DefaultHashBuilder, HashMap};
use knhk_pool::{Arena, ArenaOverflow, Scope};

use std::cell::Cell;

use crate::stale::memory_given_back_stays;

#[test]
fn vec_that_is_last_grows_where_it_is() {
    let arena = Arena::with_capacity(4096);
    let mut numbers: Vec<u32, &Arena> = Vec::new_in(&arena);
    for n in 0..512 {
        numbers.push(n);
    }
    assert!(numbers.iter().copied().eq(0..512));
    assert_eq!(arena.stats().in_use, numbers.capacity() * 4);
    numbers.truncate(100);
    numbers.shrink_to_fit();
    assert_eq!((arena.stats().in_use, numbers[99]), (400, 99));
    drop(numbers);
    assert_eq!(arena.stats().in_use, 0);
}

#[test]
fn high_water_keeps_what_a_vec_that_shrank_had() {
    let arena = Arena::with_capacity(1000);
    let mut bytes: Vec<u8, &Arena> = Vec::with_capacity_in(800, &arena);
    bytes.push(1);
    bytes.shrink_to_fit();
    assert_eq!((arena.stats().in_use, arena.stats().high_water), (1, 800));
}

#[test]
fn high_water_keeps_what_a_vec_that_went_had_beside_the_heaps() {
    let arena = Arena::with_capacity(1000).with_overflow(ArenaOverflow::Heap);
    let bytes: Vec<u8, &Arena> = Vec::with_capacity_in(1, &arena);
    let outside: Vec<u8, &Arena> = Vec::with_capacity_in(2000, &arena);
    let lent = arena.stats().heap_bytes;
    drop(Vec::<u8, &Arena>::with_capacity_in(900, &arena));
    assert_eq!(arena.stats().high_water, 901 + lent);
    drop(outside);
    drop(bytes);
    assert_eq!((arena.stats().in_use, arena.stats().heap_bytes), (0, 0));
    assert_eq!(arena.stats().high_water, 901 + lent);
}

#[test]
fn vecs_that_grow_in_turn_keep_what_they_hold() {
    let arena = Arena::with_capacity(64 << 10);
    let mut all: std::vec::Vec<Vec<usize, &Arena>> = (0..5).map(|_| Vec::new_in(&arena)).collect();
    for round in 0..200 {
        for (n, numbers) in all.iter_mut().enumerate() {
            numbers.push(round * 10 + n);
        }
    }
    for (n, numbers) in all.iter().enumerate() {
        assert!(
            numbers
                .iter()
                .copied()
                .eq((0..200).map(|round| round * 10 + n))
        );
    }
}

#[test]
fn what_a_box_holds_is_dropped() {
    struct Counts<'a>(&'a Cell<u32>);
    impl Drop for Counts<'_> {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    let (dropped, arena) = (Cell::new(0), Arena::with_capacity(96));
    drop(Box::new_in(Counts(&dropped), &arena));
    assert_eq!((dropped.get(), arena.stats().in_use), (1, 0));
}

#[test]
fn hash_map_lives_on_an_arena_and_on_a_scope() {
    let mut arena = Arena::with_capacity(256 << 10);
    arena.scope(|scope| {
        let scope: &Scope<'_> = scope;
        let mut map: HashMap<u64, &str, DefaultHashBuilder, &Scope<'_>> = HashMap::new_in(scope);
        for n in 0..500 {
            map.insert(n, scope.alloc_str("value"));
        }
        for n in (0..500).step_by(2) {
            map.remove(&n);
        }
        map.shrink_to_fit();
        assert_eq!(map.len(), 250);
        assert!((0..500).all(|n| map.get(&n).is_some() == (n % 2 == 1)));
    });
    assert_eq!(arena.stats().in_use, 0);
}

#[test]
fn full_arena_is_an_allocation_error() {
    let arena = Arena::with_capacity(100);
    let mut numbers: Vec<u64, &Arena> = Vec::new_in(&arena);
    assert!(numbers.try_reserve(13).is_err());
    assert!(numbers.try_reserve(12).is_ok());
}

#[test]
fn heaps_block_is_freed_when_it_is_the_last() {
    let arena = Arena::with_capacity(8).with_overflow(ArenaOverflow::Heap);
    let mut numbers: Vec<u64, &Arena> = Vec::with_capacity_in(100, &arena);
    numbers.extend(0..1000);
    assert!(numbers.iter().copied().eq(0..1000));
    assert!(arena.stats().heap_bytes >= 8000);
    let before = arena.stats().heap_bytes;
    drop(numbers);
    assert!(arena.stats().heap_bytes <= before - 8000);
}

#[test]
fn alignment_survives_growing_and_shrinking() {
    #[repr(align(256))]
    #[derive(Clone, Copy, PartialEq, Debug)]
    struct Wide(u8);
    let arena = Arena::with_capacity(64 << 10);
    let mut wide: Vec<Wide, &Arena> = Vec::new_in(&arena);
    for n in 0..40 {
        arena.alloc(1_u8); // so that it is never the last
        wide.push(Wide(n));
        if n % 7 == 0 {
            wide.shrink_to_fit();
        }
        assert_eq!(wide.as_ptr().addr() % 256, 0);
    }
    assert!(wide.iter().zip(0..).all(|(wide, n)| *wide == Wide(n)));
}

#[test]
fn wiping_arena_wipes_what_a_vec_gives_back() {
    if !memory_given_back_stays() {
        return;
    }
    let arena = Arena::with_capacity(64).with_zero(true);
    let mut bytes: Vec<u8, &Arena> = Vec::with_capacity_in(64, &arena);
    bytes.resize(64, 0xAA);
    bytes.truncate(8);
    bytes.shrink_to_fit();
    assert_eq!(bytes, [0xAA; 8]);
    drop(bytes);
    let places = arena.alloc_slice_uninit::<u8>(64);
    // SAFETY: all of them were written above.
    #[allow(unsafe_code)]
    let seen: std::vec::Vec<u8> = places
        .iter()
        .map(|place| unsafe { place.assume_init() })
        .collect();
    assert_eq!(seen, [0; 64]);
}

#[test]
fn vec_on_a_scope_grows_and_shrinks_and_is_gone_with_it() {
    let mut arena = Arena::with_capacity(64 << 10);
    arena.scope(|scope| {
        let scope: &Scope<'_> = scope;
        let mut numbers: Vec<u32, &Scope<'_>> = Vec::new_in(scope);
        let mut others: Vec<u32, &Scope<'_>> = Vec::new_in(scope);
        for n in 0..512 {
            numbers.push(n);
            others.push(!n);
        }
        numbers.truncate(100);
        numbers.shrink_to_fit();
        assert!(numbers.iter().copied().eq(0..100));
        assert!(others.iter().copied().eq((0..512).map(|n: u32| !n)));
    });
    assert_eq!(arena.stats().in_use, 0);
}

#[test]
#[allow(unsafe_code)]
fn block_that_shrinks_to_a_higher_alignment_moves_with_its_bytes() {
    use allocator_api2::alloc::Allocator;
    use core::alloc::Layout;
    let arena = Arena::with_capacity(4096);
    let old = Layout::from_size_align(64, 1).expect("a layout");
    let new = Layout::from_size_align(32, 1024).expect("a layout");
    let block = (&arena).allocate(old).expect("room");
    // SAFETY: 64 bytes of its own.
    unsafe { block.cast::<[u8; 64]>().write([7; 64]) };
    arena.alloc(1_u8); // so that it is not the last
    // SAFETY: the block was allocated from the arena for `old`, and is given up.
    let moved = unsafe { (&arena).shrink(block.cast(), old, new) }.expect("room");
    assert_eq!(moved.cast::<u8>().addr().get() % 1024, 0);
    // SAFETY: 32 bytes of its own, which were copied.
    assert_eq!(unsafe { moved.cast::<[u8; 32]>().read() }, [7; 32]);
}
