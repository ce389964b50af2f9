//! Poison: memory at rest is filled and unreadable, and cookies stand around each buffer.
//!
//! ```text
//!           start
//!  │ front, 64 B        │ buffer   │ padding, 64 B │ back, 64 B │
//!  │ state │ capacity │ │          │ zeros         │ cookies    │
//! ```
//!
//! A fault is found by AddressSanitizer where it happens, in its build; in any build when the buffer
//! comes back, is handed out again or is freed, with a panic that says which bytes were overwritten. The
//! panic comes out of a drop, which may be that of a thread-local: there, and on a thread that panics
//! already, it ends the process.

use std::cell::RefCell;
use std::fmt;
use std::ptr::{self, NonNull};
use std::slice;

use super::asan;
use crate::raw::PADDING;
use crate::raw::slab::Slab;

/// Bytes in front of each buffer: a line, so that the buffer stays aligned.
pub(crate) const FRONT: usize = 64;

/// Bytes behind each buffer's padding.
pub(crate) const BACK: usize = 64;

/// Whether [`lay_down`] does something.
pub(crate) const LAYS: bool = true;

/// Whether [`lay_down`] allocates.
pub(crate) const ALLOCATES: bool = false;

/// Whether [`hide`] does something.
pub(crate) const HIDES: bool = true;

/// What memory at rest is filled with.
const FILL: u8 = 0xDD;
const COOKIE: u8 = 0xC7;

/// The cookies' first words. Neither is a fill, nor text, nor a small number.
const IN_USE: usize = usize::from_ne_bytes([0xA6; size_of::<usize>()]);
const AT_REST: usize = usize::from_ne_bytes([0xA5; size_of::<usize>()]);

/// What stands in front of a buffer.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(C)]
struct Front {
    state: usize,
    capacity: usize,
    cookies: [u8; FRONT - 2 * size_of::<usize>()],
}

const _: () = assert!(size_of::<Front>() == FRONT);

impl Front {
    const fn new(state: usize, capacity: usize) -> Self {
        Self {
            state,
            capacity,
            cookies: [COOKIE; FRONT - 2 * size_of::<usize>()],
        }
    }
}

/// A buffer and its surroundings.
#[derive(Clone, Copy)]
struct Place {
    start: NonNull<u8>,
    capacity: usize,
}

impl Place {
    fn front(self) -> NonNull<Front> {
        // SAFETY: `begin` was told of this buffer: FRONT bytes in front are of its allocation.
        unsafe { self.start.sub(FRONT) }.cast()
    }

    fn back(self) -> NonNull<u8> {
        // SAFETY: as above: BACK bytes behind the padding are too.
        unsafe { self.start.add(self.capacity + PADDING) }
    }

    fn whole(self) -> (NonNull<u8>, usize) {
        (self.front().cast(), FRONT + self.capacity + PADDING + BACK)
    }

    /// Makes all of it readable.
    fn open(self) {
        let (start, len) = self.whole();
        // SAFETY: of one allocation, as `begin` was told.
        unsafe { asan::unpoison(start, len) };
    }

    /// Makes the surroundings unreadable, and the buffer with them if it is at rest.
    fn shut(self, state: usize) {
        let (start, len) = self.whole();
        // SAFETY: of one allocation; before the next look here `open` is called, and a buffer's
        // owner has no business outside of it.
        unsafe { asan::poison(start, len) };
        if state == IN_USE {
            // SAFETY: of one allocation.
            unsafe { asan::unpoison(self.start, self.capacity + PADDING) };
        }
    }

    /// Writes the cookies for `state`.
    fn set(self, state: usize) {
        // SAFETY: FRONT bytes, a multiple of 64 below a buffer's start, and no one else's.
        unsafe { self.front().write(Front::new(state, self.capacity)) };
    }

    /// The state, if the cookies in front are whole.
    fn state(self) -> Option<usize> {
        // SAFETY: written by `set`, and whatever was written over it is bytes too.
        let front = unsafe { self.front().read() };
        let whole = |state| front == Front::new(state, self.capacity);
        [IN_USE, AT_REST].into_iter().find(|state| whole(*state))
    }

    /// Whether `len` bytes from `start` on all are `byte`; else how far the first other one is.
    ///
    /// # Safety
    ///
    /// * They are readable and initialised, and nobody writes to them meanwhile.
    unsafe fn first_other(start: NonNull<u8>, len: usize, byte: u8) -> Option<usize> {
        // SAFETY: the caller's bullet.
        let bytes = unsafe { slice::from_raw_parts(start.as_ptr(), len) };
        bytes.iter().position(|found| *found != byte)
    }

    /// Checks what nobody may write to, whoever has the buffer; returns the state.
    fn check(self) -> usize {
        let Some(state) = self.state() else {
            self.fault(Fault::Front);
        };
        let Self { start, capacity } = self;
        // SAFETY: the padding, which is initialised (raw invariant 1) and the buffer's.
        let padding = unsafe { start.add(capacity) };
        // SAFETY: as above.
        if let Some(at) = unsafe { Self::first_other(padding, PADDING, 0) } {
            self.fault(Fault::Behind { at: capacity + at });
        }
        // SAFETY: written by `begin`, and nobody else's.
        if let Some(at) = unsafe { Self::first_other(self.back(), BACK, COOKIE) } {
            let at = capacity + PADDING + at;
            self.fault(Fault::Behind { at });
        }
        state
    }

    /// Checks that nobody wrote to the buffer while it was at rest.
    fn check_fill(self) {
        // SAFETY: filled by `lay_down`.
        if let Some(at) = unsafe { Self::first_other(self.start, self.capacity, FILL) } {
            self.fault(Fault::AfterReturn { at });
        }
    }

    /// Makes the surroundings whole again. The buffer stays in use for ever, for whoever gives it back or
    /// takes it panics; so its fault is told once, and not again when its slab is freed.
    fn mend(self) {
        // SAFETY: the padding is inside of the buffer's surroundings.
        let padding = unsafe { self.start.add(self.capacity) };
        // SAFETY: as above, and the buffer's own.
        unsafe { padding.write_bytes(0, PADDING) };
        // SAFETY: told of it before.
        unsafe { begin(self.start, self.capacity) };
    }

    #[cold]
    fn fault(self, fault: Fault) -> ! {
        let Self { start, capacity } = self;
        if !matches!(fault, Fault::ReturnedTwice | Fault::HandedOutTwice) {
            self.mend();
        }
        panic!("POISON: {fault}, a buffer of {capacity} bytes at {start:p}");
    }
}

/// What was found.
enum Fault {
    Front,
    Behind { at: usize },
    AfterReturn { at: usize },
    ReturnedTwice,
    HandedOutTwice,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Front => write!(f, "overrun in front of"),
            Self::Behind { at } => write!(f, "overrun behind the end, at offset {at}, of"),
            Self::AfterReturn { at } => {
                write!(f, "written to at offset {at} after it was returned:")
            }
            Self::ReturnedTwice => write!(f, "returned twice:"),
            Self::HandedOutTwice => write!(f, "handed out while in use:"),
        }
    }
}

/// A buffer of `capacity` bytes is new, and in use.
///
/// # Safety
///
/// * `FRONT` bytes in front, the buffer, its padding, and `BACK` bytes behind are writable, and
///   nobody else's.
pub(crate) unsafe fn begin(start: NonNull<u8>, capacity: usize) {
    let place = Place { start, capacity };
    place.open();
    place.set(IN_USE);
    // SAFETY: the caller's bullet.
    unsafe { place.back().write_bytes(COOKIE, BACK) };
    place.shut(IN_USE);
}

/// A buffer of `capacity` bytes is new, and waits.
///
/// # Safety
///
/// * As for [`begin`].
pub(crate) unsafe fn begin_at_rest(start: NonNull<u8>, capacity: usize) {
    // SAFETY: the caller's bullet.
    unsafe { begin(start, capacity) };
    // SAFETY: in use since the line above.
    unsafe { fill(start, capacity) };
}

/// A buffer came back: checks its surroundings, fills it, and makes it unreadable.
///
/// # Safety
///
/// * `start` is in use, of `capacity` bytes: a slot of `slab`, or a block.
/// * Nobody uses it again, unless it is returned.
///
/// # Panics
///
/// If its surroundings were written to, or it is at rest already.
pub(crate) unsafe fn lay_down(
    _slab: &RefCell<Option<Slab>>,
    start: NonNull<u8>,
    capacity: usize,
) -> NonNull<u8> {
    // SAFETY: the caller's bullets.
    unsafe { fill(start, capacity) };
    start
}

/// # Safety
///
/// * As for [`lay_down`].
unsafe fn fill(start: NonNull<u8>, capacity: usize) {
    let place = Place { start, capacity };
    place.open();
    if place.check() == AT_REST {
        place.fault(Fault::ReturnedTwice);
    }
    // SAFETY: the buffer's own bytes, which nobody uses any more.
    unsafe { start.write_bytes(FILL, capacity) };
    place.set(AT_REST);
    place.shut(AT_REST);
}

/// A buffer that was laid down is handed out: checks that it is as it was left.
///
/// # Safety
///
/// * `start` was laid down, with `capacity` bytes.
///
/// # Panics
///
/// If it, or its surroundings, were written to.
pub(crate) unsafe fn take_up(start: NonNull<u8>, capacity: usize) {
    let place = Place { start, capacity };
    place.open();
    if place.check() == IN_USE {
        place.fault(Fault::HandedOutTwice);
    }
    place.check_fill();
    place.set(IN_USE);
    place.shut(IN_USE);
}

/// A buffer is about to be freed, or to become a `Vec`.
///
/// # Safety
///
/// * As for [`begin`], which was told of it.
///
/// # Panics
///
/// As [`lay_down`] and [`take_up`].
pub(crate) unsafe fn end(start: NonNull<u8>, capacity: usize) {
    let place = Place { start, capacity };
    place.open();
    if place.check() == AT_REST {
        place.check_fill();
    }
}

/// `len` bytes are nobody's: fills them, and makes them unreadable.
///
/// # Safety
///
/// * They are writable, and nobody reads or writes them before they are [shown](show).
pub(crate) unsafe fn hide(start: NonNull<u8>, len: usize) {
    // SAFETY: the caller's bullet; some of them may be hidden already.
    unsafe { asan::unpoison(start, len) };
    // SAFETY: the caller's bullet.
    unsafe { ptr::write_bytes(start.as_ptr(), FILL, len) };
    // SAFETY: the caller's bullet.
    unsafe { asan::poison(start, len) };
}

/// `len` bytes that were hidden are somebody's: checks that they are as they were left.
///
/// # Safety
///
/// * They were hidden.
///
/// # Panics
///
/// If they were written to.
pub(crate) unsafe fn show(start: NonNull<u8>, len: usize) {
    // SAFETY: of one allocation, since they were hidden.
    unsafe { asan::unpoison(start, len) };
    // SAFETY: filled by `hide`.
    if let Some(at) = unsafe { Place::first_other(start, len, FILL) } {
        written_after(start, len, at);
    }
}

#[cold]
fn written_after(start: NonNull<u8>, len: usize, at: usize) -> ! {
    panic!("POISON: written to at offset {at} after it was given back: {len} bytes at {start:p}");
}

/// `len` bytes are nobody's until they are written to: fills them. For memory that may be moved as a
/// whole, which may not be hidden.
///
/// # Safety
///
/// * They are writable, and nobody else's.
pub(crate) unsafe fn scrub(start: NonNull<u8>, len: usize) {
    // SAFETY: the caller's bullet.
    unsafe { ptr::write_bytes(start.as_ptr(), FILL, len) };
}

/// `len` bytes are nobody's, and keep what they hold.
///
/// # Safety
///
/// * Nobody reads or writes them before they are [uncovered](uncover).
pub(crate) unsafe fn cover(start: NonNull<u8>, len: usize) {
    // SAFETY: the caller's bullet.
    unsafe { asan::poison(start, len) };
}

/// `len` bytes that were covered or hidden are somebody's, or about to be freed.
///
/// # Safety
///
/// * They are of one allocation.
pub(crate) unsafe fn uncover(start: NonNull<u8>, len: usize) {
    // SAFETY: the caller's bullet.
    unsafe { asan::unpoison(start, len) };
}
