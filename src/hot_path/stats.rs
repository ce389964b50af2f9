//! What can be read of the detector.

use std::panic::Location;

/// What one thread asked of the allocator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AllocationStats {
    /// Calls of `alloc` and `alloc_zeroed`.
    pub allocations: u64,
    /// Calls of `realloc`.
    pub reallocations: u64,
    /// Calls of `dealloc`.
    pub frees: u64,
    /// Bytes asked for; of a growing `realloc`, those that it adds.
    pub bytes_allocated: u64,
    /// Bytes given back; of a shrinking `realloc`, those that it takes away.
    pub bytes_freed: u64,
}

impl AllocationStats {
    /// Calls of the allocator.
    pub const fn calls(&self) -> u64 {
        self.allocations + self.reallocations + self.frees
    }
}

/// The violations of one section.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SectionViolations {
    /// The section's name.
    pub section: &'static str,
    /// Where the section begins.
    pub location: &'static Location<'static>,
    /// Calls of the allocator that it must not have made.
    pub count: u64,
}

/// What one [`permit_alloc`](super::permit_alloc) has let through.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Permits {
    /// Where `permit_alloc` is called.
    pub location: &'static Location<'static>,
    /// Calls of the allocator.
    pub count: u64,
}
