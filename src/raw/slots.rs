//! A fixed array of slots, each of which holds a `T` or nothing, and the lists of those at rest.
//!
//! ```text
//!  memory │ T │ T │   │ T │   │ T │    slots: they stay where they are until the end
//!  lists  │ •   • │ ·   · │ •   • │    pointers to slots
//!          idle ─▶         ◀─ vacant
//!         (hold a T)       (hold nothing)
//! ```
//!
//! A slot in neither list is out, and a [`Full`] stands for it: a value that cannot be copied, and
//! the only way to the object. To give the slot back is to consume that value. The types thereby
//! keep the books that an unsafe free list would have to argue for; a `Full` that is lost or
//! forgotten takes its slot and its object with it, and nothing else.
//!
//! Nothing is allocated after [`Slots::try_new`], but in the mode *passthrough*.
//!
//! # Invariants
//!
//! 1. `places` are `lists.len()` places for a `T`, owned by the `Slots` and never moved or resized;
//!    each pointer in `lists` or in a `Full` points to one of them, and is derived from the pointer
//!    that frees it.
//! 2. Each slot is in exactly one of four states, and no user code runs while it is in none:
//!    in `lists[..idle]` and holding a `T`; in `lists[len - vacant..]` and holding nothing; standing
//!    behind one `Full` (a forgotten one included) and holding a `T`; being emptied by
//!    [`Full::dispose`] or at hand in one of the functions below.
//! 3. While a slot stands behind a `Full`, references to its object come from that `Full` alone.
//!
//! 4. A slot that goes into a list is laid down with [`Places`] first, and what is listed is the slot
//!    that it returns; one that comes out of a list is taken up.
//! 5. `idle` is the word's, which changes here alone; with at most [`tally::IDLE_MAX`] slots it stays in its half.
//!
//! From 2 follows `idle + vacant < len` whenever a slot is at hand, so that a push always has room.

use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

use super::owned::{self, Counted};
use super::places::Places;
use super::tally::{self, Tally, Word};
use crate::sync::modelled::Cell;

/// The slots, and beside them what their owner wants to reach from every [`Full`].
pub(crate) struct Slots<T, O: Owner> {
    /// `Cell` also makes the type invariant in `T`: what is put in through a shared reference must
    /// live as long as what is taken out.
    lists: Box<[Cell<NonNull<T>>]>,
    books: Counted<Books<O::Shared>>,
    /// How many are idle, and how often one came back.
    word: Cell<Word>,
    vacant: Cell<usize>,
    /// Where the slots are.
    places: Places<T>,
    owner: O,
}

// SAFETY: the memory belongs to the `Slots` alone (invariant 1), and every `Full` borrows the
// `Slots`, which is not `Sync` (it holds `Cell`s), so that none is left on the old thread when the
// `Slots` moves to another. What moves with it are values of `T` and `O`, which are `Send`, and an owner of
// the books, which other threads may hold too.
unsafe impl<T: Send, O: Owner<Shared: Send + Sync> + Send> Send for Slots<T, O> {}

/// What the owner of slots keeps beside them.
pub(crate) trait Owner {
    /// What readers on other threads see of it.
    type Shared;
}

/// What readers on other threads see.
#[derive(Debug)]
pub(crate) struct Books<S> {
    /// Of these slots alone: [`Slots::try_new`] makes it, and only the slots count in it.
    pub(crate) tally: Tally,
    pub(crate) shared: S,
}

impl<T, O: Owner> Slots<T, O> {
    /// Slots that hold nothing yet; `None`, and what was given is dropped, if the allocator refuses, or the
    /// memory for `capacity` slots is more than `isize::MAX` bytes, or they are more than [`tally::IDLE_MAX`].
    /// (In the mode *passthrough*, which allocates places later too, a place that is refused ends the process.)
    pub(crate) fn try_new(
        capacity: usize,
        shared: O::Shared,
        owner: impl FnOnce(Counted<Books<O::Shared>>) -> O,
    ) -> Option<Self> {
        if capacity > tally::IDLE_MAX {
            return None;
        }
        let tally = Tally::new();
        let books = Counted::try_new(Books { tally, shared })?;
        let owner = owner(books.clone());
        let places = Places::try_new(capacity)?;
        let lists = owned::try_boxed_slice(capacity, |index| Cell::new(places.slot(index)))?;
        Some(Self {
            lists,
            books,
            word: Cell::new(Word::EMPTY),
            vacant: Cell::new(capacity),
            places,
            owner,
        })
    }

    pub(crate) fn owner(&self) -> &O {
        &self.owner
    }

    pub(crate) fn capacity(&self) -> usize {
        self.lists.len()
    }

    /// Slots that hold an object and are not out.
    #[inline(always)]
    pub(crate) fn idle(&self) -> usize {
        self.word.get().idle()
    }

    /// Slots that hold nothing.
    pub(crate) fn vacant(&self) -> usize {
        self.vacant.get()
    }

    /// The idle object that was listed last, if more than `floor` are idle. Counted as taken.
    #[inline(always)]
    pub(crate) fn take_idle(&self, floor: usize) -> Option<Full<'_, T, O>> {
        let word = self.word.get();
        if word.idle() <= floor {
            return None;
        }
        let slot = self.place(word.idle() - 1).get();
        self.word.set(word.take());
        self.books.tally.publish(word.take());
        // SAFETY: it was in the list of those that hold a T (invariants 2 and 4).
        unsafe { self.places.take_up_full(slot) };
        Some(Full { slot, home: self })
    }

    /// The idle object at `index`, counted from the one that was listed first; the last one takes
    /// its place in the list. Not counted.
    pub(crate) fn set_aside(&self, index: usize) -> Option<Full<'_, T, O>> {
        let last = self.idle().checked_sub(1).filter(|last| index <= *last)?;
        let slot = self.lists[index].replace(self.lists[last].get());
        self.word.set(self.books.tally.one_less(self.word.get()));
        // SAFETY: as in `take_idle`.
        unsafe { self.places.take_up_full(slot) };
        Some(Full { slot, home: self })
    }

    /// Moves `object` into the slot that was vacated last.
    ///
    /// # Errors
    ///
    /// The object, if no slot is vacant.
    pub(crate) fn put(&self, object: T) -> Result<Full<'_, T, O>, T> {
        let Some(vacant) = self.vacant.get().checked_sub(1) else {
            return Err(object);
        };
        let slot = self.lists[self.lists.len() - 1 - vacant].get();
        self.vacant.set(vacant);
        // SAFETY: it was in the list of those that hold nothing (invariants 2 and 4).
        unsafe { self.places.take_up_vacant(slot) };
        // SAFETY: the slot was in the vacant list, so it is memory for a T that holds nothing
        // (invariants 1 and 2), and it left the list one line above.
        unsafe { slot.write(object) };
        Ok(Full { slot, home: self })
    }

    /// To be listed next.
    #[inline(always)]
    fn lay_down(&self, slot: NonNull<T>) -> NonNull<T> {
        // SAFETY: out of both lists, holding a T, and the caller's Full is consumed (2, 3).
        unsafe { self.places.lay_down_full(slot) }
    }

    /// Lists a slot that was laid down, in an epoch of its own.
    #[cold]
    #[inline(never)]
    fn add_cold(&self, slot: NonNull<T>, is_returned: bool) {
        let word = self.word.get();
        self.place(word.idle()).set(slot);
        self.word.set(self.books.tally.one_more(word, is_returned));
    }

    /// Place `index` of the lists.
    #[inline(always)]
    fn place(&self, index: usize) -> &Cell<NonNull<T>> {
        debug_assert!(index < self.lists.len());
        // SAFETY: of an idle slot (invariant 2), or the one where a slot at hand goes, for which there is
        // room (its corollary).
        unsafe { self.lists.get_unchecked(index) }
    }

    fn push_vacant(&self, slot: NonNull<T>) {
        // SAFETY: out of both lists, emptied, and the caller's Full is consumed (2, 3).
        let slot = unsafe { self.places.lay_down_vacant(slot) };
        let vacant = self.vacant.get();
        self.lists[self.lists.len() - 1 - vacant].set(slot);
        self.vacant.set(vacant + 1);
    }
}

/// Drops the idle objects. Objects behind forgotten [`Full`]s are forgotten with them.
impl<T, O: Owner> Drop for Slots<T, O> {
    fn drop(&mut self) {
        // When a `T` panics in its drop, the others are still dropped, as a `Vec` would.
        let rest = DropIdle(self);
        rest.run();
    }
}

struct DropIdle<'a, T, O: Owner>(&'a Slots<T, O>);

impl<T, O: Owner> DropIdle<'_, T, O> {
    fn run(&self) {
        while let Some(last) = self.0.idle().checked_sub(1) {
            self.0.set_aside(last).into_iter().for_each(Full::dispose);
        }
    }
}

impl<T, O: Owner> Drop for DropIdle<'_, T, O> {
    fn drop(&mut self) {
        self.run();
    }
}

/// One slot and its object, out of both lists. Dropping it without a call of [`park`](Self::park),
/// [`add`](Self::add), [`take`](Self::take) or [`dispose`](Self::dispose) loses the slot.
#[must_use = "the slot is lost unless it is parked, added, taken from, or disposed of"]
pub(crate) struct Full<'a, T, O: Owner> {
    slot: NonNull<T>,
    home: &'a Slots<T, O>,
}

impl<'a, T, O: Owner> Full<'a, T, O> {
    /// What the slots' owner keeps beside them.
    #[inline(always)]
    pub(crate) fn owner(&self) -> &'a O {
        &self.home.owner
    }

    /// Puts the slot on top of the idle list, with its object: one that was [taken](Slots::take_idle), or that
    /// stands for it, came back. Counted last, so that a reader who sees the count sees all before it.
    #[inline(always)]
    pub(crate) fn park(self) {
        let home = self.home;
        let slot = home.lay_down(self.slot);
        let word = home.word.get();
        match word.give_back() {
            Some(next) => {
                // Before the store into the list: the next return waits for this one alone.
                home.word.set(next);
                home.place(word.idle()).set(slot);
                home.books.tally.publish(next);
            }
            None => home.add_cold(slot, true),
        }
    }

    /// Puts the slot on top of the idle list, with its object: a new one, or one that was set aside.
    pub(crate) fn add(self) {
        let home = self.home;
        let slot = home.lay_down(self.slot);
        home.add_cold(slot, false);
    }

    /// Takes the object out; the slot is vacant.
    pub(crate) fn take(self) -> T {
        // SAFETY: behind a Full the slot holds a T (invariant 2); the Full is consumed and the slot
        // listed as vacant below, so that the value is not read again.
        let object = unsafe { self.slot.read() };
        self.home.push_vacant(self.slot);
        object
    }

    /// Drops the object where it is; the slot is vacant afterwards, also if the drop panics.
    pub(crate) fn dispose(self) {
        let vacating = Vacating(self);
        // SAFETY: behind a Full the slot holds a T, and nobody else refers to it (invariants 2 and
        // 3). While the user's drop runs, the slot is in no list, so that nothing is put into it;
        // `vacating` lists it as vacant afterwards.
        unsafe { vacating.0.slot.drop_in_place() };
    }
}

/// Lists a slot as vacant when it is dropped.
struct Vacating<'a, T, O: Owner>(Full<'a, T, O>);

impl<T, O: Owner> Drop for Vacating<'_, T, O> {
    fn drop(&mut self) {
        self.0.home.push_vacant(self.0.slot);
    }
}

impl<T, O: Owner> Deref for Full<'_, T, O> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: the slot holds a T (invariant 2), inside live memory (1), and a mutable reference
        // to it could only come from this Full (3), which is borrowed.
        unsafe { self.slot.as_ref() }
    }
}

impl<T, O: Owner> DerefMut for Full<'_, T, O> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`; this Full is borrowed mutably, so there is no other reference.
        unsafe { self.slot.as_mut() }
    }
}

/// What the owner of slots does with an object whose [`Lease`] ends.
pub(crate) trait TakesBack<T>: Owner + Sized {
    /// Parks, takes or disposes of `full`.
    fn take_back(full: Full<'_, T, Self>);
}

/// A [`Full`] that goes back by itself.
pub(crate) struct Lease<'a, T, O: TakesBack<T>>(ManuallyDrop<Full<'a, T, O>>);

impl<'a, T, O: TakesBack<T>> Lease<'a, T, O> {
    #[inline(always)]
    pub(crate) fn new(full: Full<'a, T, O>) -> Self {
        Self(ManuallyDrop::new(full))
    }
}

impl<T, O: TakesBack<T>> Deref for Lease<'_, T, O> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T, O: TakesBack<T>> DerefMut for Lease<'_, T, O> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T, O: TakesBack<T>> Drop for Lease<'_, T, O> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: a drop runs once, and nothing reads the field after it.
        O::take_back(unsafe { ManuallyDrop::take(&mut self.0) });
    }
}

/// Bytes that slots of `T` take, lists included.
pub(crate) const fn bytes<T>(capacity: usize) -> usize {
    capacity.saturating_mul(size_of::<T>() + size_of::<NonNull<T>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slot_takes_its_object_and_a_pointer_in_the_list() {
        assert_eq!(bytes::<[u64; 3]>(10), 10 * (24 + size_of::<usize>()));
        assert_eq!(bytes::<u64>(usize::MAX), usize::MAX);
    }
}
