//! A chunk that has no room: an error, the heap, or a panic; and sizes that cannot be.

use std::panic::{AssertUnwindSafe, catch_unwind};

use knhk_pool::{Arena, ArenaError, ArenaOverflow};

use crate::{address, layout, message};

#[test]
fn full_arena_refuses_and_stays_as_it_was() {
    let arena = Arena::with_capacity(100);
    arena.alloc_slice::<u8>(100);
    let error = arena.try_alloc(1_u8).unwrap_err();
    assert_eq!(
        error,
        ArenaError::Full {
            bytes: 1,
            align: 1,
            left: 0
        }
    );
    assert_eq!(
        error.to_string(),
        "the arena is full: no room for 1 bytes at alignment 1, 0 bytes are left"
    );
    let stats = arena.stats();
    assert_eq!(
        (stats.in_use, stats.allocations, stats.overflows),
        (100, 1, 1)
    );
}

#[test]
fn padding_alone_can_be_too_much() {
    let arena = Arena::with_capacity(100);
    arena.alloc_slice::<u8>(95);
    let error = arena.try_alloc_layout(layout(5, 8)).map(|_| ());
    assert_eq!(
        error,
        Ok(()),
        "downwards, 5 bytes at alignment 8 begin at 0"
    );
    let arena = Arena::with_capacity(100);
    arena.alloc_slice::<u8>(95);
    let error = arena.try_alloc_layout(layout(8, 8)).unwrap_err();
    assert_eq!(
        error,
        ArenaError::Full {
            bytes: 8,
            align: 8,
            left: 5
        }
    );
    assert_eq!(arena.remaining(), 5);
    arena.alloc_slice::<u8>(5); // what was refused has taken nothing
}

#[test]
fn sizes_at_the_border_of_the_address_space_are_refused() {
    let arena = Arena::with_capacity(128);
    arena.alloc_slice::<u8>(64);
    let sizes = (0..=64).map(|less| usize::MAX - less).chain([
        isize::MAX as usize,
        isize::MAX as usize - 7,
        1 << (usize::BITS - 2),
        1 << (usize::BITS - 1),
    ]);
    for size in sizes {
        assert!(arena.try_alloc_slice_uninit::<u8>(size).is_err(), "{size}");
        assert!(arena.try_alloc_slice_uninit::<u64>(size).is_err(), "{size}");
    }
    for bytes in [isize::MAX as usize, isize::MAX as usize - 63] {
        assert!(arena.try_alloc_layout(layout(bytes, 1)).is_err(), "{bytes}");
    }
    assert_eq!(arena.remaining(), 64);
}

#[test]
fn product_of_length_and_size_does_not_wrap() {
    let arena = Arena::with_capacity(64);
    // A quarter of all addresses and one more: as floats they are 4 bytes, if one multiplies without looking.
    let error = arena
        .try_alloc_slice::<f32>((1 << (usize::BITS - 2)) + 1)
        .unwrap_err();
    assert_eq!(error, ArenaError::TooLarge);
    assert_eq!(arena.stats().overflows, 1);
    for overflow in [ArenaOverflow::Error, ArenaOverflow::Heap] {
        let arena = Arena::with_capacity(64).with_overflow(overflow);
        let error = arena
            .try_alloc_slice_copy::<u8>(&[])
            .and_then(|_| arena.try_alloc_slice_uninit::<u64>(usize::MAX / 8 + 1));
        assert_eq!(error.unwrap_err(), ArenaError::TooLarge);
    }
}

#[test]
fn what_does_not_try_panics_with_the_error() {
    let arena = Arena::with_capacity(8);
    let panic = catch_unwind(AssertUnwindSafe(|| arena.alloc([0_u8; 9]))).unwrap_err();
    assert_eq!(
        message(panic),
        "the arena is full: no room for 9 bytes at alignment 1, 8 bytes are left"
    );
    arena.alloc([0_u8; 8]);
}

#[test]
fn panic_is_for_those_that_try_too_if_so_configured() {
    let arena = Arena::with_capacity(8).with_overflow(ArenaOverflow::Panic);
    let too_many = || drop(arena.try_alloc([0_u8; 9]));
    assert!(catch_unwind(AssertUnwindSafe(too_many)).is_err());
    let impossible = || drop(arena.try_alloc_slice_uninit::<u64>(usize::MAX));
    assert!(catch_unwind(AssertUnwindSafe(impossible)).is_err());
    assert_eq!((arena.stats().overflows, arena.remaining()), (2, 8));
}

#[test]
fn heap_serves_what_the_chunk_cannot_and_is_counted() {
    let mut arena = Arena::with_capacity(100).with_overflow(ArenaOverflow::Heap);
    let inside = arena.alloc_slice_with(90, |_| 1_u8);
    let outside = arena.alloc_slice_with(50, |n| n as u64);
    let page = arena.alloc_layout(layout(10, 4096));
    assert_eq!(address(page) % 4096, 0);
    let still_inside = arena.alloc_slice_with(10, |_| 2_u8);
    assert!(
        outside
            .iter()
            .enumerate()
            .all(|(n, number)| *number == n as u64)
    );
    assert_eq!((inside[89], still_inside[9]), (1, 2));
    let stats = arena.stats();
    assert_eq!(
        (stats.allocations, stats.overflows, stats.in_use),
        (4, 2, 100)
    );
    assert!(stats.heap_bytes >= 410, "{stats}");
    assert_eq!(stats.high_water, 100 + stats.heap_bytes);
    arena.reset();
    assert_eq!((arena.stats().heap_bytes, arena.stats().in_use), (0, 0));
    assert_eq!(arena.stats().high_water, stats.high_water);
}

#[test]
fn heap_of_an_arena_that_is_dropped_is_freed() {
    // Miri and LeakSanitizer judge.
    let arena = Arena::with_capacity(0).with_overflow(ArenaOverflow::Heap);
    for bytes in 1..20 {
        arena.alloc_slice::<u8>(bytes);
    }
}

#[test]
fn an_arena_above_the_largest_is_refused_by_size() {
    for bytes in [Arena::CAPACITY_MAX + 1, isize::MAX as usize + 1, usize::MAX] {
        let refused = Arena::try_with_capacity(bytes).unwrap_err();
        assert_eq!(refused, ArenaError::Capacity { bytes });
        let said = format!("an arena has at most 2147483647 bytes, and {bytes} were asked for");
        assert_eq!(refused.to_string(), said);
    }
}

#[test]
// In the mode poison all of it would be written to; with 32 bits it is half of all addresses.
#[cfg(all(
    target_os = "linux",
    target_pointer_width = "64",
    not(any(miri, knhk_pool = "poison"))
))]
fn the_largest_arena_can_be_had() {
    let mut same = Vec::<u8>::new();
    if same.try_reserve_exact(Arena::CAPACITY_MAX).is_err() {
        eprintln!("SKIPPED: this machine gives nobody 2 GiB of addresses");
        return;
    }
    drop(same);
    let arena = Arena::try_with_capacity(Arena::CAPACITY_MAX).expect("no page of it is touched");
    assert_eq!(arena.remaining(), Arena::CAPACITY_MAX);
}

#[test]
fn memory_that_cannot_be_had_is_an_error() {
    let arena = Arena::with_capacity(10).with_overflow(ArenaOverflow::Heap);
    let most = layout(isize::MAX as usize, 1);
    let error = arena.try_alloc_layout(most).unwrap_err();
    assert_eq!(
        error,
        ArenaError::OutOfMemory {
            bytes: isize::MAX as usize
        }
    );
    let panic = catch_unwind(AssertUnwindSafe(|| arena.alloc_layout(most).len()));
    let refused = message(panic.unwrap_err());
    let said = format!("the allocator refused {} bytes for an arena", isize::MAX);
    assert_eq!(refused, said);
    assert_eq!(arena.stats().heap_bytes, 0);
}
