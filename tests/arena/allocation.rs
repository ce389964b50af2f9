//! What is handed out is exactly what was asked for, and nobody else's.

use knhk_pool::Arena;

use crate::{address, layout};

#[test]
fn no_bytes_take_nothing_and_are_aligned() {
    let arena = Arena::with_capacity(100);
    for align in [1, 2, 8, 64, 4096, 1 << 20] {
        let empty = arena.alloc_layout(layout(0, align));
        assert_eq!((empty.len(), address(empty) % align), (0, 0));
    }
    arena.alloc(());
    arena.alloc([0_u64; 0]);
    assert!(arena.alloc_slice::<u64>(0).is_empty());
    assert_eq!(arena.alloc_slice::<()>(1000).len(), 1000);
    assert_eq!(arena.alloc_str(""), "");
    assert_eq!((arena.remaining(), arena.stats().allocations), (100, 0));
}

#[test]
fn copies_are_what_was_copied() {
    let arena = Arena::with_capacity(100);
    let words = [1_u16, 2, 3];
    assert_eq!(arena.alloc_slice_copy(&words), words);
    assert_eq!(*arena.try_alloc_slice_copy(&words).expect("room"), words);
    assert_eq!(arena.remaining(), 100 - 12);
}

#[test]
fn one_byte_takes_one_byte() {
    let arena = Arena::with_capacity(100);
    assert_eq!(*arena.alloc(7_u8), 7);
    assert_eq!((arena.remaining(), arena.stats().in_use), (99, 1));
}

#[test]
fn bytes_in_sequence_take_their_sum() {
    let arena = Arena::with_capacity(1000);
    let mut left = vec![arena.remaining()];
    for bytes in [100, 200, 300] {
        assert_eq!(arena.alloc_slice::<u8>(bytes).len(), bytes);
        left.push(arena.remaining());
    }
    assert_eq!(left, [1000, 900, 700, 400]);
}

#[test]
fn whole_arena_can_be_taken_at_once() {
    let arena = Arena::with_capacity(1000);
    arena.alloc_slice::<u8>(1000).fill(1);
    assert_eq!(
        (arena.remaining(), arena.stats().utilization()),
        (0, Some(1.0))
    );
}

#[test]
fn exactly_what_is_left_can_be_taken() {
    let arena = Arena::with_capacity(1024);
    arena.alloc_slice::<u8>(1000);
    assert!(arena.try_alloc_slice::<u8>(25).is_err());
    arena.alloc_slice::<u8>(24);
    assert_eq!(arena.remaining(), 0);
}

#[test]
fn arena_of_no_bytes_serves_no_byte() {
    let mut arena = Arena::with_capacity(0);
    assert!(arena.try_alloc(1_u8).is_err());
    assert_eq!(*arena.alloc(()), ());
    arena.reset();
    assert_eq!((arena.capacity(), arena.stats().utilization()), (0, None));
}

#[test]
fn hundred_times_ten_bytes_fill_a_thousand() {
    let arena = Arena::with_capacity(1000);
    let parts: Vec<&mut [u8]> = (0..100_u8)
        .map(|mark| arena.alloc_slice_with(10, |_| mark))
        .collect();
    assert!((0..).zip(&parts).all(|(mark, part)| **part == [mark; 10]));
    assert_eq!(arena.remaining(), 0);
}

#[test]
fn small_and_large_in_turn_do_not_overlap() {
    let arena = Arena::with_capacity(10_000);
    let mut parts = Vec::new();
    for mark in 0..50_u8 {
        parts.push((mark, arena.alloc_slice_with(10, |_| mark)));
        parts.push((mark, arena.alloc_slice_with(100, |_| mark)));
    }
    assert!(
        parts
            .iter()
            .all(|(mark, part)| part.iter().all(|byte| byte == mark))
    );
    assert_eq!(arena.remaining(), 10_000 - 50 * 110);
}

#[test]
fn sizes_and_alignments_mixed_do_not_overlap() {
    let arena = Arena::with_capacity(10_000);
    let (mut bytes, mut words, mut longs) = (Vec::new(), Vec::new(), Vec::new());
    for n in 0..100_u8 {
        bytes.push(arena.alloc(n));
        words.push(arena.alloc(u32::from(n)));
        longs.push(arena.alloc(u64::from(n)));
    }
    let n = || 0..100_u8;
    assert!(n().zip(bytes).all(|(n, byte)| *byte == n));
    assert!(n().zip(words).all(|(n, word)| *word == u32::from(n)));
    assert!(n().zip(longs).all(|(n, long)| *long == u64::from(n)));
}

#[test]
fn reset_makes_the_same_bytes_available_again() {
    let mut arena = Arena::with_capacity(1000);
    let first = address(arena.alloc_slice::<u8>(600));
    for _ in 0..10 {
        arena.reset();
        assert_eq!(arena.remaining(), 1000);
        assert_eq!(address(arena.alloc_slice::<u8>(600)), first);
    }
}

#[test]
fn arena_can_be_sent_with_what_it_counted() {
    let arena = Arena::with_capacity(100);
    arena.alloc(1_u8);
    let seen = std::thread::spawn(move || {
        arena.alloc(2_u8);
        arena.stats().allocations
    });
    assert_eq!(seen.join().expect("no panic"), 2);
}

#[test]
fn batches_have_a_hundred_mebibytes() {
    if cfg!(miri) {
        return; // a hundred mebibytes of shadow memory
    }
    let config = knhk_pool::ArenaConfig::default().with_size(100 << 20);
    let arena = Arena::from_config(&config).expect("memory");
    let numbers = arena.alloc_slice_uninit::<u64>((100 << 20) / 8);
    assert_eq!(numbers.len(), 13_107_200);
    assert_eq!(arena.remaining(), 0);
}
