//! A free list's life: from thread to thread, and when its memory goes.
//!
//! ```text
//!            close, nothing out                     reopen
//!  owned ───────────────────────────▶ drained ────────────────▶ owned by another thread
//!    │ close, something out              ▲
//!    └──────────────▶ draining ──────────┘ the last late release
//! ```

use std::cell::Cell;

use super::{CLOSED, EMPTY, FreeList};
use crate::raw::slab::Slab;
use crate::sync::{AtomicU8, Ordering};

/// A thread uses it.
const OWNED: u8 = 0;
/// Its thread has ended, but something of it is still out.
const DRAINING: u8 = 1;
/// Its thread has ended and nothing is out: another thread may have it.
const DRAINED: u8 = 2;
/// No thread owns it: it serves ending threads, from the heap alone.
const STRAY: u8 = 3;

/// Who may use a list.
#[derive(Debug)]
pub(super) struct State {
    word: AtomicU8,
    /// Borrowed handles; each keeps the list from changing hands.
    pins: Cell<usize>,
}

impl State {
    pub(super) const fn owned() -> Self {
        Self {
            word: AtomicU8::new(OWNED),
            pins: Cell::new(0),
        }
    }

    pub(super) const fn stray() -> Self {
        Self {
            word: AtomicU8::new(STRAY),
            pins: Cell::new(0),
        }
    }

    pub(super) fn is_owned(&self) -> bool {
        self.word.load(Ordering::Relaxed) == OWNED
    }

    pub(super) fn is_stray(&self) -> bool {
        self.word.load(Ordering::Relaxed) == STRAY
    }
}

impl FreeList {
    /// Ends the owner's time: no acquire and no release takes the hit path any more, and idle
    /// blocks are freed. The slab stays.
    ///
    /// Returns whether nothing is out, so that another thread may have the list; else the last late
    /// release makes it so.
    pub(crate) fn close(&self) -> bool {
        self.free_idle_blocks();
        let _change = self.change();
        self.sub_total(self.idle());
        self.slot.store(CLOSED, Ordering::Relaxed);
        self.len.store(0, Ordering::Relaxed);
        self.low.store(0, Ordering::Relaxed);
        self.room.store(0, Ordering::Relaxed);
        self.prepared.set(false);
        let drained = self.is_empty();
        // Relaxed: the closing thread publishes the list under its pool's lock.
        self.state
            .word
            .store(if drained { DRAINED } else { DRAINING }, Ordering::Relaxed);
        drained
    }

    /// Whether the thread that had this list has given everything back.
    ///
    /// Acquire, for the Release in [`drained_if_last`](Self::drained_if_last): who sees `true` sees
    /// all that the old owner did, and it does nothing more.
    pub(crate) fn is_drained(&self) -> bool {
        self.state.word.load(Ordering::Acquire) == DRAINED
    }

    /// Begins the time of a new owner, which is the caller.
    ///
    /// # Panics
    ///
    /// If the list is not drained.
    pub(crate) fn reopen(&self) {
        assert!(self.is_drained(), "only a drained list may change hands");
        self.room
            .store(self.capacity.saturating_sub(1), Ordering::Relaxed);
        self.state.word.store(OWNED, Ordering::Relaxed);
    }

    /// Gives idle blocks back, and the slab too if none of its slots is out; returns the bytes
    /// given back. The next acquire prepares a slab again.
    pub(crate) fn trim(&self) -> usize {
        if !self.state.is_owned() {
            return 0;
        }
        let before = self.books.bytes();
        self.free_idle_blocks();
        if self.prepared.get() && self.idle() == self.capacity {
            let _change = self.change();
            self.sub_total(self.capacity);
            self.slot.store(EMPTY, Ordering::Relaxed);
            self.len.store(0, Ordering::Relaxed);
            self.low.store(0, Ordering::Relaxed);
            self.prepared.set(false);
        }
        if !self.prepared.get() {
            self.drop_slab();
        }
        before.saturating_sub(self.books.bytes())
    }

    /// Frees the slab of a list that is not prepared, and of which no slot is out.
    pub(crate) fn drop_slab(&self) {
        debug_assert!(!self.prepared.get(), "the slab's slots are in circulation");
        self.books.slab_bytes.store(0, Ordering::Relaxed);
        let slab: Option<Slab> = self.slab.borrow_mut().take();
        drop(slab);
    }

    pub(crate) fn has_slab(&self) -> bool {
        self.slab.borrow().is_some()
    }

    /// Keeps the list from changing hands, as a buffer that is out does.
    pub(crate) fn pin(&self) {
        if !self.state.is_stray() {
            self.state.pins.set(self.state.pins.get() + 1);
        }
    }

    /// Undoes one [`pin`](Self::pin).
    pub(crate) fn unpin(&self) {
        if !self.state.is_stray() {
            self.state.pins.set(self.state.pins.get() - 1);
            self.drained_if_last();
        }
    }

    /// The last thing that a late release does: after it the list may be another thread's.
    pub(super) fn drained_if_last(&self) {
        let is_draining = self.state.word.load(Ordering::Relaxed) == DRAINING;
        if is_draining && self.is_empty() {
            // Release, for the Acquire in `is_drained`.
            self.state.word.store(DRAINED, Ordering::Release);
        }
    }

    fn is_empty(&self) -> bool {
        self.books.total() == 0 && self.state.pins.get() == 0
    }

    pub(super) fn is_slot(&self, buffer: std::ptr::NonNull<u8>) -> bool {
        // A stray list has no slab, and no one thread that may look.
        !self.state.is_stray()
            && self
                .slab
                .borrow()
                .as_ref()
                .is_some_and(|slab| slab.contains(buffer))
    }
}
