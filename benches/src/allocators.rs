//! Allocators, called as such and not as the process's own.

use std::alloc::{GlobalAlloc, Layout, handle_alloc_error};
use std::mem::{ManuallyDrop, MaybeUninit};
use std::ptr::NonNull;
use std::slice;

use crate::peer::{BUFFER_SIZE, Peer};

/// An allocator that is asked for [`BUFFER_SIZE`] bytes each time, as `Vec::with_capacity` asks.
#[derive(Debug)]
pub struct Allocator<A>(
    /// The allocator.
    pub A,
);

const LAYOUT: Layout = Layout::new::<[u8; BUFFER_SIZE]>();

// SAFETY: LAYOUT is BUFFER_SIZE bytes.
unsafe impl<A: GlobalAlloc> Peer for Allocator<A> {
    type Buffer<'a>
        = NonNull<u8>
    where
        A: 'a;

    #[inline(always)]
    fn acquire(&self) -> NonNull<u8> {
        // SAFETY: the size is not zero.
        let start = unsafe { self.0.alloc(LAYOUT) };
        NonNull::new(start).unwrap_or_else(|| handle_alloc_error(LAYOUT))
    }

    #[inline(always)]
    fn memory(buffer: &mut NonNull<u8>) -> &mut [MaybeUninit<u8>] {
        // SAFETY: BUFFER_SIZE bytes that were allocated for this buffer alone.
        unsafe { slice::from_raw_parts_mut(buffer.as_ptr().cast(), BUFFER_SIZE) }
    }

    #[inline(always)]
    unsafe fn release(&self, buffer: &mut ManuallyDrop<NonNull<u8>>) {
        // SAFETY: allocated by this allocator with this layout, not used again.
        unsafe { self.0.dealloc(buffer.as_ptr(), LAYOUT) };
    }
}
