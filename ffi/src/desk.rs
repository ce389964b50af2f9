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
//! 2. A slot's `start` and `capacity` are those of a buffer that `here` has handed out and not taken back;
//!    `give_back` empties the slots before `here` ends.
//! 3. Slots from `top` on are empty. `holes` is `NONE` or the index of an empty slot below `top`, and so
//!    is each one's `next`; no slot is reached twice. A slot with a buffer is not reached.
//! 4. While a slot is empty, its `capacity` is the pool's, so that a buffer of the pool's size need not
//!    write it.
//! 5. A slot's ticket is its index and a count of the buffers that it has held: given out once.

use std::cell::{Cell, UnsafeCell};
use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};

use knhk_pool::{BufferPool, PoolHandle};

use crate::layout::Buffer;
use crate::status::Status;
use crate::table::{Table, kind};

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
    /// Bytes of the pool's buffers.
    size: usize,
    here: PoolHandle<'static>,
}

// A shift finds it.
#[repr(align(32))]
struct Slot {
    ticket: u64,
    start: Option<NonNull<u8>>,
    capacity: usize,
    next: u32,
}

impl Desk {
    pub(crate) fn new(pool: &'static BufferPool) -> Self {
        Self {
            handle: Cell::new(0),
            top: Cell::new(0),
            holes: Cell::new(NONE),
            slots: UnsafeCell::new(Vec::new()),
            size: pool.config().buffer_size(),
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
        let Some(start) = self.here.hit_raw() else {
            return false;
        };
        self.top.set(top + 1);
        slot.lend(start, self.size, self.handle.get(), out);
        true
    }

    // Nothing here panics: not `acquire`, by its contract, and there is a slot for what it gives.
    // `extern`, as `release_cold`.
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
    // The last one handed out is looked for by the top and not by its ticket: the caller's memory is then
    // compared with, and nothing waits for it.
    #[inline(always)]
    pub(crate) fn release(&self, buffer: &mut Buffer) -> Status {
        let below = self.top.get().wrapping_sub(1);
        let Some(slot) = self.slots().get_mut(below as usize) else {
            return self.release_cold(buffer);
        };
        let (held, next) = (slot.ticket, next_ticket(slot.ticket));
        let Some(start) = slot.start.filter(|_| held == buffer.ticket) else {
            return self.release_cold(buffer);
        };
        // SAFETY: the slot's, hence `here`'s (invariant 2), which the slot gives up below.
        if !unsafe { self.here.release_hit_raw(start, slot.capacity) } {
            return self.release_cold(buffer);
        }
        // The capacity is the pool's (invariant 4): it was a hit.
        (slot.start, slot.ticket) = (None, next);
        self.top.set(below);
        buffer.data = ptr::null_mut();
        Status::Ok
    }

    /// As [`release`](Self::release), also where a later buffer is still out, or the pool has to do more than
    /// to take it.
    // `extern`: it does not unwind, so that the path above keeps nothing for its sake.
    #[cold]
    #[inline(never)]
    extern "C" fn release_cold(&self, buffer: &mut Buffer) -> Status {
        let ticket = buffer.ticket;
        let Ok((start, capacity)) = self.take_out(ticket) else {
            return Status::Stale;
        };
        let slot = &mut self.slots()[index(ticket)];
        slot.ticket = next_ticket(ticket);
        let below = self.top.get().wrapping_sub(1);
        if below as usize == index(ticket) {
            self.top.set(below);
        } else {
            slot.next = self.holes.replace(index(ticket) as u32);
        }
        buffer.data = ptr::null_mut();
        // SAFETY: the slot's, hence `here`'s (invariant 2), which the slot has given up.
        unsafe { self.here.release_raw(start, capacity) };
        Status::Ok
    }

    /// Releases the buffers that are still out.
    pub(crate) fn give_back(&self) {
        self.top.set(0);
        self.holes.set(NONE);
        for slot in std::mem::take(self.slots()) {
            if let Some(start) = slot.start {
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
        // SAFETY: the slot's, hence `here`'s (invariant 2); the slot is empty until it is put back.
        let mut lent = unsafe { self.here.from_raw(start, held) };
        let refusal = if len > held {
            Some(Status::Invalid)
        } else {
            // SAFETY: at most the capacity, and written (the caller's bullet).
            unsafe { lent.set_len(len) };
            let room = lent.try_reserve(capacity.saturating_sub(len));
            (buffer.data, buffer.capacity) = (lent.as_mut_ptr(), lent.capacity());
            room.err().map(|_| Status::OutOfMemory)
        };
        self.slots()[index(buffer.ticket)].hold(lent);
        refusal.map_or(Ok(()), Err)
    }

    fn take_out(&self, ticket: u64) -> Result<(NonNull<u8>, usize), Status> {
        let size = self.size;
        self.slots()
            .get_mut(index(ticket))
            .filter(|slot| slot.ticket == ticket)
            .and_then(|slot| {
                Some((
                    slot.start.take()?,
                    std::mem::replace(&mut slot.capacity, size),
                ))
            })
            .ok_or(Status::Stale)
    }

    /// The index of a slot that is vacant now: a hole, else the top. To be asked anew whenever the allocator
    /// has run: it may have come back here and taken the slot.
    fn vacant(&self) -> Option<u32> {
        loop {
            let top = self.top.get();
            match self.holes.get() {
                NONE if (top as usize) < self.slots().len() => return Some(top),
                NONE if self.grow() => {}
                NONE => return None,
                hole => return Some(hole),
            }
        }
    }

    /// Puts `buffer` into a vacant slot; without one it goes back.
    fn lend(&self, buffer: knhk_pool::Buffer<'_>, out: &mut MaybeUninit<Buffer>) -> Status {
        let Some(vacant) = self.vacant() else {
            return Status::OutOfMemory;
        };
        let Some(slot) = self.slots().get_mut(vacant as usize) else {
            return Status::OutOfMemory;
        };
        if vacant == self.top.get() {
            self.top.set(vacant + 1);
        } else {
            self.holes.set(slot.next);
        }
        let (start, capacity) = buffer.into_raw();
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
        slots.extend((len..len + more).map(|index| Slot {
            ticket: index as u64,
            start: None,
            capacity: self.size,
            next: NONE,
        }));
        drop(std::mem::replace(self.slots(), slots));
        true
    }

    #[inline(always)]
    #[allow(clippy::mut_from_ref, reason = "one at a time: invariant 1")]
    fn slots(&self) -> &mut Vec<Slot> {
        // SAFETY: one thread, and none of its callers is inside another (invariant 1).
        unsafe { &mut *self.slots.get() }
    }
}

impl Slot {
    /// The slot is empty, and the buffer is of the pool's size.
    #[inline(always)]
    fn lend(
        &mut self,
        start: NonNull<u8>,
        capacity: usize,
        here: u64,
        out: &mut MaybeUninit<Buffer>,
    ) {
        out.write(Buffer {
            data: start.as_ptr(),
            len: 0,
            capacity,
            here,
            ticket: self.ticket,
        });
        self.start = Some(start);
    }

    /// The slot is empty.
    fn hold(&mut self, buffer: knhk_pool::Buffer<'_>) {
        let (start, capacity) = buffer.into_raw();
        (self.start, self.capacity) = (Some(start), capacity);
    }
}

/// Of the slot's next buffer.
#[inline(always)]
const fn next_ticket(ticket: u64) -> u64 {
    ticket.wrapping_add(SLOTS_MAX as u64)
}

#[inline(always)]
const fn index(ticket: u64) -> usize {
    ticket as usize % SLOTS_MAX
}
