//! What slots have done: how many are idle, how often one was taken and came back. Written by the slots'
//! owner alone, readable from any thread.
//!
//! ```text
//!  word   63 ── returns in this epoch ── 32 │ 31 epoch │ 30 ── idle ── 0
//!  bases  returns before the epoch, and what takes, idle and returns come to: one pair for the even epochs, one for the odd
//! ```
//!
//! A take and a return each change one word, the owner's, and store a copy of it for the readers, which the
//! owner never reads: so an operation waits for nothing of the last one but that word (ADR-013). What neither is, an object that is added or
//! set aside, begins an epoch, and so does a count that is full: the other pair of bases is written, and the
//! new word makes it the one that holds. So no reader sees half a change.
//!
//! # Invariants
//!
//! 1. `epoch` is stored before the bases of that epoch, those before the first word of it. A word of an
//!    epoch is followed by words of that epoch or the next one.
//! 2. The bases of an epoch are not written again before `epoch` has gone on twice.

#[cfg(all(test, loom))]
mod model;

use crate::sync::modelled::{AtomicU64, Ordering, fence};

/// More slots than this have no place in a word.
pub(crate) const IDLE_MAX: usize = (1 << EPOCH_SHIFT) - 1;

const EPOCH_SHIFT: u32 = 31;
const COUNT_SHIFT: u32 = 32;

/// The readers' side.
#[derive(Debug)]
pub(crate) struct Tally {
    /// A copy of the owner's [`Word`].
    word: AtomicU64,
    epoch: AtomicU64,
    bases: [Bases; 2],
}

/// What the counts of an epoch begin with.
#[derive(Debug)]
struct Bases {
    returned: AtomicU64,
    /// Takes and idle, less the returns: it changes where an epoch begins, never on a take or a return.
    added: AtomicU64,
}

/// How often slots were taken and came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) taken: u64,
    pub(crate) returned: u64,
}

impl Tally {
    pub(super) fn new() -> Self {
        let bases = || Bases {
            returned: AtomicU64::new(0),
            added: AtomicU64::new(0),
        };
        Self {
            word: AtomicU64::new(Word::EMPTY.0),
            epoch: AtomicU64::new(0),
            bases: [bases(), bases()],
        }
    }

    /// Shows the owner's word. To be called by the owner alone, last of all that a take or a return does.
    #[inline(always)]
    pub(super) fn publish(&self, word: Word) {
        // Release, for `counts`' Acquire: who sees it sees what the owner did before. On x86-64 it is the
        // same instruction as a relaxed store.
        self.word.store(word.0, Ordering::Release);
    }

    /// The counts so far, from any thread: both were there at one time, and neither ever falls. Who sees a
    /// return sees all that the owner did before it.
    pub(crate) fn counts(&self) -> Counts {
        loop {
            // Acquire, for the Release of `begin` and `publish`.
            let epoch = self.epoch.load(Ordering::Acquire);
            let word = Word(self.word.load(Ordering::Acquire));
            let counts = self.counts_of(word);
            fence(Ordering::Acquire);
            // The same still: the word is of this epoch, or of the last one, whose bases are still there
            // (invariants 1 and 2).
            if self.epoch.load(Ordering::Relaxed) == epoch {
                return counts;
            }
        }
    }

    fn counts_of(&self, word: Word) -> Counts {
        let bases = &self.bases[word.parity()];
        let returned = bases
            .returned
            .load(Ordering::Relaxed)
            .wrapping_add(word.count());
        let added = bases.added.load(Ordering::Relaxed);
        Counts {
            taken: returned
                .wrapping_add(added)
                .wrapping_sub(word.idle() as u64),
            returned,
        }
    }

    /// An epoch with one more idle than in `word`: returned, if `returned`, or else added.
    #[cold]
    #[inline(never)]
    pub(super) fn one_more(&self, word: Word, is_returned: bool) -> Word {
        let (returned, added) = (u64::from(is_returned), u64::from(!is_returned));
        self.begin(word, returned, added, word.idle() + 1)
    }

    /// An epoch with one less idle than in `word`, which was not taken.
    #[cold]
    pub(super) fn one_less(&self, word: Word) -> Word {
        self.begin(word, 0, 1_u64.wrapping_neg(), word.idle() - 1)
    }

    fn begin(&self, word: Word, returned: u64, added: u64, idle: usize) -> Word {
        let last = &self.bases[word.parity()];
        let next = &self.bases[1 - word.parity()];
        let sum = |base: &AtomicU64, more| base.load(Ordering::Relaxed).wrapping_add(more);
        let returned = sum(&last.returned, word.count().wrapping_add(returned));
        let added = sum(&last.added, added);
        // Release, for the Acquire of `counts`: who sees the epoch sees the last word of the one before. And the
        // fence, for the one there: who sees what is stored below sees the epoch.
        self.epoch.store(sum(&self.epoch, 1), Ordering::Release);
        fence(Ordering::Release);
        next.returned.store(returned, Ordering::Relaxed);
        next.added.store(added, Ordering::Relaxed);
        let word = Word(((1 - word.parity()) as u64) << EPOCH_SHIFT | idle as u64);
        self.publish(word);
        word
    }
}

/// The owner's side.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word(u64);

impl Word {
    /// Of an even epoch, in which nothing is idle.
    pub(super) const EMPTY: Self = Self(0);

    #[inline(always)]
    pub(super) const fn idle(self) -> usize {
        self.0 as usize & IDLE_MAX
    }

    /// One was taken, of those that are idle.
    #[inline(always)]
    pub(super) const fn take(self) -> Self {
        Self(self.0.wrapping_sub(1))
    }

    /// One came back; `None` if the count is full.
    #[inline(always)]
    pub(super) const fn give_back(self) -> Option<Self> {
        // Both halves at once: there is room for as many idle as there are slots.
        match self.0.checked_add((1 << COUNT_SHIFT) + 1) {
            Some(word) => Some(Self(word)),
            None => None,
        }
    }

    const fn count(self) -> u64 {
        self.0 >> COUNT_SHIFT
    }

    const fn parity(self) -> usize {
        (self.0 >> EPOCH_SHIFT) as usize & 1
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::thread;

    use super::*;

    fn counts(taken: u64, returned: u64) -> Counts {
        Counts { taken, returned }
    }

    /// A tally of so many that were added.
    fn added(objects: usize) -> (Tally, Word) {
        let tally = Tally::new();
        let word = (0..objects).fold(Word::EMPTY, |word, _| tally.one_more(word, false));
        (tally, word)
    }

    #[test]
    fn a_take_and_a_return_count_one_each_and_what_is_added_none() {
        let (tally, word) = added(3);
        assert_eq!((tally.counts(), word.idle()), (counts(0, 0), 3));
        tally.publish(word.take());
        assert_eq!(tally.counts(), counts(1, 0));
        let back = word.take().give_back().expect("room for one");
        tally.publish(back);
        assert_eq!((tally.counts(), back.idle()), (counts(1, 1), 3));
        assert_eq!(tally.one_less(back).idle(), 2);
        assert_eq!(tally.counts(), counts(1, 1));
    }

    #[test]
    fn a_full_count_goes_on_in_the_next_epoch_and_no_half_touches_the_other() {
        let (tally, word) = added(1);
        let mut word = Word(word.0 | (u64::from(u32::MAX) - 1) << COUNT_SHIFT);
        for more in 0..3 {
            word = word.take();
            tally.publish(word);
            let before = u64::from(u32::MAX) - 1 + more;
            assert_eq!(tally.counts(), counts(before + 1, before));
            word = match word.give_back() {
                Some(word) => word,
                None => tally.one_more(word, true),
            };
            tally.publish(word);
            assert_eq!(tally.counts(), counts(before + 1, before + 1));
            assert_eq!(word.idle(), 1);
        }
    }

    #[test]
    fn as_many_idle_as_there_is_place_for_leave_the_count_and_the_epoch_alone() {
        let tally = Tally::new();
        let word = Word(IDLE_MAX as u64 - 1).give_back().expect("room");
        assert_eq!((word.idle(), word.count(), word.parity()), (IDLE_MAX, 1, 0));
        let next = tally.one_less(word);
        assert_eq!(
            (next.idle(), next.count(), next.parity()),
            (IDLE_MAX - 1, 0, 1)
        );
    }

    #[test]
    fn a_reader_sees_counts_that_were_there_and_never_fall() {
        let rounds = if cfg!(miri) { 30 } else { 100_000 };
        let (tally, mut word) = added(2);
        let is_done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut seen = counts(0, 0);
                while !is_done.load(Ordering::Relaxed) {
                    let now = tally.counts();
                    assert!(now.taken >= seen.taken && now.returned >= seen.returned);
                    assert!(now.taken <= rounds && (0..=1).contains(&(now.taken - now.returned)));
                    seen = now;
                }
            });
            for _ in 0..rounds {
                word = word.take();
                tally.publish(word);
                word = word.give_back().expect("room");
                tally.publish(word);
                word = tally.one_less(word);
                word = tally.one_more(word, false);
            }
            is_done.store(true, Ordering::Relaxed);
        });
        assert_eq!(tally.counts(), counts(rounds, rounds));
    }
}
