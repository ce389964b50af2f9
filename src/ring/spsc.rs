//! A ring between two threads: one pushes, the other pops, and neither ever waits for a lock.
//!
//! ```text
//!  Producer            shared, on lines of their own           Consumer
//!  tail, head_seen ──▶ [ tail ]  ◀─────────── refresh ──────── head, tail_seen
//!                  ─── refresh ───────────▶  [ head ] ◀──
//!                  ──▶ │ A │ B │ C │   │   │   │   │   │ ──▶
//! ```
//!
//! Each half works with its own index and a copy of the other's. It looks at the other's line only
//! when its copy says full or empty, and then learns of everything that has happened since.
//!
//! Each call publishes what it did. A *batch* publishes once: [`Producer::push_batch`] and
//! [`Consumer::pop_batch`] work in the slots themselves, [`Producer::push_slice`] and
//! [`Consumer::pop_slice`] copy.
//!
//! # Capacity
//!
//! Any capacity from 1 on; the channel holds exactly that many values. Its memory is a power of two of
//! slots, the next one up, so that an index finds its slot by a mask.
//!
//! # What it does not do
//!
//! Wait for a value or for room: full and empty are answers. (In a stream between two cores
//! [`Consumer::pop`] may let a microsecond pass before it answers, which makes the stream twice as
//! fast; batches never do.) A caller that wants to wait spins, yields or parks by itself, and
//! asks [`is_abandoned`](Consumer::is_abandoned) whether there is anything to wait for. There is
//! no third thread: clone nothing, and make a channel for each pair.
//!
//! # Examples
//!
//! ```
//! use knhk_pool::ring::spsc;
//!
//! let (mut producer, mut consumer) = spsc::channel::<u64>(64);
//! let summing = std::thread::spawn(move || {
//!     let mut sum = 0;
//!     loop {
//!         let abandoned = consumer.is_abandoned(); // asked first: what was pushed before is seen below
//!         sum += consumer.pop_batch(usize::MAX).sum::<u64>();
//!         if abandoned {
//!             return sum;
//!         }
//!         std::thread::yield_now();
//!     }
//! });
//! for mut value in 1..=1000 {
//!     while let Err(refused) = producer.push(value) {
//!         value = refused;
//!         std::thread::yield_now();
//!     }
//! }
//! drop(producer);
//! assert_eq!(summing.join().unwrap(), 500_500);
//! ```
//!
//! # Invariants
//!
//! 1. There is one producer and one consumer to a `Shared`. The tail, published and own, is stored by
//!    the producer alone, the head by the consumer alone.
//! 2. In the order of counts: published head ≤ the consumer's head ≤ published tail ≤ the producer's
//!    tail ≤ published head + `capacity`. There are at least `capacity` slots.
//! 3. The slots of the indices from the consumer's head up to the producer's tail hold a value each.
//!    The others hold nothing.
//! 4. The consumer alone uses slots of indices from its head up to the published tail; the producer
//!    alone uses the slots from its tail up to `capacity` after the published head. By 2 these
//!    do not overlap. A half publishes its index only when it is done with the slots that it
//!    passes, with Release, and the other learns of it with Acquire: what was done to a slot comes
//!    before what is done to it next.
//! 5. Each half publishes its own index at the latest when it is dropped, so that the last one to go
//!    finds in the published indices what is held.

mod consumer;
mod error;
#[cfg(all(test, loom))]
mod model;
mod pace;
mod producer;
#[cfg(all(test, not(loom)))]
mod tests;

use std::alloc::{self, Layout};
use std::mem::offset_of;

use crate::raw::memory::Memory;
use crate::raw::owned::Counted;
use crate::raw::ring_slots::RingSlots;
use crate::sync::modelled::{AtomicBool, AtomicUsize, Ordering, Witness};

pub use consumer::{Consumer, PopBatch};
pub use error::ChannelError;
pub use producer::{Producer, PushBatch};

/// A channel that holds up to `capacity` values: its two halves.
///
/// # Cost
///
/// Two allocations, of the slots and of what the halves share; none afterwards. The slots are not
/// written.
///
/// # Panics
///
/// If `capacity` is 0, or the memory would be more than `isize::MAX` bytes. If the allocator refuses, the
/// process ends as it does for a `Vec`; [`try_channel`] says so instead.
///
/// # Examples
///
/// ```
/// use knhk_pool::ring::spsc;
///
/// let (mut producer, mut consumer) = spsc::channel(3); // holds 3, not 4
/// assert_eq!(producer.push_slice(&[1, 2, 3, 4]), 3);
/// assert_eq!(producer.push(4), Err(4));
/// assert_eq!(consumer.pop(), Some(1));
/// assert_eq!(producer.push(4), Ok(()));
/// drop(producer);
/// assert!(consumer.is_abandoned());
/// assert_eq!(consumer.pop_batch(10).collect::<Vec<_>>(), [2, 3, 4]);
/// assert_eq!(consumer.pop(), None);
/// ```
///
/// The halves agree on how long a value lives:
///
/// ```compile_fail,E0597
/// # use knhk_pool::ring::spsc;
/// let (producer, mut consumer) = spsc::channel::<&'static str>(1);
/// let short_lived = String::from("gone soon");
/// let mut producer: spsc::Producer<&str> = producer;
/// producer.push(&short_lived).unwrap();
/// drop(short_lived);
/// println!("{:?}", consumer.pop());
/// ```
#[track_caller]
pub fn channel<T>(capacity: usize) -> (Producer<T>, Consumer<T>) {
    match channel_at(capacity, 0) {
        Ok(halves) => halves,
        Err(ChannelError::OutOfMemory { layout }) => alloc::handle_alloc_error(layout),
        Err(error @ ChannelError::Capacity { .. }) => panic!("{error}"),
    }
}

/// As [`channel`], where running out of memory must be an answer.
///
/// # Errors
///
/// [`ChannelError::Capacity`] where `channel` would panic, [`ChannelError::OutOfMemory`] if the allocator
/// refuses.
///
/// # Examples
///
/// ```
/// use knhk_pool::ring::spsc::{self, ChannelError};
///
/// let (mut producer, mut consumer) = spsc::try_channel(8)?;
/// assert_eq!(producer.push(1), Ok(()));
/// assert_eq!(consumer.pop(), Some(1));
///
/// let refused = spsc::try_channel::<u8>(0).unwrap_err();
/// assert!(matches!(refused, ChannelError::Capacity { capacity: 0, .. }));
/// # Ok::<(), ChannelError>(())
/// ```
pub fn try_channel<T>(capacity: usize) -> Result<(Producer<T>, Consumer<T>), ChannelError> {
    channel_at(capacity, 0)
}

/// A channel whose indices begin at `index`.
fn channel_at<T>(
    capacity: usize,
    index: usize,
) -> Result<(Producer<T>, Consumer<T>), ChannelError> {
    let (slots, layout) = slots_for::<T>(capacity)?;
    let memory = Memory::try_new(slots).ok_or(ChannelError::OutOfMemory { layout })?;
    // SAFETY: that many places, of one allocation, which are freed with the `Shared` that both halves
    // keep; a power of two.
    let ring = unsafe { RingSlots::new(memory.start(), slots) };
    let shared = Counted::try_new(Shared {
        tail: Line(AtomicUsize::new(index)),
        head: Line(AtomicUsize::new(index)),
        abandoned: Line(AtomicBool::new(false)),
        capacity,
        slots: ring,
        witness: Witness::new(slots),
        _memory: memory,
    })
    .ok_or(ChannelError::OutOfMemory {
        layout: Layout::new::<Shared<T>>(),
    })?;
    let consumer = Consumer::new(shared.clone(), ring, index);
    Ok((Producer::new(shared, ring, index), consumer))
}

/// How many slots a channel of `capacity` has, and what memory they are.
fn slots_for<T>(capacity: usize) -> Result<(usize, Layout), ChannelError> {
    let slots = capacity
        .checked_next_power_of_two()
        .filter(|_| capacity > 0);
    slots
        .and_then(|slots| Some((slots, Layout::array::<T>(slots).ok()?)))
        .ok_or(ChannelError::Capacity {
            capacity,
            size: size_of::<T>(),
        })
}

/// What is alone on its cache lines: two of them, since the prefetcher fetches pairs.
#[derive(Debug)]
#[repr(align(128))]
struct Line<T>(T);

/// What both halves have.
#[repr(C)]
struct Shared<T> {
    /// Written by the producer.
    tail: Line<AtomicUsize>,
    /// Written by the consumer.
    head: Line<AtomicUsize>,
    /// Whether one half is gone. Written once, and read by nobody's `push` or `pop`.
    abandoned: Line<AtomicBool>,
    /// 1 or more.
    capacity: usize,
    slots: RingSlots<T>,
    witness: Witness,
    /// Reached through `slots`; here to be freed.
    _memory: Memory<T>,
}

const _: () = {
    assert!(offset_of!(Shared<u8>, head) - offset_of!(Shared<u8>, tail) >= 128);
    assert!(offset_of!(Shared<u8>, abandoned) - offset_of!(Shared<u8>, head) >= 128);
    assert!(offset_of!(Shared<u8>, capacity) - offset_of!(Shared<u8>, abandoned) >= 128);
};

impl<T> Shared<T> {
    /// Says to the other half that this one, whose index is published, is gone.
    fn abandon(&self) {
        // Release: with `is_abandoned`, whoever sees it sees the index too.
        self.abandoned.0.store(true, Ordering::Release);
    }

    fn is_abandoned(&self) -> bool {
        // Acquire: with `abandon`.
        self.abandoned.0.load(Ordering::Acquire)
    }
}

/// Drops what nobody has popped.
impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        // Relaxed: both halves are gone, and the count of owners has put their last stores before this.
        let head = self.head.0.load(Ordering::Relaxed);
        let held = self.tail.0.load(Ordering::Relaxed).wrapping_sub(head);
        self.witness.writes(head, held);
        // SAFETY: both halves are gone, with their indices published (invariant 5), so that these slots
        // hold values (3) and nobody else uses them. This runs once.
        unsafe { self.slots.drop_in_place(head, held) };
    }
}
