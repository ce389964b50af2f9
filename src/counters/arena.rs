//! What one arena has done and holds: written by its owner alone, readable from any thread.

mod bump;

use std::fmt;
use std::ops::AddAssign;

use self::bump::Bump;
pub(crate) use self::bump::{CAPACITY_MAX, Word};

use crate::sync::{AtomicU64, AtomicUsize, Ordering};

/// One arena's books, the place of its bump pointer among them: how much of the chunk is *left*, and the
/// count beside it, are the only word that an allocation changes, and what is in use follows from it.
///
/// All orderings but the counters' are Relaxed: a figure publishes nothing but itself.
#[derive(Debug)]
pub(crate) struct ArenaCounters {
    /// Bytes of the chunk that nothing was allocated from: those below the last allocation; and how many
    /// allocations there were.
    bump: Bump,
    capacity: usize,
    /// Bytes of the chunk that a nested use has for itself, while `left` is 0.
    lent: AtomicUsize,
    /// The fewest bytes left before a rewind; `BESIDE` while the heap or a nested use has a part, so that
    /// the hot path of a rewind finds out by the comparison that it makes anyway.
    low: AtomicUsize,
    /// The most in use with a part of the heap or a nested use in it, whenever one of these changed or
    /// was there at a rewind.
    peak: AtomicUsize,
    heap_bytes: AtomicUsize,
    /// Allocations that did not move the bump pointer: the heap's, and those of nested uses.
    elsewhere: AtomicU64,
    overflows: AtomicU64,
    resets: AtomicU64,
}

/// More than any chunk has: the chunk is not all that is in use, and the peak has what it was.
const BESIDE: usize = usize::MAX;

/// Adds to what one thread alone writes. Release, for the reader's Acquire: who sees this count sees
/// what the owner did before it.
#[inline(always)]
fn add(cell: &AtomicU64, more: u64) {
    let count = cell.load(Ordering::Relaxed).wrapping_add(more);
    cell.store(count, Ordering::Release);
}

impl ArenaCounters {
    /// Books of `capacity` bytes, at most [`CAPACITY_MAX`], nothing of which is in use.
    pub(crate) const fn new(capacity: usize) -> Self {
        Self {
            bump: Bump::new(capacity),
            capacity,
            lent: AtomicUsize::new(0),
            low: AtomicUsize::new(capacity),
            peak: AtomicUsize::new(0),
            heap_bytes: AtomicUsize::new(0),
            elsewhere: AtomicU64::new(0),
            overflows: AtomicU64::new(0),
            resets: AtomicU64::new(0),
        }
    }

    #[inline(always)]
    pub(crate) const fn capacity(&self) -> usize {
        self.capacity
    }

    #[inline(always)]
    pub(crate) fn left(&self) -> usize {
        self.bump.left()
    }

    /// Where the bump pointer and its count are, for who writes them.
    #[inline(always)]
    pub(crate) fn word(&self) -> &AtomicU64 {
        self.bump.cell()
    }

    /// An allocation from the chunk, whose base is at a multiple of `align` and whose [word](Self::word) is `now`:
    /// what it would leave; `None` if there is no room. It is one when it is [taken](Self::take).
    #[inline(always)]
    pub(crate) fn next(now: Word, size: usize, align: usize) -> Option<Word> {
        Bump::next(now, size, align)
    }

    /// Makes the allocation that [`next`](Self::next) found; no other was made in between.
    #[inline(always)]
    pub(crate) fn take(&self, next: Word) {
        self.bump.take(next);
    }

    /// An allocation from the chunk, below which `left` bytes remain.
    pub(crate) fn allocated(&self, left: usize) {
        self.bump.move_from(self.bump.word(), left, 1);
    }

    /// Gives back what was allocated since `left` bytes remained; or the last allocation has changed its
    /// size, and `left` remain.
    #[inline(always)]
    pub(crate) fn rewind(&self, left: usize) {
        let word = self.bump.word();
        let low = self.low.load(Ordering::Relaxed);
        if word.left() < low {
            if low == BESIDE {
                return self.rewind_beside(left);
            }
            self.low.store(word.left(), Ordering::Relaxed);
        }
        self.bump.move_from(word, left, 0);
    }

    /// As [`rewind`](Self::rewind), while the heap has a part, or a nested use has what was left: then
    /// the bytes come back with its end.
    #[cold]
    #[inline(never)]
    fn rewind_beside(&self, left: usize) {
        self.note_peak();
        if self.is_lent() {
            let lent = self.lent.load(Ordering::Relaxed).max(left);
            self.lent.store(lent, Ordering::Relaxed);
        } else {
            self.bump.move_to(left);
        }
    }

    /// From now on the heap or a nested use has a part: the peak takes over from `low`.
    fn begin_beside(&self) {
        self.raise_peak(self.in_chunk());
        // Release: who sees it sees that peak.
        self.low.store(BESIDE, Ordering::Release);
    }

    /// The heap or a nested use has no part any more; if the other has none either, `low` takes over.
    fn end_beside(&self) {
        if self.heap_bytes() == 0 && !self.is_lent() {
            self.low.store(self.capacity, Ordering::Relaxed);
        }
    }

    /// Bytes below the last allocation, whoever may allocate from them.
    pub(crate) fn unused(&self) -> usize {
        self.left() + self.lent.load(Ordering::Relaxed)
    }

    /// Everything was given back at once.
    #[inline(always)]
    pub(crate) fn count_reset(&self) {
        add(&self.resets, 1);
    }

    /// A request that the chunk had no room for.
    pub(crate) fn overflowed(&self) {
        add(&self.overflows, 1);
    }

    /// The heap has served `bytes`.
    pub(crate) fn heap_allocated(&self, bytes: usize) {
        add(&self.elsewhere, 1);
        let held = self.heap_bytes() + bytes;
        self.heap_bytes.store(held, Ordering::Relaxed);
        self.note_peak();
        self.begin_beside();
    }

    /// The heap has got `bytes` back.
    pub(crate) fn heap_freed(&self, bytes: usize) {
        if bytes == 0 {
            return;
        }
        self.note_peak();
        let held = self.heap_bytes() - bytes;
        self.heap_bytes.store(held, Ordering::Relaxed);
        self.end_beside();
    }

    /// Lends all that is left to a nested use, which has books of its own.
    pub(crate) fn lend(&self) -> Self {
        let left = self.left();
        if left != 0 {
            self.begin_beside();
            self.lent.store(left, Ordering::Relaxed);
            self.bump.move_to(0);
        }
        Self::new(left)
    }

    /// Whether a nested use has all that is left.
    pub(crate) fn is_lent(&self) -> bool {
        self.lent.load(Ordering::Relaxed) != 0
    }

    /// The nested use is over: takes back what it had, and enters what it did.
    pub(crate) fn take_back(&self, nested: &Self) {
        let beside = self.capacity - nested.capacity;
        self.raise_peak(beside + self.heap_bytes() + nested.stats().high_water);
        add(&self.elsewhere, nested.allocations());
        add(&self.overflows, nested.overflows.load(Ordering::Relaxed));
        if self.is_lent() {
            self.bump.move_to(self.unused());
            self.lent.store(0, Ordering::Relaxed);
            self.end_beside();
        }
    }

    /// The figures now, from any thread.
    pub(crate) fn stats(&self) -> ArenaStats {
        let heap_bytes = self.heap_bytes();
        let in_use = self.used();
        ArenaStats {
            allocations: self.allocations(),
            overflows: self.overflows.load(Ordering::Acquire),
            resets: self.resets.load(Ordering::Acquire),
            in_use,
            capacity: self.capacity,
            high_water: self.high_water(in_use + heap_bytes),
            heap_bytes,
            arenas: 1,
        }
    }

    fn allocations(&self) -> u64 {
        self.bump.allocations() + self.elsewhere.load(Ordering::Acquire)
    }

    fn high_water(&self, now: usize) -> usize {
        now.max(self.in_chunk())
            .max(self.peak.load(Ordering::Relaxed))
    }

    /// The most in use before a rewind; 0 while a part is elsewhere, when the peak has it.
    fn in_chunk(&self) -> usize {
        // Acquire: with `begin_beside`, whose peak is then seen too.
        self.capacity
            .saturating_sub(self.low.load(Ordering::Acquire))
    }

    fn note_peak(&self) {
        self.raise_peak(self.used() + self.heap_bytes());
    }

    fn raise_peak(&self, used: usize) {
        let peak = self.peak.load(Ordering::Relaxed).max(used);
        self.peak.store(peak, Ordering::Relaxed);
    }

    fn heap_bytes(&self) -> usize {
        self.heap_bytes.load(Ordering::Relaxed)
    }

    /// Saturating: a reader on another thread may see `left` before it sees `lent`.
    fn used(&self) -> usize {
        self.capacity.saturating_sub(self.unused())
    }
}

/// What an arena has done and holds; of arenas of one name, all together.
///
/// The first group only rises. What a nested use of a thread's arena does is entered when it ends.
///
/// # Examples
///
/// ```
/// use knhk_pool::Arena;
///
/// let mut arena = Arena::with_capacity(1000);
/// arena.alloc_slice::<u8>(250);
/// let stats = arena.stats();
/// assert_eq!((stats.allocations, stats.in_use, stats.capacity), (1, 250, 1000));
/// assert_eq!(stats.utilization(), Some(0.25));
/// arena.reset();
/// assert_eq!((arena.stats().in_use, arena.stats().high_water), (0, 250));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ArenaStats {
    /// Allocations served, by the chunk or by the heap. (Those of zero bytes take nothing and are
    /// not counted.)
    pub allocations: u64,
    /// Requests that the chunk had no room for: refused, or served by the heap.
    pub overflows: u64,
    /// Times that everything was given back at once: by a reset, or by the end of an outermost use
    /// of a thread's arena.
    pub resets: u64,

    /// Bytes of the chunks in use now, padding included.
    pub in_use: usize,
    /// Bytes of the chunks.
    pub capacity: usize,
    /// The most bytes that one arena ever had in use at once, heap included: with the overflow rule
    /// `heap` the size that would have held. What was refused is not in it: see `overflows`.
    pub high_water: usize,
    /// Bytes that the heap has lent now, because a chunk was full.
    pub heap_bytes: usize,
    /// Arenas that live now.
    pub arenas: usize,
}

impl ArenaStats {
    /// Bytes in use as a share of the capacity, from 0 to 1; `None` where there is no capacity.
    pub fn utilization(&self) -> Option<f64> {
        (self.capacity != 0).then(|| self.in_use as f64 / self.capacity as f64)
    }

    /// The rising counters, with nothing held: what remains of an arena that was dropped.
    pub(crate) const fn ended(&self) -> Self {
        Self {
            in_use: 0,
            capacity: 0,
            heap_bytes: 0,
            arenas: 0,
            ..*self
        }
    }
}

/// Sums two arenas of one name; the high-water mark is the larger of the two.
impl AddAssign for ArenaStats {
    fn add_assign(&mut self, other: Self) {
        self.allocations += other.allocations;
        self.overflows += other.overflows;
        self.resets += other.resets;
        self.in_use += other.in_use;
        self.capacity += other.capacity;
        self.high_water = self.high_water.max(other.high_water);
        self.heap_bytes += other.heap_bytes;
        self.arenas += other.arenas;
    }
}

/// One line: utilisation, bytes, high water, allocations, overflows, resets, heap bytes.
impl fmt::Display for ArenaStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.utilization() {
            Some(share) => write!(f, "{:.2} % in use", share * 100.0)?,
            None => f.write_str("no capacity")?,
        }
        write!(
            f,
            ", {} of {} bytes, high water {}, {} allocations, {} overflows, {} resets, {} bytes on \
             the heap",
            self.in_use,
            self.capacity,
            self.high_water,
            self.allocations,
            self.overflows,
            self.resets,
            self.heap_bytes
        )
    }
}
