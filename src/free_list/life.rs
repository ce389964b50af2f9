//! A free list's life: from thread to thread, and when its memory goes.
//!
//! ```text
//!                     nothing out                     reopen
//!  owned ──▶ closing ─────────────▶ drained ────────────────▶ owned by another thread
//!               │ something out        ▲
//!               └─────▶ draining ──────┘ the last late release
//! ```
//!
//! Two may want to close a list at once: its thread, which ends, and another that drops the pool.
//! Who takes it from *owned* to *closing* does it; the other leaves it alone.

use super::{CLOSED, FreeList, room};
use crate::raw::slab::Slab;
use crate::sync::modelled::{AtomicU8, Cell, Ordering};

/// A thread uses it.
const OWNED: u8 = 0;
/// Its thread is ending, or its pool; nothing goes into it any more.
const CLOSING: u8 = 1;
/// Its thread has ended, but something of it is still out.
const DRAINING: u8 = 2;
/// Its thread has ended and nothing is out: another thread may have it.
const DRAINED: u8 = 3;
/// No thread owns it: it serves ending threads, from the heap alone.
const STRAY: u8 = 4;

/// Who may use a list.
#[derive(Debug)]
pub(super) struct State {
    word: AtomicU8,
    /// Borrowed handles; each keeps the list from changing hands.
    pins: Cell<usize>,
}

impl State {
    pub(super) fn owned() -> Self {
        Self {
            word: AtomicU8::new(OWNED),
            pins: Cell::new(0),
        }
    }

    pub(super) fn stray() -> Self {
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
    /// blocks are freed. The slab stays. Returns whether the caller was the one to do it.
    ///
    /// Afterwards the list [is drained](Self::is_drained) if nothing is out; else the last late
    /// release makes it so.
    pub(crate) fn close(&self) -> bool {
        // Acquire: the one who closes sees what the owner did; by other means, too, since the owner
        // is the caller or has let go of the pool. Relaxed on failure: the caller does nothing.
        let word = &self.state.word;
        let (acquire, relaxed) = (Ordering::Acquire, Ordering::Relaxed);
        if word
            .compare_exchange(OWNED, CLOSING, acquire, relaxed)
            .is_err()
        {
            return false;
        }
        let change = self.change();
        self.room.store(0, Ordering::Relaxed);
        self.empty_slot_into_stack();
        drop(change);
        self.free_idle_blocks();
        let _change = self.change();
        self.sub_total(self.idle());
        self.len.store(0, Ordering::Relaxed);
        self.low.store(0, Ordering::Relaxed);
        self.prepared.set(false);
        let left = if self.is_empty() { DRAINED } else { DRAINING };
        // Release, for the Acquire in `is_drained`.
        word.store(left, Ordering::Release);
        true
    }

    /// Whether the thread that had this list has given everything back.
    ///
    /// Acquire, for the Releases in [`close`](Self::close) and
    /// [`drained_if_last`](Self::drained_if_last): who sees `true` sees all that the old owner did,
    /// and it does nothing more.
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
        self.room.store(
            room(self.capacity, self.recorder.is_some()),
            Ordering::Relaxed,
        );
        self.restart_record();
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
            self.slot.store(CLOSED, Ordering::Relaxed);
            self.len.store(0, Ordering::Relaxed);
            self.low.store(0, Ordering::Relaxed);
            self.unseal();
            self.prepared.set(false);
        }
        if !self.prepared.get() {
            drop(self.take_slab());
        }
        before.saturating_sub(self.books.bytes())
    }

    /// Takes out the slab of a list that is not prepared, and of which no slot is out.
    pub(crate) fn take_slab(&self) -> Option<Slab> {
        debug_assert!(!self.prepared.get(), "the slab's slots are in circulation");
        self.books.slab_bytes.store(0, Ordering::Relaxed);
        self.slab.borrow_mut().take()
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

    /// The last thing that a late release does to the list: after it, it may be another thread's.
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
