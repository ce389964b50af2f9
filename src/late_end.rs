//! The end of a thread that first comes here when its thread-locals have ended already.
//!
//! glibc ends a thread's thread-locals first, and runs the destructors of POSIX keys then. A thread-local that is
//! first used in one of those is registered with nobody any more: what it holds would be lost, and, where memory
//! is the thread's name, be the next thread's. A key of the library's own, which is set at the same time, has its
//! turn after all others: keys that are set meanwhile are looked at again, four times at least
//! (`PTHREAD_DESTRUCTOR_ITERATIONS`).
//!
//! A library that is closed (`dlclose`) meanwhile stays: a thread-local that is registered keeps it, and
//! one that ends takes the key's value back. Elsewhere than with glibc, thread-locals are keys themselves, or
//! nothing is known; this does nothing there.
//!
//! # Invariants
//!
//! 1. The value of a key of [`keys`] is null or a `fn()`.

/// What a thread-local's destructor does, for threads on which nobody calls that. One for each thread-local, as
/// a `static`.
#[derive(Debug)]
pub struct LateEnd {
    end: fn(),
    key: keys::Key,
}

impl LateEnd {
    /// `end` does what the thread-local's destructor does, and leaves it as it was before its first use.
    pub const fn new(end: fn()) -> Self {
        Self {
            end,
            key: keys::Key::new(),
        }
    }

    /// Has `end` called at the late end of this thread. Where the system has no more keys it is not.
    pub fn expect(&'static self) {
        self.key.set(Some(self.end));
    }

    /// The destructor is called: nothing is left for later.
    pub fn unneeded(&'static self) {
        self.key.set(None);
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu", not(miri), not(loom)))]
mod keys {
    use std::ffi::{c_int, c_uint, c_void};
    use std::mem;
    use std::ptr;
    use std::sync::OnceLock;

    // POSIX.1-2017, as glibc has it: a key is an unsigned int.
    unsafe extern "C" {
        fn pthread_key_create(
            key: *mut c_uint,
            destructor: Option<extern "C" fn(*mut c_void)>,
        ) -> c_int;
        fn pthread_setspecific(key: c_uint, value: *const c_void) -> c_int;
    }

    /// A key that is made at its first use; none if the system has no more.
    #[derive(Debug)]
    pub(super) struct Key(OnceLock<Option<c_uint>>);

    impl Key {
        pub(super) const fn new() -> Self {
            Self(OnceLock::new())
        }

        pub(super) fn set(&self, end: Option<fn()>) {
            if let Some(key) = *self.0.get_or_init(create) {
                let value = end.map_or(ptr::null(), |end| end as *const c_void);
                // SAFETY: a key that was made, and a value as it is to have (1). No memory for it: it stays as
                // it was.
                let _ = unsafe { pthread_setspecific(key, value) };
            }
        }
    }

    fn create() -> Option<c_uint> {
        let mut key = 0;
        // SAFETY: a place for a key, and a function that takes what the key's values are (1).
        let failed = unsafe { pthread_key_create(&mut key, Some(end)) };
        (failed == 0).then_some(key)
    }

    extern "C" fn end(value: *mut c_void) {
        // SAFETY: not null, since the system calls it for nothing else, and so a `fn()` (1).
        let end = unsafe { mem::transmute::<*mut c_void, fn()>(value) };
        end();
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu", not(miri), not(loom))))]
mod keys {
    /// None.
    #[derive(Debug)]
    pub(super) struct Key;

    impl Key {
        pub(super) const fn new() -> Self {
            Self
        }

        pub(super) fn set(&self, _end: Option<fn()>) {}
    }
}

#[cfg(all(test, target_os = "linux", target_env = "gnu", not(miri), not(loom)))]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn thread_is_ended_late_where_it_was_not_ended_before_and_there_alone() {
        static ENDED: AtomicUsize = AtomicUsize::new(0);
        static LATE: LateEnd = LateEnd::new(|| {
            ENDED.fetch_add(1, Ordering::Relaxed);
        });
        let ended_after = |work: fn()| {
            thread::spawn(work).join().expect("it ends well");
            ENDED.load(Ordering::Relaxed)
        };
        assert_eq!(ended_after(|| LATE.expect()), 1);
        let in_time = || {
            LATE.expect();
            LATE.unneeded();
        };
        assert_eq!(ended_after(in_time), 1);
        assert_eq!(ended_after(|| LATE.expect()), 2);
    }
}
