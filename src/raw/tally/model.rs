//! A reader beside the owner of a tally, in every order that loom finds; see CONTRIBUTING.md for the
//! command.

use std::sync::Arc;

use loom::thread;

use super::*;
use crate::sync::modelled::explore;

/// Of a count that is full, and two idle.
const FULL: Word = Word((u32::MAX as u64) << COUNT_SHIFT | 2);

/// The owner's side, from `FULL` on.
struct Owner {
    tally: Arc<Tally>,
    word: Word,
}

impl Owner {
    fn new() -> Self {
        let tally = Arc::new(Tally::new());
        tally.bases[0].added.store(2, Ordering::Relaxed);
        tally.publish(FULL);
        Self { tally, word: FULL }
    }

    fn take(&mut self) {
        self.word = self.word.take();
        self.tally.publish(self.word);
    }

    fn give_back(&mut self) {
        match self.word.give_back() {
            Some(word) => {
                self.word = word;
                self.tally.publish(word);
            }
            None => self.word = self.tally.one_more(self.word, true),
        }
    }
}

/// What a reader that looks twice sees: `taken` and `returned` since `FULL`.
fn look_twice(tally: &Tally) -> [Counts; 2] {
    let full = u64::from(u32::MAX);
    [tally.counts(), tally.counts()].map(|counts| Counts {
        taken: counts.taken - full,
        returned: counts.returned - full,
    })
}

fn assert_in_order([first, second]: [Counts; 2], most: u64) {
    assert!(first.taken <= second.taken && first.returned <= second.returned);
    assert!(second.taken <= most && second.returned <= second.taken);
    assert!(first.returned <= first.taken);
}

#[test]
fn count_goes_on_where_it_was_full_before_a_readers_eyes() {
    explore(|| {
        let mut owner = Owner::new();
        let tally = Arc::clone(&owner.tally);
        let reader = thread::spawn(move || assert_in_order(look_twice(&tally), 2));
        for _ in 0..2 {
            owner.take();
            owner.give_back();
        }
        reader.join().unwrap();
        let [now, _] = look_twice(&owner.tally);
        assert_eq!((now.taken, now.returned), (2, 2));
    });
}

#[test]
fn what_is_added_and_set_aside_is_neither_taken_nor_returned_at_any_time() {
    explore(|| {
        let mut owner = Owner::new();
        let tally = Arc::clone(&owner.tally);
        let reader = thread::spawn(move || assert_in_order(look_twice(&tally), 1));
        owner.word = owner.tally.one_less(owner.word);
        owner.take();
        owner.word = owner.tally.one_more(owner.word, false);
        reader.join().unwrap();
        let [now, _] = look_twice(&owner.tally);
        assert_eq!((now.taken, now.returned), (1, 0));
    });
}
