//! A place for one buffer that is out, and the tickets by which it is given back.

use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};

use crate::layout::Buffer;

/// Of one desk's, the hot one not counted.
pub(super) const SLOTS_MAX: usize = 1 << 20;

/// No slot's index.
pub(super) const NONE: u32 = u32::MAX;

/// The start of a buffer that is being moved: its slot is neither empty nor has it one to give back.
pub(super) const AWAY: *mut u8 = ptr::without_provenance_mut(1);

// A shift finds it.
#[repr(align(32))]
pub(super) struct Slot {
    pub(super) ticket: u64,
    /// Null while it is empty.
    pub(super) start: *mut u8,
    pub(super) capacity: usize,
    /// Of a hole: the next one's index, or `NONE`.
    pub(super) next: u32,
}

impl Slot {
    pub(super) fn new(ticket: u64, size: usize) -> Self {
        Self {
            ticket,
            start: ptr::null_mut(),
            capacity: size,
            next: NONE,
        }
    }

    /// Of the buffer that is out.
    #[inline(always)]
    pub(super) fn start(&self) -> Option<NonNull<u8>> {
        NonNull::new(self.start).filter(|start| start.as_ptr() != AWAY)
    }

    /// The slot is empty, and its capacity the buffer's.
    #[inline(always)]
    pub(super) fn lend(
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
        self.start = start.as_ptr();
    }

    /// The slot has no buffer.
    pub(super) fn hold(&mut self, buffer: knhk_pool::Buffer<'_>) {
        let (start, capacity) = buffer.into_raw();
        (self.start, self.capacity) = (start.as_ptr(), capacity);
    }
}

/// What names a slot's present buffer: bit 0 the hot slot, and a count above; else an index of 20 bits
/// below the count.
pub(super) mod ticket {
    pub(in crate::desk) const HOT_FIRST: u64 = 1;

    const INDEX_SHIFT: u32 = 1;
    const COUNT_SHIFT: u32 = INDEX_SHIFT + super::SLOTS_MAX.ilog2();

    /// Of the slot's first buffer.
    pub(in crate::desk) const fn first(index: usize) -> u64 {
        (index as u64) << INDEX_SHIFT
    }

    /// Of the slot's next buffer.
    #[inline(always)]
    pub(in crate::desk) const fn next(ticket: u64) -> u64 {
        ticket.wrapping_add(1 << COUNT_SHIFT)
    }

    /// Of the hot slot's next buffer.
    #[inline(always)]
    pub(in crate::desk) const fn next_hot(ticket: u64) -> u64 {
        ticket.wrapping_add(1 << INDEX_SHIFT)
    }

    /// `None`: the hot slot.
    pub(in crate::desk) const fn index(ticket: u64) -> Option<u32> {
        if ticket & 1 == 1 {
            None
        } else {
            Some((ticket as usize % (1 << COUNT_SHIFT)) as u32 >> INDEX_SHIFT)
        }
    }
}
