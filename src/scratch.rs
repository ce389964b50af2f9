//! Scratch: 64 KiB of temporaries a thread, on top of the arena.
//!
//! ```
//! use knhk_pool::scratch;
//!
//! fn mean(values: &[f64]) -> f64 {
//!     scratch::with(|s| {
//!         let sorted = s.alloc_slice_copy(values);
//!         sorted.sort_by(f64::total_cmp); // sums of sorted values do not depend on their order
//!         sorted.iter().sum::<f64>() / values.len() as f64
//!     })
//! }
//!
//! let total = scratch::with(|s| {
//!     let means = s.alloc_slice::<f64>(2);
//!     means[0] = mean(&[1.0, 2.0]); // uses what is left of the same scratch
//!     means[1] = mean(&[3.0, 5.0]);
//!     means.iter().sum::<f64>()
//! });
//! assert_eq!(total, 5.5);
//! ```
//!
//! What is too much for it is an error or comes from the heap, as `KNHK_ARENA_OVERFLOW` says; its
//! temporaries are wiped as `KNHK_ARENA_ZERO` says ([`ArenaConfig`](crate::ArenaConfig)).

use std::cell::Cell;
use std::fmt;
use std::ptr;

use crate::arena::{Arena, Lender, Local, Owner, Scope};
use crate::counters::ArenaStats;
use crate::late_end::LateEnd;

/// Bytes of a thread's scratch: 64 KiB.
pub const BYTES: usize = 64 << 10;

thread_local! {
    static PLACE: Cell<*const Lender> = const { Cell::new(ptr::null()) };
    static OWNER: Owner = const { Owner::new() };
}

static LATE_END: LateEnd = LateEnd::new(|| {
    // No error: its destructor is not called.
    let _ = OWNER.try_with(Owner::end);
});

const SCRATCH: Local = Local {
    name: "scratch",
    place: &PLACE,
    owner: &OWNER,
    late_end: &LATE_END,
    size: |_configured| BYTES,
};

/// Runs `work` with a scope of this thread's scratch; all that it allocates is given back at its end,
/// also when it panics.
///
/// Uses nest as those of [`Arena::with_thread`] do: an inner one has what is left, and the outer scope
/// finds no room while it is open. No byte is ever handed out twice.
///
/// # Cost
///
/// Beside `work`'s own: a thread-local and a dozen instructions.
///
/// # Panics
///
/// If the allocator refuses the 64 KiB at the thread's first use.
///
/// # Examples
///
/// ```
/// use knhk_pool::scratch;
///
/// let refused = scratch::with(|s| s.try_alloc_slice::<u8>(scratch::BYTES + 1).is_err());
/// assert!(refused); // with KNHK_ARENA_OVERFLOW unset
/// ```
///
/// Nothing leaves it:
///
/// ```compile_fail
/// let escaped = knhk_pool::scratch::with(|s| s.alloc_slice::<f64>(128));
/// ```
#[inline(always)]
pub fn with<R>(work: impl FnOnce(&mut Scope<'_>) -> R) -> R {
    SCRATCH.with(work)
}

/// A scratch with an owner: temporaries by shared reference, for a worker that keeps its own.
///
/// # Examples
///
/// ```
/// use knhk_pool::ScratchBuffer;
///
/// let scratch = ScratchBuffer::new();
/// let sum = scratch.with(|outer| {
///     let a = outer.alloc_slice_copy(&[1, 2, 3]);
///     let b: i32 = scratch.with(|inner| inner.alloc_slice_with(2, |i| a[i]).iter().sum());
///     a.iter().sum::<i32>() + b
/// });
/// assert_eq!(sum, 9);
/// ```
///
/// It is one thread's at a time:
///
/// ```compile_fail,E0277
/// let scratch = knhk_pool::ScratchBuffer::new();
/// std::thread::scope(|scope| {
///     scope.spawn(|| scratch.with(|s| drop(s.alloc(1))));
/// });
/// ```
pub struct ScratchBuffer {
    lender: Lender,
}

impl ScratchBuffer {
    /// [`BYTES`] that read no environment; what is too much is an error.
    ///
    /// # Panics
    ///
    /// If the allocator refuses the memory.
    pub fn new() -> Self {
        Self::from(Arena::with_capacity(BYTES))
    }

    /// Runs `work` with a scope; all that it allocates is given back at its end. Nests as [`with`]
    /// does.
    #[inline(always)]
    pub fn with<R>(&self, work: impl FnOnce(&mut Scope<'_>) -> R) -> R {
        self.lender.with(work)
    }

    /// Counts, and bytes in use now and at most.
    pub fn stats(&self) -> ArenaStats {
        self.lender.stats()
    }
}

/// A scratch of any size and rules, and of a name if the arena has one. What was allocated from the
/// arena is given back.
impl From<Arena> for ScratchBuffer {
    fn from(mut arena: Arena) -> Self {
        let ArenaStats {
            in_use, heap_bytes, ..
        } = arena.stats();
        if in_use + heap_bytes > 0 {
            arena.reset();
        }
        Self {
            lender: Lender::new(arena),
        }
    }
}

impl Default for ScratchBuffer {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ScratchBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScratchBuffer")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
