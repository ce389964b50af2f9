//! An arena's bump pointer and its count of allocations, in one word: an allocation stores once.
//!
//! ```text
//!  word    63 epoch │ 62 ── allocations in this epoch ── 32 │ 31 ── bytes left ── 0
//!  before  63 ── allocations in all epochs before ── 1 │ 0 epoch
//! ```
//!
//! An epoch, which is known by being even or odd, ends when the pointer is moved other than by an
//! allocation; its allocations are then added to those before. The next word is made of what is left and
//! of `before`, not of the last word, so that the first allocation of an epoch does not wait for the
//! last one of the epoch before it.
//!
//! # Invariants
//!
//! 1. What is left is at most [`CAPACITY_MAX`], below 2^31, and no allocation takes less than a byte: so
//!    the count of an epoch stays below 2^31 too.
//! 2. `before` is stored before the word of the epoch that it names, each with Release.

use crate::sync::{AtomicU64, Ordering};

/// The largest chunk: a byte less than 2 GiB.
pub(crate) const CAPACITY_MAX: usize = (1 << 31) - 1;

const COUNT_SHIFT: u32 = 32;
const EPOCH_SHIFT: u32 = 63;
const ONE: u64 = 1 << COUNT_SHIFT;

/// Written by one thread, read by any.
#[derive(Debug)]
pub(super) struct Bump {
    word: AtomicU64,
    before: AtomicU64,
}

impl Bump {
    /// Nothing allocated yet, `left` bytes to allocate from.
    pub(super) const fn new(left: usize) -> Self {
        assert!(left <= CAPACITY_MAX);
        Self {
            word: AtomicU64::new(left as u64),
            before: AtomicU64::new(0),
        }
    }

    /// Bytes to allocate from.
    #[inline(always)]
    pub(super) fn left(&self) -> usize {
        self.word().left()
    }

    /// The word after `now`, which it has: `size` bytes, at least one, are off the end of what is left, and as
    /// many more as bring the end to a multiple of `align`; `None` if there are not as many. Until that is
    /// [taken](Self::take) nothing is allocated.
    #[inline(always)]
    pub(super) fn next(now: Word, size: usize, align: usize) -> Option<Word> {
        let Word(word) = now;
        if size > now.left() {
            return None;
        }
        // One addition for both halves: no borrow, since the bytes are there.
        let word = word.wrapping_add(ONE.wrapping_sub(size as u64)) & !(align as u64 - 1);
        Some(Word(word))
    }

    /// Allocates what [`next`](Self::next) found; nothing else was done in between.
    #[inline(always)]
    pub(super) fn take(&self, next: Word) {
        self.word.store(next.0, Ordering::Release);
    }

    /// Makes what is left `end`, which may be more: a new epoch.
    #[inline(always)]
    pub(super) fn move_to(&self, end: usize) {
        self.move_from(self.word(), end, 0);
    }

    /// As [`move_to`](Self::move_to), from the [word](Self::word) as it is, counting `more` allocations.
    #[inline(always)]
    pub(super) fn move_from(&self, word: Word, end: usize, more: u64) {
        let before = self.before.load(Ordering::Relaxed);
        let sum = before.wrapping_add((word.count() + more) << 1);
        self.before.store(sum ^ 1, Ordering::Release);
        let epoch = !before << EPOCH_SHIFT;
        self.word.store(epoch | end as u64, Ordering::Release);
    }

    /// Where the word is.
    #[inline(always)]
    pub(super) fn cell(&self) -> &AtomicU64 {
        &self.word
    }

    /// The word now.
    #[inline(always)]
    pub(super) fn word(&self) -> Word {
        Word(self.word.load(Ordering::Relaxed))
    }

    /// All allocations so far, from any thread: a count that never falls.
    pub(super) fn allocations(&self) -> u64 {
        loop {
            let before = self.before.load(Ordering::Acquire);
            let word = Word(self.word.load(Ordering::Acquire));
            // A word of a later epoch would have shown a later `before` (invariant 2).
            if self.before.load(Ordering::Relaxed) == before {
                // One of the epoch before is in the sum already.
                let is_of_it = word.0 >> EPOCH_SHIFT == before & 1;
                return (before >> 1) + if is_of_it { word.count() } else { 0 };
            }
        }
    }
}

/// A bump word, as it was.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word(pub(crate) u64);

impl Word {
    #[inline(always)]
    pub(crate) const fn left(self) -> usize {
        self.0 as u32 as usize
    }

    #[inline(always)]
    const fn count(self) -> u64 {
        (self.0 << 1) >> (COUNT_SHIFT + 1)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    impl Bump {
        fn allocate(&self, size: usize, align: usize) -> Option<usize> {
            let next = Self::next(self.word(), size, align)?;
            self.take(next);
            Some(next.left())
        }
    }

    #[test]
    fn allocations_of_every_epoch_are_counted() {
        let bump = Bump::new(3);
        for count in (0..40).step_by(2) {
            assert_eq!((bump.allocations(), bump.left()), (count, 3));
            assert_eq!(bump.allocate(1, 1), Some(2));
            assert_eq!(bump.allocations(), count + 1);
            assert_eq!(bump.allocate(2, 1), Some(0));
            assert_eq!(bump.allocations(), count + 2);
            bump.move_to(3);
        }
        bump.move_from(bump.word(), 1, 1 << 40);
        assert_eq!((bump.allocations(), bump.left()), (40 + (1 << 40), 1));
    }

    #[test]
    fn as_many_allocations_as_the_largest_chunk_has_bytes_are_counted() {
        let bump = Bump::new(CAPACITY_MAX);
        bump.move_to(CAPACITY_MAX);
        // In one step what 2^31 - 2 allocations of a byte do.
        let many = CAPACITY_MAX as u64 - 1;
        let word = bump.word().0.wrapping_add(many * (ONE - 1));
        bump.word.store(word, Ordering::Relaxed);
        assert_eq!((bump.allocations(), bump.left()), (many, 1));
        assert_eq!(bump.allocate(1, 1), Some(0));
        assert_eq!(bump.allocate(1, 1), None);
        assert_eq!(bump.allocations(), many + 1);
        bump.move_to(CAPACITY_MAX);
        assert_eq!((bump.allocations(), bump.left()), (many + 1, CAPACITY_MAX));
    }

    #[test]
    fn neither_size_nor_alignment_touches_the_count() {
        let bump = Bump::new(100);
        bump.move_to(100);
        assert_eq!(bump.allocate(1, 64), Some(64));
        assert_eq!(bump.allocate(65, 1), None);
        assert_eq!(bump.allocate(64, 1), Some(0));
        assert_eq!(bump.allocate(1, 1), None);
        assert_eq!(bump.allocate(usize::MAX, 1), None);
        assert_eq!((bump.allocations(), bump.left()), (2, 0));
    }

    #[test]
    fn a_reader_sees_each_count_or_a_later_one_and_none_that_is_not_there() {
        let epochs = if cfg!(miri) { 50 } else { 100_000 };
        let bump = Bump::new(2);
        thread::scope(|scope| {
            let writer = scope.spawn(|| {
                for epoch in 0..epochs {
                    bump.allocate(1, 1);
                    bump.allocate(1, 1);
                    assert_eq!(bump.allocations(), 2 * (epoch + 1));
                    bump.move_to(2);
                }
            });
            let mut seen = 0;
            while !writer.is_finished() {
                let now = bump.allocations();
                assert!((seen..=2 * epochs).contains(&now), "{now} after {seen}");
                seen = now;
            }
        });
    }
}
