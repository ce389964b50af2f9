//! What a recording pool was asked for: how many buffers a thread had out, how large they became, and
//! from that the hit rate of every pool size at once.
//!
//! ```text
//!  release ─▶ ┌──────────────┐ top: nothing above it
//!             │ 0            │
//!  acquire ◀─ │ 2  ◀─ two lay above this one at once, since it was put there
//!             │ 3            │
//!             ⋮              ⋮ as deep as the largest size that is told of
//! ```
//!
//! A thread's part of a pool of `n` buffers has `n` idle ones at first. An acquire takes one if there
//! is one, and is a hit then. A release adds one if there are fewer than `n`: a slot always finds
//! its place, a heap block joins, or is freed, or is evicted by the slot. So the number of idle buffers
//! depends on the order of acquires and releases alone, and not on which buffer it is. Let what is idle be a
//! stack whose lowest falls out when there are more than `n`: then a stack of any size is the upper part of
//! a larger one, and an acquire, which takes the top, finds it in the stack of `n` if and only if fewer than `n`
//! ever lay above it. It is enough to note that number for each place of the largest stack.
//! (Mattson, Gecsei, Slutz, Traiger: *Evaluation techniques for storage hierarchies*, 1970.)
//!
//! How many buffers are out, alone, does not tell: who keeps a hundred and uses one more, again and
//! again, has all but the first hundred acquires served by a pool of one.

use std::cell::Cell;

use crate::sync::{AtomicU64, Ordering};

/// Powers of two that lengths are counted by; a length is at most `isize::MAX`.
const LENGTHS: usize = usize::BITS as usize;

/// How many buffers of a pool its threads had out at once, how large they became, and which pool size
/// would have served whom.
///
/// From a pool that [records](crate::BufferPoolBuilder::recording); all its threads, living and ended,
/// in one sum. Each thread has its own part of a pool, so a size is always a size a thread.
///
/// # What the hit rates are good for
///
/// For the recorded acquires and releases, [`hit_rate`](Self::hit_rate) is what a pool of that size
/// and of the same buffer size counts, exactly, with four exceptions:
///
/// * What [`try_acquire`](crate::BufferPool::try_acquire) was refused: a larger pool would have handed it
///   out, and what the program had done then is not known. It counts as an acquire that takes nothing.
/// * [`into_vec`](crate::Buffer::into_vec) puts memory of the pool's own back and takes heap memory away:
///   for smaller sizes than the recorded pool's, the rate is too high by as much as that.
/// * [`trim_current_thread`](crate::BufferPool::trim_current_thread) while buffers are out, which gives away
///   idle heap memory that a smaller pool would have had.
/// * Sizes above [`SIZE_MAX`](Self::SIZE_MAX), whose rate is at least that of `SIZE_MAX`.
///
/// With another buffer size other buffers grow, and a buffer that grows gives its place back at that
/// moment: see [`share_within`](Self::share_within).
///
/// # Examples
///
/// ```
/// use knhk_pool::BufferPool;
///
/// let pool = BufferPool::builder("demand-doc").recording(true).build()?;
/// for _ in 0..100 {
///     let (request, reply) = (pool.acquire(), pool.acquire());
///     drop((request, reply));
/// }
/// let demand = pool.demand().expect("it records");
/// assert_eq!(demand.hit_rate(1), Some(0.5));
/// assert_eq!(demand.hit_rate(2), Some(1.0));
/// assert_eq!(demand.smallest_size(0.99), Some(2));
/// assert_eq!(demand.depths, [100, 100]);
/// # Ok::<(), knhk_pool::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Demand {
    /// Bytes a buffer of the pool that recorded; of several the largest.
    pub buffer_size: usize,
    /// `needed[i]`: acquires that a pool of `i + 1` buffers a thread serves and one of `i` does not. It
    /// ends with the largest size that any acquire needed, [`SIZE_MAX`](Self::SIZE_MAX) at most.
    pub needed: Vec<u64>,
    /// Acquires that no such pool serves: they need more than `SIZE_MAX`, or come from threads that are
    /// ending, or from inside an allocator.
    pub beyond: u64,
    /// `depths[d]`: acquires that were answered and found `d` buffers of their thread out, those from the heap
    /// included, below `SIZE_MAX`. It ends with the deepest.
    pub depths: Vec<u64>,
    /// Acquires that were answered and found `SIZE_MAX` or more out.
    pub deeper: u64,
    /// `lengths[k]`: buffers that were written up to more than 2^(k-1) and at most 2^k bytes before they
    /// were released or taken out; `lengths[0]` up to one or none. [`padded`](crate::Buffer::padded) writes, too. It is read from the
    /// bytes, on x86-64 and AArch64; elsewhere, and under Miri, each buffer counts with its capacity. Bytes
    /// of 0xF9, which no UTF-8 text has, count as not written where nothing else follows: a buffer whose
    /// last bytes are all 0xF9 counts as shorter.
    pub lengths: Vec<u64>,
}

impl Demand {
    /// The largest pool size that is told of.
    pub const SIZE_MAX: usize = 1024;

    /// Acquires that were recorded.
    pub fn acquires(&self) -> u64 {
        self.needed.iter().sum::<u64>() + self.beyond
    }

    /// Acquires that a pool of `pool_size` buffers a thread serves.
    pub fn hits(&self, pool_size: usize) -> u64 {
        self.needed.iter().take(pool_size).sum()
    }

    /// The hit rate of a pool of `pool_size` buffers a thread, from 0 to 1; `None` before the first acquire.
    pub fn hit_rate(&self, pool_size: usize) -> Option<f64> {
        let acquires = self.acquires();
        (acquires != 0).then(|| self.hits(pool_size) as f64 / acquires as f64)
    }

    /// The smallest pool size with at least this hit rate, 0 to 1; `None` if there is none up to
    /// [`SIZE_MAX`](Self::SIZE_MAX), or nothing was acquired.
    pub fn smallest_size(&self, hit_rate: f64) -> Option<usize> {
        (0..=self.needed.len())
            .find(|size| self.hit_rate(*size).is_some_and(|rate| rate >= hit_rate))
    }

    /// The most buffers that one thread had out at once, those from the heap included; `None` if
    /// [`SIZE_MAX`](Self::SIZE_MAX) or more were out when another was acquired.
    pub fn most_out(&self) -> Option<usize> {
        (self.deeper == 0).then_some(self.depths.len())
    }

    /// Of the buffers that came back, the share that was written up to at most `bytes` bytes, a power of two: 0 to 1.
    /// Of any other number, what is known for the next lower power. `None` if none came back.
    pub fn share_within(&self, bytes: usize) -> Option<f64> {
        let all: u64 = self.lengths.iter().sum();
        let whole_powers = bytes.checked_ilog2().map_or(0, |log| log as usize + 1);
        let within: u64 = self.lengths.iter().take(whole_powers).sum();
        (all != 0).then(|| within as f64 / all as f64)
    }

    /// Adds what another thread or pool was asked for.
    pub(crate) fn absorb(&mut self, other: &Self) {
        self.buffer_size = self.buffer_size.max(other.buffer_size);
        self.beyond += other.beyond;
        self.deeper += other.deeper;
        add(&mut self.needed, &other.needed);
        add(&mut self.depths, &other.depths);
        add(&mut self.lengths, &other.lengths);
    }

    /// With so many more acquires that no pool size serves.
    pub(crate) fn with_beyond(mut self, acquires: u64) -> Self {
        self.beyond += acquires;
        self
    }
}

/// Adds two parts; where only one has something, it is that.
pub(crate) fn merge(sum: &mut Option<Demand>, other: Option<&Demand>) {
    if let Some(other) = other {
        sum.get_or_insert_default().absorb(other);
    }
}

fn add(sums: &mut Vec<u64>, others: &[u64]) {
    sums.resize(sums.len().max(others.len()), 0);
    for (sum, other) in sums.iter_mut().zip(others) {
        *sum += other;
    }
}

/// One thread's record: written by its owner alone, its counts read from any thread. About 19 KiB,
/// made with the thread's part of the pool.
#[derive(Debug)]
pub(crate) struct Recorder {
    idle: IdleStack,
    needed: [AtomicU64; Demand::SIZE_MAX],
    beyond: AtomicU64,
    depths: [AtomicU64; Demand::SIZE_MAX],
    deeper: AtomicU64,
    lengths: [AtomicU64; LENGTHS],
}

impl Recorder {
    pub(crate) fn new() -> Self {
        Self {
            idle: IdleStack::full(),
            needed: [const { AtomicU64::new(0) }; Demand::SIZE_MAX],
            beyond: AtomicU64::new(0),
            depths: [const { AtomicU64::new(0) }; Demand::SIZE_MAX],
            deeper: AtomicU64::new(0),
            lengths: [const { AtomicU64::new(0) }; LENGTHS],
        }
    }

    /// Another thread begins, with everything idle; the counts go on.
    pub(crate) fn restart(&self) {
        self.idle.fill();
    }

    /// An acquire that was answered, when `depth` buffers were out.
    pub(crate) fn acquired(&self, depth: usize) {
        self.count_need(self.idle.pop());
        self.count_depth(depth);
    }

    /// An acquire that was refused.
    pub(crate) fn refused(&self) {
        self.count_need(self.idle.top());
    }

    /// An acquire that only the heap can serve, whatever the pool's size.
    pub(crate) fn unserved(&self, depth: usize) {
        bump(&self.beyond);
        self.count_depth(depth);
    }

    /// A buffer of the pool's size has become idle, or would have.
    pub(crate) fn released(&self) {
        self.idle.push();
    }

    /// A buffer has ended that was written up to `len` bytes.
    pub(crate) fn ended(&self, len: usize) {
        let power = len
            .checked_sub(1)
            .map_or(0, |less| (usize::BITS - less.leading_zeros()) as usize);
        bump(&self.lengths[power]);
    }

    /// What was recorded so far, from any thread.
    pub(crate) fn demand(&self, buffer_size: usize) -> Demand {
        Demand {
            buffer_size,
            needed: read(&self.needed),
            beyond: self.beyond.load(Ordering::Relaxed),
            depths: read(&self.depths),
            deeper: self.deeper.load(Ordering::Relaxed),
            lengths: read(&self.lengths),
        }
    }

    fn count_need(&self, above: Option<usize>) {
        bump(above.map_or(&self.beyond, |above| &self.needed[above]));
    }

    fn count_depth(&self, depth: usize) {
        bump(self.depths.get(depth).unwrap_or(&self.deeper));
    }
}

// Relaxed: each count stands for itself, and nothing is published by it.
fn bump(count: &AtomicU64) {
    count.store(
        count.load(Ordering::Relaxed).wrapping_add(1),
        Ordering::Relaxed,
    );
}

/// Up to the last that is not zero.
fn read(counts: &[AtomicU64]) -> Vec<u64> {
    let mut read: Vec<u64> = counts
        .iter()
        .map(|count| count.load(Ordering::Relaxed))
        .collect();
    let len = read
        .iter()
        .rposition(|count| *count != 0)
        .map_or(0, |last| last + 1);
    read.truncate(len);
    read
}

/// What would be idle in a pool of `Demand::SIZE_MAX` buffers; of each the most that ever lay above it.
///
/// That number is brought up to date when what lay above is taken away.
#[derive(Debug)]
struct IdleStack {
    /// A ring of places; those of the stack follow `top`.
    above: [Cell<u16>; Demand::SIZE_MAX],
    top: Cell<usize>,
    len: Cell<usize>,
}

// What lies above another in the stack is fewer than the stack's places.
const _: () = assert!(Demand::SIZE_MAX <= u16::MAX as usize);

impl IdleStack {
    fn full() -> Self {
        Self {
            above: [const { Cell::new(0) }; Demand::SIZE_MAX],
            top: Cell::new(0),
            len: Cell::new(Demand::SIZE_MAX),
        }
    }

    fn fill(&self) {
        self.above.iter().for_each(|above| above.set(0));
        self.len.set(Demand::SIZE_MAX);
    }

    fn push(&self) {
        self.top
            .set((self.top.get() + Demand::SIZE_MAX - 1) % Demand::SIZE_MAX);
        self.above[self.top.get()].set(0);
        self.len.set(Demand::SIZE_MAX.min(self.len.get() + 1));
    }

    fn pop(&self) -> Option<usize> {
        let above = self.top()?;
        self.top.set((self.top.get() + 1) % Demand::SIZE_MAX);
        self.len.set(self.len.get() - 1);
        if self.len.get() != 0 {
            let next = &self.above[self.top.get()];
            next.set(next.get().max(above as u16 + 1));
        }
        Some(above)
    }

    /// The most that ever lay above the top.
    fn top(&self) -> Option<usize> {
        (self.len.get() != 0).then(|| self.above[self.top.get()].get().into())
    }
}
