//! Closures, copies and iterators; and what becomes of the arena when they panic or allocate.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use knhk_pool::{Arena, ArenaError, ArenaOverflow};

use crate::address;

#[test]
fn value_made_in_place_may_allocate_itself() {
    struct List<'a> {
        head: u32,
        tail: Option<&'a List<'a>>,
    }
    let arena = Arena::with_capacity(1000);
    let list = arena.alloc_with(|| List {
        head: 1,
        tail: Some(arena.alloc_with(|| List {
            head: 2,
            tail: None,
        })),
    });
    let tail = list.tail.expect("a tail");
    assert_eq!((list.head, tail.head, tail.tail.is_none()), (1, 2, true));
    assert!(address(tail) < address(list));
}

#[test]
fn maker_is_not_called_where_there_is_no_room() {
    let arena = Arena::with_capacity(3);
    let called = Cell::new(0);
    let make = || called.set(called.get() + 1);
    assert!(
        arena
            .try_alloc_with(|| {
                make();
                1_u32
            })
            .is_err()
    );
    assert!(
        arena
            .try_alloc_slice_with(2, |_| {
                make();
                1_u16
            })
            .is_err()
    );
    assert_eq!((called.get(), arena.remaining()), (0, 3));
}

#[test]
fn panic_of_a_maker_costs_its_place_and_nothing_else() {
    let mut arena = Arena::with_capacity(100);
    let before = arena.alloc(7_u8);
    for n in 0..4 {
        let make = |index: usize| {
            if index == n {
                panic!("{n}")
            } else {
                index as u8
            }
        };
        assert!(catch_unwind(AssertUnwindSafe(|| arena.alloc_slice_with(4, make))).is_err());
    }
    assert!(
        catch_unwind(AssertUnwindSafe(
            || *arena.alloc_with(|| -> u8 { panic!("x") })
        ))
        .is_err()
    );
    assert_eq!((*before, arena.alloc_slice::<u8>(8).len()), (7, 8));
    assert_eq!(arena.stats().in_use, 1 + 4 * 4 + 1 + 8);
    arena.reset();
    assert_eq!(arena.remaining(), 100);
}

#[test]
fn slices_are_made_by_index_copied_and_defaulted() {
    let arena = Arena::with_capacity(1000);
    assert_eq!(arena.alloc_slice_with(4, |n| n * n), [0, 1, 4, 9]);
    assert_eq!(arena.alloc_slice_copy(&[1.5, 2.5]), [1.5, 2.5]);
    assert_eq!(arena.alloc_slice::<Option<u32>>(3), [None; 3]);
    let text = arena.alloc_str("grün");
    text.make_ascii_uppercase();
    assert_eq!(text, "GRüN");
}

#[test]
fn fresh_memory_is_not_the_last_owners() {
    let mut arena = Arena::with_capacity(64);
    arena.alloc_slice_with(64, |_| 0xAA_u8);
    arena.reset();
    assert_eq!(arena.alloc_slice::<u8>(64), [0; 64]);
}

#[test]
fn iterators_of_any_length_fill_a_slice() {
    for len in [0, 1, 3, 4, 5, 64, 100] {
        let arena = Arena::with_capacity(4000);
        let expected: Vec<u32> = (0..len).collect();
        assert_eq!(arena.alloc_from_iter(0..len), expected, "exact");
        let unsized_hint = (0..2 * len).filter(|n| n % 2 == 0).map(|n| n / 2);
        assert_eq!(arena.alloc_from_iter(unsized_hint), expected, "unknown");
        assert_eq!(
            arena.stats().in_use,
            2 * 4 * len as usize,
            "nothing is left over"
        );
    }
}

/// An iterator that says something else than it does.
struct Liar(usize, (usize, Option<usize>));

impl Iterator for Liar {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        self.0 = self.0.checked_sub(1)?;
        Some(self.0 as u16)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.1
    }
}

#[test]
fn iterators_that_lie_of_their_length_are_heard_out() {
    let arena = Arena::with_capacity(1000);
    assert_eq!(
        arena.alloc_from_iter(Liar(5, (0, Some(0)))),
        [4, 3, 2, 1, 0]
    );
    assert_eq!(arena.alloc_from_iter(Liar(2, (400, Some(400)))), [1, 0]);
    assert_eq!(arena.stats().in_use, 14);
    let error = arena
        .try_alloc_from_iter(Liar(2, (usize::MAX, None)))
        .unwrap_err();
    assert_eq!(error, ArenaError::TooLarge);
}

#[test]
fn iterator_may_allocate_from_the_arena_that_it_fills() {
    let arena = Arena::with_capacity(4000);
    let words = ["to", "be", "or", "not", "to", "be", "that", "is"];
    let unknown = words.iter().filter(|word| !word.is_empty());
    let copies: &mut [&mut str] = arena.alloc_from_iter(unknown.map(|word| arena.alloc_str(word)));
    assert_eq!(copies, words);
}

#[test]
fn iterator_that_panics_or_finds_no_room_gives_its_place_back() {
    let arena = Arena::with_capacity(100);
    let panics = (0..50_u32).filter(|n| if *n == 9 { panic!("nine") } else { true });
    assert!(catch_unwind(AssertUnwindSafe(|| arena.alloc_from_iter(panics).len())).is_err());
    assert_eq!(arena.remaining(), 100);
    let error = arena.try_alloc_from_iter((0..50_u32).filter(|_| true));
    assert!(matches!(error, Err(ArenaError::Full { .. })));
    assert_eq!(arena.remaining(), 100);
    // The heap takes over in the middle.
    let arena = Arena::with_capacity(100).with_overflow(ArenaOverflow::Heap);
    let expected: Vec<u32> = (0..50).collect();
    assert_eq!(arena.alloc_from_iter((0..50).filter(|_| true)), expected);
}

/// Of a length that is not known before.
fn unknown<T>(values: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
    values.filter(|_| true)
}

#[test]
fn iterator_fills_what_twice_as_much_would_not_fit_into() {
    for overflow in [
        ArenaOverflow::Error,
        ArenaOverflow::Heap,
        ArenaOverflow::Panic,
    ] {
        let arena = Arena::with_capacity(1000).with_overflow(overflow);
        let bytes = unknown((0..600).map(|n| n as u8));
        let expected: Vec<u8> = (0..600).map(|n| n as u8).collect();
        assert_eq!(arena.alloc_from_iter(bytes), expected);
        assert_eq!((arena.remaining(), arena.stats().overflows), (400, 0));
        // 391 bytes, whose end is aligned first: 97 numbers, from the first one on.
        arena.alloc_slice::<u8>(9);
        let expected: Vec<u32> = (0..97).collect();
        assert_eq!(arena.alloc_from_iter(unknown(0..97_u32)), expected);
        assert_eq!((arena.remaining(), arena.stats().overflows), (0, 0));
    }
}

#[test]
fn iterator_that_allocates_in_between_moves_into_what_is_left() {
    let arena = Arena::with_capacity(200);
    let between = |n: &u8| {
        // Behind its eighth byte the slice is not the last allocation any more.
        if *n == 8 {
            arena.alloc(0_u8);
        }
        true
    };
    let filled = arena.alloc_from_iter((0..180_u8).filter(between));
    assert_eq!(filled.len(), 180);
    assert_eq!(arena.stats().overflows, 0);
}

#[test]
fn iterator_of_one_value_more_than_fits_is_refused_once_and_gives_its_place_back() {
    let arena = Arena::with_capacity(99);
    let fills = |len: u8| {
        arena
            .try_alloc_from_iter(unknown(0..len))
            .map(|filled| filled.len())
    };
    assert!(matches!(fills(100), Err(ArenaError::Full { left: 0, .. })));
    assert_eq!((arena.remaining(), arena.stats().overflows), (99, 1));
    assert_eq!(fills(99), Ok(99));
}

#[test]
fn iterator_of_what_has_no_size_takes_nothing() {
    let arena = Arena::with_capacity(10);
    assert_eq!(arena.alloc_from_iter((0..1000).map(|_| ())).len(), 1000);
    assert_eq!(arena.remaining(), 10);
}

#[test]
fn uninitialised_slice_is_written_through_its_type() {
    let arena = Arena::with_capacity(4096);
    let places = arena.alloc_slice_uninit::<f32>(768);
    let sum: f32 = places.iter_mut().map(|place| *place.write(0.5)).sum();
    assert_eq!(sum, 384.0);
    // What needs Drop may stand in such a slice: it is the writer's to drop.
    let text = arena.alloc_slice_uninit::<String>(1);
    text[0].write("dropped by hand".into());
    // SAFETY: written above, and not read again.
    #[allow(unsafe_code)]
    unsafe {
        text[0].assume_init_drop();
    }
}
