//! The half that pushes.

use std::fmt;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use super::Shared;
#[cfg(feature = "allocation-tracking")]
use crate::hot_path::HotPathGuard;
use crate::raw::owned::Counted;
use crate::raw::ring_slots::RingSlots;
use crate::sync::modelled::Ordering;

/// The half of a [`channel`](super::channel) that pushes.
///
/// It may be sent to another thread, and belongs to one at a time. When it is dropped, what it has
/// pushed can still be popped.
///
/// # Cost
///
/// `push` is a comparison, a move and a plain store to a line that the other thread reads; when its
/// copy of the other's index says that the channel is full, a load of it more. No lock, no
/// read-modify-write, no allocation.
///
/// # Examples
///
/// It is not to be shared:
///
/// ```compile_fail,E0277
/// fn share<T: Sync>(_: T) {}
/// share(knhk_pool::ring::spsc::channel::<u8>(4).0);
/// ```
///
/// What cannot be sent cannot be pushed from another thread:
///
/// ```compile_fail,E0277
/// let (producer, _consumer) = knhk_pool::ring::spsc::channel::<std::rc::Rc<u8>>(4);
/// std::thread::spawn(move || drop(producer));
/// ```
// The alignment keeps the two halves on lines of their own where they lie side by side, as locals do
// that scoped threads borrow.
#[repr(align(128))]
pub struct Producer<T> {
    /// Index of the next value; the published one follows.
    tail: usize,
    /// Index at which the channel is full, by the published head as last seen: one comparison says whether
    /// there is room. A producer that is not slower than its consumer stays ahead of it, and then neither
    /// waits for the other's line.
    full_at: usize,
    slots: RingSlots<T>,
    shared: Counted<Shared<T>>,
    /// What goes in at one half comes out at the other: a `T` must mean the same to both.
    _invariant: PhantomData<fn(T) -> T>,
}

// SAFETY: what moves with it to another thread are values of T, which are `Send`: pushed there, and
// dropped there if it is the last half. The other half uses other slots and stores to other places
// (invariants 1 and 4), and what both read is atomic or constant.
unsafe impl<T: Send> Send for Producer<T> {}

impl<T> Producer<T> {
    pub(super) fn new(shared: Counted<Shared<T>>, slots: RingSlots<T>, index: usize) -> Self {
        Self {
            tail: index,
            full_at: index.wrapping_add(shared.capacity),
            slots,
            shared,
            _invariant: PhantomData,
        }
    }

    /// Appends `value`.
    ///
    /// # Errors
    ///
    /// The value, when the channel is full.
    #[inline(always)]
    pub fn push(&mut self, value: T) -> Result<(), T> {
        #[cfg(feature = "allocation-tracking")]
        let _section = HotPathGuard::enter("knhk_pool::Producer::push");
        if self.room_seen() == 0 && self.refresh() == 0 {
            self.publish_forgotten();
            return Err(value);
        }
        let tail = self.tail;
        self.put(tail, value);
        self.publish(tail.wrapping_add(1));
        self.tail = tail.wrapping_add(1);
        Ok(())
    }

    /// Appends as many of `values` as there is room for, the first ones; returns how many. They are
    /// published at once.
    ///
    /// # Cost
    ///
    /// At most two block copies, and one store to the shared line.
    #[inline]
    pub fn push_slice(&mut self, values: &[T]) -> usize
    where
        T: Copy,
    {
        let count = self.room_for(values.len());
        let tail = self.tail;
        self.shared.witness.writes(tail, count);
        // SAFETY: as many slots from the tail on are the producer's alone (invariant 4), and hold
        // nothing (3).
        unsafe { self.slots.copy_in(tail, &values[..count]) };
        self.tail = tail.wrapping_add(count);
        self.publish(self.tail);
        count
    }

    /// Room for up to `max` values, to be filled in place: as much as there is, perhaps none.
    ///
    /// What is put there is published when the batch is dropped, all at once.
    ///
    /// # Examples
    ///
    /// ```
    /// use knhk_pool::ring::spsc;
    ///
    /// let (mut producer, mut consumer) = spsc::channel(8);
    /// let mut batch = producer.push_batch(3);
    /// assert_eq!(batch.room(), 3);
    /// for value in ["a", "b", "c"] {
    ///     batch.push(value).expect("room for three");
    /// }
    /// assert_eq!(batch.push("d"), Err("d"));
    /// assert_eq!(consumer.pop(), None); // not published yet
    /// drop(batch);
    /// assert_eq!(consumer.pop_batch(8).collect::<String>(), "abc");
    /// ```
    #[inline]
    pub fn push_batch(&mut self, max: usize) -> PushBatch<'_, T> {
        let next = self.tail;
        let end = next.wrapping_add(self.room_for(max));
        PushBatch {
            producer: self,
            next,
            end,
        }
    }

    /// How many values the channel holds, those of an unpublished batch included. The consumer may be
    /// taking some at this moment.
    pub fn len(&self) -> usize {
        // Relaxed: a figure publishes nothing.
        let head = self.shared.head.0.load(Ordering::Relaxed);
        self.tail.wrapping_sub(head)
    }

    /// Whether the channel holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the channel is full. If it is not, the next [`push`](Self::push) succeeds.
    pub fn is_full(&self) -> bool {
        self.len() == self.capacity()
    }

    /// How many values the channel can hold: what it was made for.
    pub fn capacity(&self) -> usize {
        self.shared.capacity
    }

    /// Whether the consumer is gone, so that nobody will pop what is pushed.
    pub fn is_abandoned(&self) -> bool {
        self.shared.is_abandoned()
    }

    /// Writes into the slot at `tail`, the next one, which must be free: `room_seen` or `refresh` has said
    /// so.
    #[inline(always)]
    fn put(&self, tail: usize, value: T) {
        debug_assert!(tail == self.tail && self.room_seen() > 0);
        self.shared.witness.writes(tail, 1);
        // SAFETY: the callers have seen room, so that the slot is the producer's alone (invariant 4) and
        // holds nothing (3).
        unsafe { self.slots.write(tail, value) };
    }

    /// Lets the consumer have what was put before `tail`.
    // Published first, stored for this half's own use afterwards, as in the consumer.
    #[inline(always)]
    fn publish(&self, tail: usize) {
        // Release: with the consumer's `refresh`, which may then read the slots.
        self.shared.tail.0.store(tail, Ordering::Release);
    }

    /// Publishes what a forgotten batch has left unpublished: else one that filled the channel would block
    /// it. A producer that waits for room stores nothing.
    #[inline]
    fn publish_forgotten(&self) {
        if self.shared.tail.0.load(Ordering::Relaxed) != self.tail {
            self.publish(self.tail);
        }
    }

    /// Free slots, by the head last seen; there may be more.
    #[inline(always)]
    fn room_seen(&self) -> usize {
        self.full_at.wrapping_sub(self.tail)
    }

    /// Free slots, by the head as it is now.
    #[inline(always)]
    fn refresh(&mut self) -> usize {
        // Acquire: with the consumer's `publish`; its reads of these slots come before our writes.
        let head = self.shared.head.0.load(Ordering::Acquire);
        self.full_at = head.wrapping_add(self.shared.capacity);
        self.room_seen()
    }

    /// Free slots, but no more than `wanted`.
    #[inline]
    fn room_for(&mut self, wanted: usize) -> usize {
        let wanted = wanted.min(self.capacity());
        match self.room_seen() {
            seen if seen >= wanted => wanted,
            _ => self.refresh().min(wanted),
        }
    }
}

/// Publishes what a forgotten batch has left unpublished, and says that it is gone.
impl<T> Drop for Producer<T> {
    fn drop(&mut self) {
        self.publish(self.tail);
        self.shared.abandon();
    }
}

impl<T> fmt::Debug for Producer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("is_abandoned", &self.is_abandoned())
            .finish_non_exhaustive()
    }
}

/// Slots of a channel to be filled in place: made by [`Producer::push_batch`].
///
/// Dropping it publishes what was put into it. When it is forgotten ([`std::mem::forget`]), that is
/// published with the producer's next push, also one that is refused, or when the producer is dropped.
pub struct PushBatch<'a, T> {
    producer: &'a mut Producer<T>,
    /// The producer's tail; here it stays in a register.
    next: usize,
    /// Index behind the last slot of the batch.
    end: usize,
}

impl<T> PushBatch<'_, T> {
    /// Puts `value` into the next slot.
    ///
    /// # Errors
    ///
    /// The value, when the batch is full.
    #[inline(always)]
    pub fn push(&mut self, value: T) -> Result<(), T> {
        if self.room() == 0 {
            return Err(value);
        }
        self.producer.put(self.next, value);
        self.pass(1);
        Ok(())
    }

    /// Slots of the batch that are free.
    #[inline(always)]
    pub fn room(&self) -> usize {
        self.end.wrapping_sub(self.next)
    }

    /// The free slots of the batch in order, as two slices: the second follows the first, and is empty
    /// unless they reach past the last slot. What is written there counts after
    /// [`assume_pushed`](Self::assume_pushed).
    ///
    /// # Examples
    ///
    /// ```
    /// use knhk_pool::ring::spsc;
    ///
    /// let (mut producer, mut consumer) = spsc::channel::<u16>(8);
    /// let mut batch = producer.push_batch(5);
    /// let (free, _) = batch.spare_capacity_mut();
    /// free[0].write(7);
    /// free[1].write(8);
    /// // SAFETY: the first two are written.
    /// unsafe { batch.assume_pushed(2) };
    /// drop(batch);
    /// assert_eq!(consumer.pop_batch(8).as_slices().0, [7, 8]);
    /// ```
    pub fn spare_capacity_mut(&mut self) -> (&mut [MaybeUninit<T>], &mut [MaybeUninit<T>]) {
        let producer = &*self.producer;
        producer.shared.witness.writes(self.next, self.room());
        let [first, second] = producer.slots.stretches(self.next, self.room());
        // SAFETY: these slots are the producer's alone (invariant 4), which is borrowed mutably as long
        // as the slice is; a `MaybeUninit` needs nothing to be in them.
        let first = unsafe { uninit(first).as_mut() };
        // SAFETY: as above; the two do not overlap.
        (first, unsafe { uninit(second).as_mut() })
    }

    /// Counts the next `count` slots as pushed.
    ///
    /// # Panics
    ///
    /// If the batch has fewer free slots.
    ///
    /// # Safety
    ///
    /// * Values were written to the first `count` of
    ///   [`spare_capacity_mut`](Self::spare_capacity_mut), since the last call of this.
    pub unsafe fn assume_pushed(&mut self, count: usize) {
        let room = self.room();
        assert!(count <= room, "{count} values in {room} slots");
        self.producer.shared.witness.writes(self.next, count);
        self.pass(count);
    }

    /// The next `count` slots hold values.
    #[inline(always)]
    fn pass(&mut self, count: usize) {
        self.next = self.next.wrapping_add(count);
        self.producer.tail = self.next;
    }
}

fn uninit<T>(slots: NonNull<[T]>) -> NonNull<[MaybeUninit<T>]> {
    NonNull::slice_from_raw_parts(slots.cast(), slots.len())
}

impl<T> Drop for PushBatch<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.producer.publish(self.producer.tail);
    }
}

impl<T> fmt::Debug for PushBatch<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PushBatch")
            .field("room", &self.room())
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use crate::ring::spsc::channel;

    #[test]
    fn producer_looks_for_room_only_where_it_has_not_seen_enough() {
        let (mut producer, mut consumer) = channel(4);
        assert_eq!(producer.push_slice(&[1, 2]), 2);
        assert_eq!(consumer.pop(), Some(1));
        assert_eq!((producer.push_slice(&[3, 4]), producer.full_at), (2, 4));
        assert_eq!((producer.push_slice(&[5, 6]), producer.full_at), (1, 5));
    }
}
