//! One list: its owner, who is ending or not, and a reader, in every order that loom finds; see
//! CONTRIBUTING.md for the command.
//!
//! Loom keeps one last access of an atomic, so that an owner's load hides a reader's load before it
//! and no order is tried in which that reader came later. Hence here and in the pools' models the
//! owner goes first, on the model's main thread, and who only looks is the thread that is spawned.

use loom::thread;

use super::*;
use crate::counters::PoolStats;
use crate::sync::modelled::{Arc, explore};

/// A list that a reader shares with its owner.
struct Watched(FreeList);

// SAFETY: each model below calls all but `stats` on one thread, or on a list that is stray.
unsafe impl Sync for Watched {}
// SAFETY: as above; what was done before a thread is started happens before what it does.
unsafe impl Send for Watched {}

const SIZES: Sizes = Sizes {
    capacity: 1,
    buffer_size: 64,
    wipes: false,
    records: false,
};

impl Watched {
    fn prepared() -> Arc<Self> {
        let list = FreeList::new(SIZES).expect("memory");
        assert!(list.prepare());
        Arc::new(Self(list))
    }

    fn acquire(&self) -> NonNull<u8> {
        self.0.pop().unwrap_or_else(|| self.0.acquire_cold())
    }

    fn release(&self, buffer: NonNull<u8>) {
        // SAFETY: `acquire` gave it, and each model gives it back once.
        unsafe { self.0.release(buffer, SIZES.buffer_size) };
    }
}

fn assert_risen(now: &PoolStats, before: &PoolStats) {
    for (now, before) in [
        (now.hits, before.hits),
        (now.misses, before.misses),
        (now.released, before.released),
        (now.freed, before.freed),
        (now.high_water as u64, before.high_water as u64),
    ] {
        assert!(now >= before, "it fell");
    }
}

/// Reads twice on another thread while this one does `own`; `check` sees each reading.
fn read_while(
    list: &Arc<Watched>,
    check: impl Fn(&PoolStats) + 'static,
    own: impl FnOnce(&Watched),
) {
    let read = Arc::clone(list);
    let reader = thread::spawn(move || {
        let before = read.0.stats();
        let now = read.0.stats();
        [before, now].iter().for_each(check);
        assert_risen(&now, &before);
    });
    own(list);
    reader.join().unwrap();
}

#[test]
fn reader_of_a_list_that_only_hits_sees_no_release_that_was_not() {
    explore(|| {
        let list = Watched::prepared();
        // From now on it lies in the hot slot, where a hit is no change.
        list.release(list.acquire());
        let check = |now: &PoolStats| {
            // A hit in between makes it one too small, and never too large.
            assert!(now.released <= 1, "{now:?}");
            assert_eq!((now.freed, now.misses), (0, 0));
            assert!(now.in_use as u64 == now.hits - now.released && now.high_water <= 1);
        };
        let mut held = None;
        read_while(&list, check, |list| held = Some(list.acquire()));
        let end = list.0.stats();
        assert_eq!((end.hits, end.in_use, end.high_water), (2, 1, 1));
    });
}

#[test]
fn reader_of_a_list_that_misses_sees_no_release() {
    explore(|| {
        let list = Watched::prepared();
        let slot = list.acquire();
        let read = Arc::clone(&list);
        let reader = thread::spawn(move || {
            let now = read.0.stats();
            assert_eq!((now.hits, now.released, now.freed), (1, 0, 0));
            assert!(now.in_use as u64 == 1 + now.misses && now.high_water <= 2);
        });
        // It changes several figures at once.
        let block = list.acquire();
        reader.join().unwrap();
        let end = list.0.stats();
        assert_eq!((end.misses, end.in_use, end.high_water), (1, 2, 2));
        list.release(slot);
        list.release(block);
    });
}

#[test]
fn reader_of_a_list_that_takes_back_sees_what_is_out_or_back() {
    explore(|| {
        let list = Watched::prepared();
        let [slot, block] = [list.acquire(), list.acquire()];
        let check = |now: &PoolStats| {
            assert_eq!((now.hits, now.misses, now.high_water), (1, 1, 2));
            assert_eq!(now.released + now.freed + now.in_use as u64, 2);
        };
        read_while(&list, check, |list| {
            // It joins, since there is room; then the slot takes its place, and it is freed.
            list.release(block);
            list.release(slot);
        });
        let end = list.0.stats();
        assert_eq!((end.released, end.freed), (2, 0));
        assert_eq!((end.in_use, end.idle), (0, 1));
    });
}

#[test]
fn stray_list_of_two_threads_loses_no_count() {
    explore(|| {
        let list = Arc::new(Watched(FreeList::stray(SIZES)));
        let other = thread::spawn({
            let list = Arc::clone(&list);
            move || list.release(list.acquire())
        });
        list.release(list.acquire());
        other.join().unwrap();
        let end = list.0.stats();
        assert_eq!((end.misses, end.freed, end.in_use, end.bytes), (2, 2, 0, 0));
        assert!((1..=2).contains(&end.high_water));
    });
}
