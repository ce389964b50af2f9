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

use std::alloc::{self, Layout};
use std::ptr::NonNull;

use super::{ALIGN, PADDING};

/// Pages are touched at this distance when a slab is made; larger pages are touched more than once.
const PAGE: usize = 4096;

/// One thread's block of equal slots; freed on drop.
#[derive(Debug)]
pub(crate) struct Slab {
    base: NonNull<u8>,
    layout: Layout,
    stride: usize,
    slots: usize,
}

impl Slab {
    /// Allocates and zeroes `slots` slots for buffers of `buffer_size` bytes, and touches every
    /// page, so that the memory is there, on the node of the calling thread, before it is needed.
    ///
    /// `None` if `slots` is zero, the size overflows, or the allocator refuses.
    pub(crate) fn new(slots: usize, buffer_size: usize) -> Option<Self> {
        let stride = stride(buffer_size)?;
        let bytes = stride.checked_mul(slots).filter(|bytes| *bytes > 0)?;
        let layout = Layout::from_size_align(bytes, ALIGN).ok()?;
        // SAFETY: the layout's size is not zero: filtered two lines above.
        let base = NonNull::new(unsafe { alloc::alloc_zeroed(layout) })?;
        let slab = Self {
            base,
            layout,
            stride,
            slots,
        };
        slab.touch_pages();
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
        unsafe { self.base.add(index * self.stride) }
    }

    /// Whether `start` lies in this slab.
    pub(crate) fn contains(&self, start: NonNull<u8>) -> bool {
        let offset = start.addr().get().wrapping_sub(self.base.addr().get());
        offset < self.layout.size()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.layout.size()
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
        // SAFETY: raw invariant 3: `base` came from alloc_zeroed with this very layout in `new`.
        unsafe { alloc::dealloc(self.base.as_ptr(), self.layout) };
    }
}

/// Bytes from one slot to the next: the buffer, its padding, and whatever makes it an odd number of
/// cache lines, so that the slots' first lines spread over all sets of a cache (ADR-002).
pub(crate) const fn stride(buffer_size: usize) -> Option<usize> {
    let Some(padded) = buffer_size.checked_add(PADDING) else {
        return None;
    };
    let Some(lines) = padded.checked_next_multiple_of(ALIGN) else {
        return None;
    };
    if (lines / ALIGN).is_multiple_of(2) {
        lines.checked_add(ALIGN)
    } else {
        Some(lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stride_is_an_odd_number_of_lines_with_room_for_the_padding() {
        for size in (1..20_000).chain([65_536, 16 << 20]) {
            let stride = stride(size).unwrap();
            assert_eq!(stride / ALIGN % 2, 1, "size {size}");
            assert_eq!(stride % ALIGN, 0, "size {size}");
            assert!(
                (size + PADDING..size + PADDING + 2 * ALIGN).contains(&stride),
                "size {size}"
            );
        }
        assert_eq!(stride(4096), Some(4096 + 64));
        assert_eq!(stride(usize::MAX - 64), None);
    }

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
            // SAFETY: raw invariant 2; a new slab is zeroed and nothing else refers to it.
            let bytes = unsafe { std::slice::from_raw_parts(slot.as_ptr(), 100 + PADDING) };
            assert!(bytes.iter().all(|byte| *byte == 0));
        }
        assert_eq!(slab.bytes(), 5 * stride(100).unwrap());
        // SAFETY: one past the last slot is one past the allocation.
        assert!(!slab.contains(unsafe { slab.slot(4).add(stride(100).unwrap()) }));
    }
}
