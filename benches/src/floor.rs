//! What stands below and above every pool: the least that a counting pool has to do, and what one
//! writes without thinking.

use std::cell::{Cell, RefCell};
use std::mem::{ManuallyDrop, MaybeUninit};
use std::slice;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::peer::{BUFFER_SIZE, POOL_SIZE, Peer};

/// Hands out the same buffer always: what the loop itself costs, and so a test of the clock. It
/// takes one core cycle, or the harness is wrong.
#[derive(Debug)]
pub struct TouchOnly(Slab);

impl TouchOnly {
    /// One buffer.
    pub fn new() -> Self {
        Self(Slab::new())
    }
}

impl Default for TouchOnly {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: a slot of the slab is BUFFER_SIZE bytes.
unsafe impl Peer for TouchOnly {
    type Buffer<'a> = *mut u8;

    #[inline(always)]
    fn acquire(&self) -> *mut u8 {
        self.0.slot(0)
    }

    #[inline(always)]
    fn memory(buffer: &mut *mut u8) -> &mut [MaybeUninit<u8>] {
        // SAFETY: a slot, of which the loop uses one at a time.
        unsafe { slot_memory(*buffer) }
    }
}

/// Written by hand: a slot in front of an array of raw pointers, and a count of hits. No guard, no
/// length, no sizes, no heap behind it, no second thread: nothing that a pool of use can leave out.
#[derive(Debug)]
pub struct Floor {
    slot: Cell<*mut u8>,
    len: Cell<usize>,
    room: usize,
    stack: [Cell<*mut u8>; POOL_SIZE],
    hits: AtomicU64,
    _slab: Slab,
}

impl Floor {
    /// A floor with all of its buffers idle.
    pub fn new() -> Self {
        let slab = Slab::new();
        Self {
            slot: Cell::new(std::ptr::null_mut()),
            len: Cell::new(POOL_SIZE),
            room: POOL_SIZE,
            stack: std::array::from_fn(|index| Cell::new(slab.slot(index))),
            hits: AtomicU64::new(0),
            _slab: slab,
        }
    }

    /// Buffers handed out so far.
    pub fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    #[inline(always)]
    fn pop(&self) -> *mut u8 {
        let mut buffer = self.slot.get();
        if buffer.is_null() {
            let Some(len) = self.len.get().checked_sub(1) else {
                out_of_range()
            };
            // SAFETY: len < POOL_SIZE, since it only grows below `room`.
            buffer = unsafe { self.stack.get_unchecked(len) }.get();
            self.len.set(len);
        } else {
            self.slot.set(std::ptr::null_mut());
        }
        self.hits.store(self.hits() + 1, Ordering::Relaxed);
        buffer
    }

    #[inline(always)]
    fn push(&self, buffer: *mut u8) {
        if self.slot.get().is_null() {
            self.slot.set(buffer);
            return;
        }
        let len = self.len.get();
        if len >= self.room {
            out_of_range();
        }
        // SAFETY: len < room, which is POOL_SIZE.
        unsafe { self.stack.get_unchecked(len) }.set(buffer);
        self.len.set(len + 1);
    }
}

impl Default for Floor {
    fn default() -> Self {
        Self::new()
    }
}

#[cold]
#[inline(never)]
fn out_of_range() -> ! {
    panic!("the floor holds {POOL_SIZE} buffers");
}

// SAFETY: a slot of the slab is BUFFER_SIZE bytes.
unsafe impl Peer for Floor {
    type Buffer<'a> = *mut u8;

    #[inline(always)]
    fn acquire(&self) -> *mut u8 {
        self.pop()
    }

    #[inline(always)]
    fn memory(buffer: &mut *mut u8) -> &mut [MaybeUninit<u8>] {
        // SAFETY: a slot that was handed out to this buffer alone.
        unsafe { slot_memory(*buffer) }
    }

    #[inline(always)]
    unsafe fn release(&self, buffer: &mut ManuallyDrop<*mut u8>) {
        self.push(**buffer);
    }
}

/// What one writes first: a stack of vectors behind a `RefCell`. It does not count.
#[derive(Debug)]
pub struct Naive(RefCell<Vec<Vec<u8>>>);

impl Naive {
    /// A stack of [`POOL_SIZE`] vectors.
    pub fn new() -> Self {
        Self(RefCell::new(
            (0..POOL_SIZE)
                .map(|_| Vec::with_capacity(BUFFER_SIZE))
                .collect(),
        ))
    }
}

impl Default for Naive {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: vectors of BUFFER_SIZE bytes.
unsafe impl Peer for Naive {
    type Buffer<'a> = Vec<u8>;

    #[inline(always)]
    fn acquire(&self) -> Vec<u8> {
        let idle = self.0.borrow_mut().pop();
        let mut buffer = idle.unwrap_or_else(|| Vec::with_capacity(BUFFER_SIZE));
        buffer.clear();
        buffer
    }

    #[inline(always)]
    fn memory(buffer: &mut Vec<u8>) -> &mut [MaybeUninit<u8>] {
        buffer.spare_capacity_mut()
    }

    #[inline(always)]
    unsafe fn release(&self, buffer: &mut ManuallyDrop<Vec<u8>>) {
        // SAFETY: the caller does not use it again.
        let buffer = unsafe { ManuallyDrop::take(buffer) };
        self.0.borrow_mut().push(buffer);
    }
}

/// The memory of a floor: slots whose first bytes fall into different cache sets.
#[derive(Debug)]
struct Slab(*mut [Line]);

/// A cache line.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// Lines from slot to slot: one more than the buffer has.
const STRIDE: usize = BUFFER_SIZE / size_of::<Line>() + 1;

impl Slab {
    fn new() -> Self {
        let lines = vec![Line([0; 64]); POOL_SIZE * STRIDE];
        Self(Box::into_raw(lines.into_boxed_slice()))
    }

    #[inline(always)]
    fn slot(&self, index: usize) -> *mut u8 {
        debug_assert!(index < POOL_SIZE);
        self.0.cast::<Line>().wrapping_add(index * STRIDE).cast()
    }
}

impl Drop for Slab {
    fn drop(&mut self) {
        // SAFETY: from `Box::into_raw`; whoever holds a slot borrows the floor.
        drop(unsafe { Box::from_raw(self.0) });
    }
}

/// # Safety
///
/// * `start` is a slot of a living slab, of which there is no other slice.
#[inline(always)]
unsafe fn slot_memory<'m>(start: *mut u8) -> &'m mut [MaybeUninit<u8>] {
    // SAFETY: a slot is BUFFER_SIZE bytes, and the caller's alone.
    unsafe { slice::from_raw_parts_mut(start.cast(), BUFFER_SIZE) }
}
