//! Why a pool gave no memory.

use std::fmt;

use crate::config::ConfigError;

/// Why a pool could not be made, or had nothing to hand out.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum PoolError {
    /// Nothing that this thread's part of the pool holds is idle: it is in use, was lost (an object to a
    /// reset that panicked), or there is no part.
    Exhausted {
        /// The pool's name.
        pool: &'static str,
        /// How many the part can hold; of an object pool 0, where the thread can have none.
        capacity: usize,
    },
    /// The memory of a pool or of a buffer was refused: by the allocator, or since nothing can be so large.
    OutOfMemory {
        /// How many bytes were asked for.
        bytes: usize,
    },
    /// The sizes are impossible.
    Config(ConfigError),
}

impl fmt::Display for PoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exhausted { pool, capacity } => {
                write!(
                    f,
                    "pool {pool:?} is exhausted: none of its {capacity} is idle"
                )
            }
            Self::OutOfMemory { bytes } => {
                write!(f, "a pool or buffer was refused {bytes} bytes")
            }
            Self::Config(error) => error.fmt(f),
        }
    }
}

// Without a source: the text of what is wrong with the sizes is this error's own, and a report of both
// would say it twice.
impl std::error::Error for PoolError {}

impl From<ConfigError> for PoolError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}
