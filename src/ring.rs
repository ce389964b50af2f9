//! Rings: queues of fixed capacity that allocate nothing once they are made.
//!
//! ```text
//!            head                tail          both run on for ever; what is held lies between
//!             ▼                   ▼            them, at the index modulo the number of slots
//!  │   │   │ A │ B │ C │ D │ E │   │
//!            pop ◀───        ◀─── push
//! ```
//!
//! | you have | take |
//! |---|---|
//! | one thread | [`EventRingBuffer`]: slots inline, capacity in the type |
//! | a thread that sends and one that receives | [`spsc::channel`]: the same ring between two halves |
//!
//! Because indices are counts and not positions, a full ring and an empty one differ, and every slot
//! is usable. ADR-011 says what else was weighed.
//!
//! # Invariants
//!
//! Of [`EventRingBuffer`]; [`spsc`] has its own.
//!
//! 1. `N` is a power of two: `new` and `boxed` do not compile otherwise, and nothing else makes one.
//! 2. `tail - head` (wrapping) is at most `N`. The slots of the indices `head..tail` hold a value
//!    each, the others hold nothing.
//! 3. No foreign code (a `Drop`, a closure) runs while 2 does not hold.

mod iter;
pub mod spsc;

use std::fmt;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

#[cfg(feature = "allocation-tracking")]
use crate::hot_path::HotPathGuard;
use crate::object_pool::Reset;
use crate::raw::ring_slots::RingSlots;

pub use iter::{Drain, Iter};

/// A first-in, first-out queue of at most `N` values, held inline; all `N` slots are usable.
///
/// `N` is a power of two. It belongs to one thread at a time; between two, see [`spsc`].
///
/// # Cost
///
/// `push` and `pop` are a comparison, a move and an addition each: no allocation, no division, no
/// atomic. What a full or empty ring answers costs no more.
///
/// The ring is `N * size_of::<T>()` bytes and two words, and moves with all of them: keep a large one
/// where it was made, or on the heap by [`boxed`](Self::boxed), which never has it on the stack.
///
/// # Examples
///
/// ```
/// use knhk_pool::EventRingBuffer;
///
/// let mut ring = EventRingBuffer::<&str, 2>::new();
/// assert_eq!(ring.push("first"), Ok(()));
/// assert_eq!(ring.push("second"), Ok(()));
/// assert_eq!(ring.push("third"), Err("third")); // full: the value comes back
/// assert_eq!(ring.push_overwriting("third"), Some("first"));
/// assert_eq!(ring.drain().collect::<Vec<_>>(), ["second", "third"]);
/// ```
///
/// A capacity that is no power of two does not compile, and zero is none:
///
/// ```compile_fail,E0080
/// const RING: knhk_pool::EventRingBuffer<u8, 12> = knhk_pool::EventRingBuffer::new();
/// ```
///
/// ```compile_fail,E0080
/// const RING: knhk_pool::EventRingBuffer<u8, 0> = knhk_pool::EventRingBuffer::new();
/// ```
pub struct EventRingBuffer<T, const N: usize> {
    /// Index of the oldest value.
    head: usize,
    /// Index of the next value.
    tail: usize,
    slots: [MaybeUninit<T>; N],
}

impl<T, const N: usize> EventRingBuffer<T, N> {
    /// An empty ring.
    pub const fn new() -> Self {
        Self::starting_at(0)
    }

    const fn starting_at(index: usize) -> Self {
        const { assert!(N.is_power_of_two(), "a ring has a power of two of slots") };
        Self {
            head: index,
            tail: index,
            slots: [const { MaybeUninit::uninit() }; N],
        }
    }

    /// An empty ring on the heap, made where it stays: however large it is, it is never on the stack.
    ///
    /// # Cost
    ///
    /// One allocation. The slots are not written, so that the pages of a large ring are first touched
    /// by what is pushed.
    ///
    /// # Examples
    ///
    /// ```
    /// use knhk_pool::EventRingBuffer;
    ///
    /// let mut ring = EventRingBuffer::<[u64; 1024], 16_384>::boxed(); // 128 MiB
    /// assert_eq!(ring.push([7; 1024]), Ok(()));
    /// assert_eq!(ring.len(), 1);
    /// ```
    pub fn boxed() -> Box<Self> {
        const { assert!(N.is_power_of_two(), "a ring has a power of two of slots") };
        let mut ring = Box::<Self>::new_uninit();
        let place = ring.as_mut_ptr();
        // SAFETY: a field of memory that is allocated for a ring.
        let head = unsafe { &raw mut (*place).head };
        // SAFETY: as above.
        let tail = unsafe { &raw mut (*place).tail };
        // SAFETY: inside the box, aligned, and nobody else knows of it.
        unsafe { head.write(0) };
        // SAFETY: as above.
        unsafe { tail.write(0) };
        // SAFETY: both indices are written, and the slots may be uninitialised: that is their type.
        unsafe { ring.assume_init() }
    }

    /// Appends `value`.
    ///
    /// # Errors
    ///
    /// The value, when the ring is full.
    #[inline(always)]
    pub fn push(&mut self, value: T) -> Result<(), T> {
        #[cfg(feature = "allocation-tracking")]
        let _section = HotPathGuard::enter("knhk_pool::EventRingBuffer::push");
        if self.is_full() {
            return Err(value);
        }
        let index = self.tail;
        // SAFETY: the ring is borrowed mutably. The slot holds nothing (invariant 2): it is not full.
        unsafe { self.slots_mut().write(index, value) };
        self.tail = index.wrapping_add(1);
        Ok(())
    }

    /// Appends `value`; when the ring is full, the oldest value makes room for it and is returned.
    #[inline]
    pub fn push_overwriting(&mut self, value: T) -> Option<T> {
        let oldest = if self.is_full() { self.pop() } else { None };
        // A slot is free now, so that nothing comes back.
        let refused = self.push(value);
        debug_assert!(refused.is_ok());
        oldest
    }

    /// Removes the oldest value.
    #[inline(always)]
    pub fn pop(&mut self) -> Option<T> {
        #[cfg(feature = "allocation-tracking")]
        let _section = HotPathGuard::enter("knhk_pool::EventRingBuffer::pop");
        if self.is_empty() {
            return None;
        }
        let index = self.head;
        self.head = index.wrapping_add(1);
        // SAFETY: the slot held a value (invariant 2), and since the line above it is not among those
        // that do, so that it is not used again.
        Some(unsafe { self.slots_mut().read(index) })
    }

    /// Removes the oldest value if `wanted` says so of it.
    ///
    /// # Examples
    ///
    /// The events of one tick, and no later ones:
    ///
    /// ```
    /// use knhk_pool::EventRingBuffer;
    ///
    /// let mut ring = EventRingBuffer::<(u64, &str), 4>::new();
    /// for event in [(0, "a"), (0, "b"), (1, "c")] {
    ///     ring.push(event).expect("three fit in four");
    /// }
    /// let mut tick_0 = Vec::new();
    /// while let Some((_, name)) = ring.pop_if(|(tick, _)| *tick == 0) {
    ///     tick_0.push(name);
    /// }
    /// assert_eq!((tick_0, ring.len()), (vec!["a", "b"], 1));
    /// ```
    #[inline]
    pub fn pop_if(&mut self, wanted: impl FnOnce(&mut T) -> bool) -> Option<T> {
        wanted(self.front_mut()?).then(|| self.pop())?
    }

    /// The oldest value.
    #[inline]
    pub fn peek(&self) -> Option<&T> {
        self.as_slices().0.first()
    }

    /// The oldest value, to change it where it is.
    #[inline]
    pub fn front_mut(&mut self) -> Option<&mut T> {
        self.as_mut_slices().0.first_mut()
    }

    /// The values, oldest first.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter::new(self.as_slices())
    }

    /// Removes the values one by one, oldest first. Those that are left when the iterator is dropped
    /// are dropped with it; when it is forgotten ([`mem::forget`](std::mem::forget)), they stay.
    pub fn drain(&mut self) -> Drain<'_, T, N> {
        Drain::new(self)
    }

    /// The values in order, as two slices: the second follows the first, and is empty unless they
    /// reach past the last slot.
    #[inline]
    pub fn as_slices(&self) -> (&[T], &[T]) {
        let start = NonNull::from(&self.slots).cast();
        // SAFETY: that many places, and a power of two (invariant 1). They are read only.
        let slots = unsafe { RingSlots::new(start, N) };
        let [first, second] = slots.stretches(self.head, self.len());
        // SAFETY: these slots hold values (invariant 2), and the ring is borrowed as long as they are.
        let first = unsafe { first.as_ref() };
        // SAFETY: as above.
        (first, unsafe { second.as_ref() })
    }

    /// As [`as_slices`](Self::as_slices), to change the values where they are.
    #[inline]
    pub fn as_mut_slices(&mut self) -> (&mut [T], &mut [T]) {
        let [mut first, mut second] = self.slots_mut().stretches(self.head, self.len());
        // SAFETY: these slots hold values (invariant 2), and the ring is borrowed mutably as long as
        // they are.
        let first = unsafe { first.as_mut() };
        // SAFETY: as above; the two do not overlap.
        (first, unsafe { second.as_mut() })
    }

    /// Appends as many of `values` as there is room for, the first ones; returns how many.
    ///
    /// # Cost
    ///
    /// At most two block copies.
    #[inline]
    pub fn push_slice(&mut self, values: &[T]) -> usize
    where
        T: Copy,
    {
        let count = values.len().min(N - self.len());
        let index = self.tail;
        // SAFETY: the ring is borrowed mutably. These slots hold nothing (invariant 2), for that many
        // are free.
        unsafe { self.slots_mut().copy_in(index, &values[..count]) };
        self.tail = index.wrapping_add(count);
        count
    }

    /// Moves the oldest values into `values`, as many as there are or as it holds; returns how many.
    ///
    /// # Cost
    ///
    /// At most two block copies.
    ///
    /// # Examples
    ///
    /// ```
    /// use knhk_pool::EventRingBuffer;
    ///
    /// let mut ring = EventRingBuffer::<u8, 4>::new();
    /// assert_eq!(ring.push_slice(&[1, 2, 3, 4, 5]), 4);
    /// let mut front = [0; 3];
    /// assert_eq!((ring.pop_slice(&mut front), front), (3, [1, 2, 3]));
    /// assert_eq!((ring.pop_slice(&mut front), front), (1, [4, 2, 3]));
    /// ```
    #[inline]
    pub fn pop_slice(&mut self, values: &mut [T]) -> usize
    where
        T: Copy,
    {
        let count = values.len().min(self.len());
        let index = self.head;
        // SAFETY: these slots hold values (invariant 2), which may be copied.
        unsafe { self.slots_mut().copy_out(index, &mut values[..count]) };
        self.head = index.wrapping_add(count);
        count
    }

    /// Drops all values.
    ///
    /// # Panics
    ///
    /// If a value does in its drop: then the others are dropped too, and the ring is empty.
    pub fn clear(&mut self) {
        let (index, len) = (self.head, self.len());
        self.head = self.tail;
        // SAFETY: these slots held values (invariant 2), and since the line above they are not among
        // those that do, whatever the values' drop does.
        unsafe { self.slots_mut().drop_in_place(index, len) };
    }

    /// How many values it holds.
    #[inline(always)]
    pub const fn len(&self) -> usize {
        self.tail.wrapping_sub(self.head)
    }

    /// Whether it holds none, so that the next [`pop`](Self::pop) finds nothing.
    #[inline(always)]
    pub const fn is_empty(&self) -> bool {
        self.tail == self.head
    }

    /// Whether it holds `N`, so that the next [`push`](Self::push) is refused.
    #[inline(always)]
    pub const fn is_full(&self) -> bool {
        self.len() == N
    }

    /// `N`.
    pub const fn capacity(&self) -> usize {
        N
    }

    #[inline(always)]
    fn slots_mut(&mut self) -> RingSlots<T> {
        let start = NonNull::from(&mut self.slots).cast();
        // SAFETY: that many places, and a power of two (invariant 1). Callers use what they get before
        // the ring is moved or borrowed again.
        unsafe { RingSlots::new(start, N) }
    }
}

/// Drops what it still holds.
impl<T, const N: usize> Drop for EventRingBuffer<T, N> {
    fn drop(&mut self) {
        self.clear();
    }
}

/// As [`EventRingBuffer::new`].
impl<T, const N: usize> Default for EventRingBuffer<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

/// Drops all values: a pooled ring is empty for its next owner.
impl<T, const N: usize> Reset for EventRingBuffer<T, N> {
    fn reset(&mut self) {
        self.clear();
    }
}

impl<'a, T, const N: usize> IntoIterator for &'a EventRingBuffer<T, N> {
    type Item = &'a T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

/// The values, oldest first.
impl<T: fmt::Debug, const N: usize> fmt::Debug for EventRingBuffer<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

#[cfg(test)]
mod tests;
