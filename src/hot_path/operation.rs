//! One call of the allocator.

use std::alloc::Layout;
use std::fmt;

/// Which of the allocator's four functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Alloc,
    AllocZeroed,
    Realloc,
    Dealloc,
}

impl Call {
    const fn name(self) -> &'static str {
        match self {
            Self::Alloc => "alloc",
            Self::AllocZeroed => "alloc_zeroed",
            Self::Realloc => "realloc",
            Self::Dealloc => "dealloc",
        }
    }
}

/// A call and its sizes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation {
    pub(super) call: Call,
    /// Before, where there is one before.
    pub(super) bytes: usize,
    pub(super) align: usize,
    /// After a `Realloc`; else as `bytes`.
    pub(super) new_bytes: usize,
}

impl Operation {
    #[inline(always)]
    pub(super) const fn new(call: Call, layout: Layout) -> Self {
        Self {
            call,
            bytes: layout.size(),
            align: layout.align(),
            new_bytes: layout.size(),
        }
    }
}

/// `realloc from 64 to 128 bytes, alignment 1`.
impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.call.name())?;
        match self.call {
            Call::Realloc => write!(f, " from {} to {} bytes", self.bytes, self.new_bytes)?,
            _ => write!(f, " of {} bytes", self.bytes)?,
        }
        write!(f, ", alignment {}", self.align)
    }
}
