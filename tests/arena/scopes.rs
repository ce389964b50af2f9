//! Scopes: what they allocate goes when they do, also by a panic, and not before.

use std::panic::{AssertUnwindSafe, catch_unwind};

use knhk_pool::{Arena, ArenaOverflow, Mark};

use crate::address;
use crate::stale::memory_given_back_stays;

#[test]
fn closure_gives_back_what_it_took_and_returns_what_it_found() {
    let mut arena = Arena::with_capacity(100);
    let sum: u32 = arena.scope(|scope| scope.alloc_slice_with(10, |n| n as u32).iter().sum());
    assert_eq!(
        (sum, arena.remaining(), arena.stats().high_water),
        (45, 100, 40)
    );
}

#[test]
fn inner_scopes_leave_what_the_outer_one_has() {
    let mut arena = Arena::with_capacity(1000);
    arena.scope(|outer| {
        let kept = outer.alloc_slice_with(10, |n| n as u8);
        let mut last = 0;
        for round in 0..3_u8 {
            last = outer.scope(|inner| {
                let place = inner.alloc_slice_with(100, |_| round);
                let deeper = inner.scope(|deepest| deepest.alloc(round) == &round);
                assert!(deeper);
                address(place)
            });
        }
        let after = outer.alloc_slice_with(100, |_| 9_u8);
        assert_eq!(address(after), last, "the inner scopes' place");
        assert_eq!(*kept, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    });
    assert_eq!(arena.stats().in_use, 0);
}

#[test]
fn mark_rewinds_on_drop_and_at_once() {
    let mut arena = Arena::with_capacity(100);
    arena.alloc(1_u8);
    let mut mark = arena.mark();
    let scope = mark.scope();
    let first = address(scope.alloc(2_u8));
    mark.rewind();
    assert_eq!(address(mark.scope().alloc(3_u8)), first);
    drop(mark);
    assert_eq!(arena.remaining(), 99);
}

#[test]
fn marks_nest_by_scopes() {
    let mut arena = Arena::with_capacity(100);
    let mut outer = arena.mark();
    let mut outer = outer.scope();
    let kept = outer.alloc(1_u8);
    {
        let mut inner = outer.mark();
        let scope = inner.scope();
        scope.alloc_slice::<u8>(50);
        *kept += 1;
    }
    outer.alloc_slice::<u8>(99);
    assert_eq!(*kept, 2);
}

#[test]
fn forgotten_mark_gives_back_with_the_scope_around_it() {
    let mut arena = Arena::with_capacity(100);
    arena.scope(|outer| {
        let mut mark: Mark<'_> = outer.mark();
        mark.scope().alloc_slice::<u8>(30);
        std::mem::forget(mark);
        assert!(outer.try_alloc_slice::<u8>(71).is_err());
        outer.alloc_slice::<u8>(70);
    });
    assert_eq!(arena.remaining(), 100);
}

#[test]
fn panic_in_a_scope_gives_back_what_it_took() {
    let mut arena = Arena::with_capacity(100).with_overflow(ArenaOverflow::Heap);
    arena.scope(|outer| {
        let kept = outer.alloc(7_u8);
        let panic = catch_unwind(AssertUnwindSafe(|| {
            outer.scope(|inner| {
                inner.alloc_slice::<u8>(90);
                inner.alloc_slice::<u8>(90);
                panic!("inside");
            });
        }));
        assert!(panic.is_err());
        assert_eq!((*kept, outer.alloc_slice::<u8>(99).len()), (7, 99));
    });
    let stats = arena.stats();
    assert_eq!((stats.in_use, stats.heap_bytes, stats.overflows), (0, 0, 1));
}

#[test]
fn heaps_part_of_an_inner_scope_is_freed_with_it() {
    let mut arena = Arena::with_capacity(10).with_overflow(ArenaOverflow::Heap);
    arena.scope(|outer| {
        let kept = outer.alloc_slice_with(100, |n| n as u8);
        outer.scope(|inner| {
            inner.alloc_slice::<u64>(100);
            inner.alloc_slice::<u64>(1000);
        });
        assert!(kept.iter().enumerate().all(|(n, byte)| *byte == n as u8));
    });
    assert_eq!(arena.stats().heap_bytes, 0);
}

#[test]
fn wiping_overwrites_what_is_given_back_and_nothing_else() {
    if !memory_given_back_stays() {
        return;
    }
    let mut arena = Arena::with_capacity(64).with_zero(true);
    let kept = |arena: &Arena| arena.alloc_slice_with(16, |_| 0xAA_u8).len();
    assert_eq!(kept(&arena), 16);
    arena.scope(|scope| scope.alloc_slice_with(48, |_| 0xBB_u8).len());
    assert_eq!(bytes_below(&arena, 48), [0; 48]);
    arena.reset();
    assert_eq!(bytes_below(&arena, 64), [0; 64]);
}

/// The next `len` bytes as they stand in the chunk: wiped, so that they may be read.
#[allow(unsafe_code)]
fn bytes_below(arena: &Arena, len: usize) -> Vec<u8> {
    let places = arena.alloc_slice_uninit::<u8>(len);
    // SAFETY: the callers have written the bytes, or the arena has wiped them.
    places
        .iter()
        .map(|place| unsafe { place.assume_init_read() })
        .collect()
}

#[test]
fn without_wiping_nothing_is_written() {
    if !memory_given_back_stays() {
        return;
    }
    let mut arena = Arena::with_capacity(64);
    arena.alloc_slice_with(64, |_| 0xAA_u8);
    arena.reset();
    assert_eq!(bytes_below(&arena, 64), [0xAA; 64]);
}

#[test]
fn two_arenas_whose_scopes_are_swapped_stay_apart() {
    let (mut first, mut second) = (Arena::with_capacity(100), Arena::with_capacity(100));
    let (mut a, mut b) = (first.mark(), second.mark());
    let (mut a, mut b) = (a.scope(), b.scope());
    let kept = (a.alloc(1_u8), b.alloc(2_u8));
    std::mem::swap(&mut a, &mut b);
    a.scope(|inner| inner.alloc_slice_with(99, |_| 3_u8).len());
    b.scope(|inner| inner.alloc_slice_with(99, |_| 4_u8).len());
    assert_eq!((*kept.0, *kept.1), (1, 2));
}
