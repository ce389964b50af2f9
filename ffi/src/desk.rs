//! One thread's desk at a pool: its handle to the pool, and the buffers that it has out.
//!
//! ```text
//!  hot │ slots │ out │ hole │ out │ out │ vacant … │
//!              │        └──────┐          └─ top: taken next
//!              │      holes ───┘ before it
//! ```
//!
//! The hot slot is a loop's that acquires and releases: at a fixed place, found without a count and without an
//! index. From a slot's ticket to the next one's it takes an addition, and from a buffer's start to the pool's
//! a load and a store, so that a pair waits for no more than it does in Rust. What is acquired while it is
//! taken stands in a stack, whose top is a count that is compared with a released buffer's ticket, where a list
//! of vacant slots would be a chain of loads.
//!
//! # Invariants
//!
//! 1. A desk is used by one thread (`table`'s invariant 3), and its methods do not call each other while
//!    they hold a slot: of the pool they call its hit path then, which runs nobody else's code, and all
//!    else before they take it, or after.
//! 2. A slot's `start` is null, `AWAY`, or with its `capacity` that of a buffer that `here` has handed out and
//!    not taken back; `give_back` takes them back before `here` ends.
//! 3. Slots from `top` on are empty. `holes` is `NONE` or the index of an empty slot below `top`, and so
//!    is each one's `next`; no slot is reached twice. A slot that is not empty is not reached.
//! 4. While a slot is empty, its `capacity` is the pool's, so that a buffer of the pool's size need not
//!    write it.
//! 5. A slot's ticket says which slot it is and counts the buffers that it has held. The hot slot's is given out
//!    once, another's once in 2^43 of that slot's buffers. No slot's count begins anew while its desk is in the
//!    table, and a table's handle is given once: a ticket of an earlier desk comes with a handle that is stale.

mod slot;

use std::cell::{Cell, UnsafeCell};
use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};

use knhk_pool::{BufferPool, PoolHandle};

use self::slot::{AWAY, NONE, SLOTS_MAX, Slot, ticket};
use crate::layout::Buffer;
use crate::status::Status;
use crate::table::{Table, kind};

/// Every thread's desks.
pub(crate) static DESKS: Table<Desk, { kind::DESK }> = Table::new();

pub(crate) struct Desk {
    here: PoolHandle<'static>,
    hot: UnsafeCell<Slot>,
    /// Bytes of the pool's buffers.
    size: usize,
    /// Its own, in the table.
    handle: Cell<u64>,
    top: Cell<u32>,
    holes: Cell<u32>,
    slots: UnsafeCell<Vec<Slot>>,
}

/// An empty slot.
#[derive(Clone, Copy)]
enum Vacancy {
    Hot,
    Hole(u32),
    Top(u32),
}

impl Desk {
    pub(crate) fn new(pool: &'static BufferPool) -> Self {
        let size = pool.config().buffer_size();
        Self {
            here: pool.handle(),
            hot: UnsafeCell::new(Slot::new(ticket::HOT_FIRST, size)),
            size,
            handle: Cell::new(0),
            top: Cell::new(0),
            holes: Cell::new(NONE),
            slots: UnsafeCell::new(Vec::new()),
        }
    }

    pub(crate) fn handle(&self) -> u64 {
        self.handle.get()
    }

    pub(crate) fn set_handle(&self, handle: u64) {
        self.handle.set(handle);
    }

    /// Has the pool prepare this thread's part, and makes a slot for each of its buffers.
    pub(crate) fn warm_up(&self, pool: &BufferPool) -> Status {
        pool.warm_up();
        let stacked = pool.config().pool_size().saturating_sub(1);
        while self.slots().len() < stacked {
            if !self.grow() {
                return Status::OutOfMemory;
            }
        }
        Status::Ok
    }

    /// Hands a buffer out: the pool's, else the heap's. `handle` is the desk's.
    #[inline(always)]
    pub(crate) fn acquire(&self, handle: u64, out: &mut MaybeUninit<Buffer>) -> Status {
        if self.lend_hot(handle, out) {
            Status::Ok
        } else {
            self.acquire_stacked(out)
        }
    }

    /// Hands out one of the pool's buffers. `handle` is the desk's.
    #[inline(always)]
    pub(crate) fn try_acquire(&self, handle: u64, out: &mut MaybeUninit<Buffer>) -> Status {
        if self.lend_hot(handle, out) {
            Status::Ok
        } else {
            self.try_acquire_stacked(out)
        }
    }

    /// The hot path: the hot slot, an idle buffer.
    #[inline(always)]
    fn lend_hot(&self, handle: u64, out: &mut MaybeUninit<Buffer>) -> bool {
        let hot = self.hot();
        if !hot.start.is_null() {
            return false;
        }
        let Some(start) = self.here.hit_raw() else {
            return false;
        };
        hot.lend(start, self.size, handle, out);
        true
    }

    /// While the hot slot is taken: a slot at the top, an idle buffer. Holes are filled when the top has
    /// reached the end.
    #[inline(always)]
    fn lend_stacked(&self, out: &mut MaybeUninit<Buffer>) -> bool {
        let top = self.top.get();
        let Some(slot) = self.slots().get_mut(top as usize) else {
            return false;
        };
        let Some(start) = self.here.hit_raw() else {
            return false;
        };
        self.top.set(top + 1);
        slot.lend(start, self.size, self.handle.get(), out);
        true
    }

    // `extern`, here and below: it does not unwind, so that the path above keeps nothing for its sake.
    #[inline(never)]
    extern "C" fn acquire_stacked(&self, out: &mut MaybeUninit<Buffer>) -> Status {
        if self.lend_stacked(out) {
            Status::Ok
        } else {
            self.acquire_cold(out)
        }
    }

    #[inline(never)]
    extern "C" fn try_acquire_stacked(&self, out: &mut MaybeUninit<Buffer>) -> Status {
        if self.lend_stacked(out) {
            Status::Ok
        } else {
            self.try_acquire_cold(out)
        }
    }

    // Nothing here panics: not `acquire`, by its contract, and there is a slot for what it gives.
    #[cold]
    #[inline(never)]
    extern "C" fn acquire_cold(&self, out: &mut MaybeUninit<Buffer>) -> Status {
        if self.vacant().is_none() {
            return Status::OutOfMemory;
        }
        let Some(buffer) = self.here.acquire_or_refuse() else {
            return Status::OutOfMemory;
        };
        self.lend(buffer, out)
    }

    #[cold]
    #[inline(never)]
    extern "C" fn try_acquire_cold(&self, out: &mut MaybeUninit<Buffer>) -> Status {
        if self.vacant().is_none() {
            return Status::OutOfMemory;
        }
        let Ok(buffer) = self.here.try_acquire() else {
            return Status::Exhausted;
        };
        self.lend(buffer, out)
    }

    /// Takes a buffer back that is out; its `data` becomes null.
    #[inline(always)]
    pub(crate) fn release(&self, buffer: &mut Buffer) -> Status {
        let hot = self.hot();
        if hot.ticket == buffer.ticket && self.take_back(hot) {
            hot.ticket = ticket::next_hot(hot.ticket);
            buffer.data = ptr::null_mut();
            Status::Ok
        } else {
            self.release_stacked(buffer)
        }
    }

    // The last one handed out is looked for by the top and not by its ticket: the caller's memory is then
    // compared with, and nothing waits for it.
    #[inline(never)]
    extern "C" fn release_stacked(&self, buffer: &mut Buffer) -> Status {
        let below = self.top.get().wrapping_sub(1);
        if let Some(slot) = self.slots().get_mut(below as usize)
            && slot.ticket == buffer.ticket
            && self.take_back(slot)
        {
            slot.ticket = ticket::next(slot.ticket);
            self.top.set(below);
            buffer.data = ptr::null_mut();
            Status::Ok
        } else {
            self.release_cold(buffer)
        }
    }

    /// The hot path of a release: whether the slot's buffer went back, and the slot is empty now.
    #[inline(always)]
    fn take_back(&self, slot: &mut Slot) -> bool {
        // SAFETY: the slot's, hence `here`'s (invariant 2), which the slot gives up below.
        let took = slot
            .start()
            .is_some_and(|start| unsafe { self.here.release_hit_raw(start, slot.capacity) });
        if took {
            // The capacity is the pool's (invariant 4): it was a hit.
            slot.start = ptr::null_mut();
        }
        took
    }

    /// As [`release`](Self::release), also where a later buffer is still out, or the pool has to do more than
    /// to take it.
    #[cold]
    #[inline(never)]
    extern "C" fn release_cold(&self, buffer: &mut Buffer) -> Status {
        let Ok((start, capacity)) = self.take_out(buffer.ticket) else {
            return Status::Stale;
        };
        self.vacate(buffer.ticket);
        buffer.data = ptr::null_mut();
        // SAFETY: the slot's, hence `here`'s (invariant 2), which the slot has given up.
        unsafe { self.here.release_raw(start, capacity) };
        Status::Ok
    }

    /// Makes the slot of a buffer that was taken out an empty one.
    fn vacate(&self, given: u64) {
        let Some(slot) = self.slot(given) else { return };
        slot.start = ptr::null_mut();
        let Some(index) = ticket::index(given) else {
            slot.ticket = ticket::next_hot(given);
            return;
        };
        slot.ticket = ticket::next(given);
        let below = self.top.get().wrapping_sub(1);
        if below == index {
            self.top.set(below);
        } else {
            slot.next = self.holes.replace(index);
        }
    }

    /// Releases the buffers that are still out. By value: the desk is out of the table, so that no ticket
    /// names a slot that is emptied here, and none is given out.
    pub(crate) fn give_back(self) {
        let hot = self.hot.into_inner();
        let slots = self.slots.into_inner();
        for slot in slots.iter().chain([&hot]) {
            if let Some(start) = slot.start() {
                // SAFETY: as in `release_cold`; the slots are gone.
                unsafe { self.here.release_raw(start, slot.capacity) };
            }
        }
    }

    /// Makes room for `capacity` bytes in all, keeping the first `len`.
    ///
    /// # Safety
    ///
    /// * The holder has written the first `buffer.len` bytes, if it has as many.
    pub(crate) unsafe fn reserve(
        &self,
        buffer: &mut Buffer,
        capacity: usize,
    ) -> Result<(), Status> {
        let len = buffer.len;
        let (start, held) = self.take_out(buffer.ticket)?;
        // SAFETY: the slot's, hence `here`'s (invariant 2); the slot has none until it is put back.
        let mut lent = unsafe { self.here.from_raw(start, held) };
        let room = if len > held {
            Err(Status::Invalid)
        } else {
            // SAFETY: at most the capacity, and written (the caller's bullet).
            unsafe { lent.set_len(len) };
            let room = lent.try_reserve(capacity.saturating_sub(len));
            room.map_err(|_| Status::OutOfMemory)
        };
        let now = (lent.as_mut_ptr(), lent.capacity());
        match self.slot(buffer.ticket) {
            Some(slot) => slot.hold(lent),
            None => return Err(Status::Stale),
        }
        room?;
        (buffer.data, buffer.capacity) = now;
        Ok(())
    }

    /// Takes a buffer out of its slot, which does not become empty by it: nothing else is lent there while the
    /// pool, and in it the allocator, is at work.
    fn take_out(&self, given: u64) -> Result<(NonNull<u8>, usize), Status> {
        let slot = self.slot(given).ok_or(Status::Stale)?;
        let start = slot.start().ok_or(Status::Stale)?;
        slot.start = AWAY;
        Ok((start, std::mem::replace(&mut slot.capacity, self.size)))
    }

    /// The slot whose ticket was given.
    fn slot(&self, given: u64) -> Option<&mut Slot> {
        match ticket::index(given) {
            None => Some(self.hot()),
            Some(index) => self.slots().get_mut(index as usize),
        }
        .filter(|slot| slot.ticket == given)
    }

    /// A slot that is vacant now: the hot one, a hole, else the top. To be asked anew whenever the allocator
    /// has run: it may have come back here and taken the slot.
    fn vacant(&self) -> Option<Vacancy> {
        if self.hot().start.is_null() {
            return Some(Vacancy::Hot);
        }
        loop {
            let top = self.top.get();
            match self.holes.get() {
                NONE if (top as usize) < self.slots().len() => return Some(Vacancy::Top(top)),
                NONE if self.grow() => {}
                NONE => return None,
                hole => return Some(Vacancy::Hole(hole)),
            }
        }
    }

    /// The vacant slot, which is about to be taken.
    fn take(&self, vacancy: Vacancy) -> Option<&mut Slot> {
        match vacancy {
            Vacancy::Hot => Some(self.hot()),
            Vacancy::Top(top) => {
                self.top.set(top + 1);
                self.slots().get_mut(top as usize)
            }
            Vacancy::Hole(hole) => {
                let slot = self.slots().get_mut(hole as usize)?;
                self.holes.set(slot.next);
                Some(slot)
            }
        }
    }

    /// Puts `buffer` into a vacant slot; without one it goes back.
    fn lend(&self, buffer: knhk_pool::Buffer<'_>, out: &mut MaybeUninit<Buffer>) -> Status {
        let Some(slot) = self.vacant().and_then(|vacancy| self.take(vacancy)) else {
            return Status::OutOfMemory;
        };
        let (start, capacity) = buffer.into_raw();
        slot.capacity = capacity;
        slot.lend(start, capacity, self.handle.get(), out);
        Status::Ok
    }

    /// Twice the slots; false if that cannot be.
    #[cold]
    fn grow(&self) -> bool {
        let len = self.slots().len();
        let more = len.max(16);
        let mut slots = Vec::new();
        if len + more > SLOTS_MAX || slots.try_reserve_exact(len + more).is_err() {
            return false;
        }
        if self.slots().len() != len {
            // The allocator came back here, and the desk has grown.
            return true;
        }
        slots.append(self.slots());
        slots.extend((len..len + more).map(|index| Slot::new(ticket::first(index), self.size)));
        drop(std::mem::replace(self.slots(), slots));
        true
    }

    #[inline(always)]
    #[allow(clippy::mut_from_ref, reason = "one at a time: invariant 1")]
    fn hot(&self) -> &mut Slot {
        // SAFETY: one thread, and none of its callers is inside another (invariant 1).
        unsafe { &mut *self.hot.get() }
    }

    #[inline(always)]
    #[allow(clippy::mut_from_ref, reason = "one at a time: invariant 1")]
    fn slots(&self) -> &mut Vec<Slot> {
        // SAFETY: one thread, and none of its callers is inside another (invariant 1).
        unsafe { &mut *self.slots.get() }
    }
}
