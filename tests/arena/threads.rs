//! Each thread's own arena: made at first use, nested without a byte shared, freed with the thread.

use std::cell::RefCell;
use std::panic::catch_unwind;
use std::sync::Mutex;
use std::thread;

use knhk_pool::{Arena, ArenaError, ArenaStats, snapshot};

use crate::address;

/// Tests that look at what all threads' arenas have in common do so in turn.
static ALONE: Mutex<()> = Mutex::new(());

fn all_threads() -> ArenaStats {
    let snapshot = snapshot();
    let arena = snapshot.arenas.iter().find(|arena| arena.name == "thread");
    arena.map(|arena| arena.stats).unwrap_or_default()
}

#[test]
fn thread_has_one_arena_of_a_mebibyte_that_is_empty_at_each_use() {
    let whole = || Arena::with_thread(|arena| address(arena.alloc_slice_uninit::<u8>(1 << 20)));
    let first = whole();
    assert_eq!(whole(), first, "the same chunk, all of it");
    let refused =
        Arena::with_thread(|arena| arena.try_alloc_slice_uninit::<u8>((1 << 20) + 1).err());
    assert!(matches!(refused, Some(ArenaError::Full { left, .. }) if left == 1 << 20));
}

#[test]
fn two_threads_have_two_arenas() {
    let place = |arena: &mut knhk_pool::Scope<'_>| address(arena.alloc(1_u8));
    Arena::with_thread(|arena| {
        let ours = place(arena);
        let theirs = thread::spawn(move || Arena::with_thread(place))
            .join()
            .expect("no panic");
        assert_ne!(ours, theirs);
    });
}

#[test]
fn nested_use_has_what_is_left_and_gives_it_back() {
    Arena::with_thread(|outer| {
        let kept = outer.alloc_slice_with(1000, |n| n as u32);
        for round in 0..3 {
            Arena::with_thread(|inner| {
                let mine = inner.alloc_slice_with(1000, |_| round);
                let error = outer.try_alloc(1_u8).unwrap_err();
                assert_eq!(error, ArenaError::Lent { bytes: 1 });
                Arena::with_thread(|deepest| {
                    assert!(
                        deepest
                            .alloc_slice_with(1000, |_| 9_u8)
                            .iter()
                            .all(|n| *n == 9)
                    );
                    assert!(inner.try_alloc(1_u8).is_err());
                });
                assert!(mine.iter().all(|n| *n == round));
            });
        }
        assert!((0..).zip(&*kept).all(|(n, kept)| *kept == n));
        outer.alloc_slice_uninit::<u8>((1 << 20) - 4000);
    });
}

#[test]
fn mark_that_is_made_in_a_nested_use_and_outlives_it_gives_all_of_it_back() {
    Arena::with_thread(|outer| {
        outer.alloc(1_u64);
        let outermost = &mut *outer;
        drop(Arena::with_thread(move |_| outermost.mark()));
        outer.alloc_slice_uninit::<u8>((1 << 20) - 8);
    });
}

#[test]
fn panic_in_a_nested_use_gives_back_what_it_took() {
    Arena::with_thread(|outer| {
        let kept = outer.alloc(7_u8);
        let panic = catch_unwind(|| {
            Arena::with_thread(|inner| {
                inner.alloc_slice::<u8>(1000);
                panic!("inside");
            });
        });
        assert!(panic.is_err());
        assert_eq!(
            (*kept, outer.alloc_slice_uninit::<u8>((1 << 20) - 1).len()),
            (7, (1 << 20) - 1)
        );
    });
    let panic = catch_unwind(|| Arena::with_thread(|_| panic!("outside")));
    assert!(panic.is_err());
    Arena::with_thread(|arena| arena.alloc_slice_uninit::<u8>(1 << 20).len());
}

#[test]
fn arenas_of_ended_threads_are_freed_and_their_totals_stay() {
    let _alone = ALONE.lock();
    let before = all_threads();
    let threads = if cfg!(miri) { 3 } else { 100 };
    for _ in 0..threads {
        let work = || {
            Arena::with_thread(|arena| {
                arena.alloc_slice_uninit::<u8>(512 << 10);
                assert_eq!(arena.alloc_str("x"), "x");
            });
        };
        thread::spawn(work).join().expect("no panic");
    }
    let after = all_threads();
    assert!(after.allocations >= before.allocations + 2 * threads);
    assert!(after.resets >= before.resets + threads);
    assert!(after.high_water > 512 << 10);
    // Other tests' threads come and go.
    assert!(
        after.arenas < before.arenas + 20,
        "{} then {}",
        before.arenas,
        after.arenas
    );
}

struct Late;

impl Drop for Late {
    fn drop(&mut self) {
        let sum = Arena::with_thread(|arena| {
            let ours = arena.alloc_slice_with(10, |n| n);
            Arena::with_thread(|inner| inner.alloc_slice_with(10, |n| n).len()) + ours.len()
        });
        assert_eq!(sum, 20);
        SUMS.lock().expect("no panic").push(sum);
    }
}

static SUMS: Mutex<Vec<usize>> = Mutex::new(Vec::new());

thread_local! {
    static LATE: RefCell<Option<Late>> = const { RefCell::new(None) };
}

#[test]
fn thread_that_is_ending_still_has_an_arena_to_use() {
    // Registered before and after the arena's owner: one of them is dropped after it.
    for is_first in [true, false] {
        let worker = thread::spawn(move || {
            if is_first {
                LATE.set(Some(Late));
            }
            Arena::with_thread(|arena| *arena.alloc(1_u8));
            LATE.set(Some(Late));
        });
        worker.join().expect("no destructor panics");
    }
    assert!(SUMS.lock().expect("no panic").len() >= 2);
}

#[test]
fn nested_use_is_entered_in_the_books_when_it_ends() {
    let worker = thread::spawn(|| {
        let _alone = ALONE.lock();
        let before = all_threads();
        Arena::with_thread(|_| {
            Arena::with_thread(|inner| inner.alloc_slice_uninit::<u8>(700_001).len())
        });
        let after = all_threads();
        assert!(after.allocations > before.allocations);
        assert!(after.high_water >= 700_001);
    });
    worker.join().expect("no panic");
}
