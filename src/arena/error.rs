//! Why an arena gave no memory.

use std::fmt;

use crate::config::ConfigError;
use crate::counters::CAPACITY_MAX;

/// Why an arena could not be made, or had no room.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ArenaError {
    /// The chunk has no room for it.
    Full {
        /// Bytes that were asked for.
        bytes: usize,
        /// Their alignment.
        align: usize,
        /// Bytes that are left, before alignment.
        left: usize,
    },
    /// A nested use of the same thread's arena is under way, and has all that is left.
    Lent {
        /// Bytes that were asked for.
        bytes: usize,
    },
    /// The size in bytes is more than `isize::MAX`: no allocator could serve it.
    TooLarge,
    /// No arena can be as large as that: [`Arena::CAPACITY_MAX`](crate::Arena::CAPACITY_MAX) is less.
    Capacity {
        /// Bytes that were asked for.
        bytes: usize,
    },
    /// The heap refused the chunk, or what the chunk had no room for.
    OutOfMemory {
        /// Bytes that were asked for.
        bytes: usize,
    },
    /// The settings are impossible.
    Config(ConfigError),
}

impl fmt::Display for ArenaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full { bytes, align, left } => write!(
                f,
                "the arena is full: no room for {bytes} bytes at alignment {align}, {left} bytes \
                 are left"
            ),
            Self::Lent { bytes } => write!(
                f,
                "no room for {bytes} bytes: a nested use of the same thread's arena has what is left"
            ),
            Self::TooLarge => write!(f, "the size is above {} bytes", isize::MAX),
            Self::Capacity { bytes } => write!(
                f,
                "an arena has at most {CAPACITY_MAX} bytes, and {bytes} were asked for"
            ),
            Self::OutOfMemory { bytes } => {
                write!(f, "the allocator refused {bytes} bytes for an arena")
            }
            Self::Config(error) => error.fmt(f),
        }
    }
}

// Without a source, as `PoolError`.
impl std::error::Error for ArenaError {}

impl From<ConfigError> for ArenaError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}
