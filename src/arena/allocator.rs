//! `allocator_api2::Allocator` for arenas: collections whose memory is the arena's.

use std::alloc::Layout;
use std::ptr::NonNull;

use allocator_api2::alloc::{AllocError, Allocator};

use super::Arena;
use super::region::Region;
use super::scope::Scope;

/// Bytes of a block, uninitialised.
fn block(start: NonNull<u8>, layout: Layout) -> NonNull<[u8]> {
    NonNull::slice_from_raw_parts(start, layout.size())
}

fn alloc(region: Region<'_>, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
    let start = region.alloc(layout).map_err(|_no_room| AllocError)?;
    Ok(block(start, layout))
}

/// # Safety
///
/// * As [`Allocator::grow`], for a block of this region.
unsafe fn grow(
    region: Region<'_>,
    start: NonNull<u8>,
    old: Layout,
    new: Layout,
) -> Result<NonNull<[u8]>, AllocError> {
    // SAFETY: the caller's bullet: a live block of this layout, and one that is as large or larger.
    let grown = unsafe { region.grow(start, old, new) };
    Ok(block(grown.map_err(|_no_room| AllocError)?, new))
}

/// # Safety
///
/// * As [`Allocator::shrink`], for a block of this region.
unsafe fn shrink(
    region: Region<'_>,
    start: NonNull<u8>,
    old: Layout,
    new: Layout,
) -> Result<NonNull<[u8]>, AllocError> {
    // SAFETY: the caller's bullet: a live block of this layout, and one that is as small or smaller.
    let shrunk = unsafe { region.shrink(start, old, new) };
    Ok(block(shrunk.map_err(|_no_room| AllocError)?, new))
}

/// Collections that allocate from an arena, and are done before it is reset.
///
/// What a collection gives back comes back to the arena if it was the last allocation; a `Vec` that is
/// the last one grows where it is.
///
/// # Examples
///
/// ```
/// use allocator_api2::vec::Vec;
/// use knhk_pool::Arena;
///
/// let arena = Arena::new();
/// let mut names: Vec<String, &Arena> = Vec::new_in(&arena);
/// names.push("dropped by the Vec, in memory of the arena".into());
/// assert!(arena.stats().in_use >= size_of::<String>());
/// ```
// SAFETY: a block stays where it is and as it is until it is given back, for as long as the allocator's
// borrow lasts: the arena is borrowed, so that it is not reset. Copies of the allocator are the
// same borrow.
unsafe impl Allocator for &Arena {
    #[inline]
    fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        alloc(self.region(), layout)
    }

    #[inline]
    unsafe fn deallocate(&self, start: NonNull<u8>, layout: Layout) {
        // SAFETY: the caller's contract: a live block of this allocator's.
        unsafe { self.region().free(start, layout) };
    }

    #[inline]
    unsafe fn grow(
        &self,
        start: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        // SAFETY: the caller's contract.
        unsafe { grow(self.region(), start, old, new) }
    }

    #[inline]
    unsafe fn shrink(
        &self,
        start: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        // SAFETY: the caller's contract.
        unsafe { shrink(self.region(), start, old, new) }
    }
}

/// Collections that allocate from a scope. While one lives, no scope inside of this one can be opened.
// SAFETY: a block stays where it is and as it is until it is given back, for as long as the allocator's
// borrow lasts: the scope is borrowed, so that no mark inside of it is rewound, and its own is not while it lives. Copies of the allocator are the
// same borrow.
unsafe impl Allocator for &Scope<'_> {
    #[inline]
    fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        alloc(self.region(), layout)
    }

    #[inline]
    unsafe fn deallocate(&self, start: NonNull<u8>, layout: Layout) {
        // SAFETY: the caller's contract: a live block of this allocator's.
        unsafe { self.region().free(start, layout) };
    }

    #[inline]
    unsafe fn grow(
        &self,
        start: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        // SAFETY: the caller's contract.
        unsafe { grow(self.region(), start, old, new) }
    }

    #[inline]
    unsafe fn shrink(
        &self,
        start: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        // SAFETY: the caller's contract.
        unsafe { shrink(self.region(), start, old, new) }
    }
}
