//! Chunks: one allocation that an arena cuts up.

use std::alloc::{self, Layout};
use std::ptr::NonNull;

use super::{nowhere, rest};

/// Where every chunk starts: at a page. So an offset that is a multiple of an alignment up to this
/// is an address that is.
pub(crate) const CHUNK_ALIGN: usize = 4096;

/// Where a chunk starts that huge pages are to serve: at a huge page of x86-64 and AArch64.
const HUGE_PAGE: usize = 2 << 20;

/// One allocation, uninitialised, [hidden](rest::hide), freed on drop. Of no bytes it is an address and no memory.
#[derive(Debug)]
pub(crate) struct Chunk {
    base: NonNull<u8>,
    layout: Layout,
}

// SAFETY: a chunk is owned memory, tied to no thread; who shares pointers into it has to argue that.
unsafe impl Send for Chunk {}

impl Chunk {
    /// Allocates `bytes`; `None` if there can be no such size or the allocator refuses.
    pub(crate) fn new(bytes: usize) -> Option<Self> {
        Self::aligned(bytes, CHUNK_ALIGN)
    }

    /// As [`new`](Self::new), where huge pages can serve it.
    #[cfg_attr(not(any(test, feature = "huge-pages")), expect(dead_code))]
    pub(crate) fn for_huge_pages(bytes: usize) -> Option<Self> {
        Self::aligned(bytes, HUGE_PAGE)
    }

    fn aligned(bytes: usize, align: usize) -> Option<Self> {
        let layout = Layout::from_size_align(bytes, align).ok()?;
        let base = if bytes == 0 {
            nowhere(align)
        } else {
            // SAFETY: the layout's size is not zero, in this branch.
            NonNull::new(unsafe { alloc::alloc(layout) })?
        };
        // SAFETY: new memory of that size, nobody else's.
        unsafe { rest::hide(base, bytes) };
        Some(Self { base, layout })
    }

    /// The first byte, at a multiple of [`CHUNK_ALIGN`].
    #[inline(always)]
    pub(crate) fn base(&self) -> NonNull<u8> {
        self.base
    }

    pub(crate) fn bytes(&self) -> usize {
        self.layout.size()
    }

    /// Asks the kernel to back the chunk by huge pages; whether it will try.
    #[cfg(all(feature = "huge-pages", target_os = "linux"))]
    pub(crate) fn advise_huge_pages(&self) -> bool {
        if cfg!(miri) || self.bytes() == 0 {
            return false;
        }
        // SAFETY: the range is this chunk's, from a page's start on; the advice changes no byte of it.
        let code =
            unsafe { libc::madvise(self.base.as_ptr().cast(), self.bytes(), libc::MADV_HUGEPAGE) };
        code == 0
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        if self.bytes() != 0 {
            // SAFETY: the chunk's own memory, about to be freed.
            unsafe { rest::uncover(self.base, self.bytes()) };
            // SAFETY: raw invariant 3: `base` came from `alloc` with this very layout in `aligned`.
            unsafe { alloc::dealloc(self.base.as_ptr(), self.layout) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_start_at_a_page_and_hold_what_was_asked_for() {
        for bytes in [0, 1, 100, 4096, 65_537] {
            let chunk = Chunk::new(bytes).expect("small");
            assert_eq!(chunk.base().addr().get() % CHUNK_ALIGN, 0, "{bytes}");
            assert_eq!(chunk.bytes(), bytes);
            // SAFETY: hidden by `new`.
            unsafe { rest::show(chunk.base(), bytes) };
            // SAFETY: `bytes` writable bytes, nobody else's. Miri and ASan judge.
            unsafe { chunk.base().write_bytes(1, bytes) };
        }
        assert_eq!(
            Chunk::for_huge_pages(100)
                .expect("small")
                .base()
                .addr()
                .get()
                % HUGE_PAGE,
            0
        );
    }

    #[test]
    #[cfg(all(feature = "huge-pages", target_os = "linux"))]
    fn kernel_is_not_asked_for_no_memory() {
        let none = Chunk::for_huge_pages(0).expect("no memory is needed");
        assert!(!none.advise_huge_pages());
    }

    #[test]
    fn sizes_that_cannot_be_are_refused() {
        for bytes in [
            usize::MAX,
            usize::MAX - 4095,
            isize::MAX as usize,
            isize::MAX as usize + 1,
        ] {
            assert!(Chunk::new(bytes).is_none(), "{bytes}");
        }
    }
}
