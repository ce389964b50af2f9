//! How long a consumer that has nothing left waits before it looks at the tail.
//!
//! A look takes the tail's line from the producer's core, and the read of the value that it finds takes the
//! slot's. Two threads that are equally fast fall into step: each look finds a value or two, and the lines
//! cross the cores for each. Had the consumer looked a little later, one crossing would have brought sixteen.
//!
//! So some looks are *weighed*: by what they find, the consumer learns how many `spin_loop` hints to let pass
//! before the next. Where [`IN_STEP`] in a row find a few, there are hints, doubled until a look finds
//! [`ENOUGH`], and halved where the ring fills up meanwhile. Where they bring nothing they are given up, and
//! the next attempt is twice as many looks away as it was, until one has proved itself: on one thread, or at
//! the heels of a producer that is slower, ever fewer looks are waited for. A ring that is polled in vain is
//! not waited for at all.
//!
//! # Invariants
//!
//! 1. There are no hints unless the next look is weighed, and never more than [`HINTS_MAX`].
//! 2. `until` is 1 or more between two looks.

use std::hint::spin_loop;

/// What is worth a crossing: two lines of words.
const ENOUGH: usize = 16;

/// Most hints of one wait: 0.7 µs where one takes 22 ns (Zen 5). More brought nothing.
const HINTS_MAX: u32 = 32;

/// In a ring of fewer slots to a hint, waiting fills it, and the producer waits as well.
const SLOTS_A_HINT: usize = 32;

/// Looks between giving up and the next attempt.
const GAP_MIN: u32 = 16;
const GAP_MAX: u32 = 1 << 17;

/// Looks to the next that is weighed, where enough came without a wait: one backlog says nothing of what follows.
const NEXT: u32 = 2;

/// Looks in a row that find too few where two threads are in step. Less would take what is pushed by twenties,
/// and now and then by twos, for that.
const IN_STEP: u32 = 4;

/// Looks in a row that find too few before an attempt is given up: three of them after the longest wait, since one
/// may have been unlucky.
const FEW_MAX: u32 = IN_STEP + HINTS_MAX.ilog2() + 2;

/// Looks of an attempt that found enough, after which the next attempt is to be soon.
const PROVED: u32 = 16;

/// The same, after which it is found out anew whether waiting is what brings it.
const KEPT_MAX: u32 = 1024;

const _: () = assert!(0 < GAP_MIN && GAP_MIN < GAP_MAX && PROVED < KEPT_MAX && IN_STEP < FEW_MAX);

#[derive(Debug)]
pub(super) struct Pace {
    /// The looks up to the next that is weighed, that one included: 1 to `GAP_MAX`.
    until: u32,
    /// `spin_loop` hints before the next look: 0 to `HINTS_MAX`.
    hints: u32,
    /// Looks from the end of this attempt to the next one: `GAP_MIN` to `GAP_MAX`.
    gap: u32,
    /// Looks in a row that found too few, up to `FEW_MAX`; from `IN_STEP` on there are hints.
    few: u32,
    /// Looks of this attempt that found enough, up to `KEPT_MAX`.
    kept: u32,
}

impl Pace {
    pub(super) const fn new() -> Self {
        Self {
            until: GAP_MIN,
            hints: 0,
            gap: GAP_MIN,
            few: 0,
            kept: 0,
        }
    }

    /// Counts a look that is about to happen; whether it is to be weighed.
    #[inline(always)]
    pub(super) fn is_weighed(&mut self) -> bool {
        self.until -= 1;
        self.until == 0
    }

    pub(super) fn wait(&self) {
        for _ in 0..self.hints {
            spin_loop();
        }
    }

    /// Learns from a weighed look at a ring of `capacity`, which has found `found` values.
    pub(super) fn weigh(&mut self, found: usize, capacity: usize) {
        let enough = found >= ENOUGH;
        let most = HINTS_MAX.min(u32::try_from(capacity / SLOTS_A_HINT).unwrap_or(HINTS_MAX));
        let brings_nothing = found == 0 || most == 0 || (!enough && self.few == FEW_MAX);
        let comes_without = enough && self.hints == 0 && most > 0;
        if brings_nothing && (self.hints > 0 || most == 0) {
            self.gap = (self.gap * 2).min(GAP_MAX);
        }
        if brings_nothing || comes_without || self.kept == KEPT_MAX {
            self.hints = 0;
            self.few = 0;
            self.kept = 0;
            self.until = if comes_without { NEXT } else { self.gap };
            return;
        }
        self.until = 1;
        if !enough {
            self.few += 1;
            if self.few >= IN_STEP {
                self.hints = (self.hints * 2).clamp(1, most);
            }
            return;
        }
        self.few = IN_STEP;
        self.kept += 1;
        if self.kept == PROVED {
            self.gap = GAP_MIN;
        }
        if found >= capacity / 2 {
            self.hints /= 2;
        }
    }
}

// Millions of sums, and nothing unsafe: Miri would take an hour.
#[cfg(all(test, not(loom), not(miri)))]
mod tests {
    use super::*;

    const CAPACITY: usize = 1024;

    /// The hints before each of so many looks, each of which finds what `found` says of the hints before it.
    fn hints(looks: usize, capacity: usize, found: impl Fn(usize, u32) -> usize) -> Vec<u32> {
        let mut pace = Pace::new();
        let mut all = Vec::with_capacity(looks);
        for look in 0..looks {
            let is_weighed = pace.is_weighed();
            all.push(if is_weighed { pace.hints } else { 0 });
            if is_weighed {
                pace.weigh(found(look, pace.hints), capacity);
            }
        }
        all
    }

    #[test]
    fn most_that_is_waited_ends() {
        let mut pace = Pace::new();
        pace.hints = HINTS_MAX;
        pace.wait();
        assert_eq!(pace.hints, HINTS_MAX);
    }

    #[test]
    fn ring_that_is_polled_in_vain_is_not_waited_for_and_a_stream_that_begins_is_at_once() {
        let waits = hints(100_100, CAPACITY, |look, _| usize::from(look >= 100_000));
        assert!(waits[..100_000].iter().all(|&hints| hints == 0));
        assert!(waits[100_000..].contains(&HINTS_MAX));
    }

    #[test]
    fn waiting_that_brings_nothing_is_tried_ever_more_seldom() {
        let waits = hints(1_000_000, CAPACITY, |_, _| 1);
        assert_eq!(waits[15..28], [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 32, 32, 0]);
        let all = waits.iter().sum::<u32>();
        assert!(all < 3_000, "{all} hints in a million looks");
        let late = waits[waits.len() / 2..].iter().sum::<u32>();
        assert!(
            (127 * 3..=127 * 4).contains(&late),
            "{late} hints in the second half"
        );
    }

    #[test]
    fn stream_is_waited_for_until_a_look_finds_enough() {
        let waits = hints(100, CAPACITY, |_, hints| 2 + 2 * hints as usize);
        assert_eq!(waits[18..25], [0, 1, 2, 4, 8, 8, 8]);
        assert!(waits[25..].iter().all(|&hints| hints == 8));
    }

    #[test]
    fn wait_is_halved_where_the_ring_fills_up_meanwhile() {
        let in_step = [1; IN_STEP as usize];
        let full = [1, 1, 1, ENOUGH, CAPACITY / 2, CAPACITY, CAPACITY / 2 - 1, 1];
        let found = [&in_step[..], &full].concat();
        let waits = hints(27, CAPACITY, |look, _| found[look - 15]);
        assert_eq!(waits[18..], [0, 1, 2, 4, 8, 8, 4, 2, 2]);
    }

    #[test]
    fn attempt_that_has_proved_itself_is_soon_made_again_and_another_is_not() {
        let looks_until_the_next = |proofs: u32| {
            let mut pace = Pace::new();
            let in_vain = [1; FEW_MAX as usize + 1].repeat(3);
            let proofs = vec![ENOUGH; proofs as usize];
            for found in [&in_vain[..], &[1; IN_STEP as usize], &proofs, &[0]].concat() {
                pace.weigh(found, CAPACITY);
            }
            pace.until
        };
        assert_eq!(looks_until_the_next(PROVED - 1), 16 * GAP_MIN);
        assert_eq!(looks_until_the_next(PROVED), 2 * GAP_MIN);
    }

    #[test]
    fn whether_waiting_is_what_brings_values_is_asked_again() {
        // It was, once; then as many come without.
        let looks = 2 * KEPT_MAX as usize + 100;
        let waits = hints(looks, CAPACITY, |look, _| if look < 22 { 1 } else { 20 });
        assert_eq!(waits[25], 8);
        assert_eq!(waits.last(), Some(&0));
    }

    #[test]
    fn what_comes_without_a_wait_is_no_reason_to_wait_sooner() {
        // On one thread all that there is is there at once: mostly by twenties, and now and then by ones.
        for (few, many) in [(1, 20), (3, 27)] {
            let found = |look: usize, _| if look % (few + many) < few { 1 } else { 20 };
            let all = hints(1_000_000, CAPACITY, found).iter().sum::<u32>();
            assert!(
                all < 10_000,
                "{few} and {many}: {all} hints in a million looks"
            );
        }
    }

    #[test]
    fn small_ring_is_never_waited_for() {
        for capacity in 1..SLOTS_A_HINT {
            let waits = hints(10_000, capacity, |_, _| 1);
            assert!(waits.iter().all(|&hints| hints == 0), "capacity {capacity}");
        }
        // Nor is it weighed ever again and again where much is found.
        let mut pace = Pace::new();
        (0..20).for_each(|_| pace.weigh(ENOUGH, SLOTS_A_HINT - 1));
        assert_eq!(pace.until, GAP_MAX);
    }
}
