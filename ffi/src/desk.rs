//! One thread's desk at a pool: its handle to the pool, and the buffers that it has out.
//!
//! # Invariants
//!
//! 1. A desk is used by one thread (`table`'s invariant 3), and its methods do not call each other while
//!    they hold `slots`: the pool is called before they take it, or after.
//! 2. `here` is owned by the desk. It lives until all slots are empty, so that what is acquired from it
//!    may be kept in them as `'static`.
//! 3. `vacant` is `NONE` or the index of an empty slot, and so is each empty slot's `next`; no slot is
//!    reached twice. A slot with a buffer is not reached.
//! 4. A slot's ticket is its index and a count of the buffers that it has held: given out once.

use std::cell::{Cell, UnsafeCell};
use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};

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
    vacant: Cell<u32>,
    slots: UnsafeCell<Vec<Slot>>,
    here: NonNull<PoolHandle<'static>>,
}

struct Slot {
    ticket: u64,
    next: u32,
    buffer: Option<Lent>,
}

impl Desk {
    pub(crate) fn new(pool: &'static BufferPool) -> Self {
        Self {
            handle: Cell::new(0),
            vacant: Cell::new(NONE),
            slots: UnsafeCell::new(Vec::new()),
            here: NonNull::from(Box::leak(Box::new(pool.handle()))),
        }
    }

    pub(crate) fn handle(&self) -> u64 {
        self.handle.get()
    }

    pub(crate) fn set_handle(&self, handle: u64) {
        self.handle.set(handle);
    }

    /// Hands a buffer out: the pool's, else the heap's.
    // Nothing here panics: not `acquire`, by its contract, and there is a slot for what it gives.
    #[inline(always)]
    pub(crate) fn acquire(&self, out: &mut MaybeUninit<Buffer>) -> Status {
        if self.vacant.get() == NONE && !self.grow() {
            return Status::OutOfMemory;
        }
        self.lend(self.here().acquire(), out);
        Status::Ok
    }

    /// Hands out one of the pool's buffers.
    #[inline(always)]
    pub(crate) fn try_acquire(&self, out: &mut MaybeUninit<Buffer>) -> Status {
        if self.vacant.get() == NONE && !self.grow() {
            return Status::OutOfMemory;
        }
        let Ok(buffer) = self.here().try_acquire() else {
            return Status::Exhausted;
        };
        self.lend(buffer, out);
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
        slot.ticket = ticket.wrapping_add(SLOTS_MAX as u64);
        slot.next = self.vacant.replace(index(ticket) as u32);
        Some(buffer)
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
        } else if capacity > isize::MAX as usize - 64 {
            Some(Status::OutOfMemory)
        } else {
            // SAFETY: at most the capacity, and written (the caller's bullet).
            unsafe { lent.set_len(len) };
            lent.reserve(capacity.saturating_sub(len));
            (buffer.data, buffer.capacity) = (lent.as_mut_ptr(), lent.capacity());
            None
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

    /// There is a vacant slot.
    #[inline(always)]
    fn lend(&self, mut buffer: Lent, out: &mut MaybeUninit<Buffer>) {
        let Some(slot) = self.slots().get_mut(self.vacant.get() as usize) else {
            return;
        };
        self.vacant.set(slot.next);
        out.write(Buffer {
            data: buffer.as_mut_ptr(),
            len: 0,
            capacity: buffer.capacity(),
            here: self.handle.get(),
            ticket: slot.ticket,
        });
        // Empty: nothing to drop.
        // SAFETY: a place for a buffer, in a vector that is borrowed mutably.
        unsafe { ptr::write(&mut slot.buffer, Some(buffer)) };
    }

    /// Twice the slots; false if that cannot be.
    #[cold]
    #[inline(never)]
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
            next: index as u32 + 1,
            buffer: None,
        }));
        slots[len + more - 1].next = NONE;
        self.vacant.set(len as u32);
        let old = std::mem::replace(self.slots(), slots);
        drop(old);
        true
    }

    #[inline(always)]
    fn here(&self) -> &'static PoolHandle<'static> {
        // SAFETY: lives as long as what is made of it (invariant 2).
        unsafe { self.here.as_ref() }
    }

    #[inline(always)]
    #[allow(clippy::mut_from_ref, reason = "one at a time: invariant 1")]
    fn slots(&self) -> &mut Vec<Slot> {
        // SAFETY: one thread, and none of its callers is inside another (invariant 1).
        unsafe { &mut *self.slots.get() }
    }
}

/// The buffers that are out go back first.
impl Drop for Desk {
    fn drop(&mut self) {
        drop(std::mem::take(self.slots.get_mut()));
        // SAFETY: leaked by `new`; no buffer of it is left (invariant 2).
        drop(unsafe { Box::from_raw(self.here.as_ptr()) });
    }
}

#[inline(always)]
const fn index(ticket: u64) -> usize {
    ticket as usize % SLOTS_MAX
}
