//! Why there is no channel.

use std::alloc::Layout;
use std::fmt;

/// Why a channel could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChannelError {
    /// A channel of 0 values passes nothing on, and no memory is larger than `isize::MAX` bytes.
    Capacity {
        /// Values that it was to hold.
        capacity: usize,
        /// Bytes of each.
        size: usize,
    },
    /// The allocator refused the slots, or what the halves share.
    OutOfMemory {
        /// What was asked for.
        layout: Layout,
    },
}

impl fmt::Display for ChannelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Capacity { capacity: 0, .. } => {
                write!(f, "a channel of capacity 0 could pass nothing on")
            }
            Self::Capacity { capacity, size } => write!(
                f,
                "a channel of capacity {capacity}, rounded up to a power of two, of {size} bytes each, would be above {} bytes",
                isize::MAX
            ),
            Self::OutOfMemory { layout } => write!(
                f,
                "the allocator refused {} bytes for a channel",
                layout.size()
            ),
        }
    }
}

impl std::error::Error for ChannelError {}
