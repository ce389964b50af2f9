//! The half that pops.

use std::fmt;
use std::iter::FusedIterator;
use std::marker::PhantomData;

use super::Shared;
use super::pace::Pace;
#[cfg(feature = "allocation-tracking")]
use crate::hot_path::HotPathGuard;
use crate::raw::owned::Counted;
use crate::raw::ring_slots::RingSlots;
use crate::sync::modelled::Ordering;

/// The half of a [`channel`](super::channel) that pops.
///
/// It may be sent to another thread, and belongs to one at a time. What it has not popped is dropped
/// when both halves are gone.
///
/// # Cost
///
/// As [`Producer`](super::Producer)'s: `pop` is a comparison, a move and a plain store; when its copy
/// of the other's index says that the channel is empty, a load of it more, and in a stream between two cores
/// perhaps a wait of a microsecond ([`pop`](Self::pop)).
///
/// # Examples
///
/// ```compile_fail,E0277
/// fn share<T: Sync>(_: T) {}
/// share(knhk_pool::ring::spsc::channel::<u8>(4).1);
/// ```
// Aligned as the producer is, and for its reason.
#[repr(align(128))]
pub struct Consumer<T> {
    /// Index of the oldest value; the published one follows.
    head: usize,
    /// The published tail, as last seen.
    tail_seen: usize,
    /// Of `pop`'s looks at it.
    pace: Pace,
    slots: RingSlots<T>,
    shared: Counted<Shared<T>>,
    /// As the producer's.
    _invariant: PhantomData<fn(T) -> T>,
}

// SAFETY: as for the producer: what moves with it are values of T, which are `Send`.
unsafe impl<T: Send> Send for Consumer<T> {}

impl<T> Consumer<T> {
    pub(super) fn new(shared: Counted<Shared<T>>, slots: RingSlots<T>, index: usize) -> Self {
        Self {
            head: index,
            tail_seen: index,
            pace: Pace::new(),
            slots,
            shared,
            _invariant: PhantomData,
        }
    }

    /// Removes the oldest value.
    ///
    /// # Cost
    ///
    /// Where values stream in from another core as fast as they are popped, a pop that has nothing left to
    /// pop lets up to 32 [`spin_loop`](std::hint::spin_loop) hints pass before it looks for more (0.7 µs on a
    /// Zen 5, twice that where a hint takes 140 cycles), so that many come at once: that makes the stream
    /// twice as fast. It does so only if it pays: a channel that is polled in vain is not waited for, nor is
    /// one of fewer than 32 values. What must answer at once always takes [`pop_batch`](Self::pop_batch):
    /// like `pop_slice`, `peek` and `front_mut` it never waits.
    #[inline(always)]
    pub fn pop(&mut self) -> Option<T> {
        #[cfg(feature = "allocation-tracking")]
        let _section = HotPathGuard::enter("knhk_pool::Consumer::pop");
        if self.held_seen() == 0 && self.look() == 0 {
            self.publish_forgotten();
            return None;
        }
        let head = self.head;
        let value = self.read(head);
        self.publish(head.wrapping_add(1));
        self.head = head.wrapping_add(1);
        Some(value)
    }

    /// The oldest value.
    #[inline]
    pub fn peek(&mut self) -> Option<&T> {
        self.front_mut().map(|front| &*front)
    }

    /// The oldest value, to change it where it is.
    #[inline]
    pub fn front_mut(&mut self) -> Option<&mut T> {
        let count = self.held_of(1);
        self.as_mut_slices(count).0.first_mut()
    }

    /// Moves the oldest values into `values`, as many as there are or as it holds; returns how many.
    /// Their slots are given back at once.
    ///
    /// # Cost
    ///
    /// At most two block copies, and one store to the shared line.
    #[inline]
    pub fn pop_slice(&mut self, values: &mut [T]) -> usize
    where
        T: Copy,
    {
        let count = self.held_of(values.len());
        self.shared.witness.reads(self.head, count);
        // SAFETY: as many slots from the head on hold values (invariant 3) and are the consumer's alone
        // (4).
        unsafe { self.slots.copy_out(self.head, &mut values[..count]) };
        self.head = self.head.wrapping_add(count);
        self.publish(self.head);
        count
    }

    /// Removes up to `max` of the oldest values: as many as there are, perhaps none. They can be seen
    /// where they are, or be taken out one by one.
    ///
    /// Their slots are given back when the batch is dropped, all at once.
    ///
    /// # Examples
    ///
    /// ```
    /// use knhk_pool::ring::spsc;
    ///
    /// let (mut producer, mut consumer) = spsc::channel(8);
    /// producer.push_slice(&[1, 2, 3, 4, 5]);
    /// let mut batch = consumer.pop_batch(4);
    /// assert_eq!(batch.next(), Some(1)); // by value
    /// assert_eq!(batch.as_slices(), (&[2, 3, 4][..], &[][..])); // in place
    /// drop(batch);
    /// assert_eq!(consumer.pop(), Some(5));
    /// ```
    #[inline]
    pub fn pop_batch(&mut self, max: usize) -> PopBatch<'_, T> {
        let end = self.head.wrapping_add(self.held_of(max));
        PopBatch {
            consumer: self,
            end,
        }
    }

    /// How many values the channel holds. The producer may be pushing some at this moment.
    pub fn len(&self) -> usize {
        // Relaxed: a figure publishes nothing.
        let tail = self.shared.tail.0.load(Ordering::Relaxed);
        tail.wrapping_sub(self.head)
    }

    /// Whether the channel holds none. If it holds one, the next [`pop`](Self::pop) finds it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many values the channel can hold: what it was made for.
    pub fn capacity(&self) -> usize {
        self.shared.capacity
    }

    /// Whether the producer is gone. If it is, all that it has pushed can be seen: a consumer that
    /// finds nothing *after* it was told so has had everything.
    pub fn is_abandoned(&self) -> bool {
        self.shared.is_abandoned()
    }

    /// Moves the value at `head` out, the oldest one; there must be one: `held_seen` or `refresh` has said
    /// so. The head has to move on.
    #[inline(always)]
    fn read(&self, head: usize) -> T {
        debug_assert!(head == self.head && self.held_seen() > 0);
        self.shared.witness.reads(head, 1);
        // SAFETY: the callers have seen a value, so that the slot holds one (invariant 3) and is the
        // consumer's alone (4) until the head behind it is published. They move the head on.
        unsafe { self.slots.read(head) }
    }

    /// The next `count` values where they are; so many must have been seen.
    #[inline]
    fn as_mut_slices(&mut self, count: usize) -> (&mut [T], &mut [T]) {
        debug_assert!(count <= self.held_seen());
        self.shared.witness.writes(self.head, count);
        let [mut first, mut second] = self.slots.stretches(self.head, count);
        // SAFETY: these slots hold values (invariant 3) and are the consumer's alone (4), which is
        // borrowed mutably as long as the slices are.
        let first = unsafe { first.as_mut() };
        // SAFETY: as above; the two do not overlap.
        (first, unsafe { second.as_mut() })
    }

    /// Gives the slots behind `head` back to the producer.
    // Published first, stored for this half's own use afterwards: stores leave the core in this order, and
    // the other half waits for the first.
    #[inline(always)]
    fn publish(&self, head: usize) {
        // Release: with the producer's `refresh`, which may then write to the slots.
        self.shared.head.0.store(head, Ordering::Release);
    }

    /// Publishes what a forgotten batch has taken: else one that emptied the channel would block it. A
    /// consumer that waits for values stores nothing.
    #[inline]
    fn publish_forgotten(&self) {
        if self.shared.head.0.load(Ordering::Relaxed) != self.head {
            self.publish(self.head);
        }
    }

    /// Values held, by the tail last seen; there may be more.
    #[inline(always)]
    fn held_seen(&self) -> usize {
        self.tail_seen.wrapping_sub(self.head)
    }

    /// Values held, by the tail as it is now, or as it is after a wait that pays. For when all that was seen
    /// is popped.
    #[inline(always)]
    fn look(&mut self) -> usize {
        if self.pace.is_weighed() {
            return self.look_and_weigh();
        }
        self.refresh()
    }

    // One of sixteen where nothing is to be had, and each where waiting pays.
    #[inline(never)]
    fn look_and_weigh(&mut self) -> usize {
        self.pace.wait();
        let found = self.refresh();
        self.pace.weigh(found, self.capacity());
        found
    }

    /// Values held, by the tail as it is now.
    #[inline(always)]
    fn refresh(&mut self) -> usize {
        // Acquire: with the producer's `publish`; its writes to these slots come before our reads.
        self.tail_seen = self.shared.tail.0.load(Ordering::Acquire);
        self.held_seen()
    }

    /// Values held, but no more than `wanted`.
    #[inline]
    fn held_of(&mut self, wanted: usize) -> usize {
        match self.held_seen() {
            seen if seen >= wanted => wanted,
            _ => self.refresh().min(wanted),
        }
    }
}

/// Publishes what a forgotten batch has taken, and says that it is gone.
impl<T> Drop for Consumer<T> {
    fn drop(&mut self) {
        self.publish(self.head);
        self.shared.abandon();
    }
}

impl<T> fmt::Debug for Consumer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("is_abandoned", &self.is_abandoned())
            .finish_non_exhaustive()
    }
}

/// Values that are being popped, in their slots: made by [`Consumer::pop_batch`].
///
/// Dropping it drops those that were not taken out, and gives the slots back. When it is forgotten
/// ([`std::mem::forget`]), those stay in the channel, and the slots of those that were taken out are given
/// back with the consumer's next pop, also one that finds nothing, or when the consumer is dropped.
pub struct PopBatch<'a, T> {
    consumer: &'a mut Consumer<T>,
    /// Index behind the last value of the batch.
    end: usize,
}

impl<T> PopBatch<'_, T> {
    /// The values that are left in order, as two slices: the second follows the first, and is empty
    /// unless they reach past the last slot.
    #[inline]
    pub fn as_slices(&mut self) -> (&[T], &[T]) {
        let (first, second) = self.as_mut_slices();
        (first, second)
    }

    /// As [`as_slices`](Self::as_slices), to change the values where they are.
    #[inline]
    pub fn as_mut_slices(&mut self) -> (&mut [T], &mut [T]) {
        let count = self.left();
        self.consumer.as_mut_slices(count)
    }

    #[inline(always)]
    fn left(&self) -> usize {
        self.end.wrapping_sub(self.consumer.head)
    }
}

impl<T> Iterator for PopBatch<'_, T> {
    type Item = T;

    #[inline(always)]
    fn next(&mut self) -> Option<T> {
        if self.left() == 0 {
            return None;
        }
        let head = self.consumer.head;
        let value = self.consumer.read(head);
        self.consumer.head = head.wrapping_add(1);
        Some(value)
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left(), Some(self.left()))
    }
}

impl<T> ExactSizeIterator for PopBatch<'_, T> {}
impl<T> FusedIterator for PopBatch<'_, T> {}

impl<T> Drop for PopBatch<'_, T> {
    #[inline]
    fn drop(&mut self) {
        let (index, left) = (self.consumer.head, self.left());
        self.consumer.head = self.end;
        let giving_back = GiveBack(self.consumer);
        let consumer = giving_back.0;
        consumer.shared.witness.writes(index, left);
        // SAFETY: these slots hold values (invariant 3), and the consumer's head has moved past them, so
        // that they are not used again. They are the consumer's alone (4) until `giving_back`
        // publishes the head, which it does if a value panics in its drop too.
        unsafe { consumer.slots.drop_in_place(index, left) };
    }
}

/// Publishes the consumer's head when it is dropped.
struct GiveBack<'a, T>(&'a Consumer<T>);

impl<T> Drop for GiveBack<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.0.publish(self.0.head);
    }
}

impl<T> fmt::Debug for PopBatch<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PopBatch")
            .field("left", &self.left())
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use crate::ring::spsc::channel;

    #[test]
    fn consumer_looks_for_news_only_where_it_has_not_seen_enough() {
        let (mut producer, mut consumer) = channel(8);
        assert_eq!(producer.push_slice(&[1, 2, 3]), 3);
        assert_eq!((consumer.pop(), consumer.tail_seen), (Some(1), 3));
        assert_eq!(producer.push(4), Ok(()));
        assert_eq!(
            (consumer.pop_slice(&mut [0; 2]), consumer.tail_seen),
            (2, 3)
        );
        assert_eq!(
            (consumer.pop_slice(&mut [0; 2]), consumer.tail_seen),
            (1, 4)
        );
    }
}
