//! The address is aligned, whatever was allocated before.

use knhk_pool::Arena;

use crate::{address, layout};

#[test]
fn each_alignment_up_to_a_page_and_beyond_holds_after_a_byte() {
    let arena = Arena::with_capacity(40_000);
    for align in (0..=13).map(|power| 1_usize << power) {
        arena.alloc(1_u8);
        let part = arena.alloc_layout(layout(3, align));
        assert_eq!((address(part) % align, part.len()), (0, 3), "{align}");
    }
}

#[test]
fn alignment_beyond_the_chunks_own_is_found_in_it() {
    let arena = Arena::with_capacity(4 << 14);
    arena.alloc(1_u8);
    let part = arena.alloc_layout(layout(1, 1 << 14));
    assert_eq!(address(part) % (1 << 14), 0);
    assert!(arena.remaining() < (4 << 14) - 1);
}

#[test]
fn alignment_beyond_what_the_chunk_has_is_refused() {
    let arena = Arena::with_capacity(100);
    assert!(
        arena
            .try_alloc_layout(layout(1, 1 << (usize::BITS - 2)))
            .is_err()
    );
    assert_eq!(arena.remaining(), 100);
}

#[test]
fn numbers_are_aligned_by_address() {
    let arena = Arena::with_capacity(1000);
    macro_rules! check {
        ($($number:ty)*) => {$(
            arena.alloc(1_u8);
            let place = arena.alloc::<$number>(3 as $number);
            assert_eq!((address(place) % align_of::<$number>(), *place), (0, 3 as $number));
        )*};
    }
    check!(u8 u16 u32 u64 u128 f32 f64 usize);
}

#[repr(align(64))]
struct Line([u8; 64]);

#[repr(align(4096))]
#[derive(Default)]
struct Page(u8);

#[test]
fn types_of_a_line_and_of_a_page_are_aligned() {
    let arena = Arena::with_capacity(16_384);
    arena.alloc(1_u8);
    let line = arena.alloc(Line([0; 64]));
    assert_eq!((address(line) % 64, line.0), (0, [0; 64]));
    let pages = arena.alloc_slice::<Page>(2);
    assert_eq!((address(pages) % 4096, pages[1].0), (0, 0));
}

// Miri's symbolic check of alignment allows no more than the chunk was asked to have, whatever the address.
#[cfg(not(miri))]
#[repr(align(16384))]
struct Beyond(u64);

#[cfg(not(miri))]
#[test]
fn value_of_an_alignment_beyond_the_chunks_own_is_aligned() {
    // Live side by side, so that not every chunk begins at such an address by chance.
    let arenas: Vec<Arena> = (0..8).map(|_| Arena::with_capacity(17 << 12)).collect();
    for arena in &arenas {
        arena.alloc(1_u8);
        let place = arena.alloc(Beyond(7));
        assert_eq!((address(place) % (1 << 14), place.0), (0, 7));
    }
}

#[test]
fn padding_is_what_alignment_needs_and_no_more() {
    let arena = Arena::with_capacity(1024);
    let mut used = Vec::new();
    for (bytes, align) in [(1, 1), (1, 8), (1, 4), (4, 4), (8, 8)] {
        arena.alloc_layout(layout(bytes, align));
        used.push(arena.stats().in_use);
    }
    // Downwards from 1024: at 1023, 1016, 1012, 1008, 1000.
    assert_eq!(used, [1, 8, 12, 16, 24]);
}

#[test]
fn slice_after_a_byte_is_aligned_and_holds_what_is_written() {
    let arena = Arena::with_capacity(1000);
    arena.alloc(1_u8);
    let numbers = arena.alloc_slice::<f64>(100);
    assert_eq!(address(numbers) % align_of::<f64>(), 0);
    for (n, number) in numbers.iter_mut().enumerate() {
        assert_eq!(*number, 0.0);
        *number = n as f64;
    }
    assert_eq!(numbers.iter().sum::<f64>(), 4950.0);
}

#[test]
fn slices_have_the_length_asked_for_in_every_type() {
    let arena = Arena::with_capacity(1000);
    assert_eq!(arena.alloc_slice::<u8>(10).len(), 10);
    assert_eq!(arena.alloc_slice::<u32>(20).len(), 20);
    assert_eq!(arena.alloc_slice::<f32>(30).len(), 30);
    assert_eq!(arena.alloc_slice::<u64>(40).len(), 40);
    let to_a_u64 = align_of::<u64>() - 4;
    assert_eq!(arena.stats().in_use, 10 + 2 + 80 + 120 + to_a_u64 + 320);
}
