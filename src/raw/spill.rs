//! Spills: what an arena takes from the heap when its chunk is full, chained so that it can be given
//! back last in, first out.
//!
//! ```text
//!  top ─▶ │ header: older, layout, payload │ padding │ payload │
//!             │
//!             └──▶ the spill before
//! ```

use std::alloc::{self, Layout};
use std::cell::Cell;
use std::ptr::NonNull;

use super::wipe;

/// A spill's head, in the same allocation.
struct Header {
    older: Option<NonNull<Header>>,
    /// Of the whole allocation.
    layout: Layout,
    payload: NonNull<u8>,
}

/// How far a chain of spills went at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SpillMark(Option<NonNull<Header>>);

impl SpillMark {
    /// The mark of an empty chain.
    pub(crate) const EMPTY: Self = Self(None);
}

/// A chain of spills; what is left of it is freed on drop.
#[derive(Debug)]
pub(crate) struct Spills {
    top: Cell<Option<NonNull<Header>>>,
}

// SAFETY: the chain owns its memory, which is tied to no thread.
unsafe impl Send for Spills {}

impl Spills {
    pub(crate) const fn new() -> Self {
        Self {
            top: Cell::new(None),
        }
    }

    #[inline(always)]
    pub(crate) fn mark(&self) -> SpillMark {
        SpillMark(self.top.get())
    }

    /// Allocates `payload` from the heap, and the bytes that this took. `None` if the size with the
    /// header cannot be, or the allocator refuses.
    pub(crate) fn alloc(&self, payload: Layout) -> Option<(NonNull<u8>, usize)> {
        let (layout, offset) = Layout::new::<Header>().extend(payload).ok()?;
        // SAFETY: the layout holds a header, so its size is not zero.
        let base = NonNull::new(unsafe { alloc::alloc(layout) })?;
        // SAFETY: `extend` says that the payload begins at `offset` inside the layout.
        let payload = unsafe { base.add(offset) };
        let header = base.cast::<Header>();
        let head = Header {
            older: self.top.get(),
            layout,
            payload,
        };
        // SAFETY: the allocation begins with a header's size, aligned for it; nobody else has it.
        unsafe { header.write(head) };
        self.top.set(Some(header));
        Some((payload, layout.size()))
    }

    /// Frees what was allocated since `mark`, overwritten with zeros if `wipes`; returns how many bytes
    /// that was.
    ///
    /// # Safety
    ///
    /// * `mark` was taken from this chain, and what was there then was not freed since.
    /// * Nobody uses what was allocated since.
    pub(crate) unsafe fn free_to(&self, mark: SpillMark, wipes: bool) -> usize {
        let mut freed = 0;
        while let Some(top) = self.top.get().filter(|top| Some(*top) != mark.0) {
            // SAFETY: the caller's second bullet, and it is the top.
            freed += unsafe { self.free_top(top, wipes) };
        }
        freed
    }

    /// Frees the last spill if `payload` is its, as [`free_to`](Self::free_to) does; returns how many
    /// bytes that was.
    ///
    /// # Safety
    ///
    /// * Nobody uses it, if it is.
    pub(crate) unsafe fn free_last(&self, payload: NonNull<u8>, wipes: bool) -> Option<usize> {
        let top = self.top.get()?;
        // SAFETY: a header in the chain was written by `alloc` and is not freed.
        let is_last = unsafe { top.as_ref() }.payload == payload;
        // SAFETY: the caller's bullet; `top` is the top.
        is_last.then(|| unsafe { self.free_top(top, wipes) })
    }

    /// # Safety
    ///
    /// * `top` is the chain's top, and nobody uses its payload.
    unsafe fn free_top(&self, top: NonNull<Header>, wipes: bool) -> usize {
        // SAFETY: as in `free_last`; it is read before it is freed.
        let header = unsafe { top.read() };
        if wipes {
            let in_front = header.payload.addr().get() - top.addr().get();
            // SAFETY: the payload reaches to the allocation's end, and nobody uses it.
            unsafe { wipe(header.payload, header.layout.size() - in_front) };
        }
        self.top.set(header.older);
        // SAFETY: raw invariant 3: allocated by `alloc` with the layout that it wrote down.
        unsafe { alloc::dealloc(top.as_ptr().cast(), header.layout) };
        header.layout.size()
    }
}

impl Drop for Spills {
    fn drop(&mut self) {
        // SAFETY: the mark of an empty chain; whoever owns the chain has let nobody outlive it.
        unsafe { self.free_to(SpillMark::EMPTY, false) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(bytes: usize, align: usize) -> Layout {
        Layout::from_size_align(bytes, align).expect("a layout")
    }

    #[test]
    fn spills_are_aligned_apart_and_freed_down_to_a_mark() {
        let spills = Spills::new();
        let (first, first_bytes) = spills.alloc(layout(100, 1)).expect("memory");
        let mark = spills.mark();
        for align in [1, 2, 64, 4096] {
            let (payload, bytes) = spills.alloc(layout(77, align)).expect("memory");
            assert_eq!(payload.addr().get() % align, 0);
            assert!(bytes >= 77);
            // SAFETY: 77 writable bytes.
            unsafe { payload.write_bytes(9, 77) };
        }
        // SAFETY: the mark is of this chain, and nothing since is used again.
        assert!(unsafe { spills.free_to(mark, true) } >= 4 * 77);
        assert_eq!(spills.mark(), mark);
        // SAFETY: not used again; and then it is not there any more.
        assert_eq!(unsafe { spills.free_last(first, false) }, Some(first_bytes));
        // SAFETY: nothing is freed: the chain is empty.
        assert_eq!(unsafe { spills.free_last(first, false) }, None);
    }

    #[test]
    fn sizes_that_overflow_with_the_header_are_refused() {
        let most = layout(isize::MAX as usize, 1);
        assert!(Spills::new().alloc(most).is_none());
    }
}
