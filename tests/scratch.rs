//! Scratch: 64 KiB a thread, nestable, and no byte handed out twice.

mod armed;
mod stale;

use std::panic::{AssertUnwindSafe, catch_unwind};

use knhk_pool::{Arena, ArenaError, ArenaOverflow, ScratchBuffer, scratch, snapshot};
use stale::memory_given_back_stays;

#[test]
fn scratch_has_64_kibibytes_at_each_use() {
    for _ in 0..3 {
        scratch::with(|s| {
            assert_eq!(s.alloc_slice_uninit::<f64>(8192).len() * 8, scratch::BYTES);
            let error = s.try_alloc(1_u8).unwrap_err();
            assert_eq!(
                error,
                ArenaError::Full {
                    bytes: 1,
                    align: 1,
                    left: 0
                }
            );
        });
    }
}

#[test]
fn live_slices_of_nested_uses_do_not_overlap() {
    fn fill(depth: u8) -> usize {
        scratch::with(|s| {
            let mine = s.alloc_slice_with(100, |_| depth);
            let below = if depth == 0 { 0 } else { fill(depth - 1) };
            let also_mine = s.alloc_slice_with(100, |_| depth);
            assert!(
                mine.iter()
                    .chain(also_mine.iter())
                    .all(|byte| *byte == depth)
            );
            below + mine.len() + also_mine.len()
        })
    }
    assert_eq!(fill(9), 2000);
}

#[test]
fn outer_scope_finds_no_room_while_an_inner_one_is_open() {
    scratch::with(|outer| {
        scratch::with(|inner| {
            assert_eq!(outer.try_alloc(1_u64), Err(ArenaError::Lent { bytes: 8 }));
            assert_eq!(
                ArenaError::Lent { bytes: 8 }.to_string(),
                "no room for 8 bytes: a nested use of the same thread's arena has what is left"
            );
            assert_eq!(*inner.alloc(2_u64), 2);
        });
        assert_eq!(*outer.alloc(1_u64), 1);
    });
}

#[test]
fn thread_arena_and_scratch_are_apart() {
    Arena::with_thread(|arena| {
        let a = arena.alloc(1_u8);
        scratch::with(|s| {
            let b = s.alloc(2_u8);
            let c = arena.alloc(3_u8); // not lent: another arena
            assert_eq!((*a, *b, *c), (1, 2, 3));
        });
    });
}

#[test]
fn scratch_is_listed_by_its_name() {
    scratch::with(|s| *s.alloc(1_u8));
    let snapshot = snapshot();
    let all = snapshot
        .arenas
        .iter()
        .find(|arena| arena.name == "scratch")
        .expect("listed");
    assert!(all.stats.allocations >= 1 && all.stats.arenas >= 1);
    assert_eq!(all.stats.capacity, all.stats.arenas * scratch::BYTES);
}

#[test]
fn own_scratch_nests_and_overflows_as_it_was_told() {
    let arena = Arena::with_capacity(100).with_overflow(ArenaOverflow::Heap);
    arena.alloc_slice::<u8>(50);
    let scratch = ScratchBuffer::from(arena);
    scratch.with(|outer| {
        let a = outer.alloc_slice_with(60, |_| 1_u8);
        let b = scratch.with(|inner| {
            let lent = inner.alloc_slice_with(40, |_| 2_u8);
            let heap = inner.alloc_slice_with(1000, |_| 3_u8);
            let from_outer = outer.alloc_slice_with(70, |_| 4_u8);
            assert!(lent.iter().all(|byte| *byte == 2) && heap.iter().all(|byte| *byte == 3));
            from_outer
        });
        let c = outer.alloc_slice_with(40, |_| 5_u8);
        assert!(a.iter().all(|byte| *byte == 1));
        assert!(
            b.iter().all(|byte| *byte == 4),
            "freed with the scope that asked for it"
        );
        assert!(c.iter().all(|byte| *byte == 5));
    });
    let stats = scratch.stats();
    assert_eq!(
        (stats.in_use, stats.heap_bytes, stats.capacity),
        (0, 0, 100)
    );
    assert_eq!(
        (stats.allocations, stats.overflows, stats.resets),
        (1 + 5, 2, 2)
    );
    assert!(stats.high_water >= 1100);
}

#[test]
fn own_scratch_can_be_sent_and_survives_a_panic() {
    let scratch = ScratchBuffer::new();
    let work = move || {
        let panic = catch_unwind(AssertUnwindSafe(|| {
            scratch.with(|outer| {
                outer.alloc(1_u8);
                scratch.with(|inner| {
                    inner.alloc(2_u8);
                    panic!("inside");
                })
            })
        }));
        assert!(panic.is_err());
        scratch.with(|s| s.alloc_slice_uninit::<u8>(scratch::BYTES).len())
    };
    let all = std::thread::spawn(work).join().expect("no panic");
    assert_eq!(all, scratch::BYTES);
}

#[test]
fn nested_use_is_wiped_when_it_ends() {
    if !memory_given_back_stays() {
        return;
    }
    let scratch = ScratchBuffer::from(Arena::with_capacity(64).with_zero(true));
    scratch.with(|outer| {
        scratch.with(|inner| inner.alloc_slice_with(64, |_| 0xAA_u8).len());
        let places = outer.alloc_slice_uninit::<u8>(64);
        // SAFETY: written by the inner use, and then wiped or not.
        #[allow(unsafe_code)]
        let is_zero = |place: &std::mem::MaybeUninit<u8>| unsafe { place.assume_init_read() } == 0;
        assert!(places.iter().all(is_zero));
    });
}

#[test]
fn nested_use_of_a_full_scratch_has_nothing() {
    scratch::with(|outer| {
        outer.alloc_slice_uninit::<u8>(scratch::BYTES);
        scratch::with(|inner| {
            assert!(inner.try_alloc(1_u8).is_err());
            scratch::with(|deepest| assert_eq!(*deepest.alloc(()), ()));
        });
    });
}

#[test]
fn mark_that_is_rewound_inside_a_nested_use_takes_nothing_from_it() {
    let scratch = ScratchBuffer::new();
    scratch.with(|outer| {
        let mut mark = outer.mark();
        mark.scope().alloc_slice_with(100, |_| 1_u8);
        scratch.with(|inner| {
            let theirs = inner.alloc_slice_with(100, |_| 2_u8);
            mark.rewind();
            if let Ok(mine) = mark.scope().try_alloc_slice_with(1000, |_| 3_u8) {
                mine.fill(3);
            }
            assert_eq!(theirs, [2; 100]);
        });
        assert_eq!(
            mark.scope().alloc_slice_uninit::<u8>(scratch::BYTES).len(),
            scratch::BYTES
        );
    });
}

#[test]
fn mark_that_is_dropped_inside_a_nested_use_wipes_nothing_of_it() {
    let scratch = ScratchBuffer::from(Arena::with_capacity(1000).with_zero(true));
    scratch.with(|outer| {
        let mark = outer.mark();
        scratch.with(|inner| {
            let theirs = inner.alloc_slice_with(100, |_| 2_u8);
            drop(mark);
            assert_eq!(theirs, [2; 100]);
        });
        assert_eq!(outer.alloc_slice_uninit::<u8>(1000).len(), 1000);
    });
}

#[test]
fn scope_that_ends_inside_a_nested_use_raises_no_high_water_mark() {
    let scratch = ScratchBuffer::new();
    scratch.with(|outer| {
        outer.alloc_slice::<u8>(64);
        scratch.with(|inner| {
            inner.alloc_slice::<u8>(64);
            outer.scope(|none_left| assert!(none_left.try_alloc(1_u8).is_err()));
        });
    });
    assert_eq!(scratch.stats().high_water, 128);
}

#[test]
fn high_water_keeps_what_a_scope_had_before_a_nested_use() {
    let scratch = ScratchBuffer::from(Arena::with_capacity(1000));
    scratch.with(|outer| {
        outer.scope(|scope| scope.alloc_slice::<u8>(900).len());
        scratch.with(|inner| inner.alloc_slice::<u8>(10).len());
    });
    assert_eq!(scratch.stats().high_water, 900);
}

#[test]
fn high_water_has_what_the_heap_lent_before_a_nested_use() {
    let arena = Arena::with_capacity(100).with_overflow(ArenaOverflow::Heap);
    let scratch = ScratchBuffer::from(arena);
    scratch.with(|outer| {
        outer.alloc_slice::<u8>(10);
        outer.alloc_slice::<u8>(1000);
        let lent = scratch.stats().heap_bytes;
        scratch.with(|inner| inner.alloc_slice::<u8>(50).len());
        assert_eq!(scratch.stats().high_water, 60 + lent);
        outer.scope(|scope| scope.alloc_slice::<u8>(80).len());
        assert_eq!(scratch.stats().high_water, 90 + lent);
    });
    let most = scratch.stats().high_water;
    scratch.with(|again| again.alloc_slice::<u8>(100).len());
    assert_eq!(scratch.stats().high_water, most);
}

#[test]
fn high_water_rises_again_in_the_chunk_when_the_heap_has_all_back() {
    let arena = Arena::with_capacity(2000).with_overflow(ArenaOverflow::Heap);
    let scratch = ScratchBuffer::from(arena);
    scratch.with(|outer| {
        scratch.with(|inner| inner.alloc_slice::<u8>(1990).len());
        // Nothing is left to the outer use meanwhile: the heap lends, and has it back before the nested
        // use ends.
        scratch.with(|_| outer.scope(|full| full.alloc_slice::<u8>(100).len()));
        outer.scope(|scope| scope.alloc_slice::<u8>(1999).len());
    });
    assert_eq!(scratch.stats().high_water, 1999);
}

#[test]
fn a_mark_that_outlives_a_nested_use_takes_nothing() {
    let scratch = ScratchBuffer::from(Arena::with_capacity(1000));
    scratch.with(|outer| {
        outer.alloc_slice::<u8>(100);
        let mark = scratch.with(|_nested| outer.mark());
        drop(mark);
        let stats = scratch.stats();
        assert_eq!((stats.in_use, stats.high_water), (100, 100));
        let rest = outer.try_alloc_slice::<u8>(900).map(|rest| rest.len());
        assert_eq!(rest, Ok(900));
    });
}

#[test]
fn a_new_scratch_was_never_reset_and_one_of_a_used_arena_was_once() {
    let new = ScratchBuffer::new();
    assert_eq!(new.stats().resets, 0);
    new.with(|scope| scope.alloc(1_u8).count_ones());
    assert_eq!(new.stats().resets, 1);
    let spilled = Arena::with_capacity(0).with_overflow(ArenaOverflow::Heap);
    for used in [Arena::with_capacity(10), spilled] {
        used.alloc(1_u8);
        let scratch = ScratchBuffer::from(used);
        let stats = scratch.stats();
        assert_eq!((stats.resets, stats.in_use, stats.heap_bytes), (1, 0, 0));
    }
}
