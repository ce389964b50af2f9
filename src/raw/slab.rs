//! A slab: one allocation, cut into equal slots.
//!
//! ```text
//!  base (64-byte aligned)
//!  │ slot 0                      │ slot 1                      │
//!  ├────────────┬───────────┬────┼────────────┬───────────┬────┤
//!  │ buffer     │ padding   │ …  │ buffer     │ padding   │ …  │
//!  └────────────┴───────────┴────┴────────────┴───────────┴────┘
//!  ◀ capacity ▶ ◀ ≥ 64 B        ▶
//!  ◀ stride: an odd number of cache lines ▶
//! ```
//!
//! Where the build asks for it, [cookies](rest) stand around each slot, which are not in the books.

use std::alloc::{self, Layout};
use std::ptr::NonNull;
use std::thread;

pub(crate) use super::stride;
use super::{ALIGN, rest};

/// Pages are touched at this distance when a slab is made; larger pages are touched more than once.
const PAGE: usize = 4096;

/// One thread's block of equal slots; freed on drop.
#[derive(Debug)]
pub(crate) struct Slab {
    base: NonNull<u8>,
    layout: Layout,
    /// From one slot to the next, cookies included.
    pitch: usize,
    slots: usize,
    buffer_size: usize,
}

/// What cookies take of each slot.
const COOKIES: usize = rest::FRONT + rest::BACK;

// So that the cookies change neither a slot's alignment nor that the pitch is odd.
const _: () = assert!(rest::FRONT.is_multiple_of(ALIGN) && COOKIES.is_multiple_of(2 * ALIGN));

impl Slab {
    /// Allocates and zeroes `slots` slots for buffers of `buffer_size` bytes, and touches every
    /// page, so that the memory is there, on the node of the calling thread, before it is needed.
    ///
    /// `None` if `slots` is zero, the size overflows, or the allocator refuses.
    pub(crate) fn new(slots: usize, buffer_size: usize) -> Option<Self> {
        let pitch = stride(buffer_size)?.checked_add(COOKIES)?;
        let bytes = pitch.checked_mul(slots).filter(|bytes| *bytes > 0)?;
        let layout = Layout::from_size_align(bytes, ALIGN).ok()?;
        // SAFETY: the layout's size is not zero: filtered two lines above.
        let base = NonNull::new(unsafe { alloc::alloc_zeroed(layout) })?;
        let slab = Self {
            base,
            layout,
            pitch,
            slots,
            buffer_size,
        };
        slab.touch_pages();
        for index in 0..slots {
            // SAFETY: a slot of a new slab, which is this function's alone.
            unsafe { rest::begin_at_rest(slab.slot(index), buffer_size) };
        }
        Some(slab)
    }

    /// The start of slot `index`.
    ///
    /// # Panics
    ///
    /// If there is no such slot.
    pub(crate) fn slot(&self, index: usize) -> NonNull<u8> {
        assert!(index < self.slots, "slot {index} of {}", self.slots);
        // SAFETY: index < slots, so the offset is below layout.size(), which fits an isize.
        unsafe { self.base.add(index * self.pitch + rest::FRONT) }
    }

    /// Whether `start` lies in this slab.
    pub(crate) fn contains(&self, start: NonNull<u8>) -> bool {
        let offset = start.addr().get().wrapping_sub(self.base.addr().get());
        offset < self.layout.size()
    }

    /// Bytes that it takes, without cookies.
    pub(crate) fn bytes(&self) -> usize {
        self.layout.size() - self.slots * COOKIES
    }

    fn touch_pages(&self) {
        // The last byte too: the first need not be at the start of a page.
        let last = self.layout.size() - 1;
        for offset in (0..last).step_by(PAGE).chain([last]) {
            // SAFETY: offset is below the allocation's size.
            let page = unsafe { self.base.add(offset) };
            // SAFETY: inside the allocation, to which nothing else refers yet. Volatile, since a
            // store of the value that is already there would be left out.
            unsafe { page.write_volatile(0) };
        }
    }
}

impl Drop for Slab {
    fn drop(&mut self) {
        // A second panic would end the process, and hide what the first one says.
        if rest::LAYS && !thread::panicking() {
            for index in 0..self.slots {
                // SAFETY: `new` told of it, with this capacity.
                unsafe { rest::end(self.slot(index), self.buffer_size) };
            }
        }
        // SAFETY: the slab's own memory, about to be freed.
        unsafe { rest::uncover(self.base, self.layout.size()) };
        // SAFETY: raw invariant 3: `base` came from alloc_zeroed with this very layout in `new`.
        unsafe { alloc::dealloc(self.base.as_ptr(), self.layout) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw::PADDING;

    #[test]
    fn impossible_slabs_are_refused() {
        assert!(Slab::new(0, 4096).is_none());
        assert!(Slab::new(usize::MAX / 8, 4096).is_none());
        assert!(Slab::new(2, isize::MAX as usize).is_none());
    }

    #[test]
    fn slots_are_aligned_zeroed_and_apart() {
        let slab = Slab::new(5, 100).unwrap();
        for index in 0..5 {
            let slot = slab.slot(index);
            assert_eq!(slot.addr().get() % ALIGN, 0);
            assert!(slab.contains(slot));
            // SAFETY: laid down by `new`.
            unsafe { rest::take_up(slot, 100) };
            // SAFETY: raw invariant 2; a new slab is initialised and nothing else refers to it.
            let bytes = unsafe { std::slice::from_raw_parts(slot.as_ptr(), 100 + PADDING) };
            let is_new = |byte: &u8| *byte == if cfg!(knhk_pool = "poison") { 0xDD } else { 0 };
            assert!(bytes[..100].iter().all(is_new));
            assert_eq!(bytes[100..], [0; PADDING]);
        }
        assert_eq!(slab.bytes(), 5 * stride(100).unwrap());
        let cookies = rest::FRONT + rest::BACK;
        assert_eq!(slab.layout.size(), slab.bytes() + 5 * cookies);
        // SAFETY: one past the last slot is one past the allocation.
        assert!(!slab.contains(unsafe { slab.base.add(slab.layout.size()) }));
    }
}
