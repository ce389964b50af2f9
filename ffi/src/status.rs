//! What every function answers, and the version of the whole.
//!
//! # Invariants
//!
//! 1. No other symbol of the process has the name of one exported here: all begin with `knhk_`.

use std::ffi::{CStr, c_char};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The version of this interface: a change that breaks a compiled caller raises it.
pub const KNHK_ABI_VERSION: u32 = 1;

/// What a function answers. Unless it is `OK`, nothing was written through the caller's pointers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Status {
    /// Done.
    Ok = 0,
    /// A pointer that must not be null is.
    NullPointer = 1,
    /// An argument is out of its range, or not aligned, or not UTF-8.
    Invalid = 2,
    /// The handle, buffer or mark never was, or is no more: released twice, closed, its thread ended.
    Stale = 3,
    /// It belongs to another thread.
    WrongThread = 4,
    /// All of this thread's buffers of the pool are in use.
    Exhausted = 5,
    /// The arena or ring has no room.
    Full = 6,
    /// The ring has nothing.
    Empty = 7,
    /// No more handles of this kind: 128 pools, 4096 of each other kind, and of threads at pools.
    TooMany = 8,
    /// The allocator refused.
    OutOfMemory = 9,
    /// A size is out of its range, or the environment or the file that `KNHK_POOL_CONFIG` names is wrong.
    Config = 10,
    /// The pool is open already, with other sizes or without the wiping that is asked for.
    Conflict = 11,
    /// This thread is ending: it can own nothing any more.
    ThreadEnding = 12,
    /// A defect of this library, caught at the border.
    Panicked = 13,
    /// A call of this thread is at work, and the allocator that it has called came back: the arena is in
    /// use, or nothing can be opened now.
    Busy = 14,
}

/// All of them, by number.
const STATUSES: [Status; 15] = [
    Status::Ok,
    Status::NullPointer,
    Status::Invalid,
    Status::Stale,
    Status::WrongThread,
    Status::Exhausted,
    Status::Full,
    Status::Empty,
    Status::TooMany,
    Status::OutOfMemory,
    Status::Config,
    Status::Conflict,
    Status::ThreadEnding,
    Status::Panicked,
    Status::Busy,
];

impl Status {
    const fn text(self) -> &'static CStr {
        match self {
            Self::Ok => c"ok",
            Self::NullPointer => c"a pointer that must not be null is",
            Self::Invalid => c"an argument is out of range, misaligned or not UTF-8",
            Self::Stale => c"the handle, buffer or mark is not live",
            Self::WrongThread => c"it belongs to another thread",
            Self::Exhausted => c"all of this thread's buffers are in use",
            Self::Full => c"no room is left",
            Self::Empty => c"the ring is empty",
            Self::TooMany => c"no more handles of this kind",
            Self::OutOfMemory => c"the allocator refused",
            Self::Config => c"a size, the environment or the configuration file is wrong",
            Self::Conflict => c"the pool is open already, with other sizes or no wiping",
            Self::ThreadEnding => c"this thread is ending",
            Self::Panicked => c"a defect of knhk-pool",
            Self::Busy => c"the call that has called the allocator is still at work",
        }
    }
}

/// `KNHK_ABI_VERSION` of the library that is loaded. Compare it with the header's.
#[unsafe(no_mangle)]
pub extern "C" fn knhk_abi_version() -> u32 {
    KNHK_ABI_VERSION
}

/// What a status means, in English; for a number that is none, too. Never null, never to be freed.
#[unsafe(no_mangle)]
pub extern "C" fn knhk_status_text(status: i32) -> *const c_char {
    let known = usize::try_from(status)
        .ok()
        .and_then(|number| STATUSES.get(number));
    known
        .map_or(c"no status of knhk-pool", |status| status.text())
        .as_ptr()
}

/// Runs `work` so that no panic leaves it.
pub(crate) fn guarded(work: impl FnOnce() -> Result<(), Status>) -> Status {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(())) => Status::Ok,
        Ok(Err(status)) => status,
        Err(payload) => {
            // Its drop might panic again, and so on.
            if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
                mem::forget(again);
            }
            Status::Panicked
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_status() {
        assert_eq!(guarded(|| panic!("on purpose")), Status::Panicked);
        assert_eq!(guarded(|| Err(Status::Full)), Status::Full);
        assert_eq!(guarded(|| Ok(())), Status::Ok);
    }

    #[test]
    fn statuses_stand_at_their_numbers() {
        for (number, status) in STATUSES.into_iter().enumerate() {
            assert_eq!(status as usize, number);
        }
    }
}
