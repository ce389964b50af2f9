//! Which thread this is, and what ends with it.
//!
//! # Invariants
//!
//! 1. A number is that of one living thread. When a thread ends, all that it owns is closed by its
//!    `OWNED` before its number can be another's: the number is the address of memory that the C
//!    library takes back, under its own lock, after the destructors have run.

use std::cell::RefCell;

use knhk_pool::private::LateEnd;

use crate::status::Status;

/// The number of this thread: not 0.
///
/// The psABI of x86-64 has the thread's own address at `fs:0`: one load, where a thread-local of a
/// shared library is a call.
#[cfg(all(target_arch = "x86_64", target_os = "linux", not(miri)))]
#[inline(always)]
pub(crate) fn current() -> usize {
    let number: usize;
    // SAFETY: reads the first word of the thread control block, which every thread has (psABI, "Thread-
    // Local Storage").
    unsafe {
        std::arch::asm!(
            "mov {}, fs:0",
            out(reg) number,
            options(pure, readonly, nostack, preserves_flags)
        );
    }
    number
}

#[cfg(not(all(target_arch = "x86_64", target_os = "linux", not(miri))))]
#[inline(always)]
pub(crate) fn current() -> usize {
    thread_local! {
        static HERE: std::cell::Cell<u8> = const { std::cell::Cell::new(0) };
    }
    HERE.with(|here| std::ptr::from_ref(here).addr())
}

/// Closes what a handle names; its kind is known by the function.
type Close = fn(u64);

struct Owned(RefCell<Vec<(Close, u64)>>);

thread_local! {
    static OWNED: Owned = const { Owned(RefCell::new(Vec::new())) };
}

impl Owned {
    /// Room for `wanted` in all. The list is not borrowed while the allocator runs: it may come back here.
    fn make_room(&self, wanted: usize) -> Result<(), Status> {
        let mut larger = Vec::new();
        let reserved = larger.try_reserve_exact(wanted);
        reserved.map_err(|_| Status::OutOfMemory)?;
        let mut list = self.0.borrow_mut();
        if larger.capacity() > list.len() {
            larger.append(&mut list);
            let old = std::mem::replace(&mut *list, larger);
            drop(list);
            drop(old);
        }
        Ok(())
    }
}

/// What `OWNED`'s destructor does, where it is not called.
static LATE_END: LateEnd = LateEnd::new(|| {
    // No error: it is not called.
    let _ = OWNED.try_with(Owned::end);
});

impl Drop for Owned {
    fn drop(&mut self) {
        LATE_END.unneeded();
        self.end();
    }
}

impl Owned {
    /// The thread ends.
    fn end(&self) {
        // Last in, first out. `disown` finds nothing any more.
        for (close, handle) in self.0.take().into_iter().rev() {
            close(handle);
        }
    }
}

/// Has `close(handle)` called when this thread ends.
///
/// # Errors
///
/// [`Status::ThreadEnding`] if it is too late for that, [`Status::OutOfMemory`] if the allocator refuses.
pub(crate) fn own(close: Close, handle: u64) -> Result<(), Status> {
    let own = |owned: &Owned| {
        loop {
            let mut list = owned.0.borrow_mut();
            if list.len() < list.capacity() {
                list.push((close, handle));
                return Ok(());
            }
            let wanted = (2 * list.len()).max(4);
            drop(list);
            LATE_END.expect();
            owned.make_room(wanted)?;
        }
    };
    OWNED.try_with(own).unwrap_or(Err(Status::ThreadEnding))
}

/// Takes back what [`own`] said of `handle`.
pub(crate) fn disown(handle: u64) {
    // An error: the thread is ending, and its list is being worked off.
    let _ = OWNED.try_with(|owned| {
        let mut owned = owned.0.borrow_mut();
        if let Some(place) = owned.iter().rposition(|&(_, other)| other == handle) {
            owned.swap_remove(place);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_living_threads_have_two_numbers() {
        let mine = current();
        assert_eq!(current(), mine);
        let other = std::thread::scope(|scope| scope.spawn(current).join());
        assert_ne!(other.expect("it only asks"), mine);
    }
}
