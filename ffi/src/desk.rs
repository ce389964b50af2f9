//! One thread's desk at a pool: its handle to the pool, and the buffers that it has out.
//!
//! ```text
//!  slots   │ out │ hole │ out │ out │ vacant … │
//!                  └──────┐          └─ top: taken next, and the only one in a loop that acquires and releases
//!                holes ───┘ before it
//! ```
//!
//! The top is a count that is compared with a released buffer's slot, where a list of vacant slots would be
//! a chain of loads from one pair to the next.
//!
//! # Invariants
//!
//! 1. A desk is used by one thread (`table`'s invariant 3), and its methods do not call each other while
//!    they hold `slots`: the pool is called before they take it, or after.
//! 2. `here` is not moved while a slot has a buffer: `give_back` empties them before the desk leaves its
//!    place. So what is acquired from it may be kept in them as `'static`.
//! 3. Slots from `top` on are empty. `holes` is `NONE` or the index of an empty slot below `top`, and so
//!    is each one's `next`; no slot is reached twice. A slot with a buffer is not reached.
//! 4. A slot's ticket is its index and a count of the buffers that it has held: given out once.

use std::cell::{Cell, UnsafeCell};
use std::mem::MaybeUninit;
use std::ptr;

use knhk_pool::{BufferPool, PoolHandle};

use crate::layout::Buffer;
use crate::status::Status;
use crate::table::{Table, kind};

type Lent = knhk_pool::Buffer<'static>;

/// Every thread's desks.
pub(crate) static DESKS: Table<Desk, { kind::DESK }> = Table::new();

const SLOT_BITS: u32 = 20;
const SLOTS_MAX: usize = 1 << SLOT_BITS;
const NONE: u32 = u32::MAX;

pub(crate) struct Desk {
    /// Its own, in the table.
    handle: Cell<u64>,
    top: Cell<u32>,
    holes: Cell<u32>,
    slots: UnsafeCell<Vec<Slot>>,
    here: PoolHandle<'static>,
}

// A shift finds it.
#[repr(align(64))]
struct Slot {
    ticket: u64,
    next: u32,
    buffer: Option<Lent>,
}

impl Desk {
    pub(crate) fn new(pool: &'static BufferPool) -> Self {
        Self {
            handle: Cell::new(0),
            top: Cell::new(0),
            holes: Cell::new(NONE),
            slots: UnsafeCell::new(Vec::new()),
            here: pool.handle(),
        }
    }

    pub(crate) fn handle(&self) -> u64 {
        self.handle.get()
    }

    pub(crate) fn set_handle(&self, handle: u64) {
        self.handle.set(handle);
    }

    /// Hands a buffer out: the pool's, else the heap's.
    #[inline(always)]
    pub(crate) fn acquire(&self, out: &mut MaybeUninit<Buffer>) -> Status {
        if self.lend_hit(out) {
            Status::Ok
        } else {
            self.acquire_cold(out)
        }
    }

    /// Hands out one of the pool's buffers.
    #[inline(always)]
    pub(crate) fn try_acquire(&self, out: &mut MaybeUninit<Buffer>) -> Status {
        if self.lend_hit(out) {
            Status::Ok
        } else {
            self.try_acquire_cold(out)
        }
    }

    /// The hot path: a slot at the top, an idle buffer. Holes are filled when the top has reached the end.
    #[inline(always)]
    fn lend_hit(&self, out: &mut MaybeUninit<Buffer>) -> bool {
        let top = self.top.get();
        let Some(slot) = self.slots().get_mut(top as usize) else {
            return false;
        };
        let Some(buffer) = self.here().hit() else {
            return false;
        };
        self.top.set(top + 1);
        slot.lend(buffer, self.handle.get(), out);
        true
    }

    // Nothing here panics: not `acquire`, by its contract, and there is a slot for what it gives.
    #[cold]
    #[inline(never)]
    fn acquire_cold(&self, out: &mut MaybeUninit<Buffer>) -> Status {
        let Some(slot) = self.vacant() else {
            return Status::OutOfMemory;
        };
        let Some(buffer) = self.here().acquire_or_refuse() else {
            return Status::OutOfMemory;
        };
        self.lend(slot, buffer, out);
        Status::Ok
    }

    #[cold]
    #[inline(never)]
    fn try_acquire_cold(&self, out: &mut MaybeUninit<Buffer>) -> Status {
        let Some(slot) = self.vacant() else {
            return Status::OutOfMemory;
        };
        let Ok(buffer) = self.here().try_acquire() else {
            return Status::Exhausted;
        };
        self.lend(slot, buffer, out);
        Status::Ok
    }

    /// Takes a buffer back that is out.
    #[inline(always)]
    pub(crate) fn release(&self, ticket: u64) -> Option<Lent> {
        let slot = self.slots().get_mut(index(ticket))?;
        if slot.ticket != ticket {
            return None;
        }
        let buffer = slot.buffer.take()?;
        slot.ticket = slot.ticket.wrapping_add(SLOTS_MAX as u64);
        let below = self.top.get().wrapping_sub(1);
        if below as usize == index(ticket) {
            self.top.set(below);
        } else {
            slot.next = self.holes.replace(index(ticket) as u32);
        }
        Some(buffer)
    }

    /// Releases the buffers that are still out.
    pub(crate) fn give_back(&self) {
        self.top.set(0);
        self.holes.set(NONE);
        drop(std::mem::take(self.slots()));
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
        let mut lent = self.take_out(buffer.ticket)?;
        let refusal = if len > lent.capacity() {
            Some(Status::Invalid)
        } else {
            // SAFETY: at most the capacity, and written (the caller's bullet).
            unsafe { lent.set_len(len) };
            let room = lent.try_reserve(capacity.saturating_sub(len));
            (buffer.data, buffer.capacity) = (lent.as_mut_ptr(), lent.capacity());
            room.err().map(|_| Status::OutOfMemory)
        };
        self.put_back(buffer.ticket, lent);
        refusal.map_or(Ok(()), Err)
    }

    fn take_out(&self, ticket: u64) -> Result<Lent, Status> {
        self.slots()
            .get_mut(index(ticket))
            .filter(|slot| slot.ticket == ticket)
            .and_then(|slot| slot.buffer.take())
            .ok_or(Status::Stale)
    }

    fn put_back(&self, ticket: u64, buffer: Lent) {
        self.slots()[index(ticket)].buffer = Some(buffer);
    }

    /// The index of a vacant slot, which [`lend`](Self::lend) takes: a hole, else the top.
    fn vacant(&self) -> Option<u32> {
        let top = self.top.get();
        match self.holes.get() {
            NONE if (top as usize) < self.slots().len() => Some(top),
            NONE => self.grow().then_some(top),
            hole => Some(hole),
        }
    }

    /// `vacant` is what [`vacant`](Self::vacant) has just said.
    fn lend(&self, vacant: u32, buffer: Lent, out: &mut MaybeUninit<Buffer>) {
        let Some(slot) = self.slots().get_mut(vacant as usize) else {
            return;
        };
        if vacant == self.top.get() {
            self.top.set(vacant + 1);
        } else {
            self.holes.set(slot.next);
        }
        slot.lend(buffer, self.handle.get(), out);
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
        slots.append(self.slots());
        slots.extend((len..len + more).map(|index| Slot {
            ticket: index as u64,
            next: NONE,
            buffer: None,
        }));
        drop(std::mem::replace(self.slots(), slots));
        true
    }

    #[inline(always)]
    fn here(&self) -> &'static PoolHandle<'static> {
        // SAFETY: stays where it is as long as what is made of it lasts (invariant 2).
        unsafe { &*ptr::from_ref(&self.here) }
    }

    #[inline(always)]
    #[allow(clippy::mut_from_ref, reason = "one at a time: invariant 1")]
    fn slots(&self) -> &mut Vec<Slot> {
        // SAFETY: one thread, and none of its callers is inside another (invariant 1).
        unsafe { &mut *self.slots.get() }
    }
}

impl Slot {
    /// The slot is empty.
    #[inline(always)]
    fn lend(&mut self, mut buffer: Lent, here: u64, out: &mut MaybeUninit<Buffer>) {
        out.write(Buffer {
            data: buffer.as_mut_ptr(),
            len: 0,
            capacity: buffer.capacity(),
            here,
            ticket: self.ticket,
        });
        // SAFETY: borrowed mutably. Empty (invariant 3): no drop is left out.
        unsafe { ptr::write(&mut self.buffer, Some(buffer)) };
    }
}

#[inline(always)]
const fn index(ticket: u64) -> usize {
    ticket as usize % SLOTS_MAX
}
